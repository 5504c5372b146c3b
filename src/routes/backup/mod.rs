//! `guard backup`: which steps each of its commands takes, in which order.
//!
//! All that change something hold one lock, `recoveryguard/backup.lock`: two at once wait for each other, or the second is
//! refused. Nothing here changes the working tree or the project's repository.

mod copies;
mod create;
mod prune;
mod seen;
#[cfg(test)]
mod tests;
mod verify;

use std::path::PathBuf;
use std::time::Duration;

use crate::disk::{self, DiskError, Kind, Lock, OnDisk, Root};
use crate::git::{GitError, Repo};
use crate::manifest::{self, Manifest};
use crate::model::{BackupId, Timestamp};
use crate::store::StoreError;

pub use crate::store::{Problem, backup_ref};
pub use copies::{Brought, Remote, Sent, fetch, push};
pub use create::{Made, create, would_create};
pub use prune::{Nothing, Pruned, prune, would_prune};
pub use verify::{Level, Verified, verify};

/// How long a command waits for another one that is at work.
const PATIENCE: Duration = Duration::from_secs(5);

/// No honest manifest has a mebibyte.
const LARGEST_MANIFEST: u64 = 1 << 20;

/// Why nothing was done, or not all of it.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// git could not be asked.
    #[error(transparent)]
    Git(#[from] GitError),
    /// A file could not be read or written, or another guard is at work.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The store could not be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The manifest of the working tree can't be used.
    #[error("{0}")]
    Manifest(String),
    /// What was asked for is not there, or not said.
    #[error("{0}")]
    Usage(String),
    /// It would lose or reveal something.
    #[error("{why}")]
    Refused {
        /// What.
        why: String,
        /// A command for whoever knows that it would not.
        hint: Option<String>,
    },
    /// Backups that can't be read: what they hold is not known, so nothing goes.
    #[error("{} can't be read, so nothing was pruned: {}", .0[0].snapshot, .0[0].why)]
    Listing(Vec<Problem>),
}

/// The manifest in the working tree: the one that holds for data as it is now.
struct Here {
    root: Root,
    manifest: Manifest,
    /// Its bytes.
    text: Vec<u8>,
}

fn here(repo: &Repo) -> Result<Here, BackupError> {
    let root = Root::open(repo.need_work_tree()?)?;
    let file = manifest::FILE;
    let path = file.into();
    let text = match root.metadata(&path)? {
        None => return Err(BackupError::Manifest(format!("there is no '{file}' here: it says what is backed up"))),
        Some(metadata) if metadata.size > LARGEST_MANIFEST => {
            return Err(BackupError::Manifest(format!("'{file}' is too large ({} bytes)", metadata.size)));
        }
        Some(metadata) => match (metadata.kind, root.read(&path)?) {
            (Kind::File(mode), Some(OnDisk::File { bytes, .. })) if mode.is_regular() => bytes,
            _ => return Err(BackupError::Manifest(format!("'{file}' is no ordinary file"))),
        },
    };
    let manifest = manifest::parse(&text).map_err(|error| BackupError::Manifest(error.to_string()))?;
    Ok(Here { root, manifest, text })
}

fn lock(repo: &Repo, now: Timestamp) -> Result<Lock, BackupError> {
    disk::ensure_folder(&repo.guard_dir(), 0o700)?;
    Ok(disk::lock_within(&lock_path(repo), now, PATIENCE)?)
}

fn lock_path(repo: &Repo) -> PathBuf {
    repo.guard_dir().join("backup.lock")
}

/// Returns the one backup whose name begins so.
pub fn named(all: &[BackupId], name: &str) -> Result<BackupId, BackupError> {
    let found: Vec<&BackupId> = all.iter().filter(|id| id.0.starts_with(name)).collect();
    match found[..] {
        [one] => Ok(one.clone()),
        [] => Err(BackupError::Usage(format!("there is no backup '{}'", crate::model::escape(name.as_bytes())))),
        _ => all.iter().find(|id| id.0 == name).cloned().ok_or_else(|| {
            BackupError::Usage(format!("'{}' is the beginning of several", crate::model::escape(name.as_bytes())))
        }),
    }
}

/// A folder for files that nobody else should see, which goes with this value.
struct Scratch {
    parent: PathBuf,
    folder: PathBuf,
}

impl Scratch {
    fn make(repo: &Repo) -> Result<Self, DiskError> {
        let parent = repo.guard_dir().join("tmp");
        let folder = parent.join(format!("backup-{}", std::process::id()));
        disk::ensure_folder(&folder, 0o700)?;
        Ok(Self { parent, folder })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left goes with a prune, an hour later.
        let _ = disk::remove_folder_all_inside(&self.parent, &self.folder);
    }
}
