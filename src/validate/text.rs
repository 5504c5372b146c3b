//! Text without structure, and the traps that any data file can fall into.

use std::io::{self, BufRead};

use super::examined::{Examined, Place};

/// What stands in a file instead of its data, by its first bytes.
pub(super) fn impostor(start: &[u8]) -> Option<&'static str> {
    let trimmed = start.trim_ascii_start();
    let is = |tag: &[u8]| trimmed.get(..tag.len()).is_some_and(|found| found.eq_ignore_ascii_case(tag));
    if start.starts_with(b"version https://git-lfs.github.com/spec/") {
        Some("a Git LFS pointer stands here instead of the data: 'git lfs pull' brings the data")
    } else if is(b"<!doctype html") || is(b"<html") {
        Some("an HTML page stands here instead of the data")
    } else {
        None
    }
}

/// Reads a text to its end: conflict markers and NUL bytes are faults, bytes that are not UTF-8 a note.
pub(super) fn examine(input: &mut dyn BufRead, examined: &mut Examined) -> io::Result<()> {
    let mut lines = Lines::default();
    let mut markers = Markers::default();
    let mut invalid = None;
    while lines.next(input)? {
        let (line, number) = (lines.line.as_slice(), lines.number);
        if line.contains(&0) {
            let column = line.iter().position(|byte| *byte == 0).unwrap_or(0) as u64 + 1;
            examined.faults.add(Place::Line { line: number, column }, "a NUL byte");
        }
        if let Some(first) = markers.see(line, number) {
            examined.faults.add(Place::Line { line: first, column: 1 }, "a conflict marker");
        }
        if invalid.is_none()
            && !lines.is_cut
            && let Err(error) = str::from_utf8(line)
        {
            invalid = Some(Place::Line { line: number, column: error.valid_up_to() as u64 + 1 });
        }
    }
    if let Some(place) = invalid {
        examined.notes.add(place, "bytes that are not UTF-8");
    }
    Ok(())
}

/// Finds conflicts that were left: a triple of markers, each at the beginning of a line.
#[derive(Default)]
pub(super) struct Markers {
    /// Where the conflict began, and whether its middle was seen.
    open: Option<(u64, bool)>,
}

impl Markers {
    /// Takes a line, and returns the line at which the conflict began that ends here.
    pub fn see(&mut self, line: &[u8], number: u64) -> Option<u64> {
        let is = |byte: u8| line.starts_with(&[byte; 7]) && matches!(line.get(7), None | Some(b' ' | b'\r' | b'\n'));
        if is(b'<') {
            self.open = Some((number, false));
        } else if is(b'=') {
            self.open = self.open.map(|(first, _)| (first, true));
        } else if is(b'>')
            && let Some((first, true)) = self.open
        {
            self.open = None;
            return Some(first);
        }
        None
    }
}

/// Lines of a stream; of very long ones the beginning.
#[derive(Default)]
struct Lines {
    line: Vec<u8>,
    /// The number of the line that was given last, from 1.
    number: u64,
    /// The rest of that line was passed over, or belongs to one of which this was said.
    is_cut: bool,
}

/// So much of a line is looked at, at once.
const LONGEST: usize = 1 << 20;

impl Lines {
    /// Takes the next line, or the next piece of a very long one (which keeps its number); `false` at the end.
    fn next(&mut self, input: &mut dyn BufRead) -> io::Result<bool> {
        let goes_on = self.is_cut && !self.line.ends_with(b"\n");
        self.line.clear();
        self.is_cut = goes_on;
        loop {
            let read = match input.fill_buf() {
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let length = read.iter().position(|byte| *byte == b'\n').map_or(read.len(), |end| end + 1);
            let taken = length.min(LONGEST - self.line.len());
            self.line.extend_from_slice(&read[..taken]);
            input.consume(taken);
            if taken == 0 || self.line.ends_with(b"\n") || self.line.len() == LONGEST {
                break;
            }
        }
        self.is_cut |= self.line.len() == LONGEST;
        self.number += u64::from(!goes_on);
        Ok(!self.line.is_empty())
    }
}
