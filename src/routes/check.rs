//! `guard check`: what would merging this do, or what did it do? Nothing is changed, nothing is recorded.

use super::judge::{self, Judged};
use super::losses::Look;
use super::target;
use crate::facts::{self, Asked, Question, Replaced};
use crate::git::{GitError, Line, Repo, Strategy};
use crate::manifest::Policy;
use crate::model::{Finding, Incoming, Oid, RefName};
use crate::rules;

/// What is checked.
#[derive(Debug, Clone)]
pub enum Subject {
    /// Merging revisions into another (`HEAD` when `None`), without doing it.
    Merge {
        /// What would come in.
        revisions: Vec<String>,
        /// What it would be merged into.
        into: Option<String>,
    },
    /// A merge that exists.
    Commit(String),
    /// What a range brings: the step from its start to its end, and every merge in it.
    Range(String, String),
    /// What a forge was asked to merge, or was pushed: its branches are not branches here, so their names are said.
    Forge(Proposal),
}

/// A merge or push request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The commit that it goes onto.
    pub base: String,
    /// The commit that comes in.
    pub head: String,
    /// The branch that it goes into, by its short name.
    pub into: Option<String>,
    /// The branch that comes in, by its short name.
    pub from: Option<String>,
    /// Whether the branch just moves from base to head.
    pub pushed: bool,
}

/// One merge, judged.
#[derive(Debug)]
pub struct Checked {
    /// The commit, for merges that exist.
    pub commit: Option<Oid>,
    /// Its verdict.
    pub judged: Judged,
}

/// How merges are looked at.
#[derive(Default)]
struct Desk {
    look: Look,
    /// Whether the verdict is for everybody: a forge asks.
    is_shared: bool,
    /// Whether what is judged was pushed already: then the shared line has it for that reason alone.
    was_pushed: bool,
    /// Whether it is merged into what is checked out here: then files of the working tree would be replaced.
    is_here: bool,
    /// Merges that were made on the line that a forge asks about: only they can say why they lost something.
    own: Vec<Oid>,
}

/// Why nothing could be checked.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// git could not be asked, or an object is missing.
    #[error(transparent)]
    Git(#[from] GitError),
    /// A revision names no commit.
    #[error("'{0}' is not a commit here")]
    NoRevision(String),
    /// There is nothing to merge into.
    #[error("there is no commit yet to merge into")]
    Unborn,
}

/// Judges what the subject names.
pub fn check(repo: &Repo, subject: &Subject) -> Result<Vec<Checked>, CheckError> {
    match subject {
        Subject::Merge { revisions, into } => Ok(vec![merge(repo, revisions, into.as_deref())?]),
        Subject::Commit(revision) => Ok(vec![existing(repo, commit(repo, revision)?, &Desk::default())?]),
        Subject::Range(start, end) => {
            let full = RefName::from(format!("refs/heads/{start}"));
            let branch = repo.ref_value(&full)?.map(|_| full);
            range(repo, (start, end), branch.as_ref(), None, &Desk::default())
        }
        Subject::Forge(proposal) => proposed(repo, proposal),
    }
}

/// Judges what a forge was asked for: a push is a step, anything else a merge that nobody has made.
fn proposed(repo: &Repo, proposal: &Proposal) -> Result<Vec<Checked>, CheckError> {
    let branch = proposal.into.as_ref().map(|name| RefName::from(format!("refs/heads/{name}")));
    let (tip, head) = (commit(repo, &proposal.base)?, commit(repo, &proposal.head)?);
    let own = repo.merges(&[head], &[tip], Line::Own)?;
    let desk = Desk { is_shared: true, was_pushed: proposal.pushed, own, ..Desk::default() };
    if proposal.pushed {
        return range(repo, (&proposal.base, &proposal.head), branch.as_ref(), proposal.from.as_deref(), &desk);
    }
    let heads = vec![incoming(head, proposal.from.as_deref().unwrap_or(&proposal.head))];
    let asked = Asked::Predicted(Strategy::default());
    let mut found = vec![judged(repo, branch.as_ref(), Some(tip), heads, asked, (None, &desk))?];
    for oid in repo.merges(&[head], &[tip], Line::All)? {
        found.push(existing(repo, oid, &desk)?);
    }
    Ok(found)
}

fn commit(repo: &Repo, revision: &str) -> Result<Oid, CheckError> {
    let found = repo.resolve(&format!("{revision}^{{commit}}"))?;
    found.ok_or_else(|| CheckError::NoRevision(crate::model::escape(revision.as_bytes())))
}

fn incoming(oid: Oid, name: &str) -> Incoming {
    Incoming { oid, names: vec![name.into()] }
}

fn merge(repo: &Repo, revisions: &[String], into: Option<&str>) -> Result<Checked, CheckError> {
    let head = repo.head()?;
    let (branch, tip) = match into {
        None => (head.branch.clone(), head.oid.ok_or(CheckError::Unborn)?),
        Some(revision) => {
            let full = RefName::from(format!("refs/heads/{revision}"));
            let branch = repo.ref_value(&full)?.map(|_| full);
            (branch, commit(repo, revision)?)
        }
    };
    let heads = revisions.iter().map(|revision| Ok(incoming(commit(repo, revision)?, revision)));
    let heads = heads.collect::<Result<Vec<_>, CheckError>>()?;
    let strategy = repo.configured_strategy(target(branch.as_ref(), None).branch.as_ref())?;
    let is_other = branch.is_some() && branch != head.branch;
    let desk = Desk { is_here: !is_other && head.oid == Some(tip), ..Desk::default() };
    judged(repo, branch.as_ref(), Some(tip), heads, Asked::Predicted(strategy), (None, &desk))
}

/// Judges a merge commit as what it brought to its first parent; an ordinary commit as a step.
fn existing(repo: &Repo, oid: Oid, desk: &Desk) -> Result<Checked, CheckError> {
    let commit = repo.objects().commit(oid)?;
    let others = if commit.parents.len() > 1 { commit.parents[1..].to_vec() } else { vec![oid] };
    let heads = others.into_iter().map(|other| incoming(other, &other.to_string())).collect();
    judged(repo, None, commit.parents.first().copied(), heads, Asked::Tree(commit.tree), (Some(oid), desk))
}

fn range(
    repo: &Repo,
    (start, end): (&str, &str),
    branch: Option<&RefName>,
    name: Option<&str>,
    desk: &Desk,
) -> Result<Vec<Checked>, CheckError> {
    let (from, to) = (commit(repo, start)?, commit(repo, end)?);
    let asked = Asked::Predicted(Strategy::default());
    let heads = vec![incoming(to, name.unwrap_or(end))];
    let mut found = vec![judged(repo, branch, Some(from), heads, asked, (None, desk))?];
    for oid in repo.merges(&[to], &[from], Line::All)? {
        found.push(existing(repo, oid, desk)?);
    }
    Ok(found)
}

fn judged(
    repo: &Repo,
    branch: Option<&RefName>,
    tip: Option<Oid>,
    heads: Vec<Incoming>,
    asked: Asked,
    (commit, desk): (Option<Oid>, &Desk),
) -> Result<Checked, CheckError> {
    let mut basis = judge::Basis { is_shared: desk.is_shared, ..judge::basis(repo, tip)? };
    if desk.was_pushed {
        basis.manifest.policy.accepted.clear();
    }
    if desk.is_shared && commit.is_some_and(|merge| !desk.own.contains(&merge)) {
        // What somebody says in a merge that is merged counts for nothing: the step does not show what it lost.
        basis.manifest.policy.allow.retain(|rule| !rules::OF_LOST_WORK.contains(&rule.as_str()));
    }
    let mut question = Question { into: target(branch, tip), incoming: heads, squash: false, asked };
    if !basis.manifest.branch.is_empty() {
        for head in &mut question.incoming {
            head.names.extend(repo.names_of(head.oid)?);
        }
    }
    let mut facts = facts::gather(repo, &basis.manifest, &question)?;
    facts.commit = commit;
    desk.look.add(repo, &mut facts)?;
    if desk.is_here {
        // As the gate will.
        let in_use = facts::databases_in_use(repo, &facts.paths, Replaced::Soon)?;
        facts.in_use = in_use.into_iter().map(|used| used.found).collect();
    }
    let mut judged = judge::judge(repo, &basis, facts, &[])?;
    if desk.is_shared {
        for finding in judged.findings.iter_mut().filter(|finding| finding.remedy.starts_with("guard allow ")) {
            finding.remedy = remedy(&basis.manifest.policy, finding);
        }
    }
    Ok(Checked { commit, judged })
}

/// Says how a change may pass a pipeline: what somebody allowed in a clone does not count there.
fn remedy(policy: &Policy, finding: &Finding) -> String {
    let rule = &finding.rule;
    match &finding.path {
        _ if !policy.allow.contains(rule) => {
            format!("take it out of the change; '[policy] allow' of this branch does not let '{rule}' pass")
        }
        // What a merge lost is its own; of other things without a path no commit alone can say that they may be.
        None if !rules::OF_LOST_WORK.contains(&rule.as_str()) => {
            format!("take it out of the change; no trailer lets '{rule}' pass")
        }
        path => {
            let trailer = facts::render_trailer(rule, path.as_ref(), "<why>");
            format!("say it in the message of the commit that does it: 'Guard-Allow: {trailer}'")
        }
    }
}
