//! What `guard doctor` says of backups; each remedy is run as it is printed.

use std::fs;

use serde_json::Value;

use super::{backup, create, json, manifest, sandbox};
use crate::support::{Ran, Sandbox};

/// Health, text and remedy of the checks of one name.
fn checks(sandbox: &Sandbox, name: &str) -> Vec<(String, String, String)> {
    let ran = sandbox.guard(["doctor", "--json"]);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran}"));
    let word = |check: &Value, key: &str| check[key].as_str().unwrap_or_default().to_owned();
    let checks = document["checks"].as_array().unwrap().iter().filter(|check| check["name"] == name);
    checks.map(|check| (word(check, "health"), word(check, "text"), word(check, "remedy"))).collect()
}

/// The first one of them that is not good.
#[track_caller]
fn trouble(sandbox: &Sandbox, name: &str) -> (String, String, String) {
    let all = checks(sandbox, name);
    all.iter().find(|(health, ..)| health != "good").unwrap_or_else(|| panic!("all is well: {all:?}")).clone()
}

#[track_caller]
fn well(sandbox: &Sandbox, name: &str) {
    let all = checks(sandbox, name);
    assert!(!all.is_empty() && all.iter().all(|(health, ..)| health == "good"), "{all:?}");
}

/// Runs a remedy as it is printed.
fn run(sandbox: &Sandbox, remedy: &str) -> Ran {
    Ran::of(sandbox.command("sh", sandbox.work()).args(["-c", remedy]), b"")
}

#[test]
fn a_repository_that_backs_nothing_up_is_not_told_about_it() {
    let sandbox = Sandbox::new();
    assert_eq!(checks(&sandbox, "backups"), []);
    sandbox.write(".recoveryguard.toml", "version = 1\n[[data]]\npaths = ['data/']\n");
    sandbox.write("data/a.json", "{");
    assert_eq!((checks(&sandbox, "backups"), checks(&sandbox, "copies")), (vec![], vec![]));
    let bare = Sandbox::options().bare().create();
    assert_eq!(checks(&bare, "backups"), []);
}

#[test]
fn data_that_was_never_backed_up_is_a_failure_and_the_remedy_works() {
    let sandbox = sandbox();
    let (health, text, _) = trouble(&sandbox, "backups");
    assert_eq!((health.as_str(), text.contains("no file is here")), ("note", true), "{text}");
    sandbox.write("data/a.json", "[1]\n");
    let (health, text, remedy) = trouble(&sandbox, "backups");
    assert_eq!((health.as_str(), text.as_str()), ("bad", "there is no backup yet of 1 file"));
    let _ = sandbox.guard(["doctor"]).exits(1);
    let _ = run(&sandbox, &remedy).ok();
    well(&sandbox, "backups");
    let texts: Vec<String> = checks(&sandbox, "backups").into_iter().map(|(_, text, _)| text).collect();
    assert!(texts[0].ends_with("holds 1 file as they are now"), "{texts:?}");
    assert!(texts[1].contains("(bytes not read: guard backup verify)"), "{texts:?}");
    sandbox.write(".recoveryguard.toml", "version = 1\nnonsense = 1\n");
    let (health, text, _) = trouble(&sandbox, "backups");
    assert!(health == "bad" && text.contains("nonsense"), "{text}");
}

/// Only what has changed can be lost; `[runbook] rpo` says how much may be. However wrong the clock is.
#[test]
fn what_changed_longer_ago_than_rpo_allows_is_a_failure() {
    const TEN_YEARS: u64 = 10 * 365 * 24 * 60 * 60 * 1000;
    let sandbox = sandbox();
    sandbox.write("data/a.json", "[1]\n").write("data/b.txt", "b\n");
    std::thread::sleep(std::time::Duration::from_millis(30));
    create(&sandbox);
    let hours = |hours: u64| 1_700_000_000_000 + hours * 60 * 60 * 1000;
    let at = |clock: u64| sandbox.env("RECOVERYGUARD_CLOCK", clock.to_string());
    at(hours(31));
    well(&sandbox, "backups");
    sandbox.write("data/a.json", "[1, 2]\n");
    // Nothing says how much may be lost.
    well(&sandbox, "backups");
    manifest(&sandbox, "[runbook]\nrpo = '24h'\n");
    let (health, text, remedy) = trouble(&sandbox, "backups");
    assert!(health == "bad" && text.contains(", 30 h ago: more may be lost than [runbook] rpo (24 h) says"), "{text}");
    let _ = run(&sandbox, &remedy).ok();
    well(&sandbox, "backups");
    // A file that is gone is a change, too.
    fs::remove_file(sandbox.at("data/b.txt")).unwrap();
    well(&sandbox, "backups");
    for (clock, said) in
        [(hours(62), "31 h ago"), (hours(1), "later than now"), (hours(0) - TEN_YEARS, "later than now")]
    {
        at(clock);
        assert!(trouble(&sandbox, "backups").1.contains(said), "{:?}", trouble(&sandbox, "backups"));
    }
    at(hours(62) + TEN_YEARS);
    // The remedy tells that it is gone; it is meant to be.
    let remedy = trouble(&sandbox, "backups").2;
    let _ = run(&sandbox, &remedy).exits(3);
    let _ = run(&sandbox, &format!("{remedy} --let-go")).ok();
    at(hours(0) - TEN_YEARS);
    well(&sandbox, "backups");
    sandbox.write("data/a.json", "[1, 2, 3]\n");
    let remedy = trouble(&sandbox, "backups").2;
    let _ = run(&sandbox, &remedy).ok();
    well(&sandbox, "backups");
}

/// A bad file counts as no backup, and the remedies lead out, one after the other.
#[test]
fn a_bad_file_is_told_until_it_is_good_and_backed_up() {
    let sandbox = sandbox();
    manifest(&sandbox, "[runbook]\nrpo = '1s'\n");
    sandbox.write("data/a.json", "{");
    std::thread::sleep(std::time::Duration::from_millis(30));
    let _ = backup(&sandbox, &["create"]).exits(1);
    let (_, text, remedy) = trouble(&sandbox, "backups");
    assert!(text.starts_with("'data/a.json' is bad, here and in the newest backup: line 1"), "{text}");
    let _ = run(&sandbox, &remedy).exits(1).says("");
    sandbox.write("data/a.json", "[1]\n");
    let (_, text, remedy) = trouble(&sandbox, "backups");
    assert_eq!(text, "there is no backup yet in which every file is good");
    let _ = run(&sandbox, &remedy).ok();
    well(&sandbox, "backups");
    sandbox.write("data/a.json", "[2");
    std::thread::sleep(std::time::Duration::from_millis(30));
    let _ = backup(&sandbox, &["create"]).exits(1);
    let remedy = trouble(&sandbox, "backups").2;
    assert!(remedy.starts_with("guard restore"), "{remedy}");
    let _ = run(&sandbox, &remedy).ok();
    assert_eq!(sandbox.read("data/a.json"), b"[1]\n");
    sandbox.env("RECOVERYGUARD_CLOCK", "1700000100000");
    let remedy = trouble(&sandbox, "backups").2;
    let _ = run(&sandbox, &remedy).ok();
    well(&sandbox, "backups");
    fs::File::create(sandbox.at("data/huge.bin")).unwrap().set_len(1 << 40).unwrap();
    let _ = backup(&sandbox, &["create"]).exits(3);
    assert!(trouble(&sandbox, "backups").1.contains("lacks 'data/huge.bin': it holds"));
}

#[test]
fn one_machine_is_one_copy_until_a_push_has_found_the_newest_elsewhere() {
    let sandbox = sandbox();
    sandbox.write("data/a.json", "[1]\n");
    create(&sandbox);
    let (health, text, remedy) = trouble(&sandbox, "copies");
    assert_eq!((health.as_str(), remedy.as_str()), ("note", ""));
    assert!(text.starts_with("backups are only on this machine"), "{text}");
    let _ = backup(&sandbox, &["push"]).exits(2).says("no remote was named");
    let _ = sandbox.git(["init", "-q", "--bare", "../far.git"]).ok();
    let far = sandbox.root().join("far.git");
    // What git ignores may not go there yet: the remedy says how it may.
    manifest(&sandbox, &format!("remote.url = '{}'", far.display()));
    let (_, text, remedy) = trouble(&sandbox, "copies");
    assert!(text.contains("is ignored by git"), "{text}");
    let _ = run(&sandbox, &remedy).ok();
    let (health, text, remedy) = trouble(&sandbox, "copies");
    assert!(health == "note" && text.contains("is only on this machine, not at"), "{text}");
    assert_eq!(remedy, "guard backup push");
    let _ = backup(&sandbox, &["push", "--dry-run"]).ok();
    trouble(&sandbox, "copies");
    // From a folder below, too.
    let _ = Ran::of(sandbox.command("sh", &sandbox.at("data")).args(["-c", &remedy]), b"").ok();
    well(&sandbox, "copies");
    sandbox.write("data/a.json", "[2]\n");
    create(&sandbox);
    assert_eq!(trouble(&sandbox, "copies").2, remedy);
    let _ = run(&sandbox, &remedy).ok();
    well(&sandbox, "copies");
    // Nothing was asked of the remote.
    fs::remove_dir_all(&far).unwrap();
    well(&sandbox, "copies");
    // Another remote is another copy, declared or not.
    let _ = sandbox.git(["init", "-q", "--bare", "../other.git"]).ok();
    manifest(&sandbox, "");
    let text = &checks(&sandbox, "copies")[0].1;
    assert!(text.contains("far.git', too, as it was"), "{text}");
    let other = sandbox.root().join("other.git");
    manifest(&sandbox, &format!("remote = {{ url = '{}', visibility = 'private' }}", other.display()));
    let _ = run(&sandbox, &trouble(&sandbox, "copies").2).ok();
    well(&sandbox, "copies");
}

/// D12: an object that is not there, or no object any more.
#[test]
fn what_is_missing_in_the_store_is_a_failure() {
    let sandbox = sandbox();
    sandbox.write("data/a.json", "[1, 2, 3]\n");
    let id = create(&sandbox);
    let list = json(&sandbox, &["show", &id]);
    let blob = list["files"][0]["blob"].as_str().unwrap();
    let path = sandbox.common_dir().join(format!("recoveryguard/store.git/objects/{}/{}", &blob[..2], &blob[2..]));
    let bytes = fs::read(&path).unwrap();
    for damage in [None, Some(&b"garbage"[..])] {
        fs::remove_file(&path).unwrap();
        if let Some(garbage) = damage {
            fs::write(&path, garbage).unwrap();
        }
        let (health, text, _) = trouble(&sandbox, "backups");
        assert!(health == "bad" && text.contains(&id) && text.contains("'data/a.json' is damaged"), "{text}");
        fs::write(&path, &bytes).unwrap();
        well(&sandbox, "backups");
    }
}
