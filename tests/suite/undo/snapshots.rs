//! What is saved before something could lose it: where git moves it itself, and before every command of ours.

use std::os::unix::fs::MetadataExt;

use serde_json::Value;

use super::journal::{guarded, log};
use super::world::World;

/// The newest operation of a kind.
fn newest(world: &World, kind: &str) -> Value {
    let found = log(world).into_iter().find(|operation| operation["kind"] == kind);
    found.unwrap_or_else(|| panic!("{} no {kind} in the journal", world.case.get()))
}

fn paths<'v>(operation: &'v Value, list: &str) -> Vec<&'v str> {
    let list = operation["intent"]["saved"][list].as_array();
    let name = |item: &'v Value| item["path"].as_str().or_else(|| item["name"].as_str()).unwrap();
    list.into_iter().flatten().map(name).collect()
}

/// The bytes that plain git finds in the store.
fn stored(world: &World, blob: &Value) -> Vec<u8> {
    let store = world.git_dir().join("recoveryguard/store.git");
    let blob = blob.as_str().unwrap();
    let mut command = world.command("git".as_ref(), &world.top);
    command.arg("--git-dir").arg(store).args(["cat-file", "blob", blob]).output().unwrap().stdout
}

fn saved(world: &World, operation: &Value, list: &str, path: &str) -> Vec<u8> {
    let items = operation["intent"]["saved"][list].as_array().unwrap();
    let item = items.iter().find(|item| item["path"] == path || item["name"] == path);
    stored(world, &item.unwrap_or_else(|| panic!("{path} is not among {items:?}"))["blob"])
}

/// Work of every kind that is not committed, none of it at paths that `feat` touches.
fn dirt(world: &World) {
    world.write("other.txt", "edited\r\n");
    world.write("staged.txt", "staged\n");
    world.git(&["add", "staged.txt"]);
    world.write("staged.txt", "staged, then edited\n");
    world.write("untracked/file", b"\0\xff");
    world.write(".git/info/exclude", "ignored\n");
    world.write("ignored", "ignored\n");
}

const DIRT: [&str; 3] = ["other.txt", "staged.txt", "untracked/file"];

/// Says what must stand in the snapshot of an operation that began with that work.
fn is_whole(world: &World, operation: &Value) {
    let case = world.case.get();
    assert_eq!(paths(operation, "files"), DIRT, "{case}");
    assert_eq!(saved(world, operation, "files", "other.txt"), b"edited\r\n", "{case}");
    assert_eq!(saved(world, operation, "files", "staged.txt"), b"staged, then edited\n", "{case}");
    assert_eq!(saved(world, operation, "files", "untracked/file"), b"\0\xff", "{case}");
    assert_eq!(paths(operation, "staged"), ["staged.txt"], "{case}");
    assert_eq!(saved(world, operation, "staged", "staged.txt"), b"staged\n", "{case}");
    assert_eq!(operation["partial"], false, "{case}");
}

/// Where git puts uncommitted work aside, all of it is saved first; else only what the merge touches, which is nothing here.
#[test]
fn all_that_git_puts_aside_is_saved_before_a_merge() {
    for (case, configured, options, all) in [
        ("--autostash", None, &["--autostash"][..], true),
        ("configured", Some("merge.autoStash"), &[], true),
        ("configured and taken back", Some("merge.autoStash"), &["--no-autostash"], false),
        ("without", None, &[], false),
    ] {
        // Fast-forwards go on beside staged changes; other merges only with an autostash.
        let makes: [fn() -> World; 2] = [|| World::with_feature(&[]), || World::diverged(&[])];
        for make in makes.into_iter().take(if all { 2 } else { 1 }) {
            let world = guarded(make);
            world.case.set(case);
            if let Some(variable) = configured {
                world.git(&["config", variable, "true"]);
            }
            dirt(&world);
            world.git(&[&["merge", "-q"][..], options, &["feat"]].concat());
            let merge = newest(&world, "merge");
            if all {
                is_whole(&world, &merge);
            } else {
                assert_eq!(paths(&merge, "files"), [""; 0], "{case}");
                assert!(
                    !world.git_dir().join("recoveryguard/store.git").exists(),
                    "{case}: nothing was scanned or saved"
                );
            }
        }
    }
}

/// `scope = "all"` in the manifest: before every merge.
#[test]
fn the_manifest_asks_for_all_of_it() {
    let world = World::with_feature(&[]);
    world.write(".recoveryguard.toml", "version = 1\n[snapshot]\nscope = \"all\"\n");
    world.commit("manifest");
    world.guard_ok(&["install"]);
    world.git(&["checkout", "-q", "-b", "third", "HEAD^"]);
    world.write("third.txt", "third\n");
    world.commit("third");
    world.git(&["checkout", "-q", "main"]);
    dirt(&world);
    world.git(&["reset", "-q"]);
    world.git(&["merge", "-q", "third"]);
    let merge = newest(&world, "merge");
    assert_eq!(paths(&merge, "files"), DIRT);
    assert_eq!(paths(&merge, "staged"), [""; 0]);
}

/// A snapshot neither locks the index nor writes it anew (U21).
#[test]
fn u21_a_snapshot_leaves_the_index_alone() {
    let world = guarded(|| World::diverged(&[]));
    world.write(".recoveryguard.toml", "version = 1\n[snapshot]\nscope = \"all\"\n");
    world.commit("manifest");
    world.write("hook-ran", "");
    let file = world.git_dir().join("index");
    // A gate that refuses: git itself has not begun, so whatever changes the index was us.
    world.write(
        ".recoveryguard.toml",
        "version = 1\n[snapshot]\nscope = \"all\"\n[[protect]]\npaths = [\"gone.txt\"]\n",
    );
    world.commit("protect");
    world.write("other.txt", "edited\n");
    // Times that git would write down again if it refreshed.
    world.write("a.txt", world.text("a.txt"));
    let index = || {
        let metadata = file.metadata().unwrap();
        (std::fs::read(&file).unwrap(), metadata.ino(), metadata.mtime_nsec())
    };
    let before = index();
    let lock = world.git_dir().join("index.lock");
    std::fs::write(&lock, "an editor is at it").unwrap();
    let output = world.run(&["merge", "-q", "feat"]);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("[protected-delete]"), "{output:?}");
    assert_eq!(index(), before);
    std::fs::remove_file(&lock).unwrap();
    assert_eq!(paths(&newest(&world, "merge"), "files"), ["other.txt"]);
}

/// A rebase: what its autostash took, and an ignored file that it writes over.
#[test]
fn what_a_rebase_moves_is_saved_before_it() {
    let world = guarded(|| World::diverged(&[]));
    world.git(&["checkout", "-q", "-b", "work"]);
    world.write("work.txt", "work\n");
    world.commit("work");
    dirt(&world);
    world.write(".git/info/exclude", "ignored\nnew.txt\n");
    world.write("new.txt", "mine\n");
    let before = world.look();
    world.git(&["rebase", "-q", "--autostash", "feat"]);
    assert_eq!(world.text("new.txt"), "new\n", "git wrote over it");
    let rebase = newest(&world, "rebase");
    assert_eq!(rebase["state"], "done");
    let mut files = paths(&rebase, "files");
    files.sort_unstable();
    assert_eq!(files, ["new.txt", "other.txt", "staged.txt", "untracked/file"]);
    assert_eq!(saved(&world, &rebase, "files", "other.txt"), b"edited\r\n");
    assert_eq!(saved(&world, &rebase, "staged", "staged.txt"), b"staged\n");
    world.guard_ok(&["undo"]);
    let after = world.look();
    assert_eq!((&after.head, &after.refs), (&before.head, &before.refs));
    assert_eq!(after.files, before.files, "the ignored file is back, everything else too");
}

/// A rebase that goes back to its base first, and there writes over a file that the branch had stopped tracking.
#[test]
fn what_a_rebase_onto_its_base_writes_over_is_saved() {
    for words in
        [&["rebase", "-q", "-f", "--keep-base", "feat"][..], &["rebase", "-q", "-f", "--onto", "feat...", "feat"]]
    {
        let world = guarded(|| World::diverged(&[]));
        world.git(&["checkout", "-q", "-b", "work"]);
        world.git(&["rm", "-q", "gone.txt"]);
        world.commit("not tracked any more");
        world.write(".git/info/exclude", "gone.txt\n");
        world.write("gone.txt", "mine\n");
        world.git(words);
        assert!(!world.exists("gone.txt"), "git wrote over it, and took it away");
        let rebase = newest(&world, "rebase");
        assert_eq!(paths(&rebase, "files"), ["gone.txt"], "{words:?}");
        assert_eq!(saved(&world, &rebase, "files", "gone.txt"), b"mine\n");
    }
}

/// One that is given up is closed when the next begins; one with nothing uncommitted leaves no trace until its branch moves.
#[test]
fn a_rebase_that_was_given_up_is_closed() {
    let world = guarded(|| World::with_feature(&[]));
    world.replace("a.txt", "line 2\n", "line 2 of main\n");
    world.commit("main");
    assert!(!world.run(&["rebase", "-q", "feat"]).status.success());
    world.git(&["rebase", "--abort"]);
    assert!(log(&world).iter().all(|operation| operation["kind"] != "rebase"), "{:#?}", log(&world));
    world.write("untracked", "mine\n");
    for _ in 0..2 {
        assert!(!world.run(&["rebase", "-q", "feat"]).status.success());
        world.git(&["rebase", "--abort"]);
    }
    let states: Vec<Value> = log(&world)
        .into_iter()
        .filter(|operation| operation["kind"] == "rebase")
        .map(|operation| operation["state"].clone())
        .collect();
    assert_eq!(states, ["open", "abandoned"]);
}

/// Before a command of ours changes files, everything uncommitted is saved, also what it does not touch.
#[test]
fn all_is_saved_before_a_command_of_ours() {
    let world = guarded(|| World::diverged(&[]));
    world.git(&["merge", "-q", "feat"]);
    dirt(&world);
    world.guard_ok(&["undo-merge"]);
    is_whole(&world, &newest(&world, "undo"));
    world.guard_ok(&["redo"]);
    is_whole(&world, &newest(&world, "redo"));
    world.guard_ok(&["restore", "a.txt", "--from", "main~1"]);
    assert_eq!(paths(&newest(&world, "restore"), "files"), [&["a.txt"][..], &DIRT].concat());
    // One file of it comes back from there.
    let undo = newest(&world, "undo")["id"].as_str().unwrap().to_owned();
    world.remove("untracked");
    world.guard_ok(&["restore", "untracked/file", "--from", &undo]);
    assert_eq!(world.read("untracked/file"), b"\0\xff");
}

/// A half-resolved conflict: git's own files are in the snapshot, and all stages can be brought back after a collection.
#[test]
fn u14_a_given_up_merge_comes_back_after_a_collection() {
    let world = guarded(|| World::with_feature(&[]));
    world.replace("a.txt", "line 2\n", "line 2 of main\n");
    world.commit("main");
    assert!(!world.run(&["merge", "-q", "feat"]).status.success());
    world.write("half.txt", "staged in the middle\n");
    world.git(&["add", "half.txt"]);
    world.write("half.txt", "and edited\n");
    let merging = world.look();
    world.guard_ok(&["undo-merge"]);
    let undo = newest(&world, "undo");
    let state = paths(&undo, "state");
    assert!(state.contains(&"MERGE_HEAD") && state.contains(&"MERGE_MSG"), "{state:?}");
    world.git(&["reflog", "expire", "--expire=now", "--all"]);
    world.git(&["gc", "-q", "--prune=now"]);
    world.guard_ok(&["redo"]);
    assert_eq!(world.look(), merging);
    world.git(&["fsck", "--strict", "--no-dangling"]);
}

/// A version that only the index had survives undo, a collection and redo.
#[test]
fn u17_a_staged_version_outlives_a_collection() {
    for options in [&[][..], &["--object-format=sha256"]] {
        let world = guarded(|| World::diverged(options));
        world.git(&["merge", "-q", "feat"]);
        world.replace("a.txt", "line 18\n", "line 18, staged\n");
        world.git(&["add", "a.txt"]);
        world.replace("a.txt", "line 18, staged\n", "line 18, edited\n");
        let merged = world.look();
        world.guard_ok(&["undo-merge"]);
        world.git(&["reflog", "expire", "--expire=now", "--all"]);
        world.git(&["gc", "-q", "--prune=now"]);
        world.guard_ok(&["redo"]);
        assert_eq!(world.look(), merged);
        world.git(&["fsck", "--strict", "--no-dangling"]);
    }
}

/// What the user's configuration adds to `git status` is no reason to save nothing.
#[test]
fn a_stash_shown_by_status_is_no_obstacle() {
    let world = guarded(|| World::diverged(&[]));
    world.git(&["config", "status.showStash", "true"]);
    world.git(&["config", "status.branch", "true"]);
    world.write("other.txt", "put aside\n");
    world.git(&["stash", "-q"]);
    world.git(&["merge", "-q", "feat"]);
    dirt(&world);
    world.guard_ok(&["undo-merge"]);
    is_whole(&world, &newest(&world, "undo"));
}

/// A merge whose conflict is larger than the budget is given up all the same: nothing of it would be lost.
#[test]
fn a_small_budget_keeps_no_merge_from_being_given_up() {
    let world = World::with_feature(&[]);
    world.write(".recoveryguard.toml", "version = 1\n[snapshot]\nmax_total = 100\n");
    world.replace("a.txt", "line 2\n", "line 2 of main\n");
    world.commit("main");
    world.guard_ok(&["install"]);
    let before = world.look();
    assert!(!world.run(&["merge", "-q", "feat"]).status.success());
    let merging = world.look();
    world.guard_ok(&["undo-merge"]);
    assert_eq!(world.look(), before);
    world.guard_ok(&["redo"]);
    assert_eq!(world.look(), merging);
}

/// U24, U25: what is not saved is listed, and an undo goes on beside it.
#[test]
fn u25_what_does_not_fit_is_listed() {
    let world = World::diverged(&[]);
    world.write(".recoveryguard.toml", "version = 1\n[snapshot]\nmax_file = \"1 KiB\"\nmax_total = \"2 KiB\"\n");
    world.commit("manifest");
    world.guard_ok(&["install"]);
    world.git(&["merge", "-q", "feat"]);
    std::fs::create_dir(world.path("nested")).unwrap();
    world.git(&["init", "-q", "nested"]);
    world.write("nested/file", "not ours\n");
    world.write("large", vec![b'x'; 2000]);
    for number in 0..4 {
        world.write(format!("small-{number}"), vec![b'x'; 800]);
    }
    let files = world.look().files;
    world.guard_ok(&["undo-merge"]);
    let undo = newest(&world, "undo");
    assert_eq!(paths(&undo, "files"), ["small-0", "small-1"]);
    assert_eq!(undo["partial"], true);
    let why = undo["intent"]["saved"]["unsaved"].as_array().unwrap();
    let why: Vec<String> = why
        .iter()
        .map(|file| format!("{}: {}", file["path"].as_str().unwrap(), file["why"].as_str().unwrap()))
        .collect();
    assert_eq!(
        why,
        [
            "large: larger than max_file",
            "small-2: over max_total",
            "small-3: over max_total",
            "nested/: nested repository"
        ]
    );
    let text = world.guard_ok(&["show", undo["id"].as_str().unwrap()]);
    assert!(text.contains("undo (done; not all was saved)"), "{text}");
    for (path, file) in &files {
        let name = path.to_str().unwrap();
        if name.starts_with("nested") || name.starts_with("small") || name == "large" {
            assert_eq!(world.look().files.get(path), Some(file), "{name}");
        }
    }
}

/// U25: twenty thousand files that git does not track.
#[test]
fn u25_many_untracked_files_are_listed_by_folder() {
    let world = guarded(|| World::diverged(&[]));
    world.git(&["merge", "-q", "feat"]);
    for number in 0..20_000 {
        world.write(format!("build/{}/{number}", number % 100), "");
    }
    world.write("other.txt", "edited\n");
    world.guard_ok(&["undo-merge"]);
    let undo = newest(&world, "undo");
    assert_eq!(saved(&world, &undo, "files", "other.txt"), b"edited\n", "what git tracks comes first");
    assert_eq!(paths(&undo, "files").len(), 2000);
    assert_eq!(paths(&undo, "unsaved"), ["build/"]);
    let why = undo["intent"]["saved"]["unsaved"][0]["why"].as_str().unwrap();
    assert_eq!(why, "more than 2000 files (18001 of them)");
}
