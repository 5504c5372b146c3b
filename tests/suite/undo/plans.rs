//! U26: plans have names, and only the plan that was shown is done.

use super::journal::guarded;
use super::world::World;

fn merged() -> World {
    let world = guarded(|| World::diverged(&[]));
    world.git(&["merge", "-q", "feat"]);
    world
}

/// A name, and what makes the repository ready and returns the command.
type Command = (&'static str, fn(&World) -> Vec<String>);

/// The commands whose dry run names a plan, on a repository that each of them can act on.
const COMMANDS: &[Command] = &[
    ("undo-merge", |_| vec!["undo-merge".into()]),
    ("undo", |_| vec!["undo".into()]),
    ("revert", |_| vec!["undo-merge".into(), "--way".into(), "revert".into()]),
    ("replay", |world| {
        world.write("top.txt", "top\n");
        world.commit("top");
        vec!["undo-merge".into()]
    }),
    ("undo of a commit", |world| {
        world.write("top.txt", "top\n");
        world.commit("top");
        vec!["undo".into()]
    }),
    ("redo", |world| {
        world.guard_ok(&["undo-merge"]);
        vec!["redo".into()]
    }),
    ("reapply", |world| {
        world.guard_ok(&["undo-merge", "--way", "revert"]);
        vec!["undo-merge".into(), "--reapply".into(), "HEAD".into()]
    }),
    ("abort", |world| {
        world.git(&["reset", "-q", "--hard", "HEAD^"]);
        world.git(&["merge", "-q", "--no-commit", "feat"]);
        vec!["undo-merge".into()]
    }),
    ("unrecorded", |world| {
        std::fs::remove_dir_all(world.git_dir().join("recoveryguard")).unwrap();
        world.guard_ok(&["install"]);
        vec!["undo-merge".into()]
    }),
];

#[test]
fn u26_a_plan_is_done_as_it_was_shown_or_not_at_all() {
    for (name, prepare) in COMMANDS {
        let world = merged();
        world.case.set(name);
        let arguments = prepare(&world);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let dry = world.guard_json(&[&arguments[..], &["--dry-run"]].concat());
        let plan = dry["plan"].as_str().unwrap();
        // Shown again: the same name. The time does not matter.
        world.git(&["status"]);
        let again = world.guard_json(&["undo", "--plan", plan, "--dry-run"]);
        assert_eq!(again["plan"], dry["plan"], "{name}");
        // Another content of a touched file makes another plan.
        let touched = dry["paths"].as_array().unwrap().iter().any(|path| path["path"] == "a.txt");
        if touched {
            let kept = world.text("a.txt");
            world.write("a.txt", format!("{kept}one line more\n"));
            let said = world.guard_refuses(&["undo", "--plan", plan]);
            assert!(said.contains("the repository has changed since that plan was made"), "{name}: {said}");
            world.write("a.txt", kept);
        }
        let real = world.guard_json(&["undo", "--plan", plan]);
        assert_eq!(
            (&real["plan"], &real["done"], &real["paths"]),
            (&dry["plan"], &true.into(), &dry["paths"]),
            "{name}"
        );
        // A stale one: what it takes back is gone.
        let said = world.guard_refuses(&["undo", "--plan", plan]);
        assert!(!said.is_empty());
    }
}

/// U17: what git collects in between makes no other plan.
#[test]
fn u17_a_plan_outlives_a_collection() {
    let world = merged();
    world.replace("a.txt", "line 18\n", "line 18, staged\n");
    world.git(&["add", "a.txt"]);
    world.replace("a.txt", "line 18, staged\n", "line 18, edited\n");
    let after = world.look();
    world.guard_ok(&["undo-merge"]);
    let plan = world.guard_json(&["redo", "--dry-run"])["plan"].clone();
    world.git(&["reflog", "expire", "--expire=now", "--all"]);
    world.git(&["gc", "-q", "--prune=now"]);
    world.guard_ok(&["undo", "--plan", plan.as_str().unwrap()]);
    assert_eq!(world.look(), after);
}

#[test]
fn u26_what_is_no_plan_is_refused() {
    let world = merged();
    for name in ["", "x", "undo.a.b.c", "a.b.c.d", "undo-merge..move-back.0", "undo.\u{1b}[31m.x.y"] {
        let said = world.guard_refuses(&["undo", "--plan", name]);
        assert!(!said.contains('\u{1b}'), "{said:?}");
    }
}

/// U26: undo → redo fifty times stays a line, and does not grow.
#[test]
fn u26_fifty_rounds_end_where_they_began() {
    let world = merged();
    let after = world.look();
    world.guard_ok(&["undo-merge"]);
    let before = world.look();
    world.guard_ok(&["redo"]);
    for _ in 0..24 {
        world.guard_ok(&["undo"]);
        assert_eq!(world.look(), before);
        world.guard_ok(&["redo"]);
        assert_eq!(world.look(), after);
    }
    world.guard_ok(&["undo"]);
    world.replace("a.txt", "line 2\n", "line 2, mine\n");
    let said = world.guard_refuses(&["redo"]);
    assert!(said.contains("a.txt: it was changed since"), "{said}");
    world.replace("a.txt", "line 2, mine\n", "line 2\n");
    world.replace("a.txt", "line 18\n", "line 18, mine\n");
    world.guard_ok(&["redo"]);
    assert!(world.text("a.txt").contains("line 18, mine\n") && world.text("a.txt").contains("line 2 of feat\n"));
}
