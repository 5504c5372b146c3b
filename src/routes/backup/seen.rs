//! What the last backup saw: with it, files that nobody touched since are not read again.
//!
//! `recoveryguard/backup-seen.json`, only a hint: without it everything is read once more. A file counts as untouched when
//! kind, permissions, size, inode and both times are the same, and both times lie before the moment at which the last backup
//! began to look: a later change then has another time, however coarse the file system's clock is. That moment is the time
//! that the file system gave our lock's file, because the clocks of file systems are not ours.
//!
//! # Limitations
//!
//! A program that writes through a memory map may change a file for a while before its time changes; git has the same
//! blind spot.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::disk::{self, Durability, Metadata};
use crate::git::Repo;
use crate::model::{BackedUp, Backup, BackupId, Timestamp, TreePath};

/// Another version is no hint.
const VERSION: u32 = 1;

/// A list of 100,000 files takes about 20 MB.
const LARGEST: u64 = 256 << 20;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seen {
    version: u32,
    /// The backup that holds these files.
    pub(super) backup: BackupId,
    /// What the files were examined by: manifest, schemas, this program.
    rules: String,
    /// When looking began: seconds and nanoseconds since 1970.
    from: (i64, i64),
    /// The same by our own clock.
    #[serde(default)]
    pub(super) at: Option<Timestamp>,
    files: Vec<(TreePath, Metadata)>,
}

impl Seen {
    pub(super) fn new(
        backup: &BackupId,
        rules: &str,
        (from, at): ((i64, i64), Timestamp),
        files: Vec<(TreePath, Metadata)>,
    ) -> Self {
        Self { version: VERSION, backup: backup.clone(), rules: rules.to_owned(), from, at: Some(at), files }
    }

    pub(super) fn read(repo: &Repo) -> Option<Self> {
        let bytes = disk::read_own(&path(repo), LARGEST).ok()??;
        serde_json::from_slice(&bytes).ok().filter(|seen: &Self| seen.version == VERSION)
    }

    /// Leaves it for the next backup. When it can't be written, that one reads everything.
    pub(super) fn write(&self, repo: &Repo) {
        if let Ok(bytes) = serde_json::to_vec(self) {
            let _ = disk::write_atomic(&path(repo), &bytes, Durability::Lazy, 0o600);
        }
    }

    /// Forgets it: the next backup reads everything, and writes anew what the store has no more.
    pub(super) fn forget(repo: &Repo) {
        // Then it stays a hint, and only what is missing altogether is written anew.
        let _ = disk::remove_file(&path(repo));
    }

    /// Returns the files of the backup before, by path, that are on disk as they were then: to be asked with what the
    /// system says of a file now.
    pub(super) fn untouched<'b>(
        &self,
        before: &'b Backup,
        rules: &str,
    ) -> BTreeMap<&TreePath, (Metadata, &'b BackedUp)> {
        if before.id != self.backup || rules != self.rules {
            return BTreeMap::new();
        }
        let is_old = |seen: &Metadata| seen.modified < self.from && seen.changed < self.from;
        let old = self.files.iter().filter(|(_, seen)| is_old(seen));
        let files: BTreeMap<&TreePath, &BackedUp> = before.files.iter().map(|file| (&file.path, file)).collect();
        old.filter_map(|(path, seen)| Some((path, (*seen, *files.get(path)?)))).collect()
    }
}

/// Returns the file system's time of a file that was just written.
pub(super) fn time_of(path: &Path) -> (i64, i64) {
    // The beginning of time: then nothing is old enough to be trusted.
    path.metadata().map_or((0, 0), |metadata| (metadata.mtime(), metadata.mtime_nsec()))
}

fn path(repo: &Repo) -> PathBuf {
    repo.guard_dir().join("backup-seen.json")
}
