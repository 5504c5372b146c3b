//! What `--autostash` put aside: a stash that is still pending, or one whose re-apply conflicted and that git left in
//! the list, its conflicts in index and files.

use std::collections::BTreeMap;

use crate::git::GitError;
use crate::model::{Entry, Oid, RefName, TreePath};

use super::delta::{Before, PathDelta, Sides, slots};
use super::now::{Index, resolved};
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

/// So many entries of the stash are looked at.
const STASHES: usize = 50;

impl Autostash {
    /// The one that git left in the list because its re-apply conflicted, made on top of `old`.
    pub(super) fn left(undo: &Undo<'_>, old: Oid) -> Result<Option<Self>, UndoError> {
        for line in undo.repo.reflog(&"refs/stash".into(), STASHES)? {
            if line.message.as_bytes() == b"autostash"
                && undo.repo.objects().commit(line.new)?.parents.first() == Some(&old)
            {
                return Self::read(undo, line.new).map(Some);
            }
        }
        Ok(None)
    }

    /// The one that the merge in progress will re-apply.
    pub(super) fn pending(undo: &Undo<'_>) -> Result<Option<Self>, UndoError> {
        let file = undo.repo.state(PENDING)?;
        let commit = match file.as_deref().and_then(|text| Oid::from_hex(text.trim_ascii())) {
            Some(commit) => Some(commit),
            None => undo.repo.ref_value(&RefName::from(PENDING))?,
        };
        commit.map(|commit| Self::read(undo, commit)).transpose()
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

    /// Returns whether the operation made it: its files were saved before it, or its conflicts still stand in the index.
    /// Another merge onto the same commit may have left one, too.
    pub(super) fn is_of(&self, undo: &Undo<'_>, before: &Before<'_>) -> Result<bool, UndoError> {
        if self.paths.keys().any(|path| before.file_at(path).is_some()) {
            return Ok(true);
        }
        let conflicted = undo.repo.conflicted_paths(&undo.repo.own_index_file())?;
        Ok(conflicted.iter().any(|path| self.paths.contains_key(path)))
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
            delta.forced |= resolved(&slots_now).is_none() && !slots_now.is_empty();
            let entries = before.index_at(&delta.path).unwrap_or_else(|| slots(*index));
            delta.index = Some(Sides { after: slots_now, before: entries });
            let was = before.file_at(&delta.path).or_else(|| file_of(&slots(*file)));
            let after = delta.work.take().and_then(|sides| sides.after);
            delta.work = Some(Sides { after, before: was });
        }
        Ok(())
    }
}
