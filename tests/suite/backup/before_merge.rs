//! `[backup] before_merge`: a backup is made before a merge that touches what is backed up, and never stops one.

use std::fs;

use super::{backup, json, manifest, sandbox};
use crate::support::{Ran, Sandbox};

/// Hooks are installed; `feat` changes data, `other` something else. What git ignores is in the backup, too.
fn merging(more: &str) -> Sandbox {
    let sandbox = sandbox();
    // How much may be read is reckoned by the time that a hook has.
    sandbox.env("RECOVERYGUARD_HOOK_SECONDS", "5");
    manifest(&sandbox, more);
    sandbox.write("data/a.txt", "a\n").write("data/ignored.json", "[1]\n").commit("data");
    sandbox.branch("feat", &[("data/a.txt", Some("of feat\n"))]);
    sandbox.branch("other", &[("other.txt", Some("other\n"))]);
    let _ = sandbox.guard(["install"]).ok();
    sandbox
}

fn backups(sandbox: &Sandbox) -> Vec<String> {
    let list = json(sandbox, &["list"]);
    list["backups"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

fn merge(sandbox: &Sandbox, branch: &str) -> Ran {
    sandbox.git(["merge", "-q", "--no-edit", branch])
}

#[test]
fn what_a_merge_touches_is_backed_up_once_and_quietly() {
    let sandbox = merging("before_merge = true");
    assert_eq!(merge(&sandbox, "other").ok().stderr, "");
    assert_eq!(backups(&sandbox).len(), 0, "no data was touched");
    sandbox.write("main.txt", "main\n").commit("main");
    assert_eq!(merge(&sandbox, "feat").ok().stderr, "");
    let made = backups(&sandbox);
    assert_eq!(made.len(), 1, "by one of the hooks: {made:?}");
    let shown = json(&sandbox, &["show", &made[0]]);
    assert_eq!(shown["files"].as_array().unwrap().len(), 2, "{shown}");
    let _ = sandbox.guard(["restore", "data/a.txt", "--from", &made[0]]).ok();
    assert_eq!(sandbox.read("data/a.txt"), b"a\n", "as it was before the merge");
    let _ = sandbox.git(["checkout", "-q", "data/a.txt"]).ok();
    // A conflict that is concluded by hand: the gate alone makes one.
    sandbox.branch("again", &[("data/a.txt", Some("of again\n"))]);
    sandbox.write("data/a.txt", "of main\n").commit("more");
    let _ = merge(&sandbox, "again").fails();
    let second = backups(&sandbox);
    assert_eq!(second.len(), 2);
    sandbox.write("data/a.txt", "both\n").commit("concluded");
    assert_eq!(backups(&sandbox), second);
}

#[test]
fn nothing_is_made_that_nobody_asked_for() {
    let sandbox = merging("");
    let _ = merge(&sandbox, "feat").ok();
    assert_eq!(backups(&sandbox).len(), 0);
}

#[test]
fn a_backup_that_does_not_fit_or_fails_is_told_in_one_line_and_the_merge_goes_on() {
    let sandbox = merging("before_merge = true");
    fs::File::create(sandbox.at("data/large.json")).unwrap().set_len(400 << 20).unwrap();
    let merged = merge(&sandbox, "feat").ok().says("no backup was made before it: 401 MiB of changed data take longer");
    assert_eq!(merged.stderr.lines().count(), 2, "{merged}");
    assert_eq!((sandbox.read("data/a.txt"), backups(&sandbox).len()), (b"of feat\n".to_vec(), 0));
    fs::remove_file(sandbox.at("data/large.json")).unwrap();
    sandbox.branch("more", &[("data/a.txt", Some("of more\n"))]);
    sandbox.write("main.txt", "main\n").commit("main");
    sandbox.write(".recoveryguard.toml", "nonsense = 1\n");
    let _ = merge(&sandbox, "more")
        .ok()
        .says("no backup was made before it: the manifest '.recoveryguard.toml' can't be read");
    assert_eq!((sandbox.read("data/a.txt"), backups(&sandbox).len()), (b"of more\n".to_vec(), 0));
    let _ = sandbox.git(["checkout", "-q", ".recoveryguard.toml"]).ok();
    let _ = backup(&sandbox, &["create"]).ok();
}

/// What was backed up and has not changed is not read: it could not be, here.
#[test]
fn what_has_not_changed_is_not_read() {
    let sandbox = merging("before_merge = true");
    let large = fs::File::create(sandbox.at("data/large.txt")).unwrap();
    large.set_len(48 << 20).unwrap();
    drop(large);
    std::thread::sleep(std::time::Duration::from_millis(30));
    let _ = backup(&sandbox, &["create"]);
    assert_eq!(merge(&sandbox, "feat").ok().stderr, "");
}
