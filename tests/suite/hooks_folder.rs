//! I1: the folder that git runs hooks from is found as git does, and nothing is written where others would run it.

use std::fs;
use std::path::PathBuf;

use crate::support::{Sandbox, Tree};

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

/// Everything that leads out of the repository's own git folder is refused, with the scope, the value and a way out.
#[test]
fn hooks_paths_that_lead_elsewhere_are_refused() {
    let sandbox = Sandbox::new();
    let _ = sandbox.git(["config", "extensions.worktreeConfig", "true"]).ok();
    let global = sandbox.root().join("home/.gitconfig");
    fs::write(&global, "").unwrap();
    sandbox.env("GIT_CONFIG_GLOBAL", &global);
    for (scope, value, said) in [
        ("local", "", "core.hooksPath is empty (local configuration)"),
        ("local", ".", "core.hooksPath is '.' (local configuration)"),
        ("local", ".husky", "core.hooksPath is '.husky' (local configuration)"),
        ("local", "../shared", "core.hooksPath is '../shared' (local configuration)"),
        ("local", "~/hooks", "/home/hooks'"),
        ("local", "/dev/null", "core.hooksPath is '/dev/null' (local configuration)"),
        ("worktree", ".husky", "core.hooksPath is '.husky' (worktree configuration)"),
        ("global", "~/hooks", "core.hooksPath is '~/hooks' (global configuration)"),
    ] {
        let _ = sandbox.git(["config", &format!("--{scope}"), "core.hooksPath", value]).ok();
        let before = Tree::read(sandbox.root(), |_| false);
        let ran = sandbox.guard(["install"]).exits(4).says(said);
        assert_eq!(before.differences(&Tree::read(sandbox.root(), |_| false)), [""; 0], "{value}");
        // The hint works as it is printed.
        let hint = ran.stderr.lines().find_map(|line| line.strip_prefix("hint: ")).unwrap();
        let mut command = sandbox.command("sh", sandbox.work());
        let _ = crate::support::Ran::of(command.args(["-c", hint]), b"").ok();
        sandbox.install();
        let _ = sandbox.guard(["uninstall"]).ok();
        let _ = sandbox.git(["config", &format!("--{scope}"), "--unset-all", "core.hooksPath"]);
        let _ = sandbox.git(["config", "--local", "--unset-all", "core.hooksPath"]);
    }
}

#[test]
fn a_hooks_path_by_include_or_command_line_is_refused_too() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.at(".git/more"), "[core]\n\thooksPath = elsewhere\n").unwrap();
    let _ = sandbox.git(["config", "include.path", "more"]).ok();
    let _ = sandbox.guard(["install"]).exits(4).says("core.hooksPath is 'elsewhere'");
    let _ = sandbox.git(["config", "--unset", "include.path"]).ok();
    sandbox.env("GIT_CONFIG_COUNT", "1").env("GIT_CONFIG_KEY_0", "core.hooksPath").env("GIT_CONFIG_VALUE_0", "other");
    let _ = sandbox.guard(["install"]).exits(4).says("core.hooksPath is 'other' (command configuration)");
    assert!(!is_installed(&sandbox));
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

#[test]
fn a_hooks_folder_that_is_a_link_to_elsewhere_is_refused() {
    let sandbox = Sandbox::new();
    fs::remove_dir_all(hooks(&sandbox)).unwrap();
    fs::create_dir(sandbox.at("tracked")).unwrap();
    std::os::unix::fs::symlink("../tracked", hooks(&sandbox)).unwrap();
    let _ = sandbox.guard(["install"]).exits(4).says("outside of this repository's git folder");
    assert_eq!(fs::read_dir(sandbox.at("tracked")).unwrap().count(), 0);
}

#[test]
fn a_bare_repository_is_refused() {
    let sandbox = Sandbox::options().bare().create();
    let _ = sandbox.guard(["install"]).exits(4).says("this is a bare repository");
    assert!(!sandbox.at("recoveryguard").exists());
}
