//! D4 for files that somebody damaged, and what is said of those that nobody did.

#![expect(clippy::disallowed_methods, reason = "tests make the files that are examined")]

use std::path::PathBuf;

use super::*;
use crate::model::Use;
use crate::validate::examined::{Standing, Table};

mod damage;
mod hostile;

/// A database in a folder of its own.
pub(super) struct Made {
    folder: tempfile::TempDir,
    pub(super) path: PathBuf,
}

impl Made {
    /// Makes it with SQL.
    pub(super) fn by(sql: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a 100%?#.db");
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        Self { folder, path }
    }

    /// Makes a file of these bytes.
    pub(super) fn of(bytes: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.db");
        std::fs::write(&path, bytes).unwrap();
        Self { folder, path }
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        std::fs::read(&self.path).unwrap()
    }

    /// Examines it as a file that nobody writes, and sees that nothing was written.
    pub(super) fn examine(&self) -> Examined {
        self.examine_as(Reading::Still)
    }

    pub(super) fn examine_as(&self, reading: Reading) -> Examined {
        let before = (self.bytes(), self.names());
        let found =
            examine_database(&self.path, reading, &Limits { time: Duration::from_secs(20), ..Limits::default() });
        assert!(before == (self.bytes(), self.names()), "examining changed something");
        found
    }

    pub(super) fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

pub(super) fn bad(found: &Examined) -> &str {
    assert_eq!(found.standing(), Standing::Bad, "{found:?}");
    &found.faults.first[0].what
}

pub(super) fn good(found: &Examined) -> &Contents {
    assert_eq!(found.standing(), Standing::Good, "{found:?}");
    &found.contents
}

pub(super) fn unknown(found: &Examined) -> &str {
    assert_eq!(found.standing(), Standing::Unknown, "{found:?}");
    assert_eq!(found.contents.schema, None, "contents are whole or not there: {found:?}");
    &found.unknown[0]
}

pub(super) const SHOP: &str = "
    CREATE TABLE users(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, role TEXT);
    CREATE TABLE orders(id INTEGER PRIMARY KEY, user REFERENCES users(id), cents INT, CHECK(cents >= 0));
    CREATE INDEX orders_by_user ON orders(user);
    CREATE TABLE settings(key TEXT PRIMARY KEY, value) WITHOUT ROWID;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
        INSERT INTO users(name, role) SELECT 'user ' || i, CASE WHEN i % 4 = 0 THEN 'admin' ELSE 'reader' END FROM n;
    INSERT INTO orders(user, cents) SELECT id, id * 100 FROM users;
    INSERT INTO settings VALUES ('theme', 'dark');";

#[test]
fn what_a_database_holds_is_counted() {
    let made = Made::by(SHOP);
    let found = made.examine();
    let contents = good(&found);
    let users = &contents.tables["users"];
    assert_eq!((users.rows, users.last_row, users.sequence), (500, Some(500), Some(500)));
    assert_eq!(users.columns, ["id", "name", "role"]);
    assert_eq!(users.uniform.get("role"), Some(&75));
    assert_eq!(users.uniform.get("id"), Some(&0));
    assert_eq!(contents.tables["orders"].sequence, None);
    assert_eq!(
        contents.tables["settings"],
        Table { rows: 1, columns: vec!["key".to_owned(), "value".to_owned()], ..Table::default() }
    );
    assert_eq!(contents.tables.len(), 3);
    assert_eq!(found, made.examine_as(Reading::Live));
}

#[test]
fn odd_names_views_and_virtual_tables_are_told_apart() {
    let made = Made::by(
        "CREATE TABLE \"a \"\" b; 'c\"(rowid, _rowid_, \"x \"\"y\"); INSERT INTO \"a \"\" b; 'c\" VALUES (1, 2, 3);
         CREATE TABLE f(rowid TEXT); INSERT INTO f VALUES ('z');
         CREATE TABLE g(a INT, b INT AS (a + 1), c INT AS (a + 2) STORED); INSERT INTO g(a) VALUES (7);
         CREATE VIEW v AS SELECT * FROM f;
         CREATE VIRTUAL TABLE notes USING fts5(text); INSERT INTO notes VALUES ('one'), ('two');
         CREATE VIRTUAL TABLE old USING fts4(text); INSERT INTO old VALUES ('three');
         CREATE VIRTUAL TABLE boxes USING rtree(id, x0, x1); INSERT INTO boxes VALUES (1, 0, 1);
         ANALYZE;",
    );
    let found = made.examine();
    let contents = good(&found);
    let names: Vec<_> = contents.tables.keys().map(String::as_str).collect();
    assert_eq!(names, ["a \" b; 'c", "boxes_rowid", "f", "g", "notes_content", "old_content"]);
    assert_eq!(contents.tables["a \" b; 'c"].last_row, Some(1));
    assert_eq!(contents.tables["f"].last_row, Some(1));
    assert_eq!(contents.tables["g"].columns, ["a"]);
    assert_eq!(contents.tables["notes_content"].rows, 2);
}

// D5
#[test]
fn the_schemas_hash_changes_with_its_meaning_only() {
    let hash = |sql: &str| good(&Made::by(sql).examine()).schema.clone().unwrap();
    let one = hash("CREATE TABLE a(x INT, y TEXT); CREATE TABLE b(z); CREATE INDEX i ON a(x);");
    assert_eq!(one.len(), 64);
    let same = "create table B ( z );\nCREATE TABLE a(\n  x INT, -- first\n  y TEXT\n); CREATE INDEX i ON a (x);
                INSERT INTO a VALUES (1, 2); ANALYZE;";
    assert_eq!(one, hash(same));
    for other in [
        "CREATE TABLE a(x INT, y TEXT); CREATE TABLE b(z);",
        "CREATE TABLE a(x INT, y TEXT); CREATE TABLE b(z); CREATE INDEX i ON a(y);",
        "CREATE TABLE a(x INT, y TEXT, w); CREATE TABLE b(z); CREATE INDEX i ON a(x);",
    ] {
        assert_ne!(one, hash(other), "{other}");
    }
}

// D4
#[test]
fn references_that_lead_nowhere_are_bad_and_named() {
    let made = Made::by(&format!("{SHOP} PRAGMA foreign_keys = OFF; DELETE FROM users WHERE id IN (7, 9);"));
    let found = made.examine();
    assert_eq!(bad(&found), "row 7 refers to a row of 'users' that is not there");
    assert_eq!((found.faults.count, &found.faults.first[1].place), (2, &Place::Table("orders".to_owned())));
    // What it holds is still counted.
    assert_eq!(found.contents.tables["users"].rows, 498);

    let mismatch = Made::by(
        "PRAGMA foreign_keys = OFF; CREATE TABLE p(a); CREATE TABLE c(x REFERENCES p(a)); INSERT INTO c VALUES (1);
         CREATE TABLE q(a PRIMARY KEY); CREATE TABLE d(x REFERENCES q(a)); INSERT INTO d VALUES (1);",
    );
    let found = mismatch.examine();
    assert_eq!(bad(&found), "row 1 refers to a row of 'q' that is not there");
    assert_eq!(found.notes.count, 1, "a reference that can't be checked hides no other");
}

// D4
#[test]
fn what_the_schema_does_not_allow_is_bad() {
    let made = Made::by(
        "CREATE TABLE t(x, y); INSERT INTO t VALUES (NULL, 'text'); PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = 'CREATE TABLE t(x INT NOT NULL, y INT) STRICT' WHERE name = 't';",
    );
    assert_eq!(bad(&made.examine()), "NULL value in t.x");
    assert_eq!(made.examine().faults.first[1].what, "non-INT value in t.y");
    // A letter that SQLite takes for a small one: the table is there.
    let large = Made::by(
        "CREATE TABLE t(x); PRAGMA writable_schema = ON; UPDATE sqlite_schema SET type = 'Table' WHERE name = 't';",
    );
    assert_eq!(good(&large.examine()).tables.len(), 1);
    // An index that knows nothing of half of the rows.
    let index = Made::by(
        "CREATE TABLE t(x); INSERT INTO t VALUES (1), (2); CREATE INDEX i ON t(x) WHERE x > 1;
         PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = 'CREATE INDEX i ON t(x)' WHERE name = 'i';",
    );
    assert_eq!(bad(&index.examine()), "wrong # of entries in index i");
}

// D4
#[test]
fn rows_that_only_the_log_holds_are_not_in_the_file() {
    let made = Made::by(&format!("PRAGMA journal_mode = WAL; {SHOP}"));
    assert_eq!(made.names().len(), 1, "the last one to close it emptied the log");
    let writer = Connection::open(&made.path).unwrap();
    writer.execute_batch("INSERT INTO users(name) VALUES ('only in the log')").unwrap();
    // As it is: with the log.
    let live = made.examine_as(Reading::Live);
    assert_eq!(good(&live).tables["users"].rows, 501);
    assert!(live.notes.first[0].what.contains("a copy of the file lacks them"), "{live:?}");
    // A copy of the file alone says nothing of what is missing.
    let copy = Made::of(&made.bytes());
    assert_eq!(good(&copy.examine()).tables["users"].rows, 500);
    // The file as a still one, with its log beside it.
    let found = made.examine();
    assert_eq!(found.standing(), Standing::Unknown);
    assert!(found.unknown[0].contains("-wal"), "{found:?}");
    drop(writer);
    assert_eq!(good(&made.examine_as(Reading::Live)).tables["users"].rows, 501);
    assert_eq!(made.names().len(), 1, "nothing was left beside it");
}

// D4
#[test]
fn a_database_that_nobody_had_open_is_watched_while_it_is_read() {
    let made = Made::by(&format!("PRAGMA journal_mode = WAL; {SHOP}"));
    let open = || Source::open(&made.path, Reading::Live, &Limits::default()).ok().unwrap();
    let source = open();
    source.begin().unwrap();
    assert!(source.stayed().unwrap());
    let writer = Connection::open(&made.path).unwrap();
    writer.execute_batch("DELETE FROM orders").unwrap();
    assert!(!source.stayed().unwrap(), "a log appeared");
    drop(writer);
    assert!(!source.stayed().unwrap(), "the log went into the file");
    assert!(open().stayed().unwrap());
}

// D4
#[test]
fn an_old_file_beside_a_newer_log_is_not_called_good() {
    let made = Made::by(&format!("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; {SHOP}"));
    let old = made.bytes();
    let writer = Connection::open(&made.path).unwrap();
    writer.execute_batch("INSERT INTO users(name) SELECT name || ' again' FROM users; DELETE FROM orders").unwrap();
    let wal = std::fs::read(beside::companion(&made.path, "-wal")).unwrap();
    let restored = Made::of(&old);
    std::fs::write(beside::companion(&restored.path, "-wal"), wal).unwrap();
    let found = restored.examine();
    assert!(found.standing() != Standing::Good && found.unknown[0].contains("-wal"), "{found:?}");
}

// D4
#[test]
fn a_transaction_that_was_cut_off_is_unknown() {
    let made = Made::by(SHOP);
    let writer = Connection::open(&made.path).unwrap();
    writer
        .execute_batch(
            "PRAGMA cache_size = 1; BEGIN; UPDATE users SET name = name || '!'; UPDATE orders SET cents = cents + 1",
        )
        .unwrap();
    let (file, journal) = (made.bytes(), std::fs::read(beside::companion(&made.path, "-journal")).unwrap());
    let crashed = Made::of(&file);
    std::fs::write(beside::companion(&crashed.path, "-journal"), journal).unwrap();
    assert!(crashed.examine().unknown[0].contains("-journal"), "{:?}", crashed.examine());
    assert!(
        unknown(&crashed.examine_as(Reading::Live)).contains("rolled back"),
        "{crashed:?}",
        crashed = crashed.examine_as(Reading::Live)
    );
    assert_eq!(in_use(&crashed.path).unwrap(), Some(Use::Journal));
}

// D4
#[test]
fn what_stands_beside_it_and_is_no_regular_file_is_never_opened() {
    use rustix::fs::{CWD, FileType, mknodat};
    let limits = Limits { time: Duration::from_secs(1), ..Limits::default() };
    for ending in ["-journal", "-wal", "-shm"] {
        for kind in ["pipe", "folder"] {
            let made = Made::by(SHOP);
            let beside = beside::companion(&made.path, ending);
            match kind {
                "pipe" => mknodat(CWD, &beside, FileType::Fifo, 0o600.into(), 0).unwrap(),
                _ => std::fs::create_dir(&beside).unwrap(),
            }
            let found = examine_database(&made.path, Reading::Live, &limits);
            assert_eq!(unknown(&found), format!("its '{ending}' is no regular file"), "{kind}");
            assert_eq!(in_use(&made.path).unwrap(), None, "{ending} {kind}");
        }
    }
}

// D6
#[test]
fn limits_are_unknown() {
    let made = Made::by(SHOP);
    let limits = Limits { bytes: 100, ..Limits::default() };
    assert!(unknown(&examine_database(&made.path, Reading::Still, &limits)).contains("larger than"));
    let limits = Limits { time: Duration::ZERO, ..Limits::default() };
    assert!(unknown(&examine_database(&made.path, Reading::Still, &limits)).contains("within 0 s"));
    assert!(unknown(&examine_database(made.folder.path(), Reading::Live, &Limits::default())).contains("no regular"));
    let nowhere = made.folder.path().join("none");
    assert!(unknown(&examine_database(&nowhere, Reading::Live, &Limits::default())).contains("could not be read"));
    // What only the program that made it knows.
    let connection = Connection::open(&made.path).unwrap();
    connection
        .execute_batch(
            "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql =
             'CREATE INDEX orders_by_user ON orders(user COLLATE theirs)' WHERE name = 'orders_by_user'",
        )
        .unwrap();
    drop(connection);
    assert!(unknown(&made.examine()).contains("collation"), "{:?}", made.examine());
}
