//! Saved bytes: files as they were before something could have lost them.
//!
//! The store is a bare repository of our own, `recoveryguard/store.git`, apart from the project's objects: saved bytes
//! never leave with `push --mirror`, bundles or copies of the project's object database. A *snapshot* is one ref, an
//! annotated tag, a tree: `manifest.json` and the raw bytes of the files, as they are on disk, before git's filters. Plain
//! git can read it; `docs/store-format.md` says how.
//!
//! Order of a save: blobs → manifest → trees → tag → ref. A crash before the ref leaves objects that nothing refers to
//! ([`Store::collect`] removes them), after it a whole snapshot. Nothing here changes the project's repository.
//!
//! # Limitations
//!
//! libgit2 looks at the user's and the system's configuration once while it opens a repository (only for the format's
//! version; what is set there has no effect afterwards, the store's own configuration replaces it). A process that opens
//! nothing pays nothing: open the store only when there is something to save. Files go in whole, as loose objects, and each
//! is synced when the store is opened with [`Durability::Fsync`](crate::disk::Durability).

use std::path::{Path, PathBuf};

use crate::disk::DiskError;
use crate::model::{Oid, escape};

mod anew;
mod backups;
mod collect;
mod database;
mod manifest;
mod open;
mod parts;
mod read;
mod save;
mod stream;
#[cfg(test)]
mod tests;

pub use anew::name_on_disk;
pub use backups::{Copied, backup_ref};
pub use collect::{Garbage, Survey};
pub use database::{CopiedDatabase, CopyError, copy_database};
pub use manifest::Snapshot;
pub use open::{Store, VERSION};
pub use read::Problem;
pub use save::{Care, LARGEST_FILE, Limits, Part, Source, Wanted};
pub use stream::Blob;

/// The store could not be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file or folder of it could not be used.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// libgit2 could not do something.
    #[error("cannot {action} in the store '{}': {}", show(path), said.message())]
    Git {
        /// What was tried.
        action: &'static str,
        /// The store.
        path: PathBuf,
        /// What libgit2 said. No source: it would be printed with numbers that tell a person nothing.
        said: git2::Error,
    },
    /// There is none.
    #[error("there is no store at '{}'", show(.0))]
    NoStore(PathBuf),
    /// Its version is not ours.
    #[error(
        "the store '{}' has version {found}, this guard knows version {VERSION}; update guard to use it",
        show(path)
    )]
    Version {
        /// The store.
        path: PathBuf,
        /// What it says.
        found: i64,
    },
    /// Its folder belongs to somebody else; what we wrote there, its owner could not change.
    #[error("the store '{}' belongs to user {owner}, not to user {user}", show(path))]
    Owner {
        /// The store.
        path: PathBuf,
        /// Its owner's number.
        owner: u32,
        /// Ours.
        user: u32,
    },
    /// It takes objects from elsewhere, so it is not whole by itself.
    #[error("the store '{}' has alternates; remove 'objects/info/alternates' after repacking it", show(.0))]
    Alternates(PathBuf),
    /// There is a snapshot of that name already.
    #[error("there is a snapshot '{0}' already")]
    Exists(String),
    /// A snapshot is damaged.
    #[error("the snapshot '{name}' is damaged: {why}")]
    Damaged {
        /// The ref.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// The bytes of a blob are not what was saved.
    #[error("the blob {oid} is damaged: {why}")]
    Blob {
        /// Which.
        oid: Oid,
        /// What is wrong.
        why: String,
    },
    /// An object is not there.
    #[error("the blob {0} is missing in the store")]
    Missing(Oid),
    /// An operation's or a backup's name that can't be part of a ref's.
    #[error("'{0}' is no name of an operation or a backup")]
    Id(String),
}

fn show(path: &Path) -> String {
    escape(path.as_os_str().as_encoded_bytes())
}
