//! A power loss leaves a JSON file with no bytes.

use crate::drill::scenario::{Detector, Fallback, Kind, Prerequisite, Scenario, Severity, Step};
use crate::drill::stage::Stage;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "json-empty",
    title: "A power loss leaves a JSON file with no bytes",
    severity: Severity::High,
    uses: &[Kind::Json],
    symptom: "after a crash of the machine a JSON file is there, with a size of 0",
    description: "The file has its name and nothing in it. Other files that were written in the last seconds may be empty, too.",
    causes: "The power went, or the machine was reset, before the system had written the file's bytes to the disk. Its name was \
             written first.",
    impact: "Whatever reads the file fails, or takes it for 'no data' and goes on with that.",
    prevention: "Nothing prevents it. 'guard backup create' writes so that a power loss can't hurt what was saved.",
    desired: "The file is as it was when it was last whole; nothing else has changed.",
    prerequisites: &[Prerequisite {
        what: "git or a backup has a good version of the file",
        check: Step::new("guard verify --rev HEAD <json>", "good", "The committed version is good."),
        otherwise: "guard restore <json> --dry-run says which older version is; without one, make the file anew",
    }],
    detect: Detector {
        run: "guard verify",
        fires: 1,
        says: "<json>",
        noticed: "Look at all data files after a crash: 'guard verify' lists every one, and those that are bad have to come back.",
    },
    steps: &[
        Step::new("guard restore <json> --dry-run", "would come back", "It names the newest good version."),
        Step::new("guard restore <json>", "came back", "That version stands in its place."),
    ],
    verify: &[Step::new("guard verify", "good", "All data files are good.")],
    undo: &[Step::new("guard restore --undo", "", "The empty file stands there again.")],
    fallback: &[
        Fallback {
            when: "git says that objects are missing or damaged",
            then: "git's own files were hit as well: git fsck lists what is damaged, 'clone-lost' says how to get a fresh clone",
        },
        Fallback {
            when: "several files are empty",
            then: "guard restore with all of their names brings them back together, each in its newest good version",
        },
        Fallback {
            when: "what came back is too old",
            then: "look into the logs of the program that writes the file, and let it write the last entries again",
        },
    ],
    may_lose: &[Kind::Json],
    inject,
};

fn inject(stage: &mut Stage) -> anyhow::Result<()> {
    stage.write("json", b"")
}
