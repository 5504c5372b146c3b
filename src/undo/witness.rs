//! Who knows what was uncommitted before a step.

use crate::model::{Kind, Operation, Saved};

use super::find::Step;
use super::{Undo, UndoError, squash};

impl Step {
    /// Returns the operation that knows what was uncommitted before the step: its own, or the merge that announced the very
    /// same and that counts for another branch by now, because the branch was renamed or left, or the commit made again.
    pub(super) fn witness(&self, undo: &Undo<'_>) -> Result<Option<Operation>, UndoError> {
        let knows = |operation: &Operation| operation.intent.saved != Saved::default();
        if let Some(own) = self.operation.as_ref().filter(|own| knows(own)) {
            return Ok(Some(own.clone()));
        }
        let commit = undo.repo.objects().commit(self.new)?;
        let others = commit.parents.get(1..).unwrap_or_default();
        let worktree = undo.repo.worktree_id();
        for operation in undo.journal.operations()?.operations.into_iter().rev() {
            let intent = &operation.intent;
            let heads = || intent.incoming.iter().map(|head| head.oid);
            let announced = intent.kind.is_merge()
                && intent.worktree == worktree
                && intent.head == self.old
                && operation.undone_by.is_none()
                && knows(&operation);
            if !announced {
                continue;
            }
            let is_it = match intent.kind {
                Kind::Squash => self.old.map_or(Ok(false), |old| squash::holds(undo, &operation, old, commit.tree))?,
                _ if others.is_empty() => heads().any(|head| head == self.new),
                _ => heads().eq(others.iter().copied()),
            };
            if is_it {
                return Ok(Some(operation));
            }
        }
        Ok(None)
    }
}
