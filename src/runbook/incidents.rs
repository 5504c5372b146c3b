//! A section for each incident of the catalogue.

use super::markdown::block;
use super::page::Ground;
use crate::drill::{REGISTER, Scenario, Step};

pub(super) fn incidents(ground: &Ground<'_>) -> String {
    let mut text = "## Incidents\n\nEach section is rehearsed by `guard drill` with the very commands that stand here. All commands are for a \
                    shell at the top of the working tree.\n\n"
        .to_owned();
    for scenario in REGISTER {
        text.push_str(&incident(ground, scenario));
    }
    text
}

fn incident(ground: &Ground<'_>, scenario: &Scenario) -> String {
    let mut text = format!(
        "### {}\n\n`{}`, severity **{}**. {}\n\n",
        scenario.title,
        scenario.name,
        scenario.severity.word(),
        ground.prose(scenario.description)
    );
    let told = [
        ("How it happens", scenario.causes),
        ("Expected impact", scenario.impact),
        ("What prevents it", scenario.prevention),
        ("How it is noticed", scenario.detect.noticed),
        ("State to reach", scenario.desired),
    ];
    for (name, what) in told {
        text.push_str(&format!("- **{name}**: {}\n", ground.prose(what)));
    }
    for kind in scenario.uses {
        let Some(subject) = ground.subjects.get(kind) else { continue };
        let (path, about) = (&subject.path, kind.about());
        let whose = if subject.is_sample {
            "; this repository's manifest names none, so it is the path of the built-in sample"
        } else {
            ""
        };
        text.push_str(&format!(
            "- **Path**: `{path}` stands for the file that it happened to ({about}{whose}). Put yours in its place.\n"
        ));
    }
    text.push('\n');
    let detect = &scenario.detect;
    let says = if detect.says.is_empty() { String::new() } else { format!(" and says `{}`", ground.fill(detect.says)) };
    text.push_str(&format!(
        "**Make sure that it is this.**\n\n{}\nIt ends with exit code {}{says}.\n\n**Recover.**\n\n",
        block(&[ground.fill(detect.run)]),
        detect.fires
    ));
    numbered(&mut text, ground, scenario.steps);
    text.push_str("**Verify.**\n\n");
    numbered(&mut text, ground, scenario.verify);
    if !scenario.undo.is_empty() {
        text.push_str("**Was it the wrong thing? Take the recovery back.**\n\n");
        numbered(&mut text, ground, scenario.undo);
    }
    text.push_str("**If a step fails.**\n\n");
    for fallback in scenario.fallback {
        text.push_str(&format!(
            "- {}: {}.\n",
            ground.prose(fallback.when),
            ground.prose(fallback.then).trim_end_matches('.')
        ));
    }
    text.push('\n');
    for prerequisite in scenario.prerequisites {
        text.push_str(&format!("**Beforehand, on a quiet day**: {}.\n\n", prerequisite.what));
        text.push_str(&step(ground, &prerequisite.check));
        text.push_str(&format!("\nOtherwise: {}.\n\n", ground.prose(prerequisite.otherwise).trim_end_matches('.')));
    }
    text
}

fn numbered(text: &mut String, ground: &Ground<'_>, steps: &[Step]) {
    for (number, one) in steps.iter().enumerate() {
        let lines = step(ground, one);
        let mut lines = lines.lines();
        text.push_str(&format!("{}. {}\n", number + 1, lines.next().unwrap_or_default()));
        lines.for_each(|line| text.push_str(&if line.is_empty() { "\n".to_owned() } else { format!("   {line}\n") }));
        text.push('\n');
    }
}

/// Returns a command, and what is seen when all is well.
fn step(ground: &Ground<'_>, step: &Step) -> String {
    let exit = if step.exit == 0 { String::new() } else { format!(" Its exit code is {}.", step.exit) };
    format!("{}\n{}{exit}\n", block(&[ground.fill(step.run)]), ground.prose(step.expect))
}
