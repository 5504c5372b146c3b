//! A merge drops everything that one side brought.

use crate::drill::colleague::with;
use crate::drill::scenario::{Detector, Fallback, Kind, Prerequisite, Scenario, Severity, Step};
use crate::drill::stage::Stage;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "side-dropped",
    title: "A merge drops everything that a branch brought",
    severity: Severity::High,
    uses: &[Kind::Text],
    symptom: "a branch is merged, and nothing of it is there",
    description: "The merge took the whole tree of one side. The branch counts as merged, so merging it again does nothing.",
    causes: "'git merge -s ours', mistaken for '-X ours'; or all conflicts settled by taking one side's files.",
    impact: "All work of the branch is missing, and 'git merge' says that it is up to date.",
    prevention: "None is refused: such merges are also made on purpose. 'guard audit' lists them (rule 'side-discarded').",
    desired: "The branch is merged with all that it brought, and nothing else is lost.",
    prerequisites: &[Prerequisite {
        what: "both sides of the merge are in this clone",
        check: Step::new("git rev-parse --is-shallow-repository", "false", "It says 'false': the history is whole."),
        otherwise: "git fetch --unshallow",
    }],
    detect: Detector {
        run: "guard audit --all --fail-on info <start>..HEAD",
        fires: 1,
        says: "[side-discarded]",
        noticed: "'guard audit' names the merge of which nothing was taken: that is <merge> below.",
    },
    steps: &[
        Step::new(
            "guard undo-merge <merge> --dry-run",
            "",
            "It says in which way the merge would be taken back. Nothing is changed yet.",
        ),
        Step::new(
            "guard undo-merge <merge>",
            "",
            "The branch is as before the merge; uncommitted work is still there.",
        ),
        Step::new(
            "git merge --no-edit <merge>^2",
            "",
            "The branch is merged again, and its files are listed. Where git names a conflict, settle it and commit.",
        ),
    ],
    verify: &[
        Step::new("guard audit --all --fail-on info <start>..HEAD", "", "Nothing is found."),
        Step::new("git diff --stat <merge> HEAD", "", "It lists what had been missing."),
    ],
    undo: &[Step::new("git reset --keep <merge>", "", "The merge that dropped the branch is back.")],
    fallback: &[
        Fallback {
            when: "undo-merge says 'took back by a new commit', because the merge was pushed",
            then: "to git the branch is still merged: instead of 'git merge' run guard restore --lost <merge>, and commit",
        },
        Fallback {
            when: "the merge was made on purpose",
            then: "leave it: nothing is lost, the branch still has its work",
        },
    ],
    may_lose: &[],
    inject,
};

fn inject(stage: &mut Stage) -> anyhow::Result<()> {
    let text = stage.read("text")?;
    let [_, middle, _] = stage.places(&text);
    stage.branch_off("bens-work")?;
    stage.add_new("bens-notes.txt", "What Ben worked on.\n")?;
    stage.write("text", &with(&text, middle, "Ben's work of a week.\n"))?;
    stage.commit_as("Ben", "the work of a week")?;
    stage.is_desired_now()?;
    stage.switch_back()?;
    stage.merge("bens-work", &["-s", "ours"])
}
