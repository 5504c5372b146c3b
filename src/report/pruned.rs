//! What was pruned, or would be.

use serde_json::{Value, json};

use super::json as document;
use crate::model::{Operation, escape, size};
use crate::routes::retention::{Leftover, Pruned, Pruning, stays};

/// Returns what goes as text; `None`: it was a dry run.
pub fn pruned_text(pruning: &Pruning, pruned: Option<Pruned>) -> String {
    let keep = stays(pruning.keep);
    if pruning.is_empty() {
        return format!("Nothing to prune: {keep}.{}\n", later(pruning));
    }
    let mut text = format!("{}, {keep}:\n", if pruned.is_some() { "Pruned" } else { "Would prune" });
    let mut line = |what: &str, more: String| text.push_str(&format!("  {what:14} {more}\n"));
    for id in &pruning.operations {
        let told = pruning.told.iter().find(|operation| operation.id == *id);
        line("operation", format!("{id}{}", told.map(about).unwrap_or_default()));
    }
    for id in &pruning.ended {
        line("closed", format!("{id}, which ended unseen"));
    }
    for (name, oid) in &pruning.refs {
        line("pre-merge ref", format!("{name} {}", oid.short()));
    }
    let lists = [
        ("saved bytes", &pruning.snapshots),
        ("over budget", &pruning.over),
        ("undo record", &pruning.plans),
        ("kept index", &pruning.indexes),
    ];
    for (what, ids) in lists {
        for id in ids {
            line(what, id.to_string());
        }
    }
    for left in &pruning.leftovers {
        line("left behind", shown(left));
    }
    let counts = [(pruning.records.len(), "records of the journal"), (pruning.garbage.count(), "objects of the store")];
    for (count, what) in counts.into_iter().filter(|(count, _)| *count > 0) {
        line("and", format!("{count} {what}"));
    }
    let bytes = pruned.map_or(pruning.bytes, |pruned| pruned.bytes);
    let freed = if pruned.is_some() { "Freed" } else { "Would free" };
    text.push_str(&format!("{freed} {}.{}\n", size(bytes), later(pruning)));
    text
}

/// Returns the same as one JSON document.
pub fn pruned_json(pruning: &Pruning, pruned: Option<Pruned>) -> String {
    let mut document = document::document("log");
    let mut add = |name: &str, value: Value| drop(document.insert(name.to_owned(), value));
    add("dry_run", json!(pruned.is_none()));
    add("done", json!(pruned.is_some()));
    add("keep", json!(pruning.keep));
    add("pruned", json!(pruning.operations));
    add("closed", json!(pruning.ended));
    add("refs", pruning.refs.iter().map(|(name, _)| json!(name)).collect());
    add("snapshots", json!(pruning.snapshots));
    add("over_budget", json!(pruning.over));
    add("undo_records", json!(pruning.plans));
    add("indexes", json!(pruning.indexes));
    add("records", pruning.records.iter().map(|name| json!(name.to_string())).collect());
    add("objects", json!(pruning.garbage.count()));
    add("left_behind", pruning.leftovers.iter().map(|left| json!(shown(left))).collect());
    add("bytes", json!(pruned.map_or(pruning.bytes, |pruned| pruned.bytes)));
    add("bytes_later", json!(pruning.garbage.too_young));
    add("store_problem", json!(pruning.store_problem));
    document::render(document)
}

/// When, what, and where.
fn about(operation: &Operation) -> String {
    let branch = operation.intent.branch.as_ref();
    let branch = branch.map_or_else(String::new, |name| escape(name.strip_prefix(b"refs/heads/").unwrap_or(name)));
    format!(" {} {} {branch}", operation.at.iso(), operation.intent.kind.word())
}

fn shown(left: &Leftover) -> String {
    escape(left.path.as_os_str().as_encoded_bytes())
}

/// What can't go yet.
fn later(pruning: &Pruning) -> String {
    match pruning.garbage.too_young {
        0 => String::new(),
        bytes => format!(" The store can spare {} more once they are an hour old.", size(bytes)),
    }
}
