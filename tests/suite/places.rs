//! I1, I9: kinds of repositories, and ways in which one comes to have hooks.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::support::{FOREIGN_OWNER, GATE, Ran, Sandbox, Tree, other_user, write_program};

const MANIFEST: &str = "version = 1\n[[protect]]\npaths = [\"keep.txt\"]\n";

fn guarded() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("keep.txt", "x\n").write(".recoveryguard.toml", MANIFEST).commit("protect");
    sandbox.branch("bad", &[("keep.txt", None)]);
    sandbox
}

fn guard(sandbox: &Sandbox, folder: &Path, words: &[&str]) -> Ran {
    Ran::of(sandbox.command("guard", folder).args(words), b"")
}

fn refuses(sandbox: &Sandbox, folder: &Path, branch: &str) {
    if GATE.is_here() {
        let _ = sandbox.git_in(folder, ["merge", branch]).fails().says("[protected-delete]");
    }
}

#[test]
fn a_submodule_with_a_hooks_folder_of_its_own() {
    let sandbox = guarded();
    let _ = sandbox.git(["clone", "-q", ".", "../source"]).ok();
    let source = sandbox.root().join("source");
    let allow = ["-c", "protocol.file.allow=always"];
    let add = ["submodule", "--quiet", "add", source.to_str().unwrap(), "module"];
    let _ = sandbox.git(allow.into_iter().chain(add)).ok();
    sandbox.commit("module");
    let module = sandbox.at("module");
    let _ = sandbox.git_in(&module, ["config", "core.hooksPath", ".githooks"]).ok();
    let config = fs::read(sandbox.at(".git/modules/module/config")).unwrap();
    let _ = guard(&sandbox, &module, &["install"]).ok();
    assert!(sandbox.at(".git/modules/module/recoveryguard-hooks/commit-msg").exists());
    let _ = guard(&sandbox, &module, &["doctor"]).ok();
    let _ = sandbox.git_in(&module, ["fetch", "-q", source.to_str().unwrap(), "bad:bad"]);
    let bad = sandbox.rev("bad");
    let _ = sandbox.git_in(&module, ["fetch", "-q", sandbox.work().to_str().unwrap(), "bad"]).ok();
    refuses(&sandbox, &module, &bad);
    let _ = guard(&sandbox, &module, &["uninstall"]).ok();
    assert_eq!(fs::read(sandbox.at(".git/modules/module/config")).unwrap(), config);
}

/// `git clone --bare` and worktrees beside it: they are guarded, from wherever install is run.
#[test]
fn a_bare_repository_with_worktrees() {
    let sandbox = guarded();
    let _ = sandbox.git(["clone", "-q", "--bare", ".", "../central.git"]).ok();
    let central = sandbox.root().join("central.git");
    let _ = guard(&sandbox, &central, &["install"]).exits(4).says("without worktrees");
    let _ = sandbox.git_in(&central, ["worktree", "add", "-q", "../one", "main"]).ok();
    let one = sandbox.root().join("one");
    for from in [&central, &one] {
        let _ = guard(&sandbox, from, &["install"]).ok();
        let _ = guard(&sandbox, from, &["doctor"]).ok();
        refuses(&sandbox, &one, "bad");
        let _ = guard(&sandbox, from, &["uninstall"]).ok();
        assert!(!central.join("hooks/reference-transaction").exists());
    }
    // Pushed to, it works as before.
    let _ = guard(&sandbox, &central, &["install"]).ok();
    let _ = sandbox.git(["push", "-q", "../central.git", "main:pushed"]).ok();
}

/// Scripts name no repository: a template with them guards each new clone.
#[test]
fn a_template_folder_guards_new_clones() {
    let sandbox = guarded();
    sandbox.install();
    let template = sandbox.root().join("template");
    fs::create_dir(&template).unwrap();
    let _ = Ran::of(sandbox.command("cp", sandbox.work()).args(["-r", ".git/hooks", "../template/hooks"]), b"").ok();
    let setting = format!("init.templateDir={}", template.display());
    let _ = sandbox.git(["-c", &setting, "clone", "-q", ".", "../clone"]).ok();
    let clone = sandbox.root().join("clone");
    refuses(&sandbox, &clone, "origin/bad");
    let _ = guard(&sandbox, &clone, &["doctor"]).ok();
    let installed = guard(&sandbox, &clone, &["install"]).ok();
    assert!(installed.stdout.contains("already there"), "{installed}");
    let _ = guard(&sandbox, &clone, &["uninstall"]).ok();
    assert!(!clone.join(".git/hooks/reference-transaction").exists());
}

/// git refuses to work in a repository of somebody else, and so does guard, with git's reason.
#[test]
fn a_repository_of_another_owner_is_git_s_to_allow() {
    if !FOREIGN_OWNER.is_needed_here() {
        return;
    }
    let sandbox = guarded();
    sandbox.install();
    sandbox.env("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1");
    for command in ["install", "doctor", "uninstall", "log"] {
        let _ = sandbox.guard([command]).exits(2).says("detected dubious ownership in repository at");
    }
    let global = sandbox.root().join("home/.gitconfig");
    fs::write(&global, "[safe]\n\tdirectory = *\n").unwrap();
    sandbox.env("GIT_CONFIG_GLOBAL", &global);
    let _ = sandbox.guard(["doctor"]).ok();
    refuses(&sandbox, sandbox.work(), "bad");
}

/// git may be told by variables where it works.
#[test]
fn git_dir_and_work_tree_by_variables() {
    let sandbox = guarded();
    let outside = sandbox.root().join("outside");
    fs::create_dir(&outside).unwrap();
    sandbox.env("GIT_DIR", sandbox.at(".git")).env("GIT_WORK_TREE", sandbox.work());
    let _ = guard(&sandbox, &outside, &["install"]).ok();
    let _ = guard(&sandbox, &outside, &["doctor"]).ok();
    refuses(&sandbox, &outside, "bad");
    let _ = guard(&sandbox, &outside, &["uninstall"]).ok();
    assert!(!sandbox.at(".git/hooks/reference-transaction").exists());
}

/// A shared repository: another user's merges are judged by the same scripts; they are not recorded, which is said, and
/// git works. Run as root, who may be anybody.
#[test]
fn needs_setpriv_for_another_user_of_a_shared_repository() {
    if !GATE.is_needed_here() {
        return;
    }
    let sandbox = guarded();
    let Some(as_other) = other_user(&sandbox) else { return };
    let start = sandbox.rev("HEAD");
    for (shared, theirs) in [("all", None), ("group", None), ("all", Some(".githooks"))] {
        let _ = sandbox.git(["config", "core.sharedRepository", shared]).ok();
        let _ = sandbox.git(["reset", "-q", "--hard", &start]).ok();
        if let Some(theirs) = theirs {
            let _ = sandbox.git(["config", "core.hooksPath", theirs]).ok();
            write_program(sandbox.at(".githooks/pre-commit"), "#!/bin/sh\necho theirs >>\"$HOME/ran\"\n");
        }
        let _ = sh(&sandbox, "umask 077 && guard install").ok();
        let whose = if shared == "group" { "chgrp -R 65534 . && chmod -R g+rwX,o-rwx ." } else { "chmod -R a+rwX ." };
        let _ = sh(&sandbox, &format!("{whose} && chmod -f +x .githooks/* ; chmod 700 .git/recoveryguard")).ok();
        let git = |line: &str| as_other(&sandbox, &format!("git -c 'safe.directory=*' {line}"));
        let _ = git("merge bad").fails().says("[protected-delete]").says("not recorded");
        let _ = git("commit -q --allow-empty -m other").ok();
        assert_eq!(sandbox.root().join("home/ran").exists(), theirs.is_some());
    }
}

/// Another user's repository, for real: git says no, its own advice is what helps, and then merges are judged.
#[test]
fn needs_setpriv_for_the_repository_of_another_user() {
    if !FOREIGN_OWNER.is_needed_here() {
        return;
    }
    let sandbox = guarded();
    sandbox.install();
    let Some(as_other) = other_user(&sandbox) else { return };
    let _ = sh(&sandbox, "chmod -R a+rwX . && chmod 700 .git/recoveryguard").ok();
    // git's advice is for the file that it would write; the sandbox's is /dev/null.
    sandbox.env("GIT_CONFIG_GLOBAL", sandbox.root().join("home/.gitconfig"));
    let _ = as_other(&sandbox, "git merge bad").fails().says("detected dubious ownership");
    let doctor = as_other(&sandbox, "guard doctor").exits(2).says("detected dubious ownership");
    let (_, hint) = doctor.stderr.lines().next().unwrap().split_once("; hint: ").expect("git's own advice");
    let _ = as_other(&sandbox, hint).ok();
    let _ = as_other(&sandbox, "git merge bad").fails().says("[protected-delete]");
}

/// A hooks folder that may not be written: nothing is begun, and it is said which.
#[test]
fn needs_setpriv_for_a_hooks_folder_that_may_not_be_written() {
    let sandbox = guarded();
    let Some(as_other) = other_user(&sandbox) else { return };
    let _ = sh(&sandbox, "chown -R 65534 .. && chmod 555 .git/hooks").ok();
    // It is not ours any more: git would refuse to look at it.
    sandbox.damaged();
    let tree = || Tree::read(&sandbox.at(".git"), |path| path == "recoveryguard");
    let before = tree();
    let _ = as_other(&sandbox, "guard install").exits(2).says("/.git/hooks/").says("Permission denied");
    assert_eq!(before.differences(&tree()), [""; 0]);
    fs::set_permissions(sandbox.at(".git/hooks"), fs::Permissions::from_mode(0o755)).unwrap();
    let _ = as_other(&sandbox, "guard install").ok();
}

fn sh(sandbox: &Sandbox, line: &str) -> Ran {
    Ran::of(sandbox.command("sh", sandbox.work()).args(["-c", line]), b"")
}
