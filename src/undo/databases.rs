//! Databases that somebody uses are not replaced: their log would be played into another file.

use bstr::ByteSlice;

use crate::model::{Plan, TreePath};
use crate::validate::sqlite::{Use, in_use};

use super::{Undo, UndoError};

/// How an SQLite database begins.
const MAGIC: &[u8] = b"SQLite format 3\0";

/// Refuses a plan that would replace or remove a database that is in use, or whose log holds rows that would go with it unsaved: a log
/// that the plan itself takes along is saved.
pub(super) fn none_in_use(undo: &Undo<'_>, plan: &Plan) -> Result<(), UndoError> {
    for step in plan.work.iter().filter(|step| step.expect.is_some()) {
        let Some(place) = undo.repo.on_disk(&step.path).filter(|place| is_database(place)) else { continue };
        let goes_too = |ending: &str| {
            let beside = TreePath::from([&step.path[..], ending.as_bytes()].concat());
            plan.work.iter().any(|other| other.path == beside && other.expect.is_some())
        };
        let why = match in_use(&place).map_err(|source| crate::disk::DiskError::Io {
            path: place.clone(),
            action: "look at",
            source,
        })? {
            None => continue,
            Some(Use::Wal { .. }) if goes_too("-wal") => continue,
            Some(Use::Journal) if goes_too("-journal") => continue,
            Some(Use::Locked { pid: Some(pid) }) => format!("process {pid} has the database open: stop it first"),
            Some(Use::Locked { pid: None }) => "another process has the database open: stop it first".to_owned(),
            Some(Use::Wal { .. } | Use::Journal) => {
                "its log holds what is not in the file yet: open and close it once with its program".to_owned()
            }
        };
        return Err(UndoError::refused(format!("'{}' is in use: {why}; nothing was changed", step.path), None));
    }
    Ok(())
}

fn is_database(place: &std::path::Path) -> bool {
    use std::io::Read;
    let mut first = [0; 16];
    let is_file = place.symlink_metadata().is_ok_and(|there| there.is_file());
    is_file
        && std::fs::File::open(place).and_then(|mut file| file.read_exact(&mut first)).is_ok()
        && first.as_bstr() == MAGIC
}
