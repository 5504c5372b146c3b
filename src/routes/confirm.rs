//! git's own merge is asked, before it is said of a single merge that it lost something: the engine that compares thousands reads no
//! attributes and no configuration.

use std::collections::BTreeSet;

use super::Audited;
use crate::git::{GitError, Repo, Strategy};
use crate::model::{Losses, Oid, TreePath, Verdict};

/// What git's own merge of some commits gives.
pub(super) struct Automatic {
    tree: Oid,
    conflicted: BTreeSet<TreePath>,
}

impl Automatic {
    /// Merges; `None` where this git can't do that without a working tree (before 2.38).
    pub(super) fn of(repo: &Repo, first: Oid, others: &[Oid], bases: &[Oid]) -> Result<Option<Self>, GitError> {
        let predicted = repo.predict(first, others, bases, &Strategy::default())?;
        Ok(predicted.tree.map(|tree| Self { tree, conflicted: predicted.conflicted }))
    }

    /// Returns whether the tree `result` has at a path just what git's merge leaves there, without a conflict.
    pub(super) fn is_at(&self, repo: &Repo, path: &TreePath, result: Oid) -> Result<bool, GitError> {
        let objects = repo.objects();
        let same = || Ok(objects.leaf(Some(self.tree), path)? == objects.leaf(Some(result), path)?);
        if self.conflicted.contains(path) { Ok(false) } else { same() }
    }

    /// Takes out what git's own merge leaves so.
    pub(super) fn confirm(&self, repo: &Repo, losses: &mut Losses, result: Oid) -> Result<(), GitError> {
        let mut kept = Vec::new();
        for loss in std::mem::take(&mut losses.at) {
            if !self.is_at(repo, &loss.deviation.path, result)? {
                kept.push(loss);
            }
        }
        losses.at = kept;
        Ok(())
    }
}

/// Asks git about each audited merge at which lost work was found, and takes out what its own merge does, too. `called` is told
/// of each merge that is done.
pub fn confirm(repo: &Repo, all: &mut [Audited], called: &dyn Fn(usize, usize)) -> Result<(), GitError> {
    let is_loss = |finding: &crate::model::Finding| finding.evidence.contains_key("points");
    let of = all.iter().filter(|audited| audited.findings.iter().any(is_loss)).count();
    let found = all.iter_mut().filter(|audited| audited.findings.iter().any(is_loss));
    for (done, audited) in found.enumerate() {
        let commit = repo.objects().commit(audited.commit)?;
        let [first, others @ ..] = &commit.parents[..] else { continue };
        let bases = match others {
            [other] => repo.merge_bases(*first, *other)?,
            _ => Vec::new(),
        };
        let Some(automatic) = Automatic::of(repo, *first, others, &bases)? else { continue };
        let mut kept = Vec::new();
        for finding in std::mem::take(&mut audited.findings) {
            let path = finding.path.as_ref().filter(|_| is_loss(&finding));
            if !path.map_or(Ok(false), |path| automatic.is_at(repo, path, commit.tree))? {
                kept.push(finding);
            }
        }
        audited.findings = kept;
        audited.verdict = Verdict::of(&audited.findings);
        called(done + 1, of);
    }
    Ok(())
}
