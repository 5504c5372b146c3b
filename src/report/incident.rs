//! What the catalogue says of incidents, for `guard explain incident`: to be read on a terminal of eighty columns.

use colored::Colorize;
use serde_json::{Map, Value, json};

use crate::drill::{Scenario, Step, meaning};

/// No line of prose is longer.
const WIDTH: usize = 80;

/// Returns one incident's page.
pub fn incident_text(scenario: &Scenario) -> String {
    let mut page = Page::default();
    page.prose("", &format!("{}: {}", scenario.name.bold(), scenario.title));
    page.prose("", &format!("Severity: {}. Seen: {}.", scenario.severity.word(), scenario.symptom));
    for (head, text) in [
        ("What it is", scenario.description),
        ("How it happens", scenario.causes),
        ("What it does", scenario.impact),
        ("What keeps it from happening", scenario.prevention),
        ("What is to be reached", scenario.desired),
    ] {
        page.head(head);
        page.prose("  ", text);
    }
    page.head("What has to be in place");
    for prerequisite in scenario.prerequisites {
        page.prose("  ", &format!("Needed: {}.", prerequisite.what));
        page.step(&prerequisite.check);
        page.prose("    ", &format!("Otherwise: {}", prerequisite.otherwise));
    }
    page.head("How it is noticed");
    page.prose("  ", scenario.detect.noticed);
    page.command(scenario.detect.run);
    page.prose("    ", &format!("Ends with {} when it has happened, and with 0 otherwise.", scenario.detect.fires));
    for (head, steps) in [
        ("What to do", scenario.steps),
        ("How to see that it worked", scenario.verify),
        ("How to take the recovery back", scenario.undo),
    ] {
        if !steps.is_empty() {
            page.head(head);
            for step in steps {
                page.step(step);
            }
        }
    }
    page.head("When a step fails");
    for fallback in scenario.fallback {
        page.prose("  ", &format!("If {}:", fallback.when));
        page.prose("    ", fallback.then);
    }
    page.head("Words in the commands");
    for word in scenario.words() {
        page.prose("  ", &format!("<{word}>: {}", meaning(word).unwrap_or_default()));
    }
    page.line("");
    page.prose("", &format!("Rehearse it: guard drill {}", scenario.name));
    page.text
}

/// Returns the list: name and title.
pub fn incidents_text(scenarios: &[&Scenario]) -> String {
    let width = scenarios.iter().map(|scenario| scenario.name.len()).max().unwrap_or(0);
    let line = |scenario: &&Scenario| format!("{:width$}  {}\n", scenario.name, scenario.title);
    scenarios.iter().map(line).collect()
}

/// Returns the document.
pub fn incidents_json(scenarios: &[&Scenario]) -> String {
    let mut document = super::json::document("explain");
    let incident = |scenario: &&Scenario| {
        let words = scenario.words().into_iter().map(|word| (word.to_owned(), json!(meaning(word))));
        let mut value = json!(scenario);
        value["words"] = Value::Object(words.collect::<Map<_, _>>());
        value
    };
    document.insert("incidents".into(), scenarios.iter().map(incident).collect());
    super::json::render(document)
}

#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn head(&mut self, head: &str) {
        self.line("");
        self.line(&head.bold().to_string());
    }

    /// A command stands on a line of its own, whole: it is to be copied.
    fn command(&mut self, run: &str) {
        self.line(&format!("  $ {run}"));
    }

    fn step(&mut self, step: &Step) {
        self.command(step.run);
        self.prose("    ", step.expect);
        if step.exit != 0 {
            self.prose("    ", &format!("Ends with {}: that is right.", step.exit));
        }
    }

    /// Text that is broken between words.
    fn prose(&mut self, indent: &str, text: &str) {
        let mut line = indent.to_owned();
        for word in text.split_whitespace() {
            if line.len() > indent.len() {
                if line.chars().count() + 1 + word.chars().count() > WIDTH {
                    self.line(&line);
                    indent.clone_into(&mut line);
                } else {
                    line.push(' ');
                }
            }
            line.push_str(word);
        }
        self.line(&line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drill::REGISTER;

    #[test]
    fn pages_fit_into_eighty_columns_and_say_everything() {
        colored::control::set_override(false);
        for scenario in REGISTER {
            let page = incident_text(scenario);
            for line in page.lines() {
                assert!(line.chars().count() <= WIDTH || line.starts_with("  $ "), "{line}");
            }
            let flat = page.split_whitespace().collect::<Vec<_>>().join(" ");
            for command in scenario.commands() {
                assert!(page.contains(&format!("  $ {command}\n")), "{command}");
            }
            let texts = [scenario.title, scenario.symptom, scenario.description, scenario.causes, scenario.impact];
            let more = [scenario.prevention, scenario.desired, scenario.detect.noticed];
            let fallbacks = scenario.fallback.iter().map(|fallback| fallback.then);
            let steps = [scenario.steps, scenario.verify, scenario.undo].into_iter().flatten().map(|step| step.expect);
            for text in texts.into_iter().chain(more).chain(fallbacks).chain(steps) {
                assert!(flat.contains(text), "'{}' does not say: {text}", scenario.name);
            }
            for word in scenario.words() {
                assert!(meaning(word).is_some(), "'{}' does not say what <{word}> stands for", scenario.name);
            }
        }
    }
}
