//! What `guard backup` says.

mod copied;
mod listed;
mod made;
mod pruned;
mod put_back;
mod verified;

pub use copied::{brought_json, brought_text, sent_json, sent_text};
pub use listed::{backup_json, backup_text, backups_json, backups_text};
pub use made::{made_json, made_text, would_make_json, would_make_text};
pub use pruned::{backups_pruned_json, backups_pruned_text};
pub use put_back::{put_back_json, put_back_text, swapped_back_json, swapped_back_text};
pub use verified::{verified_json, verified_text};

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::model::{BackedUp, Backup, Standing, escape};
use crate::routes::backup::Problem;

/// So many files are listed one by one.
const LISTED: usize = 20;

fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Good => "good",
        Standing::Unknown => "unknown",
        Standing::Bad => "bad",
    }
}

/// Returns `3 files`, `1 file`.
fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// Returns `3 files`, `3 files and 1 database`, `1 database`.
fn things(backup: &Backup) -> String {
    let (files, databases) = (count(backup.files.len(), "file"), count(backup.databases.len(), "database"));
    match (backup.files.len(), backup.databases.len()) {
        (_, 0) => files,
        (0, _) => databases,
        _ => format!("{files} and {databases}"),
    }
}

/// Returns what a database holds: `3 tables, 90 rows`.
fn held(tables: &BTreeMap<String, u64>) -> String {
    format!("{}, {} rows", count(tables.len(), "table"), tables.values().sum::<u64>())
}

/// Returns what a file holds: `1024 records`, `3 tables, 90 rows`; nothing where it can't be counted.
fn holds(file: &BackedUp) -> String {
    let contents = &file.contents;
    if let Some(records) = contents.records {
        return format!("{records} records");
    }
    let rows: u64 = contents.tables.values().map(|table| table.rows).sum();
    if contents.tables.is_empty() { String::new() } else { format!("{} tables, {rows} rows", contents.tables.len()) }
}

/// Returns a line for each file that is not good.
fn not_good<'f>(files: impl IntoIterator<Item = &'f BackedUp>) -> String {
    let bad: Vec<&BackedUp> = files.into_iter().filter(|file| file.standing == Standing::Bad).collect();
    let line = |file: &&BackedUp| {
        let why = file.why.as_deref().map(|why| escape(why.as_bytes())).unwrap_or_default();
        format!("  bad     '{}': {why}\n", file.path)
    };
    let mut text: String = bad.iter().take(LISTED).map(line).collect();
    if bad.len() > LISTED {
        text.push_str(&format!("  … and {} more\n", bad.len() - LISTED));
    }
    text
}

fn problems_text(problems: &[Problem]) -> String {
    let line = |problem: &Problem| {
        let path = problem.path.as_ref().map_or_else(String::new, |path| format!(" '{path}'"));
        let (name, why) = (escape(problem.snapshot.as_bytes()), escape(problem.why.as_bytes()));
        format!("  damaged {name}{path}: {why}\n")
    };
    problems.iter().map(line).collect()
}

fn problems_json(problems: &[Problem]) -> Value {
    let one = |problem: &Problem| json!({"backup": escape(problem.snapshot.as_bytes()), "path": problem.path, "why": escape(problem.why.as_bytes())});
    problems.iter().map(one).collect()
}

fn file_json(file: &BackedUp) -> Value {
    let mut value = json!(file);
    if let (Some(why), Some(object)) = (&file.why, value.as_object_mut()) {
        object.insert("why".into(), json!(escape(why.as_bytes())));
    }
    value
}
