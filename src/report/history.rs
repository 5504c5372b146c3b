//! Operations: a list of them, and one in full.

use colored::Colorize;
use serde_json::{Value, json};

use crate::journal::History;
use crate::model::{Level, Operation, RefMove, SavedFile, Status, Unsaved, Verdict};
use crate::undo::Undoable;

/// Returns the newest operations, newest first, one line each: when (in the name), what, verdict, how it ended, and the
/// command that takes it back. As wide as a terminal, where the branches' names let it.
pub fn log_text(history: &History, limit: usize, undoable: &Undoable) -> String {
    let mut text = String::new();
    for operation in history.operations.iter().rev().take(limit) {
        let id = operation.id.to_string().yellow();
        let kind = operation.intent.kind.word();
        let verdict = verdict(operation).map_or("-", Verdict::word);
        let state = word(operation);
        let mark = command(operation, undoable).map_or_else(String::new, |command| format!(" ({command})"));
        let mark = if undoable.pruned.contains(&operation.id) { format!(" (bytes pruned){mark}") } else { mark };
        text.push_str(&format!("{id} {kind:8} {:15} {verdict:7} {state}{mark}\n", subject(operation)));
    }
    text.push_str(&damaged(history));
    text
}

/// Returns the same as JSON.
pub fn log_json(history: &History, limit: usize, undoable: &Undoable) -> String {
    let operations: Vec<Value> =
        history.operations.iter().rev().take(limit).map(|operation| value(operation, undoable)).collect();
    let damaged: Vec<Value> =
        history.damaged.iter().map(|record| json!({ "name": record.name, "why": record.why.to_string() })).collect();
    format!("{}\n", json!({ "version": 1, "command": "log", "operations": operations, "damaged": damaged }))
}

/// Returns one operation in full.
pub fn operation_text(operation: &Operation, undoable: &Undoable) -> String {
    let intent = &operation.intent;
    let mut text = format!("operation {}\n", operation.id.to_string().yellow());
    let mut line = |name: &str, value: String| {
        if !value.is_empty() {
            text.push_str(&format!("{:10} {value}\n", format!("{name}:")));
        }
    };
    line("when", operation.at.iso());
    let partial = if intent.saved.is_partial() { "; not all was saved" } else { "" };
    line("what", format!("{} ({}{partial})", intent.kind.word(), state(operation)));
    line("command", intent.action.to_string());
    line("worktree", intent.worktree.0.to_string());
    line("branch", intent.branch.as_ref().map_or_else(|| "detached HEAD".to_owned(), ToString::to_string));
    line("before", intent.head.map_or_else(|| "no commit".to_owned(), |oid| oid.to_string()));
    for head in &intent.incoming {
        let names = head.names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        line("incoming", format!("{} {names}", head.oid));
    }
    for step in operation.outcome.iter().flat_map(|outcome| &outcome.moved) {
        line("moved", moved(step));
    }
    for judgement in &operation.judgements {
        let count = |level| judgement.findings.iter().filter(|finding| finding.level == level).count();
        let counts = format!("{} to block, {} to warn of", count(Level::Block), count(Level::Warn));
        line("verdict", format!("{} at {} ({counts})", judgement.verdict.word(), judgement.route));
    }
    let saved = &intent.saved;
    let kept = if undoable.pruned.contains(&operation.id) { "pruned" } else { "saved" };
    let file = |file: &SavedFile| format!("{}{}", file.path, if file.tracked { "" } else { " (untracked)" });
    let mut list = |name: &str, items: Vec<String>| {
        let more = items.len().saturating_sub(LISTED);
        items.into_iter().take(LISTED).for_each(|item| line(name, item));
        line(name, if more > 0 { format!("and {more} more; --json has them all") } else { String::new() });
    };
    list(kept, saved.files.iter().map(file).collect());
    list(kept, saved.staged.iter().map(|version| format!("{} (as staged)", version.path)).collect());
    list(kept, saved.state.iter().map(|state| format!("git's {}", state.name)).collect());
    list("not saved", saved.unsaved.iter().map(|file| format!("{}: {}", file.path, file.why)).collect());
    let staged = |file: &Unsaved| format!("{} (as staged): {}", file.path, file.why);
    list("not saved", saved.unsaved_staged.iter().map(staged).collect());
    line("takes back", intent.of.as_ref().map(ToString::to_string).unwrap_or_default());
    line("undone by", operation.undone_by.as_ref().map(ToString::to_string).unwrap_or_default());
    line("undo", command(operation, undoable).unwrap_or_default().to_owned());
    text
}

/// Returns the same as JSON.
pub fn operation_json(operation: &Operation, undoable: &Undoable) -> String {
    format!("{}\n", json!({ "version": 1, "command": "show", "operation": value(operation, undoable) }))
}

/// So many files of each kind are listed as text.
const LISTED: usize = 50;

fn value(operation: &Operation, undoable: &Undoable) -> Value {
    json!({
        "id": operation.id,
        "at": operation.at.iso(),
        "kind": operation.intent.kind,
        "state": word(operation),
        "verdict": verdict(operation).map(Verdict::word),
        "undoable": command(operation, undoable).is_some(),
        "partial": operation.intent.saved.is_partial(),
        "undone_by": operation.undone_by,
        "saved_pruned": undoable.pruned.contains(&operation.id),
        "intent": operation.intent,
        "judgements": operation.judgements,
        "outcome": operation.outcome,
    })
}

/// The command that takes the operation back when it is given no name.
fn command(operation: &Operation, undoable: &Undoable) -> Option<&'static str> {
    match &operation.id {
        id if undoable.merge.as_ref() == Some(id) => Some("guard undo-merge"),
        id if undoable.any.as_ref() == Some(id) => Some("guard undo"),
        _ => None,
    }
}

/// The worst verdict that was given.
fn verdict(operation: &Operation) -> Option<Verdict> {
    let rank = |verdict: &Verdict| match verdict {
        Verdict::Pass => 0,
        Verdict::Warn => 1,
        Verdict::CouldNotJudge => 2,
        Verdict::Block => 3,
    };
    operation.judgements.iter().map(|judgement| judgement.verdict).max_by_key(rank)
}

fn word(operation: &Operation) -> &'static str {
    match operation.outcome.as_ref().map(|outcome| outcome.status) {
        _ if operation.undone_by.is_some() => "undone",
        None => "open",
        Some(Status::Done) => "done",
        Some(Status::Refused) => "refused",
        Some(Status::Abandoned) => "abandoned",
        Some(Status::Staged) => "staged",
    }
}

fn state(operation: &Operation) -> String {
    match (&operation.undone_by, word(operation)) {
        (Some(by), _) => format!("undone by {by}"),
        (None, "open") => "not finished, or finished unseen".to_owned(),
        (None, "staged") => "in the index, not committed".to_owned(),
        (None, word) => word.to_owned(),
    }
}

/// What it was about: the branch, and what came in.
fn subject(operation: &Operation) -> String {
    let branch = operation.intent.branch.as_ref().map_or_else(
        || "HEAD".to_owned(),
        |name| crate::model::escape(name.strip_prefix(b"refs/heads/").unwrap_or(name)),
    );
    let names: Vec<String> =
        operation.intent.incoming.iter().filter_map(|head| head.names.first()).map(ToString::to_string).collect();
    match (&operation.intent.of, names.is_empty()) {
        (Some(of), _) => format!("{branch}: {of}"),
        (None, true) => branch,
        (None, false) => format!("{branch} <- {}", names.join(", ")),
    }
}

fn moved(step: &RefMove) -> String {
    let oid = |oid: Option<crate::model::Oid>| oid.map_or_else(|| "nothing".to_owned(), |oid| oid.short());
    format!("{} from {} to {}", step.name, oid(step.old), oid(step.new))
}

fn damaged(history: &History) -> String {
    match history.damaged.len() {
        0 => String::new(),
        number => format!("{number} damaged records were skipped: 'guard doctor' names them\n"),
    }
}
