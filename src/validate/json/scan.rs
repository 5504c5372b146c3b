//! JSON as RFC 8259 has it, read token by token from a stream, in memory that does not grow with it.
//!
//! A parser that only skips, as `serde_json::de::IgnoredAny` makes one, accepts texts it should not (lone surrogates,
//! doubled keys), and one that builds values needs several times the file in memory.
//!
//! What is kept: the bytes of the token at hand, one frame for each open container, and the keys of the open objects or,
//! where they are many, a hash of each.

use std::collections::BTreeMap;
use std::hash::RandomState;
use std::io::Read;

use super::super::MAX_DEPTH;
use super::super::doubled::{Doubled, step};
use super::seen::Seen;
use super::tokens::{Stop, Tokens};

/// So many keys of open objects are told apart.
const MOST_KEYS: usize = 3_000_000;
/// So often a key may come again before nobody counts any more.
const MOST_DOUBLINGS: usize = 20_000;

/// What stands around values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::validate) enum Container {
    /// Keys with values.
    Object,
    /// Values.
    List,
}

/// A value that holds no others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::validate) enum Scalar<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as it is written.
    Number(&'a [u8]),
    /// A text in UTF-8, with its escapes resolved.
    Text(&'a [u8]),
}

/// Is told of what stands in a document, in its order.
pub(in crate::validate) trait Visit {
    /// A container begins.
    fn open(&mut self, container: Container);
    /// A key in UTF-8, before its value.
    fn key(&mut self, name: &[u8]);
    /// A value of a list comes.
    fn item(&mut self);
    /// A value.
    fn scalar(&mut self, scalar: Scalar<'_>);
    /// The container that was opened last ends.
    fn close(&mut self);
}

/// Nobody wants to know.
impl Visit for () {
    fn open(&mut self, _: Container) {}
    fn key(&mut self, _: &[u8]) {}
    fn item(&mut self) {}
    fn scalar(&mut self, _: Scalar<'_>) {}
    fn close(&mut self) {}
}

/// One document, or one a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::validate) enum Shape {
    /// One value, and nothing behind it.
    Document,
    /// JSON Lines: one value a line, told to the visitor as a list; blank lines are allowed, no value at all is too.
    Lines,
}

/// What a document showed that is no fault of its grammar.
#[derive(Debug, Default)]
pub(in crate::validate) struct Scanned {
    /// Keys that stand twice in one object.
    pub doubled: Doubled,
    /// It begins with a byte order mark.
    pub has_mark: bool,
    /// Numbers that no double holds: how many, and the line and column of the first.
    pub huge: u64,
    pub first_huge: (u64, u64),
    /// The last byte is no line end.
    pub is_open_ended: bool,
}

/// Reads a stream to its end. What was found until then counts, too, when it ends before its time.
pub(in crate::validate) fn scan(
    input: &mut dyn Read,
    shape: Shape,
    visit: &mut impl Visit,
) -> (Scanned, Result<(), Stop>) {
    let mut scanner = Scanner {
        tokens: Tokens::new(input, shape == Shape::Lines),
        shape,
        visit,
        scanned: Scanned::default(),
        frames: Vec::new(),
        depth: 0,
        held: 0,
        doublings: 0,
        state: RandomState::new(),
    };
    let result = scanner.all();
    (scanner.scanned.huge, scanner.scanned.first_huge) = scanner.tokens.huge;
    (scanner.scanned, result)
}

/// An open container. Frames are used again: a document opens many.
#[derive(Default)]
struct Frame {
    is_object: bool,
    /// The number of the value at hand, from 0.
    index: u64,
    /// Its keys.
    seen: Seen,
    /// The keys that stand there more than once: the line of the last, and how often.
    doubled: BTreeMap<String, (u64, usize)>,
}

struct Scanner<'r, 'v, V> {
    tokens: Tokens<'r>,
    shape: Shape,
    visit: &'v mut V,
    scanned: Scanned,
    frames: Vec<Frame>,
    depth: usize,
    /// Keys of all open objects.
    held: usize,
    /// How often a key came again.
    doublings: usize,
    state: RandomState,
}

impl<V: Visit> Scanner<'_, '_, V> {
    fn all(&mut self) -> Result<(), Stop> {
        self.scanned.has_mark = self.tokens.mark()?;
        match self.shape {
            Shape::Document => {
                let first = self.space()?;
                self.value(first)?;
                match self.space()? {
                    Some(_) => Err(self.tokens.bad("something behind the value")),
                    None => Ok(()),
                }
            }
            Shape::Lines => {
                self.visit.open(Container::List);
                let lines = self.lines();
                self.visit.close();
                lines
            }
        }
    }

    fn lines(&mut self) -> Result<(), Stop> {
        loop {
            match self.space()? {
                None => return Ok(()),
                Some(b'\n') => {
                    self.scanned.is_open_ended = false;
                    self.tokens.step();
                }
                first => {
                    self.visit.item();
                    self.value(first)?;
                    match self.space()? {
                        Some(b'\n') => {}
                        None => self.scanned.is_open_ended = true,
                        Some(_) => return Err(self.tokens.bad("something behind the line's value")),
                    }
                }
            }
        }
    }

    /// Reads one value with all that is in it; its first byte is the next.
    fn value(&mut self, mut next: Option<u8>) -> Result<(), Stop> {
        loop {
            // Here a value has to begin.
            match next {
                Some(b'{') => {
                    self.open(Container::Object)?;
                    next = self.space()?;
                    if next != Some(b'}') {
                        next = self.key(next)?;
                        continue;
                    }
                }
                Some(b'[') => {
                    self.open(Container::List)?;
                    next = self.space()?;
                    if next != Some(b']') {
                        self.visit.item();
                        continue;
                    }
                }
                Some(b'"') => {
                    self.tokens.text()?;
                    self.visit.scalar(Scalar::Text(self.tokens.taken()));
                }
                Some(b'-' | b'0'..=b'9') => {
                    self.tokens.number()?;
                    self.visit.scalar(Scalar::Number(self.tokens.taken()));
                }
                Some(b't') => self.word("true", Scalar::Bool(true))?,
                Some(b'f') => self.word("false", Scalar::Bool(false))?,
                Some(b'n') => self.word("null", Scalar::Null)?,
                Some(_) => return Err(self.tokens.missing("a value")),
                None => return Err(self.ends()),
            }
            // A value has ended: containers end, or the next value begins.
            loop {
                if self.depth == 0 {
                    return Ok(());
                }
                let is_object = self.frames[self.depth - 1].is_object;
                match (self.space()?, is_object) {
                    (Some(b','), true) => {
                        self.tokens.step();
                        let first = self.space()?;
                        if first == Some(b'}') {
                            return Err(self.tokens.bad("a comma before '}'"));
                        }
                        next = self.key(first)?;
                        break;
                    }
                    (Some(b','), false) => {
                        self.tokens.step();
                        self.frames[self.depth - 1].index += 1;
                        next = self.space()?;
                        if next == Some(b']') {
                            return Err(self.tokens.bad("a comma before ']'"));
                        }
                        self.visit.item();
                        break;
                    }
                    (Some(b'}'), true) | (Some(b']'), false) => self.close(),
                    (None, _) => return Err(self.ends()),
                    (Some(_), true) => return Err(self.tokens.missing("',' or '}'")),
                    (Some(_), false) => return Err(self.tokens.missing("',' or ']'")),
                }
            }
        }
    }

    fn open(&mut self, container: Container) -> Result<(), Stop> {
        if self.depth == MAX_DEPTH {
            return Err(Stop::Unknown(format!("nested deeper than {MAX_DEPTH} levels")));
        }
        if self.frames.len() == self.depth {
            self.frames.push(Frame::default());
        }
        let frame = &mut self.frames[self.depth];
        frame.is_object = container == Container::Object;
        frame.index = 0;
        self.depth += 1;
        self.tokens.step();
        self.visit.open(container);
        Ok(())
    }

    fn close(&mut self) {
        self.tokens.step();
        self.depth -= 1;
        let frame = &mut self.frames[self.depth];
        if frame.is_object {
            self.held -= frame.seen.count;
            frame.seen.end();
        }
        if !frame.doubled.is_empty() {
            let doubled = std::mem::take(&mut frame.doubled);
            if !self.scanned.doubled.is_full() {
                let parent = self.pointer(self.depth);
                for (key, (line, count)) in doubled {
                    self.scanned.doubled.push(&parent, &key, usize::try_from(line).ok(), count);
                }
            }
        }
        self.visit.close();
    }

    /// Reads a key and the colon behind it; returns the first byte of the value.
    #[inline]
    fn key(&mut self, first: Option<u8>) -> Result<Option<u8>, Stop> {
        match first {
            Some(b'"') => {}
            Some(_) => return Err(self.tokens.missing("a key in quotes")),
            None => return Err(self.ends()),
        }
        let seen = &mut self.frames[self.depth - 1].seen;
        if seen.expected().is_some_and(|key| self.tokens.is_text(key)) {
            seen.add_expected();
            self.held += 1;
        } else {
            self.other_key()?;
        }
        self.visit.key(self.frames[self.depth - 1].seen.last());
        if self.held > MOST_KEYS {
            return Err(Stop::Unknown(format!("more than {MOST_KEYS} keys in one object")));
        }
        match self.space()? {
            Some(b':') => {
                self.tokens.step();
                self.space()
            }
            Some(_) => Err(self.tokens.missing("':'")),
            None => Err(self.ends()),
        }
    }

    /// Takes a key that is not the expected one.
    fn other_key(&mut self) -> Result<(), Stop> {
        let is_plain = self.tokens.text()?;
        let frame = &mut self.frames[self.depth - 1];
        let name = self.tokens.taken();
        if frame.seen.add(name, is_plain, &self.state) {
            self.held += 1;
            return Ok(());
        }
        self.doublings += 1;
        // To find the line costs time, to keep the key memory.
        if self.doublings > MOST_DOUBLINGS {
            self.scanned.doubled.overflow();
            return Ok(());
        }
        let name = String::from_utf8_lossy(name).into_owned();
        let line = self.tokens.line();
        let entry = frame.doubled.entry(name).or_insert((line, 1));
        *entry = (line, entry.1 + 1);
        Ok(())
    }

    /// Returns the pointer of the container that is `depth` levels deep.
    fn pointer(&self, depth: usize) -> String {
        let mut pointer = String::new();
        for frame in &self.frames[..depth] {
            if frame.is_object {
                step(&mut pointer, &String::from_utf8_lossy(frame.seen.last()));
            } else {
                step(&mut pointer, &frame.index.to_string());
            }
        }
        pointer
    }

    #[inline]
    fn word(&mut self, word: &str, scalar: Scalar<'_>) -> Result<(), Stop> {
        self.tokens.word(word)?;
        self.visit.scalar(scalar);
        Ok(())
    }

    /// Passes blanks, and returns the byte behind them, which is not used up; `None` at the end.
    #[inline]
    fn space(&mut self) -> Result<Option<u8>, Stop> {
        match self.tokens.space()? {
            // In a document it is a blank.
            Some(b'\n') if self.depth > 0 => Err(self.tokens.bad("the line ends amid a value")),
            next => Ok(next),
        }
    }

    fn ends(&mut self) -> Stop {
        let what = if self.depth > 0 { "the file ends amid a value" } else { "the file ends where a value should be" };
        self.tokens.ends(what)
    }
}
