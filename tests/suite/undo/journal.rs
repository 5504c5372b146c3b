//! With hooks installed the merges are in the journal: what was uncommitted before them comes back too.

use super::world::World;
use crate::support::ORT;

/// Hooks in; the repository that `make` makes.
pub fn guarded(make: impl Fn() -> World) -> World {
    let world = make();
    world.guard_ok(&["install"]);
    world
}

pub fn log(world: &World) -> Vec<serde_json::Value> {
    let document: serde_json::Value = serde_json::from_str(&world.guard_ok(&["log", "--json"])).unwrap();
    document["operations"].as_array().unwrap().clone()
}

/// U1 over the journal instead of the reflog.
#[test]
fn every_kind_is_undone_by_its_operation() {
    for (name, make, merge) in super::kinds::cases() {
        let world = guarded(make);
        let before = world.look();
        merge(&world);
        world.case.set(name);
        let plan: serde_json::Value =
            serde_json::from_str(&world.guard_ok(&["undo-merge", "--dry-run", "--json"])).unwrap();
        assert!(plan["operation"].is_string(), "{name}: {plan}");
        world.round_trip(&before);
    }
}

/// U6: an ignored file that the merge overwrote without a word is back.
#[test]
fn an_overwritten_ignored_file_comes_back() {
    // The strategy before ort keeps ignored files: git refuses.
    let makes: [fn() -> World; 2] = [|| World::with_feature(&[]), || World::diverged(&[])];
    for make in makes.into_iter().take(if ORT.is_here() { 2 } else { 1 }) {
        let world = guarded(make);
        world.write(".git/info/exclude", "new.txt\n");
        world.write("new.txt", b"secret\r\n\xff");
        world.chmod("new.txt", 0o755);
        let before = world.look();
        world.git(&["merge", "-q", "feat"]);
        assert_eq!(world.text("new.txt"), "new\n");
        world.round_trip(&before);
    }
}

/// A file whose bytes git would write otherwise comes back as it was.
#[test]
fn line_endings_of_before_the_merge_come_back() {
    let world = guarded(|| World::with_feature(&[]));
    world.git(&["config", "core.autocrlf", "input"]);
    world.write("a.txt", world.text("a.txt").replace("line 7\n", "line 7\r\n"));
    world.git(&["add", "a.txt"]);
    assert_eq!(world.git(&["status", "--porcelain"]), "");
    let before = world.look();
    world.git(&["merge", "-q", "feat"]);
    world.round_trip(&before);
}

/// What was staged already as the merge brings it is staged again.
#[test]
fn the_index_of_before_the_merge_comes_back() {
    let world = guarded(|| World::with_feature(&[]));
    world.write("new.txt", "new\n");
    world.git(&["add", "new.txt"]);
    let before = world.look();
    world.git(&["merge", "-q", "feat"]);
    world.round_trip(&before);
}

#[test]
fn log_and_show_tell_what_happened() {
    let world = guarded(|| World::diverged(&[]));
    world.git(&["merge", "-q", "feat"]);
    world.guard_ok(&["undo-merge"]);
    let operations = log(&world);
    let of = |kind: &str| operations.iter().find(|operation| operation["kind"] == kind).unwrap();
    let (merge, undo) = (of("merge"), of("undo"));
    assert_eq!(merge["state"], "undone");
    assert_eq!(merge["undone_by"], undo["id"]);
    assert_eq!(undo["intent"]["of"], merge["id"]);
    assert_eq!(undo["undoable"], false);
    let text = world.guard_ok(&["show", merge["id"].as_str().unwrap()]);
    assert!(text.contains("incoming:") && text.contains(" feat\n"), "{text}");
    assert!(text.contains(&format!("undone by: {}", undo["id"].as_str().unwrap())), "{text}");
    assert_eq!(world.guard(&["show", "nonsense"]).code, 2);
    let said = world.guard_refuses(&["undo-merge", merge["id"].as_str().unwrap()]);
    assert!(said.contains("was undone already by"), "{said}");
    world.guard_ok(&["redo"]);
    let text = world.guard_ok(&["log"]);
    assert!(text.contains("done (guard undo-merge)"), "{text}");
    assert!(world.git(&["reflog", "-3"]).contains("guard redo: "), "{}", world.git(&["reflog", "-3"]));
}

/// U17: everything that only reflogs and gc protect is gone, and the undo still can be redone.
#[test]
fn gc_leaves_what_redo_needs() {
    let world = guarded(|| World::diverged(&[]));
    let before = world.look();
    world.git(&["merge", "-q", "feat"]);
    world.replace("a.txt", "line 18\n", "line 18, mine\n");
    let after = world.look();
    world.guard_ok(&["undo-merge"]);
    world.git(&["branch", "-q", "-D", "feat"]);
    world.git(&["reflog", "expire", "--expire=now", "--all"]);
    world.git(&["gc", "-q", "--prune=now"]);
    world.guard_ok(&["redo"]);
    let redone = world.look();
    assert_eq!(redone.tree(), after.tree());
    world.replace("a.txt", "line 18, mine\n", "line 18\n");
    world.guard_ok(&["undo-merge"]);
    assert_eq!(world.look().tree(), before.tree());
}

/// What a person had half resolved goes when the merge is given up; the plan says so, and where it is.
#[test]
fn u14_what_was_resolved_is_said_to_go() {
    for conflict in [true, false] {
        let world = guarded(|| World::diverged(&[]));
        if conflict {
            world.replace("a.txt", "line 2\n", "line 2 of main\n");
            world.commit("main");
            assert!(!world.run(&["merge", "-q", "feat"]).status.success());
        } else {
            world.git(&["merge", "-q", "--no-commit", "feat"]);
        }
        let text = world.guard_ok(&["undo-merge", "--dry-run"]);
        // The strategy before ort leaves the same trace of a file that it removed as of a conflict.
        let is_told = conflict || !ORT.is_here();
        assert_eq!(text.contains("goes with the merge; 'guard redo' has it"), is_told, "{text}");
    }
}

/// A line of the log fits a terminal.
#[test]
fn the_log_is_as_wide_as_a_terminal() {
    let world = guarded(|| World::diverged(&[]));
    for _ in 0..2 {
        world.git(&["merge", "-q", "feat"]);
        world.guard_ok(&["undo-merge"]);
        world.guard_ok(&["redo"]);
        world.guard_ok(&["undo"]);
    }
    world.git(&["merge", "-q", "--squash", "feat"]);
    let text = world.guard_ok(&["log"]);
    assert!(text.lines().count() > 8 && text.lines().all(|line| line.chars().count() <= 80), "{text}");
}
