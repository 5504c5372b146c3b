//! Lost work where it happens: when a conflict is concluded, in a merge, a cherry-pick or a revert, and when a pull brings it.

use crate::support::{Ran, Sandbox, WORK, lines};

/// A guarded repository in which main and feat both changed a file.
fn diverged() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("other.txt", lines(30));
    sandbox.diverge("code.txt", &[("other.txt", &lines(30).replace("number 7\n", "number 7 of feat\n"))]).install();
    sandbox
}

/// The file in conflict with both sides' lines.
fn settled(sandbox: &Sandbox) -> String {
    let text = sandbox.text("code.txt");
    let kept = text.lines().filter(|line| !["<<<<<<<", "=======", ">>>>>>>"].iter().any(|mark| line.starts_with(mark)));
    kept.map(|line| format!("{line}\n")).collect()
}

fn take_both(sandbox: &Sandbox) -> Ran {
    sandbox.write("code.txt", settled(sandbox));
    let _ = sandbox.git(["add", "code.txt"]).ok();
    sandbox.git(["commit", "-q", "--no-edit"]).ok()
}

#[test]
fn take_mine_is_told_before_the_merge_is_committed_and_both_sides_are_not() {
    let sandbox = diverged();
    assert_ne!(sandbox.git(["merge", "-q", "feat"]).status, 0);
    let said = sandbox.take_mine("code.txt").says("[lost-change]").says("of feat").says("lost  work of Ada").stderr;
    assert!(said.contains("merging 'feat' into 'main': look at this") && !said.contains("other.txt"), "{said}");
    let checked = sandbox.guard(["check", "--merge", "HEAD"]).ok().stdout;
    assert!(checked.contains("[lost-change]") && checked.contains("guard restore --lost"), "{checked}");
    let sandbox = diverged();
    assert_ne!(sandbox.git(["merge", "-q", "feat"]).status, 0);
    assert_eq!(take_both(&sandbox).stderr, "");
}

/// Their version instead of mine in several files leaves a line like each lost one.
#[test]
fn the_wrong_side_of_a_conflict_is_told_though_each_line_has_one_like_it() {
    let sandbox = diverged();
    sandbox.write("other.txt", lines(30).replace("number 7\n", "number 7 of main\n"));
    sandbox.commit("more of main's work");
    assert_ne!(sandbox.git(["merge", "-q", "feat"]).status, 0);
    let _ = sandbox.git(["checkout", "--theirs", "code.txt", "other.txt"]).ok();
    let _ = sandbox.git(["add", "-A"]).ok();
    let _ = sandbox
        .git(["commit", "-q", "--no-edit"])
        .ok()
        .says("a line of main is missing from 'other.txt' [lost-change]");
}

/// The manifest's word counts, as everywhere.
#[test]
fn the_manifest_may_refuse_or_silence_it() {
    for (level, status) in [("block", 1), ("off", 0)] {
        let sandbox = diverged();
        sandbox.write(".recoveryguard.toml", format!("version = 1\n[rules]\nlost-change = '{level}'\n"));
        sandbox.commit("manifest");
        assert_ne!(sandbox.git(["merge", "-q", "feat"]).status, 0);
        let _ = sandbox.git(["checkout", "--ours", "code.txt"]).ok();
        let _ = sandbox.git(["add", "code.txt"]).ok();
        let ran = sandbox.git(["commit", "-q", "--no-edit"]);
        assert_eq!(ran.status, status, "{level}: {ran}");
        assert_eq!(ran.stderr.contains("[lost-change]"), status == 1, "{ran}");
    }
}

#[test]
fn a_picked_commit_of_which_half_is_dropped_is_told() {
    let sandbox = diverged();
    assert_ne!(sandbox.git(["cherry-pick", "feat"]).status, 0);
    let said = sandbox.take_mine("code.txt").says("[lost-change]").stderr;
    assert!(
        said.contains("what is about to be committed lacks work of one side") && said.contains("code.txt"),
        "{said}"
    );
    let sandbox = diverged();
    assert_ne!(sandbox.git(["cherry-pick", "feat"]).status, 0);
    assert_eq!(take_both(&sandbox).stderr, "");
}

/// Runs the command that a finding prints, as it stands there.
fn run_printed(sandbox: &Sandbox, said: &str) -> Ran {
    let command = said.split_once("once it is committed: ").unwrap().1.lines().next().unwrap();
    assert!(command.starts_with("guard restore --lost HEAD --change "), "{command}");
    Ran::of(sandbox.command("sh", sandbox.work()).arg("-c").arg(command), b"")
}

/// Where no second parent tells what came in the command says it, and makes the change again like that of a merge.
#[test]
fn what_a_squash_or_a_pick_lost_comes_back_by_the_printed_command() {
    for how in [&["merge", "-q", "--squash", "feat"][..], &["cherry-pick", "feat"]] {
        let sandbox = diverged();
        let _ = sandbox.git(how);
        let said = sandbox.take_mine("code.txt").says("[lost-change]").stderr;
        let before = sandbox.text("code.txt");
        let ran = run_printed(&sandbox, &said).ok();
        let after = before.replace("line number 5\n", &format!("line number 5\n{WORK}"));
        assert_eq!(sandbox.text("code.txt"), after, "{how:?}");
        assert!(ran.stderr.contains("--change") && ran.stderr.contains("--markers -- 'code.txt'"), "{ran}");
        sandbox.edit("code.txt", WORK, "");
        let _ =
            sandbox.guard(["restore", "--lost", "HEAD", "--change", "feat", "code.txt"]).exits(2).says("is no change");
        let _ = sandbox.guard(["restore", "--lost", "HEAD", "code.txt"]).exits(2).says("is no merge commit here");
    }
}

/// What stays staged is not lost, and what the commit takes is looked at.
#[test]
fn a_commit_of_some_paths_amid_a_squash_loses_nothing_that_stays_staged() {
    let squashed = |settle: &dyn Fn(&Sandbox)| {
        let sandbox = diverged();
        assert_ne!(sandbox.git(["merge", "-q", "--squash", "feat"]).status, 0);
        settle(&sandbox);
        let _ = sandbox.git(["add", "code.txt"]).ok();
        sandbox
    };
    let both = |sandbox: &Sandbox| _ = sandbox.write("code.txt", settled(sandbox));
    let sandbox = squashed(&both);
    assert_eq!(sandbox.git(["commit", "-q", "-m", "one", "other.txt"]).ok().stderr, "");
    let sandbox = squashed(&both);
    sandbox.edit("code.txt", WORK, "");
    let said = sandbox.git(["commit", "-q", "-m", "other", "code.txt"]).ok().says("[lost-change]").stderr;
    assert!(said.contains("code.txt") && !said.contains("other.txt"), "{said}");
    // Settled with what was there: nothing of it is staged, and nothing tells of it later.
    let mine = |sandbox: &Sandbox| drop(sandbox.git(["checkout", "--ours", "code.txt"]).ok());
    let sandbox = squashed(&mine);
    let _ = sandbox.git(["commit", "-q", "-m", "one", "other.txt"]).ok().says("[lost-change]").says("'code.txt'");
}

/// A revert in conflict, settled with the old version as a whole: what came since is gone, too.
#[test]
fn a_revert_that_takes_more_than_it_names_is_told() {
    let sandbox = diverged();
    let text = lines(30).replace("number 20\n", "number 20 as main wants it now\n");
    sandbox.write("code.txt", text.replace("number 28\n", "number 28\nmain's own work\nand more of it\n"));
    sandbox.commit("later work");
    assert_ne!(sandbox.git(["revert", "--no-edit", "HEAD~1"]).status, 0);
    let _ = sandbox.git(["checkout", "--theirs", "code.txt"]).ok();
    let _ = sandbox.git(["add", "code.txt"]).ok();
    let said = sandbox.git(["commit", "-q", "--no-edit"]).ok().says("[lost-change]").says("of main").stderr;
    let _ = run_printed(&sandbox, &said).ok();
    assert!(sandbox.text("code.txt").contains("main's own work\nand more of it\n"));
}

/// Somebody else's lossy merge comes in with a pull: it is named once, and a pull without one is quiet.
#[test]
fn a_lossy_merge_that_a_pull_brings_is_named() {
    let sandbox = diverged();
    let _ = sandbox.git(["clone", "-q", "--bare", ".", "../origin.git"]).ok();
    let _ = sandbox.git(["remote", "add", "origin", "../origin.git"]).ok();
    let _ = sandbox.git(["fetch", "-q", "origin"]).ok();
    let _ = sandbox.git(["branch", "-q", "-u", "origin/main"]).ok();
    let mate = sandbox.root().join("mate");
    let _ = sandbox.git(["clone", "-q", "../origin.git", "../mate"]).ok();
    assert_ne!(sandbox.git_in(&mate, ["merge", "-q", "origin/feat"]).status, 0);
    let _ = sandbox.git_in(&mate, ["checkout", "--ours", "code.txt"]).ok();
    let _ = sandbox.git_in(&mate, ["commit", "-q", "-a", "-m", "a mate merged feat"]).ok();
    let _ = sandbox.git_in(&mate, ["push", "-q", "origin", "main"]).ok();
    let ran = sandbox.git(["pull", "-q", "--ff-only"]).ok();
    let _ = ran.says("merges came in that lack work of one side").says("a mate merged feat").says("[lost-change]");
    std::fs::write(mate.join("new.txt"), "new\n").unwrap();
    let _ = sandbox.git_in(&mate, ["add", "new.txt"]).ok();
    let _ = sandbox.git_in(&mate, ["commit", "-q", "-m", "plain"]).ok();
    let _ = sandbox.git_in(&mate, ["push", "-q", "origin", "main"]).ok();
    assert_eq!(sandbox.git(["pull", "-q", "--ff-only"]).ok().stderr, "");
}
