//! What was uncommitted before a merge, and was put into its commit (`git commit -a`, `git add -A`), is uncommitted again.

use super::journal::guarded;
use super::world::World;
use crate::support::MERGE_TREE;

/// A conflict in a.txt, an edit in other.txt and a new file: both older than the merge.
fn conflicted() -> World {
    let world = guarded(|| World::diverged(&[]));
    world.replace("a.txt", "line 2\n", "line 2 of main\n");
    world.commit("conflict");
    world.replace("other.txt", "line 1\n", "mine\n");
    world.write("new, mine.txt", "mine\n");
    // A file system's clock goes by ticks.
    std::thread::sleep(std::time::Duration::from_millis(50));
    world
}

#[test]
fn what_was_swept_into_a_merge_stays_when_the_merge_goes() {
    for squash in [false, true] {
        // docs/shortcomings.md: such a squash takes them along.
        if squash && !MERGE_TREE.is_needed_here() {
            return;
        }
        let world = conflicted();
        let before = world.look();
        let arguments = if squash { &["merge", "-q", "--squash", "feat"][..] } else { &["merge", "-q", "feat"] };
        assert!(!world.run(arguments).status.success());
        world.git(&["checkout", "-q", "--theirs", "a.txt"]);
        // Edited to settle the merge: that goes.
        world.replace("main.txt", "main\n", "main, settled\n");
        world.git(&["add", "-A"]);
        world.git(&["commit", "-q", "-m", "merge"]);
        let merged = world.look();
        assert_eq!(world.git(&["show", "HEAD:other.txt"]).lines().next(), Some("mine"));
        let said = world.guard_ok(&["undo-merge"]);
        assert_eq!(world.look(), before, "squash: {squash}");
        for name in ["other.txt", "new, mine.txt"] {
            assert!(said.contains(&format!("'{name}' stood there like that before the merge")), "{said}");
        }
        world.guard_ok(&["redo"]);
        assert_eq!(world.look(), merged);
    }
}
