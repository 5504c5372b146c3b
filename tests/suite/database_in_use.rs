//! A merge does not put another file in the place of a database that a program uses, or whose log holds rows; and what the log
//! holds comes back with the file (D4, D8).

use std::fs;

use rusqlite::Connection;

use crate::support::{Ran, Sandbox};

const DATABASE: &str = "app.db";
const LOG: &str = "app.db-wal";
const IN_USE: &str = "[data-in-use]";

/// `main` with a database of one row in WAL mode, and `feat` with one of two rows, and another file; git ignores what SQLite keeps
/// beside it. Nobody has it open.
pub(crate) fn two_versions() -> Sandbox {
    let sandbox = Sandbox::new();
    make(&sandbox);
    sandbox.commit("database");
    let _ = sandbox.git(["checkout", "-q", "-b", "feat"]).ok();
    grow(&sandbox);
    sandbox.write("more", "feat's\n").commit("feat's row");
    let _ = sandbox.git(["checkout", "-q", "main"]).ok();
    sandbox
}

/// Writes a database of one row.
pub(crate) fn make(sandbox: &Sandbox) {
    sandbox.write(".gitignore", "*.db-*\n");
    run(sandbox, "PRAGMA journal_mode = WAL; CREATE TABLE t (v); INSERT INTO t VALUES ('main')");
}

/// Adds a row.
pub(crate) fn grow(sandbox: &Sandbox) {
    run(sandbox, "INSERT INTO t VALUES ('feat')");
}

fn run(sandbox: &Sandbox, sql: &str) {
    let connection = open(sandbox);
    connection.execute_batch(sql).unwrap();
    connection.close().unwrap();
}

fn open(sandbox: &Sandbox) -> Connection {
    Connection::open(sandbox.at(DATABASE)).unwrap()
}

/// Adds a row that only the log holds, as after a crash of the program that wrote it.
pub(crate) fn crash(sandbox: &Sandbox) {
    let file = sandbox.read(DATABASE);
    let connection = open(sandbox);
    connection.execute_batch("INSERT INTO t VALUES ('log')").unwrap();
    let log = sandbox.read(LOG);
    drop(connection);
    sandbox.write(DATABASE, file).write(LOG, log);
}

/// Leaves a transaction that was cut off before a page of it was in the file: git sees no change.
fn cut_off(sandbox: &Sandbox) {
    let file = sandbox.read(DATABASE);
    let program = open(sandbox);
    // What is not synced is written at once.
    program
        .execute_batch("PRAGMA journal_mode = DELETE; PRAGMA synchronous = OFF; BEGIN; UPDATE t SET v = 'half'")
        .unwrap();
    let journal = sandbox.read("app.db-journal");
    drop(program);
    sandbox.write(DATABASE, file).write("app.db-journal", journal);
}

/// The rows as the next program sees them that opens a copy, so that this one's stay as they are.
fn rows(sandbox: &Sandbox) -> Vec<String> {
    let folder = sandbox.root().join("copy");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir(&folder).unwrap();
    for name in [DATABASE, LOG, "app.db-journal"] {
        if sandbox.at(name).exists() {
            fs::copy(sandbox.at(name), folder.join(name)).unwrap();
        }
    }
    let connection = Connection::open(folder.join(DATABASE)).unwrap();
    let mut statement = connection.prepare("SELECT v FROM t").unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// The file as git stores it. To read it in this process would drop this process's locks on it.
fn hash(sandbox: &Sandbox) -> String {
    sandbox.git(["hash-object", DATABASE]).ok().line().to_owned()
}

fn merge(sandbox: &Sandbox, how: &[&str]) -> Ran {
    sandbox.git([&["merge", "-q", "--no-edit"], how, &["feat"]].concat())
}

#[track_caller]
fn is_quiet(ran: &Ran) {
    assert!(
        !ran.stdout.contains(IN_USE) && !ran.stderr.contains(IN_USE) && !ran.stderr.contains("could not judge"),
        "{ran}"
    );
}

#[test]
fn while_a_program_has_it_open_every_merge_is_refused_before_anything_changes() {
    let sandbox = two_versions();
    let _ = sandbox.git(["init", "-q", "--bare", "../origin.git"]).ok();
    let _ = sandbox.git(["remote", "add", "origin", "../origin.git"]).ok();
    let _ = sandbox.git(["push", "-q", "origin", "main", "feat:other", "feat"]).ok();
    let _ = sandbox.git(["fetch", "-q"]).ok();
    let _ = sandbox.git(["branch", "-q", "-u", "origin/other"]).ok();
    sandbox.install();
    let (head, before) = (sandbox.rev("HEAD"), hash(&sandbox));
    let program = open(&sandbox);
    program.execute_batch("INSERT INTO t VALUES ('program')").unwrap();
    let said = format!("another file in the place of 'app.db', and process {} has it open", std::process::id());
    let pull = ["pull", "-q", "--no-rebase", "--no-edit"];
    let commands: [&[&str]; 5] = [
        &["merge", "-q", "--ff", "feat"],
        &["merge", "-q", "--no-ff", "--no-edit", "feat"],
        &["merge", "-q", "--squash", "feat"],
        // What the shared line has already is no reason to lose what is here.
        &pull,
        &[&pull[..], &["origin", "feat"]].concat(),
    ];
    for command in commands {
        let refused = sandbox.git(command).fails().says(IN_USE).says(&said).says("nothing was changed");
        let _ = refused.says("stop it and merge again, or: guard allow data-in-use 'app.db' --reason '...'");
        assert_eq!((sandbox.rev("HEAD"), hash(&sandbox)), (head.clone(), before.clone()), "{command:?}");
    }
    // The program goes on, and at its end its rows are in the file, which git then sees.
    program.execute_batch("INSERT INTO t VALUES ('more')").unwrap();
    program.close().unwrap();
    assert_eq!(rows(&sandbox), ["main", "program", "more"]);
    let _ = merge(&sandbox, &["--ff"]).fails().says("would be overwritten by merge");
    let _ = sandbox.git(["checkout", "-q", "--", DATABASE]).ok();
    is_quiet(&merge(&sandbox, &["--ff"]).ok());
    assert_eq!(rows(&sandbox), ["main", "feat"]);
}

#[test]
fn a_transaction_in_rollback_mode_is_seen_and_a_database_at_rest_is_quiet() {
    let sandbox = two_versions();
    run(&sandbox, "PRAGMA journal_mode = DELETE");
    sandbox.commit("another mode");
    sandbox.install();
    let _ = sandbox.git(["branch", "-q", "-f", "feat", "main"]).ok();
    let _ = sandbox.git(["checkout", "-q", "feat"]).ok();
    grow(&sandbox);
    sandbox.commit("feat's row");
    let _ = sandbox.git(["checkout", "-q", "main"]).ok();
    let before = hash(&sandbox);
    for sql in ["BEGIN; SELECT * FROM t", "BEGIN IMMEDIATE"] {
        let program = open(&sandbox);
        program.execute_batch(sql).unwrap();
        let _ = merge(&sandbox, &[]).fails().says(IN_USE).says("has it open");
        assert_eq!(hash(&sandbox), before);
        drop(program);
    }
    cut_off(&sandbox);
    let refused = merge(&sandbox, &[]).fails().says(IN_USE);
    let _ = refused.says("'app.db-journal' holds a transaction that is not rolled back").says("PRAGMA quick_check");
    run(&sandbox, "PRAGMA quick_check");
    // Left empty, as SQLite may leave them.
    sandbox.write("app.db-journal", "").write(LOG, "");
    is_quiet(&merge(&sandbox, &[]).ok());
    assert_eq!(rows(&sandbox), ["main", "feat"]);
}

#[test]
fn a_log_with_rows_is_refused_and_when_it_is_allowed_undo_brings_both_back() {
    let sandbox = two_versions();
    sandbox.install();
    crash(&sandbox);
    let (head, file, log) = (sandbox.rev("HEAD"), sandbox.read(DATABASE), sandbox.read(LOG));
    let refused = merge(&sandbox, &[]).fails().says(IN_USE).says("'app.db-wal' holds rows that are not in it yet");
    let _ = refused.says("sqlite3 'app.db' 'PRAGMA wal_checkpoint(TRUNCATE)', or: guard allow ");
    assert_eq!((sandbox.read(DATABASE), sandbox.read(LOG)), (file.clone(), log.clone()));
    let _ = sandbox.guard(["allow", "data-in-use", DATABASE, "--reason", "the rows may go"]).ok();
    for how in ["--ff", "--no-ff"] {
        let _ = merge(&sandbox, &[how]).ok().says("allowed: the rows may go");
        assert_ne!(sandbox.read(DATABASE), file);
        // With the log as it was, and with the log gone.
        if how == "--ff" {
            fs::remove_file(sandbox.at(LOG)).unwrap();
        }
        let _ = sandbox.guard(["undo-merge"]).ok();
        assert_eq!(sandbox.rev("HEAD"), head);
        assert_eq!((sandbox.read(DATABASE), sandbox.read(LOG)), (file.clone(), log.clone()), "{how}");
        assert_eq!(rows(&sandbox), ["main", "log"]);
        // To put the merge's file beside this log would bring the same about again.
        if how == "--no-ff" {
            let _ =
                sandbox.guard(["redo"]).exits(4).says("'app.db' is in use: 'app.db-wal' holds what is not in the file");
        }
    }
    // As the message says.
    run(&sandbox, "PRAGMA wal_checkpoint(TRUNCATE)");
    assert_eq!(rows(&sandbox), ["main", "log"]);
    sandbox.commit("with the row of the log");
    is_quiet(&merge(&sandbox, &["-X", "theirs"]).ok());
    assert_eq!(rows(&sandbox), ["main", "feat"]);
}

#[test]
fn a_log_that_somebody_wrote_since_is_not_replaced_by_an_undo() {
    let sandbox = two_versions();
    sandbox.install();
    crash(&sandbox);
    let _ = sandbox.guard(["allow", "data-in-use", DATABASE, "--for", "feat", "--reason", "the rows may go"]).ok();
    let _ = merge(&sandbox, &[]).ok();
    fs::remove_file(sandbox.at(LOG)).unwrap();
    crash(&sandbox);
    let log = sandbox.read(LOG);
    let _ = sandbox.guard(["undo-merge"]).exits(4).says("'app.db-wal'");
    assert_eq!(sandbox.read(LOG), log);
    assert_eq!(rows(&sandbox), ["main", "feat", "log"]);
}

#[test]
fn a_removed_database_and_one_that_git_ignores_count_too() {
    let sandbox = two_versions();
    let _ = sandbox.git(["checkout", "-q", "-b", "without"]).ok();
    let _ = sandbox.git(["rm", "-q", DATABASE]).ok();
    sandbox.commit("without");
    let _ = sandbox.git(["checkout", "-q", "main"]).ok();
    sandbox.install();
    crash(&sandbox);
    let _ = sandbox.git(["merge", "-q", "without"]).fails().says("the merge would remove 'app.db', and 'app.db-wal'");
    // What comes in does not touch it.
    let _ = sandbox.git(["checkout", "-q", "-b", "elsewhere"]).ok();
    sandbox.write("other", "x\n").commit("other");
    let _ = sandbox.git(["checkout", "-q", "main"]).ok();
    is_quiet(&sandbox.git(["merge", "-q", "elsewhere"]).ok());
    // It stands where git has none: overwritten without a word of git's.
    let sandbox = two_versions();
    let _ = sandbox.git(["rm", "-q", DATABASE]).ok();
    sandbox.write(".gitignore", "*.db*\n");
    sandbox.commit("ignored");
    sandbox.install();
    let _ = sandbox.git(["checkout", "-q", "-b", "brings"]).ok();
    run(&sandbox, "PRAGMA journal_mode = WAL; CREATE TABLE t (v); INSERT INTO t VALUES ('brought')");
    let _ = sandbox.git(["add", "-f", DATABASE]).ok();
    sandbox.commit("brings");
    let _ = sandbox.git(["checkout", "-q", "main"]).ok();
    run(&sandbox, "PRAGMA journal_mode = WAL; CREATE TABLE t (v); INSERT INTO t VALUES ('ignored')");
    crash(&sandbox);
    let _ = sandbox.git(["merge", "-q", "brings"]).fails().says(IN_USE);
    assert_eq!(rows(&sandbox), ["ignored", "log"]);
}

#[test]
fn a_log_that_git_tracks_and_the_merge_replaces_goes_with_its_database() {
    let sandbox = two_versions();
    crash(&sandbox);
    sandbox.write(".gitignore", "*.db-shm\n");
    sandbox.commit("with its log");
    let _ = sandbox.git(["checkout", "-q", "-b", "both"]).ok();
    run(&sandbox, "INSERT INTO t VALUES ('both')");
    sandbox.commit("checkpointed");
    let _ = sandbox.git(["checkout", "-q", "main"]).ok();
    assert_eq!(rows(&sandbox), ["main", "log"]);
    sandbox.install();
    is_quiet(&sandbox.git(["merge", "-q", "both"]).ok());
    assert_eq!(rows(&sandbox), ["main", "log", "both"]);
}

#[test]
fn the_manifest_sets_the_level() {
    let sandbox = two_versions();
    sandbox.write(".recoveryguard.toml", "version = 1\n[rules]\ndata-in-use = 'warn'\n").commit("manifest");
    sandbox.install();
    crash(&sandbox);
    let _ = merge(&sandbox, &[]).ok().says("warn").says(IN_USE);
    let _ = sandbox.guard(["undo-merge"]).ok();
    assert_eq!(rows(&sandbox), ["main", "log"]);
}

/// Nothing ran before the files changed: it is said as soon as something runs, and the printed command brings all of it back.
#[test]
fn where_no_gate_looked_it_is_said_afterwards() {
    for (how, log) in [("--ff", LOG), ("--no-ff", LOG), ("--ff", "app.db-journal")] {
        let sandbox = two_versions();
        sandbox.install();
        fs::remove_file(sandbox.common_dir().join("hooks/reference-transaction")).unwrap();
        if log == LOG {
            crash(&sandbox);
        } else {
            cut_off(&sandbox);
        }
        let before = (sandbox.read(DATABASE), sandbox.read(log));
        let merged = merge(&sandbox, &[how]);
        let merged = if how == "--ff" { merged.ok() } else { merged.fails() };
        let merged = merged.says(IN_USE).says("the merge put another file in the place of 'app.db', and 'app.db-");
        assert_ne!(sandbox.read(DATABASE), before.0);
        let line = merged.stderr.lines().find_map(|line| line.trim().strip_prefix("do")).unwrap().trim();
        let _ = Ran::of(sandbox.command("sh", sandbox.work()).arg("-c").arg(line), b"").ok();
        assert_eq!((sandbox.read(DATABASE), sandbox.read(log)), before, "{how} {log}");
    }
}

// D4: a log is a part of its database.
#[test]
fn a_version_that_an_operation_saved_comes_back_with_its_log() {
    let sandbox = two_versions();
    sandbox.install();
    crash(&sandbox);
    let saved = (sandbox.read(DATABASE), sandbox.read(LOG));
    let _ = sandbox.guard(["allow", "data-in-use", DATABASE, "--for", "feat", "--reason", "the rows may go"]).ok();
    let _ = merge(&sandbox, &["--no-ff"]).ok();
    let log = sandbox.guard(["log", "--json"]).ok().stdout;
    let log: serde_json::Value = serde_json::from_str(&log).unwrap();
    let merge = log["operations"].as_array().unwrap().iter().find(|operation| operation["kind"] == "merge");
    let operation = merge.unwrap()["id"].as_str().unwrap().to_owned();
    // With the log as it was, without one, and with one of the file that stands there now.
    for case in 0..3 {
        if case == 1 {
            fs::remove_file(sandbox.at(LOG)).unwrap();
        }
        if case > 1 {
            run(&sandbox, "INSERT INTO t VALUES ('later')");
            crash(&sandbox);
        }
        let before = sandbox.read(DATABASE);
        let _ = sandbox.guard(["restore", "--from", &operation, DATABASE]).ok();
        assert_eq!((sandbox.read(DATABASE), sandbox.read(LOG)), saved, "{case}");
        assert_eq!(rows(&sandbox), ["main", "log"]);
        if case > 0 {
            let _ = sandbox.guard(["restore", "--undo"]).ok();
        } else {
            let _ = sandbox.git(["checkout", "-q", "--", DATABASE]).ok();
        }
        assert_eq!(sandbox.read(DATABASE), before, "{case}");
    }
    let folder = sandbox.root().join("copies");
    let _ = sandbox.guard(["restore", "--from", &operation, DATABASE, "--to", folder.to_str().unwrap()]).ok();
    assert_eq!((fs::read(folder.join(DATABASE)).unwrap(), fs::read(folder.join(LOG)).unwrap()), saved);
}

/// Who asks beforehand hears what the gate will say, and only of what stands here.
#[test]
fn a_check_of_a_planned_merge_says_it_beforehand() {
    let sandbox = two_versions();
    let check = |words: &[&str]| sandbox.guard([&["check"][..], words].concat());
    is_quiet(&check(&["feat"]).ok());
    assert_eq!(sandbox.guard(["verify", DATABASE]).ok().stdout, "good     app.db  1 table, 1 row\n");
    let program = open(&sandbox);
    program.execute_batch("INSERT INTO t VALUES ('program')").unwrap();
    let said = format!("another file in the place of 'app.db', and process {} has it open", std::process::id());
    for here in [&["feat"][..], &["feat", "--into", "main"], &["feat", "--into", "HEAD"]] {
        let told = check(here).exits(1);
        assert!(told.stdout.contains(&said) && told.stdout.contains(IN_USE), "{told}");
    }
    // Another branch's files are not here, and what is merged is.
    let _ = sandbox.git(["branch", "-q", "other"]).ok();
    for elsewhere in [&["feat", "--into", "other"][..], &["main..feat"], &["--merge", "feat"]] {
        assert!(!check(elsewhere).stdout.contains(IN_USE), "{elsewhere:?}");
    }
    drop(program);
    is_quiet(&check(&["feat"]).ok());
    crash(&sandbox);
    let told = check(&["feat"]).exits(1);
    assert!(told.stdout.contains("'app.db-wal' holds rows that are not in it yet"), "{told}");
}
