//! The end of a database is cut off.

use crate::drill::scenario::{Detector, Fallback, Kind, Prerequisite, Scenario, Severity, Step};
use crate::drill::stage::Stage;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "sqlite-cut",
    title: "The end of a database is cut off",
    severity: Severity::High,
    uses: &[Kind::Database],
    symptom: "the database file is a bit smaller than before; SQLite's own check may find nothing",
    description: "The last bytes of the file are missing, less than a page. SQLite itself reads such a file without an error as long as \
                  nobody needs the last page.",
    causes: "A copy or download that broke off near its end, a full disk, a file system check that shortened the file.",
    impact: "Rows on the last page are gone or wrong, and nobody is told until they are asked for.",
    prevention: "None. 'guard verify' compares the length with what the file says of itself, which SQLite's check does not.",
    desired: "The database is as its newest good version has it; what was written since then is lost, and how much is known.",
    prerequisites: &[Prerequisite {
        what: "git or a backup has the database",
        check: Step::new(
            "git cat-file -e HEAD:<database> 2> /dev/null || guard backup show | grep -F <database>",
            "",
            "No error: git has it, or the newest backup lists it.",
        ),
        otherwise: "guard backup create",
    }],
    detect: Detector {
        run: "guard verify <database>",
        fires: 1,
        says: "bad",
        noticed: "'guard verify' says how long the file is and how long it should be.",
    },
    steps: &[
        Step::new(
            "guard restore <database> --dry-run",
            "would come back",
            "It names the newest good version. Stop the programs that use the database now.",
        ),
        Step::new(
            "guard restore <database>",
            "came back",
            "That version stands in its place. What stood there was saved first.",
        ),
    ],
    verify: &[Step::new("guard verify <database>", "good", "The database is good, to its last page.")],
    undo: &[Step::new("guard restore --undo", "", "The short file stands there again.")],
    fallback: &[
        Fallback {
            when: "guard restore says that the database is in use",
            then: "stop the process that it names, then try again",
        },
        Fallback {
            when: "the file came from another machine",
            then: "copy it again from there, and compare with guard verify before it is used; on the other machine make the copy \
                   with sqlite3 <database> '.backup copy.db', not with cp",
        },
    ],
    may_lose: &[Kind::Database],
    inject,
};

fn inject(stage: &mut Stage) -> anyhow::Result<()> {
    let bytes = stage.read("database")?;
    anyhow::ensure!(bytes.len() >= 512, "this is no database");
    // The smallest page has 512 bytes.
    let cut = 1 + stage.choose(511, 1);
    stage.write("database", &bytes[..bytes.len() - cut])
}
