//! The disk is full while data is written, saved and brought back.

use crate::drill::scenario::{Detector, Fallback, Kind, Prerequisite, Scenario, Severity, Step};
use crate::drill::stage::Stage;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "disk-full",
    title: "The disk is full: a file is cut off, and neither backup nor restore works",
    severity: Severity::Critical,
    uses: &[Kind::Json, Kind::Ignored],
    symptom: "'No space left on device', and a file that ends too early",
    description: "A program could write only half of a file. 'guard backup create' and 'guard restore' say 'No space left on device' and \
                  leave file, store and backups as they were.",
    causes: "Logs, downloads or builds that nobody removes; a quota.",
    impact: "Data that is written now is lost or cut off, and there are no new backups until there is room.",
    prevention: "None. What the guard writes goes to a new file first, so a full disk can't destroy what it had saved.",
    desired: "There is room again, the file is good, the backups are whole and a new one is made.",
    prerequisites: &[Prerequisite {
        what: "a backup is there",
        check: Step::new("guard backup verify", "", "The backups are whole."),
        otherwise: "guard backup create",
    }],
    detect: Detector {
        run: "guard verify <json>",
        fires: 1,
        says: "bad",
        noticed: "Programs, backups and restores say 'No space left on device'; 'guard verify' says which files are cut off.",
    },
    steps: &[
        Step::new(
            "df -h .",
            "",
            "It says how full the disk is. Remove what is not needed: old logs, builds, downloads. Never remove \
             .git/recoveryguard: your backups are in it.",
        ),
        Step::new("guard backup verify", "", "What was saved is whole."),
        Step::new("guard restore <json>", "came back", "The file is good again. What stood there was saved first."),
        Step::new("guard backup create", "", "There is a new backup."),
    ],
    verify: &[
        Step::new("guard verify <json>", "good", "The file is good."),
        Step::new("guard verify <ignored>", "good", "And so are others."),
        Step::new("guard backup verify", "", "All backups are whole."),
    ],
    undo: &[Step::new("guard restore --undo", "", "The broken file stands there again.")],
    fallback: &[
        Fallback {
            when: "there is nothing to remove",
            then: "guard log --prune --keep 20 --dry-run and guard backup prune --dry-run say what of the guard's own could go; or \
                   copy the whole folder to a larger disk",
        },
        Fallback {
            when: "a restore says that it failed halfway",
            then: "run the same command again once there is room: it puts that right first",
        },
    ],
    may_lose: &[],
    inject,
};

fn inject(stage: &mut Stage) -> anyhow::Result<()> {
    let good = stage.read("json")?;
    anyhow::ensure!(good.len() > 2, "the file is too small to be cut");
    let broken = &good[..good.len() / 2];
    stage.write("json", broken)?;
    for (salt, line) in [(1, "guard backup create"), (2, "guard restore <json>")] {
        let steps = stage.choose(8, salt);
        let ran = stage.shell(&format!("RECOVERYGUARD_FAULT=full:{steps} {line}"))?;
        let said = ran.output.trim_end();
        anyhow::ensure!(ran.exit != 0, "'{line}' ended with 0 though the disk was full: {said}");
        anyhow::ensure!(said.contains("No space left on device"), "'{line}' did not say that the disk is full: {said}");
        anyhow::ensure!(stage.read("json")? == broken, "'{line}' changed the file though the disk was full");
    }
    Ok(())
}
