//! A page that a team can look at: one HTML file that asks for nothing, runs nothing and works offline.
//!
//! ```text
//! header      the answer in a sentence, and the numbers behind it
//! unjudged    what could not be judged, and why
//! timeline    when: merges with findings above the line, all merges below it
//! rules       what: how often each rule spoke, and its page
//! merges      where: the worst in full, then a line each, then a count
//! ```
//!
//! It is bounded, whatever was judged: so many merges in full and so many bytes of them, so many more in a line each; what is
//! left out is counted, with the command that shows it.
//!
//! Texts from the repository are escaped ([`markup::esc`]); a content security policy forbids scripts and requests for the
//! case that one is not. Nothing is told by colour alone, and nothing is hidden from paper.

mod header;
mod markup;
mod merges;
mod rules;
#[cfg(test)]
mod tests;
mod timeline;
mod unjudged;

use std::cmp::Reverse;

pub(super) use markup::esc;

use super::reported::{Merge, Report, weight};
use crate::model::Level;

/// So many merges are shown in full, unless they take too many bytes.
const FULL: usize = 100;
/// So many more are shown in a line each.
const LISTED: usize = 1000;

/// What the sections work from.
struct Page<'r, 'a> {
    report: &'r Report<'a>,
    /// The merges with findings, worst first, newest first among equals.
    worst: Vec<&'r Merge<'a>>,
}

impl<'r, 'a> Page<'r, 'a> {
    fn new(report: &'r Report<'a>) -> Self {
        let mut worst: Vec<&Merge<'_>> = report.merges.iter().filter(|merge| !merge.findings.is_empty()).collect();
        worst.sort_by_key(|merge| Reverse(weight(merge.findings.iter().copied())));
        Self { report, worst }
    }

    /// Returns the merges that have a place on the page.
    fn placed(&self) -> &[&'r Merge<'a>] {
        &self.worst[..self.worst.len().min(FULL + LISTED)]
    }
}

/// The levels as the page shows them, worst first: the level, the class of its colour, its mark.
const LEVELS: [(Level, &str, &str); 3] =
    [(Level::Block, "block", "■"), (Level::Warn, "warn", "▲"), (Level::Info, "info", "●")];

/// Returns a level's mark and word.
fn tag(level: Level) -> String {
    let known = LEVELS.iter().find(|(known, ..)| *known == level);
    known.map_or_else(String::new, |(_, word, mark)| {
        format!("<span class=\"tag {word}\"><span aria-hidden=\"true\">{mark}</span> {word}</span>")
    })
}

/// Returns a merge's worst level.
fn level(merge: &Merge<'_>) -> Level {
    merge.findings.iter().map(|finding| finding.level).max().unwrap_or(Level::Off)
}

/// Returns the page.
pub fn page(report: &Report<'_>) -> String {
    let page = Page::new(report);
    let mut text = header::header(&page);
    text.push_str("<div class=\"columns\">\n");
    text.push_str(&merges::index(&page));
    text.push_str("<main id=\"main\">\n");
    text.push_str(&unjudged::unjudged(report));
    text.push_str(&timeline::timeline(&page));
    text.push_str(&rules::rules(report));
    merges::merges(&mut text, &page);
    text.push_str("</main>\n</div>\n");
    text.push_str(&header::footer(&page));
    text
}
