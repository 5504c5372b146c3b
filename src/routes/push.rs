//! Before a push: the merges that it would publish are judged, and looked at for lost work; of its other commits it is asked
//! whether they take back what others did on that branch.
//!
//! They are judged by the manifest that the remote branch has now, so that a push can't weaken what it is judged by. What
//! some remote has already is nobody's business any more.

use std::borrow::Cow;
use std::collections::HashSet;

use bstr::ByteSlice;

use super::audit::lost_work;
use super::judge::{self, Basis};
use super::{Answer, Audited, Occasion, Session, confirm, target};
use crate::facts::{Asked, Question};
use crate::git::{Commit, GitError, Repo};
use crate::manifest::OnFailure;
use crate::model::{Allowance, Facts, Finding, Incoming, Level, Oid, Push, RefName, Verdict};
use crate::rules;

/// So many merges are looked at, the newest: a first push may publish a whole history.
const MOST: usize = 200;

/// Judges what a push would publish.
pub(super) fn pushing(session: &Session<'_>, remote: &RefName, pushes: &[Push]) -> Result<Option<Answer>, GitError> {
    let mut so_far = Pushed::default();
    let ours = |push: &&Push| !push.remote.starts_with(b"refs/recoveryguard/");
    let mut seen = HashSet::new();
    for push in pushes.iter().filter(ours) {
        so_far.look_at(session, remote, push, &mut seen)?;
    }
    let Pushed { mut findings, failure, on_failure, .. } = so_far;
    judge::worst_first(&mut findings);
    let blocks = findings.iter().any(|finding| finding.level == Level::Block);
    let verdict = if failure.is_some() && !blocks { Verdict::CouldNotJudge } else { Verdict::of(&findings) };
    Ok(Some(Answer {
        occasion: Occasion::Push,
        verdict,
        findings,
        failure,
        on_failure,
        into: target(Some(remote), None),
        incoming: Vec::new(),
        operation: None,
        unrecorded: None,
        no_backup: None,
        notes: Vec::new(),
    }))
}

/// What was found so far.
#[derive(Default)]
struct Pushed {
    findings: Vec<Finding>,
    failure: Option<String>,
    on_failure: OnFailure,
}

impl Pushed {
    fn look_at(
        &mut self,
        session: &Session<'_>,
        remote: &RefName,
        push: &Push,
        seen: &mut HashSet<Oid>,
    ) -> Result<(), GitError> {
        let repo = session.repo;
        let Some(new) = push.new else { return Ok(()) };
        // A tag of something else than a commit.
        let Some(new) = repo.resolve(&format!("{new}^{{commit}}"))? else { return Ok(()) };
        let old = push.old.filter(|old| repo.objects().commit(*old).is_ok());
        let line = match old {
            Some(old) => Some(old),
            None => repo.resolve(&format!("refs/remotes/{}/HEAD^{{commit}}", remote.to_str_lossy()))?,
        };
        // It is published there, whatever it is called here.
        let branch = Some(&push.remote).filter(|name| name.starts_with(b"refs/heads/"));
        if let Some(line) = line {
            self.takes_back(repo, line, new, branch)?;
        }
        let mut merges = repo.unpublished_merges(new, old, MOST + 1)?;
        if merges.len() > MOST {
            // The oldest is the one too many.
            merges.remove(0);
            self.failure = Some(format!("only the newest {MOST} merges were looked at"));
        }
        merges.retain(|merge| seen.insert(*merge));
        if merges.is_empty() {
            return Ok(());
        }
        let basis = line.map(|line| judge::basis(repo, Some(line))).transpose()?;
        for (place, merge) in merges.iter().enumerate() {
            if repo.deadline().is_half_over() {
                self.failure = Some(format!("only {place} of {} merges were looked at in time", merges.len()));
                return Ok(());
            }
            self.judge(session, (*merge, branch), basis.as_ref())?;
        }
        self.lost(session, (&merges, branch), basis.as_ref())
    }

    /// Looks for work on the published line that unpublished commits take back. Where a push replaces commits, what comes after
    /// the last one that stays is compared.
    fn takes_back(&mut self, repo: &Repo, line: Oid, new: Oid, branch: Option<&RefName>) -> Result<(), GitError> {
        let [base] = repo.merge_bases(line, new)?[..] else { return Ok(()) };
        let range = [new.to_string(), format!("^{base}"), "--not".to_owned(), "--remotes".to_owned()];
        let found = judge::taken_back(repo, &target(branch, Some(base)), new, &range)?;
        for finding in found.into_iter().filter(|finding| finding.level >= Level::Warn) {
            // Two names may be pushed for one commit.
            if !self.findings.contains(&finding) {
                self.findings.push(finding);
            }
        }
        Ok(())
    }

    /// Judges a merge as its hooks should have.
    fn judge(
        &mut self,
        session: &Session<'_>,
        (merge, branch): (Oid, Option<&RefName>),
        basis: Option<&Basis>,
    ) -> Result<(), GitError> {
        let repo = session.repo;
        let commit = repo.objects().commit(merge)?;
        let question = question_of(&commit, branch);
        let basis = basis_of(repo, basis, &question)?;
        let judged = judge::attempt(repo, &basis, &question, &allowed(session, &commit), |_| Ok(()))?;
        if let Some(why) = judged.failure {
            self.failure = Some(format!("{}: {why}", merge.short()));
            self.on_failure = judged.on_failure;
        }
        let loud = judged.findings.into_iter().filter(|finding| finding.level >= Level::Warn);
        self.findings.extend(loud.map(|mut finding| {
            finding.remedy = match &finding.level {
                // In front: behind the path of a name like `-x` no option may stand.
                Level::Block => rules::allow_command(&finding.rule, finding.path.as_ref()).replacen(
                    "guard allow",
                    &format!("guard allow --for {}", merge.short()),
                    1,
                ),
                _ => finding.remedy,
            };
            of_merge(finding, merge, &commit.subject().to_string())
        }));
        Ok(())
    }

    /// Looks for work that merges lost.
    fn lost(
        &mut self,
        session: &Session<'_>,
        (merges, branch): (&[Oid], Option<&RefName>),
        basis: Option<&Basis>,
    ) -> Result<(), GitError> {
        let repo = session.repo;
        let mut all = lost_work(repo, merges, basis.map(|basis| &basis.manifest))?;
        confirm::confirm(repo, &mut all, &|_, _| ())?;
        for audited in all {
            if let Some(why) = &audited.failure {
                self.failure = Some(format!("{}: {why}", audited.commit.short()));
            }
            if !audited.findings.is_empty() {
                let commit = repo.objects().commit(audited.commit)?;
                let question = question_of(&commit, branch);
                let basis = basis_of(repo, basis, &question)?;
                self.findings.extend(of_audited(repo, &basis, &question, audited, &allowed(session, &commit))?);
            }
        }
        Ok(())
    }
}

/// What `guard allow` let pass of a merge that was made.
fn allowed(session: &Session<'_>, merge: &Commit) -> Vec<Allowance> {
    let [tip, others @ ..] = &merge.parents[..] else { return Vec::new() };
    session.journal.allowances_of_made(Some(*tip), others).unwrap_or_default()
}

/// Returns by what a merge is judged: what the remote branch has, or, where that is not known, what its first parent has.
fn basis_of<'b>(repo: &Repo, basis: Option<&'b Basis>, question: &Question) -> Result<Cow<'b, Basis>, GitError> {
    let own = || judge::basis(repo, question.into.tip).map(Cow::Owned);
    basis.map_or_else(own, |basis| Ok(Cow::Borrowed(basis)))
}

/// Asks about a merge that was made.
pub(super) fn question_of(merge: &Commit, branch: Option<&RefName>) -> Question {
    let (tip, others) = (merge.parents.first().copied(), merge.parents.get(1..).unwrap_or_default());
    let incoming = others.iter().map(|oid| Incoming { oid: *oid, names: vec![oid.to_string().into()] }).collect();
    Question { into: target(branch, tip), incoming, squash: false, asked: Asked::Tree(merge.tree) }
}

/// Returns what is left to be said of the work that a merge lost, when it is known what may pass.
pub(super) fn of_audited(
    repo: &Repo,
    basis: &Basis,
    question: &Question,
    audited: Audited,
    allowed: &[Allowance],
) -> Result<Vec<Finding>, GitError> {
    let facts = Facts { commit: Some(audited.commit), ..judge::unknown(question) };
    let (_, findings) = judge::excused(repo, basis, &facts, audited.findings, allowed)?;
    let loud = findings.into_iter().filter(|finding| finding.level >= Level::Warn);
    Ok(loud.map(|finding| of_merge(finding, audited.commit, &audited.subject.to_string())).collect())
}

/// Says in which merge something was found.
pub(super) fn of_merge(mut finding: Finding, merge: Oid, subject: &str) -> Finding {
    finding.evidence.insert("merge".into(), merge.to_string());
    finding.evidence.insert("merge_subject".into(), subject.to_owned());
    finding
}
