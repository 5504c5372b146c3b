//! How much two contents are alike, as git estimates it for renames: the bytes of lines that both have, of the larger one.

use bstr::ByteSlice;

/// Git calls a file renamed when so many percent are alike.
pub(super) const RENAMED: u64 = 50;

/// A content's lines, counted: hash and bytes, in the order of hashes.
#[derive(Debug)]
pub(super) struct Print {
    size: u64,
    lines: Vec<(u64, u64)>,
}

impl Print {
    pub(super) fn of(bytes: &[u8]) -> Self {
        let mut lines = Vec::with_capacity(bytes.len() / 32);
        let binary = super::content::is_binary(bytes);
        for line in bytes.lines_with_terminator() {
            // Line ends don't count in texts; long lines are cut, so that one without line feeds is many.
            let plain = if binary { line } else { line.strip_suffix(b"\r\n").unwrap_or(line) };
            lines.extend(plain.chunks(64).map(|part| (hash(part), part.len() as u64)));
        }
        lines.sort_unstable();
        lines.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            kept.1 += if same { next.1 } else { 0 };
            same
        });
        Self { size: bytes.len() as u64, lines }
    }

    /// Returns percent of likeness.
    pub(super) fn likeness(&self, other: &Self) -> u64 {
        let larger = self.size.max(other.size);
        if larger == 0 {
            return 100;
        }
        let (mut mine, mut theirs) = (self.lines.iter().peekable(), other.lines.iter().peekable());
        let mut common = 0;
        while let (Some(one), Some(two)) = (mine.peek(), theirs.peek()) {
            let order = one.0.cmp(&two.0);
            if order.is_eq() {
                common += one.1.min(two.1);
            }
            if order.is_le() {
                mine.next();
            }
            if order.is_ge() {
                theirs.next();
            }
        }
        common * 100 / larger
    }
}

/// Eight bytes at a time.
fn hash(bytes: &[u8]) -> u64 {
    let mix = |hash: u64, word: u64| (hash.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let (words, rest) = bytes.as_chunks();
    let hash = words.iter().fold(bytes.len() as u64, |hash, word| mix(hash, u64::from_le_bytes(*word)));
    let last = rest.iter().fold(0, |last, byte| last << 8 | u64::from(*byte));
    let hash = mix(hash, last);
    hash ^ hash >> 32
}
