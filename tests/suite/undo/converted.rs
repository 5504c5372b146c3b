//! U23: files that git converts on their way in and out: byte and mode are equal after undo, whatever git can tell.

use super::journal::{guarded, log};
use super::world::{World, lines};

/// A filter that keeps what follows `#` out of the repository, so that git can't give it back; `feat` changes the file.
fn lossy() -> World {
    let world = World::new(&[]);
    world.git(&["config", "filter.private.clean", "sed 's/ *#.*//'"]);
    world.git(&["config", "filter.private.smudge", "cat"]);
    world.write(".gitattributes", "*.conf filter=private\n");
    world.write("app.conf", lines(9));
    world.write("other.conf", lines(3));
    world.commit("base");
    world.git(&["checkout", "-q", "-b", "feat"]);
    world.replace("app.conf", "line 2\n", "line 2 of feat\n");
    world.commit("feat");
    world.git(&["checkout", "-q", "main"]);
    world.write("beside.txt", "beside\n");
    world.commit("main");
    world.guard_ok(&["install"]);
    world
}

/// U23: to git the file is clean, so it writes over what only the user has.
#[test]
fn u23_what_a_lossy_filter_hides_comes_back() {
    let world = lossy();
    world.replace("app.conf", "line 9\n", "line 9 # my password\n");
    world.replace("other.conf", "line 1\n", "line 1 # another\n");
    world.git(&["add", "app.conf", "other.conf"]);
    assert_eq!(world.git(&["status", "--porcelain"]), "");
    let before = world.look();
    world.git(&["merge", "-q", "feat"]);
    assert!(!world.text("app.conf").contains("password"), "git wrote over it");
    let after = world.look();
    let saved = &log(&world)[0]["intent"]["saved"]["files"];
    assert_eq!((&saved[0]["path"], saved.as_array().unwrap().len()), (&"app.conf".into(), 1));
    world.guard_ok(&["undo-merge"]);
    assert_eq!(world.look(), before);
    world.guard_ok(&["redo"]);
    assert_eq!(world.look(), after);
    // Added since, and as clean to git: kept for redo, and a conflict for nobody.
    world.replace("app.conf", "line 9\n", "line 9 # and a new one\n");
    world.git(&["add", "app.conf"]);
    let later = world.look();
    world.guard_ok(&["undo-merge"]);
    assert!(world.text("app.conf").contains("line 9 # my password\n"));
    world.guard_ok(&["redo"]);
    assert_eq!(world.look(), later);
}

/// U23: a filter that does not work: refused, nothing changed, and done once it works again.
#[test]
fn u23_a_filter_that_fails_changes_nothing() {
    let world = lossy();
    world.git(&["merge", "-q", "feat"]);
    let before = world.look();
    world.git(&["config", "filter.private.smudge", "false"]);
    world.git(&["config", "filter.private.required", "true"]);
    let said = world.guard(&["undo-merge"]);
    assert!(said.code != 0 && said.err.contains("app.conf"), "{}: {}", said.code, said.err);
    assert_eq!(world.look(), before);
    world.git(&["config", "filter.private.smudge", "cat"]);
    world.guard_ok(&["undo-merge"]);
    assert_eq!(world.text("app.conf"), lines(9));
}

/// U23: line endings of both kinds in one file, under every setting that lets git take it for clean.
#[test]
fn u23_mixed_line_endings_come_back() {
    let settings: [(&str, &[&str], &str); 4] = [
        ("autocrlf=input", &["core.autocrlf", "input"], ""),
        ("autocrlf=true", &["core.autocrlf", "true"], ""),
        ("eol=crlf", &["core.autocrlf", "false"], "*.txt text eol=crlf\n"),
        ("eol=lf", &["core.autocrlf", "false"], "*.txt text eol=lf\n"),
    ];
    for (name, config, attributes) in settings {
        let world = World::new(&[]);
        world.case.set(name);
        world.git(&["config", config[0], config[1]]);
        world.write(".gitattributes", attributes);
        world.write("a.txt", lines(9));
        world.write("id.txt", "$Id$\n");
        world.commit("base");
        world.git(&["checkout", "-q", "-b", "feat"]);
        world.write("a.txt", lines(9).replace("line 2\n", "line 2 of feat\n"));
        world.commit("feat");
        world.git(&["checkout", "-q", "main"]);
        world.write("beside.txt", "beside\n");
        world.commit("main");
        world.guard_ok(&["install"]);
        let mixed = lines(9).replace("line 5\n", "line 5\r\n").replace("line 9\n", "line 9\r\n");
        world.write("a.txt", &mixed);
        world.git(&["add", "a.txt"]);
        assert_eq!(world.git(&["status", "--porcelain"]), "", "{name}: clean to git");
        let before = world.look();
        world.git(&["merge", "-q", "feat"]);
        assert_ne!(world.read("a.txt"), mixed.as_bytes(), "{name}");
        let after = world.look();
        world.guard_ok(&["undo-merge"]);
        assert_eq!(world.read("a.txt"), mixed.as_bytes(), "{name}");
        assert_eq!(world.look(), before, "{name}");
        world.guard_ok(&["redo"]);
        assert_eq!(world.look(), after, "{name}: redo");
    }
}

/// U23: `ident` and an encoding, each with work of the user's in the file since the merge.
#[test]
fn u23_converted_files_with_later_edits() {
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let world = World::new(&[]);
    world.write(".gitattributes", "*.id ident\n*.u16 text working-tree-encoding=UTF-16LE\n");
    world.write("a.id", format!("$Id$\n{}", lines(9)));
    world.write("a.u16", wide(&lines(9)));
    world.commit("base");
    world.git(&["checkout", "-q", "-b", "feat"]);
    world.write("a.id", format!("$Id$\n{}", lines(9).replace("line 2\n", "line 2 of feat\n")));
    world.write("a.u16", wide(&lines(9).replace("line 2\n", "line 2 of feat\n")));
    world.commit("feat");
    world.git(&["checkout", "-q", "-f", "main"]);
    world.git(&["checkout", "-q", "--", "."]);
    world.guard_ok(&["install"]);
    world.git(&["merge", "-q", "--no-ff", "feat"]);
    world.replace("a.id", "line 9\n", "line 9, mine\n");
    let merged = world.look();
    world.guard_ok(&["undo-merge"]);
    let text = world.text("a.id");
    assert!(text.contains("line 2\n") && text.contains("line 9, mine\n"), "{text}");
    assert_eq!(world.read("a.u16"), wide(&lines(9)));
    assert_eq!(world.git(&["status", "--porcelain"]), " M a.id");
    world.guard_ok(&["redo"]);
    assert_eq!(world.look(), merged);
    // UTF-16 is no text to git's merge: what git stores is merged.
    world.write("a.u16", wide(&lines(9).replace("line 2\n", "line 2 of feat\n").replace("line 9\n", "line 9, mine\n")));
    let edited = world.look();
    world.guard_ok(&["undo-merge"]);
    assert_eq!(world.read("a.u16"), wide(&lines(9).replace("line 9\n", "line 9, mine\n")));
    world.guard_ok(&["redo"]);
    assert_eq!(world.look(), edited);
}

/// U23: where the run bit of files does not count, only the index has it.
#[test]
fn u23_run_bits_that_do_not_count() {
    let world = guarded(|| World::diverged(&[]));
    world.git(&["config", "core.fileMode", "false"]);
    let before = world.look();
    world.git(&["merge", "-q", "feat"]);
    assert!(world.look().index.contains("H 100755"));
    world.chmod("run.sh", 0o644);
    assert_eq!(world.git(&["status", "--porcelain"]), "");
    world.guard_ok(&["undo-merge"]);
    assert_eq!(world.look(), before);
    world.guard_ok(&["redo"]);
    assert!(world.look().index.contains("H 100755"));
    assert_eq!(world.git(&["status", "--porcelain"]), "");
}
