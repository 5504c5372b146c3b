//! `guard allow`: lets findings pass for one set of incoming commits into one branch.

use super::Session;
use crate::disk::{self, DiskError, Durability};
use crate::git::GitError;
use crate::journal::JournalError;
use crate::model::{Allowance, Body, Incoming, Oid, Operation, RefName, Status, TreePath};

/// The mark that something is allowed: without it the shim of prepare-commit-msg starts no process.
pub(super) const ALLOWING: &str = "allowing";

/// For which merge something is allowed.
#[derive(Debug, Clone)]
pub enum Scope {
    /// Merging this revision into HEAD; where HEAD contains it, the merge that it is.
    Revision(String),
    /// The merge in progress, or the last refusal in this worktree.
    Current,
}

/// How the merge was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// `--for` named it.
    Named,
    /// It is in progress.
    InProgress,
    /// It was refused last.
    Refused,
    /// `--for` named a merge that HEAD contains.
    Made,
}

/// Why nothing can be allowed.
#[derive(Debug, thiserror::Error)]
pub enum AllowError {
    /// git could not be asked.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The journal could not be read or written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The mark for the hooks could not be set.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The revision names nothing.
    #[error("'{0}' is not a commit here")]
    NoRevision(String),
    /// Nothing to allow.
    #[error("no merge is in progress here and none was refused since HEAD last moved")]
    NoMerge,
}

/// Records that `rule` may be broken (at `paths`, or everywhere when empty), and returns for which merge.
pub fn allow(
    session: &Session<'_>,
    rule: &str,
    paths: &[TreePath],
    reason: &str,
    scope: &Scope,
    dry_run: bool,
) -> Result<(Source, Option<RefName>, Vec<Incoming>), AllowError> {
    let head = session.repo.head()?;
    let mut tip = head.oid;
    let (source, incoming) = match scope {
        Scope::Revision(revision) => {
            let oid = session.repo.resolve(&format!("{revision}^{{commit}}"))?;
            let oid = oid.ok_or_else(|| AllowError::NoRevision(crate::model::escape(revision.as_bytes())))?;
            match made(session, oid, head.oid)? {
                Some((parent, incoming)) => {
                    tip = Some(parent);
                    (Source::Made, incoming)
                }
                None => (Source::Named, vec![Incoming { oid, names: vec![revision.as_str().into()] }]),
            }
        }
        Scope::Current => current(session, head.oid)?.ok_or(AllowError::NoMerge)?,
    };
    if dry_run {
        return Ok((source, head.branch, incoming));
    }
    let paths: Vec<Option<TreePath>> =
        if paths.is_empty() { vec![None] } else { paths.iter().cloned().map(Some).collect() };
    for path in paths {
        let allowance = Allowance {
            rule: rule.to_owned(),
            path,
            reason: reason.to_owned(),
            branch: head.branch.clone(),
            tip,
            incoming: incoming.iter().map(|head| head.oid).collect(),
        };
        session.journal.append(&session.record(None, Body::Allowance(allowance)), Durability::Fsync)?;
    }
    disk::write_atomic(&session.repo.guard_dir().join(ALLOWING), b"", Durability::Lazy, 0o600)?;
    Ok((source, head.branch, incoming))
}

/// Returns the first parent and the other heads of a merge that HEAD contains.
fn made(session: &Session<'_>, oid: Oid, head: Option<Oid>) -> Result<Option<(Oid, Vec<Incoming>)>, GitError> {
    let parents = session.repo.objects().commit(oid)?.parents;
    let [first, others @ ..] = &parents[..] else { return Ok(None) };
    if others.is_empty() {
        return Ok(None);
    }
    let contains = |head: Oid| session.repo.is_ancestor(oid, head);
    let made = head.map(contains).transpose()?.unwrap_or(false);
    // A branch's tip may be a merge and be meant to come in.
    if !made && session.repo.containing(oid, &["refs/heads/"], 1)?.is_empty() {
        return Ok(None);
    }
    if !made && session.repo.names_of(oid)?.iter().any(|name| !name.is_empty()) {
        return Ok(None);
    }
    let incoming = others.iter().map(|oid| Incoming { oid: *oid, names: vec![oid.to_string().into()] });
    Ok(Some((*first, incoming.collect())))
}

fn current(session: &Session<'_>, tip: Option<Oid>) -> Result<Option<(Source, Vec<Incoming>)>, AllowError> {
    let worktree = session.repo.worktree_id();
    let here = |operation: &&Operation| {
        operation.intent.worktree == worktree && operation.intent.head == tip && operation.intent.kind.is_merge()
    };
    let operations = session.journal.operations()?.operations;
    let heads = session.repo.merge_heads()?;
    if !heads.is_empty() {
        let known = operations
            .iter()
            .rev()
            .filter(here)
            .find(|operation| operation.intent.incoming.iter().map(|head| head.oid).eq(heads.iter().copied()));
        let unnamed = || heads.iter().map(|oid| Incoming { oid: *oid, names: vec![oid.to_string().into()] }).collect();
        let incoming = known.map_or_else(unnamed, |operation| operation.intent.incoming.clone());
        return Ok(Some((Source::InProgress, incoming)));
    }
    let status = |operation: &Operation| operation.outcome.as_ref().map(|outcome| outcome.status);
    let newest = operations.iter().rev().filter(here).find(|operation| {
        matches!(status(operation), Some(Status::Refused | Status::Staged)) || operation.outcome.is_none()
    });
    Ok(newest.map(|operation| {
        let refused = status(operation) == Some(Status::Refused);
        (if refused { Source::Refused } else { Source::InProgress }, operation.intent.incoming.clone())
    }))
}
