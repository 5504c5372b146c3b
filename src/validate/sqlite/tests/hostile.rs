//! Databases that somebody made to harm whoever reads them: nothing hangs, nothing is written, memory stays bounded.

use std::time::Instant;

use super::*;

/// Examines it with more time than any of them takes on a busy machine.
fn examine(made: &Made) -> Examined {
    examine_within(made, 20)
}

/// Examines it with so many seconds; an answer comes soon after.
fn examine_within(made: &Made, seconds: u64) -> Examined {
    let before = (made.bytes(), made.names());
    let began = Instant::now();
    let limits = Limits { time: Duration::from_secs(seconds), ..Limits::default() };
    let found = examine_database(&made.path, Reading::Still, &limits);
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}: {found:?}", began.elapsed());
    assert!(before == (made.bytes(), made.names()), "something was written");
    assert!(!found.unknown.iter().any(|why| why.contains("without an answer")), "{found:?}");
    found
}

/// Makes a database whose schema says something that SQLite would not have let anybody say.
fn rewritten(sql: &str, name: &str, text: &str) -> Made {
    let made = Made::by(sql);
    let connection = Connection::open(&made.path).unwrap();
    connection.execute_batch("PRAGMA writable_schema = ON").unwrap();
    connection.execute("UPDATE sqlite_schema SET sql = ?1 WHERE name = ?2", [text, name]).unwrap();
    drop(connection);
    made
}

#[test]
fn views_and_triggers_are_never_run() {
    let mut sql = "CREATE TABLE t(x); INSERT INTO t VALUES (1); CREATE VIEW v0 AS SELECT 1 AS x;".to_owned();
    for step in 1..40 {
        sql.push_str(&format!("CREATE VIEW v{step} AS SELECT a.x FROM v{0} a, v{0} b;", step - 1));
    }
    sql.push_str(
        "CREATE VIEW endless AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT * FROM n;
         CREATE TRIGGER evil INSERT ON t BEGIN DELETE FROM t; END;",
    );
    assert_eq!(good(&examine(&Made::by(&sql))).tables.len(), 1);
    let circle = rewritten("CREATE VIEW a AS SELECT 1; CREATE TABLE t(x)", "a", "CREATE VIEW a AS SELECT * FROM a");
    assert_eq!(good(&examine(&circle)).tables.len(), 1);
}

#[test]
fn functions_that_need_much_memory_or_time_are_stopped() {
    let with = |term: &str| {
        let table = "CREATE TABLE t(x); INSERT INTO t VALUES (1); CREATE INDEX i ON t(x)";
        rewritten(table, "i", &format!("CREATE INDEX i ON t({term})"))
    };
    // A value larger than is read.
    let huge = with("x || zeroblob(1e8)");
    assert!(unknown(&examine(&huge)).contains("larger than is read"), "{:?}", examine(&huge));
    // One that runs for a long time, in a function that can't be interrupted.
    let slow = with("instr(zeroblob(1200000), CAST(zeroblob(600000) || x AS BLOB))");
    let found = examine_within(&slow, 2);
    assert!(unknown(&found).contains("within 2 s"), "{found:?}");
    let rows = Made::by(
        "CREATE TABLE t(x); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
         INSERT INTO t SELECT i FROM n;",
    );
    let limits = Limits { time: Duration::from_millis(1), ..Limits::default() };
    assert!(unknown(&examine_database(&rows.path, Reading::Still, &limits)).contains("within 0.001 s"));
}

#[test]
fn functions_with_side_effects_are_refused() {
    for term in ["load_extension('/tmp/none')", "fts3_tokenizer('simple')"] {
        let table = "CREATE TABLE t(x, y AS (x)); INSERT INTO t VALUES (1)";
        let found = examine(&rewritten(table, "t", &format!("CREATE TABLE t(x, y AS ({term}) NOT NULL)")));
        let mut said = found.unknown.iter().chain(found.faults.first.iter().map(|fault| &fault.what));
        assert!(said.any(|what| what.contains("unsafe use of")), "{term}: {found:?}");
    }
}

#[test]
fn a_schema_that_was_rewritten_never_crashes() {
    let base =
        "CREATE TABLE t(x PRIMARY KEY, y); INSERT INTO t VALUES (1, 2); CREATE TABLE u(z); CREATE INDEX i ON t(y);";
    for text in [
        "",
        "CREATE TABLE",
        "CREATE TABLE u(z)",
        "CREATE TABLE sqlite_schema(x)",
        "DROP TABLE u",
        "ATTACH '/tmp/none' AS a",
        "CREATE VIRTUAL TABLE t USING none(x)",
        "CREATE VIRTUAL TABLE t USING fts5(x, content='u')",
        "CREATE VIEW t AS SELECT * FROM t",
        "CREATE INDEX t ON t(x)",
    ] {
        let found = examine(&rewritten(base, "t", text));
        assert_ne!(found.standing(), Standing::Good, "{text}: {found:?}");
    }
    let long = format!("CREATE TABLE t(x PRIMARY KEY, y /* {} */)", "x".repeat(1 << 20));
    good(&examine(&rewritten(base, "t", &long)));
}

// D6
#[test]
fn a_limit_of_the_parser_is_no_damage() {
    let base = "CREATE TABLE t(x PRIMARY KEY, y); INSERT INTO t VALUES (1, 2);";
    for text in [
        format!("CREATE TABLE t({})", (0..5000).map(|c| format!("c{c}")).collect::<Vec<_>>().join(",")),
        format!("CREATE TABLE t(x PRIMARY KEY, y, CHECK({}1{}))", "(".repeat(5000), ")".repeat(5000)),
        format!("CREATE TABLE t(x PRIMARY KEY, y, CHECK(0{}))", "+1".repeat(5000)),
    ] {
        unknown(&examine(&rewritten(base, "t", &text)));
    }
    // A name that sounds like one is none.
    bad(&examine(&rewritten("CREATE TABLE overflow(x)", "overflow", "CREATE TABLE")));
    let made = Made::by("CREATE TABLE t0(x)");
    let connection = Connection::open(&made.path).unwrap();
    connection
        .execute_batch(
            "PRAGMA writable_schema = ON;
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)
             INSERT INTO sqlite_schema SELECT 'table', 't' || i, 't' || i, 2, 'CREATE TABLE t' || i || '(x)' FROM n;",
        )
        .unwrap();
    drop(connection);
    unknown(&examine(&made));
}

#[test]
fn numbers_and_names_that_were_written_by_hand_are_read_with_care() {
    let made = Made::by(
        "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO t VALUES (5);
         UPDATE sqlite_sequence SET seq = 'many';
         INSERT INTO sqlite_sequence VALUES (x'ff', 1), (NULL, 2), ('none', 3), (4, 4);",
    );
    assert_eq!(good(&examine(&made)).tables["t"].sequence, None);

    let made = Made::by(SHOP);
    let connection = Connection::open(&made.path).unwrap();
    connection
        .execute_batch(
            "PRAGMA writable_schema = ON;
             UPDATE sqlite_schema SET name = CAST(x'7573ff00227273' AS TEXT), tbl_name = name WHERE name = 'users'",
        )
        .unwrap();
    drop(connection);
    assert_ne!(examine(&made).standing(), Standing::Good);
}
