//! Moves of branches that no hook saw: hooks were switched off, or another client moved them.
//!
//! ```text
//! known     the values of branches when a command last looked (`recoveryguard/seen`), then the journal's moves since
//! a gap     known and actual value differ           -> one operation `external` a step of the reflog
//! ```
//!
//! A branch that was renamed or copied took its reflog along: those steps are the other branch's, and not told again. That
//! the old name of a renamed branch is gone belongs to the rename.
//!
//! A hook compares the old value of what moves with the journal's last value of that branch, so that what happened unseen
//! before it stands before it in the journal. Commands compare all branches. A branch that another worktree has checked out
//! is left to the commands that run there: only they can undo what happened to it.
//!
//! The file is a cache: without it the next look only takes down what is there. It is replaced whole, under our lock.
//!
//! # Limitations
//!
//! Of a detached HEAD nothing is known: checkouts move it without a record. When an operation happened is not known either:
//! its time is the one at which it was noticed.

use std::collections::{BTreeMap, BTreeSet};

use bstr::ByteSlice;

use super::Session;
use crate::disk::{self, Durability};
use crate::git::{GitError, ReflogEntry, Repo};
use crate::journal::History;
use crate::model::{Intent, Kind, Oid, Operation, OperationId, Raw, RefMove, RefName, Saved, Status, Timestamp};

/// The values of branches at the last look.
const SEEN: &str = "seen";
/// Larger files are none of ours.
const MAX: u64 = 64 << 20;
/// More steps of one branch become one operation.
const STEPS: usize = 50;
/// When more branches have moved, all of them become one operation.
const BRANCHES: usize = 20;
/// An operation that began so many milliseconds before a look may have ended after it.
const OVERLAP: u64 = 60 * 60 * 1000;

type Values = BTreeMap<RefName, Oid>;

/// A step that a branch took unseen, and the reflog's words for it.
struct Unseen {
    step: RefMove,
    action: Raw,
}

/// Compares all branches with the journal, and records what no hook saw; takes down what is there. Does nothing before
/// `guard install` or a first operation, while another guard works here, and where nothing can be written.
pub fn look(session: &Session<'_>) -> Result<(), GitError> {
    let folder = session.repo.guard_dir();
    if !folder.join(SEEN).exists() && !session.journal.folder().exists() {
        return Ok(());
    }
    take_down(session)
}

/// The same when guard is installed: from now on every move counts.
pub fn take_down(session: &Session<'_>) -> Result<(), GitError> {
    let folder = session.repo.guard_dir();
    let Some(mut found) = compare(session)? else { return Ok(()) };
    let Ok(lock) = disk::ensure_folder(&folder, 0o700).and_then(|()| disk::lock(&folder.join("lock"), session.now))
    else {
        return Ok(());
    };
    if !found.gaps.is_empty() {
        // Somebody else may have found the same meanwhile: what counts is found under the lock.
        let Some(again) = compare(session)? else { return Ok(()) };
        found = again;
    }
    let Found { gaps, values } = found;
    let found = !gaps.is_empty();
    if gaps.len() > BRANCHES {
        record(session, gaps, Raw::default());
    } else {
        let (mut gone, there): (Vec<_>, Vec<_>) = gaps.into_iter().partition(|gap| gap.new.is_none());
        for gap in there {
            record_steps(session, gap, &mut gone)?;
        }
        for gap in gone {
            record(session, vec![gap], Raw::default());
        }
    }
    write(session, &values);
    drop(lock);
    if found {
        super::retention::at_once(session);
    }
    Ok(())
}

/// What a look found.
struct Found {
    gaps: Vec<RefMove>,
    /// What to take down.
    values: Values,
}

/// Compares the branches with what is known; `None` when there is nothing to write.
fn compare(session: &Session<'_>) -> Result<Option<Found>, GitError> {
    let repo = session.repo;
    let Ok(history) = session.journal.operations() else { return Ok(None) };
    // What an interrupted undo moved is dealt with by the command that finishes it.
    let interrupted = |operation: &Operation| operation.outcome.is_none() && operation.intent.kind.is_ours();
    if history.newer().is_some() || history.operations.iter().any(interrupted) {
        return Ok(None);
    }
    let actual: Values = repo.refs("refs/heads/")?.into_iter().collect();
    let before = read(repo);
    let known = known(before.as_ref(), &history);
    let elsewhere = checked_out_elsewhere(repo)?;
    let gaps = gaps(before.is_some(), &known, &actual, &elsewhere);
    let mut values = actual;
    for name in elsewhere {
        match known.get(&name) {
            Some(value) => drop(values.insert(name, *value)),
            None => drop(values.remove(&name)),
        }
    }
    let nothing = gaps.is_empty() && before.is_some_and(|before| before.1 == values);
    Ok((!nothing).then_some(Found { gaps, values }))
}

/// Records what happened unseen to the branches of these moves, before they are recorded themselves.
pub(super) fn before(session: &Session<'_>, moves: &[RefMove]) -> Result<(), GitError> {
    for step in moves.iter().filter(|step| step.name.starts_with(b"refs/heads/")) {
        let Some(old) = step.old else { continue };
        let Ok(Some(last)) = session.journal.last_value(&step.name) else { continue };
        if last != Some(old) {
            let gap = RefMove { name: step.name.clone(), old: last, new: Some(old) };
            record_steps(session, gap, &mut Vec::new())?;
        }
    }
    Ok(())
}

/// Returns the value that a branch had as far as we know: by the journal, or when a command last looked.
pub(super) fn last_value(session: &Session<'_>, name: &RefName) -> Option<Oid> {
    match session.journal.last_value(name) {
        Ok(Some(value)) => value,
        _ => read(session.repo)?.1.get(name).copied(),
    }
}

/// Returns the values that the branches should have.
fn known(before: Option<&(Timestamp, Values)>, history: &History) -> Values {
    let (since, mut values) = before.map_or_else(|| (Timestamp(0), Values::new()), Clone::clone);
    for operation in &history.operations {
        let moved = operation.outcome.iter().filter(|outcome| outcome.status == Status::Done);
        for step in moved.flat_map(|outcome| &outcome.moved).filter(|step| step.name.starts_with(b"refs/heads/")) {
            let later = operation.at >= since;
            let goes_on = operation.at.0 + OVERLAP >= since.0 && values.get(&step.name).copied() == step.old;
            match step.new {
                Some(new) if later || goes_on => drop(values.insert(step.name.clone(), new)),
                None if later || goes_on => drop(values.remove(&step.name)),
                _ => {}
            }
        }
    }
    values
}

fn gaps(looked_before: bool, known: &Values, actual: &Values, elsewhere: &BTreeSet<RefName>) -> Vec<RefMove> {
    let mut gaps = Vec::new();
    for (name, value) in actual {
        let old = known.get(name).copied();
        // Without an earlier look a branch that the journal does not know is only old.
        if old != Some(*value) && (old.is_some() || looked_before) {
            gaps.push(RefMove { name: name.clone(), old, new: Some(*value) });
        }
    }
    for (name, value) in known.iter().filter(|(name, _)| !actual.contains_key(*name)) {
        gaps.push(RefMove { name: name.clone(), old: Some(*value), new: None });
    }
    gaps.retain(|gap| !elsewhere.contains(&gap.name));
    gaps
}

fn checked_out_elsewhere(repo: &Repo) -> Result<BTreeSet<RefName>, GitError> {
    if !repo.has_linked_worktrees() {
        return Ok(BTreeSet::new());
    }
    let here = repo.head()?.branch;
    let branches = repo.worktrees()?.into_iter().filter_map(|(_, branch)| branch);
    Ok(branches.filter(|branch| Some(branch) != here.as_ref()).collect())
}

/// Records a gap as the steps that the reflog tells, or as one. Takes the old name of a renamed branch from those that are
/// `gone`.
fn record_steps(session: &Session<'_>, gap: RefMove, gone: &mut Vec<RefMove>) -> Result<(), GitError> {
    for Unseen { step, action } in steps(session.repo, gap)? {
        let Some(from) = renamed_from(&action) else {
            record(session, vec![step], action);
            continue;
        };
        let old_name = RefMove { name: from, old: step.new, new: None };
        gone.retain(|gap| gap.name != old_name.name);
        if let Some(operation) = deletion(session, &old_name) {
            // A hook saw that half. The last outcome of an operation counts.
            let _ = session.append_outcome(&operation, Status::Done, vec![step, old_name]);
        } else if session.repo.ref_value(&old_name.name)?.is_none() {
            record(session, vec![step, old_name], action);
        } else {
            record(session, vec![step], action);
        }
    }
    Ok(())
}

/// Returns the newest operation, if any, that did nothing but take this branch away.
fn deletion(session: &Session<'_>, gone: &RefMove) -> Option<OperationId> {
    let history = session.journal.operations().ok()?;
    let is_it = |operation: &&Operation| {
        operation.outcome.as_ref().is_some_and(|outcome| outcome.moved.iter().eq(std::iter::once(gone)))
    };
    history.operations.iter().rev().find(is_it).map(|operation| operation.id.clone())
}

/// The reflog's words where a branch got the name, and took along what it had been through.
const TAKEN_ALONG: [&[u8]; 2] = [RENAMED, b"Branch: copied "];
const RENAMED: &[u8] = b"Branch: renamed ";

/// Returns which branch was renamed, where the reflog's words tell of that.
fn renamed_from(action: &Raw) -> Option<RefName> {
    action.strip_prefix(RENAMED)?.split_once_str(" to ").map(|(from, _)| from.into())
}

fn steps(repo: &Repo, gap: RefMove) -> Result<Vec<Unseen>, GitError> {
    let lines = repo.reflog(&gap.name, STEPS + 10)?;
    let whole = lines.len() < STEPS + 10;
    let newest = lines.iter().position(|line| Some(line.new) == gap.new);
    let oldest = match (newest, gap.old) {
        (Some(newest), Some(old)) => {
            lines[newest + 1..].iter().position(|line| line.new == old).map(|at| newest + 1 + at)
        }
        (Some(_), None) if whole => Some(lines.len()),
        _ => None,
    };
    let took_along = |line: &ReflogEntry| TAKEN_ALONG.iter().any(|words| line.message.starts_with(words));
    let beneath = newest.and_then(|newest| Some(newest + 1 + lines[newest..].iter().position(took_along)?));
    let oldest = [oldest, beneath].into_iter().flatten().min();
    let (Some(newest), Some(oldest)) = (newest, oldest) else {
        return Ok(vec![Unseen { step: gap, action: Raw::default() }]);
    };
    let mut steps = Vec::new();
    let mut old = gap.old;
    for line in lines[newest..oldest].iter().rev().filter(|_| oldest - newest <= STEPS) {
        if old != Some(line.new) {
            let step = RefMove { name: gap.name.clone(), old, new: Some(line.new) };
            steps.push(Unseen { step, action: line.message.clone() });
        }
        old = Some(line.new);
    }
    if steps.is_empty() {
        steps.push(Unseen { step: gap, action: Raw::default() });
    }
    Ok(steps)
}

/// Writes one operation. One that can't be written is found again by the next look.
fn record(session: &Session<'_>, moved: Vec<RefMove>, action: Raw) {
    let Some(first) = moved.first() else { return };
    let operation = session.announce(Intent {
        kind: Kind::External,
        worktree: session.repo.worktree_id(),
        branch: Some(first.name.clone()),
        head: first.old,
        incoming: Vec::new(),
        action,
        saved: Saved::default(),
        predicted: None,
        of: None,
        planned: Vec::new(),
    });
    let lost: Vec<Oid> = moved.iter().filter_map(|step| lost(session.repo, step)).collect();
    let _ = session.append_outcome(&operation.id, Status::Done, moved);
    keep(session.repo, &operation.id, &lost);
}

/// Returns the old value when the new one is not built on it.
fn lost(repo: &Repo, step: &RefMove) -> Option<Oid> {
    let old = step.old?;
    let stays = step.new.is_some_and(|new| repo.is_ancestor(old, new).unwrap_or(true));
    (!stays).then_some(old)
}

/// Keeps commits from being collected, if that has not happened.
fn keep(repo: &Repo, id: &OperationId, commits: &[Oid]) {
    for (place, commit) in commits.iter().enumerate() {
        let _ = repo.keep_commit(&super::moved::pre_merge_ref(id, place), *commit);
    }
}

/// Reads when a command last looked, and what it saw: `<milliseconds>`, then `<value> <branch>` a line.
fn read(repo: &Repo) -> Option<(Timestamp, Values)> {
    let bytes = disk::read_own(&repo.guard_dir().join(SEEN), MAX).ok()??;
    let mut lines = bytes.lines();
    let at = Timestamp(lines.next()?.to_str().ok()?.parse().ok()?);
    let value = |line: &[u8]| {
        let (oid, name) = line.split_once_str(" ")?;
        Some((RefName::from(name), Oid::from_hex(oid)?))
    };
    Some((at, lines.map(value).collect::<Option<Values>>()?))
}

fn write(session: &Session<'_>, values: &Values) {
    let mut text = format!("{}\n", session.now.0).into_bytes();
    for (name, oid) in values {
        text.extend_from_slice(format!("{oid} ").as_bytes());
        text.extend_from_slice(name);
        text.push(b'\n');
    }
    // What is not written is compared again by the next look.
    let _ = disk::write_atomic(&session.repo.guard_dir().join(SEEN), &text, Durability::Lazy, 0o600);
}
