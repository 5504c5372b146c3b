//! A bad merge was pushed, and colleagues have pulled it.

use crate::drill::scenario::{Detector, Fallback, Kind, Prerequisite, Scenario, Severity, Step};
use crate::drill::stage::Stage;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "merge-pushed",
    title: "A bad merge was pushed, and colleagues have pulled it",
    severity: Severity::Critical,
    uses: &[Kind::Script],
    symptom: "the same file is missing in everybody's clone since a pull",
    description: "A merge that deletes a needed file is on the shared branch, and others have it. The branch must not be moved back: \
                  their next push would bring the merge again.",
    causes: "The merge was made in a clone without the guard, and nobody looked before the push.",
    impact: "Everybody's clone, and every build made from it, is damaged. Rewriting the branch would cost all of them an hour.",
    prevention: "With 'guard install' the merge is refused, and so is the push; 'guard install --server' and 'guard check' in CI \
                 refuse it for everybody.",
    desired: "The file is back in every clone after an ordinary pull. No commit that was pushed is gone.",
    prerequisites: &[Prerequisite::PROTECTED],
    detect: Detector {
        run: "guard check --strict <start>..HEAD",
        fires: 1,
        says: "[protected-delete]",
        noticed: "'guard check' in CI fails, or a colleague's program does. The check names the merge: that is <merge> below.",
    },
    steps: &[
        Step::new("git pull --ff-only", "", "Nobody has pushed anything since, or you have it now."),
        Step::new(
            "guard undo-merge <merge> --way revert --dry-run",
            "by a new commit",
            "It says that a new commit would take the merge back. Nothing is changed yet.",
        ),
        Step::new("guard undo-merge <merge> --way revert", "committed", "The new commit is there, and so is the file."),
        Step::new("git push", "", "It is on the shared branch. Tell the others to pull."),
    ],
    verify: &[
        Step::new("git ls-files --error-unmatch <script>", "", "git tracks the file again."),
        Step::new("git merge-base --is-ancestor <merge> HEAD", "", "It prints nothing: no history was rewritten."),
        Step::new("git -C <clone> pull --ff-only", "", "An ordinary pull in a colleague's clone works."),
        Step::new("git -C <clone> ls-files --error-unmatch <script>", "", "The file is back there, too."),
    ],
    undo: &[
        Step::new("git revert --no-edit HEAD", "", "The merge counts again, by one more commit."),
        Step::new("git push", "", "The others get it with their next pull."),
    ],
    fallback: &[
        Fallback {
            when: "undo-merge is refused, because later work overlaps",
            then: "git checkout <merge>^1 -- <script> brings back the one file; commit it and push",
        },
        Fallback {
            when: "the branch is to be merged again later",
            then: "first run guard undo-merge --reapply <the new commit>, else only half of it comes: see 'reverted-remerge'",
        },
        Fallback { when: "the push is rejected", then: "git pull, then git push again" },
    ],
    may_lose: &[],
    inject,
};

fn inject(stage: &mut Stage) -> anyhow::Result<()> {
    let branch = stage.value("branch")?.to_string();
    stage.quietly(&["git", "clone", "-q", "--bare", "--shared", ".", "../remote.git"])?;
    stage.quietly(&["git", "remote", "add", "origin", "../remote.git"])?;
    stage.quietly(&["git", "fetch", "-q", "origin"])?;
    stage.quietly(&["git", "branch", "-q", &format!("--set-upstream-to=origin/{branch}")])?;
    stage.quietly(&["git", "clone", "-q", "../remote.git", "../colleague"])?;

    stage.branch_off("bens-cleanup")?;
    stage.remove("script")?;
    stage.commit_as("Ben", "remove unused scripts")?;
    stage.switch_back()?;
    stage.merge("bens-cleanup", &[])?;
    stage.quietly(&["git", "push", "-q", "origin", &branch])?;
    stage.quietly(&["git", "-C", "../colleague", "pull", "-q", "--ff-only"])?;
    stage.set("clone", "../colleague");
    Ok(())
}
