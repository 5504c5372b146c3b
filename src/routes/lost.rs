//! What a merge lost, as changes that can be made again on top of today's state: `guard restore --lost`.
//!
//! ```text
//! work of one side      base -> what that side has
//! lines of both sides   result -> what merging gives
//! ```

use super::confirm::Automatic;
use crate::facts::{self, Comparer};
use crate::git::{GitError, Graph, Reader, Repo, Strategy};
use crate::model::{Entry, Facts, Loss, Oid, Raw, Source, TreePath, WorkFile, escape};
use crate::rules;
use crate::undo::Again;

/// There is nothing to bring back.
#[derive(Debug, thiserror::Error)]
pub enum LostError {
    /// git could not be asked, or an object is missing.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The name means no merge.
    #[error("'{0}' is no merge commit here")]
    NoMerge(String),
    /// The merge lost nothing that is known.
    #[error("{0} is what merging its parents gives, or settles a conflict; nothing of it counts as lost")]
    NothingLost(String),
    /// Lines of both sides are gone where the merge was in conflict, or where this git can't redo it.
    #[error("{0} lost lines of both sides, but what merging gives there is not known; see 'git show --cc {0}'")]
    Unclear(String),
    /// Nor at that path.
    #[error("{merge} lost nothing at '{path}'")]
    NotThere {
        /// The merge.
        merge: String,
        /// The path.
        path: TreePath,
    },
}

/// Finds what a merge lost at or beneath `paths`; where none is given, wherever a rule finds something.
///
/// Returns the merge, what comes back, and the paths at which it is not known what is missing.
pub fn lost(repo: &Repo, merge: &str, paths: &[TreePath]) -> Result<(Oid, Vec<Again>, Vec<TreePath>), LostError> {
    let no_merge = || LostError::NoMerge(escape(merge.as_bytes()));
    let commit = repo.resolve(&format!("{merge}^{{commit}}"))?.ok_or_else(no_merge)?;
    if repo.objects().commit(commit)?.parents.len() < 2 {
        return Err(no_merge());
    }
    let reader = Reader::open(repo);
    let graph = Graph::load(repo, &reader, &[commit], usize::MAX)?;
    let node = graph.node(commit).ok_or_else(no_merge)?;
    let mut facts = facts::existing(&mut Comparer::new(&reader, &graph), node)?;
    if paths.is_empty()
        && let (Some(first), Some(tree)) = (facts.into.tip, facts.result_tree)
    {
        let others: Vec<Oid> = facts.incoming.iter().map(|head| head.oid).collect();
        if let Some(automatic) = Automatic::of(repo, first, &others, &facts.merge_bases)? {
            automatic.confirm(repo, &mut facts.losses, tree)?;
        }
    }
    let candidates = if paths.is_empty() {
        facts.losses.at.iter().filter(|loss| rules::is_loss(loss)).collect()
    } else {
        named(&facts, commit, paths)?
    };
    let (mut found, mut unclear) = (Vec::new(), Vec::new());
    for loss in candidates {
        match lost_at(repo, &facts, loss)? {
            Some(lost) => found.push(lost),
            None => unclear.push(loss.deviation.path.clone()),
        }
    }
    match (found.is_empty(), unclear.is_empty()) {
        (true, true) => Err(LostError::NothingLost(commit.short())),
        (true, false) => Err(LostError::Unclear(commit.short())),
        (false, _) => Ok((commit, found, unclear)),
    }
}

fn named<'f>(facts: &'f Facts, merge: Oid, paths: &[TreePath]) -> Result<Vec<&'f Loss>, LostError> {
    let mut found: Vec<&Loss> = Vec::new();
    for path in paths {
        let here = facts.losses.at.iter().filter(|loss| loss.deviation.path.is_at(path));
        let before = found.len();
        found.extend(here);
        if found.len() == before {
            return Err(LostError::NotThere { merge: merge.short(), path: path.clone() });
        }
    }
    found.sort_by(|a, b| a.deviation.path.cmp(&b.deviation.path));
    found.dedup_by(|a, b| a.deviation.path == b.deviation.path);
    Ok(found)
}

fn lost_at(repo: &Repo, facts: &Facts, loss: &Loss) -> Result<Option<Again>, GitError> {
    let deviation = &loss.deviation;
    let path = deviation.path.clone();
    if rules::is_of_both(loss) {
        let Some(automatic) = automatic(repo, facts, loss)? else { return Ok(None) };
        return Ok(Some(Again { path, before: deviation.result.and_then(file), after: Some(automatic) }));
    }
    let side = rules::side_of(loss);
    let there = deviation.parents.get(side).copied().flatten();
    // What the result does not have at all can only come back whole.
    let before = deviation.result.and(deviation.base).and_then(file);
    let after = there.and_then(file);
    if before == after {
        return Ok(None);
    }
    Ok(Some(Again { path, before, after }))
}

fn file(entry: Entry) -> Option<WorkFile> {
    let is_file = entry.mode.is_regular() || entry.mode == crate::model::Mode::Link;
    is_file.then_some(WorkFile { mode: entry.mode, bits: None, source: Source::Git(entry.oid) })
}

/// Returns what git's own merge leaves at the path; `None` where it would be in conflict.
fn automatic(repo: &Repo, facts: &Facts, loss: &Loss) -> Result<Option<WorkFile>, GitError> {
    let path = &loss.deviation.path;
    let Some(first) = facts.into.tip else { return Ok(None) };
    let others: Vec<Oid> = facts.incoming.iter().map(|head| head.oid).collect();
    let predicted = repo.predict(first, &others, &facts.merge_bases, &Strategy::default())?;
    let Some(tree) = predicted.tree.filter(|_| !predicted.conflicted.contains(path)) else { return Ok(None) };
    let Some(entry) = repo.objects().leaf(Some(tree), path)?.filter(|entry| entry.mode.is_regular()) else {
        return Ok(None);
    };
    // The blob may be in our scratch folder only.
    let bytes = repo.objects().blob(entry.oid)?;
    Ok(Some(WorkFile { mode: entry.mode, bits: None, source: Source::Bytes(Raw::from(bytes)) }))
}
