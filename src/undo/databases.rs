//! Databases that somebody uses are not replaced: their log would be played into another file.

use crate::model::{Plan, TreePath, Use};
use crate::validate::sqlite::{LOGS, in_use, is_database};

use super::{Undo, UndoError};

/// Refuses a plan that would replace or remove a database that is in use, or whose log holds rows that would go with it unsaved: a log
/// that the plan itself takes along is saved, and one that stands as it was saved belongs to the file that comes back.
pub(super) fn none_in_use(undo: &Undo<'_>, plan: &Plan) -> Result<(), UndoError> {
    for step in plan.work.iter().filter(|step| step.expect.is_some()) {
        let Some(place) = undo.repo.on_disk(&step.path).filter(|place| is_database(place)) else { continue };
        let goes_too = |ending: &str| {
            let beside = TreePath::from([&step.path[..], ending.as_bytes()].concat());
            plan.work.iter().any(|other| other.path == beside && other.expect.is_some())
        };
        let how = in_use(&place).map_err(|source| crate::disk::DiskError::Io {
            path: place.clone(),
            action: "look at",
            source,
        })?;
        let log = match how {
            None => continue,
            Some(Use::Locked { pid }) => {
                let who = pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"));
                return Err(refused(&step.path, &format!("{who} has the database open: stop it first")));
            }
            Some(Use::Wal { .. }) => LOGS[0],
            Some(Use::Journal) => LOGS[1],
        };
        if !goes_too(log) && !is_of_what_comes(undo, plan, &step.path, log)? {
            let why = format!(
                "'{}{log}' holds what is not in the file: open and close it once with its program; a log of the file that stood \
                 there before is moved away instead, and back afterwards",
                step.path
            );
            return Err(refused(&step.path, &why));
        }
    }
    Ok(())
}

fn refused(path: &TreePath, why: &str) -> UndoError {
    UndoError::refused(format!("'{path}' is in use: {why}; nothing was changed"), "then run it again".to_owned())
}

/// Returns whether a log stands as it was saved with the file that comes back: the plan has no step for it then.
fn is_of_what_comes(undo: &Undo<'_>, plan: &Plan, database: &TreePath, ending: &str) -> Result<bool, UndoError> {
    let log = TreePath::from([&database[..], ending.as_bytes()].concat());
    if plan.work.iter().any(|step| step.path == log) || plan.conflicts.iter().any(|conflict| conflict.path == log) {
        return Ok(false);
    }
    let history = undo.journal.operations()?;
    let operation = plan.operation.as_ref().and_then(|id| history.operation(id));
    let Some(operation) = operation else { return Ok(false) };
    Ok(operation.intent.saved.files.iter().any(|file| file.path == log) && !undo.is_pruned(operation)?)
}
