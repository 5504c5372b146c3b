//! What a full examination of a data file found: faults, notes, limits, and what the file holds.

use crate::model::escape;
pub use crate::model::{Contents, Held, Names, Standing, Table};

/// So many faults and notes are kept; further ones are counted.
const KEPT: usize = 20;

/// Where something is in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The file as a whole.
    Whole,
    /// A line and a column, both from 1, the column in bytes.
    Line {
        /// The line.
        line: u64,
        /// The column.
        column: u64,
    },
    /// A JSON pointer; holds text of the file.
    Pointer(String),
    /// A table of a database, or one of its columns (`table.column`); holds text of the file.
    Table(String),
}

/// What a fault is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// The file as its format has it.
    Form,
    /// What is demanded of it beside that.
    Demand,
    /// Records that have one name.
    Doubled,
}

/// One thing that was found. Its words hold text of the file: as they are shown they are escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What it is about.
    pub about: About,
    /// Where.
    pub place: Place,
    /// What.
    pub what: String,
}

/// A list of things found, within bounds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults {
    /// The first ones.
    pub first: Vec<Fault>,
    /// How many there are in all.
    pub count: u64,
}

/// What is known of a file after all of it was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Examined {
    /// What makes it bad.
    pub faults: Faults,
    /// What is odd and harms nobody who reads with care.
    pub notes: Faults,
    /// Limits that were hit: what they hid is neither good nor bad.
    pub unknown: Vec<String>,
    /// What it holds, as far as it could be read.
    pub contents: Contents,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let what = escape(self.what.as_bytes());
        match &self.place {
            Place::Whole => f.write_str(&what),
            Place::Line { line, column } => write!(f, "line {line}, column {column}: {what}"),
            Place::Pointer(pointer) if pointer.is_empty() => write!(f, "top of the document: {what}"),
            Place::Pointer(place) | Place::Table(place) => write!(f, "'{}': {what}", escape(place.as_bytes())),
        }
    }
}

impl Faults {
    /// Adds one about the file's form.
    pub fn add(&mut self, place: Place, what: impl Into<String>) {
        self.about(About::Form, place, what);
    }

    /// Adds one.
    pub fn about(&mut self, about: About, place: Place, what: impl Into<String>) {
        self.count += 1;
        if self.first.len() < KEPT {
            self.first.push(Fault { about, place, what: what.into() });
        }
    }

    /// Returns whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl Examined {
    /// Returns the verdict.
    pub fn standing(&self) -> Standing {
        match (self.faults.is_empty(), self.unknown.is_empty()) {
            (false, _) => Standing::Bad,
            (true, false) => Standing::Unknown,
            (true, true) => Standing::Good,
        }
    }

    /// Returns what two versions of a file are compared by.
    pub fn held(self) -> Held {
        let about = |about: About| self.faults.first.iter().filter(move |fault| fault.about == about);
        Held {
            fault: about(About::Form).next().map(ToString::to_string),
            unmet: about(About::Demand).map(ToString::to_string).collect(),
            unknown: self.unknown.first().cloned(),
            contents: self.contents,
        }
    }
}
