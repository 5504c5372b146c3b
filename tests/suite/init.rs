//! `guard init`: a first manifest that can be committed as it is.

use std::fs;

use crate::support::Sandbox;

#[test]
fn a_manifest_is_written_once_and_counts_when_committed() {
    let sandbox = Sandbox::new();
    sandbox.write("scripts/restore_db.sh", "#!/bin/sh\n").write("data/users.json", "{}\n").commit("files");
    let before = sandbox.state();
    let shown = sandbox.guard(["init", "--dry-run"]).ok().stdout;
    sandbox.assert_unchanged(&before);
    let ran = sandbox.guard(["init"]).ok();
    assert!(ran.stdout.contains("It counts once it is committed"), "{ran}");
    assert_eq!(String::from_utf8(sandbox.read(".recoveryguard.toml")).unwrap(), shown);
    assert!(shown.contains("scripts/"), "{shown}");
    // The commands that it prints work as they are printed.
    let line = ran.stdout.lines().find_map(|line| line.strip_prefix("  git ")).unwrap();
    let mut command = sandbox.command("sh", sandbox.work());
    let _ = crate::support::Ran::of(command.args(["-c", &format!("git {line}")]), b"").ok();
    let _ = sandbox.guard(["check", "HEAD"]).ok();
    let _ = sandbox.guard(["init"]).exits(4).says("exists already");
    let _ = sandbox.guard(["init", "--dry-run"]).exits(4);
    assert_eq!(String::from_utf8(sandbox.read(".recoveryguard.toml")).unwrap(), shown);
}

#[test]
fn it_goes_to_the_top_and_never_through_a_link() {
    let sandbox = Sandbox::new();
    sandbox.write("sub/f", "").commit("sub");
    let mut command = sandbox.command("guard", &sandbox.at("sub"));
    let _ = crate::support::Ran::of(command.arg("init"), b"").ok();
    assert!(sandbox.at(".recoveryguard.toml").exists());
    fs::remove_file(sandbox.at(".recoveryguard.toml")).unwrap();
    std::os::unix::fs::symlink("../elsewhere", sandbox.at(".recoveryguard.toml")).unwrap();
    let _ = sandbox.guard(["init"]).exits(4);
    assert!(!sandbox.root().join("elsewhere").exists());
}

#[test]
fn without_a_working_tree_it_is_refused() {
    let _ = Sandbox::options().bare().create().guard(["init"]).exits(4);
}
