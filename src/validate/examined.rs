//! What a full examination of a data file found: faults, notes, limits, and what the file holds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// So many faults and notes are kept; further ones are counted.
const KEPT: usize = 20;

/// Where something is in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The file as a whole.
    Whole,
    /// A line and a column, both from 1, the column in bytes.
    Line {
        /// The line.
        line: u64,
        /// The column.
        column: u64,
    },
    /// A JSON pointer; holds text of the file.
    Pointer(String),
    /// A table of a database, or one of its columns (`table.column`); holds text of the file.
    Table(String),
}

/// One thing that was found; its words hold text of the file, so they are escaped before they are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where.
    pub place: Place,
    /// What.
    pub what: String,
}

/// A list of things found, within bounds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults {
    /// The first ones.
    pub first: Vec<Fault>,
    /// How many there are in all.
    pub count: u64,
}

/// What is known of a file after all of it was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Examined {
    /// What makes it bad.
    pub faults: Faults,
    /// What is odd and harms nobody who reads with care.
    pub notes: Faults,
    /// Limits that were hit: what they hid is neither good nor bad.
    pub unknown: Vec<String>,
    /// What it holds, as far as it could be read.
    pub contents: Contents,
}

/// The verdict on a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// All of it was read, and nothing is wrong.
    Good,
    /// A limit was hit before anything wrong was found.
    Unknown,
    /// Something is wrong.
    Bad,
}

/// What a file holds, in numbers that two versions of it can be compared by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// The records of its collection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<u64>,
    /// A database's tables.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tables: BTreeMap<String, Table>,
    /// A hash of a database's schema, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// The names of the records; they are compared within one run and never stored.
    #[serde(skip)]
    pub names: Names,
}

/// One table of a database.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Its rows.
    pub rows: u64,
    /// Its largest row number, where it has row numbers and rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_row: Option<i64>,
    /// What `AUTOINCREMENT` has given out so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<i64>,
    /// For each column the share of rows that have its most frequent value, in percent; of large tables none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub uniform: BTreeMap<String, u8>,
}

/// The records' names, hashed with a key that is new in every process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// Each name once, in order of its hash.
    pub hashes: Vec<u64>,
    /// Records that have no name.
    pub nameless: u64,
    /// Names that several records have, by hash: how many.
    pub doubled: BTreeMap<u64, u64>,
}

impl Faults {
    /// Adds one.
    pub fn add(&mut self, place: Place, what: impl Into<String>) {
        self.count += 1;
        if self.first.len() < KEPT {
            self.first.push(Fault { place, what: what.into() });
        }
    }

    /// Returns whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl Examined {
    /// Returns the verdict.
    pub fn standing(&self) -> Standing {
        match (self.faults.is_empty(), self.unknown.is_empty()) {
            (false, _) => Standing::Bad,
            (true, false) => Standing::Unknown,
            (true, true) => Standing::Good,
        }
    }
}
