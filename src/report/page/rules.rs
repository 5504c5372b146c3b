//! How often each rule spoke, and what it means.

use std::collections::BTreeMap;

use super::markup::{count, esc, number, prose};
use super::tag;
use crate::model::Level;
use crate::report::reported::Report;
use crate::rules::explain;

#[derive(Default)]
struct Row {
    level: Option<Level>,
    findings: usize,
    merges: usize,
}

/// Returns the section; empty when no rule spoke.
pub(super) fn rules(report: &Report<'_>) -> String {
    let mut rows: BTreeMap<&str, Row> = BTreeMap::new();
    for merge in &report.merges {
        let mut seen: Vec<&str> = Vec::new();
        for finding in &merge.findings {
            let row = rows.entry(&finding.rule).or_default();
            row.level = row.level.max(Some(finding.level));
            row.findings += 1;
            if !seen.contains(&finding.rule.as_str()) {
                seen.push(&finding.rule);
                row.merges += 1;
            }
        }
    }
    if rows.is_empty() {
        return String::new();
    }
    let most = rows.values().map(|row| row.merges).max().unwrap_or(1);
    let mut rows: Vec<_> = rows.into_iter().collect();
    rows.sort_by_key(|(_, row)| std::cmp::Reverse((row.level, row.merges)));
    let rows: String = rows.iter().map(|(rule, row)| of(rule, row, most)).collect();
    format!("<section id=\"rules\">\n<h2>By rule</h2>\n<div class=\"rules\">\n{rows}</div>\n</section>\n")
}

fn of(rule: &str, row: &Row, most: usize) -> String {
    let page = explain(rule).map_or_else(String::new, |rule| {
        let docs = &rule.docs;
        format!(
            "<p>{}</p>\n<h3>Why it matters</h3>\n<p>{}</p>\n<h3>What to do</h3>\n<p>{}</p>\n<h3>When it is wrong</h3>\n\
             <p>{}</p>\n",
            prose(docs.finds),
            prose(docs.why),
            prose(docs.what_to_do),
            prose(docs.when_wrong)
        )
    });
    let level = row.level.unwrap_or(Level::Off);
    format!(
        "<details class=\"{word}\" id=\"rule-{rule}\" style=\"--share:{share}%\">\n<summary>{tag} <code>{rule}</code> \
         <span class=\"counts\"><b>{merges}</b> {noun} <span>· {findings}</span></span></summary>\n{page}</details>\n",
        word = level.word(),
        rule = esc(rule),
        share = (row.merges * 100).div_ceil(most),
        tag = tag(level),
        merges = number(row.merges),
        noun = if row.merges == 1 { "merge" } else { "merges" },
        findings = count(row.findings, "finding"),
    )
}
