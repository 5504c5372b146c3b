//! Reports of drills to keep: Markdown, and a page that loads nothing.

use super::{lost, steps, summary, took};
use crate::drill::{Ended, Rehearsed};
use crate::model::escape;
use crate::report::page::esc;
use crate::routes::Drilled;

const HEAD: [&str; 9] =
    ["incident", "severity", "place", "detected by", "after", "recovered by", "in", "lost", "verdict"];

const STYLE: &str = "\
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 0 auto; padding: 1rem }
table { border-collapse: collapse; display: block; overflow-x: auto }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent) }
pre { overflow-x: auto; padding: .6rem; background: color-mix(in srgb, currentColor 7%, transparent) }
.failed, .not-ready { font-weight: bold }
.hash { overflow-wrap: anywhere }
";

/// Returns a drill's line of the table; code stands between backquotes.
fn row(drill: &Rehearsed) -> [String; 9] {
    let scenario = drill.scenario;
    let by = scenario.steps.iter().rev().find(|step| step.run.contains("guard")).map_or("", |step| step.run);
    [
        scenario.title.to_owned(),
        scenario.severity.word().to_owned(),
        drill.place.word().to_owned(),
        format!("`{}`", scenario.detect.run),
        took(drill.detected),
        format!("`{by}`"),
        took(drill.recovered),
        lost(drill),
        drill.ended.word().to_owned(),
    ]
}

/// Says why a drill did not pass.
fn why(drill: &Rehearsed) -> Option<String> {
    match &drill.ended {
        Ended::Passed => None,
        Ended::NotReady(why) | Ended::Failed(why) => Some(escape(why.as_bytes())),
    }
}

/// Returns the hashes of the first file that was damaged, each with its name.
fn hashes(drill: &Rehearsed) -> Option<(String, [(&'static str, String); 3])> {
    let (path, hashes) = drill.file.as_ref()?;
    let [before, damaged, after] = hashes.each_ref().map(|hash| hash.as_deref().unwrap_or("not there").to_owned());
    Some((path.to_string(), [("before", before), ("damaged", damaged), ("recovered", after)]))
}

/// Returns the report as Markdown.
pub fn drilled_markdown(drilled: &Drilled) -> String {
    let mut text = format!("# Drills of {}\n\n{}.\n\n", drilled.at.iso(), summary(drilled));
    text.push_str(&format!("| {} |\n|{}\n", HEAD.join(" | "), "---|".repeat(HEAD.len())));
    for drill in &drilled.drills {
        text.push_str(&format!("| {} |\n", row(drill).map(|cell| cell.replace('|', "\\|")).join(" | ")));
    }
    for drill in &drilled.drills {
        text.push_str(&format!("\n## {}\n\n{}\n", drill.scenario.title, drill.scenario.description));
        if let Some(why) = why(drill) {
            text.push_str(&format!("\n**{}**: {why}\n", drill.ended.word()));
        }
        if let Some((path, hashes)) = hashes(drill) {
            text.push_str(&format!("\n`{path}`, SHA-256:\n\n"));
            for (when, hash) in hashes {
                text.push_str(&format!("- {when}: `{hash}`\n"));
            }
        }
        text.push_str(&format!("\n```text\n{}```\n", steps(drill)));
    }
    text
}

/// Returns the report as one HTML file.
pub fn drilled_page(drilled: &Drilled) -> String {
    let title = format!("Drills of {}", drilled.at.iso());
    let mut text = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n<p>{}.</p>\n",
        esc(&summary(drilled))
    );
    text.push_str(&format!("<table>\n<tr>{}</tr>\n", HEAD.map(|cell| format!("<th>{cell}</th>")).concat()));
    for drill in &drilled.drills {
        let cells = row(drill).map(|cell| match cell.strip_prefix('`').and_then(|cell| cell.strip_suffix('`')) {
            Some(code) => format!("<td><code>{}</code></td>", esc(code)),
            None => format!("<td>{}</td>", esc(&cell)),
        });
        text.push_str(&format!("<tr class=\"{}\">{}</tr>\n", drill.ended.word(), cells.concat()));
    }
    text.push_str("</table>\n");
    for drill in &drilled.drills {
        let scenario = drill.scenario;
        text.push_str(&format!("<h2>{}</h2>\n<p>{}</p>\n", esc(scenario.title), esc(scenario.description)));
        if let Some(why) = why(drill) {
            text.push_str(&format!("<p><b>{}</b>: {}</p>\n", drill.ended.word(), esc(&why)));
        }
        if let Some((path, hashes)) = hashes(drill) {
            text.push_str(&format!("<p><code>{}</code>, SHA-256:</p>\n<ul class=\"hash\">\n", esc(&path)));
            for (when, hash) in hashes {
                text.push_str(&format!("<li>{when}: <code>{hash}</code></li>\n"));
            }
            text.push_str("</ul>\n");
        }
        text.push_str(&format!("<pre>{}</pre>\n", esc(&steps(drill))));
    }
    text.push_str("</body>\n</html>\n");
    text
}
