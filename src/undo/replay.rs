//! Commits made after a merge, made again on what stood there before it.

use crate::model::{Made, Oid, Way};

use super::find::Step;
use super::place::Place;
use super::tip::Move;
use super::{Undo, UndoError};

/// More commits are not made again.
const MOST: usize = 500;

/// Plans it; or says why it can't be done without asking a person: a merge among them, a signature, a conflict, or that
/// somebody else has them.
pub(super) fn of(undo: &Undo<'_>, place: Place, step: Step) -> Result<Result<Move, String>, UndoError> {
    let Some(old) = step.old else { return Ok(Err("there is nothing before the merge to make them again on".into())) };
    if step.new == place.tip {
        return Ok(Err("there are no commits on top".into()));
    }
    let commits = match line(undo, place.tip, step.new)? {
        Ok(commits) => commits,
        Err(why) => return Ok(Err(why)),
    };
    if let Some(first) = commits.first()
        && let Some(other) = place.others_with(undo, *first)?
    {
        return Ok(Err(format!("{other} has them too")));
    }
    let (mut made, mut parent) = (Vec::new(), old);
    for commit in commits {
        match again(undo, commit, parent)? {
            Ok(next) => {
                parent = next.oid;
                made.push(next);
            }
            Err(why) => return Ok(Err(why)),
        }
    }
    let mut plan = Move::back(place, step, "it was asked for".into());
    plan.way = Way::Replay;
    plan.to = Some(parent);
    plan.made = made;
    Ok(Ok(plan))
}

/// Returns the commits after `from` up to `tip`, oldest first; or why they are no plain line.
fn line(undo: &Undo<'_>, tip: Oid, from: Oid) -> Result<Result<Vec<Oid>, String>, UndoError> {
    let mut commits = Vec::new();
    let mut next = tip;
    while next != from {
        let [parent] = undo.repo.objects().commit(next)?.parents[..] else {
            return Ok(Err("there is a merge among them".into()));
        };
        commits.push(next);
        if commits.len() > MOST {
            return Ok(Err(format!("they are more than {MOST}")));
        }
        next = parent;
    }
    commits.reverse();
    Ok(Ok(commits))
}

/// Makes one commit again on `parent`; or says why not.
fn again(undo: &Undo<'_>, commit: Oid, parent: Oid) -> Result<Result<Made, String>, UndoError> {
    let objects = undo.repo.objects();
    let found = objects.commit(commit)?;
    let Some(was) = found.parents.first() else { return Ok(Err("one of them has no parent".into())) };
    let merged = undo.repo.merge_trees(objects.tree_of(*was)?, objects.tree_of(parent)?, found.tree)?;
    if let Some(path) = merged.conflicted.first() {
        return Ok(Err(format!("{} would be in conflict without it, at '{path}'", commit.short())));
    }
    let Some(oid) = undo.repo.commit_again(commit, merged.tree, parent)? else {
        return Ok(Err(format!("{} is signed", commit.short())));
    };
    Ok(Ok(Made { oid, replaces: Some(commit), subject: found.subject() }))
}
