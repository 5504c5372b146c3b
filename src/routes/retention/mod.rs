//! Nothing grows without end: the newest operations stay, what belongs to older ones goes.
//!
//! ```text
//! stock   journal, refs, store, files  -> Stock     what there is
//! plan    Stock, how many to keep      -> Pruning   what goes; pure but for the store, which is asked what it can spare
//! apply   Pruning                      -> Pruned    done, in an order that a crash can't hurt
//! ```
//!
//! One way for `guard log --prune` and for the hooks, which prune now and then. How many operations stay, and how much the
//! store may hold, stands in HEAD's manifest. Merges and what has saved bytes are counted apart from all else.
//!
//! What has an operation goes with it. What has none (its making was interrupted, or its record was lost) goes when it is
//! older than the newest operations and over an hour old. Scratch folders and temporaries of processes that are gone go
//! after an hour.

mod apply;
mod leftovers;
mod plan;
mod stock;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use apply::Pruned;
pub use leftovers::Leftover;
pub use plan::Pruning;
pub use stock::{Sizes, Stock};

use super::Session;
use crate::disk::{self, DiskError, Lock};
use crate::git::GitError;
use crate::journal::{self, JournalError};
use crate::store::StoreError;

/// Each so many operations one hook prunes, so that the others don't pay.
const EACH: usize = 16;

/// How long a command waits for another guard.
const PATIENCE: Duration = Duration::from_millis(300);

/// Why nothing, or not everything, was pruned.
#[derive(Debug, thiserror::Error)]
pub enum PruneError {
    /// git could not be asked.
    #[error(transparent)]
    Git(#[from] GitError),
    /// A file could not be removed, or another guard is at work.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The journal could not be read or written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The store could not be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It was begun and could not be finished: the next prune does the rest.
    #[error("only a part was pruned; the next prune does the rest")]
    Halfway(#[source] Box<PruneError>),
}

/// Says how many operations stay.
pub fn stays(keep: usize) -> String {
    let plain = keep.saturating_mul(journal::PLAIN);
    match keep {
        1 => format!("the newest merge or operation with saved bytes stays, and {plain} others"),
        _ => format!("the newest {keep} merges and operations with saved bytes stay, and {plain} others"),
    }
}

/// Finds out what would go; `keep` operations stay, or as many as HEAD's manifest says.
pub fn plan(session: &Session<'_>, keep: Option<usize>) -> Result<Pruning, PruneError> {
    plan_of(session, &Stock::take(session, keep)?)
}

/// The same of a stock that was taken.
pub fn plan_of(session: &Session<'_>, stock: &Stock) -> Result<Pruning, PruneError> {
    plan::plan(session, stock)
}

/// Finds out what goes, and removes it.
pub fn prune(session: &Session<'_>, keep: Option<usize>) -> Result<(Pruning, Pruned), PruneError> {
    let _lock = lock(session, PATIENCE)?;
    let pruning = plan(session, keep)?;
    let pruned = apply::apply(session, &pruning)?;
    Ok((pruning, pruned))
}

/// Prunes now and then. A failure is tried again later; what stays too long is only larger, and doctor shows it.
pub fn now_and_then(session: &Session<'_>) {
    let Ok(count) = session.journal.count() else { return };
    // A hook may record several operations at once and so step over a number.
    let most = || stock::limits(session.repo).keep.saturating_mul(1 + journal::PLAIN);
    let overdue = || count % EACH < 4 && count >= most().saturating_add(EACH);
    if count > 0 && (count % EACH == 0 || overdue()) {
        at_once(session);
    }
}

/// Prunes unless another guard is at work. A failure is tried again later.
pub(super) fn at_once(session: &Session<'_>) {
    let Ok(_lock) = lock(session, Duration::ZERO) else { return };
    if let Ok(pruning) = plan(session, None) {
        let _ = apply::apply(session, &pruning);
    }
}

/// Takes the lock under which undo and restore work: what they are reading must not go.
fn lock(session: &Session<'_>, patience: Duration) -> Result<Lock, PruneError> {
    let folder = session.repo.guard_dir();
    disk::ensure_folder(&folder, 0o700)?;
    Ok(disk::lock_within(&folder.join("lock"), session.now, patience)?)
}
