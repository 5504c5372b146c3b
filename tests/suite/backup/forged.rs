//! D9: backups that somebody else wrote. Whatever a manifest in the store says, nothing is written outside the working tree, or into
//! git's folder.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::create;
use crate::support::{Ran, Sandbox};

const NAME: &str = "evil.json";

/// Adds a backup whose one file has a path that somebody chose; returns its name.
fn forge(sandbox: &Sandbox, real: &str, path: &str, number: usize) -> String {
    let store = sandbox.common_dir().join("recoveryguard/store.git");
    let git = |arguments: &[&str], input: &str| {
        Ran::of(sandbox.command("git", &store).args(arguments), input.as_bytes()).ok()
    };
    let id = format!("20300101-{number:06}-abcdef");
    let mut manifest: Value =
        serde_json::from_str(&git(&["show", &format!("backup/{real}:manifest.json")], "").stdout).unwrap();
    manifest["id"] = id.as_str().into();
    manifest["files"][0]["path"] = path.into();
    let blob = git(&["hash-object", "-w", "--stdin"], &manifest.to_string());
    let files = git(&["rev-parse", &format!("backup/{real}:files")], "");
    let entries = format!("100644 blob {}\tmanifest.json\n040000 tree {}\tfiles\n", blob.line(), files.line());
    let tree = git(&["mktree"], &entries);
    let _ = git(&["tag", "-a", "-m", "forged", &format!("backup/{id}"), tree.line()], "");
    id
}

/// Finds what came out of a forged backup, anywhere around the repository.
fn written(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            found.extend(written(&entry.path()));
        } else if entry.file_name() == NAME {
            found.push(entry.path());
        }
    }
    found
}

#[test]
fn d9_no_path_of_a_forged_backup_leads_out_of_the_working_tree() {
    let sandbox = Sandbox::new();
    // Every path is data, so that no rule stands between.
    sandbox.write(".recoveryguard.toml", "version = 1\n[[data]]\npaths = ['*.json']\nbackup = true\n");
    sandbox.write(".gitignore", "*.json\n").commit("manifest");
    sandbox.write(NAME, "{}\n");
    let real = create(&sandbox);
    fs::remove_file(sandbox.at(NAME)).unwrap();
    fs::create_dir(sandbox.root().join("outside")).unwrap();
    symlink(sandbox.root().join("outside"), sandbox.at("link")).unwrap();
    let absolute = sandbox.root().join(NAME);
    let paths = [
        "../evil.json",
        absolute.to_str().unwrap(),
        "data/../../evil.json",
        ".git/evil.json",
        ".GIT/evil.json",
        "link/evil.json",
    ];
    for (number, path) in paths.into_iter().enumerate() {
        let id = forge(&sandbox, &real, path, number);
        let copies = sandbox.root().join(format!("copies-{number}"));
        for arguments in [
            &["restore", path, "--from", &id][..],
            &["restore", ".", "--from", &id],
            &["restore", ".", "--from", &id, "--to", copies.to_str().unwrap()],
            &["restore", "--missing"],
            &["backup", "verify", "--level", "restore"],
        ] {
            let ran = sandbox.guard(arguments);
            let found: Vec<_> = written(sandbox.root());
            // A copy goes beneath the folder that was named, under any name that is no way out of it.
            assert!(found.iter().all(|file| file.starts_with(&copies)), "{path} by {arguments:?}: {found:?}\n{ran}");
        }
    }
    // The same where nothing is wrong with the path: it comes back.
    let id = forge(&sandbox, &real, "data/evil.json", paths.len());
    let _ = sandbox.guard(["restore", "--missing"]).ok();
    assert!(written(sandbox.root()).contains(&sandbox.at("data/evil.json")), "{id}");
}
