//! What the last push to each remote found there: with it, how many copies there are is known without a network.
//!
//! `recoveryguard/backup-pushed.json`, replaced as a whole. It says what was so then: a remote may have lost it since. When it
//! can't be written, or two pushes end in the same moment, a push is forgotten and the next one notes it again.

use serde::{Deserialize, Serialize};

use super::Remote;
use crate::disk::{self, DiskError, Durability};
use crate::git::Repo;
use crate::model::{BackupId, Timestamp};

/// Another version is none that we know.
const VERSION: u32 = 1;

const LARGEST: u64 = 16 << 20;

#[derive(Default, Serialize, Deserialize)]
struct Noted {
    version: u32,
    copies: Vec<Copy>,
}

/// What a remote had when it was last asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copy {
    /// Its address, without a password.
    pub address: String,
    /// When.
    pub at: Timestamp,
    /// The backups of ours that were there, compared by name and hash.
    pub backups: Vec<BackupId>,
}

/// Returns what is known of remotes, the newest first.
pub fn copies(repo: &Repo) -> Vec<Copy> {
    let bytes = disk::read_own(&path(repo), LARGEST).ok().flatten().unwrap_or_default();
    let noted = serde_json::from_slice(&bytes).ok().filter(|noted: &Noted| noted.version == VERSION);
    let mut copies = noted.unwrap_or_default().copies;
    copies.sort_by_key(|copy| std::cmp::Reverse(copy.at));
    copies
}

pub(super) fn note(repo: &Repo, remote: &Remote, at: Timestamp, backups: Vec<BackupId>) -> Result<(), DiskError> {
    let address = remote.shown();
    let mut copies = copies(repo);
    copies.retain(|copy| copy.address != address);
    copies.push(Copy { address, at, backups });
    let bytes = serde_json::to_vec(&Noted { version: VERSION, copies }).unwrap_or_default();
    disk::write_atomic(&path(repo), &bytes, Durability::Fsync, 0o600)
}

fn path(repo: &Repo) -> std::path::PathBuf {
    repo.guard_dir().join("backup-pushed.json")
}
