//! The words of a verdict, in git's manner.
//!
//! A block message has four parts: what was found, where, why it matters, and the exact command to pass or to undo;
//! and it says what was not changed.

use colored::Colorize;

use super::reported::{line_text, lines};
use crate::model::{Excuse, Finding, Incoming, Level, Oid, Target, Verdict};

/// So many findings are shown whole; the rest is counted.
const SHOWN: usize = 10;

/// Returns a level's tag in its colour; readable without.
fn tag(level: Level) -> String {
    match level {
        Level::Block => "block".red().bold().to_string(),
        Level::Warn => "warn".yellow().bold().to_string(),
        Level::Info | Level::Off => "info".cyan().to_string(),
    }
}

/// Returns one finding: a headline with its rule in brackets, then who, why, what to do.
pub fn finding(found: &Finding) -> String {
    let mut text = format!("  {:5} {} [{}]\n", tag(found.level), found.message, found.rule);
    let evidence = |key: &str| found.evidence.get(key);
    if let (Some(merge), Some(subject)) = (evidence("merge"), evidence("merge_subject")) {
        let short = merge.get(..10).unwrap_or(merge);
        text.push_str(&format!("        in    {short} {subject}\n"));
    }
    if let Some(commit) = evidence("commit") {
        let author = evidence("author").map_or("", String::as_str);
        let subject = evidence("subject").map_or("", String::as_str);
        text.push_str(&format!("        by    {commit} {author}: {subject}\n"));
    }
    if let Some(reason) = evidence("reason") {
        text.push_str(&format!("        why   {reason}\n"));
    }
    if let Some(owners) = evidence("owners") {
        text.push_str(&format!("        ask   {owners}\n"));
    }
    if let Some(excuse) = &found.excuse {
        text.push_str(&format!("        note  {}\n", excused(excuse)));
    } else if found.level >= Level::Warn && !found.remedy.is_empty() {
        text.push_str(&format!("        do    {}\n", found.remedy));
    }
    text.push_str(&whose(found));
    text
}

/// Whose work is missing, where that is known, and the lines of it that a finding shows.
fn whose(finding: &Finding) -> String {
    let lines = lines(finding).map(|line| format!("        -     {}\n", line_text(line)));
    author(finding) + &lines.collect::<String>()
}

fn author(finding: &Finding) -> String {
    let (author, commit) = (finding.evidence.get("lost_author"), finding.evidence.get("lost_commit"));
    let commit = commit.and_then(|commit| Oid::from_hex(commit.as_bytes()));
    let (Some(author), Some(commit)) = (author, commit) else { return String::new() };
    // What stands there twice is not lost.
    let what = if finding.rule == "doubled-block" { "of" } else { "lost" };
    format!("        {what:4}  work of {author} ({})\n", commit.short())
}

/// Returns why something does not block.
pub fn excused(excuse: &Excuse) -> String {
    match excuse {
        Excuse::Accepted { line } => format!("'{line}' already contains it, so it is not blocked here"),
        Excuse::Allowed { reason } => format!("allowed: {reason}"),
        Excuse::Trailer { commit, reason } => format!("allowed by commit {commit}: {reason}"),
        Excuse::Uncertain => "another merge strategy may avoid it; judged again on the result".to_owned(),
        Excuse::Ours => {
            "'-s ours' drops what comes in; a push and 'guard check' refuse it unless it is allowed".to_owned()
        }
    }
}

/// Returns a list of findings, worst first, cut after the first ten.
pub fn findings(found: &[Finding]) -> String {
    let mut text: String = found.iter().take(SHOWN).map(finding).collect();
    if found.len() > SHOWN {
        text.push_str(&format!("  … and {} more: 'guard check' lists them\n", found.len() - SHOWN));
    }
    text
}

/// Returns `'feat' into 'main'`, as far as names are known.
pub fn merge_name(incoming: &[Incoming], into: &Target) -> String {
    let name = |head: &Incoming| match head.name() {
        Some(name) if into.has_namesake(head) => format!("the remote's '{name}'"),
        Some(name) => format!("'{name}'"),
        None => head.oid.short(),
    };
    let heads = incoming.iter().map(name).collect::<Vec<_>>().join(", ");
    let into = into.branch.as_ref().map_or_else(|| "HEAD".to_owned(), |branch| format!("'{branch}'"));
    format!("{heads} into {into}")
}

/// Returns a verdict's word in its colour.
pub fn verdict(verdict: Verdict) -> String {
    match verdict {
        Verdict::Pass => "pass".green().bold().to_string(),
        Verdict::Warn => "warn".yellow().bold().to_string(),
        Verdict::Block => "block".red().bold().to_string(),
        Verdict::CouldNotJudge => "could not judge".magenta().bold().to_string(),
    }
}
