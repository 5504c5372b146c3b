//! Doubled keys, collected within bounds.

use super::Health;

/// A key that stands more than once in one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DuplicateKey {
    /// Where, as a JSON pointer from the top of its document; holds text of the file.
    pub pointer: String,
    /// The line of its last appearance, from 1, where the parser tells it.
    pub line: Option<usize>,
    /// How often it stands there.
    pub count: usize,
}

/// More doubled keys, or longer pointers, than anybody reads: a small file can have them without end (a long key above
/// many doubled ones).
const MAX_KEYS: usize = 10_000;
const MAX_POINTER_BYTES: usize = 4 << 20;

/// Takes doubled keys until a bound is reached.
#[derive(Debug, Default)]
pub(super) struct Doubled {
    keys: Vec<DuplicateKey>,
    bytes: usize,
    overflow: bool,
}

impl Doubled {
    /// Adds a key of the object at `parent`, which stands there `count` times.
    pub fn push(&mut self, parent: &str, key: &str, line: Option<usize>, count: usize) {
        self.bytes = self.bytes.saturating_add(parent.len() + key.len());
        if self.keys.len() == MAX_KEYS || self.bytes > MAX_POINTER_BYTES {
            self.overflow = true;
            return;
        }
        let mut pointer = parent.to_owned();
        step(&mut pointer, key);
        self.keys.push(DuplicateKey { pointer, line, count });
    }

    /// Returns whether no more are taken. Asked before a pointer is built, which may be long: so all that are built together are
    /// hardly longer than what is kept.
    pub fn is_full(&self) -> bool {
        self.overflow
    }

    /// Says that there are more than are counted.
    pub fn overflow(&mut self) {
        self.overflow = true;
    }

    /// Returns the keys; unknown when there were too many, for a part of them can't be compared with another file's.
    pub fn finish(self) -> Result<Vec<DuplicateKey>, Health> {
        if self.overflow { Err(Health::Unknown { why: "too many doubled keys".to_owned() }) } else { Ok(self.keys) }
    }
}

/// Appends a key to a JSON pointer (RFC 6901).
pub(super) fn step(pointer: &mut String, key: &str) {
    pointer.push('/');
    for character in key.chars() {
        match character {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            _ => pointer.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::json::{Shape, walk};
    use super::super::yaml::events;
    use super::*;

    #[test]
    fn once_there_are_too_many_no_more_pointers_are_built() {
        let key = "k".repeat(100 << 10);
        let list = vec!["{\"a\":1,\"a\":1}"; 500].join(",");
        let text = format!("{{\"{key}\":[{list}]}}");
        let yaml = format!("? {key}\n: [{list}]\n");
        for found in [walk(&text, Shape::Document), events(&yaml)] {
            let found = found.unwrap();
            // The one that was too many was built.
            assert!(found.bytes <= MAX_POINTER_BYTES + 2 * key.len(), "{}", found.bytes);
            assert!(found.finish().is_err());
        }
    }
}
