//! overcommit: its hooks ask for their own names, so that they stay alone in their places; guard's gate and
//! `pre-merge-commit`, which it does not know, stand beside them. What was there before it moves to `old-hooks`.

use super::table::rows_of;
use super::{Bench, Manager, Step, written};
use crate::support::{GATE, Sandbox};

pub(super) const OVERCOMMIT: Manager = Manager {
    name: "overcommit",
    tool: "overcommit",
    configure,
    // What it runs has to be signed, once for each hook.
    install: "overcommit --install && for hook in pre-commit commit-msg post-merge; do overcommit --sign $hook || exit; done",
    ran: written,
};

const OWN: &[u8] = b"#!/bin/sh\necho own >>\"$HOME/ran\"\n";

fn configure(sandbox: &Sandbox) {
    let hook = |(kind, name)| {
        format!(
            "{kind}:\n  Say:\n    enabled: true\n    required_executable: sh\n    \
             command: [sh, -c, 'echo overcommit {name} >>\"$HOME/ran\"']\n"
        )
    };
    let kinds = [("PreCommit", "pre-commit"), ("CommitMsg", "commit-msg"), ("PostMerge", "post-merge")];
    sandbox.write(".overcommit.yml", kinds.map(hook).concat());
}

#[test]
fn needs_overcommit_in_every_order() {
    rows_of(&OVERCOMMIT);
}

/// A fast-forward and a true merge; the latter also by a git without the gate.
#[test]
fn needs_overcommit_where_bad_merges_come() {
    for order in [[Step::Manager, Step::Guard], [Step::Guard, Step::Manager]] {
        let Some(bench) = Bench::new(&OVERCOMMIT) else { return };
        for step in order {
            let _ = bench.take(step).ok();
        }
        let refuses = || {
            let state = bench.sandbox.state();
            let _ = bench.sandbox.git(["merge", "-m", "merged", "bad"]).fails().says("[protected-delete]");
            if GATE.is_here() {
                bench.sandbox.assert_unchanged(&state);
            }
        };
        if GATE.is_here() {
            refuses();
        }
        let _ = bench.commit();
        refuses();
    }
}

/// Taken out by overcommit, the hooks that it moved come back: ours, which run what was there before them.
#[test]
fn needs_overcommit_that_is_uninstalled() {
    let Some(bench) = Bench::new(&OVERCOMMIT) else { return };
    for step in [Step::Guard, Step::Manager] {
        let _ = bench.take(step).ok();
    }
    let _ = bench.shell("overcommit --uninstall").ok();
    let _ = bench.sandbox.guard(["doctor"]).ok();
    assert_eq!(bench.commit(), ["own"]);
    let _ = bench.sandbox.guard(["uninstall"]).ok();
    assert_eq!(bench.sandbox.read(".git/hooks/pre-commit"), OWN);
    assert_eq!(bench.commit(), ["own"]);
}

/// Guard goes first: what overcommit brings back then is what was there before both.
#[test]
fn needs_overcommit_that_is_uninstalled_after_guard() {
    let Some(bench) = Bench::new(&OVERCOMMIT) else { return };
    let hooks = || {
        let names = std::fs::read_dir(bench.sandbox.at(".git/hooks")).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    };
    let before = hooks();
    for step in [Step::Guard, Step::Manager] {
        let _ = bench.take(step).ok();
    }
    let _ = bench.sandbox.guard(["uninstall"]).ok();
    let _ = bench.shell("overcommit --uninstall").ok();
    assert_eq!(bench.sandbox.read(".git/hooks/pre-commit"), OWN);
    assert_eq!(hooks(), before);
}
