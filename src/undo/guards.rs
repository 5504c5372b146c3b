//! What must not be going on while something is undone.

use crate::journal::History;
use crate::model::RefName;

use super::{Undo, UndoError};

/// Git's own unfinished business: the file or ref that shows it, what it is, and how it ends.
const BUSY: [(&str, &str, &str); 5] = [
    ("rebase-merge", "a rebase", "git rebase --abort"),
    ("rebase-apply", "a rebase or 'git am'", "git status"),
    ("CHERRY_PICK_HEAD", "a cherry-pick", "git cherry-pick --abort"),
    ("REVERT_HEAD", "a revert", "git revert --abort"),
    ("sequencer", "a cherry-pick or revert of several commits", "git status"),
];

/// Refuses while git is in the middle of something other than a merge.
pub(super) fn nothing_else_going_on(undo: &Undo<'_>) -> Result<(), UndoError> {
    for (name, what, end) in BUSY {
        if is_there(undo, name)? {
            return Err(UndoError::refused(format!("{what} is in progress"), Some(end.to_owned())));
        }
    }
    Ok(())
}

/// Refuses while a merge is in progress, too.
pub(super) fn no_merge_going_on(undo: &Undo<'_>) -> Result<(), UndoError> {
    nothing_else_going_on(undo)?;
    for name in ["MERGE_HEAD", "SQUASH_MSG"] {
        if is_there(undo, name)? {
            return Err(UndoError::refused("a merge is in progress", Some("guard undo-merge".to_owned())));
        }
    }
    Ok(())
}

/// With a reftable some of git's marks are refs and no files.
pub(super) fn is_there(undo: &Undo<'_>, name: &str) -> Result<bool, UndoError> {
    let repo = undo.repo;
    Ok(repo.has_state(name) || (repo.is_reftable() && repo.ref_value(&RefName::from(name))?.is_some()))
}

/// Refuses to plan (for a dry run) over an undo that was interrupted: a real run deals with it first.
pub(super) fn nothing_interrupted(undo: &Undo<'_>, history: &History) -> Result<(), UndoError> {
    match undo.unended(history) {
        Some(operation) => {
            let why = format!(
                "operation {} was interrupted and is dealt with first; --dry-run changes nothing",
                operation.id
            );
            Err(UndoError::refused(why, Some("guard doctor".to_owned())))
        }
        None => Ok(()),
    }
}
