//! `conflict-markers`: the markers of an unresolved conflict were committed.

use bstr::ByteSlice;

use crate::model::{Level, PathFacts};

use super::{Case, Docs, Draft, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    name: "conflict-markers",
    default: Level::Block,
    docs: Docs {
        finds: "A file that the merge put together holds, at the beginnings of lines and in this order, git's markers \
                `<<<<<<<`, `=======` and `>>>>>>>` (and `|||||||`), or one of the outer two with a name behind it that was \
                left over, and no parent's version of it does. The attribute `conflict-marker-size` is respected; binary \
                files, and files taken whole from one side, are not looked at.",
        why: "The conflict was not resolved: the file holds both versions, and whatever reads it fails. All of 173 such \
              commits in public histories were repaired later; none of 6,650 ordinary merges had one.",
        what_to_do: "Resolve the conflict in the file, `git add` it and conclude the merge again.",
        when_wrong: "The file shows markers on purpose (documentation, a test's fixture) and comes with this merge: set \
                     another `conflict-marker-size` for it in `.gitattributes`, or `guard allow conflict-markers <path> \
                     --reason '...'`.",
    },
    judge,
};

/// git looks for NUL in as many bytes to tell binary files from text.
const BINARY_WINDOW: usize = 8000;

fn judge(case: &Case<'_>) -> Vec<Draft> {
    let draft = |facts: &PathFacts| {
        let (path, line) = (&facts.path, unresolved(case, facts)?);
        let message = format!("conflict markers in '{path}', line {line}");
        Some(Draft::at(path, message).evidence("line", line.to_string()))
    };
    case.paths().filter_map(draft).collect()
}

/// Returns the line of the first marker that no parent has; `None` too where a parent's version can't be read.
pub(super) fn unresolved(case: &Case<'_>, facts: &PathFacts) -> Option<usize> {
    if !facts.is_merged_content() {
        return None;
    }
    [first_triple, first_leftover].into_iter().find_map(|first| {
        let line = first(case.facts.bytes(facts.result)?, facts.marker_size)?;
        let mut parents = std::iter::once(&facts.first).chain(&facts.others).flatten();
        let is_clean = parents.all(|parent| {
            let bytes = case.facts.bytes(Some(*parent));
            !parent.mode.is_regular() || bytes.is_some_and(|bytes| first(bytes, facts.marker_size).is_none())
        });
        is_clean.then_some(line)
    })
}

/// Returns the line of the first outer marker with a name behind it, whatever stands around it: what is left when only a part of
/// a conflict was cleaned up.
fn first_leftover(bytes: &[u8], size: usize) -> Option<usize> {
    if size == 0 || !has_signs(bytes, size) || bytes.iter().take(BINARY_WINDOW).any(|byte| *byte == 0) {
        return None;
    }
    let is_outer = |line: &[u8]| {
        let named = line.get(size) == Some(&b' ') && line[size + 1..].iter().any(|byte| !byte.is_ascii_whitespace());
        named && (is_marker(line, b'<', size) || is_marker(line, b'>', size))
    };
    let place = bytes.split(|byte| *byte == b'\n').position(is_outer)?;
    Some(place + 1)
}

/// Returns the line in which the first whole set of markers begins.
fn first_triple(bytes: &[u8], size: usize) -> Option<usize> {
    if size == 0 || !has_signs(bytes, size) || bytes.iter().take(BINARY_WINDOW).any(|byte| *byte == 0) {
        return None;
    }
    let mut begin = None;
    let mut is_divided = false;
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if is_marker(line, b'<', size) {
            (begin, is_divided) = (Some(index + 1), false);
        } else if begin.is_some() && line.len() == size && is_marker(line, b'=', size) {
            is_divided = true;
        } else if is_divided && is_marker(line, b'>', size) {
            return begin;
        }
    }
    None
}

/// Returns whether there is anything like an outer marker: next to no text has one.
fn has_signs(bytes: &[u8], size: usize) -> bool {
    [b"<", b">"].into_iter().any(|sign| bytes.contains_str(sign.repeat(size)))
}

/// Returns whether a line begins with exactly `size` signs, and a space or nothing after them.
fn is_marker(line: &[u8], sign: u8, size: usize) -> bool {
    let signs = line.iter().take_while(|byte| **byte == sign).count();
    signs == size && matches!(line.get(size), None | Some(b' '))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{Sample, file};

    const MARKED: &str = "a\n<<<<<<< HEAD\nb\n=======\nc\n>>>>>>> feat\n";

    fn merged(first: &str, other: &str, result: &str) -> Sample {
        Sample::merge().path("src/a.rs", file(first), &[file(other)], file(result))
    }

    #[test]
    fn markers_that_no_parent_has_block() {
        let sample = merged("a\nb\n", "a\nc\n", MARKED);
        assert_eq!(sample.said(), ["block conflict-markers src/a.rs"]);
        assert_eq!(sample.judge()[0].message, "conflict markers in 'src/a.rs', line 2");
    }

    #[test]
    fn one_marker_that_was_left_over_blocks() {
        for left in [">>>>>>> feat", "<<<<<<< HEAD"] {
            let sample = merged("a\nb\n", "a\nc\n", &format!("a\nb\n{left}\nc\n"));
            assert_eq!(sample.said(), ["block conflict-markers src/a.rs"], "{left}");
            assert_eq!(sample.judge()[0].evidence["line"], "3");
            assert!(merged(&format!("{left}\n"), "c\n", &format!("{left}\nc\n")).said().is_empty(), "{left}");
        }
        for text in [">>>>>>>", "=======", ">>>>>>>> quoted", "> >>>>>>> a", "  >>>>>>> a"] {
            assert!(merged("a\n", "c\n", &format!("a\n{text}\nc\n")).said().is_empty(), "{text}");
        }
    }

    #[test]
    fn markers_of_a_parent_or_taken_from_one_side_are_quiet() {
        assert!(merged(MARKED, "a\n", &format!("{MARKED}d\n")).said().is_empty());
        assert!(merged("a\n", MARKED, &format!("{MARKED}d\n")).said().is_empty());
        assert!(merged("a\n", MARKED, MARKED).said().is_empty());
        let mut unread = merged("a\nb\n", "a\nc\n", MARKED);
        unread.facts.contents.remove(&crate::rules::testing::oid("a\nc\n"));
        assert!(unread.said().is_empty());
    }

    #[test]
    fn only_whole_sets_at_line_starts_in_order_are_markers() {
        let triple = |text: &str| first_triple(text.as_bytes(), 7);
        assert_eq!(triple(MARKED), Some(2));
        assert_eq!(triple(&MARKED.replace('\n', "\r\n")), Some(2));
        assert_eq!(triple("<<<<<<<\n|||||||\n=======\n>>>>>>>"), Some(1));
        assert_eq!(triple("<<<<<<< a\n<<<<<<< Updated upstream\n=======\n>>>>>>> Stashed changes\n"), Some(2));
        for text in [
            " <<<<<<< a\n=======\n>>>>>>> b\n",
            "<<<<<<<< a\n=======\n>>>>>>> b\n",
            "<<<<<<<a\n=======\n>>>>>>> b\n",
            "<<<<<<< a\n======= x\n>>>>>>> b\n",
            "<<<<<<< a\n========\n>>>>>>> b\n",
            "=======\n<<<<<<< a\n>>>>>>> b\n",
            "Title\n=======\n",
            "\0<<<<<<< a\n=======\n>>>>>>> b\n",
        ] {
            assert_eq!(triple(text), None, "{text:?}");
        }
        assert_eq!(first_triple(MARKED.as_bytes(), 9), None);
        assert_eq!(first_triple(b"<<<\n===\n>>>\n", 3), Some(1));
        assert_eq!(first_triple(b"\n\n\n", 0), None);
    }
}
