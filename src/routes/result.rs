//! The result is ready: in the index of a clean merge (`pre-merge-commit`), or of a commit that concludes a conflict,
//! `--no-commit` or a squash (`pre-commit`).

use std::collections::HashMap;

use bstr::ByteSlice;

use super::after::note_logs;
use super::losses::Look;
use super::{Answer, Occasion, RECENT, Session, judge, judgement, target};
use crate::facts::{Asked, Question};
use crate::git::{Commit, GitError, Repo};
use crate::manifest::OnFailure;
use crate::model::{
    Entry, Excuse, Facts, Incoming, Kind, Level, Loss, Oid, Operation, Raw, RefName, TreePath, Verdict,
};

/// Judges a clean merge before its commit.
pub(super) fn merge_result(session: &Session<'_>, incoming: Vec<Incoming>) -> Result<Option<Answer>, GitError> {
    let Some(tip) = session.repo.resolve_head()? else { return Ok(None) };
    let heads: Vec<Oid> = incoming.iter().map(|head| head.oid).collect();
    let operation = find(session, tip, &heads);
    if let Some(operation) = &operation
        && came_out_as_predicted(session, operation)?
    {
        return Ok(None);
    }
    let Some(tree) = session.repo.write_tree()? else { return Ok(None) };
    if operation.as_ref().is_some_and(|operation| operation.intent.predicted == Some(tree) && is_settled(operation)) {
        return Ok(None);
    }
    judge_result(session, "pre-merge-commit", tip, incoming, false, tree, operation)
}

/// Judges a commit that concludes a merge or a squash; any other commit is nobody's business here.
pub(super) fn commit_result(session: &Session<'_>) -> Result<Option<Answer>, GitError> {
    let repo = session.repo;
    let heads = repo.merge_heads()?;
    let squash = heads.is_empty() && repo.has_state("SQUASH_MSG");
    if heads.is_empty() && !squash {
        return picked(session);
    }
    let Some(tip) = repo.resolve_head()? else { return Ok(None) };
    let operation = if squash { staged_squash(session, tip) } else { find(session, tip, &heads) };
    let incoming = match &operation {
        Some(operation) => operation.intent.incoming.clone(),
        None if squash => squash_heads(session)?,
        None => heads.iter().map(|oid| Incoming { oid: *oid, names: vec![oid.to_string().into()] }).collect(),
    };
    if incoming.is_empty() {
        return Ok(None);
    }
    // Unmerged entries: git refuses the commit itself.
    let Some(tree) = repo.write_tree()? else { return Ok(None) };
    judge_result(session, "pre-commit", tip, incoming, squash, tree, operation)
}

/// Looks at the conclusion of a cherry-pick or revert that was in conflict: did it lose work of the branch, or of what is picked?
/// Nothing is refused.
fn picked(session: &Session<'_>) -> Result<Option<Answer>, GitError> {
    let (Some(tip), Some(tree)) = (session.repo.resolve_head()?, session.repo.write_tree()?) else { return Ok(None) };
    pick(session, tip, tree, Occasion::Pick)
}

/// Looks at a cherry-pick that was in no conflict, once it is committed: an option (`-X`) or a driver may have settled one.
pub(super) fn pick_made(session: &Session<'_>, commit: &Commit) -> Result<Option<Answer>, GitError> {
    let repo = session.repo;
    // A rebase picks, too: it is looked at when it is done.
    let [tip] = commit.parents[..] else { return Ok(None) };
    if repo.has_state("rebase-merge") {
        return Ok(None);
    }
    pick(session, tip, commit.tree, Occasion::Picked)
}

/// Looks at what became of a pick or revert that git is at.
fn pick(session: &Session<'_>, tip: Oid, tree: Oid, occasion: Occasion) -> Result<Option<Answer>, GitError> {
    let repo = session.repo;
    let state = |name: &str| Ok::<_, GitError>(repo.state(name)?.and_then(|text| Oid::from_hex(text.trim())));
    let (pick, revert) = (state("CHERRY_PICK_HEAD")?, state("REVERT_HEAD")?);
    let Some(commit) = pick.or(revert) else { return Ok(None) };
    let [parent] = repo.objects().commit(commit)?.parents[..] else { return Ok(None) };
    let (base, theirs) = if pick.is_some() { (parent, commit) } else { (commit, parent) };
    let losses = Look::default().between(repo, base, [tip, theirs], tree)?;
    let incoming = vec![Incoming { oid: theirs, names: vec![commit.to_string().into()] }];
    let into = target(session.branch()?.as_ref(), Some(tip));
    let made = if matches!(occasion, Occasion::Picked) { repo.resolve_head()? } else { None };
    let merged = (into.clone(), incoming.clone());
    let mut findings = judge::lost(&judge::basis(repo, Some(tip))?, made, merged, base, losses);
    findings.retain(|finding| finding.level >= Level::Warn);
    if findings.is_empty() {
        return Ok(None);
    }
    Ok(Some(Answer {
        occasion,
        verdict: Verdict::Warn,
        findings,
        failure: None,
        on_failure: OnFailure::Warn,
        into,
        incoming,
        operation: None,
        unrecorded: None,
        no_backup: None,
        notes: Vec::new(),
    }))
}

/// Returns the operation that the gate recorded for this merge.
pub(super) fn find(session: &Session<'_>, tip: Oid, heads: &[Oid]) -> Option<Operation> {
    session.journal.find_open(&session.repo.worktree_id(), Some(tip), heads).ok().flatten()
}

/// Returns the squash whose result stands in the index.
pub(super) fn staged_squash(session: &Session<'_>, tip: Oid) -> Option<Operation> {
    let worktree = session.repo.worktree_id();
    let here = |operation: &Operation| {
        operation.intent.kind == Kind::Squash
            && operation.intent.worktree == worktree
            && operation.intent.head == Some(tip)
    };
    session.recent(RECENT).into_iter().rev().find(here)
}

/// Reads the newest commit out of `SQUASH_MSG`, for squashes that began without us.
fn squash_heads(session: &Session<'_>) -> Result<Vec<Incoming>, GitError> {
    let text = session.repo.state("SQUASH_MSG")?.unwrap_or_default();
    let head = text.lines().find_map(|line| Oid::from_hex(line.strip_prefix(b"commit ")?.trim()));
    Ok(head.map(|oid| Incoming { oid, names: vec![oid.to_string().into()] }).into_iter().collect())
}

/// Returns whether the result is the very tree that the gate judged. git leaves its result's name in `AUTO_MERGE`
/// (2.31 and later), so the index need not be read: prediction and git's own word have to agree.
fn came_out_as_predicted(session: &Session<'_>, operation: &Operation) -> Result<bool, GitError> {
    let Some(predicted) = operation.intent.predicted else { return Ok(false) };
    if !is_settled(operation) {
        return Ok(false);
    }
    let made = session.repo.state("AUTO_MERGE")?;
    Ok(made.and_then(|text| Oid::from_hex(text.trim())) == Some(predicted))
}

/// Returns whether the gate's verdict holds for the predicted tree, whatever strategy led to it.
fn is_settled(operation: &Operation) -> bool {
    let open = |judgement: &crate::model::Judgement| {
        let unsure = judgement.findings.iter().any(|finding| finding.excuse == Some(Excuse::Uncertain));
        judgement.verdict == Verdict::CouldNotJudge || unsure
    };
    !operation.judgements.is_empty() && !operation.judgements.iter().any(open)
}

fn judge_result(
    session: &Session<'_>,
    route: &str,
    tip: Oid,
    incoming: Vec<Incoming>,
    squash: bool,
    tree: Oid,
    operation: Option<Operation>,
) -> Result<Option<Answer>, GitError> {
    let branch = session.branch()?;
    let basis = judge::basis(session.repo, Some(tip))?;
    let heads: Vec<Oid> = incoming.iter().map(|head| head.oid).collect();
    let allowed = session.allowances(branch.as_ref(), Some(tip), &heads);
    let question = Question { into: target(branch.as_ref(), Some(tip)), incoming, squash, asked: Asked::Tree(tree) };
    // No gate looked, and git wrote the files a moment ago.
    let is_first = operation.is_none() && route == "pre-merge-commit";
    let judged = judge::attempt(session.repo, &basis, &question, &allowed, |facts| {
        if is_first {
            note_logs(session.repo, facts)?;
        }
        Look::default().add(session.repo, facts)?;
        without_staged(session.repo, facts)
    })?;
    let operation = operation.unwrap_or_else(|| begin(session, branch, tip, &question));
    // Whoever tries the same commit again and again gets the same verdict: one record tells it.
    let is_known = operation.judgements.last() == Some(&judgement(route, &judged));
    let unrecorded = if is_known { None } else { session.append_judgement(&operation.id, route, &judged) };
    let mut findings = judged.findings;
    // What refuses is said each time, because each time something is refused.
    let refuses = judged.verdict == Verdict::Block || judged.on_failure == OnFailure::Block;
    findings.retain(|finding| judged.verdict == Verdict::Block || !operation.has_said(&finding.fingerprint));
    Ok(Some(Answer {
        occasion: Occasion::Result,
        verdict: judged.verdict,
        findings,
        failure: judged.failure.filter(|_| refuses || !already_failed(&operation)),
        on_failure: judged.on_failure,
        into: question.into,
        incoming: question.incoming,
        operation: Some(operation.id),
        unrecorded,
        no_backup: None,
        notes: Vec::new(),
    }))
}

/// Takes out what stays staged when a squash is committed in part: it is not in the result, but not lost either.
fn without_staged(repo: &Repo, facts: &mut Facts) -> Result<(), GitError> {
    let Some(index) = repo.index_after_partial_commit() else { return Ok(()) };
    let entries = repo.index_entries(&index)?.into_iter();
    let staged: HashMap<TreePath, Entry> = entries.map(|entry| (entry.path, entry.entry)).collect();
    let stays = |path: &TreePath, first: Option<Entry>, result: Option<Entry>| {
        result == first && staged.get(path).copied() != first
    };
    facts.paths.retain(|path| !stays(&path.path, path.first, path.result));
    facts.data.retain(|path, data| !stays(path, data.entries.first, data.entries.result));
    facts.losses.at.retain(|Loss { deviation, .. }| {
        let first = deviation.parents.first().copied().flatten();
        !stays(&deviation.path, first, deviation.result)
    });
    Ok(())
}

fn already_failed(operation: &Operation) -> bool {
    operation.judgements.iter().any(|judgement| judgement.verdict == Verdict::CouldNotJudge)
}

/// Records a merge that passed no gate (an older git, or hooks that were away when it began).
fn begin(session: &Session<'_>, branch: Option<RefName>, tip: Oid, question: &Question) -> Operation {
    let kind = if question.squash { Kind::Squash } else { Kind::Merge };
    session.begin(kind, branch, Some(tip), question.incoming.clone(), Raw::from(session.caller.shown()))
}
