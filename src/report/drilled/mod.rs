//! What drills showed: a table, a document, a report to keep.

mod keep;

use std::time::Duration;

use colored::Colorize;
use serde_json::{Value, json};

pub use keep::{drilled_markdown, drilled_page};

use super::json as document;
use crate::drill::{Ended, Place, Rehearsed, RehearsedThen};
use crate::model::{count, escape};
use crate::routes::Drilled;

/// Returns the table, and what went wrong below it.
pub fn drilled_text(drilled: &Drilled, verbose: bool) -> String {
    let mut text = String::new();
    if let Some(why) = &drilled.not_here {
        let why = escape(why.as_bytes());
        text.push_str(&format!("this repository can't be copied, so the built-in sample is used: {why}\n"));
    }
    let width = drilled.drills.iter().map(|drill| drill.scenario.name.len()).max().unwrap_or(0).max("incident".len());
    let head = format!("{:width$}  place   detected  recovered  lost                  verdict", "incident");
    text.push_str(&format!("{}\n", head.bold()));
    for drill in &drilled.drills {
        let verdict = match drill.ended {
            Ended::Passed => "passed".green(),
            Ended::NotReady(_) => "not ready".yellow(),
            Ended::Failed(_) => "failed".red(),
        };
        let (name, place) = (drill.scenario.name, drill.place.word());
        let (detected, recovered) = (took(drill.detected), took(drill.recovered));
        text.push_str(&format!(
            "{name:width$}  {place:6}  {detected:>8}  {recovered:>9}  {:20}  {verdict}\n",
            lost(drill)
        ));
    }
    for drill in &drilled.drills {
        if let Ended::NotReady(why) | Ended::Failed(why) = &drill.ended {
            text.push_str(&format!("\n{}: {}\n", drill.scenario.name.bold(), escape(why.as_bytes())));
        }
        if verbose || matches!(drill.ended, Ended::Failed(_)) {
            text.push_str(&steps(drill));
        }
    }
    text.push_str(&format!("\n{}\n", summary(drilled)));
    if drilled.drills.iter().any(|drill| drill.place == Place::Sample) && drilled.receipt.is_some() {
        text.push_str("'sample': the manifest names no file of the kind that this incident happens to\n");
    }
    if let Some(kept) = &drilled.kept {
        text.push_str(&format!("the scratch folder is kept: {}\n", escape(kept.as_os_str().as_encoded_bytes())));
    }
    text
}

fn steps(drill: &Rehearsed) -> String {
    let mut text = String::new();
    for step in &drill.steps {
        text.push_str(&format!("  $ {}   ({}, exit {})\n", step.line, took(step.took), step.exit));
        for line in step.output.lines() {
            text.push_str(&format!("    {}\n", escape(line.as_bytes())));
        }
    }
    text
}

/// Says in a line how many passed.
fn summary(drilled: &Drilled) -> String {
    let of = |wanted: fn(&Ended) -> bool| drilled.drills.iter().filter(|drill| wanted(&drill.ended)).count();
    let passed = of(|ended| *ended == Ended::Passed);
    let (not_ready, failed) =
        (of(|ended| matches!(ended, Ended::NotReady(_))), of(|ended| matches!(ended, Ended::Failed(_))));
    let mut parts = vec![format!("{passed} of {} passed", count(drilled.drills.len(), "drill"))];
    if not_ready > 0 {
        parts.push(format!("{not_ready} not ready"));
    }
    if failed > 0 {
        parts.push(format!("{failed} failed"));
    }
    format!("{} (seed {})", parts.join(", "), drilled.seed)
}

/// Says what a drill lost.
fn lost(drill: &Rehearsed) -> String {
    let lost = drill.lost;
    match (&drill.ended, lost.seconds, lost.records) {
        (Ended::Passed, 0, 0) => "nothing".to_owned(),
        (Ended::Passed, seconds, records) => {
            let records = count(usize::try_from(records).unwrap_or(usize::MAX), "record");
            format!("{records}, {}", age(seconds))
        }
        _ => "-".to_owned(),
    }
}

/// Says a time in its largest unit.
pub(super) fn age(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

fn took(duration: Duration) -> String {
    match duration.as_millis() {
        0 => "-".to_owned(),
        milliseconds @ 1..10_000 => format!("{milliseconds} ms"),
        milliseconds => format!("{} s", milliseconds / 1000),
    }
}

/// Returns the document.
pub fn drilled_json(drilled: &Drilled) -> String {
    let mut text = document::document("drill");
    text.insert("passed".into(), json!(drilled.passed()));
    text.insert("seed".into(), json!(drilled.seed));
    text.insert("at".into(), json!(drilled.at.iso()));
    text.insert("not_here".into(), json!(drilled.not_here));
    text.insert(
        "receipt".into(),
        json!(drilled.receipt.as_ref().map(|path| escape(path.as_os_str().as_encoded_bytes()))),
    );
    text.insert("drills".into(), drilled.drills.iter().map(drill_json).collect());
    document::render(text)
}

/// Returns the document of the catalogue's names.
pub fn scenarios_json<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut text = document::document("drill");
    text.insert("scenarios".into(), names.collect());
    document::render(text)
}

fn drill_json(drill: &Rehearsed) -> Value {
    let mut value = json!(RehearsedThen::of(drill));
    let step = |step: &crate::drill::StepRun| {
        let took = u64::try_from(step.took.as_millis()).unwrap_or(u64::MAX);
        json!({ "run": step.line, "exit": step.exit, "ms": took, "output": step.output })
    };
    value["title"] = json!(drill.scenario.title);
    value["severity"] = json!(drill.scenario.severity.word());
    value["steps"] = drill.steps.iter().map(step).collect();
    value
}
