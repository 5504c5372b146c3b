//! Taking a merge back, and bringing it back again, without losing what was uncommitted before it or done after it.
//!
//! ```text
//! find      journal, reflog, git's state files     -> Target   which merge, or why not
//! delta     Target + trees, kept index, saved bytes -> Delta    per path: after it, before it
//! weave     Delta + what is there now               -> Plan     per path: now, afterwards; or conflicts
//! apply     Plan, compare and swap                  -> Outcome
//! recover   an interrupted apply                    -> finished or rolled back
//! ```
//!
//! Undo is the inverse of the operation as a three-way merge: *base* is what the operation left (after), *ours* what is
//! there now, *theirs* what was there before it. Index and working tree are merged separately; paths that the operation
//! did not touch are never looked at. Where now equals after, the path simply goes back; edits that don't overlap
//! survive; where something would be lost the path is a [`Conflict`](crate::model::Conflict) and nothing is applied.
//!
//! Redo is the same with the sides swapped: the plan of an undo is kept (`record`) and holds both directions.
//!
//! What is promised when something fails stands in `apply` and `recover`.
//!
//! # Limitations
//!
//! - A file that was deleted (not staged) before a merge that touched it comes back as git had it: what was not there
//!   can't be told from what was clean.
//! - Submodules: the index entry goes back, the folder is never touched.
//! - Staged versions that are in no commit and no file are objects that only the kept index names: `git gc --prune=now`
//!   between undo and redo removes them, and redo then refuses.

mod apply;
mod contents;
mod delta;
mod error;
mod find;
mod guards;
mod now;
mod published;
mod record;
mod recover;
mod redo;
mod squash;
#[cfg(test)]
mod tests;
mod weave;

use std::cell::OnceCell;
use std::time::Duration;

pub use error::UndoError;
pub use recover::{Recovered, Way as RecoveredBy};

use crate::disk::{self, DiskError, Lock};
use crate::git::Repo;
use crate::journal::{History, Journal};
use crate::model::{OperationId, Plan, Timestamp};
use crate::store::Store;

/// Whether to change anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Run {
    /// Only plan.
    Dry,
    /// Plan and apply.
    Real,
}

/// What came of an undo or redo.
#[derive(Debug)]
pub struct Report {
    /// What was planned, and unless there are conflicts or it was a dry run, done.
    pub plan: Plan,
    /// The operation that did it; `None` when nothing was changed.
    pub operation: Option<OperationId>,
    /// An earlier undo that had been interrupted, and was dealt with first.
    pub recovered: Vec<Recovered>,
}

/// What undo works with.
pub struct Undo<'a> {
    repo: &'a Repo,
    journal: Journal,
    now: Timestamp,
    store: OnceCell<Store>,
}

/// How long another guard is waited for: a hook holds the lock for milliseconds.
const PATIENCE: Duration = Duration::from_millis(300);

impl<'a> Undo<'a> {
    /// Takes the repository and the time.
    pub fn new(repo: &'a Repo, now: Timestamp) -> Self {
        Self { repo, journal: Journal::open(&repo.guard_dir()), now, store: OnceCell::new() }
    }

    /// Undoes the last merge of the current branch, or the one that `what` (an operation or a commit) names.
    pub fn undo_merge(&self, what: Option<&str>, run: Run) -> Result<Report, UndoError> {
        self.do_it(run, |history| {
            let target = find::Finder::new(self, history)?.find(what)?;
            delta::of_target(self, target)
        })
    }

    /// Brings the newest undone operation of this worktree back.
    pub fn redo(&self, run: Run) -> Result<Report, UndoError> {
        self.do_it(run, |history| redo::delta(self, history))
    }

    /// Returns the operation that [`Undo::undo_merge`] would find, if it is in the journal; files are not looked at.
    pub fn undoable(&self, history: &History) -> Option<OperationId> {
        let target = find::Finder::new(self, history).and_then(|finder| finder.find(None)).ok()?;
        match target {
            find::Target::Done(done) => done.operation,
            find::Target::Open(open) => open.operation,
        }
        .map(|operation| operation.id)
    }

    fn do_it(
        &self,
        run: Run,
        find: impl FnOnce(&History) -> Result<delta::Delta, UndoError>,
    ) -> Result<Report, UndoError> {
        self.repo.need_work_tree()?;
        if run == Run::Dry {
            guards::nothing_interrupted(self, &self.journal.operations()?)?;
            let plan = weave::plan(self, find(&self.journal.operations()?)?)?;
            return Ok(Report { plan, operation: None, recovered: Vec::new() });
        }
        let _lock = self.lock()?;
        let recovered = self.recover()?;
        let history = self.journal.operations()?;
        if let Some(version) = history.newer() {
            return Err(crate::journal::JournalError::Newer(version).into());
        }
        let plan = weave::plan(self, find(&history)?)?;
        let operation = if plan.conflicts.is_empty() { Some(apply::apply(self, &plan)?) } else { None };
        Ok(Report { plan, operation, recovered })
    }

    fn lock(&self) -> Result<Lock, UndoError> {
        let folder = self.repo.guard_dir();
        disk::ensure_folder(&folder, 0o700)?;
        Ok(disk::lock_within(&folder.join("lock"), self.now, PATIENCE)?)
    }

    /// Opens the store to read.
    fn store(&self) -> Result<&Store, UndoError> {
        if self.store.get().is_none() {
            // Only this thread sets it.
            let _ = self.store.set(Store::open(&self.repo.guard_dir())?);
        }
        self.store.get().ok_or(UndoError::Report("the store was opened and is not there"))
    }
}

/// Removes the records that undo keeps for operations which the journal forgets.
pub fn forget(repo: &Repo, ids: &[OperationId]) -> Result<(), DiskError> {
    ids.iter().try_for_each(|id| disk::remove_file(&record::path(repo, id)).map(drop))
}
