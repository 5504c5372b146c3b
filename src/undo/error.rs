//! Why an undo was not done, and what that left.

use std::path::PathBuf;

use crate::disk::DiskError;
use crate::git::GitError;
use crate::journal::JournalError;
use crate::model::{TreePath, escape};
use crate::snapshot::SnapshotError;
use crate::store::StoreError;

/// Why an undo, redo or recovery did not happen. Unless the variant says otherwise nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum UndoError {
    /// It would lose something, or is not possible here.
    #[error("{why}")]
    Refused {
        /// The reason, lower case, no full stop.
        why: String,
        /// The command that is right instead.
        hint: Option<String>,
    },
    /// Somebody else holds git's lock on the index.
    #[error("the index is locked: '{}' exists; another git process seems to be running here", escape(.0.as_os_str().as_encoded_bytes()))]
    IndexLocked(PathBuf),
    /// Something changed between planning and doing.
    #[error("'{0}' changed just now; nothing was changed")]
    Changed(TreePath),
    /// A plan's name was given, and another plan came out.
    #[error("the repository has changed since that plan was made; nothing was changed")]
    Stale,
    /// A step failed and what had been done was put back.
    #[error("the {command} failed halfway; everything was put back")]
    RolledBack {
        /// Which command's: `undo`, `redo`, `restore`.
        command: &'static str,
        /// The failing step.
        #[source]
        cause: Box<UndoError>,
    },
    /// A step failed, and so did putting back: the next guard command tries again.
    #[error("the {command} failed halfway and could not be put back yet: {rollback}; run the same command again")]
    Stuck {
        /// Which command's.
        command: &'static str,
        /// The failing step.
        #[source]
        cause: Box<UndoError>,
        /// Why it could not be put back.
        rollback: Box<UndoError>,
    },
    /// It is done, but the last notes of it could not be written: the next guard command writes them.
    #[error("done, but the journal could not be completed; the next guard command does it")]
    Unrecorded(#[source] Box<UndoError>),
    /// An undo's record can't be read.
    #[error("the record of operation {id} can't be used: {why}")]
    Record {
        /// Which operation.
        id: String,
        /// What is wrong with it.
        why: String,
    },
    /// git could not be asked, or refused.
    #[error(transparent)]
    Git(#[from] GitError),
    /// A file could not be read or written.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The journal could not be read or written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The store could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What would be replaced could not be saved first.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// What cannot happen did.
    #[error("{0} (please report this)")]
    Report(&'static str),
}

impl UndoError {
    /// Makes a refusal with the command that is right instead.
    pub(super) fn refused(why: impl Into<String>, hint: impl Into<Option<String>>) -> Self {
        Self::Refused { why: why.into(), hint: hint.into() }
    }

    /// Returns whether another process is in the way.
    pub const fn is_locked(&self) -> bool {
        match self {
            Self::IndexLocked(_) => true,
            Self::Disk(error) => error.is_locked(),
            Self::Git(error) => matches!(error, GitError::Locked(_)),
            _ => false,
        }
    }

    /// Returns whether nothing was changed because it can't, or must not, be done here.
    pub const fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::Refused { .. }
                | Self::Stale
                | Self::Changed(_)
                | Self::RolledBack { .. }
                | Self::Git(GitError::Missing(_) | GitError::Unsupported(_) | GitError::NoIdentity)
                | Self::Store(StoreError::Missing(_) | StoreError::Damaged { .. } | StoreError::Blob { .. })
        )
    }

    /// Returns the command that is right instead; every refusal has one.
    pub fn hint(&self) -> Option<&str> {
        match self {
            // What can be undone, redone or restored from.
            Self::Refused { hint, .. } => Some(hint.as_deref().unwrap_or("guard log")),
            Self::Git(GitError::NoIdentity) => Some("git config user.name '<name>'; git config user.email '<address>'"),
            Self::Git(GitError::Missing(_)) => Some("git fetch, and where the clone is shallow git fetch --unshallow"),
            Self::RolledBack { cause, .. } => Some(cause.hint().unwrap_or("guard doctor, then run it again")),
            Self::Changed(_) => Some("run it again when nothing else writes there"),
            Self::Stale => Some("guard undo --dry-run makes a new plan"),
            Self::Git(_) | Self::Store(_) | Self::Stuck { .. } => Some("guard doctor"),
            _ => None,
        }
    }
}
