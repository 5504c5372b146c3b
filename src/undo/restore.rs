//! Single files, brought back from before an operation or from a revision.
//!
//! The index stays as it is, but for the commits of submodules, which stand nowhere else. What stands at the paths now is saved first, so that a restore can be taken back.

use std::collections::BTreeMap;
use std::path::Path;

use crate::disk::{Durability, Root};
use crate::journal::History;
use crate::model::{
    Attributes, BackedUp, Backup, Entry, Kind, Mode, Oid, Operation, OperationId, Slot, Source, Status, TreePath,
    Unsaved, Way, WorkFile, escape,
};
use crate::store::StoreError;
use crate::validate::sqlite::{LOGS, begins_as_database};

use super::delta::{Before, Delta, Overlap, PRUNED, PathDelta, Sides};
use super::find::{Wanted, wanted};
use super::weave::file_of;
use super::{Check, Run, Undo, UndoError, guards, redo};

type Files = BTreeMap<TreePath, WorkFile>;

/// Files as they were then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Then {
    /// The operation before which they were so.
    pub operation: Option<OperationId>,
    /// By path.
    pub files: BTreeMap<TreePath, WorkFile>,
}

/// A change that is to be made again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Again {
    /// Where.
    pub path: TreePath,
    /// Where it was made, if the file has moved since.
    pub from: Option<TreePath>,
    /// What was done.
    pub change: Change,
}

/// What was done at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// To a file.
    File {
        /// What it was made of.
        before: Option<WorkFile>,
        /// What was made of it.
        after: Option<WorkFile>,
    },
    /// To the commit at which a submodule stands.
    Submodule {
        /// What was left.
        left: Oid,
        /// What it was to be.
        to: Oid,
    },
}

/// Plans to make changes again on top of what stands there now: three-way, in the files only, and for submodules in the index.
pub(super) fn again(undo: &Undo<'_>, changes: &[Again], how: How, why: &str) -> Result<Delta, UndoError> {
    let overlap = if how.markers { Overlap::Mark } else { Overlap::Stay };
    let mut notes = Vec::new();
    let mut paths = Vec::new();
    for Again { path, from, change } in changes {
        if let Some(from) = from {
            notes.push(format!("'{from}' has moved since: it stands at '{path}' now"));
        }
        // Undoing has the same form, with the past where here what is to be stands.
        paths.push(match change {
            Change::File { before, after } => {
                let work = Some(Sides { after: before.clone(), before: after.clone() });
                PathDelta { path: path.clone(), index: None, flagged: false, work, overlap }
            }
            Change::Submodule { left, to } => {
                guards::no_merge_going_on(undo)?;
                let index = Some(Sides { after: vec![pointer(*left)], before: vec![pointer(*to)] });
                PathDelta { path: path.clone(), index, flagged: false, work: None, overlap: Overlap::Refuse }
            }
        });
    }
    paths.sort_by(|a, b| a.path.cmp(&b.path));
    let delta = of_files(undo, paths, None, why.to_owned())?;
    Ok(Delta { partly: how.partly, notes, ..delta })
}

/// How changes are made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct How {
    /// Conflict markers stand where both overlap; else what overlaps is left out.
    pub markers: bool,
    /// Where one path can't be changed the others are; else nothing is done.
    pub partly: bool,
}

fn pointer(oid: Oid) -> Slot {
    let entry = Entry { mode: Mode::Submodule, oid };
    Slot { stage: 0, entry, skip_worktree: false, assume_unchanged: false }
}

/// Plans to give files other bytes, or to take them away.
pub(super) fn replace(
    undo: &Undo<'_>,
    files: Vec<(TreePath, Option<WorkFile>)>,
    of: Option<OperationId>,
    why: &str,
) -> Result<Delta, UndoError> {
    let delta = |(path, before): (TreePath, Option<WorkFile>)| {
        let work = Some(Sides { after: None, before });
        PathDelta { path, index: None, flagged: false, work, overlap: Overlap::Replace }
    };
    let mut paths: Vec<PathDelta> = files.into_iter().map(delta).collect();
    paths.sort_by(|a, b| a.path.cmp(&b.path));
    of_files(undo, paths, of, why.to_owned())
}

fn of_files(
    undo: &Undo<'_>,
    paths: Vec<PathDelta>,
    operation: Option<OperationId>,
    why: String,
) -> Result<Delta, UndoError> {
    Ok(Delta {
        way: Way::Restore,
        why,
        operation,
        undone: None,
        pushed: false,
        head: undo.repo.head()?,
        made: Vec::new(),
        refs: Vec::new(),
        attributes: Attributes::default(),
        paths,
        state: Vec::new(),
        stash: None,
        partly: false,
        notes: Vec::new(),
    })
}

/// Plans to take the newest restore of this worktree back.
pub(super) fn newest(undo: &Undo<'_>, history: &History) -> Result<Delta, UndoError> {
    let worktree = undo.repo.worktree_id();
    let operation = history.operations.iter().rev().find(|operation| {
        operation.intent.kind == Kind::Restore
            && operation.intent.worktree == worktree
            && operation.undone_by.is_none()
            && operation.outcome.as_ref().is_some_and(|outcome| outcome.status == Status::Done)
    });
    let operation = operation.ok_or_else(|| UndoError::refused("there is no restore to take back", None))?;
    redo::of(undo, history, operation, "it is the newest restore", None)
}

/// What is allowed where nothing may be written.
const ELSEWHERE: &str = "name another folder with --to";

/// Writes copies into a folder; nothing there is overwritten.
pub(super) fn copies(
    undo: &Undo<'_>,
    then: Then,
    folder: &Path,
    check: &Check<'_>,
    run: Run,
) -> Result<Vec<TreePath>, UndoError> {
    not_gits(undo, folder)?;
    let files: Vec<(TreePath, WorkFile)> = then.files.into_iter().collect();
    let written = files.iter().map(|(path, _)| path.clone()).collect();
    if !folder.exists() && run == Run::Dry {
        return Ok(written);
    }
    crate::disk::ensure_folder(folder, 0o777)?;
    let root = Root::open(folder)?;
    for (path, _) in &files {
        if root.metadata(path)?.is_some() {
            let why = format!(
                "'{path}' exists in '{}' and is not overwritten",
                escape(folder.as_os_str().as_encoded_bytes())
            );
            return Err(UndoError::refused(why, ELSEWHERE.to_owned()));
        }
    }
    if run == Run::Dry {
        return Ok(written);
    }
    for chunk in undo.chunks(&files, |(_, file)| Some(file))? {
        let contents = undo.contents(chunk.iter().map(|(path, file)| (path, file)), None)?;
        for (path, file) in chunk {
            let content = contents.get(path).ok_or(UndoError::Report("git did not write out a file"))?;
            let pass = |beside: &Path| check(path, beside);
            root.replace_from(path, (file.mode, file.bits), &mut *content.open()?, Durability::Fsync, Some(&pass))?;
        }
    }
    Ok(written)
}

/// Refuses a folder in git's own.
fn not_gits(undo: &Undo<'_>, folder: &Path) -> Result<(), UndoError> {
    // The folder itself need not be there.
    let there = folder.ancestors().find_map(|above| above.canonicalize().ok()).unwrap_or_default();
    let is_named_so = folder.components().any(|part| part.as_os_str().eq_ignore_ascii_case(".git"));
    let gits = [undo.repo.git_dir(), undo.repo.common_dir()];
    let is_inside = gits.iter().filter_map(|git| git.canonicalize().ok()).any(|git| there.starts_with(git));
    if is_named_so || is_inside {
        let shown = escape(folder.as_os_str().as_encoded_bytes());
        let why = format!("'{shown}' is in git's own folder: nothing is written there");
        return Err(UndoError::refused(why, ELSEWHERE.to_owned()));
    }
    Ok(())
}

pub(super) fn find(undo: &Undo<'_>, history: &History, paths: &[TreePath], from: &str) -> Result<Then, UndoError> {
    let (operation, all, unsaved) = match backup(undo, from)? {
        Some(backup) => {
            let file = |file: BackedUp| {
                let BackedUp { path, mode, bits, blob, .. } = file;
                (path, WorkFile { mode, bits, source: Source::Saved(blob) })
            };
            (None, backup.files.into_iter().map(file).collect(), backup.unsaved)
        }
        None => match wanted(undo, history, from)? {
            Wanted::Operation(operation) => {
                let (all, unsaved) = before(undo, &operation)?;
                (Some(operation.id.clone()), all, unsaved)
            }
            Wanted::Commit(commit) => (None, of_tree(undo, commit)?, Vec::new()),
        },
    };
    let mut files = Files::new();
    for path in paths {
        let found: Vec<_> = all.iter().filter(|(candidate, _)| candidate.is_at(path)).collect();
        if let Some(Unsaved { path, why }) = unsaved.iter().find(|unsaved| unsaved.path.is_at(path)) {
            let hint = operation.as_ref().map(|id| format!("guard show {id}"));
            return Err(UndoError::refused(format!("'{path}' was not saved then: {why}"), hint));
        }
        if found.is_empty() {
            let why = format!("'{path}' is not in {}", escape(from.as_bytes()));
            return Err(UndoError::refused(why, operation.as_ref().map(|id| format!("guard show {id}"))));
        }
        files.extend(found.into_iter().map(|(path, file)| (path.clone(), file.clone())));
        // A log is a part of its database, as an operation found both; elsewhere, and beside another file, it is a file of its own.
        if operation.is_none() || !is_database(undo, path, &all, &unsaved)? {
            continue;
        }
        for log in logs_of(path) {
            if let Some(Unsaved { path, why }) = unsaved.iter().find(|unsaved| unsaved.path == log) {
                return Err(UndoError::refused(format!("'{path}' was not saved then: {why}"), None));
            }
            files.extend(all.get(&log).map(|file| (log, file.clone())));
        }
    }
    Ok(Then { operation, files })
}

/// Returns the paths of a database's logs.
fn logs_of(database: &TreePath) -> [TreePath; 2] {
    LOGS.map(|ending| TreePath::from([&database[..], ending.as_bytes()].concat()))
}

/// Returns whether the file at a path is a database that has a log. Its bytes are looked at only where something has a log's name.
fn is_database(undo: &Undo<'_>, path: &TreePath, all: &Files, unsaved: &[Unsaved]) -> Result<bool, UndoError> {
    let Some(file) = all.get(path) else { return Ok(false) };
    let logs = logs_of(path);
    if !logs.iter().any(|log| all.contains_key(log) || unsaved.iter().any(|unsaved| unsaved.path == *log)) {
        return Ok(false);
    }
    let contents = undo.contents(std::iter::once((path, file)), None)?;
    contents.get(path).map_or(Ok(false), |content| Ok(begins_as_database(&mut *content.open()?)))
}

/// Returns the files as they were before an operation: saved bytes, else the index kept then, else the old commit. And those
/// whose bytes are not there.
fn before(undo: &Undo<'_>, operation: &Operation) -> Result<(Files, Vec<Unsaved>), UndoError> {
    let saved = Before::read(undo, Some(operation))?;
    let mut files = Files::new();
    match saved.index_files() {
        Some(kept) => files.extend(kept),
        None => {
            if let Some(head) = operation.intent.head {
                files = of_tree(undo, head)?;
            }
        }
    }
    let mut unsaved = operation.intent.saved.unsaved.clone();
    let pruned = undo.is_pruned(operation)?;
    for file in &operation.intent.saved.files {
        if pruned {
            unsaved.push(Unsaved { path: file.path.clone(), why: PRUNED.to_owned() });
        } else {
            files.insert(
                file.path.clone(),
                WorkFile { mode: file.mode, bits: file.bits, source: Source::Saved(file.blob) },
            );
        }
    }
    Ok((files, unsaved))
}

fn of_tree(undo: &Undo<'_>, commit: Oid) -> Result<Files, UndoError> {
    let tree = undo.repo.objects().tree_of(commit)?;
    let slot = |entry: Entry| Slot { stage: 0, entry, skip_worktree: false, assume_unchanged: false };
    let entries = undo.repo.objects().diff(None, Some(tree), undo.repo.deadline())?;
    let file = |change: crate::model::Change| Some((change.path, file_of(&[slot(change.after?)])?));
    Ok(entries.into_iter().filter_map(file).collect())
}

/// Returns the one backup whose name begins so, if there is one.
fn backup(undo: &Undo<'_>, what: &str) -> Result<Option<Backup>, UndoError> {
    let store = match undo.store() {
        Err(UndoError::Store(StoreError::NoStore(_))) => return Ok(None),
        store => store?,
    };
    let mut named = store.backup_ids()?.into_iter().filter(|id| !what.is_empty() && id.0.starts_with(what));
    match (named.next(), named.next()) {
        (Some(id), None) => Ok(Some(store.backup(&id)?)),
        _ => Ok(None),
    }
}
