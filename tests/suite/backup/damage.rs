//! D12: what is damaged is found and named.

use std::fs;
use std::path::{Path, PathBuf};

use super::{backup, create, json, sandbox};
use crate::support::Sandbox;

fn objects(sandbox: &Sandbox) -> Vec<PathBuf> {
    fn all(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() { all(&entry.path(), found) } else { found.push(entry.path()) }
        }
    }
    let mut found = Vec::new();
    all(&sandbox.common_dir().join("recoveryguard/store.git/objects"), &mut found);
    // Lists for transports, and an index that git makes anew: nothing is stored in them.
    found.retain(|path| !path.parent().unwrap().ends_with("info") && path.extension().is_none_or(|kind| kind != "rev"));
    found.sort();
    found
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 0xff;
    let readable = fs::metadata(path).unwrap().permissions();
    fs::remove_file(path).unwrap();
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, readable).unwrap();
}

/// One byte in the middle of every file of the store, loose and packed.
#[test]
fn d12_a_flipped_byte_in_any_stored_object_is_found() {
    let sandbox = sandbox();
    sandbox.write("data/a.json", "{\"rows\": [1, 2, 3]}\n").write("data/b.txt", "b\n".repeat(3000));
    let id = create(&sandbox);
    let store = sandbox.common_dir().join("recoveryguard/store.git");
    for packed in [false, true] {
        if packed {
            let _ = sandbox
                .git(["--git-dir", store.to_str().unwrap(), "-c", "repack.writeBitmaps=false", "repack", "-adq"])
                .ok();
        }
        let files = objects(&sandbox);
        assert!(files.len() >= if packed { 2 } else { 6 }, "{files:?}");
        for path in files {
            let size = fs::read(&path).unwrap().len();
            for at in [0, size / 2, size - 1] {
                flip(&path, at);
                let found = json(&sandbox, &["verify"]);
                let damaged = found["damaged"].as_array().unwrap();
                assert!(!damaged.is_empty(), "byte {at} of {}", path.display());
                if !packed {
                    let named = damaged.iter().all(|one| one["backup"].as_str().unwrap().ends_with(&id));
                    assert!(named, "byte {at} of {}: {found}", path.display());
                }
                let _ = backup(&sandbox, &["verify", "--level", "restore"]).exits(1);
                flip(&path, at);
            }
        }
        let _ = backup(&sandbox, &["verify", "--level", "restore"]).ok();
    }
}

#[test]
fn a_damaged_backup_is_named_and_the_others_are_there() {
    let sandbox = sandbox();
    sandbox.write("data/a.txt", "a\n");
    let first = create(&sandbox);
    sandbox.write("data/a.txt", "b\n");
    let second = create(&sandbox);
    let store = sandbox.common_dir().join("recoveryguard/store.git");
    fs::write(store.join("refs/tags/backup").join(&second), "garbage\n").unwrap();
    let list = backup(&sandbox, &["list"]).exits(1);
    assert!(
        list.stdout.contains(&first) && list.stdout.contains(&format!("damaged refs/tags/backup/{second}")),
        "{list}"
    );
    let _ = backup(&sandbox, &["verify"]).exits(1);
    let _ = backup(&sandbox, &["verify", &first]).ok();
    let _ = backup(&sandbox, &["prune"]).exits(3).says("nothing was pruned");
    let _ = backup(&sandbox, &["show", &second]).exits(2).says("damaged");
    // The next one does not take the damaged one for what was there before.
    create(&sandbox);
}

/// Every stored object and every ref: what is restored from it is exactly what was saved, or nothing; and verify names what is
/// damaged, unless all of it comes back.
#[test]
fn d12_nothing_damaged_is_ever_restored() {
    let sandbox = sandbox();
    let saved = b"{\"rows\": [1, 2, 3]}\n";
    sandbox.write("data/a.json", saved);
    let id = create(&sandbox);
    let mut files = objects(&sandbox);
    let reference = sandbox.common_dir().join("recoveryguard/store.git/refs/tags/backup").join(&id);
    files.push(reference);
    assert_eq!(files.len(), 6, "two blobs, two trees, a tag, its ref: {files:?}");
    let (mut refused, mut harmless) = (0, 0);
    for path in files {
        let size = fs::read(&path).unwrap().len();
        for at in [0, 1, size / 3, size / 2, size - 2, size - 1] {
            sandbox.write("data/a.json", "[]\n");
            flip(&path, at);
            let context = format!("byte {at} of {}", path.display());
            let damaged = json(&sandbox, &["verify"])["damaged"].as_array().unwrap().len();
            let ran = sandbox.guard(["restore", "data/a.json", "--from", &id]);
            if ran.status == 0 {
                assert_eq!(sandbox.read("data/a.json"), saved, "{context}: {ran}");
                harmless += usize::from(damaged == 0);
            } else {
                assert!(damaged > 0, "{context}: {ran}");
                assert_eq!(sandbox.read("data/a.json"), b"[]\n", "{context}: {ran}");
                refused += 1;
            }
            flip(&path, at);
        }
    }
    // The end of a ref's line is no part of its name.
    assert!(refused >= 24 && harmless <= 1, "{refused} {harmless}");
    let _ = sandbox.guard(["restore", "data/a.json", "--from", &id]).ok();
}
