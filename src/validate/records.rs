//! The records of a collection: how many, and their names.

use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

use super::examined::{Examined, Names, Place};

/// So many names are told apart.
const MOST: usize = 3_000_000;
/// So many doubled names are shown.
const SHOWN: usize = 10;
/// So much of a name is shown, in characters.
const LONGEST: usize = 60;

/// One key for all files of a process, so that names of two versions can be compared.
static STATE: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// Returns the hash by which a name is compared. `kind` tells names apart that are written alike: `1` and `"1"`.
pub(super) fn hash(kind: u8, name: &str) -> u64 {
    STATE.hash_one((kind, name))
}

/// Counts records.
#[derive(Debug, Default)]
pub(super) struct Records {
    pub count: u64,
    names: HashSet<u64>,
    doubled: BTreeMap<u64, (u64, String)>,
    nameless: u64,
    overflow: bool,
}

impl Records {
    /// Takes the name of a record.
    pub fn name(&mut self, kind: u8, name: &str) {
        let hash = hash(kind, name);
        if self.names.insert(hash) {
            self.overflow |= self.names.len() > MOST;
            if self.overflow {
                self.names = HashSet::new();
            }
        } else if self.doubled.len() < MOST {
            let shown =
                || if self.doubled.len() < SHOWN { name.chars().take(LONGEST).collect() } else { String::new() };
            let shown = if self.doubled.contains_key(&hash) { String::new() } else { shown() };
            self.doubled.entry(hash).or_insert((1, shown)).0 += 1;
        }
    }

    /// Takes a record that has no name.
    pub fn nameless(&mut self) {
        self.nameless += 1;
    }

    /// Says what was found; `key` names a record, where something has to.
    pub fn finish(self, key: Option<&str>, examined: &mut Examined) {
        examined.contents.records = Some(self.count);
        if self.overflow {
            examined.unknown.push(format!("more than {MOST} records: their names are not compared"));
            return;
        }
        if let Some(key) = key.filter(|_| self.nameless > 0) {
            let what = match self.nameless {
                1 => format!("one record has no '{key}'"),
                many => format!("{many} records have no '{key}'"),
            };
            examined.faults.add(Place::Whole, what);
        }
        let more = self.doubled.len().saturating_sub(SHOWN);
        for (count, name) in self.doubled.values().filter(|(_, name)| !name.is_empty()) {
            examined.faults.add(Place::Whole, format!("{count} records have the name '{name}'"));
        }
        if more > 0 {
            examined.faults.add(Place::Whole, format!("{more} more names stand for several records"));
        }
        let mut hashes: Vec<u64> = self.names.into_iter().collect();
        hashes.sort_unstable();
        let doubled = self.doubled.into_iter().map(|(hash, (count, _))| (hash, count)).collect();
        examined.contents.names = Names { hashes, nameless: self.nameless, doubled };
    }
}
