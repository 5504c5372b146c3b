//! A set of hashes that takes eight bytes for each and a third more, and comes out in their order.

/// Hashes in their order, with gaps between them: each stands where its highest bits say, or as few slots behind as those
/// before it allow. A hash has to be one that nobody can choose: many of one beginning would make it slow.
#[derive(Debug, Default)]
pub(super) struct Hashes {
    /// Empty ones are 0. The last one always is.
    slots: Vec<u64>,
    /// So many of a hash's bits say where it stands.
    bits: u32,
    count: usize,
}

impl Hashes {
    /// Adds a hash, and returns whether it is new.
    pub fn insert(&mut self, hash: u64) -> bool {
        if self.count >= self.slots.len() / 4 * 3 {
            self.grow();
        }
        let is_new = self.place(hash.max(1));
        self.count += usize::from(is_new);
        is_new
    }

    /// Returns how many there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Returns them in their order.
    pub fn sorted(&self) -> impl Iterator<Item = u64> {
        self.slots.iter().copied().filter(|hash| *hash != 0)
    }

    fn place(&mut self, hash: u64) -> bool {
        let home = usize::try_from(hash >> (64 - self.bits)).unwrap_or(0);
        let mut at = home;
        while self.slots[at] != 0 && self.slots[at] < hash {
            at += 1;
        }
        if self.slots[at] == hash {
            return false;
        }
        // Those behind move on, up to the next gap.
        let mut moved = hash;
        while moved != 0 {
            std::mem::swap(&mut self.slots[at], &mut moved);
            at += 1;
        }
        if at == self.slots.len() {
            self.slots.push(0);
        }
        true
    }

    fn grow(&mut self) {
        self.bits = (self.bits + 1).max(6);
        let slots = vec![0; (1 << self.bits) + 1];
        for hash in std::mem::replace(&mut self.slots, slots) {
            if hash != 0 {
                self.place(hash);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn they_are_a_set_in_order(hashes in prop::collection::vec(prop_oneof![any::<u64>(), 1_u64..9, (u64::MAX - 9)..], 0..500)) {
            let (mut ours, mut theirs) = (Hashes::default(), BTreeSet::new());
            for hash in hashes.into_iter().map(|hash| hash.max(1)) {
                prop_assert_eq!(ours.insert(hash), theirs.insert(hash));
                prop_assert_eq!(ours.len(), theirs.len());
            }
            prop_assert_eq!(ours.sorted().collect::<Vec<_>>(), theirs.into_iter().collect::<Vec<_>>());
        }
    }
}
