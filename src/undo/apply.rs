//! Doing what was planned.
//!
//! The caller holds our lock (`recoveryguard/lock`) and has planned. Then, in this order:
//!
//! | step | a crash after it leaves | the next guard command |
//! |---|---|---|
//! | `index.lock` created, with our mark in it | that file | removes it |
//! | index steps tried on a copy; `update-ref` up to `prepare` | ref locks that git drops with its parent | |
//! | snapshot: what the plan takes away and no commit holds (synced, whole, or nothing is done), then everything else that is uncommitted within the budget; record; intent (synced) | as before the undo | rolls back: nothing to do |
//! | files removed, files written, one by one, each compared just before | some files before, some after | rolls back |
//! | index replaced | files and index after, refs before | rolls back |
//! | refs committed | all but the state files | finishes |
//! | state files (`MERGE_HEAD` …), list of stashes, outcome (synced) | done | |
//!
//! An error before the intent leaves everything as it was. One between the intent and the refs is rolled back at once;
//! one after the refs is left for the next guard command to finish.
//!
//! # Limitations
//!
//! Files of the working tree are not synced, as git does not sync them: after a power failure one may be empty although
//! the undo was recorded. Between the comparison of a file and its replacement another program may write it.

use std::path::{Path, PathBuf};

use crate::disk::{self, DiskError, Durability, Root};
use crate::git::{GitError, IndexEntry, RefTransaction};
use crate::model::{
    Body, Entry, Intent, Mode, Oid, OperationId, Outcome, Plan, Record, RefMove, RefName, Saved, SavedFile, Slot,
    Source, Status, TreePath, Unsaved, WorkFile, WorkStep,
};
use crate::snapshot::{self, Order, Scope};
use crate::store::{self, Care, Part, Wanted};

use super::now::{Index, entries_of, is_expected, standing};
use super::recover::roll_back;
use super::{Doing, Undo, UndoError, autostash, record};

/// Applies a plan without conflicts, whole or not at all. Returns the operation that did it.
pub(super) fn apply(undo: &Undo<'_>, plan: &Plan, doing: Doing<'_>) -> Result<OperationId, UndoError> {
    let id = undo.journal.new_id(undo.now);
    let _index_lock = IndexLock::take(undo, &id)?;
    unchanged(undo, plan)?;
    let edits: Vec<_> = plan.index.iter().map(|step| (step.path.clone(), entries_of(&step.path, &step.to))).collect();
    for blob in &plan.blobs {
        undo.repo.store_blob(blob.to_vec())?;
    }
    if let (Some(made), Some(have)) = (plan.made.last(), plan.undone) {
        undo.repo.adopt(made.oid, have)?;
    }
    for pack in autostash::coming(undo, plan)? {
        undo.repo.unpack(pack)?;
    }
    let copy = IndexCopy::make(undo, &edits)?;
    let mut refs = prepare(undo, plan, &id, doing)?;
    let root = Root::open(undo.repo.need_work_tree()?)?;
    let plan = keep(undo, plan, &id, doing)?;
    let done = files(undo, &plan, &root, doing).and_then(|()| copy.take_place(undo)).and_then(|()| match refs.take() {
        Some(refs) => commit(undo, &plan, refs),
        None => Ok(()),
    });
    if let Err(cause) = done {
        drop(refs);
        return Err(match roll_back(undo, &plan, &root).and_then(|_| end(undo, &id, Status::Abandoned, &plan)) {
            Ok(()) => UndoError::RolledBack { command: doing.word(), cause: Box::new(cause) },
            Err(rollback) => {
                UndoError::Stuck { command: doing.word(), cause: Box::new(cause), rollback: Box::new(rollback) }
            }
        });
    }
    let ended = state(undo, &plan).and_then(|()| end(undo, &id, Status::Done, &plan));
    ended.map_err(|error| UndoError::Unrecorded(Box::new(error)))?;
    Ok(id)
}

/// Refuses when HEAD, index or state files are not what was planned with. From now on git can't change the index, and so
/// neither switch branches nor begin a merge.
fn unchanged(undo: &Undo<'_>, plan: &Plan) -> Result<(), UndoError> {
    if plan.needs_head() {
        let head = undo.repo.head()?;
        if head.branch != plan.branch || head.oid != plan.head {
            return Err(UndoError::Changed("HEAD".into()));
        }
        let merging = plan.state.iter().any(|step| step.name == "MERGE_HEAD" && step.from.is_some());
        if !merging && undo.repo.has_state("MERGE_HEAD") {
            return Err(UndoError::Changed("MERGE_HEAD".into()));
        }
    }
    let index = Index::read(undo.repo, &undo.repo.own_index_file())?;
    for step in &plan.index {
        if index.at(&step.path) != step.from {
            return Err(UndoError::Changed(step.path.clone()));
        }
    }
    for step in &plan.state {
        if undo.repo.state(&step.name)?.map(Into::into) != step.from {
            return Err(UndoError::Changed(step.name.as_str().into()));
        }
    }
    Ok(())
}

/// Lets git take the ref locks and ask the hooks; `None` when no ref moves.
fn prepare(
    undo: &Undo<'_>,
    plan: &Plan,
    id: &OperationId,
    doing: Doing<'_>,
) -> Result<Option<RefTransaction>, UndoError> {
    if plan.refs.is_empty() {
        return Ok(None);
    }
    let commit = || plan.undone.or(plan.head).map_or_else(String::new, |oid| oid.short());
    let of = plan.operation.as_ref().map_or_else(commit, ToString::to_string);
    let mut transaction = undo.repo.ref_transaction(&format!("guard {}: {of}", doing.command))?;
    for step in &plan.refs {
        transaction.update(&step.name, step.expect, step.to)?;
    }
    for (place, lost) in lost(undo, plan)?.into_iter().enumerate() {
        // Nothing else may hold these commits from now on, and redo needs them.
        let more = if place == 0 { String::new() } else { format!("-{place}") };
        let name = RefName::from(format!("refs/recoveryguard/pre-merge/{id}{more}"));
        transaction.update(&name, None, Some(lost))?;
    }
    transaction.prepare().map_err(|error| match error {
        GitError::Unsupported(why) => UndoError::refused(why, "run it again when git lets that ref move".to_owned()),
        error => error.into(),
    })?;
    Ok(Some(transaction))
}

/// Returns the tips that branches leave without building on them.
fn lost(undo: &Undo<'_>, plan: &Plan) -> Result<Vec<Oid>, UndoError> {
    let mut tips = Vec::new();
    for step in &plan.refs {
        let is_tip = step.name.as_bstr() == "HEAD" || step.name.starts_with(b"refs/heads/");
        let Some(tip) = step.expect.filter(|tip| is_tip && !tips.contains(tip)) else { continue };
        let stays = step.to.map_or(Ok(false), |to| undo.repo.is_ancestor(tip, to))?;
        if !stays {
            tips.push(tip);
        }
    }
    Ok(tips)
}

/// Saves what is in no commit, and writes record and intent. Returns the plan with the places of what was saved.
fn keep(undo: &Undo<'_>, plan: &Plan, id: &OperationId, doing: Doing<'_>) -> Result<Plan, UndoError> {
    let mut plan = plan.clone();
    let mut saved = save(undo, &plan, id)?;
    for step in &mut plan.work {
        if let Some(from @ WorkFile { source: Source::Here, .. }) = &mut step.from {
            let find = |file: &&SavedFile| file.path == step.path;
            let file = saved.files.iter().find(find).ok_or(UndoError::Report("a file to be saved was not"))?;
            if step.expect != Some(Entry { mode: file.mode, oid: undo.name_here(file.blob)? }) {
                undo.store()?.remove(id)?;
                return Err(UndoError::Changed(step.path.clone()));
            }
            from.source = Source::Saved(file.blob);
        }
    }
    let index = undo.repo.own_index_file();
    if index.exists() {
        undo.journal.keep_index(id, &index, Durability::Fsync)?;
        saved.index = true;
    }
    record::write(undo, id, &plan)?;
    let intent = Intent {
        kind: doing.kind,
        worktree: undo.repo.worktree_id(),
        branch: plan.branch.clone(),
        head: plan.head,
        incoming: Vec::new(),
        action: format!("guard {}", doing.command).into(),
        saved,
        predicted: None,
        of: plan.operation.clone(),
        planned: moves(&plan),
    };
    undo.write(id, Body::Intent(intent))?;
    Ok(plan)
}

/// Saves the bytes that the plan takes away and no commit holds: all of them, or nothing is done. Beside them everything else
/// that is uncommitted, as far as the budget reaches.
fn save(undo: &Undo<'_>, plan: &Plan, id: &OperationId) -> Result<Saved, UndoError> {
    let mut given: Vec<Wanted> = plan.work.iter().filter_map(wanted).collect();
    given.extend(staged_only(undo, plan)?);
    given.extend(autostash::leaving(undo, plan)?);
    let must: Vec<(TreePath, Part)> = given.iter().map(|wanted| (wanted.path.clone(), wanted.part)).collect();
    let limits = snapshot::limits(undo.repo, plan.head)?;
    let order = Order { id, now: undo.now, given, scope: Scope::All, limits: &limits, durability: Durability::Fsync };
    let saved = match snapshot::save(undo.repo, order) {
        Err(error) if !must.is_empty() => return Err(error.into()),
        // What the plan does not touch stays where it is.
        Err(error) => {
            Saved { unsaved: vec![Unsaved { path: "./".into(), why: error.to_string() }], ..Saved::default() }
        }
        Ok(saved) => saved,
    };
    let is_saved = |(path, part): &(TreePath, Part)| match part {
        Part::File { .. } => saved.files.iter().any(|file| file.path == *path),
        Part::Staged(oid) => saved.staged.iter().any(|version| version.oid == *oid),
        Part::State => true,
    };
    match must.iter().find(|wanted| !is_saved(wanted)) {
        None => Ok(saved),
        Some((path, _)) => {
            undo.store()?.remove(id)?;
            let known = saved.unsaved.iter().chain(&saved.unsaved_staged).find(|file| file.path == *path);
            let why = known.map_or("it is not there any more", |file| file.why.as_str());
            let why = format!("'{path}' would be replaced and can't be saved first: {why}");
            Err(UndoError::refused(why, "move it away, then run it again".to_owned()))
        }
    }
}

fn wanted(step: &WorkStep) -> Option<Wanted> {
    let is_to_be_saved = step.from.as_ref().is_some_and(|from| from.source == Source::Here);
    let part = Part::File { tracked: true };
    let wanted = || Wanted { path: step.path.clone(), part, source: store::Source::OnDisk, care: Care::Must };
    is_to_be_saved.then(wanted)
}

/// Returns the versions that only the index has and that leave it: git may collect them, and redo needs them. What the other
/// side of a merge in progress committed goes with that side, which redo needs whole.
fn staged_only(undo: &Undo<'_>, plan: &Plan) -> Result<Vec<Wanted>, UndoError> {
    let objects = undo.repo.objects();
    let sides = plan.head.into_iter().chain(undo.repo.merge_heads()?);
    let sides = sides.map(|side| objects.tree_of(side)).collect::<Result<Vec<_>, _>>()?;
    let mut found = Vec::new();
    for step in plan.index.iter().filter(|step| !step.from.is_empty()) {
        let committed = sides.iter().map(|tree| objects.leaf(Some(*tree), &step.path));
        let committed = committed.collect::<Result<Vec<_>, _>>()?;
        for Slot { entry, .. } in &step.from {
            let is_committed = committed.iter().flatten().any(|there| there.oid == entry.oid);
            if !is_committed && entry.mode != Mode::Submodule {
                let source = store::Source::Bytes { mode: Mode::File, bytes: objects.blob(entry.oid)? };
                let part = Part::Staged(entry.oid);
                found.push(Wanted { path: step.path.clone(), part, source, care: Care::Must });
            }
        }
    }
    Ok(found)
}

fn moves(plan: &Plan) -> Vec<RefMove> {
    plan.refs.iter().map(|step| RefMove { name: step.name.clone(), old: step.expect, new: step.to }).collect()
}

/// Removes and writes files: removals first and deepest first, so that folders and files can take each other's place.
fn files(undo: &Undo<'_>, plan: &Plan, root: &Root, doing: Doing<'_>) -> Result<(), UndoError> {
    let expected = |step: &WorkStep| {
        if is_expected(&standing(undo.repo, root, &step.path)?, step.expect) {
            Ok(())
        } else {
            Err(UndoError::Changed(step.path.clone()))
        }
    };
    for step in plan.work.iter().rev().filter(|step| step.to.is_none()) {
        expected(step)?;
        root.remove(&step.path, Durability::Lazy)?;
    }
    let written: Vec<&WorkStep> = plan.work.iter().filter(|step| step.to.is_some()).collect();
    for chunk in undo.chunks(&written, |step| step.to.as_ref())? {
        let wanted = chunk.iter().filter_map(|step| Some((&step.path, step.to.as_ref()?)));
        let contents = undo.contents(wanted, plan.attributes.to)?;
        for step in chunk {
            let (Some(to), Some(content)) = (&step.to, contents.get(&step.path)) else {
                return Err(UndoError::Report("git did not write out a file"));
            };
            expected(step)?;
            let pass = doing.check.map(|check| |beside: &Path| check(&step.path, beside));
            // What is examined is meant to stay.
            let durability = if pass.is_some() { Durability::Fsync } else { Durability::Lazy };
            let pass = pass.as_ref().map(|pass| pass as &dyn Fn(&Path) -> Result<(), String>);
            root.replace_from(&step.path, (to.mode, to.bits), &mut *content.open()?, durability, pass)?;
        }
    }
    Ok(())
}

/// Commits the refs. When the answer is lost, the refs tell.
fn commit(undo: &Undo<'_>, plan: &Plan, refs: RefTransaction) -> Result<(), UndoError> {
    match refs.commit() {
        Err(_) if super::recover::refs_moved(undo, plan)? => Ok(()),
        result => Ok(result?),
    }
}

/// Changes the files in git's folder, and the list of stashes. Doing it twice does no harm.
pub(super) fn state(undo: &Undo<'_>, plan: &Plan) -> Result<(), UndoError> {
    for step in &plan.state {
        let path = undo.repo.git_dir().join(&step.name);
        match &step.to {
            Some(bytes) => disk::write_atomic(&path, bytes, Durability::Lazy, 0o666)?,
            None => drop(disk::remove_file(&path)?),
        }
    }
    match plan.stash {
        Some(stash) if stash.stays => undo.repo.keep_stash(stash.commit)?,
        Some(stash) => undo.repo.drop_stash(stash.commit)?,
        None => {}
    }
    Ok(())
}

/// Writes how it ended.
pub(super) fn end(undo: &Undo<'_>, id: &OperationId, status: Status, plan: &Plan) -> Result<(), UndoError> {
    let moved = if status == Status::Done { moves(plan) } else { Vec::new() };
    undo.write(id, Body::Outcome(Outcome { status, moved }))
}

impl Undo<'_> {
    fn write(&self, id: &OperationId, body: Body) -> Result<(), UndoError> {
        let guard = env!("CARGO_PKG_VERSION").to_owned();
        let record = Record { operation: Some(id.clone()), at: self.now, guard, body };
        self.journal.append(&record, Durability::Fsync)?;
        Ok(())
    }
}

/// git's lock on the index, with our mark in it so that one that a killed undo left can be told from git's.
pub(super) struct IndexLock {
    path: PathBuf,
}

const MARK: &str = "recoveryguard ";

impl IndexLock {
    /// Takes the lock, or says that somebody else has it.
    pub(super) fn take(undo: &Undo<'_>, id: &OperationId) -> Result<Self, UndoError> {
        let path = undo.repo.git_dir().join("index.lock");
        match disk::create_new(&path, format!("{MARK}{id}\n").as_bytes(), Durability::Lazy, 0o644) {
            Ok(()) => Ok(Self { path }),
            Err(DiskError::Exists(path)) => Err(UndoError::IndexLocked(path)),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes over the lock that a killed undo left. The caller holds our own lock, so its owner is gone.
    pub(super) fn left_behind(undo: &Undo<'_>) -> Option<Self> {
        let path = undo.repo.git_dir().join("index.lock");
        let ours = |bytes: Vec<u8>| bytes.starts_with(MARK.as_bytes());
        // A lock of git's may be as large as the index, or anything else: then it is not ours.
        let is_ours = disk::read_own(&path, 200).ok().flatten().is_some_and(ours);
        // Not `then_some`: a value that is made and thrown away would remove somebody else's lock.
        is_ours.then(|| Self { path })
    }
}

impl Drop for IndexLock {
    fn drop(&mut self) {
        // If it stays, our mark in it lets the next guard command remove it.
        let _ = disk::remove_file(&self.path);
    }
}

/// A changed copy of the index, not yet in its place.
pub(super) struct IndexCopy {
    folder: PathBuf,
    file: Option<PathBuf>,
}

impl IndexCopy {
    /// Changes entries in a copy; fails where git would not take them. No edits make no copy.
    pub(super) fn make(undo: &Undo<'_>, edits: &[(TreePath, Vec<IndexEntry>)]) -> Result<Self, UndoError> {
        let folder = undo.repo.guard_dir().join("tmp").join(format!("index-{}", std::process::id()));
        if edits.is_empty() {
            return Ok(Self { folder, file: None });
        }
        disk::ensure_folder(&folder, 0o700)?;
        let file = folder.join("index");
        let copy = Self { folder, file: Some(file.clone()) };
        undo.repo.change_index(&undo.repo.own_index_file(), &file, edits)?;
        Ok(copy)
    }

    /// Puts the copy into the index's place. The caller holds `index.lock`; the files are what they will be.
    pub(super) fn take_place(&self, undo: &Undo<'_>) -> Result<(), UndoError> {
        let Some(file) = &self.file else { return Ok(()) };
        undo.repo.refresh_index(file)?;
        Ok(disk::move_over(file, &undo.repo.own_index_file(), Durability::Fsync)?)
    }
}

impl Drop for IndexCopy {
    fn drop(&mut self) {
        if let (Some(_), Some(parent)) = (&self.file, self.folder.parent()) {
            // What is left is found by `guard doctor`.
            let _ = disk::remove_folder_all_inside(parent, &self.folder);
        }
    }
}
