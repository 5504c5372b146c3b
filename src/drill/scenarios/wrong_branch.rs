//! The wrong branch is fast-forwarded in.

use crate::drill::colleague::with;
use crate::drill::scenario::{Detector, Fallback, Kind, Prerequisite, Scenario, Severity, Step};
use crate::drill::stage::Stage;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "wrong-branch",
    title: "The wrong branch is merged: half-done work is in the main line",
    severity: Severity::High,
    uses: &[Kind::Text],
    symptom: "commits are in the main line that nobody wanted there yet",
    description: "A branch with unfinished work was merged by mistake. In a fast-forward there is no merge commit: the main line \
                  simply stands where the branch stands.",
    causes: "One word mistyped, a terminal in which another branch was checked out, 'git pull' from the wrong branch.",
    impact: "Half-done work is built and deployed, and everybody's next branch starts from it.",
    prevention: "With 'guard install' and a [[branch]] entry in .recoveryguard.toml that says which branches must never come in, the \
                 merge is refused before a file is touched (rule 'wrong-branch'). Without such an entry nothing stops it.",
    desired: "The main line is as before. The branch keeps its work.",
    prerequisites: &[Prerequisite {
        what: "the main line is checked out",
        check: Step::new(
            "test \"$(git branch --show-current)\" = <branch>",
            "",
            "The checked-out branch is the main line.",
        ),
        otherwise: "git switch <branch>",
    }],
    detect: Detector {
        // An entry for branches is not in every manifest, and afterwards the two branches can't be told apart but by the reflog.
        run: "! git reflog -5 <branch> | grep ': merge wip/'",
        fires: 1,
        says: "Fast-forward",
        noticed: "'guard log' lists the move, and git's reflog of this clone says which branch it was: that is <other> below. Put the \
                  name that you suspect in place of 'wip/'.",
    },
    steps: &[
        Step::new(
            "git log --oneline <start>..HEAD",
            "",
            "It lists the commits that came in by mistake, and no others.",
        ),
        Step::new(
            "guard undo-merge --dry-run",
            "would",
            "It says where the branch would go back to: <start>. Nothing is changed yet.",
        ),
        Step::new("guard undo-merge", "undid", "The main line is as before; uncommitted work is still there."),
    ],
    verify: &[
        Step::new("test \"$(git rev-parse HEAD)\" = <start>", "", "It prints nothing: the main line is where it was."),
        Step::new("git rev-parse --verify <other>", "", "The branch is still there: its work is not lost."),
    ],
    undo: &[Step::new("guard redo", "", "The branch is in the main line again.")],
    fallback: &[
        Fallback {
            when: "undo-merge says 'took back by a new commit'",
            then: "it was pushed already; before the branch is merged for good run guard undo-merge --reapply <that commit>",
        },
        Fallback {
            when: "it would go back to another commit than <start>",
            then: "guard log lists all moves of the branch; guard undo <operation> takes back the one you mean",
        },
    ],
    may_lose: &[],
    inject,
};

fn inject(stage: &mut Stage) -> anyhow::Result<()> {
    let text = stage.read("text")?;
    let [_, middle, _] = stage.places(&text);
    stage.branch_off("wip/experiment")?;
    stage.add_new("half-done.txt", "Half of an idea.\n")?;
    stage.commit_as("Ben", "half of an idea")?;
    stage.write("text", &with(&text, middle, "This is not finished.\n"))?;
    stage.commit_as("Ben", "not finished")?;
    stage.switch_back()?;
    stage.quietly(&["git", "merge", "-q", "--ff-only", "wip/experiment"])?;
    stage.set("other", "wip/experiment");
    Ok(())
}
