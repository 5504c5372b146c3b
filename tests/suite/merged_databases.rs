//! Databases that take part in merges: what the result lacks is said before it is committed, and by every route (D2, D5).

use rusqlite::Connection;

use crate::support::{Ran, Sandbox};

const DATABASE: &str = "var/shop.db";
/// Tables of a hundred rows.
const SHOP: &str = "
    CREATE TABLE users(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, role TEXT);
    CREATE TABLE orders(id INTEGER PRIMARY KEY, user REFERENCES users(id), cents INT);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)
        INSERT INTO users(name, role) SELECT 'user ' || i, CASE i % 3 WHEN 0 THEN 'admin' WHEN 1 THEN 'reader' ELSE 'guest' END
        FROM n;
    INSERT INTO orders(user, cents) SELECT id, id FROM users;";
const ORDER: &str = "INSERT INTO orders(user, cents) VALUES (1, 2);";

/// A manifest that lets so much of a table go.
fn manifest(max_loss: &str) -> String {
    format!("version = 1\n[[data]]\npaths = ['var/*.db']\nrecords = ''\nmax_loss = '{max_loss}'\n")
}

const ANY: &str = "version = 1\n[[data]]\npaths = ['var/*.db']\n";

fn run(sandbox: &Sandbox, sql: &str) {
    let connection = Connection::open(sandbox.at(DATABASE)).unwrap();
    connection.execute_batch(sql).unwrap();
    connection.close().unwrap();
}

/// A shop on `main`, judged by a manifest; hooks are installed.
fn shop(manifest: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(".recoveryguard.toml", manifest).write("var/readme", "a shop\n");
    run(&sandbox, SHOP);
    sandbox.commit("a shop");
    sandbox.install();
    sandbox
}

/// Commits changes on a branch that is made at HEAD, and comes back.
fn branch(sandbox: &Sandbox, name: &str, sql: &str) {
    let _ = sandbox.git(["checkout", "-q", "-b", name]).ok();
    run(sandbox, sql);
    sandbox.commit(&format!("{name}'s work"));
    let _ = sandbox.git(["checkout", "-q", "-"]).ok();
}

fn later(sandbox: &Sandbox, sql: &str) {
    run(sandbox, sql);
    sandbox.commit("main's work");
}

/// `feat` and `main` changed the database: git leaves it in conflict.
fn diverged(manifest: &str, feat: &str, main: &str) -> Sandbox {
    let sandbox = shop(manifest);
    branch(&sandbox, "feat", feat);
    later(&sandbox, main);
    sandbox
}

/// Settles the conflict by one side's file, and commits.
fn settle(sandbox: &Sandbox, side: &str) -> Ran {
    let merge = sandbox.git(["merge", "-q", "feat"]).exits(1);
    // What git leaves in conflict is nobody's loss yet.
    assert!(!merge.stderr.contains("[lost-records]"), "{merge}");
    let _ = sandbox.git(["checkout", side, "--", DATABASE]).ok();
    let _ = sandbox.git(["add", DATABASE]).ok();
    sandbox.git(["commit", "-q", "--no-edit"])
}

#[track_caller]
fn nothing_is_left(sandbox: &Sandbox) {
    let left = std::fs::read_dir(sandbox.common_dir().join("recoveryguard/tmp"));
    let left: Vec<_> = left.into_iter().flatten().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.is_empty(), "{left:?}");
}

fn findings(ran: &Ran) -> usize {
    ["lost-records", "data-shrunk", "data-schema", "invalid-data"]
        .iter()
        .map(|rule| ran.stderr.matches(&format!("[{rule}]")).count())
        .sum()
}

#[track_caller]
fn is_quiet(ran: &Ran) {
    assert_eq!((findings(ran), ran.stderr.contains("could not judge")), (0, false), "{ran}");
}

// D5: "old database wins".
#[test]
fn a_binary_conflict_that_one_side_won_says_whose_rows_are_lost() {
    let sandbox = diverged(ANY, &ORDER.repeat(5), &ORDER.repeat(3));
    let done = settle(&sandbox, "--ours").ok();
    let done = done.says("[lost-records]").says("'orders' lacks 5 rows that feat brought");
    assert_eq!(findings(&done), 1, "{done}");
    nothing_is_left(&sandbox);
    // The same, by whoever looks at it.
    let check = sandbox.guard(["check", "--merge", "HEAD"]).ok();
    assert!(check.stdout.contains("'orders' lacks 5 rows that "), "{check}");
    let check = sandbox.guard(["check", "HEAD~1..HEAD"]).ok();
    assert!(check.stdout.contains("'orders' lacks 5 rows that "), "{check}");
    let audit = sandbox.guard(["audit"]).ok();
    assert!(audit.stdout.contains("'orders' lacks 5 rows that "), "{audit}");
    nothing_is_left(&sandbox);
    // The printed command brings that side's file.
    let line = done.stderr.lines().find(|line| line.contains("guard restore --from ")).unwrap();
    let command = line.split_once("guard restore").map(|(_, rest)| format!("guard restore{rest}")).unwrap();
    let _ = Ran::of(sandbox.command("sh", sandbox.work()).arg("-c").arg(command), b"").ok();
    let connection = Connection::open(sandbox.at(DATABASE)).unwrap();
    let rows: i64 = connection.query_row("SELECT count(*) FROM orders", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 105);
}

#[test]
fn beyond_max_loss_it_is_refused_and_another_file_passes() {
    let sandbox = diverged(&manifest("1%"), &ORDER.repeat(5), &ORDER.repeat(3));
    let _ = settle(&sandbox, "--ours").exits(1).says("[lost-records]");
    // Neither side's rows: an old file.
    let base = sandbox.git(["merge-base", "HEAD", "feat"]).ok().line().to_owned();
    let _ = sandbox.git(["checkout", &base, "--", DATABASE]).ok();
    let old = sandbox.git(["commit", "-q", "--no-edit"]).exits(1);
    let old = old.says("'orders' lacks 3 rows that main brought: its last row is 103, here it is 100, and 1 more");
    assert_eq!(findings(&old), 1, "{old}");
    // Past the hooks it is said afterwards.
    let past = sandbox.git(["commit", "-q", "--no-edit", "--no-verify"]).ok();
    let _ = past.says("[lost-records]").says("guard undo-merge");
    let _ = sandbox.guard(["check", "--merge", "HEAD"]).exits(1);
    let _ = sandbox.git(["reset", "-q", "--hard", "HEAD~1"]).ok();
    // Whoever puts both together is left alone.
    let _ = sandbox.git(["merge", "-q", "feat"]).exits(1);
    let _ = sandbox.git(["checkout", "--ours", "--", DATABASE]).ok();
    run(&sandbox, &ORDER.repeat(5));
    let _ = sandbox.git(["add", DATABASE]).ok();
    is_quiet(&sandbox.git(["commit", "-q", "--no-edit"]).ok());
    nothing_is_left(&sandbox);
}

// D5: committed on a branch, and merged.
#[test]
fn an_update_that_went_wrong_on_a_branch_is_said_where_it_is_merged() {
    let empty = "the table 'orders' is empty, it had 100 rows";
    let same = "100 % of the rows of 'users' have one value in 'role', before it was 34 %";
    let back = "'users' counts on from 7, it was at 100: numbers will be given out twice";
    let fewer = "DELETE FROM orders WHERE id > 60";
    for (sql, rule, said) in [
        ("DELETE FROM orders", "data-shrunk", empty),
        ("UPDATE users SET role = 'admin'", "data-shrunk", same),
        ("UPDATE sqlite_sequence SET seq = 7", "lost-records", back),
        ("DROP TABLE orders", "data-shrunk", "the table 'orders' is gone, with 100 rows"),
        ("ALTER TABLE users DROP COLUMN role", "data-schema", "the column 'role' of 'users' is gone"),
    ] {
        let sandbox = shop(ANY);
        branch(&sandbox, "feat", sql);
        let before = sandbox.rev("HEAD");
        let check = sandbox.guard(["check", "feat"]).ok();
        assert!(check.stdout.contains(said), "{check}");
        let check = sandbox.guard(["check", "main..feat"]).ok();
        assert!(check.stdout.contains(said), "{check}");
        for how in ["--ff", "--no-ff"] {
            let merge = sandbox.git(["merge", "-q", "--no-edit", how, "feat"]).ok();
            let merge = merge.says(&format!("[{rule}]")).says(said);
            assert_eq!(findings(&merge), 1, "{merge}");
            if how == "--no-ff" {
                let audit = sandbox.guard(["audit"]).ok();
                assert!(audit.stdout.contains(said), "{audit}");
            }
            let _ = sandbox.git(["reset", "-q", "--hard", &before]).ok();
        }
        nothing_is_left(&sandbox);
    }
    // That a branch deletes rows is what databases are for, as long as the manifest allows it.
    for (manifest, blocks) in [(ANY.to_owned(), false), (manifest("50%"), false), (manifest("10%"), true)] {
        let sandbox = shop(&manifest);
        branch(&sandbox, "feat", fewer);
        let before = sandbox.state();
        let merge = sandbox.git(["merge", "-q", "--ff", "feat"]);
        if blocks {
            let merge = merge.fails().says("[lost-records]").says("'orders' has 60 rows, 40 fewer than before");
            let _ = merge.says("guard allow lost-records 'var/shop.db'");
            sandbox.assert_unchanged(&before);
        } else {
            is_quiet(&merge.ok());
        }
    }
}

#[test]
fn a_merge_that_loses_a_column_is_refused_and_one_that_adds_it_is_information() {
    let column = "ALTER TABLE users ADD COLUMN mail TEXT";
    let sandbox = diverged(ANY, column, ORDER);
    let lost = settle(&sandbox, "--ours").exits(1).says("[data-schema]");
    let _ = lost.says("the column 'mail' of 'users' is gone; feat brought it");
    let sandbox = shop(ANY);
    branch(&sandbox, "feat", column);
    let merge = sandbox.git(["merge", "-q", "--no-ff", "--no-edit", "feat"]).ok();
    let _ = merge.says("info").says("the schema changed: the column 'users.mail' is new");
    // A constraint can't be told by name.
    let sandbox = shop(ANY);
    branch(&sandbox, "feat", "CREATE INDEX i ON users(name)");
    let merge = sandbox.git(["merge", "-q", "--no-ff", "--no-edit", "feat"]).ok();
    let _ = merge.says("warn").says("[data-schema]").says("a type, constraint, index, view or trigger");
}

#[test]
fn a_damaged_database_is_refused_where_it_was_whole_before() {
    let sandbox = shop(ANY);
    let whole = sandbox.read(DATABASE);
    let last = whole.len() - 4096;
    let cut = &whole[..whole.len() - 100];
    let spoiled = [&whole[..last], &[7; 4096]].concat();
    for (name, damaged) in [("cut", cut), ("spoiled", &spoiled), ("empty", b""), ("page", b"<!DOCTYPE html><html>")] {
        let _ = sandbox.git(["checkout", "-q", "-b", name]).ok();
        sandbox.write(DATABASE, damaged);
        sandbox.commit("broken");
        let _ = sandbox.git(["checkout", "-q", "main"]).ok();
        let before = sandbox.state();
        let merge = sandbox.git(["merge", "-q", name]).fails();
        let merge = merge.says("[invalid-data]").says("'var/shop.db' is no sound database: ");
        assert_eq!(findings(&merge), 1, "{merge}");
        sandbox.assert_unchanged(&before);
        let _ = sandbox.guard(["check", name]).exits(1);
    }
    // References that lead nowhere.
    branch(&sandbox, "astray", "PRAGMA foreign_keys = OFF; DELETE FROM users WHERE id = 7");
    let _ = sandbox.git(["merge", "-q", "astray"]).fails().says("refers to a row of 'users' that is not there");
    // Who repairs it is left alone.
    let _ = sandbox.git(["checkout", "-q", "cut"]).ok();
    sandbox.write(DATABASE, &whole);
    sandbox.commit("whole");
    let _ = sandbox.git(["checkout", "-q", "-b", "broken", "cut~1"]).ok();
    is_quiet(&sandbox.git(["merge", "-q", "cut"]).ok());
    nothing_is_left(&sandbox);
}

#[test]
fn good_merges_and_files_that_nobody_named_are_quiet() {
    for how in ["--ff", "--no-ff", "--squash"] {
        let sandbox = shop(&manifest("1%"));
        branch(&sandbox, "feat", &format!("{} UPDATE users SET name = 'other' WHERE id < 50", ORDER.repeat(5)));
        sandbox.write("code", "main's\n");
        if how != "--ff" {
            sandbox.commit("code");
        }
        is_quiet(&sandbox.git(["merge", "-q", "--no-edit", how, "feat"]).ok());
        is_quiet(&sandbox.git(["commit", "-q", "--allow-empty", "-m", "squash"]).ok());
        for line in [&["audit"][..], &["check", "HEAD~2..HEAD"]] {
            let ran = sandbox.guard(line).ok();
            assert!(!ran.stdout.contains("shop.db"), "{ran}");
        }
    }
    for manifest in ["version = 1\n", "version = 1\n[[data]]\npaths = ['var/*.db']\nformat = 'binary'\n"] {
        let sandbox = diverged(manifest, "DROP TABLE orders; ALTER TABLE users DROP COLUMN role", ORDER);
        is_quiet(&settle(&sandbox, "--theirs").ok());
        nothing_is_left(&sandbox);
    }
}

// D6: what can't be compared is neither good nor bad.
#[test]
fn what_can_not_be_read_is_said_to_be_unknown() {
    let sandbox = shop(ANY);
    // Larger than a hook reads; most of it is zeros, so git stores little.
    branch(&sandbox, "large", "CREATE TABLE l(x); INSERT INTO l VALUES (zeroblob(17000000)); DELETE FROM orders");
    let merge = sandbox.git(["merge", "-q", "large"]).ok();
    let merge = merge.says("could not judge").says("'guard check' reads it");
    assert_eq!(findings(&merge), 0, "{merge}");
    let check = sandbox.guard(["check", "main~1..large"]).ok();
    assert!(check.stdout.contains("the table 'orders' is empty, it had 100 rows"), "{check}");
    let _ = sandbox.git(["reset", "-q", "--hard", "HEAD~1"]).ok();
    // Nothing tells such bytes from a database that is encrypted.
    let mut state = 1_u32;
    let sealed: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_le_bytes()[3]
    })
    .take(8192)
    .collect();
    let _ = sandbox.git(["checkout", "-q", "-b", "sealed"]).ok();
    sandbox.write(DATABASE, &sealed);
    sandbox.commit("sealed");
    let _ = sandbox.git(["checkout", "-q", "main"]).ok();
    let _ = sandbox.git(["merge", "-q", "--no-ff", "--no-edit", "sealed"]).ok().says("it may be encrypted");
    let _ = sandbox.guard(["check", "--merge", "HEAD"]).exits(3);
    let audit = sandbox.guard(["audit"]).exits(3);
    assert!(audit.stdout.contains("it may be encrypted"), "{audit}");
    // Both versions are: it is no better for being so before.
    let _ = sandbox.git(["checkout", "-q", "sealed"]).ok();
    sandbox.write(DATABASE, sealed.repeat(2));
    sandbox.commit("more");
    let _ = sandbox.git(["checkout", "-q", "main"]).ok();
    let _ = sandbox.git(["merge", "-q", "--no-edit", "sealed"]).ok().says("it may be encrypted");
    nothing_is_left(&sandbox);
}

#[test]
fn a_policy_that_blocks_what_can_not_be_judged_holds_for_databases() {
    let sandbox = shop(&format!("{ANY}[policy]\non_failure = 'block'\n"));
    // What an application sorts by in its own way can't be read without it.
    branch(
        &sandbox,
        "feat",
        "CREATE TABLE odd(x TEXT COLLATE NOCASE); CREATE INDEX odd_x ON odd(x); INSERT INTO odd VALUES ('a');
         PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'NOCASE', 'APP');",
    );
    let before = sandbox.state();
    let _ = sandbox.git(["merge", "-q", "feat"]).fails().says("could not judge").says("APP");
    sandbox.assert_unchanged(&before);
}

#[test]
fn a_push_and_a_pull_say_it_too() {
    let sandbox = diverged(&manifest("1%"), &ORDER.repeat(5), &ORDER.repeat(3));
    let _ = sandbox.git(["init", "-q", "--bare", "../origin.git"]).ok();
    let _ = sandbox.git(["remote", "add", "origin", "../origin.git"]).ok();
    let _ = sandbox.git(["push", "-q", "-u", "origin", "main"]).ok();
    let _ = settle(&sandbox, "--ours").exits(1);
    let _ = sandbox.git(["-c", "core.hooksPath=/dev/null", "commit", "-q", "--no-edit"]).ok();
    let push = sandbox.git(["push", "-q", "origin", "main"]).fails();
    let push = push.says("[lost-records]").says("nothing was pushed");
    assert_eq!(findings(&push), 1, "{push}");
    let merge = sandbox.rev("HEAD");
    let _ = sandbox.guard(["allow", "--for", &merge, "lost-records", DATABASE, "--reason", "superseded"]).ok();
    let _ = sandbox.git(["push", "-q", "origin", "main"]).ok();
    let _ = sandbox.git(["reset", "-q", "--hard", "HEAD~1"]).ok();
    let pull = sandbox.git(["pull", "-q", "--ff-only", "origin", "main"]).ok();
    // On a busy machine there is no time for it: that is said, too.
    let is_said = pull.stderr.contains("'orders' lacks 5 rows that ");
    assert!(is_said || pull.stderr.contains("0 of 1 merges could be looked at"), "{pull}");
    nothing_is_left(&sandbox);
}

// A strategy that takes one side's file whole settles the conflict without a word of git's.
#[test]
fn a_strategy_that_takes_one_sides_file_is_judged_before_the_commit() {
    let sandbox = diverged(&manifest("1%"), &ORDER.repeat(5), &ORDER.repeat(3));
    let head = sandbox.rev("HEAD");
    for (option, said) in
        [("ours", "'orders' lacks 5 rows that feat brought"), ("theirs", "'orders' lacks 3 rows that main brought")]
    {
        let merge = sandbox.git(["merge", "-q", "--no-edit", "-X", option, "feat"]).fails();
        let merge = merge.says("[lost-records]").says(said);
        assert_eq!(findings(&merge), 1, "{merge}");
        let _ = sandbox.git(["merge", "--abort"]);
        let _ = sandbox.git(["config", "branch.main.mergeOptions", &format!("-X {option}")]).ok();
        let _ = sandbox.git(["merge", "-q", "--no-edit", "feat"]).fails().says(said);
        let _ = sandbox.git(["merge", "--abort"]);
        let _ = sandbox.git(["config", "--unset", "branch.main.mergeOptions"]).ok();
        assert_eq!(sandbox.rev("HEAD"), head);
    }
    // Who asks for it that way wants nothing of the other side: it is said, and not refused.
    for how in [&["-s", "ours"][..], &[]] {
        if how.is_empty() {
            let _ = sandbox.git(["config", "branch.main.mergeOptions", "-s ours"]).ok();
        }
        let merge = sandbox.git([&["merge", "-q", "--no-edit"], how, &["feat"]].concat()).ok();
        let merge = merge.says("'orders' lacks 5 rows that feat brought").says("'-s ours' drops what comes in");
        assert_eq!(findings(&merge), 1, "{merge}");
        let _ = sandbox.guard(["check", "--merge", "HEAD"]).exits(1);
        let _ = sandbox.git(["reset", "-q", "--hard", &head]).ok();
    }
    // Who has it allowed first can publish it, too.
    let _ = sandbox.git(["init", "-q", "--bare", "../origin.git"]).ok();
    let _ = sandbox.guard(["allow", "lost-records", DATABASE, "--for", "feat", "--reason", "superseded"]).ok();
    let merge = sandbox.git(["merge", "-q", "--no-edit", "feat"]).ok();
    let _ = merge.says("allowed: superseded");
    let _ = sandbox.git(["push", "-q", "../origin.git", "main"]).ok();
    nothing_is_left(&sandbox);
}

// The same for records of a text file, of which a strategy takes the lines in conflict.
#[test]
fn a_strategy_that_takes_one_sides_records_is_judged_before_the_commit() {
    let list = |ids: &[u32]| ids.iter().map(|id| format!("{{\"id\": {id}}}\n")).collect::<String>();
    let sandbox = Sandbox::new();
    let entry = "version = 1\n[[data]]\npaths = ['list.jsonl']\nrecords = ''\nkey = 'id'\nmax_loss = '1%'\n";
    sandbox.write(".recoveryguard.toml", entry).write("list.jsonl", list(&[1, 2]));
    sandbox.commit("list");
    sandbox.branch("feat", &[("list.jsonl", Some(&list(&[1, 2, 3])))]);
    sandbox.write("list.jsonl", list(&[1, 2, 4]));
    sandbox.commit("main's");
    sandbox.install();
    let before = sandbox.state();
    let missing = "1 record of feat is missing from 'list.jsonl': '3'";
    let merge = sandbox.git(["merge", "-q", "--no-edit", "-X", "ours", "feat"]).fails();
    assert_eq!(findings(&merge.says(missing)), 1);
    let _ = sandbox.git(["merge", "--abort"]);
    sandbox.assert_unchanged(&before);
    let merge = sandbox.git(["merge", "-q", "--no-edit", "-s", "ours", "feat"]).ok();
    assert_eq!(findings(&merge.says(missing).says("'-s ours' drops what comes in")), 1);
    // What the strategy does not write is not in its way.
    let _ = sandbox.git(["reset", "-q", "--hard", "HEAD~1"]).ok();
    sandbox.write(".recoveryguard.toml", entry.replace("'list.jsonl'", "'*.jsonl'"));
    sandbox.commit("all lists");
    sandbox.branch("more", &[("more.jsonl", Some(&list(&[1])))]);
    sandbox.write(".git/info/exclude", "more.jsonl\n").write("more.jsonl", "mine\n");
    let merge = sandbox.git(["merge", "-q", "--no-edit", "-s", "ours", "more"]).ok();
    assert!(!merge.stderr.contains("[ignored-overwritten]"), "{merge}");
}
