//! What `guard doctor` says.

use colored::Colorize;
use serde_json::json;

use super::json as document;
use crate::hooks::{Guarded, Route};
use crate::model::Hook;
use crate::routes::doctor::{Health, Report};

/// Returns the report as text.
pub fn doctor_text(report: &Report) -> String {
    let mut text = String::new();
    for check in &report.checks {
        let tag = match check.health {
            Health::Good => "ok  ".green(),
            Health::Note => "note".cyan(),
            Health::Bad => "bad ".red().bold(),
        };
        text.push_str(&format!("{tag}  {:9} {}\n", check.name, check.text));
        if let Some(remedy) = &check.remedy {
            text.push_str(&format!("                do: {remedy}\n"));
        }
    }
    text.push_str("\nguarded here:\n");
    for route in &report.coverage.routes {
        let mark = match route.guarded {
            Guarded::Before | Guarded::OnResult => route.guarded.name().green(),
            Guarded::After | Guarded::Recorded => route.guarded.name().cyan(),
            Guarded::No => route.guarded.name().yellow(),
        };
        let said: Vec<&str> =
            [route.by.map_or("", Hook::name), route.why].into_iter().filter(|word| !word.is_empty()).collect();
        let said = if said.is_empty() { String::new() } else { format!(" ({})", said.join(": ")) };
        text.push_str(&format!("  {mark:9}  {}{said}\n", route.what));
    }
    text
}

/// Returns the report as one JSON document.
pub fn doctor_json(report: &Report) -> String {
    let mut text = document::document("doctor");
    text.insert("checks".into(), json!(report.checks));
    let route = |route: &Route| {
        let by = route.by.map(Hook::name);
        json!({ "what": route.what, "guarded": route.guarded.name(), "by": by, "why": route.why })
    };
    text.insert("routes".into(), report.coverage.routes.iter().map(route).collect());
    document::render(text)
}
