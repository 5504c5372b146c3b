//! What gits do differently from each other, as far as guard or its tests depend on it: each asked of the git under test,
//! in a repository of its own.
//!
//! A test that can't be run without one asks [`Behaviour::is_needed_here`], and `not run: git <version> has no <name>` is
//! said where it is missing. One that expects something else then asks [`Behaviour::is_here`]. `docs/git-versions.md` shows
//! all of them for many gits.

mod commands;
mod hooks;

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock};

use super::Sandbox;
use super::needs::not_run;

pub use commands::*;
pub use hooks::*;

/// One of them.
pub struct Behaviour {
    /// Its name, after "git has no".
    pub name: &'static str,
    /// What is so where it is there, as one sentence.
    pub what: &'static str,
    probe: fn() -> bool,
}

/// All of them, in the order of the page.
pub const BEHAVIOURS: [&Behaviour; 38] = [
    &PRE_MERGE_COMMIT,
    &TRANSACTIONS,
    &HOOKS_APART,
    &GATE,
    &GATE_OF_PULL,
    &GATE_NAMES,
    &GATE_BEFORE_AUTOSTASH,
    &CLEAN_LATE_REFUSAL,
    &OLD_VALUES,
    &DELETED_VALUES,
    &SWITCHES,
    &RESULT_TREE,
    &AUTOSTASH_REF,
    &PREPARING,
    &ONE_TRANSACTION,
    &REBASE_REFUSAL,
    &REBASE_REFUSAL_WITH_AUTOSTASH,
    &PICKS,
    &RESETS,
    &CONFIG_HOOKS,
    &EVENTS_OFF,
    &ORT,
    &MERGE_TREE,
    &MERGE_TREE_BASE,
    &MERGE_TREE_OPTIONS,
    &REMERGE_DIFF,
    &ATTR_SOURCE,
    &SPARSE_RULES,
    &SPARSE_INDEX,
    &ANSWERS_AT_ONCE,
    &CORE_FSYNC,
    &SHA256,
    &REFTABLE,
    &CONFIG_VARIABLES,
    &CONFIG_FILES,
    &FOREIGN_OWNER,
    &PATH_FORMAT,
    &DEDUPLICATE,
];

impl Behaviour {
    /// Returns whether the git under test has it.
    pub fn is_here(&self) -> bool {
        static ASKED: Mutex<BTreeMap<&'static str, bool>> = Mutex::new(BTreeMap::new());
        let known = ASKED.lock().unwrap().get(self.name).copied();
        // Not under the lock: a probe that fails would fail every other test.
        known.unwrap_or_else(|| {
            let found = (self.probe)();
            ASKED.lock().unwrap().insert(self.name, found);
            found
        })
    }

    /// Returns whether the git under test has it, and says so where tests can't hide it when it has not.
    #[must_use]
    pub fn is_needed_here(&self) -> bool {
        let is_here = self.is_here();
        if !is_here {
            not_run(&format!("git {} has no {}", git_version(), self.name));
        }
        is_here
    }
}

/// Returns the version of the git under test, as it says it itself.
pub fn git_version() -> &'static str {
    static VERSION: OnceLock<String> = OnceLock::new();
    VERSION.get_or_init(|| {
        let said = Sandbox::options().bare().create().git(["--version"]).ok();
        let version = said.line().strip_prefix("git version ").expect("git says its version");
        version.split(' ').next().unwrap().to_owned()
    })
}

/// A repository with the branch feat, which adds `new.txt`; `main` may be fast-forwarded to it.
fn ahead() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.branch("feat", &[("new.txt", Some("new\n"))]);
    sandbox
}

/// The same, and `main` has a commit of its own.
fn diverged() -> Sandbox {
    let sandbox = ahead();
    sandbox.write("mine.txt", "mine\n").commit("mine");
    sandbox
}

/// Returns whether a command fails and changes nothing.
fn is_refused_cleanly(sandbox: &Sandbox, arguments: &[&str]) -> bool {
    let before = sandbox.state();
    let status = sandbox.git(arguments).status;
    status != 0 && before.differences(&sandbox.state()).is_empty()
}
