//! What can go wrong with a file: which one, doing what, and why.

use std::io;
use std::path::{Path, PathBuf};

use crate::model::escape;

/// A file could not be read or changed. It is whole: as it was, or as it should be when only the last sync failed.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// The system refused.
    #[error("cannot {action} '{}'", show(path))]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// What was tried: `write`, `rename`, `lock` …
        action: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Something stands there that must not be replaced.
    #[error("'{}' exists already", show(.0))]
    Exists(PathBuf),
    /// Another process that is alive holds the lock.
    #[error("'{}' is locked by {owner}", show(path))]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// Who holds it, as far as the file tells.
        owner: String,
    },
    /// The path may not be written by anything that came from a repository.
    #[error("'{path}' is refused: {why}")]
    Refused {
        /// The path, escaped.
        path: String,
        /// Which rule it breaks.
        why: &'static str,
    },
    /// What was written beside the path is not what it should be; the path was not touched.
    #[error("'{path}' was not replaced: {why}")]
    Rejected {
        /// The path, escaped.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// What was to come to the path could not be read; the path was not touched.
    #[error("'{path}' was not replaced: what should come there can't be read")]
    Source {
        /// The path, escaped.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A symbolic link, a folder or a special file is in the way.
    #[error("'{}' is in the way: it is {what}", show(path))]
    Obstructed {
        /// What is in the way, as a path.
        path: PathBuf,
        /// `a symbolic link`, `a folder`, `a special file` …
        what: &'static str,
    },
}

impl DiskError {
    pub(super) fn io(path: &Path, action: &'static str, source: impl Into<io::Error>) -> Self {
        Self::Io { path: path.to_owned(), action, source: source.into() }
    }

    /// Returns whether it failed because the disk or the quota is full.
    pub fn is_full(&self) -> bool {
        self.kind().is_some_and(|kind| matches!(kind, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
    }

    /// Returns whether it failed because this user, or anybody, may not write there.
    pub fn is_read_only(&self) -> bool {
        self.kind()
            .is_some_and(|kind| matches!(kind, io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem))
    }

    /// Returns whether another process holds a lock.
    pub const fn is_locked(&self) -> bool {
        matches!(self, Self::Locked { .. })
    }

    fn kind(&self) -> Option<io::ErrorKind> {
        match self {
            Self::Io { source, .. } => Some(source.kind()),
            _ => None,
        }
    }
}

pub(super) fn show(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt;
    escape(path.as_os_str().as_bytes())
}
