//! What a merge lost, as changes that can be made again on top of today's state: `guard restore --lost`.
//!
//! ```text
//! work of one side      base -> what that side has
//! lines of both sides   result -> what merging gives
//! a submodule           what was left -> the commit that a side has
//! ```
//!
//! A squash, a cherry-pick or a revert is no merge commit: what came in, as `<base>..<theirs>`, has to be named.

use super::confirm::Automatic;
use super::judge;
use crate::facts::{self, Asked, Comparer, Databases, Question};
use crate::git::{Commit, GitError, Graph, Reader, Repo, Strategy};
use crate::manifest::Manifest;
use crate::model::{Entry, Facts, Incoming, Loss, Mode, Oid, Raw, Source, Target, TreePath, WorkFile, escape};
use crate::rules;
use crate::undo::{Again, Change};

/// There is nothing to bring back.
#[derive(Debug, thiserror::Error)]
pub enum LostError {
    /// git could not be asked, or an object is missing.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The name means no merge.
    #[error("'{0}' is no merge commit here")]
    NoMerge(String),
    /// What is said to have come in is no range of commits, or the commit has no parent that it came to.
    #[error("'{0}' is no change that came in with one commit here: '<base>..<theirs>' is")]
    NoChange(String),
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

/// What is asked about.
#[derive(Debug, Clone, Copy)]
pub struct Merge<'m> {
    /// The commit's name.
    pub commit: &'m str,
    /// What came in with it where it is no merge: `<base>..<theirs>`.
    pub change: Option<&'m str>,
}

/// What a merge lost.
#[derive(Debug, Default)]
pub struct LostWork {
    /// What can be made again, and the commit that has it; `None` for lines of both sides.
    pub changes: Vec<(Again, Option<Oid>)>,
    /// Paths at which it is not known what is missing.
    pub unclear: Vec<TreePath>,
}

/// Finds what a merge lost at or beneath `paths`; where none is given, wherever a rule finds something. Returns the merge, too.
pub fn lost(repo: &Repo, merge: Merge<'_>, paths: &[TreePath]) -> Result<(Oid, LostWork), LostError> {
    let no_merge = || LostError::NoMerge(escape(merge.commit.as_bytes()));
    let oid = repo.resolve(&format!("{}^{{commit}}", merge.commit))?.ok_or_else(no_merge)?;
    let commit = repo.objects().commit(oid)?;
    let mut facts = match merge.change {
        Some(change) => of_change(repo, &commit, change)?,
        None if commit.parents.len() < 2 => return Err(no_merge()),
        None => of_merge(repo, oid)?.ok_or_else(no_merge)?,
    };
    if paths.is_empty()
        && let Some(first) = facts.into.tip
    {
        let others: Vec<Oid> = facts.incoming.iter().map(|head| head.oid).collect();
        if let Some(automatic) = Automatic::of(repo, first, &others, &facts.merge_bases)? {
            automatic.confirm(repo, &mut facts.losses, commit.tree)?;
        }
    }
    let candidates = if paths.is_empty() {
        facts.losses.at.iter().filter(|loss| rules::is_loss(loss)).collect()
    } else {
        named(&facts, oid, paths)?
    };
    let mut work = LostWork::default();
    for loss in candidates {
        match lost_at(repo, &facts, loss)? {
            Some(change) => {
                let path = loss.deviation.path.clone();
                work.changes.push((Again { path, from: None, change }, side_of(&facts, loss)));
            }
            None => work.unclear.push(loss.deviation.path.clone()),
        }
    }
    // Who names paths wants all of them.
    if !work.unclear.is_empty() && (work.changes.is_empty() || !paths.is_empty()) {
        return Err(LostError::Unclear(oid.short()));
    }
    if work.changes.is_empty() {
        return Err(LostError::NothingLost(oid.short()));
    }
    follow(repo, commit.tree, &mut work)?;
    Ok((oid, work))
}

/// The facts of a merge commit; `None` when there is none.
fn of_merge(repo: &Repo, commit: Oid) -> Result<Option<Facts>, GitError> {
    let reader = Reader::open(repo);
    let graph = Graph::load(repo, &reader, &[commit], usize::MAX)?;
    let Some(node) = graph.node(commit) else { return Ok(None) };
    let (mut comparer, databases) = (Comparer::new(&reader, &graph), Databases::new(repo));
    Ok(Some(facts::existing(&mut comparer, &databases, &Manifest::default(), node)?))
}

/// The facts of a commit into which a change came that its parents don't tell of.
fn of_change(repo: &Repo, commit: &Commit, change: &str) -> Result<Facts, LostError> {
    let none = || LostError::NoChange(escape(change.as_bytes()));
    let (base, theirs) = change.split_once("..").ok_or_else(none)?;
    let resolve = |name: &str| repo.resolve(&format!("{name}^{{commit}}"))?.ok_or_else(none);
    let (base, theirs) = (resolve(base)?, resolve(theirs)?);
    let [first] = commit.parents[..] else { return Err(none()) };
    let tree = |commit| repo.objects().tree_of(commit);
    let sides = [tree(first)?, tree(theirs)?];
    let losses = facts::lost_between(&Reader::open(repo), Some(tree(base)?), sides, commit.tree)?;
    let incoming = vec![Incoming { oid: theirs, names: vec![theirs.to_string().into()] }];
    let into = Target { branch: None, tip: Some(first) };
    let question = Question { into, incoming, squash: true, asked: Asked::Tree(commit.tree) };
    Ok(Facts { losses, merge_bases: vec![base], ..judge::unknown(&question) })
}

/// Finds where files stand that have moved since, when that is certain: git sees one heir.
fn follow(repo: &Repo, result: Oid, work: &mut LostWork) -> Result<(), GitError> {
    let is_gone = |again: &Again| {
        let is_changed = matches!(&again.change, Change::File { before: Some(_), after: Some(_) });
        is_changed && repo.on_disk(&again.path).is_some_and(|path| path.symlink_metadata().is_err())
    };
    if !work.changes.iter().any(|(again, _)| is_gone(again)) {
        return Ok(());
    }
    let moved = repo.moved_since(result)?;
    for (again, _) in work.changes.iter_mut().filter(|(again, _)| is_gone(again)) {
        if let Some(to) = moved.get(&again.path) {
            again.from = Some(std::mem::replace(&mut again.path, to.clone()));
        }
    }
    Ok(())
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

/// Returns the commit of the side whose work was lost, if it is one side's.
fn side_of(facts: &Facts, loss: &Loss) -> Option<Oid> {
    match rules::side_of(loss) {
        _ if rules::is_of_both(loss) => None,
        0 => facts.into.tip,
        side => facts.incoming.get(side - 1).map(|head| head.oid),
    }
}

fn lost_at(repo: &Repo, facts: &Facts, loss: &Loss) -> Result<Option<Change>, GitError> {
    let deviation = &loss.deviation;
    if rules::is_of_both(loss) {
        let Some(automatic) = automatic(repo, facts, loss)? else { return Ok(None) };
        return Ok(Some(Change::File { before: deviation.result.and_then(file), after: Some(automatic) }));
    }
    let there = deviation.parents.get(rules::side_of(loss)).copied().flatten();
    if let (Some(left), Some(to)) = (deviation.result.and_then(pointer), there.and_then(pointer)) {
        return Ok(Some(Change::Submodule { left, to }));
    }
    // What the result does not have at all can only come back whole.
    let before = deviation.result.and(deviation.base).and_then(file);
    let after = there.and_then(file);
    Ok((before != after).then_some(Change::File { before, after }))
}

fn file(entry: Entry) -> Option<WorkFile> {
    let is_file = entry.mode.is_regular() || entry.mode == Mode::Link;
    is_file.then_some(WorkFile { mode: entry.mode, bits: None, source: Source::Git(entry.oid) })
}

fn pointer(entry: Entry) -> Option<Oid> {
    (entry.mode == Mode::Submodule).then_some(entry.oid)
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
    let Some(found) = repo.smudge(&[(path.clone(), entry.oid)], None)?.pop() else { return Ok(None) };
    Ok(Some(WorkFile { mode: entry.mode, bits: None, source: Source::Bytes(Raw::from(found.bytes)) }))
}
