//! What a commit's message says it takes back. Pure.
//!
//! git writes `This reverts commit <oid>.`, for a merge `This reverts commit <oid>, reversing` / `changes made to
//! <oid>.`, with `revert.reference` an abbreviated name and the subject in parentheses; people write `Reverts 1a2b3c4d`
//! and the like. A number of a merge request (`Reverts owner/repo#12`) names no commit and is not read.

use bstr::ByteSlice;

use crate::model::{Oid, RefName};

/// What a message says is taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    /// One commit.
    Commit {
        /// Its name, or the start of it, in lower-case hex digits.
        name: String,
        /// The parent against which its changes are taken back, where the message names one.
        against: Option<String>,
    },
    /// What came between two commits.
    Range(Oid, Oid),
}

/// What one message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Words {
    /// What is taken back.
    pub(super) said: Vec<Said>,
    /// Whether the subject is that of a revert of a revert: it brings something back.
    pub(super) brings_back: bool,
}

impl Words {
    /// Reads a message; `None` when it says nothing of reverts.
    pub(super) fn read(subject: &[u8], message: &[u8]) -> Option<Self> {
        let words = Self { said: reverts(message), brings_back: brings_back(subject) };
        (words.brings_back || !words.said.is_empty()).then_some(words)
    }
}

/// Words, and starts of words, with which a message says that something goes back to what it was.
const WORDS: [&[u8]; 6] = [b"back", b"undo", b"undoes", b"undoing", b"undone", b"undid"];
const STARTS: [&[u8]; 10] = [
    b"revert",
    b"rollback",
    b"rolled",
    b"restor",
    b"reinstat",
    b"reintroduc",
    b"reappl",
    b"reenabl",
    b"readd",
    b"reset",
];

/// Returns whether a message says, in whatever words, that something is taken back, or goes back to what it was.
pub(super) fn takes_something_back(message: &[u8]) -> bool {
    let text = message.to_ascii_lowercase().replace("re-", "re");
    text.split(|byte| !byte.is_ascii_alphanumeric())
        .any(|word| WORDS.contains(&word) || STARTS.iter().any(|start| word.starts_with(start)))
}

/// Between "reverts" and the name of a commit nothing but these may stand.
const FILLERS: [&[u8]; 12] =
    [b"commit", b"commits", b"merge", b"merges", b"and", b"the", b"this", b"of", b"from", b"in", b"change", b"changes"];

/// Returns what a message says is taken back, in its order.
pub(super) fn reverts(message: &[u8]) -> Vec<Said> {
    let text = message.to_ascii_lowercase();
    let mut said = Vec::new();
    // Most messages say nothing of the kind: those are not taken apart.
    if !text.contains_str("revert") {
        return said;
    }
    let (mut listening, mut reversing) = (false, false);
    for word in text.fields() {
        let word = word.trim_with(|character| !character.is_ascii_alphanumeric());
        if matches!(word, b"revert" | b"reverts" | b"reverted" | b"reverting") {
            (listening, reversing) = (true, false);
        } else if reversing && is_name(word) {
            reversing = false;
            if let Some(Said::Commit { against, .. }) = said.last_mut() {
                *against = Some(word.to_str_lossy().into_owned());
            }
        } else if listening && let Some(range) = range(word) {
            said.push(range);
        } else if listening && is_name(word) {
            said.push(Said::Commit { name: word.to_str_lossy().into_owned(), against: None });
        } else if !word.is_empty() && !FILLERS.contains(&word) {
            listening = false;
            reversing |= word == b"reversing";
        }
    }
    said
}

/// Returns whether a subject is that of a revert of a revert: `Reapply "…"` since git 2.43, `Revert "Revert "…""` before.
fn brings_back(subject: &[u8]) -> bool {
    let (mut rest, mut reverts) = (subject, 0);
    loop {
        (rest, reverts) = if let Some(inner) = rest.strip_prefix(b"Revert \"") {
            (inner, reverts + 1)
        } else if let Some(inner) = rest.strip_prefix(b"Reapply \"") {
            (inner, reverts + 2)
        } else {
            return reverts > 0 && reverts % 2 == 0;
        };
    }
}

/// Returns the branch in the subject that `guard undo-merge` gives to a revert of a fast-forward.
pub(super) fn fast_forward(subject: &[u8]) -> Option<RefName> {
    Some(subject.strip_prefix(b"Revert \"fast-forward to ")?.strip_suffix(b"\"")?.into())
}

/// Seven hex digits or more; with a decimal one among them, because there are English words of the others.
fn is_name(word: &[u8]) -> bool {
    (7..=64).contains(&word.len()) && word.iter().all(u8::is_ascii_hexdigit) && word.iter().any(u8::is_ascii_digit)
}

/// Reads `<oid>..<oid>`, full names only.
fn range(word: &[u8]) -> Option<Said> {
    let (from, to) = word.split_once_str("..")?;
    Some(Said::Range(Oid::from_hex(from)?, Oid::from_hex(to)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(message: &str) -> Vec<String> {
        let name = |said| match said {
            Said::Commit { name, against: None } => name,
            Said::Commit { name, against: Some(against) } => format!("{name} against {against}"),
            Said::Range(from, to) => format!("{from}..{to}"),
        };
        reverts(message.as_bytes()).into_iter().map(name).collect()
    }

    #[test]
    fn messages_of_git_are_read() {
        let (one, other) = ("1a".repeat(20), "2b".repeat(20));
        let plain = format!("Revert \"more\"\n\nThis reverts commit {one}.\n");
        assert_eq!(names(&plain), [one.as_str()]);
        let merge = format!(
            "Revert \"Merge branch 'x'\"\n\nThis reverts commit {one}, reversing\nchanges made to {other}.\n\nIt broke.\n"
        );
        assert_eq!(names(&merge), [format!("{one} against {other}")]);
        let short = "Revert \"x\"\n\nThis reverts commit 1a1a1a1 (Merge branch 'x', 2023-11-14), reversing\nchanges made to 2b2b2b2b (base, 2023-11-14).\n";
        assert_eq!(names(short), ["1a1a1a1 against 2b2b2b2b"]);
        let reapply = format!("Reapply \"Merge branch 'x'\"\n\nThis reverts commit {one}.\n");
        assert_eq!(names(&reapply), [one.as_str()]);
        let long = "3c".repeat(32);
        assert_eq!(names(&format!("This reverts commit {long}.")), [long.as_str()]);
    }

    #[test]
    fn words_of_people_are_read() {
        assert_eq!(names("Reverts 1A1A1A1 and the merge 2b2b2b2."), ["1a1a1a1", "2b2b2b2"]);
        assert_eq!(names("revert: 1a1a1a1, 2b2b2b2"), ["1a1a1a1", "2b2b2b2"]);
        assert_eq!(names("Partial revert of commit `1a1a1a1`: keep the docs"), ["1a1a1a1"]);
    }

    #[test]
    fn what_names_no_commit_is_not_read() {
        for message in [
            "",
            "Revert \"Merge pull request #12 from owner/feat\"\n\nReverts owner/repo#12",
            "Fix what 1a1a1a1 broke",
            "Revert the effaced defaced facade",
            "Revert nothing: see 1a1a1a1",
            "Revert 1a1a1",
            "reversing changes made to 1a1a1a1",
        ] {
            assert!(names(message).is_empty(), "{message}");
        }
    }

    #[test]
    fn people_say_in_many_words_that_they_take_something_back() {
        for message in ["Revert \"x\"", "x\n\nUndoes y", "Back out x", "Restore the old form", "re-add x", "put x back"]
        {
            assert!(takes_something_back(message.as_bytes()), "{message}");
        }
        for message in ["", "Add backup", "undocumented", "Fix irreversible presets", "core, recent"] {
            assert!(!takes_something_back(message.as_bytes()), "{message}");
        }
    }

    #[test]
    fn reverts_of_reverts_bring_back() {
        let brings_back = |subject: &str| Words::read(subject.as_bytes(), b"").is_some_and(|words| words.brings_back);
        assert!(brings_back("Reapply \"x\"") && brings_back("Revert \"Revert \"x\"\""));
        assert!(brings_back("Reapply \"Reapply \"x\"\""));
        assert!(!brings_back("x") && !brings_back("Revert \"x\"") && !brings_back("Revert \"Reapply \"x\"\""));
    }

    #[test]
    fn a_fast_forward_that_guard_took_back_is_a_range_with_a_name() {
        let (from, to) = ("1a".repeat(20), "2b".repeat(20));
        assert_eq!(names(&format!("This reverts commits {from}..{to}.\n")), [format!("{from}..{to}")]);
        assert_eq!(fast_forward(b"Revert \"fast-forward to a/b\""), Some("a/b".into()));
        assert_eq!(fast_forward(b"Revert \"Revert \"fast-forward to a\"\""), None);
        assert_eq!(fast_forward(b"Revert \"more\""), None);
    }
}
