//! U19: guard is killed (SIGKILL) at any moment of a command: afterwards the repository is exactly as before or as after.
//!
//! `GUARD_TEST_KILLS` says how often. The moments are drawn from the time that the command takes when nobody kills it.

use std::ffi::OsStr;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::journal::{guarded, log};
use super::random::seen::{Seen, Visible, locks};
use super::world::{World, lines};
use crate::support::{Moments, ORT, Random, write_program};

/// A command to be killed: its name, the repository, and the command's words there.
struct Case {
    name: &'static str,
    make: fn() -> (World, Vec<String>),
    /// What takes it back.
    back: &'static [&'static str],
}

const CASES: [Case; 7] = [
    Case { name: "undo-merge", make: || (merged(), words(&["undo-merge"])), back: &["redo"] },
    Case {
        name: "redo",
        make: || {
            let world = merged();
            world.guard_ok(&["undo-merge"]);
            (world, words(&["redo"]))
        },
        back: &["undo"],
    },
    Case {
        name: "undo-merge by replay",
        make: || {
            let world = merged();
            world.git(&["commit", "-q", "-m", "top", "--only", "main.txt"]);
            (world, words(&["undo-merge", "--way", "replay"]))
        },
        back: &["redo"],
    },
    Case {
        name: "undo-merge by a revert",
        make: || (merged(), words(&["undo-merge", "--way", "revert"])),
        back: &["redo"],
    },
    Case {
        name: "undo of a rebase",
        make: || {
            let world = guarded(|| World::diverged(&[]));
            world.git(&["checkout", "-q", "-b", "work"]);
            world.replace("a.txt", "line 18\n", "line 18 of work\n");
            world.commit("work");
            world.git(&["rebase", "-q", "feat"]);
            dirt(&world);
            let id = newest(&world);
            (world, words(&["undo", &id]))
        },
        back: &["redo"],
    },
    Case {
        name: "giving up a half-resolved merge",
        make: || {
            let world = guarded(|| World::with_feature(&[]));
            world.replace("a.txt", "line 2\n", "line 2 of main\n");
            world.commit("main");
            world.replace("other.txt", "line 1\n", "line 1, mine\n");
            assert!(!world.run(&["merge", "-q", "feat"]).status.success());
            dirt(&world);
            world.git(&["add", "added.txt"]);
            world.write("a.txt", "half resolved\n");
            (world, words(&["undo-merge"]))
        },
        back: &["redo"],
    },
    Case {
        name: "restore",
        make: || {
            let world = merged();
            (world, words(&["restore", ".", "--from", "feat"]))
        },
        back: &["restore", "--undo"],
    },
];

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn newest(world: &World) -> String {
    log(world)[0]["id"].as_str().unwrap().to_owned()
}

/// Work of every kind in files that the merge does not touch, and one edit in a file that it does.
fn dirt(world: &World) {
    world.replace("a.txt", "line 9\n", "line 9, mine\n");
    world.replace("staged.txt", "line 1\n", "line 1, staged\n");
    world.git(&["add", "staged.txt"]);
    world.replace("staged.txt", "line 5\n", "line 5, edited\n");
    world.write("added.txt", "added\n");
    world.write("untracked/file", "untracked\n");
}

/// A merge that changes, adds and removes files, swaps a file and a folder and wrote over an ignored file; work since then.
fn merged() -> World {
    let world = guarded(|| World::diverged(&[]));
    world.git(&["checkout", "-q", "feat"]);
    world.remove("other.txt");
    world.write("other.txt/inside", "inside\n");
    world.write("local.env", "of feat\n");
    for number in 0..20 {
        world.write(format!("many/{number}"), lines(number));
    }
    world.commit("swap");
    world.git(&["checkout", "-q", "main"]);
    world.write(".git/info/exclude", "*.env\n");
    world.write("local.env", "secret\n");
    world.git(&["merge", "-q", "feat"]);
    world.replace("main.txt", "main\n", "main, edited\n");
    dirt(&world);
    world
}

impl World {
    /// Starts guard without waiting for its end.
    fn start(&self, arguments: &[String]) -> std::process::Child {
        let mut guard = self.command(OsStr::new(env!("CARGO_BIN_EXE_guard")), &self.top);
        guard.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }
}

/// What a killed command left is dealt with by one of these.
#[derive(Debug, Clone, Copy)]
enum Next {
    Doctor,
    /// A command that changes something, though here it has nothing to change.
    Other,
    /// The same again.
    Same,
}

/// Kills the command of a case so often; returns how often it was killed before its end.
fn kill(case: &Case, times: u64, random: &mut Random) -> u64 {
    let (world, command) = (case.make)();
    let before = Seen::of(&world).settled();
    let finished = world.copy();
    let started = Instant::now();
    assert!(finished.start(&command).wait().unwrap().success(), "{}", case.name);
    let mut moments = Moments::of(started.elapsed());
    let after = Seen::of(&finished).settled();
    assert_ne!(before, after, "{}", case.name);
    let mut killed = 0;
    for time in 0..times {
        let world = world.copy();
        let visible = Visible::of(&world, &before);
        let (moment, is_killed) = moments.kill(world.start(&command), random);
        killed += u64::from(is_killed);
        let next = [Next::Doctor, Next::Other, Next::Same][usize::try_from(time % 3).unwrap()];
        let context = format!("{} killed after {moment:?}, then {next:?}", case.name);
        // Without the clock going on: a commit that is made again gets the same name.
        let mut status = world.command(OsStr::new("git"), &world.top);
        assert!(status.arg("status").output().unwrap().status.success(), "{context}: git status");
        let (code, said) = match next {
            Next::Doctor => patiently(&world, &["doctor".to_owned()]),
            Next::Other => patiently(&world, &words(&["restore", "no/such/file", "--from", "HEAD"])),
            Next::Same => patiently(&world, &command),
        };
        assert!(matches!(next, Next::Other | Next::Same) && code == 4 || code == 0, "{context}: {code}, {said}");
        let now = Seen::of(&world).settled();
        let differences = after.differences(&now);
        let is_before = now == before && !matches!(next, Next::Same);
        assert!(is_before || differences.is_empty(), "{context}:\n{}", differences.join("\n"));
        let lost = visible.lost(&world, &now);
        assert!(lost.is_empty(), "{context}: lost {lost:?}");
        let left = || locks(&world.git_dir());
        assert!(soon(|| left().is_empty()), "{context}: {:?} is left", left());
        world.git_quietly(&["fsck", "--strict", "--no-dangling"]);
        let said = world.guard(&["log"]);
        assert!(said.code == 0 && said.err.is_empty(), "{context}: {}", said.err);
        // Done twice, a restore has nothing to take back.
        if now == after && !matches!(next, Next::Same) {
            world.guard_ok(case.back);
            let differences = before.differences(&Seen::of(&world).settled());
            assert!(differences.is_empty(), "{context}, and taken back:\n{}", differences.join("\n"));
        }
    }
    killed
}

/// Asks until it is so: git's children of the one that was killed may need a moment to let their locks go.
fn soon(mut is_so: impl FnMut() -> bool) -> bool {
    (0..300).any(|time| {
        if time > 0 {
            std::thread::sleep(Duration::from_millis(100));
        }
        is_so()
    })
}

/// Runs guard until nothing is locked.
fn patiently(world: &World, command: &[String]) -> (i32, String) {
    let arguments: Vec<&str> = command.iter().map(String::as_str).collect();
    let mut said = world.guard(&arguments);
    let _ = soon(|| {
        if said.code == 5 {
            said = world.guard(&arguments);
        }
        said.code != 5
    });
    (said.code, said.err)
}

impl Seen {
    /// The same without empty folders, which git does not see.
    fn settled(mut self) -> Self {
        self.files.retain(|_, (mode, _)| *mode != 0o40_000);
        self
    }
}

/// The cases from `first` on, every second: two tests, so that two processors have something to do.
fn half(first: usize) {
    // One of the files is ignored, and the merge writes over it.
    if !ORT.is_needed_here() {
        return;
    }
    let kills = std::env::var("GUARD_TEST_KILLS").map_or(56, |text| text.parse::<u64>().unwrap());
    let each = kills.div_ceil(CASES.len() as u64);
    let mut random = Random(first as u64);
    let (mut tried, mut killed) = (0, 0);
    for case in CASES.iter().skip(first).step_by(2) {
        killed += kill(case, each, &mut random);
        tried += each;
    }
    assert!(killed * 3 >= tried, "only {killed} of {tried} were killed before their end");
}

#[test]
fn u19_killed_at_any_moment_it_is_before_or_after() {
    half(0);
}

#[test]
fn u19_killed_at_any_moment_it_is_before_or_after_too() {
    half(1);
}

/// Kills guard from within: its child git runs this, at exactly that moment.
const KILL: &str = "#!/bin/sh\nread -r pid name state parent rest <\"/proc/$PPID/stat\"\nkill -9 \"$parent\"\n";

/// What is half done is named by commands that change nothing, and put right by doctor.
#[test]
fn u19_doctor_finishes_what_has_moved_its_refs() {
    let world = World::diverged(&[]);
    world.git(&["merge", "-q", "feat"]);
    let hook = ".git/hooks/reference-transaction";
    write_program(world.path(hook), KILL.replace("\nread", "\ntest \"$1\" = committed || exit 0\nread"));
    let merge = world.oid("HEAD");
    assert_eq!(world.guard(&["undo-merge"]).code, -1);
    world.remove(hook);
    assert_ne!(world.oid("HEAD"), merge, "the refs have moved");
    let id = newest(&world);
    for arguments in [&["log"][..], &["show", &id]] {
        let said = world.guard(arguments);
        let note =
            format!("guard: operation {id} has not ended; if it was interrupted, 'guard doctor' puts that right\n");
        assert_eq!((said.code, said.err), (0, note));
    }
    let said = world.guard(&["undo-merge", "--dry-run"]);
    assert!(said.code == 4 && said.err.contains("was interrupted and is dealt with first"), "{}", said.err);
    assert!(said.err.contains("hint: guard doctor"), "{}", said.err);
    // It complains that no hooks are installed.
    let text = world.guard(&["doctor", "--json"]).out;
    assert!(text.contains(&format!("operation {id} was interrupted and is finished now")), "{text}");
    assert!(world.guard(&["log"]).err.is_empty());
    assert!(world.guard(&["doctor", "--json"]).out.contains("nothing is left half done"));
    assert_eq!(world.git(&["status", "--porcelain"]), "");
    world.guard_ok(&["redo"]);
    assert_eq!(world.oid("HEAD"), merge);
}

/// The same amid the files; what somebody edits before doctor comes is left alone and named.
#[test]
fn u19_doctor_rolls_back_what_has_not() {
    for edited in [false, true] {
        let world = World::with_feature(&[]);
        let filter = world.home().join("filter");
        write_program(&filter, KILL.replace("\nread", "\ntest -e \"$0.on\" || exec cat\nread"));
        world.git(&["config", "filter.kill.smudge", &format!("exec '{}'", filter.display())]);
        world.write(".git/info/attributes", "gone.txt filter=kill\n");
        world.git(&["merge", "-q", "feat"]);
        let before = world.look();
        world.write(world.home().join("filter.on"), "");
        assert_eq!(world.guard(&["undo-merge"]).code, -1);
        std::fs::remove_file(world.home().join("filter.on")).unwrap();
        assert!(!world.exists("new.txt") && !world.exists("gone.txt"), "it was killed amid the files");
        if edited {
            world.write("new.txt", "mine\n");
        }
        let text = world.guard(&["doctor", "--json"]).out;
        assert!(text.contains("was interrupted and is rolled back now"), "{text}");
        assert_eq!(text.contains("changed since and left as they are: 'new.txt'"), edited, "{text}");
        if edited {
            assert_eq!(world.text("new.txt"), "mine\n");
            world.write("new.txt", "new\n");
        }
        assert_eq!(world.look().without_folders(), before.clone().without_folders());
    }
}

/// git is ended when the merge is committed and its own marks of it are still there, amid `post-merge` say: the merge goes
/// back, and the marks with it.
#[test]
fn a_merge_whose_git_was_killed_after_its_commit_goes_back() {
    for autostash in [false, true] {
        let world = guarded(|| World::diverged(&[]));
        write_program(world.path(".git/hooks/post-merge"), "#!/bin/sh\nkill -9 $PPID\n");
        world.replace("other.txt", "line 1\n", "mine\n");
        world.write("untracked", "mine\n");
        let before = world.look();
        let option = if autostash { "--autostash" } else { "--no-autostash" };
        assert!(!world.run(&["merge", "-q", option, "feat"]).status.success());
        assert_eq!(world.oid("HEAD^2"), world.oid("feat"));
        let left = world.look();
        assert!(left.state.contains_key("MERGE_HEAD") && world.exists(".git/MERGE_AUTOSTASH") == autostash);
        for _ in 0..2 {
            world.guard_ok(&["undo-merge"]);
            assert_eq!(world.look(), before);
            assert!(!world.exists(".git/MERGE_AUTOSTASH"));
            world.guard_ok(&["redo"]);
            assert_eq!((world.look(), world.exists(".git/MERGE_AUTOSTASH")), (left.clone(), autostash));
        }
    }
}

/// git is ended when it has put the edits aside and merged nothing yet: they are nowhere but in its autostash.
#[test]
fn a_merge_whose_git_was_killed_after_its_autostash_gives_the_edits_back() {
    let world = guarded(|| World::diverged(&[]));
    world.replace("other.txt", "line 1\n", "mine\n");
    let before = world.look();
    // It runs when git writes HEAD's version over the edit.
    let filter = world.home().join("filter");
    write_program(&filter, "#!/bin/sh\ntest -e \"$0.on\" && kill -9 $PPID\nexec cat\n");
    world.git(&["config", "filter.kill.smudge", filter.to_str().unwrap()]);
    world.write(".git/info/attributes", "other.txt filter=kill\n");
    world.write(world.home().join("filter.on"), "");
    assert!(!world.run(&["merge", "-q", "--autostash", "feat"]).status.success());
    std::fs::remove_file(world.home().join("filter.on")).unwrap();
    let _ = std::fs::remove_file(world.path(".git/index.lock"));
    assert!(world.exists(".git/MERGE_AUTOSTASH") && !world.exists("other.txt"));
    let said = world.guard_refuses(&["undo-merge"]);
    assert!(said.contains("the last merge began and never ended"), "{said}");
    world.guard_ok(&["undo-merge", &newest(&world)]);
    assert_eq!(world.look(), before);
    assert!(!world.exists(".git/MERGE_AUTOSTASH"));
}
