//! The tokens of JSON: texts, numbers, words, and the blanks between them.

use std::io::{self, Read};
use std::ops::Range;

use super::text;
use super::window::{Fill, LONGEST, Window};

/// Why reading ended before its time.
#[derive(Debug)]
pub(in crate::validate) enum Stop {
    /// The file is bad, here.
    Bad { line: u64, column: u64, what: String },
    /// A limit was hit.
    Unknown(String),
    /// It can't be read.
    Io(io::Error),
}

/// Takes tokens from a stream.
pub(super) struct Tokens<'r> {
    window: Window<'r>,
    /// A line end ends a document, and is no blank.
    is_lines: bool,
    /// Where the token that was taken last stands in the window.
    last: Range<usize>,
    /// The same with its escapes resolved, if it has any.
    resolved: Option<String>,
    scratch: String,
    /// Numbers that no double holds: how many, and the line and column of the first.
    pub huge: (u64, (u64, u64)),
}

impl<'r> Tokens<'r> {
    pub fn new(input: &'r mut dyn Read, is_lines: bool) -> Self {
        let window = Window::new(input);
        Self { window, is_lines, last: 0..0, resolved: None, scratch: String::new(), huge: (0, (0, 0)) }
    }

    /// Returns the text (without quotes) or number that was taken last.
    pub fn taken(&self) -> &str {
        match &self.resolved {
            Some(resolved) => resolved,
            // It was checked when it was taken.
            None => str::from_utf8(self.window.bytes(&self.last)).unwrap_or_default(),
        }
    }

    /// Passes one byte.
    pub fn step(&mut self) {
        self.window.at += 1;
    }

    /// Passes a byte order mark, and returns whether there is one.
    pub fn mark(&mut self) -> Result<bool, Stop> {
        while self.window.rest().len() < 3 && self.more(self.window.at)?.is_some() {}
        let has_mark = self.window.rest().starts_with("\u{feff}".as_bytes());
        self.window.at += if has_mark { 3 } else { 0 };
        Ok(has_mark)
    }

    /// Passes blanks, and returns the byte behind them, which is not used up; `None` at the end.
    pub fn space(&mut self) -> Result<Option<u8>, Stop> {
        loop {
            let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r') || (*byte == b'\n' && !self.is_lines);
            let rest = self.window.rest();
            let length = rest.iter().take_while(|byte| is_blank(byte)).count();
            let next = rest.get(length).copied();
            self.window.at += length;
            if next.is_some() || self.more(self.window.at)?.is_none() {
                return Ok(next);
            }
        }
    }

    /// Takes a text; its quote is the next byte.
    pub fn text(&mut self) -> Result<(), Stop> {
        let escaped = self.quoted()?;
        let bytes = self.window.bytes(&self.last);
        let (scratch, resolved) = (&mut self.scratch, &mut self.resolved);
        if let Some(used) = resolved.take() {
            *scratch = used;
        }
        let fault = match str::from_utf8(bytes) {
            Err(error) => Some((error.valid_up_to(), "bytes that are not UTF-8")),
            Ok(text) if escaped => text::unescape(text, scratch).err(),
            Ok(_) => None,
        };
        match fault {
            None if escaped => *resolved = Some(std::mem::take(scratch)),
            None => {}
            Some((offset, what)) => {
                self.window.at = self.last.start + offset;
                return Err(self.bad(what));
            }
        }
        Ok(())
    }

    /// Finds the end of what stands in quotes, and returns whether it has escapes.
    fn quoted(&mut self) -> Result<bool, Stop> {
        let mut from = self.window.at + 1;
        let mut at = from;
        let mut escaped = false;
        loop {
            let rest = self.window.from(at);
            let length = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f)).unwrap_or(rest.len());
            at += length;
            match &rest[length..] {
                [b'"', ..] => {
                    self.last = from..at;
                    self.window.at = at + 1;
                    return Ok(escaped);
                }
                [b'\\', _, ..] => {
                    escaped = true;
                    at += 2;
                    continue;
                }
                [] | [b'\\'] => {}
                [byte, ..] => {
                    let is_end = self.is_lines && *byte == b'\n';
                    self.window.at = at;
                    let what = if is_end { "the line ends amid a text" } else { "a control character in a text" };
                    return Err(self.bad(what));
                }
            }
            // It goes on behind what was read.
            match self.more(from - 1)? {
                Some(moved) => {
                    from -= moved;
                    at -= moved;
                }
                None => return Err(self.ends("the file ends amid a text")),
            }
        }
    }

    /// Takes a number; its first byte is the next.
    pub fn number(&mut self) -> Result<(), Stop> {
        let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
        let mut length = 0;
        let mut ended = false;
        loop {
            let rest = &self.window.rest()[length..];
            let parts = rest.iter().take_while(|byte| is_part(byte)).count();
            let goes_on = parts == rest.len() && !ended;
            length += parts;
            if !goes_on {
                break;
            }
            // The number may move in the window even where nothing more comes.
            ended = self.more(self.window.at)?.is_none();
        }
        self.last = self.window.at..self.window.at + length;
        self.resolved = None;
        let bytes = self.window.bytes(&self.last);
        if let Err((offset, what)) = text::number(bytes) {
            if ended && offset == bytes.len() {
                return Err(self.ends("the file ends amid a number"));
            }
            self.window.at += offset;
            return Err(self.bad(what));
        }
        if text::is_huge(self.taken()) {
            if self.huge.0 == 0 {
                self.huge.1 = self.window.place(self.window.at);
            }
            self.huge.0 += 1;
        }
        self.window.at += length;
        Ok(())
    }

    /// Takes `true`, `false` or `null`.
    pub fn word(&mut self, word: &str) -> Result<(), Stop> {
        while self.window.rest().len() < word.len() {
            if self.more(self.window.at)?.is_none() {
                let cut = word.as_bytes().starts_with(self.window.rest());
                return Err(if cut { self.ends("the file ends amid a word") } else { self.missing("a value") });
            }
        }
        if !self.window.rest().starts_with(word.as_bytes()) {
            return Err(self.missing("a value"));
        }
        self.window.at += word.len();
        Ok(())
    }

    /// Reads more and keeps what stands from `keep` on. Returns by how much that moved; `None` at the end.
    fn more(&mut self, keep: usize) -> Result<Option<usize>, Stop> {
        match self.window.more(keep) {
            Ok(moved) => Ok(Some(moved)),
            Err(Fill::End) => Ok(None),
            Err(Fill::TooLong) => Err(Stop::Unknown(format!("a text longer than {} MiB", LONGEST >> 20))),
            Err(Fill::Failed(error)) => Err(Stop::Io(error)),
        }
    }

    /// Returns the line of the next byte, from 1.
    pub fn line(&self) -> u64 {
        self.window.place(self.window.at).0
    }

    /// Returns the fault that the next byte is.
    pub fn bad(&self, what: &str) -> Stop {
        let (line, column) = self.window.place(self.window.at);
        Stop::Bad { line, column, what: what.to_owned() }
    }

    /// Returns the fault that something else stands where this should.
    pub fn missing(&self, what: &str) -> Stop {
        match text::odd(self.window.rest()) {
            Some(odd) => self.bad(odd),
            None => self.bad(&format!("{what} is missing")),
        }
    }

    /// Returns the fault that the stream ends here.
    pub fn ends(&self, what: &str) -> Stop {
        let (line, column) = self.window.last();
        Stop::Bad { line, column, what: what.to_owned() }
    }
}
