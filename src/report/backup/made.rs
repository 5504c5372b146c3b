//! What was backed up, or would be.

use serde_json::{Value, json};

use super::{LISTED, file_json, not_good, things, word};
use crate::model::{Standing, count, escape, size};
use crate::report::json as document;
use crate::routes::backup::{Made, Outlook};

/// Returns what was made as text.
pub fn made_text(made: &Made) -> String {
    let mut text = match &made.backup {
        None => "Nothing was saved.\n".to_owned(),
        Some(backup) if made.is_new => {
            let (files, bytes) = (things(backup), size(backup.size()));
            format!("Saved {files} ({bytes}) as backup {}: {}.\n", backup.id, word(backup.standing()))
        }
        Some(backup) => {
            let files = things(backup);
            format!("Nothing has changed since backup {} ({files}): no new one was made.\n", backup.id)
        }
    };
    text.push_str(&not_good(made.backup.iter().flat_map(|backup| &backup.files)));
    if made.healed > 0 {
        let (files, are) = (count(made.healed, "file"), if made.healed == 1 { "is" } else { "are" });
        text.push_str(&format!("  healed  {files} whose stored bytes were damaged {are} stored anew\n"));
    }
    for database in made.backup.iter().flat_map(|backup| &backup.databases) {
        if database.standing == Standing::Bad {
            let (name, why) = (&database.name, database.why.as_deref().unwrap_or_default());
            let (name, why) = (escape(name.as_bytes()), escape(why.as_bytes()));
            text.push_str(&format!("  bad     database '{name}': {why}\n"));
        }
    }
    for refused in &made.refused {
        text.push_str(&format!("  left    '{}': {}\n", refused.path, refused.why));
    }
    for refused in &made.refused_databases {
        text.push_str(&format!("  left    database '{}': {}\n", escape(refused.name.as_bytes()), refused.why));
    }
    text
}

/// Returns the same as one JSON document.
pub fn made_json(made: &Made) -> String {
    let mut document = document::document("backup create");
    let mut add = |name: &str, value: Value| drop(document.insert(name.to_owned(), value));
    add("dry_run", json!(false));
    add("done", json!(made.is_new));
    add("backup", json!(made.backup.as_ref().map(|backup| &backup.id)));
    add("standing", json!(made.backup.as_ref().map(|backup| word(backup.standing()))));
    add("files", made.backup.iter().flat_map(|backup| &backup.files).map(file_json).collect());
    add("unsaved", json!(made.refused));
    add("databases", json!(made.backup.as_ref().map_or(&[][..], |backup| &backup.databases)));
    add("unsaved_databases", json!(made.refused_databases));
    add("read", json!(made.read));
    add("healed", json!(made.healed));
    document::render(document)
}

/// Returns what would be read, and what is known to be as it was, as text.
pub fn would_make_text(found: &Outlook) -> String {
    let (read, same, databases) = (&found.read, &found.same, &found.databases);
    let mut text = format!(
        "Would read {} and find {} as the last backup has them.\n",
        count(read.len(), "file"),
        count(same.len(), "file")
    );
    text.extend(read.iter().take(LISTED).map(|path| format!("  read    '{path}'\n")));
    if read.len() > LISTED {
        text.push_str(&format!("  … and {} more\n", read.len() - LISTED));
    }
    text.extend(databases.iter().map(|name| format!("  dump    database '{}'\n", escape(name.as_bytes()))));
    text
}

/// Returns the same as one JSON document.
pub fn would_make_json(found: &Outlook) -> String {
    let mut document = document::document("backup create");
    document.insert("dry_run".into(), json!(true));
    document.insert("done".into(), json!(false));
    document.insert("would_read".into(), json!(found.read));
    document.insert("untouched".into(), json!(found.same));
    document.insert("would_dump".into(), json!(found.databases));
    document::render(document)
}
