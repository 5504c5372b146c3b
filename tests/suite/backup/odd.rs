//! What is asked for or found in an odd way: no backup at all, an empty name, a store that is none, libraries' words.

use std::fs;
use std::path::PathBuf;

use super::{backup, create, json, sandbox};
use crate::support::Sandbox;

fn store(sandbox: &Sandbox) -> PathBuf {
    sandbox.common_dir().join("recoveryguard/store.git")
}

/// Whoever runs it every night hears of it.
#[test]
fn no_backup_is_not_taken_for_all_being_well() {
    let sandbox = sandbox();
    sandbox.write("data/a.txt", "a\n");
    let _ = backup(&sandbox, &["verify"]).exits(2).says("hint: guard backup create");
    let id = create(&sandbox);
    let _ = backup(&sandbox, &["verify"]).ok();
    let forget = ["update-ref", "-d", &format!("refs/tags/backup/{id}")];
    let _ = sandbox.git([&["--git-dir", store(&sandbox).to_str().unwrap()][..], &forget].concat()).ok();
    for command in ["verify", "show"] {
        let told =
            backup(&sandbox, &[command]).exits(2).says("guard: there is no backup yet; hint: guard backup create\n");
        assert!(told.stdout.is_empty(), "{told}");
    }
}

#[test]
fn an_empty_name_names_nothing() {
    let sandbox = sandbox();
    sandbox.write("data/a.txt", "a\n").commit("data");
    create(&sandbox);
    for arguments in [&["show", ""][..], &["verify", ""]] {
        let _ = backup(&sandbox, arguments).exits(2).says("an empty name names no backup");
    }
    sandbox.write("data/a.txt", "b\n");
    let _ = sandbox.guard(["restore", "data/a.txt", "--from", ""]).exits(4).says("neither an operation nor a commit");
    assert_eq!(sandbox.read("data/a.txt"), b"b\n");
}

#[test]
fn a_store_that_is_none_is_told_in_plain_words() {
    for what in ["'HEAD' is gone", "'objects' is gone", "garbage", "a file"] {
        let sandbox = sandbox();
        sandbox.write("data/a.txt", "a\n");
        create(&sandbox);
        let store = store(&sandbox);
        match what {
            "'HEAD' is gone" => fs::remove_file(store.join("HEAD")).unwrap(),
            "'objects' is gone" => fs::remove_dir_all(store.join("objects")).unwrap(),
            "garbage" => fs::write(store.join("config"), "[core\n").unwrap(),
            _ => {
                fs::remove_dir_all(&store).unwrap();
                fs::write(&store, "a file").unwrap();
            }
        }
        for command in ["list", "verify", "create", "show"] {
            let told = backup(&sandbox, &[command]).fails();
            for raw in ["class=", "code="] {
                assert!(!format!("{}{}", told.stdout, told.stderr).contains(raw), "{what}: '{raw}': {told}");
            }
            assert!(what != "a file" || told.stderr.contains("store.git' is in the way: it is a file\n"), "{told}");
        }
    }
}

/// git has nothing to say about the settings of a store, also of one that an older guard made.
#[test]
fn git_reads_the_store_without_a_word() {
    let sandbox = sandbox();
    sandbox.write("data/a.txt", "a\n");
    create(&sandbox);
    let at = store(&sandbox);
    let config = || fs::read_to_string(at.join("config")).unwrap();
    let quiet = |context: &str| {
        for command in [&["gc", "-q"][..], &["fsck", "--no-progress", "--no-dangling"], &["tag"]] {
            let ran = sandbox.git([&["--git-dir", at.to_str().unwrap()][..], command].concat()).ok();
            assert!(!ran.stderr.contains("warning"), "{context}: {ran}");
        }
    };
    quiet("new");
    let former = config().replace("\tfsync = committed\n", "\tfsyncObjectFiles = true\n");
    assert_ne!(former, config());
    fs::write(at.join("config"), &former).unwrap();
    fs::remove_file(at.join("config.libgit2")).unwrap();
    // Who only reads changes nothing.
    assert_eq!(json(&sandbox, &["list"])["backups"].as_array().unwrap().len(), 1);
    assert_eq!(config(), former);
    sandbox.write("data/a.txt", "b\n");
    create(&sandbox);
    quiet("of an older guard");
    // What somebody changed is theirs.
    fs::write(at.join("config"), format!("{former}[pack]\n\tthreads = 2\n")).unwrap();
    sandbox.write("data/a.txt", "c\n");
    create(&sandbox);
    assert!(config().contains("fsyncObjectFiles") && config().ends_with("threads = 2\n"));
}
