//! The head of the document, the answer in a sentence, and the foot.

use super::markup::{count, day, esc, number};
use super::{FULL, LEVELS, Page, level};
use crate::model::Level;
use crate::report::reported::{Asked, Report};

/// Nothing may be loaded or run; styles stand in the page.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// Returns everything up to the first section.
pub(super) fn header(page: &Page<'_, '_>) -> String {
    let report = page.report;
    let what = match report.asked {
        Asked::Audit => "Merge audit",
        Asked::Check => "Merge check",
        Asked::Verify => "Data files",
    };
    let repository = esc(&report.about.repository);
    let mut text = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>{what} of {repository}: {title}</title>\n<style>\n{style}</style>\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#main\">Skip to the findings</a>\n<header class=\"top\">\n",
        title = answer(page),
        style = include_str!("page.css"),
    );
    text.push_str(&format!(
        "<p class=\"eyebrow\"><span>{what}</span> <b><bdi>{repository}</bdi></b> <code>{}</code></p>\n<h1>{}</h1>\n",
        esc(&report.about.range),
        answer(page)
    ));
    text.push_str(&tally(page));
    text.push_str(&format!("<p class=\"made\">{}</p>\n</header>\n", meaning(page)));
    text
}

/// Returns what came out, in a sentence.
fn answer(page: &Page<'_, '_>) -> String {
    let report = page.report;
    let found = page.worst.iter().filter(|merge| level(merge) >= Level::Warn).count();
    let (all, unjudged) = (report.merges.len(), report.unjudged().count());
    let nothing = if page.worst.is_empty() { nothing(report) } else { "Nothing that warns" };
    match (all, found, unjudged) {
        (0, ..) => "There is no merge to judge".to_owned(),
        (_, 0, 0) => format!("{nothing} was found in {}", count(all, "merge")),
        (_, 0, _) if unjudged == all => format!("{} could not be judged", count(all, "merge")),
        (_, 0, _) => format!("{nothing} was found, but {} could not be judged", count(unjudged, "merge")),
        (1, ..) => "The merge deserves a look".to_owned(),
        (_, 1, _) => format!("1 of {} merges deserves a look", number(all)),
        _ => format!("{} of {} merges deserve a look", number(found), number(all)),
    }
}

/// What was not found: information that is left out was.
const fn nothing(report: &Report<'_>) -> &'static str {
    if report.quiet > 0 { "Nothing that warns" } else { "Nothing" }
}

fn tally(page: &Page<'_, '_>) -> String {
    let report = page.report;
    let of = |wanted: Level| page.worst.iter().filter(|merge| level(merge) == wanted).count();
    let unjudged = report.unjudged().count();
    let quiet = report.merges.iter().filter(|merge| merge.findings.is_empty() && merge.failure.is_none()).count();
    let mut text = "<ul class=\"tally\">\n".to_owned();
    let mut add = |class: &str, mark: &str, merges: usize, means: &str| {
        text.push_str(&format!(
            "<li class=\"{}\"><b>{}</b> <span><span aria-hidden=\"true\">{mark}</span> {means}</span></li>\n",
            if merges == 0 { "none" } else { class },
            number(merges)
        ));
    };
    for (known, word, mark) in LEVELS {
        let means = match known {
            Level::Block => "should have been stopped",
            Level::Warn => "worth a look",
            _ => "good to know",
        };
        if known != Level::Info || of(known) > 0 {
            add(word, mark, of(known), means);
        }
    }
    if unjudged > 0 {
        add("unjudged", "◆", unjudged, "could not be judged");
    }
    add("fine", "✓", quiet, &format!("{} found", nothing(report).to_lowercase()));
    text.push_str("</ul>\n");
    text
}

fn meaning(page: &Page<'_, '_>) -> String {
    let judged = day(page.report.about.at.0 / 1000);
    if page.worst.is_empty() {
        return format!("Judged on {judged}.");
    }
    format!(
        "Judged on {judged}. A finding is a place to look at: it names what is missing from a merge’s result, whose side it \
         was on, and how to bring it back. Many are meant so."
    )
}

/// Returns the end: what is left out, and how to see it.
pub(super) fn footer(page: &Page<'_, '_>) -> String {
    let mut lines = Vec::new();
    if page.report.quiet > 0 {
        let quiet = count(page.report.quiet, "finding");
        lines.push(format!("{quiet} of less weight left out: <code>guard audit --all --format html</code>"));
    }
    if page.worst.len() > FULL {
        lines.push("Everything, for programs: <code>guard audit --format json</code>".to_owned());
    }
    lines.push(format!("Made by RecoveryGuard {}. Nothing was changed.", env!("CARGO_PKG_VERSION")));
    let lines: String = lines.iter().map(|line| format!("<p>{line}</p>\n")).collect();
    format!("<footer>\n{lines}</footer>\n</body>\n</html>\n")
}
