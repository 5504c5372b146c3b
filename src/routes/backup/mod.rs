//! `guard backup`: which steps each of its commands takes, in which order.
//!
//! All that change something hold one lock, `recoveryguard/backup.lock`: two at once wait for each other, or the second is
//! refused. Nothing here changes the working tree or the project's repository.

mod copies;
mod create;
mod databases;
mod prune;
mod pushed;
mod put_back;
mod remedy;
mod seen;
#[cfg(test)]
mod tests;
mod verify;

use std::path::PathBuf;
use std::time::Duration;

use super::data_here::HereError;
use crate::disk::{self, DiskError, Lock};
use crate::git::{GitError, Repo};
use crate::model::{BackupId, Timestamp};
use crate::postgres::PostgresError;
use crate::store::StoreError;

pub use crate::store::{Problem, backup_ref};
pub use copies::{Brought, Remote, Sent, fetch, may_leave, push, remote};
pub use create::{Gone, Made, Outlook, create, create_within, would_create};
pub(super) use databases::said;
pub use prune::{Nothing, Pruned, prune, would_prune};
pub use pushed::{Copy, copies};
pub use put_back::{Before, PutBack, SwappedBack, put_back, swap_back, would_put_back, would_swap_back};
pub use remedy::{Remedy, remedy};
pub use verify::{Level, Verified, verify};

/// How long a command waits for another one that is at work.
const PATIENCE: Duration = Duration::from_secs(5);

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
    /// A program of PostgreSQL's could not do something.
    #[error(transparent)]
    Postgres(#[from] PostgresError),
    /// The manifest of the working tree can't be used.
    #[error("{0}")]
    Manifest(String),
    /// There is none.
    #[error("there is no backup yet")]
    NoBackup,
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
    /// It would take longer than it may.
    #[error("{} of changed data take longer than there is time", crate::model::size(*.0))]
    NoTime(u64),
    /// Something that is damaged here keeps git from sending.
    #[error("nothing was sent, because git stops at {}, which is damaged here: {}", .0[0].snapshot, .0[0].why)]
    InTheWay(Vec<Problem>),
    /// Backups that can't be read: what they hold is not known, so nothing goes.
    #[error("{} can't be read, so nothing was pruned: {}", .0[0].snapshot, .0[0].why)]
    Listing(Vec<Problem>),
}

impl From<HereError> for BackupError {
    fn from(error: HereError) -> Self {
        match error {
            HereError::Git(error) => Self::Git(error),
            HereError::Disk(error) => Self::Disk(error),
            HereError::Manifest(what) => Self::Manifest(what),
        }
    }
}

fn lock(repo: &Repo, now: Timestamp, time: Option<Duration>) -> Result<Lock, BackupError> {
    disk::ensure_folder(&repo.guard_dir(), 0o700)?;
    Ok(disk::lock_within(&lock_path(repo), now, time.map_or(PATIENCE, |time| time.min(PATIENCE)))?)
}

fn lock_path(repo: &Repo) -> PathBuf {
    repo.guard_dir().join("backup.lock")
}

/// Returns the one backup whose name begins so.
pub fn named(all: &[BackupId], name: &str) -> Result<BackupId, BackupError> {
    if name.is_empty() {
        return Err(BackupError::Usage("an empty name names no backup".to_owned()));
    }
    let found: Vec<&BackupId> = all.iter().filter(|id| id.0.starts_with(name)).collect();
    match found[..] {
        [one] => Ok(one.clone()),
        [] => Err(BackupError::Usage(format!("there is no backup '{}'", crate::model::escape(name.as_bytes())))),
        _ => all.iter().find(|id| id.0 == name).cloned().ok_or_else(|| {
            BackupError::Usage(format!("'{}' is the beginning of several", crate::model::escape(name.as_bytes())))
        }),
    }
}
