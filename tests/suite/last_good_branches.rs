//! Backups know the branch that they were made on: what another branch had of a tracked file is not this one's.

use serde_json::Value;

use crate::support::{Ran, Sandbox};

const MANIFEST: &str = "version = 1\n[[data]]\npaths = ['data/*.json']\nbackup = true\n";

fn document(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran}"))
}

fn create(sandbox: &Sandbox) -> String {
    let made = document(&sandbox.guard(["backup", "create", "--json"]).ok());
    made["backup"].as_str().unwrap().to_owned()
}

/// A tracked file and an ignored one, backed up on `main` and then, with other bytes, on `feat`; `main` is checked out. Returns the
/// names of the backups.
fn sandbox() -> (Sandbox, [String; 2]) {
    let sandbox = Sandbox::new();
    sandbox.write(".recoveryguard.toml", MANIFEST).write(".gitignore", "ignored.json\n");
    sandbox.write("data/tracked.json", "[1]").commit("data");
    sandbox.write("data/tracked.json", "[1, 1]").write("data/ignored.json", "[10]");
    let main = create(&sandbox);
    let _ = sandbox.git(["checkout", "-q", "-f", "-b", "feat"]).ok();
    sandbox.write("data/tracked.json", "[2]").write("data/ignored.json", "[20]");
    let feat = create(&sandbox);
    let _ = sandbox.git(["checkout", "-q", "-f", "main"]).ok();
    (sandbox, [main, feat])
}

#[test]
fn the_branch_of_a_backup_is_recorded_and_shown() {
    let (sandbox, [main, feat]) = sandbox();
    let list = sandbox.guard(["backup", "list"]).ok().stdout;
    let line = |id: &str| list.lines().find(|line| line.starts_with(id)).unwrap().to_owned();
    assert!(line(&main).ends_with("good, on 'main'") && line(&feat).ends_with("good, on 'feat'"), "{list}");
    let list = document(&sandbox.guard(["backup", "list", "--json"]).ok());
    assert_eq!((&list["backups"][0]["branch"], &list["backups"][1]["id"]), (&"refs/heads/feat".into(), &main.into()));
    assert!(sandbox.guard(["backup", "show", &feat]).ok().stdout.contains("\non     'feat'\n"));
    assert_eq!(document(&sandbox.guard(["backup", "show", &feat, "--json"]).ok())["branch"], "refs/heads/feat");
    let _ = sandbox.git(["checkout", "-q", "--detach"]).ok();
    sandbox.write("data/tracked.json", "[3]");
    let detached = create(&sandbox);
    assert_eq!(document(&sandbox.guard(["backup", "show", &detached, "--json"]).ok())["branch"], Value::Null);
}

#[test]
fn of_a_tracked_file_this_branchs_version_comes_back_and_the_newer_one_elsewhere_is_named() {
    let (sandbox, [main, feat]) = sandbox();
    sandbox.write("data/tracked.json", "[");
    let found = document(&sandbox.guard(["restore", "data/tracked.json", "--json", "--dry-run"]).ok());
    assert_eq!(found["files"][0]["newer_elsewhere"]["other_branch"], "refs/heads/feat", "{found:#}");
    let done = sandbox.guard(["restore", "data/tracked.json"]).ok();
    assert_eq!(sandbox.read("data/tracked.json"), b"[1, 1]", "{done}");
    assert!(done.stdout.contains(&format!("came back: backup {main}, ")), "{done}");
    let said = done.stdout.lines().find(|line| line.contains("a newer one is another branch's: ")).unwrap_or_default();
    assert!(said.contains(&format!("backup {feat}, ")) && said.ends_with(" UTC, saved on 'feat'"), "{done}");
    // On that branch it is the newest.
    let _ = sandbox.git(["checkout", "-q", "-f", "feat"]).ok();
    sandbox.write("data/tracked.json", "[");
    let done = sandbox.guard(["restore", "data/tracked.json"]).ok();
    assert_eq!(sandbox.read("data/tracked.json"), b"[2]", "{done}");
    assert!(!done.stdout.contains("another branch") && !done.stdout.contains("saved on"), "{done}");
}

#[test]
fn a_version_of_another_branch_comes_back_where_no_other_is_known_and_an_ignored_file_is_the_same_on_all() {
    let (sandbox, [_, feat]) = sandbox();
    sandbox.write("data/ignored.json", "[");
    let done = sandbox.guard(["restore", "data/ignored.json"]).ok();
    assert_eq!(sandbox.read("data/ignored.json"), b"[20]", "{done}");
    let came_back = done.stdout.lines().find(|line| line.contains("came back: ")).unwrap_or_default();
    assert!(came_back.contains(&format!("backup {feat}, ")) && came_back.contains(", saved on 'feat' ("), "{done}");
    // Of this file main has none.
    let _ = sandbox.git(["checkout", "-q", "-f", "feat"]).ok();
    sandbox.write("data/new.json", "[5]");
    let _ = sandbox.git(["add", "data/new.json"]).ok();
    create(&sandbox);
    let _ = sandbox.git(["rm", "-q", "--cached", "-f", "data/new.json"]).ok();
    std::fs::remove_file(sandbox.at("data/new.json")).unwrap();
    let _ = sandbox.git(["checkout", "-q", "-f", "main"]).ok();
    let done = sandbox.guard(["restore", "data/new.json"]).ok();
    assert!(done.stdout.contains(", saved on 'feat' ("), "{done}");
    assert_eq!(sandbox.read("data/new.json"), b"[5]");
}

#[test]
fn on_a_detached_head_what_a_branch_saved_is_that_branchs() {
    let (sandbox, [_, feat]) = sandbox();
    let _ = sandbox.git(["checkout", "-q", "--detach"]).ok();
    sandbox.write("data/tracked.json", "[").write("data/ignored.json", "[");
    let done = sandbox.guard(["restore", "data/tracked.json", "data/ignored.json"]).ok();
    assert_eq!(sandbox.read("data/tracked.json"), b"[1]", "{done}");
    assert_eq!(sandbox.read("data/ignored.json"), b"[20]", "{done}");
    let said = |what: &str| done.stdout.lines().any(|line| line.contains(what) && line.contains(&feat));
    assert!(said("a newer one is another branch's: ") && said(", saved on 'feat' ("), "{done}");
}
