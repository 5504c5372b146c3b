//! A new commit that takes changes back: what others have is not taken from them.

use bstr::ByteSlice;

use crate::model::{Made, Oid, Raw, Way, escape};

use super::find::Step;
use super::place::Place;
use super::tip::Move;
use super::{Undo, UndoError, guards};

/// Plans a commit on the branch's tip that takes back what the step brought.
pub(super) fn of(undo: &Undo<'_>, place: Place, step: Step, why: String) -> Result<Move, UndoError> {
    let objects = undo.repo.objects();
    let new_tree = objects.tree_of(step.new)?;
    let Some(old) = step.old else {
        let why = "the merge is the branch's first commit: there is nothing before it that a commit could restore";
        return Err(UndoError::refused(why, Some("guard undo-merge --way move-back".to_owned())));
    };
    let old_tree = objects.tree_of(old)?;
    let parents = objects.commit(step.new)?.parents;
    if old_tree == new_tree {
        return Err(empty(undo, &parents)?);
    }
    let tip_tree = objects.tree_of(place.tip)?;
    let merged = undo.repo.merge_trees(new_tree, tip_tree, old_tree)?;
    if !merged.conflicted.is_empty() {
        let paths: Vec<String> = merged.conflicted.iter().take(10).map(|path| format!("'{path}'")).collect();
        let more = merged.conflicted.len().saturating_sub(paths.len());
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let why =
            format!("{why}, but what was committed since overlaps with what goes back, in {}{more}", paths.join(", "));
        return Err(UndoError::refused(why, Some(by_hand(&parents, old, step.new))));
    }
    if merged.tree == tip_tree {
        let by = match undo.repo.revert_of(step.new, place.tip)? {
            Some(revert) => format!("{} reverted it", revert.short()),
            None => "it seems to be reverted already".to_owned(),
        };
        let why = format!("nothing of {} is left to take back: {by}", step.new.short());
        return Err(UndoError::refused(why, None));
    }
    let (subject, message) = message(undo, &parents, old, &step)?;
    let oid = undo.repo.new_commit(merged.tree, place.tip, &message)?;
    let mut plan = Move::back(place, step, why);
    plan.way = Way::Revert;
    plan.to = Some(oid);
    plan.made = vec![Made { oid, replaces: None, subject }];
    Ok(plan)
}

/// Plans a commit on HEAD's branch that takes back a revert, whoever made it.
pub(super) fn reapply(undo: &Undo<'_>, revert: &str) -> Result<Move, UndoError> {
    guards::no_merge_going_on(undo)?;
    let refused = |why: String| UndoError::refused(why, None);
    let name = escape(revert.as_bytes());
    let commit = undo.repo.resolve(&format!("{revert}^{{commit}}"))?;
    let commit = commit.ok_or_else(|| refused(format!("'{name}' is no commit here")))?;
    let place = Place::of_head(&undo.repo.head()?);
    let place = place.ok_or_else(|| refused("there is no commit yet, so there is nothing to reapply".into()))?;
    place.only_here(undo, &format!("undo-merge --reapply {}", commit.short()))?;
    if !undo.repo.is_ancestor(commit, place.tip)? {
        return Err(refused(format!("{} is not on {}", commit.short(), place.words())));
    }
    let found = undo.repo.objects().commit(commit)?;
    let [parent] = found.parents[..] else {
        return Err(refused(format!("{} is a merge or a first commit, not a revert", commit.short())));
    };
    let step = Step { operation: None, old: Some(parent), new: commit, fast_forward: false, from_remote: false };
    let mut plan = of(undo, place, step, format!("the revert {} is taken back", commit.short()))?;
    // People write what they like, and content alone does not tell a revert from a deletion.
    if !found.message.to_ascii_lowercase().contains_str("revert") {
        plan.notes.push(format!("the message of {} does not say that it is a revert", commit.short()));
    }
    Ok(plan)
}

/// The merge kept everything as it was (`-s ours`): a revert would be empty, and the other side stays merged for git.
fn empty(undo: &Undo<'_>, parents: &[Oid]) -> Result<UndoError, UndoError> {
    let [first, side, ..] = parents[..] else {
        return Ok(UndoError::refused("it changed nothing, so there is nothing to take back", None));
    };
    let why = "the merge changed no file ('-s ours'), so a revert would be empty; to get what it left out, apply the \
               other side's changes and commit them";
    let bases = undo.repo.merge_bases(first, side)?;
    let by_hand =
        |base: &Oid| format!("git diff --binary {} {} | git apply --3way --index", base.short(), side.short());
    let hint = bases.first().map(by_hand);
    Ok(UndoError::refused(why, hint))
}

/// Returns the command with which a person does the same and settles conflicts.
fn by_hand(parents: &[Oid], old: Oid, new: Oid) -> String {
    let [old_name, new_name] = [old, new].map(|oid| oid.short());
    match parents {
        [first, _, ..] if *first == old => format!("git revert -m 1 {new_name}"),
        [only] if *only == old => format!("git revert {new_name}"),
        _ => format!("git diff --binary {new_name} {old_name} | git apply --3way --index"),
    }
}

/// Returns git's own words for a revert: tools (and our rule `reverted-merge`) look for them.
fn message(undo: &Undo<'_>, parents: &[Oid], old: Oid, step: &Step) -> Result<(Raw, Vec<u8>), UndoError> {
    let new = step.new;
    let subject = undo.repo.objects().commit(new)?.subject();
    let reapply = subject.strip_prefix(b"Revert \"").and_then(|rest| rest.strip_suffix(b"\""));
    let title: Vec<u8> = match (parents, reapply) {
        ([only], Some(inner)) if *only == old => [&b"Reapply \""[..], inner, b"\""].concat(),
        ([first, ..], _) if *first == old => [&b"Revert \""[..], &subject, b"\""].concat(),
        _ => {
            let incoming = step.operation.iter().flat_map(|operation| &operation.intent.incoming);
            let name = incoming.flat_map(|head| &head.names).next();
            let name = name.map_or_else(|| new.short(), |name| escape(name));
            format!("Revert \"fast-forward to {name}\"").into_bytes()
        }
    };
    let what = match parents {
        [only] if *only == old => format!("This reverts commit {new}.\n"),
        [first, _, ..] if *first == old => format!("This reverts commit {new}, reversing\nchanges made to {old}.\n"),
        _ => format!("This reverts commits {old}..{new}.\n"),
    };
    let message = [&title[..], b"\n\n", what.as_bytes()].concat();
    Ok((title.into(), message))
}
