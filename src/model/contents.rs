//! What a data file holds, in numbers that two versions of it can be compared by.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

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
    /// The names of its columns, generated ones left out, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
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
    /// The first of the names that were asked for, as they are written, in the file's order; hold text of the file.
    pub texts: Vec<String>,
}

impl Contents {
    /// Returns the records' names if every record has one and all of them are known.
    pub fn named(&self) -> Option<&Names> {
        let more: u64 = self.names.doubled.values().map(|count| count - 1).sum();
        let known = self.names.hashes.len() as u64 + more;
        (self.records? == known).then_some(&self.names)
    }
}

impl Names {
    /// Returns how many records have a name.
    pub fn count(&self, hash: u64) -> u64 {
        let once = || u64::from(self.hashes.binary_search(&hash).is_ok());
        self.doubled.get(&hash).copied().unwrap_or_else(once)
    }
}

/// A version of a data file, as the manifest's entry has it examined.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Held {
    /// What is wrong with its form, in words; the first fault; holds text of the file.
    pub fault: Option<String>,
    /// What the entry demands and it has not, in words; the first ones; hold text of the file.
    pub unmet: Vec<String>,
    /// The limit that was hit.
    pub unknown: Option<String>,
    /// What it holds.
    pub contents: Contents,
}
