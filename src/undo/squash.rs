//! Squashes: merges that no second parent tells of.

use bstr::ByteSlice;

use crate::git::{Commit, Repo};
use crate::model::{Kind, Oid, Operation};

use super::find::{Finder, Step};
use super::{Undo, UndoError};

/// The line with which git begins a squash's message.
const TITLE: &[u8] = b"Squashed commit of the following:";

/// Returns what `SQUASH_MSG` says was squashed: the newest commit it lists.
pub(super) fn heads_of_message(repo: &Repo) -> Result<Vec<Oid>, UndoError> {
    let text = repo.state("SQUASH_MSG")?.unwrap_or_default();
    let oid = |line: &[u8]| Oid::from_hex(line.strip_prefix(b"commit ")?.get(..repo.hash_kind().len() * 2)?);
    Ok(text.lines().find_map(oid).into_iter().collect())
}

/// Takes the tip for a squash's commit when the journal has a squash into its parent whose changes it holds, or when its
/// message still is the one that git proposes.
pub(super) fn committed(finder: &Finder<'_, '_>, commit: &Commit) -> Result<Option<Step>, UndoError> {
    let [parent] = commit.parents[..] else { return Ok(None) };
    let mut operation = None;
    for candidate in finder.merges_here().filter(|found| found.intent.kind == Kind::Squash) {
        if candidate.intent.head == Some(parent) && holds(finder.undo, candidate, parent, commit.tree)? {
            operation = Some(candidate.clone());
            break;
        }
    }
    let says_so = commit.message.lines().any(|line| line == TITLE);
    if operation.is_none() && !says_so {
        return Ok(None);
    }
    let new = finder.place.tip;
    Ok(Some(Step { operation, old: Some(parent), new, fast_forward: false, from_remote: false }))
}

/// Returns whether a commit changes every path that the squash changed without conflict, and as it did.
pub(super) fn holds(undo: &Undo<'_>, squash: &Operation, parent: Oid, tree: Oid) -> Result<bool, UndoError> {
    let (repo, objects) = (undo.repo, undo.repo.objects());
    let Some(incoming) = squash.intent.incoming.first().map(|head| head.oid) else { return Ok(false) };
    let before = objects.tree_of(parent)?;
    let (result, conflicted) = if repo.is_ancestor(parent, incoming)? {
        (Some(objects.tree_of(incoming)?), std::collections::BTreeSet::new())
    } else {
        let heads: Vec<Oid> = squash.intent.incoming.iter().map(|head| head.oid).collect();
        let bases = repo.merge_bases(parent, incoming)?;
        let prediction = repo.predict(parent, &heads, &bases, &crate::git::Strategy::default())?;
        (prediction.tree, prediction.conflicted)
    };
    let Some(result) = result else { return Ok(false) };
    let squashed = objects.diff(Some(before), Some(result), repo.deadline())?;
    for change in squashed.iter().filter(|change| !conflicted.contains(&change.path)) {
        if objects.leaf(Some(tree), &change.path)? != change.after {
            return Ok(false);
        }
    }
    Ok(!squashed.is_empty())
}
