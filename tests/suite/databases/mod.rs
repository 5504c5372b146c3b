//! Databases of a PostgreSQL server: saved, verified, brought back. `needs_postgres_…` starts one (`support/postgres.rs`).

mod back;
mod broken;
mod saved;

use std::fs;

use serde_json::Value;

use crate::support::{Postgres, Ran, Sandbox, write_program};

const MANIFEST: &str = "version = 1
[backup]
keep = 'last=2'
[[data]]
paths = ['/data/']
backup = true
[[database]]
name = 'orders'
backup = true
";

/// A repository with a data file, and a server with the database `orders`: 1000 rows, odd names.
fn world() -> Option<(Sandbox, Postgres)> {
    let postgres = Postgres::start()?;
    let sandbox = Sandbox::new();
    postgres.reached_from(&sandbox);
    sandbox.write(".recoveryguard.toml", MANIFEST).write("data/a.json", "[1]\n").commit("manifest");
    postgres.sql("postgres", "CREATE ROLE app; CREATE DATABASE orders OWNER app ENCODING 'UTF8' TEMPLATE template0");
    postgres.sql(
        "orders",
        "CREATE TABLE item (id int PRIMARY KEY, what text); INSERT INTO item SELECT n, 'item ' || n FROM generate_series(1, 1000) n;
         ALTER TABLE item OWNER TO app; CREATE SCHEMA \"o d\"; CREATE TABLE \"o d\".\"t\"\"\nx'\" (a int); INSERT INTO \"o d\".\"t\"\"\nx'\" VALUES (1);
         CREATE TABLE part (n int) PARTITION BY LIST (n); CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1); INSERT INTO part VALUES (1), (1);
         CREATE VIEW seen AS SELECT * FROM item",
    );
    Some((sandbox, postgres))
}

/// Makes a backup and returns its document.
#[track_caller]
fn create(sandbox: &Sandbox) -> Value {
    json(&sandbox.guard(["backup", "create", "--json"]).ok())
}

/// Makes a backup that is new; returns its name.
#[track_caller]
fn save(sandbox: &Sandbox) -> String {
    let document = create(sandbox);
    assert_eq!(document["done"], true, "{document:#}");
    document["backup"].as_str().unwrap().to_owned()
}

#[track_caller]
fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran}"))
}

/// Puts a script into the place of one of PostgreSQL's programs; `REAL` is the program itself.
fn replace(sandbox: &Sandbox, program: &str, script: &str) {
    let path = sandbox.root().join("bin").join(program);
    let real = fs::read_link(&path).map_or_else(|_| String::new(), |real| real.to_str().unwrap().to_owned());
    fs::remove_file(&path).unwrap();
    write_program(&path, format!("#!/bin/sh\n{}\n", script.replace("REAL", &real)));
}
