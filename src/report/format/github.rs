//! GitHub: workflow commands on stdout, which become annotations, and the step's summary.
//!
//! GitHub shows ten annotations of a kind and step and drops the rest without a word, so the worst ten of each are given and
//! the summary has everything.
//!
//! A command is `::error file=…,title=…::message` on a line of its own. `%` and line ends are encoded everywhere, `:` and
//! `,` in properties, as the runner decodes them. Nothing else that comes from a repository is printed: the runner takes any
//! line that begins with `::`, and any that holds `##[`, for a command. The summary is Markdown; there each character that
//! could mean something stands as a numeric reference, which Markdown never takes for structure.

use std::collections::BTreeMap;

use crate::model::{Level, count};
use crate::report::reported::{Asked, Entry, Report, SUBJECT, cut, line_text, lines, place, work_of};

/// So many annotations of a kind does GitHub show of one step.
const SHOWN: usize = 10;
/// So many bytes of a summary; GitHub refuses more than 1 MiB a step, and others may write there, too.
const SUMMARY: usize = 512 << 10;
/// So many merges that could not be judged are named.
const UNJUDGED: usize = 20;

/// The kinds of annotations, worst first.
const KINDS: [(Level, &str); 3] = [(Level::Block, "error"), (Level::Warn, "warning"), (Level::Info, "notice")];

/// Returns the commands.
pub fn github(report: &Report<'_>) -> String {
    let entries = report.entries();
    let unjudged: Vec<_> = report.unjudged().collect();
    let mut text = String::new();
    if let Some((merge, why)) = unjudged.first() {
        let title = format!("guard could not judge {}", count(unjudged.len(), report.asked.noun()));
        text.push_str(&format!("::error title={}::{}\n", property(&title), data(&format!("{}: {why}", merge.name))));
    }
    let mut left = 0;
    for (level, kind) in KINDS {
        let room = SHOWN - usize::from(level == Level::Block && !unjudged.is_empty());
        let all = entries.iter().filter(|entry| entry.finding.level == level);
        left += all.clone().count().saturating_sub(room);
        all.take(room).for_each(|entry| text.push_str(&annotation(kind, entry)));
    }
    text.push_str(&format!("guard {}: {}", report.asked.word(), counted(report, entries.len())));
    if left > 0 {
        text.push_str(&format!("; {left} of them only in the step's summary"));
    }
    text.push('\n');
    text
}

fn annotation(kind: &str, entry: &Entry<'_, '_>) -> String {
    let finding = entry.finding;
    let mut properties = Vec::new();
    if let Some(path) = &finding.path {
        properties.push(format!("file={}", property(&path.to_string())));
        properties.extend(place(finding).map(|line| format!("line={line}")));
    }
    properties.push(format!("title={}", property(&format!("{} in {}", finding.rule, entry.merge.name))));
    format!("::{kind} {}::{}\n", properties.join(","), data(&entry.told().join("\n")))
}

/// Returns what may stand behind the second `::`.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Returns what may stand as a property's value.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

fn counted(report: &Report<'_>, findings: usize) -> String {
    let findings = count(findings, "finding");
    match report.asked {
        // Files stand in one place, whatever their number.
        Asked::Verify => findings,
        Asked::Audit | Asked::Check => format!("{}, {findings}", count(report.merges.len(), "merge")),
    }
}

/// Returns what is added to the step's summary: all of it, as far as GitHub takes it.
pub fn github_summary(report: &Report<'_>) -> String {
    let entries = report.entries();
    let mut text = format!("\n## guard {}: {}\n\n", report.asked.word(), counted(report, entries.len()));
    let unjudged: Vec<_> = report.unjudged().collect();
    if !unjudged.is_empty() {
        text.push_str(&format!("**Could not judge {}:**\n\n", count(unjudged.len(), report.asked.noun())));
        for (merge, why) in unjudged.iter().take(UNJUDGED) {
            text.push_str(&format!("- {}: {}\n", shut(&merge.name), shut(&cut(why, SUBJECT))));
        }
        if unjudged.len() > UNJUDGED {
            text.push_str(&format!("- and {} more\n", unjudged.len() - UNJUDGED));
        }
        text.push('\n');
    }
    if entries.is_empty() {
        let nothing = if unjudged.is_empty() { "Nothing was found." } else { "Nothing was found in the others." };
        text.push_str(&format!("{nothing}\n\n"));
    } else {
        text.push_str(&by_rule(&entries));
    }
    for (told, entry) in entries.iter().enumerate() {
        let item = item(entry);
        if text.len() + item.len() > SUMMARY {
            text.push_str(&format!("- and {} more, which have no room here\n", entries.len() - told));
            break;
        }
        text.push_str(&item);
    }
    if report.quiet > 0 {
        text.push_str(&format!("\n{} of less weight left out: `guard audit --all`\n", report.quiet));
    }
    text
}

fn by_rule(entries: &[Entry<'_, '_>]) -> String {
    let mut rules: BTreeMap<&str, usize> = BTreeMap::new();
    for entry in entries {
        *rules.entry(&entry.finding.rule).or_default() += 1;
    }
    let rows: String = rules.iter().map(|(rule, findings)| format!("| {} | {findings} |\n", shut(rule))).collect();
    format!("| rule | findings |\n|---|---|\n{rows}\n")
}

fn item(entry: &Entry<'_, '_>) -> String {
    let (merge, finding) = (entry.merge, entry.finding);
    let mut item = format!("- **{}** {}", finding.level.word(), shut(&finding.message));
    item.push_str(&format!(" ({}), in {}", shut(&finding.rule), shut(&merge.name)));
    if !merge.subject.is_empty() {
        item.push_str(&format!(", {}", shut(&cut(&merge.subject, SUBJECT))));
    }
    item.push_str(&work_of(finding).map(|work| format!(", {}", shut(&work))).unwrap_or_default());
    item.push('\n');
    for line in lines(finding) {
        item.push_str(&format!("  - lost: <code>{}</code>\n", shut(&line_text(line))));
    }
    if let Some(remedy) = merge.to_do(finding) {
        item.push_str(&format!("  - do: <code>{}</code>\n", shut(remedy)));
    }
    item
}

/// Returns text in which nothing is Markdown or HTML any more.
fn shut(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        if character.is_ascii() && !character.is_ascii_alphanumeric() && character != ' ' {
            out.push_str(&format!("&#{};", u32::from(character)));
        } else {
            out.push(character);
        }
    }
    out
}
