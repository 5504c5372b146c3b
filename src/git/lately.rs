//! What was read lately, and is likely to be asked for again: so many bytes of it.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};

/// Keeps what was read lately: of two halves the older one goes when the younger is full.
pub(super) struct Lately<K, V> {
    young: Kept<K, V>,
    old: Kept<K, V>,
    bytes: usize,
    most: usize,
}

type Kept<K, V> = HashMap<K, V, BuildHasherDefault<Mixed>>;

impl<K: Copy + Eq + Hash, V: Clone> Lately<K, V> {
    /// Keeps at most so many bytes.
    pub(super) fn new(most: usize) -> Self {
        Self { young: Kept::default(), old: Kept::default(), bytes: 0, most }
    }

    pub(super) fn find(&mut self, key: K, size: impl Fn(&V) -> usize) -> Option<V> {
        if let Some(found) = self.young.get(&key) {
            return Some(found.clone());
        }
        let found = self.old.remove(&key)?;
        self.keep(key, &found, size(&found));
        Some(found)
    }

    /// Keeps something of so many bytes, unless it would take most of the place.
    pub(super) fn keep(&mut self, key: K, value: &V, size: usize) {
        if size > self.most / 4 {
            return;
        }
        self.bytes += size;
        if self.bytes > self.most / 2 {
            self.bytes = size;
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value.clone());
    }
}

/// The keys are hashes, or places in a file: eight bytes of them, mixed, will do.
#[derive(Default)]
struct Mixed(u64);

impl Hasher for Mixed {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(start) = bytes.first_chunk() {
            self.0 ^= u64::from_ne_bytes(*start);
        }
    }

    fn finish(&self) -> u64 {
        self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}
