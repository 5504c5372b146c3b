//! CSV as RFC 4180 has it, with any of four delimiters, read as a stream.
//!
//! A reader that is content with everything turns three rows into one where a quote is never closed; so quotes are
//! followed here. The first row names the columns.

use std::collections::BTreeMap;
use std::io::{self, BufRead};

use super::demands::Demands;
use super::examined::{About, Examined, Place};
use super::records::Records;

/// The delimiters that are looked for in the first row; the one that stands there most often is taken.
const DELIMITERS: [u8; 4] = *b",;\t|";
/// So many bytes of a field are kept: a column's name, or a record's.
const KEPT: usize = 1 << 16;
/// A row may have so many fields.
const MOST_FIELDS: u64 = 100_000;

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before a field's first byte.
    Start,
    Plain,
    Quoted,
    /// Behind a quote within a quoted field: its end, or one half of a doubled quote.
    Quote,
}

/// Reads a table to its end; where no delimiter is given it is looked for.
pub(super) fn examine(
    input: &mut dyn BufRead,
    given: Option<u8>,
    demands: &Demands<'_>,
    examined: &mut Examined,
) -> io::Result<()> {
    let found = delimiter(input)?;
    let mut table = Table::new(demands, given.unwrap_or(found));
    loop {
        let bytes = match input.fill_buf() {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if bytes.is_empty() {
            break;
        }
        let mut rest = bytes;
        while let [byte, more @ ..] = rest {
            match table.plain(rest) {
                0 => {
                    table.byte(*byte, examined);
                    rest = more;
                }
                length => rest = &rest[length..],
            }
        }
        let length = bytes.len();
        input.consume(length);
        if table.fields > MOST_FIELDS {
            examined.unknown.push(format!("a row of more than {MOST_FIELDS} fields"));
            return Ok(());
        }
    }
    table.finish(examined);
    Ok(())
}

/// Passes a byte order mark, and returns the delimiter of the first row, as far as the buffer has it.
fn delimiter(input: &mut dyn BufRead) -> io::Result<u8> {
    if input.fill_buf()?.starts_with("\u{feff}".as_bytes()) {
        input.consume(3);
    }
    let mut counts = [0_usize; 4];
    let mut is_quoted = false;
    for byte in input.fill_buf()? {
        match byte {
            b'"' => is_quoted = !is_quoted,
            b'\n' if !is_quoted => break,
            byte if !is_quoted => {
                if let Some(which) = DELIMITERS.iter().position(|delimiter| delimiter == byte) {
                    counts[which] += 1;
                }
            }
            _ => {}
        }
    }
    let most = counts.iter().max().copied().unwrap_or(0);
    let which = counts.iter().position(|count| *count == most && most > 0).unwrap_or(0);
    Ok(DELIMITERS[which])
}

struct Table<'d> {
    demands: &'d Demands<'d>,
    delimiter: u8,
    state: State,
    line: u64,
    column: u64,
    /// The line of the row at hand, and where its open quote is.
    row_line: u64,
    quote: (u64, u64),
    /// The rows that ended, the header among them.
    rows: u64,
    /// The fields of the row at hand that ended.
    fields: u64,
    /// The field at hand, where somebody wants to know it.
    field: Vec<u8>,
    header: Vec<Vec<u8>>,
    key: Option<u64>,
    name: Option<Vec<u8>>,
    records: Records<'d>,
    /// The row at hand holds something.
    is_filled: bool,
    has_nul: bool,
    /// The column of the first carriage return in the first line, outside of quotes.
    carriage_return: Option<u64>,
    /// The beginning of the line at hand, for markers.
    start: Vec<u8>,
}

impl<'d> Table<'d> {
    fn new(demands: &'d Demands<'d>, delimiter: u8) -> Self {
        Self {
            demands,
            delimiter,
            state: State::Start,
            line: 1,
            column: 0,
            row_line: 1,
            quote: (1, 1),
            rows: 0,
            fields: 0,
            field: Vec::new(),
            header: Vec::new(),
            key: None,
            name: None,
            records: Records::new(demands.wanted),
            is_filled: false,
            has_nul: false,
            carriage_return: None,
            start: Vec::new(),
        }
    }

    fn byte(&mut self, byte: u8, examined: &mut Examined) {
        self.column += 1;
        let place = Place::Line { line: self.line, column: self.column };
        if byte == 0 && !self.has_nul {
            self.has_nul = true;
            examined.faults.add(place.clone(), "a NUL byte");
        }
        if byte != b'\n' && self.start.len() < 8 {
            self.start.push(byte);
        }
        match (self.state, byte) {
            (State::Quoted, b'"') => self.state = State::Quote,
            (State::Quoted, _) => self.keep(&[byte]),
            (State::Quote, b'"') => {
                self.keep(&[byte]);
                self.state = State::Quoted;
            }
            (State::Start, b'"') => {
                self.state = State::Quoted;
                self.quote = (self.line, self.column);
                self.is_filled = true;
            }
            (_, b'\n') => self.end_row(examined),
            (_, byte) if byte == self.delimiter => {
                self.is_filled = true;
                self.end_field();
            }
            // Half of a line end.
            (_, b'\r') => {
                if self.line == 1 {
                    self.carriage_return.get_or_insert(self.column);
                }
            }
            (State::Quote, _) => {
                examined
                    .faults
                    .add(place, "text behind a closing quote: a quote before it is not closed or not doubled");
                self.state = State::Plain;
            }
            (_, byte) => {
                self.is_filled = true;
                self.state = State::Plain;
                self.keep(&[byte]);
            }
        }
        if byte == b'\n' {
            let is_marker =
                |byte: u8| self.start.starts_with(&[byte; 7]) && matches!(self.start.get(7), None | Some(b' ' | b'\r'));
            if b"<=>|".iter().any(|byte| is_marker(*byte)) {
                examined.faults.add(Place::Line { line: self.line, column: 1 }, "a conflict marker");
            }
            self.start.clear();
            self.line += 1;
            self.column = 0;
        }
    }

    /// Takes the bytes that only fill a field, in one go, and returns how many they were.
    fn plain(&mut self, bytes: &[u8]) -> usize {
        let is_plain = |byte: &u8| !matches!(byte, b'"' | b'\n' | b'\r' | 0) && *byte != self.delimiter;
        let length = match self.state {
            State::Quote => 0,
            _ => bytes.iter().take_while(|byte| is_plain(byte)).count(),
        };
        if length > 0 {
            let bytes = &bytes[..length];
            self.column += length as u64;
            self.start.extend_from_slice(&bytes[..length.min(8_usize.saturating_sub(self.start.len()))]);
            if self.state != State::Quoted {
                self.state = State::Plain;
                self.is_filled = true;
            }
            self.keep(bytes);
        }
        length
    }

    fn keep(&mut self, bytes: &[u8]) {
        if self.rows == 0 || self.key == Some(self.fields) {
            self.field.extend_from_slice(&bytes[..bytes.len().min(KEPT - self.field.len())]);
        }
    }

    fn end_field(&mut self) {
        let field = std::mem::take(&mut self.field);
        if self.rows == 0 {
            self.header.push(field);
        } else if self.key == Some(self.fields) {
            self.name = Some(field);
        }
        self.fields += 1;
        self.state = State::Start;
    }

    fn end_row(&mut self, examined: &mut Examined) {
        // A blank line is no row, unless one column is all there is.
        if self.is_filled || (self.rows > 0 && self.header.len() == 1 && self.demands.key.is_none()) {
            self.end_field();
            if self.rows == 0 {
                self.end_header(examined);
            } else {
                self.end_record(examined);
            }
            self.rows += 1;
        }
        self.field.clear();
        self.fields = 0;
        self.is_filled = false;
        self.state = State::Start;
        self.row_line = self.line + 1;
    }

    fn end_header(&mut self, examined: &mut Examined) {
        let mut seen: BTreeMap<&[u8], u64> = BTreeMap::new();
        for name in &self.header {
            *seen.entry(name).or_default() += 1;
        }
        let place = || Place::Line { line: self.row_line, column: 1 };
        for (name, count) in seen.iter().filter(|(name, count)| **count > 1 && !name.is_empty()) {
            let name = String::from_utf8_lossy(name);
            examined.faults.add(place(), format!("{count} columns have the name '{name}'"));
        }
        if let Some(key) = self.demands.key {
            self.key = self.header.iter().position(|name| name == key.as_bytes()).map(|at| at as u64);
            if self.key.is_none() {
                examined.faults.about(About::Demand, place(), format!("there is no column '{key}'"));
            }
        }
    }

    fn end_record(&mut self, examined: &mut Examined) {
        let (fields, columns) = (self.fields, self.header.len() as u64);
        if fields != columns {
            let place = Place::Line { line: self.row_line, column: 1 };
            examined.faults.add(
                place,
                format!("a row of {}, where the first has {columns}", crate::model::count(fields, "field")),
            );
        }
        self.records.count += 1;
        match self.name.take().filter(|name| !name.is_empty()) {
            Some(name) => self.records.name(b't', &name),
            None => self.records.nameless(),
        }
    }

    fn finish(mut self, examined: &mut Examined) {
        if self.state == State::Quoted {
            let (line, column) = self.quote;
            let lines = self.line - line + 1;
            let are = if lines == 1 { "is" } else { "are" };
            let lines = crate::model::count(lines, "line");
            let what = format!("a quote that is never closed: {lines} {are} read as one field");
            examined.faults.add(Place::Line { line, column }, what);
        }
        // Without a line feed there is one row, whatever a person sees.
        if let Some(column) = self.carriage_return.filter(|_| self.line == 1) {
            let what = "lines end in a carriage return without a line feed: all of them are read as one row";
            examined.faults.add(Place::Line { line: 1, column }, what);
        }
        if self.is_filled || self.state != State::Start {
            examined
                .notes
                .add(Place::Line { line: self.line, column: self.column.max(1) }, "the last line has no line end");
            self.end_row(examined);
        }
        if self.rows == 0 {
            examined.faults.add(Place::Whole, "there is no row that names the columns");
        }
        let key = self.demands.key.filter(|_| self.key.is_some());
        self.records.finish(key, examined);
    }
}
