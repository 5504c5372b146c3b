//! Which database came back, or would, and what going back loses.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{LISTED, held};
use crate::model::{Timestamp, count, escape};
use crate::report::json as document;
use crate::routes::backup::{Before, PutBack, SwappedBack};

/// Returns what came back as text; `dry`: what would.
pub fn put_back_text(done: &PutBack, dry: bool) -> String {
    let mut text = String::new();
    for (id, why) in &done.passed {
        text.push_str(&format!("  passed over: backup {id}: {why}\n"));
    }
    let (name, backup, held) = (&done.name, from(&done.backup.0, done.at), held(&done.then));
    if done.before == Before::Same {
        return text + &format!("'{name}' is what {backup} holds: nothing to restore\n");
    }
    let verb = if dry { "would come back" } else { "came back" };
    text.push_str(&format!("'{name}' {verb}: {backup}, {held}\n"));
    match &done.before {
        Before::Counted(now, saved) => {
            text.push_str(&rows(now, &done.then));
            if let Some(saved) = saved {
                text.push_str(&format!("what stood there is in backup {saved}\n"));
            }
        }
        Before::Unreadable(why) => text.push_str(&format!("  what stands there could not be read, or saved: {why}\n")),
        Before::Nothing | Before::Same => text.push_str("  there is no such database now\n"),
    }
    for who in &done.connections {
        text.push_str(&format!("  first to be stopped: {who}\n"));
    }
    if let Some(aside) = &done.aside {
        text.push_str(&format!(
            "and stays as database '{aside}'\nto take this back: guard restore --database {name} --undo\n"
        ));
        // Where nothing else holds what stood there, it is not for us to say how it goes.
        if matches!(done.before, Before::Counted(_, Some(_))) {
            text.push_str(&format!("when it is not needed any more: {}dropdb {aside}\n", done.prefix));
        }
    }
    text
}

fn from(backup: &str, at: Timestamp) -> String {
    format!("backup {} of {}", escape(backup.as_bytes()), at.iso())
}

/// Returns what changes, table by table: rows that going back loses, and those that come back.
fn rows(now: &BTreeMap<String, u64>, then: &BTreeMap<String, u64>) -> String {
    let tables: BTreeSet<&String> = now.keys().chain(then.keys()).collect();
    let rows = |of: Option<&u64>| of.map_or("no such table".to_owned(), |rows| count(*rows, "row"));
    let mut lines = Vec::new();
    for table in tables {
        let (now, then) = (now.get(table), then.get(table));
        if now == then {
            continue;
        }
        let word = if now > then { "loses" } else { "gains" };
        let table = escape(table.as_bytes());
        lines.push(format!("  {word}   {table}: {} now, {} then\n", rows(now), rows(then)));
    }
    if lines.is_empty() {
        return "  each table has as many rows then as now\n".to_owned();
    }
    let more = lines.len().saturating_sub(LISTED);
    let mut text: String = lines.into_iter().take(LISTED).collect();
    if more > 0 {
        text.push_str(&format!("  … and {more} more\n"));
    }
    text
}

/// Returns the same as one JSON document.
pub fn put_back_json(done: &PutBack, dry: bool) -> String {
    let mut document = document::document("restore");
    let mut add = |name: &str, value: Value| drop(document.insert(name.to_owned(), value));
    add("dry_run", json!(dry));
    add("done", json!(!dry && done.before != Before::Same));
    add("database", json!(done.name));
    add("backup", json!(done.backup));
    add("at", json!(done.at.iso()));
    add("passed", done.passed.iter().map(|(id, why)| json!({"backup": id, "why": why})).collect());
    add("then", json!(done.then));
    let (state, now, saved, why) = match &done.before {
        Before::Nothing => ("none", None, None, None),
        Before::Counted(now, saved) => ("there", Some(now), saved.as_ref(), None),
        Before::Unreadable(why) => ("unreadable", None, None, Some(why)),
        Before::Same => ("same", Some(&done.then), Some(&done.backup), None),
    };
    add("before", json!({"is": state, "tables": now, "backup": saved, "why": why}));
    add("aside", json!(done.aside));
    add("connections", json!(done.connections));
    document::render(document)
}

/// Returns which databases changed places as text; `dry`: would.
pub fn swapped_back_text(done: &SwappedBack, dry: bool) -> String {
    let SwappedBack { name, former, aside, connections } = done;
    let mut text = format!("'{former}' {} '{name}' again\n", if dry { "would be" } else { "is" });
    for who in connections {
        text.push_str(&format!("  first to be stopped: {who}\n"));
    }
    if let Some(aside) = aside {
        text.push_str(&format!(
            "what stood there stays as database '{aside}'\nto take this back: guard restore --database {name} --undo\n"
        ));
    }
    text
}

/// Returns the same as one JSON document.
pub fn swapped_back_json(done: &SwappedBack, dry: bool) -> String {
    let mut document = document::document("restore");
    document.insert("dry_run".into(), json!(dry));
    document.insert("done".into(), json!(!dry));
    document.insert("database".into(), json!(done.name));
    document.insert("former".into(), json!(done.former));
    document.insert("aside".into(), json!(done.aside));
    document.insert("connections".into(), json!(done.connections));
    document::render(document)
}
