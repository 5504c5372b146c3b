//! D14: what leaves this machine, and what comes to it.

use std::fs;
use std::path::PathBuf;

use super::{backup, create, json, manifest, sandbox};
use crate::support::Sandbox;

/// A bare repository beside the sandbox's, with its address.
fn far(sandbox: &Sandbox) -> String {
    let _ = sandbox.git(["init", "-q", "--bare", "../far.git"]).ok();
    sandbox.root().join("far.git").to_str().unwrap().to_owned()
}

fn refs(sandbox: &Sandbox, address: &str) -> usize {
    sandbox
        .git(["ls-remote", address])
        .ok()
        .stdout
        .lines()
        .filter(|line| line.contains("refs/recoveryguard/backup/") && !line.ends_with("^{}"))
        .count()
}

fn store(sandbox: &Sandbox) -> PathBuf {
    sandbox.common_dir().join("recoveryguard/store.git")
}

#[test]
fn what_git_tracks_goes_anywhere_and_comes_back_elsewhere() {
    let sandbox = sandbox();
    let address = far(&sandbox);
    let _ = sandbox.git(["remote", "add", "far", &address]).ok();
    sandbox.write("data/a.txt", "one\n").commit("data");
    let first = create(&sandbox);
    sandbox.write("data/a.txt", "two\n");
    create(&sandbox);
    let dry = json(&sandbox, &["push", "far", "--dry-run"]);
    assert_eq!((dry["sent"].as_array().unwrap().len(), refs(&sandbox, &address)), (2, 0));
    let text = backup(&sandbox, &["push", "far", "--dry-run"]).ok().stdout;
    assert!(text.starts_with("Would send 2 backups") && text.contains(&format!("\n  send    {first}\n")), "{text}");
    let sent = json(&sandbox, &["push", "far"]);
    assert_eq!((&sent["sent"], &sent["there"]), (&dry["sent"], &2.into()));
    assert_eq!(refs(&sandbox, &address), 2);
    let again = json(&sandbox, &["push", "../far.git"]);
    assert_eq!((again["sent"].as_array().unwrap().len(), &again["there"]), (0, &2.into()));
    // No clone of the remote has them.
    assert_eq!(sandbox.git(["ls-remote", "--heads", "--tags", &address]).ok().stdout, "");

    let other = self::sandbox();
    let _ = backup(&other, &["fetch", &address, "--dry-run"]).ok();
    assert_eq!(json(&other, &["list"])["backups"].as_array().unwrap().len(), 0);
    let brought = json(&other, &["fetch", &address]);
    assert_eq!(brought["fetched"].as_array().unwrap().len(), 2, "{brought}");
    let _ = backup(&other, &["show", &first]).ok();
    let _ = backup(&other, &["verify", "--level", "restore"]).ok();
    assert_eq!(json(&other, &["fetch", &address])["here"], 2);
}

/// D14: nothing ignored or secret goes to a remote that was not declared private, and nothing secret over an open line.
#[test]
fn d14_ignored_and_secret_files_go_only_to_a_private_remote() {
    let sandbox = sandbox();
    let address = far(&sandbox);
    sandbox.write("data/ignored.json", "{}\n");
    create(&sandbox);
    for arguments in [&["push", "../far.git"][..], &["push", &address, "--dry-run"]] {
        let ran = backup(&sandbox, arguments).exits(4).says("'data/ignored.json' is ignored by git");
        assert!(ran.stderr.contains("which was not declared private"), "{ran}");
    }
    assert_eq!(refs(&sandbox, &address), 0);
    manifest(&sandbox, &format!("remote = {{ url = '{address}', visibility = 'public' }}"));
    let _ = backup(&sandbox, &["push", "../far.git"]).exits(4);
    manifest(&sandbox, &format!("remote = {{ url = '{address}', visibility = 'private' }}"));
    let _ = backup(&sandbox, &["push", "../far.git"]).ok();
    assert_eq!(refs(&sandbox, &address), 1);
    manifest(&sandbox, "[[data]]\npaths = ['data/t*']\nsecret = true\n");
    sandbox.write("data/tracked.txt", "t\n").commit("t");
    fs::remove_file(sandbox.at("data/ignored.json")).unwrap();
    create(&sandbox);
    let _ = backup(&sandbox, &["push", &address]).exits(4).says("'data/tracked.txt' is secret");
    let _ = sandbox.git(["config", "--add", "recoveryguard.privateRemote", "https://elsewhere"]).ok();
    let _ = sandbox.git(["config", "--add", "recoveryguard.privateRemote", &format!("{address}/")]).ok();
    let _ = backup(&sandbox, &["push", &address]).ok();
    assert_eq!(refs(&sandbox, &address), 2);
}

/// Declared private or not: what is secret is encrypted on its way.
#[test]
fn d14_nothing_secret_goes_over_an_open_line() {
    let sandbox = sandbox();
    manifest(&sandbox, "[[data]]\npaths = ['data/t*']\nsecret = true\n");
    sandbox.write("data/tracked.txt", "t\n").commit("t");
    create(&sandbox);
    // git would reach a repository of the sandbox's by this address.
    let address = far(&sandbox);
    for open in ["http://localhost:1/x.git", "git://localhost:1/x.git"] {
        let _ = sandbox.git(["config", "--add", "recoveryguard.privateRemote", open]).ok();
        let _ = sandbox.git(["remote", "add", &open[..3], open]).ok();
        for typed in [open, &open[..3]] {
            let _ = backup(&sandbox, &["push", typed]).exits(4).says("nothing encrypts it on that way");
        }
    }
    assert_eq!(refs(&sandbox, &address), 0);
}

/// Nothing runs by an address's choice.
#[test]
fn an_address_runs_no_program() {
    let sandbox = sandbox();
    sandbox.write("data/a.txt", "a\n").commit("data");
    create(&sandbox);
    let witness = sandbox.root().join("ran");
    for typed in [format!("ext::touch {}", witness.display()), "--upload-pack=touch".to_owned(), String::new()] {
        let _ = backup(&sandbox, &["push", "--", &typed]).exits(2);
        let _ = backup(&sandbox, &["fetch", "--", &typed]).exits(2);
    }
    let _ = sandbox.git(["config", "protocol.ext.allow", "always"]).ok();
    let _ = sandbox.git(["remote", "add", "odd", &format!("ext::touch {}", witness.display())]).ok();
    let _ = backup(&sandbox, &["push", "odd"]).fails();
    let _ = backup(&sandbox, &["fetch", "odd"]).fails();
    assert!(!witness.exists());
}

/// Neither side's backups are replaced, and what comes damaged is not kept.
#[test]
fn nothing_is_overwritten_and_nothing_damaged_is_kept() {
    let sandbox = sandbox();
    let address = far(&sandbox);
    sandbox.write("data/a.txt", "a\n").commit("data");
    let id = create(&sandbox);
    let _ = backup(&sandbox, &["push", &address]).ok();
    // Another backup under the same name, here.
    let other = self::sandbox();
    other.write("data/a.txt", "other\n").commit("data");
    let own = create(&other);
    let refs = store(&other).join("refs/tags/backup");
    let tag = fs::read_to_string(refs.join(&own)).unwrap();
    fs::rename(refs.join(&own), refs.join(&id)).unwrap();
    let brought = json(&other, &["fetch", &address]);
    assert_eq!((&brought["different"], &brought["fetched"]), (&serde_json::json!([id]), &serde_json::json!([])));
    assert_eq!(fs::read_to_string(refs.join(&id)).unwrap(), tag);
    // Its manifest says another name, so it is damaged, and not sent.
    let sent = backup(&other, &["push", &address]).exits(3);
    assert!(sent.stdout.contains("its manifest is another backup's"), "{sent}");
    // What is no backup comes as none.
    let third = self::sandbox();
    let far = sandbox.root().join("far.git");
    let commit = third.rev("HEAD");
    let _ = third
        .git([
            "push",
            "-q",
            far.to_str().unwrap(),
            &format!("{commit}:refs/recoveryguard/backup/20000101-000000-000000"),
        ])
        .ok();
    let brought = backup(&third, &["fetch", &address]).exits(3);
    assert!(brought.stdout.contains("damaged refs/tags/backup/20000101-000000-000000"), "{brought}");
    let list = json(&third, &["list"]);
    assert_eq!((list["backups"].as_array().unwrap().len(), &list["damaged"]), (1, &serde_json::json!([])));
}
