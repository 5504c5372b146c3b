//! The guard dies amid a restore.

use crate::drill::scenario::{Detector, Fallback, Kind, Prerequisite, Scenario, Severity, Step};
use crate::drill::stage::Stage;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "crash-during-restore",
    title: "The computer or the guard died amid a restore",
    severity: Severity::High,
    uses: &[Kind::Json],
    symptom: "a restore was killed, or the machine went down, and nobody knows what is done",
    description: "'guard restore' writes beside the file, then swaps, and notes each step before it is taken. When it dies, the old file \
                  or the new one stands there whole, and the operation is open.",
    causes: "Power failure, a container that was stopped, 'kill -9', memory that ran out.",
    impact: "The file may still be the damaged one. A half-written copy may lie beside it under the name '.tmp-guard-…'.",
    prevention: "Nothing can prevent it. No file is ever half written in its place.",
    desired: "The file is good, the operation is closed, and nothing is left beside the file.",
    prerequisites: &[Prerequisite {
        what: "git or a backup has a good version of the file",
        check: Step::new("guard verify --rev HEAD <json>", "good", "The committed version is good."),
        otherwise: "guard restore <json> --dry-run says which older version is",
    }],
    detect: Detector {
        run: "! guard log -n 1 2>&1 | grep 'has not ended'",
        fires: 1,
        says: "has not ended",
        noticed: "'guard log' and 'guard show' say that an operation has not ended.",
    },
    steps: &[Step::new(
        "guard restore <json>",
        "was interrupted and is",
        "The same command again: it finishes what was begun or rolls it back, says which, and brings the file back if it has to.",
    )],
    verify: &[
        Step::new("guard verify <json>", "good", "The file is good."),
        Step::new("! guard log -n 1 2>&1 | grep 'has not ended'", "", "It prints nothing: no operation is open."),
        Step::new("git status --short", "", "Nothing is left beside the file."),
    ],
    undo: &[],
    fallback: &[
        Fallback {
            when: "it says that another guard is running",
            then: "wait for it to end; when no process called guard is there any more, run the command again",
        },
        Fallback { when: "it was another command than a restore", then: "guard doctor does the same for any of them" },
    ],
    may_lose: &[],
    inject,
};

/// More changes of the file system than a restore makes.
const MOST: usize = 200;

fn inject(stage: &mut Stage) -> anyhow::Result<()> {
    let good = stage.read("json")?;
    anyhow::ensure!(good.len() > 2, "the file is too small to be cut");
    let broken = &good[..good.len() / 2];
    // Killed later and later, until it dies with its operation open.
    for steps in (4 + stage.choose(4, 1)..MOST).step_by(4) {
        stage.write("json", broken)?;
        let died = stage.shell(&format!("ulimit -c 0; RECOVERYGUARD_FAULT=die:{steps} guard restore <json>"))?;
        if stage.shell("guard log -n 1")?.output.contains("has not ended") {
            return Ok(());
        }
        anyhow::ensure!(died.exit != 0, "the restore ended before it could be killed");
    }
    anyhow::bail!("the restore could not be killed")
}
