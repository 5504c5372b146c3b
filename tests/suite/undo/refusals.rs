//! Where going back is not the way: refused with exit code 4, nothing changed, the right command named.

use super::world::{World, lines};
use crate::support::{ANSWERS_AT_ONCE, write_program};

fn merged() -> World {
    let world = World::diverged(&[]);
    world.git(&["merge", "-q", "feat"]);
    world
}

/// U4: the same lines.
#[test]
fn overlapping_edits_are_listed() {
    let world = merged();
    world.replace("a.txt", "line 2 of feat\n", "line 2, mine\n");
    world.write("new.txt", "edited\n");
    let said = world.guard_refuses(&["undo-merge"]);
    assert!(said.contains("at 2 paths; nothing was changed"), "{said}");
    assert!(said.contains("a.txt: it was changed since") && said.contains("new.txt: it was changed since"), "{said}");
    world.git(&["add", "a.txt"]);
    world.guard_refuses(&["undo-merge"]);
    let json = world.guard(&["undo-merge", "--json"]);
    assert_eq!(json.code, 4);
    assert!(json.out.contains(r#""done":false"#) && json.out.contains(r#"{"path":"a.txt","why":"#), "{}", json.out);
}

#[test]
fn other_commands_in_progress_come_first() {
    let world = merged();
    world.git(&["checkout", "-q", "-b", "pick", "HEAD~1"]);
    world.replace("a.txt", "line 2\n", "line 2, picked\n");
    world.commit("pick");
    world.git(&["checkout", "-q", "main"]);
    assert!(!world.run(&["cherry-pick", "pick"]).status.success());
    let said = world.guard_refuses(&["undo-merge"]);
    assert!(said.contains("a cherry-pick is in progress") && said.contains("git cherry-pick --abort"), "{said}");
    world.git(&["cherry-pick", "--abort"]);
    assert!(!world.run(&["rebase", "pick"]).status.success());
    let said = world.guard_refuses(&["undo-merge"]);
    assert!(said.contains("a rebase is in progress"), "{said}");
}

/// U21.
#[test]
fn a_locked_index_is_respected() {
    let world = merged();
    let before = world.look();
    let lock = world.git_dir().join("index.lock");
    world.write(&lock, "");
    let said = world.guard(&["undo-merge"]);
    assert_eq!(said.code, 5, "{}", said.err);
    assert!(said.err.contains("index.lock' exists"), "{}", said.err);
    assert_eq!(std::fs::read(&lock).unwrap(), b"");
    world.remove(lock.to_str().unwrap());
    assert_eq!(world.look(), before);
    assert!(world.guard_ok(&["log", "--json"]).contains(r#""operations":[]"#));
}

#[test]
fn a_hook_that_refuses_the_ref_is_respected() {
    let world = merged();
    let hook = ".git/hooks/reference-transaction";
    write_program(
        world.path(hook),
        "#!/bin/sh\ntest \"$1\" != prepared || { printf 'frozen \\033[1m\\n' >&2; exit 1; }\n",
    );
    let before_files = world.look().files;
    let said = world.guard(&["undo-merge"]);
    assert_eq!(said.code, 4, "{}", said.err);
    // A git that answers at its end is heard of when the files are back already.
    let late = "the undo failed halfway; everything was put back: ";
    let early = if ANSWERS_AT_ONCE.is_here() { "" } else { late };
    let expected = format!("guard: {early}git refused to move 'refs/heads/main': frozen \\u{{1b}}[1m; ");
    assert!(said.err.starts_with(&expected), "{}", said.err);
    world.remove(hook);
    assert_eq!(world.look().files, before_files);
    world.guard_ok(&["undo-merge"]);
}

/// git's advice takes ten lines; guard says the one that helps.
#[test]
fn a_commit_that_nobody_made_is_refused() {
    let world = merged();
    let before = world.look();
    let program = std::ffi::OsStr::new(env!("CARGO_BIN_EXE_guard"));
    let mut guard = world.command(program, &world.top);
    for name in ["GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"] {
        guard.env_remove(name);
    }
    world.git(&["config", "user.useConfigOnly", "true"]);
    let output = guard.args(["undo-merge", "--way", "revert"]).output().unwrap();
    world.git(&["config", "--unset", "user.useConfigOnly"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("git does not know your name and address"), "{said}");
    assert!(said.contains("hint: git config user.name "), "{said}");
    assert_eq!(world.look(), before);
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let world = merged();
    let said = world.guard(&["-C", "nowhere/at all", "undo-merge"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("there is no folder '") && said.err.contains("/nowhere/at all'"), "{}", said.err);
}

/// U20: two at once: one does it, the other refuses, finds nothing, or finds the lock.
#[test]
fn two_at_once_do_it_once() {
    for _ in 0..3 {
        let world = World::diverged(&[]);
        let before = world.look();
        world.git(&["merge", "-q", "feat"]);
        let program = std::ffi::OsStr::new(env!("CARGO_BIN_EXE_guard"));
        let children: Vec<_> = (0..3)
            .map(|_| {
                let mut command = world.command(program, &world.top);
                command.arg("undo-merge").stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
                command.spawn().unwrap()
            })
            .collect();
        let codes: Vec<i32> = children.into_iter().map(|mut child| child.wait().unwrap().code().unwrap()).collect();
        assert_eq!(codes.iter().filter(|code| **code == 0).count(), 1, "{codes:?}");
        assert!(codes.iter().all(|code| [0, 4, 5].contains(code)), "{codes:?}");
        assert_eq!(world.look(), before);
    }
}

#[test]
fn nothing_to_undo_or_redo_is_said() {
    let world = World::new(&[]);
    let said = world.guard(&["undo-merge"]);
    assert_eq!(
        (said.code, said.err.as_str()),
        (4, "guard: there is no commit yet, so there is no merge to undo; hint: guard log\n")
    );
    world.write("a", "a\n");
    world.commit("a");
    assert!(world.guard_refuses(&["undo-merge"]).contains("no merge found"));
    assert!(world.guard_refuses(&["redo"]).contains("there is nothing to redo"));
    assert!(world.guard_refuses(&["undo-merge", "nonsense"]).contains("neither an operation nor a commit"));
    // Where the journal knows of one that was undone, that is said.
    let world = World::diverged(&[]);
    world.guard_ok(&["install"]);
    world.git(&["merge", "-q", "feat"]);
    let undone = world.guard_json(&["undo-merge", "--way", "revert"]);
    let said = world.guard_refuses(&["undo-merge"]);
    let id = |name: &str| undone[name].as_str().unwrap();
    let end =
        format!("the last one, operation {}, was undone by {}; hint: guard log\n", id("operation"), id("recorded_as"));
    assert!(said.ends_with(&end), "{said}");
}

/// A redo is refused once the branch has moved.
#[test]
fn redo_needs_the_branch_where_the_undo_left_it() {
    let world = merged();
    world.guard_ok(&["undo-merge"]);
    world.write("top.txt", "top\n");
    world.commit("top");
    let said = world.guard_refuses(&["redo"]);
    assert!(said.contains("has moved since"), "{said}");
}

/// A dry run prints what the real one does, and changes nothing at all.
#[test]
fn a_dry_run_is_the_plan_of_the_real_one() {
    let world = merged();
    world.replace("a.txt", "line 18\n", "line 18, mine\n");
    let before = world.look();
    let dry = world.guard_ok(&["undo-merge", "--dry-run", "--json"]);
    assert_eq!(world.look(), before);
    let text = world.guard_ok(&["undo-merge", "--dry-run"]);
    for line in ["  merge     a.txt", "  remove    new.txt", "  create    gone.txt", "would move 'main' from"] {
        assert!(text.contains(line), "{text}");
    }
    let real = world.guard_ok(&["undo-merge", "--json"]);
    let strip = |text: &str| {
        let mut value: serde_json::Value = serde_json::from_str(text).unwrap();
        for key in ["dry_run", "done", "recorded_as"] {
            value.as_object_mut().unwrap().remove(key).unwrap();
        }
        value
    };
    assert_eq!(strip(&dry), strip(&real));
    assert_eq!(world.text("a.txt"), lines(20).replace("line 18\n", "line 18, mine\n"));
}
