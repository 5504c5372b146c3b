//! What one merge lost, when it is concluded or checked: the same that `guard audit` finds in a history.

use std::cell::OnceCell;

use super::audit;
use super::confirm::Automatic;
use crate::facts;
use crate::git::{GitError, Reader, Repo};
use crate::model::{Facts, Losses, Oid, ResultKind, Shape, Usual};
use crate::rules;

/// Looks at merges that lie close together: what is usual among the merges before them is found out once, when it matters.
#[derive(Default)]
pub(super) struct Look {
    usual: OnceCell<Option<Usual>>,
}

impl Look {
    /// Adds what a result lost to its facts. Nothing is added to a prediction, to a fast-forward, and where no single merge base
    /// says what each side did.
    pub(super) fn add(&self, repo: &Repo, facts: &mut Facts) -> Result<(), GitError> {
        let ([head], [base], Some(tip), Some(result)) =
            (&facts.incoming[..], &facts.merge_bases[..], facts.into.tip, facts.result_tree)
        else {
            return Ok(());
        };
        let is_merge = matches!(facts.shape, Shape::Merge | Shape::Squash) && *base != head.oid;
        if facts.result == ResultKind::Actual && is_merge {
            facts.losses = self.between(repo, *base, [tip, head.oid], result)?;
        }
        Ok(())
    }

    /// Returns what was lost when two commits that come from `base` became the tree `result`. Nothing where the time is over
    /// before it is known what is usual here: without that much would be said that is no loss.
    pub(super) fn between(&self, repo: &Repo, base: Oid, sides: [Oid; 2], result: Oid) -> Result<Losses, GitError> {
        let tree = |commit| repo.objects().tree_of(commit);
        let trees = [tree(sides[0])?, tree(sides[1])?];
        let mut losses = facts::lost_between(&Reader::open(repo), Some(tree(base)?), trees, result)?;
        if losses.at.iter().any(rules::may_matter)
            && let Some(automatic) = Automatic::of(repo, sides[0], &sides[1..], &[base])?
        {
            automatic.confirm(repo, &mut losses, result)?;
        }
        if !losses.at.iter().any(rules::may_matter) {
            return Ok(Losses::default());
        }
        let usual = self.usual.get_or_init(|| audit::usual_at(repo, sides[0]).unwrap_or_default());
        Ok(usual.clone().map_or_else(Losses::default, |usual| Losses { usual: Some(usual), ..losses }))
    }
}
