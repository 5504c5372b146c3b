//! What can't be saved or does not come back is named, and harms nothing else.

use std::fs;
use std::process::Stdio;

use super::{create, json, replace, save, world};
use crate::support::{Postgres, Ran, Sandbox};

/// The files are saved, the database is named, and a good dump that there was stays the one that comes back.
#[test]
fn needs_postgres_a_database_that_can_not_be_dumped_leaves_the_files_saved() {
    let Some((sandbox, postgres)) = world() else { return };
    let good = save(&sandbox);
    let old = "case $1 in --version) echo 'pg_dump (PostgreSQL) 9.6.1' ;; *) exit 9 ;; esac";
    let half = "case $1 in --version) exec REAL --version ;; *) REAL \"$@\" | head -c 5000; echo 'pg_dump: error: half' >&2; exit 1 ;; esac";
    let empty = "case $1 in --version) exec REAL --version ;; esac";
    let garbage = "case $1 in --version) exec REAL --version ;; *) echo garbage ;; esac";
    let real = fs::read_link(sandbox.root().join("bin/pg_dump")).unwrap();
    let mut step = 0;
    let mut left = |why: &str| {
        step += 1;
        sandbox.write("data/a.json", format!("[{step}, 1]\n"));
        let ran = sandbox.guard(["backup", "create"]).exits(3);
        assert!(ran.stdout.starts_with("Saved 1 file ("), "{ran}");
        assert!(ran.stdout.contains("  left    database 'orders': ") && ran.stdout.contains(why), "{why}: {ran}");
    };
    for (script, why) in [
        (old, "pg_dump has version 9.6.1, and the server version "),
        (half, "pg_dump failed: pg_dump: error: half"),
        (empty, "pg_dump answered in an unknown form"),
        (garbage, "pg_restore failed: pg_restore: error: input file does not appear to be a valid archive"),
    ] {
        replace(&sandbox, "pg_dump", &script.replace("REAL", real.to_str().unwrap()));
        left(why);
    }
    replace(&sandbox, "pg_dump", &format!("exec {} \"$@\"", real.display()));
    sandbox.env("PGPASSWORD", "wrong");
    left("password authentication failed for user \"postgres\"");
    sandbox.env("PGPASSWORD", "correct horse").env("PGHOST", "/nowhere");
    left("No such file or directory");
    sandbox.env("PGHOST", postgres.host());
    postgres.sql("postgres", "ALTER DATABASE orders RENAME TO elsewhere");
    left("database \"orders\" does not exist");
    postgres.sql("postgres", "ALTER DATABASE elsewhere RENAME TO orders");
    // Nothing of a dump that broke off got into the store, and no scratch file is left.
    assert!(
        !sandbox.common_dir().join("recoveryguard/tmp").read_dir().is_ok_and(|mut entries| entries.next().is_some())
    );
    let pruned = json(&sandbox.guard(["backup", "prune", "--json"]).ok());
    let stays: Vec<&str> = pruned["stays"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert!(stays.contains(&good.as_str()), "{pruned:#}");
    postgres.sql("orders", "TRUNCATE item");
    let done = sandbox.guard(["restore", "--database", "orders"]).ok();
    assert!(
        done.stdout.contains("passed over: backup ") && done.stdout.contains("not in it: database \"orders\"")
            || done.stdout.contains("does not exist"),
        "{done}"
    );
    assert!(done.stdout.contains(&format!("came back: backup {good} ")), "{done}");
}

/// Without PostgreSQL here at all: no server is needed for this.
#[test]
fn where_postgresql_is_missing_it_is_said() {
    let sandbox = Sandbox::new();
    sandbox.write(".recoveryguard.toml", super::MANIFEST).write("data/a.json", "[1]\n");
    // Nothing but what a sandbox links: neither guard nor git need more.
    sandbox.env("PATH", sandbox.root().join("bin"));
    let ran = sandbox.guard(["backup", "create"]).exits(3);
    assert!(ran.stdout.contains("  left    database 'orders': there is no 'psql' on PATH"), "{ran}");
    let _ = sandbox
        .guard(["restore", "--database", "orders", "--dry-run"])
        .exits(4)
        .says("no backup holds a good dump of 'orders'");
    let _ = sandbox
        .guard(["restore", "--database", "other"])
        .exits(2)
        .says("no [[database]] entry of '.recoveryguard.toml' has name = \"other\"");
    sandbox.write(".recoveryguard.toml", "version = 1\n[[database]]\nname = 'host=evil'\nbackup = true\n");
    let _ = sandbox.guard(["backup", "create"]).exits(2).says("'host=evil' is no plain name");
}

#[test]
fn needs_postgres_verify_restores_each_dump_and_leaves_nothing() {
    let Some((sandbox, postgres)) = world() else { return };
    let id = save(&sandbox);
    for level in ["refs", "bytes", "restore"] {
        let _ = sandbox.guard(["backup", "verify", "--level", level]).ok();
    }
    assert_eq!(postgres.databases(), ["orders", "postgres"]);
    // A program that restores something else, and one that fails: the scratch database goes all the same.
    let restore = |script: &str| format!("case $1 in --version|--list) exec REAL \"$@\" ;; *) {script} ;; esac");
    replace(
        &sandbox,
        "pg_restore",
        &restore("REAL \"$@\" && psql -q -d \"${3#--dbname=}\" -c 'DELETE FROM item WHERE id = 7'"),
    );
    let _ = sandbox.guard(["backup", "verify", "--level", "restore"]).exits(1);
    assert_eq!(postgres.databases(), ["orders", "postgres"]);
    let real = "/bin/false";
    replace(
        &sandbox,
        "pg_restore",
        &format!(
            "case $1 in --version) echo 'pg_restore (PostgreSQL) 99.1' ;; --list) echo x ;; *) exec {real} ;; esac"
        ),
    );
    let failed = sandbox.guard(["backup", "verify", "--level", "restore"]).exits(1);
    assert!(failed.stdout.contains("database 'orders': pg_restore failed: exit status: 1"), "{failed}");
    assert_eq!(postgres.databases(), ["orders", "postgres"]);
    // One older than the dump, one that is missing, and a server that is not there: not checked, and not called damaged.
    replace(&sandbox, "pg_restore", "echo 'pg_restore (PostgreSQL) 9.6.1'");
    let older = sandbox.guard(["backup", "verify"]).exits(3);
    assert!(
        older.stdout.contains("not checked: database 'orders': pg_restore has version 9.6.1, and the dump version "),
        "{older}"
    );
    fs::remove_file(sandbox.root().join("bin/pg_restore")).unwrap();
    sandbox.env("PATH", sandbox.root().join("bin"));
    let missing = sandbox.guard(["backup", "verify", &id]).exits(3);
    assert!(missing.stdout.contains("not checked: database 'orders': there is no 'pg_restore' on PATH"), "{missing}");
    let _ = sandbox.guard(["backup", "verify", "--level", "refs"]).ok();
}

/// D12: a byte that flips in a stored dump is found, and nothing comes back from it.
#[test]
fn needs_postgres_a_damaged_dump_is_found_and_an_older_one_comes_back() {
    let Some((sandbox, postgres)) = world() else { return };
    let older = save(&sandbox);
    postgres.sql("orders", "INSERT INTO item VALUES (1001, 'new')");
    let newer = create(&sandbox);
    let blob = newer["databases"][0]["blob"].as_str().unwrap();
    let path = sandbox.common_dir().join(format!("recoveryguard/store.git/objects/{}/{}", &blob[..2], &blob[2..]));
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    fs::remove_file(&path).unwrap();
    fs::write(&path, bytes).unwrap();
    let found = sandbox.guard(["backup", "verify"]).exits(1);
    assert!(
        found.stdout.contains(newer["backup"].as_str().unwrap()) && found.stdout.contains("database 'orders': "),
        "{found}"
    );
    let before = tables(&postgres);
    let _ = sandbox.guard(["restore", "--database", "orders", "--from", newer["backup"].as_str().unwrap()]).fails();
    assert_eq!((tables(&postgres), postgres.databases()), (before, vec!["orders".to_owned(), "postgres".to_owned()]));
    let dry = json(&sandbox.guard(["restore", "--database", "orders", "--dry-run", "--json"]).ok());
    assert_eq!((&dry["backup"], &dry["passed"][0]["backup"]), (&older.as_str().into(), &newer["backup"]));
}

fn tables(postgres: &Postgres) -> String {
    postgres.sql("orders", "SELECT count(*), max(id) FROM item")
}

/// A restore that was killed leaves a scratch database: doctor says how it goes, and the next restore drops it, and none of anybody else's.
#[test]
fn needs_postgres_what_a_killed_restore_left_is_told_and_goes_with_the_next() {
    let Some((sandbox, postgres)) = world() else { return };
    let _ = save(&sandbox);
    let programs = postgres.client("pg_restore").get_program().to_str().unwrap().to_owned();
    let kill =
        "case $1 in --version|--list) exec REAL \"$@\" ;; *) kill -KILL $PPID ;; esac".replace("REAL", &programs);
    postgres.sql("orders", "DELETE FROM item");
    postgres.sql("postgres", "CREATE DATABASE guard_scratch_of_somebody");
    let left = || {
        replace(&sandbox, "pg_restore", &kill);
        let _ = sandbox.guard(["restore", "--database", "orders"]).exits(-1);
        replace(&sandbox, "pg_restore", &format!("exec {programs} \"$@\""));
        assert_eq!(postgres.databases().len(), 4, "{:?}", postgres.databases());
        assert_eq!(postgres.sql("orders", "SELECT count(*) FROM item"), "0");
    };
    left();
    let doctor = json(&sandbox.guard(["doctor", "--json"]));
    let ours = |check: &&serde_json::Value| check["name"] == "databases";
    let checks: Vec<_> = doctor["checks"].as_array().unwrap().iter().filter(ours).collect();
    assert_eq!(
        (&checks[0]["health"], &checks[0]["text"]),
        (&"good".into(), &"'orders' can be dumped from here".into())
    );
    // Who could not drop it hears nothing of it.
    postgres.sql("postgres", "CREATE ROLE clerk LOGIN PASSWORD 'pen'");
    let mut clerk = sandbox.command("guard", sandbox.work());
    let clerk = Ran::of(clerk.args(["doctor"]).env("PGUSER", "clerk").env("PGPASSWORD", "pen"), b"");
    assert!(clerk.stdout.contains("databases 'orders' ") && !clerk.stdout.contains("guard_scratch_"), "{clerk}");
    let command = checks[1]["remedy"].as_str().unwrap();
    assert!(checks.len() == 2 && command.starts_with("dropdb guard_scratch_"), "{doctor:#}");
    let _ = Ran::of(sandbox.command("sh", sandbox.work()).args(["-c", command]), b"").ok();
    assert_eq!(postgres.databases(), ["guard_scratch_of_somebody", "orders", "postgres"]);
    left();
    let _ = sandbox.guard(["restore", "--database", "orders"]).ok();
    let names = postgres.databases();
    assert_eq!((names.len(), names[0].as_str()), (4, "guard_scratch_of_somebody"), "{names:?}");
    // Where the server is not reached, that is a note.
    sandbox.env("PGHOST", "/nowhere");
    let doctor = sandbox.guard(["doctor"]);
    assert!(doctor.stdout.contains("\nnote  databases 'orders' can't be dumped from here: psql failed"), "{doctor}");
}

/// What somebody is just filling, and nobody is connected to, is not taken for left over.
#[test]
fn needs_postgres_two_at_once_leave_each_other_their_scratch_databases() {
    let Some((sandbox, postgres)) = world() else { return };
    let id = save(&sandbox);
    postgres.sql("orders", "DELETE FROM item");
    let [begun, go] = ["begun", "go"].map(|name| sandbox.root().join(name));
    let wait = format!("touch {}; while [ ! -e {} ]; do sleep 0.05; done", begun.display(), go.display());
    let script = format!("case $1 in --version|--list) ;; *) {wait} ;; esac; exec REAL \"$@\"");
    let real = postgres.client("pg_restore").get_program().to_str().unwrap().to_owned();
    replace(&sandbox, "pg_restore", &script);
    let mut slow = sandbox.command("guard", sandbox.work());
    let slow = slow.args(["restore", "--database", "orders"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let slow = slow.spawn().unwrap();
    while !begun.exists() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    replace(&sandbox, "pg_restore", &format!("exec {real} \"$@\""));
    let doctor = sandbox.guard(["doctor"]);
    assert!(!doctor.stdout.contains("guard_scratch_"), "{doctor}");
    let _ = sandbox.guard(["backup", "verify", &id, "--level", "restore"]).ok();
    fs::write(go, "").unwrap();
    let ended = slow.wait_with_output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    assert_eq!(postgres.sql("orders", "SELECT count(*) FROM item"), "1000");
    assert_eq!(postgres.databases().len(), 3, "{:?}", postgres.databases());
}
