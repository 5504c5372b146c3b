//! On a server: what a push would do to each branch, and every merge that it brings. All of it is refused or none.
//!
//! A branch is judged by the manifest that it has before the push, a new one by the default branch's. Commits that the server has
//! already, on whatever branch, are nobody's business any more. Objects stand in quarantine: nothing may be written here.

use std::collections::HashSet;

use super::judge::{self, Basis};
use super::push::of_merge;
use super::{Answer, Occasion, Session, target};
use crate::facts::{Asked, Question};
use crate::git::GitError;
use crate::manifest::OnFailure;
use crate::model::{Allowance, Finding, Incoming, Level, Oid, PushOption, RefMove, RefName, Verdict};

/// So many merges of one push are judged.
const MOST: usize = 1000;

/// Judges what a push would do.
pub(super) fn receiving(
    session: &Session<'_>,
    updates: &[RefMove],
    options: &[PushOption],
) -> Result<Option<Answer>, GitError> {
    let takes_options = session.repo.config("receive.advertisePushOptions")?;
    let takes_options = takes_options.is_some_and(|value| !value.eq_ignore_ascii_case(b"false"));
    let server = judge::on_failure_of_server(session.repo)?;
    let mut received = Received { server, takes_options, ..Received::default() };
    for update in updates.iter().filter(|update| update.name.starts_with(b"refs/heads/")) {
        received.look_at(session, update, options)?;
    }
    let Received { mut findings, failure, on_failure, .. } = received;
    judge::worst_first(&mut findings);
    let blocks = findings.iter().any(|finding| finding.level == Level::Block);
    let verdict = if failure.is_some() && !blocks { Verdict::CouldNotJudge } else { Verdict::of(&findings) };
    Ok(Some(Answer {
        occasion: Occasion::Receive,
        verdict,
        findings,
        failure,
        on_failure,
        into: target(None, None),
        incoming: Vec::new(),
        operation: None,
        unrecorded: None,
        no_backup: None,
    }))
}

/// What was found so far.
#[derive(Default)]
struct Received {
    findings: Vec<Finding>,
    seen: HashSet<Oid>,
    failure: Option<String>,
    on_failure: OnFailure,
    /// What happens where no manifest can be read.
    server: OnFailure,
    /// Whether this server takes push options.
    takes_options: bool,
}

impl Received {
    fn look_at(&mut self, session: &Session<'_>, update: &RefMove, options: &[PushOption]) -> Result<(), GitError> {
        let repo = session.repo;
        // A branch that goes takes no file from anybody's working tree, and its commits are on other branches or wanted gone.
        let Some(new) = update.new else { return Ok(()) };
        let Some(new) = repo.resolve(&format!("{new}^{{commit}}"))? else { return Ok(()) };
        let line = match update.old {
            Some(old) => Some(old),
            None => repo.resolve_head()?,
        };
        let basis = judge::basis(repo, line)?;
        if let Some(old) = update.old {
            let tree = repo.objects().tree_of(new)?;
            let short = RefName::from(update.name.strip_prefix(b"refs/heads/").unwrap_or(&update.name));
            let step = (old, vec![Incoming { oid: new, names: vec![short] }], tree);
            self.judge(session, &update.name, step, &basis, options)?;
        }
        let merges = repo.new_merges(new, MOST + 1)?;
        if merges.len() > MOST {
            self.fail(format!("more than {MOST} merges came at once"), &basis);
        }
        for merge in merges.into_iter().take(MOST) {
            if !self.seen.insert(merge) {
                continue;
            }
            if repo.deadline().check().is_err() {
                self.fail("the time for this push was over before all merges were judged".to_owned(), &basis);
                return Ok(());
            }
            let commit = repo.objects().commit(merge)?;
            let (Some(first), others) = (commit.parents.first(), commit.parents.get(1..).unwrap_or_default()) else {
                continue;
            };
            let heads = others.iter().map(|oid| Incoming { oid: *oid, names: vec![oid.to_string().into()] }).collect();
            let from = self.findings.len();
            self.judge(session, &update.name, (*first, heads, commit.tree), &basis, options)?;
            let subject = commit.subject().to_string();
            let new = self.findings.split_off(from);
            // What the branch's own step shows already is not said again of the merge that did it.
            let known = |finding: &Finding| {
                self.findings.iter().any(|other| (&other.rule, &other.path) == (&finding.rule, &finding.path))
            };
            let new: Vec<Finding> = new.into_iter().filter(|finding| !known(finding)).collect();
            self.findings.extend(new.into_iter().map(|finding| of_merge(finding, merge, &subject)));
        }
        Ok(())
    }

    fn fail(&mut self, why: String, basis: &Basis) {
        self.failure = Some(why);
        let policy = if basis.unreadable.is_some() { self.server } else { basis.on_failure };
        if policy == OnFailure::Block {
            self.on_failure = OnFailure::Block;
        }
    }

    fn judge(
        &mut self,
        session: &Session<'_>,
        branch: &RefName,
        (tip, incoming, tree): (Oid, Vec<Incoming>, Oid),
        basis: &Basis,
        options: &[PushOption],
    ) -> Result<(), GitError> {
        let into = target(Some(branch), Some(tip));
        let allowed = allowed(basis, options, branch, tip, &incoming);
        let question = Question { into, incoming, squash: false, asked: Asked::Tree(tree) };
        let judged = judge::attempt(session.repo, basis, &question, &allowed, |_| Ok(()))?;
        if let Some(why) = judged.failure {
            let branch = branch.strip_prefix(b"refs/heads/").unwrap_or(branch);
            self.fail(format!("{}: {why}", crate::model::escape(branch)), basis);
        }
        self.findings.extend(judged.findings.into_iter().filter(|finding| finding.level >= Level::Warn).map(
            |mut finding| {
                if finding.level == Level::Block {
                    finding.remedy = remedy(basis, &finding, self.takes_options);
                }
                finding
            },
        ));
        Ok(())
    }
}

/// Returns what push options let pass: only rules that the protected side's manifest lets be allowed so.
fn allowed(basis: &Basis, options: &[PushOption], branch: &RefName, tip: Oid, incoming: &[Incoming]) -> Vec<Allowance> {
    let is_honoured = |option: &&PushOption| basis.manifest.policy.allow.contains(&option.rule);
    let allowance = |option: &PushOption| Allowance {
        rule: option.rule.clone(),
        path: None,
        reason: option.reason.clone(),
        branch: Some(branch.clone()),
        tip: Some(tip),
        incoming: incoming.iter().map(|head| head.oid).collect(),
    };
    options.iter().filter(is_honoured).map(allowance).collect()
}

/// Says how this push may pass: by an option where the manifest says so.
fn remedy(basis: &Basis, finding: &Finding, takes_options: bool) -> String {
    let rule = &finding.rule;
    if basis.manifest.policy.allow.contains(rule) && !takes_options {
        "this server takes no push options; its operator can let it: git config receive.advertisePushOptions true"
            .to_owned()
    } else if basis.manifest.policy.allow.contains(rule) {
        format!("git push -o 'guard-allow={rule}: <why>'")
    } else {
        format!("take it out of the push; '[policy] allow' of this branch does not let '{rule}' pass")
    }
}
