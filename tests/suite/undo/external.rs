//! U16: operations that no hook saw.

use super::journal::{guarded, log};
use super::world::World;

/// git with its hooks switched off.
fn unseen(world: &World, arguments: &[&str]) -> String {
    world.git(&[&["-c", "core.hooksPath=/dev/null"], arguments].concat())
}

fn kinds(world: &World) -> Vec<(String, String)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let kind = |operation: &serde_json::Value| (text(&operation["kind"]), text(&operation["intent"]["action"]));
    log(world).iter().map(kind).collect()
}

fn external(action: &str) -> (String, String) {
    ("external".to_owned(), action.to_owned())
}

/// Nothing is made up: what hooks saw is recorded once, and looking twice finds nothing more.
#[test]
fn u16_what_hooks_saw_is_no_gap() {
    let world = guarded(|| World::diverged(&[]));
    assert_eq!(kinds(&world), []);
    world.git(&["merge", "-q", "feat"]);
    world.git(&["checkout", "-q", "-b", "work"]);
    world.write("one.txt", "one\n");
    world.commit("one");
    world.git(&["commit", "-q", "--amend", "-m", "better"]);
    world.git(&["rebase", "-q", "--onto", "main^", "main"]);
    world.git(&["branch", "-q", "-D", "feat"]);
    world.git(&["branch", "-q", "-f", "main", "main^"]);
    world.git(&["gc", "-q", "--prune=now"]);
    world.guard_ok(&["undo"]);
    world.guard_ok(&["redo"]);
    world.git(&["fetch", "-q", ".", "work:fetched"]);
    for _ in 0..2 {
        assert!(kinds(&world).iter().all(|(kind, _)| kind != "external"), "{:?}", kinds(&world));
    }
}

/// A merge with the hooks bypassed is found, named, and undone; what was uncommitted is said not to be recorded.
#[test]
fn u16_a_merge_that_bypassed_the_hooks_is_found_and_undone() {
    for merge in [&["merge", "-q", "feat"][..], &["merge", "-q", "--no-ff", "feat"]] {
        for command in ["undo-merge", "undo"] {
            let world = guarded(|| World::with_feature(&[]));
            let before = world.look();
            unseen(&world, merge);
            let merged = world.look();
            assert_eq!(kinds(&world).len(), 1);
            assert!(kinds(&world)[0].1.starts_with("merge feat: "), "{:?}", kinds(&world));
            let id = log(&world)[0]["id"].clone();
            for what in [&[command][..], &[command, id.as_str().unwrap()]] {
                let dry = world.guard_json(&[what, &["--dry-run"]].concat());
                assert_eq!((&dry["operation"], &dry["way"]), (&id, &"move-back".into()), "{what:?}");
                let notes = dry["notes"].to_string();
                assert!(notes.contains("what was uncommitted before it was not saved"), "{notes}");
            }
            world.guard_ok(&[command]);
            assert_eq!(world.look(), before);
            assert_eq!(log(&world).iter().find(|found| found["id"] == id).unwrap()["state"], "undone");
            world.guard_ok(&["redo"]);
            assert_eq!(world.look(), merged);
        }
    }
}

/// U17: once it is in the journal it needs no reflog any more.
#[test]
fn u17_a_merge_that_no_hook_saw_outlives_the_reflog() {
    for merge in [&["merge", "-q", "feat"][..], &["merge", "-q", "--no-ff", "feat"]] {
        for on_top in [false, true] {
            let world = guarded(|| World::with_feature(&[]));
            let before = world.look();
            unseen(&world, merge);
            let id = log(&world)[0]["id"].as_str().unwrap().to_owned();
            if on_top {
                world.write("top.txt", "top\n");
                world.commit("top");
            }
            let merged = world.look();
            let plan = world.guard_json(&["undo-merge", "--dry-run"])["plan"].clone();
            world.git(&["reflog", "expire", "--expire=now", "--all"]);
            world.git(&["gc", "-q", "--prune=now"]);
            for command in [&["undo-merge"][..], &["undo-merge", &id], &["undo", &id]] {
                world.guard_ok(&[command, &["--dry-run"]].concat());
            }
            world.guard_ok(&["undo", "--plan", plan.as_str().unwrap()]);
            if on_top {
                world.git(&["reset", "-q", "--hard", "HEAD^"]);
                assert_eq!(world.look().tree(), before.tree());
            } else {
                assert_eq!(world.look(), before);
                world.guard_ok(&["redo"]);
                assert_eq!(world.look(), merged);
            }
        }
    }
}

/// Each step of the reflog is an operation of its own; the newest is undone first.
#[test]
fn u16_several_steps_are_told_apart() {
    let world = guarded(|| World::diverged(&[]));
    let start = world.look();
    unseen(&world, &["merge", "-q", "feat"]);
    let merged = world.look();
    world.write("later.txt", "later\n");
    unseen(&world, &["add", "later.txt"]);
    unseen(&world, &["commit", "-q", "-m", "later"]);
    let found = kinds(&world);
    assert_eq!(found[0], external("commit: later"));
    assert!(found[1].1.starts_with("merge feat: ") && found.len() == 2, "{found:?}");
    // A commit leaves its changes staged.
    world.guard_ok(&["undo"]);
    assert_eq!(world.git(&["status", "--porcelain"]), "A  later.txt");
    world.git(&["rm", "-q", "-f", "later.txt"]);
    assert_eq!(world.look(), merged);
    world.guard_ok(&["undo"]);
    assert_eq!(world.look().tree(), start.tree());
}

/// What happened unseen stands before what a hook saw next.
#[test]
fn u16_a_hook_notices_what_happened_before_it() {
    let world = guarded(|| World::diverged(&[]));
    world.write("one.txt", "one\n");
    world.commit("one");
    unseen(&world, &["reset", "-q", "--hard", "HEAD^"]);
    let reset = world.oid("HEAD");
    world.write("two.txt", "two\n");
    world.commit("two");
    assert_eq!(
        kinds(&world).iter().map(|(kind, _)| kind.as_str()).collect::<Vec<_>>(),
        ["commit", "external", "commit"]
    );
    world.guard_ok(&["undo"]);
    assert_eq!(world.oid("HEAD"), reset);
    world.git(&["rm", "-q", "-f", "two.txt"]);
    // The commit that was reset away is kept by now.
    world.git(&["reflog", "expire", "--expire=now", "--all"]);
    world.git(&["gc", "-q", "--prune=now"]);
    world.guard_ok(&["undo"]);
    assert_eq!((world.text("one.txt").as_str(), world.git(&["log", "-1", "--format=%s"])), ("one\n", "one".to_owned()));
}

/// Branches made, moved and deleted unseen.
#[test]
fn u16_branches_that_moved_unseen_go_back() {
    let world = guarded(|| World::diverged(&[]));
    let before = world.look();
    unseen(&world, &["branch", "-q", "-f", "feat", "main"]);
    unseen(&world, &["branch", "-q", "made", "main"]);
    assert_eq!(kinds(&world).len(), 2);
    world.guard_ok(&["undo"]);
    world.guard_ok(&["undo"]);
    assert_eq!(world.look(), before);
    unseen(&world, &["branch", "-q", "-D", "feat"]);
    world.guard_ok(&["log"]);
    world.git(&["reflog", "expire", "--expire=now", "--all"]);
    world.git(&["gc", "-q", "--prune=now"]);
    world.guard_ok(&["undo"]);
    assert_eq!(world.look(), before);
}

/// A whole mirror that was fetched unseen is one operation, not a thousand.
#[test]
fn u16_many_branches_at_once_are_one_operation() {
    let world = guarded(|| World::diverged(&[]));
    let before = world.look();
    let lines: String = (0..100).map(|number| format!("create refs/heads/many/{number} main\n")).collect();
    world.write("../lines", lines);
    unseen(&world, &["init", "-q"]);
    let run = "git -c core.hooksPath=/dev/null update-ref --stdin <../lines";
    assert!(std::process::Command::new("sh").current_dir(&world.top).args(["-c", run]).status().unwrap().success());
    assert_eq!(kinds(&world), [external("")]);
    world.guard_ok(&["undo"]);
    assert_eq!(world.look(), before);
}

/// What another worktree has checked out is left to the commands that run there.
#[test]
fn u16_another_worktrees_branch_is_left_to_it() {
    let world = guarded(|| World::diverged(&[]));
    let linked = world.home().join("linked");
    let there = linked.to_str().unwrap();
    world.git(&["worktree", "add", "-q", "-b", "work", there]);
    let known = kinds(&world).len();
    unseen(&world, &["-C", there, "merge", "-q", "feat"]);
    assert_eq!(kinds(&world).len(), known);
    let said = world.guard_in(&linked, &["undo"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(!linked.join("new.txt").exists());
    assert_eq!(world.git(&["-C", there, "status", "--porcelain"]), "");
}

/// U17: a renamed or copied branch took its reflog along. That is one operation, and none of what it had been through is
/// told, or undone, again.
#[test]
fn u17_a_renamed_branch_brings_no_old_steps_along() {
    for hooks in [true, false] {
        let world = guarded(|| World::diverged(&[]));
        world.write("one.txt", "one\n");
        world.commit("one");
        let before = world.look();
        let known = kinds(&world).len();
        let git = |arguments: &[&str]| if hooks { world.git(arguments) } else { unseen(&world, arguments) };
        git(&["branch", "-m", "main", "trunk"]);
        assert_eq!(kinds(&world).len(), known + 1, "{:?}", kinds(&world));
        let said = world.guard_refuses(&["undo"]);
        assert!(said.contains("made 'trunk', which is checked out"), "{said}");
        assert!(said.ends_with("hint: git branch -m trunk main\n"), "{said}");
        git(&["branch", "-c", "trunk", "copy"]);
        assert_eq!(kinds(&world).len(), known + 2, "{:?}", kinds(&world));
        world.guard_ok(&["undo"]);
        assert_eq!(world.git(&["branch", "--format=%(refname:short)"]), "feat\ntrunk");
        // Renamed, and committed to before a command looked: the commit is told, and what it stands on is not.
        git(&["branch", "-m", "trunk", "stem"]);
        world.write("two.txt", "two\n");
        world.git(&["add", "."]);
        git(&["commit", "-q", "-m", "two"]);
        let newest = kinds(&world)[0].clone();
        assert!(newest.0 == "commit" || newest == external("commit: two"), "{newest:?}");
        world.guard_ok(&["undo"]);
        world.git(&["rm", "-q", "-f", "two.txt"]);
        world.git(&["branch", "-m", "stem", "main"]);
        assert_eq!(world.look(), before);
        // From another branch the name goes back.
        world.git(&["switch", "-q", "feat"]);
        git(&["branch", "-m", "main", "trunk"]);
        world.guard_ok(&["undo"]);
        assert_eq!(world.git(&["branch", "--format=%(refname:short)"]), "feat\nmain");
    }
}
