//! `guard restore <folder>` and `--missing`: what can come back does, and each file that can't is named with the reason.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use serde_json::Value;

use crate::support::{Ran, Sandbox, other_user};

const MANIFEST: &str = "version = 1\n[[data]]\npaths = ['data/**/*.json']\nbackup = true\n";

/// Two files with a good version, one that never had any.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(".recoveryguard.toml", MANIFEST).write("data/a.json", "[1]").write("data/c.json", "[3]");
    sandbox.write("data/b.json", "{").write(".gitignore", "/data/kept.json\n").commit("data");
    sandbox.write("data/a.json", "[").write("data/c.json", "");
    sandbox
}

fn document(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran}"))
}

fn paths(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|one| one["path"].as_str().unwrap()).collect()
}

// D8
#[test]
fn one_file_without_a_good_version_does_not_block_the_others_of_its_folder() {
    let sandbox = sandbox();
    let before = sandbox.state();
    let dry = sandbox.guard(["restore", "data", "--dry-run"]).exits(3);
    assert!(dry.stdout.contains("'data/b.json' now: bad: line 1, column 1"), "{dry}");
    assert!(dry.stdout.contains("  would be left alone: no good version of it is known\n"), "{dry}");
    // Who names a file gets all or nothing, whatever else is named.
    for named in [&["data/a.json", "data/b.json"][..], &["data", "data/a.json"]] {
        let refused = sandbox.guard([&["restore"], named].concat()).exits(4);
        let why = "no good version of 'data/b.json' is known; nothing was changed";
        assert!(refused.stderr.contains(why), "{refused}");
    }
    sandbox.assert_unchanged(&before);
    let done = document(&sandbox.guard(["restore", "data", "--json"]).exits(3));
    assert_eq!((paths(&done["left_alone"]), done["done"].as_bool()), (vec!["data/b.json"], Some(true)), "{done:#}");
    assert_eq!(paths(&done["conflicts"]), Vec::<&str>::new());
    assert_eq!((&done["files"][1]["chosen"], &done["files"][1]["good_as_it_stands"]), (&Value::Null, &false.into()));
    assert_eq!((sandbox.read("data/a.json"), sandbox.read("data/c.json")), (b"[1]".to_vec(), b"[3]".to_vec()));
    assert_eq!(sandbox.read("data/b.json"), b"{");
    // Nothing comes back any more, and it is still not good.
    let before = sandbox.state();
    let refused = sandbox.guard(["restore", "data"]).exits(4).says("1 file can't be brought back; nothing was changed");
    assert!(refused.stderr.contains("would be left alone: no good version") && refused.stdout.is_empty(), "{refused}");
    assert_eq!(paths(&document(&sandbox.guard(["restore", "data", "--json"]).exits(4))["conflicts"]), ["data/b.json"]);
    sandbox.assert_unchanged(&before);
    let _ = sandbox.guard(["restore", "--undo"]).ok();
    assert_eq!(sandbox.read("data/a.json"), b"[");
}

// D8
#[test]
fn what_stands_in_the_place_of_one_file_does_not_block_the_others() {
    let sandbox = sandbox();
    sandbox.write("data/b.json", "[2]").write("data/in/d.json", "[4]").commit("more");
    // A link in the place of a data file, a folder, and a file where a folder should be.
    for path in ["data/b.json", "data/a.json", "data/in/d.json"] {
        fs::remove_file(sandbox.at(path)).unwrap();
    }
    symlink("c.json", sandbox.at("data/b.json")).unwrap();
    fs::remove_dir(sandbox.at("data/in")).unwrap();
    sandbox.write("data/in", "a file").write("data/a.json/x", "in the way").write("data/c.json", "{");
    let seen = sandbox.guard(["verify", "data/in/d.json"]).exits(1);
    assert!(seen.stdout.contains("it is not there, though git tracks it"), "{seen}");
    let told = sandbox.guard(["restore", "data"]).exits(3);
    for said in [
        "'data/a.json' is a folder; only files are brought back",
        "'data/b.json' is a symbolic link; only files are brought back",
        "'data/in/d.json' now: it is not there",
    ] {
        assert!(told.stdout.contains(said), "{said}: {told}");
    }
    assert_eq!(told.stdout.matches("  left alone: ").count(), 3, "{told}");
    assert_eq!(sandbox.read("data/c.json"), b"[3]");
    assert_eq!(sandbox.read("data/in"), b"a file");
}

// D8
#[test]
fn what_is_missing_and_has_no_good_version_is_named() {
    let sandbox = sandbox();
    sandbox.write("data/kept.json", "[5]").write("data/a.json", "[1]");
    let _ = sandbox.guard(["backup", "create"]).exits(1);
    fs::remove_dir_all(sandbox.at("data")).unwrap();
    let told = sandbox.guard(["restore", "--missing"]).exits(3);
    assert!(told.stdout.contains("'data/b.json' now: it is not there\n  passed over: "), "{told}");
    assert_eq!(told.stdout.matches("  left alone: no good version of it is known\n").count(), 1, "{told}");
    assert_eq!(sandbox.read("data/kept.json"), b"[5]");
    assert!(!sandbox.at("data/b.json").exists());
    assert!(sandbox.guard(["restore", "--missing"]).exits(4).stdout.is_empty());
    // Without a manifest nothing is data, and so nothing would be missing.
    fs::remove_file(sandbox.at("data/kept.json")).unwrap();
    fs::remove_file(sandbox.at(".recoveryguard.toml")).unwrap();
    let refused = sandbox.guard(["restore", "--missing"]).exits(4).says("there is no '.recoveryguard.toml' here");
    let _ = refused.says("hint: name the files: guard restore <path>");
    let _ = sandbox.guard(["restore", "data/kept.json"]).ok();
    assert_eq!(sandbox.read("data/kept.json"), b"[5]");
}

/// Findings name paths from the top, and who copies one may stand anywhere.
#[test]
fn a_path_that_was_named_from_the_top_is_told_with_the_right_command() {
    let sandbox = sandbox();
    fs::create_dir(sandbox.at("o'ther")).unwrap();
    for folder in ["data", "o'ther"] {
        for command in ["restore", "verify"] {
            let run = |path| Ran::of(sandbox.command("guard", &sandbox.at(folder)).args([command, path]), b"");
            let told = run("data/a.json").fails().says("hint: paths count from the folder you are in; from the top: ");
            let (_, hint) = told.stderr.trim_end().split_once("from the top: ").unwrap();
            let helped = Ran::of(sandbox.command("sh", &sandbox.at(folder)).args(["-c", hint]), b"");
            assert!(helped.stdout.contains("data/a.json"), "{helped}");
            assert!(!run("none/a.json").fails().stderr.contains("from the top"));
            sandbox.write("data/a.json", "[");
        }
    }
}

// D8
#[test]
fn named_files_come_back_all_or_none_when_they_are_gone_too() {
    let sandbox = sandbox();
    sandbox.write("data/a.json", "[1]").write("data/c.json", "[3]").write("data/kept.json", "{");
    let _ = sandbox.guard(["backup", "create"]).exits(1);
    for path in ["data/a.json", "data/kept.json"] {
        fs::remove_file(sandbox.at(path)).unwrap();
    }
    let before = sandbox.state();
    for named in [&["data/a.json", "data/kept.json"][..], &["data", "data/kept.json"], &["data/kept.json"]] {
        let refused = sandbox.guard([&["restore"], named].concat()).exits(4);
        assert!(refused.stderr.contains("; nothing was changed; hint: take one"), "{refused}");
        let told = document(&sandbox.guard([&["restore", "--json"], named].concat()).exits(4));
        let why = told["failure"].as_str().unwrap_or_default();
        assert!(why.starts_with("no good version of 'data/"), "{told:#}");
    }
    sandbox.assert_unchanged(&before);
    let _ = sandbox.guard(["restore", "data/a.json", "data/a.json"]).ok();
    assert_eq!(sandbox.read("data/a.json"), b"[1]");
}

// D8
#[test]
fn links_of_a_folder_are_no_files_to_be_brought_back() {
    let sandbox = Sandbox::new();
    sandbox.write(".recoveryguard.toml", MANIFEST).write("data/a.json", "[1]").write("data/in/b.json", "[2]");
    symlink("a.json", sandbox.at("data/link.json")).unwrap();
    symlink("in", sandbox.at("data/folder.json")).unwrap();
    sandbox.commit("data");
    let _ = sandbox.guard(["restore", "data"]).ok();
    sandbox.write("data/in/b.json", "[");
    let _ = sandbox.guard(["restore", "data"]).ok();
    assert_eq!(sandbox.read("data/in/b.json"), b"[2]");
    sandbox.write("data/a.json", "[");
    let refused = sandbox.guard(["restore", "data/link.json"]).exits(4);
    assert!(refused.stderr.contains("'data/link.json' is a symbolic link; only files are brought back"), "{refused}");
    assert!(refused.stderr.contains("hint: name what it leads to: 'data/a.json'\n"), "{refused}");
    let refused = sandbox.guard(["restore", "data/folder.json"]).exits(4);
    assert!(refused.stderr.contains("hint: name what it leads to: 'data/in'\n"), "{refused}");
}

// D8
#[test]
fn needs_setpriv_for_a_folder_that_may_not_be_written() {
    let sandbox = sandbox();
    sandbox.write("data/a.json", "[1]").write("data/in/d.json", "[4]").write("data/kept.json", "[5]").commit("more");
    let _ = sandbox.write("data/in/ignored.json", "[6]").write("data/in/.gitignore", "/ignored.json\n");
    let _ = sandbox.guard(["backup", "create"]).exits(1);
    let Some(as_other) = other_user(&sandbox) else { return };
    let _ = Ran::of(sandbox.command("chown", sandbox.root()).args(["-R", "65534", "."]), b"").ok();
    sandbox.env("GIT_CONFIG_COUNT", "1").env("GIT_CONFIG_KEY_0", "safe.directory").env("GIT_CONFIG_VALUE_0", "*");
    for (mode, why) in [(0o555, "its folder 'data/in' may not be written"), (0, "Permission denied (os error 13)")] {
        sandbox.write("data/c.json", "[").write("data/in/d.json", "[");
        fs::set_permissions(sandbox.at("data/in"), fs::Permissions::from_mode(mode)).unwrap();
        let before = sandbox.state();
        let told = as_other(&sandbox, "guard restore data --dry-run").exits(3);
        assert!(told.stdout.contains(why), "{told}");
        let told = as_other(&sandbox, "guard restore data/in/d.json data/c.json").fails();
        assert!(told.stderr.contains(why), "{told}");
        sandbox.assert_unchanged(&before);
        let told = as_other(&sandbox, "guard restore data").exits(3);
        assert!(told.stdout.contains(why), "{told}");
        assert_eq!((sandbox.read("data/c.json"), sandbox.read("data/in/d.json")), (b"[3]".to_vec(), b"[".to_vec()));
        // What is gone from such a folder, or can't be looked for there.
        let told = as_other(&sandbox, "guard verify data/in/ignored.json").exits(if mode == 0 { 3 } else { 0 });
        assert_eq!(told.stdout.contains("it can't be read: Permission denied"), mode == 0, "{told}");
        fs::remove_file(sandbox.at("data/in/d.json")).unwrap();
        fs::remove_file(sandbox.at("data/kept.json")).unwrap();
        let told = as_other(&sandbox, "guard restore --missing").exits(3);
        assert!(told.stdout.contains(why), "{told}");
        assert_eq!(sandbox.read("data/kept.json"), b"[5]");
        fs::set_permissions(sandbox.at("data/in"), fs::Permissions::from_mode(0o755)).unwrap();
    }
}
