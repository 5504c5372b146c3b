//! After the fact: nothing can be prevented any more, so what was not said before is said, with the way back.

use std::collections::BTreeSet;

use super::losses::Look;
use super::{Answer, Occasion, RECENT, Session, judge, pulled, result, retention, target};
use crate::facts::{self, Asked, Found, Question, Replaced};
use crate::git::{GitError, Repo};
use crate::manifest::OnFailure;
use crate::model::{
    Body, Facts, Finding, Incoming, Judgement, Kind, Level, Oid, Operation, Raw, RefMove, RefName, Status, Target,
    Verdict,
};
use crate::rules;

/// So many records are looked at to find a merge that ends now.
const NEWEST: usize = 12;

/// A merge is done (or a squash is in the index).
pub(super) fn merged(session: &Session<'_>, squash: bool) -> Result<Option<Answer>, GitError> {
    let worktree = session.repo.worktree_id();
    // The merge that has just ended is among the newest records.
    let mut recent = session.recent(NEWEST);
    recent.retain(|operation| operation.intent.worktree == worktree && operation.intent.kind.is_merge());
    let Some(head) = session.repo.resolve_head()? else { return Ok(None) };
    if squash {
        if let Some(operation) = recent.last().filter(|operation| operation.outcome.is_none()) {
            let _ = session.append_outcome(&operation.id, Status::Staged, Vec::new());
        }
        return Ok(None);
    }
    let known = recent.iter().rev().find(|operation| operation.head_after() == Some(head));
    if let Some(operation) = known.filter(|operation| !operation.judgements.is_empty()) {
        return pulled::look(session, operation, head);
    }
    // No gate saw it: a git before 2.29, or an unborn branch.
    let before = known.and_then(|operation| operation.intent.head);
    let before = before.or(session.repo.resolve("ORIG_HEAD^{commit}")?);
    audit(session, known, before, head, Files::JustWritten)
}

/// A commit is done: a merge that was concluded past `pre-commit` (`--no-verify`) is judged now, and a cherry-pick that needed no
/// conclusion looked at.
pub(super) fn committed(session: &Session<'_>) -> Result<Option<Answer>, GitError> {
    let Some(head) = session.repo.resolve_head()? else { return Ok(None) };
    let commit = session.repo.objects().commit(head)?;
    if commit.parents.len() < 2 {
        return result::pick_made(session, &commit);
    }
    let known = session.recent(RECENT).into_iter().rev().find(|operation| operation.head_after() == Some(head));
    // A verdict that refused this very tree and was not heeded is news.
    let passed = |judgement: &Judgement| judgement.tree == Some(commit.tree) && judgement.verdict != Verdict::Block;
    let judged = |operation: &Operation| operation.judgements.iter().any(passed);
    if known.as_ref().is_some_and(judged) {
        return Ok(None);
    }
    audit(session, known.as_ref(), commit.parents.first().copied(), head, Files::InUseSince)
}

/// When the files of a merge were written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Files {
    /// A moment ago.
    JustWritten,
    /// When the merge began: what stands beside a database may be its own by now.
    InUseSince,
}

/// Judges a commit that exists, merged into `before`.
fn audit(
    session: &Session<'_>,
    known: Option<&Operation>,
    before: Option<Oid>,
    head: Oid,
    files: Files,
) -> Result<Option<Answer>, GitError> {
    let repo = session.repo;
    let commit = repo.objects().commit(head)?;
    let others = if commit.parents.len() > 1 { commit.parents[1..].to_vec() } else { vec![head] };
    let incoming = match known {
        Some(operation) if !operation.intent.incoming.is_empty() => operation.intent.incoming.clone(),
        _ => others.iter().map(|oid| Incoming { oid: *oid, names: vec![oid.to_string().into()] }).collect(),
    };
    let branch = session.branch()?;
    let basis = judge::basis(repo, before)?;
    let heads: Vec<Oid> = incoming.iter().map(|head| head.oid).collect();
    let allowed = session.allowances(branch.as_ref(), before, &heads);
    let question =
        Question { into: target(branch.as_ref(), before), incoming, squash: false, asked: Asked::Tree(commit.tree) };
    let judged = judge::attempt(repo, &basis, &question, &allowed, |facts| {
        if files == Files::JustWritten {
            note_logs(repo, facts)?;
        }
        Look::default().add(repo, facts)
    })?;
    let id = match known {
        Some(operation) => operation.id.clone(),
        None => begin(session, branch, before, head, &question),
    };
    let unrecorded = session.append_judgement(&id, "after", &judged);
    let mut findings = judged.findings;
    let said = |finding: &Finding| known.is_some_and(|operation| operation.has_said(&finding.fingerprint));
    findings.retain(|finding| finding.level == Level::Block || !said(finding));
    Ok(Some(Answer {
        occasion: Occasion::After,
        verdict: judged.verdict,
        findings,
        failure: judged.failure,
        on_failure: OnFailure::Warn,
        into: question.into,
        incoming: question.incoming,
        operation: Some(id),
        unrecorded,
        no_backup: None,
        notes: Vec::new(),
    }))
}

/// Notes databases that were replaced a moment ago though their log holds rows.
pub(super) fn note_logs(repo: &Repo, facts: &mut Facts) -> Result<(), GitError> {
    let found = facts::databases_in_use(repo, &facts.paths, Replaced::JustNow)?;
    facts.in_use = found.into_iter().map(|used| used.found).collect();
    Ok(())
}

fn begin(
    session: &Session<'_>,
    branch: Option<RefName>,
    before: Option<Oid>,
    head: Oid,
    question: &Question,
) -> crate::model::OperationId {
    let name = branch.clone().unwrap_or_else(|| "HEAD".into());
    let action = Raw::from(session.caller.shown());
    let id = session.begin(Kind::Merge, branch, before, question.incoming.clone(), action).id;
    let _ = session.append_outcome(&id, Status::Done, vec![RefMove { name, old: before, new: Some(head) }]);
    id
}

/// So many changed data files are looked at after a checkout.
const DATA_FILES: usize = 200;

/// A branch was checked out: its tree is held against its own manifest, once per commit.
pub(super) fn checked_out(session: &Session<'_>, old: Option<Oid>, new: Oid) -> Result<Option<Answer>, GitError> {
    let repo = session.repo;
    let tree = repo.objects().tree_of(new)?;
    let seen = session.recent(RECENT).iter().any(|operation| {
        let here = |judgement: &Judgement| judgement.route == "post-checkout" && judgement.tree == Some(tree);
        operation.judgements.iter().any(here)
    });
    let branch = session.branch()?;
    let id = record_checkout(session, branch.clone(), old, new);
    let manifest = match facts::manifest_of(repo, Some(tree))? {
        Found::Manifest(manifest) if !seen => manifest,
        _ => return Ok(None),
    };
    let mut missing = BTreeSet::new();
    for entry in &manifest.protect {
        for path in entry.paths.literals() {
            if repo.objects().entry(Some(tree), &path)?.is_none() {
                missing.insert((entry.name.clone(), path));
            }
        }
    }
    let old_tree = old.map(|oid| repo.objects().tree_of(oid)).transpose()?;
    let changed = repo.objects().diff(old_tree, Some(tree), repo.deadline())?;
    let mut data = Vec::new();
    for change in changed {
        let Some((entry, (_, format))) =
            change.after.filter(|entry| entry.mode.is_regular()).zip(manifest.data_rule(change.path.as_bstr()))
        else {
            continue;
        };
        if data.len() < DATA_FILES {
            data.push((change.path, format, repo.objects().content(entry.oid, facts::CONTENT_LIMIT)?));
        }
    }
    let findings = rules::standing(&missing.into_iter().collect::<Vec<_>>(), &data);
    let verdict = Verdict::of(&findings);
    let judgement = Judgement {
        route: "post-checkout".to_owned(),
        verdict,
        tree: Some(tree),
        findings: findings.clone(),
        failure: None,
    };
    let unrecorded = session.append(Some(&id), Body::Judgement(judgement));
    Ok(Some(Answer {
        occasion: Occasion::Checkout,
        verdict,
        findings,
        failure: None,
        on_failure: OnFailure::Warn,
        into: Target { branch, tip: Some(new) },
        incoming: Vec::new(),
        operation: Some(id),
        unrecorded,
        no_backup: None,
        notes: Vec::new(),
    }))
}

fn record_checkout(
    session: &Session<'_>,
    branch: Option<RefName>,
    old: Option<Oid>,
    new: Oid,
) -> crate::model::OperationId {
    let id = session.begin(Kind::Checkout, branch, old, Vec::new(), Raw::from(session.caller.shown())).id;
    let head = RefMove { name: "HEAD".into(), old, new: Some(new) };
    let _ = session.append_outcome(&id, Status::Done, vec![head]);
    retention::now_and_then(session);
    id
}
