//! Which merge is meant.
//!
//! ```text
//! a merge in progress, a squash in the index          -> that one
//! a merge that git broke off amid the files           -> that one, when it is named; else refused
//! the journal's newest merge that left the tip         -> that one
//! the reflog's newest merge that left the tip          -> that one (guard was not installed, or was bypassed)
//! the tip is a merge commit                            -> back to its first parent
//! the tip is a squash's commit                         -> back to its parent
//! the newest of these that the tip was built on        -> that one, beneath the commits made since
//! anything else                                        -> refused, with the command that is right instead
//! ```
//!
//! A merge that a person names is looked for on the branch that it was made on. `ORIG_HEAD` is never asked: rebase,
//! reset and "Already up to date" write it too.

use bstr::ByteSlice;

use crate::git::{Head, ReflogEntry};
use crate::journal::History;
use crate::model::{Intent, Kind, Oid, Operation, RefName, Status, escape};

use super::broken_off::{began_and_never_ended, broken_off};
use super::guards::{is_there, nothing_else_going_on};
use super::place::{Place, short};
use super::squash;
use super::{Undo, UndoError};

/// The merge that is to be undone.
pub(super) enum Target {
    /// It is on a branch.
    Done(Place, Step),
    /// It is not committed.
    Open(Open),
}

/// A merge in progress, or a squash that is not committed.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) operation: Option<Operation>,
    pub(super) branch: Option<RefName>,
    pub(super) head: Oid,
    /// What comes in.
    pub(super) heads: Vec<Oid>,
    pub(super) squash: bool,
    /// `AUTO_MERGE` is not of this merge: the octopus strategy writes none.
    pub(super) stale_auto_merge: bool,
    /// git broke off amid the files and left nothing that tells of the merge.
    pub(super) broken_off: bool,
}

/// What is asked while looking.
pub(super) struct Finder<'f, 'r> {
    pub(super) undo: &'f Undo<'r>,
    pub(super) history: &'f History,
    pub(super) place: Place,
    reflog: Vec<ReflogEntry>,
}

/// A step of the branch: what stood there before it, and what it left.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) operation: Option<Operation>,
    /// `None`: the branch was unborn.
    pub(super) old: Option<Oid>,
    pub(super) new: Oid,
    pub(super) fast_forward: bool,
    /// What was merged was a remote's line, or it was a pull.
    pub(super) from_remote: bool,
}

/// How git ends the reflog's message of one.
const FAST_FORWARD: &[u8] = b": Fast-forward";

/// So many reflog lines are looked at.
const REFLOG: usize = 1000;

/// Finds the merge that `what` (an operation or a commit) names, or the last one of HEAD's branch.
pub(super) fn find(undo: &Undo<'_>, history: &History, what: Option<&str>) -> Result<Target, UndoError> {
    nothing_else_going_on(undo)?;
    let head = undo.repo.head()?;
    let wanted = what.map(|what| wanted(undo, history, what)).transpose()?;
    if let Some(open) = open(undo, history, &head)? {
        let is_it = |wanted: &Wanted| match wanted {
            Wanted::Operation(wanted) => open.operation.as_ref().is_some_and(|open| open.id == wanted.id),
            Wanted::Commit(_) => false,
        };
        if wanted.as_ref().is_none_or(is_it) {
            return Ok(Target::Open(open));
        }
        let why = "another merge is in progress; it must be finished or undone first";
        return Err(UndoError::refused(why, Some("guard undo-merge".to_owned())));
    }
    if let Some(open) = broken_off(undo, history, &head)? {
        let id = open.operation.as_ref().map(|operation| operation.id.clone());
        match &wanted {
            // Whether its git still runs can't be told: a person has to say so.
            None => return Err(began_and_never_ended(&open)),
            Some(Wanted::Operation(wanted)) if Some(&wanted.id) == id.as_ref() => return Ok(Target::Open(open)),
            Some(_) => {}
        }
    }
    match wanted {
        None => {
            let Some(place) = Place::of_head(&head) else {
                return Err(UndoError::refused("there is no commit yet, so there is no merge to undo", None));
            };
            Finder::at(undo, history, place)?.last()
        }
        Some(Wanted::Operation(operation)) => of_operation(undo, history, &head, &operation),
        Some(Wanted::Commit(commit)) => of_commit(undo, history, &head, commit),
    }
}

fn of_operation(undo: &Undo<'_>, history: &History, head: &Head, operation: &Operation) -> Result<Target, UndoError> {
    let id = &operation.id;
    let refused = |why: String, hint: Option<String>| Err(UndoError::refused(why, hint));
    if let Some(by) = &operation.undone_by {
        return refused(format!("operation {id} was undone already by {by}"), Some("guard redo".to_owned()));
    }
    if !is_merge(operation) {
        let why = format!("operation {id} is a {}, not a merge", operation.intent.kind.word());
        return refused(why, Some(format!("guard undo {id}")));
    }
    let place = match &operation.intent.branch {
        Some(branch) => Place::of_branch(undo, head, branch)?,
        None => match Place::of_head(head) {
            Some(place) if place.branch.is_none() && operation.intent.worktree == undo.repo.worktree_id() => place,
            _ => return refused(format!("operation {id} was on a detached HEAD, which has moved since"), None),
        },
    };
    let finder = Finder::at(undo, history, place)?;
    if let Some(step) = finder.last_step()?
        && step.operation.as_ref().is_some_and(|found| found.id == *id)
    {
        return Ok(finder.found(step));
    }
    let Some(new) = operation.head_after() else {
        return refused(format!("operation {id} moved no branch"), Some("guard log".to_owned()));
    };
    if !undo.repo.is_ancestor(new, finder.place.tip)? {
        return refused(format!("{} is not on {} any more", new.short(), finder.place.words()), None);
    }
    let step = finder.step_of(operation.clone(), operation.intent.head, new);
    Ok(finder.found(step))
}

fn of_commit(undo: &Undo<'_>, history: &History, head: &Head, commit: Oid) -> Result<Target, UndoError> {
    let place = match Place::of_head(head) {
        Some(place) if undo.repo.is_ancestor(commit, place.tip)? => place,
        _ => match &undo.repo.containing(commit, &["refs/heads/"], 2)?[..] {
            [branch] => Place::of_branch(undo, head, branch)?,
            [] => return Err(UndoError::refused(format!("{} is on no branch", commit.short()), None)),
            _ => {
                let why = format!("{} is not on the current branch, but on several others", commit.short());
                return Err(UndoError::refused(why, Some("git switch <branch>".to_owned())));
            }
        },
    };
    let finder = Finder::at(undo, history, place)?;
    if commit == finder.place.tip
        && let Some(step) = finder.last_step()?
    {
        return Ok(finder.found(step));
    }
    if let Some(step) = finder.step_that_left(commit)? {
        return Ok(finder.found(step));
    }
    let found = undo.repo.objects().commit(commit)?;
    let [first, _, ..] = found.parents[..] else {
        let why = format!("{} was brought here by no merge", commit.short());
        return Err(UndoError::refused(why, Some(format!("git revert {}", commit.short()))));
    };
    let (old, fast_forward, from_remote) = (Some(first), false, false);
    Ok(finder.found(Step { operation: None, old, new: commit, fast_forward, from_remote }))
}

/// The merge in progress, or the squash in the index.
fn open(undo: &Undo<'_>, history: &History, head: &Head) -> Result<Option<Open>, UndoError> {
    let repo = undo.repo;
    let mut heads = repo.merge_heads()?;
    let squash = heads.is_empty() && is_there(undo, "SQUASH_MSG")?;
    let Some(tip) = head.oid.filter(|_| squash || !heads.is_empty()) else { return Ok(None) };
    if !squash && same_set(repo.objects().commit(tip)?.parents.get(1..).unwrap_or_default(), &heads) {
        // It is concluded: a git that was ended before it had removed `MERGE_HEAD` (amid `post-merge`, say).
        return Ok(None);
    }
    let fits = |operation: &&Operation| {
        let status = operation.outcome.as_ref().map(|outcome| outcome.status);
        let incoming: Vec<Oid> = operation.intent.incoming.iter().map(|head| head.oid).collect();
        let same = if squash { operation.intent.kind == Kind::Squash } else { same_set(&incoming, &heads) };
        same && operation.undone_by.is_none()
            && operation.intent.worktree == repo.worktree_id()
            && operation.intent.head == Some(tip)
            && matches!(status, None | Some(Status::Staged | Status::Done))
            && operation.head_after().is_none_or(|after| after == tip)
    };
    let mut merges = history.operations.iter().rev().filter(|operation| operation.intent.kind.is_merge());
    let operation = merges.find(fits).cloned();
    if squash {
        let named = || squash::heads_of_message(repo);
        let known = operation.as_ref().map(|operation| operation.intent.incoming.iter().map(|head| head.oid).collect());
        heads = known.map_or_else(named, Ok)?;
    }
    let stale_auto_merge = heads.len() > 1;
    let branch = head.branch.clone();
    Ok(Some(Open { operation, branch, head: tip, heads, squash, stale_auto_merge, broken_off: false }))
}

impl<'f, 'r> Finder<'f, 'r> {
    pub(super) fn at(undo: &'f Undo<'r>, history: &'f History, place: Place) -> Result<Self, UndoError> {
        let reflog = undo.repo.reflog(&place.ref_name(), REFLOG)?;
        Ok(Self { undo, history, place, reflog })
    }

    fn found(self, step: Step) -> Target {
        Target::Done(self.place, step)
    }

    /// The last merge of the branch: at its tip, or beneath the commits made since.
    fn last(self) -> Result<Target, UndoError> {
        if let Some(step) = self.last_step()? {
            return Ok(self.found(step));
        }
        match self.step_beneath()? {
            Some(step) => Ok(self.found(step)),
            None => Err(self.why_none()),
        }
    }

    /// The merge that left the branch's tip where it is.
    pub(super) fn last_step(&self) -> Result<Option<Step>, UndoError> {
        let tip = self.place.tip;
        if let Some(step) = self.step_that_left(tip)? {
            return Ok(Some(step));
        }
        let commit = self.undo.repo.objects().commit(tip)?;
        if let [first, _, ..] = commit.parents[..] {
            let (old, fast_forward, from_remote) = (Some(first), false, false);
            return Ok(Some(Step { operation: None, old, new: tip, fast_forward, from_remote }));
        }
        squash::committed(self, &commit)
    }

    /// The newest merge, by journal or reflog, that set the branch to `new`.
    fn step_that_left(&self, new: Oid) -> Result<Option<Step>, UndoError> {
        let left_it =
            |operation: &&Operation| operation.head_after() == Some(new) && operation.intent.head != Some(new);
        if let Some(operation) = self.merges_here().find(left_it) {
            return Ok(Some(self.step_of(operation.clone(), operation.intent.head, new)));
        }
        // Later lines that left it too (`reset --soft HEAD`, an undo that came back here) don't matter.
        let is_it = |line: &ReflogEntry| line.new == new && merge_line(&line.message).is_some();
        self.reflog.iter().position(is_it).map_or(Ok(None), |place| self.step_in_reflog(place))
    }

    /// The newest merge, by journal or reflog, that the tip was built on.
    fn step_beneath(&self) -> Result<Option<Step>, UndoError> {
        let (repo, tip) = (self.undo.repo, self.place.tip);
        for operation in self.merges_here() {
            if let Some(new) = operation.head_after()
                && operation.intent.head != Some(new)
                && repo.is_ancestor(new, tip)?
            {
                return Ok(Some(self.step_of(operation.clone(), operation.intent.head, new)));
            }
        }
        let undone = |commit: Oid| {
            let mut operations = self.history.operations.iter();
            operations.any(|operation| operation.undone_by.is_some() && operation.head_after() == Some(commit))
        };
        let newest = self.reflog.iter().position(|line| merge_line(&line.message).is_some() && !undone(line.new));
        match newest {
            Some(place) if repo.is_ancestor(self.reflog[place].new, tip)? => self.step_in_reflog(place),
            _ => Ok(None),
        }
    }

    /// The journal's merges of this branch that are done and not undone, newest first.
    pub(super) fn merges_here(&self) -> impl Iterator<Item = &'f Operation> {
        let branch = self.place.branch.clone();
        let worktree = self.undo.repo.worktree_id();
        self.history.operations.iter().rev().filter(move |operation| {
            // A detached HEAD belongs to its worktree, a branch to all.
            let here = branch.is_some() || operation.intent.worktree == worktree;
            let status = operation.outcome.as_ref().map(|outcome| outcome.status);
            let done = matches!(status, Some(Status::Done | Status::Staged));
            here && done && operation.intent.branch == branch && is_merge(operation) && operation.undone_by.is_none()
        })
    }

    fn step_of(&self, operation: Operation, old: Option<Oid>, new: Oid) -> Step {
        let Intent { kind, incoming, action, .. } = &operation.intent;
        let (fast_forward, from_remote) = if *kind == Kind::External {
            (action.ends_with(FAST_FORWARD), self.was_remote(action))
        } else {
            let mut names = incoming.iter().flat_map(|head| &head.names);
            let from_remote = *kind == Kind::Pull || names.any(|name| self.is_remote(name));
            (incoming.iter().any(|head| head.oid == new), from_remote)
        };
        Step { operation: Some(operation), old, new, fast_forward, from_remote }
    }

    /// Returns whether a reflog's message says that a remote's line was merged.
    fn was_remote(&self, message: &[u8]) -> bool {
        let action = merge_line(message).unwrap_or_default();
        let mut words = action.split(|byte| *byte == b' ');
        words.next() == Some(b"pull") || words.any(|name| self.is_remote(name))
    }

    fn is_remote(&self, name: &[u8]) -> bool {
        let full = RefName::from([b"refs/remotes/", name].concat());
        let plain = !name.is_empty() && !name.contains(&b' ');
        plain && self.undo.repo.ref_value(&full).is_ok_and(|value| value.is_some())
    }

    /// The merge that wrote a line of the reflog.
    fn step_in_reflog(&self, place: usize) -> Result<Option<Step>, UndoError> {
        let line = &self.reflog[place];
        let new = line.new;
        let commit = self.undo.repo.objects().commit(new)?;
        let fast_forward = line.message.ends_with(FAST_FORWARD);
        let old = match (fast_forward, self.reflog.get(place + 1)) {
            (true, Some(before)) => before.new,
            (false, _) if commit.parents.len() > 1 => commit.parents[0],
            _ => return Ok(None),
        };
        let from_remote = self.was_remote(&line.message);
        // An operation whose outcome was never written still knows what was saved.
        let mut operations = self.history.operations.iter().rev();
        let operation = operations.find(|operation| {
            operation.outcome.is_none()
                && operation.undone_by.is_none()
                && operation.intent.kind.is_merge()
                && operation.intent.branch == self.place.branch
                && operation.intent.head == Some(old)
                && operation.intent.worktree == self.undo.repo.worktree_id()
                && (if fast_forward {
                    operation.intent.incoming.iter().any(|head| head.oid == new)
                } else {
                    operation.intent.incoming.iter().map(|head| head.oid).eq(commit.parents[1..].iter().copied())
                })
        });
        let operation = operation.cloned();
        Ok(Some(Step { operation, old: Some(old), new, fast_forward, from_remote }))
    }

    /// Says why there is no merge to undo on this branch, looking for one elsewhere.
    fn why_none(&self) -> UndoError {
        let worktree = self.undo.repo.worktree_id();
        let elsewhere = self.history.operations.iter().rev().find(|operation| {
            operation.intent.kind.is_merge()
                && operation.undone_by.is_none()
                && operation.intent.worktree == worktree
                && operation.head_after().is_some()
                && operation.intent.branch != self.place.branch
        });
        let words = self.place.words();
        match elsewhere.and_then(|operation| Some((operation, operation.intent.branch.as_ref()?))) {
            Some((operation, branch)) => UndoError::refused(
                format!("no merge found that could be undone on {words}; the last one was on '{}'", short(branch)),
                Some(format!("guard undo-merge {}", operation.id)),
            ),
            None => {
                UndoError::refused(format!("no merge found that could be undone on {words}{}", self.undone()), None)
            }
        }
    }

    /// Says by what the last merge of this branch was undone, if it was.
    fn undone(&self) -> String {
        let here = |operation: &&Operation| operation.intent.branch == self.place.branch && is_merge(operation);
        let mut merges = self.history.operations.iter().rev().filter(here);
        let last = merges.find_map(|operation| Some((&operation.id, operation.undone_by.as_ref()?)));
        last.map_or_else(String::new, |(id, by)| format!("; the last one, operation {id}, was undone by {by}"))
    }
}

/// What a person named.
pub(super) enum Wanted {
    Operation(Box<Operation>),
    Commit(Oid),
}

/// Returns what a name names: an operation, by how its name begins, or a commit.
pub(super) fn wanted(undo: &Undo<'_>, history: &History, what: &str) -> Result<Wanted, UndoError> {
    let is_named = |operation: &&Operation| !what.is_empty() && operation.id.0.starts_with(what);
    let mut named = history.operations.iter().filter(is_named);
    if let (Some(operation), None) = (named.next(), named.next()) {
        return Ok(Wanted::Operation(Box::new(operation.clone())));
    }
    let oid = undo.repo.resolve(&format!("{what}^{{commit}}"))?;
    oid.map(Wanted::Commit).ok_or_else(|| {
        let why = format!("'{}' is neither an operation nor a commit here", escape(what.as_bytes()));
        UndoError::refused(why, Some("guard log".to_owned()))
    })
}

/// Returns whether it brought another line into its branch, seen or not.
fn is_merge(operation: &Operation) -> bool {
    operation.intent.kind.is_merge() || is_unseen_merge(operation)
}

/// Returns whether it is a merge that no hook saw.
pub(super) fn is_unseen_merge(operation: &Operation) -> bool {
    operation.intent.kind == Kind::External && merge_line(&operation.intent.action).is_some()
}

/// Returns the command of a reflog message (`merge feat`, `pull origin main`) when a merge or fast-forward wrote it.
/// The steps of `pull --rebase` (`pull (start)`, `pull --rebase (finish)`) are none.
pub(super) fn merge_line(message: &[u8]) -> Option<&[u8]> {
    let (action, _) = message.split_once_str(": ")?;
    let word = action.split(|byte| *byte == b' ').next()?;
    let merge = action == b"commit (merge)" || matches!(word, b"merge" | b"pull") && !action.ends_with(b")");
    merge.then_some(action)
}

fn same_set(a: &[Oid], b: &[Oid]) -> bool {
    a.len() == b.len() && a.iter().all(|oid| b.contains(oid))
}

#[cfg(test)]
mod tests {
    use super::merge_line;

    #[test]
    fn merges_are_told_from_rebases_in_the_reflog() {
        for line in [
            "merge feat: Fast-forward",
            "pull: Fast-forward",
            "pull origin main: Merge made by the 'ort' strategy.",
            "commit (merge): x",
        ] {
            assert!(merge_line(line.as_bytes()).is_some(), "{line}");
        }
        for line in [
            "pull --rebase (finish): refs/heads/main onto x",
            "pull (start): checkout x",
            "commit: merge: x",
            "reset: moving to HEAD",
            "merge",
            "merged: x",
        ] {
            assert!(merge_line(line.as_bytes()).is_none(), "{line}");
        }
    }
}
