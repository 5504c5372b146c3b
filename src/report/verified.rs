//! What `guard verify` says.

use std::collections::BTreeMap;

use colored::Colorize;
use serde_json::{Value, json};

use super::json as document;
use crate::model::{Finding, Level, Standing, Timestamp, Verdict, count, escape, fingerprint};
use crate::routes::{Holder, Past, Verified};
use crate::validate::{About, Contents, Fault, Faults, Place};

/// So many faults of a file are shown as text.
const SHOWN: usize = 5;

/// Returns files as text.
pub fn verified_text(all: &[Verified]) -> String {
    if all.is_empty() {
        return "nothing to verify: no [[data]] entry of the manifest names a file that is there\n".to_owned();
    }
    let file = |verified: &Verified| {
        let path = verified.path.to_string();
        format!("{}  {path}{}\n{}", word(verified), holds(&verified.examined.contents), details(verified))
    };
    all.iter().map(file).collect()
}

/// Returns a file's versions as text, newest first.
pub fn versions_text(all: &[Past]) -> String {
    let path = all.first().map(|past| past.file.path.clone()).unwrap_or_default();
    let version = |past: &Past| {
        let (day, file) = (day(past.time), &past.file);
        let called = if file.path == path { String::new() } else { format!("  as {}", file.path) };
        let holds = holds(&file.examined.contents);
        let holder = match &past.holder {
            Holder::Commit { oid, author } => format!("{} {day} {author}", oid.short()),
            Holder::Backup(id) => format!("backup {id}"),
        };
        format!("{}  {holder}{called}{holds}\n{}", word(file), details(file))
    };
    all.iter().map(version).collect()
}

fn word(file: &Verified) -> String {
    match file.examined.standing() {
        Standing::Good => "good   ".green().to_string(),
        Standing::Unknown => "unknown".magenta().to_string(),
        Standing::Bad => "bad    ".red().to_string(),
    }
}

fn holds(contents: &Contents) -> String {
    let rows: u64 = contents.tables.values().map(|table| table.rows).sum();
    match (contents.records, contents.tables.len()) {
        (Some(1), _) => "  1 record".to_owned(),
        (Some(records), _) => format!("  {records} records"),
        (None, 0) => String::new(),
        (None, tables) => {
            format!("  {}, {}", count(tables, "table"), count(usize::try_from(rows).unwrap_or(usize::MAX), "row"))
        }
    }
}

fn details(file: &Verified) -> String {
    let examined = &file.examined;
    let mut text = String::new();
    let mut add = |line: String| text.push_str(&format!("         {line}\n"));
    let list = |faults: &Faults, add: &mut dyn FnMut(String)| {
        faults.first.iter().take(SHOWN).for_each(|fault| add(fault.to_string()));
        let more = faults.count.saturating_sub(SHOWN as u64);
        if more > 0 {
            add(format!("and {more} more"));
        }
    };
    list(&examined.faults, &mut add);
    list(&examined.notes, &mut |line| add(format!("note: {line}")));
    examined.unknown.iter().for_each(|why| add(escape(why.as_bytes())));
    text
}

fn day(seconds: u64) -> String {
    Timestamp(seconds.saturating_mul(1000)).iso().chars().take(10).collect()
}

/// Returns what is wrong with files as findings of the rules that say it of merges.
pub fn verified_findings(all: &[Verified]) -> Vec<Finding> {
    let of_file = |verified: &Verified| -> Vec<Finding> {
        verified.examined.faults.first.iter().map(|fault| finding(verified, fault)).collect()
    };
    all.iter().flat_map(of_file).collect()
}

fn finding(verified: &Verified, fault: &Fault) -> Finding {
    let rule = match fault.about {
        About::Form => "invalid-data",
        About::Demand => "data-schema",
        About::Doubled => "doubled-records",
    };
    let (words, path) = (fault.to_string(), &verified.path);
    let mut evidence = BTreeMap::new();
    if let Place::Line { line, column } = &fault.place {
        evidence.insert("line".to_owned(), line.to_string());
        evidence.insert("column".to_owned(), column.to_string());
    }
    Finding {
        rule: rule.to_owned(),
        level: Level::Block,
        path: Some(path.clone()),
        message: format!("'{path}': {words}"),
        evidence,
        remedy: String::new(),
        fingerprint: fingerprint(&[rule.as_bytes(), path, words.as_bytes()]),
        excuse: None,
    }
}

/// Returns what the files' verdicts mean together.
pub fn verdict_of(all: &[Verified]) -> Verdict {
    match all.iter().map(|file| file.examined.standing()).max() {
        Some(Standing::Bad) => Verdict::Block,
        Some(Standing::Unknown) => Verdict::CouldNotJudge,
        Some(Standing::Good) | None => Verdict::Pass,
    }
}

/// Returns files as one JSON document.
pub fn verified_json(all: &[Verified]) -> String {
    let mut text = document::document("verify");
    document::add_verdict(&mut text, verdict_of(all), &verified_findings(all), None);
    text.insert("files".into(), all.iter().map(file_json).collect());
    document::render(text)
}

/// Returns a file's versions as one JSON document; the newest one is the verdict.
pub fn versions_json(all: &[Past]) -> String {
    let newest: Vec<Verified> = all.first().map(|past| past.file.clone()).into_iter().collect();
    let mut text = document::document("verify");
    document::add_verdict(&mut text, verdict_of(&newest), &verified_findings(&newest), None);
    let version = |past: &Past| {
        let (commit, author, backup) = match &past.holder {
            Holder::Commit { oid, author } => (Some(oid), Some(author.to_string()), None),
            Holder::Backup(id) => (None, None, Some(id)),
        };
        json!({
            "commit": commit,
            "at": Timestamp(past.time.saturating_mul(1000)).iso(),
            "author": author,
            "backup": backup,
            "file": file_json(&past.file),
        })
    };
    text.insert("versions".into(), all.iter().map(version).collect());
    document::render(text)
}

fn file_json(file: &Verified) -> Value {
    let examined = &file.examined;
    json!({
        "path": file.path,
        "standing": examined.standing(),
        "contents": examined.contents,
        "faults": examined.faults.first.iter().map(fault_json).collect::<Vec<_>>(),
        "fault_count": examined.faults.count,
        "notes": examined.notes.first.iter().map(fault_json).collect::<Vec<_>>(),
        "unknown": examined.unknown.iter().map(|why| escape(why.as_bytes())).collect::<Vec<_>>(),
    })
}

fn fault_json(fault: &Fault) -> Value {
    let what = escape(fault.what.as_bytes());
    match &fault.place {
        Place::Whole => json!({ "what": what }),
        Place::Line { line, column } => json!({ "line": line, "column": column, "what": what }),
        Place::Pointer(pointer) => json!({ "pointer": escape(pointer.as_bytes()), "what": what }),
        Place::Table(table) => json!({ "table": escape(table.as_bytes()), "what": what }),
    }
}
