//! A branch's tip moves; where it is checked out here, index and files follow.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Entry, Made, Oid, RefStep, StashStep, TreePath, Way};

use super::autostash::{Autostash, PENDING, PUT_ASIDE};
use super::delta::{Before, Delta, PathDelta, attributes, merge_state};
use super::find::Step;
use super::guards::is_there;
use super::place::Place;
use super::{Undo, UndoError, swept};

/// What is to happen to a branch.
pub(super) struct Move {
    pub(super) way: Way,
    pub(super) why: String,
    pub(super) place: Place,
    /// What is taken back.
    pub(super) step: Step,
    /// Where the tip goes; `None`: the branch will be unborn.
    pub(super) to: Option<Oid>,
    pub(super) made: Vec<Made>,
    pub(super) pushed: bool,
    pub(super) notes: Vec<String>,
}

impl Move {
    /// The branch goes back to where it was before the step.
    pub(super) fn back(place: Place, step: Step, why: String) -> Self {
        let to = step.old;
        Self { way: Way::MoveBack, why, place, step, to, made: Vec::new(), pushed: false, notes: Vec::new() }
    }

    /// Finds out what that means path by path.
    pub(super) fn delta(self, undo: &Undo<'_>) -> Result<Delta, UndoError> {
        let head = undo.repo.head()?;
        let refs = vec![RefStep { name: self.place.ref_name(), expect: Some(self.place.tip), to: self.to }];
        let mut delta = Delta {
            way: self.way,
            why: self.why,
            operation: self.step.operation.as_ref().map(|operation| operation.id.clone()),
            undone: Some(self.step.new),
            pushed: self.pushed,
            head,
            made: self.made,
            refs,
            attributes: crate::model::Attributes::default(),
            paths: Vec::new(),
            state: Vec::new(),
            stash: None,
            partly: false,
            notes: self.notes,
        };
        if self.place.here {
            files(undo, &self.step, (self.place.tip, self.to), &mut delta)?;
        } else {
            let here = super::place::words(delta.head.branch.as_ref());
            delta.notes.push(format!("{} is not checked out here: {here} and all files stay", self.place.words()));
        }
        Ok(delta)
    }
}

/// Adds what happens to index and files when HEAD goes from one commit to another and takes a step back with it.
pub(super) fn files(
    undo: &Undo<'_>,
    step: &Step,
    (from, to): (Oid, Option<Oid>),
    delta: &mut Delta,
) -> Result<(), UndoError> {
    let objects = undo.repo.objects();
    let tree = |commit: Option<Oid>| commit.map(|commit| objects.tree_of(commit)).transpose();
    let (after, before, old) = (objects.tree_of(from)?, tree(to)?, tree(step.old)?);
    let diff = |before, after| objects.diff(before, after, undo.repo.deadline());
    let changes = diff(before, Some(after))?;
    let mut changes: BTreeMap<TreePath, (Option<Entry>, Option<Entry>)> =
        changes.into_iter().map(|change| (change.path, (change.before, change.after))).collect();
    // What was saved before the step is what stood there; where the branch does not go back to that, it is not wanted.
    let elsewhere: BTreeSet<TreePath> = if before == old {
        BTreeSet::new()
    } else {
        diff(old, before)?.into_iter().map(|change| change.path).collect()
    };
    let witness = step.witness(undo)?;
    let saved = Before::read(undo, witness.as_ref())?;
    match (&step.operation, &witness) {
        (_, Some(_)) => {}
        (None, None) => delta.notes.push(UNKNOWN.into()),
        (Some(_), None) => delta.notes.push(LATE.into()),
    }
    // A git that was ended when it had made the commit, and not yet tidied up.
    let is_left = step.new == from && (is_there(undo, "MERGE_HEAD")? || is_there(undo, PENDING)?);
    if is_left {
        let (state, mut refs) = merge_state(undo)?;
        delta.state = state;
        delta.refs.append(&mut refs);
    }
    let pending = if is_left { Autostash::pending(undo, witness.as_ref())? } else { None };
    let is_pending = pending.is_some();
    let mut stash = match (pending, step.old) {
        (None, Some(old)) => Autostash::left(undo, old)?,
        (pending, _) => pending,
    };
    if let Some(found) = &stash
        && !is_pending
        && !found.is_of(undo, &saved)?
    {
        stash = None;
    }
    if let Some(stash) = &stash {
        stash.add_paths(&mut changes, |path| Ok((objects.leaf(before, path)?, objects.leaf(Some(after), path)?)))?;
    }
    delta.paths = saved.paths(changes, &BTreeSet::new(), &elsewhere, &mut delta.notes);
    if let (Some(operation), Some(old)) = (&witness, step.old.filter(|_| elsewhere.is_empty())) {
        swept::leave(undo, operation, old, &mut delta.paths, &mut delta.notes)?;
    }
    if let Some(stash) = stash {
        stash.bring_back(undo, &saved, &mut delta.paths)?;
        if is_pending {
            delta.notes.push(PUT_ASIDE.into());
        } else {
            delta.notes.push(CONFLICTED.into());
            delta.stash = Some(StashStep { commit: stash.commit, stays: false });
        }
    } else if let Some(operation) = &witness {
        let is_new = |found: &PathDelta| {
            !elsewhere.contains(&found.path) && delta.paths.iter().all(|other| other.path != found.path)
        };
        let mut unstaged = super::autostash::unstaged(undo, operation, &saved, after)?;
        unstaged.retain(is_new);
        delta.paths.append(&mut unstaged);
        delta.paths.sort_by(|a, b| a.path.cmp(&b.path));
    }
    delta.attributes = match before {
        Some(before) => attributes(&delta.paths, after, before),
        None => crate::model::Attributes { from: Some(after), to: None },
    };
    Ok(())
}

const CONFLICTED: &str = "the autostash whose re-apply conflicted is brought back, and leaves the stash list";
const UNKNOWN: &str = "it is not in the journal: what was uncommitted before it was not recorded";
const LATE: &str = "it was recorded when it had happened: what was uncommitted before it was not saved";
