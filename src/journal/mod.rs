//! What was done: operations, as immutable records on disk.
//!
//! A *record* is one file: an intent, a judgement, an outcome or an allowance. The records of one operation together tell
//! it. There is no head file and nothing is ever rewritten: state is computed from the records, so two processes can't
//! overwrite each other's. `docs/journal-format.md` describes the files.
//!
//! Reading never fails because of one bad record: it is listed as [`Damaged`] with what is wrong, and everything else
//! counts. Writing either leaves a whole record or none.
//!
//! # Limitations
//!
//! Reading and appending take one listing of the folder, about 3 µs a record on a busy machine; [`excess`] bounds them. A
//! record written with [`Durability::Lazy`](crate::disk::Durability) may be lost or cut by a power failure: what hooks
//! saw can be rebuilt from the reflog. Checksums find accidents, not a person who can write the folder.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;

use crate::disk::DiskError;

mod append;
mod fold;
mod format;
mod name;
mod prune;
mod read;
#[cfg(test)]
mod tests;

pub use format::{Damage, VERSION};
pub use name::{RecordName, RecordType};
pub use prune::{Excess, PLAIN, excess};
pub use read::{Damaged, History};

/// The journal of one repository, all its worktrees included.
#[derive(Debug)]
pub struct Journal {
    records: PathBuf,
    indexes: PathBuf,
    seed: Option<u64>,
    made: AtomicU64,
}

/// The journal could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// A file or folder of it could not be used.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The folder of the records could not be listed.
    #[error("cannot list '{}'", crate::model::escape(.0.as_os_str().as_encoded_bytes()))]
    List(PathBuf, #[source] std::io::Error),
    /// A record could not be put into words; please report it.
    #[error("cannot encode a journal record (please report this)")]
    Encode(#[source] serde_json::Error),
    /// A checksum could not be made; please report it.
    #[error("cannot hash a journal record: {0} (please report this)")]
    Hash(String),
    /// An operation's name that can't be part of a file name.
    #[error("'{0}' is no name of an operation")]
    Id(String),
    /// A record that belongs to the wrong thing; please report it.
    #[error("an allowance belongs to no operation, any other record to one (please report this)")]
    Belongs,
    /// A newer guard wrote here: nothing may be changed by one that does not understand it.
    #[error("the journal has records of version {0}, written by a newer guard; update guard to change anything")]
    Newer(u32),
}

impl Journal {
    /// Takes the journal in our folder (`…/recoveryguard`). Makes nothing before the first record.
    pub fn open(folder: &Path) -> Self {
        let (records, indexes) = (folder.join("journal"), folder.join("index"));
        Self { records, indexes, seed: None, made: AtomicU64::new(0) }
    }

    /// Makes the names of operations follow from `seed`, the time and how many were made: for tests.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed: Some(seed), ..self }
    }

    /// Returns the folder in which the records are.
    pub fn folder(&self) -> &Path {
        &self.records
    }
}
