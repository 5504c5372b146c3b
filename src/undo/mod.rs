//! Taking a merge back, and bringing it back again, without losing what was uncommitted before it or done after it.
//!
//! ```text
//! find      journal, reflog, git's state files      -> Target   which merge, or why not
//! choose    Target + who else has it, what is on top -> Move     which way: back, replay, revert
//! newest    the journal                              -> which operation, where none is named
//! general   any other operation                      -> Delta    refs, and where HEAD follows files
//! tip,delta Move + trees, kept index, saved bytes    -> Delta    per path: after it, before it
//! weave     Delta + what is there now                -> Plan     per path: now, afterwards; or conflicts
//! apply     Plan, compare and swap                   -> Outcome
//! recover   an interrupted apply                     -> finished or rolled back
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

mod apply;
mod autostash;
mod broken_off;
mod choose;
mod contents;
mod databases;
mod delta;
mod error;
mod find;
mod form;
mod general;
mod guards;
mod in_the_way;
mod newest;
mod now;
mod place;
mod record;
mod recover;
mod redo;
mod replay;
mod restore;
mod revert;
mod squash;
mod swept;
#[cfg(test)]
pub(crate) mod tests;
mod tip;
mod weave;
mod witness;

use std::cell::{OnceCell, RefCell};
use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

pub use contents::Content;
pub use error::UndoError;
pub use recover::{Recovered, Way as RecoveredBy};

use crate::disk::{self, DiskError, Lock};
use crate::git::Repo;
use crate::journal::{History, Journal};
use crate::model::{Kind, Operation, OperationId, Plan, Timestamp, TreePath, Way, WorkFile};
use crate::store::{Store, StoreError};

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
    /// The command that was run: the plan's name begins with it.
    pub command: &'static str,
    /// What was planned, and unless there are conflicts or it was a dry run, done.
    pub plan: Plan,
    /// The operation that did it; `None` when nothing was changed.
    pub operation: Option<OperationId>,
    /// An earlier undo that had been interrupted, and was dealt with first.
    pub recovered: Vec<Recovered>,
}

impl Report {
    /// Names the plan, for [`Undo::planned`].
    pub fn plan_id(&self) -> String {
        self.plan.id(self.command)
    }
}

/// What undo works with.
pub struct Undo<'a> {
    repo: &'a Repo,
    journal: Journal,
    now: Timestamp,
    store: OnceCell<Store>,
    /// What was dealt with so far.
    recovered: RefCell<Vec<Recovered>>,
}

/// How what is done is recorded.
#[derive(Clone, Copy)]
struct Doing<'c> {
    kind: Kind,
    command: &'static str,
    /// Looks at each file that was written, by the path it has in the tree and the one at which it waits, before it takes its
    /// place.
    check: Option<&'c Check<'c>>,
}

impl Doing<'_> {
    /// Returns what it is called when it fails.
    const fn word(&self) -> &'static str {
        match self.kind {
            Kind::Redo => "redo",
            Kind::Restore => "restore",
            _ => "undo",
        }
    }
}

/// Says what is wrong with a file, if anything is.
pub type Check<'c> = dyn Fn(&TreePath, &Path) -> Result<(), String> + 'c;

const UNDO_MERGE: Doing<'static> = Doing { kind: Kind::Undo, command: "undo-merge", check: None };
const REAPPLY: Doing<'static> = Doing { kind: Kind::Undo, command: "reapply", check: None };
const UNDO: Doing<'static> = Doing { kind: Kind::Undo, command: "undo", check: None };
const REDO: Doing<'static> = Doing { kind: Kind::Redo, command: "redo", check: None };
const RESTORE: Doing<'static> = Doing { kind: Kind::Restore, command: "restore", check: None };

/// The operations that the commands would take back when nothing is named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Undoable {
    /// By `guard undo-merge`.
    pub merge: Option<OperationId>,
    /// By `guard undo`.
    pub any: Option<OperationId>,
    /// Operations whose saved bytes had to make room for newer ones.
    pub pruned: HashSet<OperationId>,
}

/// How long another guard is waited for: a hook holds the lock for milliseconds.
const PATIENCE: Duration = Duration::from_millis(300);

impl<'a> Undo<'a> {
    /// Takes the repository and the time.
    pub fn new(repo: &'a Repo, now: Timestamp) -> Self {
        let journal = Journal::open(&repo.guard_dir());
        Self { repo, journal, now, store: OnceCell::new(), recovered: RefCell::default() }
    }

    /// Undoes the last merge of the current branch, or the one that `what` (an operation or a commit) names; `wish` asks
    /// for another way than the gentlest.
    pub fn undo_merge(&self, what: Option<&str>, wish: Option<Way>, run: Run) -> Result<Report, UndoError> {
        self.do_it(UNDO_MERGE, run, None, |history| self.merge_delta(history, what, wish))
    }

    /// Takes a revert back by a new commit, so that what it reverted can be merged with what came since.
    pub fn reapply(&self, revert: &str, run: Run) -> Result<Report, UndoError> {
        self.do_it(REAPPLY, run, None, |_| revert::reapply(self, revert)?.delta(self))
    }

    /// Undoes the newest operation of this worktree, or the one that `what` names.
    pub fn undo(&self, what: Option<&str>, wish: Option<Way>, run: Run) -> Result<Report, UndoError> {
        self.do_it(UNDO, run, None, |history| general::delta(self, history, what, wish))
    }

    /// Brings the newest undone operation of this worktree back.
    pub fn redo(&self, run: Run) -> Result<Report, UndoError> {
        self.do_it(REDO, run, None, |history| redo::newest(self, history))
    }

    /// Does what a dry run planned, if the same plan is made of the repository as it is now.
    pub fn planned(&self, id: &str, run: Run) -> Result<Report, UndoError> {
        let bad = || UndoError::refused(format!("'{}' is no plan's name", crate::model::escape(id.as_bytes())), None);
        let [command, what, way, _] = id.split('.').collect::<Vec<_>>()[..] else { return Err(bad()) };
        let wish = Way::chosen(way);
        // An unfinished merge is the one there is.
        let what = Some(what).filter(|_| wish.is_some() || command == REAPPLY.command || command == UNDO.command);
        let expected = Some(id);
        match command {
            "undo-merge" => self.do_it(UNDO_MERGE, run, expected, |history| self.merge_delta(history, what, wish)),
            "undo" => self.do_it(UNDO, run, expected, |history| {
                let what = what.filter(|_| !matches!(way, "abort" | "unstage"));
                general::delta(self, history, what, wish)
            }),
            "reapply" => {
                let revert = what.ok_or_else(bad)?;
                self.do_it(REAPPLY, run, expected, |_| revert::reapply(self, revert)?.delta(self))
            }
            "redo" => self.do_it(REDO, run, expected, |history| redo::newest(self, history)),
            _ => Err(bad()),
        }
    }

    /// Returns the files as they were before an operation, or in a revision; folders name all files beneath. And the operation.
    pub fn files_from(&self, paths: &[TreePath], from: &str) -> Result<Then, UndoError> {
        restore::find(self, &self.journal.operations()?, paths, from)
    }

    /// Gives files other bytes, or takes them away, whatever stands there now: that is saved first. Each is written beside its
    /// place and has to pass `check` there; when one does not, or something fails, all are put back. With `partly` one that
    /// something is in the way of is left alone, else nothing is done then; `why` is the plan's.
    pub fn restore_files(
        &self,
        files: Vec<(TreePath, Option<WorkFile>)>,
        of: Option<OperationId>,
        (why, partly): (&str, bool),
        check: &Check<'_>,
        run: Run,
    ) -> Result<Report, UndoError> {
        let doing = Doing { check: Some(check), ..RESTORE };
        let find = |_: &History| Ok(delta::Delta { partly, ..restore::replace(self, files, of, why)? });
        self.do_it(doing, run, None, find)
    }

    /// Makes changes again on top of what stands there now, in the files only; `why` says which. What overlaps with what stands
    /// there is left out and noted, or stands there between conflict markers if `how` says so; where all of a file is left out,
    /// that is a conflict.
    pub fn restore_changes(&self, changes: &[Again], how: How, why: &str, run: Run) -> Result<Report, UndoError> {
        self.do_it(RESTORE, run, None, |_| restore::again(self, changes, how, why))
    }

    /// Takes the newest restore of this worktree back.
    pub fn undo_restore(&self, run: Run) -> Result<Report, UndoError> {
        // One that was broken off is the last one: it is taken back by that alone, and those before it stay.
        if run == Run::Real
            && let Some(Recovered { operation, way, .. }) = self.recover_interrupted()?.first()
        {
            let why = format!("operation {operation} {}: that was the last restore", way.words());
            return Err(UndoError::refused(why, Some("guard restore --undo".to_owned())));
        }
        self.do_it(UNDO, run, None, |history| restore::newest(self, history))
    }

    /// Writes copies of files into a folder that is not the repository's own. None that is there is overwritten, and each has to pass
    /// `check` before it takes its place. Returns the files' paths in the repository.
    pub fn copy_files(
        &self,
        then: Then,
        folder: &Path,
        check: &Check<'_>,
        run: Run,
    ) -> Result<Vec<TreePath>, UndoError> {
        restore::copies(self, then, folder, check, run)
    }

    /// Returns the operations that would be undone when none is named, if they are in the journal; files are not looked at.
    pub fn undoable(&self, history: &History) -> Undoable {
        let merge = self.found(history, None).ok().and_then(|target| match target {
            find::Target::Done(_, step) => step.operation,
            find::Target::Open(open) => open.operation,
        });
        let any = newest::offered(self, history);
        // What can't be looked at is no reason to say that it is gone.
        let pruned = history.operations.iter().filter(|operation| self.is_pruned(operation).unwrap_or(false));
        let pruned = pruned.map(|operation| operation.id.clone()).collect();
        Undoable { merge: merge.map(|found| found.id), any: any.map(|found| found.id.clone()), pruned }
    }

    /// Finds a merge; refuses where another worktree has its branch checked out.
    fn found(&self, history: &History, what: Option<&str>) -> Result<find::Target, UndoError> {
        let target = find::find(self, history, what)?;
        if let find::Target::Done(place, step) = &target {
            let named = step.operation.as_ref().map_or_else(|| step.new.to_string(), |found| found.id.to_string());
            place.only_here(self, &format!("undo-merge {named}"))?;
        }
        Ok(target)
    }

    fn merge_delta(&self, history: &History, what: Option<&str>, wish: Option<Way>) -> Result<delta::Delta, UndoError> {
        match self.found(history, what)? {
            find::Target::Open(_) if wish.is_some() => {
                let why = "the merge is not committed; it can only be given up";
                Err(UndoError::refused(why, Some("guard undo-merge".to_owned())))
            }
            find::Target::Open(open) => delta::of_open(self, open),
            find::Target::Done(place, step) => choose::way(self, place, step, wish)?.delta(self),
        }
    }

    /// Plans, and unless it is a dry run applies. With `expected` only the plan of that name.
    fn do_it(
        &self,
        doing: Doing<'_>,
        run: Run,
        expected: Option<&str>,
        find: impl FnOnce(&History) -> Result<delta::Delta, UndoError>,
    ) -> Result<Report, UndoError> {
        self.repo.need_work_tree()?;
        let planned = |history: &History| {
            let plan = weave::plan(self, find(history)?)?;
            // What can't be brought back is known to a dry run, too.
            autostash::coming(self, &plan)?;
            databases::none_in_use(self, &plan)?;
            match expected {
                Some(id) if plan.id(doing.command) != id => Err(UndoError::Stale),
                _ => Ok(plan),
            }
        };
        let command = doing.command;
        if run == Run::Dry {
            let history = self.journal.operations()?;
            guards::nothing_interrupted(self, &history)?;
            return Ok(Report { command, plan: planned(&history)?, operation: None, recovered: Vec::new() });
        }
        let _lock = self.lock()?;
        self.recover()?;
        let history = self.journal.operations()?;
        if let Some(version) = history.newer() {
            return Err(crate::journal::JournalError::Newer(version).into());
        }
        let plan = planned(&history)?;
        // A restore that changes nothing is none: taking the last one back means the one before. An undo that changes nothing
        // counts, or it would be what has to be undone next for ever.
        let nothing = doing.kind == Kind::Restore && plan.changes_nothing();
        let applies = plan.conflicts.is_empty() && !nothing;
        let operation = if applies { Some(apply::apply(self, &plan, doing)?) } else { None };
        Ok(Report { command, plan, operation, recovered: self.recovered() })
    }

    fn lock(&self) -> Result<Lock, UndoError> {
        let folder = self.repo.guard_dir();
        disk::ensure_folder(&folder, 0o700)?;
        Ok(disk::lock_within(&folder.join("lock"), self.now, PATIENCE)?)
    }

    /// Returns whether an operation's saved bytes had to make room for newer ones.
    fn is_pruned(&self, operation: &Operation) -> Result<bool, UndoError> {
        let Some(snapshot) = &operation.intent.saved.snapshot else { return Ok(false) };
        match self.store() {
            Ok(store) => Ok(!store.has(snapshot)),
            Err(UndoError::Store(StoreError::NoStore(_))) => Ok(true),
            Err(error) => Err(error),
        }
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

pub use record::path as record_path;
pub use restore::{Again, Change, How, Then};

/// Returns the operations of which a record is kept.
pub fn records(repo: &Repo) -> Vec<OperationId> {
    record::list(repo)
}

/// Removes the records that undo keeps for operations which the journal forgets.
pub fn forget(repo: &Repo, ids: &[OperationId]) -> Result<(), DiskError> {
    ids.iter().try_for_each(|id| disk::remove_file(&record::path(repo, id)).map(drop))
}
