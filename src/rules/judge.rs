//! Runs the rules and turns their drafts into findings.

use crate::model::{Finding, Level, fingerprint};

use super::{Case, Draft, REGISTER, Rule, Weight, allow_command};

/// Judges a merge by every rule: worst first, then by rule and path. What is switched off is left out.
pub fn judge(case: &Case<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = REGISTER
        .iter()
        .filter(|rule| setting(case, rule) != Some(Level::Off))
        .flat_map(|rule| (rule.judge)(case).into_iter().map(|draft| finish(case, rule, draft)))
        .filter(|finding| finding.level != Level::Off)
        .collect();
    sort(&mut findings);
    findings
}

/// Puts findings in the order in which they are said.
pub(super) fn sort(findings: &mut [Finding]) {
    findings.sort_by(|one, other| {
        other.level.cmp(&one.level).then_with(|| one.rule.cmp(&other.rule)).then_with(|| one.path.cmp(&other.path))
    });
}

fn setting(case: &Case<'_>, rule: &Rule) -> Option<Level> {
    case.manifest.rules.get(rule.name).and_then(|setting| setting.level)
}

fn finish(case: &Case<'_>, rule: &Rule, draft: Draft) -> Finding {
    let said = setting(case, rule);
    let level = match draft.weight {
        Weight::Rule => said.unwrap_or(rule.default),
        Weight::Own(own) => said.unwrap_or(own),
        Weight::AtMost(most) => said.unwrap_or(rule.default).min(most),
    };
    let known = |path| case.at(path).or_else(|| case.facts.data.get(path).map(|data| &data.entries));
    let facts = draft.path.as_ref().and_then(known);
    let hex = |entry: Option<crate::model::Entry>| entry.map_or_else(|| "-".to_owned(), |entry| entry.oid.to_string());
    let (first, result) = facts.map_or((None, None), |facts| (facts.first, facts.result));
    let fingerprint = fingerprint(&[
        rule.name.as_bytes(),
        draft.path.as_deref().unwrap_or_default(),
        hex(first).as_bytes(),
        hex(result).as_bytes(),
        draft.detail.as_bytes(),
    ]);
    Finding {
        rule: rule.name.to_owned(),
        level,
        remedy: draft.remedy.unwrap_or_else(|| allow_command(rule.name, draft.path.as_ref())),
        path: draft.path,
        message: draft.message,
        evidence: draft.evidence,
        fingerprint,
        excuse: None,
    }
}
