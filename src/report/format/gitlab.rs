//! GitLab's code quality report: a JSON list of problems.
//!
//! Each has a description, the rule, a fingerprint that no other of the report has, one of five severities, a path and a
//! first line. GitLab wants a path of each: a finding about a whole merge has `.`. JSON itself keeps texts shut, and GitLab
//! shows them as text.

use serde_json::{Value, json};

use crate::model::{Level, fingerprint};
use crate::report::reported::{Entry, Report, place, work_of};

/// Returns the report.
pub fn gitlab(report: &Report<'_>) -> String {
    let unjudged = report.unjudged().map(|(merge, why)| {
        let commit = merge.commit.map(|commit| commit.to_string()).unwrap_or_default();
        json!({
            "description": format!("could not judge {}: {why}", merge.name),
            "check_name": "could-not-judge",
            "fingerprint": fingerprint(&[b"could-not-judge", commit.as_bytes(), merge.name.as_bytes()]),
            "severity": "critical",
            "location": { "path": ".", "lines": { "begin": 1 } },
        })
    });
    let all: Vec<Value> = unjudged.chain(report.entries().iter().map(problem)).collect();
    format!("{}\n", Value::Array(all))
}

fn problem(entry: &Entry<'_, '_>) -> Value {
    let finding = entry.finding;
    let mut description = format!("{}, in {}", finding.message, entry.merge.name);
    if let Some(work) = work_of(finding) {
        description.push_str(&format!(" ({work})"));
    }
    json!({
        "description": description,
        "check_name": finding.rule,
        "fingerprint": entry.identity,
        "severity": severity(finding.level),
        "location": {
            "path": finding.path.as_ref().map_or_else(|| ".".to_owned(), ToString::to_string),
            "lines": { "begin": place(finding).unwrap_or(1) },
        },
    })
}

const fn severity(level: Level) -> &'static str {
    match level {
        Level::Block => "blocker",
        Level::Warn => "major",
        Level::Info | Level::Off => "info",
    }
}
