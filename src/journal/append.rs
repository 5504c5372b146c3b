//! Writing: names of operations, records, kept indexes.
//!
//! Order: the name follows from a listing of names → temporary → rename that never replaces. Two processes that chose one
//! name: the second takes the next. A crash leaves nothing or a temporary, which readers skip.

use std::hash::{BuildHasher, Hasher};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use crate::disk::{self, DiskError, Durability};
use crate::model::{OperationId, Record, Timestamp, fingerprint};

use super::name::is_valid;
use super::{Journal, JournalError, RecordName, RecordType, format};

impl Journal {
    /// Makes a name for an operation that begins `now`.
    pub fn new_id(&self, now: Timestamp) -> OperationId {
        let count = self.made.fetch_add(1, Ordering::Relaxed);
        // Seeded by the system; process ids repeat across containers that share a repository.
        let seed = self.seed.unwrap_or_else(|| std::hash::RandomState::new().build_hasher().finish());
        let parts = [seed, now.0, count].map(u64::to_le_bytes);
        let suffix = fingerprint(&parts.each_ref().map(<[u8; 8]>::as_slice));
        OperationId(format!("{}-{}", now.compact(), &suffix[..6]))
    }

    /// Writes one record and returns its name. An error means that no record was written; only a failing last sync
    /// leaves one that a power failure might take back.
    pub fn append(&self, record: &Record, durability: Durability) -> Result<RecordName, JournalError> {
        let kind = RecordType::of(&record.body);
        if record.operation.is_none() != (kind == RecordType::Allowance) {
            return Err(JournalError::Belongs);
        }
        if let Some(id) = record.operation.as_ref().filter(|id| !is_valid(id)) {
            return Err(JournalError::Id(id.to_string()));
        }
        let bytes = format::encode(record)?;
        disk::ensure_folder(&self.records, 0o700)?;
        let mut last = self.last_place()?;
        loop {
            let (millis, sequence) = RecordName::after(last, record.at);
            let name = RecordName { millis, sequence, operation: record.operation.clone(), kind };
            match disk::create_new(&self.records.join(name.to_string()), &bytes, durability, 0o600) {
                Ok(()) => return Ok(name),
                Err(DiskError::Exists(_)) => last = Some((millis, sequence)),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Returns where the index as it was before an operation is kept. Only for reading: it may share its bytes with the
    /// index in use.
    pub fn index_copy_path(&self, id: &OperationId) -> Result<PathBuf, JournalError> {
        if is_valid(id) { Ok(self.indexes.join(&id.0)) } else { Err(JournalError::Id(id.to_string())) }
    }

    /// Keeps an index file under an operation's name: a hard link, which costs nothing because git replaces its index and
    /// never writes into it; a copy where links are not possible. One that is kept already stays: the first is the one
    /// from before.
    pub fn keep_index(&self, id: &OperationId, index: &Path, durability: Durability) -> Result<PathBuf, JournalError> {
        let path = self.index_copy_path(id)?;
        disk::ensure_folder(&self.indexes, 0o700)?;
        match disk::hard_link_or_copy(index, &path, durability) {
            Ok(()) | Err(DiskError::Exists(_)) => Ok(path),
            Err(error) => Err(error.into()),
        }
    }
}
