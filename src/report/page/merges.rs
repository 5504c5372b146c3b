//! The merges with findings: the worst in full, then a line each, then a count.

use super::markup::{count, day, esc, number};
use super::{FULL, Page, level, tag};
use crate::model::{Finding, TreePath};
use crate::report::reported::{Merge, SUBJECT, cut, line_text, lines};
use crate::report::words;

/// So many findings of a merge are in sight at once; more unfold.
const OPEN: usize = 3;
/// So many are on the page.
const FINDINGS: usize = 12;
/// So many bytes of merges in full; paths and commands may be long.
const BYTES: usize = 1 << 20;
/// Evidence that has a place of its own, or says nothing beside the message.
const PLACED: [&str; 12] = [
    "points",
    "side",
    "in_conflict",
    "lost_author",
    "lost_commit",
    "commit",
    "author",
    "subject",
    "reason",
    "owners",
    "line",
    "column",
];

/// Returns the list of merges that stands beside the page where there is room.
pub(super) fn index(page: &Page<'_, '_>) -> String {
    let entry = |(place, merge): (usize, &&Merge<'_>)| {
        let subject = esc(&cut(title(merge), 60));
        let word = level(merge).word();
        let found = count(merge.findings.len(), "finding");
        let about = merge.time.map(day).into_iter().chain([found]).collect::<Vec<_>>().join(" · ");
        format!(
            "<li class=\"{word}\"><a href=\"#m{}\"><bdi>{subject}</bdi><small>{about}</small></a></li>\n",
            place + 1
        )
    };
    let entries: String = page.worst.iter().take(FULL).enumerate().map(entry).collect();
    if entries.is_empty() {
        return String::new();
    }
    format!(
        "<nav class=\"index\" aria-label=\"Merges, worst first\">\n<h2>Worst first</h2>\n<ol>\n{entries}</ol>\n</nav>\n"
    )
}

/// Adds the section to the page.
pub(super) fn merges(text: &mut String, page: &Page<'_, '_>) {
    if page.worst.is_empty() {
        if !page.report.merges.is_empty() && page.report.unjudged().next().is_none() {
            text.push_str(
                "<section class=\"panel fine\" id=\"merges\">\n<h2><span aria-hidden=\"true\">✓</span> Nothing to look at</h2>\n\
                 <p>In each of these merges the result is what merging its parents gives, or differs from it in no way that a \
                 rule warns of.</p>\n</section>\n",
            );
        }
        return;
    }
    text.push_str("<section id=\"merges\">\n<h2>Merges, worst first</h2>\n");
    let start = text.len();
    let mut shown = 0;
    for merge in page.worst.iter().take(FULL) {
        if text.len() - start > BYTES {
            break;
        }
        shown += 1;
        text.push_str(&article(shown, merge));
    }
    let listed: String =
        page.placed().iter().enumerate().skip(shown).map(|(place, merge)| row(place + 1, merge)).collect();
    if !listed.is_empty() {
        let all = page.worst.len() - shown;
        let left = page.worst.len() - page.placed().len();
        text.push_str(&format!(
            "<h2 id=\"more\">{} with findings</h2>\n<ol class=\"more\">\n",
            count(all, "more merge")
        ));
        text.push_str(&format!("{listed}</ol>\n"));
        if left > 0 {
            text.push_str(&format!(
                "<p class=\"left\">{} not listed here. Audit a part: <code>guard audit --since '1 year ago' --format \
                 html</code>, or read them all: <code>guard audit</code>.</p>\n",
                count(left, "merge")
            ));
        }
    }
    text.push_str("</section>\n");
}

/// What a merge is called: its message's first line, or what it is.
fn title<'m>(merge: &'m Merge<'_>) -> &'m str {
    if merge.subject.is_empty() { &merge.name } else { &merge.subject }
}

/// Returns the commit, author and day.
fn origin(merge: &Merge<'_>) -> String {
    let mut parts = Vec::new();
    parts.extend(merge.commit.map(|commit| format!("<code title=\"{commit}\">{}</code>", commit.short())));
    if !merge.author.is_empty() {
        parts.push(format!("<bdi>{}</bdi>", esc(&cut(&merge.author, 60))));
    }
    parts.extend(merge.time.map(day));
    parts.join(" <span class=\"dot\">·</span> ")
}

fn article(place: usize, merge: &Merge<'_>) -> String {
    let all = merge.findings.len();
    let mut text = format!(
        "<article class=\"merge {word}\" id=\"m{place}\">\n<header>{tag}<h3><a href=\"#m{place}\"><bdi>{title}</bdi></a></h3>\n\
         <p class=\"origin\">{origin}</p></header>\n",
        word = level(merge).word(),
        tag = tag(level(merge)),
        title = esc(&cut(title(merge), SUBJECT)),
        origin = origin(merge),
    );
    let (open, folded) = merge.findings.split_at(all.min(OPEN));
    let items = |findings: &[&Finding]| findings.iter().map(|found| finding(merge, found)).collect::<String>();
    text.push_str(&format!("<ul class=\"findings\">\n{}</ul>\n", items(open)));
    if !folded.is_empty() {
        let shown = folded.len().min(FINDINGS - OPEN);
        text.push_str(&format!(
            "<details class=\"rest\"><summary>{} at this merge</summary>\n<ul class=\"findings\">\n{}</ul>\n",
            count(folded.len(), "more finding"),
            items(&folded[..shown])
        ));
        let left = folded.len() - shown;
        if let (true, Some(commit)) = (left > 0, merge.commit) {
            let left = number(left);
            text.push_str(&format!(
                "<p class=\"left\">And {left} more: <code>guard audit -n 1 {}</code></p>\n",
                commit.short()
            ));
        }
        text.push_str("</details>\n");
    }
    text.push_str("</article>\n");
    text
}

fn finding(merge: &Merge<'_>, found: &Finding) -> String {
    let mut text = format!(
        "<li class=\"{word}\">\n<p class=\"what\">{message} <a class=\"rule\" href=\"#rule-{rule}\">{rule}</a></p>\n",
        word = found.level.word(),
        message = message(&found.message, found.path.as_ref()),
        rule = esc(&found.rule),
    );
    text.push_str(&lost(found));
    let facts: String = facts(found).iter().map(|fact| format!("<li>{fact}</li>")).collect();
    if !facts.is_empty() {
        text.push_str(&format!("<ul class=\"facts\">{facts}</ul>\n"));
    }
    if let Some(excuse) = &found.excuse {
        text.push_str(&format!("<p class=\"note\">{}</p>\n", esc(&words::excused(excuse))));
    }
    text.push_str(&merge.to_do(found).map(remedy).unwrap_or_default());
    text.push_str("</li>\n");
    text
}

/// Returns the lost lines, without the indentation that all of them have.
fn lost(found: &Finding) -> String {
    let lines: Vec<String> = lines(found).map(line_text).collect();
    let indent = lines.iter().map(|line| line.len() - line.trim_start_matches(' ').len()).min().unwrap_or(0);
    let shown: String = lines.iter().map(|line| format!("<span>{}\n</span>", esc(&line[indent..]))).collect();
    if shown.is_empty() {
        shown
    } else {
        format!("<pre class=\"lost\" role=\"group\" aria-label=\"Lost lines\">{shown}</pre>\n")
    }
}

/// Returns a message with its path set apart.
fn message(text: &str, path: Option<&TreePath>) -> String {
    let shown = esc(&cut(text, 400));
    match path.map(|path| esc(&path.to_string())) {
        Some(path) => shown.replace(&format!("&#39;{path}&#39;"), &format!("<code>{path}</code>")),
        None => shown,
    }
}

/// Returns what else is known of a finding, most telling first.
fn facts(found: &Finding) -> Vec<String> {
    let evidence = |name: &str| found.evidence.get(name).map(|text| esc(&cut(text, SUBJECT)));
    let code = |text: String| format!("<code>{text}</code>");
    let mut facts = Vec::new();
    match (evidence("lost_author"), evidence("lost_commit")) {
        (Some(author), Some(commit)) => facts.push(format!("work of <b><bdi>{author}</bdi></b>, {}", code(commit))),
        (Some(author), None) => facts.push(format!("work of <b><bdi>{author}</bdi></b>")),
        (None, Some(commit)) => facts.push(format!("work of {}", code(commit))),
        (None, None) => {}
    }
    if let Some(commit) = evidence("commit") {
        let (author, subject) = (evidence("author").unwrap_or_default(), evidence("subject").unwrap_or_default());
        facts.push(format!("by {} <bdi>{author}</bdi>: <bdi>{subject}</bdi>", code(commit)));
    }
    // Most messages name the side.
    facts.extend(evidence("side").filter(|side| !esc(&found.message).contains(side)).map(|side| format!("on {side}")));
    facts.extend(evidence("in_conflict").map(|conflict| match conflict.as_str() {
        "yes" => "was in conflict".to_owned(),
        _ => "was in <b>no</b> conflict".to_owned(),
    }));
    facts.extend(evidence("reason").map(|reason| format!("why: {reason}")));
    facts.extend(evidence("owners").map(|owners| format!("ask {owners}")));
    let others =
        found.evidence.iter().filter(|(name, _)| !PLACED.contains(&name.as_str()) && !name.starts_with("line_"));
    facts.extend(others.map(|(name, text)| format!("{}: {}", esc(&name.replace('_', " ")), esc(&cut(text, SUBJECT)))));
    facts.extend(
        evidence("points")
            .map(|points| format!("{points} point{} in the ranking", if points == "1" { "" } else { "s" })),
    );
    facts
}

fn remedy(remedy: &str) -> String {
    let shown = esc(remedy);
    let label = match remedy {
        command if command.starts_with("git diff ") || command.starts_with("guard restore ") => "Bring it back",
        command if command.starts_with("guard allow ") => "If it is meant so",
        command if command.starts_with("git ") || command.starts_with("guard ") => "What to do",
        _ => return format!("<p class=\"do\"><b>What to do</b> {shown}</p>\n"),
    };
    format!("<div class=\"do\"><b>{label}</b><pre><code>{shown}</code></pre></div>\n")
}

fn row(place: usize, merge: &Merge<'_>) -> String {
    format!(
        "<li id=\"m{place}\">{tag}<span class=\"title\"><bdi>{title}</bdi></span><span class=\"origin\">{origin} \
         <span class=\"dot\">·</span> {findings}</span></li>\n",
        tag = tag(level(merge)),
        title = esc(&cut(title(merge), 80)),
        origin = origin(merge),
        findings = count(merge.findings.len(), "finding"),
    )
}
