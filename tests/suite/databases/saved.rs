//! What is saved of a database, and what is said of it.

use std::fs;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{create, json, replace, save, world};
use crate::support::{Ran, Sandbox};

#[test]
fn needs_postgres_a_database_is_saved_beside_the_files_with_its_facts() {
    let Some((sandbox, postgres)) = world() else { return };
    let before = sandbox.state();
    let document = create(&sandbox);
    sandbox.assert_unchanged(&before);
    assert_eq!((&document["standing"], &document["files"].as_array().unwrap().len()), (&"good".into(), &1));
    let orders = &document["databases"][0];
    let tables = serde_json::json!({"\"o d\".\"t\"\"\nx'\"": 1, "public.item": 1000, "public.part_1": 2});
    assert_eq!((&orders["name"], &orders["owner"], &orders["tables"]), (&"orders".into(), &"app".into(), &tables));
    assert!(orders["size"].as_u64().unwrap() > 10_000, "{orders}");
    let id = document["backup"].as_str().unwrap();
    let text = sandbox.guard(["backup", "show", id]).ok().stdout;
    assert!(text.contains("database 'orders' (") && text.contains("3 tables, 1003 rows, PostgreSQL "), "{text}");
    let list = sandbox.guard(["backup", "list"]).ok().stdout;
    assert!(list.contains("1 file and 1 database"), "{list}");
    // By the page's own commands: with plain git and PostgreSQL.
    let page = include_str!("../../../docs/store-format.md");
    let page = &page[page.find("A database of a backup is restored").unwrap()..];
    let script = page.split("```").nth(1).unwrap().trim_start_matches("sh\n");
    let script = script.replace("<database>", "plain").replace("<id>", id).replace("<n>", "0");
    let _ = Ran::of(sandbox.command("sh", sandbox.work()).args(["-e", "-c", &script]), b"").ok();
    assert_eq!(postgres.sql("plain", "SELECT count(*) FROM item"), "1000");
}

#[test]
fn needs_postgres_nothing_changed_makes_no_new_one_and_each_change_does() {
    let Some((sandbox, postgres)) = world() else { return };
    let first = save(&sandbox);
    let same = sandbox.guard(["backup", "create"]).ok();
    assert_eq!(
        same.stdout,
        format!("Nothing has changed since backup {first} (1 file and 1 database): no new one was made.\n")
    );
    let store = sandbox.common_dir().join("recoveryguard/store.git");
    let objects = || Ran::of(sandbox.command("git", &store).args(["count-objects"]), b"").ok().stdout;
    let before = objects();
    assert_eq!(create(&sandbox)["done"], false);
    assert_eq!(objects(), before, "what the store has is not written again");
    for change in [
        "UPDATE item SET what = 'x' WHERE id = 1",
        "CREATE INDEX ON item (what)",
        "ALTER DATABASE orders OWNER TO postgres",
    ] {
        postgres.sql("orders", change);
        let _ = save(&sandbox);
        assert_eq!(create(&sandbox)["done"], false, "{change}");
    }
    let dry = json(&sandbox.guard(["backup", "create", "--dry-run", "--json"]).ok());
    assert_eq!(dry["would_dump"], serde_json::json!(["orders"]));
}

/// DELETE without WHERE: what lost too much is saved and called bad, and what came before it comes back.
#[test]
fn needs_postgres_a_database_that_lost_too_many_rows_is_bad() {
    let Some((sandbox, postgres)) = world() else { return };
    let limit = |limit: &str| sandbox.write(".recoveryguard.toml", super::MANIFEST.to_owned() + "max_loss = " + limit);
    limit("'10%'");
    let _ = save(&sandbox);
    postgres.sql("orders", "DELETE FROM item WHERE id <= 100");
    let good = save(&sandbox);
    postgres.sql("orders", "DELETE FROM item WHERE id <= 191");
    let said = format!(
        "  bad     database 'orders': public.item lost 91 of the 900 rows of backup {good}, and max_loss is 10%\n"
    );
    for word in ["Saved 1 file and 1 database", "Nothing has changed since backup"] {
        let bad = sandbox.guard(["backup", "create"]).exits(1);
        assert!(bad.stdout.starts_with(word) && bad.stdout.ends_with(&said), "{bad}");
    }
    let dry = json(&sandbox.guard(["restore", "--database", "orders", "--dry-run", "--json"]).ok());
    assert_eq!(dry["backup"], good.as_str());
    // Somebody meant it.
    limit("91");
    let meant = save(&sandbox);
    let dry = json(&sandbox.guard(["restore", "--database", "orders", "--dry-run", "--json"]).ok());
    assert_eq!(dry["backup"], meant.as_str());
    limit("5");
    postgres.sql("orders", "DROP TABLE part");
    let _ = save(&sandbox);
    limit("1");
    postgres.sql("orders", "DROP VIEW seen; DROP TABLE item");
    let bad = sandbox.guard(["backup", "create"]).exits(1);
    assert!(bad.stdout.contains("public.item lost 809 of the 809 rows of "), "{bad}");
}

/// Says that a thread is to end, also when the test fails: it would be waited for without end.
struct Stop<'s>(&'s AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Counts and dump are of one moment, whoever writes meanwhile.
#[test]
fn needs_postgres_rows_are_counted_in_the_moment_that_is_dumped() {
    let Some((sandbox, postgres)) = world() else { return };
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _stop = Stop(&stop);
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let _ = postgres.sql("orders", "INSERT INTO item SELECT max(id) + 1, 'new' FROM item; INSERT INTO part SELECT 1 FROM generate_series(1, 7)");
            }
        });
        // The dump begins a while after the counting.
        replace(&sandbox, "pg_dump", "case $1 in --version) ;; *) sleep 1 ;; esac; exec REAL \"$@\"");
        let counted: Vec<u64> =
            (0..2).map(|_| create(&sandbox)["databases"][0]["tables"]["public.item"].as_u64().unwrap()).collect();
        assert!(counted[1] > counted[0], "{counted:?}");
    });
    let verified = sandbox.guard(["backup", "verify", "--level", "restore"]).ok();
    assert!(verified.stdout.contains("2 dumps"), "{verified}");
    assert_eq!(postgres.databases(), ["orders", "postgres"]);
}

#[test]
fn needs_postgres_a_service_says_where_and_the_name_says_what() {
    let Some((sandbox, postgres)) = world() else { return };
    sandbox.edit(".recoveryguard.toml", "name = 'orders'", "name = 'orders'\nservice = 'shop'");
    let services = sandbox.root().join("services");
    let entry = format!("[shop]\nhost={}\nuser=postgres\npassword=correct horse\ndbname=nonsense\n", postgres.host());
    fs::write(&services, entry).unwrap();
    for (name, value) in [
        ("PGHOST", "/nowhere"),
        ("PGUSER", "nobody"),
        ("PGPASSWORD", "wrong"),
        ("PGSERVICEFILE", services.to_str().unwrap()),
    ] {
        sandbox.env(name, value);
    }
    let _ = save(&sandbox);
    let _ = sandbox.guard(["backup", "verify", "--level", "restore"]).ok();
    postgres.sql("orders", "DELETE FROM item");
    let done = sandbox.guard(["restore", "--database", "orders"]).ok();
    assert!(done.stdout.contains("not needed any more: PGSERVICE=shop dropdb orders_before_"), "{done}");
    assert_eq!(postgres.sql("orders", "SELECT count(*) FROM item"), "1000");
}

/// D14: a database is no part of the repository, so it goes only where somebody said that it may.
#[test]
fn needs_postgres_a_database_goes_to_private_remotes_only() {
    let Some((sandbox, _postgres)) = world() else { return };
    let _ = save(&sandbox);
    let remote = sandbox.root().join("remote.git");
    let _ = sandbox.git(["init", "-q", "--bare", remote.to_str().unwrap()]).ok();
    let _ = sandbox
        .guard(["backup", "push", remote.to_str().unwrap()])
        .exits(4)
        .says("database 'orders' is no part of the repository");
    let _ = sandbox.git(["config", "--add", "recoveryguard.privateRemote", remote.to_str().unwrap()]).ok();
    let _ = sandbox.guard(["backup", "push", remote.to_str().unwrap()]).ok();
    let other = Sandbox::new();
    let _ = other.guard(["backup", "fetch", remote.to_str().unwrap()]).ok();
    // Whole, and nobody here could restore it.
    let checked = other.guard(["backup", "verify", "--level", "refs"]).ok();
    assert!(checked.stdout.contains("1 dump"), "{checked}");
}

/// However guard ends, what it started ends soon.
#[test]
fn needs_postgres_a_dump_ends_with_guard() {
    let Some((sandbox, _postgres)) = world() else { return };
    let pid_file = sandbox.root().join("pid");
    replace(
        &sandbox,
        "pg_dump",
        &format!(
            "case $1 in --version) exec REAL --version ;; esac; echo $$ > {0}.new; mv {0}.new {0}; while echo x; do sleep 0.05; done",
            pid_file.display()
        ),
    );
    let mut guard = sandbox.command("guard", sandbox.work());
    let mut guard = guard.args(["backup", "create"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let soon = |what: &dyn Fn() -> bool| {
        (0..2400).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(50));
            what()
        })
    };
    assert!(soon(&|| pid_file.exists()));
    guard.kill().unwrap();
    guard.wait().unwrap();
    let pid = fs::read_to_string(&pid_file).unwrap();
    assert!(soon(&|| !fs::exists(format!("/proc/{}", pid.trim())).unwrap()), "{pid} is still there");
    assert!(sandbox.guard(["backup", "list"]).ok().stdout.starts_with("There is no backup yet"));
}
