//! pre-commit and prek: they move what stands in their place to `<name>.legacy` and run it first.

use super::table::rows_of;
use super::{Bench, Manager, Step, written};
use crate::support::{DEDUPLICATE, Sandbox};

pub(super) const PRE_COMMIT: Manager = Manager {
    name: "pre-commit",
    tool: "pre-commit",
    configure,
    install: "pre-commit install -t pre-commit -t pre-merge-commit -t post-merge",
    ran: written,
};

pub(super) const PREK: Manager = Manager {
    name: "prek",
    tool: "prek",
    configure,
    install: "prek install -t pre-commit -t pre-merge-commit -t post-merge",
    ran: written,
};

fn configure(sandbox: &Sandbox) {
    let hook = |stage| {
        format!(
            "    - id: at-{stage}\n      name: at-{stage}\n      language: system\n      always_run: true\n      \
             pass_filenames: false\n      stages: [{stage}]\n      entry: sh -c 'echo framework {stage} >>\"$HOME/ran\"'\n"
        )
    };
    let hooks: String = ["pre-commit", "pre-merge-commit", "post-merge"].map(hook).concat();
    sandbox.write(".pre-commit-config.yaml", format!("repos:\n- repo: local\n  hooks:\n{hooks}"));
}

#[test]
fn needs_pre_commit_in_every_order() {
    rows_of(&PRE_COMMIT);
}

#[test]
fn needs_prek_in_every_order() {
    rows_of(&PREK);
}

/// `-f` deletes the hook that was there, ours too: doctor sees it, install mends it, and what was deleted stays so.
#[test]
fn needs_pre_commit_that_is_forced() {
    forced(&PRE_COMMIT, "pre-commit install -f -t pre-commit");
}

#[test]
fn needs_prek_that_is_forced() {
    forced(&PREK, "prek install -f -t pre-commit");
}

fn forced(manager: &Manager, force: &str) {
    let Some(bench) = Bench::new(manager) else { return };
    for step in [Step::Manager, Step::Guard] {
        let _ = bench.take(step).ok();
    }
    let _ = bench.shell(force).ok();
    let doctor = bench.sandbox.guard(["doctor"]).exits(1);
    assert!(doctor.stdout.contains(&format!("'pre-commit' is {}'s, and ours does not run", manager.name)), "{doctor}");
    let _ = bench.take(Step::Guard).ok();
    let _ = bench.sandbox.guard(["doctor"]).ok();
    assert_eq!(bench.commit(), ["framework pre-commit"]);
}

/// Taken out by its manager, the hook that it moved comes back: ours.
#[test]
fn needs_pre_commit_that_is_uninstalled() {
    let Some(bench) = Bench::new(&PRE_COMMIT) else { return };
    for step in [Step::Manager, Step::Guard] {
        let _ = bench.take(step).ok();
    }
    let _ = bench.shell("pre-commit uninstall -t pre-commit -t pre-merge-commit -t post-merge").ok();
    let _ = bench.sandbox.guard(["doctor"]).ok();
    assert_eq!(bench.commit(), ["own"]);
    let _ = bench.sandbox.guard(["uninstall"]).ok();
    assert_eq!(bench.commit(), ["own"]);
}

/// What a push is told on stdin reaches ours through them.
#[test]
fn needs_pre_commit_to_hand_on_a_push() {
    if !DEDUPLICATE.is_needed_here() {
        return;
    }
    pushes(&PRE_COMMIT);
}

#[test]
fn needs_prek_to_hand_on_a_push() {
    pushes(&PREK);
}

fn pushes(manager: &Manager) {
    let Some(bench) = Bench::new(manager) else { return };
    let sandbox = &bench.sandbox;
    let _ = bench.shell(&format!("{} install -t pre-push", manager.tool)).ok();
    let _ = bench.take(Step::Guard).ok();
    let _ = sandbox.git(["init", "-q", "--bare", "../origin.git"]).ok();
    let _ = sandbox.git(["remote", "add", "origin", "../origin.git"]).ok();
    let _ = sandbox.git(["push", "-q", "-u", "origin", "main"]).ok();
    sandbox.write("work.txt", "x\n").commit("work");
    let _ = sandbox.git(["-c", "core.hooksPath=/dev/null", "merge", "-q", "-m", "unseen", "bad"]).ok();
    let ran = sandbox.git(["push", "-q", "origin", "main"]).fails();
    assert!((ran.stdout.clone() + &ran.stderr).contains("[protected-delete]"), "{ran}");
}
