//! U18: no byte that was saved before it was committed leaves the repository with what git sends or copies.

use std::ffi::OsStr;
use std::path::Path;

use super::journal::guarded;
use super::world::{World, lines};
use crate::support::ORT;

/// What is only on disk, or only saved.
const SECRETS: [&str; 7] = [
    "ignored-secret",
    "edited-secret",
    "later-secret",
    "untracked-secret",
    "half-resolved-secret",
    "autostash-secret",
    "restored-secret",
];

/// Makes guard save each of them; `None` where git does not write over an ignored file.
fn saved() -> Option<World> {
    if !ORT.is_needed_here() {
        return None;
    }
    let world = guarded(|| World::with_feature(&[]));
    world.write(".git/info/exclude", "new.txt\n");
    // Written over by a merge, and brought back.
    world.write("new.txt", "ignored-secret\n");
    world.git(&["merge", "-q", "feat"]);
    world.guard_ok(&["undo-merge"]);
    world.guard_ok(&["redo"]);
    // Beside an undo, and in a file that it changes.
    world.replace("other.txt", "line 1\n", "edited-secret\n");
    world.replace("a.txt", "line 18\n", "later-secret\n");
    world.write("untracked.txt", "untracked-secret\n");
    world.guard_ok(&["undo-merge"]);
    // In a merge that is given up.
    world.git(&["stash", "-q", "-u"]);
    world.git(&["stash", "drop", "-q"]);
    world.replace("a.txt", "line 2\n", "line 2 of main\n");
    world.commit("main");
    world.replace("staged.txt", "line 1\n", "autostash-secret\n");
    assert!(!world.run(&["merge", "-q", "--autostash", "feat"]).status.success());
    world.write("a.txt", "half-resolved-secret\n");
    world.guard_ok(&["undo-merge"]);
    world.write("run.sh", "restored-secret\n");
    world.guard_ok(&["restore", "run.sh", "--from", "HEAD"]);
    world.write("run.sh", "restored-secret\n");
    Some(world)
}

/// The contents of every object that a repository has, reachable or not.
fn objects(world: &World, git_dir: &Path) -> String {
    let mut git = world.command(OsStr::new("git"), git_dir);
    let all = ["cat-file", "--batch-all-objects", "--batch", "--buffer"];
    let output = git.args(["--git-dir", "."]).args(all).output().unwrap();
    assert!(output.status.success());
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn found_in(text: &str) -> Vec<&'static str> {
    SECRETS.into_iter().filter(|secret| text.contains(secret)).collect()
}

#[test]
fn u18_what_was_saved_stays_here() {
    let Some(world) = saved() else { return };
    let at = |name: &str| world.home().join(name).to_str().unwrap().to_owned();
    let (pushed, cloned, bundle, opened) = (at("pushed"), at("cloned"), at("bundle"), at("opened"));
    // The search finds what is there: in the store, or packed in it.
    let store = world.git_dir().join("recoveryguard/store.git");
    let mut kept = objects(&world, &store);
    for (path, (_, bytes)) in world.look().files {
        kept.push_str(&format!("{}: {}", path.display(), String::from_utf8_lossy(&bytes)));
    }
    for secret in SECRETS {
        assert!(kept.contains(secret), "{secret} was saved");
    }
    world.git(&["init", "-q", "--bare", &pushed]);
    world.git(&["push", "-q", "--mirror", &pushed]);
    // Whatever refs reach, and by links to the whole folder of objects.
    world.git(&["clone", "-q", "--mirror", "--no-local", ".", &cloned]);
    world.git(&["bundle", "create", "-q", &bundle, "--all"]);
    world.git(&["clone", "-q", "--mirror", &bundle, &opened]);
    for place in [pushed, cloned, opened] {
        assert_eq!(found_in(&objects(&world, Path::new(&place))), [""; 0], "in {place}");
        let refs = world.git(&["--git-dir", &place, "for-each-ref", "--format=%(refname)"]);
        assert!(!refs.contains("snapshot"), "{refs}");
    }
    let shown = world.git(&["log", "--all", "-p", "-m", "--format=%H"]);
    assert_eq!(found_in(&shown), [""; 0]);
}

/// What was never handed to git is in no object of the repository's at all, so not even a copy of `.git/objects` has it.
#[test]
fn u18_what_git_never_had_is_not_among_its_objects() {
    let Some(world) = saved() else { return };
    let there = objects(&world, &world.git_dir());
    // git's own stashes took two of them for a while, and the autostash a third.
    let theirs = ["edited-secret", "later-secret", "untracked-secret", "autostash-secret"];
    let ours: Vec<_> = found_in(&there).into_iter().filter(|secret| !theirs.contains(secret)).collect();
    assert_eq!(ours, [""; 0]);
    world.git(&["reflog", "expire", "--expire=now", "--all"]);
    world.git(&["gc", "-q", "--prune=now"]);
    assert_eq!(found_in(&objects(&world, &world.git_dir())), [""; 0]);
}

/// Our refs hold only commits that were a branch's tip, and no reflog of a stash's.
#[test]
fn u18_our_refs_hold_tips_of_branches_only() {
    let Some(world) = saved() else { return };
    world.git(&["checkout", "-q", "-b", "work"]);
    world.write("work.txt", lines(3));
    world.git(&["add", "work.txt"]);
    world.git(&["commit", "-q", "-m", "work"]);
    world.git(&["reset", "-q", "--hard", "HEAD^"]);
    let mut tips: Vec<String> = Vec::new();
    for name in ["main", "feat", "work"] {
        tips.extend(world.git(&["log", "-g", "--format=%H", name]).lines().map(str::to_owned));
    }
    let ours = world.git(&["for-each-ref", "--format=%(objectname)", "refs/recoveryguard/"]);
    assert!(!ours.is_empty());
    for commit in ours.lines() {
        assert!(tips.iter().any(|tip| tip == commit), "{commit} was never the tip of a branch");
    }
    let all = world.git(&["for-each-ref", "--format=%(refname)"]);
    let foreign = all
        .lines()
        .filter(|name| !name.starts_with("refs/heads/") && !name.starts_with("refs/recoveryguard/pre-merge/"));
    assert_eq!(foreign.collect::<Vec<_>>(), [""; 0]);
}
