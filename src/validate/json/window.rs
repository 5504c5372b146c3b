//! A window over a stream: the bytes of the token at hand, and where in the stream they are.

use std::io::{self, Read};
use std::ops::Range;

/// Read at once.
const CHUNK: usize = 64 << 10;
/// A token, that is a text or a number, may be so long.
pub(super) const LONGEST: usize = 32 << 20;

/// Why a stream gives no more.
#[derive(Debug)]
pub(super) enum Fill {
    /// It ended.
    End,
    /// One token is longer than [`LONGEST`].
    TooLong,
    /// It can't be read.
    Failed(io::Error),
}

/// The bytes from `at` on that were read and not yet used, and a count of those before.
pub(super) struct Window<'r> {
    input: &'r mut dyn Read,
    buffer: Vec<u8>,
    /// The next byte.
    pub at: usize,
    /// Behind the last byte that was read.
    end: usize,
    /// Of what is no longer in the buffer: line ends, and bytes since the last one.
    lines: u64,
    column: u64,
}

impl<'r> Window<'r> {
    pub fn new(input: &'r mut dyn Read) -> Self {
        Self { input, buffer: vec![0; CHUNK], at: 0, end: 0, lines: 0, column: 0 }
    }

    /// Returns what was read and not yet used.
    pub fn rest(&self) -> &[u8] {
        &self.buffer[self.at..self.end]
    }

    /// Returns bytes that were read, by their place in the buffer.
    pub fn bytes(&self, places: &Range<usize>) -> &[u8] {
        &self.buffer[places.clone()]
    }

    /// Returns the bytes from a place in the buffer on.
    pub fn from(&self, place: usize) -> &[u8] {
        &self.buffer[place..self.end]
    }

    /// Reads more, keeps what stands from `keep` on, and returns by how much that moved forward in the buffer.
    pub fn more(&mut self, keep: usize) -> Result<usize, Fill> {
        let kept = self.end - keep;
        if kept > LONGEST {
            return Err(Fill::TooLong);
        }
        if self.end == self.buffer.len() || keep >= CHUNK {
            self.forget(keep);
            self.buffer.copy_within(keep..self.end, 0);
            self.at -= keep;
            self.end = kept;
            if self.end == self.buffer.len() {
                self.buffer.resize(self.buffer.len() * 2, 0);
            }
            return self.read().map(|()| keep);
        }
        self.read().map(|()| 0)
    }

    fn read(&mut self) -> Result<(), Fill> {
        loop {
            match self.input.read(&mut self.buffer[self.end..]) {
                Ok(0) => return Err(Fill::End),
                Ok(read) => {
                    self.end += read;
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Fill::Failed(error)),
            }
        }
    }

    /// Counts the bytes before `place` as gone.
    fn forget(&mut self, place: usize) {
        let (lines, column) = self.before(place);
        self.lines = lines;
        self.column = column;
    }

    /// Returns the line ends before a place in the buffer, and the bytes since the last one.
    fn before(&self, place: usize) -> (u64, u64) {
        let gone = &self.buffer[..place];
        let ends: u64 = gone.iter().map(|byte| u64::from(*byte == b'\n')).sum();
        let column = match gone.iter().rposition(|byte| *byte == b'\n') {
            Some(newline) => (place - newline - 1) as u64,
            None => self.column + place as u64,
        };
        (self.lines + ends, column)
    }

    /// Returns the line and the column of a place in the buffer, both from 1, the column in bytes.
    pub fn place(&self, place: usize) -> (u64, u64) {
        let (lines, column) = self.before(place);
        (lines + 1, column + 1)
    }

    /// Returns the line and the column of the last byte that was read: where a stream ends too early.
    pub fn last(&self) -> (u64, u64) {
        let (lines, column) = self.before(self.end);
        (lines + 1, column.max(1))
    }
}
