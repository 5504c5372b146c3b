//! Work that the merges of a push lost, as `guard audit` finds it: looked for last, in the time that is left.
//!
//! ```text
//! audit     by the branch's own manifest, in half of the time       -> what warns or blocks
//! confirm   git's own merge does not lose it, in the other half
//! excuse    push options, trailers
//! ```
//!
//! What was not looked at is said. It counts as *could not judge* only where the branch's manifest lets such work block: what would
//! only have warned refuses nothing.

use std::sync::mpsc;

use super::super::audit::{LATE, lost_work};
use super::super::push::{of_audited, question_of};
use super::super::runs::with_room;
use super::super::{Audited, confirm};
use super::{Branch, MOST, PARTS, Received, remedy};
use crate::git::{GitError, Line, Repo};
use crate::manifest::Manifest;
use crate::model::{Finding, Level, Oid};
use crate::rules;

impl Received<'_> {
    /// Looks for work that merges of a branch lost.
    pub(super) fn lost(&mut self, branch: &Branch, merges: &[Oid]) {
        let worst = worst_level(&branch.basis.manifest);
        if merges.is_empty() || worst < Level::Warn {
            return;
        }
        let (mut missed, mut first) = (0, None);
        let mut miss = |merges: usize, why: String| {
            missed += merges;
            first.get_or_insert(why);
        };
        match in_time(self.repo, merges, &branch.basis.manifest) {
            Err(error) => miss(merges.len(), told(&error)),
            Ok(all) => {
                for audited in all {
                    match self.judged(branch, audited) {
                        Ok(found) => self.findings.extend(found),
                        Err(why) => miss(1, why),
                    }
                }
            }
        }
        if let Some(why) = first {
            let (name, of) = (branch.short(), merges.len());
            let what = format!("'{name}': {missed} of {of} merges were not looked at for lost work: {why}");
            if worst == Level::Block {
                self.fail(format!("{what}; {PARTS}"), self.policy(branch));
            } else {
                let range = branch.old.map_or_else(String::new, |old| format!("{}..", old.short()));
                self.notes.push(format!("{what}; all of them:\nguard audit {range}{}", branch.new.short()));
            }
        }
    }

    /// Returns what is to be said of a merge that was looked at; an error says why that can't be told.
    fn judged(&self, branch: &Branch, audited: Audited) -> Result<Vec<Finding>, String> {
        if let Some(why) = audited.failure {
            return Err(why);
        }
        if audited.findings.is_empty() {
            return Ok(Vec::new());
        }
        self.confirmed(branch, audited).map_err(|error| told(&error))
    }

    /// Takes out what git's own merge loses, too, and what may pass.
    fn confirmed(&self, branch: &Branch, audited: Audited) -> Result<Vec<Finding>, GitError> {
        let mut one = [audited];
        confirm::confirm(self.repo, &mut one, &|_, _| ())?;
        let [audited] = one;
        let question = question_of(&self.repo.objects().commit(audited.commit)?, Some(&branch.name));
        let allowed = self.allowed(branch, &question);
        let mut basis = branch.basis.clone();
        if !basis.manifest.policy.allow.is_empty() && !self.is_own(branch, audited.commit)? {
            // What somebody says in a merge that is merged counts for nothing.
            basis.manifest.policy.allow.clear();
        }
        let mut found = of_audited(self.repo, &basis, &question, audited, &allowed)?;
        for finding in found.iter_mut().filter(|finding| finding.level == Level::Block) {
            // Where it may not pass, the command that brings the work back stays.
            if self.takes_options && branch.basis.manifest.policy.allow.contains(&finding.rule)
                || basis.manifest.policy.allow.contains(&finding.rule)
            {
                finding.remedy = remedy(&branch.basis, finding, self.takes_options);
            }
        }
        Ok(found)
    }

    /// Returns whether a merge was made on the branch itself, and not on what was merged into it.
    fn is_own(&self, branch: &Branch, merge: Oid) -> Result<bool, GitError> {
        let has = branch.has(self.repo.resolve_head()?);
        Ok(self.repo.new_merges(branch.new, &has, Line::Own, MOST)?.contains(&merge))
    }
}

/// Says why merges were not looked at.
fn told(error: &GitError) -> String {
    if matches!(error, GitError::TimedOut(_)) { LATE.to_owned() } else { error.to_string() }
}

/// Returns what the worst finding about lost work may be.
fn worst_level(manifest: &Manifest) -> Level {
    let set = |rule: &str| manifest.rules.get(rule).and_then(|setting| setting.level);
    let level = |rule: &&str| set(rule).or_else(|| rules::default_level(rule));
    rules::OF_LOST_WORK.iter().filter_map(level).max().unwrap_or(Level::Off)
}

/// Looks at merges in a thread of its own, which is left behind when the time is over: texts that were made for that purpose take long
/// to compare, and nobody asks for the time meanwhile.
fn in_time(repo: &Repo, merges: &[Oid], manifest: &Manifest) -> Result<Vec<Audited>, GitError> {
    let Some(left) = repo.deadline().left() else { return lost_work(repo, merges, Some(manifest)) };
    let (opening, merges, manifest) = (repo.within(left).opening(), merges.to_vec(), manifest.clone());
    let (sender, receiver) = mpsc::channel();
    let look = move || sender.send(lost_work(&opening.open(), &merges, Some(&manifest)));
    let started = with_room().spawn(look);
    started.map_err(|error| GitError::Unsupported(format!("no thread could be started: {error}")))?;
    receiver.recv_timeout(left).unwrap_or_else(|_| {
        repo.deadline().check()?;
        Err(GitError::Unsupported("an internal error (please report it)".into()))
    })
}
