//! What an operation did, path by path: what it left (after) and what stood there before it.
//!
//! *After* is the new tip's tree, or what git left in a merge in progress. *Before* is, in this order: the bytes saved
//! before the operation, the entry in the index kept then, the old tip's tree.

use std::collections::{BTreeMap, BTreeSet};

use crate::disk::Root;
use crate::git::{GitError, Head, Strategy};
use crate::model::{
    Attributes, Entry, Made, Mode, Oid, Operation, OperationId, RefName, RefStep, SavedFile, Slot, Source, StashStep,
    StateStep, TreePath, Way, WorkFile,
};
use crate::validate::sqlite::LOGS;

use super::autostash::{Autostash, PENDING, PUT_ASIDE};
use super::find::Open;
use super::now::{Index, Standing, There, standing};
use super::weave::file_of;
use super::{Undo, UndoError};

/// A thing after the operation and before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sides<T> {
    pub(super) after: T,
    pub(super) before: T,
}

/// What the operation did at one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PathDelta {
    pub(super) path: TreePath,
    /// The index entries; `None` leaves the index alone.
    pub(super) index: Option<Sides<Vec<Slot>>>,
    /// Whether the flags of the entries before are those that stood there: a tree has none.
    pub(super) flagged: bool,
    /// The file; `None` leaves it alone.
    pub(super) work: Option<Sides<Option<WorkFile>>>,
    /// What becomes of later changes that overlap with what goes back.
    pub(super) overlap: Overlap,
}

/// What becomes of what stands at a path now and overlaps with what goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overlap {
    /// Nothing is done.
    Refuse,
    /// It goes; its bytes are saved first.
    Replace,
    /// It stays, and what does not overlap goes back.
    Stay,
    /// Both stand there, between conflict markers.
    Mark,
}

/// What the operation did.
#[derive(Debug)]
pub(super) struct Delta {
    pub(super) way: Way,
    pub(super) why: String,
    pub(super) operation: Option<OperationId>,
    /// The commit that the operation left.
    pub(super) undone: Option<Oid>,
    pub(super) pushed: bool,
    /// HEAD as it is now.
    pub(super) head: Head,
    pub(super) made: Vec<Made>,
    pub(super) refs: Vec<RefStep>,
    pub(super) attributes: Attributes,
    /// By path.
    pub(super) paths: Vec<PathDelta>,
    pub(super) state: Vec<StateStep>,
    pub(super) stash: Option<StashStep>,
    /// Whether what can be done is done where the rest can't.
    pub(super) partly: bool,
    pub(super) notes: Vec<String>,
}

/// Files in git's folder that belong to a merge; removed in this order.
const MERGE_STATE: [&str; 7] =
    ["MERGE_HEAD", "MERGE_MODE", "MERGE_RR", "AUTO_MERGE", "SQUASH_MSG", "MERGE_MSG", PENDING];

/// Finds out what an unfinished merge did.
pub(super) fn of_open(undo: &Undo<'_>, open: Open) -> Result<Delta, UndoError> {
    let repo = undo.repo;
    let objects = repo.objects();
    let head_tree = objects.tree_of(open.head)?;
    let mut notes = Vec::new();
    let (result, mut conflicted) = result_tree(undo, &open, head_tree)?;
    conflicted.extend(repo.conflicted_paths(&repo.own_index_file())?);
    if !conflicted.is_empty() {
        notes.push("what was edited in files with conflicts goes with the merge; 'guard redo' has it".into());
    }
    let mut changes = BTreeMap::new();
    for change in objects.diff(Some(head_tree), Some(result), repo.deadline())? {
        if open.broken_off {
            // A file may be written in part, or only be gone.
            conflicted.insert(change.path.clone());
        }
        changes.insert(change.path, (change.before, change.after));
    }
    for path in &conflicted {
        let entry = objects.leaf(Some(head_tree), path)?;
        changes.entry(path.clone()).or_insert((entry, entry));
    }
    let before = Before::read(undo, open.operation.as_ref())?;
    if open.operation.is_none() {
        notes.push("the merge is not in the journal: what was uncommitted before it was not recorded".into());
    }
    let stash = Autostash::pending(undo, open.operation.as_ref())?;
    if let Some(stash) = &stash {
        stash.add_paths(&mut changes, |path| {
            Ok((objects.leaf(Some(head_tree), path)?, objects.leaf(Some(result), path)?))
        })?;
        if open.broken_off {
            // git may have been amid putting them aside.
            conflicted.extend(stash.names().cloned());
        }
    }
    let mut paths = before.paths(changes, &conflicted, &BTreeSet::new(), &mut notes);
    if let Some(stash) = stash {
        notes.push(PUT_ASIDE.into());
        stash.bring_back(undo, &before, &mut paths)?;
    }
    let (state, refs) = merge_state(undo)?;
    Ok(Delta {
        way: if open.squash { Way::Unstage } else { Way::Abort },
        why: match open {
            Open { squash: true, .. } => "the squash is not committed".into(),
            Open { broken_off: true, .. } => "the merge was broken off amid the files".into(),
            Open { .. } => "the merge is in progress".into(),
        },
        operation: open.operation.map(|operation| operation.id),
        undone: None,
        pushed: false,
        head: Head { branch: open.branch, oid: Some(open.head) },
        made: Vec::new(),
        refs,
        attributes: attributes(&paths, result, head_tree),
        paths,
        state,
        stash: None,
        partly: false,
        notes,
    })
}

/// Returns what git keeps of a merge in its own folder, to be removed.
pub(super) fn merge_state(undo: &Undo<'_>) -> Result<(Vec<StateStep>, Vec<RefStep>), UndoError> {
    let repo = undo.repo;
    let mut state = Vec::new();
    let mut refs = Vec::new();
    for name in MERGE_STATE {
        if let Some(bytes) = repo.state(name)? {
            state.push(StateStep { name: name.to_owned(), from: Some(bytes.into()), to: None });
        }
    }
    // With a reftable these are no files.
    for name in ["AUTO_MERGE", PENDING].into_iter().filter(|name| repo.is_reftable() && !repo.has_state(name)) {
        let name = RefName::from(name);
        let value = repo.ref_value(&name)?;
        refs.extend(value.map(|oid| RefStep { name, expect: Some(oid), to: None }));
    }
    Ok((state, refs))
}

/// Returns whether a merge has changed any file: one stands there as the result has it and HEAD has not.
pub(super) fn has_begun(undo: &Undo<'_>, open: &Open) -> Result<bool, UndoError> {
    let objects = undo.repo.objects();
    let head_tree = objects.tree_of(open.head)?;
    let (result, _) = result_tree(undo, open, head_tree)?;
    let root = Root::open(undo.repo.need_work_tree()?)?;
    for change in objects.diff(Some(head_tree), Some(result), undo.repo.deadline())? {
        let here = match standing(undo.repo, &root, &change.path)? {
            Standing::File(There { entry, .. }) => {
                let is_known = [change.before, change.after].contains(&Some(entry)) || !entry.mode.is_regular();
                Some(if is_known { entry } else { Entry { oid: undo.repo.clean_file(&change.path)?, ..entry } })
            }
            Standing::Nothing => None,
            Standing::Folder | Standing::Special => continue,
        };
        if here == change.after && here != change.before {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns the tree that git put into the working tree, markers included, and the paths known to be in conflict: from
/// `AUTO_MERGE`, which git's default strategy writes, or by doing the merge again.
fn result_tree(undo: &Undo<'_>, open: &Open, head_tree: Oid) -> Result<(Oid, BTreeSet<TreePath>), UndoError> {
    let repo = undo.repo;
    let objects = repo.objects();
    if let Some(tree) = repo.resolve("AUTO_MERGE^{tree}")?
        && !open.stale_auto_merge
    {
        return Ok((tree, BTreeSet::new()));
    }
    if let [other] = open.heads[..]
        && repo.is_ancestor(open.head, other)?
    {
        return Ok((objects.tree_of(other)?, BTreeSet::new()));
    }
    // A squash has no command of git's that would give it up.
    let hint = || (!open.squash).then(|| "git merge --abort".to_owned());
    let unknown = || {
        let why = "what the merge changed can't be told: its strategy left no trace and it can't be done again here";
        UndoError::refused(why, hint())
    };
    let Some(first) = open.heads.first() else { return Err(unknown()) };
    let bases = repo.merge_bases(open.head, *first)?;
    let strategy = repo.configured_strategy(open.branch.as_ref())?;
    let strategy = if strategy.names.iter().any(|name| name == "ours") { strategy } else { Strategy::default() };
    let prediction = match repo.predict(open.head, &open.heads, &bases, &strategy) {
        Err(GitError::Unsupported(why)) => return Err(UndoError::refused(why, hint())),
        prediction => prediction?,
    };
    match prediction.tree {
        Some(tree) => Ok((tree, prediction.conflicted)),
        None if prediction.changes.is_empty() => Ok((head_tree, prediction.conflicted)),
        None => match (&open.heads[..], &bases[..]) {
            ([other], [base]) => {
                let merged = repo.merge_trees(objects.tree_of(*base)?, head_tree, objects.tree_of(*other)?)?;
                Ok((merged.tree, merged.conflicted.into_iter().collect()))
            }
            _ => Err(unknown()),
        },
    }
}

/// Says by which trees' attributes files are written out, when the operation changes attributes.
pub(super) fn attributes(paths: &[PathDelta], after: Oid, before: Oid) -> Attributes {
    let name = &b".gitattributes"[..];
    let changed = paths.iter().any(|delta| delta.path.rsplit(|byte| *byte == b'/').next() == Some(name));
    if changed { Attributes { from: Some(after), to: Some(before) } } else { Attributes::default() }
}

/// Why saved bytes are not there any more.
pub(super) const PRUNED: &str = "its saved bytes were pruned";

/// What is known of the time before an operation.
pub(super) struct Before<'o> {
    index: Option<Index>,
    files: BTreeMap<&'o TreePath, &'o SavedFile>,
    unsaved: BTreeMap<&'o TreePath, &'o str>,
}

impl<'o> Before<'o> {
    pub(super) fn read(undo: &Undo<'_>, operation: Option<&'o Operation>) -> Result<Self, UndoError> {
        let mut found = Self { index: None, files: BTreeMap::new(), unsaved: BTreeMap::new() };
        // Another worktree's files and index tell nothing of this one's.
        let Some(operation) = operation.filter(|found| found.intent.worktree == undo.repo.worktree_id()) else {
            return Ok(found);
        };
        let saved = &operation.intent.saved;
        found.unsaved = saved.unsaved.iter().map(|file| (&file.path, file.why.as_str())).collect();
        if undo.is_pruned(operation)? {
            found.unsaved.extend(saved.files.iter().map(|file| (&file.path, PRUNED)));
        } else {
            found.files = saved.files.iter().map(|file| (&file.path, file)).collect();
        }
        let copy = undo.journal.index_copy_path(&operation.id)?;
        if saved.index && copy.exists() {
            found.index = Some(Index::read(undo.repo, &copy)?);
        }
        Ok(found)
    }

    /// Returns the index entries that stood at a path, if the index was kept.
    pub(super) fn index_at(&self, path: &TreePath) -> Option<Vec<Slot>> {
        self.index.as_ref().map(|index| index.at(path).to_vec())
    }

    /// Returns the files of the index that was kept.
    pub(super) fn index_files(&self) -> Option<Vec<(TreePath, WorkFile)>> {
        let files =
            |index: &Index| index.iter().filter_map(|(path, slots)| Some((path.into(), file_of(slots)?))).collect();
        self.index.as_ref().map(files)
    }

    /// Returns the file that was saved.
    pub(super) fn file_at(&self, path: &TreePath) -> Option<WorkFile> {
        self.files.get(path).map(|file| WorkFile { mode: file.mode, bits: file.bits, source: Source::Saved(file.blob) })
    }

    /// Puts together both sides of each path; `changes` are the trees' entries before and after. Paths in conflict are
    /// `replaced`; at those that go `elsewhere` what was saved does not count.
    pub(super) fn paths(
        &self,
        changes: BTreeMap<TreePath, (Option<Entry>, Option<Entry>)>,
        replaced: &BTreeSet<TreePath>,
        elsewhere: &BTreeSet<TreePath>,
        notes: &mut Vec<String>,
    ) -> Vec<PathDelta> {
        let mut displaced = self.displaced(&changes, elsewhere);
        if let Some(why) = self.unsaved.get(&TreePath::from("./")) {
            notes.push(format!("not everything that was uncommitted before it was saved: {why}"));
        }
        let delta = |(path, (before, after)): (TreePath, (Option<Entry>, Option<Entry>))| {
            let counts = !elsewhere.contains(&path);
            let kept = self.index_at(&path).filter(|_| counts);
            let flagged = kept.is_some();
            let before = kept.unwrap_or_else(|| slots(before));
            let after = slots(after);
            let is_submodule = |slots: &[Slot]| slots.iter().any(|slot| slot.entry.mode == Mode::Submodule);
            if is_submodule(&before) || is_submodule(&after) {
                notes.push(format!("'{path}' is a submodule: only its entry goes back, its folder is not touched"));
            }
            let work = if let Some(why) = self.unsaved.get(&path) {
                notes.push(format!("'{path}' was not saved before the merge ({why}): the file is not touched"));
                None
            } else {
                let saved = self.file_at(&path).filter(|_| counts);
                // Outside of a sparse checkout no file stood there.
                let was = if before.iter().any(|slot| slot.skip_worktree) { None } else { file_of(&before) };
                Some(Sides { after: file_of(&after), before: saved.or(was) })
            };
            let overlap = if replaced.contains(&path) { Overlap::Replace } else { Overlap::Refuse };
            // In conflict git leaves files that are on neither side.
            let is_something = |sides: &Sides<Option<WorkFile>>| sides.after.is_some() || sides.before.is_some();
            let work = work.filter(|sides| overlap == Overlap::Replace || is_something(sides));
            PathDelta { path, index: Some(Sides { after, before }), flagged, work, overlap }
        };
        let mut paths: Vec<PathDelta> = changes.into_iter().map(delta).collect();
        if !displaced.is_empty() {
            displaced.retain(|delta| paths.binary_search_by(|other| other.path.cmp(&delta.path)).is_err());
            paths.append(&mut displaced);
            paths.sort_by(|a, b| a.path.cmp(&b.path));
        }
        paths
    }

    /// Returns the saved files for which the operation put a folder, those whose folder gave way to a file, and the logs of
    /// databases that it replaced: git knew nothing of them, so no tree does.
    fn displaced(
        &self,
        changes: &BTreeMap<TreePath, (Option<Entry>, Option<Entry>)>,
        elsewhere: &BTreeSet<TreePath>,
    ) -> Vec<PathDelta> {
        let is_replaced = |database: &[u8]| {
            let database = TreePath::from(database);
            changes.contains_key(&database) && !elsewhere.contains(&database)
        };
        let is_log =
            |path: &TreePath| LOGS.iter().any(|ending| path.strip_suffix(ending.as_bytes()).is_some_and(is_replaced));
        let came = |path: &TreePath| changes.get(path).is_some_and(|(_, after)| after.is_some());
        let is_displaced = |path: &TreePath| {
            let above = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
            let file = above.map(|(end, _)| TreePath::from(&path[..end])).find(came);
            if let Some(file) = file {
                return !self.unsaved.contains_key(&file);
            }
            let beneath = TreePath::from([&path[..], b"/"].concat());
            let next = changes.range(&beneath..).take_while(|(other, _)| other.starts_with(&beneath)).next();
            next.is_some_and(|(_, (_, after))| after.is_some())
        };
        let untracked =
            self.files.values().filter(|file| !file.tracked && (is_displaced(&file.path) || is_log(&file.path)));
        let delta = |file: &SavedFile| {
            let work = Some(Sides { after: None, before: self.file_at(&file.path) });
            PathDelta { path: file.path.clone(), index: None, flagged: false, work, overlap: Overlap::Refuse }
        };
        untracked.map(|file| delta(file)).collect()
    }
}

/// Returns the slots of a tree's entry.
pub(super) fn slots(entry: Option<Entry>) -> Vec<Slot> {
    let slot = |entry| Slot { stage: 0, entry, skip_worktree: false, assume_unchanged: false };
    entry.map(slot).into_iter().collect()
}
