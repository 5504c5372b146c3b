//! Blobs as files, for a moment: a database can be read from a file only.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::child::GitError;
use super::repository::Repo;
use crate::disk;
use crate::model::Oid;

/// A folder that nobody else may look into (0700). It goes with this value.
#[derive(Debug)]
pub struct BlobFolder {
    folder: PathBuf,
}

/// Threads have each their own.
static NUMBER: AtomicU64 = AtomicU64::new(0);

impl BlobFolder {
    /// Makes it.
    pub fn make(repo: &Repo) -> Result<Self, GitError> {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        // A prune finds by the name's end whether the process is still there.
        let folder = repo.folder_for_a_moment().join(format!("blobs-{number}-{}", std::process::id()));
        disk::ensure_folder(&folder, 0o700)?;
        Ok(Self { folder })
    }

    /// Writes a blob as it is, without git's filters, lets `read` have the file, and removes it.
    pub fn lend<T>(&self, repo: &Repo, oid: Oid, read: impl FnOnce(&Path) -> T) -> Result<T, GitError> {
        let file = self.folder.join(oid.to_string());
        disk::create_from(&file, &mut *repo.open_blob(oid)?, 0o600)?;
        let answer = read(&file);
        disk::remove_file(&file)?;
        Ok(answer)
    }
}

impl Drop for BlobFolder {
    fn drop(&mut self) {
        if let Some(parent) = self.folder.parent() {
            // What is left goes with the next prune, an hour later.
            let _ = disk::remove_folder_all_inside(parent, &self.folder);
        }
    }
}
