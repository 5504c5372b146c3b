//! Forgetting what is old.
//!
//! Order per operation: its intent goes first, then its other records, then its kept index. A crash in between leaves
//! records without an intent, which belong to nothing and go with the next prune; the other way round an operation would
//! come back as an open one. Files that another process removed meanwhile are fine.

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use crate::disk;
use crate::model::{Operation, OperationId, Timestamp};

use super::{Journal, JournalError, RecordName, RecordType};

impl Journal {
    /// Returns which operations are beyond the newest `keep`, oldest first: never one without outcome, never one that a
    /// kept undo or redo refers to. Remove what belongs to them elsewhere (refs, snapshots), then [`Journal::remove`].
    pub fn prunable(&self, keep: usize) -> Result<Vec<OperationId>, JournalError> {
        let intents = self.list()?.names.iter().filter(|name| name.kind == RecordType::Intent).count();
        if intents <= keep {
            return Ok(Vec::new());
        }
        let history = self.operations()?;
        match history.newer() {
            Some(version) => Err(JournalError::Newer(version)),
            None => Ok(beyond(&history.operations, keep)),
        }
    }

    /// Removes the records and kept indexes of these operations.
    pub fn remove(&self, ids: &[OperationId]) -> Result<(), JournalError> {
        let doomed: HashSet<&OperationId> = ids.iter().collect();
        let names = self.list()?.names;
        let mut names: Vec<&RecordName> =
            names.iter().filter(|name| name.operation.as_ref().is_some_and(|id| doomed.contains(id))).collect();
        names.sort_by_key(|name| name.kind != RecordType::Intent);
        for name in names {
            disk::remove_file(&self.records.join(name.to_string()))?;
        }
        for id in ids {
            disk::remove_file(&self.index_copy_path(id)?)?;
        }
        Ok(())
    }

    /// Keeps the newest `keep` operations and removes the others that may go ([`Journal::prunable`]), and what is older
    /// than all that stays: allowances, records and indexes without an intent, temporaries. Returns the operations
    /// removed. Meant to be called rarely: it reads the journal.
    pub fn prune(&self, keep: usize) -> Result<Vec<OperationId>, JournalError> {
        let ids = self.prunable(keep)?;
        if ids.is_empty() {
            return Ok(ids);
        }
        self.remove(&ids)?;
        self.sweep()?;
        Ok(ids)
    }

    fn sweep(&self) -> Result<(), JournalError> {
        let names = self.list()?.names;
        let known: HashSet<&OperationId> = names
            .iter()
            .filter(|name| name.kind == RecordType::Intent)
            .filter_map(|name| name.operation.as_ref())
            .collect();
        let Some(oldest) = names.iter().position(|name| name.kind == RecordType::Intent) else { return Ok(()) };
        for name in &names[..oldest] {
            if name.operation.as_ref().is_none_or(|id| !known.contains(id)) {
                disk::remove_file(&self.records.join(name.to_string()))?;
            }
        }
        self.sweep_temporaries(names[oldest].millis)?;
        self.sweep_indexes(&known, Timestamp(names[oldest].millis))
    }

    /// Temporaries of processes that were killed, older than the oldest record that stays.
    fn sweep_temporaries(&self, millis: u64) -> Result<(), JournalError> {
        let since = SystemTime::UNIX_EPOCH + Duration::from_millis(millis);
        for folder in [&self.records, &self.indexes] {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let metadata = entry.metadata().ok().filter(std::fs::Metadata::is_file);
                let modified = metadata.and_then(|metadata| metadata.modified().ok());
                if disk::is_temporary(&entry.file_name()) && modified.is_some_and(|time| time < since) {
                    disk::remove_file(&entry.path())?;
                }
            }
        }
        Ok(())
    }

    /// Kept indexes of operations that have no intent. One that another process keeps just now has none yet, and its file
    /// may be as old as the user's index: so the age is the one that the operation's name tells.
    fn sweep_indexes(&self, known: &HashSet<&OperationId>, since: Timestamp) -> Result<(), JournalError> {
        let since = since.compact();
        for entry in std::fs::read_dir(&self.indexes).into_iter().flatten().flatten() {
            let Ok(name) = entry.file_name().into_string() else { continue };
            let began =
                name.get(..since.len()).filter(|began| began.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-'));
            let old = began.is_some_and(|began| *began < *since);
            if old && !known.contains(&OperationId(name)) && entry.file_type().is_ok_and(|kind| kind.is_file()) {
                disk::remove_file(&entry.path())?;
            }
        }
        Ok(())
    }
}

fn beyond(operations: &[Operation], keep: usize) -> Vec<OperationId> {
    let newest = operations.len().saturating_sub(keep);
    let mut kept: HashSet<&OperationId> = HashSet::new();
    for (place, operation) in operations.iter().enumerate().rev() {
        if place >= newest || operation.outcome.is_none() || kept.contains(&operation.id) {
            kept.insert(&operation.id);
            kept.extend(&operation.intent.of);
        }
    }
    operations.iter().map(|operation| &operation.id).filter(|id| !kept.contains(id)).cloned().collect()
}
