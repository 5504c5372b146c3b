//! Doing it.
//!
//! | step | a crash after it leaves |
//! |---|---|
//! | outcomes of what ended unseen | operations that are over |
//! | pre-merge refs, all in one transaction | operations whose old tips git may collect |
//! | snapshots, one ref after the other | operations whose saved bytes are gone |
//! | undo's records, kept indexes | operations that can't be undone exactly |
//! | records, intents first | records that belong to nothing |
//! | objects of the store, leftovers | less garbage |
//!
//! Whatever a crash leaves is planned again by the next prune: an operation's records go last of what is its own, and what
//! then has no operation any more is older than those that stay.

use super::{PruneError, Pruning, Session, leftovers};
use crate::model::{OperationId, Status};
use crate::store::{Store, StoreError};
use crate::undo;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pruned {
    /// How many bytes that freed.
    pub bytes: u64,
}

/// Removes what is planned. The caller holds our lock.
pub(super) fn apply(session: &Session<'_>, pruning: &Pruning) -> Result<Pruned, PruneError> {
    if pruning.is_empty() {
        return Ok(Pruned { bytes: 0 });
    }
    steps(session, pruning).map_err(|cause| PruneError::Halfway(Box::new(cause)))
}

fn steps(session: &Session<'_>, pruning: &Pruning) -> Result<Pruned, PruneError> {
    let (repo, journal) = (session.repo, session.journal);
    for id in &pruning.ended {
        // One that can't be written is planned again.
        let _ = session.append_outcome(id, Status::Abandoned, Vec::new());
    }
    repo.drop_refs(&pruning.refs)?;
    let store = store(session, pruning)?;
    for id in pruning.snapshots.iter().chain(&pruning.over) {
        store.as_ref().map_or(Ok(false), |store| store.remove(id))?;
    }
    undo::forget(repo, &pruning.plans)?;
    journal.remove_indexes(&pruning.indexes)?;
    journal.remove(&pruning.records)?;
    // Another process may have come to need some of it: those stay.
    let freed = store.map_or(Ok(0), |store| store.collect(&pruning.garbage, session.now))?;
    for left in &pruning.leftovers {
        leftovers::remove(repo, left)?;
    }
    Ok(Pruned { bytes: pruning.bytes - pruning.garbage.bytes + freed })
}

fn store(session: &Session<'_>, pruning: &Pruning) -> Result<Option<Store>, StoreError> {
    let lists: [&[OperationId]; 2] = [&pruning.snapshots, &pruning.over];
    if pruning.garbage.count() == 0 && lists.iter().all(|list| list.is_empty()) {
        return Ok(None);
    }
    Store::open(&session.repo.guard_dir()).map(Some)
}
