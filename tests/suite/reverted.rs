//! `reverted-merge` on real git (scenario U13): merge, revert, fix on the branch, merge again; what is said, when, and that
//! the printed command brings the work back.

use serde_json::Value;

use crate::support::{MERGE_TREE, Ran, Sandbox};

/// Thirty lines; those named are changed by somebody.
fn lines(changed: &[(usize, &str)]) -> String {
    let line =
        |n: usize| changed.iter().find(|(at, _)| *at == n).map_or_else(|| n.to_string(), |(_, by)| (*by).to_owned());
    (1..=30).map(|n| line(n) + "\n").collect()
}

#[track_caller]
fn git(sandbox: &Sandbox, words: &[&str]) {
    let _ = sandbox.git(words).ok();
}

/// `main` and `feat`, where two commits changed `list` and added `work`. No hooks; `main` is checked out.
fn parted() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("list", lines(&[])).write("other", "other\n");
    sandbox.commit("start");
    git(&sandbox, &["checkout", "-q", "-b", "feat"]);
    sandbox.write("work", "work\n");
    sandbox.commit("first part");
    sandbox.write("list", lines(&[(5, "work")]));
    sandbox.commit("second part");
    git(&sandbox, &["checkout", "-q", "main"]);
    sandbox
}

/// The same, with `feat` merged into `main` by a merge commit.
fn merged() -> Sandbox {
    let sandbox = parted();
    git(&sandbox, &["merge", "-q", "--no-ff", "--no-edit", "feat"]);
    sandbox
}

/// Reverts `main`'s newest merge as git does, and returns the revert.
fn revert(sandbox: &Sandbox) -> String {
    git(sandbox, &["revert", "--no-edit", "-m", "1", "HEAD"]);
    sandbox.rev("HEAD")
}

/// Adds the fix to `feat`, in a file of the work, and comes back.
fn fix(sandbox: &Sandbox) {
    git(sandbox, &["checkout", "-q", "feat"]);
    sandbox.write("list", lines(&[(5, "work"), (25, "fix")])).write("fix", "fix\n");
    sandbox.commit("fix");
    git(sandbox, &["checkout", "-q", "main"]);
}

/// Merge, revert, fix: ready to be merged again. Returns the revert, too.
fn reverted() -> (Sandbox, String) {
    let sandbox = merged();
    let revert = revert(&sandbox);
    fix(&sandbox);
    (sandbox, revert)
}

#[track_caller]
fn expect_complete(sandbox: &Sandbox) {
    assert_eq!(String::from_utf8(sandbox.read("list")).unwrap(), lines(&[(5, "work"), (25, "fix")]));
    assert_eq!((sandbox.read("work"), sandbox.read("fix")), (b"work\n".to_vec(), b"fix\n".to_vec()));
}

/// Expects that the work is missing although git merged without a conflict.
#[track_caller]
fn expect_lost(sandbox: &Sandbox) {
    assert_eq!(String::from_utf8(sandbox.read("list")).unwrap(), lines(&[(25, "fix")]));
    assert!(!sandbox.at("work").exists() && sandbox.at("fix").exists());
}

/// Returns what `guard check` finds by this rule.
#[track_caller]
fn found(sandbox: &Sandbox, arguments: &[&str]) -> Vec<Value> {
    let ran = sandbox.guard([&["check", "--json"], arguments].concat()).ok();
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    let findings = document["findings"].as_array().unwrap();
    findings.iter().filter(|found| found["rule"] == "reverted-merge").cloned().collect()
}

/// Expects one finding, which names `revert`, and returns it.
#[track_caller]
fn names(sandbox: &Sandbox, arguments: &[&str], revert: &str) -> Value {
    let mut found = found(sandbox, arguments);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["evidence"]["revert"], revert, "{found:?}");
    found.remove(0)
}

#[track_caller]
fn quiet(sandbox: &Sandbox, arguments: &[&str]) {
    let found = found(sandbox, arguments);
    assert!(found.is_empty(), "{found:?}");
}

/// Runs the command of a finding as it is printed.
#[track_caller]
fn follow(sandbox: &Sandbox, finding: &Value) {
    let remedy = finding["remedy"].as_str().unwrap();
    let command = remedy.rsplit_once(": ").map_or(remedy, |(_, command)| command);
    let _ = Ran::of(sandbox.command("sh", sandbox.work()).args(["-c", command]), b"").ok();
}

/// Returns how often the rule spoke.
fn times(ran: &Ran) -> usize {
    ran.stderr.matches("[reverted-merge]").count()
}

fn publish(sandbox: &Sandbox, branches: &[&str]) {
    let origin = sandbox.root().join("origin.git");
    if !origin.exists() {
        git(sandbox, &["init", "-q", "--bare", "-b", "main", origin.to_str().unwrap()]);
        git(sandbox, &["remote", "add", "origin", origin.to_str().unwrap()]);
    }
    git(sandbox, &[&["push", "-q", "origin"], branches].concat());
}

#[test]
fn u13_the_gate_warns_before_the_branch_is_merged_again_and_no_other_hook_says_it_again() {
    let (sandbox, revert) = reverted();
    sandbox.install();
    let check = names(&sandbox, &["feat"], &revert);
    let merge = sandbox.git(["merge", "--no-edit", "feat"]).ok();
    assert_eq!(times(&merge), 1, "{merge}");
    let reapply = format!("do    guard undo-merge --reapply {}\n", &revert[..10]);
    assert!(merge.stderr.contains(&reapply) && merge.stderr.contains("2 commits that 'feat' builds on"), "{merge}");
    assert!(merge.stderr.contains("Ada: Revert \"Merge branch 'feat'\"\n"), "{merge}");
    assert!(merge.stderr.contains("newer than what it took back: second part; first part\n"), "{merge}");
    // It was right, and what it printed still works afterwards.
    expect_lost(&sandbox);
    let past = names(&sandbox, &["--merge", "HEAD"], &revert);
    assert_eq!(past["fingerprint"], check["fingerprint"]);
    follow(&sandbox, &past);
    expect_complete(&sandbox);
}

#[test]
fn u13_what_is_concluded_by_hand_is_not_told_again() {
    let (sandbox, _) = reverted();
    sandbox.write("other", "ours\n");
    sandbox.commit("ours");
    git(&sandbox, &["checkout", "-q", "feat"]);
    sandbox.write("other", "theirs\n");
    sandbox.commit("theirs");
    git(&sandbox, &["checkout", "-q", "main"]);
    sandbox.install();
    let merge = sandbox.git(["merge", "--no-edit", "feat"]).fails();
    assert_eq!(times(&merge), 1, "{merge}");
    sandbox.write("other", "both\n");
    let commit = sandbox.git(["commit", "-q", "-a", "--no-edit"]).ok();
    assert_eq!(times(&commit), 0, "{commit}");
}

#[test]
fn u13_the_printed_command_before_the_merge_makes_the_result_whole() {
    let (sandbox, revert) = reverted();
    sandbox.install();
    let finding = names(&sandbox, &["feat"], &revert);
    assert_eq!(finding["remedy"], format!("guard undo-merge --reapply {}", &revert[..10]));
    assert_eq!((&finding["level"], &finding["path"]), (&"warn".into(), &Value::Null));
    let evidence = &finding["evidence"];
    assert_eq!(evidence["merge"], sandbox.rev("main~1"));
    assert_eq!(evidence["subject"], "Revert \"Merge branch 'feat'\"");
    let told = ["author", "commits", "paths"].map(|key| evidence[key].as_str().unwrap());
    assert_eq!(told, ["Ada", "2", "list, work"]);
    let _ = sandbox.guard(["check", "feat", "--strict"]).exits(1);
    follow(&sandbox, &finding);
    quiet(&sandbox, &["feat"]);
    let merge = sandbox.git(["merge", "--no-edit", "feat"]).ok();
    assert_eq!(times(&merge), 0, "{merge}");
    expect_complete(&sandbox);
}

#[test]
fn u13_every_kind_of_revert_is_recognised() {
    let by_git: fn(&Sandbox) = |sandbox| _ = revert(sandbox);
    let by_short_name: fn(&Sandbox) =
        |s| git(s, &["-c", "revert.reference=true", "revert", "--no-edit", "-m", "1", "HEAD"]);
    let by_hand: fn(&Sandbox) = |sandbox| {
        git(sandbox, &["checkout", "-q", "HEAD~1", "--", "list"]);
        git(sandbox, &["rm", "-q", "work"]);
        git(sandbox, &["commit", "-q", "-m", "Revert \"Second part\" (#13)\n\nReverts owner/repo#12"]);
    };
    let with_more: fn(&Sandbox) = |sandbox| {
        git(sandbox, &["revert", "--no-commit", "-m", "1", "HEAD"]);
        sandbox.write("changes", "taken out\n");
        sandbox.commit("take it out");
        git(sandbox, &["update-ref", "-d", "REVERT_HEAD"]);
    };
    let on_a_branch: fn(&Sandbox) = |sandbox| {
        git(sandbox, &["checkout", "-q", "-b", "revert-12"]);
        revert(sandbox);
        git(sandbox, &["commit", "-q", "--amend", "-m", "take it out"]);
        git(sandbox, &["checkout", "-q", "main"]);
        git(sandbox, &["merge", "-q", "--no-ff", "--no-edit", "revert-12"]);
    };
    for (index, take_out) in [by_git, by_short_name, by_hand, with_more, on_a_branch].into_iter().enumerate() {
        let sandbox = merged();
        take_out(&sandbox);
        let revert = sandbox.rev(if index == 4 { "HEAD^2" } else { "HEAD" });
        sandbox.write("later", "later\n");
        sandbox.commit("later");
        fix(&sandbox);
        let finding = names(&sandbox, &["feat"], &revert);
        follow(&sandbox, &finding);
        git(&sandbox, &["merge", "-q", "--no-edit", "feat"]);
        expect_complete(&sandbox);
    }
}

/// The files of the work were changed by others before it was taken out, and after.
#[test]
fn u13_a_silent_revert_among_other_changes_is_recognised_by_its_lines() {
    for message in ["take it out", "Revert \"Merge branch 'feat'\""] {
        let sandbox = merged();
        sandbox.write("list", lines(&[(5, "work"), (15, "between")]));
        sandbox.commit("between");
        git(&sandbox, &["revert", "--no-edit", "-m", "1", "HEAD~1"]);
        git(&sandbox, &["commit", "-q", "--amend", "-m", message]);
        let revert = sandbox.rev("HEAD");
        sandbox.write("list", lines(&[(15, "later")]));
        sandbox.commit("later");
        fix(&sandbox);
        let finding = names(&sandbox, &["feat"], &revert);
        follow(&sandbox, &finding);
        quiet(&sandbox, &["feat"]);
        // Taken back with other words: known by its lines, too.
        git(&sandbox, &["commit", "-q", "--amend", "-m", "again"]);
        sandbox.write("list", lines(&[(5, "work"), (15, "later still")]));
        sandbox.commit("later still");
        quiet(&sandbox, &["feat"]);
    }
}

/// The branch itself has given up a file of the work since; the rest of it is lost all the same.
#[test]
fn u13_a_silent_revert_is_recognised_when_the_branch_went_on() {
    let sandbox = merged();
    revert(&sandbox);
    git(&sandbox, &["commit", "-q", "--amend", "-m", "take it out"]);
    let revert = sandbox.rev("HEAD");
    git(&sandbox, &["checkout", "-q", "feat"]);
    git(&sandbox, &["rm", "-q", "work"]);
    sandbox.write("list", lines(&[(5, "work"), (25, "fix")]));
    sandbox.commit("fix");
    git(&sandbox, &["checkout", "-q", "main"]);
    let finding = names(&sandbox, &["feat"], &revert);
    assert_eq!(finding["evidence"]["paths"], "list");
}

/// The merge after the revert is where the work stays out, and where it is told; those that follow change nothing.
#[test]
fn u13_once_the_branch_was_merged_again_the_next_merges_are_quiet() {
    let (sandbox, revert) = reverted();
    names(&sandbox, &["feat"], &revert);
    git(&sandbox, &["merge", "-q", "--no-edit", "feat"]);
    fix_more(&sandbox);
    quiet(&sandbox, &["feat"]);
    git(&sandbox, &["merge", "-q", "--no-edit", "feat"]);
    fix_more(&sandbox);
    quiet(&sandbox, &["feat"]);
    // The branch itself has the work, and would lose it.
    names(&sandbox, &["main", "--into", "feat"], &revert);
    // Taken out after that: told again.
    git(&sandbox, &["revert", "--no-edit", "-m", "1", "HEAD"]);
    let newest = sandbox.rev("HEAD");
    names(&sandbox, &["feat"], &newest);
}

#[test]
fn u13_the_undo_of_a_published_merge_is_remembered_in_every_clone() {
    let sandbox = merged();
    sandbox.install();
    publish(&sandbox, &["main", "feat"]);
    let _ = sandbox.guard(["undo-merge"]).ok();
    let revert = sandbox.rev("HEAD");
    assert_eq!(sandbox.rev("HEAD~1"), sandbox.rev("origin/main"));
    fix(&sandbox);
    publish(&sandbox, &["main", "feat"]);
    names(&sandbox, &["feat"], &revert);
    // Another clone, without a journal.
    let clone = sandbox.root().join("clone");
    git(&sandbox, &["clone", "-q", "../origin.git", "../clone"]);
    let ran = Ran::of(sandbox.command("guard", &clone).args(["check", "origin/feat", "--json"]), b"").ok();
    assert!(ran.stdout.contains("\"reverted-merge\"") && ran.stdout.contains(&revert), "{ran}");
    let _ = Ran::of(sandbox.command("guard", &clone).args(["undo-merge", "--reapply", &revert]), b"").ok();
    let _ = sandbox.git_in(&clone, ["merge", "-q", "--no-edit", "origin/feat"]).ok();
    assert_eq!(std::fs::read_to_string(clone.join("list")).unwrap(), lines(&[(5, "work"), (25, "fix")]));
    assert!(clone.join("work").exists());
}

#[test]
fn u13_the_other_direction_warns_and_the_command_works_once_it_is_merged() {
    // With and without a commit of the branch's own: the latter is a fast-forward.
    for with_fix in [true, false] {
        let sandbox = merged();
        let revert = revert(&sandbox);
        if with_fix {
            fix(&sandbox);
        }
        sandbox.install();
        git(&sandbox, &["checkout", "-q", "feat"]);
        let finding = names(&sandbox, &["main"], &revert);
        assert_eq!(finding["remedy"], format!("once it is merged: guard undo-merge --reapply {}", &revert[..10]));
        let message = finding["message"].as_str().unwrap();
        assert!(message.starts_with("2 commits of 'feat' go from it: "), "{message}");
        assert!(message.contains(" in 'main' reverted their merge "), "{message}");
        let merge = sandbox.git(["merge", "--no-edit", "main"]).ok();
        assert_eq!(times(&merge), 1, "{merge}");
        assert!(!sandbox.at("work").exists());
        follow(&sandbox, &finding);
        if with_fix {
            expect_complete(&sandbox);
        } else {
            assert_eq!(sandbox.read("work"), b"work\n");
        }
        quiet(&sandbox, &["main"]);
        git(&sandbox, &["checkout", "-q", "main"]);
        quiet(&sandbox, &["feat"]);
        git(&sandbox, &["merge", "-q", "--no-edit", "feat"]);
        assert_eq!(sandbox.rev("main^{tree}"), sandbox.rev("feat^{tree}"));
    }
}

/// A branch that took `main` in and reverted that would take `main`'s own work out of `main`.
#[test]
fn u13_a_branch_that_reverted_what_it_took_from_main_is_told_before_it_comes_in() {
    let sandbox = parted();
    sandbox.write("other", "ours\n").write("more", "more\n");
    sandbox.commit("work of main");
    git(&sandbox, &["checkout", "-q", "feat"]);
    git(&sandbox, &["merge", "-q", "--no-edit", "main"]);
    quiet(&sandbox, &["feat", "--into", "main"]);
    let revert = revert(&sandbox);
    git(&sandbox, &["checkout", "-q", "main"]);
    let finding = names(&sandbox, &["feat"], &revert);
    assert!(finding["message"].as_str().unwrap().starts_with("1 commit of 'main' goes from it: "), "{finding}");
    assert_eq!(finding["evidence"]["paths"], "more, other");
    git(&sandbox, &["merge", "-q", "--no-edit", "feat"]);
    assert!(!sandbox.at("more").exists());
    follow(&sandbox, &finding);
    assert_eq!((sandbox.read("more"), sandbox.read("other")), (b"more\n".to_vec(), b"ours\n".to_vec()));
    assert!(sandbox.at("work").exists());
}

#[test]
fn u13_the_command_leads_to_the_branch_that_is_not_checked_out() {
    let (sandbox, revert) = reverted();
    git(&sandbox, &["checkout", "-q", "feat"]);
    let finding = names(&sandbox, &["feat", "--into", "main"], &revert);
    assert_eq!(finding["remedy"], format!("git switch 'main' && guard undo-merge --reapply {}", &revert[..10]));
    follow(&sandbox, &finding);
    assert_eq!(sandbox.git(["branch", "--show-current"]).ok().line(), "main");
    git(&sandbox, &["merge", "-q", "--no-edit", "feat"]);
    expect_complete(&sandbox);

    let (sandbox, revert) = reverted();
    let finding = names(&sandbox, &["main", "--into", "feat"], &revert);
    assert_eq!(
        finding["remedy"],
        format!("once it is merged, on 'feat': guard undo-merge --reapply {}", &revert[..10])
    );
}

#[test]
fn u13_squash_merges_lose_the_same() {
    let (sandbox, revert) = reverted();
    sandbox.install();
    let merge = sandbox.git(["merge", "--squash", "feat"]).ok();
    assert_eq!(times(&merge), 1, "{merge}");
    let commit = sandbox.git(["commit", "-q", "-m", "squashed"]).ok();
    assert_eq!(times(&commit), 0, "{commit}");
    expect_lost(&sandbox);
    let _ = sandbox.guard(["undo-merge", "--reapply", &revert]).ok();
    expect_complete(&sandbox);

    let (sandbox, revert) = reverted();
    sandbox.install();
    git(&sandbox, &["checkout", "-q", "feat"]);
    let merge = sandbox.git(["merge", "--squash", "main"]).ok();
    let command = format!("git revert --no-edit {}", &revert[..10]);
    assert!(merge.stderr.contains(&format!("do    once it is committed: {command}\n")), "{merge}");
    git(&sandbox, &["commit", "-q", "-m", "squashed"]);
    expect_lost(&sandbox);
    let _ = Ran::of(sandbox.command("sh", sandbox.work()).args(["-c", &command]), b"").ok();
    expect_complete(&sandbox);
}

#[test]
fn u13_once_the_work_is_back_it_is_quiet_however_it_came_back() {
    let by_git: fn(&Sandbox, &str) = |sandbox, revert| git(sandbox, &["revert", "--no-edit", revert]);
    let silently: fn(&Sandbox, &str) = |sandbox, revert| {
        git(sandbox, &["revert", "--no-edit", revert]);
        git(sandbox, &["commit", "-q", "--amend", "-m", "again"]);
    };
    // One commit for each: no one of them is the merge.
    let one_by_one: fn(&Sandbox, &str) = |s, _| git(s, &["cherry-pick", "-x", "feat~2", "feat~1"]);
    for bring_back in [by_git, silently, one_by_one] {
        let (sandbox, revert) = reverted();
        bring_back(&sandbox, &revert);
        quiet(&sandbox, &["feat"]);
        git(&sandbox, &["merge", "-q", "--no-edit", "feat"]);
        expect_complete(&sandbox);
    }
    // Others go on with it.
    let (sandbox, revert) = reverted();
    git(&sandbox, &["revert", "--no-edit", &revert]);
    sandbox.write("list", lines(&[(5, "work"), (15, "later")])).write("work", "work and more\n");
    sandbox.commit("later");
    quiet(&sandbox, &["feat"]);
    let list = || String::from_utf8(sandbox.read("list")).unwrap();
    git(&sandbox, &["merge", "-q", "--no-edit", "feat"]);
    assert_eq!(list(), lines(&[(5, "work"), (15, "later"), (25, "fix")]));
}

#[test]
fn u13_a_work_that_was_taken_out_again_is_named_with_the_newest_revert() {
    let (sandbox, revert) = reverted();
    git(&sandbox, &["revert", "--no-edit", &revert]);
    git(&sandbox, &["revert", "--no-edit", "HEAD"]);
    let newest = sandbox.rev("HEAD");
    let finding = names(&sandbox, &["feat"], &newest);
    follow(&sandbox, &finding);
    quiet(&sandbox, &["feat"]);
    // The merge itself once more, and silently.
    git(&sandbox, &["revert", "--no-edit", "HEAD"]);
    git(&sandbox, &["commit", "-q", "--amend", "-m", "out with it"]);
    let finding = names(&sandbox, &["feat"], &sandbox.rev("HEAD"));
    follow(&sandbox, &finding);
    git(&sandbox, &["merge", "-q", "--no-edit", "feat"]);
    expect_complete(&sandbox);
}

/// Two merges of the branch, both taken out: one after the other is named and comes back.
#[test]
fn u13_several_reverted_merges_are_named_the_latest_first() {
    let sandbox = merged();
    fix(&sandbox);
    git(&sandbox, &["merge", "-q", "--no-ff", "--no-edit", "feat"]);
    let (second, first) = (sandbox.rev("HEAD"), sandbox.rev("HEAD~1"));
    let both = [second, first].map(|merge| {
        git(&sandbox, &["revert", "--no-edit", "-m", "1", &merge]);
        sandbox.rev("HEAD")
    });
    git(&sandbox, &["checkout", "-q", "feat"]);
    sandbox.write("more", "more\n");
    sandbox.commit("more");
    git(&sandbox, &["checkout", "-q", "main"]);
    let found = found(&sandbox, &["feat"]);
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(
        (&found[0]["evidence"]["revert"], &found[1]["evidence"]["revert"]),
        (&both[1].clone().into(), &both[0].clone().into())
    );
    follow(&sandbox, &found[0]);
    let rest = names(&sandbox, &["feat"], &both[0]);
    follow(&sandbox, &rest);
    quiet(&sandbox, &["feat"]);
    git(&sandbox, &["merge", "-q", "--no-edit", "feat"]);
    expect_complete(&sandbox);
}

#[test]
fn u13_branches_that_do_not_build_on_the_old_commits_are_quiet() {
    // Rebased: its commits are new.
    let (sandbox, _) = reverted();
    git(&sandbox, &["checkout", "-q", "feat"]);
    git(&sandbox, &["rebase", "-q", "--force-rebase", "--onto", "main", "main~2"]);
    quiet(&sandbox, &["main"]);
    git(&sandbox, &["checkout", "-q", "main"]);
    quiet(&sandbox, &["feat"]);
    git(&sandbox, &["merge", "-q", "--no-ff", "--no-edit", "feat"]);
    expect_complete(&sandbox);

    // Made after the merge, and after the revert: what is reverted in main is reverted for them.
    let (sandbox, _) = reverted();
    for start in ["main~1", "main", "main~1^1"] {
        git(&sandbox, &["checkout", "-q", "-b", &format!("from-{}", &sandbox.rev(start)[..8]), start]);
        sandbox.write("more", "more\n");
        sandbox.commit("more");
        quiet(&sandbox, &["main"]);
        let branch = sandbox.git(["branch", "--show-current"]).ok().line().to_owned();
        quiet(&sandbox, &[&branch, "--into", "main"]);
    }
}

/// A branch on top of the one that was merged builds on its commits, too.
#[test]
fn u13_a_stacked_branch_is_told() {
    let (sandbox, revert) = reverted();
    git(&sandbox, &["checkout", "-q", "-b", "stacked", "feat~1"]);
    sandbox.write("more", "more\n");
    sandbox.commit("more");
    git(&sandbox, &["checkout", "-q", "main"]);
    let finding = names(&sandbox, &["stacked"], &revert);
    assert!(finding["message"].as_str().unwrap().starts_with("2 commits that 'stacked' builds on stay out of 'main'"));
}

/// Nothing is lost when a reverted squash is merged again: the base is old.
#[test]
fn u13_a_reverted_squash_merge_is_quiet() {
    let sandbox = parted();
    git(&sandbox, &["merge", "-q", "--squash", "feat"]);
    git(&sandbox, &["commit", "-q", "-m", "squashed"]);
    git(&sandbox, &["revert", "--no-edit", "HEAD"]);
    fix(&sandbox);
    quiet(&sandbox, &["feat"]);
    quiet(&sandbox, &["main", "--into", "feat"]);
    git(&sandbox, &["merge", "-q", "--no-edit", "feat"]);
    expect_complete(&sandbox);
}

#[test]
fn u13_a_partial_revert_is_told_only_when_it_names_the_merge() {
    let sandbox = merged();
    let merge = sandbox.rev("HEAD");
    git(&sandbox, &["revert", "--no-commit", "-m", "1", "HEAD"]);
    git(&sandbox, &["checkout", "-q", "HEAD", "--", "list"]);
    git(&sandbox, &["commit", "-q", "-m", &format!("Partial revert of {}", &merge[..9])]);
    let revert = sandbox.rev("HEAD");
    fix(&sandbox);
    let finding = names(&sandbox, &["feat"], &revert);
    assert!(finding["message"].as_str().unwrap().ends_with(", in 1 of its 2 files"), "{finding}");
    assert_eq!(finding["evidence"]["paths"], "work");
    git(&sandbox, &["commit", "-q", "--amend", "-m", "without this file"]);
    quiet(&sandbox, &["feat"]);
}

/// A message that names the merge and a commit that leaves its files alone: nothing was taken back.
#[test]
fn u13_words_alone_are_no_revert() {
    let sandbox = merged();
    sandbox.write("other", "changed\n");
    let merge = sandbox.rev("HEAD");
    sandbox.commit(&format!("Do not revert {merge}"));
    fix(&sandbox);
    quiet(&sandbox, &["feat"]);
}

#[test]
fn u13_an_octopus_that_was_reverted_is_told_for_each_of_its_branches() {
    let sandbox = parted();
    sandbox.branch("second", &[("second", Some("second\n"))]);
    sandbox.write("own", "own\n");
    sandbox.commit("own");
    git(&sandbox, &["merge", "-q", "--no-edit", "feat", "second"]);
    let revert = revert(&sandbox);
    fix(&sandbox);
    git(&sandbox, &["checkout", "-q", "second"]);
    sandbox.write("more", "more\n");
    sandbox.commit("more");
    git(&sandbox, &["checkout", "-q", "main"]);
    let finding = names(&sandbox, &["feat"], &revert);
    assert!(finding["message"].as_str().unwrap().starts_with("2 commits that 'feat'"), "{finding}");
    let finding = names(&sandbox, &["second"], &revert);
    assert!(finding["message"].as_str().unwrap().starts_with("1 commit that 'second'"), "{finding}");
    // And an octopus of both asks for both.
    if MERGE_TREE.is_here() {
        assert_eq!(found(&sandbox, &["feat", "second"]).len(), 2);
    }
    follow(&sandbox, &finding);
    quiet_or_unsure(&sandbox, &["feat", "second"]);
}

/// `-m 2` takes back the line's own work, not what the merge brought.
#[test]
fn u13_a_revert_against_the_other_parent_is_not_about_what_came_in() {
    let sandbox = parted();
    sandbox.write("own", "own\n").write("list", lines(&[(20, "own")]));
    sandbox.commit("own");
    git(&sandbox, &["merge", "-q", "--no-edit", "feat"]);
    git(&sandbox, &["revert", "--no-edit", "-m", "2", "HEAD"]);
    fix(&sandbox);
    quiet(&sandbox, &["feat"]);
    git(&sandbox, &["merge", "-q", "--no-edit", "feat"]);
    expect_complete(&sandbox);
}

#[test]
fn u13_a_fast_forward_that_guard_took_back_is_remembered_for_its_branch() {
    let sandbox = parted();
    sandbox.install();
    publish(&sandbox, &["main", "feat"]);
    git(&sandbox, &["merge", "-q", "--ff-only", "feat"]);
    publish(&sandbox, &["main"]);
    git(&sandbox, &["branch", "elsewhere"]);
    let _ = sandbox.guard(["undo-merge"]).ok();
    let revert = sandbox.rev("HEAD");
    assert_eq!(sandbox.git(["log", "-1", "--format=%s"]).ok().line(), "Revert \"fast-forward to feat\"");
    fix(&sandbox);
    publish(&sandbox, &["feat"]);
    // Made from main while it had the work: the revert is for it, too.
    quiet(&sandbox, &["elsewhere"]);
    quiet(&sandbox, &["main", "--into", "elsewhere"]);
    let finding = names(&sandbox, &["origin/feat"], &revert);
    assert!(finding["message"].as_str().unwrap().ends_with(" reverted their fast-forward"), "{finding}");
    names(&sandbox, &["main", "--into", "feat"], &revert);
    let finding = names(&sandbox, &["feat"], &revert);
    follow(&sandbox, &finding);
    quiet(&sandbox, &["feat"]);
    git(&sandbox, &["merge", "-q", "--no-edit", "feat"]);
    expect_complete(&sandbox);
}

#[test]
fn u13_a_shallow_clone_does_not_guess_and_does_not_fail() {
    let (sandbox, revert) = reverted();
    // Through it the lines have a common ancestor although the merge's own parents are cut off.
    git(&sandbox, &["checkout", "-q", "-b", "stacked", "feat~1"]);
    sandbox.write("more", "more\n");
    sandbox.commit("more");
    git(&sandbox, &["checkout", "-q", "main"]);
    git(&sandbox, &["merge", "-q", "--no-edit", "stacked"]);
    publish(&sandbox, &["main", "feat"]);
    let url = format!("file://{}", sandbox.root().join("origin.git").display());
    let mut told = Vec::new();
    for depth in 1..=6 {
        let clone = sandbox.root().join(format!("clone-{depth}"));
        let depth = format!("--depth={depth}");
        git(&sandbox, &["clone", "-q", &depth, "--no-single-branch", &url, clone.to_str().unwrap()]);
        let ran = Ran::of(sandbox.command("guard", &clone).args(["check", "origin/feat", "--json"]), b"");
        told.push(match ran.status {
            0 if ran.stdout.contains(&revert) => "told",
            0 => "quiet",
            // Without a common ancestor nothing can be said of the merge at all.
            3 if ran.stderr.contains("the clone is shallow") => "not judged",
            _ => panic!("{ran}"),
        });
    }
    assert_eq!(told, ["not judged", "not judged", "not judged", "told", "told", "told"]);
}

/// Several merge bases, and merges both ways after the revert.
#[test]
fn u13_criss_cross_histories_are_told_too() {
    let (sandbox, _) = reverted();
    sandbox.write("left", "left\n");
    let left = sandbox.commit("left");
    git(&sandbox, &["checkout", "-q", "-b", "right", "main~2"]);
    sandbox.write("right", "right\n");
    let right = sandbox.commit("right");
    git(&sandbox, &["merge", "-q", "--no-edit", &left]);
    git(&sandbox, &["checkout", "-q", "main"]);
    git(&sandbox, &["merge", "-q", "--no-edit", &right]);
    quiet_or_unsure(&sandbox, &["right"]);
    names(&sandbox, &["feat"], &sandbox.rev("main~2"));
    names(&sandbox, &["feat", "--into", "right"], &sandbox.rev("main~2"));
}

/// A git that can't predict a criss-cross merge says so; none finds a revert in it.
#[track_caller]
fn quiet_or_unsure(sandbox: &Sandbox, arguments: &[&str]) {
    let ran = sandbox.guard([&["check", "--json"], arguments].concat());
    assert!(ran.status == 0 || !MERGE_TREE.is_here(), "{ran}");
    assert!(!ran.stdout.contains("reverted-merge"), "{ran}");
}

#[test]
fn u13_the_manifest_sets_the_level_and_guard_allow_lets_it_pass() {
    let (sandbox, revert) = reverted();
    sandbox.write(".recoveryguard.toml", "version = 1\n[rules]\nreverted-merge = \"block\"\n");
    sandbox.commit("manifest");
    sandbox.install();
    let before = sandbox.state();
    let refused = sandbox.git(["merge", "--no-edit", "feat"]).fails();
    assert!(refused.stderr.contains("block ") && times(&refused) == 1, "{refused}");
    sandbox.assert_unchanged(&before);
    let _ = sandbox.guard(["allow", "reverted-merge", "--reason", "it stays out"]).ok();
    let merge = sandbox.git(["merge", "--no-edit", "feat"]).ok();
    assert!(merge.stderr.contains("info ") && merge.stderr.contains("allowed: it stays out"), "{merge}");
    let trailer = sandbox.git(["log", "-1", "--format=%(trailers:key=Guard-Allow,valueonly)"]).ok();
    assert_eq!(trailer.line().trim(), "reverted-merge * -- it stays out");
    expect_lost(&sandbox);
    let past = sandbox.guard(["check", "--merge", "HEAD", "--json"]).exits(1);
    assert!(past.stdout.contains(&revert), "{past}");

    sandbox.write(".recoveryguard.toml", "version = 1\n[rules]\nreverted-merge = \"off\"\n");
    sandbox.commit("off");
    fix_more(&sandbox);
    let merge = sandbox.git(["merge", "--no-edit", "feat"]).ok();
    assert_eq!(merge.stderr.matches("guard:").count(), 0, "{merge}");
}

fn fix_more(sandbox: &Sandbox) {
    git(sandbox, &["checkout", "-q", "feat"]);
    sandbox.write("more", format!("{}more\n", std::fs::read_to_string(sandbox.at("more")).unwrap_or_default()));
    sandbox.commit("more");
    git(sandbox, &["checkout", "-q", "main"]);
}

/// `-s ours` on the side that has the work keeps it: the result tells, not the history.
#[test]
fn u13_a_result_that_has_the_work_all_the_same_is_quiet() {
    let (sandbox, revert) = reverted();
    sandbox.install();
    git(&sandbox, &["checkout", "-q", "feat"]);
    names(&sandbox, &["main"], &revert);
    let merge = sandbox.git(["merge", "--no-edit", "-s", "ours", "main"]).ok();
    assert_eq!(times(&merge), 0, "{merge}");
    expect_complete(&sandbox);
}
