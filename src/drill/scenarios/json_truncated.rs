//! A JSON file is cut off in the middle.

use crate::drill::scenario::{Detector, Fallback, Kind, Prerequisite, Scenario, Severity, Step};
use crate::drill::stage::Stage;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "json-truncated",
    title: "A JSON file is cut off in the middle",
    severity: Severity::High,
    uses: &[Kind::Json],
    symptom: "a program can't read a JSON file: 'unexpected end'",
    description: "The file begins as it should and ends amid a value. Everything after the cut is gone from it.",
    causes: "A program was killed, or the disk was full, while it wrote the file in place instead of writing a new one and renaming it.",
    impact: "Whatever reads the file fails, or, worse, takes what it could read for the whole.",
    prevention: "A merge that brings in such a file is refused (rule 'invalid-data'). Nothing stops a program from writing it.",
    desired: "The file is as it was when it was last whole; nothing else has changed.",
    prerequisites: &[Prerequisite {
        what: "git or a backup has a good version of the file",
        check: Step::new("guard verify --rev HEAD <json>", "good", "The committed version is good."),
        otherwise: "guard restore <json> --dry-run says which older version is; without one, make the file anew",
    }],
    detect: Detector {
        run: "guard verify <json>",
        fires: 1,
        says: "bad",
        noticed: "The next 'guard verify', commit or check says that the file is bad, with line and column.",
    },
    steps: &[
        Step::new(
            "guard restore <json> --dry-run",
            "would come back",
            "It names the newest good version, why each newer one was passed over, and how many records going back loses.",
        ),
        Step::new(
            "guard restore <json>",
            "came back",
            "That version stands in its place. What stood there was saved first.",
        ),
    ],
    verify: &[Step::new("guard verify <json>", "good", "The file is good.")],
    undo: &[Step::new("guard restore --undo", "", "The broken file stands there again.")],
    fallback: &[
        Fallback {
            when: "no version is good",
            then: "guard verify --all-versions <json> lists what is wrong with each; take the least bad one with \
                   guard restore <json> --from <version> --unchecked",
        },
        Fallback {
            when: "it is broken again a minute later",
            then: "the program that writes it is still running: stop it, restore, then mend the program",
        },
    ],
    may_lose: &[Kind::Json],
    inject,
};

fn inject(stage: &mut Stage) -> anyhow::Result<()> {
    let bytes = stage.read("json")?;
    anyhow::ensure!(bytes.len() > 2, "the file is too small to be cut");
    // Somewhere in the middle half.
    let cut = bytes.len() / 4 + stage.choose(bytes.len() / 2, 1);
    stage.write("json", &bytes[..cut.max(1)])
}
