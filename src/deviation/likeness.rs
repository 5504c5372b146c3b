//! How much two contents are alike, as git estimates it for renames: the bytes of lines that both have, of the larger one.

use std::collections::HashMap;

/// Git calls a file renamed when so many percent are alike.
pub(super) const RENAMED: u64 = 50;

/// A content's lines, counted.
#[derive(Debug)]
pub(super) struct Print {
    size: u64,
    lines: HashMap<u64, u64>,
}

impl Print {
    pub(super) fn of(bytes: &[u8]) -> Self {
        let mut lines: HashMap<u64, u64> = HashMap::new();
        let binary = super::content::is_binary(bytes);
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            // Line ends don't count in texts; long lines are cut, so that one without line feeds is many.
            let plain = if binary { line } else { line.strip_suffix(b"\r\n").unwrap_or(line) };
            for part in plain.chunks(64) {
                *lines.entry(hash(part)).or_default() += part.len() as u64;
            }
        }
        Self { size: bytes.len() as u64, lines }
    }

    /// Returns percent of likeness.
    pub(super) fn likeness(&self, other: &Self) -> u64 {
        let larger = self.size.max(other.size);
        if larger == 0 {
            return 100;
        }
        let (few, many) = if self.lines.len() < other.lines.len() { (self, other) } else { (other, self) };
        let common = |(hash, bytes): (&u64, &u64)| many.lines.get(hash).map_or(0, |there| (*bytes).min(*there));
        few.lines.iter().map(common).sum::<u64>() * 100 / larger
    }
}

/// FNV-1a.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
