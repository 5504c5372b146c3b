//! Drills in repositories that are not like the sample: odd names, no commit, bare ones, linked worktrees, and drills broken off.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::time::{Duration, Instant};

use recoveryguard::drill::REGISTER;
use rusqlite::Connection;
use serde_json::Value;

use crate::support::{Ran, Sandbox};

/// Files of every kind, under names that shells and git quote, and without final newlines.
const MANIFEST: &str = r#"version = 1

[[protect]]
name  = "tools"
paths = ["outils/*.sh"]

[[protect]]
name  = "settings"
paths = ["outils/réglages (prod).ini"]
deny  = ["delete", "modify"]

[[data]]
paths    = ["données/*.json"]
records  = "/a~1b/0"
key      = "id"
max_loss = "60%"

[[data]]
paths  = ["état/**"]
backup = true

[[data]]
paths   = ["état/* b.json"]
records = "/a~1b/0"
backup  = true

[[data]]
paths  = ["états.jsonl"]
backup = true

[[data]]
paths  = ["*.sqlite"]
format = "sqlite"
backup = true
"#;

const DATABASE: &str = "
    CREATE TABLE \"a \"\"b\"\" c\"(\"the id\" INTEGER PRIMARY KEY, kind TEXT, UNIQUE(\"the id\", kind));
    CREATE TABLE child(parent REFERENCES \"a \"\"b\"\" c\"(\"the id\"), note TEXT) WITHOUT ROWID;
    ";

/// Some rows in a table, referred to by as many others.
fn database(place: &Path) {
    std::fs::create_dir_all(place.parent().unwrap()).unwrap();
    let connection = Connection::open(place).unwrap();
    let schema = DATABASE.replace("note TEXT) WITHOUT ROWID", "note TEXT, PRIMARY KEY (parent, note)) WITHOUT ROWID");
    let rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 24)
        INSERT INTO \"a \"\"b\"\" c\" SELECT i, 'kind ' || (i % 4) FROM n;
        INSERT INTO child SELECT \"the id\", 'note ' || \"the id\" FROM \"a \"\"b\"\" c\";
        PRAGMA journal_mode = WAL;";
    connection.execute_batch(&format!("{schema}{rows}")).unwrap();
    connection.close().unwrap();
}

/// Records in a file of one line, without a newline at its end.
fn records(count: usize) -> String {
    let records: Vec<String> = (1..=count).map(|id| format!("{{\"id\": \"é{id}\", \"n\": {id}.50}}")).collect();
    format!("{{\"a/b\": [[{}]]}}", records.join(", "))
}

fn odd() -> Sandbox {
    let sandbox = Sandbox::new();
    let text: String = (1..=30).map(|line| format!("line {line} of the text")).collect::<Vec<_>>().join("\n");
    sandbox.write(".recoveryguard.toml", MANIFEST).write(".gitignore", "/état/\n").write("it's a \"text\".txt", text);
    sandbox.write("outils/dé ploy.sh", "#!/bin/sh\ntrue").write("outils/réglages (prod).ini", numbered("value", 25));
    sandbox.write("données/it's [a] list.json", records(20)).write("données/$HOME & co.json", records(31));
    database(&sandbox.at("bases/l'été.sqlite"));
    sandbox.commit("base");
    let _ = sandbox.git(["switch", "-q", "-c", "tronc/été"]).ok();
    sandbox
        .write("état/a b.json", records(3))
        .write("état/more/c;d.toml", "a = 1")
        .write("états.jsonl", "{\"id\": 1}\n{}");
    database(&sandbox.at("état/live.sqlite"));
    let _ = sandbox.guard(["backup", "create"]).ok();
    // Newer than the backup.
    sandbox.write("état/a b.json", records(5)).write("état/more/c;d.toml", "a = 1\nb = 2");
    sandbox
}

fn numbered(what: &str, lines: usize) -> String {
    (1..=lines).map(|line| format!("{what}{line} = {line}\n")).collect()
}

fn drill(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    let ran = sandbox.guard([&["drill", "--json"], arguments].concat());
    serde_json::from_str(ran.stdout.lines().next().unwrap_or_default()).unwrap_or_else(|error| panic!("{error}: {ran}"))
}

/// Returns the drills as `name place verdict`.
fn ended(document: &Value) -> Vec<String> {
    let word = |drill: &Value, name: &str| drill[name].as_str().unwrap_or_default().to_owned();
    let one = |drill: &Value| {
        let why = drill["why"].as_str().map(|why| format!(": {why}")).unwrap_or_default();
        format!("{} {} {}{why}", word(drill, "scenario"), word(drill, "place"), word(drill, "ended"))
    };
    document["drills"].as_array().unwrap().iter().map(one).collect()
}

#[test]
fn all_incidents_are_rehearsed_in_a_repository_with_odd_names() {
    let sandbox = odd();
    let before = sandbox.state();
    for seed in ["1", "2"] {
        let expected: Vec<String> = REGISTER.iter().map(|scenario| format!("{} here passed", scenario.name)).collect();
        assert_eq!(ended(&drill(&sandbox, &["--seed", seed])), expected, "seed {seed}");
    }
    sandbox.assert_unchanged(&before);
}

#[test]
fn what_was_lost_is_counted_over_all_files_that_git_does_not_track() {
    let sandbox = odd();
    let document = drill(&sandbox, &["clone-lost", "ignored-deleted"]);
    for place in 0..2 {
        assert_eq!(document["drills"][place]["lost"]["records"], 2, "{document:#}");
    }
}

#[test]
fn a_file_that_no_backup_has_fails_the_drill() {
    let sandbox = odd();
    sandbox.write("état/new.json", "{}");
    let said = ended(&drill(&sandbox, &["ignored-deleted", "--seed", "1"]));
    assert_eq!(
        said,
        ["ignored-deleted here failed: after the recovery 'état/new.json' is still as the incident left it"]
    );
}

#[test]
fn the_same_seed_takes_the_same_file_and_place() {
    let sandbox = Sandbox::new();
    sandbox.write(".recoveryguard.toml", "version = 1\n[[data]]\npaths = ['*.json']\n");
    for name in ["a", "b", "c", "d"] {
        sandbox.write(format!("{name}.json"), records(50));
    }
    sandbox.commit("data");
    let chosen = |seed: u32| {
        let document = drill(&sandbox, &["json-truncated", "--seed", &seed.to_string()]);
        assert_eq!(document["passed"], true, "{document:#}");
        (document["drills"][0]["file"].clone(), document["drills"][0]["sha256"][1].clone())
    };
    let first = chosen(1);
    assert_eq!(chosen(1), first);
    assert!((2..8).any(|seed| chosen(seed).0 != first.0), "all seeds take {first:?}");
}

#[test]
fn without_a_commit_the_sample_is_used_and_that_is_said() {
    let sandbox = Sandbox::new();
    let empty = sandbox.root().join("empty");
    let _ = sandbox.git_in(sandbox.root(), ["init", "-q", "empty"]).ok();
    let ran = Ran::of(sandbox.command("guard", &empty).args(["drill", "json-empty"]), b"").ok();
    let expected =
        "this repository can't be copied, so the built-in sample is used: nothing is committed in this repository yet";
    assert!(ran.stdout.starts_with(expected), "{ran}");
    assert!(ran.stdout.contains("json-empty  sample"), "{ran}");
}

#[test]
fn a_bare_repository_is_drilled_by_what_its_head_has() {
    let sandbox = odd();
    let bare = sandbox.root().join("bare.git");
    let _ = sandbox.git(["clone", "-q", "--bare", ".", "../bare.git"]).ok();
    let arguments = ["drill", "--json", "json-truncated", "merge-deletes", "sqlite-cut", "clone-lost"];
    let ran = Ran::of(sandbox.command("guard", &bare).args(arguments), b"").ok();
    let document: Value = serde_json::from_str(ran.line()).unwrap();
    let expected = [
        "json-truncated here passed",
        "merge-deletes here passed",
        "sqlite-cut here passed",
        // Nothing there is untracked.
        "clone-lost sample passed",
    ];
    assert_eq!(ended(&document), expected);
    assert!(bare.join("recoveryguard/receipts").is_dir());
}

#[test]
fn a_linked_worktree_is_drilled_as_it_stands() {
    let sandbox = Sandbox::options().linked_worktree().create();
    sandbox.write(".recoveryguard.toml", "version = 1\n[[data]]\npaths = ['*.json']\nbackup = true\n");
    sandbox.write("a.json", "[1, 2, 3, 4, 5]").commit("data");
    sandbox.write("a.json", "[1, 2, 3]").write("b.json", "[]").write(".gitignore", "b.json\n");
    let _ = sandbox.guard(["backup", "create"]).ok();
    let before = sandbox.state();
    let document = drill(&sandbox, &["json-truncated", "clone-lost", "backup-corrupt"]);
    let expected = ["json-truncated here passed", "clone-lost here passed", "backup-corrupt here passed"];
    assert_eq!(ended(&document), expected);
    sandbox.assert_unchanged(&before);
    assert!(sandbox.common_dir().join("recoveryguard/receipts").is_dir());
}

#[test]
fn a_drill_that_was_broken_off_leaves_nothing_that_the_next_one_does_not_remove() {
    let sandbox = Sandbox::new();
    let scratch = sandbox.root().join("scratch");
    std::fs::create_dir(&scratch).unwrap();
    sandbox.env("TMPDIR", &scratch);
    let mut command = sandbox.command("guard", sandbox.work());
    // A group of its own: what ends it reaches all of it, as Ctrl-C does. That one is ignored where tests run in the background.
    let mut drill = command.arg("drill").process_group(0).stdout(std::process::Stdio::null()).spawn().unwrap();
    let began = Instant::now();
    let is_at_work = || {
        let mut folders = std::fs::read_dir(&scratch).unwrap().flatten();
        folders.any(|folder| folder.path().join("merge-deletes/project/.git").is_dir())
    };
    while !is_at_work() {
        assert!(began.elapsed() < Duration::from_secs(300), "the drill has not begun");
        assert!(drill.try_wait().unwrap().is_none(), "the drill has ended");
        std::thread::sleep(Duration::from_millis(5));
    }
    let group = rustix::process::Pid::from_raw(i32::try_from(drill.id()).unwrap()).unwrap();
    rustix::process::kill_process_group(group, rustix::process::Signal::TERM).unwrap();
    assert!(!drill.wait().unwrap().success());
    let ran = sandbox.guard(["drill", "json-empty"]).ok();
    assert!(ran.stdout.contains("1 drill passed") || ran.stdout.contains("1 of 1"), "{ran}");
    let left: Vec<_> = std::fs::read_dir(&scratch).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert!(left.is_empty(), "{left:?}");
}
