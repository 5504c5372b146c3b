//! What `guard check` says.

use colored::Colorize;
use serde_json::{Value, json};

use super::{json as document, words};
use crate::model::{Facts, Finding, Level, Raw, ResultKind, Shape, Verdict, escape};
use crate::routes::Checked;

/// So many lines of a difference are shown per file.
const DIFF_LINES: usize = 40;

/// A protected text file that the merge changes: path, before, after.
pub type Changed = (Raw, Vec<u8>, Vec<u8>);

/// Returns one merge as text.
///
/// With `paths` every path that changes is listed.
pub fn checked_text(checked: &Checked, changed: &[Changed], paths: bool) -> String {
    let judged = &checked.judged;
    let facts = &judged.facts;
    let name = match checked.commit {
        Some(commit) => format!("merge {}", commit.short()),
        None => format!("merging {}", words::merge_name(&facts.incoming, &facts.into)),
    };
    let mut text = format!("{name}: {}\n", words::verdict(judged.verdict));
    text.push_str(&format!("  {}\n", summary(facts).dimmed()));
    text.push_str(&judged.findings.iter().map(words::finding).collect::<String>());
    if let Some(why) = &judged.failure {
        text.push_str(&format!("  {} {why}\n", "could not judge:".magenta()));
    }
    for path in facts.paths.iter().filter(|path| path.conflicted) {
        text.push_str(&format!("  {}  '{}' will conflict\n", "note".cyan(), path.path));
    }
    for path in facts.paths.iter().filter(|_| paths) {
        let letter = match (path.first, path.result) {
            (None, _) => 'A',
            (_, None) => 'D',
            _ => 'M',
        };
        text.push_str(&format!("  {letter} {}\n", path.path));
    }
    for (path, before, after) in changed {
        text.push_str(&difference(path, before, after));
    }
    text
}

fn summary(facts: &Facts) -> String {
    let count = |keep: &dyn Fn(&crate::model::PathFacts) -> bool| facts.paths.iter().filter(|path| keep(path)).count();
    let added = count(&|path| path.first.is_none() && path.result.is_some());
    let deleted = count(&|path| path.first.is_some() && path.result.is_none());
    let shape = match facts.shape {
        Shape::FastForward => "fast-forward",
        Shape::Merge => "true merge",
        Shape::Octopus => "octopus",
        Shape::Squash => "squash",
    };
    let how = match facts.result {
        ResultKind::Predicted { certain: true } | ResultKind::Ours => ", predicted",
        ResultKind::Predicted { certain: false } => ", predicted with the default strategy",
        ResultKind::Actual => "",
    };
    let change = if facts.paths.len() == 1 { "changes" } else { "change" };
    let paths = crate::model::count(facts.paths.len(), "path");
    format!("{shape}{how}: {paths} {change}, {added} of them new, {deleted} deleted")
}

/// Returns a unified difference, escaped and cut, with a deadline: it is shown, it decides nothing.
fn difference(path: &Raw, before: &[u8], after: &[u8]) -> String {
    let diff = similar::TextDiff::configure().timeout(std::time::Duration::from_millis(200)).diff_lines(before, after);
    let mut text = format!("  {}\n", format!("--- '{path}' would change:").bold());
    let mut lines = 0;
    for hunk in diff.unified_diff().context_radius(2).iter_hunks() {
        for change in hunk.iter_changes() {
            lines += 1;
            if lines > DIFF_LINES {
                continue;
            }
            let shown = escape(change.value().strip_suffix(b"\n").unwrap_or(change.value()));
            let line = match change.tag() {
                similar::ChangeTag::Delete => format!("-{shown}").red(),
                similar::ChangeTag::Insert => format!("+{shown}").green(),
                similar::ChangeTag::Equal => format!(" {shown}").normal(),
            };
            text.push_str(&format!("    {line}\n"));
        }
    }
    if lines > DIFF_LINES {
        text.push_str(&format!("    … {}\n", crate::model::count(lines - DIFF_LINES, "more line")));
    }
    text
}

/// Returns all merges as one JSON document.
pub fn checked_json(all: &[Checked], verdict: Verdict) -> String {
    let mut findings: Vec<Finding> = Vec::new();
    for found in all.iter().flat_map(|checked| &checked.judged.findings) {
        if !findings.iter().any(|known| known.fingerprint == found.fingerprint) {
            findings.push(found.clone());
        }
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.level));
    let mut text = document::document("check");
    let failure = all.iter().find_map(|checked| checked.judged.failure.as_deref());
    document::add_verdict(&mut text, verdict, &findings, failure);
    text.insert("merges".into(), all.iter().map(merge_json).collect());
    document::render(text)
}

/// Returns the document of a check that came to nothing.
pub fn unchecked_json(why: &str, hint: Option<&str>) -> String {
    let mut text = document::document("check");
    document::add_verdict(&mut text, Verdict::CouldNotJudge, &[], Some(why));
    text.insert("hint".into(), json!(hint));
    text.insert("merges".into(), Value::Array(Vec::new()));
    document::render(text)
}

fn merge_json(checked: &Checked) -> Value {
    let facts = &checked.judged.facts;
    let conflicts: Vec<&Raw> = facts.paths.iter().filter(|path| path.conflicted).map(|path| &path.path).collect();
    json!({
        "commit": checked.commit,
        "into": { "branch": facts.into.branch, "tip": facts.into.tip },
        "incoming": facts.incoming,
        "merge_bases": facts.merge_bases,
        "result_tree": facts.result_tree,
        "predicted": facts.result != ResultKind::Actual,
        "paths": facts.paths.len(),
        "will_conflict": conflicts,
        "verdict": checked.judged.verdict.word(),
        "findings": checked.judged.findings,
        "blocking": checked.judged.findings.iter().filter(|finding| finding.level == Level::Block).count(),
    })
}
