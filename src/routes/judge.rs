//! The steps that all judging routes share.

use super::Session;
use crate::facts::{self, Allow, Found};
use crate::git::{GitError, Repo};
use crate::manifest::{Manifest, OnFailure};
use crate::model::{Allowance, Facts, Finding, Level, Oid, RefName, Verdict};
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
}

/// Reads the manifest of the tip that is merged into.
pub fn basis(repo: &Repo, tip: Option<Oid>) -> Result<Basis, GitError> {
    let tree = tip.map(|tip| repo.objects().tree_of(tip)).transpose()?;
    let why = match facts::manifest_of(repo, tree)? {
        Found::None => {
            return Ok(Basis { manifest: Manifest::default(), unreadable: None, on_failure: OnFailure::Warn });
        }
        Found::Manifest(manifest) => {
            let on_failure = manifest.policy.on_failure;
            return Ok(Basis { manifest: *manifest, unreadable: None, on_failure });
        }
        Found::Unreadable(error) => format!("'{}' can't be read: {error}", crate::manifest::FILE),
        Found::Odd(why) => why,
    };
    let blocks = repo.config("recoveryguard.onFailure")?.is_some_and(|value| value.eq_ignore_ascii_case(b"block"));
    let on_failure = if blocks { OnFailure::Block } else { OnFailure::Warn };
    Ok(Basis { manifest: Manifest::default(), unreadable: Some(why), on_failure })
}

/// Judges gathered facts.
pub fn judge(repo: &Repo, basis: &Basis, facts: Facts, allowed: &[Allowance]) -> Result<Judged, GitError> {
    let case = Case { facts: &facts, manifest: &basis.manifest };
    let findings = rules::judge(&case);
    let allow = Allow { recorded: allowed, trailers: true };
    let excuses = rules::Excuses { by_fingerprint: facts::excuses(repo, &basis.manifest, &facts, &findings, &allow)? };
    let unjudged = rules::unjudged(&case);
    let (mut verdict, mut findings) = rules::decide(findings, &excuses);
    name_authors(repo, &facts, &mut findings);
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
    Ok(Judged { facts, verdict, findings, failure })
}

/// So many findings get the commit and author that brought the change.
const NAMED: usize = 3;

/// Adds who brought the change, to the worst findings. Not knowing is no failure.
fn name_authors(repo: &Repo, facts: &Facts, findings: &mut [Finding]) {
    let tips: Vec<Oid> = facts.incoming.iter().map(|head| head.oid).collect();
    let without: Vec<Oid> = facts.into.tip.into_iter().collect();
    let loud = findings.iter_mut().filter(|finding| finding.level >= Level::Warn && !tips.is_empty());
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
