//! Every kind of merge, with what the user had and did around it.

use super::world::{Look, World, lines};
use crate::support::{MERGE_TREE, REFTABLE, not_run};

/// A kind of merge: its name, the repository before it, and how it is done.
pub type Case = (&'static str, fn() -> World, fn(&World));

const CASES: &[Case] = &[
    ("fast-forward", || World::with_feature(&[]), |world| drop(world.git(&["merge", "-q", "feat"]))),
    ("no-ff", || World::with_feature(&[]), |world| drop(world.git(&["merge", "-q", "--no-ff", "feat"]))),
    ("true", || World::diverged(&[]), |world| drop(world.git(&["merge", "-q", "feat"]))),
    ("no-commit", || World::diverged(&[]), |world| drop(world.git(&["merge", "-q", "--no-commit", "feat"]))),
    ("squash", || World::diverged(&[]), |world| drop(world.git(&["merge", "-q", "--squash", "feat"]))),
    (
        "squash of a fast-forward",
        || World::with_feature(&[]),
        |world| drop(world.git(&["merge", "-q", "--squash", "feat"])),
    ),
    (
        "squash committed",
        || World::diverged(&[]),
        |world| {
            world.git(&["merge", "-q", "--squash", "feat"]);
            world.git(&["commit", "-q", "--no-edit"]);
        },
    ),
    ("conflict", conflicting, |world| assert!(!world.run(&["merge", "-q", "feat"]).status.success())),
    ("conflict committed", conflicting, |world| {
        assert!(!world.run(&["merge", "-q", "feat"]).status.success());
        world.write("a.txt", lines(20));
        world.git(&["add", "a.txt"]);
        world.git(&["commit", "-q", "--no-edit"]);
    }),
    ("octopus", three_way, |world| drop(world.git(&["merge", "-q", "feat", "side"]))),
    ("octopus not committed", three_way, |world| drop(world.git(&["merge", "-q", "--no-commit", "feat", "side"]))),
    (
        "pull of a fast-forward",
        || pulled(World::with_feature(&[])),
        |world| drop(world.git(&["pull", "-q", "--no-rebase"])),
    ),
    ("pull with a merge", || pulled(World::diverged(&[])), |world| drop(world.git(&["pull", "-q", "--no-rebase"]))),
    ("sha-256", || World::diverged(&["--object-format=sha256"]), |world| drop(world.git(&["merge", "-q", "feat"]))),
    ("reftable", || World::diverged(&["--ref-format=reftable"]), |world| drop(world.git(&["merge", "-q", "feat"]))),
    (
        "reftable, in progress",
        || World::diverged(&["--ref-format=reftable"]),
        |world| {
            world.git(&["merge", "-q", "--no-commit", "feat"]);
        },
    ),
    ("detached", detached, |world| drop(world.git(&["merge", "-q", "feat"]))),
    ("split index", || with_config("core.splitIndex", "true"), |world| drop(world.git(&["merge", "-q", "feat"]))),
    (
        "untracked cache",
        || with_config("core.untrackedCache", "true"),
        |world| drop(world.git(&["merge", "-q", "feat"])),
    ),
    ("unrelated", unrelated, |world| drop(world.git(&["merge", "-q", "--allow-unrelated-histories", "feat"]))),
];

/// What it changed is told by doing it again, from git 2.38 on.
const UNFINISHED: &str = "octopus not committed";

/// The cases in which guard can act with the git under test.
pub fn cases() -> impl Iterator<Item = &'static Case> {
    let (reftable, unfinished) = (REFTABLE.is_here(), MERGE_TREE.is_here());
    CASES
        .iter()
        .filter(move |(name, ..)| (reftable || !name.starts_with("reftable")) && (unfinished || *name != UNFINISHED))
}

/// With an older git it is refused, and git's own way is named.
#[test]
fn an_unfinished_octopus_is_left_to_an_older_git() {
    if MERGE_TREE.is_here() {
        return not_run("git can predict an octopus");
    }
    for (_, make, merge) in CASES.iter().filter(|(name, ..)| *name == UNFINISHED) {
        let world = make();
        merge(&world);
        let said = world.guard_refuses(&["undo-merge"]);
        assert!(said.contains("hint: git merge --abort"), "{said}");
    }
}

fn conflicting() -> World {
    let world = World::with_feature(&[]);
    world.replace("a.txt", "line 2\n", "line 2 of main\n");
    world.commit("main");
    world
}

fn three_way() -> World {
    let world = World::diverged(&[]);
    world.git(&["checkout", "-q", "-b", "side", "HEAD^"]);
    world.write("side.txt", "side\n");
    world.commit("side");
    world.git(&["checkout", "-q", "main"]);
    world
}

/// main follows `origin/main`, which is what feat is.
fn pulled(world: World) -> World {
    let origin = world.home().join("origin");
    world.git(&["clone", "-q", "--bare", ".", origin.to_str().unwrap()]);
    world.git(&["remote", "add", "origin", origin.to_str().unwrap()]);
    world.git(&["push", "-q", "--force", "origin", "feat:main"]);
    world.git(&["fetch", "-q"]);
    world.git(&["branch", "-q", "--set-upstream-to=origin/main", "main"]);
    world
}

fn detached() -> World {
    let world = World::diverged(&[]);
    world.git(&["checkout", "-q", "--detach"]);
    world
}

fn with_config(name: &str, value: &str) -> World {
    let world = World::diverged(&[]);
    world.git(&["config", name, value]);
    world.git(&["update-index", "--refresh"]);
    world
}

fn unrelated() -> World {
    let world = World::new(&[]);
    world.write("a.txt", "a\n");
    world.commit("a");
    world.git(&["checkout", "-q", "--orphan", "feat"]);
    world.git(&["rm", "-rfq", "."]);
    world.write("b.txt", "b\n");
    world.commit("b");
    world.git(&["checkout", "-q", "main"]);
    world
}

/// U1: a clean working tree.
#[test]
fn undo_brings_back_what_was_and_redo_the_same_commit() {
    for (name, make, merge) in cases() {
        let world = make();
        let before = world.look();
        merge(&world);
        world.case.set(name);
        world.round_trip(&before);
    }
}

/// What a user does beside a merge: none of it in files that the merge touched.
fn work_beside(world: &World) {
    world.replace("other.txt", "line 1\n", "line 1, edited\n");
    world.replace("staged.txt", "line 1\n", "line 1, staged\n");
    world.git(&["add", "staged.txt"]);
    world.replace("staged.txt", "line 5\n", "line 5, edited\n");
    world.write("added.txt", "added\n");
    world.git(&["add", "added.txt"]);
    world.write("dir/untracked", "untracked\n");
    world.write(".git/info/exclude", "*.ignored\n");
    world.write("local.ignored", "ignored\n");
    world.write("intended.txt", "intended\n");
    world.git(&["add", "-N", "intended.txt"]);
}

/// U2, U3: work that the merge did not touch, made after it, stays exactly; compared with a twin that never merged.
#[test]
fn work_done_after_the_merge_stays_as_it_is() {
    for (name, make, merge) in cases().filter(|case| case.0 != "unrelated") {
        let (world, twin) = (make(), make());
        merge(&world);
        work_beside(&world);
        work_beside(&twin);
        let after = world.look();
        world.case.set(name);
        world.guard_ok(&["undo-merge"]);
        let (undone, wanted) = (world.look(), twin.look());
        assert_eq!(undone.tree(), wanted.tree(), "{name}");
        assert_eq!(undone.state, wanted.state, "{name}");
        assert_eq!(world.git(&["status", "--porcelain"]), twin.git(&["status", "--porcelain"]), "{name}");
        world.guard_ok(&["redo"]);
        assert_eq!(world.look(), after, "{name}");
    }
}

/// U4: an edit of other lines in a file that the merge changed, staged or not.
#[test]
fn later_edits_of_other_lines_survive() {
    for staged in [false, true] {
        let world = World::diverged(&[]);
        world.git(&["merge", "-q", "feat"]);
        world.replace("a.txt", "line 18\n", "line 18, mine\n");
        if staged {
            world.git(&["add", "a.txt"]);
        }
        let after = world.look();
        let said = world.guard_ok(&["undo-merge"]);
        assert!(said.contains("later edits were kept in 'a.txt'"), "{said}");
        let wanted = lines(20).replace("line 18\n", "line 18, mine\n");
        assert_eq!(world.text("a.txt"), wanted);
        assert_eq!(world.git(&["status", "--porcelain", "a.txt"]), if staged { "M  a.txt" } else { " M a.txt" });
        world.guard_ok(&["redo"]);
        assert_eq!(world.look(), after);
    }
}

/// U26: after an undo, edits; the redo keeps them, or refuses.
#[test]
fn edits_after_the_undo_survive_the_redo() {
    let world = World::diverged(&[]);
    world.git(&["merge", "-q", "feat"]);
    let tip = world.oid("HEAD");
    world.guard_ok(&["undo-merge"]);
    world.replace("a.txt", "line 18\n", "line 18, mine\n");
    world.guard_ok(&["redo"]);
    assert_eq!(world.oid("HEAD"), tip);
    let wanted = lines(20).replace("line 18\n", "line 18, mine\n").replace("line 2\n", "line 2 of feat\n");
    assert_eq!(world.text("a.txt"), wanted);
    world.guard_ok(&["undo-merge"]);
    world.replace("a.txt", "line 2\n", "line 2, mine\n");
    let said = world.guard_refuses(&["redo"]);
    assert!(said.contains("a.txt"), "{said}");
}

/// U14: a conflict half resolved is brought back by redo with all its stages.
#[test]
fn a_half_resolved_conflict_is_given_up_and_brought_back() {
    let world = conflicting();
    world.write("b.txt", lines(3));
    world.commit("b");
    let before = world.look();
    assert!(!world.run(&["merge", "-q", "feat"]).status.success());
    world.write("a.txt", "half resolved\n");
    world.write("staged-new.txt", "new\n");
    world.git(&["add", "staged-new.txt"]);
    let half = world.look();
    assert!(half.index.contains(" 2\ta.txt"));
    world.guard_ok(&["undo-merge"]);
    let undone = world.look();
    assert_eq!(world.text("a.txt"), String::from_utf8(before.files[std::ffi::OsStr::new("a.txt")].1.clone()).unwrap());
    assert_eq!(world.git(&["status", "--porcelain"]), "A  staged-new.txt");
    assert!(undone.state.is_empty());
    world.guard_ok(&["redo"]);
    assert_eq!(world.look(), half);
    // Resolved and added, the same.
    world.git(&["add", "a.txt"]);
    let resolved = world.look();
    world.guard_ok(&["undo-merge"]);
    assert_eq!(world.look(), undone);
    world.guard_ok(&["redo"]);
    assert_eq!(world.look(), resolved);
    world.git(&["commit", "-q", "--no-edit"]);
}

/// U14: what redo brought back was given up, or concluded, by git: there is nothing of it left to take back, and a dry run
/// knows that, too.
#[test]
fn u14_a_merge_that_was_brought_back_and_ended_is_over() {
    let ends: [(&str, &[&[&str]]); 3] = [
        ("aborted", &[&["merge", "--abort"]]),
        ("concluded", &[&["checkout", "-q", "--theirs", "."], &["add", "-A"], &["commit", "-q", "--no-edit"]]),
        ("reset", &[&["reset", "-q", "--hard"]]),
    ];
    for (name, commands) in ends {
        let world = super::journal::guarded(conflicting);
        world.case.set(name);
        world.write("b.txt", lines(3));
        world.commit("b");
        let before = world.look();
        assert!(!world.run(&["merge", "-q", "feat"]).status.success());
        world.guard_ok(&["undo-merge"]);
        world.guard_ok(&["redo"]);
        let redo = super::journal::log(&world)[0]["id"].as_str().unwrap().to_owned();
        for command in commands {
            world.git(command);
        }
        for arguments in [&["undo", &redo, "--dry-run"][..], &["undo", &redo]] {
            let said = world.guard_refuses(arguments);
            assert!(said.contains("is not as it was left") || said.contains("has moved since"), "{name}: {said}");
        }
        if name == "concluded" {
            world.guard_ok(&["undo"]);
        }
        assert_eq!(world.look().tree(), before.tree(), "{name}");
        // The commit before it is next.
        world.guard_ok(&["undo"]);
        assert_eq!(world.git(&["status", "--porcelain"]), "A  b.txt", "{name}");
    }
}

/// U10: `ORIG_HEAD` moved in between.
#[test]
fn commands_that_move_orig_head_do_not_confuse() {
    let world = World::diverged(&[]);
    let before = world.look();
    world.git(&["merge", "-q", "feat"]);
    world.git(&["reset", "-q", "--soft", "HEAD"]);
    world.git(&["merge", "-q", "feat"]);
    world.write("other.txt", "x\n");
    world.git(&["stash", "-q"]);
    world.git(&["stash", "drop", "-q"]);
    world.git(&["rebase", "-q", "HEAD"]);
    world.round_trip(&before);
}

/// The merge before is undone next; what was undone is not undone twice.
#[test]
fn merges_are_undone_one_after_the_other() {
    let world = World::diverged(&[]);
    let first = world.look();
    world.git(&["checkout", "-q", "-b", "side"]);
    world.write("side.txt", "side\n");
    world.commit("side");
    world.git(&["checkout", "-q", "main"]);
    world.git(&["merge", "-q", "feat"]);
    let second = world.look();
    world.git(&["merge", "-q", "side"]);
    world.guard_ok(&["undo-merge"]);
    assert_eq!(world.look(), second);
    world.guard_ok(&["undo-merge"]);
    assert_eq!(world.look().tree(), first.tree());
    let said = world.guard_refuses(&["undo-merge"]);
    assert!(said.contains("no merge found"), "{said}");
    world.guard_ok(&["redo"]);
    assert_eq!(world.look(), second);
}

/// A linked worktree has its own index and HEAD.
#[test]
fn a_linked_worktree_is_undone_where_it_is() {
    let mut world = World::diverged(&[]);
    let linked = world.home().join("linked");
    world.git(&["worktree", "add", "-q", "-b", "work", linked.to_str().unwrap(), "main"]);
    let main = world.look();
    let top = std::mem::replace(&mut world.top, linked);
    let before: Look = world.look();
    world.git(&["merge", "-q", "feat"]);
    world.round_trip(&before);
    world.top = top;
    assert_eq!(world.look().tree(), main.tree());
}

/// U26: it does not grow without bound, and stays linear.
#[test]
fn undo_and_redo_again_and_again() {
    let world = World::diverged(&[]);
    let before = world.look();
    world.git(&["merge", "-q", "feat"]);
    let after = world.look();
    for _ in 0..10 {
        world.guard_ok(&["undo-merge"]);
        assert_eq!(world.look(), before);
        world.guard_ok(&["redo"]);
        assert_eq!(world.look(), after);
    }
}

/// Every form of conflict that git leaves: given up and brought back.
#[test]
fn every_form_of_conflict_is_given_up_and_brought_back() {
    type Side = fn(&World);
    let forms: [(&str, Side, Side); 7] = [
        ("modify/delete", |world| world.replace("a.txt", "line 2\n", "x\n"), |world| world.remove("a.txt")),
        ("delete/modify", |world| world.remove("a.txt"), |world| world.replace("a.txt", "line 2\n", "x\n")),
        ("add/add", |world| world.write("both", "ours\n"), |world| world.write("both", "theirs\n")),
        ("file/folder", |world| world.write("both", "ours\n"), |world| world.write("both/inside", "theirs\n")),
        ("folder/file", |world| world.write("both/inside", "ours\n"), |world| world.write("both", "theirs\n")),
        (
            "rename/rename",
            |world| drop(world.git(&["mv", "a.txt", "ours.txt"])),
            |world| drop(world.git(&["mv", "a.txt", "theirs.txt"])),
        ),
        ("binary", |world| world.write("bin", b"\0ours"), |world| world.write("bin", b"\0theirs")),
    ];
    for (name, ours, theirs) in forms {
        // The older strategy puts a second copy beside it, which stays.
        if matches!(name, "file/folder" | "folder/file") && !MERGE_TREE.is_here() {
            continue;
        }
        let world = World::new(&[]);
        world.case.set(name);
        world.write("a.txt", lines(20));
        world.write("bin", b"\0base");
        world.commit("base");
        world.git(&["checkout", "-q", "-b", "feat"]);
        theirs(&world);
        world.write("clean.txt", "clean\n");
        world.commit("feat");
        world.git(&["checkout", "-q", "main"]);
        ours(&world);
        world.commit("main");
        let before = world.look();
        assert!(!world.run(&["merge", "-q", "feat"]).status.success(), "{name} conflicts");
        world.round_trip(&before);
    }
}

/// From a subfolder that the undo empties.
#[test]
fn it_works_from_a_subfolder() {
    let world = World::diverged(&[]);
    let before = world.look();
    world.git(&["merge", "-q", "feat"]);
    let said = world.guard_in(&world.path("dir"), &["undo-merge"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(world.look().without_folders(), before.without_folders());
}
