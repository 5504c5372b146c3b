//! What a hook says on stderr.

use colored::Colorize;

use super::words;
use crate::model::{Finding, Level, Verdict};
use crate::routes::{Answer, Occasion};

/// Returns what a hook says; empty when there is nothing to say.
pub fn answer(answer: &Answer) -> String {
    if answer.is_silent() {
        return String::new();
    }
    let name = words::merge_name(&answer.incoming, &answer.into);
    let mut text = headline(answer, &name);
    text.push_str(&words::findings(&answer.findings));
    if let Some(why) = &answer.failure {
        text.push_str(&format!("  {} {why}\n", "why".magenta()));
    }
    if let Some(why) = &answer.unrecorded {
        text.push_str(&format!("  not recorded: {why}\n"));
    }
    if let Some(why) = &answer.no_backup {
        text.push_str(&format!("  no backup was made before it: {why} (guard backup create)\n"));
    }
    for what in &answer.notes {
        text.push_str(&format!("  {} {}\n", "note".yellow(), what.replace('\n', "\n        ")));
    }
    text.push_str(&ending(answer));
    if answer.occasion == Occasion::Receive { folded(&text) } else { text }
}

/// What a server says stands behind `remote: ` on a terminal of eighty columns.
const WIDTH: usize = 72;

/// Breaks long lines between words; what follows stands below the text of the first. Commands stay whole, and so does the first
/// line: scripts read what is allowed next there.
fn folded(text: &str) -> String {
    let mut folded = String::new();
    for (number, line) in text.lines().enumerate() {
        let indent = " ".repeat(if line.starts_with("  ") { 8 } else { 2 });
        let is_command = ["git push ", "guard restore ", "guard audit "].iter().any(|command| line.contains(command));
        let is_long = number > 0 && line.chars().count() > WIDTH && !is_command;
        let mut width = 0;
        for (place, word) in line.split(' ').enumerate() {
            let length = word.chars().count();
            if is_long && width + 1 + length > WIDTH && width > indent.len() {
                folded.push('\n');
                folded.push_str(&indent);
                width = indent.len();
            } else if place > 0 {
                folded.push(' ');
                width += 1;
            }
            folded.push_str(word);
            width += length;
        }
        folded.push('\n');
    }
    folded
}

fn headline(answer: &Answer, name: &str) -> String {
    let guard = "guard:".bold();
    let refused = "refused".red().bold();
    match (answer.occasion, answer.verdict) {
        (Occasion::Gate | Occasion::Result, Verdict::Block) => {
            format!("{guard} {refused} merging {name}; next: {}\n", next(&answer.findings))
        }
        (Occasion::Gate | Occasion::Result, Verdict::CouldNotJudge) if answer.refuses() => {
            let head = answer.incoming.first().map_or_else(|| "<branch>".to_owned(), |head| head.oid.short());
            format!("{guard} could not judge merging {name}: refused, as on_failure says; next: guard check {head}\n")
        }
        (Occasion::Gate | Occasion::Result, Verdict::CouldNotJudge) => {
            format!("{guard} could not judge merging {name}: git goes on\n")
        }
        (Occasion::Gate | Occasion::Result, Verdict::Warn) => format!("{guard} merging {name}: look at this\n"),
        (Occasion::Gate | Occasion::Result, _) => format!("{guard} merging {name}: noted\n"),
        (Occasion::After, _) => format!("{guard} {name} was merged: look at this\n"),
        (Occasion::Pulled, Verdict::CouldNotJudge) => format!("{guard} merges came in that were not all looked at\n"),
        (Occasion::Pulled, _) => format!("{guard} merges came in that lack work of one side: look at this\n"),
        (Occasion::Pick, _) => format!("{guard} what is about to be committed lacks work of one side: look at this\n"),
        (Occasion::Picked, _) => format!("{guard} what was picked lacks work of one side: look at this\n"),
        (Occasion::Rebased, Verdict::CouldNotJudge) => {
            format!("{guard} what came in or was rebased was not all looked at\n")
        }
        (Occasion::Rebased, _) => format!("{guard} what came in or was rebased lacks work: look at this\n"),
        (Occasion::Push | Occasion::Receive, Verdict::Block) => {
            format!("{guard} {refused} this push; next: {}\n", next(&answer.findings))
        }
        (Occasion::Push | Occasion::Receive, Verdict::CouldNotJudge) if answer.refuses() => {
            let next = "mend what is said below, or push less at once";
            format!("{guard} could not judge this push: refused, as on_failure says; next: {next}\n")
        }
        (Occasion::Push, Verdict::CouldNotJudge) => format!("{guard} could not judge this push: git goes on\n"),
        (Occasion::Push, _) => format!("{guard} this push publishes something to look at\n"),
        (Occasion::Receive, Verdict::Pass) if answer.findings.is_empty() => format!("{guard} this push is fine\n"),
        (Occasion::Receive, Verdict::CouldNotJudge) => format!("{guard} could not judge this push: it is taken\n"),
        (Occasion::Receive, _) => format!("{guard} look at what this push brings\n"),
        (Occasion::Checkout, _) => format!("{guard} this branch lacks what its manifest names\n"),
    }
}

/// Returns what may be done about what blocks: many read the first line only.
fn next(findings: &[Finding]) -> String {
    let mut blocking = findings.iter().filter(|finding| finding.level == Level::Block);
    let remedy = blocking.next().map_or("guard doctor", |finding| finding.remedy.as_str());
    let mend = if remedy.starts_with("guard allow ") { "mend that, or " } else { "" };
    match blocking.count() {
        0 => format!("{mend}{remedy}"),
        more => format!("{mend}{remedy} (and {more} more below)"),
    }
}

fn ending(answer: &Answer) -> String {
    let loud = answer.findings.iter().any(|finding| finding.level >= Level::Warn);
    match answer.occasion {
        Occasion::Gate if answer.refuses() => "nothing was changed; git's next line is this refusal\n".to_owned(),
        Occasion::Result if answer.refuses() => format!(
            "not committed; the merge stays in the index and working tree\n  {}\n",
            "give it up with 'guard undo-merge' (or 'git merge --abort')".dimmed()
        ),
        Occasion::Gate | Occasion::Result | Occasion::After if loud => {
            "to take the merge back: guard undo-merge\n".to_owned()
        }
        Occasion::Receive if answer.refuses() => "nothing was taken: no branch has moved\n".to_owned(),
        Occasion::Push if answer.refuses() => {
            "nothing was pushed; to push nevertheless: git push --no-verify\n".to_owned()
        }
        _ => String::new(),
    }
}
