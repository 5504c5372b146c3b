//! U17: whatever git throws away, each operation that the journal retains can still be undone and redone.

use super::journal::{guarded, log};
use super::world::{Look, World, lines};

/// Everything goes that only reflogs and time protect, and what was loose is packed anew.
fn collect(world: &World) {
    world.git(&["reflog", "expire", "--expire=now", "--expire-unreachable=now", "--all"]);
    world.git(&["worktree", "prune", "--expire=now"]);
    world.git(&["gc", "-q", "--prune=now"]);
    world.git(&["repack", "-q", "-a", "-d"]);
}

/// What stands there. git leaves `AUTO_MERGE` behind, and it says nothing without a merge.
fn look(world: &World) -> Look {
    let mut look = world.look();
    if !look.state.contains_key("MERGE_HEAD") {
        look.state.remove("AUTO_MERGE");
    }
    look
}

/// A branch beside main and feat, checked out, with two commits.
fn branched() -> World {
    let world = guarded(|| World::diverged(&[]));
    world.git(&["checkout", "-q", "-b", "work"]);
    world.write("one.txt", "one\n");
    world.commit("one");
    world.replace("a.txt", "line 18\n", "line 18 of work\n");
    world.commit("two");
    world
}

type Act = (&'static str, fn(&World));

/// One operation of every kind that the journal knows.
const ACTS: &[Act] = &[
    ("fast-forward", |world| {
        world.git(&["checkout", "-q", "-b", "behind", "feat^"]);
        world.git(&["merge", "-q", "feat"]);
    }),
    ("merge", |world| drop(world.git(&["merge", "-q", "feat"]))),
    ("octopus", |world| {
        world.git(&["branch", "-q", "third", "main"]);
        world.git(&["checkout", "-q", "-b", "fourth", "main^"]);
        world.write("fourth.txt", "fourth\n");
        world.commit("fourth");
        world.git(&["merge", "-q", "feat", "third"]);
    }),
    ("merge that wrote over an ignored file", |world| {
        world.write(".git/info/exclude", "new.txt\n");
        world.write("new.txt", "mine\n");
        world.git(&["checkout", "-q", "-b", "behind", "feat^"]);
        world.git(&["merge", "-q", "feat"]);
    }),
    ("merge in progress", |world| {
        world.replace("a.txt", "line 2\n", "line 2 of work\n");
        world.commit("three");
        assert!(!world.run(&["merge", "-q", "feat"]).status.success());
        world.write("a.txt", "half\n");
        world.git(&["add", "a.txt"]);
        world.write("a.txt", "half, and more\n");
    }),
    ("squash", |world| drop(world.git(&["merge", "-q", "--squash", "feat"]))),
    ("squash committed", |world| {
        world.git(&["merge", "-q", "--squash", "feat"]);
        world.git(&["commit", "-q", "--no-edit"]);
    }),
    ("pull", |world| drop(world.git(&["pull", "-q", "--no-rebase", ".", "feat"]))),
    ("pull --rebase", |world| drop(world.git(&["pull", "-q", "--rebase", ".", "feat"]))),
    ("rebase", |world| drop(world.git(&["rebase", "-q", "feat"]))),
    ("commit", |world| {
        world.write("three.txt", "three\n");
        world.commit("three");
    }),
    ("amend", |world| drop(world.git(&["commit", "-q", "--amend", "-m", "better"]))),
    ("cherry-pick", |world| drop(world.git(&["cherry-pick", "feat"]))),
    ("revert", |world| drop(world.git(&["revert", "--no-edit", "HEAD"]))),
    ("am", |world| {
        let patches = world.home().join("patches");
        world.git(&["format-patch", "-q", "-o", patches.to_str().unwrap(), "main..feat"]);
        let file = std::fs::read_dir(&patches).unwrap().next().unwrap().unwrap().path();
        world.git(&["am", "-q", file.to_str().unwrap()]);
    }),
    ("reset", |world| drop(world.git(&["reset", "-q", "--hard", "HEAD~2"]))),
    ("branch -f", |world| drop(world.git(&["branch", "-q", "-f", "feat", "main~1"]))),
    ("branch -D", |world| drop(world.git(&["branch", "-q", "-D", "feat"]))),
    ("update-ref", |world| drop(world.git(&["update-ref", "refs/heads/feat", "main"]))),
    ("restore", |world| drop(world.guard_ok(&["restore", "a.txt", "dir", "--from", "feat"]))),
    ("unseen", |world| drop(world.git(&["-c", "core.hooksPath=/dev/null", "reset", "-q", "--hard", "feat"]))),
];

/// The command that takes it back.
fn back(world: &World) -> &'static [&'static str] {
    let kind = log(world)[0]["kind"].as_str().unwrap().to_owned();
    if kind == "restore" { &["restore", "--undo"] } else { &["undo"] }
}

#[test]
fn u17_every_kind_of_operation_outlives_a_collection() {
    for (name, act) in ACTS {
        let world = branched();
        world.case.set(name);
        // What stood before is known by undoing once without a collection.
        act(&world);
        let after = look(&world);
        let undo = back(&world);
        let copy = world.copy();
        copy.guard_ok(undo);
        let before = look(&copy);
        assert_ne!(before, after, "{name}");
        collect(&world);
        assert_eq!(look(&world), after, "{name}: a collection changes nothing");
        world.guard_ok(undo);
        assert_eq!(look(&world), before, "{name}: undo");
        // What the operation made is reachable no more, but for us.
        collect(&world);
        world.guard_ok(&["redo"]);
        assert_eq!(look(&world), after, "{name}: redo");
        world.guard_ok(&["undo"]);
        assert_eq!(look(&world), before, "{name}: second undo");
        world.git(&["fsck", "--strict", "--no-dangling"]);
    }
}

/// A whole history goes back, operation by operation, after one collection at its end.
#[test]
fn u17_a_whole_history_goes_back() {
    let world = branched();
    let mut looks = Vec::new();
    let mut acts = Vec::new();
    for name in ["merge", "reset", "cherry-pick", "revert", "amend", "branch -f", "unseen"] {
        looks.push(look(&world));
        let act = ACTS.iter().find(|(known, _)| *known == name).unwrap().1;
        act(&world);
        // An unseen move is noticed by the next command.
        world.guard_ok(&["log"]);
        acts.push(name);
    }
    collect(&world);
    for (name, before) in acts.into_iter().zip(looks).rev() {
        world.case.set(name);
        world.guard_ok(&["undo"]);
        assert_eq!(look(&world), before, "{name}");
    }
    world.git(&["fsck", "--strict", "--no-dangling"]);
}

/// A linked worktree that is gone: its branch can still be brought back from here, and what it had is not in the way.
#[test]
fn u17_a_removed_worktree_leaves_its_branch_undoable() {
    let world = guarded(|| World::diverged(&[]));
    let linked = world.home().join("linked");
    let there = linked.to_str().unwrap();
    world.git(&["worktree", "add", "-q", "-b", "work", there, "main"]);
    let before = world.oid("work");
    world.git(&["-C", there, "merge", "-q", "feat"]);
    let id = log(&world).into_iter().find(|found| found["kind"] == "merge").unwrap()["id"].as_str().unwrap().to_owned();
    let merged = world.oid("work");
    std::fs::remove_dir_all(&linked).unwrap();
    collect(&world);
    let here = world.look().tree();
    world.guard_ok(&["undo-merge", &id]);
    assert_eq!(world.oid("work"), before);
    collect(&world);
    world.guard_ok(&["redo"]);
    assert_eq!(world.oid("work"), merged);
    assert_eq!(world.look().tree(), here);
}

/// Saved bytes are no objects of the repository's: a collection does not know them.
#[test]
fn u17_saved_files_outlive_a_collection() {
    let world = guarded(|| World::with_feature(&[]));
    world.write(".git/info/exclude", "new.txt\n");
    world.write("new.txt", b"secret\r\n\xff");
    world.git(&["merge", "-q", "feat"]);
    let id = log(&world)[0]["id"].as_str().unwrap().to_owned();
    world.write("other.txt", lines(7));
    collect(&world);
    world.guard_ok(&["restore", "new.txt", "--from", &id]);
    assert_eq!(world.read("new.txt"), b"secret\r\n\xff");
}
