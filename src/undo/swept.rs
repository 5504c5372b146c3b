//! What a merge's commit took along: edits and new files that were uncommitted before the merge, and that `git commit -a` or
//! `git add -A` put into the commit that concluded it.
//!
//! Two things together tell: nothing that came in changes the path, and its inode is older than the merge. What was edited to
//! settle the merge is younger, and goes back with it.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;

use crate::model::{Oid, Operation, TreePath};

use super::delta::PathDelta;
use super::{Undo, UndoError};

/// Leaves these files as they are: without the merge they are uncommitted again. `old` is what the merge was made onto.
pub(super) fn leave(
    undo: &Undo<'_>,
    operation: &Operation,
    old: Oid,
    paths: &mut [PathDelta],
    notes: &mut Vec<String>,
) -> Result<(), UndoError> {
    let is_old = |path: &TreePath| {
        let file = undo.repo.on_disk(path).and_then(|place| place.symlink_metadata().ok());
        file.is_some_and(|file| file.ctime() * 1000 + file.ctime_nsec() / 1_000_000 < operation.at.0.cast_signed())
    };
    let mut old_ones: Vec<&mut PathDelta> =
        paths.iter_mut().filter(|delta| delta.work.is_some() && is_old(&delta.path)).collect();
    if old_ones.is_empty() || !operation.intent.kind.is_merge() {
        return Ok(());
    }
    let objects = undo.repo.objects();
    let mut brought = BTreeSet::new();
    for head in &operation.intent.incoming {
        let [base] = undo.repo.merge_bases(old, head.oid)?[..] else { return Ok(()) };
        let (base, head) = (objects.tree_of(base)?, objects.tree_of(head.oid)?);
        let changes = objects.diff(Some(base), Some(head), undo.repo.deadline())?;
        brought.extend(changes.into_iter().map(|change| change.path));
    }
    for delta in old_ones.iter_mut().filter(|delta| !brought.contains(&delta.path)) {
        delta.work = None;
        let path = &delta.path;
        notes.push(format!(
            "'{path}' stood there like that before the merge, and was committed with it: the file stays"
        ));
    }
    Ok(())
}
