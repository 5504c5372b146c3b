//! The steps that all judging routes share.

use super::{Session, whose};
use crate::facts::{self, Allow, Asked, Found, Question, Trailers};
use crate::git::{GitError, Repo, Strategy};
use crate::manifest::{Manifest, OnFailure};
use crate::model::{
    Allowance, Facts, Finding, Incoming, Level, Losses, Oid, RefName, ResultKind, Shape, Target, Verdict,
};
use crate::rules::{self, Case};

/// By which manifest a merge is judged.
#[derive(Debug, Clone)]
pub struct Basis {
    /// The first parent's manifest, or the built-in rules.
    pub manifest: Manifest,
    /// Why its manifest can't be read, if so.
    pub unreadable: Option<String>,
    /// What happens when it can't be judged.
    pub on_failure: OnFailure,
    /// Whether this is a verdict for everybody, of a server or of CI. There whoever proposes a change can't excuse it:
    /// `Guard-Allow:` trailers count only for the rules in `[policy] allow`, and in the branch's own commits.
    pub is_shared: bool,
}

/// A merge with its verdict.
#[derive(Debug, Clone)]
pub struct Judged {
    /// What is true of it.
    pub facts: Facts,
    /// The verdict.
    pub verdict: Verdict,
    /// What was found, worst first.
    pub findings: Vec<Finding>,
    /// Why it could not judge (in part), if so.
    pub failure: Option<String>,
    /// What happens then.
    pub on_failure: OnFailure,
}

/// Reads the manifest of the tip that is merged into.
pub fn basis(repo: &Repo, tip: Option<Oid>) -> Result<Basis, GitError> {
    let tree = tip.map(|tip| repo.objects().tree_of(tip)).transpose()?;
    let why = match facts::manifest_of(repo, tree)? {
        Found::None => {
            let manifest = Manifest::default();
            return Ok(Basis { manifest, unreadable: None, on_failure: OnFailure::Warn, is_shared: false });
        }
        Found::Manifest(manifest) => {
            let on_failure = manifest.policy.on_failure;
            return Ok(Basis { manifest: *manifest, unreadable: None, on_failure, is_shared: false });
        }
        Found::Unreadable(error) => format!("'{}' can't be read: {error}", crate::manifest::FILE),
        Found::Odd(why) => why,
    };
    let manifest = Manifest::default();
    Ok(Basis { manifest, unreadable: Some(why), on_failure: configured(repo)?, is_shared: false })
}

/// Reads the policy that holds where the manifest's can't be had: `git config recoveryguard.onFailure`.
fn configured(repo: &Repo) -> Result<OnFailure, GitError> {
    let blocks = repo.config("recoveryguard.onFailure")?.is_some_and(|value| value.eq_ignore_ascii_case(b"block"));
    Ok(if blocks { OnFailure::Block } else { OnFailure::Warn })
}

/// Returns what happens on a server when a push can't be judged and no manifest says: it is refused, unless
/// `recoveryguard.onFailure` says otherwise.
pub fn on_failure_of_server(repo: &Repo) -> Result<OnFailure, GitError> {
    let warns = repo.config("recoveryguard.onFailure")?.is_some_and(|value| value.eq_ignore_ascii_case(b"warn"));
    Ok(if warns { OnFailure::Warn } else { OnFailure::Block })
}

/// Returns what happens when a merge into HEAD can't be judged at all: the manifest or the configuration may refuse it.
pub fn on_failure(repo: &Repo) -> OnFailure {
    // Each that can't be read says nothing; the other still counts.
    let says = |policy: Result<OnFailure, GitError>| matches!(policy, Ok(OnFailure::Block));
    let manifest = repo.resolve_head().and_then(|head| basis(repo, head)).map(|basis| basis.on_failure);
    if says(manifest) || says(configured(repo)) { OnFailure::Block } else { OnFailure::Warn }
}

/// Gathers facts, lets `local` add to them, and judges them. What git can't answer is an answer too, *could not judge*:
/// it is recorded, so that the hooks that follow don't say it again.
pub(super) fn attempt(
    repo: &Repo,
    basis: &Basis,
    question: &Question,
    allowed: &[Allowance],
    local: impl FnOnce(&mut Facts) -> Result<(), GitError>,
) -> Result<Judged, GitError> {
    let judged = facts::gather(repo, &basis.manifest, question).and_then(|mut facts| {
        local(&mut facts)?;
        judge(repo, basis, facts, allowed)
    });
    match judged {
        // Beyond the time limit git can't be asked for the policy either. What is damaged nobody pushes by accident: the
        // manifest's policy is not for that.
        Ok(_) | Err(GitError::TimedOut(_)) => judged,
        Err(GitError::Damaged { .. }) if basis.is_shared => judged,
        Err(error) => Ok(Judged {
            facts: unknown(question),
            verdict: Verdict::CouldNotJudge,
            findings: Vec::new(),
            failure: Some(error.to_string()),
            on_failure: if basis.on_failure == OnFailure::Block { OnFailure::Block } else { configured(repo)? },
        }),
    }
}

/// The facts of a merge of which nothing is known but the question.
pub(super) fn unknown(question: &Question) -> Facts {
    let (result, result_tree) = match &question.asked {
        Asked::Predicted(_) => (ResultKind::Predicted { certain: false }, None),
        Asked::Tree(tree) => (ResultKind::Actual, Some(*tree)),
    };
    Facts {
        into: question.into.clone(),
        incoming: question.incoming.clone(),
        merge_bases: Vec::new(),
        commit: None,
        shape: if question.squash { Shape::Squash } else { Shape::Merge },
        result,
        result_tree,
        paths: Vec::new(),
        first_files: 0,
        contents: std::collections::BTreeMap::new(),
        data: std::collections::BTreeMap::new(),
        local: Vec::new(),
        in_use: Vec::new(),
        losses: crate::model::Losses::default(),
        rewound: Vec::new(),
        taken_back: Vec::new(),
        reverted: Vec::new(),
    }
}

/// Judges only what was lost when something was put together that is no merge: it warns at most.
pub(super) fn lost(
    basis: &Basis,
    commit: Option<Oid>,
    (into, incoming): (Target, Vec<Incoming>),
    base: Oid,
    losses: Losses,
) -> Vec<Finding> {
    let question = Question { into, incoming, squash: false, asked: Asked::Predicted(Strategy::default()) };
    at_most_warn(basis, &Facts { commit, losses, merge_bases: vec![base], ..unknown(&question) })
}

/// Judges only which commits of a line the new commits of `range` take back that come after its tip: it warns at most.
pub(super) fn taken_back(repo: &Repo, into: &Target, new: Oid, range: &[String]) -> Result<Vec<Finding>, GitError> {
    let Some(tip) = into.tip else { return Ok(Vec::new()) };
    let objects = repo.objects();
    let changes = objects.diff(Some(objects.tree_of(tip)?), Some(objects.tree_of(new)?), repo.deadline())?;
    let taken_back = facts::taken_back(repo, tip, &changes, range)?;
    if taken_back.is_empty() {
        return Ok(Vec::new());
    }
    let incoming = vec![Incoming { oid: new, names: vec![new.to_string().into()] }];
    let asked = Asked::Predicted(Strategy::default());
    let facts = Facts { taken_back, ..unknown(&Question { into: into.clone(), incoming, squash: false, asked }) };
    let mut findings = at_most_warn(&basis(repo, Some(tip))?, &facts);
    name_authors(repo, &facts, &mut findings);
    Ok(findings)
}

fn at_most_warn(basis: &Basis, facts: &Facts) -> Vec<Finding> {
    let mut findings = rules::judge(&Case { facts, manifest: &basis.manifest });
    for finding in &mut findings {
        finding.level = finding.level.min(Level::Warn);
    }
    findings
}

/// Judges gathered facts.
pub fn judge(repo: &Repo, basis: &Basis, facts: Facts, allowed: &[Allowance]) -> Result<Judged, GitError> {
    let case = Case { facts: &facts, manifest: &basis.manifest };
    let unjudged = rules::unjudged(&case);
    let (mut verdict, mut findings) = excused(repo, basis, &facts, rules::judge(&case), allowed)?;
    name_authors(repo, &facts, &mut findings);
    if let (Some(tip), [head]) = (facts.into.tip, &facts.incoming[..]) {
        whose::name_authors_between(repo, [tip, head.oid], &facts.losses, &mut findings);
    }
    let repaired = || findings.iter().any(|finding| finding.rule == "manifest-weakened");
    let failure = match (&basis.unreadable, unjudged.first()) {
        // A merge that touches the unreadable manifest has a finding of its own, which says how.
        (Some(why), _) if !repaired() => Some(why.clone()),
        (_, Some((path, why))) => Some(format!("'{path}': {why}")),
        _ => None,
    };
    if failure.is_some() && verdict != Verdict::Block {
        verdict = Verdict::CouldNotJudge;
    }
    Ok(Judged { facts, verdict, findings, failure, on_failure: basis.on_failure })
}

/// Applies to findings about a merge what lines that count have already and what somebody allowed.
pub(super) fn excused(
    repo: &Repo,
    basis: &Basis,
    facts: &Facts,
    findings: Vec<Finding>,
    allowed: &[Allowance],
) -> Result<(Verdict, Vec<Finding>), GitError> {
    let trailers = if basis.is_shared { Trailers::Own(&basis.manifest.policy.allow) } else { Trailers::All };
    let allow = Allow { recorded: allowed, trailers };
    let by_fingerprint = facts::excuses(repo, &basis.manifest, facts, &findings, &allow)?;
    Ok(rules::decide(findings, &rules::Excuses { by_fingerprint }))
}

/// Puts findings in the order in which they are said.
pub(super) fn worst_first(findings: &mut Vec<Finding>) {
    *findings = rules::decide(std::mem::take(findings), &rules::Excuses::default()).1;
}

/// So many findings get the commit and author that brought the change.
const NAMED: usize = 3;

/// Adds who brought the change, to the worst findings. Not knowing is no failure.
fn name_authors(repo: &Repo, facts: &Facts, findings: &mut [Finding]) {
    let tips: Vec<Oid> = facts.incoming.iter().map(|head| head.oid).collect();
    let without: Vec<Oid> = facts.into.tip.into_iter().collect();
    // Of what is lost nobody brought anything.
    let brought = |finding: &&mut Finding| finding.level >= Level::Warn && !finding.evidence.contains_key("side");
    let loud = findings.iter_mut().filter(brought).filter(|_| !tips.is_empty());
    for finding in loud.take(NAMED) {
        let Some(path) = &finding.path else { continue };
        if let Ok(Some(commit)) = repo.last_change(path, &tips, &without) {
            finding.evidence.insert("commit".into(), commit.oid.short());
            finding.evidence.insert("author".into(), commit.author.to_string());
            finding.evidence.insert("subject".into(), commit.subject.to_string());
        }
    }
}

impl Session<'_> {
    /// Returns what `guard allow` recorded for a merge.
    pub(super) fn allowances(&self, branch: Option<&RefName>, tip: Option<Oid>, incoming: &[Oid]) -> Vec<Allowance> {
        // An unreadable journal allows nothing.
        self.journal.allowances_for(branch, tip, incoming).unwrap_or_default()
    }
}
