//! U15: merges with `--autostash`.

use super::journal::guarded;
use super::world::{World, lines};
use crate::support::ORT;

fn stashes(world: &World) -> usize {
    world.git(&["stash", "list"]).lines().count()
}

/// The re-apply conflicted: the edit is back once, and its stash is gone.
#[test]
fn u15_a_conflicted_autostash_is_back_once() {
    let worlds: [fn() -> World; 2] = [|| guarded(|| World::with_feature(&[])), || World::diverged(&[])];
    for make in worlds {
        let world = make();
        world.git(&["stash", "list"]);
        world.replace("a.txt", "line 2\n", "line 2, mine\n");
        world.write("staged.txt", "staged\n");
        let before = world.look();
        world.git(&["merge", "-q", "--autostash", "feat"]);
        assert!(world.text("a.txt").contains("<<<<<<<") && stashes(&world) == 1);
        let merged = world.look();
        let text = world.guard_ok(&["undo-merge"]);
        assert!(text.contains("note: the autostash whose re-apply conflicted is brought back"), "{text}");
        assert_eq!(world.look(), before);
        assert_eq!(stashes(&world), 0);
        world.guard_ok(&["redo"]);
        assert_eq!(world.look(), merged);
        assert_eq!(stashes(&world), 1);
        world.guard_ok(&["undo-merge"]);
        assert_eq!(world.look(), before);
        assert_eq!(stashes(&world), 0);
    }
}

/// The re-apply conflicted with a link: git puts what it has aside, under a name of its own.
#[test]
fn u15_what_a_conflicted_autostash_put_aside_goes_with_it() {
    // It is ort that puts a path of another kind aside.
    if !ORT.is_needed_here() {
        return;
    }
    let world = guarded(|| World::diverged(&[]));
    world.remove("a.txt");
    world.link("a.txt", "other.txt");
    let before = world.look();
    world.git(&["merge", "-q", "--autostash", "feat"]);
    let merged = world.look();
    assert!(merged.index.contains("\ta.txt~Updated upstream") && stashes(&world) == 1, "{}", merged.index);
    world.guard_ok(&["undo-merge"]);
    assert_eq!(world.look(), before);
    world.guard_ok(&["redo"]);
    assert_eq!(world.look(), merged);
}

/// The re-apply was clean: the edits go on standing on what was before, and what was staged of them is staged again.
#[test]
fn a_clean_autostash_stays_in_place() {
    let world = guarded(|| World::diverged(&[]));
    world.replace("a.txt", "line 18\n", "line 18, mine\n");
    for (file, staged) in [("staged.txt", "staged\n"), ("other.txt", "staged\n"), ("run.sh", "staged\n")] {
        world.write(file, staged);
        world.git(&["add", file]);
    }
    world.write("other.txt", "staged and edited\n");
    world.write("untracked", "mine\n");
    let before = world.look();
    world.git(&["merge", "-q", "--autostash", "feat"]);
    assert_eq!(world.git(&["diff", "--cached", "--name-only"]), "");
    let merged = world.look();
    world.guard_ok(&["undo-merge"]);
    assert_eq!(world.look(), before);
    world.guard_ok(&["redo"]);
    assert_eq!(world.look(), merged);
    // What was staged since stays as it is.
    world.write("staged.txt", "staged since\n");
    world.git(&["add", "staged.txt"]);
    world.guard_ok(&["undo-merge"]);
    assert_eq!(world.git(&["show", ":staged.txt"]), "staged since");
    assert_eq!(world.git(&["show", ":other.txt"]), "staged");
}

/// Without an autostash git leaves alone what is staged: whoever takes it out of the index after the merge meant it.
#[test]
fn what_was_unstaged_since_is_not_staged_again() {
    let world = World::with_feature(&[]);
    world.write(".recoveryguard.toml", "version = 1\n[snapshot]\nscope = 'all'\n");
    world.commit("manifest");
    world.git(&["checkout", "-q", "feat"]);
    world.git(&["merge", "-q", "main"]);
    world.git(&["checkout", "-q", "main"]);
    let world = guarded(|| world.copy());
    world.write("staged.txt", "staged\n");
    world.git(&["add", "staged.txt"]);
    world.git(&["merge", "-q", "--ff-only", "feat"]);
    world.git(&["reset", "-q", "--", "staged.txt"]);
    world.guard_ok(&["undo-merge"]);
    assert_eq!(
        (world.git(&["diff", "--cached", "--name-only"]), world.text("staged.txt")),
        (String::new(), "staged\n".into())
    );
}

/// In the middle of a conflict, what git put aside is brought back with everything else.
#[test]
fn u15_a_pending_autostash_is_brought_back() {
    let world = guarded(|| World::with_feature(&[]));
    world.replace("a.txt", "line 2\n", "line 2 of main\n");
    world.commit("main");
    world.replace("a.txt", "line 19\n", "line 19, mine\n");
    world.replace("other.txt", "line 1\n", "mine\n");
    world.write("staged.txt", "staged\n");
    world.git(&["add", "staged.txt"]);
    let before = world.look();
    assert!(!world.run(&["merge", "-q", "--autostash", "feat"]).status.success());
    assert_eq!(world.text("other.txt"), lines(5));
    let merging = world.look();
    let text = world.guard_ok(&["undo-merge"]);
    assert!(text.contains("note: what git had put into an autostash is brought back"), "{text}");
    assert_eq!(world.look(), before);
    assert!(!world.path(".git/MERGE_AUTOSTASH").exists());
    world.guard_ok(&["redo"]);
    assert_eq!(world.look(), merging);
    assert!(world.path(".git/MERGE_AUTOSTASH").exists());
    world.git(&["merge", "--abort"]);
    assert_eq!(world.look().files, before.files);
}

fn collect(world: &World) {
    for name in ["HEAD", "refs/heads/main", "refs/heads/feat"] {
        world.git(&["reflog", "expire", "--expire=now", "--expire-unreachable=now", name]);
    }
    world.git(&["gc", "-q", "--prune=now"]);
}

/// U15, U17: the stash that an undo took away is collected by git; redo brings it back, and all of its commits.
#[test]
fn u17_an_autostash_outlives_a_collection() {
    for pending in [false, true] {
        let world = guarded(|| World::with_feature(&[]));
        world.git(&["stash", "list"]);
        if pending {
            world.replace("a.txt", "line 2\n", "line 2 of main\n");
            world.commit("main");
            world.replace("a.txt", "line 19\n", "line 19, mine\n");
        } else {
            world.replace("a.txt", "line 2\n", "line 2, mine\n");
        }
        world.write("staged.txt", "staged\n");
        world.git(&["add", "staged.txt"]);
        let before = world.look();
        world.run(&["merge", "-q", "--autostash", "feat"]);
        assert_eq!((stashes(&world), world.path(".git/MERGE_AUTOSTASH").exists()), (usize::from(!pending), pending));
        let merging = world.look();
        for _ in 0..2 {
            world.guard_ok(&["undo-merge"]);
            assert_eq!(world.look(), before, "{pending}");
            collect(&world);
            world.guard_ok(&["redo"]);
            assert_eq!(world.look(), merging, "{pending}");
            assert_eq!(stashes(&world), usize::from(!pending));
            world.git(&["fsck", "--strict", "--no-dangling"]);
        }
        if pending {
            world.git(&["merge", "--abort"]);
            assert_eq!(world.look().files, before.files);
        } else {
            assert_eq!(world.git(&["show", "stash@{0}^2:staged.txt"]), "staged");
        }
    }
}

/// git itself does not keep what it put aside from being collected: what was saved before the merge comes back.
#[test]
fn u17_an_autostash_that_git_collected_comes_back_from_the_store() {
    let world = guarded(|| World::with_feature(&[]));
    world.replace("a.txt", "line 2\n", "line 2 of main\n");
    world.commit("main");
    world.replace("a.txt", "line 19\n", "line 19, mine\n");
    world.replace("other.txt", "line 1\n", "mine\n");
    world.write("staged.txt", "staged\n");
    world.git(&["add", "staged.txt"]);
    world.write("staged.txt", "edited\n");
    let before = world.look();
    assert!(!world.run(&["merge", "-q", "--autostash", "feat"]).status.success());
    // Put aside, so that it is collected by a git that would keep it, too.
    let stash = world.text(".git/MERGE_AUTOSTASH");
    world.remove(".git/MERGE_AUTOSTASH");
    collect(&world);
    assert!(!world.run(&["cat-file", "-e", stash.trim()]).status.success());
    world.write(".git/MERGE_AUTOSTASH", &stash);
    world.guard_ok(&["undo-merge"]);
    assert_eq!(world.look(), before);
    let said = world.guard_refuses(&["redo"]);
    assert!(said.contains("is missing here"), "{said}");
}

/// An autostash that an earlier merge left is not this one's.
#[test]
fn an_older_autostash_is_left_alone() {
    let world = guarded(|| World::with_feature(&[]));
    world.replace("a.txt", "line 2\n", "line 2, mine\n");
    world.git(&["merge", "-q", "--autostash", "feat"]);
    world.git(&["-c", "core.hooksPath=/dev/null", "reset", "-q", "--hard", "HEAD^"]);
    let before = world.look();
    world.git(&["merge", "-q", "feat"]);
    world.guard_ok(&["undo-merge"]);
    assert_eq!(world.look(), before);
    assert_eq!(stashes(&world), 1);
}
