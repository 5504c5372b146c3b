//! What could not be judged: by reason, because a shallow clone has one reason a thousand times.

use std::collections::BTreeMap;

use super::markup::{count, esc, number};
use crate::report::reported::{Merge, Report, SUBJECT, cut};

/// So many merges are named for each reason.
const NAMED: usize = 12;
/// So many reasons are listed.
const REASONS: usize = 20;

/// Returns the section; empty when everything was judged.
pub(super) fn unjudged(report: &Report<'_>) -> String {
    let mut reasons: BTreeMap<&str, Vec<&Merge<'_>>> = BTreeMap::new();
    for (merge, why) in report.unjudged() {
        reasons.entry(why).or_default().push(merge);
    }
    if reasons.is_empty() {
        return String::new();
    }
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, merges)| std::cmp::Reverse(merges.len()));
    let mut text = format!(
        "<section class=\"panel unjudged\" id=\"unjudged\">\n<h2><span aria-hidden=\"true\">◆</span> {} could not be \
         judged</h2>\n<p>Neither good nor bad: something was missing. Fetch it, for example with <code>git fetch \
         --unshallow</code>, and audit again.</p>\n<dl>\n",
        count(report.unjudged().count(), "merge")
    );
    for (why, merges) in reasons.iter().take(REASONS) {
        let names: Vec<String> =
            merges.iter().take(NAMED).map(|merge| format!("<code>{}</code>", esc(&name(merge)))).collect();
        let more = merges.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {} more", number(more)) } else { String::new() };
        text.push_str(&format!("<dt>{}</dt>\n<dd>{}{more}</dd>\n", esc(&cut(why, SUBJECT)), names.join(" ")));
    }
    if reasons.len() > REASONS {
        text.push_str(&format!("<dt>and {} more</dt>\n", count(reasons.len() - REASONS, "reason")));
    }
    text.push_str("</dl>\n</section>\n");
    text
}

fn name(merge: &Merge<'_>) -> String {
    merge.commit.map_or_else(|| cut(&merge.name, SUBJECT), |commit| commit.short())
}
