//! U25: large files and many of them: budgets hold, what is left out is listed, and undo never touches what was not saved.

use std::ffi::OsStr;

use super::journal::{guarded, log};
use super::world::{World, lines};

/// A terabyte that takes no room: whoever reads it does not come back.
fn endless(world: &World, path: &str) {
    let file = std::fs::OpenOptions::new().write(true).create_new(true).open(world.path(path)).unwrap();
    file.set_len(1 << 40).unwrap();
}

fn size(world: &World, path: &str) -> u64 {
    std::fs::metadata(world.path(path)).unwrap().len()
}

/// `feat` brings `data.bin`, which is ignored here.
fn ignoring() -> World {
    let world = World::with_feature(&[]);
    world.git(&["checkout", "-q", "feat"]);
    world.write("data.bin", "of feat\n");
    world.commit("data");
    world.git(&["checkout", "-q", "main"]);
    world.write(".git/info/exclude", "*.bin\n");
    world.guard_ok(&["install"]);
    world
}

/// U25: the merge would write over a file that is too large to be saved: it is refused, and the file not read. Allowed, it is
/// named, before and afterwards; the undo
/// leaves that path alone and does the rest.
#[test]
fn u25_a_file_too_large_to_be_saved_is_named_and_left_alone() {
    let world = ignoring();
    endless(&world, "data.bin");
    let before = world.oid("HEAD");
    let output = world.run(&["merge", "-q", "feat"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("the merge would destroy 'data.bin'"), "{said}");
    assert_eq!((world.oid("HEAD"), world.exists("new.txt"), size(&world, "data.bin")), (before, false, 1 << 40));
    world.guard_ok(&["allow", "ignored-overwritten", "data.bin", "--reason", "it can be made again"]);
    let output = world.run(&["merge", "-q", "feat"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("'data.bin'"), "{said}");
    assert_eq!(world.text("data.bin"), "of feat\n", "git wrote over it");
    let merge = &log(&world)[0];
    assert_eq!(
        merge["intent"]["saved"]["unsaved"].to_string(),
        r#"[{"path":"data.bin","why":"larger than max_file"}]"#
    );
    assert_eq!(merge["partial"], true);
    let id = merge["id"].as_str().unwrap();
    let said = world.guard_refuses(&["restore", "data.bin", "--from", id]);
    assert!(said.contains("'data.bin' was not saved then: larger than max_file"), "{said}");
    let after = world.look();
    let text = world.guard_ok(&["undo-merge"]);
    assert!(text.contains("note: 'data.bin' was not saved before the merge (larger than max_file)"), "{text}");
    assert_eq!(world.text("data.bin"), "of feat\n");
    assert!(!world.exists("new.txt") && world.git(&["status", "--porcelain"]).is_empty());
    world.guard_ok(&["redo"]);
    assert_eq!(world.look(), after);
}

/// A tracked file over the limit that nobody touched comes back from git, whatever its size; an edited one is kept by git.
#[test]
fn a_clean_file_over_the_limit_is_undone_like_any_other() {
    let world = World::new(&[]);
    world.write(".recoveryguard.toml", "version = 1\n[snapshot]\nmax_file = 10\n");
    world.write("large.txt", lines(20));
    world.commit("base");
    world.git(&["checkout", "-q", "-b", "feat"]);
    world.write("large.txt", lines(20).replace("line 2\n", "line 2 of feat\n"));
    world.commit("feat");
    world.git(&["checkout", "-q", "main"]);
    world.write("other.txt", "main\n");
    world.commit("main");
    world.guard_ok(&["install"]);
    let before = world.look();
    world.git(&["merge", "-q", "feat"]);
    assert_eq!(log(&world)[0]["partial"], false);
    world.guard_ok(&["undo-merge"]);
    assert_eq!(world.look(), before);
}

/// U25: an endless file beside it all. No merge, undo, redo or restore looks into it.
#[test]
fn u25_an_endless_file_is_never_read() {
    let world = guarded(|| World::diverged(&[]));
    endless(&world, "untracked.img");
    world.write(".git/info/exclude", "ignored.img\n");
    endless(&world, "ignored.img");
    world.git(&["merge", "-q", "feat"]);
    assert_eq!(log(&world)[0]["partial"], false, "the merge has nothing to do with it");
    for command in [&["undo-merge"][..], &["redo"], &["restore", "a.txt", "--from", "HEAD^"], &["restore", "--undo"]] {
        world.guard_ok(command);
        let unsaved = log(&world)[0]["intent"]["saved"]["unsaved"].to_string();
        assert_eq!(unsaved, r#"[{"path":"untracked.img","why":"larger than max_file"}]"#, "{command:?}");
    }
    assert_eq!((size(&world, "untracked.img"), size(&world, "ignored.img")), (1 << 40, 1 << 40));
}

/// The commands that git and guard start during a merge, in their order.
fn commands(world: &World) -> Vec<String> {
    let trace = world.home().join("trace");
    let mut merge = world.command(OsStr::new("git"), &world.top);
    let output = merge.args(["merge", "-q", "feat"]).env("GIT_TRACE", &trace).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = std::fs::read_to_string(trace).unwrap();
    let words = text.lines().filter_map(|line| line.split("trace: built-in: git ").nth(1)?.split(' ').next());
    words.map(str::to_owned).collect()
}

/// U25: what is not tracked does not make a merge do more: it starts the same commands, none of them a scan, and saves
/// nothing.
#[test]
fn u25_many_untracked_files_make_a_merge_do_nothing_more() {
    let without = guarded(|| World::diverged(&[]));
    let with = guarded(|| World::diverged(&[]));
    for number in 0..20_000 {
        with.write(format!("build/{}/{number}", number % 50), "");
    }
    let (without, with_them) = (commands(&without), commands(&with));
    assert!(with_them.contains(&"merge".to_owned()), "{with_them:?}");
    assert_eq!(with_them, without);
    assert!(!with_them.iter().any(|word| word == "status"), "{with_them:?}");
    assert!(!with.git_dir().join("recoveryguard/store.git").exists());
    let merge = &log(&with)[0];
    assert_eq!((&merge["kind"], &merge["partial"]), (&"merge".into(), &false.into()));
    // The undo lists them by their folder and leaves them.
    with.guard_ok(&["undo-merge"]);
    assert_eq!(std::fs::read_dir(with.path("build")).unwrap().count(), 50);
    assert!(with.exists("build/49/19999") && !with.exists("new.txt"));
    with.guard_ok(&["redo"]);
    assert!(with.exists("build/49/19999") && with.exists("new.txt"));
}
