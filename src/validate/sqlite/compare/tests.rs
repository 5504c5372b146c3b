//! D5, on databases that SQLite made.

use super::*;
use crate::validate::sqlite::tests::{Made, SHOP, good};

/// The contents of a shop after these changes.
fn after(sql: &str) -> Contents {
    good(&Made::by(&format!("{SHOP} PRAGMA foreign_keys = OFF; {sql}")).examine()).clone()
}

/// What an ordinary commit loses.
fn update(before: &Contents, now: &Contents) -> Vec<(LossKind, String)> {
    said(compare_databases(&[], &[("main", before)], now))
}

/// What a merge of two sides loses.
fn merge(base: &Contents, sides: [&Contents; 2], now: &Contents) -> Vec<(LossKind, String)> {
    said(compare_databases(&[base], &[("main", sides[0]), ("feat", sides[1])], now))
}

fn said(losses: Vec<DatabaseLoss>) -> Vec<(LossKind, String)> {
    losses.into_iter().map(|loss| (loss.kind, loss.what)).collect()
}

fn one(kind: LossKind, what: &str) -> Vec<(LossKind, String)> {
    vec![(kind, what.to_owned())]
}

const GREW: LossKind = LossKind::Schema { grew: true };
const ORDER: &str = "INSERT INTO orders(user, cents) VALUES (1, 2);";

// D5
#[test]
fn an_update_that_goes_wrong_is_said_in_numbers() {
    let before = after("");
    assert_eq!(update(&before, &before), []);
    assert_eq!(update(&before, &after(ORDER)), []);
    let emptied = after("DELETE FROM orders");
    assert_eq!(update(&before, &emptied), one(LossKind::Emptied, "the table 'orders' is empty, it had 500 rows"));
    assert_eq!(update(&emptied, &emptied), []);
    let fewer = after("DELETE FROM orders WHERE id <= 50");
    let dropped = "the table 'orders' has 450 rows, 50 fewer than before";
    assert_eq!(update(&before, &fewer), one(LossKind::Dropped, dropped));
    let uniform = after("UPDATE users SET role = 'admin' WHERE id > 20");
    let what = "97 % of the rows of 'users' have one value in 'role', before it was 50 %";
    let mixed = after("UPDATE users SET role = 'guest' WHERE id % 4 = 1");
    assert_eq!(update(&mixed, &uniform), one(LossKind::Uniform, what));
    // Three in four had one value before: that is no change of most rows.
    assert_eq!(update(&before, &uniform), []);
    // A table that grew by rows of one kind.
    let grown = after(
        "UPDATE users SET role = 'guest' WHERE id % 4 = 1;
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9500)
             INSERT INTO users(name, role) SELECT 'n', 'robot' FROM n;",
    );
    assert!(grown.tables["users"].uniform["role"] >= UNIFORM);
    assert_eq!(update(&mixed, &grown), []);
}

// D5
#[test]
fn an_older_file_shows_by_numbers_that_go_back() {
    let newer = after("INSERT INTO users(name) VALUES ('a'), ('b'); DELETE FROM users WHERE id > 500;");
    let back = "'users' counts on from 500, it was at 502: numbers will be given out twice";
    assert_eq!(update(&newer, &after("")), one(LossKind::WentBack, back));
    let replaced = after("UPDATE orders SET id = -id");
    assert_eq!(update(&after(""), &replaced), one(LossKind::WentBack, "the last row of 'orders' is -1, it was 500"));
}

// D5
#[test]
fn what_changed_in_the_schema_is_named() {
    let before = after("");
    assert_eq!(
        update(&before, &after("DROP TABLE orders")),
        one(LossKind::Gone, "the table 'orders' is gone, with 500 rows")
    );
    assert_eq!(
        update(&before, &after("ALTER TABLE users DROP COLUMN role")),
        one(LossKind::Gone, "the column 'role' of 'users' is gone")
    );
    assert_eq!(
        update(&before, &after("CREATE TABLE more(x); ALTER TABLE users ADD COLUMN age")),
        one(GREW, "the schema changed: the table 'more' is new, the column 'users.age' is new")
    );
    let index = "the schema changed: a type, constraint, index, view or trigger, or their combination";
    assert_eq!(update(&before, &after("DROP INDEX orders_by_user")), one(LossKind::Schema { grew: false }, index));
}

// D5
#[test]
fn a_merge_that_took_one_file_says_whose_rows_it_lost() {
    let base = after("");
    let first = after(&ORDER.repeat(3));
    let second = after(&format!("{} INSERT INTO users(name) VALUES ('new')", ORDER.repeat(2)));
    let lost = merge(&base, [&first, &second], &first);
    let side = LossKind::Side { parent: 1 };
    assert_eq!(
        lost,
        [
            (side, "'orders' lacks 2 rows that feat brought".to_owned()),
            (side, "'users' lacks 1 row that feat brought: its last row is 501, here it is 500".to_owned()),
        ]
    );
    let lost = merge(&base, [&first, &second], &second);
    let what = "'orders' lacks 3 rows that main brought: its last row is 503, here it is 502";
    assert_eq!(lost, one(LossKind::Side { parent: 0 }, what));
    // An old database that won.
    assert_eq!(merge(&base, [&first, &second], &base).len(), 3);
    // One that was merged with care.
    let whole = after(&format!("{} INSERT INTO users(name) VALUES ('new')", ORDER.repeat(5)));
    assert_eq!(merge(&base, [&first, &second], &whole), []);
    // Not one side's, and still too little.
    let part = after(&format!("{ORDER} INSERT INTO users(name) VALUES ('new')"));
    assert_eq!(
        merge(&base, [&first, &second], &part),
        one(LossKind::Dropped, "the table 'orders' has 501 rows, 2 fewer than the sides left")
    );
}

#[test]
fn what_one_side_took_out_may_be_gone() {
    let base = after("");
    let first = after("DELETE FROM orders WHERE id <= 100");
    let second = after("DELETE FROM orders WHERE id > 400; CREATE TABLE more(x); INSERT INTO more VALUES (1)");
    let both =
        after("DELETE FROM orders WHERE id <= 100 OR id > 400; CREATE TABLE more(x); INSERT INTO more VALUES (1)");
    assert_eq!(merge(&base, [&first, &second], &both), []);
    let fewer =
        after("DELETE FROM orders WHERE id <= 200 OR id > 400; CREATE TABLE more(x); INSERT INTO more VALUES (1)");
    let dropped = "the table 'orders' has 200 rows, 100 fewer than the sides left";
    assert_eq!(merge(&base, [&first, &second], &fewer), one(LossKind::Dropped, dropped));
    // The second side's table.
    let gone = "the table 'more' is gone, with 1 row; feat brought it";
    assert_eq!(merge(&base, [&first, &second], &first), one(LossKind::Side { parent: 1 }, gone));
    // A table, and a column, that one side dropped on purpose.
    let without = after("DROP TABLE settings; ALTER TABLE users DROP COLUMN role; DELETE FROM orders WHERE id <= 100");
    let altered = after("DROP TABLE settings; ALTER TABLE users DROP COLUMN role");
    let lost = merge(&base, [&first, &altered], &without);
    assert_eq!(lost, []);
    assert_eq!(merge(&base, [&base, &second], &second), []);
}

// D5
#[test]
fn rows_are_counted_of_the_table_and_numbers_go_back_though_rows_go_too() {
    let older = after(
        "UPDATE orders SET user = id % 400 + 1; DELETE FROM users WHERE id > 400; UPDATE sqlite_sequence SET seq = 400 WHERE name = 'users'",
    );
    let losses = compare_databases(&[], &[("main", &after(""))], &older);
    let told: Vec<_> = losses.iter().map(|loss| (loss.kind, loss.table.as_deref(), loss.rows, loss.of)).collect();
    assert_eq!(told, [(LossKind::Dropped, Some("users"), 100, 500), (LossKind::WentBack, Some("users"), 0, 0)]);
    // Where the last rows were deleted, and nothing else, the last number is no news.
    let deleted = after("DELETE FROM orders WHERE id > 400");
    assert_eq!(update(&after(""), &deleted).len(), 1);
}

#[test]
fn what_was_not_read_is_not_compared() {
    let (before, fewer) = (after(""), after("DELETE FROM orders WHERE id <= 50"));
    let half = Contents { schema: None, ..fewer.clone() };
    assert_eq!(compare_databases(&[], &[("main", &before)], &half), []);
    assert_eq!(compare_databases(&[], &[("main", &half)], &fewer), []);
    assert_eq!(compare_databases(&[], &[], &fewer), []);
    // A base that was not read is none.
    assert_eq!(compare_databases(&[&half], &[("main", &before), ("feat", &before)], &fewer).len(), 1);
}
