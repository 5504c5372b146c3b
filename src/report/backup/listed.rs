//! The backups there are, and one of them in full.

use serde_json::{Value, json};

use super::{file_json, held, holds, problems_json, problems_text, things, word};
use crate::model::{Backup, Mode, Timestamp, escape, size};
use crate::report::json as document;
use crate::report::undone::short;
use crate::routes::backup::{Problem, backup_ref};

/// Returns a table of backups, newest first.
pub fn backups_text(backups: &[Backup], problems: &[Problem], now: Timestamp) -> String {
    if backups.is_empty() && problems.is_empty() {
        return "There is no backup yet: guard backup create\n".to_owned();
    }
    let mut text = String::new();
    for backup in backups {
        let left = match backup.unsaved.len() + backup.unsaved_databases.len() {
            0 => String::new(),
            number => format!(", {number} left out"),
        };
        let (age, files, size) = (backup.at.age(now), things(backup), size(backup.size()));
        let standing = word(backup.standing());
        let on = backup.branch.as_ref().map_or_else(String::new, |branch| format!(", on {}", short(branch)));
        text.push_str(&format!("{:24} {age:>9}  {files:>10}  {size:>9}  {standing}{left}{on}\n", backup.id));
    }
    text.push_str(&problems_text(problems));
    text.push_str(NOT_READ);
    text
}

/// What a listing says of itself.
const NOT_READ: &str = "stored bytes not read: guard backup verify\n";

/// Returns the same as one JSON document.
pub fn backups_json(backups: &[Backup], problems: &[Problem]) -> String {
    let mut document = document::document("backup list");
    let one = |backup: &Backup| {
        json!({
            "id": backup.id,
            "at": backup.at.iso(),
            "branch": backup.branch,
            "files": backup.files.len(),
            "bytes": backup.size(),
            "standing": word(backup.standing()),
            "unsaved": backup.unsaved.len(),
            "databases": backup.databases.len(),
            "unsaved_databases": backup.unsaved_databases.len(),
        })
    };
    document.insert("backups".into(), backups.iter().map(one).collect());
    document.insert("damaged".into(), problems_json(problems));
    document::render(document)
}

/// Returns one backup in full, with the commands that bring it back without guard.
pub fn backup_text(backup: &Backup, problems: &[Problem], store: &std::path::Path) -> String {
    let mut text = format!("backup {}\nmade   {}\n", backup.id, backup.at.iso());
    if let Some(branch) = &backup.branch {
        text.push_str(&format!("on     {}\n", short(branch)));
    }
    for (number, file) in backup.files.iter().enumerate() {
        let kind = match file.mode {
            Mode::Link => ", a link",
            Mode::Executable => ", can be run",
            _ => "",
        };
        let marks = [(!file.tracked, "not tracked"), (file.ignored, "ignored"), (file.secret, "secret")];
        let marks: String = marks.iter().filter(|(is, _)| *is).map(|(_, mark)| format!(", {mark}")).collect();
        let holds = Some(holds(file)).filter(|holds| !holds.is_empty()).map(|holds| format!(", {holds}"));
        let (standing, size) = (word(file.standing), size(file.size));
        text.push_str(&format!(
            "  {number:>4}  {standing:7}  '{}' ({size}{}{kind}{marks})\n",
            file.path,
            holds.unwrap_or_default()
        ));
        if let Some(why) = &file.why {
            text.push_str(&format!("                 {}\n", escape(why.as_bytes())));
        }
    }
    for left in &backup.unsaved {
        text.push_str(&format!("        left     '{}': {}\n", left.path, left.why));
    }
    for (number, database) in backup.databases.iter().enumerate() {
        let secret = if database.secret { ", secret" } else { "" };
        let (standing, size, held) = (word(database.standing), size(database.size), held(&database.facts.tables));
        let (name, server) = (escape(database.name.as_bytes()), escape(database.facts.server.as_bytes()));
        text.push_str(&format!(
            "  {number:>4}  {standing:7}  database '{name}' ({size}, {held}, PostgreSQL {server}{secret})\n"
        ));
        if let Some(why) = &database.why {
            text.push_str(&format!("                 {}\n", escape(why.as_bytes())));
        }
    }
    for left in &backup.unsaved_databases {
        let (name, why) = (escape(left.name.as_bytes()), escape(left.why.as_bytes()));
        text.push_str(&format!("        left     database '{name}': {why}\n"));
    }
    text.push_str(&problems_text(problems));
    text.push_str(NOT_READ);
    let store = crate::rules::shell_quote(store.as_os_str().as_encoded_bytes());
    text.push_str(&format!("\nto bring a file back: guard restore <path> --from {}\n", backup.id));
    text.push_str(&format!(
        "to bring a file back with plain git, by its number:\n  \
         git --git-dir {store} cat-file blob backup/{}:files/<number> > <path>\n",
        backup.id
    ));
    if !backup.databases.is_empty() {
        text.push_str(&format!(
            "and a database, into an empty one:\n  \
             git --git-dir {store} cat-file blob backup/{}:databases/<number> | pg_restore --dbname <database>\n",
            backup.id
        ));
    }
    text
}

/// Returns the same as one JSON document.
pub fn backup_json(backup: &Backup, problems: &[Problem]) -> String {
    let mut document = document::document("backup show");
    let mut add = |name: &str, value: Value| drop(document.insert(name.to_owned(), value));
    add("id", json!(backup.id));
    add("at", json!(backup.at.iso()));
    add("branch", json!(backup.branch));
    add("ref", json!(backup_ref(&backup.id).ok()));
    add("standing", json!(word(backup.standing())));
    add("files", backup.files.iter().map(file_json).collect());
    add("unsaved", json!(backup.unsaved));
    add("databases", json!(backup.databases));
    add("unsaved_databases", json!(backup.unsaved_databases));
    add("damaged", problems_json(problems));
    document::render(document)
}
