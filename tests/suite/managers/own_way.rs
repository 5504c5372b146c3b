//! Those who rather let their manager run guard: `.pre-commit-hooks.yaml`, and the snippets for lefthook and overcommit
//! in `docs/install.md`. No fast-forward is refused then: no manager has a hook for it.

use crate::support::{Ran, Sandbox, with_tool};

/// A repository in which `feat` and `main` have parted, and `feat` deletes a protected file.
fn parted(tool: &str) -> Option<Sandbox> {
    let sandbox = Sandbox::new();
    if !with_tool(&sandbox, tool) {
        return None;
    }
    sandbox.write("keep.txt", "x\n").write(".recoveryguard.toml", "version = 1\n[[protect]]\npaths = [\"keep.txt\"]\n");
    sandbox.commit("protect");
    sandbox.branch("bad", &[("keep.txt", None)]);
    sandbox.branch("good", &[("good.txt", Some("x\n"))]);
    sandbox.write("mine.txt", "x\n").commit("mine");
    Some(sandbox)
}

/// A bad merge is refused before its commit, concluding it too, what got through is flagged afterwards, and a good one is
/// let pass.
fn judges(sandbox: &Sandbox) {
    let head = sandbox.rev("HEAD");
    let ran = sandbox.git(["merge", "--no-ff", "-m", "merged", "bad"]).fails();
    assert!((ran.stdout.clone() + &ran.stderr).contains("[protected-delete]"), "{ran}");
    let ran = sandbox.git(["commit", "-m", "concluded"]).fails();
    assert!((ran.stdout.clone() + &ran.stderr).contains("[protected-delete]"), "{ran}");
    let _ = sandbox.git(["merge", "--abort"]).ok();
    assert_eq!(sandbox.rev("HEAD"), head);
    let _ = sandbox.git(["merge", "-q", "-m", "merged", "good"]).ok();
    let ran = sandbox.git(["merge", "--no-verify", "-m", "merged", "bad"]).ok();
    assert!((ran.stdout.clone() + &ran.stderr).contains("[protected-delete]"), "{ran}");
}

fn framework(tool: &str) {
    let Some(sandbox) = parted(tool) else { return };
    // What they fetch: a repository with our list.
    let list = include_str!("../../../.pre-commit-hooks.yaml");
    let source = sandbox.root().join("source");
    let _ = sandbox.git(["init", "-q", "../source"]).ok();
    std::fs::write(source.join(".pre-commit-hooks.yaml"), list).unwrap();
    let _ = sandbox.git_in(&source, ["add", "."]).ok();
    let _ = sandbox.git_in(&source, ["commit", "-q", "-m", "list"]).ok();
    let revision = sandbox.git_in(&source, ["rev-parse", "HEAD"]).ok();
    let ids: String = list.lines().filter(|line| line.starts_with("- id:")).map(|line| format!("  {line}\n")).collect();
    let text = format!("repos:\n- repo: {}\n  rev: {}\n  hooks:\n{ids}", source.display(), revision.line());
    sandbox.write(".pre-commit-config.yaml", text).commit("guard");
    for stage in ["pre-commit", "pre-merge-commit", "post-merge", "post-commit"] {
        let mut command = sandbox.command(tool, sandbox.work());
        let _ = Ran::of(command.args(["install", "-t", stage]), b"").ok();
    }
    judges(&sandbox);
}

#[test]
fn needs_pre_commit_to_run_guard() {
    framework("pre-commit");
}

#[test]
fn needs_prek_to_run_guard() {
    framework("prek");
}

/// Returns the example in the document that begins with a line.
fn snippet(first: &str) -> &'static str {
    let (_, rest) = include_str!("../../../docs/install.md").split_once(&format!("```yaml\n{first}\n")).unwrap();
    rest.split_once("```").unwrap().0
}

#[test]
fn needs_lefthook_to_run_guard() {
    let Some(sandbox) = parted("lefthook") else { return };
    sandbox.write("lefthook.yml", snippet("# lefthook.yml")).commit("guard");
    let mut command = sandbox.command("lefthook", sandbox.work());
    let _ = Ran::of(command.arg("install"), b"").ok();
    judges(&sandbox);
}

/// overcommit has no hook before a clean merge is committed: it runs guard beside guard's own hooks, for what its hooks
/// keep from guard.
#[test]
fn needs_overcommit_to_run_guard() {
    let Some(sandbox) = parted("overcommit") else { return };
    sandbox.write(".overcommit.yml", snippet("# .overcommit.yml")).commit("guard");
    for arguments in
        [&["--install"][..], &["--sign", "pre-commit"], &["--sign", "post-commit"], &["--sign", "pre-push"]]
    {
        let _ = Ran::of(sandbox.command("overcommit", sandbox.work()).args(arguments), b"").ok();
    }
    sandbox.install();
    let says = |ran: Ran| assert!((ran.stdout.clone() + &ran.stderr).contains("[protected-delete]"), "{ran}");
    let unseen = ["-c", "core.hooksPath=/dev/null", "merge", "--no-ff", "--no-commit", "bad"];
    let _ = sandbox.git(unseen).ok();
    says(sandbox.git(["commit", "-m", "concluded"]).fails());
    says(sandbox.git(["commit", "--no-verify", "-m", "concluded"]).ok());
    let _ = sandbox.git(["init", "-q", "--bare", "../origin.git"]).ok();
    let _ = sandbox.git(["push", "-q", "../origin.git", "HEAD^:refs/heads/main"]).ok();
    says(sandbox.git(["push", "-q", "../origin.git", "main"]).fails());
}
