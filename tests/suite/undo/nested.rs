//! U24: repositories inside of the repository: their folders are never touched, and what is not covered is named.

use std::path::Path;

use super::journal::{guarded, log};
use super::world::{Files, World, gather, lines};

/// Everything beneath a folder, git's own files included: unlike elsewhere `.git` is read, too.
fn everything(folder: &Path) -> Files {
    let mut files = Files::new();
    gather(folder, folder, &mut files);
    // A submodule's `.git` is a file, a nested repository's a folder.
    let git = folder.join(".git");
    let head = if git.is_dir() { git.join("HEAD") } else { git };
    files.insert(".git".into(), (0, std::fs::read(head).unwrap()));
    files
}

/// The submodule `sub`, with its two commits; `feat` off it.
fn with_submodule() -> (World, String, String) {
    let library = World::new(&[]);
    library.write("code", lines(3));
    let first = library.commit("one");
    library.write("code", lines(4));
    let second = library.commit("two");
    let world = World::new(&[]);
    world.write("stay", "stay\n");
    world.commit("base");
    let url = library.top.to_str().unwrap();
    world.git(&["-c", "protocol.file.allow=always", "submodule", "add", "-q", url, "sub"]);
    world.git(&["commit", "-q", "-m", "with sub"]);
    world.git(&["checkout", "-q", "-b", "feat"]);
    (world, first, second)
}

/// Back on main, with something that makes fast-forwards impossible, guarded.
fn ready(world: &World) {
    world.git(&["commit", "-q", "-m", "feat"]);
    world.git(&["checkout", "-q", "main"]);
    world.write("main.txt", "main\n");
    world.commit("main");
    world.guard_ok(&["install"]);
}

/// U24: a merge moves the submodule and rewinds it; its folder was dirty before, and gets dirtier.
#[test]
fn u24_a_moved_and_dirty_submodule_is_untouched() {
    let (world, first, second) = with_submodule();
    world.git(&["mv", "sub", "lib"]);
    world.git(&["update-index", "--cacheinfo", &format!("160000,{first},lib")]);
    world.git(&["commit", "-q", "-m", "moved"]);
    std::fs::rename(world.path("lib"), world.path("sub")).unwrap();
    world.git(&["reset", "-q", "--hard"]);
    let _ = std::fs::remove_dir_all(world.path("lib"));
    world.git(&["checkout", "-q", "main"]);
    world.write("main.txt", "main\n");
    world.git(&["add", "main.txt"]);
    world.git(&["commit", "-q", "-m", "main"]);
    world.guard_ok(&["install"]);
    world.write("sub/code", "mine\n");
    world.write("sub/untracked", "mine\n");
    let before = (world.look().head, world.look().index, world.text(".gitmodules"));
    world.git(&["merge", "-q", "feat"]);
    assert_eq!(world.git(&["rev-parse", ":lib"]), first);
    world.write("sub/untracked", "mine, later\n");
    let folder = everything(&world.path("sub"));
    let said = world.guard_ok(&["undo-merge"]);
    for name in ["'sub' is a submodule", "'lib' is a submodule"] {
        assert!(said.contains(name), "{said}");
    }
    assert_eq!((world.look().head, world.look().index, world.text(".gitmodules")), before);
    assert_eq!(world.git(&["rev-parse", ":sub"]), second);
    assert_eq!(everything(&world.path("sub")), folder);
    // Since the merge moved it away, to git it is a repository that nobody knows.
    let unsaved = log(&world)[0]["intent"]["saved"]["unsaved"].to_string();
    assert_eq!(unsaved, r#"[{"path":"sub/","why":"nested repository"}]"#);
    world.guard_ok(&["redo"]);
    assert_eq!(world.git(&["rev-parse", ":lib"]), first);
    assert_eq!(everything(&world.path("sub")), folder);
}

/// U24: a merge brings the submodule, and it is filled since: undo takes its entry out and leaves all that is in it.
#[test]
fn u24_a_submodule_that_was_filled_since_stays() {
    let (world, first, _) = with_submodule();
    world.git(&["checkout", "-q", "main"]);
    world.git(&["reset", "-q", "--hard", "HEAD^"]);
    std::fs::remove_dir_all(world.path("sub")).unwrap();
    world.git(&["checkout", "-q", "feat"]);
    world.git(&["update-index", "--cacheinfo", &format!("160000,{first},sub")]);
    ready(&world);
    world.git(&["merge", "-q", "feat"]);
    world.git(&["-c", "protocol.file.allow=always", "submodule", "update", "-q", "--init"]);
    world.write("sub/mine", "mine\n");
    let folder = everything(&world.path("sub"));
    let said = world.guard_ok(&["undo-merge"]);
    assert!(said.contains("'sub' is a submodule: only its entry goes back"), "{said}");
    assert!(!world.look().index.contains("sub"));
    assert_eq!(everything(&world.path("sub")), folder);
    world.guard_ok(&["redo"]);
    assert_eq!(everything(&world.path("sub")), folder);
    assert_eq!(world.git(&["rev-parse", ":sub"]), first);
}

/// U24: somebody's repository that git does not track, beside the merge and where the merge took a folder away.
#[test]
fn u24_a_nested_repository_is_untouched() {
    let world = guarded(|| World::diverged(&[]));
    world.git(&["merge", "-q", "feat"]);
    for place in ["nested", "dir/nested"] {
        world.git(&["init", "-q", place]);
        world.write(format!("{place}/file"), "not ours\n");
        world.git(&["-C", place, "add", "file"]);
        world.git(&["-C", place, "commit", "-q", "-m", "theirs"]);
        world.write(format!("{place}/file"), "not ours, edited\n");
    }
    let folders = ["nested", "dir/nested"].map(|place| everything(&world.path(place)));
    world.guard_ok(&["undo-merge"]);
    assert!(!world.exists("dir/x") && world.exists("gone.txt"));
    assert_eq!(["nested", "dir/nested"].map(|place| everything(&world.path(place))), folders);
    let undo = &log(&world)[0];
    let text = undo["intent"]["saved"]["unsaved"].to_string();
    assert!(text.contains(r#""path":"nested/","why":"nested repository""#), "{text}");
    assert_eq!(undo["partial"], true);
    world.guard_ok(&["redo"]);
    assert_eq!(["nested", "dir/nested"].map(|place| everything(&world.path(place))), folders);
}

/// U24: a nested repository stands where a file has to come back.
#[test]
fn u24_a_nested_repository_in_the_way_is_named() {
    let world = guarded(|| World::diverged(&[]));
    world.git(&["merge", "-q", "feat"]);
    world.git(&["init", "-q", "gone.txt"]);
    let said = world.guard_refuses(&["undo-merge"]);
    assert!(said.contains("gone.txt: 'gone.txt/.git"), "{said}");
}
