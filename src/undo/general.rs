//! Undo of any operation: its refs go back, and where HEAD stands on one of them index and files follow.
//!
//! A commit and an amend change no file, so taking them back changes none: their changes are staged again. Everything
//! else that moves HEAD's branch (rebase, reset, cherry-pick, revert, am, `update-ref`) is taken back path by path. What
//! the operation left alone, such as the files at a `reset --soft`, already stands where it goes back to, and stays.

use crate::journal::History;
use crate::model::{Attributes, Kind, Operation, RefMove, RefName, RefStep, Status, Way};

use super::delta::Delta;
use super::find::{Step, Wanted, is_unseen_merge, wanted};
use super::place::{elsewhere, not_elsewhere, quoted, short};
use super::{Undo, UndoError, broken_off, choose, guards, newest, redo, tip};

/// Plans to take back the operation that `what` names, or the newest of this worktree.
pub(super) fn delta(
    undo: &Undo<'_>,
    history: &History,
    what: Option<&str>,
    wish: Option<Way>,
) -> Result<Delta, UndoError> {
    let Some(what) = what else {
        if guards::no_merge_going_on(undo).is_err() {
            return undo.merge_delta(history, None, wish);
        }
        broken_off::none_broken_off(undo, history)?;
        let mut delta = of(undo, history, newest::newest(undo, history)?, wish)?;
        if let Some(refused) = newest::refused_last(undo, history) {
            let note = format!("operation {} was refused and changed nothing: this is the one before it", refused.id);
            delta.notes.push(note);
        }
        return Ok(delta);
    };
    match wanted(undo, history, what)? {
        Wanted::Operation(operation) => of(undo, history, &operation, wish),
        Wanted::Commit(commit) => {
            let left = |operation: &&Operation| operation.undone_by.is_none() && operation.head_after() == Some(commit);
            let Some(operation) = history.operations.iter().rev().find(left) else {
                let why = format!("no operation in the journal made {}", commit.short());
                return Err(UndoError::refused(why, Some(format!("git revert {}", commit.short()))));
            };
            of(undo, history, operation, wish)
        }
    }
}

fn of(undo: &Undo<'_>, history: &History, operation: &Operation, wish: Option<Way>) -> Result<Delta, UndoError> {
    let id = &operation.id;
    let kind = operation.intent.kind;
    if kind.is_merge() {
        return undo.merge_delta(history, Some(&id.0), wish);
    }
    let refused = |why: String, hint: Option<&str>| Err(UndoError::refused(why, hint.map(str::to_owned)));
    if let Some(by) = &operation.undone_by {
        return refused(format!("operation {id} was undone already by {by}"), Some("guard redo"));
    }
    if is_unseen_merge(operation) {
        return undo.merge_delta(history, Some(&id.0), wish);
    }
    guards::no_merge_going_on(undo)?;
    if matches!(wish, Some(Way::Replay | Way::Revert)) {
        return refused(format!("operation {id} is a {}: only merges are undone that way", kind.word()), None);
    }
    if operation.outcome.as_ref().is_none_or(|outcome| outcome.status != Status::Done) {
        return refused(format!("operation {id} changed nothing, or nobody saw how it ended"), Some("guard log"));
    }
    if kind.is_ours() {
        return redo::of(undo, history, operation, "it was asked for", wish);
    }
    if kind == Kind::Checkout && !moved_a_branch(operation) {
        return refused(format!("operation {id} is a checkout"), Some("git switch -"));
    }
    moves(undo, operation, wish)
}

fn moves(undo: &Undo<'_>, operation: &Operation, wish: Option<Way>) -> Result<Delta, UndoError> {
    let id = &operation.id;
    let head = undo.repo.head()?;
    let moved: Vec<&RefMove> = steps(operation).collect();
    if moved.is_empty() {
        return Err(UndoError::refused(format!("operation {id} moved no branch"), Some("guard log".to_owned())));
    }
    let head_ref = head.branch.clone().unwrap_or_else(|| "HEAD".into());
    let mut delta = Delta {
        way: Way::MoveBack,
        why: "nothing was done to it since".into(),
        operation: Some(id.clone()),
        undone: operation.head_after(),
        pushed: false,
        head,
        made: Vec::new(),
        refs: Vec::new(),
        attributes: Attributes::default(),
        paths: Vec::new(),
        state: Vec::new(),
        stash: None,
        partly: false,
        notes: Vec::new(),
    };
    for note in refs(undo, operation, wish)? {
        delta.pushed = true;
        delta.notes.push(note);
    }
    delta.refs = moved.iter().map(|step| RefStep { name: step.name.clone(), expect: step.new, to: step.old }).collect();
    let here = moved.iter().find(|step| step.name == head_ref);
    match here.and_then(|step| Some((step, step.new?))) {
        Some((step, new)) if !keeps_files(operation) => {
            let back = Step {
                operation: Some(operation.clone()),
                old: step.old,
                new,
                fast_forward: false,
                from_remote: false,
            };
            tip::files(undo, &back, (new, step.old), &mut delta)?;
        }
        Some(_) => delta.notes.push("index and files stay: what was committed is staged again".into()),
        None => delta.notes.push("index and files stay: the branch is not checked out here".into()),
    }
    Ok(delta)
}

/// What the operation moved. Where HEAD was before a checkout is the user's business.
fn steps(operation: &Operation) -> impl Iterator<Item = &RefMove> {
    let switched = operation.intent.kind == Kind::Checkout;
    let moved = operation.outcome.iter().flat_map(|outcome| &outcome.moved);
    moved.filter(move |step| !switched || step.name.as_bstr() != "HEAD")
}

/// Whether a branch that was there moved (`switch -C`).
pub(super) fn moved_a_branch(operation: &Operation) -> bool {
    steps(operation).any(|step| step.old.is_some())
}

/// Refuses when a ref can't go back; returns what to know about those that can though others have what they leave.
pub(super) fn refs(undo: &Undo<'_>, operation: &Operation, wish: Option<Way>) -> Result<Vec<String>, UndoError> {
    let head = undo.repo.head()?.branch.unwrap_or_else(|| "HEAD".into());
    let mut notes = Vec::new();
    for step in steps(operation) {
        is_there(undo, operation, step, &head)?;
        notes.extend(published(undo, operation, step, wish)?);
    }
    Ok(notes)
}

/// Refuses when a ref is no longer what the operation left, or is not ours to move.
fn is_there(undo: &Undo<'_>, operation: &Operation, step: &RefMove, head: &RefName) -> Result<(), UndoError> {
    let id = &operation.id;
    let name = short(&step.name);
    if step.name.as_bstr() == "HEAD"
        && (head.as_bstr() != "HEAD" || operation.intent.worktree != undo.repo.worktree_id())
    {
        return Err(UndoError::refused(format!("operation {id} was on a detached HEAD, and this is none"), None));
    }
    // Without a HEAD there is no repository any more.
    if step.name.as_bstr() == "HEAD" && step.old.is_none() {
        let why = format!("nobody knows where HEAD was before operation {id}");
        return Err(UndoError::refused(why, Some("git switch <branch>".to_owned())));
    }
    if undo.repo.ref_value(&step.name)? != step.new {
        let why = format!("'{name}' has moved since operation {id}; what came later must be undone first");
        return Err(UndoError::refused(why, Some("guard log".to_owned())));
    }
    let only_made = step.old.is_none() && only_names(operation);
    if only_made && let Some(folder) = elsewhere(undo, &step.name)? {
        let why = format!("operation {id} made '{name}', which is checked out at '{folder}'");
        return Err(UndoError::refused(why, Some(format!("git worktree remove {}", quoted(&folder)))));
    }
    if step.name.starts_with(b"refs/heads/") && step.name != *head {
        not_elsewhere(undo, &step.name, &format!("undo {id}"))?;
    }
    // A branch that was only made, or renamed, would be taken away under HEAD.
    if only_made && step.name == *head {
        let moved = operation.outcome.iter().flat_map(|outcome| &outcome.moved);
        let hint = match moved.filter(|step| step.new.is_none()).map(|step| short(&step.name)).next() {
            Some(before) => format!("git branch -m {} {}", quoted(&name), quoted(&before)),
            None => "git switch --detach".to_owned(),
        };
        let why = format!("operation {id} made '{name}', which is checked out");
        return Err(UndoError::refused(why, Some(hint)));
    }
    Ok(())
}

/// Whether what a branch got by it is new: a reset, a fetch or `branch -f` only moves it to what is there.
pub(super) fn makes_commits(operation: &Operation) -> bool {
    let kind = operation.intent.kind;
    kind.is_merge()
        || is_unseen_merge(operation)
        || matches!(kind, Kind::Commit | Kind::Amend | Kind::CherryPick | Kind::Revert | Kind::Am | Kind::Rebase)
}

/// Refuses to take new commits from a branch that others have already; returns what to know where it was asked for.
fn published(
    undo: &Undo<'_>,
    operation: &Operation,
    step: &RefMove,
    wish: Option<Way>,
) -> Result<Option<String>, UndoError> {
    let Some(new) = step.new.filter(|_| makes_commits(operation)) else { return Ok(None) };
    let Some(remote) = undo.repo.containing(new, &["refs/remotes/"], 1)?.into_iter().next() else { return Ok(None) };
    let remote = short(&remote);
    let added = step.old.map_or(Ok(true), |old| undo.repo.is_ancestor(old, new))?;
    if added && wish != Some(Way::MoveBack) {
        let why = format!("it is published: '{remote}' contains {}", new.short());
        let hint = format!("git revert --no-edit {}", choose::range(step.old, new));
        return Err(UndoError::refused(why, Some(hint)));
    }
    Ok(Some(format!("'{remote}' contains it: pushing this branch needs --force-with-lease")))
}

/// Returns whether the operation only gave a commit that was there a branch, or a branch another name.
fn only_names(operation: &Operation) -> bool {
    match operation.intent.kind {
        Kind::Branch | Kind::Checkout => true,
        // The reflog's words.
        Kind::External => operation.intent.action.to_ascii_lowercase().starts_with(b"branch: "),
        _ => false,
    }
}

/// Returns whether the operation only recorded what was in the index.
fn keeps_files(operation: &Operation) -> bool {
    match operation.intent.kind {
        Kind::Commit | Kind::Amend => true,
        Kind::Other => operation.intent.action.starts_with(b"commit"),
        // The reflog's words.
        Kind::External => {
            let action = &operation.intent.action;
            action.starts_with(b"commit: ")
                || action.starts_with(b"commit (initial)")
                || action.starts_with(b"commit (amend)")
        }
        _ => false,
    }
}
