//! A merge that was broken off amid the files.

use crate::git::Head;
use crate::journal::History;
use crate::model::Kind;

use super::autostash::PENDING;
use super::find::Open;
use super::{Undo, UndoError, delta, guards};

impl Undo<'_> {
    /// Says that the last merge here began and never ended, if so: the error's hint is what to do.
    pub fn broken_off(&self) -> Result<Option<UndoError>, UndoError> {
        let history = self.journal.operations()?;
        let open = broken_off(self, &history, &self.repo.head()?)?;
        // One that is in progress is no secret.
        let open = open.filter(|_| guards::no_merge_going_on(self).is_ok());
        Ok(open.map(|open| began_and_never_ended(&open)))
    }
}

/// Refuses when the last merge here began and never ended.
pub(super) fn none_broken_off(undo: &Undo<'_>, history: &History) -> Result<(), UndoError> {
    let open = broken_off(undo, history, &undo.repo.head()?)?;
    open.map_or(Ok(()), |open| Err(began_and_never_ended(&open)))
}

pub(super) fn began_and_never_ended(open: &Open) -> UndoError {
    let why = "the last merge began and never ended: git broke it off amid the files, 'git merge --quit' left its files \
               behind, or a git is at it still and is to be waited for";
    UndoError::refused(why, open.operation.as_ref().map(|operation| format!("guard undo-merge {}", operation.id)))
}

/// A merge that git broke off amid the files: a filter failed, the disk was full, it was killed; or that a person left with
/// `git merge --quit`. Only the journal tells of it: it was the last thing to begin here, and never ended; some of its files
/// are there, or an autostash is.
pub(super) fn broken_off(undo: &Undo<'_>, history: &History, head: &Head) -> Result<Option<Open>, UndoError> {
    let worktree = undo.repo.worktree_id();
    let newest = history.operations.iter().rev().find(|operation| operation.intent.worktree == worktree);
    let Some((tip, operation)) = head.oid.zip(newest) else { return Ok(None) };
    let intent = &operation.intent;
    let began = intent.kind.is_merge() && intent.kind != Kind::External && !intent.incoming.is_empty();
    if !began || operation.outcome.is_some() || operation.undone_by.is_some() || intent.head != Some(tip) {
        return Ok(None);
    }
    let heads = intent.incoming.iter().map(|head| head.oid).collect();
    let open = Open {
        operation: Some(operation.clone()),
        branch: head.branch.clone(),
        head: tip,
        heads,
        squash: false,
        stale_auto_merge: true,
        broken_off: true,
    };
    // An autostash is made before the first file: then what was uncommitted is nowhere else that a person would look.
    let has_begun = guards::is_there(undo, PENDING)? || delta::has_begun(undo, &open)?;
    Ok(has_begun.then_some(open))
}
