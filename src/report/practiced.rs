//! What `guard runbook` says beside the page: what is wrong with it, and when incidents were rehearsed last.

use colored::Colorize;
use serde_json::{Value, json};

use super::drilled::age;
use super::json as document;
use crate::model::{Timestamp, escape};
use crate::routes::Practice;

/// Returns the text. `every` is how old drills may be, in seconds.
pub fn runbook_text(
    file: &str,
    checked: bool,
    wrong: &[String],
    practice: &[Practice],
    every: Option<u64>,
    now: Timestamp,
) -> String {
    let mut text = match (checked, wrong.is_empty()) {
        (true, true) => format!("'{file}' is what would be written\n"),
        (true, false) => String::new(),
        (false, _) => format!("wrote '{file}', {} incidents\n", practice.len()),
    };
    for what in wrong {
        text.push_str(&format!("{} {}\n", "wrong:".red(), escape(what.as_bytes())));
    }
    if checked && wrong.iter().any(|what| what.contains("is not what")) {
        text.push_str("do: guard runbook, look at the difference, commit it\n");
    }
    if !checked {
        text.push_str(&drills(practice, every, now));
    }
    text
}

fn drills(practice: &[Practice], every: Option<u64>, now: Timestamp) -> String {
    let width = practice.iter().map(|one| one.scenario.len()).max().unwrap_or(0);
    let mut text = "\nrehearsed last:\n".to_owned();
    let mut stale = 0;
    for one in practice {
        let name = one.scenario;
        let Some((at, drill)) = &one.newest else {
            stale += 1;
            text.push_str(&format!("  {name:width$}  {}\n", "never".yellow()));
            continue;
        };
        let seconds = now.0.saturating_sub(at.0) / 1000;
        let is_stale = every.is_some_and(|every| seconds > every);
        stale += usize::from(is_stale);
        let ended = if drill.ended == "passed" { drill.ended.green() } else { drill.ended.red() };
        let ago =
            if is_stale { format!("{} ago", age(seconds)).yellow() } else { format!("{} ago", age(seconds)).normal() };
        text.push_str(&format!(
            "  {name:width$}  {ended}, {ago}, {}, recovered in {} ms\n",
            drill.place, drill.recovered_ms
        ));
    }
    if stale > 0 {
        text.push_str(&format!(
            "\n{} {stale} of {} incidents: guard drill\n",
            "not rehearsed, or too long ago:".bold(),
            practice.len()
        ));
    }
    text
}

/// Returns the document.
pub fn runbook_json(file: &str, checked: bool, wrong: &[String], practice: &[Practice]) -> String {
    let mut text = document::document("runbook");
    text.insert("file".into(), json!(file));
    text.insert("written".into(), json!(!checked));
    text.insert("wrong".into(), json!(wrong));
    let one = |one: &Practice| -> Value {
        let (at, drill) = match &one.newest {
            Some((at, drill)) => (json!(at.iso()), json!(drill)),
            None => (Value::Null, Value::Null),
        };
        json!({ "incident": one.scenario, "at": at, "drill": drill })
    };
    text.insert("practice".into(), practice.iter().map(one).collect());
    document::render(text)
}
