//! What nobody will come back for: scratch folders and temporaries of processes that were killed, notes of worktrees that
//! are gone.

use std::collections::{BTreeSet, HashSet};
use std::ffi::{OsStr, OsString};
use std::fs::Metadata;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::Session;
use super::stock::own_bytes;
use crate::disk;
use crate::git::{self, Repo};
use crate::hooks::{CONCLUDED, JUDGED};
use crate::journal::RecordType;
use crate::model::WorktreeId;
use crate::routes::allow::ALLOWING;

/// Younger ones may be in use.
const AGE: Duration = Duration::from_secs(60 * 60);

/// A file or folder that nobody will come back for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// Where.
    pub path: PathBuf,
    /// How much room it takes, with all in it.
    pub bytes: u64,
    pub(super) is_folder: bool,
}

/// Finds them, by path.
pub(super) fn find(session: &Session<'_>) -> Vec<Leftover> {
    let repo = session.repo;
    let guard_dir = repo.guard_dir();
    let before = (SystemTime::UNIX_EPOCH + Duration::from_millis(session.now.0)).checked_sub(AGE);
    let is_old = |metadata: &Metadata| metadata.modified().ok().zip(before).is_some_and(|(time, before)| time < before);
    let mut found = Vec::new();
    for (path, metadata) in list(&guard_dir.join("tmp")) {
        if is_old(&metadata) && !is_in_use(&path) {
            found.push(Leftover { bytes: size(&path), path, is_folder: metadata.is_dir() });
        }
    }
    let mut file = |path: PathBuf| found.push(Leftover { bytes: own_bytes(&path), path, is_folder: false });
    for folder in folders(session, &guard_dir) {
        for (path, metadata) in list(&folder) {
            if path.file_name().is_some_and(disk::is_temporary) && metadata.is_file() && is_old(&metadata) {
                file(path);
            }
        }
    }
    let homes = note_names(repo);
    for (path, metadata) in list(&guard_dir) {
        let name = path.file_name().unwrap_or_default().as_bytes();
        let of = [JUDGED, CONCLUDED].iter().find_map(|prefix| name.strip_prefix(prefix.as_bytes()));
        if of.is_some_and(|worktree| !homes.contains(OsStr::from_bytes(worktree))) && metadata.is_file() {
            file(path);
        }
    }
    let allowing = guard_dir.join(ALLOWING);
    let allows = |names: Vec<crate::journal::RecordName>| names.iter().any(|name| name.kind == RecordType::Allowance);
    if allowing.metadata().is_ok_and(|metadata| is_old(&metadata))
        && session.journal.names().is_ok_and(|all| !allows(all))
    {
        file(allowing);
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

/// Removes one.
pub(super) fn remove(repo: &Repo, left: &Leftover) -> Result<(), disk::DiskError> {
    if left.is_folder {
        return disk::remove_folder_all_inside(&repo.guard_dir().join("tmp"), &left.path);
    }
    disk::remove_file(&left.path).map(drop)
}

/// Returns the worktrees that exist.
pub(super) fn worktrees(repo: &Repo) -> BTreeSet<WorktreeId> {
    let linked = list(&repo.common_dir().join("worktrees")).into_iter().filter_map(|(path, metadata)| {
        let name = path.file_name().filter(|_| metadata.is_dir())?;
        Some(WorktreeId([b"worktrees/", name.as_bytes()].concat().as_slice().into()))
    });
    linked.chain([WorktreeId(".".into())]).collect()
}

/// Returns by which names the worktrees' notes are known: the last part of their git folder's path.
fn note_names(repo: &Repo) -> HashSet<OsString> {
    let linked = list(&repo.common_dir().join("worktrees")).into_iter().map(|(path, _)| path);
    let folders = linked.chain([repo.common_dir().to_owned(), repo.git_dir().to_owned()]);
    folders.filter_map(|folder| folder.file_name().map(OsStr::to_owned)).collect()
}

/// Where files of ours are written under a temporary name first.
fn folders(session: &Session<'_>, guard_dir: &Path) -> Vec<PathBuf> {
    let common_dir = session.repo.common_dir();
    let linked = list(&common_dir.join("worktrees")).into_iter().map(|(path, _)| path);
    let ours = [guard_dir.to_owned(), guard_dir.join("undo"), guard_dir.join("store.git"), common_dir.to_owned()];
    ours.into_iter().chain(session.journal.folders().map(Path::to_owned)).chain(linked).collect()
}

/// Returns whether the process that a scratch folder is named by is alive. Where several machines or containers share a
/// repository another process may have that number: then the folder stays.
fn is_in_use(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let number = name.rsplit_once('-').and_then(|(_, number)| number.parse().ok());
    number.is_some_and(git::is_running)
}

fn list(folder: &Path) -> Vec<(PathBuf, Metadata)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| Some((entry.path(), entry.metadata().ok()?))).collect()
}

fn size(path: &Path) -> u64 {
    let inner: u64 =
        list(path).into_iter().map(|(path, metadata)| if metadata.is_dir() { size(&path) } else { 0 }).sum();
    let own: u64 = list(path).iter().filter(|(_, metadata)| metadata.is_file()).map(|(path, _)| own_bytes(path)).sum();
    inner + own + if path.is_file() { own_bytes(path) } else { 0 }
}
