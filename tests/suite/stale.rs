//! `stale-content`: somebody's work goes back to what was there before it, by each way in which commits get onto a branch.

use crate::support::{Ran, Sandbox};

/// Commits what stands there as somebody.
fn commit_as(sandbox: &Sandbox, author: &str, message: &str) -> String {
    let author = format!("--author={author} <a@example.com>");
    let _ = sandbox.git(["add", "-A"]).ok();
    let _ = sandbox.git(["commit", "-q", &author, "-m", message]).ok();
    sandbox.rev("HEAD")
}

/// A guarded main on which Ann changed `code` and `test`.
fn worked_on() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("code", "old\n").write("test", "old\n").write("other", "old\n").commit("base");
    sandbox.write("code", "Ann's\n").write("test", "Ann's\n");
    commit_as(&sandbox, "Ann", "Ann's work");
    let _ = sandbox.guard(["install"]).ok();
    sandbox
}

/// What a branch that stands on the tip makes of the files, and how it is said.
struct Branch<'b> {
    files: &'b [(&'b str, &'b str)],
    author: &'b str,
    message: &'b str,
}

const COPIED: &[(&str, &str)] = &[("code", "old\n"), ("test", "Bob's\n"), ("other", "Bob's\n")];

/// Makes the branch feat, goes back to main.
fn branch(sandbox: &Sandbox, branch: &Branch<'_>) {
    let _ = sandbox.git(["checkout", "-q", "-b", "feat"]).ok();
    for (path, text) in branch.files {
        sandbox.write(path, text);
    }
    commit_as(sandbox, branch.author, branch.message);
    let _ = sandbox.git(["checkout", "-q", "main"]).ok();
}

fn level(ran: &Ran) -> Option<&str> {
    let line = ran.stderr.lines().find(|line| line.contains("[stale-content]"))?;
    line.split_whitespace().next()
}

/// A fast-forward brings a copy of what was there before somebody's work, and nobody says so; the printed command brings the work
/// back.
#[test]
fn a_fast_forward_that_takes_a_commit_back_in_passing_warns() {
    let sandbox = worked_on();
    branch(&sandbox, &Branch { files: COPIED, author: "Bob", message: "Bob's work" });
    let ran = sandbox.git(["merge", "-q", "feat"]).ok();
    assert_eq!(level(&ran), Some("warn"), "{ran}");
    let ran = ran.says("'code' is what it was before 'Ann's work', and no message says so").says("work of Ann");
    let ran = ran.says("Bob: Bob's work");
    let line = ran.stderr.lines().find(|line| line.contains("git restore")).unwrap();
    let command = line.split_once("do ").unwrap().1.trim();
    let _ = Ran::of(sandbox.command("sh", sandbox.work()).arg("-c").arg(command), b"").ok();
    assert_eq!(sandbox.read("code"), b"Ann's\n");
}

#[test]
fn what_is_meant_or_nobody_else_s_or_not_whole_does_not_warn() {
    let all: &[(&str, &str)] = &[("code", "old\n"), ("test", "old\n")];
    let one: &[(&str, &str)] = &[("code", "old\n"), ("other", "Bob's\n")];
    for (files, author, message, expected) in [
        (COPIED, "Bob", "Bob's work\n\nThis takes the cache back: it broke", None),
        (COPIED, "Ann", "a second try", Some("info")),
        (all, "Bob", "simpler", Some("info")),
        (one, "Bob", "Bob's work", None),
    ] {
        let sandbox = worked_on();
        branch(&sandbox, &Branch { files, author, message });
        let ran = sandbox.git(["merge", "-q", "feat"]).ok();
        assert_eq!(level(&ran), expected, "{files:?} {author} {message}: {ran}");
    }
}

/// The squash of a branch that stands on the tip, and of one that was made before the work.
#[test]
fn a_squash_warns_before_it_is_committed() {
    let sandbox = worked_on();
    branch(&sandbox, &Branch { files: COPIED, author: "Bob", message: "Bob's work" });
    let said = sandbox.git(["merge", "-q", "--squash", "feat"]).ok();
    assert_eq!(level(&said), Some("warn"), "{said}");
    let again = sandbox.git(["commit", "-q", "-m", "squashed"]).ok();
    assert_eq!(level(&again), None, "said once: {again}");

    let sandbox = worked_on();
    let _ = sandbox.git(["checkout", "-q", "HEAD~1"]).ok();
    branch(&sandbox, &Branch { files: &[("other", "Bob's\n")], author: "Bob", message: "Bob's work" });
    let said = sandbox.git(["merge", "-q", "--squash", "feat"]).ok();
    assert_eq!(level(&said), None, "{said}");
    // Copied together by hand.
    let _ = sandbox.git(["checkout", "-q", "feat", "--", "code"]).ok();
    let said = sandbox.git(["commit", "-q", "-m", "squashed"]).ok();
    assert_eq!(level(&said), Some("warn"), "{said}");
}

/// Plain commits are looked at when they would be published on top of somebody's work; what is out already is not, nor what was
/// there before.
#[test]
fn a_push_that_takes_published_work_back_warns_once() {
    let sandbox = worked_on();
    let _ = sandbox.git(["init", "-q", "--bare", "../origin.git"]).ok();
    let _ = sandbox.git(["remote", "add", "origin", "../origin.git"]).ok();
    let _ = sandbox.git(["push", "-q", "-u", "origin", "main"]).ok();
    for (path, text) in COPIED {
        sandbox.write(path, text);
    }
    commit_as(&sandbox, "Bob", "squashed by hand");
    let ran = sandbox.git(["push", "-q", "origin", "main", "main:copy"]).ok();
    assert_eq!(level(&ran), Some("warn"), "{ran}");
    let ran = ran.says("this push publishes something to look at").says("Bob: squashed by hand");
    assert_eq!(ran.stderr.matches("[stale-content]").count(), 1, "{ran}");
    assert_eq!(sandbox.git(["push", "-q", "origin", "main:other"]).ok().stderr, "");
    sandbox.write("other", "later\n");
    commit_as(&sandbox, "Bob", "later");
    assert_eq!(sandbox.git(["push", "-q", "origin", "main"]).ok().stderr, "");
    // A branch that is new there is compared with what it left.
    let _ = sandbox.git(["remote", "set-head", "origin", "main"]).ok();
    let _ = sandbox.git(["reset", "-q", "--hard", "HEAD~2"]).ok();
    branch(
        &sandbox,
        &Branch { files: &[("code", "old\n"), ("test", "old\n"), ("third", "new\n")], author: "Eve", message: "Eve's" },
    );
    let ran = sandbox.git(["push", "-q", "origin", "feat"]).ok();
    assert_eq!(level(&ran), Some("warn"), "{ran}");
}

/// In a merge: one side never touched the file, and its old version stands in the result.
#[test]
fn a_merge_that_keeps_the_version_of_the_side_that_did_nothing_is_found_in_history() {
    let sandbox = worked_on();
    let _ = sandbox.git(["checkout", "-q", "HEAD~1"]).ok();
    branch(&sandbox, &Branch { files: &[("other", "Bob's\n")], author: "Bob", message: "Bob's work" });
    let _ = sandbox.git(["merge", "-q", "--no-commit", "feat"]).ok();
    let _ = sandbox.git(["checkout", "-q", "feat", "--", "code"]).ok();
    let said = sandbox.git(["commit", "-q", "-m", "merge feat"]).ok();
    assert_eq!(level(&said), Some("warn"), "{said}");
    let found = sandbox.guard(["audit", "--all"]).ok().stdout;
    assert!(found.contains("'code' is what it was before the first parent changed it"), "{found}");
}
