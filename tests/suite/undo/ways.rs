//! The ways in which a merge is undone: which is chosen, what it leaves, and that it can be taken back.

use super::journal::{guarded, log};
use super::world::{Look, World, lines};

/// A bare repository beside it, as `origin`.
fn with_origin(world: &World) {
    let origin = world.home().join("origin");
    world.git(&["init", "-q", "--bare", origin.to_str().unwrap()]);
    world.git(&["remote", "add", "origin", origin.to_str().unwrap()]);
}

fn merged() -> World {
    let world = guarded(|| World::diverged(&[]));
    world.git(&["merge", "-q", "feat"]);
    world
}

/// Undoes in a way that must be chosen; redoes; undoes again. Returns what stands after it.
fn goes(world: &World, arguments: &[&str], way: &str) -> Look {
    let before = world.look();
    let dry = world.guard_json(&[arguments, &["--dry-run"]].concat());
    assert_eq!(dry["way"], way, "{dry}");
    assert_eq!(world.look(), before, "a dry run changed something");
    let real = world.guard_json(arguments);
    assert_eq!((&real["way"], &real["done"], &real["why"]), (&dry["way"], &true.into(), &dry["why"]));
    let after = world.look();
    world.git(&["fsck", "--strict", "--no-dangling"]);
    world.guard_ok(&["redo"]);
    assert_eq!(world.look(), before, "redo");
    world.guard_ok(arguments);
    let again = world.look();
    assert_eq!(again.tree().files, after.tree().files, "the second undo");
    again
}

/// U8: commits made since are made again, with author, date and message; edits that are not committed stay.
#[test]
fn u8_commits_on_top_are_made_again() {
    let world = merged();
    let before = world.oid("HEAD^1");
    world.write("top.txt", "top\n");
    world.git(&["add", "top.txt"]);
    world.git(&["commit", "-q", "--author=Some One <one@example.com>", "-m", "top\n\nbody \u{e9}"]);
    world.replace("a.txt", "line 18\n", "line 18 on top\n");
    world.commit("second");
    world.write("top.txt", "top, not committed\n");
    world.write("untracked", "mine\n");
    goes(&world, &["undo-merge"], "replay");
    assert_eq!(world.oid("HEAD~2"), before);
    assert_eq!(world.git(&["log", "-2", "--format=%an %B"]), "A U Thor second\n\nSome One top\n\nbody \u{e9}");
    assert_eq!(world.text("a.txt"), lines(20).replace("line 18\n", "line 18 on top\n"));
    assert_eq!(world.text("top.txt"), "top, not committed\n");
    assert_eq!(world.git(&["status", "--porcelain"]), " M top.txt\n?? untracked");
    assert!(!world.exists("new.txt") && world.exists("gone.txt"));
}

#[test]
fn u8_commits_on_top_of_a_fast_forward_are_made_again() {
    let world = guarded(|| World::with_feature(&[]));
    let before = world.oid("HEAD");
    world.git(&["merge", "-q", "feat"]);
    world.write("top.txt", "top\n");
    world.commit("top");
    goes(&world, &["undo-merge"], "replay");
    assert_eq!(world.oid("HEAD^"), before);
    assert!(world.exists("top.txt") && !world.exists("new.txt"));
}

/// What can't be made again is left where it is, and a new commit takes the merge back.
#[test]
fn u8_what_is_not_fit_to_be_made_again_stays_beneath_a_revert() {
    type Unfit = (&'static str, fn(&World), &'static str);
    let cases: &[Unfit] = &[
        ("a branch", |world| drop(world.git(&["branch", "keep"])), "'keep' has them too"),
        ("a tag", |world| drop(world.git(&["tag", "v1"])), "'v1' has them too"),
        (
            "a worktree",
            |world| {
                let linked = world.home().join("linked");
                world.git(&["worktree", "add", "-q", "--detach", linked.to_str().unwrap(), "main"]);
            },
            "the worktree '",
        ),
        (
            "a merge",
            |world| {
                world.git(&["checkout", "-q", "-b", "side", "HEAD^"]);
                world.write("side.txt", "side\n");
                world.commit("side");
                world.git(&["checkout", "-q", "main"]);
                // Not by the guard's journal: the older merge is named.
                world.git(&["-c", "core.hooksPath=/dev/null", "merge", "-q", "--no-ff", "side"]);
            },
            "there is a merge among them",
        ),
    ];
    for (name, change, why) in cases {
        let world = merged();
        world.case.set(name);
        let merge = world.oid("HEAD");
        world.write("top.txt", "top\n");
        world.commit("top");
        change(&world);
        let tip = world.oid("HEAD");
        let said = world.guard_json(&["undo-merge", &merge, "--dry-run"]);
        assert!(said["why"].as_str().unwrap().contains(why), "{name}: {said}");
        goes(&world, &["undo-merge", &merge], "revert");
        assert_eq!(world.oid("HEAD^"), tip, "{name}");
        let message = world.git(&["log", "-1", "--format=%B"]);
        assert!(message.starts_with("Revert \"Merge branch 'feat'\"\n\n"), "{message}");
        assert!(message.contains(&format!("This reverts commit {merge}, reversing\nchanges made to ")), "{message}");
        assert!(!world.exists("new.txt") && world.exists("gone.txt") && world.exists("top.txt"), "{name}");
    }
}

/// Commits that build on the merge can neither be made again without it, nor stay when it is reverted.
#[test]
fn u8_commits_that_need_the_merge_are_never_broken() {
    let world = merged();
    let merge = world.oid("HEAD");
    world.replace("a.txt", "line 2 of feat\n", "line 2 of feat, better\n");
    world.commit("top");
    let said = world.guard_refuses(&["undo-merge"]);
    assert!(said.contains("would be in conflict without it, at 'a.txt'"), "{said}");
    assert!(said.contains("overlaps with what goes back, in 'a.txt'"), "{said}");
    assert!(said.contains(&format!("hint: git revert -m 1 {}", &merge[..10])), "{said}");
}

#[test]
fn a_signed_commit_is_not_made_again() {
    let world = merged();
    let tree = world.oid("HEAD^{tree}");
    let commit = format!(
        "tree {tree}\nparent {}\nauthor A <a@b.c> 1 +0000\ncommitter A <a@b.c> 1 +0000\ngpgsig -----BEGIN PGP \
         SIGNATURE-----\n \n abc\n -----END PGP SIGNATURE-----\n\nsigned\n",
        world.oid("HEAD")
    );
    world.write("../commit", commit);
    let oid = world.git(&["hash-object", "-t", "commit", "-w", "../commit"]);
    world.git(&["update-ref", "refs/heads/main", &oid]);
    let said = world.guard_json(&["undo-merge", "--dry-run"]);
    assert_eq!(said["way"], "revert");
    assert!(said["why"].as_str().unwrap().contains("is signed"), "{said}");
}

/// U9: the older of two merges: never silently the newer.
#[test]
fn u9_the_older_of_two_merges_is_reverted() {
    let world = guarded(|| World::diverged(&[]));
    world.git(&["checkout", "-q", "-b", "side"]);
    world.write("side.txt", "side\n");
    world.commit("side");
    world.git(&["checkout", "-q", "main"]);
    world.git(&["merge", "-q", "feat"]);
    let older = world.oid("HEAD");
    let id = log(&world)[0]["id"].as_str().unwrap().to_owned();
    world.git(&["merge", "-q", "--no-ff", "side"]);
    let by_commit = world.guard_json(&["undo-merge", &older, "--dry-run"]);
    assert_eq!((&by_commit["way"], &by_commit["operation"]), (&"revert".into(), &id.as_str().into()));
    goes(&world, &["undo-merge", &id], "revert");
    assert!(world.exists("side.txt") && !world.exists("new.txt"));
}

/// U11: another branch is checked out: the merged branch goes back, and nothing else moves.
#[test]
fn u11_the_branch_that_is_not_checked_out_goes_back() {
    let world = guarded(|| World::diverged(&[]));
    let before = world.oid("main");
    world.git(&["merge", "-q", "feat"]);
    let id = log(&world)[0]["id"].as_str().unwrap().to_owned();
    world.git(&["checkout", "-q", "-b", "elsewhere", "HEAD~1"]);
    world.write("other.txt", "dirty\n");
    world.write("staged.txt", "staged\n");
    world.git(&["add", "staged.txt"]);
    let said = world.guard_refuses(&["undo-merge"]);
    assert!(said.contains("no merge found that could be undone on 'elsewhere'; the last one was on 'main'"), "{said}");
    assert!(said.contains(&format!("hint: guard undo-merge {id}")), "{said}");
    let now = world.look().tree();
    let text = world.guard_ok(&["undo-merge", &id]);
    assert!(text.contains("'main' is not checked out here: 'elsewhere' and all files stay"), "{text}");
    assert_eq!(world.oid("main"), before);
    assert_eq!(world.look().tree(), now);
    world.guard_ok(&["redo"]);
    assert_eq!(world.look().tree(), now);
    assert_eq!(world.git(&["show", "-s", "--format=%s", "main"]), "Merge branch 'feat'");
    // With commits on top, by replay and by revert, without a working tree to do it in.
    world.git(&["stash", "-q"]);
    world.git(&["checkout", "-q", "main"]);
    world.write("top.txt", "top\n");
    world.commit("top");
    world.git(&["checkout", "-q", "elsewhere"]);
    for way in ["replay", "revert"] {
        let here = world.look().tree();
        world.guard_ok(&["undo-merge", &id, "--way", way]);
        assert_eq!(world.look().tree(), here);
        let names = world.git(&["ls-tree", "--name-only", "main"]);
        assert!(names.contains("top.txt") && !names.contains("new.txt") && names.contains("gone.txt"), "{names}");
        world.guard_ok(&["redo"]);
    }
}

/// U11: the branch is checked out in another worktree: never leave staged reversals in it.
#[test]
fn u11_a_branch_of_another_worktree_is_left_to_it() {
    let world = guarded(|| World::diverged(&[]));
    world.git(&["merge", "-q", "feat"]);
    let id = log(&world)[0]["id"].as_str().unwrap().to_owned();
    world.git(&["checkout", "-q", "-b", "elsewhere", "HEAD~1"]);
    let linked = world.home().join("linked tree");
    world.git(&["worktree", "add", "-q", linked.to_str().unwrap(), "main"]);
    let said = world.guard_refuses(&["undo-merge", &id]);
    assert!(said.contains("'main' is checked out at"), "{said}");
    assert!(said.contains("hint: guard -C '") && said.contains(&format!("linked tree' undo-merge {id}")), "{said}");
    let there = world.guard_in(&linked, &["undo-merge", &id]);
    assert_eq!(there.code, 0, "{}", there.err);
    assert!(!linked.join("new.txt").exists() && linked.join("gone.txt").exists());
    assert_eq!(world.git(&["-C", linked.to_str().unwrap(), "status", "--porcelain"]), "");
}

/// U12: what others have is taken back by a new commit, and pushed as any other.
#[test]
fn u12_a_published_merge_is_reverted() {
    let world = merged();
    with_origin(&world);
    world.git(&["push", "-q", "-u", "origin", "main"]);
    let merge = world.oid("HEAD");
    let dry = world.guard_json(&["undo-merge", "--dry-run"]);
    assert_eq!((&dry["pushed"], &dry["undone"]), (&true.into(), &merge.as_str().into()), "{dry}");
    assert_eq!(dry["why"], "it is published: 'origin/main' contains it");
    goes(&world, &["undo-merge"], "revert");
    world.git(&["push", "-q"]);
    // What is published now is not taken back here only.
    let said = world.guard_refuses(&["redo"]);
    assert!(said.contains("is published") && said.contains("hint: guard undo-merge --reapply "), "{said}");
    let said = world.guard_refuses(&["undo-merge", &merge]);
    assert!(said.contains(&format!(": {} reverted it", &world.oid("HEAD")[..10])), "{said}");
}

/// Who reverted a merge by hand is told by which commit; where no message tells, that it seems so.
#[test]
fn a_merge_that_was_reverted_by_hand_is_said_to_be() {
    let world = merged();
    with_origin(&world);
    world.git(&["push", "-q", "origin", "main"]);
    for settings in [&[][..], &["-c", "revert.reference=true"]] {
        world.git(&[settings, &["revert", "--no-edit", "-m", "1", "HEAD"]].concat());
        let revert = world.oid("HEAD");
        world.git(&["commit", "-q", "--allow-empty", "-m", "top"]);
        let said = world.guard_refuses(&["undo-merge"]);
        assert!(said.contains(&format!("is left to take back: {} reverted it", &revert[..10])), "{said}");
        world.git(&["reset", "-q", "--hard", "HEAD~2"]);
    }
    world.git(&["revert", "--no-edit", "-m", "1", "HEAD"]);
    world.git(&["commit", "-q", "--amend", "-m", "no more of this"]);
    assert!(world.guard_refuses(&["undo-merge"]).contains("it seems to be reverted already"));
}

/// A person may insist on going back.
#[test]
fn u12_a_published_merge_goes_back_when_asked() {
    let world = guarded(|| World::diverged(&[]));
    let before = world.look();
    world.git(&["merge", "-q", "feat"]);
    with_origin(&world);
    world.git(&["push", "-q", "origin", "main"]);
    let text = world.guard_ok(&["undo-merge", "--way", "move-back"]);
    assert!(text.contains("note: 'origin/main' contains it: pushing this branch needs --force-with-lease"), "{text}");
    assert_eq!(world.look().tree(), before.tree());
}

#[test]
fn u12_a_published_fast_forward_is_reverted_whole() {
    let world = guarded(|| World::with_feature(&[]));
    world.git(&["checkout", "-q", "feat"]);
    world.write("second.txt", "second\n");
    world.commit("second");
    world.git(&["checkout", "-q", "main"]);
    with_origin(&world);
    world.git(&["push", "-q", "origin", "main", "feat"]);
    let before = world.look();
    world.git(&["merge", "-q", "feat"]);
    // Others have feat, but not that main is there.
    world.guard_ok(&["undo-merge"]);
    assert_eq!(world.look(), before);
    world.guard_ok(&["redo"]);
    world.git(&["push", "-q", "origin", "main"]);
    let (old, new) = (world.oid("HEAD~2"), world.oid("HEAD"));
    goes(&world, &["undo-merge"], "revert");
    let message = world.git(&["log", "-1", "--format=%B"]);
    assert_eq!(message, format!("Revert \"fast-forward to feat\"\n\nThis reverts commits {old}..{new}."));
    assert_eq!(world.oid("HEAD^{tree}"), world.oid(&format!("{old}^{{tree}}")));
}

/// Pulling is not publishing: what came from there can go back here.
#[test]
fn u12_a_pulled_fast_forward_goes_back() {
    let world = guarded(|| World::with_feature(&[]));
    with_origin(&world);
    world.git(&["push", "-q", "-u", "origin", "main"]);
    world.git(&["push", "-q", "origin", "feat:main"]);
    let before = world.look();
    world.git(&["pull", "-q", "--ff-only"]);
    let text = world.guard_ok(&["undo-merge"]);
    assert!(text.contains("note: 'origin/main' still contains what goes: the next pull brings it again"), "{text}");
    assert_eq!(world.look().tree(), before.tree());
}

/// U12: a merge with `-s ours` changed nothing: a revert would be empty.
#[test]
fn u12_a_published_merge_that_kept_ours_has_its_own_recipe() {
    let world = guarded(|| World::diverged(&[]));
    let before = world.look();
    world.git(&["merge", "-q", "-s", "ours", "feat"]);
    world.guard_ok(&["undo-merge"]);
    assert_eq!(world.look(), before);
    world.guard_ok(&["redo"]);
    with_origin(&world);
    world.git(&["push", "-q", "origin", "main"]);
    let said = world.guard_refuses(&["undo-merge"]);
    let (base, side) = (world.oid("feat^"), world.oid("feat"));
    let recipe = format!("git diff --binary {} {} | git apply --3way --index", &base[..10], &side[..10]);
    assert!(said.contains("a revert would be empty") && said.contains(&recipe), "{said}");
    assert!(std::process::Command::new("sh").current_dir(&world.top).args(["-c", &recipe]).status().unwrap().success());
    assert!(world.exists("new.txt") && !world.exists("gone.txt"));
}

/// `--reapply`: what a revert took out comes with the next merge.
#[test]
fn u13_a_revert_is_reapplied_before_the_next_merge() {
    let world = merged();
    with_origin(&world);
    world.git(&["push", "-q", "origin", "main"]);
    world.guard_ok(&["undo-merge"]);
    let revert = world.oid("HEAD");
    world.git(&["push", "-q", "origin", "main"]);
    world.git(&["checkout", "-q", "feat"]);
    world.write("fix.txt", "fix\n");
    world.commit("fix");
    world.git(&["checkout", "-q", "main"]);
    world.write("other.txt", "not committed\n");
    let text = world.guard_ok(&["undo-merge", "--reapply", &revert[..12]]);
    assert!(text.contains("Reapply \"Merge branch 'feat'\"") && !text.contains("does not say"), "{text}");
    assert_eq!(world.git(&["log", "-1", "--format=%b"]), format!("This reverts commit {revert}."));
    assert!(world.exists("new.txt") && !world.exists("gone.txt"));
    assert_eq!(world.text("other.txt"), "not committed\n");
    world.git(&["merge", "-q", "feat"]);
    assert!(world.exists("fix.txt") && world.exists("new.txt"));
    let said = world.guard_refuses(&["undo-merge", "--reapply", &revert]);
    assert!(said.contains(" reverted it"), "{said}");
    let said = world.guard_refuses(&["undo-merge", "--reapply", "nonsense"]);
    assert!(said.contains("'nonsense' is no commit here"), "{said}");
    let plain = world.oid("feat");
    let said = world.guard_ok(&["undo-merge", "--reapply", &plain, "--dry-run"]);
    assert!(
        said.contains(&format!("note: the message of {} does not say that it is a revert\n", &plain[..10])),
        "{said}"
    );
}

/// U28: the first merge of an unborn branch goes back to no commit at all.
#[test]
fn u28_the_first_merge_of_an_unborn_branch_goes_back() {
    let world = guarded(|| World::with_feature(&[]));
    world.git(&["checkout", "-q", "--orphan", "fresh"]);
    world.git(&["rm", "-q", "-r", "-f", "."]);
    world.write("untracked", "mine\n");
    world.git(&["merge", "-q", "feat"]);
    world.replace("a.txt", "line 18\n", "line 18, mine\n");
    let merged = world.look();
    let said = world.guard_refuses(&["undo-merge"]);
    assert!(!said.is_empty());
    world.replace("a.txt", "line 18, mine\n", "line 18\n");
    let text = world.guard_ok(&["undo-merge"]);
    assert!(text.contains("moved 'fresh' from"), "{text}");
    assert!(!world.run(&["rev-parse", "-q", "--verify", "HEAD"]).status.success());
    assert_eq!(world.git(&["symbolic-ref", "HEAD"]), "refs/heads/fresh");
    assert_eq!(
        (world.git(&["ls-files"]), world.git(&["status", "--porcelain"])),
        (String::new(), "?? untracked".into())
    );
    assert!(!world.exists("a.txt") && !world.exists("dir"));
    world.guard_ok(&["redo"]);
    world.replace("a.txt", "line 18\n", "line 18, mine\n");
    assert_eq!(world.look(), merged);
}

/// U28: several merge bases.
#[test]
fn u28_a_criss_cross_merge_is_reverted() {
    let world = guarded(|| World::diverged(&[]));
    world.git(&["checkout", "-q", "-b", "one", "main"]);
    world.git(&["merge", "-q", "--no-ff", "feat"]);
    world.git(&["checkout", "-q", "feat"]);
    world.git(&["merge", "-q", "--no-ff", "main"]);
    world.write("more.txt", "more\n");
    world.commit("more");
    world.git(&["checkout", "-q", "one"]);
    assert!(world.git(&["merge-base", "--all", "one", "feat"]).lines().count() > 1);
    let before = world.oid("HEAD^{tree}");
    world.git(&["merge", "-q", "--no-ff", "feat"]);
    goes(&world, &["undo-merge", "--way", "revert"], "revert");
    assert_eq!(world.oid("HEAD^{tree}"), before);
}

/// An octopus that others have.
#[test]
fn a_published_octopus_is_reverted_whole() {
    let world = guarded(|| World::diverged(&[]));
    world.git(&["checkout", "-q", "-b", "side"]);
    world.write("side.txt", "side\n");
    world.commit("side");
    world.git(&["checkout", "-q", "main"]);
    let before = world.oid("HEAD^{tree}");
    world.git(&["merge", "-q", "feat", "side"]);
    with_origin(&world);
    world.git(&["push", "-q", "origin", "main"]);
    goes(&world, &["undo-merge"], "revert");
    assert_eq!(world.oid("HEAD^{tree}"), before);
}

/// A squash that was committed, and commits on top.
#[test]
fn a_squash_beneath_other_commits_is_undone() {
    let world = guarded(|| World::diverged(&[]));
    let before = world.oid("HEAD");
    world.git(&["merge", "-q", "--squash", "feat"]);
    world.git(&["commit", "-q", "-m", "all of feat"]);
    world.write("top.txt", "top\n");
    world.commit("top");
    goes(&world, &["undo-merge"], "replay");
    assert_eq!(world.oid("HEAD^"), before);
    world.guard_ok(&["redo"]);
    goes(&world, &["undo-merge", "--way", "revert"], "revert");
    assert_eq!(world.git(&["log", "-1", "--format=%s"]), "Revert \"all of feat\"");
    assert!(!world.exists("new.txt") && world.exists("top.txt"));
}

/// What was uncommitted before the merge comes back although the branch goes elsewhere.
#[test]
fn u6_an_ignored_file_comes_back_with_commits_on_top() {
    for way in ["replay", "revert"] {
        let world = guarded(|| World::with_feature(&[]));
        world.write(".git/info/exclude", "new.txt\n");
        world.write("new.txt", b"secret\r\n\xff");
        world.git(&["merge", "-q", "feat"]);
        assert_eq!(world.text("new.txt"), "new\n");
        world.write("top.txt", "top\n");
        world.commit("top");
        world.guard_ok(&["undo-merge", "--way", way]);
        assert_eq!(world.read("new.txt"), b"secret\r\n\xff", "{way}");
        world.guard_ok(&["redo"]);
        assert_eq!(world.text("new.txt"), "new\n", "{way}");
    }
}

/// Wishes that can't be granted are refused with the reason.
#[test]
fn a_way_that_would_lose_something_is_refused() {
    let world = merged();
    let said = world.guard_refuses(&["undo-merge", "--way", "replay"]);
    assert!(said.contains("there are no commits on top"), "{said}");
    world.write("top.txt", "top\n");
    world.commit("top");
    let said = world.guard_refuses(&["undo-merge", "--way", "move-back"]);
    assert!(said.contains("1 commit was made since; they would be lost from the branch"), "{said}");
    assert_eq!(world.guard(&["undo-merge", "--way", "sideways"]).code, 2);
}
