//! Git LFS: writes its hooks only where none stand, or over them with `--force`.

use std::fs;
use std::path::Path;

use super::table::rows_of;
use super::{Bench, Manager, Step};

pub(super) const GIT_LFS: Manager = Manager {
    name: "Git LFS",
    tool: "git-lfs",
    configure: |sandbox| {
        sandbox.write(".gitattributes", "*.big filter=lfs diff=lfs merge=lfs -text\n");
    },
    install: "git lfs install --local --force >&2",
    ran,
};

/// Its hooks leave no trace but in git's own.
fn ran(home: &Path) -> Vec<String> {
    let trace = fs::read_to_string(home.join("trace")).unwrap();
    let hook = |line: &str| {
        let (_, rest) = line.split_once("exec: git-lfs ")?;
        (rest.starts_with("post-") || rest.starts_with("pre-push")).then(|| rest.to_owned())
    };
    trace.lines().filter_map(hook).collect()
}

#[test]
fn needs_git_lfs_in_every_order() {
    rows_of(&GIT_LFS);
}

/// Without `--force` it says that hooks are there already, and changes none.
#[test]
fn needs_git_lfs_that_refuses_where_ours_stand() {
    let Some(bench) = Bench::new(&GIT_LFS) else { return };
    let _ = bench.take(Step::Guard).ok();
    let _ = bench.shell("git lfs install --local >&2").fails().says("Hook already exists");
    let _ = bench.sandbox.guard(["doctor"]).ok();
}

/// What is stored in LFS comes back through a guarded merge, and a push asks its hook once.
#[test]
fn needs_git_lfs_to_store_a_file() {
    let Some(bench) = Bench::new(&GIT_LFS) else { return };
    let sandbox = &bench.sandbox;
    for step in [Step::Manager, Step::Guard] {
        let _ = bench.take(step).ok();
    }
    sandbox.branch("large", &[("x.big", Some("large\n"))]);
    let _ = sandbox.git(["merge", "-q", "large"]).ok();
    assert_eq!(sandbox.read("x.big"), b"large\n");
    assert!(sandbox.git(["show", "HEAD:x.big"]).ok().stdout.starts_with("version https://git-lfs"));
    let _ = sandbox.git(["init", "-q", "--bare", "../origin.git"]).ok();
    let _ = sandbox.git(["remote", "add", "origin", sandbox.root().join("origin.git").to_str().unwrap()]).ok();
    let pushed = bench.ran(&["push", "-q", "origin", "main"]);
    assert_eq!(pushed.iter().filter(|line| line.starts_with("pre-push")).count(), 1, "{pushed:?}");
    let stored = fs::read_dir(sandbox.root().join("origin.git/lfs/objects")).unwrap().count();
    assert_eq!(stored, 1);
}
