//! Odd paths, types and contents: byte and mode equal after undo.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use super::world::{World, lines};
use crate::support::{ATTR_SOURCE, SPARSE_RULES};

/// Merges a branch that changes things with `change`, and does the round trip.
fn trip(prepare: impl Fn(&World), change: impl Fn(&World)) -> World {
    let world = World::new(&[]);
    world.write("stay", "stay\n");
    prepare(&world);
    world.commit("base");
    world.git(&["checkout", "-q", "-b", "feat"]);
    change(&world);
    world.commit("feat");
    world.git(&["checkout", "-q", "main"]);
    let before = world.look();
    world.git(&["merge", "-q", "feat"]);
    world.round_trip(&before);
    world.guard_ok(&["redo"]);
    world
}

#[test]
fn files_and_folders_take_each_others_place() {
    let file = |world: &World| world.write("swap", "file\n");
    let folder = |world: &World| {
        if world.exists("swap") {
            world.remove("swap");
        }
        world.write("swap/a", "a\n");
        world.write("swap/deep/b", "b\n");
    };
    let back = |world: &World| {
        world.remove("swap");
        world.write("swap", "file\n");
    };
    trip(file, folder);
    trip(folder, back);
}

#[test]
fn links_files_and_folders_take_each_others_place() {
    let link = |world: &World| {
        if world.exists("swap") {
            world.remove("swap");
        }
        world.link("swap", "stay");
    };
    let dangling = |world: &World| {
        world.remove("swap");
        world.link("swap", "../nowhere");
    };
    let folder = |world: &World| {
        world.remove("swap");
        world.write("swap/a", "a\n");
    };
    let file = |world: &World| world.write("swap", "file\n");
    trip(file, link);
    trip(link, dangling);
    trip(link, folder);
    trip(|world| world.write("swap/a", "a\n"), link);
}

#[test]
fn run_bits_come_back() {
    let world = trip(|world| world.write("run", "x\n"), |world| world.chmod("run", 0o755));
    assert_eq!(world.look().files[OsStr::new("run")].0 & 0o100, 0o100);
    trip(
        |world| {
            world.write("run", "x\n");
            world.chmod("run", 0o755);
        },
        |world| {
            world.write("run", "y\n");
            world.chmod("run", 0o644);
        },
    );
}

#[test]
fn odd_names_are_names() {
    let names: [&[u8]; 8] =
        [b"new\nline", b"quo\"te'", b"\xff\xfe", b"-dash", b" blank ", b"tab\t", b"cr\r", b":(top)magic"];
    trip(
        |world| {
            for name in &names[..4] {
                world.write(OsStr::from_bytes(name), lines(3));
            }
        },
        |world| {
            for name in names {
                world.write(OsStr::from_bytes(name), lines(5));
            }
        },
    );
}

/// U23: what git converts on its way out comes back as git writes it.
#[test]
fn converted_contents_come_back_byte_for_byte() {
    let attributes = "*.crlf text eol=crlf\n*.id ident\n*.u16 text working-tree-encoding=UTF-16LE\n";
    let world = trip(
        |world| {
            world.write(".gitattributes", attributes);
            world.write("a.crlf", "one\r\ntwo\r\n");
            world.write("a.id", "$Id$\n");
            world.write("a.u16", b"a\0\n\0");
        },
        |world| {
            world.write("a.crlf", "one\r\ntwo\r\nthree\r\n");
            world.write("a.id", "$Id$\nmore\n");
            world.write("a.u16", b"b\0\n\0");
        },
    );
    world.guard_ok(&["undo-merge"]);
    // Line endings that git would write otherwise are the user's: kept in the saved bytes, back with redo.
    world.guard_ok(&["redo"]);
    world.write("a.crlf", "one\r\ntwo\nthree\r\n");
    let mixed = world.look();
    world.guard_ok(&["undo-merge"]);
    assert_eq!(world.read("a.crlf"), b"one\r\ntwo\r\n");
    world.guard_ok(&["redo"]);
    assert_eq!(world.look().files, mixed.files);
}

/// A merge that changes attributes: each side is written out by its own.
#[test]
fn a_merge_that_brings_attributes_is_undone_by_the_old_ones() {
    if !ATTR_SOURCE.is_needed_here() {
        return;
    }
    trip(
        |world| world.write("a.txt", lines(3)),
        |world| {
            world.write(".gitattributes", "*.txt text eol=crlf\n");
            world.write("a.txt", lines(4));
            world.remove("a.txt");
            world.write("a.txt", lines(4).replace('\n', "\r\n"));
        },
    );
}

#[test]
fn autocrlf_is_respected() {
    let world = World::new(&[]);
    world.git(&["config", "core.autocrlf", "true"]);
    world.write("a.txt", "one\r\n");
    world.commit("base");
    world.git(&["checkout", "-q", "-b", "feat"]);
    world.write("a.txt", "one\r\ntwo\r\n");
    world.commit("feat");
    world.git(&["checkout", "-q", "main"]);
    let before = world.look();
    world.git(&["merge", "-q", "feat"]);
    world.round_trip(&before);
}

/// U5: the merge deleted a file, and since then the user has one of that name.
#[test]
fn a_users_file_where_one_comes_back_is_never_overwritten() {
    let world = World::diverged(&[]);
    world.git(&["merge", "-q", "feat"]);
    world.write("gone.txt", "mine\n");
    let said = world.guard_refuses(&["undo-merge"]);
    assert!(said.contains("gone.txt: a file stands there"), "{said}");
    world.write(".git/info/exclude", "gone.txt\n");
    world.guard_refuses(&["undo-merge"]);
    world.write("gone.txt", "gone\n");
    world.guard_ok(&["undo-merge"]);
    assert_eq!(world.git(&["status", "--porcelain"]), "");
    // A folder of that name. The redo leaves what was there before the undo: the user's file.
    world.guard_ok(&["redo"]);
    world.remove("gone.txt");
    world.write("gone.txt/inside", "mine\n");
    let said = world.guard_refuses(&["undo-merge"]);
    assert!(said.contains("'gone.txt/inside' is in its way"), "{said}");
}

#[test]
fn a_file_where_a_folder_must_be_is_never_overwritten() {
    let world = World::new(&[]);
    world.write("folder/a", "a\n");
    world.commit("base");
    world.git(&["checkout", "-q", "-b", "feat"]);
    world.git(&["rm", "-rq", "folder"]);
    world.git(&["commit", "-q", "-m", "feat"]);
    world.git(&["checkout", "-q", "main"]);
    world.git(&["merge", "-q", "feat"]);
    world.write("folder", "mine\n");
    let said = world.guard_refuses(&["undo-merge"]);
    assert!(said.contains("'folder' stands where its folder must be"), "{said}");
    world.remove("folder");
    world.link("folder", "/tmp");
    world.guard_refuses(&["undo-merge"]);
    world.remove("folder");
    world.write("folder", "staged\n");
    world.git(&["add", "folder"]);
    world.remove("folder");
    let said = world.guard_refuses(&["undo-merge"]);
    assert!(said.contains("'folder' is staged in its way"), "{said}");
}

/// U7: a merged `.gitignore` hides a file; undoing it leaves the file alone.
#[test]
fn a_file_hidden_by_a_merged_gitignore_stays() {
    let world = trip(|_| (), |world| world.write(".gitignore", "hidden\n"));
    world.write("hidden", "mine\n");
    world.guard_ok(&["undo-merge"]);
    assert_eq!(world.text("hidden"), "mine\n");
    assert_eq!(world.git(&["status", "--porcelain"]), "?? hidden");
}

/// U22: a file outside the sparse checkout is not created.
#[test]
fn sparse_checkouts_stay_sparse() {
    for index in ["--no-sparse-index", "--sparse-index"] {
        let world = World::new(&[]);
        for path in ["in/a", "out/a", "out/gone"] {
            world.write(path, lines(3));
        }
        world.commit("base");
        world.git(&["checkout", "-q", "-b", "feat"]);
        for path in ["in/a", "out/a", "out/new"] {
            world.write(path, lines(5));
        }
        world.git(&["rm", "-q", "out/gone"]);
        world.commit("feat");
        world.git(&["checkout", "-q", "main"]);
        world.git(&["sparse-checkout", "set", "--cone", index, "in"]);
        assert!(!world.exists("out"));
        let before = world.look();
        world.git(&["merge", "-q", "feat"]);
        if SPARSE_RULES.is_here() {
            world.round_trip(&before);
        } else {
            let said = world.guard_refuses(&["undo-merge"]);
            assert!(said.contains("this git can't tell which paths are in the sparse checkout"), "{said}");
        }
        assert!(!world.exists("out"));
    }
}

#[test]
fn assume_unchanged_and_skip_worktree_stay() {
    let world = World::diverged(&[]);
    world.git(&["merge", "-q", "feat"]);
    world.git(&["update-index", "--assume-unchanged", "a.txt"]);
    world.git(&["update-index", "--skip-worktree", "run.sh"]);
    world.remove("run.sh");
    let after = world.look();
    world.guard_ok(&["undo-merge"]);
    let index = world.look().index;
    assert!(index.contains("h 100644") && index.contains("\ta.txt"), "{index}");
    assert!(index.lines().any(|line| line.starts_with("S 100644") && line.ends_with("\trun.sh")), "{index}");
    assert!(!world.exists("run.sh"));
    world.guard_ok(&["redo"]);
    assert_eq!(world.look(), after);
}

/// U24: a submodule's entry goes back, its folder is not touched.
#[test]
fn a_submodule_is_not_touched() {
    let world = World::new(&[]);
    let sub = World::new(&[]);
    sub.write("s", "s\n");
    let first = sub.commit("one");
    sub.write("s", "t\n");
    let second = sub.commit("two");
    world.write("stay", "stay\n");
    world.commit("base");
    let add = ["-c", "protocol.file.allow=always", "submodule", "add", "-q", sub.top.to_str().unwrap(), "sub"];
    world.git(&add);
    world.git(&["commit", "-q", "-m", "with sub"]);
    world.git(&["checkout", "-q", "-b", "feat"]);
    world.git(&["update-index", "--cacheinfo", &format!("160000,{first},sub")]);
    world.git(&["commit", "-q", "-m", "rewound"]);
    world.git(&["checkout", "-q", "main"]);
    assert_eq!(world.git(&["rev-parse", ":sub"]), second);
    world.git(&["merge", "-q", "feat"]);
    world.write("sub/dirty", "mine\n");
    let said = world.guard_ok(&["undo-merge"]);
    assert!(said.contains("'sub' is a submodule"), "{said}");
    assert_eq!(world.git(&["rev-parse", ":sub"]), second);
    assert_eq!(world.text("sub/dirty"), "mine\n");
}
