//! The newest backup is damaged, and the file that it would bring back is gone.

use anyhow::Context as _;
use serde_json::Value;

use crate::disk::{self, Durability};
use crate::drill::scenario::{Detector, Fallback, Kind, Prerequisite, Scenario, Severity, Step};
use crate::drill::stage::Stage;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "backup-corrupt",
    title: "The newest backup is damaged, and the file that it would bring back is gone",
    severity: Severity::Critical,
    uses: &[Kind::Ignored],
    symptom: "'guard backup verify' says 'damaged', or restore says that it passed a backup over",
    description: "Bytes that the newest backup saved are not what was saved. The same failing disk has taken the file itself, which \
                  git does not track.",
    causes: "A failing disk, a file system that was repaired after a crash, somebody who tidied up within '.git'.",
    impact: "The newest state can't be brought back. What counts is how old the newest backup is that is whole.",
    prevention: "'guard backup verify' on a timer reads every byte and finds it before the backup is needed; 'guard backup push' keeps \
                 a second copy elsewhere.",
    desired: "The file is back from the newest backup that is whole, a new backup is made, and the damaged one is gone from the list.",
    prerequisites: &[Prerequisite {
        what: "a backup holds the file",
        check: Step::new(
            "guard backup show",
            "<ignored>",
            "The newest backup lists the file, and says that it is good.",
        ),
        otherwise: "guard backup create",
    }],
    detect: Detector {
        run: "guard backup verify",
        fires: 1,
        says: "damaged",
        noticed: "'guard backup verify' names the damaged backup and the file. 'guard restore' finds it too, for it checks each \
                  byte that it brings back.",
    },
    steps: &[
        Step::new(
            "guard restore <ignored> --dry-run",
            "can't be read",
            "It passes over the damaged backup, says so, and names the next older good one and what going back to it loses.",
        ),
        Step::new("guard restore <ignored>", "came back", "The file is there, as the older backup has it."),
        Step::new("guard backup create", "Saved", "A new backup is made at once, from the file that is whole."),
        Step::new(
            "git --git-dir \"$(git rev-parse --git-common-dir)/recoveryguard/store.git\" update-ref -d refs/tags/backup/<backup>",
            "",
            "Only if 'guard backup verify' still names the backup: it is out of the list then, with all that it holds. <backup> is the last part of \
             its name, as 'guard backup verify' printed it. This can not be taken back.",
        ),
    ],
    verify: &[
        Step::new("guard backup verify", "All of it", "Every byte of all backups was read and is whole."),
        Step::new("guard verify <ignored>", "good", "The file is good."),
    ],
    undo: &[Step::new("guard restore --undo", "", "The file is gone again.")],
    fallback: &[
        Fallback {
            when: "no older backup here holds the file",
            then: "guard backup fetch <backup-remote> makes the damaged one whole where it was pushed, and brings the others that \
                   were pushed elsewhere",
        },
        Fallback {
            when: "'guard backup create' says that an object is damaged",
            then: "the file holds the very bytes that are damaged in the store: remove the object's file that the message names, and \
                   make the backup again",
        },
        Fallback {
            when: "more is damaged every day",
            then: "the disk is failing: push the backups elsewhere and move",
        },
    ],
    may_lose: &[Kind::Ignored],
    inject,
};

fn inject(stage: &mut Stage) -> anyhow::Result<()> {
    // The night's run wrote the file anew, and it was backed up.
    let mut bytes = stage.read("ignored")?;
    if bytes.pop_if(|last| *last == b'\n').is_none() {
        bytes.push(b'\n');
    }
    stage.write("ignored", &bytes)?;
    stage.quietly(&["guard", "backup", "create"])?;
    let shown: Value = serde_json::from_str(&stage.quietly(&["guard", "backup", "show", "--json"])?)?;
    let path = stage.value("ignored")?.to_string();
    let mut files = shown["files"].as_array().into_iter().flatten();
    let object = files.find(|file| file["path"] == *path).and_then(|file| file["blob"].as_str());
    let (folder, rest) = object.and_then(|object| object.split_at_checked(2)).context("the backup lacks the file")?;
    let place = stage.project().join(".git/recoveryguard/store.git/objects").join(folder).join(rest);
    let mut object = std::fs::read(&place).context("the backup's objects are packed")?;
    let at = object.len() / 2 + stage.choose(object.len() / 4, 1);
    object[at] ^= 0x55;
    disk::write_atomic(&place, &object, Durability::Lazy, 0o444)?;
    disk::remove_file(&stage.place("ignored")?)?;
    stage.set("backup", shown["id"].as_str().context("the backup has no name")?);
    Ok(())
}
