//! `git clean` deletes data that git does not track.

use crate::drill::scenario::{Detector, Fallback, Kind, Prerequisite, Scenario, Severity, Step};
use crate::drill::stage::Stage;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "ignored-deleted",
    title: "'git clean' deletes data that git does not track",
    severity: Severity::Critical,
    uses: &[Kind::Ignored],
    symptom: "a data file that git ignores is gone; git has never known it",
    description: "Everything that git does not track was removed from the working tree, data and local configuration with it.",
    causes: "'git clean -fdx' before a build, a fresh checkout that was moved over the old one, an IDE's 'clean' button.",
    impact: "What is in no backup is lost: git can't bring back what it never had.",
    prevention: "None: git runs no hook before 'clean'. A backup that is fresh is all there is.",
    desired: "The file is there again as the newest good backup has it; what was written since then is lost, and how much is known.",
    prerequisites: &[Prerequisite {
        what: "a backup holds the file",
        check: Step::new(
            "guard backup show",
            "<ignored>",
            "The newest backup lists the file, and says that it is good.",
        ),
        otherwise: "a backup is to be made while the file is there: guard backup create",
    }],
    detect: Detector {
        run: "guard verify",
        fires: 1,
        says: "it is not there",
        noticed: "'guard verify' knows from the newest backup which files there were.",
    },
    steps: &[
        Step::new(
            "guard backup list",
            "good",
            "The newest backup that holds the file is good, and its age is what is lost.",
        ),
        Step::new(
            "guard restore --missing --dry-run",
            "would come back",
            "It names each file that is gone, and the backup that it would come from.",
        ),
        Step::new("guard restore --missing", "came back", "The files are there again."),
    ],
    verify: &[
        Step::new("guard verify <ignored>", "good", "The file is good."),
        Step::new("git status --short", "", "git sees no difference."),
    ],
    undo: &[Step::new("guard restore --undo", "", "The file is gone again.")],
    fallback: &[Fallback {
        when: "no backup here holds it",
        then: "guard backup fetch brings backups that were pushed elsewhere",
    }],
    may_lose: &[Kind::Ignored],
    inject,
};

fn inject(stage: &mut Stage) -> anyhow::Result<()> {
    stage.quietly(&["git", "clean", "-q", "-fdx"])?;
    Ok(())
}
