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

/// Takes tokens from a stream. A token that stands whole in the window and is as it should be is taken in one go. All else
/// goes a slower way, the one whose name begins with `odd`: escapes, faults, and what is cut by the window's end.
pub(super) struct Tokens<'r> {
    window: Window<'r>,
    /// A line end ends a document, and is no blank.
    is_lines: bool,
    /// Where the token that was taken last stands in the window.
    last: Range<usize>,
    /// It stands here instead, with its escapes resolved.
    is_resolved: bool,
    resolved: Vec<u8>,
    /// Numbers that no double holds: how many, and the line and column of the first.
    pub huge: (u64, (u64, u64)),
}

impl<'r> Tokens<'r> {
    pub fn new(input: &'r mut dyn Read, is_lines: bool) -> Self {
        let window = Window::new(input);
        Self { window, is_lines, last: 0..0, is_resolved: false, resolved: Vec::new(), huge: (0, (0, 0)) }
    }

    /// Returns the text (without quotes, in UTF-8) or number that was taken last.
    #[inline]
    pub fn taken(&self) -> &[u8] {
        if self.is_resolved { &self.resolved } else { self.window.bytes(&self.last) }
    }

    /// Passes one byte.
    pub fn step(&mut self) {
        self.window.at += 1;
    }

    /// Passes a byte order mark, and returns whether there is one.
    pub fn mark(&mut self) -> Result<bool, Stop> {
        while self.window.rest().len() < 3 && self.more()? {}
        let has_mark = self.window.rest().starts_with("\u{feff}".as_bytes());
        self.window.at += if has_mark { 3 } else { 0 };
        Ok(has_mark)
    }

    /// Passes blanks, and returns the byte behind them, which is not used up; `None` at the end.
    #[inline]
    pub fn space(&mut self) -> Result<Option<u8>, Stop> {
        // Most often there is none, or one.
        if self.window.peek(0) == b' ' {
            self.window.at += 1;
        }
        let next = self.window.peek(0);
        if next > b' ' { Ok(Some(next)) } else { self.spaces() }
    }

    fn spaces(&mut self) -> Result<Option<u8>, Stop> {
        loop {
            let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r') || (*byte == b'\n' && !self.is_lines);
            let rest = self.window.rest();
            let length = rest.iter().take_while(|byte| is_blank(byte)).count();
            let next = rest.get(length).copied();
            self.window.at += length;
            if next.is_some() || !self.more()? {
                return Ok(next);
            }
        }
    }

    /// Takes a text if it is this one, as it is written. The next byte is a quote.
    #[inline]
    pub fn is_text(&mut self, expected: &[u8]) -> bool {
        let text = &self.window.ahead()[1..];
        let is_expected = text.starts_with(expected) && text.get(expected.len()) == Some(&b'"');
        if is_expected {
            self.window.at += expected.len() + 2;
        }
        is_expected
    }

    /// Takes a text, and returns whether it is known to have no escapes; its quote is the next byte.
    #[inline]
    pub fn text(&mut self) -> Result<bool, Stop> {
        let text = &self.window.ahead()[1..];
        let (length, is_ascii) = text::plain(text);
        if text.get(length) == Some(&b'"') && (is_ascii || str::from_utf8(&text[..length]).is_ok()) {
            self.is_resolved = false;
            self.pass_text(length);
            return Ok(true);
        }
        self.odd_text().map(|()| false)
    }

    #[inline]
    fn pass_text(&mut self, length: usize) {
        let from = self.window.at + 1;
        self.last = from..from + length;
        self.window.at = self.last.end + 1;
    }

    fn odd_text(&mut self) -> Result<(), Stop> {
        let text = &self.window.ahead()[1..];
        self.is_resolved = true;
        if let Ok(length) = text::unescape(text, &mut self.resolved)
            && str::from_utf8(&text[..length]).is_ok()
        {
            self.pass_text(length);
            return Ok(());
        }
        let length = self.quoted()?;
        let text = &self.window.ahead()[1..];
        let fault = match str::from_utf8(&text[..length]) {
            Err(error) => Err((error.valid_up_to(), "bytes that are not UTF-8")),
            Ok(_) => text::unescape(text, &mut self.resolved),
        };
        if let Err((offset, what)) = fault {
            self.window.at += 1 + offset;
            return Err(self.bad(what));
        }
        self.pass_text(length);
        Ok(())
    }

    /// Returns how long the text is that begins with the next byte, a quote, however much has to be read for it.
    fn quoted(&mut self) -> Result<usize, Stop> {
        let mut length = 0;
        loop {
            let rest = &self.window.rest()[1 + length..];
            let (plain, _) = text::plain(rest);
            length += plain;
            match &rest[plain..] {
                [b'"', ..] => return Ok(length),
                [b'\\', _, ..] => {
                    length += 2;
                    continue;
                }
                [] | [b'\\'] => {}
                [byte, ..] => {
                    let is_end = self.is_lines && *byte == b'\n';
                    self.window.at += 1 + length;
                    let what = if is_end { "the line ends amid a text" } else { "a control character in a text" };
                    return Err(self.bad(what));
                }
            }
            if !self.more()? {
                return Err(self.ends("the file ends amid a text"));
            }
        }
    }

    /// Takes a number; its first byte is the next.
    #[inline]
    pub fn number(&mut self) -> Result<(), Stop> {
        match text::number(self.window.ahead()) {
            Ok((length, false)) if length < self.window.rest().len() => {
                self.pass_number(length);
                Ok(())
            }
            _ => self.odd_number(),
        }
    }

    fn odd_number(&mut self) -> Result<(), Stop> {
        let mut length = 0;
        loop {
            let rest = &self.window.rest()[length..];
            let digits = rest.iter().take_while(|byte| text::is_number(**byte)).count();
            length += digits;
            if digits < rest.len() || !self.more()? {
                break;
            }
        }
        let rest = self.window.rest();
        match text::number(&rest[..length]) {
            Err((offset, _)) if offset == rest.len() => return Err(self.ends("the file ends amid a number")),
            Err((offset, what)) => {
                self.window.at += offset;
                return Err(self.bad(what));
            }
            Ok((_, may_be_huge)) if may_be_huge && text::is_huge(&rest[..length]) => {
                if self.huge.0 == 0 {
                    self.huge.1 = self.window.place(self.window.at);
                }
                self.huge.0 += 1;
            }
            Ok(_) => {}
        }
        self.pass_number(length);
        Ok(())
    }

    #[inline]
    fn pass_number(&mut self, length: usize) {
        self.is_resolved = false;
        self.last = self.window.at..self.window.at + length;
        self.window.at = self.last.end;
    }

    /// Takes `true`, `false` or `null`.
    #[inline]
    pub fn word(&mut self, word: &str) -> Result<(), Stop> {
        if !self.window.ahead().starts_with(word.as_bytes()) {
            self.odd_word(word)?;
        }
        self.window.at += word.len();
        Ok(())
    }

    #[cold]
    fn odd_word(&mut self, word: &str) -> Result<(), Stop> {
        while self.window.rest().len() < word.len() {
            if !self.more()? {
                let cut = word.as_bytes().starts_with(self.window.rest());
                return Err(if cut { self.ends("the file ends amid a word") } else { self.missing("a value") });
            }
        }
        if self.window.rest().starts_with(word.as_bytes()) { Ok(()) } else { Err(self.missing("a value")) }
    }

    /// Reads more, and returns whether there is more. What was not used up yet is kept, and may stand elsewhere.
    fn more(&mut self) -> Result<bool, Stop> {
        match self.window.more() {
            Ok(is_more) => Ok(is_more),
            Err(Fill::TooLong) => Err(Stop::Unknown(format!("a text longer than {} MiB", LONGEST >> 20))),
            Err(Fill::Failed(error)) => Err(Stop::Io(error)),
        }
    }

    /// Returns the line of the next byte, from 1.
    pub fn line(&mut self) -> u64 {
        self.window.place(self.window.at).0
    }

    /// Returns the fault that the next byte is.
    pub fn bad(&mut self, what: &str) -> Stop {
        let (line, column) = self.window.place(self.window.at);
        Stop::Bad { line, column, what: what.to_owned() }
    }

    /// Returns the fault that something else stands where this should.
    pub fn missing(&mut self, what: &str) -> Stop {
        // A conflict marker may be cut by the window's end.
        while self.window.rest().len() < text::LONGEST_ODD && matches!(self.more(), Ok(true)) {}
        match text::odd(self.window.rest()) {
            Some(odd) => self.bad(odd),
            None => self.bad(&format!("{what} is missing")),
        }
    }

    /// Returns the fault that the stream ends here.
    pub fn ends(&mut self, what: &str) -> Stop {
        let (line, column) = self.window.last();
        Stop::Bad { line, column, what: what.to_owned() }
    }
}
