//! The three-way merge of an undo: what stands at each touched path now, and what will stand there.
//!
//! ```text
//! index and file, each for itself:
//!   now = after            -> before
//!   now = before           -> stays
//!   all three are texts    -> git's text merge of (after: base, now: ours, before: theirs), or a conflict
//!   anything else          -> conflict: something would be lost
//! ```
//!
//! A path in conflict in a merge that is given up ([`Overlap::Replace`]) goes back whatever stands there: its bytes are saved first.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};

use crate::disk::Root;
use crate::git::{GitError, Repo};
use crate::model::{
    Against, Conflict, Entry, IndexStep, Mode, Oid, Plan, Raw, Slot, Source, TreePath, Way, WorkFile, WorkStep,
};

use super::contents::Content;
use super::delta::{Delta, Overlap, PathDelta, Sides};
use super::form::with_line_ends_of;
use super::in_the_way::obstructions;
use super::now::{Index, Standing, There, resolved, same_slots, standing};
use super::{Undo, UndoError};

/// Plans a delta against what is there now.
pub(super) fn plan(undo: &Undo<'_>, delta: Delta) -> Result<Plan, UndoError> {
    let repo = undo.repo;
    let root = Root::open(repo.need_work_tree()?)?;
    let index = Index::read(repo, &repo.own_index_file())?;
    let plan = Plan {
        way: delta.way,
        why: delta.why,
        operation: delta.operation,
        undone: delta.undone,
        pushed: delta.pushed,
        branch: delta.head.branch,
        head: delta.head.oid,
        made: delta.made,
        refs: delta.refs,
        attributes: delta.attributes,
        blobs: Vec::new(),
        index: Vec::new(),
        work: Vec::new(),
        state: delta.state,
        stash: delta.stash,
        kept: Vec::new(),
        left_out: Vec::new(),
        conflicts: Vec::new(),
        left_alone: Vec::new(),
        notes: delta.notes,
    };
    let is_new = |path: &&PathDelta| !path.flagged && index.at(&path.path).is_empty();
    let new: Vec<&TreePath> = delta.paths.iter().filter(is_new).map(|path| &path.path).collect();
    let outside = repo.outside_sparse(&new)?;
    let (made, kept) = (HashSet::new(), OnceCell::new());
    let mut weaver = Weaver { undo, repo, root, index, outside, plan, made, kept };
    for chunk in undo.chunks(&delta.paths, |path| path.work.as_ref().and_then(|work| work.after.as_ref()))? {
        // What goes whatever stands there is not compared: a filter that fails does not matter then.
        let compared = chunk.iter().filter(|path| path.overlap != Overlap::Replace);
        let after = compared.filter_map(|path| Some((&path.path, path.work.as_ref()?.after.as_ref()?)));
        let mut after = undo.contents(after, delta.attributes.from)?;
        for path in chunk {
            let content = after.remove(&path.path);
            weaver.path(path, content)?;
        }
    }
    weaver.obstructions()?;
    if delta.partly {
        weaver.leave_alone()?;
    }
    let mut plan = weaver.plan;
    plan.kept.dedup();
    Ok(plan)
}

struct Weaver<'u, 'r> {
    undo: &'u Undo<'r>,
    repo: &'r Repo,
    root: Root,
    index: Index,
    /// New to the index, with flags that nobody knows, and outside of the sparse checkout.
    outside: Vec<TreePath>,
    plan: Plan,
    /// Blobs that the plan makes.
    made: HashSet<Oid>,
    /// Staged versions that the operation saved, with their places in the store; read when one is missing.
    kept: OnceCell<HashMap<Oid, Oid>>,
}

impl Weaver<'_, '_> {
    fn path(&mut self, delta: &PathDelta, after: Option<Content<'_>>) -> Result<(), UndoError> {
        if let Some(sides) = &delta.index {
            self.index_path(delta, sides)?;
        }
        if let Some(sides) = &delta.work {
            self.work_path(delta, sides, after)?;
        }
        Ok(())
    }

    fn obstructions(&mut self) -> Result<(), UndoError> {
        for (path, why) in obstructions(&self.plan, &self.root, &self.index)? {
            self.conflict(&path, &why);
        }
        Ok(())
    }

    fn conflict(&mut self, path: &TreePath, why: &str) {
        self.hindered(path, why, Against::Whole);
    }

    fn hindered(&mut self, path: &TreePath, why: &str, against: Against) {
        if self.plan.conflicts.last().is_none_or(|last| last.path != *path) {
            self.plan.conflicts.push(Conflict { path: path.clone(), why: why.to_owned(), against });
        }
    }

    /// Takes the paths out at which something would be lost, if that leaves anything to do.
    fn leave_alone(&mut self) -> Result<(), UndoError> {
        while !self.plan.conflicts.is_empty() {
            let left = std::mem::take(&mut self.plan.conflicts);
            let goes_on = |path: &TreePath| left.iter().all(|conflict| conflict.path != *path);
            self.plan.work.retain(|step| goes_on(&step.path));
            self.plan.index.retain(|step| goes_on(&step.path));
            self.plan.kept.retain(goes_on);
            self.plan.left_out.retain(goes_on);
            self.plan.left_alone.extend(left);
            // What stays may be in the way of something else.
            self.obstructions()?;
        }
        self.plan.left_alone.sort_by(|a, b| a.path.cmp(&b.path));
        if self.plan.changes_nothing() {
            self.plan.conflicts = std::mem::take(&mut self.plan.left_alone);
        }
        Ok(())
    }

    fn index_path(&mut self, delta: &PathDelta, sides: &Sides<Vec<Slot>>) -> Result<(), UndoError> {
        let path = &delta.path;
        let now = self.index.at(path).to_vec();
        let to = if delta.overlap == Overlap::Replace || same_slots(&now, &sides.after) {
            sides.before.clone()
        } else if same_slots(&now, &sides.before) {
            return Ok(());
        } else if now.iter().any(|slot| slot.stage > 0) {
            self.conflict(path, "it is in conflict now");
            return Ok(());
        } else {
            let Some(slot) = self.merged_slot(&now, sides)? else {
                let why = match (now.is_empty(), sides.before.is_empty()) {
                    (true, _) => "its staged removal would be lost",
                    (_, true) => "its staged changes would be lost",
                    _ => "its staged changes overlap with what goes back",
                };
                self.conflict(path, why);
                return Ok(());
            };
            self.plan.kept.push(path.clone());
            vec![slot]
        };
        let to = self.with_flags(delta, &now, to);
        for slot in to.iter().filter(|slot| slot.entry.mode != Mode::Submodule) {
            // git takes entries of objects that it does not have, and fails later. What was merged here is stored first.
            let oid = slot.entry.oid;
            if !self.made.contains(&oid)
                && let Err(missing) = self.repo.objects().header(oid)
            {
                let bytes = self.kept_version(oid)?.ok_or(missing)?;
                self.made.insert(oid);
                self.plan.blobs.push(Raw::from(bytes));
            }
        }
        if to != now {
            self.plan.index.push(IndexStep { path: path.clone(), from: now, to });
        }
        Ok(())
    }

    /// Merges three resolved entries of files.
    fn merged_slot(&mut self, now: &[Slot], sides: &Sides<Vec<Slot>>) -> Result<Option<Slot>, UndoError> {
        let (Some(now), Some(after), Some(before)) = (resolved(now), resolved(&sides.after), resolved(&sides.before))
        else {
            return Ok(None);
        };
        let [ours, base, theirs] = [now, after, before].map(|slot| slot.entry);
        if ![ours, base, theirs].iter().all(|entry| entry.mode.is_regular()) {
            return Ok(None);
        }
        let mode = merged_mode(ours.mode, base.mode, theirs.mode);
        let oid = if ours.oid == base.oid {
            theirs.oid
        } else if theirs.oid == base.oid || ours.oid == theirs.oid {
            ours.oid
        } else {
            let objects = self.repo.objects();
            let texts = [self.version(ours.oid)?, self.version(base.oid)?, self.version(theirs.oid)?];
            let Some(merged) = self.undo.merge(&texts[0], &texts[1], &texts[2], Overlap::Refuse)? else {
                return Ok(None);
            };
            let oid = objects.hash_blob(&merged)?;
            self.made.insert(oid);
            self.plan.blobs.push(Raw::from(merged));
            oid
        };
        Ok(Some(Slot { entry: Entry { mode, oid }, ..*now }))
    }

    /// Returns a staged version: git may have collected it since the index went on.
    fn version(&self, oid: Oid) -> Result<Vec<u8>, UndoError> {
        match self.repo.objects().blob(oid) {
            Err(missing @ GitError::Missing(_)) => Ok(self.kept_version(oid)?.ok_or(missing)?),
            found => Ok(found?),
        }
    }

    /// Returns a staged version that was saved before the operation that is taken back.
    fn kept_version(&self, oid: Oid) -> Result<Option<Vec<u8>>, UndoError> {
        if self.kept.get().is_none() {
            let history = self.undo.journal.operations()?;
            let operation = self.plan.operation.as_ref().and_then(|id| history.operation(id));
            let staged = operation.into_iter().flat_map(|operation| &operation.intent.saved.staged);
            // Only this thread sets it.
            let _ = self.kept.set(staged.map(|version| (version.oid, version.blob)).collect());
        }
        let blob = self.kept.get().and_then(|kept| kept.get(&oid));
        blob.map(|blob| Ok(self.undo.store()?.read_blob(blob)?)).transpose()
    }

    /// Gives the entry that a path gets its flags: those of before; where there is an entry that has others than the
    /// operation left, and where nobody knows those of before, that one's.
    fn with_flags(&self, delta: &PathDelta, now: &[Slot], mut to: Vec<Slot>) -> Vec<Slot> {
        let sides = delta.index.as_ref().filter(|_| delta.flagged);
        let sides = sides.and_then(|sides| resolved(&sides.after).zip(resolved(&sides.before)));
        if let [slot] = &mut to[..]
            && slot.stage == 0
        {
            match (resolved(now), sides) {
                (Some(now), Some((after, before))) => {
                    let flag = |now, after, before| if now == after { before } else { now };
                    slot.skip_worktree = flag(now.skip_worktree, after.skip_worktree, before.skip_worktree);
                    slot.assume_unchanged = flag(now.assume_unchanged, after.assume_unchanged, before.assume_unchanged);
                }
                (Some(now), None) => {
                    (slot.skip_worktree, slot.assume_unchanged) = (now.skip_worktree, now.assume_unchanged);
                }
                (None, _) => slot.skip_worktree |= self.outside.contains(&delta.path),
            }
        }
        to
    }

    fn work_path(
        &mut self,
        delta: &PathDelta,
        sides: &Sides<Option<WorkFile>>,
        after: Option<Content<'_>>,
    ) -> Result<(), UndoError> {
        let path = &delta.path;
        let now = standing(self.repo, &self.root, path)?;
        // A file alone is asked for where it is to stand, also outside of a sparse checkout.
        let skipped = delta.index.is_some() && self.becomes_skipped(path);
        match now {
            Standing::Special => {
                self.conflict(path, "a pipe, socket or device stands there");
                Ok(())
            }
            Standing::Nothing | Standing::Folder if skipped => Ok(()),
            Standing::Nothing | Standing::Folder => {
                if sides.after.is_some() && sides.before.is_some() && delta.overlap != Overlap::Replace {
                    let hidden = self.index.at(path).iter().any(|slot| slot.skip_worktree);
                    let why = match (hidden, now) {
                        (true, _) => "it is outside of the sparse checkout; 'git sparse-checkout add' brings it in",
                        (_, Standing::Folder) => "a folder stands there",
                        _ => "it was deleted since, and would come back",
                    };
                    self.conflict(path, why);
                } else if let Some(to) = &sides.before {
                    let step = WorkStep { path: path.clone(), expect: None, from: None, to: Some(to.clone()) };
                    self.plan.work.push(step);
                }
                Ok(())
            }
            Standing::File(there) => self.file_path(delta, sides, after, there),
        }
    }

    /// Returns whether the path stands in the index only, once its entries are what was just planned.
    fn becomes_skipped(&self, path: &TreePath) -> bool {
        let planned = self.plan.index.last().filter(|step| step.path == *path);
        planned.map_or(self.index.at(path), |step| &step.to).iter().any(|slot| slot.skip_worktree)
    }

    fn file_path(
        &mut self,
        delta: &PathDelta,
        sides: &Sides<Option<WorkFile>>,
        after: Option<Content<'_>>,
        there: There,
    ) -> Result<(), UndoError> {
        let path = &delta.path;
        let expect @ Entry { mode, .. } = there.entry;
        let mut step = |from: WorkFile, to: Option<WorkFile>| {
            self.plan.work.push(WorkStep { path: path.clone(), expect: Some(expect), from: Some(from), to });
        };
        let from = WorkFile { mode, bits: None, source: Source::Here };
        // What a commit holds need not be kept again; what an unfinished merge left is in none.
        let in_a_commit = !matches!(self.plan.way, Way::Abort | Way::Unstage | Way::Restore);
        if let (Some(file), Some(after)) = (&sides.after, &after)
            && file.mode == mode
            && after.is_that_of(&self.root, path, &there)?
        {
            if sides.before != sides.after {
                step(if in_a_commit { file.clone() } else { from }, sides.before.clone());
            }
            return Ok(());
        }
        let before = match &sides.before {
            Some(file) => Some((file, self.undo.content(path, file, self.plan.attributes.to)?)),
            None => None,
        };
        if let Some((file, theirs)) = &before
            && file.mode == mode
            && theirs.is_that_of(&self.root, path, &there)?
        {
            return Ok(());
        }
        if delta.overlap == Overlap::Replace {
            step(from, sides.before.clone());
            return Ok(());
        }
        let before = before.map(|(file, content)| Ok::<_, UndoError>((file, content.load(path)?))).transpose()?;
        let after = after.map(|content| content.load(path)).transpose()?;
        let bytes = there.load(&self.root, path)?;
        // Line endings and the like: the same to git, so nothing of the user's is in it but its form, which is saved.
        if let Some(WorkFile { mode: after_mode, source: Source::Git(oid), .. }) = &sides.after
            && *after_mode == mode
            && mode.is_regular()
            && self.repo.clean_file(path)? == *oid
        {
            let to = match &before {
                // Somebody's own file goes on as it is; what an operation did goes back whole.
                Some((file, theirs)) if file.mode.is_regular() && delta.overlap != Overlap::Refuse => {
                    let kept = with_line_ends_of(&bytes, theirs.clone());
                    if kept == *theirs { sides.before.clone() } else { Some((*file).clone().with(kept)) }
                }
                _ => sides.before.clone(),
            };
            self.plan.work.push(WorkStep { path: path.clone(), expect: Some(expect), from: Some(from), to });
            return Ok(());
        }
        let (Some(base), Some((file, theirs))) = (sides.after.as_ref().zip(after), before) else {
            let why = match (&sides.after, &sides.before) {
                (None, _) => "a file stands there that the merge did not leave",
                (_, None) => "it was changed since, and would be deleted",
                _ => "it was changed since",
            };
            self.conflict(path, why);
            return Ok(());
        };
        let three = [(mode, &bytes[..]), (base.0.mode, &base.1[..]), (file.mode, &theirs[..])];
        let mut merged = self.merged_file(three, Overlap::Refuse)?;
        if merged.is_none() {
            merged = self.overlapping(delta, three, [base.0, file])?;
        }
        match merged {
            // All of it is there already; or it is a conflict.
            Some(to) if to.mode == mode && to.holds(&bytes) => {}
            Some(to) => {
                self.plan.kept.push(path.clone());
                let from = Some(from);
                self.plan.work.push(WorkStep { path: path.clone(), expect: Some(expect), from, to: Some(to) });
            }
            None => {}
        }
        Ok(())
    }

    /// Merges texts that overlap as they stand on disk (now, base, theirs): in the form in which git stores them, if that is
    /// another one, and else as the delta wants it. What can't be merged is a conflict.
    fn overlapping(
        &mut self,
        delta: &PathDelta,
        three: [(Mode, &[u8]); 3],
        files: [&WorkFile; 2],
    ) -> Result<Option<WorkFile>, UndoError> {
        let path = &delta.path;
        if !three.iter().all(|side| side.0.is_regular()) {
            self.conflict(path, "it was changed since, and it is, was or would be a link");
            return Ok(None);
        }
        let stored = self.undo.as_stored(path, three.map(|side| side.1), files)?;
        let mut versions = three;
        for (version, stored) in versions.iter_mut().zip(stored.iter().flatten()) {
            version.1 = stored;
        }
        let mut merged = if stored.is_some() { self.merged_file(versions, Overlap::Refuse)? } else { None };
        if merged.is_none() && matches!(delta.overlap, Overlap::Stay | Overlap::Mark) {
            merged = self.merged_file(versions, delta.overlap)?.filter(|to| !to.holds(versions[0].1));
            match delta.overlap {
                _ if merged.is_none() => {}
                Overlap::Mark => {
                    self.plan.notes.push(format!("'{path}' has conflict markers where both overlap: settle them"));
                }
                _ => self.plan.left_out.push(path.clone()),
            }
        }
        let Some(merged) = merged else {
            if versions.iter().any(|version| is_binary(version.1)) {
                self.conflict(path, "it was changed since, and is no text that could be merged");
            } else {
                let why = "it was changed since, and the changes overlap with what goes back";
                self.hindered(path, why, Against::Overlap);
            }
            return Ok(None);
        };
        Ok(Some(match &merged.source {
            Source::Bytes(_) if merged.holds(versions[0].1) => merged.with(three[0].1.to_vec()),
            Source::Bytes(text) if stored.is_some() => {
                let bytes = self.undo.as_on_disk(path, text.to_vec(), self.plan.attributes.to, three[0].1)?;
                merged.with(bytes)
            }
            _ => merged,
        }))
    }

    fn merged_file(
        &self,
        [ours, base, theirs]: [(Mode, &[u8]); 3],
        overlap: Overlap,
    ) -> Result<Option<WorkFile>, UndoError> {
        if ![ours, base, theirs].iter().all(|side| side.0.is_regular()) {
            return Ok(None);
        }
        let mode = merged_mode(ours.0, base.0, theirs.0);
        let merged = if ours.1 == base.1 {
            Some(theirs.1.to_vec())
        } else if theirs.1 == base.1 || theirs.1 == ours.1 {
            Some(ours.1.to_vec())
        } else {
            self.undo.merge(ours.1, base.1, theirs.1, overlap)?
        };
        Ok(merged.map(|bytes| WorkFile { mode, bits: None, source: Source::Bytes(Raw::from(bytes)) }))
    }
}

/// As git tells: by a NUL at its beginning.
fn is_binary(bytes: &[u8]) -> bool {
    bytes.iter().take(8000).any(|byte| *byte == 0)
}

/// Merges the run bit.
fn merged_mode(ours: Mode, base: Mode, theirs: Mode) -> Mode {
    if ours == base { theirs } else { ours }
}

/// Returns the entry of a resolved index path as a file of the working tree; submodules are none.
pub(super) fn file_of(slots: &[Slot]) -> Option<WorkFile> {
    let entry = resolved(slots)?.entry;
    let source: Oid = entry.oid;
    matches!(entry.mode, Mode::File | Mode::Executable | Mode::Link).then_some(WorkFile {
        mode: entry.mode,
        bits: None,
        source: Source::Git(source),
    })
}
