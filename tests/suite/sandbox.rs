//! The sandbox tells what has changed: an assertion that can't fail would be worth nothing.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use crate::support::{REFTABLE, Sandbox};

#[test]
fn object_names_are_the_same_in_every_run() {
    let (one, other) = (Sandbox::new(), Sandbox::new());
    assert_eq!(one.rev("HEAD"), other.rev("HEAD"));
    assert_eq!(one.branch("feat", &[("a", Some("a\n"))]), other.branch("feat", &[("a", Some("a\n"))]));
}

#[test]
fn every_kind_of_change_is_seen() {
    let sandbox = Sandbox::new();
    sandbox.write(".gitignore", "*.log\n").write("x.log", "1").write("dir/f", "f").commit("more");
    let before = sandbox.state();
    sandbox.assert_unchanged(&before);
    let changes: [(&str, &dyn Fn()); 10] = [
        ("'x.log'", &|| {
            sandbox.write("x.log", "2");
        }),
        ("'new'", &|| {
            sandbox.write("new", "");
        }),
        ("'dir/f'", &|| fs::set_permissions(sandbox.at("dir/f"), fs::Permissions::from_mode(0o755)).unwrap()),
        ("'link'", &|| symlink("nowhere", sandbox.at("link")).unwrap()),
        ("index", &|| drop(sandbox.git(["update-index", "--skip-worktree", "dir/f"]).ok())),
        ("index", &|| drop(sandbox.git(["update-index", "--assume-unchanged", "base.txt"]).ok())),
        ("index", &|| drop(sandbox.git(["add", "-N", "new"]).ok())),
        ("refs", &|| drop(sandbox.git(["branch", "other"]).ok())),
        ("HEAD", &|| drop(sandbox.git(["checkout", "-q", "--detach"]).ok())),
        ("locks", &|| fs::write(sandbox.common_dir().join("refs/heads/x.lock"), "").unwrap()),
    ];
    let mut earlier = before;
    for (what, change) in changes {
        change();
        let now = sandbox.state();
        let differences = earlier.differences(&now);
        assert!(differences.iter().any(|line| line.starts_with(what)), "{what}: {differences:?}");
        assert_eq!(differences.len(), 1, "{differences:?}");
        earlier = now;
    }
    fs::remove_file(sandbox.common_dir().join("refs/heads/x.lock")).unwrap();
}

#[test]
fn every_kind_of_repository_can_be_had() {
    assert_eq!(Sandbox::options().sha256().create().rev("HEAD").len(), 64);
    let linked = Sandbox::options().linked_worktree().create();
    assert!(linked.at(".git").is_file());
    assert_eq!(linked.git(["symbolic-ref", "--short", "HEAD"]).ok().line(), "linked");
    if REFTABLE.is_here() {
        let reftable = Sandbox::options().reftable().create();
        assert!(reftable.common_dir().join("reftable").is_dir());
    }
}
