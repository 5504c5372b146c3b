//! A refusal says in its first line what is allowed next: programs that act on it, and people in a hurry, read no further.

use crate::support::{Ran, Sandbox};

const MANIFEST: &str = "version = 1\n[backup]\nkeep = \"last=2\"\n[[protect]]\npaths = [\"*.sh\"]\n[[data]]\npaths = [\"data/\"]\nbackup = true\n[policy]\non_failure = \"block\"\n";

/// A guarded repository with scripts that are protected, and data.
fn guarded() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(".recoveryguard.toml", MANIFEST).write("a.sh", "#!/bin/sh\n").write("b.sh", "#!/bin/sh\n");
    sandbox.write("data/a.json", "[]\n").write("list", "1\n").commit("project");
    let _ = sandbox.install();
    sandbox
}

/// Returns what the first line that is guard's says comes next.
#[track_caller]
fn next(ran: &Ran) -> String {
    let lines = ran.stderr.lines().map(|line| line.trim_start_matches("remote: "));
    let first = lines.into_iter().next().unwrap_or_default();
    assert!(first.starts_with("guard: "), "the first line is not guard's: {ran}");
    let (_, next) = first.split_once("; next: ").or_else(|| first.split_once("; hint: ")).unwrap_or_default();
    assert!(!next.is_empty(), "the first line does not say what is allowed next: {ran}");
    assert!(!next.ends_with("--help"), "that is no next step: {ran}");
    next.trim_end().to_owned()
}

/// Types the command behind `mark` as it stands, with a reason where one is asked for.
#[track_caller]
fn follow(sandbox: &Sandbox, next: &str, mark: &str) -> Ran {
    let at = next.find(mark).unwrap_or_else(|| panic!("'{mark}' is not in '{next}'"));
    let line = next[at..].replace("'...'", "'it is meant'");
    Ran::of(sandbox.command("sh", sandbox.work()).args(["-c", &line]), b"")
}

#[test]
fn a_refused_merge_names_the_way_to_pass() {
    let sandbox = guarded();
    sandbox.branch("bad", &[("a.sh", None)]);
    let said = next(&sandbox.git(["merge", "bad"]).fails());
    assert_eq!(said, "mend that, or guard allow protected-delete 'a.sh' --reason '...'");
    let _ = follow(&sandbox, &said, "guard allow").ok();
    let _ = sandbox.git(["merge", "bad"]).ok();
}

#[test]
fn of_several_the_first_is_named_and_the_others_are_counted() {
    let sandbox = guarded();
    sandbox.branch("bad", &[("a.sh", None), ("b.sh", None)]);
    let said = next(&sandbox.git(["merge", "bad"]).fails());
    assert_eq!(said, "mend that, or guard allow protected-delete 'a.sh' --reason '...' (and 1 more below)");
}

#[test]
fn a_conclusion_that_is_refused_and_a_merge_that_can_not_be_judged_do_too() {
    let sandbox = guarded();
    sandbox.branch("clash", &[("list", Some("theirs\n"))]);
    sandbox.branch("deep", &[("data/deep.json", Some(&"[".repeat(1000)))]);
    let said = next(&sandbox.git(["merge", "deep"]).fails());
    let ran = follow(&sandbox, &said, "guard check").exits(3);
    assert!(ran.stdout.contains("nested deeper"), "{ran}");
    sandbox.write("list", "ours\n").commit("ours");
    let _ = sandbox.git(["merge", "-q", "clash"]).fails();
    let _ = sandbox.git(["rm", "-q", "-f", "a.sh"]).ok();
    sandbox.write("list", "both\n");
    let _ = sandbox.git(["add", "list"]).ok();
    let said = next(&sandbox.git(["commit", "-q", "--no-edit"]).exits(1));
    let _ = follow(&sandbox, &said, "guard allow").ok();
    let _ = sandbox.git(["commit", "-q", "--no-edit"]).ok();
}

#[test]
fn a_refused_push_does_here_and_on_a_server() {
    let sandbox = guarded();
    let _ = sandbox.git(["clone", "-q", "--bare", ".", "../server.git"]).ok();
    let _ = sandbox.git(["remote", "add", "origin", "../server.git"]).ok();
    let _ = sandbox.git(["fetch", "-q", "origin"]).ok();
    sandbox.branch("bad", &[("a.sh", None)]);
    let merge = ["-c", "core.hooksPath=/dev/null", "merge", "-q", "--no-ff", "-m", "m", "bad"];
    let _ = sandbox.git(merge).ok();
    let said = next(&sandbox.git(["push", "-q", "origin", "main"]).fails());
    let _ = follow(&sandbox, &said, "guard allow").ok();
    let _ = sandbox.guard(["-C", "../server.git", "install", "--server"]).ok();
    let said = next(&sandbox.git(["push", "-q", "origin", "main"]).fails());
    assert_eq!(said, "take it out of the push; '[policy] allow' of this branch does not let 'protected-delete' pass");
}

#[test]
fn a_refused_undo_does() {
    let sandbox = guarded();
    let refused = |line: &[&str]| next(&sandbox.guard(line).exits(4));
    for line in [&["undo"][..], &["undo-merge"], &["redo"], &["undo-merge", "no-such-thing"]] {
        let _ = refused(line);
    }
    sandbox.branch("feat", &[("list", Some("1\n2\n"))]);
    let _ = sandbox.git(["merge", "-q", "--no-ff", "-m", "m", "feat"]).ok();
    sandbox.write("list", "mine\n");
    let said = refused(&["undo-merge"]);
    assert!(said.contains("git stash -u") && said.ends_with("then run it again"), "{said}");
    // Which works as it is said.
    let _ = sandbox.git(["stash", "-q", "-u"]).ok();
    let _ = sandbox.guard(["undo-merge"]).ok();
    assert_eq!(sandbox.read("list"), b"1\n");
    let _ = sandbox.git(["stash", "drop", "-q"]).ok();
    sandbox.branch("clash", &[("list", Some("theirs\n"))]);
    sandbox.write("list", "ours\n").commit("ours");
    let _ = sandbox.git(["merge", "-q", "clash"]).fails();
    assert_eq!(refused(&["redo"]), "guard undo-merge");
    let _ = sandbox.guard(["undo-merge"]).ok();
    let _ = refused(&["undo", "--plan", "undo.1.2"]);
    let _ = sandbox.git(["checkout", "-q", "--detach"]).ok();
    let _ = refused(&["undo-merge"]);
}

#[test]
fn a_refused_restore_or_backup_does() {
    let sandbox = guarded();
    let refused = |line: &[&str]| next(&sandbox.guard(line).exits(4));
    for line in [
        &["restore", "--undo"][..],
        &["restore", "--missing"],
        &["restore", "no-such-file"],
        &["restore", "list", "--from", "HEAD", "--to", ".git/x"],
    ] {
        let _ = refused(line);
    }
    let _ = sandbox.git(["commit", "-q", "--allow-empty", "-m", "empty"]).ok();
    sandbox.branch("side", &[("side", Some("side\n"))]);
    let _ = sandbox.git(["merge", "-q", "--no-ff", "-m", "m", "side"]).ok();
    let _ = refused(&["restore", "--lost", "HEAD"]);
    sandbox.write("data/b.json", "{").commit("never good");
    let ran = sandbox.guard(["restore", "data/b.json"]).exits(4);
    assert!(next(&ran).starts_with("take one that is not good") && ran.stderr.lines().count() > 1, "{ran}");
    assert_eq!(
        refused(&["restore", "data/b.json", "--from", "HEAD"]),
        "to bring it back all the same, add --unchecked"
    );
    sandbox.write(".gitignore", "data/c.json\n").write("data/c.json", "[1]").write("data/b.json", "[]");
    let _ = sandbox.guard(["backup", "create"]).ok();
    let _ = sandbox.git(["init", "-q", "--bare", "../far.git"]).ok();
    let said = refused(&["backup", "push", "../far.git"]);
    let _ = follow(&sandbox, &said, "git config").ok();
    let _ = sandbox.guard(["backup", "push", "../far.git"]).ok();
    // The clock jumped once, and came back.
    let mut ahead = sandbox.command("guard", sandbox.work());
    sandbox.write("data/c.json", "[1, 2]");
    let _ = Ran::of(ahead.env("RECOVERYGUARD_CLOCK", "4000000000000").args(["backup", "create"]), b"").ok();
    let pruned = sandbox.guard(["backup", "prune"]).exits(4).stdout;
    assert!(pruned.lines().next().unwrap().ends_with("; if it is right: guard backup prune --trust-clock"), "{pruned}");
}

#[test]
fn whatever_else_is_refused_does() {
    let sandbox = guarded();
    let refused = |line: &[&str]| next(&sandbox.guard(line).exits(4));
    let _ = refused(&["init"]);
    let _ = refused(&["allow", "protected-delete", "--reason", "why"]);
    assert_eq!(refused(&["install", "--server"]), "guard install");
    let _ = sandbox.git(["clone", "-q", "--bare", ".", "../bare.git"]).ok();
    assert_eq!(refused(&["-C", "../bare.git", "install"]), "guard install --server");
    let _ = refused(&["-C", "../bare.git", "init"]);
    let _ = refused(&["-C", "../bare.git", "undo-merge"]);
    let _ = sandbox.git(["init", "-q", "../unborn"]).ok();
    let _ = refused(&["-C", "../unborn", "undo-merge"]);
    let _ = refused(&["-C", "../unborn", "restore", "a"]);
    let _ = sandbox.git(["-C", "../unborn", "config", "core.hooksPath", "/dev/null"]).ok();
    let said = refused(&["-C", "../unborn", "install"]);
    assert_eq!(said, "git config --local --unset-all core.hooksPath '^/dev/null$'");
}
