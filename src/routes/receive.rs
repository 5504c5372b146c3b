//! On a server: what a push would do to each branch, and every merge that it brings. All of it is refused or none.
//!
//! A branch is judged by the manifest that it has before the push, a new one by the default branch's. Merges that the branch itself
//! or the default branch has already are nobody's business any more; of a new branch, those that any branch has. Objects stand in quarantine: nothing may be written here.
//!
//! Order: which branches, by which manifests → which merges are new → what changes on each branch → the merges, oldest first →
//! what the merges lost. So what a huge push keeps from being judged in time are merges, as a rule, not what becomes of a branch. The
//! strictest of these manifests says what happens then.

mod basis;
mod lost;
mod options;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use bstr::ByteSlice;
use options::Options;

use super::judge::{self, Basis};
use super::push::{of_merge, question_of};
use super::{Answer, Occasion, Session, target};
use crate::facts::{self, Asked, Question};
use crate::git::{GitError, Line, Repo};
use crate::manifest::OnFailure;
use crate::model::{Allowance, Finding, Incoming, Level, Oid, Raw, RefMove, RefName, Verdict};
use crate::rules;

/// So many merges of one push are judged.
const MOST: usize = 1000;

/// From so many merges on, history is read once instead of asking git about each.
const MANY: usize = 8;

/// Returns how long the judgement of a push may take, where `git config recoveryguard.pushSeconds` says: a forge that ends hooks
/// after some seconds wants an answer before that. By which manifests it is judged is known before that time begins.
fn time_of_push(repo: &Repo) -> Result<Option<Duration>, GitError> {
    let Some(text) = repo.config("recoveryguard.pushSeconds")? else { return Ok(None) };
    let seconds = text.to_str().ok().and_then(|text| text.trim().parse().ok()).filter(|seconds| *seconds > 0.0);
    let limit = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let why = || GitError::Unsupported(format!("recoveryguard.pushSeconds is '{text}', not a number of seconds"));
    limit.map(Some).ok_or_else(why)
}

/// Judges what a push would do.
pub(super) fn receiving(
    session: &Session<'_>,
    updates: &[RefMove],
    options: &[Raw],
) -> Result<Option<Answer>, GitError> {
    let repo = &session.repo.as_stored();
    let takes_options = repo.config_is_true("receive.advertisePushOptions")?;
    let server = judge::on_failure_of_server(repo)?;
    let branches = branches(repo, updates)?;
    let options = Options::read(options);
    let timed = time_of_push(repo)?.map(|limit| repo.within(limit));
    let mut received = Received::new(timed.as_ref().unwrap_or(repo), &options, server);
    received.takes_options = takes_options;
    match received.judge_all(&branches) {
        Err(GitError::TimedOut(limit)) => received.late(limit, &branches),
        ended => ended?,
    }
    let Received { mut findings, failure, on_failure, mut notes, .. } = received;
    judge::worst_first(&mut findings);
    let blocks = findings.iter().any(|finding| finding.level == Level::Block);
    let verdict = if failure.is_some() && !blocks { Verdict::CouldNotJudge } else { Verdict::of(&findings) };
    let of_branch = |branch: &Branch| branch.basis.manifest.policy.allow.clone();
    let mut allow: Vec<String> = branches.iter().flat_map(of_branch).collect();
    allow.sort();
    allow.dedup();
    notes.extend(options.misread(&allow));
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
        notes,
    }))
}

/// A branch that is pushed.
struct Branch {
    /// Its full name.
    name: RefName,
    /// Where it is; `None` when it is new.
    old: Option<Oid>,
    /// Where it is to be.
    new: Oid,
    /// By what it is judged.
    basis: Basis,
}

impl Branch {
    /// Returns its name without `refs/heads/`.
    fn short(&self) -> RefName {
        RefName::from(self.name.strip_prefix(b"refs/heads/").unwrap_or(&self.name))
    }

    /// Returns what merges may stand on that are nobody's business any more; none: any branch's. What other branches have was judged
    /// by other manifests, and whoever may push may make branches.
    fn has(&self, head: Option<Oid>) -> Vec<Oid> {
        self.old.into_iter().flat_map(|old| head.into_iter().chain([old])).collect()
    }
}

/// Returns the branches of a push. One that goes takes no file from anybody's working tree, and its commits are on other
/// branches or wanted gone.
fn branches(repo: &Repo, updates: &[RefMove]) -> Result<Vec<Branch>, GitError> {
    let mut branches = Vec::new();
    for update in updates.iter().filter(|update| update.name.starts_with(b"refs/heads/")) {
        let Some(new) = update.new else { continue };
        let Some(new) = repo.resolve(&format!("{new}^{{commit}}"))? else { continue };
        let line = update.old.map_or_else(|| repo.resolve_head(), |old| Ok(Some(old)))?;
        let basis = basis::of_server(repo, line)?;
        branches.push(Branch { name: update.name.clone(), old: update.old, new, basis });
    }
    Ok(branches)
}

/// What was found so far.
struct Received<'a> {
    repo: &'a Repo,
    options: &'a Options,
    findings: Vec<Finding>,
    /// Those of what changes on each branch.
    steps: HashMap<RefName, Vec<Finding>>,
    failure: Option<String>,
    on_failure: OnFailure,
    /// What else is to be said.
    notes: Vec<String>,
    /// What happens where no manifest can be read.
    server: OnFailure,
    /// Whether this server takes push options.
    takes_options: bool,
    /// How many merges were judged, of how many.
    judged: usize,
    merges: usize,
}

impl<'a> Received<'a> {
    fn new(repo: &'a Repo, options: &'a Options, server: OnFailure) -> Self {
        Self {
            repo,
            options,
            findings: Vec::new(),
            steps: HashMap::new(),
            failure: None,
            on_failure: OnFailure::Warn,
            notes: Vec::new(),
            server,
            takes_options: false,
            judged: 0,
            merges: 0,
        }
    }

    fn judge_all(&mut self, branches: &[Branch]) -> Result<(), GitError> {
        let mut merges = Vec::new();
        let mut seen = HashSet::new();
        let head = self.repo.resolve_head()?;
        for branch in branches {
            let new = self.repo.new_merges(branch.new, &branch.has(head), Line::All, MOST + 1)?;
            // New branches have the same manifest: a merge is judged for the first of them.
            let is_first = |merge: &Oid| branch.old.is_some() || seen.insert(*merge);
            merges.extend(new.into_iter().filter(is_first).map(|merge| (branch, merge)));
        }
        self.merges = merges.len();
        if merges.len() >= MANY {
            let ends = branches.iter().flat_map(|branch| branch.old.into_iter().chain([branch.new]));
            self.repo.foresee(&merges.iter().map(|(_, merge)| *merge).chain(ends).collect::<Vec<Oid>>());
        }
        for branch in branches {
            self.step(branch)?;
        }
        let too_many = merges.len().saturating_sub(MOST);
        let merges = &merges[too_many..];
        for (branch, merge) in merges {
            self.repo.deadline().check()?;
            self.merge(branch, *merge)?;
            self.judged += 1;
        }
        if too_many > 0 {
            let why = format!("more than {MOST} merges came at once, only the newest {MOST} were judged; {PARTS}");
            self.fail(why, self.strictest(branches));
        }
        for branch in branches {
            let own = merges.iter().filter(|(of, _)| of.name == branch.name).map(|(_, merge)| *merge);
            self.lost(branch, &own.collect::<Vec<Oid>>());
        }
        Ok(())
    }

    /// Judges what changes on a branch.
    fn step(&mut self, branch: &Branch) -> Result<(), GitError> {
        let Some(old) = branch.old else { return Ok(()) };
        let tree = self.repo.objects().tree_of(branch.new)?;
        let basis = basis::of_step(self.repo, &branch.basis, old, branch.new)?;
        let from = self.findings.len();
        let incoming = vec![Incoming { oid: branch.new, names: vec![branch.short()] }];
        let into = target(Some(&branch.name), Some(old));
        self.judge(branch, &basis, None, Question { into, incoming, squash: false, asked: Asked::Tree(tree) })?;
        self.steps.insert(branch.name.clone(), self.findings[from..].to_vec());
        Ok(())
    }

    /// Judges a merge that comes to a branch.
    fn merge(&mut self, branch: &Branch, merge: Oid) -> Result<(), GitError> {
        let commit = self.repo.objects().commit(merge)?;
        let from = self.findings.len();
        self.judge(branch, &branch.basis, Some(merge), question_of(&commit, Some(&branch.name)))?;
        let subject = commit.subject().to_string();
        let new = self.findings.split_off(from);
        // What the branch's own step shows already is not said again of the merge that did it.
        let known = |finding: &Finding| {
            let steps = self.steps.get(&branch.name).into_iter().flatten();
            let mut same = steps.filter(|other| (&other.rule, &other.path) == (&finding.rule, &finding.path));
            same.any(|other| other.level >= finding.level)
        };
        let new: Vec<Finding> = new.into_iter().filter(|finding| !known(finding)).collect();
        self.findings.extend(new.into_iter().map(|finding| of_merge(finding, merge, &subject)));
        Ok(())
    }

    fn judge(
        &mut self,
        branch: &Branch,
        basis: &Basis,
        commit: Option<Oid>,
        mut question: Question,
    ) -> Result<(), GitError> {
        let repo = self.repo;
        if !basis.manifest.branch.is_empty() {
            for head in &mut question.incoming {
                head.names.extend(repo.names_of(head.oid)?);
            }
        }
        let allowed = self.allowed(branch, &question);
        let judged = judge::attempt(repo, basis, &question, &allowed, |facts| {
            facts.commit = commit;
            Ok(())
        })?;
        if let Some(why) = judged.failure {
            self.fail(format!("'{}': {why}", branch.short()), self.policy(branch));
        }
        let loud = judged.findings.into_iter().filter(|finding| finding.level >= Level::Warn);
        self.findings.extend(loud.map(|mut finding| {
            if finding.level == Level::Block {
                finding.remedy = remedy(basis, &finding, self.takes_options);
            } else if finding.remedy.starts_with("guard allow ") {
                // Nobody can do that on a server, and what only warns is taken.
                finding.remedy.clear();
            }
            finding
        }));
        Ok(())
    }

    /// Returns what push options let pass: only rules that the protected side's manifest lets be allowed so.
    fn allowed(&self, branch: &Branch, question: &Question) -> Vec<Allowance> {
        let asked = self.options.that_may(&branch.basis.manifest.policy.allow);
        let allowance = |(rule, reason): (&str, &str)| Allowance {
            rule: rule.to_owned(),
            path: None,
            reason: reason.to_owned(),
            branch: Some(branch.name.clone()),
            tip: question.into.tip,
            incoming: question.incoming.iter().map(|head| head.oid).collect(),
        };
        asked.map(allowance).collect()
    }

    /// Says that the time was over. Nobody knows what was not looked at, so the strictest manifest counts.
    fn late(&mut self, limit: Duration, branches: &[Branch]) {
        let seconds = limit.as_secs_f64();
        let why = match (self.judged, self.merges) {
            (_, 0) => format!("what changes was not judged in time ({seconds} s)"),
            (0, _) => format!("no merge was judged in time ({seconds} s), and lost work was not looked for"),
            (judged, of) => {
                format!("{judged} of {of} merges were judged in time ({seconds} s), and lost work was not looked for")
            }
        };
        self.fail(format!("{why}; {PARTS}"), self.strictest(branches));
    }

    /// Returns what happens when something on a branch can't be judged.
    fn policy(&self, branch: &Branch) -> OnFailure {
        if branch.basis.unreadable.is_some() { self.server } else { branch.basis.on_failure }
    }

    /// Returns what the strictest of these branches wants to happen.
    fn strictest(&self, branches: &[Branch]) -> OnFailure {
        let blocks = branches.iter().any(|branch| self.policy(branch) == OnFailure::Block);
        if blocks { OnFailure::Block } else { OnFailure::Warn }
    }

    fn fail(&mut self, why: String, policy: OnFailure) {
        self.failure.get_or_insert(why);
        if policy == OnFailure::Block {
            self.on_failure = OnFailure::Block;
        }
    }
}

/// What a pusher can do who brings too much.
const PARTS: &str =
    "push an earlier commit first, or let the server's operator give more time (recoveryguard.pushSeconds)";

/// Says how this push may pass: by an option or a trailer where the manifest says so.
fn remedy(basis: &Basis, finding: &Finding, takes_options: bool) -> String {
    let rule = &finding.rule;
    if !basis.manifest.policy.allow.contains(rule) {
        return format!("take it out of the push; '[policy] allow' of this branch does not let '{rule}' pass");
    }
    if takes_options {
        return format!("git push -o 'guard-allow={rule}: <why>'");
    }
    let path = finding.path.as_ref();
    if path.is_none() && !rules::OF_LOST_WORK.contains(&rule.as_str()) {
        // A trailer is believed of what its own commit does: what comes to a branch as a whole is no single commit's.
        return format!("take it out of the push; only a push option lets '{rule}' pass, and this server takes none");
    }
    format!(
        "this server takes no push options; say it in the merge commit: 'Guard-Allow: {}'",
        facts::render_trailer(rule, path, "<why>")
    )
}
