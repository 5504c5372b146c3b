//! `git guard`: the same program under the name by which git finds it.

use std::fs;
use std::os::unix::fs::symlink;

use crate::support::Sandbox;

/// A sandbox where git finds `git-guard`, with a branch that deletes a protected file.
fn start() -> Sandbox {
    let sandbox = Sandbox::new();
    symlink(env!("CARGO_BIN_EXE_git-guard"), sandbox.root().join("bin/git-guard")).unwrap();
    sandbox.write(".recoveryguard.toml", "version = 1\n[[protect]]\npaths = [\"/keep\"]\n").write("keep", "keep\n");
    sandbox.commit("protect");
    sandbox.branch("bad", &[("keep", None)]);
    sandbox
}

#[test]
fn git_guard_says_and_ends_as_guard_does() {
    let sandbox = start();
    for arguments in [
        &["--version"][..],
        &["-h"],
        &["restore", "-h"],
        &["check", "bad"],
        &["check", "main"],
        &["check", "nothing"],
        &["nothing"],
        &["check", "--nothing"],
    ] {
        let (guard, git) = (sandbox.guard(arguments), sandbox.git([&["guard"], arguments].concat()));
        assert_eq!(
            (guard.status, &guard.stdout, &guard.stderr),
            (git.status, &git.stdout, &git.stderr),
            "{arguments:?}"
        );
    }
    assert!(sandbox.git(["guard", "--version"]).ok().stdout.starts_with("guard "));
    let _ = sandbox.git(["guard", "check", "bad"]).exits(1);
    let _ = sandbox.git(["guard", "check", "nothing"]).exits(2);
}

#[test]
fn hooks_that_git_guard_installs_judge() {
    let sandbox = start();
    let _ = sandbox.git(["guard", "install"]).ok();
    let _ = sandbox.git(["merge", "bad"]).fails().says("protected-delete");
    let _ = sandbox.guard(["doctor"]).ok();
    // Those that guard itself installs name guard, whichever of both ran before.
    let _ = sandbox.guard(["install"]).ok();
    let hook = fs::read_to_string(sandbox.at(".git/hooks/pre-merge-commit")).unwrap();
    assert!(hook.contains("/bin/guard'") && !hook.contains("git-guard"), "{hook}");
    let _ = sandbox.git(["guard", "uninstall"]).ok();
    let _ = sandbox.git(["merge", "bad"]).ok();
}
