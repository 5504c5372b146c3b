//! `guard restore <folder>` of many files: what is good as it stands costs no history, and the others one walk through it.

use std::fs;

use crate::support::{Ran, Sandbox, write_program};

/// More than limit a walk one by one.
const MANY: usize = 40;

fn manifest(more: &str) -> String {
    format!("version = 1\n[[data]]\npaths = ['data/**/*.json']\nrecords = ''\n{more}\n")
}

fn file(number: usize) -> String {
    format!("data/{}/{number}.json", ["a", "b/c"][number % 2])
}

fn records(count: usize, number: usize) -> String {
    format!("{:?}\n", (0..count).map(|at| at * 100 + number).collect::<Vec<_>>())
}

/// Files of which each has its own history, one of them moved.
fn sandbox(more: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    for number in 0..MANY {
        sandbox.write(file(number), records(8, number));
    }
    sandbox.write("data/old.json", records(8, 99)).write(".recoveryguard.toml", manifest(more)).commit("eight");
    let _ = sandbox.git(["mv", "data/old.json", "data/b/new.json"]).ok();
    sandbox.commit("moved");
    for number in 0..MANY {
        sandbox.write(file(number), records(9, number));
    }
    sandbox.write("data/b/new.json", "{").commit("nine");
    sandbox
}

/// Runs guard with a git that notes what it is asked; returns how often that was for history, too.
fn counted(sandbox: &Sandbox, arguments: &[&str]) -> (Ran, usize) {
    let (program, calls) = (sandbox.root().join("bin/git"), sandbox.root().join("calls"));
    let real = fs::read_link(&program).unwrap();
    fs::remove_file(&program).unwrap();
    let script = format!("#!/bin/sh\necho \"$*\" >> '{}'\nexec '{}' \"$@\"\n", calls.display(), real.display());
    write_program(&program, script);
    let ran = sandbox.guard(arguments);
    fs::remove_file(&program).unwrap();
    std::os::unix::fs::symlink(real, &program).unwrap();
    let asked = fs::read_to_string(&calls).unwrap_or_default();
    let _ = fs::remove_file(calls);
    (ran, asked.lines().filter(|line| line.contains(" --full-history ")).count())
}

#[test]
fn what_is_good_costs_no_history_and_the_others_one_walk() {
    let sandbox = sandbox("");
    let _ = sandbox.git(["checkout", "-q", "HEAD~1", "--", "data/b/new.json"]).ok();
    let (told, walks) = counted(&sandbox, &["restore", "data"]);
    assert_eq!((told.ok().stdout.lines().count(), walks), (MANY + 1, 0));
    for number in 0..MANY {
        sandbox.write(file(number), "[");
    }
    let (told, walks) = counted(&sandbox, &["restore", "data"]);
    assert_eq!((told.ok().stdout.matches("came back: ").count(), walks), (MANY, 1));
    for number in 0..MANY {
        assert_eq!(sandbox.read(file(number)), records(9, number).into_bytes(), "{number}");
    }
}

#[test]
fn each_of_many_files_gets_its_own_history_also_from_before_a_move() {
    let sandbox = sandbox("");
    for number in 0..MANY {
        sandbox.write(file(number), "");
    }
    sandbox.commit("empty");
    let (told, walks) = counted(&sandbox, &["restore", "data"]);
    let told = told.ok();
    // The second one is that of the file before it was moved.
    assert_eq!((told.stdout.matches("came back: ").count(), walks), (MANY + 1, 2), "{told}");
    for number in 0..MANY {
        assert_eq!(sandbox.read(file(number)), records(9, number).into_bytes(), "{number}");
    }
    assert_eq!(sandbox.read("data/b/new.json"), records(8, 99).into_bytes());
}

#[test]
fn with_a_bound_for_losses_a_good_file_is_still_compared_with_what_it_was() {
    let sandbox = sandbox("max_loss = '20%'");
    for number in 0..MANY {
        sandbox.write(file(number), records(2, number));
    }
    let _ = sandbox.git(["checkout", "-q", "HEAD~1", "--", "data/b/new.json"]).ok();
    let (told, walks) = counted(&sandbox, &["restore", "data"]);
    let told = told.ok();
    assert_eq!((told.stdout.matches("now: 7 of 9 that the next good version has are gone").count(), walks), (MANY, 2));
    assert_eq!(sandbox.read(file(1)), records(9, 1).into_bytes());
}
