//! An UPDATE without WHERE sets all rows to one value.

use crate::drill::rows;
use crate::drill::scenario::{Detector, Fallback, Kind, Prerequisite, Scenario, Severity, Step};
use crate::drill::stage::Stage;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "update-without-where",
    title: "An UPDATE without WHERE sets all rows to one value",
    severity: Severity::Critical,
    uses: &[Kind::TrackedDatabase],
    symptom: "all rows of a table suddenly say the same: every order is 'paid', every user is an administrator",
    description: "Every row is there, and one column of all of them holds the same value. What stood there before is in older \
                  versions only. The database was committed so.",
    causes: "A statement that was typed by hand and whose WHERE was forgotten, a filter in a program that matched everything.",
    impact: "Wrong decisions are taken from wrong values at once, and no check of the file finds anything.",
    prevention: "A merge that brings this in is flagged (rule 'data-shrunk'). Nothing stops the statement itself.",
    desired: "The database is as before the statement, committed; everything else is as it was.",
    prerequisites: &[Prerequisite {
        what: "git has the database as it was before",
        check: Step::new(
            "guard verify --rev <start> <tracked-database>",
            "good",
            "The version of <start> is good. <start> is a commit of the time when all was well.",
        ),
        otherwise: "git log --oneline -- <tracked-database> lists the commits that changed it: take an older one",
    }],
    detect: Detector {
        run: "guard check --strict <start>..HEAD",
        fires: 1,
        says: "[data-shrunk]",
        noticed: "'guard check' names the table and the column that holds one value now. <start> is a commit of the time when all \
                  was well: 'git log --oneline -- <tracked-database>' lists those that changed the database.",
    },
    steps: &[
        Step::new(
            "guard restore <tracked-database> --from <start> --dry-run",
            "<tracked-database>",
            "It says that the file would come back as it is in <start>. Stop the programs that use the database now.",
        ),
        Step::new(
            "guard restore <tracked-database> --from <start>",
            "restored from",
            "The database of then stands there. What stood there was saved first.",
        ),
        Step::new("git commit -m 'bring the database back' -- <tracked-database>", "", "It is committed."),
    ],
    verify: &[
        Step::new("guard verify <tracked-database>", "good", "The database is good."),
        Step::new("guard check --strict <start>..HEAD", "", "Nothing is found any more."),
    ],
    undo: &[Step::new("git revert --no-edit HEAD", "", "The changed database is back, as a commit of its own.")],
    fallback: &[
        Fallback {
            when: "rows were added after the statement",
            then: "write the old version beside, guard restore <tracked-database> --from <start> --to /tmp/before, and copy only \
                   the column back: in sqlite3 ATTACH the old file, then UPDATE … SET column = (SELECT … WHERE the ids are equal)",
        },
        Fallback {
            when: "guard restore says that the database is in use",
            then: "stop the process that it names, then try again",
        },
    ],
    may_lose: &[],
    inject,
};

fn inject(stage: &mut Stage) -> anyhow::Result<()> {
    rows::set_to_one_value(stage, Kind::TrackedDatabase)?;
    stage.commit("Ben", "correct one entry")?;
    Ok(())
}
