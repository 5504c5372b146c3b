//! A window over a stream: the bytes of the token at hand, and where in the stream they are.

use std::io::{self, Read};
use std::ops::Range;

/// Read at once.
const CHUNK: usize = 64 << 10;
/// So many zeros stand behind what was read: who looks for a byte that is none need not ask where the end is.
const ZEROS: usize = 8;
/// A token, that is a text or a number, may be so long.
pub(super) const LONGEST: usize = 32 << 20;

/// Why a stream gives no more.
#[derive(Debug)]
pub(super) enum Fill {
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
    /// Up to here, a place in the buffer, line ends are counted, and bytes since the last one.
    counted: usize,
    lines: u64,
    column: u64,
}

impl<'r> Window<'r> {
    pub fn new(input: &'r mut dyn Read) -> Self {
        Self { input, buffer: vec![0; CHUNK + ZEROS], at: 0, end: 0, counted: 0, lines: 0, column: 0 }
    }

    /// Returns what was read and not yet used, and behind it at least eight zeros.
    #[inline]
    pub fn ahead(&self) -> &[u8] {
        &self.buffer[self.at..]
    }

    /// Returns the byte that is so far ahead, or 0.
    #[inline]
    pub fn peek(&self, ahead: usize) -> u8 {
        self.buffer.get(self.at + ahead).copied().unwrap_or(0)
    }

    /// Returns what was read and not yet used.
    #[inline]
    pub fn rest(&self) -> &[u8] {
        &self.buffer[self.at..self.end]
    }

    /// Returns bytes that were read, by their place in the buffer.
    #[inline]
    pub fn bytes(&self, places: &Range<usize>) -> &[u8] {
        &self.buffer[places.clone()]
    }

    /// Reads more, and returns whether there is more. What was not used up yet is kept, and may stand elsewhere.
    pub fn more(&mut self) -> Result<bool, Fill> {
        let kept = self.end - self.at;
        if kept > LONGEST {
            return Err(Fill::TooLong);
        }
        if self.end + ZEROS == self.buffer.len() || self.at >= CHUNK {
            self.count(self.at);
            self.buffer.copy_within(self.at..self.end, 0);
            (self.counted, self.at, self.end) = (0, 0, kept);
            if self.end + ZEROS == self.buffer.len() {
                self.buffer.resize(self.buffer.len() * 2, 0);
            }
        }
        loop {
            let room = self.buffer.len() - ZEROS;
            let read = self.input.read(&mut self.buffer[self.end..room]);
            self.end += read.as_ref().map_or(0, |read| *read);
            self.buffer[self.end..self.end + ZEROS].fill(0);
            match read {
                Ok(read) => return Ok(read > 0),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Fill::Failed(error)),
            }
        }
    }

    /// Counts line ends before a place in the buffer; places come in their order, so each byte is looked at once.
    fn count(&mut self, place: usize) {
        let bytes = &self.buffer[self.counted.min(place)..place];
        // Sums of so few fit into a byte, and so are taken many at a time.
        let ends = |bytes: &[u8]| bytes.iter().map(|byte| u8::from(*byte == b'\n')).sum::<u8>();
        let ends: u64 = bytes.chunks(255).map(|bytes| u64::from(ends(bytes))).sum();
        self.column = match ends {
            0 => self.column + bytes.len() as u64,
            _ => bytes.iter().rev().take_while(|byte| **byte != b'\n').count() as u64,
        };
        self.lines += ends;
        self.counted = place;
    }

    /// Returns the line and the column of a place in the buffer, both from 1, the column in bytes.
    pub fn place(&mut self, place: usize) -> (u64, u64) {
        self.count(place);
        (self.lines + 1, self.column + 1)
    }

    /// Returns the line and the column of the last byte that was read: where a stream ends too early.
    pub fn last(&mut self) -> (u64, u64) {
        self.count(self.end);
        (self.lines + 1, self.column.max(1))
    }
}
