//! U15: merges with `--autostash`.

use super::journal::guarded;
use super::world::{World, lines};

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

/// The re-apply was clean: the edit goes on standing on what was before.
#[test]
fn a_clean_autostash_stays_in_place() {
    let world = guarded(|| World::diverged(&[]));
    world.replace("a.txt", "line 18\n", "line 18, mine\n");
    world.write("staged.txt", "staged\n");
    world.git(&["add", "staged.txt"]);
    world.write("untracked", "mine\n");
    let before = world.look();
    world.git(&["merge", "-q", "--autostash", "feat"]);
    world.guard_ok(&["undo-merge"]);
    let after = world.look();
    assert_eq!(after.files, before.files);
    assert_eq!((after.head, after.refs), (before.head, before.refs));
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
