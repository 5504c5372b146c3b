//! Three texts merged as git merges them: git's own steps (`xdl_do_merge` at level "zealous", histogram diff), so that a clean
//! result has the same bytes.
//!
//! ```text
//! base → ours, base → theirs    hunks, each in base's lines
//! hunks that do not touch       taken
//! hunks that touch or overlap   the same change on both sides: taken once; else a conflict
//! a conflict of equal texts     no conflict
//! lines equal in a conflict     taken out of it, where more than three of them follow each other
//! ```
//!
//! Places are bytes, always at the beginning of a line. Most of a text is the same in another: what both begin and end with is cut
//! off before lines are told apart.

use std::ops::Range;

use bstr::ByteSlice;
use gix_imara_diff::{Algorithm, Diff, Interner, SliderHeuristic, Token};

/// A place of the merged text.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// Of the first side: unchanged, or changed there only or on both sides alike.
    First(Range<usize>),
    /// Of the second side, changed there only.
    Second(Range<usize>),
    /// Both sides changed the same place: what each has there.
    Conflict {
        /// The first side.
        first: Range<usize>,
        /// The second side.
        second: Range<usize>,
    },
}

/// What merging three texts comes to.
#[derive(Debug, PartialEq, Eq)]
pub struct Text {
    /// Whether there is no conflict.
    pub is_clean: bool,
    /// The merged text; with markers where it is in conflict.
    pub bytes: Vec<u8>,
}

/// Merges three texts: base, first side, second side. Markers have so many signs.
pub fn texts([base, first, second]: [&[u8]; 3], signs: usize) -> Text {
    let parts = merge(first, second, &hunks(base, first), &hunks(base, second));
    let is_clean = !parts.iter().any(|part| matches!(part, Part::Conflict { .. }));
    // Room for the longest: a text that grows piece by piece is copied again and again.
    let mut bytes = Vec::with_capacity(base.len().max(first.len()).max(second.len()));
    put_together(&mut bytes, &parts, signs, first, second);
    Text { is_clean, bytes }
}

/// So many lines of what two texts end with stay, because changes before them slide down.
const KEPT: usize = 12;

/// Returns how many bytes of whole lines two texts begin with, and how many of the rest they end with; `kept` of the latter's lines
/// are left out.
fn common(before: &[u8], after: &[u8], kept: usize) -> (usize, usize) {
    let shortest = before.len().min(after.len());
    let head = equal(&before[..shortest], &after[..shortest]);
    let head = before[..head].rfind_byte(b'\n').map_or(0, |end| end + 1);
    let rest = shortest - head;
    let tail = equal_ends(&before[before.len() - rest..], &after[after.len() - rest..]);
    // The first of these line feeds may end a line that is not the same in both.
    let mut feeds = before[before.len() - tail..].iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    (head, feeds.nth(kept).map_or(0, |(place, _)| tail - place - 1))
}

/// Returns how many bytes two texts of one length begin with alike.
fn equal(one: &[u8], other: &[u8]) -> usize {
    let blocks = one.chunks(64).zip(other.chunks(64)).take_while(|(a, b)| a == b).count();
    let sure = (blocks * 64).min(one.len());
    sure + one[sure..].iter().zip(&other[sure..]).take_while(|(a, b)| a == b).count()
}

/// Returns how many bytes two texts of one length end with alike.
fn equal_ends(one: &[u8], other: &[u8]) -> usize {
    let blocks = one.rchunks(64).zip(other.rchunks(64)).take_while(|(a, b)| a == b).count();
    let sure = one.len() - (blocks * 64).min(one.len());
    one.len() - sure + one[..sure].iter().rev().zip(other[..sure].iter().rev()).take_while(|(a, b)| a == b).count()
}

/// A change: `before` of one text became `after` of the other.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Hunk {
    before: Range<usize>,
    after: Range<usize>,
}

/// A place where the result is not simply the first side's.
#[derive(Debug, Clone)]
struct Change {
    mode: Mode,
    base: Range<usize>,
    first: Range<usize>,
    second: Range<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Conflict,
    First,
    Second,
}

/// Git slides a group of changed lines down as far as it goes, which without its indent heuristic is all that it does.
struct Down;

impl SliderHeuristic for Down {
    fn best_slider_end(&mut self, _tokens: &[Token], hunk: Range<u32>, _earliest_end: u32) -> u32 {
        hunk.end
    }
}

/// Finds what was changed between two texts.
fn hunks(before: &[u8], after: &[u8]) -> Vec<Hunk> {
    let (head, tail) = common(before, after, KEPT);
    // A change that reaches the cut could slide beyond it: then nothing is cut off.
    between(before, after, head, tail).or_else(|| between(before, after, 0, 0)).unwrap_or_default()
}

/// Finds it between the first `head` bytes and the last `tail` ones, which are the same in both. `None`: the cut before the tail
/// made a difference, or may have.
fn between(before: &[u8], after: &[u8], head: usize, tail: usize) -> Option<Vec<Hunk>> {
    let cores = [before, after].map(|text| &text[head..text.len() - tail]);
    let mut interner = Interner::new(cores[0].len() / 32 + 16);
    let one = Lines::of(&mut interner, cores[0], &[]);
    let two = Lines::of(&mut interner, cores[1], &one.tokens);
    let mut diff = Diff::default();
    diff.compute_with(Algorithm::Histogram, &one.tokens, &two.tokens, interner.num_tokens());
    diff.postprocess_with(&one.tokens, &two.tokens, Down);
    let ends = |hunk: &gix_imara_diff::Hunk| one.is_end(hunk.before.end) || two.is_end(hunk.after.end);
    if tail > 0 && diff.hunks().any(|hunk| ends(&hunk)) {
        return None;
    }
    let hunk = |hunk: gix_imara_diff::Hunk| Hunk {
        before: one.bytes(head, &hunk.before),
        after: two.bytes(head, &hunk.after),
    };
    Some(diff.hunks().map(hunk).collect())
}

/// A text as a sequence of lines, each with its line feed.
struct Lines {
    tokens: Vec<Token>,
    /// Where each line begins; one more at the end.
    starts: Vec<usize>,
}

impl Lines {
    /// Cuts a text into lines. Most of them follow each other as in another text, whose lines are known: those are compared there
    /// instead of being looked up.
    fn of<'t>(interner: &mut Interner<&'t [u8]>, text: &'t [u8], other: &[Token]) -> Self {
        // Where a line stands in the other text for the first time. Lines were numbered in that order.
        let mut places: Vec<usize> = Vec::with_capacity(interner.num_tokens() as usize);
        for (place, line) in other.iter().enumerate() {
            if line.0 as usize == places.len() {
                places.push(place);
            }
        }
        let likely = other.len().max(text.len() / 32) + 8;
        let mut lines = Self { tokens: Vec::with_capacity(likely), starts: Vec::with_capacity(likely + 1) };
        let (mut start, mut beside) = (0, 0);
        while start < text.len() {
            lines.starts.push(start);
            if let Some(line) = other.get(beside) {
                let known = interner[*line];
                let end = start + known.len();
                if text[start..].starts_with(known) && (known.ends_with(b"\n") || end == text.len()) {
                    lines.tokens.push(*line);
                    (start, beside) = (end, beside + 1);
                    continue;
                }
            }
            let end = text[start..].find_byte(b'\n').map_or(text.len(), |feed| start + feed + 1);
            let line = interner.intern(&text[start..end]);
            beside = places.get(line.0 as usize).map_or(beside, |place| beside.max(place + 1));
            lines.tokens.push(line);
            start = end;
        }
        lines.starts.push(start);
        lines
    }

    fn is_end(&self, line: u32) -> bool {
        line as usize == self.tokens.len()
    }

    /// Returns where some lines stand, behind so many bytes.
    fn bytes(&self, behind: usize, lines: &Range<u32>) -> Range<usize> {
        let place = |line: u32| behind + self.starts[line as usize];
        place(lines.start)..place(lines.end)
    }
}

/// Merges what was changed between a base and each side.
fn merge(first: &[u8], second: &[u8], ones: &[Hunk], twos: &[Hunk]) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut place = 0;
    for change in simpler(refined(changes(ones, twos, first, second), first, second), first) {
        // It stands in the first side already.
        if change.mode == Mode::First {
            continue;
        }
        if place < change.first.start {
            parts.push(Part::First(place..change.first.start));
        }
        place = change.first.end;
        parts.push(match change.mode {
            Mode::Second => Part::Second(change.second),
            _ => Part::Conflict { first: change.first, second: change.second },
        });
    }
    if place < first.len() {
        parts.push(Part::First(place..first.len()));
    }
    parts
}

/// Sets the two lists of hunks against each other.
fn changes(ones: &[Hunk], twos: &[Hunk], first: &[u8], second: &[u8]) -> Vec<Change> {
    let mut found: Vec<Change> = Vec::new();
    let (mut a, mut b) = (0, 0);
    // How far places of a side are ahead of the base's behind the hunks so far.
    let (mut ahead_first, mut ahead_second) = (0_isize, 0_isize);
    let moved = |place: usize, by: isize| place.saturating_add_signed(by);
    let ahead = |hunk: &Hunk| hunk.after.end.cast_signed() - hunk.before.end.cast_signed();
    while a < ones.len() || b < twos.len() {
        let (one, two) = (ones.get(a), twos.get(b));
        match (one, two) {
            (Some(one), two) if two.is_none_or(|two| one.before.end < two.before.start) => {
                let base = one.before.clone();
                let second = moved(base.start, ahead_second)..moved(base.end, ahead_second);
                append(&mut found, Change { mode: Mode::First, base, first: one.after.clone(), second });
                ahead_first = ahead(one);
                a += 1;
            }
            (one, Some(two)) if one.is_none_or(|one| two.before.end < one.before.start) => {
                let base = two.before.clone();
                let first = moved(base.start, ahead_first)..moved(base.end, ahead_first);
                append(&mut found, Change { mode: Mode::Second, base, first, second: two.after.clone() });
                ahead_second = ahead(two);
                b += 1;
            }
            (Some(one), Some(two)) => {
                let same = one.before == two.before && first[one.after.clone()] == second[two.after.clone()];
                if !same {
                    let start = one.before.start.min(two.before.start);
                    let end = one.before.end.max(two.before.end);
                    let side = |hunk: &Hunk| {
                        hunk.after.start.saturating_sub(hunk.before.start - start)
                            ..hunk.after.end + (end - hunk.before.end)
                    };
                    let change = Change { mode: Mode::Conflict, base: start..end, first: side(one), second: side(two) };
                    append(&mut found, change);
                }
                let (ends_one, ends_two) = (one.before.end, two.before.end);
                if ends_one >= ends_two {
                    ahead_second = ahead(two);
                    b += 1;
                }
                if ends_two >= ends_one {
                    ahead_first = ahead(one);
                    a += 1;
                }
            }
            _ => break,
        }
    }
    found
}

/// Adds a change; one that touches the last is part of it, and of different sides both are in conflict.
fn append(found: &mut Vec<Change>, change: Change) {
    match found.last_mut() {
        Some(last) if change.first.start <= last.first.end || change.second.start <= last.second.end => {
            if last.mode != change.mode {
                last.mode = Mode::Conflict;
            }
            // Not the larger: where one hunk spans several of the other side, only the last of them tells how it ends.
            last.base.end = change.base.end;
            last.first.end = change.first.end;
            last.second.end = change.second.end;
        }
        _ => found.push(change),
    }
}

/// Takes out of conflicts what both sides have.
fn refined(changes: Vec<Change>, first: &[u8], second: &[u8]) -> Vec<Change> {
    let mut found = Vec::with_capacity(changes.len());
    for mut change in changes {
        let (one, two) = (&first[change.first.clone()], &second[change.second.clone()]);
        if change.mode != Mode::Conflict || one.is_empty() || two.is_empty() || one == two {
            // Both sides made the same of it.
            if change.mode == Mode::Conflict && one == two && !one.is_empty() {
                change.mode = Mode::First;
            }
            found.push(change);
            continue;
        }
        let behind = |range: Range<usize>, start: usize| range.start + start..range.end + start;
        found.extend(hunks(one, two).into_iter().map(|hunk| Change {
            mode: Mode::Conflict,
            base: change.base.clone(),
            first: behind(hunk.before, change.first.start),
            second: behind(hunk.after, change.second.start),
        }));
    }
    found
}

/// Makes one of conflicts with three lines or fewer between them.
fn simpler(changes: Vec<Change>, first: &[u8]) -> Vec<Change> {
    let lines =
        |between: Range<usize>| first.get(between).map_or(0, |text| text.lines_with_terminator().take(4).count());
    let mut found: Vec<Change> = Vec::with_capacity(changes.len());
    for change in changes {
        match found.last_mut() {
            Some(last)
                if (last.mode, change.mode) == (Mode::Conflict, Mode::Conflict)
                    && lines(last.first.end..change.first.start) <= 3 =>
            {
                last.base.end = change.base.end;
                last.first.end = change.first.end;
                last.second.end = change.second.end;
            }
            _ => found.push(change),
        }
    }
    found
}

/// Puts the merged text together; where it is in conflict the lines of both sides stand between markers, as in a virtual
/// merge base of git's.
fn put_together(out: &mut Vec<u8>, parts: &[Part], signs: usize, first: &[u8], second: &[u8]) {
    for part in parts {
        match part {
            Part::First(range) => out.extend_from_slice(&first[range.clone()]),
            Part::Second(range) => out.extend_from_slice(&second[range.clone()]),
            Part::Conflict { first: one, second: two } => {
                let mut marker = |sign: &str, name: &str, lines: &[u8]| {
                    // A last line without line feed gets one.
                    if out.last().is_some_and(|byte| *byte != b'\n') {
                        out.push(b'\n');
                    }
                    out.extend_from_slice(sign.repeat(signs).as_bytes());
                    out.extend_from_slice(name.as_bytes());
                    out.extend_from_slice(lines);
                };
                marker("<", " Temporary merge branch 1\n", &first[one.clone()]);
                marker("=", "\n", &second[two.clone()]);
                marker(">", " Temporary merge branch 2\n", &[]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text() -> impl Strategy<Value = String> {
        prop::collection::vec(prop::sample::select(vec!["a\n", "b\n", "}\n", "long line that stays\n"]), 0..30)
            .prop_map(|lines| lines.concat())
    }

    /// A text and what two people made of it: lines left out, put in and doubled.
    fn edited() -> impl Strategy<Value = [String; 3]> {
        let edit = || prop::collection::vec((0_usize..60, prop::sample::select(vec!["", "a\n", "}\n", "new\n"])), 0..4);
        (text(), text(), edit(), edit(), any::<bool>()).prop_map(|(start, end, one, two, ends)| {
            let middle: String = (0..20).map(|number| format!("line {number}\n")).collect();
            let base = format!("{start}{middle}{end}{}", if ends { "" } else { "last, without line feed" });
            let edited = |edits: Vec<(usize, &str)>| {
                let mut lines: Vec<&str> = base.split_inclusive('\n').collect();
                for (place, line) in edits {
                    let place = place % (lines.len() + 1);
                    if line.is_empty() && place < lines.len() {
                        lines.remove(place);
                    } else {
                        lines.insert(place, line);
                    }
                }
                lines.concat()
            };
            [base.clone(), edited(one), edited(two)]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// What is cut off changes nothing, however little of it is kept.
        #[test]
        fn texts_are_compared_as_if_nothing_was_cut_off(all in edited(), kept in 0_usize..4) {
            let [base, one, two] = all.each_ref().map(String::as_bytes);
            for (before, after) in [(base, one), (base, two), (one, two)] {
                let whole = between(before, after, 0, 0).unwrap();
                let (head, tail) = common(before, after, kept);
                if let Some(cut) = between(before, after, head, tail) {
                    prop_assert_eq!(&cut, &whole);
                }
                prop_assert_eq!(hunks(before, after), whole);
            }
        }
    }

    /// What `git merge-file` leaves, with longer markers.
    #[test]
    fn conflicts_are_as_small_as_gits() {
        let base = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        let merged = |one: &str, two: &str| {
            let merged = texts([base, one, two].map(str::as_bytes), 9);
            assert!(!merged.is_clean);
            String::from_utf8(merged.bytes).unwrap().replace(" Temporary merge branch ", "").replace("=========", "=")
        };
        let (begin, end) = ("<<<<<<<<<1\n", ">>>>>>>>>2\n");
        assert_eq!(
            merged("a\nn\nn\nn\nn\nb\n9\n", "c\nn\nn\nn\nn\nd\n9\n"),
            format!("{begin}a\n=\nc\n{end}n\nn\nn\nn\n{begin}b\n=\nd\n{end}9\n")
        );
        assert_eq!(
            merged("a\nn\nn\nn\nb\n9\n", "c\nn\nn\nn\nd\n9\n"),
            format!("{begin}a\nn\nn\nn\nb\n=\nc\nn\nn\nn\nd\n{end}9\n")
        );
    }

    /// What both sides made alike is no conflict, and no part of one next to it.
    #[test]
    fn conflicts_do_not_grow_over_what_both_sides_have() {
        let (first, second) = (b"1\n2\n3\n", b"1\n2\n4\n");
        let place = |range: Range<usize>| {
            let [base, one, two] = [(); 3].map(|()| range.clone());
            Change { mode: Mode::Conflict, base, first: one, second: two }
        };
        let left = simpler(refined(vec![place(0..2), place(4..6)], first, second), first);
        assert_eq!(left.iter().map(|change| change.mode).collect::<Vec<_>>(), [Mode::First, Mode::Conflict]);
    }

    #[test]
    fn what_both_begin_and_end_with_is_whole_lines() {
        let (before, after) = (&b"a\nbc\nx\nyz\nend\n"[..], &b"a\nbd\nx\nqz\nend\n"[..]);
        assert_eq!(common(before, after, 0), (2, 4));
        assert_eq!(common(before, after, 1), (2, 0));
        assert_eq!(common(b"same\n", b"same\n", 0), (5, 0));
        // The end of the longer one may be what both begin with.
        assert_eq!(common(b"a\nb\n", b"a\nb\nb\n", 0), (4, 0));
    }

    #[test]
    fn lines_are_the_same_however_they_are_found() {
        let base = b"a\nb\na\nc\nlast";
        for text in ["a\nb\na\nc\nlast", "b\na\nc\nx\nlast\n", "x\na\na\nb\nlast", "", "last", "a"].map(str::as_bytes) {
            let mut interner = Interner::new(8);
            let like = Lines::of(&mut interner, base, &[]);
            let found = Lines::of(&mut interner, text, &like.tokens);
            let lines: Vec<&[u8]> = found.tokens.iter().map(|line| interner[*line]).collect();
            assert_eq!(lines, text.split_inclusive(|byte| *byte == b'\n').collect::<Vec<_>>());
            let places = (0..u32::try_from(lines.len()).unwrap()).map(|line| &text[found.bytes(0, &(line..line + 1))]);
            assert_eq!(places.collect::<Vec<_>>(), lines);
        }
    }
}
