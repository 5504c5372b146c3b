//! An undo or redo that was interrupted: finished when its refs have moved, rolled back otherwise.
//!
//! Which of both is read off the repository, never off a clock or a process id: the caller holds our lock, so the owner
//! of an intent without outcome is gone. Both directions look at each path first (is it as before, as after, or has
//! somebody touched it since?), so doing them twice, or after another crash, does no harm. What somebody touched since
//! is left alone and named.
//!
//! # Limitations
//!
//! An empty folder that was made for a file which then could not be written stays, also after an undo that failed and was
//! put back at once: git does not see it.

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::disk::{Durability, Root, is_temporary};
use crate::journal::History;
use crate::model::{IndexStep, Operation, OperationId, Plan, Slot, Status, TreePath, WorkFile, WorkStep};

use super::apply::{IndexCopy, IndexLock, end, state};
use super::now::{Index, Standing, entries_of, is_expected, same_slots, standing};
use super::{Undo, UndoError, record};

/// How an interrupted operation was dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// What was left to do was done.
    Finished,
    /// What had been done was put back.
    RolledBack,
    /// The branch has moved on since: nothing was touched.
    LeftAlone,
}

impl Way {
    /// Returns the words for people, after the operation's name.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Finished => "was interrupted and is finished now",
            Self::RolledBack => "was interrupted and is rolled back now",
            Self::LeftAlone => "was interrupted; the branch has moved since, so nothing was touched",
        }
    }
}

/// An interrupted operation that was dealt with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// Which.
    pub operation: OperationId,
    /// How.
    pub way: Way,
    /// Paths that somebody changed since, which were left as they are.
    pub left: Vec<TreePath>,
}

impl Undo<'_> {
    /// Deals with interrupted undos and redos of this worktree; for commands that change something, before anything else.
    pub fn recover_interrupted(&self) -> Result<Vec<Recovered>, UndoError> {
        let _lock = self.lock()?;
        self.recover()
    }

    /// Returns the interrupted undos and redos that were dealt with so far: what was done though something failed afterwards.
    pub fn recovered(&self) -> Vec<Recovered> {
        self.recovered.borrow().clone()
    }

    /// Returns the newest of this worktree's undos and redos that has no end: it is at work, or was interrupted.
    pub fn unended<'h>(&self, history: &'h History) -> Option<&'h Operation> {
        let worktree = self.repo.worktree_id();
        history.operations.iter().rev().find(|operation| {
            operation.outcome.is_none() && operation.intent.worktree == worktree && operation.intent.kind.is_ours()
        })
    }

    /// The same for a caller that holds our lock.
    pub(super) fn recover(&self) -> Result<Vec<Recovered>, UndoError> {
        let worktree = self.repo.worktree_id();
        let open = |operation: &&Operation| {
            operation.outcome.is_none() && operation.intent.worktree == worktree && operation.intent.kind.is_ours()
        };
        let history = self.journal.operations()?;
        let mut index_lock = IndexLock::left_behind(self);
        let mut recovered = Vec::new();
        for operation in history.operations.iter().rev().filter(open) {
            if index_lock.is_none() {
                index_lock = Some(IndexLock::take(self, &operation.id)?);
            }
            let found = self.recover_one(&operation.id)?;
            self.recovered.borrow_mut().push(found.clone());
            recovered.push(found);
        }
        Ok(recovered)
    }

    fn recover_one(&self, id: &OperationId) -> Result<Recovered, UndoError> {
        let plan = record::read(self, id)?;
        let root = Root::open(self.repo.need_work_tree()?)?;
        sweep(&plan, &root)?;
        let done = |way, left| Recovered { operation: id.clone(), way, left };
        if is_done(self, &plan, &root)? {
            state(self, &plan)?;
            end(self, id, Status::Done, &plan)?;
            return Ok(done(Way::Finished, Vec::new()));
        }
        let here = !plan.needs_head() || self.repo.head()?.branch == plan.branch;
        let untouched = here && refs_are(self, &plan, |step| step.expect)?;
        if !untouched {
            end(self, id, Status::Abandoned, &plan)?;
            return Ok(done(Way::LeftAlone, Vec::new()));
        }
        let left = roll_back(self, &plan, &root)?;
        end(self, id, Status::Abandoned, &plan)?;
        Ok(done(Way::RolledBack, left))
    }
}

/// Removes what a killed process was writing beside the files of the plan: half a file under a temporary name.
fn sweep(plan: &Plan, root: &Root) -> Result<(), UndoError> {
    let folder = |step: &WorkStep| step.path.rsplitn(2, |byte| *byte == b'/').nth(1).unwrap_or_default().to_vec();
    let folders: BTreeSet<Vec<u8>> = plan.work.iter().filter(|step| step.to.is_some()).map(folder).collect();
    for folder in folders {
        let place = root.path().join(OsStr::from_bytes(&folder));
        for entry in std::fs::read_dir(place).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if is_temporary(&name) {
                let slash: &[u8] = if folder.is_empty() { b"" } else { b"/" };
                root.remove(&TreePath::from([&folder[..], slash, name.as_bytes()].concat()), Durability::Lazy)?;
            }
        }
    }
    Ok(())
}

/// Returns whether only state files and outcome can be missing: the refs have moved, or where none had to, index and
/// files are as planned.
fn is_done(undo: &Undo<'_>, plan: &Plan, root: &Root) -> Result<bool, UndoError> {
    if !plan.refs.is_empty() {
        return refs_moved(undo, plan);
    }
    let index = Index::read(undo.repo, &undo.repo.own_index_file())?;
    // A step may be one of flags alone.
    let is_to = |now: &[Slot], step: &IndexStep| same_slots(now, &step.to) && now != step.from;
    if !plan.index.iter().all(|step| is_to(index.at(&step.path), step)) {
        return Ok(false);
    }
    let sides = sides(undo, plan, root)?;
    Ok(plan.work.iter().all(|step| sides.get(&step.path) == Some(&Side::To)))
}

/// Returns whether all refs have their new values.
pub(super) fn refs_moved(undo: &Undo<'_>, plan: &Plan) -> Result<bool, UndoError> {
    refs_are(undo, plan, |step| step.to)
}

fn refs_are(
    undo: &Undo<'_>,
    plan: &Plan,
    value: impl Fn(&crate::model::RefStep) -> Option<crate::model::Oid>,
) -> Result<bool, UndoError> {
    for step in &plan.refs {
        if undo.repo.ref_value(&step.name)? != value(step) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Which side of its step a file is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    From,
    To,
    Neither,
}

fn sides<'p>(undo: &Undo<'_>, plan: &'p Plan, root: &Root) -> Result<HashMap<&'p TreePath, Side>, UndoError> {
    let mut found = HashMap::new();
    for chunk in undo.chunks(&plan.work, |step| step.to.as_ref())? {
        let mut open = Vec::new();
        for step in chunk {
            let now = standing(undo.repo, root, &step.path)?;
            if is_expected(&now, step.expect) {
                found.insert(&step.path, Side::From);
            } else {
                open.push((step, now));
            }
        }
        let wanted = open.iter().filter_map(|(step, _)| Some((&step.path, step.to.as_ref()?)));
        let contents = undo.contents(wanted, plan.attributes.to)?;
        for (step, now) in &open {
            let is_to = match (now, &step.to) {
                (Standing::Nothing | Standing::Folder, None) => true,
                (Standing::File(there), Some(to)) if there.entry.mode == to.mode => {
                    let planned = contents.get(&step.path);
                    planned.map_or(Ok(false), |planned| planned.is_that_of(root, &step.path, there))?
                }
                _ => false,
            };
            found.insert(&step.path, if is_to { Side::To } else { Side::Neither });
        }
    }
    Ok(found)
}

/// Puts files and index back to what they were before the plan was applied. The caller holds `index.lock`. Returns the
/// paths that are on neither side, which stay.
pub(super) fn roll_back(undo: &Undo<'_>, plan: &Plan, root: &Root) -> Result<Vec<TreePath>, UndoError> {
    let sides = sides(undo, plan, root)?;
    let is = |step: &&WorkStep, side| sides.get(&step.path) == Some(&side);
    let mut left: Vec<TreePath> =
        plan.work.iter().filter(|step| is(step, Side::Neither)).map(|step| step.path.clone()).collect();
    for step in plan.work.iter().rev().filter(|step| is(step, Side::To) && step.from.is_none()) {
        root.remove(&step.path, Durability::Lazy)?;
    }
    let back: Vec<(&TreePath, &WorkFile)> = plan
        .work
        .iter()
        .filter(|step| is(step, Side::To))
        .filter_map(|step| Some((&step.path, step.from.as_ref()?)))
        .collect();
    for chunk in undo.chunks(&back, |(_, file)| Some(*file))? {
        let contents = undo.contents(chunk.iter().copied(), plan.attributes.from)?;
        for (path, file) in chunk {
            let content = contents.get(path).ok_or(UndoError::Report("git did not write out a file"))?;
            root.replace_from(path, (file.mode, file.bits), &mut *content.open()?, Durability::Lazy, None)?;
        }
    }
    let index = Index::read(undo.repo, &undo.repo.own_index_file())?;
    let mut edits = Vec::new();
    for step in &plan.index {
        let now = index.at(&step.path);
        if same_slots(now, &step.to) && now != step.from {
            edits.push((step.path.clone(), entries_of(&step.path, &step.from)));
        } else if !same_slots(now, &step.from) {
            left.push(step.path.clone());
        }
    }
    IndexCopy::make(undo, &edits)?.take_place(undo)?;
    left.sort_unstable();
    left.dedup();
    Ok(left)
}
