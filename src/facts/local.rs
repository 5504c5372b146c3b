//! Files of the working tree that a merge would write over: looked at path by path, never by a scan.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use bstr::ByteSlice;

use crate::git::{GitError, Repo};
use crate::model::{Change, Entry, LocalKind, Mode, Oid, PathFacts, TreePath};

/// A file of the working tree whose bytes would not come back from git.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InTheWay {
    /// Where.
    pub path: TreePath,
    /// Whether git tracks it.
    pub kind: LocalKind,
    /// File, executable or link; a folder that holds too many files to look at.
    pub mode: Mode,
    /// Its size in bytes.
    pub size: u64,
    /// Its place on disk.
    pub place: PathBuf,
}

/// So many files and folders in one ignored folder are looked at when a file takes the folder's place.
const FOLDER_LIMIT: usize = 2000;

/// Returns the files at the touched paths that the merge would lose: untracked ones, and tracked ones whose bytes on
/// disk are not the first parent's blob (edited, or converted by git's filters on their way out).
///
/// Files over `max_read` bytes are not read: git's index tells whether they were touched.
pub fn local_files(repo: &Repo, paths: &[PathFacts], max_read: u64) -> Result<Vec<InTheWay>, GitError> {
    let Some(top) = repo.work_tree() else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    // Those that stay as they are git does not touch.
    for path in paths.iter().filter(|path| path.conflicted || path.first != path.result) {
        repo.deadline().check()?;
        match path.first {
            Some(first) => found.extend(differing(repo, top, &path.path, first, max_read)?),
            // git puts a submodule's entry there and touches no file.
            None if path.result.is_some_and(|entry| entry.mode == Mode::Submodule) => {}
            None => untracked(top, &path.path, paths, &mut found),
        }
    }
    found.sort_by(|a: &InTheWay, b| a.path.cmp(&b.path));
    found.dedup_by(|a, b| a.path == b.path);
    Ok(found)
}

/// Returns the files that a checkout of `to` would write over though HEAD has none of that name: git says nothing when they
/// are ignored.
pub fn files_in_the_way(repo: &Repo, head: Option<Oid>, to: Oid, max_read: u64) -> Result<Vec<InTheWay>, GitError> {
    let objects = repo.objects();
    let before = head.map(|head| objects.tree_of(head)).transpose()?;
    let changes = objects.diff(before, Some(objects.tree_of(to)?), repo.deadline())?;
    let brought = |change: Change| PathFacts {
        path: change.path,
        first: change.before,
        result: change.after,
        others: Vec::new(),
        bases: Vec::new(),
        conflicted: false,
        moved: None,
        case_twin: None,
        marker_size: 0,
    };
    let paths: Vec<PathFacts> = changes.into_iter().filter(|change| change.before.is_none()).map(brought).collect();
    local_files(repo, &paths, max_read)
}

pub(super) fn place(top: &Path, path: &[u8]) -> PathBuf {
    top.join(OsStr::from_bytes(path))
}

pub(super) fn look(top: &Path, path: &[u8], kind: LocalKind) -> Option<InTheWay> {
    let place = place(top, path);
    let metadata = place.symlink_metadata().ok()?;
    let mode = if metadata.is_symlink() {
        Mode::Link
    } else if !metadata.is_file() {
        return None;
    } else if metadata.permissions().mode() & 0o100 != 0 {
        Mode::Executable
    } else {
        Mode::File
    };
    Some(InTheWay { path: path.into(), kind, mode, size: metadata.size(), place })
}

/// Returns the tracked file when git could not give back its bytes.
fn differing(
    repo: &Repo,
    top: &Path,
    path: &TreePath,
    first: Entry,
    max_read: u64,
) -> Result<Option<InTheWay>, GitError> {
    if !matches!(first.mode, Mode::File | Mode::Executable | Mode::Link) {
        return Ok(None);
    }
    let Some(file) = look(top, path, LocalKind::Dirty) else { return Ok(None) };
    if file.mode != first.mode || repo.objects().header(first.oid)?.1 != file.size {
        return Ok(Some(file));
    }
    if file.size > max_read {
        return Ok(repo.is_touched(path)?.then_some(file));
    }
    let bytes = if file.mode == Mode::Link {
        fs::read_link(&file.place).map(|target| target.as_os_str().as_bytes().to_vec())
    } else {
        fs::read(&file.place)
    };
    // A file that can't be read can't be called clean.
    let same = bytes.is_ok_and(|bytes| repo.objects().hash_blob(&bytes).is_ok_and(|oid| oid == first.oid));
    Ok((!same).then_some(file))
}

/// Adds what stands where the merge brings a path: a file, the files of a folder, or a file in a folder's place.
fn untracked(top: &Path, path: &TreePath, paths: &[PathFacts], found: &mut Vec<InTheWay>) {
    for end in path.find_iter("/") {
        let above = &path[..end];
        match place(top, above).symlink_metadata() {
            Ok(metadata) if metadata.is_dir() => {}
            // A file stands where a folder has to be. A tracked one has its own entry in `paths`.
            Ok(_) if !paths.iter().any(|other| *other.path == *above && other.first.is_some()) => {
                found.extend(look(top, above, LocalKind::Untracked));
                return;
            }
            _ => return,
        }
    }
    if place(top, path).is_dir() && !place(top, path).is_symlink() {
        folder(top, path, paths, found);
    } else {
        found.extend(look(top, path, LocalKind::Untracked));
    }
}

fn folder(top: &Path, path: &TreePath, paths: &[PathFacts], found: &mut Vec<InTheWay>) {
    let mut open = vec![path.to_vec()];
    let mut seen = 0;
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(place(top, &folder)).into_iter().flatten().flatten() {
            seen += 1;
            if seen > FOLDER_LIMIT {
                // Not a part of them, then: the folder as a whole is what is not saved.
                found.retain(|file| !file.path.is_at(path));
                let (kind, place) = (LocalKind::Untracked, place(top, path));
                found.push(InTheWay { path: path.clone(), kind, mode: Mode::Tree, size: 0, place });
                return;
            }
            let inner = [folder.as_slice(), b"/", entry.file_name().as_bytes()].concat();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                open.push(inner);
            } else if !paths.iter().any(|other| *other.path == *inner && other.first.is_some()) {
                found.extend(look(top, &inner, LocalKind::Untracked));
            }
        }
    }
}
