//! The versions of a file that can be brought back.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use crate::git::{GitError, PathVersion, Repo};
use crate::journal::History;
use crate::model::{
    BackedUp, Backup, BackupId, Entry, Mode, Oid, OperationId, Raw, RefName, Source, Timestamp, TreePath, WorkFile,
};
use crate::store::Store;
use crate::undo::UndoError;
use crate::validate::sqlite::LOGS;

/// So many commits are looked at.
const MOST: usize = 5000;

/// Where a version comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// It stands there now.
    Now,
    /// It is staged.
    Staged,
    /// A commit brought it.
    Commit {
        /// Which.
        oid: Oid,
        /// Who made it.
        author: Raw,
        /// What it says.
        subject: Raw,
        /// Where the file was then.
        path: TreePath,
    },
    /// It was saved before an operation.
    Operation(OperationId),
    /// `guard backup create` saved it.
    Backup(BackupId),
}

/// A version of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// When it was there, as far as that is known.
    pub at: Timestamp,
    /// Where it comes from.
    pub origin: Origin,
    /// The file; `None` where the commit removed it.
    pub file: Option<WorkFile>,
    /// The branch on which it was saved, where that one is not checked out now; with a detached HEAD none is.
    pub elsewhere: Option<RefName>,
}

/// Returns the versions of files that can be brought back, of each newest first, equal ones once: the newest of them. History, index
/// and backups are read once for all of them.
///
/// What was saved on another branch of a file that git tracked is that branch's: it comes last, whatever its time. A file that git does
/// not track is the same on all branches.
pub fn candidates(
    repo: &Repo,
    history: &History,
    store: Option<&Store>,
    paths: &[TreePath],
) -> Result<HashMap<TreePath, Vec<Candidate>>, UndoError> {
    if paths.is_empty() {
        return Ok(HashMap::new());
    }
    let mut versions = repo.versions_of(paths, MOST)?;
    let mut staged = staged(repo, paths)?;
    let backups = store.map(Store::backups).transpose()?.map_or_else(Vec::new, |(backups, _)| backups);
    let branch = repo.head()?.branch;
    let of = |path: &TreePath| {
        let mut found: Vec<Candidate> = versions.remove(path).unwrap_or_default().into_iter().map(committed).collect();
        if let Some(file) = staged.remove(path)
            && !found.iter().any(|other| other.file.as_ref().is_some_and(|other| other.source == file.source))
        {
            // When it was staged nobody knows: after what is committed, and before what was saved since.
            let at = Timestamp(found.iter().map(|candidate| candidate.at.0).max().unwrap_or(0));
            found.insert(0, Candidate { at, origin: Origin::Staged, file: Some(file), elsewhere: None });
        }
        let mut others = Vec::new();
        for Saved { mut candidate, on, tracked } in
            saved(history, store, path).into_iter().chain(backed_up(repo, &backups, path))
        {
            candidate.elsewhere = on.filter(|on| branch.as_ref() != Some(on));
            if tracked && candidate.elsewhere.is_some() { others.push(candidate) } else { found.push(candidate) }
        }
        found.sort_by_key(|candidate| Reverse(candidate.at));
        others.sort_by_key(|candidate| Reverse(candidate.at));
        found.append(&mut others);
        let mut known: HashSet<Option<Oid>> = HashSet::new();
        // A removal is told each time: it parts what was before it from what came after.
        found.retain(|candidate| candidate.file.is_none() || known.insert(candidate.file.as_ref().and_then(oid)));
        (path.clone(), found)
    };
    Ok(paths.iter().map(of).collect())
}

fn oid(file: &WorkFile) -> Option<Oid> {
    match file.source {
        Source::Git(oid) | Source::Saved(oid) => Some(oid),
        Source::Bytes(_) | Source::Here => None,
    }
}

fn committed(version: PathVersion) -> Candidate {
    let seconds = u64::try_from(version.at).unwrap_or(0);
    let PathVersion { commit: oid, author, subject, path, entry, .. } = version;
    Candidate {
        at: Timestamp(seconds.saturating_mul(1000)),
        origin: Origin::Commit { oid, author, subject, path },
        file: entry.and_then(file_of),
        elsewhere: None,
    }
}

/// Returns a tree's entry as a file of the working tree; submodules and folders are none.
fn file_of(entry: Entry) -> Option<WorkFile> {
    let is_file = matches!(entry.mode, Mode::File | Mode::Executable | Mode::Link);
    is_file.then_some(WorkFile { mode: entry.mode, bits: None, source: Source::Git(entry.oid) })
}

/// Returns what the index has at paths.
fn staged(repo: &Repo, paths: &[TreePath]) -> Result<HashMap<TreePath, WorkFile>, GitError> {
    let index = repo.own_index_file();
    let mut found = HashMap::new();
    if index.exists() {
        let wanted: HashSet<&[u8]> = paths.iter().map(|path| &path[..]).collect();
        repo.read_index(&index, |at, entry| {
            if wanted.contains(at) && entry.stage == crate::git::Stage::Normal {
                found.extend(file_of(entry.entry).map(|file| (TreePath::from(at), file)));
            }
        })?;
    }
    Ok(found)
}

/// A version that was saved.
struct Saved {
    candidate: Candidate,
    /// The branch that was checked out.
    on: Option<RefName>,
    /// Whether git tracked the file.
    tracked: bool,
}

/// Returns what operations saved before they replaced it. A database that was saved with a log is not whole without it: it is left
/// out, for one file is all that is brought back here.
fn saved(history: &History, store: Option<&Store>, path: &TreePath) -> Vec<Saved> {
    let Some(store) = store else { return Vec::new() };
    let mut found = Vec::new();
    for operation in &history.operations {
        let saved = &operation.intent.saved;
        let has_log = || saved.files.iter().any(|file| is_log_of(&file.path, path));
        let is_there = || saved.snapshot.as_ref().is_some_and(|snapshot| store.has(snapshot));
        for file in saved.files.iter().filter(|file| file.path == *path && !has_log() && is_there()) {
            let candidate = Candidate {
                at: operation.at,
                origin: Origin::Operation(operation.id.clone()),
                file: Some(WorkFile { mode: file.mode, bits: file.bits, source: Source::Saved(file.blob) }),
                elsewhere: None,
            };
            found.push(Saved { candidate, on: operation.intent.branch.clone(), tracked: file.tracked });
        }
    }
    found
}

/// Returns whether a path is that of a database's write-ahead log or rollback journal.
fn is_log_of(path: &TreePath, database: &TreePath) -> bool {
    path.strip_prefix(&database[..]).is_some_and(|rest| LOGS.iter().any(|ending| rest == ending.as_bytes()))
}

/// Returns what backups of this worktree have. Damaged ones are passed over here; `guard backup verify` names them.
fn backed_up(repo: &Repo, backups: &[Backup], path: &TreePath) -> Vec<Saved> {
    let mut found = Vec::new();
    for backup in backups.iter().filter(|backup| repo.counts_here(backup.worktree.as_ref())) {
        if let Some(BackedUp { mode, bits, blob, tracked, .. }) = backup.file(path) {
            let candidate = Candidate {
                at: backup.at,
                origin: Origin::Backup(backup.id.clone()),
                file: Some(WorkFile { mode: *mode, bits: *bits, source: Source::Saved(*blob) }),
                elsewhere: None,
            };
            found.push(Saved { candidate, on: backup.branch.clone(), tracked: *tracked });
        }
    }
    found
}
