//! What statements of the wrong kind do to a database: the rows of a table changed or deleted, as a program would do it.

use std::collections::BTreeMap;

use anyhow::Context as _;
use rusqlite::Connection;

use super::scenario::Kind;
use super::stage::Stage;
use crate::model::Table;
use crate::validate::sqlite::{Limits, Reading, examine_database};

/// A table of fewer rows is not worth a drill, and a column in which one value stands in more than so many percent of them.
pub(super) const FEWEST: u64 = 20;
pub(super) const LARGEST_SHARE: u8 = 50;

/// Sets a column of a table to one value, in all rows.
pub(super) fn set_to_one_value(stage: &Stage, kind: Kind) -> anyhow::Result<()> {
    let mut statements = Vec::new();
    for (name, table) in &tables(stage, kind)? {
        for (column, _) in table.uniform.iter().filter(|(_, share)| **share <= LARGEST_SHARE) {
            let (name, column) = (quote(name), quote(column));
            statements.push(format!("UPDATE {name} SET {column} = (SELECT {column} FROM {name} LIMIT 1)"));
        }
    }
    run_one(stage, kind, &statements)
}

/// Deletes all rows of a table.
pub(super) fn delete_all(stage: &Stage, kind: Kind) -> anyhow::Result<()> {
    let statements: Vec<_> = tables(stage, kind)?.keys().map(|name| format!("DELETE FROM {}", quote(name))).collect();
    run_one(stage, kind, &statements)
}

/// Deletes the half of a table's rows with the larger values: what a copy of long ago did not have.
pub(super) fn delete_newer_half(stage: &Stage, kind: Kind) -> anyhow::Result<()> {
    let mut statements = Vec::new();
    for (name, table) in tables(stage, kind)? {
        let column = table.uniform.iter().min_by_key(|(_, share)| **share);
        let Some((column, _)) = column.filter(|(_, share)| **share <= LARGEST_SHARE) else { continue };
        let (name, column) = (quote(&name), quote(column));
        let half =
            format!("SELECT {column} FROM {name} ORDER BY {column} DESC LIMIT (SELECT count(*) / 2 FROM {name})");
        statements.push(format!("DELETE FROM {name} WHERE {column} IN ({half})"));
    }
    run_one(stage, kind, &statements)
}

/// Runs some statements on the database.
pub(super) fn run(stage: &Stage, kind: Kind, statements: &str) -> anyhow::Result<()> {
    let connection = Connection::open(stage.place(kind.word())?)?;
    connection.execute_batch(statements)?;
    connection.close().map_err(|(_, error)| error)?;
    Ok(())
}

/// Returns the tables that are worth a drill.
fn tables(stage: &Stage, kind: Kind) -> anyhow::Result<BTreeMap<String, Table>> {
    let found = examine_database(&stage.place(kind.word())?, Reading::Still, &Limits::default());
    Ok(found.contents.tables.into_iter().filter(|(_, table)| table.rows >= FEWEST).collect())
}

/// Runs the first of some statements that the database allows, beginning at one that the seed chooses: a key may have to be unique, a
/// row may be referred to.
fn run_one(stage: &Stage, kind: Kind, statements: &[String]) -> anyhow::Result<()> {
    let connection = Connection::open(stage.place(kind.word())?)?;
    let first = stage.choose(statements.len(), 1);
    let mut in_turn = statements.iter().cycle().skip(first).take(statements.len());
    let done = in_turn.any(|statement| connection.execute(statement, []).is_ok_and(|rows| rows > 0));
    connection.close().map_err(|(_, error)| error)?;
    done.then_some(()).context("no table of the database lets that happen")
}

fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
