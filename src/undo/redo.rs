//! Redo: what an operation of ours did, taken back.

use std::collections::BTreeMap;

use crate::git::Head;
use crate::journal::History;
use crate::model::{
    Attributes, Kind, Operation, Plan, RefStep, Slot, Source, StashStep, StateStep, Status, TreePath, Way, WorkFile,
};

use super::delta::{Before, Delta, Overlap, PathDelta, Sides};
use super::find::{Finder, Step};
use super::now::resolved;
use super::place::{Place, not_elsewhere, quoted, short, words};
use super::{Undo, UndoError, choose, general, guards, record};

/// Finds out what the newest undo did, as something to be taken back.
pub(super) fn newest(undo: &Undo<'_>, history: &History) -> Result<Delta, UndoError> {
    guards::no_merge_going_on(undo)?;
    let worktree = undo.repo.worktree_id();
    let fits = |operation: &&Operation| {
        operation.intent.kind == Kind::Undo
            && operation.intent.worktree == worktree
            && operation.undone_by.is_none()
            && operation.outcome.as_ref().is_some_and(|outcome| outcome.status == Status::Done)
    };
    let operation = history.operations.iter().rev().find(fits);
    let operation = operation.ok_or_else(|| UndoError::refused("there is nothing to redo", None))?;
    of(undo, history, operation, "it is the newest undo", None)
}

/// Finds out what an operation of ours did, as something to be taken back.
pub(super) fn of(
    undo: &Undo<'_>,
    history: &History,
    operation: &Operation,
    why: &str,
    wish: Option<Way>,
) -> Result<Delta, UndoError> {
    let plan = record::read(undo, &operation.id)?;
    let saved = |file: &Option<WorkFile>| matches!(file, Some(WorkFile { source: Source::Saved(_), .. }));
    if plan.work.iter().any(|step| saved(&step.from)) && undo.is_pruned(operation)? {
        let why = format!("the bytes that were saved for operation {} were pruned", operation.id);
        return Err(UndoError::refused(why, None));
    }
    still_there(undo, &plan)?;
    let notes = not_published(undo, history, operation, &plan, wish)?;
    let head = undo.repo.head()?;
    let mut delta = Delta { pushed: !notes.is_empty(), notes, ..inverse(operation, plan, head, why) };
    skip_again(undo, operation, &mut delta.paths)?;
    Ok(delta)
}

/// Adds the entries of files that were put where a sparse checkout has none, and that go again: git takes `skip-worktree`
/// from an entry whose file it finds, and a file that is missing without it counts as deleted.
fn skip_again(undo: &Undo<'_>, operation: &Operation, paths: &mut [PathDelta]) -> Result<(), UndoError> {
    let goes = |delta: &&mut PathDelta| {
        delta.index.is_none() && delta.work.as_ref().is_some_and(|sides| sides.before.is_none())
    };
    let mut going = paths.iter_mut().filter(goes).peekable();
    if going.peek().is_none() {
        return Ok(());
    }
    let kept = Before::read(undo, Some(operation))?;
    for delta in going {
        let before = kept.index_at(&delta.path).unwrap_or_default();
        if let Some(slot) = resolved(&before).filter(|slot| slot.skip_worktree) {
            delta.index = Some(Sides { after: vec![Slot { skip_worktree: false, ..*slot }], before });
        }
    }
    Ok(())
}

/// Refuses when HEAD or a ref is no longer what the undo left.
fn still_there(undo: &Undo<'_>, plan: &Plan) -> Result<(), UndoError> {
    let head = undo.repo.head()?;
    if plan.needs_head() && head.branch != plan.branch {
        let hint = plan.branch.as_ref().map(|branch| format!("git switch {}", quoted(&short(branch))));
        let was = plan.branch.as_ref().map_or_else(|| "a detached HEAD".to_owned(), |branch| words(Some(branch)));
        let why = format!("that was on {was}, and this is {}", words(head.branch.as_ref()));
        return Err(UndoError::refused(why, hint));
    }
    let moved = |name: &str| {
        let why = format!("{name} has moved since; what came later must be undone first");
        UndoError::refused(why, Some("guard log".to_owned()))
    };
    for step in &plan.refs {
        let now = if step.name.as_bstr() == "HEAD" { head.oid } else { undo.repo.ref_value(&step.name)? };
        if now != step.to {
            return Err(moved(&format!("'{}'", short(&step.name))));
        }
        if step.name.starts_with(b"refs/heads/") && Some(&step.name) != head.branch.as_ref() {
            not_elsewhere(undo, &step.name, "redo")?;
        }
    }
    if plan.needs_head() && head.oid != plan.head_afterwards() {
        return Err(moved(&words(head.branch.as_ref())));
    }
    for step in &plan.state {
        if undo.repo.state(&step.name)?.map(Into::into) != step.to {
            let why =
                format!("git's file '{}' is not as it was left: the merge that it belongs to has gone on", step.name);
            return Err(UndoError::refused(why, Some("guard log".to_owned())));
        }
    }
    Ok(())
}

/// Returns whether an operation of ours brought an unfinished merge back: that one goes by giving it up, or it is over.
pub(super) fn brought_a_merge(undo: &Undo<'_>, operation: &Operation) -> bool {
    let marks = |step: &StateStep| step.to.is_some() && matches!(&*step.name, "MERGE_HEAD" | "SQUASH_MSG");
    record::read(undo, &operation.id).is_ok_and(|plan| plan.state.iter().any(marks))
}

/// Refuses to take commits from a branch that others have by now: those that an undo made, and what a redo brought back.
/// Returns what to know where they go all the same.
fn not_published(
    undo: &Undo<'_>,
    history: &History,
    operation: &Operation,
    plan: &Plan,
    wish: Option<Way>,
) -> Result<Vec<String>, UndoError> {
    let brought = root(history, operation).is_some_and(general::makes_commits);
    let mut notes = Vec::new();
    for step in &plan.refs {
        let Some(left) = step.to else { continue };
        let made = plan.made.last().is_some_and(|made| made.oid == left);
        if !made && !brought {
            continue;
        }
        let stays = step.expect.map_or(Ok(false), |back| undo.repo.is_ancestor(left, back))?;
        if stays || undo.repo.containing(left, &["refs/remotes/"], 1)?.is_empty() {
            continue;
        }
        let branch = Some(step.name.clone()).filter(|name| name.as_bstr() != "HEAD");
        let place = Place { branch, tip: left, here: false };
        let no_merge = Step { operation: None, old: step.expect, new: left, fast_forward: false, from_remote: false };
        let merge = Finder::at(undo, history, place.clone())?.last_step()?;
        let found = choose::published(undo, &place, merge.as_ref().unwrap_or(&no_merge))?;
        let Some(remote) = found.by.as_ref().map(short) else {
            notes.extend(found.note);
            continue;
        };
        if wish == Some(Way::MoveBack) || !made && operation.intent.kind == Kind::Undo {
            notes.push(format!("'{remote}' contains it: pushing this branch needs --force-with-lease"));
            continue;
        }
        let what = if made { "what the undo made" } else { "what was brought back" };
        let hint = match merge {
            _ if made && plan.way == Way::Revert => Some(format!("guard undo-merge --reapply {}", left.short())),
            _ if made => None,
            Some(_) => Some(format!("guard undo-merge {}", left.short())),
            None => Some(format!("git revert --no-edit {}", choose::range(step.expect, left))),
        };
        let why = format!("{what} is published: '{remote}' contains {}", left.short());
        return Err(UndoError::refused(why, hint));
    }
    Ok(notes)
}

/// Returns the operation at the end of a line of undos and redos.
fn root<'h>(history: &'h History, operation: &'h Operation) -> Option<&'h Operation> {
    let mut root = operation;
    while root.intent.kind.is_ours() {
        let of = root.intent.of.as_ref()?;
        root = history.operations.iter().find(|found| found.id == *of)?;
    }
    Some(root)
}

fn inverse(operation: &Operation, plan: Plan, head: Head, why: &str) -> Delta {
    let mut paths: BTreeMap<TreePath, PathDelta> = BTreeMap::new();
    let new = |path: &TreePath| PathDelta {
        path: path.clone(),
        index: None,
        flagged: true,
        work: None,
        overlap: Overlap::Refuse,
    };
    for step in plan.index {
        let delta = paths.entry(step.path.clone()).or_insert_with(|| new(&step.path));
        delta.index = Some(Sides { after: step.to, before: step.from });
    }
    for step in plan.work {
        let delta = paths.entry(step.path.clone()).or_insert_with(|| new(&step.path));
        delta.work = Some(Sides { after: step.to, before: step.from });
    }
    let back = |step: RefStep| RefStep { name: step.name, expect: step.to, to: step.expect };
    let state = |step: StateStep| StateStep { name: step.name, from: step.to, to: step.from };
    Delta {
        way: Way::BringBack,
        why: why.to_owned(),
        operation: Some(operation.id.clone()),
        undone: None,
        pushed: false,
        head,
        made: Vec::new(),
        refs: plan.refs.into_iter().rev().map(back).collect(),
        attributes: Attributes { from: plan.attributes.to, to: plan.attributes.from },
        paths: paths.into_values().collect(),
        state: plan.state.into_iter().rev().map(state).collect(),
        stash: plan.stash.map(|stash| StashStep { stays: !stash.stays, ..stash }),
        partly: false,
        notes: Vec::new(),
    }
}
