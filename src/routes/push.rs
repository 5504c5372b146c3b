//! Before a push: the merges that it would publish are judged, and looked at for lost work; of its other commits it is asked
//! whether they take back what others did on that branch.
//!
//! They are judged by the manifest that the remote branch has now, so that a push can't weaken what it is judged by. What
//! some remote has already is nobody's business any more.

use std::collections::HashSet;

use bstr::ByteSlice;

use super::judge::{self, Basis};
use super::{Answer, Occasion, Session, audit, confirm, target};
use crate::facts::{Asked, Question};
use crate::git::{GitError, Repo};
use crate::manifest::OnFailure;
use crate::model::{Finding, Incoming, Level, Oid, Push, RefName, TreePath, Verdict};
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
        misread: Vec::new(),
    }))
}

/// What was found so far.
#[derive(Default)]
struct Pushed {
    findings: Vec<Finding>,
    /// Of which merge what was found: also what is allowed there, and therefore not said.
    known: HashSet<(Oid, String, Option<TreePath>)>,
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
        self.audit(session, &merges)
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
        let (tip, others) = (commit.parents.first().copied(), commit.parents.get(1..).unwrap_or_default());
        let own = if basis.is_none() { Some(judge::basis(repo, tip)?) } else { None };
        let Some(basis) = basis.or(own.as_ref()) else { return Ok(()) };
        let allowed = session.journal.allowances_of_made(tip, others).unwrap_or_default();
        let incoming = others.iter().map(|oid| Incoming { oid: *oid, names: vec![oid.to_string().into()] }).collect();
        let into = target(branch, tip);
        let question = Question { into, incoming, squash: false, asked: Asked::Tree(commit.tree) };
        let judged = judge::attempt(repo, basis, &question, &allowed, |_| Ok(()))?;
        if let Some(why) = judged.failure {
            self.failure = Some(format!("{}: {why}", merge.short()));
            self.on_failure = judged.on_failure;
        }
        self.known.extend(judged.findings.iter().map(|found| (merge, found.rule.clone(), found.path.clone())));
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
    fn audit(&mut self, session: &Session<'_>, merges: &[Oid]) -> Result<(), GitError> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let mut all = audit(session.repo, merges, threads, &|_, _| ())?;
        confirm::confirm(session.repo, &mut all, &|_, _| ())?;
        for audited in all {
            let subject = audited.subject.to_string();
            let commit = audited.commit;
            if let Some(why) = &audited.failure {
                self.failure = Some(format!("{}: {why}", commit.short()));
            }
            for finding in audited.findings.into_iter().filter(|finding| finding.level >= Level::Warn) {
                if self.known.insert((commit, finding.rule.clone(), finding.path.clone())) {
                    self.findings.push(of_merge(finding, commit, &subject));
                }
            }
        }
        Ok(())
    }
}

/// Says in which merge something was found.
pub(super) fn of_merge(mut finding: Finding, merge: Oid, subject: &str) -> Finding {
    finding.evidence.insert("merge".into(), merge.to_string());
    finding.evidence.insert("merge_subject".into(), subject.to_owned());
    finding
}
