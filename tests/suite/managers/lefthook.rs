//! lefthook: moves what stands in its place to `<name>.old`, where nobody runs it.

use super::table::rows_of;
use super::{Bench, Manager, Step, written};
use crate::support::write_program;

pub(super) const LEFTHOOK: Manager = Manager {
    name: "lefthook",
    tool: "lefthook",
    configure: |sandbox| {
        let hook = |name| format!("{name}:\n  jobs:\n    - run: echo lefthook {name} >>\"$HOME/ran\"\n");
        let hooks: String = ["pre-commit", "commit-msg", "pre-merge-commit", "post-merge"].map(hook).concat();
        sandbox.write("lefthook.yml", format!("output: false\n{hooks}"));
    },
    install: "lefthook install",
    ran: written,
};

#[test]
fn needs_lefthook_in_every_order() {
    rows_of(&LEFTHOOK);
}

/// Where lefthook is told to use the folder that git looks into though `core.hooksPath` names another one, that is ours:
/// its hooks run there, beside those of the other folder.
#[test]
fn needs_lefthook_in_our_own_folder() {
    let Some(bench) = Bench::new(&LEFTHOOK) else { return };
    let sandbox = &bench.sandbox;
    write_program(sandbox.at(".githooks/pre-commit"), "#!/bin/sh\necho theirs >>\"$HOME/ran\"\n");
    let _ = bench.shell("chmod +x .githooks/pre-commit && git config core.hooksPath .githooks").ok();
    let _ = bench.take(Step::Guard).ok();
    let _ = bench.shell("lefthook install --force").ok();
    let doctor = sandbox.guard(["doctor"]).exits(1);
    assert!(doctor.stdout.contains("'pre-commit' is lefthook's, and ours does not run"), "{doctor}");
    let _ = bench.take(Step::Guard).ok();
    let _ = sandbox.guard(["doctor"]).ok();
    let ran = bench.commit();
    assert_eq!(ran, ["lefthook pre-commit", "theirs", "lefthook commit-msg"]);
    let removed = sandbox.guard(["uninstall"]).ok();
    assert!(removed.stdout.contains("hooks of others were put into"), "{removed}");
    assert_eq!(bench.commit(), ["theirs"]);
}

/// A hook that was there before lefthook stands at `pre-commit.old`, where lefthook wants to put ours: it refuses, half way.
/// What runs goes on running, and the documented way out works.
#[test]
fn needs_lefthook_that_refuses_to_be_installed_again() {
    let Some(bench) = Bench::new(&LEFTHOOK) else { return };
    for step in [Step::Manager, Step::Guard] {
        let _ = bench.take(step).ok();
    }
    let ran = bench.take(Step::Manager).fails();
    assert!((ran.stdout.clone() + &ran.stderr).contains("file already exists"), "{ran}");
    assert_eq!(bench.commit()[0], "lefthook pre-commit");
    for command in ["guard uninstall", "lefthook install", "guard install", "guard doctor"] {
        let _ = bench.shell(command).ok();
    }
    assert_eq!(bench.commit(), ["lefthook pre-commit", "lefthook commit-msg"]);
    let _ = bench.shell("guard uninstall").ok();
    let own = std::fs::read(bench.sandbox.at(".git/hooks/pre-commit.old")).unwrap();
    assert_eq!(own, b"#!/bin/sh\necho own >>\"$HOME/ran\"\n");
}
