//! A merge overwrites configuration with a branch's own copy.

use crate::drill::colleague::without;
use crate::drill::scenario::{Detector, Fallback, Kind, Prerequisite, Scenario, Severity, Step};
use crate::drill::stage::Stage;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "config-overwritten",
    title: "A merge overwrites configuration with a branch's own copy",
    severity: Severity::Critical,
    uses: &[Kind::Config],
    symptom: "the system runs with wrong settings since a merge or pull",
    description: "A branch had its own copy of a configuration file, and the merge put it in the place of the real one. The rest of \
                  the merge is wanted.",
    causes: "Somebody changed the file to try something out, and committed it together with the work.",
    impact: "At its next start the system runs with the branch's settings: another database, too few workers, a password that does \
             not fit.",
    prevention: "With 'guard install' such a merge is refused before a file is touched (rule 'protected-modify').",
    desired: "The file is as before the merge, to the last byte. Everything else that the merge brought stays.",
    prerequisites: &[Prerequisite {
        what: "the file is tracked by git",
        check: Step::new("git ls-files --error-unmatch <config>", "", "git tracks the file."),
        otherwise: "guard restore <config> --dry-run says which version a backup has",
    }],
    detect: Detector {
        run: "guard check --strict <start>..HEAD",
        fires: 1,
        says: "[protected-modify]",
        noticed: "With hooks the merge is refused. Where they were off, 'guard check' or CI shows the changed lines and names the \
                  merge: that is <merge> below.",
    },
    steps: &[
        Step::new(
            "git diff <merge>^1 <merge> -- <config>",
            "",
            "It shows what the merge did to the file: lines with '-' are the right ones.",
        ),
        Step::new(
            "guard restore <config> --from <merge>^1",
            "restored",
            "The file is as before the merge. What stood there was saved first.",
        ),
        Step::new(
            "git commit -m 'configuration as before the merge' -- <config>",
            "",
            "That one file is committed. Now start the program again, or deploy.",
        ),
    ],
    verify: &[
        Step::new("git diff --exit-code <merge>^1 HEAD -- <config>", "", "It prints nothing: the file is the same."),
        Step::new("git diff --stat <merge>^1 HEAD", "", "It lists the rest of the merge, and not this file."),
    ],
    undo: &[Step::new("git revert --no-edit HEAD", "", "The branch's copy is back, by a new commit.")],
    fallback: &[
        Fallback {
            when: "the branch changed lines of the file that are wanted",
            then: "edit the file by hand after the restore, then commit; git diff <merge>^1 <merge> -- <config> shows them",
        },
        Fallback { when: "nothing of the merge is wanted", then: "guard undo-merge takes all of it back" },
    ],
    may_lose: &[],
    inject,
};

fn inject(stage: &mut Stage) -> anyhow::Result<()> {
    stage.branch_off("bens-settings")?;
    stage.add_new("bens-notes.txt", "What Ben worked on.\n")?;
    stage.commit_as("Ben", "notes")?;
    stage.is_desired_now()?;
    let config = stage.read("config")?;
    let count = config.split(|byte| *byte == b'\n').count();
    stage.write("config", &without(&config, stage.choose(count, 1)))?;
    stage.commit_as("Ben", "settings for my machine")?;
    stage.switch_back()?;
    stage.merge("bens-settings", &[])
}
