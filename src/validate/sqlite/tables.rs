//! What a database's tables hold, in numbers.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Error};

use super::schema::Schema;
use crate::validate::examined::Table;

/// Only tables of so many rows and columns are looked at value by value.
const ROWS: std::ops::RangeInclusive<u64> = 20..=200_000;
const MAX_COLUMNS: usize = 64;

/// Values counted at once for each column.
const COUNTED: usize = 256;

/// Counts all tables.
pub(super) fn read(connection: &Connection, schema: &Schema) -> rusqlite::Result<BTreeMap<String, Table>> {
    let mut sequences = if schema.has_sequences { sequences(connection, schema)? } else { BTreeMap::new() };
    let mut tables = BTreeMap::new();
    for name in &schema.tables {
        let columns = columns(connection, name)?;
        let count = format!("SELECT count(*) FROM {}", quote(name));
        let rows = connection.query_row(&count, [], |row| row.get::<_, i64>(0))?.unsigned_abs();
        let last_row = last_row(connection, name, &columns)?;
        let sequence = sequences.remove(name);
        tables.insert(name.clone(), Table { rows, last_row, sequence, columns, uniform: BTreeMap::new() });
    }
    Ok(tables)
}

/// Adds the shares of the most frequent values. They only serve to compare, so a table that can't be read in time, or
/// whose values are too large, has none.
pub(super) fn add_shares(connection: &Connection, tables: &mut BTreeMap<String, Table>) {
    for (name, table) in tables {
        if ROWS.contains(&table.rows) && table.columns.len() <= MAX_COLUMNS {
            table.uniform = shares(connection, name, &table.columns).unwrap_or_default();
        }
    }
}

/// Writes a name as SQL.
pub(super) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Returns the names of a table's columns without generated ones, in their order.
fn columns(connection: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare(&format!("PRAGMA main.table_info({})", quote(table)))?;
    let mut rows = statement.query([])?;
    let mut columns = Vec::new();
    while let Some(row) = rows.next()? {
        columns.push(String::from_utf8_lossy(row.get_ref(1)?.as_bytes()?).into_owned());
    }
    Ok(columns)
}

/// Returns the largest row number, `None` where there is none or no way to ask for it.
fn last_row(connection: &Connection, table: &str, columns: &[String]) -> rusqlite::Result<Option<i64>> {
    let hides = |name: &str| columns.iter().any(|column| column.eq_ignore_ascii_case(name));
    let Some(number) = ["rowid", "_rowid_", "oid"].into_iter().find(|name| !hides(name)) else { return Ok(None) };
    let asked = connection.query_row(&format!("SELECT max({number}) FROM {}", quote(table)), [], |row| row.get(0));
    match asked {
        // A table WITHOUT ROWID.
        Err(Error::SqlInputError { msg, .. }) if msg.starts_with("no such column") => Ok(None),
        other => other,
    }
}

/// Returns what `AUTOINCREMENT` has given out, by table.
fn sequences(connection: &Connection, schema: &Schema) -> rusqlite::Result<BTreeMap<String, i64>> {
    let mut statement = connection.prepare("SELECT name, seq FROM sqlite_sequence")?;
    let mut rows = statement.query([])?;
    let mut sequences = BTreeMap::new();
    while let Some(row) = rows.next()? {
        // The table is one that users may write: other values than SQLite's own are nothing.
        if let (Ok(name), Ok(number)) = (row.get_ref(0)?.as_str(), row.get_ref(1)?.as_i64())
            && schema.tables.contains(name)
        {
            sequences.insert(name.to_owned(), number);
        }
    }
    Ok(sequences)
}

/// Returns for each column the share of its most frequent value, in percent.
fn shares(connection: &Connection, table: &str, columns: &[String]) -> rusqlite::Result<BTreeMap<String, u8>> {
    let list = columns.iter().map(|column| quote(column)).collect::<Vec<_>>().join(", ");
    let mut statement = connection.prepare(&format!("SELECT {list} FROM {}", quote(table)))?;
    let mut rows = statement.query([])?;
    let hasher = RandomState::new();
    let mut counts = vec![Frequent::default(); columns.len()];
    let mut all = 0;
    while let Some(row) = rows.next()? {
        all += 1;
        for (column, count) in counts.iter_mut().enumerate() {
            count.add(hasher.hash_one(Value(row.get_ref(column)?)));
        }
    }
    let share = |count: Frequent| u8::try_from(count.most() * 100 / std::cmp::max(all, 1)).unwrap_or(100);
    Ok(columns.iter().cloned().zip(counts.into_iter().map(share)).collect())
}

/// Finds the most frequent value of a long list in little memory (Misra and Gries): when too many are counted at once,
/// each count goes down by one. So a count is too low by less than one in [`COUNTED`] of the other values.
#[derive(Debug, Clone, Default)]
struct Frequent(HashMap<u64, u64>);

impl Frequent {
    fn add(&mut self, value: u64) {
        if let Some(count) = self.0.get_mut(&value) {
            *count += 1;
        } else if self.0.len() < COUNTED {
            self.0.insert(value, 1);
        } else {
            self.0.retain(|_, count| {
                *count -= 1;
                *count > 0
            });
        }
    }

    fn most(&self) -> u64 {
        self.0.values().copied().max().unwrap_or(0)
    }
}

/// A value, hashed with its type.
struct Value<'a>(ValueRef<'a>);

impl std::hash::Hash for Value<'_> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        match self.0 {
            ValueRef::Null => 0_u8.hash(state),
            ValueRef::Integer(number) => (1_u8, number).hash(state),
            ValueRef::Real(number) => (2_u8, number.to_bits()).hash(state),
            ValueRef::Text(bytes) => (3_u8, bytes).hash(state),
            ValueRef::Blob(bytes) => (4_u8, bytes).hash(state),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_value_is_found_among_many() {
        let mut frequent = Frequent::default();
        for value in 0..100_000 {
            frequent.add(if value % 10 == 0 { value } else { u64::MAX });
        }
        assert!((89_950..=90_000).contains(&frequent.most()), "{}", frequent.most());
        let mut different = Frequent::default();
        (0..100_000).for_each(|value| different.add(value));
        assert!(different.most() < 1000, "{}", different.most());
    }
}
