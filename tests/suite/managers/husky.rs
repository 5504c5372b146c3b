//! husky: `core.hooksPath` is `.husky/_`, and `npm install` sets it again each time.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::table::rows_of;
use super::{Bench, Manager, Step, written};

pub(super) const HUSKY: Manager = Manager {
    name: "husky",
    tool: "husky",
    configure: |sandbox| {
        for name in ["pre-commit", "commit-msg", "pre-merge-commit", "post-merge", "post-checkout", "pre-push"] {
            sandbox.write(format!(".husky/{name}"), format!("echo husky {name} \"$@\" >>\"$HOME/ran\"\n"));
        }
    },
    install: "husky",
    ran: written,
};

#[test]
fn needs_husky_in_every_order() {
    rows_of(&HUSKY);
}

/// Arguments, stdin and refusals go through; a hook that guard has nothing to do with runs too; one that is not
/// executable is not run; what a commit brings runs without another install.
#[test]
fn needs_husky_whose_hooks_run_as_before() {
    let Some(bench) = Bench::new(&HUSKY) else { return };
    let sandbox = &bench.sandbox;
    let _ = bench.take(Step::Manager).ok();
    let _ = bench.take(Step::Guard).ok();
    assert_eq!(bench.commit(), ["husky pre-commit", "husky commit-msg .git/COMMIT_EDITMSG"]);
    let _ = sandbox.git(["init", "-q", "--bare", "../origin.git"]).ok();
    sandbox.write(".husky/pre-push", "cat >>\"$HOME/ran\"\n");
    let pushed = bench.ran(&["push", "-q", "../origin.git", "main"]);
    assert_eq!(pushed, [format!("refs/heads/main {} refs/heads/main {}", sandbox.rev("HEAD"), "0".repeat(40))]);
    sandbox.write(".husky/commit-msg", "exit 7\n");
    let _ = sandbox.git(["commit", "-q", "--allow-empty", "-m", "x"]).fails().says("commit-msg script failed (code 7)");
    let wrapper = sandbox.at(".husky/_/commit-msg");
    fs::set_permissions(wrapper, fs::Permissions::from_mode(0o644)).unwrap();
    let _ = sandbox.git(["commit", "-q", "--allow-empty", "-m", "x"]).ok();
}

/// The line in the configuration is the manager's: nobody touches it, whatever it is set to.
#[test]
fn needs_husky_that_moves_its_folder() {
    let Some(bench) = Bench::new(&HUSKY) else { return };
    let sandbox = &bench.sandbox;
    let _ = bench.take(Step::Manager).ok();
    let _ = bench.take(Step::Guard).ok();
    let _ = sandbox.git(["mv", ".husky", "tools"]).ok();
    let _ = bench.shell("husky tools").ok();
    assert_eq!(sandbox.git(["config", "--file", ".git/config", "core.hooksPath"]).ok().line(), "tools/_");
    let doctor = sandbox.guard(["doctor"]).exits(1);
    assert!(doctor.stdout.contains("runs the hooks of another folder"), "{doctor}");
    let _ = bench.take(Step::Guard).ok();
    let _ = sandbox.guard(["doctor"]).ok();
    assert_eq!(bench.commit()[0], "husky pre-commit");
    // And gives it up: git's own folder counts again, and the hook that stood there.
    let _ = sandbox.git(["config", "--unset", "core.hooksPath"]).ok();
    let doctor = sandbox.guard(["doctor"]).exits(1);
    assert!(doctor.stdout.contains("do: guard install"), "{doctor}");
    let _ = bench.take(Step::Guard).ok();
    let _ = sandbox.guard(["doctor"]).ok();
    assert_eq!(bench.commit(), ["own"]);
    assert!(!sandbox.at(".git/recoveryguard-hooks").exists());
}
