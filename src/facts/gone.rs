//! Whether a change is still there, seen by its lines: cheap answers before git is asked.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bstr::{BString, ByteSlice};

use crate::git::{GitError, Repo};
use crate::model::{Change, Content, Entry, Oid};

/// How many times more each line stands in a text than in another.
pub(super) type Moved = HashMap<Vec<u8>, i64>;

/// Texts of more bytes are not compared: it may be so or not.
const LARGE: u64 = 128 << 10;

/// Returns whether a change may have been taken out of what stands at its path `now`: nothing of it is left, and most of
/// what it had removed is back.
pub(super) fn is_gone(repo: &Repo, change: &Change, now: Option<Entry>) -> Result<bool, GitError> {
    if now == change.before || now == change.after {
        return Ok(now == change.before);
    }
    let (Some(before), Some(after), Some(now)) = (change.before, change.after, now) else {
        // A file that the change deleted is back, with whatever in it; one that it added is not gone while one is there.
        return Ok(change.after.is_none() && now.is_some());
    };
    if ![before, after, now].iter().all(|entry| entry.mode.is_regular()) {
        return Ok(false);
    }
    Ok(match [read(repo, before.oid, LARGE)?, read(repo, after.oid, LARGE)?, read(repo, now.oid, LARGE)?] {
        [Some(before), Some(after), Some(now)] => are_gone(&before, &after, &now),
        _ => true,
    })
}

fn are_gone(before: &[u8], after: &[u8], now: &[u8]) -> bool {
    let (before, after, now) = (counted(before), counted(after), counted(now));
    let count = |text: &HashMap<&[u8], usize>, line: &[u8]| text.get(line).copied().unwrap_or(0);
    let lines: HashSet<&[u8]> = before.keys().chain(after.keys()).copied().collect();
    let moved = || lines.iter().copied().filter(|line| count(&before, line) != count(&after, line));
    // A line that only one of the texts has says most: others may come and go anywhere for any reason.
    let only = || moved().filter(|line| count(&before, line) == 0 || count(&after, line) == 0);
    let telling: Vec<&[u8]> = if only().next().is_some() { only().collect() } else { moved().collect() };
    let (mut removed, mut back) = (0, 0);
    for line in telling {
        if count(&before, line) > count(&after, line) {
            removed += 1;
            back += usize::from(count(&now, line) >= count(&before, line));
        } else if count(&now, line) > count(&before, line) {
            return false;
        }
    }
    removed == 0 || back * 2 > removed
}

fn counted(text: &[u8]) -> HashMap<&[u8], usize> {
    let mut counts = HashMap::new();
    for line in ByteSlice::lines(text) {
        *counts.entry(line).or_insert(0) += 1;
    }
    counts
}

/// Returns how many times more a line stands in a file after a change than before, by line; what is too large or no file
/// has none.
pub(super) fn moved_lines(repo: &Repo, change: &Change) -> Result<Moved, GitError> {
    let mut moved = Moved::new();
    for (entry, by) in [(change.before, -1), (change.after, 1)] {
        let Some(entry) = entry.filter(|entry| entry.mode.is_regular()) else { continue };
        for line in read(repo, entry.oid, super::CONTENT_LIMIT)?.iter().flat_map(|text| text.lines()) {
            match moved.get_mut(line) {
                Some(count) => *count += by,
                None => _ = moved.insert(line.to_vec(), by),
            }
        }
    }
    moved.retain(|_, count| *count != 0);
    Ok(moved)
}

/// Returns a blob's bytes; `None` when it is too large.
fn read(repo: &Repo, blob: Oid, limit: u64) -> Result<Option<Arc<BString>>, GitError> {
    Ok(match repo.objects().content(blob, limit)? {
        Content::Bytes(bytes) => Some(bytes),
        Content::TooLarge(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> String {
        text.chars().map(|line| format!("{line}\n")).collect()
    }

    #[test]
    fn a_change_is_gone_when_its_lines_are_and_the_old_ones_are_back() {
        let gone = |before: &str, after: &str, now: &str| {
            are_gone(lines(before).as_bytes(), lines(after).as_bytes(), lines(now).as_bytes())
        };
        assert!(gone("abc", "axc", "abc") && gone("abc", "axc", "bzq"));
        // Changed again by somebody else, or back in part only.
        assert!(!gone("abc", "axc", "ayc") && !gone("abc", "axyc", "abyc") && !gone("abc", "axc", "abxc"));
        assert!(!gone("abcde", "a", "abc") && gone("abcde", "a", "abcd"));
        // Nothing but additions, nothing but deletions.
        assert!(gone("ab", "axb", "abz") && !gone("ab", "axb", "axz"));
        assert!(gone("axb", "ab", "xq") && !gone("axb", "ab", "abq"));
        // Lines that both have only tell where there are no others.
        assert!(gone("aab", "ab", "aa") && !gone("aab", "ab", "a") && gone("aabx", "aby", "bx"));
    }
}
