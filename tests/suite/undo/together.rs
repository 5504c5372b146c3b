//! U20: several processes at once. One does it, the others refuse, find nothing or find a lock; no ref is set over a value
//! that nobody expected, and no byte is lost.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use super::journal::{guarded, log};
use super::random::seen::{Seen, Visible, locks};
use super::world::{World, lines};
use crate::support::{ANSWERS_AT_ONCE, write_program};

/// A program to be run in a folder, its talk thrown away. The world itself stays in its thread.
fn ready(world: &World, program: &str, folder: &Path, arguments: &[&str]) -> Command {
    let program = if program == "guard" { env!("CARGO_BIN_EXE_guard") } else { program };
    let mut command = world.command(OsStr::new(program), folder);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn code(mut command: Command) -> i32 {
    command.status().unwrap().code().unwrap()
}

/// Runs guard's commands one after the other; returns how many did something.
fn one_after_the_other(commands: Vec<Command>) -> usize {
    let codes: Vec<i32> = commands.into_iter().map(code).collect();
    assert!(codes.iter().all(|code| [0, 4, 5].contains(code)), "{codes:?}");
    codes.into_iter().filter(|code| *code == 0).count()
}

/// A merge on main, and another branch that could be merged next.
fn merged() -> World {
    let world = guarded(|| World::diverged(&[]));
    world.git(&["checkout", "-q", "-b", "second"]);
    world.write("second.txt", "second\n");
    world.replace("a.txt", "line 18\n", "line 18 of second\n");
    world.commit("second");
    world.git(&["checkout", "-q", "main"]);
    world.git(&["merge", "-q", "feat"]);
    world.write("untracked", "mine\n");
    world
}

/// What holds whatever was done: each value of a branch was set over the one before it, nothing is locked, broken or lost.
fn is_sound(world: &World, visible: &Visible) {
    let reflog = world.text(".git/logs/refs/heads/main");
    let steps: Vec<(&str, &str)> =
        reflog.lines().map(|line| (line.split(' ').next().unwrap(), line.split(' ').nth(1).unwrap())).collect();
    for pair in steps.windows(2) {
        assert_eq!(pair[0].1, pair[1].0, "a value was set over one that nobody expected:\n{reflog}");
    }
    assert_eq!(world.oid("main"), steps.last().unwrap().1);
    assert_eq!(locks(&world.git_dir()), Vec::<std::path::PathBuf>::new());
    world.git(&["fsck", "--strict", "--no-dangling"]);
    let lost = visible.lost(world, &Seen::of(world));
    assert!(lost.is_empty(), "lost {lost:?}");
    let said = world.guard(&["doctor"]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(world.guard(&["log"]).err.is_empty());
}

#[test]
fn u20_a_merge_in_one_process_and_an_undo_in_another() {
    for round in 0..8 {
        let world = merged();
        let visible = Visible::of(&world, &Seen::of(&world));
        let kinds: &[&str] =
            if round % 2 == 0 { &["merge", "-q", "second"] } else { &["merge", "-q", "--no-ff", "second"] };
        let mut merge = ready(&world, "git", &world.top, kinds).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(12 * round));
        let undo = code(ready(&world, "guard", &world.top, &["undo-merge"]));
        let merge = merge.wait().unwrap().code().unwrap();
        assert!([0, 4, 5].contains(&undo), "{undo}");
        is_sound(&world, &visible);
        // Where git's own merge went through, nothing is left half done by either.
        if merge == 0 {
            assert_eq!(world.git(&["status", "--porcelain"]), "?? untracked", "round {round}: {merge} {undo}");
        }
    }
}

/// The worst moment: the other merge is made and about to be committed.
#[test]
fn u20_an_undo_amid_a_merge_makes_that_merge_fail() {
    let world = merged();
    let before = world.oid("main^");
    let hook = ".git/hooks/pre-merge-commit";
    let program = env!("CARGO_BIN_EXE_guard");
    let first = log(&world)[0]["id"].as_str().unwrap().to_owned();
    write_program(
        world.path(hook),
        format!("#!/bin/sh\nexec env -u GIT_INDEX_FILE '{program}' undo-merge {first} >&2\n"),
    );
    let visible = Visible::of(&world, &Seen::of(&world));
    let output = world.run(&["merge", "-q", "--no-ff", "second"]);
    assert!(!output.status.success(), "{output:?}");
    world.remove(hook);
    world.guard_ok(&["install"]);
    assert_eq!(world.oid("main"), before, "the first merge was undone; the second did not go over that");
    is_sound(&world, &visible);
    // What the second brought is staged, for whoever wants it.
    assert!(world.exists("second.txt") && !world.exists("new.txt"));
}

/// Two that undo and redo, again and again.
#[test]
fn u20_two_at_once_again_and_again() {
    let world = merged();
    let after = world.look();
    let visible = Visible::of(&world, &Seen::of(&world));
    let before = {
        let copy = world.copy();
        copy.guard_ok(&["undo-merge"]);
        copy.look()
    };
    let rounds = |commands: [&str; 2]| -> Vec<Command> {
        commands.into_iter().cycle().take(12).map(|command| ready(&world, "guard", &world.top, &[command])).collect()
    };
    let both = [rounds(["undo-merge", "redo"]), rounds(["redo", "undo-merge"])];
    let done: usize = std::thread::scope(|scope| {
        let threads = both.map(|commands| scope.spawn(|| one_after_the_other(commands)));
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert!(done > 0);
    let ours = log_all(&world).into_iter().filter(|kind| kind == "undo" || kind == "redo").count();
    assert_eq!(ours, done, "each that was done is recorded once");
    let now = world.look();
    assert!(now == before || now == after, "{now:?}");
    is_sound(&world, &visible);
}

fn log_all(world: &World) -> Vec<String> {
    let document: serde_json::Value = serde_json::from_str(&world.guard_ok(&["log", "-n", "1000", "--json"])).unwrap();
    let done = document["operations"].as_array().unwrap().iter().filter(|found| !found["outcome"].is_null());
    done.map(|found| found["kind"].as_str().unwrap().to_owned()).collect()
}

/// Commits are made while the merge beneath them is undone: none of them is lost.
#[test]
fn u20_commits_made_meanwhile_are_not_lost() {
    let world = merged();
    let visible = Visible::of(&world, &Seen::of(&world));
    let commit = |number: usize| {
        let (path, message) = (format!("made-{number}.txt"), format!("number {number}"));
        world.write(&path, lines(number + 1));
        let add = ready(&world, "git", &world.top, &["add", &path]);
        (message.clone(), add, ready(&world, "git", &world.top, &["commit", "-q", "-m", &message]))
    };
    // More than undos: on a busy machine each that is made beside one may find the index locked.
    let commits: Vec<_> = (0..32).map(commit).collect();
    let undos = ["undo-merge", "redo"].into_iter().cycle().take(8);
    let undos: Vec<Command> = undos.map(|command| ready(&world, "guard", &world.top, &[command])).collect();
    let made: Vec<String> = std::thread::scope(|scope| {
        scope.spawn(|| one_after_the_other(undos));
        let done = |(message, add, commit)| (code(add) == 0 && code(commit) == 0).then_some(message);
        commits.into_iter().filter_map(done).collect()
    });
    assert!(!made.is_empty());
    let all = world.git_quietly(&["log", "--all", "--format=%s"]);
    for message in made {
        assert!(all.lines().any(|line| line == message), "'{message}' is gone:\n{all}");
    }
    is_sound(&world, &visible);
}

/// Each worktree for itself, at the same time.
#[test]
fn u20_two_worktrees_at_once() {
    let world = merged();
    let linked = world.home().join("linked");
    world.git(&["worktree", "add", "-q", "-b", "work", linked.to_str().unwrap(), "second"]);
    world.git(&["-C", linked.to_str().unwrap(), "merge", "-q", "--no-ff", "feat"]);
    let (here, there) = (world.oid("main^"), world.oid("work^"));
    let tries =
        |folder: &Path| -> Vec<Command> { (0..40).map(|_| ready(&world, "guard", folder, &["undo-merge"])).collect() };
    // The other's lock is waited for, and then tried again.
    let patient = |tries: Vec<Command>| tries.into_iter().map(code).find(|code| *code != 5);
    let (one, other) = (tries(&world.top), tries(&linked));
    let codes = std::thread::scope(|scope| {
        let threads = [scope.spawn(|| patient(one)), scope.spawn(|| patient(other))];
        threads.map(|thread| thread.join().unwrap())
    });
    assert_eq!(codes, [Some(0), Some(0)]);
    assert_eq!((world.oid("main"), world.oid("work")), (here, there));
    assert_eq!(world.git(&["-C", linked.to_str().unwrap(), "status", "--porcelain"]), "");
    assert_eq!(world.git(&["status", "--porcelain"]), "?? untracked");
}

/// A ref that somebody else has locked is respected, and nothing is changed.
#[test]
fn u20_a_locked_ref_is_respected() {
    let world = merged();
    let lock = world.path(".git/refs/heads/main.lock");
    std::fs::write(&lock, "").unwrap();
    let id = log(&world)[0]["id"].as_str().unwrap().to_owned();
    let before = world.look();
    let said = world.guard(&["undo-merge"]);
    // A git that answers at its end is heard of when the files are back already: they are put back again.
    let (code, early) =
        if ANSWERS_AT_ONCE.is_here() { (5, "") } else { (4, "the undo failed halfway; everything was put back: ") };
    assert_eq!(said.code, code, "{}", said.err);
    let end = format!("cannot lock ref 'refs/heads/main': Unable to create '{}': File exists.; hint: ", lock.display());
    assert!(said.err.starts_with(&format!("guard: {early}git refused to move 'refs/heads/main': ")), "{}", said.err);
    assert!(said.err.contains(&end), "{}", said.err);
    assert_eq!(world.look(), before);
    assert_eq!(std::fs::read(&lock).unwrap(), b"");
    std::fs::remove_file(lock).unwrap();
    world.guard_ok(&["undo-merge", &id]);
}
