//! U22: unusual checkouts. What git keeps in the index besides contents is exact afterwards.

use super::journal::guarded;
use super::world::{World, lines};
use crate::support::{SPARSE_INDEX, write_program};

/// Paths that are only intended to be added.
fn intended(world: &World) -> String {
    world.git(&["diff-files", "--diff-filter=A", "--name-only"])
}

/// U22: intended before the merge, intended after it; also where a merge is given up.
#[test]
fn u22_what_is_intended_to_be_added_stays_so() {
    for conflict in [false, true] {
        let world = guarded(|| World::with_feature(&[]));
        world.write("other.txt", "of main\n");
        if conflict {
            world.replace("a.txt", "line 2\n", "line 2 of main\n");
        }
        world.commit("main");
        world.write("zebra.txt", "zebra\n");
        world.git(&["add", "-N", "zebra.txt"]);
        let before = (world.look(), intended(&world));
        // With such an entry git makes no true merge but by an autostash; and no autostash either.
        world.git(&["rm", "-q", "--cached", "zebra.txt"]);
        assert_eq!(world.run(&["merge", "-q", "feat"]).status.success(), !conflict);
        world.git(&["add", "-N", "zebra.txt"]);
        world.write("beside.txt", "beside\n");
        world.git(&["add", "-N", "beside.txt"]);
        let after = (world.look(), intended(&world));
        assert_eq!(after.1, "beside.txt\nzebra.txt");
        world.guard_ok(&["undo-merge"]);
        assert_eq!(intended(&world), "beside.txt\nzebra.txt");
        world.git(&["rm", "-q", "--cached", "beside.txt"]);
        world.remove("beside.txt");
        assert_eq!((world.look(), intended(&world)), before);
        world.write("beside.txt", "beside\n");
        world.git(&["add", "-N", "beside.txt"]);
        world.guard_ok(&["redo"]);
        assert_eq!((world.look(), intended(&world)), after);
    }
}

/// HEAD as a symbolic link, as `core.preferSymlinkRefs` and old repositories have it: the branch goes back, and HEAD is on it.
#[test]
fn a_head_that_is_a_symbolic_link_stays_on_its_branch() {
    let world = World::diverged(&[]);
    world.remove(".git/HEAD");
    world.link(".git/HEAD", "refs/heads/main");
    let world = guarded(|| world.copy());
    let before = world.look();
    world.git(&["merge", "-q", "feat"]);
    let merged = world.look();
    assert_eq!(world.guard_json(&["undo-merge"])["branch"], "refs/heads/main");
    assert_eq!(world.look(), before);
    world.guard_ok(&["redo"]);
    assert_eq!(world.look(), merged);
}

/// U22: git was told to overlook a file; guard does not: what was edited in it since the merge stays, or is refused.
#[test]
fn u22_an_edit_that_git_overlooks_is_seen() {
    let world = guarded(|| World::with_feature(&[]));
    world.git(&["merge", "-q", "feat"]);
    world.git(&["update-index", "--assume-unchanged", "a.txt"]);
    world.replace("a.txt", "line 2 of feat\n", "line 2, mine\n");
    assert_eq!(world.git(&["status", "--porcelain"]), "");
    let said = world.guard_refuses(&["undo-merge"]);
    assert!(said.contains("a.txt: it was changed since"), "{said}");
    world.replace("a.txt", "line 2, mine\n", "line 2 of feat\n");
    world.replace("a.txt", "line 18\n", "line 18, mine\n");
    let after = world.look();
    world.guard_ok(&["undo-merge"]);
    assert_eq!(world.text("a.txt"), lines(20).replace("line 18\n", "line 18, mine\n"));
    assert!(world.look().index.lines().any(|line| line.starts_with("h ") && line.ends_with("\ta.txt")));
    world.guard_ok(&["redo"]);
    assert_eq!(world.look(), after);
}

/// U22: patterns instead of folders, and files that are outside though somebody made them.
#[test]
fn u22_a_sparse_checkout_by_patterns_stays_sparse() {
    let world = World::new(&[]);
    for path in ["in/a.c", "in/b.h", "out/a.c", "out/gone.c", "top.c"] {
        world.write(path, lines(3));
    }
    world.commit("base");
    world.git(&["checkout", "-q", "-b", "feat"]);
    for path in ["in/a.c", "out/a.c", "out/new.h", "in/new.c"] {
        world.write(path, lines(5));
    }
    world.git(&["rm", "-q", "out/gone.c"]);
    world.commit("feat");
    world.git(&["checkout", "-q", "main"]);
    world.git(&["sparse-checkout", "set", "--no-cone", "/*", "!out/*.c", "!*.h"]);
    assert!(!world.exists("out") && !world.exists("in/b.h") && world.exists("in/a.c"));
    world.guard_ok(&["install"]);
    let before = world.look();
    world.git(&["merge", "-q", "feat"]);
    assert!(!world.exists("out") && world.exists("in/new.c"));
    // The index kept before the merge says which files were there: no git has to be asked which ones may be.
    world.round_trip(&before);
}

/// U22: what stands outside of a sparse checkout all the same goes and comes back as it stood, and so do its flags.
#[test]
fn u22_what_stands_outside_of_a_sparse_checkout_comes_back() {
    if !SPARSE_INDEX.is_needed_here() {
        return;
    }
    let world = World::new(&[]);
    for path in ["in/a", "out/gone", "out/both"] {
        world.write(path, lines(3));
    }
    world.commit("base");
    world.git(&["checkout", "-q", "-b", "feat"]);
    world.write("out/new", lines(5));
    world.write("out/both", "of feat\n");
    world.git(&["rm", "-q", "out/gone"]);
    world.commit("feat");
    world.git(&["checkout", "-q", "main"]);
    world.write("out/both", "of main\n");
    world.commit("main");
    world.git(&["sparse-checkout", "set", "--no-cone", "/in"]);
    world.write("out/gone", lines(3));
    world.git(&["update-index", "--no-skip-worktree", "out/gone"]);
    world.guard_ok(&["install"]);
    let before = world.look();
    assert!(world.exists("out/gone") && !world.exists("out/both"));
    assert!(!world.run(&["merge", "-q", "feat"]).status.success());
    // git puts a conflict there, and leaves the rest away.
    world.write("out/both", "of both\n");
    world.write("out/new", lines(5));
    world.git(&["update-index", "--no-skip-worktree", "out/new"]);
    world.git(&["add", "--sparse", "out/both"]);
    world.git(&["commit", "-q", "-m", "merged"]);
    let after = world.look();
    assert!(!world.exists("out/gone") && world.exists("out/new") && !after.index.contains("S 100644"));
    world.guard_ok(&["undo-merge"]);
    assert_eq!(world.look(), before);
    world.guard_ok(&["redo"]);
    assert_eq!(world.look(), after);
}

/// U22: git takes the flag from an entry whose file it finds.
#[test]
fn u22_a_file_restored_outside_of_a_sparse_checkout_is_skipped_again_when_it_goes() {
    for split in ["false", "true"] {
        let world = World::new(&[]);
        world.git(&["config", "core.splitIndex", split]);
        world.write("in/f", "1\n");
        world.write("out/f", "1\n");
        world.commit("one");
        world.write("out/f", "2\n");
        world.commit("two");
        world.guard_ok(&["install"]);
        world.git(&["sparse-checkout", "set", "--no-cone", "/in"]);
        let before = world.look();
        world.guard_ok(&["restore", "--from", "HEAD~1", "out/f"]);
        world.git(&["update-index", "--no-skip-worktree", "out/f"]);
        let after = world.look();
        assert_eq!(world.text("out/f"), "1\n");
        world.guard_ok(&["restore", "--undo"]);
        assert_eq!(world.look(), before);
        world.guard_ok(&["redo"]);
        assert_eq!(world.look(), after);
        world.guard_ok(&["undo"]);
        assert_eq!(world.look(), before);
    }
}

/// U22: a monitor tells git which files to look at; entries that guard writes are looked at all the same.
#[test]
fn u22_a_file_system_monitor_is_not_fooled() {
    let world = guarded(|| World::diverged(&[]));
    let monitor = world.home().join("monitor");
    // It says that anything may have changed since, as one that has just been started does; and that it was asked.
    let script = format!("#!/bin/sh\necho asked >>'{}'\nprintf 'token\\0/\\0'\n", world.home().join("asked").display());
    write_program(&monitor, script);
    world.git(&["config", "core.fsmonitor", monitor.to_str().unwrap()]);
    world.git(&["config", "core.fsmonitorHookVersion", "2"]);
    world.git(&["update-index", "--fsmonitor"]);
    world.git(&["status"]);
    let before = world.look();
    world.git(&["merge", "-q", "feat"]);
    world.round_trip(&before);
    assert!(world.home().join("asked").exists());
    assert_eq!(world.git(&["status", "--porcelain"]), "");
    for path in ["a.txt", "other.txt"] {
        world.replace(path, "line 5\n", "line 5, mine\n");
    }
    assert_eq!(world.git(&["status", "--porcelain"]), " M a.txt\n M other.txt");
    world.guard_ok(&["redo"]);
    assert_eq!(world.git(&["status", "--porcelain"]), " M a.txt\n M other.txt");
}

/// A partial clone of `diverged`: contents are fetched when git needs them. Whoever asks the origin leaves a trace.
fn partial() -> World {
    let world = World::diverged(&[]);
    let origin = world.home().join("origin");
    world.git(&["checkout", "-q", "-b", "old", "main"]);
    world.write("a.txt", lines(30));
    world.commit("older");
    world.write("a.txt", lines(40));
    world.commit("newer");
    world.git(&["checkout", "-q", "main"]);
    world.git(&["clone", "-q", "--bare", ".", origin.to_str().unwrap()]);
    world.git(&["--git-dir", origin.to_str().unwrap(), "config", "uploadpack.allowFilter", "true"]);
    world.git(&["--git-dir", origin.to_str().unwrap(), "config", "uploadpack.allowAnySHA1InWant", "true"]);
    let mut clone = world;
    let place = clone.home().join("partial");
    let url = format!("file://{}", origin.display());
    clone.git(&["clone", "-q", "--filter=blob:none", &url, place.to_str().unwrap()]);
    clone.top = place;
    clone.git(&["branch", "-q", "feat", "origin/feat"]);
    let asked = clone.home().join("asked");
    let program = clone.home().join("upload-pack");
    write_program(&program, format!("#!/bin/sh\necho asked >>'{}'\nexec git-upload-pack \"$@\"\n", asked.display()));
    clone.git(&["config", "remote.origin.uploadpack", program.to_str().unwrap()]);
    clone.guard_ok(&["install"]);
    clone
}

fn was_asked(world: &World) -> bool {
    let asked = world.home().join("asked");
    let found = asked.exists();
    if found {
        std::fs::remove_file(asked).unwrap();
    }
    found
}

/// U22: what git has fetched for the merge is enough to undo it; nothing is fetched for guard.
#[test]
fn u22_a_partial_clone_is_undone_without_fetching() {
    let world = partial();
    let before = world.look();
    world.git(&["merge", "-q", "feat"]);
    assert!(was_asked(&world), "git fetched what the merge needs");
    let after = world.look();
    world.replace("a.txt", "line 18\n", "line 18, mine\n");
    world.guard_ok(&["undo-merge"]);
    world.replace("a.txt", "line 18, mine\n", "line 18\n");
    assert_eq!(world.look(), before);
    world.guard_ok(&["redo"]);
    assert_eq!(world.look(), after);
    world.guard_ok(&["undo-merge", "--way", "revert"]);
    assert!(!was_asked(&world), "guard fetched something");
}

/// U22: what is not here is refused with the reason.
#[test]
fn u22_what_a_partial_clone_does_not_have_is_refused() {
    let world = partial();
    was_asked(&world);
    let said = world.guard_refuses(&["restore", "a.txt", "--from", "origin/old"]);
    assert!(said.contains("is missing here (a shallow or partial clone"), "{said}");
    assert!(!was_asked(&world), "guard fetched something");
    // A branch moves without its contents: only refs.
    world.git(&["branch", "-q", "-f", "feat", "origin/old"]);
    world.guard_ok(&["undo"]);
    assert_eq!(world.oid("feat"), world.oid("origin/feat"));
    assert!(!was_asked(&world), "guard fetched something");
}
