//! In copies beside the repository: what gc may take away without harm, and what may leave it.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::Path;

use serde_json::Value;

use super::MARK;
use super::Play;
use super::guarded::checked;
use super::seen::OURS;

/// Shows a plan, and does exactly that.
pub fn plan(play: &mut Play) -> bool {
    let before = play.seen();
    let command = play.random.pick(&["undo", "undo-merge", "redo"]);
    let said = play.guard(&[command, "--dry-run", "--json"]);
    assert_eq!(play.seen(), before, "a dry run changed something");
    if said.code != 0 {
        assert_eq!(said.code, 4, "{}{}", said.out, said.err);
        return true;
    }
    let planned: Value = serde_json::from_str(&said.out).unwrap();
    let done = checked(play, &["undo", "--plan", planned["plan"].as_str().unwrap()]);
    let done = done.expect("nothing has happened since the plan was shown");
    assert_eq!((&done["paths"], &done["refs"][0]["name"]), (&planned["paths"], &planned["refs"][0]["name"]));
    play.count("plan");
    true
}

/// The same undo, here and in a copy from which everything is gone that nothing but reflogs and time protects.
pub fn undo_after_gc(play: &mut Play) -> bool {
    let command = play.random.pick(&["undo", "undo-merge", "redo"]);
    let said = play.guard(&[command, "--dry-run", "--json"]);
    if said.code != 0 {
        return false;
    }
    let planned: Value = serde_json::from_str(&said.out).unwrap();
    let name = planned["plan"].as_str().unwrap();
    let copy = play.world.copy();
    // Not the stash's: its reflog is the list of stashes itself.
    let branches = copy.git_quietly(&["for-each-ref", "--format=%(refname)", "refs/heads/", "refs/remotes/"]);
    let mut expire = vec!["reflog", "expire", "--expire=now", "--expire-unreachable=now", "HEAD"];
    expire.extend(branches.lines());
    for arguments in [&expire[..], &["gc", "-q", "--prune=now"], &["repack", "-q", "-a", "-d"]] {
        copy.git_quietly(arguments);
    }
    let there = copy.guard(&["undo", "--plan", name, "--json"]);
    assert_eq!(there.code, 0, "after gc, the plan of guard {command}: {}", there.err);
    let there = super::Seen::of(&copy);
    checked(play, &["undo", "--plan", name]).expect("nothing has happened since the plan was shown");
    let differences = there.differences(&play.seen());
    assert!(differences.is_empty(), "after gc guard {command} does something else:\n{}", differences.join("\n"));
    play.count("after gc");
    true
}

/// Nothing that was not committed is in any object of what leaves the repository.
pub fn nothing_leaks(play: &mut Play) -> bool {
    let home = play.world.home().to_owned();
    let at = |name: &str| home.join(name).to_str().unwrap().to_owned();
    let (pushed, cloned, bundle, opened) = (at("pushed"), at("cloned"), at("bundle"), at("opened"));
    for place in [&pushed, &cloned, &bundle, &opened] {
        let _ = std::fs::remove_dir_all(place);
        let _ = std::fs::remove_file(place);
    }
    play.note_tips();
    let world = &play.world;
    world.git_quietly(&["init", "-q", "--bare", &pushed]);
    world.git_quietly(&["push", "-q", "--no-verify", "--mirror", &pushed]);
    // Not by links to the objects: only what refs reach.
    let source = format!("file://{}", world.top.display());
    world.git_quietly(&["clone", "-q", "--mirror", &source, &cloned]);
    world.git_quietly(&["bundle", "create", "-q", &bundle, "--all"]);
    world.git_quietly(&["clone", "-q", "--mirror", &bundle, &opened]);
    // What may leave: the user's own refs, stash included, and what branches held once.
    let refs = world.git_quietly(&["for-each-ref", "--format=%(refname)"]);
    let allowed: Vec<&str> = refs.lines().filter(|name| !name.starts_with(OURS)).collect();
    let mut list = vec!["rev-list", "--objects", "HEAD"];
    list.extend(&allowed);
    list.extend(play.tips.iter().map(String::as_str).filter(|tip| is_there(play, tip)));
    let allowed = world.git_quietly(&list);
    let allowed: BTreeSet<&str> = allowed.lines().map(|line| line.split(' ').next().unwrap()).collect();
    let shown = world.git_quietly(&["log", "--all", "--format=%H"]);
    for commit in shown.lines() {
        assert!(allowed.contains(commit), "log --all shows {commit}, which was never the tip of a branch");
    }
    let uncommitted = uncommitted(play, &allowed);
    for place in [&pushed, &cloned, &opened] {
        for line in world.git_quietly(&["--git-dir", place, "cat-file", "--batch-all-objects", "--batch-check"]).lines()
        {
            let oid = line.split(' ').next().unwrap();
            assert!(allowed.contains(oid), "{line} is in '{place}' and was never in a branch");
        }
        let everything = contents(play, Path::new(place));
        for mark in &uncommitted {
            assert!(!everything.contains(mark), "'{mark}' was never committed, and is in '{place}'");
        }
    }
    if !uncommitted.is_empty() {
        play.count("nothing leaks");
    }
    true
}

fn is_there(play: &Play, commit: &str) -> bool {
    let mut git = play.world.command(OsStr::new("git"), &play.world.top);
    git.args(["cat-file", "-e", commit]).output().unwrap().status.success()
}

/// Returns the lines of the working tree, of the index and of the store that are in no object that may leave.
fn uncommitted(play: &Play, allowed: &BTreeSet<&str>) -> BTreeSet<String> {
    let git_dir = play.world.top.join(".git");
    let mut text = contents(play, &git_dir);
    let store = git_dir.join("recoveryguard/store.git");
    if store.exists() {
        text.push_str(&contents(play, &store));
    }
    for (_, bytes) in play.seen().files.values() {
        text.push_str(&String::from_utf8_lossy(bytes));
    }
    let marks =
        |text: &str| text.lines().filter(|line| line.contains(MARK)).map(str::to_owned).collect::<BTreeSet<_>>();
    let list: Vec<String> = allowed.iter().map(|oid| (*oid).to_owned()).collect();
    let committed = marks(&batch(play, &git_dir, &list));
    marks(&text).into_iter().filter(|mark| !committed.contains(mark)).collect()
}

/// Returns the contents of all objects of a repository.
fn contents(play: &Play, git_dir: &Path) -> String {
    let list = play.world.git_quietly(&[
        "--git-dir",
        git_dir.to_str().unwrap(),
        "cat-file",
        "--batch-all-objects",
        "--batch-check=%(objectname)",
    ]);
    batch(play, git_dir, &list.lines().map(str::to_owned).collect::<Vec<_>>())
}

fn batch(play: &Play, git_dir: &Path, objects: &[String]) -> String {
    use std::io::Write;
    let mut git = play.world.command(OsStr::new("git"), git_dir);
    git.args(["--git-dir", ".", "cat-file", "--batch"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped());
    let mut child = git.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let lines = objects.join("\n") + "\n";
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}
