//! What `guard uninstall --purge` deletes: our own files and refs, known by name, and nothing else.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::place::shown;
use super::uninstall::Purge;
use super::{InstallError, LOCK};
use crate::disk;
use crate::git::Repo;

/// What stands in our folder, apart from the files that describe the installation.
const OWN: [&str; 10] =
    ["journal", "index", "undo", "store.git", "store.lock", "allowing", "seen", "lock", "tmp", LOCK];

/// How the gate's notes for pre-merge-commit begin; a worktree's name follows.
pub(crate) const JUDGED: &str = "judged-";

/// How the notes of concluded merges for post-merge begin; a worktree's name follows.
pub(crate) const CONCLUDED: &str = "concluded-";

/// The refs that are ours.
const REFS: &str = "refs/recoveryguard/";

/// Lists what is there to delete; `files` go anyway. What is not known to be ours is named and stays.
pub(super) fn list(
    repo: &Repo,
    guard_dir: &Path,
    files: &[PathBuf],
    notes: &mut Vec<String>,
) -> Result<Purge, InstallError> {
    let failed = |source| InstallError::Read { path: guard_dir.to_owned(), source };
    let mut paths = Vec::new();
    let entries = match fs::read_dir(guard_dir) {
        Ok(entries) => entries.collect::<Result<Vec<_>, _>>().map_err(failed)?,
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        Err(source) => return Err(failed(source)),
    };
    for entry in entries {
        let (path, name) = (entry.path(), entry.file_name());
        if files.contains(&path) {
            continue;
        }
        let ours = name.to_str().is_some_and(|name| {
            OWN.contains(&name)
                || name.starts_with(JUDGED)
                || name.starts_with(CONCLUDED)
                || name.starts_with(disk::TEMPORARY)
        });
        if ours {
            paths.push(path);
        } else {
            notes.push(format!("'{}' is not known to be ours and stays", shown(&path)));
        }
    }
    paths.sort();
    Ok(Purge { paths, refs: repo.refs(REFS)? })
}

/// Deletes what was listed: refs first, so that nothing keeps commits alive that nobody knows of.
pub(super) fn delete(repo: &Repo, guard_dir: &Path, purge: &Purge) -> Result<(), InstallError> {
    if !purge.refs.is_empty() {
        let mut transaction = repo.ref_transaction("guard: uninstall --purge")?;
        for (name, oid) in &purge.refs {
            transaction.update(name, Some(*oid), None)?;
        }
        transaction.prepare()?;
        transaction.commit()?;
    }
    for path in &purge.paths {
        let is_folder = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir());
        if is_folder {
            disk::remove_folder_all_inside(guard_dir, path)?;
        } else {
            disk::remove_file(path)?;
        }
    }
    Ok(())
}
