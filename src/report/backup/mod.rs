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

use crate::model::{BackedUp, Backup, Mode, Standing, count, escape};
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
    tables_and_rows(tables.len(), tables.values().sum())
}

fn tables_and_rows(tables: usize, rows: u64) -> String {
    format!("{}, {}", count(tables, "table"), count(usize::try_from(rows).unwrap_or(usize::MAX), "row"))
}

/// Returns what a file holds: `1024 records`, `3 tables, 90 rows`; nothing where it can't be counted.
fn holds(file: &BackedUp) -> String {
    let contents = &file.contents;
    if let Some(records) = contents.records {
        return count(usize::try_from(records).unwrap_or(usize::MAX), "record");
    }
    let rows: u64 = contents.tables.values().map(|table| table.rows).sum();
    if contents.tables.is_empty() { String::new() } else { tables_and_rows(contents.tables.len(), rows) }
}

/// Returns a line for each file that is not good, the bad ones first. That a link is saved as a link need not be said each time.
fn not_good<'f>(files: impl IntoIterator<Item = &'f BackedUp>) -> String {
    let is_odd = |file: &&BackedUp| file.standing != Standing::Good && file.mode != Mode::Link;
    let mut odd: Vec<&BackedUp> = files.into_iter().filter(is_odd).collect();
    odd.sort_by_key(|file| std::cmp::Reverse(file.standing));
    let line = |file: &&BackedUp| {
        let why = file.why.as_deref().map(|why| escape(why.as_bytes())).unwrap_or_default();
        format!("  {:7} '{}': {why}\n", word(file.standing), file.path)
    };
    let mut text: String = odd.iter().take(LISTED).map(line).collect();
    if odd.len() > LISTED {
        text.push_str(&format!("  … and {} more\n", odd.len() - LISTED));
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
