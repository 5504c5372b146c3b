//! Those who rather let their manager run guard: `.pre-commit-hooks.yaml`, and the snippet for lefthook in
//! `docs/install.md`. No fast-forward is refused then: no manager has a hook for it.

use crate::support::{Sandbox, with_tool};

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
        let _ = crate::support::Ran::of(command.args(["install", "-t", stage]), b"").ok();
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

#[test]
fn needs_lefthook_to_run_guard() {
    let Some(sandbox) = parted("lefthook") else { return };
    let text = include_str!("../../../docs/install.md");
    let (_, rest) = text.split_once("```yaml\n# lefthook.yml\n").expect("the snippet");
    sandbox.write("lefthook.yml", rest.split_once("```").unwrap().0).commit("guard");
    let mut command = sandbox.command("lefthook", sandbox.work());
    let _ = crate::support::Ran::of(command.arg("install"), b"").ok();
    judges(&sandbox);
}
