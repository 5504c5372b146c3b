//! A bad merge has uncommitted work on top of it.

use crate::disk;
use crate::drill::colleague::with;
use crate::drill::scenario::{Detector, Fallback, Kind, Prerequisite, Scenario, Severity, Step};
use crate::drill::stage::Stage;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "merge-on-dirty",
    title: "A bad merge has to go, and uncommitted work lies on top of it",
    severity: Severity::High,
    uses: &[Kind::Script, Kind::Text],
    symptom: "a merge broke something, and nobody dares to take it back because of work that is not committed",
    description: "After the merge somebody went on working: changes that are staged, changes that are not, new files. Some are in files \
                  that the merge changed, too.",
    causes: "The damage was noticed only after a while. 'git reset --hard' and 'git checkout' would throw the work away.",
    impact: "Until the merge is gone the system stays broken; taken back with git's own commands, hours of work can be lost.",
    prevention: "With 'guard install' the merge is refused before a file is touched (rule 'protected-delete').",
    desired: "The merge is gone. All uncommitted work is there, to the last byte, and what was staged is staged.",
    prerequisites: &[Prerequisite::PROTECTED],
    detect: Detector {
        run: "guard check --strict <start>..HEAD",
        fires: 1,
        says: "[protected-delete]",
        noticed: "With hooks the merge is refused. Where they were off, 'guard check' or CI names the file.",
    },
    steps: &[
        Step::new("git status --short", "", "It lists the uncommitted work: look at it, and remember it."),
        Step::new(
            "guard undo-merge --dry-run",
            "later edits would be kept",
            "It lists the files that would change, and says in which of them later edits are kept. Nothing is changed yet.",
        ),
        Step::new("guard undo-merge", "undid", "The merge is gone, the work is there."),
    ],
    verify: &[
        Step::new("git ls-files --error-unmatch <script>", "", "git tracks the file again."),
        Step::new("git status --short", "", "It lists the same work as before."),
        Step::new("guard check --strict <start>..HEAD", "", "Nothing is found."),
    ],
    undo: &[Step::new("guard redo", "", "The merge is back, the same commit, with the work on top.")],
    fallback: &[Fallback {
        when: "it is refused, because work overlaps with what the merge changed",
        then: "the paths are listed and nothing was changed: commit that work (git commit -m work -- <path>), then guard \
               undo-merge again",
    }],
    may_lose: &[],
    inject,
};

const STAGED: &str = "adas-new-file.txt";
const UNTRACKED: &str = "adas-draft.txt";

fn inject(stage: &mut Stage) -> anyhow::Result<()> {
    let text = stage.read("text")?;
    let [beginning, middle, end] = stage.places(&text);
    // As it has to be in the end: all work, no merge.
    work(stage, &text, [middle, end])?;
    stage.is_desired_now()?;
    stage.quietly(&["git", "read-tree", "--reset", "-u", "HEAD"])?;
    disk::remove_file(&stage.project().join(UNTRACKED))?;

    let merged = with(&text, beginning, "Ben tidied up here.\n");
    stage.branch_off("bens-cleanup")?;
    stage.remove("script")?;
    stage.write("text", &merged)?;
    stage.commit_as("Ben", "tidy up")?;
    stage.switch_back()?;
    stage.merge("bens-cleanup", &[])?;
    work(stage, &merged, [middle + 1, end + 1])
}

/// Does work that is not committed: staged in the middle of the text, not staged at its end, and new files of both sorts.
fn work(stage: &Stage, text: &[u8], [middle, end]: [usize; 2]) -> anyhow::Result<()> {
    let staged = with(text, middle, "Ada staged this.\n");
    stage.write("text", &staged)?;
    stage.add_new(STAGED, "New, and staged.\n")?;
    stage.quietly(&["git", "add", "-u"])?;
    stage.write("text", &with(&staged, end + 1, "Ada did not stage this.\n"))?;
    stage.write_at(STAGED, b"New, and staged.\nAnd a line that is not.\n")?;
    stage.write_at(UNTRACKED, b"A draft.\n")
}
