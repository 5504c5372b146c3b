//! Which backups left this machine, or came to it.

use serde_json::{Map, Value, json};

use super::{problems_json, problems_text};
use crate::model::{BackupId, count, escape};
use crate::report::json as document;
use crate::routes::backup::{Brought, Remote, Sent};

/// Returns what was sent as text; `dry`: what would be.
pub fn sent_text(sent: &Sent, dry: bool) -> String {
    let (number, remote) = (count(sent.sent.len(), "backup"), address(&sent.remote));
    let mut text = if dry {
        format!("Would send {number} to {remote}, which has {} of ours.\n", sent.there)
    } else {
        format!("Sent {number} to {remote}, where {} of ours lie now, compared by name and hash.\n", sent.there)
    };
    text.push_str(&list(if dry { "send" } else { "sent" }, &sent.sent));
    text.push_str(&list("other", &sent.different));
    text.push_str(&list("missing", &sent.missing));
    text.push_str(&problems_text(&sent.problems));
    text
}

/// Returns the same as one JSON document.
pub fn sent_json(sent: &Sent, dry: bool) -> String {
    let mut document = beginning("backup push", &sent.remote, dry);
    document.insert("sent".into(), json!(sent.sent));
    document.insert("there".into(), json!(sent.there));
    document.insert("different".into(), json!(sent.different));
    document.insert("missing".into(), json!(sent.missing));
    document.insert("damaged".into(), problems_json(&sent.problems));
    document::render(document)
}

/// Returns what was fetched as text; `dry`: what would be.
pub fn brought_text(brought: &Brought, dry: bool) -> String {
    let (number, remote) = (count(brought.brought.len(), "backup"), address(&brought.remote));
    let mut text = if dry {
        format!("Would fetch {number} from {remote}; {} are here already.\n", brought.here)
    } else {
        format!("Fetched {number} from {remote} and read every byte of them; {} were here already.\n", brought.here)
    };
    text.push_str(&list(if dry { "fetch" } else { "fetched" }, &brought.brought));
    if !brought.healed.is_empty() {
        let number = count(brought.healed.len(), "backup");
        text.push_str(&if dry {
            format!("Damaged here, and would be made whole from there: {number}.\n")
        } else {
            format!("Damaged here, and whole again with what came from there: {number}.\n")
        });
    }
    text.push_str(&list(if dry { "heal" } else { "healed" }, &brought.healed));
    text.push_str(&list("other", &brought.different));
    text.push_str(&problems_text(&brought.problems));
    text
}

/// Returns the same as one JSON document.
pub fn brought_json(brought: &Brought, dry: bool) -> String {
    let mut document = beginning("backup fetch", &brought.remote, dry);
    document.insert("fetched".into(), json!(brought.brought));
    document.insert("here".into(), json!(brought.here));
    document.insert("healed".into(), json!(brought.healed));
    document.insert("different".into(), json!(brought.different));
    document.insert("damaged".into(), problems_json(&brought.problems));
    document::render(document)
}

fn beginning(command: &str, remote: &Remote, dry: bool) -> Map<String, Value> {
    let mut document = document::document(command);
    document.insert("dry_run".into(), json!(dry));
    document.insert("done".into(), json!(!dry));
    document.insert("remote".into(), json!(escape(remote.shown().as_bytes())));
    document.insert("private".into(), json!(remote.private));
    document
}

fn list(word: &str, ids: &[BackupId]) -> String {
    ids.iter().map(|id| format!("  {word:7} {id}\n")).collect()
}

fn address(remote: &Remote) -> String {
    format!("'{}'", escape(remote.shown().as_bytes()))
}
