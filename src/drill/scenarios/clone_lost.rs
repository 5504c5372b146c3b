//! The whole clone is lost, with the backups in it.

use anyhow::Context as _;

use crate::disk;
use crate::drill::scenario::{Detector, Fallback, Kind, Prerequisite, Scenario, Severity, Step};
use crate::drill::stage::Stage;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "clone-lost",
    title: "The whole clone is lost, with the backups in it",
    severity: Severity::Critical,
    uses: &[Kind::Ignored],
    symptom: "the project's folder is empty or gone, or git says 'not a git repository'",
    description: "The working tree and its '.git' are gone: the disk died, the machine was stolen, the folder was deleted. With them \
                  the data that git does not track, and the backups that lay within '.git'.",
    causes: "A dead disk, 'rm -rf' in the wrong folder, a container or virtual machine that was thrown away.",
    impact: "What was neither pushed nor backed up elsewhere is lost for good.",
    prevention: "'guard backup push' after each 'guard backup create' keeps the backups on another machine; 'git push' keeps the \
                 commits there.",
    desired: "A new clone stands there with hooks, with the backups, and with the data that git does not track in its newest good \
              version.",
    prerequisites: &[Prerequisite {
        what: "a backup holds the data that git does not track, and was pushed to another machine",
        check: Step::new(
            "guard backup show",
            "<ignored>",
            "The newest backup lists the file. 'guard backup push <backup-remote> --dry-run' says that nothing is left to send.",
        ),
        otherwise: "guard backup create, then guard backup push <backup-remote>",
    }],
    detect: Detector {
        run: "git status --short",
        fires: 128,
        says: "not a git repository",
        noticed: "Everything fails at once; git says 'not a git repository'.",
    },
    steps: &[
        Step::new(
            "git clone -q <remote> .",
            "",
            "In a new, empty folder: the commits are back. <remote> is the address of the project's repository.",
        ),
        Step::new(
            "guard backup fetch <backup-remote>",
            "Fetched",
            "The backups are back, and every byte of them was read. <backup-remote> is where 'guard backup push' sent them.",
        ),
        Step::new("guard backup list", "good", "The newest backup is good, and its age is what is lost."),
        Step::new(
            "guard restore --missing --dry-run",
            "would come back",
            "It lists the data files that git does not have, and from where they come.",
        ),
        Step::new("guard restore --missing", "came back", "They are there again."),
        Step::new("guard install", "", "The hooks guard merges again."),
    ],
    verify: &[
        Step::new("guard verify", "good", "All data files are there and good."),
        Step::new("git status --short", "", "Nothing is listed but files that were never committed."),
        Step::new("guard backup verify", "All of it", "The backups are whole."),
    ],
    undo: &[],
    fallback: &[
        Fallback {
            when: "there is no guard on the new machine yet",
            then: "install it first; or take the files out of the backups with git alone: see 'Plain git, without guard' in \
                   the recovery procedure",
        },
        Fallback {
            when: "commits are missing that were made here and not pushed",
            then: "look for them in other clones: a colleague who fetched them has them",
        },
        Fallback {
            when: "the disk can still be read",
            then: "copy the old folder away as a whole before anything is written to that disk; its '.git' may be whole",
        },
    ],
    may_lose: &[Kind::Ignored],
    inject,
};

fn inject(stage: &mut Stage) -> anyhow::Result<()> {
    // What people and timers had done before: the commits pushed, and the backups.
    stage.quietly(&["git", "clone", "-q", "--bare", ".", "../project.git"])?;
    stage.quietly(&["git", "init", "-q", "--bare", "../backups.git"])?;
    stage.quietly(&["git", "config", "--global", "--add", "recoveryguard.privateRemote", "../backups.git"])?;
    stage.quietly(&["guard", "backup", "push", "../backups.git"])?;
    let around = stage.project().parent().context("the project has no folder around it")?;
    disk::remove_folder_all_inside(around, stage.project())?;
    disk::ensure_folder(stage.project(), 0o755)?;
    stage.set("remote", "../project.git");
    stage.set("backup-remote", "../backups.git");
    Ok(())
}
