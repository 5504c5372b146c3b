//! What a rebase or a cherry-pick made of commits is looked at when it is done: what others or the commits themselves lost is named,
//! and nothing is said of what came out as git makes it or was edited.

use crate::support::{Ran, Sandbox};

fn lines(count: usize) -> String {
    (1..=count).map(|number| format!("line number {number}\n")).collect()
}

const FEATS: &str = "number 20 as feat wants it\n";
const MAINS: &str = "number 20 as main wants it\n";

/// A guarded repository on feat: it and main both changed a file, in one place that conflicts and each in another one.
fn diverged() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("code.txt", lines(40)).write("other.txt", lines(9)).commit("code");
    let _ = sandbox.git(["branch", "feat"]).ok();
    let text = lines(40).replace("number 20\n", MAINS);
    sandbox
        .write("code.txt", text.replace("number 35\n", "number 35\nviolins sound quietly\nbrass instruments follow\n"));
    sandbox.commit("main's work");
    let _ = sandbox.git(["checkout", "-q", "feat"]).ok();
    let text = lines(40).replace("number 20\n", FEATS);
    sandbox.write("code.txt", text.replace("number 5\n", "number 5\nfeat's careful work\nand more of it\n"));
    sandbox.write("new.txt", "new\n").commit("feat's work");
    sandbox.write("other.txt", lines(9).replace("number 7\n", "number 7 of feat\n"));
    sandbox.commit("feat's other work");
    let _ = sandbox.guard(["install"]).ok();
    sandbox
}

fn text(sandbox: &Sandbox, path: &str) -> String {
    String::from_utf8(sandbox.read(path)).unwrap()
}

fn go_on(sandbox: &Sandbox) -> Ran {
    let _ = sandbox.git(["add", "-A"]).ok();
    sandbox.git(["-c", "core.editor=true", "rebase", "--continue"]).ok()
}

/// Rebases feat, and settles the conflict with `text`.
fn settled(sandbox: &Sandbox, settle: impl Fn(&str) -> String) -> Ran {
    let ran = sandbox.git(["rebase", "-q", "main"]);
    assert!(ran.status != 0 && !ran.stderr.contains("guard:"), "a conflict: {ran}");
    let there = text(sandbox, "code.txt");
    sandbox.write("code.txt", settle(&there));
    go_on(sandbox)
}

/// Both changes, as they should be.
fn both(conflict: &str) -> String {
    let (before, rest) = conflict.split_once("<<<<<<<").unwrap();
    let rest = rest.split_once(">>>>>>>").unwrap().1.split_once('\n').unwrap().1;
    format!("{before}line {MAINS}line {FEATS}{rest}")
}

fn is_quiet(ran: &Ran) -> bool {
    !ran.stderr.contains("guard:")
}

#[test]
fn a_conflict_settled_with_one_side_s_whole_file_is_named() {
    let sandbox = diverged();
    let mains = sandbox.git(["show", "main:code.txt"]).ok().stdout;
    let ran = settled(&sandbox, |_| mains.clone()).says("what came in or was rebased lacks work").says("[lost-change]");
    let ran = ran.says("as it was are missing from 'code.txt'").says("feat's work");
    assert_eq!(ran.stderr.matches("[lost-").count(), 1, "said once: {ran}");
    let line = ran.stderr.lines().find(|line| line.contains("  do  ")).unwrap_or_else(|| panic!("{ran}"));
    let command = line.split_once("do ").unwrap().1.trim();
    let _ = Ran::of(sandbox.command("sh", sandbox.work()).arg("-c").arg(command), b"");
    assert!(text(&sandbox, "code.txt").contains("feat's careful work"), "{command}");
    // The other way round it is the work of the new base.
    let sandbox = diverged();
    let feats = sandbox.git(["show", "feat~1:code.txt"]).ok().stdout;
    let ran = settled(&sandbox, |_| feats.clone()).says("[lost-change]");
    let _ = ran.says("of the new base").says("lost  work of Ada").says("feat's work");
}

#[test]
fn a_rebase_that_lost_nothing_is_quiet() {
    let sandbox = diverged();
    let ran = settled(&sandbox, both);
    assert!(is_quiet(&ran), "{ran}");
    let ran = sandbox.git(["rebase", "-q", "--force-rebase", "main"]).ok();
    assert!(is_quiet(&ran), "{ran}");
    let ran = sandbox.git(["commit", "-q", "--amend", "-m", "other words"]).ok();
    assert!(is_quiet(&ran), "{ran}");
}

/// An interactive rebase changes commits on purpose.
#[test]
fn commits_that_were_edited_squashed_or_renamed_are_quiet() {
    for (todo, message) in [
        ("s/^pick/edit/", None),
        ("1s/^pick/reword/", None),
        ("2s/^pick/fixup/", None),
        ("s/^pick/pick/", Some("feat's work, without the careful part")),
    ] {
        let sandbox = diverged();
        let mains = sandbox.git(["show", "main:code.txt"]).ok().stdout;
        let editor = format!("sequence.editor=sed -i '{todo}'");
        let _ = sandbox.git(["-c", &editor, "-c", "core.editor=true", "rebase", "-q", "-i", "main"]).fails();
        sandbox.write("code.txt", &mains);
        let _ = sandbox.git(["add", "-A"]).ok();
        if let Some(message) = message {
            let _ = sandbox.git(["commit", "-q", "-m", message]).ok();
        }
        let mut ran = go_on(&sandbox);
        if sandbox.at(".git/rebase-merge").exists() {
            ran = go_on(&sandbox);
        }
        assert!(!sandbox.at(".git/rebase-merge").exists() && is_quiet(&ran), "{todo}: {ran}");
    }
}

/// Nothing of somebody's commit stands on the branch any more, and each single commit came out as git makes it.
#[test]
fn a_rebase_that_takes_work_of_the_new_base_back_is_named() {
    let sandbox = Sandbox::new();
    sandbox.write("code", "old\n").write("other", "old\n").commit("base");
    let _ = sandbox.git(["branch", "feat"]).ok();
    sandbox.write("code", "Ann's\n");
    let _ = sandbox.git(["commit", "-q", "-a", "--author=Ann <a@example.com>", "-m", "Ann's work"]).ok();
    let _ = sandbox.git(["checkout", "-q", "feat"]).ok();
    for (text, other) in [("Ann's\n", "one\n"), ("old\n", "two\n")] {
        sandbox.write("code", text).write("other", other).commit("mine");
    }
    let _ = sandbox.guard(["install"]).ok();
    let ran = sandbox.git(["rebase", "-q", "main"]).ok();
    let _ = ran.says("warn  'code' is what it was before 'Ann's work'").says("[stale-content]");
}

/// A lossy merge that others made comes in beneath commits of one's own.
#[test]
fn what_a_pull_brings_beneath_own_commits_is_looked_at() {
    let sandbox = diverged();
    let _ = sandbox.git(["checkout", "-q", "main"]).ok();
    let _ = sandbox.git(["clone", "-q", "--bare", ".", "../origin.git"]).ok();
    let _ = sandbox.git(["remote", "add", "origin", "../origin.git"]).ok();
    let _ = sandbox.git(["fetch", "-q", "origin"]).ok();
    let _ = sandbox.git(["branch", "-q", "-u", "origin/main"]).ok();
    let mate = sandbox.root().join("mate");
    let _ = sandbox.git(["clone", "-q", "../origin.git", "../mate"]).ok();
    let _ = sandbox.git_in(&mate, ["merge", "-q", "origin/feat"]).fails();
    let _ = sandbox.git_in(&mate, ["checkout", "--ours", "code.txt"]).ok();
    let _ = sandbox.git_in(&mate, ["commit", "-q", "-a", "-m", "a mate merged feat"]).ok();
    let _ = sandbox.git_in(&mate, ["push", "-q", "origin", "main"]).ok();
    sandbox.write("mine.txt", "mine\n").commit("mine");
    let ran = sandbox.git(["pull", "-q", "--rebase"]).ok();
    let ran = ran.says("what came in or was rebased lacks work").says("a mate merged feat");
    assert_eq!(ran.stderr.matches("[lost-change]").count(), 1, "{ran}");
    std::fs::write(mate.join("later.txt"), "later\n").unwrap();
    let _ = sandbox.git_in(&mate, ["add", "later.txt"]).ok();
    let _ = sandbox.git_in(&mate, ["commit", "-q", "-m", "plain"]).ok();
    let _ = sandbox.git_in(&mate, ["push", "-q", "origin", "main"]).ok();
    let ran = sandbox.git(["pull", "-q", "--rebase"]).ok();
    assert!(is_quiet(&ran), "{ran}");
}

/// An option settles what would have been a conflict; a pick that needed none is quiet.
#[test]
fn a_cherry_pick_that_an_option_settled_is_looked_at() {
    let sandbox = diverged();
    let _ = sandbox.git(["checkout", "-q", "main"]).ok();
    sandbox
        .write("code.txt", text(&sandbox, "code.txt").replace(MAINS, &format!("{MAINS}a second thought\n")))
        .commit("more");
    let ran = sandbox.git(["cherry-pick", "-X", "theirs", "feat~1"]).ok();
    let _ = ran.says("what was picked lacks work of one side").says("of main").says("[lost-change]");
    let ran = sandbox.git(["cherry-pick", "feat"]).ok();
    assert!(is_quiet(&ran), "{ran}");
}
