//! The first screen: what to do before anything else, and which section is the right one.

use super::markdown::{anchor, link, table};
use super::page::{Ground, SECTIONS};
use crate::drill::{REGISTER, Scenario};

pub(super) fn start(ground: &Ground<'_>) -> String {
    let mut text = format!("## {}\n\n", SECTIONS[0]);
    text.push_str(
        "Something is wrong with this repository or its data, and you want it back. What a step replaces or removes is saved before, \
         and can be taken back, unless the step says otherwise. Take your time.\n\n\
         1. **Stop what is still writing**: the program, job or deployment that uses the files. Nobody pushes or pulls until you are done.\n\
         2. **Do not run** `git reset --hard`, `git clean`, `git checkout -f`, `git stash drop` or `git gc`: what they destroy is in no history.\n\
         3. **Note the time**, and what you saw first.\n\
         4. Go to the top of the working tree, and ask what is known. None of these changes anything:\n\n",
    );
    text.push_str("```sh\nguard log -n 10        # what happened here lately, newest first\nguard verify           # which data files are bad, and where\ngit status --short --branch\n```\n\n");
    text.push_str("5. Find the line that says what you see. Run its command; when it says what the incident's section says, follow that section.\n\n");
    text.push_str(&table(
        ["what you see", "first command", "go to"],
        REGISTER.iter().map(|scenario| row(ground, scenario)),
    ));
    text.push_str(
        "No line fits? `guard log` lists what was done and `guard undo <operation> --dry-run` says what taking it back would do. \
         Is it getting worse, or do you not understand what you see? Call somebody: ",
    );
    text.push_str(&format!("{}.\n\n", link(SECTIONS[2])));
    text.push_str(
        "Words in angle brackets stand for what you have to put there. `<start>` is the newest commit that was still good: \
         `git log --oneline --first-parent` lists them. The section says where the others come from.\n\n",
    );
    text
}

fn row(ground: &Ground<'_>, scenario: &Scenario) -> [String; 3] {
    [
        scenario.symptom.to_owned(),
        format!("`{}`", ground.fill(scenario.detect.run)),
        format!("[{}](#{})", scenario.name, anchor(scenario.title)),
    ]
}

pub(super) fn contents() -> String {
    let mut text = "## Contents\n\n".to_owned();
    for section in SECTIONS {
        text.push_str(&format!("- {}\n", link(section)));
        if section == "Incidents" {
            for scenario in REGISTER {
                text.push_str(&format!("  - {}\n", link(scenario.title)));
            }
        }
    }
    text.push_str(&format!("- {}\n\n", link("Review")));
    text
}
