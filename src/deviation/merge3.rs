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
//! Most of a text is the same in all three: what they begin and end with is cut off before lines are told apart.

use bstr::ByteSlice;
use gix_imara_diff::{Algorithm, Diff, Interner, SliderHeuristic, Token};

/// A place of the merged text.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// Lines of the first side: unchanged, or changed there only or on both sides alike.
    First(std::ops::Range<usize>),
    /// Lines of the second side, changed there only.
    Second(std::ops::Range<usize>),
    /// Both sides changed the same place: the lines of each.
    Conflict {
        /// The first side's.
        first: std::ops::Range<usize>,
        /// The second side's.
        second: std::ops::Range<usize>,
    },
}

/// A text as a sequence of lines, each with its line feed.
type Lines = Vec<Token>;

/// Three texts and what merging them gives.
#[derive(Debug)]
struct Merged {
    /// In order.
    parts: Vec<Part>,
    /// A change stands at the end of a text: it might slide further if more of the text followed.
    reaches_end: bool,
}

/// What merging three texts comes to.
#[derive(Debug, PartialEq, Eq)]
pub struct Text {
    /// Whether there is no conflict.
    pub is_clean: bool,
    /// The merged text; with markers where it is in conflict.
    pub bytes: Vec<u8>,
}

/// So many lines of what all three texts end with stay, because changes before them slide down.
const KEPT: usize = 12;

/// Merges three texts: base, first side, second side. Markers have so many signs.
pub fn texts(all: [&[u8]; 3], signs: usize) -> Text {
    let (head, tail) = common(all, KEPT);
    // A change that reaches the cut could slide beyond it: then nothing is cut off.
    between(all, signs, head, tail)
        .or_else(|| between(all, signs, 0, 0))
        .unwrap_or(Text { is_clean: false, bytes: Vec::new() })
}

/// Merges what stands between the first `head` bytes and the last `tail` ones, which are the same in all three. `None`: the cut
/// before the tail made a difference, or may have.
fn between(all: [&[u8]; 3], signs: usize, head: usize, tail: usize) -> Option<Text> {
    let cores = all.map(|text| &text[head..text.len() - tail]);
    let mut interner = Interner::new(cores[0].len() / 32 + 16);
    let base = lines(&mut interner, cores[0], &[]);
    let [first, second] = [cores[1], cores[2]].map(|core| lines(&mut interner, core, &base));
    let merged = merge(&base, &first, &second, interner.num_tokens());
    if merged.reaches_end && tail > 0 {
        return None;
    }
    // Room for the longest: a text that grows piece by piece is copied again and again.
    let mut bytes = Vec::with_capacity(all.map(<[u8]>::len).into_iter().max().unwrap_or(0));
    bytes.extend_from_slice(&all[0][..head]);
    bytes.extend(text(&merged, signs, &interner, &first, &second));
    bytes.extend_from_slice(&all[0][all[0].len() - tail..]);
    Some(Text { is_clean: merged.is_clean(), bytes })
}

/// Returns how many bytes of whole lines all three texts begin with, and how many of the rest they end with; `kept` of the
/// latter's lines are left out.
fn common(all: [&[u8]; 3], kept: usize) -> (usize, usize) {
    let [base, first, second] = all;
    let shortest = base.len().min(first.len()).min(second.len());
    let head = equal(&base[..shortest], &first[..shortest]);
    let head = equal(&base[..head], &second[..head]);
    let head = base[..head].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let rest = shortest - head;
    let ends = all.map(|text| &text[text.len() - rest..]);
    let tail = equal_ends(ends[0], ends[1]);
    let tail = equal_ends(&ends[0][rest - tail..], &ends[2][rest - tail..]);
    // The first of these line feeds may end a line that is not the same in all.
    let mut feeds = base[base.len() - tail..].iter().enumerate().filter(|(_, byte)| **byte == b'\n');
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

impl Merged {
    /// Returns whether there is no conflict.
    fn is_clean(&self) -> bool {
        !self.parts.iter().any(|part| matches!(part, Part::Conflict { .. }))
    }
}

/// A change: lines `before` of the base became lines `after` of a side.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Hunk {
    before: std::ops::Range<usize>,
    after: std::ops::Range<usize>,
}

/// A place where the result is not simply the first side's.
#[derive(Debug, Clone)]
struct Change {
    mode: Mode,
    base: std::ops::Range<usize>,
    first: std::ops::Range<usize>,
    second: std::ops::Range<usize>,
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
    fn best_slider_end(&mut self, _tokens: &[Token], hunk: std::ops::Range<u32>, _earliest_end: u32) -> u32 {
        hunk.end
    }
}

fn hunks(before: &[Token], after: &[Token], tokens: u32) -> Vec<Hunk> {
    let mut diff = Diff::default();
    diff.compute_with(Algorithm::Histogram, before, after, tokens);
    diff.postprocess_with(before, after, Down);
    let range = |range: std::ops::Range<u32>| range.start as usize..range.end as usize;
    diff.hunks().map(|hunk| Hunk { before: range(hunk.before), after: range(hunk.after) }).collect()
}

/// Cuts a text into lines. Most of them follow each other as in another text, whose lines are known: those are compared there
/// instead of being looked up.
fn lines<'t>(interner: &mut Interner<&'t [u8]>, text: &'t [u8], other: &[Token]) -> Lines {
    // Where a line stands in the other text for the first time. Lines were numbered in that order.
    let mut places: Vec<usize> = Vec::new();
    for (place, line) in other.iter().enumerate() {
        if line.0 as usize == places.len() {
            places.push(place);
        }
    }
    let mut found = Vec::with_capacity(other.len().max(text.len() / 40) + 8);
    let (mut start, mut beside) = (0, 0);
    while start < text.len() {
        if let Some(line) = other.get(beside) {
            let known = interner[*line];
            let end = start + known.len();
            if text[start..].starts_with(known) && (known.ends_with(b"\n") || end == text.len()) {
                found.push(*line);
                (start, beside) = (end, beside + 1);
                continue;
            }
        }
        let end = text[start..].find_byte(b'\n').map_or(text.len(), |feed| start + feed + 1);
        let line = interner.intern(&text[start..end]);
        beside = places.get(line.0 as usize).map_or(beside, |place| beside.max(place + 1));
        found.push(line);
        start = end;
    }
    found
}

/// Merges what changed between `base` and each side. `tokens` is the number of different lines.
fn merge(base: &[Token], first: &[Token], second: &[Token], tokens: u32) -> Merged {
    let (ones, twos) = (hunks(base, first, tokens), hunks(base, second, tokens));
    let ends = |hunks: &[Hunk], side: &[Token]| {
        hunks.iter().any(|hunk| hunk.before.end == base.len() || hunk.after.end == side.len())
    };
    let reaches_end = ends(&ones, first) || ends(&twos, second);
    let changes = simpler(refined(changes(&ones, &twos, first, second), first, second, tokens));
    let mut parts = Vec::new();
    let mut place = 0;
    for change in changes {
        // The lines stand in the first side already.
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
    Merged { parts, reaches_end }
}

/// Sets the two lists of hunks against each other.
fn changes(ones: &[Hunk], twos: &[Hunk], first: &[Token], second: &[Token]) -> Vec<Change> {
    let mut found: Vec<Change> = Vec::new();
    let (mut a, mut b) = (0, 0);
    // How far line numbers of a side are ahead of the base's behind the hunks so far.
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
fn refined(changes: Vec<Change>, first: &[Token], second: &[Token], tokens: u32) -> Vec<Change> {
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
        let behind = |range: std::ops::Range<usize>, start: usize| range.start + start..range.end + start;
        found.extend(hunks(one, two, tokens).into_iter().map(|hunk| Change {
            mode: Mode::Conflict,
            base: change.base.clone(),
            first: behind(hunk.before, change.first.start),
            second: behind(hunk.after, change.second.start),
        }));
    }
    found
}

/// Makes one of conflicts with three lines or fewer between them.
fn simpler(changes: Vec<Change>) -> Vec<Change> {
    let mut found: Vec<Change> = Vec::with_capacity(changes.len());
    for change in changes {
        match found.last_mut() {
            Some(last)
                if (last.mode, change.mode) == (Mode::Conflict, Mode::Conflict)
                    && change.first.start.saturating_sub(last.first.end) <= 3 =>
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
fn text(merged: &Merged, signs: usize, interner: &Interner<&[u8]>, first: &[Token], second: &[Token]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::new();
    let put = |out: &mut Vec<u8>, lines: &[Token]| lines.iter().for_each(|line| out.extend_from_slice(interner[*line]));
    for part in &merged.parts {
        match part {
            Part::First(range) => put(&mut out, &first[range.clone()]),
            Part::Second(range) => put(&mut out, &second[range.clone()]),
            Part::Conflict { first: one, second: two } => {
                let mut marker = |sign: &str, name: &str, lines: &[Token]| {
                    // A last line without line feed gets one.
                    if out.last().is_some_and(|byte| *byte != b'\n') {
                        out.push(b'\n');
                    }
                    out.extend_from_slice(sign.repeat(signs).as_bytes());
                    out.extend_from_slice(name.as_bytes());
                    put(&mut out, lines);
                };
                marker("<", " Temporary merge branch 1\n", &first[one.clone()]);
                marker("=", "\n", &second[two.clone()]);
                marker(">", " Temporary merge branch 2\n", &[]);
            }
        }
    }
    out
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
        /// What is cut off changes nothing, however little of it is kept.
        #[test]
        fn texts_are_merged_as_if_nothing_was_cut_off(all in edited(), kept in 0_usize..4) {
            let all = all.each_ref().map(String::as_bytes);
            let whole = between(all, 9, 0, 0).unwrap();
            let (head, tail) = common(all, kept);
            if let Some(cut) = between(all, 9, head, tail) {
                prop_assert_eq!(&cut, &whole);
            }
            prop_assert_eq!(texts(all, 9), whole);
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
        let first: Vec<Token> = [1, 2, 3].map(Token).to_vec();
        let second: Vec<Token> = [1, 2, 4].map(Token).to_vec();
        let place = |range: std::ops::Range<usize>| {
            let [base, one, two] = [(); 3].map(|()| range.clone());
            Change { mode: Mode::Conflict, base, first: one, second: two }
        };
        let left = simpler(refined(vec![place(0..1), place(2..3)], &first, &second, 5));
        assert_eq!(left.iter().map(|change| change.mode).collect::<Vec<_>>(), [Mode::First, Mode::Conflict]);
    }

    #[test]
    fn lines_are_the_same_however_they_are_found() {
        let base = b"a\nb\na\nc\nlast";
        for text in ["a\nb\na\nc\nlast", "b\na\nc\nx\nlast\n", "x\na\na\nb\nlast", "", "last", "a"].map(str::as_bytes) {
            let mut interner = Interner::new(8);
            let like = lines(&mut interner, base, &[]);
            let found = lines(&mut interner, text, &like);
            let found: Vec<&[u8]> = found.iter().map(|line| interner[*line]).collect();
            assert_eq!(found, text.split_inclusive(|byte| *byte == b'\n').collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_all_begin_and_end_with_is_whole_lines() {
        let all = ["a\nbc\nx\nyz\nend\n", "a\nbd\nx\nyz\nend\n", "a\nb\nx\nqz\nend\n"].map(str::as_bytes);
        assert_eq!(common(all, 0), (2, 4));
        assert_eq!(common(all, 1), (2, 0));
        assert_eq!(common([b"same\n"; 3], 0), (5, 0));
    }
}
