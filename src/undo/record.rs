//! What an undo did, kept for redo and for rolling back: the plan, both directions of every step.
//!
//! One file an operation, `recoveryguard/undo/<operation>.json`, written whole and synced before the journal's intent:
//!
//! ```text
//! recoveryguard-undo <version> <fingerprint of the rest>
//! <the plan as JSON>
//! ```
//!
//! `docs/undo-format.md` describes the fields. It is not part of the journal because hooks read the journal and never need it. It goes with its operation.

use std::path::PathBuf;

use bstr::ByteSlice;

use crate::disk::{self, Durability};
use crate::git::Repo;
use crate::model::{OperationId, Plan, fingerprint};

use super::{Undo, UndoError};

/// The version that is written, and the only one that is read.
const VERSION: &str = "1";
const MAGIC: &str = "recoveryguard-undo";
/// Larger files are no records of ours.
const MAX: u64 = 1 << 30;

/// Returns where the record of an operation is. The name comes from a file name of the journal's folder, which knows no
/// slashes.
pub fn path(repo: &Repo, id: &OperationId) -> PathBuf {
    repo.guard_dir().join("undo").join(format!("{}.json", id.0))
}

/// Returns the operations of which a record is kept.
pub(super) fn list(repo: &Repo) -> Vec<OperationId> {
    let entries = std::fs::read_dir(repo.guard_dir().join("undo")).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut ids: Vec<OperationId> =
        names.filter_map(|name| Some(OperationId(name.strip_suffix(".json")?.to_owned()))).collect();
    ids.sort();
    ids
}

/// Keeps the plan of an operation.
pub(super) fn write(undo: &Undo<'_>, id: &OperationId, plan: &Plan) -> Result<(), UndoError> {
    let json = serde_json::to_vec(plan).map_err(|_| UndoError::Report("a plan can't be written as JSON"))?;
    let head = format!("{MAGIC} {VERSION} {}\n", fingerprint(&[&json]));
    let bytes = [head.as_bytes(), &json, b"\n"].concat();
    disk::ensure_folder(&undo.repo.guard_dir().join("undo"), 0o700)?;
    Ok(disk::write_atomic(&path(undo.repo, id), &bytes, Durability::Fsync, 0o600)?)
}

/// Returns the plan of an operation.
pub(super) fn read(undo: &Undo<'_>, id: &OperationId) -> Result<Plan, UndoError> {
    let bad = |why: &str| UndoError::Record { id: id.to_string(), why: why.to_owned() };
    let bytes = disk::read_own(&path(undo.repo, id), MAX)?.ok_or_else(|| bad("it is missing"))?;
    let (head, json) = bytes.split_once_str("\n").ok_or_else(|| bad("it is cut off"))?;
    let json = json.strip_suffix(b"\n").ok_or_else(|| bad("it is cut off"))?;
    let head = head.to_str().unwrap_or_default();
    let mut words = head.split(' ');
    match (words.next(), words.next(), words.next()) {
        (Some(MAGIC), Some(VERSION), Some(sum)) if sum == fingerprint(&[json]) => {}
        (Some(MAGIC), Some(VERSION), _) => return Err(bad("it is damaged")),
        (Some(MAGIC), Some(_), _) => return Err(bad("it was written by another version of guard")),
        _ => return Err(bad("it is no record of an undo")),
    }
    serde_json::from_slice(json).map_err(|error| bad(&error.to_string()))
}
