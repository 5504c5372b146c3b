//! What a deviation lost, line by line.
//!
//! Lines are counted, not placed: a line that moved within its file is not lost. Lines of fewer than three letters or digits say
//! nothing (`}`, blank ones) and are left out.
//!
//! ```text
//! lost       only one side added it, and the result has it fewer times
//! common     both sides have it, and the result has it fewer times than either
//! doubled    the result has it more often than either side
//! back       one side removed it, the other left it alone, and the result has it
//! own        neither side has it, and the result has it
//! ```
//!
//! Counted against the larger parent, never against git's automatic text: that one holds both sides of a conflict.

use std::collections::{HashMap, HashSet};

use bstr::ByteSlice;
use gix_imara_diff::{Interner, Token};

use crate::model::{Lost, Signals};

/// Lines with fewer letters and digits say nothing.
const TELLING: usize = 3;
/// So many lines are compared for likeness.
const COMPARED: usize = 300;

struct Counted {
    lines: Vec<Token>,
    /// How often each line stands there.
    counts: Vec<usize>,
}

impl Counted {
    fn of(&self, line: Token) -> usize {
        self.counts.get(line.0 as usize).copied().unwrap_or(0)
    }
}

/// Compares the contents of a path: base, the two sides, result. What does not exist is empty.
pub fn signals(base: &[u8], first: &[u8], second: &[u8], result: &[u8]) -> Signals {
    let mut interner: Interner<&[u8]> = Interner::new(result.len() / 24);
    let [base, first, second, result] = [base, first, second, result].map(|text| count(&mut interner, text));
    let mut found = Signals::default();
    let (mut lost, mut common) = ([HashMap::new(), HashMap::new()], HashMap::new());
    let (mut back, mut doubled) = ([HashMap::new(), HashMap::new()], HashMap::new());
    // In the order in which they stand in the texts.
    for line in (0..interner.num_tokens()).map(Token) {
        let [b, one, two, there] = [&base, &first, &second, &result].map(|counted| counted.of(line));
        if (b, one, two) == (there, there, there) || !is_telling(interner[line]) {
            continue;
        }
        for (side, (mine, theirs)) in [(one, two), (two, one)].into_iter().enumerate() {
            let added = mine.saturating_sub(b.max(theirs));
            let missing = added.min(mine.saturating_sub(there));
            if missing > 0 {
                lost[side].insert(line, missing);
            }
            if mine < b && theirs == b && there > mine {
                back[side].insert(line, (there - mine).min(b - mine));
            }
        }
        if one.min(two) > there {
            common.insert(line, one.min(two) - there);
        }
        if one.max(two) == 0 && there > 0 {
            found.own += 1;
        }
        if one.max(two) > 0 {
            // Where both sides added a line git itself leaves it twice.
            let more = there.saturating_sub(one.max(two).max((one + two).saturating_sub(b)));
            if more > 0 {
                doubled.insert(line, more);
            }
        }
        let together = (one + two).saturating_sub(b);
        found.size += there.abs_diff(together);
    }
    let none = Words::of(std::iter::empty());
    found.back = back.map(|back| list(&interner, &result.lines, &back, &none));
    found.doubled = list(&interner, &result.lines, &doubled, &none);
    if lost.iter().all(HashMap::is_empty) && common.is_empty() {
        return found;
    }
    // Lines of the result that could stand for a lost one.
    let new = result.lines.iter().copied().filter(|line| first.of(*line).min(second.of(*line)) == 0);
    let stands_in = Words::of(new.take(COMPARED).map(|line| interner[line]));
    found.lost =
        [(0, &first), (1, &second)].map(|(side, counted)| list(&interner, &counted.lines, &lost[side], &stands_in));
    found.common = list(&interner, &first.lines, &common, &stands_in);
    found
}

fn count<'t>(interner: &mut Interner<&'t [u8]>, text: &'t [u8]) -> Counted {
    let plain = |line: &'t [u8]| {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        line.strip_suffix(b"\r").unwrap_or(line)
    };
    let mut lines = Vec::with_capacity(text.len() / 24);
    lines.extend(text.lines_with_terminator().map(|line| interner.intern(plain(line))));
    let mut counts = vec![0; interner.num_tokens() as usize];
    for line in &lines {
        counts[line.0 as usize] += 1;
    }
    Counted { lines, counts }
}

fn is_telling(line: &[u8]) -> bool {
    line.iter().filter(|byte| byte.is_ascii_alphanumeric() || **byte >= 0x80).take(TELLING).count() == TELLING
}

/// Lists the missing lines, or those too many, where they stand.
fn list(interner: &Interner<&[u8]>, lines: &[Token], missing: &HashMap<Token, usize>, stands_in: &Words) -> Vec<Lost> {
    if missing.is_empty() {
        return Vec::new();
    }
    let mut left = missing.clone();
    let mut found: Vec<Lost> = Vec::new();
    for (place, line) in lines.iter().enumerate() {
        let Some(count) = left.get_mut(line).filter(|count| **count > 0) else { continue };
        *count -= 1;
        let text = interner[*line];
        let replaced = found.len() < COMPARED && stands_in.has_one_like(text);
        found.push(Lost { text: text.into(), number: place + 1, replaced });
    }
    found
}

/// Lines as sets of words, to find one that is much alike.
struct Words {
    lines: Vec<HashSet<Vec<u8>>>,
    masked: HashSet<Vec<u8>>,
}

impl Words {
    fn of<'l>(lines: impl Iterator<Item = &'l [u8]>) -> Self {
        let mut words = Self { lines: Vec::new(), masked: HashSet::new() };
        for line in lines {
            words.masked.insert(masked(line));
            words.lines.push(split(line));
        }
        words
    }

    /// Returns whether a line has half of the words of this one, or is equal but for its digits.
    fn has_one_like(&self, line: &[u8]) -> bool {
        if self.masked.contains(&masked(line)) {
            return true;
        }
        let words = split(line);
        !words.is_empty()
            && self
                .lines
                .iter()
                .any(|other| words.iter().filter(|word| other.contains(*word)).count() * 2 >= words.len())
    }
}

fn split(line: &[u8]) -> HashSet<Vec<u8>> {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80;
    line.split(|byte| !is_word(byte)).filter(|word| !word.is_empty()).map(<[u8]>::to_vec).collect()
}

fn masked(line: &[u8]) -> Vec<u8> {
    let digits = line.trim_ascii().iter().map(|byte| if byte.is_ascii_digit() { b'0' } else { *byte });
    let mut out: Vec<u8> = digits.collect();
    out.dedup_by(|a, b| *a == b'0' && *b == b'0');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_lines_that_no_side_has_are_counted() {
        let own =
            |result: &str| signals(b"base\nthere\n", b"first\nthere\n", b"second\nthere\n", result.as_bytes()).own;
        assert_eq!(own("first\nsecond\nthere\nthere\n"), 0);
        // One that stands there twice, one that only the base had, and one that says nothing.
        assert_eq!(own("new\nnew\nbase\n}\nthere\n"), 2);
    }
}
