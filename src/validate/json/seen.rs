//! The keys of an open object, so that one that comes twice is noticed.
//!
//! Few keys without escapes are kept and compared. Of others only hashes are kept: these are keyed anew in every process, so
//! nobody can write a file in which two keys seem to be one, or all of them fall together.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::ops::Range;

use super::super::hashes::Hashes;

/// So many keys, of so many bytes in all, are few.
const FEW: usize = 64;
const FEW_BYTES: usize = 2 << 10;

/// The keys of the objects that stood at one depth, one after the other.
#[derive(Default)]
pub(super) struct Seen {
    /// How many keys the object at hand has.
    pub count: usize,
    /// The key that came last.
    last: Range<usize>,
    /// Keys, one behind the other: of few those of the object at hand, of many the last one.
    bytes: Vec<u8>,
    /// Of few: signs, and where the keys are. Behind those of the object at hand are those of the one before it, as long as
    /// both have the same keys in the same order; most objects of a list do, and then no key needs to be looked up.
    few: Vec<(u64, Range<usize>)>,
    many: Option<Hashes>,
}

impl Seen {
    /// Returns the key that stood at this place in the object before, as it is written, if all before it are the same.
    #[inline]
    pub fn expected(&self) -> Option<&[u8]> {
        self.few.get(self.count).map(|(_, place)| &self.bytes[place.clone()])
    }

    /// Takes the key that was expected.
    #[inline]
    pub fn add_expected(&mut self) {
        self.last = self.few[self.count].1.clone();
        self.count += 1;
    }

    /// Takes another key, and returns whether it is new.
    pub fn add(&mut self, key: &[u8], is_plain: bool, state: &RandomState) -> bool {
        let sign = sign(key);
        if self.many.is_none() {
            if let Some((_, place)) = self.few.get(self.count) {
                self.bytes.truncate(place.start);
                self.few.truncate(self.count);
            }
            let known = self.few.iter().find(|(other, place)| *other == sign && self.bytes[place.clone()] == *key);
            if let Some((_, place)) = known {
                self.last = place.clone();
                return false;
            }
            if is_plain && self.count < FEW && self.bytes.len() + key.len() <= FEW_BYTES {
                self.last = self.bytes.len()..self.bytes.len() + key.len();
                self.bytes.extend_from_slice(key);
                self.few.push((sign, self.last.clone()));
                self.count += 1;
                return true;
            }
        }
        let many = self.many.get_or_insert_with(|| {
            let mut many = Hashes::default();
            for (_, place) in self.few.drain(..) {
                many.insert(hash(&self.bytes[place], state));
            }
            many
        });
        let is_new = many.insert(hash(key, state));
        self.count += usize::from(is_new);
        self.bytes.clear();
        self.bytes.extend_from_slice(key);
        self.last = 0..key.len();
        is_new
    }

    /// Returns the key that came last.
    #[inline]
    pub fn last(&self) -> &[u8] {
        &self.bytes[self.last.clone()]
    }

    /// The object ends.
    pub fn end(&mut self) {
        if self.many.take().is_some() {
            self.bytes = Vec::new();
        }
        self.count = 0;
    }
}

fn hash(key: &[u8], state: &RandomState) -> u64 {
    let mut hasher = state.build_hasher();
    hasher.write(key);
    hasher.finish()
}

/// Tells most keys apart.
fn sign(key: &[u8]) -> u64 {
    match (key.first_chunk(), key.last_chunk()) {
        (Some(first), Some(last)) => u64::from_le_bytes(*first) ^ u64::from_le_bytes(*last).rotate_left(17),
        _ => key.iter().fold(1, |sign, byte| (sign << 8) | u64::from(*byte)),
    }
}
