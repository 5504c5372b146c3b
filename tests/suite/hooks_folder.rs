//! I1: the folder that git runs hooks from is found as git does, where it is this repository's own.

use std::fs;
use std::path::PathBuf;

use crate::support::Sandbox;

fn hooks(sandbox: &Sandbox) -> PathBuf {
    sandbox.common_dir().join("hooks")
}

fn is_installed(sandbox: &Sandbox) -> bool {
    let gate = hooks(sandbox).join("reference-transaction");
    fs::read_to_string(gate).is_ok_and(|text| text.contains("# recoveryguard hook "))
}

#[test]
fn the_repository_s_own_folder_is_used_wherever_we_stand() {
    let sandbox = Sandbox::new();
    sandbox.write("sub/dir/f", "");
    for folder in ["sub/dir", ".git", ".git/hooks", "."] {
        let folder = sandbox.at(folder);
        let mut command = sandbox.command("guard", &folder);
        let _ = crate::support::Ran::of(command.arg("install"), b"").ok();
        assert!(is_installed(&sandbox), "{}", folder.display());
        let _ = sandbox.guard(["uninstall"]).ok();
        assert!(!is_installed(&sandbox));
    }
}

#[test]
fn a_linked_worktree_shares_the_hooks() {
    let sandbox = Sandbox::options().linked_worktree().create();
    sandbox.install();
    assert!(is_installed(&sandbox));
    assert!(!sandbox.at(".git/hooks").exists());
}

#[test]
fn a_submodule_has_its_own_hooks() {
    let sandbox = Sandbox::new();
    let source = sandbox.root().join("source");
    let _ = sandbox.git(["clone", "-q", ".", "../source"]).ok();
    let allow = ["-c", "protocol.file.allow=always"];
    let add = ["submodule", "--quiet", "add", source.to_str().unwrap(), "module"];
    let _ = sandbox.git(allow.into_iter().chain(add)).ok();
    let _ = crate::support::Ran::of(sandbox.command("guard", &sandbox.at("module")).arg("install"), b"").ok();
    assert!(sandbox.at(".git/modules/module/hooks/reference-transaction").exists());
    assert!(!is_installed(&sandbox));
}

#[test]
fn a_missing_hooks_folder_is_made_and_removed_again() {
    let sandbox = Sandbox::new();
    fs::remove_dir_all(hooks(&sandbox)).unwrap();
    sandbox.install();
    assert!(is_installed(&sandbox));
    // Installing again must not forget who made the folder.
    sandbox.install();
    let _ = sandbox.guard(["uninstall"]).ok();
    assert!(!hooks(&sandbox).exists());
    sandbox.install();
    fs::write(hooks(&sandbox).join("mine"), "").unwrap();
    let _ = sandbox.guard(["uninstall"]).ok();
    assert_eq!(fs::read_dir(hooks(&sandbox)).unwrap().count(), 1);
}

#[test]
fn a_hooks_path_inside_the_git_folder_is_used() {
    let sandbox = Sandbox::new();
    let _ = sandbox.git(["config", "core.hooksPath", ".git/own"]).ok();
    let _ = sandbox.guard(["install"]).ok();
    assert!(sandbox.at(".git/own/reference-transaction").exists());
    assert!(!is_installed(&sandbox));
    let _ = sandbox.guard(["uninstall"]).ok();
    assert!(!sandbox.at(".git/own").exists());
}

/// Scripts find guard's folder from wherever they stand: the gate's note for `prepare-commit-msg` is read there.
#[test]
fn a_hooks_folder_deep_in_the_git_folder_is_used() {
    let sandbox = Sandbox::new();
    let deep = sandbox.at(".git/own/deep");
    let _ = sandbox.git(["config", "core.hooksPath", deep.to_str().unwrap()]).ok();
    let _ = sandbox.guard(["install"]).ok();
    let script = fs::read_to_string(deep.join("prepare-commit-msg")).unwrap();
    assert!(script.contains("d=${0%/*}/../../recoveryguard\n"), "{script}");
    let _ = sandbox.guard(["doctor"]).ok();
}

#[test]
fn a_bare_repository_is_refused() {
    let sandbox = Sandbox::options().bare().create();
    let _ = sandbox.guard(["install"]).exits(4).says("hint: guard install --server");
    assert!(!sandbox.at("recoveryguard").exists());
}
