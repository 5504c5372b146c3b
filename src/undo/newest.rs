//! Which operation is meant when none is named: the last thing that was done here.
//!
//! What a person sees last is what they want back. Where that is not what the journal has last, guessing would take
//! something else from them: it is refused, and the refusal names the command that does it.

use crate::journal::History;
use crate::model::{Kind, Operation, RefName, Status};

use super::find::is_unseen_merge;
use super::place::{short, words};
use super::{Undo, UndoError, general, redo};

/// Returns the newest operation of this worktree that can be taken back. Refuses where it was done to a branch that is not
/// checked out any more. What guard refused changed nothing and does not count.
pub(super) fn newest<'h>(undo: &'h Undo<'h>, history: &'h History) -> Result<&'h Operation, UndoError> {
    let refused = |why: String, what: Option<&Operation>| {
        let hint = what.map_or_else(|| "guard log".to_owned(), |operation| format!("guard undo {}", operation.id));
        Err(UndoError::refused(why, Some(hint)))
    };
    let Some(newest) = candidates(undo, history).next() else {
        return Err(UndoError::refused("there is nothing to undo", None));
    };
    let head = undo.repo.head()?.branch.unwrap_or_else(|| "HEAD".into());
    if stands_at(newest, &head) {
        return Ok(newest);
    }
    let place = if head.as_bstr() == "HEAD" { "a detached HEAD".to_owned() } else { format!("'{}'", short(&head)) };
    let (id, kind) = (&newest.id, newest.intent.kind.word());
    if newest.intent.branch.is_some() {
        let was = words(newest.intent.branch.as_ref());
        return refused(
            format!("operation {id} ({kind}) came last; that was on {was}, and this is {place}"),
            Some(newest),
        );
    }
    // From here it can't be taken back. What was done here can.
    let why = format!("operation {id} ({kind}) came last; that was on a detached HEAD, and this is {place}");
    refused(why, candidates(undo, history).find(|found| stands_at(found, &head)))
}

/// Returns what guard refused last, if nothing was done since: a person may think that it is taken back now.
pub(super) fn refused_last<'h>(undo: &Undo<'_>, history: &'h History) -> Option<&'h Operation> {
    let status = |operation: &Operation| operation.outcome.as_ref().map(|outcome| outcome.status);
    let last = here(undo, history).find(|operation| {
        operation.intent.kind != Kind::Checkout && matches!(status(operation), Some(Status::Done | Status::Refused))
    });
    last.filter(|last| status(last) == Some(Status::Refused))
}

/// Returns the operation that is taken back when none is named, if its refs stand where it left them; files are not looked
/// at.
pub(super) fn offered<'h>(undo: &'h Undo<'h>, history: &'h History) -> Option<&'h Operation> {
    let newest = newest(undo, history).ok()?;
    let goes = if newest.intent.kind.is_merge() || is_unseen_merge(newest) {
        undo.found(history, Some(&newest.id.0)).is_ok()
    } else if newest.intent.kind.is_ours() {
        redo::of(undo, history, newest, "", None).is_ok()
    } else {
        general::refs(undo, newest, None).is_ok()
    };
    goes.then_some(newest)
}

/// Returns the operations of this worktree that can be taken back, newest first: done, not undone, and no undo itself. A
/// redo can be: what it brought back was done last. Not one of an unfinished merge, which is given up or concluded by itself.
fn candidates<'h>(undo: &'h Undo<'h>, history: &'h History) -> impl Iterator<Item = &'h Operation> {
    here(undo, history).filter(|operation| {
        let outcome = operation.outcome.as_ref();
        // Ours are known by their plans, also where no ref moved.
        let moved = outcome.is_some_and(|outcome| !outcome.moved.is_empty()) || operation.intent.kind.is_ours();
        moved
            && operation.undone_by.is_none()
            && outcome.is_some_and(|outcome| outcome.status == Status::Done)
            && operation.intent.kind != Kind::Undo
            && (operation.intent.kind != Kind::Checkout || general::moved_a_branch(operation))
            && !(operation.intent.kind == Kind::Redo && redo::brought_a_merge(undo, operation))
    })
}

/// The operations of this worktree, newest first.
fn here<'h>(undo: &Undo<'_>, history: &'h History) -> impl Iterator<Item = &'h Operation> + use<'h> {
    let worktree = undo.repo.worktree_id();
    history.operations.iter().rev().filter(move |operation| operation.intent.worktree == worktree)
}

/// Whether the operation was done to HEAD's branch (`HEAD` when detached), or to none that was checked out: git lets
/// nobody `branch -f` or fetch into that one.
fn stands_at(operation: &Operation, head: &RefName) -> bool {
    const WORDS: [&[u8]; 8] = [b"commit", b"merge", b"pull", b"rebase", b"reset", b"cherry-pick", b"revert", b"am"];
    let action = &operation.intent.action;
    let word = action.split(|byte| b" :".contains(byte)).next().unwrap_or_default();
    let elsewhere = match operation.intent.kind {
        Kind::Branch | Kind::Redo | Kind::Restore => true,
        Kind::Other | Kind::External => !WORDS.contains(&word),
        _ => false,
    };
    elsewhere || operation.outcome.iter().flat_map(|outcome| &outcome.moved).any(|step| step.name == *head)
}
