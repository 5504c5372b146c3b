//! Numbers with their nouns.

use std::fmt::Display;

/// Returns a number with its noun, which is given as for one.
pub fn count<N: Copy + Display + PartialEq + From<u8>>(number: N, noun: &str) -> String {
    if number == N::from(1) {
        return format!("1 {noun}");
    }
    match noun.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'i', 'o', 'u']) => format!("{number} {stem}ies"),
        _ if noun.ends_with('x') => format!("{number} {noun}es"),
        _ => format!("{number} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn only_one_is_one() {
        assert_eq!(count(1_usize, "entry"), "1 entry");
        for (noun, expected) in [("hook", "0 hooks"), ("entry", "0 entries"), ("day", "0 days"), ("index", "0 indexes")]
        {
            assert_eq!(count(0_u64, noun), expected);
        }
    }
}
