//! `git reset --hard` throws commits away.

use crate::drill::colleague::with;
use crate::drill::scenario::{Detector, Fallback, Kind, Prerequisite, Scenario, Severity, Step};
use crate::drill::stage::Stage;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "reset-hard",
    title: "'git reset --hard' threw commits away",
    severity: Severity::High,
    uses: &[Kind::Text],
    symptom: "the newest commits of a branch are gone from 'git log', and their files with them",
    description: "The branch was moved back with 'git reset --hard'. The commits are on no branch any more; git keeps them for a \
                  while all the same.",
    causes: "Somebody wanted to be rid of a change and went back one commit too far, or followed advice from the web.",
    impact: "The work of the lost commits is gone from the working tree, and the next push would leave it out.",
    prevention: "None: git runs no hook before a reset. The guard records where the branch was, and keeps the commits.",
    desired: "The branch is where it was before the reset, with all files of the lost commits. What was never committed can't be \
              brought back.",
    prerequisites: &[Prerequisite {
        what: "the branch from which they are gone is checked out",
        check: Step::new(
            "test \"$(git branch --show-current)\" = <branch>",
            "",
            "The checked-out branch is the right one.",
        ),
        otherwise: "git switch <branch>",
    }],
    detect: Detector {
        run: "! git reflog -1 | grep 'reset: moving'",
        fires: 1,
        says: "reset: moving",
        noticed: "Somebody misses the commits. 'guard log' and git's reflog have the reset in their first lines.",
    },
    steps: &[
        Step::new("guard log -n 3", "reset", "The reset is listed, with the command that undoes it."),
        Step::new(
            "guard undo --dry-run",
            "would undo",
            "It says where the branch would go, and which files come back. Nothing is changed yet.",
        ),
        Step::new("guard undo", "undid", "The branch is where it was; its files are back."),
    ],
    verify: &[
        Step::new(
            "git merge-base --is-ancestor <tip> HEAD",
            "",
            "It prints nothing: the lost commits are in the branch.",
        ),
        Step::new("git status --short --untracked-files=no", "", "It prints nothing: the files are as committed."),
    ],
    undo: &[Step::new("guard redo", "", "The branch is where the reset had put it.")],
    fallback: &[
        Fallback {
            when: "something else was done since, and 'guard undo' means that",
            then: "take the name of the reset from 'guard log': guard undo <operation>",
        },
        Fallback {
            when: "the guard was not there when it happened",
            then: "git reflog lists where the branch was: git merge --ff-only <tip>",
        },
    ],
    may_lose: &[],
    inject,
};

fn inject(stage: &mut Stage) -> anyhow::Result<()> {
    let text = stage.read("text")?;
    let [_, middle, _] = stage.places(&text);
    stage.write("text", &with(&text, middle, "Ada wrote this yesterday.\n"))?;
    stage.commit_as("Ada", "the work of yesterday")?;
    stage.add_new("adas-notes.txt", "What Ada did today.\n")?;
    stage.commit_as("Ada", "the work of today")?;
    stage.note_head("tip")?;
    stage.is_desired_now()?;
    // In a clone that has the hooks: they can't object.
    let reset = stage.shell("git reset -q --hard <start>")?;
    anyhow::ensure!(reset.exit == 0, "'git reset' failed: {}", reset.output.trim_end());
    Ok(())
}
