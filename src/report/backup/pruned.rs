//! Which backups went, or would go.

use serde_json::{Value, json};

use crate::model::{count, size};
use crate::recover::retention::{Doubt, Why};
use crate::report::json as document;
use crate::routes::backup::{Nothing, Pruned};

/// Returns what goes as text; `dry`: nothing is done.
pub fn backups_pruned_text(pruned: &Pruned, dry: bool) -> String {
    let stay = count(pruned.sorted.len() - pruned.goes().count(), "backup");
    match &pruned.nothing {
        Some(Nothing::Newer) => {
            return format!("Nothing to prune: no backup was made since the last prune ({stay}).\n");
        }
        Some(Nothing::Clock(doubt)) => return clock(doubt),
        None => {}
    }
    if pruned.goes().next().is_none() {
        return format!("Nothing to prune: '[backup] keep' leaves {stay}.\n");
    }
    let mut text = format!("{}, which leaves {stay}:\n", if dry { "Would remove" } else { "Removing" });
    for backup in pruned.goes() {
        text.push_str(&format!("  {} {}\n", backup.id, backup.at.iso()));
    }
    text
}

fn clock(doubt: &Doubt) -> String {
    let what = match doubt {
        Doubt::Future(id) => format!("backup {id} is from later than now"),
        Doubt::Gap(id, days) => format!("{days} days lie between backup {id} and what came next"),
    };
    format!(
        "Nothing was pruned: {what}, so a clock is or was wrong; if it is right: guard backup prune --trust-clock\n"
    )
}

/// Returns the same, and how much was freed, as one JSON document.
pub fn backups_pruned_json(pruned: &Pruned, dry: bool) -> String {
    let mut document = document::document("backup prune");
    let mut add = |name: &str, value: Value| drop(document.insert(name.to_owned(), value));
    add("dry_run", json!(dry));
    add("done", json!(!dry && pruned.nothing.is_none()));
    add("pruned", pruned.goes().map(|backup| json!(backup.id)).collect());
    let stays = pruned.sorted.iter().filter_map(|(backup, why)| {
        let why = match why.as_ref()? {
            Why::LastGood => "last-good",
            Why::Rule => "keep",
        };
        Some(json!({"id": backup.id, "why": why}))
    });
    add("stays", stays.collect());
    let nothing = pruned.nothing.as_ref().map(|nothing| match nothing {
        Nothing::Newer => "nothing-newer",
        Nothing::Clock(_) => "clock",
    });
    add("nothing", json!(nothing));
    add("bytes", json!(pruned.freed));
    document::render(document)
}

impl Pruned {
    /// Returns how much room was given back, as a line.
    pub fn freed_text(&self) -> String {
        self.freed.map_or_else(String::new, |bytes| {
            format!("Freed {}. What is younger than an hour goes with a later prune.\n", size(bytes))
        })
    }
}
