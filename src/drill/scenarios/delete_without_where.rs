//! A DELETE without WHERE empties a table.

use crate::drill::rows;
use crate::drill::scenario::{Detector, Fallback, Kind, Prerequisite, Scenario, Severity, Step};
use crate::drill::stage::Stage;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "delete-without-where",
    title: "A DELETE without WHERE empties a table",
    severity: Severity::Critical,
    uses: &[Kind::TrackedDatabase],
    symptom: "a list is empty that never was; the program runs without an error",
    description: "All rows of a table are gone, the table itself and all others are there. The database was committed so.",
    causes: "A statement that was typed by hand and whose WHERE was forgotten, a test that cleans up and ran on the real database.",
    impact: "Users see nothing where their data was, and what they enter now makes going back harder.",
    prevention: "A merge that brings this in is flagged (rule 'data-shrunk'), and refused where the manifest has a 'max_loss'. Nothing \
                 stops the statement itself.",
    desired: "The database is as before the statement, committed; everything else is as it was.",
    prerequisites: &[Prerequisite {
        what: "git has the database as it was before",
        check: Step::new(
            "guard verify --rev <start> <tracked-database>",
            "good",
            "The version of <start> is good, and has its rows. <start> is a commit of the time when all was well.",
        ),
        otherwise: "git log --oneline -- <tracked-database> lists the commits that changed it: take an older one",
    }],
    detect: Detector {
        run: "guard check --strict <start>..HEAD",
        fires: 1,
        says: "[data-shrunk]",
        noticed: "'guard check' names the table and how many rows it had. <start> is a commit of the time when all was well: 'git \
                  log --oneline -- <tracked-database>' lists those that changed the database.",
    },
    steps: &[
        Step::new(
            "guard verify --all-versions <tracked-database>",
            "rows",
            "One line a version, newest first, with its number of rows: where the number drops, they went.",
        ),
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
        Step::new("git commit -m 'bring the rows back' -- <tracked-database>", "", "It is committed."),
    ],
    verify: &[
        Step::new("guard verify <tracked-database>", "good", "The database is good, with as many rows as before."),
        Step::new("guard check --strict <start>..HEAD", "", "Nothing is found any more."),
    ],
    undo: &[Step::new("git revert --no-edit HEAD", "", "The emptied table is back, as a commit of its own.")],
    fallback: &[
        Fallback {
            when: "rows were added after the statement",
            then: "write the old version beside, guard restore <tracked-database> --from <start> --to /tmp/before, and bring its \
                   rows over: in sqlite3 ATTACH the old file, then INSERT OR IGNORE INTO … SELECT … from it",
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
    rows::delete_all(stage, Kind::TrackedDatabase)?;
    stage.commit("Ben", "clean up")?;
    Ok(())
}
