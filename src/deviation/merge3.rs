//! Three texts merged as git merges them: git's own steps (`xdl_do_merge` at level "zealous", histogram diff), so that a clean
//! result has the same bytes.
//!
//! ```text
//! base → ours, base → theirs    hunks, each in base's lines
//! hunks that do not touch       taken
//! hunks that touch or overlap   the same change on both sides: taken once; else a conflict
//! a conflict of equal texts     no conflict
//! ```

use gix_imara_diff::{Algorithm, Diff, Interner, SliderHeuristic, Token};

/// A place of the merged text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Lines of the first side: unchanged, or changed there only or on both sides alike.
    First(std::ops::Range<usize>),
    /// Lines of the second side, changed there only.
    Second(std::ops::Range<usize>),
    /// Both sides changed the same place: the lines of each.
    Conflict {
        /// The base's.
        base: std::ops::Range<usize>,
        /// The first side's.
        first: std::ops::Range<usize>,
        /// The second side's.
        second: std::ops::Range<usize>,
    },
}

/// A text as a sequence of lines, each with its line feed.
pub type Lines = Vec<Token>;

/// Three texts and what merging them gives.
#[derive(Debug)]
pub struct Merged {
    /// In order.
    pub parts: Vec<Part>,
}

impl Merged {
    /// Returns whether there is no conflict.
    pub fn is_clean(&self) -> bool {
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

/// Cuts a text into lines.
pub fn lines<'t>(interner: &mut Interner<&'t [u8]>, text: &'t [u8]) -> Lines {
    text.split_inclusive(|byte| *byte == b'\n').map(|line| interner.intern(line)).collect()
}

/// Merges what changed between `base` and each side. `tokens` is the number of different lines.
pub fn merge(base: &[Token], first: &[Token], second: &[Token], tokens: u32) -> Merged {
    let (ones, twos) = (hunks(base, first, tokens), hunks(base, second, tokens));
    let changes = changes(&ones, &twos, first, second);
    let mut parts = Vec::new();
    let mut place = 0;
    for change in changes {
        // Both sides alike: the lines stand in the first side already.
        let same = change.mode == Mode::Conflict && first[change.first.clone()] == second[change.second.clone()];
        if same || change.mode == Mode::First {
            continue;
        }
        if place < change.first.start {
            parts.push(Part::First(place..change.first.start));
        }
        place = change.first.end;
        parts.push(match change.mode {
            Mode::Second => Part::Second(change.second),
            _ => Part::Conflict { base: change.base, first: change.first, second: change.second },
        });
    }
    if place < first.len() {
        parts.push(Part::First(place..first.len()));
    }
    Merged { parts }
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

/// Puts the merged text together; where it is in conflict the lines of both sides stand between markers, as in a virtual
/// merge base of git's.
pub fn text(merged: &Merged, interner: &Interner<&[u8]>, first: &[Token], second: &[Token]) -> Vec<u8> {
    let mut out = Vec::new();
    for part in &merged.parts {
        match part {
            Part::First(range) => first[range.clone()].iter().for_each(|line| out.extend_from_slice(interner[*line])),
            Part::Second(range) => second[range.clone()].iter().for_each(|line| out.extend_from_slice(interner[*line])),
            Part::Conflict { first: one, second: two, .. } => {
                out.extend_from_slice(b"<<<<<<< Temporary merge branch 1\n");
                first[one.clone()].iter().for_each(|line| out.extend_from_slice(interner[*line]));
                out.extend_from_slice(b"=======\n");
                second[two.clone()].iter().for_each(|line| out.extend_from_slice(interner[*line]));
                out.extend_from_slice(b">>>>>>> Temporary merge branch 2\n");
            }
        }
    }
    out
}
