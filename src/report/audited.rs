//! What `guard audit` says.

use std::collections::BTreeMap;

use colored::Colorize;
use serde_json::{Value, json};

use super::reported::{lines, weight};
use super::{json as document, words};
use crate::model::{Level, Timestamp, Verdict, count};
use crate::routes::Audited;

/// So many findings of one merge are listed as text.
const LISTED: usize = 8;

/// Returns the merges at which something was found, worst first, and a summary by rule. `all` lists information, too.
pub fn audited_text(all: &[Audited], information: bool) -> String {
    let least = if information { Level::Info } else { Level::Warn };
    let loud = |audited: &Audited| audited.findings.iter().filter(|finding| finding.level >= least).count();
    let mut shown: Vec<&Audited> = all.iter().filter(|audited| loud(audited) > 0).collect();
    shown.sort_by_key(|audited| std::cmp::Reverse(weight(audited.findings.iter())));
    let mut text = String::new();
    for audited in shown {
        text.push_str(&format!("{} {} {}\n", audited.commit.short().yellow(), day(audited.time), audited.subject));
        for finding in audited.findings.iter().filter(|finding| finding.level >= least).take(LISTED) {
            text.push_str(&words::finding(finding));
            for line in lines(finding) {
                text.push_str(&format!("        {}\n", format!("- {line}").red()));
            }
        }
        let more = loud(audited).saturating_sub(LISTED);
        if more > 0 {
            text.push_str(&format!("  and {more} more\n"));
        }
    }
    for audited in all.iter().filter(|audited| audited.verdict == Verdict::CouldNotJudge) {
        let why = audited.failure.as_deref().unwrap_or_default();
        text.push_str(&format!("{} {} {why}\n", audited.commit.short().yellow(), "could not judge:".magenta()));
    }
    text.push_str(&summary(all, least));
    text
}

fn summary(all: &[Audited], least: Level) -> String {
    let mut rules: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for audited in all {
        let mut seen: Vec<&str> = Vec::new();
        for finding in audited.findings.iter().filter(|finding| finding.level >= least) {
            let counts = rules.entry(&finding.rule).or_default();
            counts.0 += 1;
            if !seen.contains(&finding.rule.as_str()) {
                seen.push(&finding.rule);
                counts.1 += 1;
            }
        }
    }
    let flagged = all.iter().filter(|audited| audited.findings.iter().any(|finding| finding.level >= least)).count();
    let mut text = format!("{}, {flagged} with findings\n", count(all.len(), "merge"));
    for (rule, (findings, merges)) in rules {
        text.push_str(&format!("  {rule:18} {} in {}\n", count(findings, "finding"), count(merges, "merge")));
    }
    let quiet = all.iter().flat_map(|audited| &audited.findings).filter(|finding| finding.level < least).count();
    if quiet > 0 {
        text.push_str(&format!("  and {quiet} of less weight: --all lists them\n"));
    }
    text
}

fn day(seconds: u64) -> String {
    Timestamp(seconds.saturating_mul(1000)).iso().chars().take(10).collect()
}

/// Returns one JSON document.
pub fn audited_json(all: &[Audited]) -> String {
    let mut text = document::document("audit");
    let merges: Vec<Value> = all
        .iter()
        .map(|audited| {
            json!({
                "commit": audited.commit,
                "at": Timestamp(audited.time.saturating_mul(1000)).iso(),
                "author": audited.author,
                "subject": audited.subject,
                "deviates": audited.deviates,
                "verdict": audited.verdict.word(),
                "findings": audited.findings,
                "failure": audited.failure,
            })
        })
        .collect();
    text.insert("merges".into(), merges.into());
    document::render(text)
}

/// Returns one JSON object a line, in the order of the commits.
pub fn audited_lines(all: &[Audited]) -> String {
    let line = |audited: &Audited| {
        let mut object = json!({
            "commit": audited.commit, "verdict": audited.verdict.word(), "findings": audited.findings,
        });
        if let (Some(why), Some(object)) = (&audited.failure, object.as_object_mut()) {
            object.insert("failure".into(), Value::from(why.clone()));
        }
        format!("{object}\n")
    };
    all.iter().map(line).collect()
}
