//! Which routes the hooks guard on the git at hand, and which nobody can.

use crate::model::Hook;

/// From this version on git asks a hook before a merge touches anything (`ORIG_HEAD` in a reference transaction).
pub const GATE_SINCE: (u32, u32, u32) = (2, 29, 0);

/// Returns why a git can't have our hooks.
pub const fn unfit(git: (u32, u32, u32)) -> Option<&'static str> {
    match git {
        (..=1, ..) | (2, ..=25, _) => Some("it can't tell which file of its configuration says what (2.26 can)"),
        // The first one that has the hook forgets its path when it looks for another hook.
        (2, 28, _) => Some(
            "where a hook 'reference-transaction' stands it runs other programs in its place, and 'git merge --autostash' \
             fails (2.29 mended that)",
        ),
        _ => None,
    }
}

/// Why some routes are judged only afterwards.
const NOT_ASKED: &str = "git asks no hook beforehand";

/// How far a route is guarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guarded {
    /// Judged before anything is changed.
    Before,
    /// Judged on its result, before that is committed.
    OnResult,
    /// Judged after the fact.
    After,
    /// Recorded in the journal, not judged.
    Recorded,
    /// Not at all.
    No,
}

impl Guarded {
    /// Returns how it is named in text and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::OnResult => "on-result",
            Self::After => "after",
            Self::Recorded => "recorded",
            Self::No => "no",
        }
    }
}

/// A way in which commits get onto a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// What the user does.
    pub what: &'static str,
    /// How far it is guarded.
    pub guarded: Guarded,
    /// By which hook of ours.
    pub by: Option<Hook>,
    /// Why no better; empty when nothing is missing.
    pub why: &'static str,
}

/// The routes and how far they are guarded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// git's version.
    pub git: (u32, u32, u32),
    /// All routes.
    pub routes: Vec<Route>,
}

impl Coverage {
    /// Works out the routes for a git and for the hooks that stand in their places.
    pub fn new(git: (u32, u32, u32), has: impl Fn(Hook) -> bool) -> Self {
        let gate = has(Hook::ReferenceTransaction) && git >= GATE_SINCE;
        let missing = "its hook is not installed";
        let route = |what, guarded, by, why| Route { what, guarded, by, why };
        let pick = |hook: Hook, what, guarded| {
            if has(hook) { route(what, guarded, Some(hook), "") } else { route(what, Guarded::No, None, missing) }
        };
        let afterwards = |what, seen: bool, hook, how: Guarded, why| {
            if seen { route(what, how, Some(hook), NOT_ASKED) } else { route(what, Guarded::No, None, why) }
        };
        let merge = "git merge, git pull (fast-forward, squash and octopus included)";
        let why = if has(Hook::ReferenceTransaction) { "needs git 2.29" } else { missing };
        let merge = if gate {
            route(merge, Guarded::Before, Some(Hook::ReferenceTransaction), "")
        } else if has(Hook::PreMergeCommit) {
            route(merge, Guarded::OnResult, Some(Hook::PreMergeCommit), why)
        } else if has(Hook::PostMerge) {
            route(merge, Guarded::After, Some(Hook::PostMerge), why)
        } else {
            route(merge, Guarded::No, None, missing)
        };
        let routes = vec![
            merge,
            pick(Hook::PreCommit, "conclusion of a conflict, --no-commit, squash", Guarded::OnResult),
            afterwards(
                "git rebase, git pull --rebase",
                has(Hook::PostRewrite),
                Hook::PostRewrite,
                Guarded::After,
                missing,
            ),
            afterwards("git cherry-pick", has(Hook::PostCommit), Hook::PostCommit, Guarded::After, missing),
            afterwards(
                "amend, git revert, git am, git reset, git branch -f",
                gate,
                Hook::ReferenceTransaction,
                Guarded::Recorded,
                why,
            ),
            pick(Hook::PostCheckout, "git checkout, git switch", Guarded::After),
            pick(Hook::PrePush, "git push", Guarded::OnResult),
            afterwards(
                "the first merge or pull into a branch without commits",
                has(Hook::PostMerge),
                Hook::PostMerge,
                Guarded::After,
                missing,
            ),
            route("clients that run no hooks", Guarded::No, None, "git is not asked there"),
        ];
        Self { git, routes }
    }

    /// Works out the routes of a server.
    pub fn of_server(git: (u32, u32, u32), has: bool) -> Self {
        let (guarded, by, why) = if has {
            (Guarded::Before, Some(Hook::PreReceive), "")
        } else {
            (Guarded::No, None, "its hook is not installed")
        };
        let button = "merge buttons of a forge that asks no hooks of its repositories";
        let routes = vec![
            Route { what: "git push to this repository", guarded, by, why },
            Route { what: button, guarded: Guarded::No, by: None, why: "let 'guard check --ci' be required there" },
        ];
        Self { git, routes }
    }

    /// Returns whether merges are judged before anything is changed.
    pub fn has_gate(&self) -> bool {
        self.routes.first().is_some_and(|route| route.guarded == Guarded::Before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_the_gate_merges_are_judged_on_their_result() {
        let new = Coverage::new((2, 47, 3), |_| true);
        assert!(new.has_gate());
        let old = Coverage::new((2, 27, 0), |_| true);
        assert!(!old.has_gate());
        assert_eq!((old.routes[0].guarded, old.routes[0].why), (Guarded::OnResult, "needs git 2.29"));
        let odd = Coverage::new((2, 47, 3), |hook| hook != Hook::ReferenceTransaction);
        assert_eq!((odd.routes[0].guarded, odd.routes[0].why), (Guarded::OnResult, "its hook is not installed"));
    }
}
