//! `guard restore <database>`: the newest version that is whole, and what stands beside it.

use std::fs;
use std::path::Path;

use rusqlite::Connection;

use crate::support::Sandbox;

const DATABASE: &str = "var/app.db";
const MANIFEST: &str = "version = 1\n[[data]]\npaths = ['var/*.db']\nrecords = ''\nmax_loss = '10%'\n";

fn fill(path: &Path, from: i64, to: i64) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch("CREATE TABLE IF NOT EXISTS mail (id INTEGER PRIMARY KEY, subject TEXT)").unwrap();
    for id in from..=to {
        connection
            .execute("INSERT INTO mail VALUES (?1, ?2)", (id, format!("subject {id} {}", "x".repeat(200))))
            .unwrap();
    }
    connection
}

fn rows(sandbox: &Sandbox) -> i64 {
    let connection = Connection::open(sandbox.at(DATABASE)).unwrap();
    connection.query_row("SELECT count(*) FROM mail", [], |row| row.get(0)).unwrap()
}

/// A database of 40 rows, committed, and then of 60, committed.
fn grown() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(".recoveryguard.toml", MANIFEST);
    fs::create_dir(sandbox.at("var")).unwrap();
    for (from, to) in [(1, 40), (41, 60)] {
        fill(&sandbox.at(DATABASE), from, to).close().unwrap();
        sandbox.commit("rows");
    }
    sandbox
}

// D4
#[test]
fn a_database_that_was_cut_or_overwritten_comes_back_and_the_restore_can_be_taken_back() {
    let sandbox = grown();
    let whole = sandbox.read(DATABASE);
    for damaged in
        [&whole[..whole.len() - 100], b"", b"<!DOCTYPE html><html></html>", &[&whole[..4096], &[7; 4096]].concat()]
    {
        sandbox.write(DATABASE, damaged);
        let done = sandbox.guard(["restore", DATABASE]).ok();
        assert!(done.stdout.contains("'var/app.db' now: bad: "), "{done}");
        assert!(done.stdout.contains("it has 60 rows"), "{done}");
        assert_eq!(sandbox.read(DATABASE), whole);
        let _ = sandbox.guard(["restore", "--undo"]).ok();
        assert_eq!(sandbox.read(DATABASE), damaged);
        let _ = sandbox.guard(["undo"]);
    }
}

// D5
#[test]
fn rows_that_a_wrong_update_deleted_come_back() {
    let sandbox = grown();
    let connection = Connection::open(sandbox.at(DATABASE)).unwrap();
    connection.execute("DELETE FROM mail WHERE id > 10", []).unwrap();
    connection.close().unwrap();
    let dry = sandbox.guard(["restore", DATABASE, "--dry-run"]).ok();
    assert!(dry.stdout.contains("now: 50 of 60 that the next good version has are gone"), "{dry}");
    assert_eq!(rows(&sandbox), 10);
    let _ = sandbox.guard(["restore", DATABASE]).ok();
    assert_eq!(rows(&sandbox), 60);
}

// D4, D8
#[test]
fn a_log_that_belongs_to_the_old_database_goes_with_it_and_comes_back_with_it() {
    let sandbox = grown();
    let connection = fill(&sandbox.at(DATABASE), 61, 61);
    connection.pragma_update(None, "journal_mode", "wal").unwrap();
    connection.execute("UPDATE mail SET subject = 'spoiled'", []).unwrap();
    // As after a crash: the log stays.
    let log = sandbox.read("var/app.db-wal");
    drop(connection);
    let page = b"<!DOCTYPE html><html>502</html>".to_vec();
    sandbox.write(DATABASE, &page).write("var/app.db-wal", &log);
    let done = sandbox.guard(["restore", DATABASE]).ok();
    assert!(!sandbox.at("var/app.db-wal").exists(), "{done}");
    assert!(done.stdout.contains("note: 'var/app.db-wal' goes with the database that stands there now: "), "{done}");
    let connection = Connection::open(sandbox.at(DATABASE)).unwrap();
    let spoiled: i64 =
        connection.query_row("SELECT count(*) FROM mail WHERE subject = 'spoiled'", [], |row| row.get(0)).unwrap();
    assert_eq!((spoiled, rows(&sandbox)), (0, 60));
    connection.close().unwrap();
    let _ = sandbox.guard(["restore", "--undo"]).ok();
    assert_eq!((sandbox.read(DATABASE), sandbox.read("var/app.db-wal")), (page, log));
}

// D8
#[test]
fn a_database_that_is_locked_is_named_after_a_few_seconds() {
    let sandbox = grown();
    let connection = Connection::open(sandbox.at(DATABASE)).unwrap();
    connection.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let said = sandbox.guard(["verify", DATABASE]).exits(3);
    assert!(said.stdout.contains("it locked, and did not let go within 5 s: stop it, or try again"), "{said}");
    let refused = sandbox.guard(["restore", DATABASE]).exits(4);
    assert!(
        refused.stderr.contains(&format!("is in use by process {}; stop it first", std::process::id())),
        "{refused}"
    );
    drop(connection);
    assert!(sandbox.guard(["restore", DATABASE]).ok().stdout.contains("good as it stands"));
}

// D8
#[test]
fn a_database_that_another_process_uses_is_not_replaced() {
    let sandbox = grown();
    let connection = Connection::open(sandbox.at(DATABASE)).unwrap();
    connection.execute_batch("DELETE FROM mail; BEGIN IMMEDIATE; INSERT INTO mail VALUES (1, 'x')").unwrap();
    // To read the file in this process would drop its locks.
    let before = sandbox.git(["hash-object", DATABASE]).ok().stdout;
    let refused = sandbox.guard(["restore", DATABASE]).exits(4);
    assert!(refused.stderr.contains("'var/app.db' "), "{refused}");
    assert_eq!(sandbox.git(["hash-object", DATABASE]).ok().stdout, before);
    drop(connection);
    let _ = sandbox.guard(["restore", DATABASE]).ok();
    assert_eq!(rows(&sandbox), 60);
}

/// A restore is taken back only while nobody uses the database: its log belongs to the file that stands there.
#[test]
fn a_database_in_use_is_not_replaced_by_taking_a_restore_back() {
    let sandbox = Sandbox::new();
    sandbox.write(".gitignore", "*-wal\n*-shm\n");
    let place = sandbox.at("app.db");
    let old = rusqlite::Connection::open(&place).unwrap();
    old.execute_batch(
        "PRAGMA journal_mode = WAL; CREATE TABLE t (v); INSERT INTO t VALUES (1); PRAGMA wal_checkpoint(TRUNCATE);",
    )
    .unwrap();
    drop(old);
    sandbox.commit("database");
    let newer = rusqlite::Connection::open(&place).unwrap();
    newer.execute_batch("CREATE TABLE big (v); PRAGMA wal_checkpoint(TRUNCATE);").unwrap();
    drop(newer);
    let _ = sandbox.guard(["restore", "app.db", "--from", "HEAD"]).ok();
    let open = rusqlite::Connection::open(&place).unwrap();
    open.execute_batch("INSERT INTO t VALUES (2);").unwrap();
    let refused = sandbox.guard(["restore", "--undo"]).exits(4);
    assert!(refused.stderr.contains("'app.db' is in use"), "{refused}");
    assert_eq!(open.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0)).unwrap(), 2);
}
