//! What `--autostash` put aside: a stash that is still pending, or one whose re-apply conflicted and that git left in
//! the list, its conflicts in index and files.
//!
//! An undo brings the files back and takes the stash away. Nothing refers to it then, and git collects it; redo needs it. So
//! it is saved as a pack, in the store and not under a ref: what is uncommitted must not leave with `push --mirror`.

use std::collections::BTreeMap;

use crate::git::GitError;
use crate::model::{Entry, Mode, Oid, Operation, Plan, RefName, TreePath};
use crate::snapshot;
use crate::store::{Care, Part, Source, Wanted};

use super::delta::{Before, Overlap, PathDelta, Sides, slots};
use super::now::{Index, resolved, same_slots};
use super::weave::file_of;
use super::{Undo, UndoError};

/// An autostash and what it holds.
pub(super) struct Autostash {
    pub(super) commit: Oid,
    /// By path: the index entry and the file at that time.
    paths: BTreeMap<TreePath, (Option<Entry>, Option<Entry>)>,
}

/// Where a merge in progress keeps its autostash.
pub(super) const PENDING: &str = "MERGE_AUTOSTASH";

/// What is said of one that comes back from there.
pub(super) const PUT_ASIDE: &str = "what git had put into an autostash is brought back";

/// So many entries of the stash are looked at.
const STASHES: usize = 50;

impl Autostash {
    /// The one that git left in the list because its re-apply conflicted, made on top of `old`.
    pub(super) fn left(undo: &Undo<'_>, old: Oid) -> Result<Option<Self>, UndoError> {
        for line in undo.repo.reflog(&"refs/stash".into(), STASHES)? {
            if line.message.as_bytes() == b"autostash"
                && undo.repo.objects().commit(line.new)?.parents.first() == Some(&old)
            {
                return Self::read(undo, line.new)?.with_made_up_names(undo).map(Some);
            }
        }
        Ok(None)
    }

    /// The one that the merge in progress will re-apply. git does not keep its commit from being collected: then what was
    /// saved before the merge tells what was in it.
    pub(super) fn pending(undo: &Undo<'_>, operation: Option<&Operation>) -> Result<Option<Self>, UndoError> {
        let file = undo.repo.state(PENDING)?;
        let commit = match file.as_deref().and_then(named) {
            Some(commit) => Some(commit),
            None => undo.repo.ref_value(&RefName::from(PENDING))?,
        };
        let Some(commit) = commit else { return Ok(None) };
        let saved = operation.map(|operation| &operation.intent.saved).filter(|saved| saved.index);
        match (Self::read(undo, commit), saved) {
            (Err(UndoError::Git(GitError::Missing(_))), Some(saved)) => {
                let tracked = saved.files.iter().filter(|file| file.tracked).map(|file| &file.path);
                let staged = saved.staged.iter().map(|version| &version.path);
                let paths = tracked.chain(staged).map(|path| (path.clone(), (None, None))).collect();
                Ok(Some(Self { commit, paths }))
            }
            (found, _) => found.map(Some),
        }
    }

    fn read(undo: &Undo<'_>, commit: Oid) -> Result<Self, UndoError> {
        let (objects, deadline) = (undo.repo.objects(), undo.repo.deadline());
        let stash = objects.commit(commit)?;
        let [head, index, ..] = stash.parents[..] else {
            return Err(GitError::Damaged { oid: commit, why: "it is no stash".into() }.into());
        };
        let (head, index) = (objects.tree_of(head)?, objects.tree_of(index)?);
        let mut paths = BTreeMap::new();
        let changed =
            [objects.diff(Some(head), Some(index), deadline)?, objects.diff(Some(head), Some(stash.tree), deadline)?];
        for change in changed.into_iter().flatten() {
            let entries = (objects.leaf(Some(index), &change.path)?, objects.leaf(Some(stash.tree), &change.path)?);
            paths.insert(change.path, entries);
        }
        Ok(Self { commit, paths })
    }

    /// Adds the paths that git made up where the re-apply found something of another type in a file's place (a link, a folder):
    /// `file~Updated upstream`. Before the operation there was nothing.
    fn with_made_up_names(mut self, undo: &Undo<'_>) -> Result<Self, UndoError> {
        let is_of =
            |path: &TreePath, of: &TreePath| path.strip_prefix(&of[..]).is_some_and(|rest| rest.starts_with(b"~"));
        for path in undo.repo.conflicted_paths(&undo.repo.own_index_file())? {
            if !self.paths.contains_key(&path) && self.paths.keys().any(|of| is_of(&path, of)) {
                self.paths.insert(path, (None, None));
            }
        }
        Ok(self)
    }

    /// Returns whether the operation made it: its files were saved before it, or its conflicts still stand in the index.
    /// Another merge onto the same commit may have left one, too.
    pub(super) fn is_of(&self, undo: &Undo<'_>, before: &Before<'_>) -> Result<bool, UndoError> {
        if self.paths.keys().any(|path| before.file_at(path).is_some()) {
            return Ok(true);
        }
        let conflicted = undo.repo.conflicted_paths(&undo.repo.own_index_file())?;
        Ok(conflicted.iter().any(|path| self.paths.contains_key(path)))
    }

    /// Returns the paths at which something was put aside.
    pub(super) fn names(&self) -> impl Iterator<Item = &TreePath> {
        self.paths.keys()
    }

    /// Adds the paths that are not among the changes; `entries` tells what the trees before and after have there.
    pub(super) fn add_paths(
        &self,
        changes: &mut BTreeMap<TreePath, (Option<Entry>, Option<Entry>)>,
        entries: impl Fn(&TreePath) -> Result<(Option<Entry>, Option<Entry>), UndoError>,
    ) -> Result<(), UndoError> {
        for path in self.paths.keys().filter(|path| !changes.contains_key(*path)).cloned().collect::<Vec<_>>() {
            let entries = entries(&path)?;
            changes.insert(path, entries);
        }
        Ok(())
    }

    /// Says that what was put aside stood at its paths before. git re-applied it, or tried: whatever its index entries
    /// are now is what the operation left, and where that is a conflict so are the files.
    pub(super) fn bring_back(
        &self,
        undo: &Undo<'_>,
        before: &Before<'_>,
        paths: &mut [PathDelta],
    ) -> Result<(), UndoError> {
        let now = Index::read(undo.repo, &undo.repo.own_index_file())?;
        for delta in paths {
            let Some((index, file)) = self.paths.get(&delta.path) else { continue };
            let slots_now = now.at(&delta.path).to_vec();
            if resolved(&slots_now).is_none() && !slots_now.is_empty() {
                delta.overlap = Overlap::Replace;
            }
            let kept = before.index_at(&delta.path);
            delta.flagged = kept.is_some();
            let entries = kept.unwrap_or_else(|| slots(*index));
            delta.index = Some(Sides { after: slots_now, before: entries });
            let was = before.file_at(&delta.path).or_else(|| file_of(&slots(*file)));
            let after = delta.work.take().and_then(|sides| sides.after);
            delta.work = Some(Sides { after, before: was });
        }
        Ok(())
    }
}

/// Returns what is staged no more though the re-apply was clean: git re-applies the files, and what was staged of them
/// becomes an edit like any other. Where somebody staged something since, that stays. Deletions are not among them.
///
/// Only an autostash has staged versions saved, or a manifest that wants everything saved: then nothing tells which it was.
pub(super) fn unstaged(
    undo: &Undo<'_>,
    operation: &Operation,
    before: &Before<'_>,
    tip: Oid,
) -> Result<Vec<PathDelta>, UndoError> {
    let mut found = Vec::new();
    if operation.intent.saved.staged.is_empty() || snapshot::limits(undo.repo, operation.intent.head)?.all {
        return Ok(found);
    }
    let now = Index::read(undo.repo, &undo.repo.own_index_file())?;
    for path in operation.intent.saved.staged.iter().map(|version| &version.path) {
        let Some(staged) = before.index_at(path) else { continue };
        let after = slots(undo.repo.objects().leaf(Some(tip), path)?);
        if !after.is_empty() && same_slots(now.at(path), &after) && !same_slots(&staged, &after) {
            let index = Some(Sides { after, before: staged });
            found.push(PathDelta { path: path.clone(), index, flagged: true, work: None, overlap: Overlap::Refuse });
        }
    }
    Ok(found)
}

fn named(text: &[u8]) -> Option<Oid> {
    Oid::from_hex(text.trim_ascii())
}

/// The stashes that a plan takes out of the list or out of a merge in progress, or puts there.
fn stashes(plan: &Plan, come: bool) -> Vec<Oid> {
    let mut found: Vec<Oid> = plan.stash.iter().filter(|stash| stash.stays == come).map(|stash| stash.commit).collect();
    let state = plan.state.iter().filter(|step| step.name == PENDING);
    found.extend(
        state
            .filter_map(|step| if come { step.to.as_ref() } else { step.from.as_ref() })
            .filter_map(|text| named(text)),
    );
    let refs = plan.refs.iter().filter(|step| step.name.as_bstr() == PENDING);
    found.extend(refs.filter_map(|step| if come { step.to } else { step.expect }));
    found
}

fn is_there(undo: &Undo<'_>, stash: Oid) -> Result<bool, UndoError> {
    match undo.repo.objects().header(stash) {
        Err(GitError::Missing(_)) => Ok(false),
        found => Ok(found.map(|_| true)?),
    }
}

fn pack_name(stash: Oid) -> TreePath {
    format!("{stash}.pack").into()
}

/// Returns the stashes that a plan takes away, to be saved.
pub(super) fn leaving(undo: &Undo<'_>, plan: &Plan) -> Result<Vec<Wanted>, UndoError> {
    let mut found = Vec::new();
    for stash in stashes(plan, false) {
        // One that git has collected already can't be saved, and is missing without us.
        let (Some(head), true) = (plan.head, is_there(undo, stash)?) else { continue };
        let source = Source::Bytes { mode: Mode::File, bytes: undo.repo.pack(stash, head)? };
        found.push(Wanted { path: pack_name(stash), part: Part::State, source, care: Care::Must });
    }
    Ok(found)
}

/// Returns the packs of the stashes that a plan brings back and that git has collected since they were taken away. One that
/// is nowhere is refused when a merge would need it; from the list it is only missing.
pub(super) fn coming(undo: &Undo<'_>, plan: &Plan) -> Result<Vec<Vec<u8>>, UndoError> {
    let mut packs = Vec::new();
    for stash in stashes(plan, true) {
        if is_there(undo, stash)? {
            continue;
        }
        let operation = plan.operation.as_ref().map(|id| undo.journal.operation(id)).transpose()?.flatten();
        let name = pack_name(stash);
        let saved = operation.iter().flat_map(|operation| &operation.intent.saved.state).find(|file| file.name == name);
        match saved {
            Some(saved) => packs.push(undo.store()?.read_blob(&saved.blob)?),
            None if plan.stash.is_some_and(|step| step.commit == stash) => {}
            None => return Err(GitError::Missing(stash).into()),
        }
    }
    Ok(packs)
}
