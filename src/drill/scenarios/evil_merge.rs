//! A conflict is settled with "take mine", and a colleague's lines are gone.

use crate::drill::colleague::with;
use crate::drill::scenario::{Detector, Fallback, Kind, Prerequisite, Scenario, Severity, Step};
use crate::drill::stage::Stage;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "evil-merge",
    title: "A conflict is settled with 'take mine', and a colleague's work is gone",
    severity: Severity::High,
    uses: &[Kind::Text],
    symptom: "a mended error is back, or a colleague's work is missing, though it was merged",
    description: "Two people changed the same lines of a file. Whoever merged kept the whole of their own file, so the colleague's \
                  other changes went, too. To git the colleague's work is merged: it does not come again by itself.",
    causes: "'git checkout --ours', 'accept all mine' in an IDE, or a conflict settled in a hurry.",
    impact: "Work that was done, reviewed and tested is missing, and nobody is told.",
    prevention: "When the conflict is concluded the guard lists the lines that go, whose they are, and the command that brings them \
                 back (rule 'lost-change'). It refuses nothing: settling a conflict often means to drop lines.",
    desired: "The colleague's lines are back. Where both changed the same lines, those that were chosen in the merge stay.",
    prerequisites: &[Prerequisite {
        what: "both sides of the merge are in this clone",
        check: Step::new("git rev-parse --is-shallow-repository", "false", "It says 'false': the history is whole."),
        otherwise: "git fetch --unshallow",
    }],
    detect: Detector {
        run: "guard audit --all --fail-on info <start>..HEAD",
        fires: 1,
        says: "1 with findings",
        noticed: "'guard audit' names the merge, the lines and their author. What it names is <merge> below.",
    },
    steps: &[
        Step::new(
            "guard restore --lost <merge> --dry-run",
            "would restore what",
            "It lists the files that would get lines back. Nothing is changed yet.",
        ),
        Step::new(
            "guard restore --lost <merge>",
            "restored what",
            "The lines are back in the files. It says where they overlapped with what stands there, which stayed.",
        ),
        Step::new("git diff", "", "It shows the lines that came back, and no others."),
        Step::new(
            "git commit -m 'work that the merge had lost' -- <text>",
            "",
            "They are committed. Name all files that the second step listed, and no others.",
        ),
    ],
    verify: &[
        Step::new("git diff --stat <merge> HEAD", "", "It lists the files that got lines back, and no others."),
        Step::new("git status --short --untracked-files=no", "", "It prints nothing: all of it is committed."),
    ],
    undo: &[Step::new("git revert --no-edit HEAD", "", "The files are as the merge left them.")],
    fallback: &[
        Fallback {
            when: "lines that overlap are wanted, too",
            then: "guard restore --lost <merge> --markers <text> leaves conflict markers in the file: settle them, then commit",
        },
        Fallback {
            when: "the audit says 'could not judge', or does not find it",
            then: "git show --cc <merge> shows what was settled; guard restore <text> --from <merge>^2 brings the colleague's \
                   whole file",
        },
    ],
    may_lose: &[],
    inject,
};

const MINE: &str = "Ada chose another way here.\n";
const THEIRS: &str = "Ben wrote this line first.\n";
const LOST: &str = "Ben mended an error here,\nwhich took him three nights,\nand nobody wants it back.\n";

fn inject(stage: &mut Stage) -> anyhow::Result<()> {
    let text = stage.read("text")?;
    let [beginning, _, end] = stage.places(&text);
    // How it should have been settled: Ada's line where both wrote one, and the rest of Ben's work.
    stage.branch_off("settled-well")?;
    stage.write("text", &with(&with(&text, end, LOST), beginning, MINE))?;
    stage.commit_as("Ada", "the way it should be")?;
    stage.is_desired_now()?;
    stage.switch_back()?;

    stage.branch_off("bens-work")?;
    stage.write("text", &with(&with(&text, end, LOST), beginning, THEIRS))?;
    stage.commit_as("Ben", "mend an error")?;
    stage.switch_back()?;
    let mine = with(&text, beginning, MINE);
    stage.write("text", &mine)?;
    stage.commit_as("Ada", "another way")?;
    stage.merge_settled("bens-work", "text", &mine)
}
