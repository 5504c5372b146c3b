//! The records of a collection: how many, and their names.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::LazyLock;

use super::examined::{About, Examined, Names, Place};
use super::hashes::Hashes;

/// So many names are told apart.
const MOST: usize = 3_000_000;
/// So many doubled names are shown.
const SHOWN: usize = 10;
/// So much of a name is shown, in characters.
const LONGEST: usize = 60;

/// The kind of a name that is a key of an object: that one stands there twice is said of every object.
pub(super) const KEY: u8 = b'k';

/// One key for all files of a process, so that names of two versions can be compared.
static STATE: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// Returns the hash by which a name is compared. `kind` tells names apart that are written alike: `1` and `"1"`.
pub(super) fn hash(kind: u8, name: &[u8]) -> u64 {
    let mut hasher = STATE.build_hasher();
    hasher.write_u8(kind);
    hasher.write(name);
    hasher.finish()
}

/// Counts records.
#[derive(Debug)]
pub(super) struct Records<'w> {
    pub count: u64,
    names: Hashes,
    doubled: BTreeMap<u64, (u64, String)>,
    nameless: u64,
    overflow: bool,
    wanted: &'w [u64],
    texts: Vec<String>,
}

impl<'w> Records<'w> {
    /// Takes the hashes, in their order, of the names that are wanted as they are written.
    pub fn new(wanted: &'w [u64]) -> Self {
        let (names, doubled, texts) = (Hashes::default(), BTreeMap::new(), Vec::new());
        Self { count: 0, names, doubled, nameless: 0, overflow: false, wanted, texts }
    }

    /// Takes the name of a record.
    pub fn name(&mut self, kind: u8, name: &[u8]) {
        let hash = hash(kind, name);
        if self.names.insert(hash) {
            if self.texts.len() < SHOWN && self.wanted.binary_search(&hash).is_ok() {
                self.texts.push(shown(name));
            }
            self.overflow |= self.names.len() > MOST;
            if self.overflow {
                self.names = Hashes::default();
            }
        } else if kind != KEY && self.doubled.len() < MOST {
            let is_shown = self.doubled.len() < SHOWN;
            let first = || (1, if is_shown { shown(name) } else { String::new() });
            self.doubled.entry(hash).or_insert_with(first).0 += 1;
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
            examined.faults.about(About::Demand, Place::Whole, what);
        }
        let more = self.doubled.len().saturating_sub(SHOWN);
        let mut shown: Vec<_> = self.doubled.values().filter(|(_, name)| !name.is_empty()).collect();
        // Their hashes are others each time.
        shown.sort_by_key(|(_, name)| name);
        for (count, name) in shown {
            examined.faults.about(About::Doubled, Place::Whole, format!("{count} records have the name '{name}'"));
        }
        if more > 0 {
            let stand = if more == 1 { "stands" } else { "stand" };
            let names = crate::model::count(more, "more name");
            examined.faults.about(About::Doubled, Place::Whole, format!("{names} {stand} for several records"));
        }
        let hashes = self.names.sorted().collect();
        let doubled = self.doubled.into_iter().map(|(hash, (count, _))| (hash, count)).collect();
        examined.contents.names = Names { hashes, nameless: self.nameless, doubled, texts: self.texts };
    }
}

fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(name).chars().take(LONGEST).collect()
}
