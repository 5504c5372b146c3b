//! What there is, and how much room it takes.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::leftovers::{self, Leftover};
use super::{PruneError, Session};
use crate::facts::{self, Found};
use crate::git::Repo;
use crate::journal::{History, RecordName};
use crate::manifest::{Manifest, Snapshot};
use crate::model::{Oid, OperationId, RefName, WorktreeId};
use crate::routes::moved::PRE_MERGE;
use crate::store::{Store, StoreError};
use crate::undo;

/// Everything that is kept.
pub struct Stock {
    /// How many operations are to stay.
    pub keep: usize,
    /// How many bytes the store may hold.
    pub max_store: u64,
    /// The operations.
    pub history: History,
    /// The journal's records.
    pub records: Vec<RecordName>,
    /// The operations whose index is kept.
    pub indexes: Vec<OperationId>,
    /// The operations of which undo keeps a record.
    pub plans: Vec<OperationId>,
    /// Refs that keep old tips.
    pub refs: Vec<(RefName, Oid)>,
    /// What processes that are gone left behind.
    pub leftovers: Vec<Leftover>,
    /// The store, if anything was ever saved and it can be used.
    pub store: Option<Store>,
    /// Why the store can't be used, if so.
    pub store_problem: Option<String>,
    pub(super) worktrees: BTreeSet<WorktreeId>,
}

/// How much room it takes, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sizes {
    /// The journal's records.
    pub records: u64,
    /// The kept indexes; one that is git's index too takes none.
    pub indexes: u64,
    /// The records of undo.
    pub plans: u64,
    /// The store.
    pub store: u64,
    /// What is left behind.
    pub leftovers: u64,
}

impl Stock {
    /// Looks at everything. The journal comes last: what an operation keeps is never seen before its operation.
    pub fn take(session: &Session<'_>, keep: Option<usize>) -> Result<Self, PruneError> {
        let (repo, journal) = (session.repo, session.journal);
        let limits = limits(repo);
        let (store, store_problem) = match Store::open(&repo.guard_dir()) {
            Ok(store) => (Some(store), None),
            Err(StoreError::NoStore(_)) => (None, None),
            Err(error) => (None, Some(words(&error))),
        };
        Ok(Self {
            keep: keep.unwrap_or(limits.keep),
            max_store: limits.max_store,
            store,
            store_problem,
            worktrees: leftovers::worktrees(repo),
            leftovers: leftovers::find(session),
            refs: repo.refs(PRE_MERGE)?,
            plans: undo::records(repo),
            indexes: journal.kept_indexes(),
            records: journal.names()?,
            history: journal.operations()?,
        })
    }

    /// Adds up sizes.
    pub fn sizes(&self, session: &Session<'_>) -> Sizes {
        let (repo, journal) = (session.repo, session.journal);
        let index = |id: &OperationId| journal.index_copy_path(id).map_or(0, |path| own_bytes(&path));
        Sizes {
            records: self.records.iter().map(|name| own_bytes(&journal.record_path(name))).sum(),
            indexes: self.indexes.iter().map(index).sum(),
            plans: self.plans.iter().map(|id| own_bytes(&undo::record_path(repo, id))).sum(),
            store: self.store.as_ref().map_or(0, Store::size_bytes),
            leftovers: self.leftovers.iter().map(|left| left.bytes).sum(),
        }
    }
}

/// Returns what HEAD's manifest says about retention, or the defaults.
pub(super) fn limits(repo: &Repo) -> Snapshot {
    let tree = repo.resolve_head().ok().flatten().and_then(|head| repo.objects().tree_of(head).ok());
    match facts::manifest_of(repo, tree) {
        Ok(Found::Manifest(manifest)) => manifest.snapshot,
        _ => Manifest::default().snapshot,
    }
}

/// Returns how many bytes removing a file gives back: none when it has another name.
pub(super) fn own_bytes(path: &Path) -> u64 {
    path.symlink_metadata().map_or(0, |found| if found.nlink() > 1 { 0 } else { found.len() })
}

/// Returns an error with its causes.
pub(super) fn words(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    std::iter::once(error.to_string()).chain(causes.map(ToString::to_string)).collect::<Vec<_>>().join(": ")
}
