//! Conflict markers are committed.

use crate::drill::colleague::with;
use crate::drill::scenario::{Detector, Fallback, Kind, Prerequisite, Scenario, Severity, Step};
use crate::drill::stage::Stage;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "markers-committed",
    title: "Conflict markers were committed into a file",
    severity: Severity::High,
    uses: &[Kind::Text],
    symptom: "a program does not start: a file holds lines that begin with '<<<<<<<', '=======' or '>>>>>>>'",
    description: "A merge was in conflict, and the file was committed as git had left it: both versions of the lines, with git's markers \
                  between them.",
    causes: "'git add .' or 'git commit -a' in the middle of a conflict, or an editor that was not saved.",
    impact: "Whatever reads the file fails, or reads the lines of both sides.",
    prevention: "With 'guard install' the commit that concludes the merge is refused (rule 'conflict-markers').",
    desired: "The merge is there without markers. Where both changed the same lines, ours stay; everything else of both sides is kept.",
    prerequisites: &[Prerequisite {
        what: "no merge is in progress",
        check: Step::failing(
            "git rev-parse -q --verify MERGE_HEAD",
            1,
            "",
            "It prints nothing: no merge is in progress.",
        ),
        otherwise: "settle the conflict in the file, then git commit",
    }],
    detect: Detector {
        run: "guard check <start>..HEAD",
        fires: 1,
        says: "[conflict-markers]",
        noticed: "With hooks the commit is refused. Where they were off, 'guard check' or CI names the file, the line and the merge: \
                  that is <merge> below.",
    },
    steps: &[
        Step::new(
            "guard undo-merge <merge> --dry-run",
            "would",
            "It says in which way the merge would be taken back. Nothing is changed yet.",
        ),
        Step::new(
            "guard undo-merge <merge>",
            "undid",
            "The branch is as before the merge; uncommitted work is still there.",
        ),
        Step::new(
            "git merge --no-edit -X ours <merge>^2",
            "",
            "The merge is made again. Where both changed the same lines, those of this branch stay.",
        ),
    ],
    verify: &[
        Step::new(
            "guard check <start>..HEAD",
            "",
            "No markers are found. It lists lines of the other side that had to give way.",
        ),
        Step::failing("git grep -l '^<<<<<<< ' -- <text>", 1, "", "It prints nothing: the file has no markers."),
    ],
    undo: &[Step::new("git reset --keep <merge>", "", "The merge with the markers is back.")],
    fallback: &[
        Fallback {
            when: "the other side's lines are the right ones",
            then: "use -X theirs in place of -X ours; or leave out -X, settle the conflict by hand, git commit -a",
        },
        Fallback {
            when: "undo-merge says 'took back by a new commit', because the merge was pushed",
            then: "to git the branch is still merged: instead of 'git merge' edit the file by hand in <merge>'s version (git checkout \
                   <merge> -- .), take out the markers, and commit",
        },
    ],
    may_lose: &[],
    inject,
};

const OURS: &str = "Ada wrote it so.\n";
const THEIRS: &str = "Ben wrote it otherwise.\n";
const MORE: &str = "Ben wrote this, too.\n";

fn inject(stage: &mut Stage) -> anyhow::Result<()> {
    let text = stage.read("text")?;
    let [beginning, _, end] = stage.places(&text);
    let more = with(&text, end, MORE);
    stage.branch_off("settled-well")?;
    stage.write("text", &with(&more, beginning, OURS))?;
    stage.commit_as("Ada", "the way it should be")?;
    stage.is_desired_now()?;
    stage.switch_back()?;

    stage.branch_off("bens-work")?;
    stage.write("text", &with(&more, beginning, THEIRS))?;
    stage.commit_as("Ben", "otherwise")?;
    stage.switch_back()?;
    stage.write("text", &with(&text, beginning, OURS))?;
    stage.commit_as("Ada", "so")?;
    let conflict = format!("<<<<<<< HEAD\n{OURS}=======\n{THEIRS}>>>>>>> bens-work\n");
    stage.merge_settled("bens-work", "text", &with(&more, beginning, &conflict))
}
