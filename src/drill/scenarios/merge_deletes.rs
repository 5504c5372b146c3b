//! A merge deletes a file that operations need.

use crate::drill::scenario::{Detector, Fallback, Kind, Prerequisite, Scenario, Severity, Step};
use crate::drill::stage::Stage;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "merge-deletes",
    title: "A merge deletes a file that operations need",
    severity: Severity::Critical,
    uses: &[Kind::Script],
    symptom: "a script or configuration file that was always there is gone since a merge or pull",
    description: "A branch removed a file as unused, and the merge brought the removal in. In a fast-forward git has no hook that \
                  could object.",
    causes: "Somebody tidied up on a branch and did not know who needs the file; nobody looked at the list of deleted files.",
    impact: "The next deployment, restore or nightly run fails, often at night and long after the merge.",
    prevention: "With 'guard install' such a merge is refused before a file is touched (rule 'protected-delete').",
    desired: "The file is back, everything else is as before the merge; the rest of the branch can be merged again without the removal.",
    prerequisites: &[Prerequisite::PROTECTED],
    detect: Detector {
        run: "guard check --strict <start>..HEAD",
        fires: 1,
        says: "[protected-delete]",
        noticed: "With hooks the merge is refused. Where they were off, the next guard command says that the branch moved, and \
                  'guard check' or CI names the file.",
    },
    steps: &[
        Step::new(
            "guard undo-merge --dry-run",
            "",
            "It says which merge would be taken back, in which way, and what stays as it is.",
        ),
        Step::new("guard undo-merge", "", "The branch is as before the merge; uncommitted work is still there."),
    ],
    verify: &[
        Step::new("git ls-files --error-unmatch <script>", "", "git tracks the file again."),
        Step::new("guard check --strict <start>..HEAD", "", "Nothing is found."),
    ],
    undo: &[Step::new("guard redo", "", "The merge is back, the same commit.")],
    fallback: &[
        Fallback {
            when: "others have pulled the merge already",
            then: "see 'merge-pushed': undo-merge makes a commit that takes it back, and says so",
        },
        Fallback {
            when: "the rest of the merge is needed at once",
            then: "git checkout <start> -- <script> brings back the one file; commit it",
        },
    ],
    may_lose: &[],
    inject,
};

fn inject(stage: &mut Stage) -> anyhow::Result<()> {
    stage.branch_off("bens-cleanup")?;
    stage.remove("script")?;
    stage.commit_as("Ben", "remove unused scripts")?;
    stage.switch_back()?;
    stage.quietly(&["git", "merge", "-q", "--ff-only", "bens-cleanup"])?;
    Ok(())
}
