//! I3, I4: whatever stands in a hook's place is kept, does what it did, and comes back as the same file.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use crate::support::{Ran, Sandbox, Tree, write_program};

/// Name, how it is made at a path, and whether `git commit` is refused by it without guard.
type Odd = (&'static str, fn(&Path), bool);

fn script(path: &Path, bytes: &[u8], mode: u32) {
    write_program(path, bytes);
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Each leaves a trace in `ran` when it runs.
const ODD: [Odd; 17] = [
    ("plain", |path| script(path, b"#!/bin/sh\necho ran >ran\n", 0o755), false),
    ("refuses", |path| script(path, b"#!/bin/sh\necho ran >ran\nexit 3\n", 0o755), true),
    ("not executable", |path| script(path, b"#!/bin/sh\necho ran >ran\nexit 1\n", 0o644), false),
    ("read and run by the owner only", |path| script(path, b"#!/bin/sh\necho ran >ran\n", 0o500), false),
    ("no final newline", |path| script(path, b"#!/bin/sh\necho ran >ran", 0o755), false),
    ("CRLF shebang", |path| script(path, b"#!/bin/sh\r\necho ran >ran\r\n", 0o755), true),
    ("spaces in the shebang", |path| script(path, b"#! /bin/sh  -e \necho ran >ran\n", 0o755), false),
    ("no shebang", |path| script(path, b"echo ran >ran\n", 0o755), false),
    ("empty", |path| script(path, b"", 0o755), false),
    ("not UTF-8", |path| script(path, b"#!/bin/sh\n# \xff\xfe\necho ran >ran\n", 0o755), false),
    ("mentions us", |path| script(path, b"#!/bin/sh\n# recoveryguard hook\necho ran >ran\n", 0o755), false),
    ("binary", |path| script(path, &fs::read("/bin/true").unwrap(), 0o755), false),
    ("dead link", |path| symlink("nowhere", path).unwrap(), false),
    (
        "relative link",
        |path| {
            script(&path.with_file_name("target"), b"#!/bin/sh\n. \"$(dirname \"$0\")/lib\"\n", 0o755);
            script(&path.with_file_name("lib"), b"echo ran >ran\n", 0o644);
            symlink("target", path).unwrap();
        },
        false,
    ),
    (
        "link out of the folder",
        |path| {
            script(&path.parent().unwrap().join("../outside"), b"#!/bin/sh\necho ran >ran\n", 0o755);
            symlink("../outside", path).unwrap();
        },
        false,
    ),
    ("interpreter that is gone", |path| script(path, b"#!/nowhere/sh\n", 0o755), true),
    ("link to a folder", |path| symlink("..", path).unwrap(), true),
];

/// Names, kinds, permissions, bytes, link targets and inodes of a folder's entries.
fn exactly(folder: &Path) -> (Tree, BTreeMap<OsString, u64>) {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    let inodes = entries.map(|entry| (entry.file_name(), entry.path().symlink_metadata().unwrap().ino())).collect();
    (Tree::read(folder, |_| false), inodes)
}

/// Commits and returns the status and whether the hook ran.
fn commit(sandbox: &Sandbox) -> (i32, bool) {
    let _ = fs::remove_file(sandbox.at("ran"));
    let ran = sandbox.git(["commit", "-q", "--allow-empty", "-m", "x"]);
    (ran.status, sandbox.at("ran").exists())
}

#[test]
fn every_odd_hook_does_what_it_did_and_comes_back() {
    for (name, make, is_refused) in ODD {
        let sandbox = Sandbox::new();
        let folder = sandbox.at(".git/hooks");
        make(&folder.join("pre-commit"));
        let before = exactly(&folder);
        let without = commit(&sandbox);
        assert_eq!(without.0 != 0, is_refused, "{name}");
        sandbox.install();
        assert_eq!(commit(&sandbox), without, "{name}: with guard");
        sandbox.install();
        assert_eq!(commit(&sandbox), without, "{name}: installed twice");
        let _ = sandbox.guard(["uninstall"]).ok();
        assert_eq!(before.0.differences(&exactly(&folder).0), [""; 0], "{name}");
        assert_eq!(exactly(&folder).1, before.1, "{name}: the same files, not copies");
        assert_eq!(commit(&sandbox), without, "{name}: without guard again");
        assert!(!sandbox.at(".git/recoveryguard/installed.json").exists());
    }
}

#[test]
fn a_folder_in_a_hook_s_place_is_left_alone() {
    let sandbox = Sandbox::new();
    let folder = sandbox.at(".git/hooks");
    fs::create_dir(folder.join("post-merge")).unwrap();
    fs::write(folder.join("post-merge/file"), "").unwrap();
    let before = exactly(&folder);
    let ran = sandbox.guard(["install"]).ok();
    assert!(ran.stdout.contains("a folder stands where the hook 'post-merge' would be"), "{ran}");
    assert!(folder.join("post-merge/file").exists());
    let _ = sandbox.guard(["uninstall"]).ok();
    assert!(exactly(&folder) == before);
}

#[test]
fn a_hook_that_asks_for_its_own_name_is_pointed_out() {
    let sandbox = Sandbox::new();
    script(&sandbox.at(".git/hooks/pre-commit"), b"#!/bin/sh\nexec run \"$(basename \"$0\")\"\n", 0o755);
    let ran = sandbox.guard(["install", "--dry-run"]).ok();
    assert!(ran.stdout.contains("note: 'pre-commit' seems to ask for its own name"), "{ran}");
}

/// Its hooks take what to run from their own name: under another one every commit would fail.
/// Under another name it would not find the folder: guard goes in there, and the rest is installed.
#[test]
fn a_hook_that_runs_a_folder_of_its_name_runs_guard_from_there() {
    let sandbox = Sandbox::with_bad_branch();
    let hook = b"#!/bin/sh\necho ran >ran\nfor h in \"$0.d\"/*; do \"$h\" \"$@\" || exit; done\n";
    script(&sandbox.at(".git/hooks/pre-commit"), hook, 0o755);
    script(&sandbox.at(".git/hooks/pre-commit.d/theirs"), b"#!/bin/sh\necho theirs >>ran\n", 0o755);
    let refused = sandbox.guard(["install"]).exits(4);
    let (_, hint) = refused.stderr.lines().next().unwrap().split_once("; hint: ").unwrap();
    let _ = Ran::of(sandbox.command("sh", sandbox.work()).args(["-c", hint]), b"").ok();
    let told = sandbox.guard(["install"]).ok();
    assert!(told.stdout.contains("pre-commit            left out: what stands there runs guard"), "{told}");
    let doctor = sandbox.guard(["doctor"]).ok();
    assert!(doctor.stdout.contains("pre-commit.d/recoveryguard' runs guard"), "{doctor}");
    let _ = sandbox.git(["merge", "bad"]).fails().says("protected-delete");
    let _ = sandbox.git(["-c", "core.hooksPath=/dev/null", "merge", "-q", "--no-ff", "--no-commit", "bad"]).ok();
    let _ = sandbox.git(["commit", "-m", "m"]).fails().says("protected-delete");
    let _ = sandbox.git(["merge", "--abort"]).ok();
    sandbox.write("more", "1\n").commit("more");
    assert_eq!(sandbox.read("ran"), b"ran\ntheirs\n");
}

#[test]
fn overcommits_hooks_stay_where_they_are_and_merges_are_guarded_all_the_same() {
    let sandbox = Sandbox::new();
    let text = "#!/bin/sh\n# Entrypoint for Overcommit hook integration.\n[ \"${0##*/}\" = pre-commit ] || exit 64\n";
    script(&sandbox.at(".git/hooks/pre-commit"), text.as_bytes(), 0o755);
    script(&sandbox.at(".git/hooks/post-merge"), b"#!/bin/sh\n# Entrypoint for Overcommit hook integration.\n", 0o755);
    let ran = sandbox.guard(["install"]).ok();
    assert!(
        ran.stdout.contains("so these stay and do not run guard: pre-commit, post-merge; docs/install.md"),
        "{ran}"
    );
    sandbox.write(".recoveryguard.toml", "version = 1\n[[protect]]\npaths = [\"keep\"]\n").write("keep", "1\n");
    let _ = sandbox.git(["add", "-A"]).ok();
    let _ = sandbox.git(["commit", "-q", "-m", "base"]).ok();
    sandbox.branch("bad", &[("keep", None)]);
    let refused = sandbox.git(["merge", "bad"]).fails();
    assert!(refused.stderr.contains("protected-delete") && sandbox.at("keep").exists(), "{refused}");
    let doctor = sandbox.guard(["doctor"]).ok();
    assert!(doctor.stdout.contains("note  hooks     'pre-commit' is overcommit's"), "{doctor}");
    assert!(!doctor.stdout.contains("do: guard install"), "{doctor}");
    let _ = sandbox.guard(["uninstall"]).ok();
    assert_eq!(std::fs::read(sandbox.at(".git/hooks/pre-commit")).unwrap(), text.as_bytes());
}
