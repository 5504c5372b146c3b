//! What an undo or redo would do, or did.

use std::path::Path;

use serde_json::{Value, json};

use crate::model::{Conflict, IndexStep, Made, Mode, Plan, Raw, RefName, Source, TreePath, Way, WorkStep, count};
use crate::rules;
use crate::undo::{Recovered, RecoveredBy, Report, Run};

/// Returns the JSON document: the same for a dry run and a real one, but for `dry_run`, `done` and `recorded_as`.
pub fn undone_json(command: &str, report: &Report, run: Run) -> String {
    let plan = &report.plan;
    let made = |made: &Made| json!({ "oid": made.oid, "replaces": made.replaces, "subject": made.subject });
    let refs: Vec<Value> =
        plan.refs.iter().map(|step| json!({ "name": step.name, "from": step.expect, "to": step.to })).collect();
    let document = json!({
        "version": 1,
        "command": command,
        "plan": report.plan_id(),
        "operation": plan.operation,
        "undone": plan.undone,
        "pushed": plan.pushed,
        "way": plan.way.word(),
        "why": plan.why,
        "dry_run": run == Run::Dry,
        "done": report.operation.is_some(),
        "recorded_as": report.operation,
        "branch": plan.branch,
        "made": plan.made.iter().map(made).collect::<Vec<_>>(),
        "refs": refs,
        "paths": paths(plan).into_iter().map(|path| path.json()).collect::<Vec<_>>(),
        "state_files": plan.state.iter().map(|step| &step.name).collect::<Vec<_>>(),
        "kept": plan.kept,
        "left_out": plan.left_out,
        "left_alone": plan.left_alone,
        "conflicts": plan.conflicts,
        "notes": plan.notes,
        "recovered": report.recovered.iter().map(recovered_json).collect::<Vec<_>>(),
    });
    format!("{document}\n")
}

/// Returns the text of a plan that was not applied, or was: what moves, what happens to which path.
pub fn undone_text(report: &Report, run: Run, verbose: bool) -> String {
    let plan = &report.plan;
    let mut text = String::new();
    for found in &report.recovered {
        text.push_str(&recovered_text(found));
    }
    let dry = run == Run::Dry;
    if plan.way == Way::Restore && plan.changes_nothing() {
        let all = if plan.left_alone.is_empty() { "all of it" } else { "what could be" };
        text.push_str(&format!("nothing to restore: {all} is as it is there\n"));
        text.push_str(&left_alone(plan, dry));
        plan.notes.iter().for_each(|note| text.push_str(&format!("note: {note}\n")));
        return text;
    }
    text.push_str(&headline(plan, dry));
    for step in plan.refs.iter().filter(|step| step.name.as_bstr() != "AUTO_MERGE") {
        let oid = |oid: Option<crate::model::Oid>| oid.map_or_else(|| "nothing".to_owned(), |oid| oid.short());
        let verb = if dry { "would move" } else { "moved" };
        let name = short(&step.name);
        text.push_str(&format!("{verb} {name} from {} to {}\n", oid(step.expect), oid(step.to)));
    }
    text.push_str(&made_text(plan, dry));
    let paths = paths(plan);
    let touched = count(paths.len(), "path");
    text.push_str(&format!("{touched} {}\n", if dry { "would change" } else { "changed" }));
    if dry || verbose {
        for path in &paths {
            text.push_str(&format!("  {:9} {}\n", path.word(), path.path));
        }
    }
    if !plan.kept.is_empty() {
        text.push_str(&match (plan.way, dry) {
            (Way::Restore, true) => format!("the rest would stay as it is in {}\n", list(&plan.kept)),
            (Way::Restore, false) => format!("the rest stays as it is in {}\n", list(&plan.kept)),
            (_, true) => format!("later edits would be kept in {}\n", list(&plan.kept)),
            (_, false) => format!("later edits were kept in {}\n", list(&plan.kept)),
        });
    }
    if !plan.left_out.is_empty() {
        let verb = if dry { "would be" } else { "was" };
        text.push_str(&format!("what overlaps with that {verb} left out in {}\n", list(&plan.left_out)));
    }
    text.push_str(&left_alone(plan, dry));
    for note in &plan.notes {
        text.push_str(&format!("note: {note}\n"));
    }
    let submodule = |step: &&IndexStep| step.to.iter().any(|slot| slot.entry.mode == Mode::Submodule);
    for step in plan.index.iter().filter(submodule).filter(|_| plan.way == Way::Restore) {
        let path = rules::shell_quote(&step.path);
        text.push_str(&format!("to have the submodule's files as well: git submodule update -- {path}\n"));
    }
    if !dry {
        let back = match plan.way {
            Way::BringBack if report.command == "redo" => "guard undo",
            Way::Restore => "guard restore --undo",
            _ => "guard redo",
        };
        text.push_str(&format!("to take this back: {back}\n"));
    } else if plan.conflicts.is_empty() && report.command != "restore" {
        text.push_str(&format!("to do exactly this: guard undo --plan {}\n", report.plan_id()));
    }
    text
}

/// Returns the JSON document of files that were, or would be, copied out.
pub fn copied_json(paths: &[TreePath], from: &str, folder: &Path, dry: bool) -> String {
    let folder = Raw::from(folder.as_os_str().as_encoded_bytes());
    let document = json!({
        "version": 1, "command": "restore", "from": from, "to": folder, "paths": paths, "dry_run": dry, "done": !dry,
    });
    format!("{document}\n")
}

/// Returns the same as text.
pub fn copied_text(paths: &[TreePath], folder: &Path, dry: bool) -> String {
    let verb = if dry { "would write" } else { "wrote" };
    let folder = crate::model::escape(folder.as_os_str().as_encoded_bytes());
    let mut text = format!("{verb} {} to '{folder}'\n", count(paths.len(), "file"));
    for path in paths.iter().take(20) {
        text.push_str(&format!("  {path}\n"));
    }
    if paths.len() > 20 {
        text.push_str(&format!("  and {} more\n", paths.len() - 20));
    }
    text
}

/// What is allowed where later edits would be lost.
const ASIDE: &str = "hint: put what stands there aside ('git stash -u', or under another name), then run it again";

/// Returns why nothing was done: the paths at which something would be lost.
pub fn conflicts_text(plan: &Plan) -> String {
    let mut text = format!(
        "guard: it would lose something at {}; nothing was changed; {ASIDE}\n",
        count(plan.conflicts.len(), "path")
    );
    for conflict in &plan.conflicts {
        text.push_str(&format!("  {}: {}\n", conflict.path, conflict.why));
    }
    text
}

/// Where nothing comes back, and why.
fn left_alone(plan: &Plan, dry: bool) -> String {
    let verb = if dry { "would leave" } else { "left" };
    let line = |conflict: &Conflict| format!("{verb} '{}' alone: {}\n", conflict.path, conflict.why);
    plan.left_alone.iter().map(line).collect()
}

/// The commits that are made, up to twenty.
fn made_text(plan: &Plan, dry: bool) -> String {
    let mut text = String::new();
    for made in plan.made.iter().take(20) {
        let line = match (made.replaces, dry) {
            (Some(old), true) => format!("would make {} again: {}", old.short(), made.subject),
            (Some(old), false) => format!("made {} again as {}: {}", old.short(), made.oid.short(), made.subject),
            (None, true) => format!("would commit: {}", made.subject),
            (None, false) => format!("committed {}: {}", made.oid.short(), made.subject),
        };
        text.push_str(&format!("{line}\n"));
    }
    if plan.made.len() > 20 {
        text.push_str(&format!("and {} more\n", plan.made.len() - 20));
    }
    text
}

fn headline(plan: &Plan, dry: bool) -> String {
    let commit = || plan.undone.or(plan.head).map_or_else(|| "it".to_owned(), |oid| oid.short());
    let of = plan.operation.as_ref().map_or_else(commit, |id| format!("operation {id}"));
    let (would, done) = match plan.way {
        Way::Abort => ("would give up the merge in progress", "gave up the merge in progress"),
        Way::Unstage => ("would take out the squash", "took out the squash"),
        Way::MoveBack | Way::Replay => ("would undo", "undid"),
        Way::Revert => ("would take back by a new commit", "took back by a new commit"),
        Way::BringBack => ("would take back", "took back"),
        Way::Restore => ("would restore", "restored"),
    };
    let verb = if dry { would } else { done };
    match plan.way {
        Way::Abort | Way::Unstage => format!("{verb}: {}\n", plan.why),
        Way::MoveBack | Way::Replay | Way::Revert => format!("{verb} {of}: {}\n", plan.why),
        Way::BringBack => format!("{verb} {of}\n"),
        Way::Restore => format!("{verb} {}\n", plan.why),
    }
}

pub(super) fn recovered_json(found: &Recovered) -> Value {
    let way = match found.way {
        RecoveredBy::Finished => "finished",
        RecoveredBy::RolledBack => "rolled-back",
        RecoveredBy::LeftAlone => "left-alone",
    };
    json!({ "operation": found.operation, "way": way, "left": found.left })
}

/// Returns how an interrupted operation was dealt with, one line.
pub fn recovered_text(found: &Recovered) -> String {
    let left = if found.left.is_empty() {
        String::new()
    } else {
        format!("; changed since and left as they are: {}", list(&found.left))
    };
    format!("operation {} {}{left}\n", found.operation, found.way.words())
}

/// What happens at one path.
struct PathLine<'p> {
    path: &'p Raw,
    index: Option<&'p IndexStep>,
    work: Option<&'p WorkStep>,
}

fn paths(plan: &Plan) -> Vec<PathLine<'_>> {
    let mut lines = std::collections::BTreeMap::new();
    for step in &plan.index {
        lines.insert(&step.path, PathLine { path: &step.path, index: Some(step), work: None });
    }
    for step in &plan.work {
        let line = lines.entry(&step.path).or_insert(PathLine { path: &step.path, index: None, work: None });
        line.work = Some(step);
    }
    lines.into_values().collect()
}

impl PathLine<'_> {
    /// What happens to the file, or where none changes to the index.
    fn word(&self) -> &'static str {
        self.file().unwrap_or("index")
    }

    fn file(&self) -> Option<&'static str> {
        let step = self.work?;
        Some(match (&step.from, &step.to) {
            (_, None) => "remove",
            (None, Some(_)) => "create",
            (Some(_), Some(to)) if matches!(to.source, Source::Bytes(_)) => "merge",
            (Some(from), Some(to)) if from.source == to.source => "mode",
            _ => "restore",
        })
    }

    fn json(&self) -> Value {
        let entries = |slots: &[crate::model::Slot]| -> Vec<Value> {
            let mode = |mode: Mode| mode.octal();
            slots
                .iter()
                .map(|slot| json!({ "stage": slot.stage, "mode": mode(slot.entry.mode), "oid": slot.entry.oid }))
                .collect()
        };
        let index = self.index.map(|step| json!({ "from": entries(&step.from), "to": entries(&step.to) }));
        json!({ "path": self.path, "file": self.file(), "index": index })
    }
}

/// Returns a branch in quotes without `refs/heads/`, any other ref whole.
pub(super) fn short(name: &RefName) -> String {
    match name.strip_prefix(b"refs/heads/") {
        Some(branch) => format!("'{}'", crate::model::escape(branch)),
        None => name.to_string(),
    }
}

/// Lists up to ten paths.
fn list(paths: &[Raw]) -> String {
    let mut shown: Vec<String> = paths.iter().take(10).map(|path| format!("'{path}'")).collect();
    if paths.len() > shown.len() {
        shown.push(format!("{} more", paths.len() - shown.len()));
    }
    shown.join(", ")
}
