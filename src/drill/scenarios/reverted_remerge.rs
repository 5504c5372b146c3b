//! A merge was reverted, the branch was mended and merged again, and half of it is missing.

use crate::drill::colleague::with;
use crate::drill::scenario::{Detector, Fallback, Kind, Prerequisite, Scenario, Severity, Step};
use crate::drill::stage::Stage;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "reverted-remerge",
    title: "A branch whose merge was reverted is merged again, and half of it is missing",
    severity: Severity::High,
    uses: &[Kind::Text],
    symptom: "a feature that was reverted and merged again does not work: files or lines of it are missing",
    description: "A merge was reverted. The branch got a fix and was merged again. To git the first commits of the branch are merged, \
                  and the revert is the newer word on them: only the fix came.",
    causes: "The usual way out of a bad merge, 'git revert -m 1', and nobody knew that the revert has to be reverted before the \
             next merge.",
    impact: "The fix is there without the work that it mends. There was no conflict, so nobody was told.",
    prevention: "Before and after such a merge the guard warns, and names the revert (rule 'reverted-merge').",
    desired: "The whole feature is there: what was reverted, and the fix.",
    prerequisites: &[Prerequisite {
        what: "the first merge and its revert are in this clone",
        check: Step::new("git rev-parse --is-shallow-repository", "false", "It says 'false': the history is whole."),
        otherwise: "git fetch --unshallow",
    }],
    detect: Detector {
        run: "guard check --strict <start>..HEAD",
        fires: 1,
        says: "[reverted-merge]",
        noticed: "The merge itself warns, and so does 'guard check'. The command that it prints after 'do' names the revert: that \
                  is <revert> below.",
    },
    steps: &[
        Step::new(
            "guard undo-merge --reapply <revert> --dry-run",
            "would",
            "It lists the files that would come back. Nothing is changed yet.",
        ),
        Step::new(
            "guard undo-merge --reapply <revert>",
            "took back",
            "A new commit takes the revert back. Uncommitted work is still there.",
        ),
    ],
    verify: &[
        Step::new("git log -1 --format=%s", "Reapply", "The newest commit says that it reapplies the merge."),
        Step::new("git show --stat HEAD", "", "It lists what had been missing."),
    ],
    undo: &[Step::new("guard redo", "", "The branch is as it was after the second merge.")],
    fallback: &[
        Fallback {
            when: "it is refused, because later work overlaps",
            then: "git revert <revert> stops at the conflicts: settle them, git add them, git revert --continue",
        },
        Fallback {
            when: "several reverts are in the way",
            then: "run guard check again after each: it names the next one",
        },
    ],
    may_lose: &[],
    inject,
};

fn inject(stage: &mut Stage) -> anyhow::Result<()> {
    let text = stage.read("text")?;
    let [beginning, _, end] = stage.places(&text);
    let feature = "Ben's feature begins here.\n";
    stage.branch_off("bens-feature")?;
    stage.add_new("bens-feature.txt", "The feature.\n")?;
    stage.write("text", &with(&text, beginning, feature))?;
    stage.commit_as("Ben", "the feature")?;
    stage.switch_back()?;
    stage.merge("bens-feature", &[])?;
    stage.quietly(&["git", "revert", "--no-edit", "-m", "1", "HEAD"])?;
    stage.note_head("revert")?;

    stage.quietly(&["git", "switch", "-q", "bens-feature"])?;
    stage.add_new("bens-fix.txt", "The fix.\n")?;
    stage.write("text", &with(&with(&text, end, "Ben's fix stands here.\n"), beginning, feature))?;
    stage.commit_as("Ben", "the fix")?;
    stage.is_desired_now()?;
    stage.switch_back()?;
    stage.merge("bens-feature", &[])
}
