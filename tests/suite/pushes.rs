//! `pre-push`: the merges that a push would publish are judged, and looked at for lost work.

use crate::support::{Ran, Sandbox, write_program};

/// A guarded repository with a published main, and a branch `feat`: both have changed a file since.
fn published() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("restore.sh", "#!/bin/sh\n");
    sandbox.write(".recoveryguard.toml", "version = 1\n[[protect]]\npaths = ['restore.sh']\n");
    sandbox.commit("base");
    let _ = sandbox.git(["init", "-q", "--bare", "../origin.git"]).ok();
    let _ = sandbox.git(["remote", "add", "origin", "../origin.git"]).ok();
    let _ = sandbox.git(["push", "-q", "-u", "origin", "main"]).ok();
    sandbox.diverge("code.txt", &[]);
    let _ = sandbox.guard(["install"]).ok();
    sandbox
}

/// Merges `branch` with hooks off, so that nobody has seen it.
fn unseen(sandbox: &Sandbox, branch: &str) -> Ran {
    sandbox.git(["-c", "core.hooksPath=/dev/null", "merge", "-q", "--no-ff", "-m", &format!("merge {branch}"), branch])
}

fn former(sandbox: &Sandbox, name: &str, script: &str) {
    write_program(sandbox.at(format!(".git/hooks/{name}")), script);
}

fn at_origin(sandbox: &Sandbox, branch: &str) -> String {
    sandbox.git(["ls-remote", "origin", branch]).ok().stdout
}

#[test]
fn a_merge_that_nobody_refused_is_refused_before_it_is_published() {
    let sandbox = published();
    let _ = sandbox.git(["checkout", "-q", "-b", "cleanup"]).ok();
    let _ = sandbox.git(["rm", "-q", "restore.sh"]).ok();
    let _ = sandbox.git(["commit", "-q", "-m", "clean up"]).ok();
    let _ = sandbox.git(["checkout", "-q", "main"]).ok();
    let _ = unseen(&sandbox, "cleanup").ok();
    let before = at_origin(&sandbox, "main");
    let ran = sandbox.git(["push", "-q", "origin", "main"]);
    assert_eq!(ran.status, 1, "{ran}");
    let ran = ran.says("[protected-delete]").says("merge cleanup").says("nothing was pushed");
    assert_eq!(at_origin(&sandbox, "main"), before);
    // The printed command lets it pass.
    let line = ran.stderr.lines().find(|line| line.contains("do    guard allow")).unwrap();
    let command = line.split_once("do ").unwrap().1.trim().replace("'...'", "'they are kept elsewhere now'");
    let _ = Ran::of(sandbox.command("sh", sandbox.work()).arg("-c").arg(command), b"").ok();
    let _ = sandbox.git(["push", "-q", "origin", "main"]).ok();
    assert_ne!(at_origin(&sandbox, "main"), before);
    // What the remote has is nobody's business any more.
    let quiet = sandbox.git(["push", "-q", "origin", "main:other"]).ok();
    assert_eq!(quiet.stderr, "");
}

#[test]
fn lost_work_is_named_before_it_is_published_and_refuses_nothing() {
    let sandbox = published();
    assert_ne!(unseen(&sandbox, "feat").status, 0);
    let _ = sandbox.git(["checkout", "--ours", "code.txt"]).ok();
    let _ = sandbox.git(["-c", "core.hooksPath=/dev/null", "commit", "-q", "-a", "-m", "merge feat"]).ok();
    let ran = sandbox.git(["push", "-q", "origin", "main"]).ok();
    let _ = ran.says("[lost-change]").says("merge feat").says("guard restore --lost");
}

/// What the remote branch has says how much it matters, not what the merge's own first parent has.
#[test]
fn lost_work_refuses_where_the_published_manifest_says_so_and_may_be_allowed() {
    let sandbox = published();
    sandbox.write(".recoveryguard.toml", "version = 1\n[rules]\nlost-change = \"block\"\n").commit("strict");
    let _ = sandbox.git(["push", "-q", "origin", "main"]).ok();
    sandbox.write(".recoveryguard.toml", "version = 1\n[rules]\nlost-change = \"off\"\n").commit("lenient");
    assert_ne!(unseen(&sandbox, "feat").status, 0);
    let _ = sandbox.git(["checkout", "--ours", "code.txt"]).ok();
    let _ = sandbox.git(["-c", "core.hooksPath=/dev/null", "commit", "-q", "-a", "-m", "merge feat"]).ok();
    let merge = sandbox.rev("HEAD");
    let refused = sandbox.git(["push", "-q", "origin", "main"]).fails();
    let refused = refused.says("guard restore --lost").says("[lost-change]");
    assert!(refused.stderr.contains("nothing was pushed"), "{refused}");
    let _ = sandbox.guard(["allow", "lost-change", "code.txt", "--for", &merge, "--reason", "given up"]).ok();
    let _ = sandbox.git(["push", "-q", "origin", "main"]).ok();
}

/// A push that publishes no merge, deletes a branch, or moves our own refs, is not talked about; hooks that were there before
/// get the same stdin.
#[test]
fn other_pushes_pass_in_silence_and_the_former_hook_reads_its_stdin() {
    let sandbox = published();
    let hook = "#!/bin/sh\ncat >.git/pushed\necho \"$1\" >>.git/pushed\n";
    let _ = sandbox.guard(["uninstall"]).ok();
    former(&sandbox, "pre-push", hook);
    let _ = sandbox.guard(["install"]).ok();
    let ran = sandbox.git(["push", "-q", "origin", "main", "feat:topic"]).ok();
    assert_eq!(ran.stderr, "");
    let pushed = String::from_utf8(sandbox.read(".git/pushed")).unwrap();
    assert!(pushed.contains("refs/heads/feat") && pushed.ends_with("origin\n"), "{pushed}");
    assert_eq!(sandbox.git(["push", "-q", "origin", ":topic"]).ok().stderr, "");
    former(&sandbox, "pre-push.recoveryguard-original", "#!/bin/sh\nexit 7\n");
    assert_ne!(sandbox.git(["push", "-q", "origin", "main:third"]).status, 0);
    assert_eq!(at_origin(&sandbox, "third"), "");
}

/// What was allowed for a merge holds on whatever branch it is pushed, and the command that a refusal prints works from anywhere.
#[test]
fn what_is_allowed_is_allowed_for_the_merge() {
    let sandbox = published();
    let _ = sandbox.git(["checkout", "-q", "-b", "cleanup"]).ok();
    let _ = sandbox.git(["rm", "-q", "restore.sh"]).ok();
    let _ = sandbox.git(["commit", "-q", "-m", "clean up"]).ok();
    let _ = sandbox.git(["checkout", "-q", "main"]).ok();
    assert_ne!(sandbox.git(["merge", "-q", "--no-ff", "-m", "m", "cleanup"]).status, 0);
    let _ = sandbox.guard(["allow", "protected-delete", "restore.sh", "--reason", "moved"]).ok();
    let _ = sandbox.git(["merge", "-q", "--no-ff", "-m", "m", "cleanup"]).ok();
    let _ = sandbox.git(["checkout", "-q", "-b", "other"]).ok();
    let _ = sandbox.git(["push", "-q", "origin", "other"]).ok();
    let _ = sandbox.git(["checkout", "-q", "main"]).ok();
    let _ = sandbox.git(["reset", "-q", "--hard", "HEAD~1"]).ok();
    let _ = sandbox.git(["checkout", "-q", "-b", "cleanup2"]).ok();
    let _ = sandbox.git(["rm", "-q", "restore.sh"]).ok();
    let _ = sandbox.git(["commit", "-q", "-m", "clean up again"]).ok();
    let _ = sandbox.git(["checkout", "-q", "main"]).ok();
    let _ = unseen(&sandbox, "cleanup2").ok();
    let _ = sandbox.git(["commit", "-q", "--allow-empty", "-m", "on top"]).ok();
    let _ = sandbox.git(["checkout", "-q", "feat"]).ok();
    let ran = sandbox.git(["push", "-q", "origin", "main"]);
    let line = ran.stderr.lines().find(|line| line.contains("do    guard allow")).unwrap();
    let command = line.split_once("do ").unwrap().1.trim().replace("'...'", "'kept elsewhere'");
    let said = Ran::of(sandbox.command("sh", sandbox.work()).arg("-c").arg(command), b"").ok().stdout;
    assert!(said.contains("push again now"), "{said}");
    let _ = sandbox.git(["push", "-q", "origin", "main"]).ok();
}

/// Where it is published counts, whatever the branch is called here.
#[test]
fn a_branch_of_another_name_is_judged_as_the_one_that_it_becomes() {
    let sandbox = published();
    sandbox.write(".recoveryguard.toml", "version = 1\n[[protect]]\npaths = ['restore.sh']\non = ['main']\n");
    sandbox.commit("only on main");
    let _ = sandbox.git(["push", "-q", "--no-verify", "origin", "main"]).ok();
    let _ = sandbox.git(["checkout", "-q", "-b", "cleanup"]).ok();
    let _ = sandbox.git(["rm", "-q", "restore.sh"]).ok();
    let _ = sandbox.git(["commit", "-q", "-m", "clean up"]).ok();
    let _ = sandbox.git(["checkout", "-q", "-b", "topic", "main"]).ok();
    let _ = unseen(&sandbox, "cleanup").ok();
    assert_eq!(sandbox.git(["push", "-q", "origin", "topic:main"]).status, 1);
    let _ = sandbox.git(["push", "-q", "origin", "topic"]).ok();
}
