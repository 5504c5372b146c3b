//! An old copy of a database wins a merge.

use crate::drill::rows;
use crate::drill::scenario::{Detector, Fallback, Kind, Prerequisite, Scenario, Severity, Step};
use crate::drill::stage::Stage;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "old-database",
    title: "An old copy of a database wins a merge",
    severity: Severity::Critical,
    uses: &[Kind::TrackedDatabase],
    symptom: "since a merge the newest entries of a database are gone",
    description: "Both sides of a merge had changed the database. git can't merge databases: one side's whole file was taken, and it \
                  was the older one. The other side's rows are not in it.",
    causes: "The conflict in the binary file was settled with 'theirs' to get on, or a merge strategy took a side without asking.",
    impact: "Everything that was entered on the other side since the two parted is gone, and nothing in the merge's difference shows it.",
    prevention: "With hooks a merge whose result lacks a side's rows is flagged before it is committed (rule 'lost-records'), and \
                 refused where more go than 'max_loss' allows.",
    desired: "The database is the one of the side that had the newer rows, committed; the rest of the merge stays.",
    prerequisites: &[Prerequisite {
        what: "git has the database as it was before the merge",
        check: Step::new(
            "guard verify --rev <start> <tracked-database>",
            "good",
            "The version of <start>, the commit before the merge, is good.",
        ),
        otherwise: "git log --oneline -- <tracked-database> lists the commits that changed it: take an older one",
    }],
    detect: Detector {
        run: "guard check --strict <start>..HEAD",
        fires: 1,
        says: "[lost-records]",
        noticed: "'guard check' names the database, the table and how many rows are missing of which side. <start> is the commit \
                  before the merge.",
    },
    steps: &[
        Step::new(
            "git log --merges --format='%h %p %an: %s' <start>..HEAD",
            "old copy",
            "It lists the merges since <start>: <merge> is the first word of the one in question, behind it are its two sides, \
             <merge>^1 and <merge>^2.",
        ),
        Step::new(
            "guard verify --rev <merge>^1 <tracked-database>",
            "rows",
            "The first side's version, with its number of rows. If it has fewer than the one of <merge>^2, take ^2 below.",
        ),
        Step::new(
            "guard restore <tracked-database> --from <merge>^1 --dry-run",
            "<tracked-database>",
            "It says that the file would come back as that side had it. Stop the programs that use the database now.",
        ),
        Step::new(
            "guard restore <tracked-database> --from <merge>^1",
            "restored from",
            "That side's database stands there. What stood there was saved first.",
        ),
        Step::new("git commit -m 'take the newer database' -- <tracked-database>", "", "It is committed."),
    ],
    verify: &[
        Step::new(
            "guard verify <tracked-database>",
            "good",
            "The database is good, with as many rows as that side had.",
        ),
        Step::new("git diff --exit-code <merge>^1 -- <tracked-database>", "", "It is that side's file."),
    ],
    undo: &[Step::new("git revert --no-edit HEAD", "", "The old copy is back, as a commit of its own.")],
    fallback: &[
        Fallback {
            when: "both sides had rows that are needed",
            then: "write the other side's version beside, guard restore <tracked-database> --from <merge>^2 --to /tmp/other, and \
                   bring its rows over: in sqlite3 ATTACH it, then INSERT OR IGNORE INTO … SELECT … from it",
        },
        Fallback { when: "the whole merge was wrong", then: "guard undo-merge takes it back; see 'merge-deletes'" },
    ],
    may_lose: &[],
    inject,
};

fn inject(stage: &mut Stage) -> anyhow::Result<()> {
    let branch = stage.value("branch")?.to_string();
    let now = stage.read("tracked-database")?;
    // How the two parted: both began with fewer rows, and rows were entered on one side only.
    rows::delete_newer_half(stage, Kind::TrackedDatabase)?;
    stage.commit("Ada", "the database as it was last week")?;
    stage.quietly(&["git", "switch", "-q", "-c", "old-copy"])?;
    rows::run(stage, Kind::TrackedDatabase, "VACUUM")?;
    stage.commit("Ben", "try something with a copy")?;
    stage.quietly(&["git", "switch", "-q", &branch])?;
    stage.write("tracked-database", &now)?;
    let start = stage.commit("Ada", "a week's entries")?;
    stage.quietly(&["git", "merge", "-q", "-X", "theirs", "-m", "merge Ben's old copy", "old-copy"])?;
    let merge = stage.quietly(&["git", "rev-parse", "HEAD"])?;
    stage.set("start", start);
    stage.set("merge", merge);
    Ok(())
}
