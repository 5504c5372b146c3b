//! Clones without all of history: a check there says the same as in a whole clone, or that it could not; and what it prints then,
//! typed as it stands, is enough.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{Ran, Sandbox};

const MANIFEST: &str =
    "version = 1\n[[protect]]\npaths = [\"*.sh\"]\n[rules]\nmass-delete = { files = 2, percent = 1 }\n";

/// Where branches part and come together at several depths:
///
/// ```text
/// main  base - 1 - 2 - 3            ahead (main, fast-forward): + 3 commits, the second of which deletes a protected file
///              |\
/// feat         | 1 - M - 2          M merges side, which deletes a protected file
/// side          \1 - 2
/// left, right   L1 - L2 (merges R1), R1 - R2 (merges L1): criss-cross; L2 has the deletion
/// ```
fn project() -> Sandbox {
    let sandbox = Sandbox::new();
    let commit = |name: &str| drop(sandbox.write(name, name).commit(name));
    let on = |from: &str, name: &str| drop(sandbox.git(["checkout", "-q", "-b", name, from]).ok());
    let merge = |name: &str| drop(sandbox.git(["merge", "-q", "--no-ff", "-m", "merge", name]).ok());
    sandbox.write(".recoveryguard.toml", MANIFEST);
    for name in ["a.sh", "b.sh", "c.sh", "d.txt"] {
        sandbox.write(name, "#!/bin/sh\n");
    }
    commit("main1");
    on("main", "side");
    commit("side1");
    let _ = sandbox.git(["rm", "-q", "a.sh"]).ok();
    commit("side2");
    on("main", "feat");
    commit("feat1");
    merge("side");
    commit("feat2");
    on("main", "left");
    commit("left1");
    let _ = sandbox.git(["branch", "left1"]).ok();
    on("main", "right");
    commit("right1");
    let _ = sandbox.git(["branch", "right1"]).ok();
    merge("left1");
    commit("right2");
    let _ = sandbox.git(["checkout", "-q", "left"]).ok();
    merge("right1");
    let _ = sandbox.git(["rm", "-q", "b.sh"]).ok();
    commit("left2");
    let _ = sandbox.git(["checkout", "-q", "main"]).ok();
    commit("main2");
    commit("main3");
    on("main", "ahead");
    commit("ahead1");
    let _ = sandbox.git(["rm", "-q", "c.sh"]).ok();
    commit("ahead2");
    commit("ahead3");
    let _ = sandbox.git(["checkout", "-q", "main"]).ok();
    sandbox
}

/// What is asked: a true merge, a fast-forward, ranges, a criss-cross, merges that exist.
const ASKED: [&[&str]; 8] = [
    &["origin/feat", "--into", "origin/main"],
    &["origin/ahead", "--into", "origin/main"],
    &["origin/main..origin/ahead"],
    &["origin/main..origin/feat"],
    &["origin/right", "--into", "origin/left"],
    &["origin/left", "--into", "origin/right"],
    &["--merge", "origin/feat~1"],
    &["--merge", "origin/left~1"],
];

/// Returns the exit code and what was found, or why nothing could be.
fn told(sandbox: &Sandbox, folder: &str, asked: &[&str]) -> (Ran, Vec<String>) {
    let ran = sandbox.guard([&["-C", folder, "check", "--json"], asked].concat());
    let document: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran}"));
    let findings = document["findings"].as_array().cloned().unwrap_or_default();
    let told = findings.iter().map(|found| format!("{} {} {}", found["level"], found["rule"], found["path"]));
    let told = told.collect();
    (ran, told)
}

fn clone(sandbox: &Sandbox, name: &str, more: &[&str]) {
    let url = format!("file://{}", sandbox.work().display());
    let folder = format!("../{name}");
    let _ = sandbox.git([&["clone", "-q"], more, &[&url, &folder]].concat()).ok();
}

/// Returns the command that the first line ends with.
fn command(ran: &Ran) -> String {
    let first = ran.stderr.lines().next().unwrap();
    let at = first.rfind("git fetch").unwrap_or_else(|| panic!("it is not said what to do: {ran}"));
    first[at..].to_owned()
}

/// Types a command as it stands.
fn follow(sandbox: &Sandbox, folder: &str, command: &str) {
    let _ = Ran::of(sandbox.command("sh", &sandbox.at(folder)).args(["-c", command]), b"").ok();
}

#[test]
fn a_shallow_clone_says_what_a_whole_one_says_or_that_it_can_not() {
    let sandbox = project();
    clone(&sandbox, "whole", &[]);
    let expected = ASKED.map(|asked| told(&sandbox, "../whole", asked));
    assert!(expected.iter().filter(|(ran, _)| ran.status == 1).count() > 4, "{}", expected[0].0);
    let mut unjudged = 0;
    for depth in 1..=8 {
        let folder = format!("../depth{depth}");
        clone(&sandbox, &folder[3..], &["--no-single-branch", &format!("--depth={depth}")]);
        let mut open = Vec::new();
        for (asked, (whole, found)) in ASKED.iter().zip(&expected) {
            let (ran, here) = told(&sandbox, &folder, asked);
            if ran.status == whole.status {
                assert_eq!(&here, found, "depth {depth}: {ran}");
            } else {
                // A commit that is not here at all is nobody's name.
                assert!([2, 3].contains(&ran.status), "depth {depth}: {ran}\nwhole: {whole}");
                open.push((asked, whole, found, command(&ran)));
            }
        }
        unjudged += open.len();
        let commands: BTreeSet<&String> = open.iter().map(|(.., command)| command).collect();
        assert!(commands.len() <= 1, "{commands:?}");
        for command in commands {
            follow(&sandbox, &folder, command);
        }
        for (asked, whole, found, _) in &open {
            let (ran, here) = told(&sandbox, &folder, asked);
            assert_eq!((ran.status, &here), (whole.status, *found), "depth {depth}: {ran}");
        }
    }
    assert!(unjudged > 10 && unjudged < 60, "{unjudged}");
}

/// As git clones by itself: one branch only.
#[test]
fn a_clone_of_one_branch_gets_the_others_by_the_command_that_is_printed() {
    let sandbox = project();
    let partial = ["--filter=blob:none", "--depth=2", "--branch=feat"];
    let all = [&["--depth=1", "--branch=feat"][..], &partial, &["--filter=tree:0", "--branch=feat"]];
    // Before git 2.36 a partial clone can't be completed by a fetch.
    let refetches = sandbox.git(["fetch", "-h"]).stdout.contains("--refetch");
    for more in &all[..if refetches { 3 } else { 1 }] {
        let _ = sandbox.git(["config", "uploadpack.allowFilter", "true"]).ok();
        let _ = std::fs::remove_dir_all(sandbox.root().join("one"));
        clone(&sandbox, "one", more);
        let asked = &["origin/feat", "--into", "origin/main"][..];
        let (ran, _) = told(&sandbox, "../one", asked);
        // Without folders it is not even known what the branch holds.
        assert_eq!(ran.status, if more.contains(&"--filter=tree:0") { 3 } else { 2 }, "{ran}");
        follow(&sandbox, "../one", &command(&ran));
        let (mut ran, mut found) = told(&sandbox, "../one", asked);
        if ran.status == 3 {
            // It was partial, too: objects are missing.
            assert!(ran.stderr.contains("--refetch --no-filter"), "{ran}");
            follow(&sandbox, "../one", &command(&ran));
            (ran, found) = told(&sandbox, "../one", asked);
        }
        assert_eq!(ran.status, 1, "{ran}");
        assert!(found.contains(&r#""block" "protected-delete" "a.sh""#.to_owned()), "{found:?}");
    }
}

/// A typing mistake is no reason to fetch.
#[test]
fn a_whole_clone_is_not_told_to_fetch() {
    let sandbox = project();
    let ran = sandbox.guard(["check", "no-such-branch"]).exits(2);
    assert!(!ran.stderr.contains("git fetch"), "{ran}");
}
