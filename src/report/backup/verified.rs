//! Whether what was backed up is whole.

use serde_json::{Value, json};

use super::{problems_json, problems_text};
use crate::model::{UnsavedDatabase, count, escape, size};
use crate::report::json as document;
use crate::routes::backup::{Level, Verified};

/// Returns what was found as text.
pub fn verified_text(verified: &Verified) -> String {
    let what = match verified.level {
        Level::Refs => "can be read and its files are there",
        Level::Bytes => "was read whole and is as it was saved",
        Level::Restore => "was restored into a scratch folder and is as it was saved",
    };
    let (backups, files) = (count(verified.backups, "backup"), count(verified.files, "file"));
    let databases = Some(verified.databases).filter(|number| *number > 0);
    let databases = databases.map_or_else(String::new, |number| format!(", {}", count(number, "dump")));
    let all = format!("{backups}, {files}{databases}, {}", size(verified.bytes));
    let line =
        |left: &UnsavedDatabase| format!("  not checked: database '{}': {}\n", escape(left.name.as_bytes()), left.why);
    let unchecked: String = verified.unchecked.iter().map(line).collect();
    if verified.problems.is_empty() && unchecked.is_empty() {
        return format!("All of it {what}: {all}.\n");
    }
    if verified.problems.is_empty() {
        return format!("Nothing wrong was found, but not all of it could be looked at: {all}.\n{unchecked}");
    }
    let number = count(verified.problems.len(), "problem");
    let mut text = format!("{number} in {all}:\n{}{unchecked}", problems_text(&verified.problems));
    for remedy in &verified.remedies {
        text.push_str(&format!("{}:\n  {}\n", remedy.why, remedy.command));
    }
    text
}

/// Returns the same as one JSON document.
pub fn verified_json(verified: &Verified) -> String {
    let mut document = document::document("backup verify");
    let mut add = |name: &str, value: Value| drop(document.insert(name.to_owned(), value));
    let level = match verified.level {
        Level::Refs => "refs",
        Level::Bytes => "bytes",
        Level::Restore => "restore",
    };
    add("level", json!(level));
    add("backups", json!(verified.backups));
    add("files", json!(verified.files));
    add("databases", json!(verified.databases));
    add("bytes", json!(verified.bytes));
    add("damaged", problems_json(&verified.problems));
    add("remedies", verified.remedies.iter().map(|remedy| json!(remedy.command)).collect());
    add("unchecked", json!(verified.unchecked));
    document::render(document)
}
