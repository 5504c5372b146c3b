//! Which merge is meant, and whether it can be undone by going back.
//!
//! ```text
//! a merge in progress, a squash in the index          -> that one
//! the journal's newest merge that left the tip         -> that one
//! the reflog's newest merge that left the tip          -> that one (guard was not installed, or was bypassed)
//! the tip is a merge commit                            -> back to its first parent
//! the tip is a squash's commit                         -> back to its parent
//! anything else                                        -> refused, with the command that is right instead
//! ```
//!
//! `ORIG_HEAD` is never asked: rebase, reset and "Already up to date" write it too.

use bstr::ByteSlice;

use crate::git::{Head, ReflogEntry};
use crate::journal::History;
use crate::model::{Kind, Oid, Operation, OperationId, RefName, Status, escape};

use super::guards::{is_there, nothing_else_going_on};
use super::squash;
use super::{Undo, UndoError};

/// The merge that is to be undone.
#[derive(Debug)]
pub(super) enum Target {
    /// It is the last thing on the branch.
    Done(Done),
    /// It is not committed.
    Open(Open),
}

/// A merge that is committed, or a fast-forward.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) operation: Option<Operation>,
    pub(super) branch: Option<RefName>,
    pub(super) old: Oid,
    pub(super) new: Oid,
    pub(super) why: String,
    pub(super) notes: Vec<String>,
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
}

/// What is asked while looking.
pub(super) struct Finder<'f, 'r> {
    pub(super) undo: &'f Undo<'r>,
    pub(super) history: &'f History,
    pub(super) head: Head,
    pub(super) tip: Oid,
    pub(super) reflog: Vec<ReflogEntry>,
}

/// A step of the branch that was a merge.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) operation: Option<Operation>,
    pub(super) old: Oid,
    pub(super) new: Oid,
    pub(super) fast_forward: bool,
    /// What was merged was a remote's line, or it was a pull.
    pub(super) from_remote: bool,
}

/// So many reflog lines are looked at.
const REFLOG: usize = 1000;

impl<'f, 'r> Finder<'f, 'r> {
    pub(super) fn new(undo: &'f Undo<'r>, history: &'f History) -> Result<Self, UndoError> {
        let head = undo.repo.head()?;
        let Some(tip) = head.oid else {
            return Err(UndoError::refused("there is no commit yet, so there is no merge to undo", None));
        };
        let name = head.branch.clone().unwrap_or_else(|| "HEAD".into());
        let reflog = undo.repo.reflog(&name, REFLOG)?;
        Ok(Self { undo, history, head, tip, reflog })
    }

    /// Finds the merge that `what` names, or the last one.
    pub(super) fn find(&self, what: Option<&str>) -> Result<Target, UndoError> {
        nothing_else_going_on(self.undo)?;
        let wanted = what.map(|what| self.wanted(what)).transpose()?;
        if let Some(open) = self.open()? {
            if wanted.as_ref().is_some_and(|wanted| !wanted.is(open.operation.as_ref(), None)) {
                let why = "another merge is in progress; it must be finished or undone first";
                return Err(UndoError::refused(why, Some("guard undo-merge".to_owned())));
            }
            return Ok(Target::Open(open));
        }
        let step = match (self.last_step()?, &wanted) {
            (Some(step), None) => step,
            (Some(step), Some(wanted)) if wanted.is(step.operation.as_ref(), Some(step.new)) => step,
            (_, Some(wanted)) => return Err(self.why_not(wanted)?),
            (None, None) => return Err(self.why_none()?),
        };
        self.elsewhere()?;
        let notes = self.published(&step)?;
        let why = "it is the last thing on the branch".to_owned();
        let branch = self.head.branch.clone();
        Ok(Target::Done(Done { operation: step.operation, branch, old: step.old, new: step.new, why, notes }))
    }

    /// The merge in progress, or the squash in the index.
    fn open(&self) -> Result<Option<Open>, UndoError> {
        let repo = self.undo.repo;
        let mut heads = repo.merge_heads()?;
        let squash = heads.is_empty() && is_there(self.undo, "SQUASH_MSG")?;
        if heads.is_empty() && !squash {
            return Ok(None);
        }
        let fits = |operation: &&Operation| {
            let status = operation.outcome.as_ref().map(|outcome| outcome.status);
            let incoming: Vec<Oid> = operation.intent.incoming.iter().map(|head| head.oid).collect();
            let same = if squash { operation.intent.kind == Kind::Squash } else { same_set(&incoming, &heads) };
            same && operation.undone_by.is_none()
                && operation.intent.worktree == repo.worktree_id()
                && operation.intent.head == Some(self.tip)
                && matches!(status, None | Some(Status::Staged | Status::Done))
                && operation.head_after().is_none_or(|after| after == self.tip)
        };
        let merges = self.history.operations.iter().rev().filter(|operation| operation.intent.kind.is_merge());
        let operation = merges.clone().find(fits).cloned();
        if squash {
            let named = || squash::heads_of_message(repo);
            let known =
                operation.as_ref().map(|operation| operation.intent.incoming.iter().map(|head| head.oid).collect());
            heads = known.map_or_else(named, Ok)?;
        }
        let stale_auto_merge = heads.len() > 1;
        Ok(Some(Open { operation, branch: self.head.branch.clone(), head: self.tip, heads, squash, stale_auto_merge }))
    }

    /// The merge that left the branch's tip where it is.
    fn last_step(&self) -> Result<Option<Step>, UndoError> {
        if let Some(operation) = self.merges_here().find(|operation| operation.head_after() == Some(self.tip))
            && let Some(old) = operation.intent.head
            && old != self.tip
        {
            return Ok(Some(self.step_of(operation.clone(), old)));
        }
        if let Some(step) = self.step_in_reflog()? {
            return Ok(Some(step));
        }
        let commit = self.undo.repo.objects().commit(self.tip)?;
        if let [first, _, ..] = commit.parents[..] {
            let (new, fast_forward) = (self.tip, false);
            return Ok(Some(Step { operation: None, old: first, new, fast_forward, from_remote: false }));
        }
        squash::committed(self, &commit)
    }

    /// The journal's merges of this branch that are done and not undone, newest first.
    pub(super) fn merges_here(&self) -> impl Iterator<Item = &'f Operation> {
        let branch = self.head.branch.clone();
        let worktree = self.undo.repo.worktree_id();
        self.history.operations.iter().rev().filter(move |operation| {
            // A detached HEAD belongs to its worktree, a branch to all.
            let here = branch.is_some() || operation.intent.worktree == worktree;
            let status = operation.outcome.as_ref().map(|outcome| outcome.status);
            let done = matches!(status, Some(Status::Done | Status::Staged));
            here && done
                && operation.intent.branch == branch
                && operation.intent.kind.is_merge()
                && operation.undone_by.is_none()
        })
    }

    fn step_of(&self, operation: Operation, old: Oid) -> Step {
        let incoming = &operation.intent.incoming;
        let fast_forward = incoming.iter().any(|head| head.oid == self.tip);
        let names = incoming.iter().flat_map(|head| &head.names);
        let from_remote = operation.intent.kind == Kind::Pull || names.clone().any(|name| self.is_remote(name));
        Step { operation: Some(operation), old, new: self.tip, fast_forward, from_remote }
    }

    fn is_remote(&self, name: &[u8]) -> bool {
        let full = RefName::from([b"refs/remotes/", name].concat());
        let plain = !name.is_empty() && !name.contains(&b' ');
        plain && self.undo.repo.ref_value(&full).is_ok_and(|value| value.is_some())
    }

    /// The newest reflog line of a merge that left the tip. Later lines that left it too (`reset --soft HEAD`, an undo
    /// that came back here) don't matter.
    fn step_in_reflog(&self) -> Result<Option<Step>, UndoError> {
        let found = self.reflog.iter().position(|line| line.new == self.tip && merge_line(&line.message).is_some());
        let Some(place) = found else { return Ok(None) };
        let line = &self.reflog[place];
        let commit = self.undo.repo.objects().commit(self.tip)?;
        let fast_forward = line.message.ends_with(b": Fast-forward");
        let old = match (fast_forward, self.reflog.get(place + 1)) {
            (true, Some(before)) => before.new,
            (false, _) if commit.parents.len() > 1 => commit.parents[0],
            _ => return Ok(None),
        };
        let action = merge_line(&line.message).unwrap_or_default();
        let words = || action.split(|byte| *byte == b' ');
        let from_remote = words().next() == Some(b"pull") || words().skip(1).any(|name| self.is_remote(name));
        // An operation whose outcome was never written still knows what was saved.
        let mut operations = self.history.operations.iter().rev();
        let operation = operations.find(|operation| {
            operation.outcome.is_none()
                && operation.undone_by.is_none()
                && operation.intent.kind.is_merge()
                && operation.intent.branch == self.head.branch
                && operation.intent.head == Some(old)
                && operation.intent.worktree == self.undo.repo.worktree_id()
                && (if fast_forward {
                    operation.intent.incoming.iter().any(|head| head.oid == self.tip)
                } else {
                    operation.intent.incoming.iter().map(|head| head.oid).eq(commit.parents[1..].iter().copied())
                })
        });
        let operation = operation.cloned();
        Ok(Some(Step { operation, old, new: self.tip, fast_forward, from_remote }))
    }

    fn wanted(&self, what: &str) -> Result<Wanted, UndoError> {
        let mut named = self.history.operations.iter().filter(|operation| operation.id.0.starts_with(what));
        if let (Some(operation), None) = (named.next(), named.next()) {
            return Ok(Wanted::Operation(Box::new(operation.clone())));
        }
        let oid = self.undo.repo.resolve(&format!("{what}^{{commit}}"))?;
        oid.map(Wanted::Commit).ok_or_else(|| {
            let why = format!("'{}' is neither an operation nor a commit here", escape(what.as_bytes()));
            UndoError::refused(why, Some("guard log".to_owned()))
        })
    }
}

/// What a person named.
pub(super) enum Wanted {
    Operation(Box<Operation>),
    Commit(Oid),
}

impl Wanted {
    fn is(&self, operation: Option<&Operation>, new: Option<Oid>) -> bool {
        let id = |operation: &Operation| -> OperationId { operation.id.clone() };
        match self {
            Self::Operation(wanted) => operation.map(id) == Some(id(wanted)),
            Self::Commit(oid) => new == Some(*oid),
        }
    }
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
