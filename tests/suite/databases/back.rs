//! A database comes back, and that is taken back.

use super::{json, replace, save, world};
use crate::support::Postgres;

/// Gives the database what no dump brings back. A `role` that was set in guard's own session would break what it does after that.
fn give_belongings(postgres: &Postgres) {
    postgres.sql(
        "postgres",
        "REVOKE ALL ON DATABASE orders FROM PUBLIC; CREATE ROLE reader; CREATE ROLE \"o'd \"\"r\";
         GRANT CONNECT ON DATABASE orders TO reader WITH GRANT OPTION; GRANT CREATE ON DATABASE orders TO \"o'd \"\"r\";
         ALTER DATABASE orders SET search_path = \"o d\", public; ALTER DATABASE orders SET work_mem = '7MB';
         ALTER ROLE app IN DATABASE orders SET role = reader; ALTER DATABASE orders SET \"app.key\" = 'a=\\''b';
         ALTER ROLE reader IN DATABASE orders SET work_mem = '9MB'; ALTER DATABASE orders CONNECTION LIMIT 17; COMMENT ON DATABASE orders IS 'it''s'",
    );
}

/// What belongs to the database.
fn about(postgres: &Postgres) -> String {
    postgres.sql(
        "postgres",
        "SELECT pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datcollate, datacl, datconnlimit, shobj_description(d.oid, 'pg_database'),
         (SELECT string_agg(setrole::text || s, ' ' ORDER BY setrole, s) FROM pg_db_role_setting, unnest(setconfig) s WHERE setdatabase = d.oid)
         FROM pg_database d WHERE datname = 'orders'",
    )
}

fn rows(postgres: &Postgres, database: &str) -> String {
    postgres.sql(database, "SELECT count(*) FROM item")
}

/// UPDATE and DELETE without WHERE, or whatever it was: the newest good backup comes back, with what belongs to a database and
/// stands in no dump; what was there stays, and takes its place again.
#[test]
fn needs_postgres_a_database_comes_back_and_that_is_taken_back() {
    let Some((sandbox, postgres)) = world() else { return };
    give_belongings(&postgres);
    let _ = save(&sandbox);
    let good = {
        postgres.sql("orders", "INSERT INTO item VALUES (1001, 'one more')");
        save(&sandbox)
    };
    postgres.sql(
        "orders",
        "DELETE FROM public.item WHERE id > 10; CREATE TABLE extra (x int); INSERT INTO extra VALUES (1)",
    );
    // What belongs to the one that stands there stays, not what belonged to it when the backup was made.
    postgres.sql(
        "postgres",
        "ALTER DATABASE orders CONNECTION LIMIT 23; COMMENT ON DATABASE orders IS 'since then';
         ALTER DATABASE orders SET work_mem = '8MB'; REVOKE CONNECT ON DATABASE orders FROM reader CASCADE",
    );
    let belongings = about(&postgres);

    let dry = sandbox.guard(["restore", "--database", "orders", "--dry-run"]).ok();
    assert!(dry.stdout.starts_with(&format!("'orders' would come back: backup {good} of ")), "{dry}");
    assert!(dry.stdout.contains("  loses   \"o d\".extra: 1 row now, no such table then\n  gains   public.item: 10 rows now, 1001 rows then\n"), "{dry}");
    assert_eq!(postgres.databases(), ["orders", "postgres"]);

    let done = sandbox.guard(["restore", "--database", "orders"]).ok();
    assert!(done.stdout.contains("  gains   public.item: 10 rows now, 1001 rows then\n"), "{done}");
    assert_eq!(postgres.sql("orders", "SELECT count(*) FROM public.item"), "1001");
    assert_eq!(about(&postgres), belongings);
    let names = postgres.databases();
    let aside = &names[1];
    assert!(names.len() == 3 && aside.starts_with("orders_before_2"), "{names:?}");
    assert_eq!(postgres.sql(aside, "SELECT count(*) FROM public.item"), "10");
    assert!(done.stdout.contains(&format!("when it is not needed any more: dropdb {aside}\n")), "{done}");

    // A backup of a database alone is none of files.
    let file = sandbox.read("data/a.json");
    std::fs::remove_file(sandbox.at("data/a.json")).unwrap();
    let _ = sandbox.guard(["verify"]).exits(1);
    sandbox.write("data/a.json", file);

    // What stood there is in the store as well, and is not taken for good by the next restore, or for old by a prune.
    let saved_by = |text: &str| text.split("is in backup ").nth(1).unwrap().lines().next().unwrap().to_owned();
    let saved = saved_by(&done.stdout);
    let _ = json(&sandbox.guard(["backup", "prune", "--json"]).ok());
    let again = sandbox.guard(["restore", "--database", "orders"]).ok();
    assert!(again.stdout.contains(&format!("passed over: backup {saved}: as it was before a restore\n")), "{again}");
    assert!(again.stdout.contains(&format!("came back: backup {good} ")), "{again}");

    let _ = postgres.sql("postgres", &format!("DROP DATABASE {aside}"));
    let newest = postgres.databases()[1].clone();
    let dry = sandbox.guard(["restore", "--database", "orders", "--undo", "--dry-run"]).ok();
    assert_eq!(dry.stdout, format!("'{newest}' would be 'orders' again\n"));
    postgres.sql("orders", "INSERT INTO public.item VALUES (2000, 'after')");
    let _ = sandbox.guard(["restore", "--database", "orders", "--undo"]).ok();
    assert_eq!(postgres.sql("orders", "SELECT count(*) FROM public.item"), "1001");
    let _ = sandbox.guard(["restore", "--database", "orders", "--undo"]).ok();
    assert_eq!(postgres.sql("orders", "SELECT count(*) FROM public.item"), "1002");

    // The one before the first restore is gone: it is said how it comes back all the same.
    for name in postgres.databases().iter().filter(|name| name.starts_with("orders_before_")) {
        postgres.sql("postgres", &format!("DROP DATABASE {name}"));
    }
    let command = format!("hint: guard restore --database orders --from {}\n", saved_by(&again.stdout));
    let _ = sandbox.guard(["restore", "--database", "orders", "--undo"]).exits(4).says(&command);
    let _ = sandbox.guard(["restore", "--database", "orders", "--from", &saved]).ok();
    assert_eq!(postgres.sql("orders", "SELECT count(*) FROM public.item"), "10");
    assert_eq!(about(&postgres), belongings);
}

#[test]
fn needs_postgres_a_database_that_is_gone_comes_back() {
    let Some((sandbox, postgres)) = world() else { return };
    give_belongings(&postgres);
    let id = save(&sandbox);
    let before = about(&postgres);
    let same = sandbox.guard(["restore", "--database", "orders"]).ok();
    assert!(same.stdout.ends_with("holds: nothing to restore\n"), "{same}");
    postgres.sql("postgres", "DROP DATABASE orders");
    let dry = json(&sandbox.guard(["restore", "--database", "orders", "--dry-run", "--json"]).ok());
    assert_eq!((&dry["backup"], &dry["before"]["is"]), (&id.as_str().into(), &"none".into()));
    let done = json(&sandbox.guard(["restore", "--database", "orders", "--json"]).ok());
    assert_eq!(
        (&done["done"], &done["aside"], &done["then"]["public.item"]),
        (&true.into(), &serde_json::Value::Null, &1000.into())
    );
    assert_eq!(
        (postgres.sql("orders", "SELECT count(*) FROM public.item"), about(&postgres)),
        ("1000".to_owned(), before)
    );
    assert_eq!(postgres.databases(), ["orders", "postgres"]);
    let _ = sandbox
        .guard(["restore", "--database", "orders", "--undo"])
        .exits(4)
        .says("there is no database 'orders_before_…' any more");
}

/// A database in use can't be renamed: who uses it is named, and nothing changes.
#[test]
fn needs_postgres_a_database_in_use_is_refused() {
    let Some((sandbox, postgres)) = world() else { return };
    let _ = save(&sandbox);
    postgres.sql("orders", "DELETE FROM item");
    let mut psql = postgres.client("psql");
    let mut psql = psql
        .args(["-X", "-q", "-d", "orders"])
        .env("PGAPPNAME", "shop\u{202e}")
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    while postgres.sql("postgres", "SELECT count(*) FROM pg_stat_activity WHERE datname = 'orders'") == "0" {}
    let who = ", user postgres, program shop";
    let _ = sandbox
        .guard(["restore", "--database", "orders"])
        .exits(4)
        .says("'orders' is in use, and nothing was changed")
        .says(who);
    let dry = sandbox.guard(["restore", "--database", "orders", "--dry-run"]).ok();
    assert!(dry.stdout.contains(&format!("first to be stopped: process {}", "")) && dry.stdout.contains(who), "{dry}");
    assert_eq!((postgres.databases().len(), rows(&postgres, "orders")), (2, "0".to_owned()));
    drop(psql.stdin.take());
    psql.wait().unwrap();
    // Somebody connects while the new one is being filled.
    replace(
        &sandbox,
        "pg_restore",
        "case $1 in --version|--list) ;; *)
           PGAPPNAME=late psql -q -d orders -c 'SELECT pg_sleep(300)' >/dev/null 2>&1 &
           until [ \"$(psql -X -A -t -d postgres -c \"SELECT count(*) FROM pg_stat_activity WHERE application_name = 'late'\")\" = 1 ]; do sleep 0.1; done ;;
         esac; exec REAL \"$@\"",
    );
    let _ = sandbox.guard(["restore", "--database", "orders"]).exits(4).says("is in use, and nothing was changed");
    assert_eq!((postgres.databases().len(), rows(&postgres, "orders")), (2, "0".to_owned()));
}

/// What does not come back as it was saved takes nobody's place.
#[test]
fn needs_postgres_a_restore_that_fails_changes_nothing() {
    let Some((sandbox, postgres)) = world() else { return };
    let _ = save(&sandbox);
    postgres.sql("orders", "DELETE FROM item WHERE id > 5");
    let real = postgres.client("pg_restore").get_program().to_str().unwrap().to_owned();
    for (script, said) in [
        (
            "REAL \"$@\" && psql -q -d \"${3#--dbname=}\" -c 'DELETE FROM item WHERE id = 7'",
            "has not as many rows as what was saved",
        ),
        ("head -c 20000 | REAL \"$@\"", "pg_restore failed: pg_restore: error: "),
        ("exit 3", "pg_restore failed: exit status: 3"),
    ] {
        let script = format!("case $1 in --version|--list) exec REAL \"$@\" ;; *) {script} ;; esac");
        replace(&sandbox, "pg_restore", &script.replace("REAL", &real));
        let _ = sandbox.guard(["restore", "--database", "orders"]).fails().says(said);
        assert_eq!(
            (postgres.databases(), rows(&postgres, "orders")),
            (vec!["orders".to_owned(), "postgres".to_owned()], "5".to_owned())
        );
    }
    // Its owner is no role here any more.
    replace(&sandbox, "pg_restore", &format!("exec {real} \"$@\""));
    postgres.sql("orders", "REASSIGN OWNED BY app TO postgres; DROP OWNED BY app; DROP ROLE app");
    let _ = sandbox.guard(["restore", "--database", "orders"]).exits(2).says("role \"app\" does not exist");
    assert_eq!(rows(&postgres, "orders"), "5");
}
