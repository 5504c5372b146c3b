//! What was saved before a merge comes back, wherever the branch went since, and whatever git made of the merge.

use std::os::unix::fs::PermissionsExt;

use super::journal::{guarded, log};
use super::world::World;
use crate::support::ORT;

/// `feat` tracks `.env`; on main it is ignored and holds a secret.
fn secret() -> World {
    guarded(|| {
        let world = World::diverged(&[]);
        world.git(&["checkout", "-q", "feat"]);
        world.write(".env", "theirs\n");
        world.git(&["add", "-f", ".env"]);
        world.commit("env");
        world.git(&["checkout", "-q", "main"]);
        world.write(".git/info/exclude", ".env\n");
        world.write(".env", "secret\n");
        world.chmod(".env", 0o600);
        world
    })
}

fn bits(world: &World, path: &str) -> u32 {
    std::fs::metadata(world.path(path)).unwrap().permissions().mode() & 0o777
}

/// A file that only its owner could read does not come back for everybody.
#[test]
fn permissions_of_an_untracked_file_come_back() {
    if !ORT.is_needed_here() {
        return;
    }
    let world = secret();
    world.git(&["merge", "-q", "feat"]);
    assert_ne!(bits(&world, ".env"), 0o600, "git wrote a new file");
    world.guard_ok(&["undo-merge"]);
    assert_eq!((world.text(".env").as_str(), bits(&world, ".env")), ("secret\n", 0o600));
    world.write(".env", "newer\n");
    let id = log(&world)[1]["id"].as_str().unwrap().to_owned();
    world.guard_ok(&["restore", ".env", "--from", &id]);
    assert_eq!((world.text(".env").as_str(), bits(&world, ".env")), ("secret\n", 0o600));
}

/// The journal knows what was saved also when the branch was left or renamed, or the commit made again.
#[test]
fn what_was_saved_comes_back_wherever_the_merge_is_now() {
    if !ORT.is_needed_here() {
        return;
    }
    let ways: [&[&[&str]]; 4] = [
        &[&["merge", "-q", "feat"], &["switch", "-q", "-c", "other"]],
        &[&["merge", "-q", "feat"], &["branch", "-m", "trunk"]],
        &[&["merge", "-q", "feat"], &["commit", "-q", "--amend", "-m", "in other words"]],
        &[&["merge", "-q", "--squash", "feat"], &["commit", "-q", "-m", "squashed"]],
    ];
    for commands in ways {
        let world = secret();
        for command in commands {
            world.git(command);
        }
        assert_eq!(world.text(".env"), "theirs\n");
        let said = world.guard_ok(&["undo-merge"]);
        assert_eq!(world.text(".env"), "secret\n", "{commands:?}: {said}");
        assert!(!said.contains("not saved") && !said.contains("not in the journal"), "{said}");
        world.guard_ok(&["redo"]);
        assert_eq!(world.text(".env"), "theirs\n");
    }
}

/// A folder of ignored files gives way to a file, an ignored file to a folder.
#[test]
fn files_that_gave_way_to_a_folder_or_a_file_come_back() {
    if !ORT.is_needed_here() {
        return;
    }
    for (mine, theirs) in [(&["out/1", "out/deep/2"][..], "out"), (&["out"], "out/1"), (&["out"], "out/deep/1")] {
        let world = guarded(|| {
            let world = World::diverged(&[]);
            world.git(&["checkout", "-q", "feat"]);
            world.write(theirs, "theirs\n");
            world.git(&["add", "-f", theirs]);
            world.commit("out");
            world.git(&["checkout", "-q", "main"]);
            world.write(".git/info/exclude", "/out\n");
            for path in mine {
                world.write(path, "mine\n");
            }
            world
        });
        let before = world.look();
        world.git(&["merge", "-q", "feat"]);
        assert_eq!(world.text(theirs), "theirs\n");
        let after = world.look();
        world.guard_ok(&["undo-merge"]);
        assert_eq!(world.look(), before, "{mine:?} and {theirs}");
        world.guard_ok(&["redo"]);
        assert_eq!(world.look(), after, "{mine:?} and {theirs}");
    }
}

/// More files than are looked at: git would remove them, and they could not be saved.
#[test]
fn a_folder_of_too_many_ignored_files_is_not_given_up() {
    let world = guarded(|| {
        let world = World::diverged(&[]);
        world.git(&["checkout", "-q", "feat"]);
        world.write("out", "theirs\n");
        world.commit("out");
        world.git(&["checkout", "-q", "main"]);
        world.write(".git/info/exclude", "/out\n");
        for number in 0..2001 {
            world.write(format!("out/{number}"), "mine\n");
        }
        world
    });
    let before = world.look();
    let output = world.run(&["merge", "-q", "feat"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("the merge would destroy 'out'"), "{said}");
    assert_eq!(world.look(), before);
}

/// In a shallow clone nothing can be foreseen; what the other side may write over is saved all the same.
#[test]
fn what_may_be_in_the_way_of_a_merge_that_cannot_be_judged_is_saved() {
    if !ORT.is_needed_here() {
        return;
    }
    let full = secret();
    let world = World::new(&[]);
    let url = format!("file://{}", full.top.display());
    world.git(&["fetch", "-q", "--depth=1", &url, "main:main", "feat:feat", "--update-head-ok"]);
    world.git(&["reset", "-q", "--hard"]);
    world.write(".git/info/exclude", ".env\n");
    world.write(".env", "secret\n");
    world.guard_ok(&["install"]);
    let output = world.run(&["merge", "-q", "-X", "theirs", "--allow-unrelated-histories", "-m", "m", "feat"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("could not judge"), "{said}");
    assert_eq!(world.text(".env"), "theirs\n");
    world.guard_ok(&["undo-merge"]);
    assert_eq!(world.text(".env"), "secret\n");
}

/// A filter that fails makes git stop amid the files: no MERGE_HEAD, no commit, some files of the merge.
#[test]
fn a_merge_that_git_broke_off_is_taken_back() {
    if !ORT.is_needed_here() {
        return;
    }
    let world = secret();
    world.git(&["checkout", "-q", "-b", "earlier"]);
    world.write("earlier.txt", "earlier\n");
    world.commit("earlier");
    world.git(&["checkout", "-q", "main"]);
    world.git(&["merge", "-q", "--no-ff", "-m", "an earlier merge", "earlier"]);
    world.git(&["config", "filter.broken.smudge", "false"]);
    world.git(&["config", "filter.broken.required", "true"]);
    world.write(".git/info/attributes", "new.txt filter=broken\n");
    let before = world.look();
    assert!(!world.run(&["merge", "-q", "feat"]).status.success());
    assert_eq!(world.text(".env"), "theirs\n", "git had begun");
    let broken = world.look();
    assert!(world.guard_refuses(&["undo"]).contains("git broke it off"));
    let said = world.guard_refuses(&["undo-merge"]);
    let id = log(&world)[0]["id"].as_str().unwrap().to_owned();
    assert!(said.contains("git broke it off") && said.contains(&format!("guard undo-merge {id}")), "{said}");
    let said = world.guard(&["doctor"]).out;
    assert!(said.contains("git broke it off") && said.contains(&format!("guard undo-merge {id}")), "{said}");
    assert_eq!(world.look(), broken);
    let said = world.guard_ok(&["undo-merge", &id]);
    assert!(said.contains("the merge was broken off amid the files"), "{said}");
    assert_eq!(world.look(), before);
    assert_eq!(world.text(".env"), "secret\n");
    assert!(!world.guard(&["doctor"]).out.contains("never ended"));
    let said = world.guard_ok(&["undo-merge", "--dry-run"]);
    assert!(!said.contains("broken") && said.contains("would move"), "now the earlier one is meant: {said}");
}

/// A merge that git refuses has changed nothing: what is meant is the merge before it.
#[test]
fn a_merge_that_git_refused_is_not_taken_for_one_that_broke_off() {
    let world = guarded(|| World::diverged(&[]));
    world.git(&["checkout", "-q", "-b", "earlier"]);
    world.write("earlier.txt", "earlier\n");
    world.commit("earlier");
    world.git(&["checkout", "-q", "main"]);
    world.git(&["merge", "-q", "--no-ff", "-m", "an earlier merge", "earlier"]);
    world.replace("a.txt", "line 2\n", "line 2, mine\n");
    assert!(!world.run(&["merge", "-q", "feat"]).status.success());
    world.guard_ok(&["undo-merge"]);
    assert!(!world.exists("earlier.txt"));
    assert!(world.text("a.txt").contains("line 2, mine\n"));
}

#[test]
fn a_submodule_over_a_repository_of_ones_own_writes_over_nothing() {
    let world = guarded(|| {
        let world = World::diverged(&[]);
        world.git(&["checkout", "-q", "feat"]);
        world.git(&["init", "-q", "sub"]);
        world.git(&["-C", "sub", "commit", "-q", "--allow-empty", "-m", "s"]);
        world.git(&["add", "sub"]);
        world.git(&["commit", "-q", "-m", "submodule"]);
        world.git(&["checkout", "-q", "main"]);
        world
    });
    let output = world.run(&["merge", "-q", "-m", "m", "feat"]);
    assert!(output.status.success());
    assert!(!String::from_utf8_lossy(&output.stderr).contains("writes over"), "{output:?}");
}

/// Nothing in git's folder tells of such a merge any more; the printed command gives it up as it stands.
#[test]
fn a_merge_in_conflict_that_was_quit() {
    if !ORT.is_needed_here() {
        return;
    }
    let world = secret();
    world.replace("a.txt", "line 2\n", "line 2 of main\n");
    world.commit("main");
    let before = world.look();
    assert!(!world.run(&["merge", "-q", "feat"]).status.success());
    world.git(&["merge", "--quit"]);
    let left = world.look();
    let id = log(&world)[0]["id"].as_str().unwrap().to_owned();
    let said = world.guard_refuses(&["undo-merge"]);
    assert!(said.contains("'git merge --quit' left its files behind"), "{said}");
    assert!(said.trim_end().ends_with(&format!("hint: guard undo-merge {id}")), "{said}");
    let said = world.guard(&["doctor"]).out;
    assert!(said.contains(&format!("do: guard undo-merge {id}\n")), "{said}");
    assert_eq!(world.look(), left);
    world.guard_ok(&["undo-merge", &id]);
    assert_eq!(world.look(), before);
}

#[test]
fn files_outside_of_a_sparse_checkout() {
    let world = World::new(&[]);
    world.write("in/f", "1\n");
    world.write("out/f", "1\n");
    world.commit("one");
    world.write("out/f", "2\n");
    world.commit("two");
    world.git(&["checkout", "-q", "-b", "feat"]);
    world.write("out/f", "3\n");
    world.commit("three");
    world.git(&["checkout", "-q", "main"]);
    world.write("out/f", "4\n");
    world.commit("four");
    world.guard_ok(&["install"]);
    world.git(&["sparse-checkout", "set", "--no-cone", "/in"]);
    let before = world.look();
    assert!(!world.run(&["merge", "-q", "feat"]).status.success());
    assert!(world.exists("out/f"), "in conflict it is there");
    world.guard_ok(&["undo-merge"]);
    assert_eq!(world.look(), before, "it is gone again, and still skipped");
    world.guard_ok(&["restore", "out/f", "--from", "HEAD~1"]);
    assert_eq!(world.text("out/f"), "2\n", "asked for by name it is put there");
}
