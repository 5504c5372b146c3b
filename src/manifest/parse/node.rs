//! A value of the file together with its place, and the tables that know which keys they have.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{Problem, Problems, shown};
use crate::manifest::words::nearest;

/// One value and where it stands.
#[derive(Clone, Copy)]
pub(super) struct Node<'a> {
    value: &'a DeValue<'a>,
    pub(super) at: usize,
}

/// A table whose keys are all known ones.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    table: &'a DeTable<'a>,
    pub(super) at: usize,
    /// How messages call it: `[[protect]]`.
    pub(super) what: &'static str,
}

impl<'a> Node<'a> {
    fn of(value: &'a Spanned<DeValue<'a>>) -> Self {
        Self { value: value.get_ref(), at: value.span().start }
    }

    /// Returns the problem of a value that is of another type.
    pub(super) fn expected(self, what: &str) -> Problem {
        let found = match self.value {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "an integer",
            DeValue::Float(_) => "a float",
            DeValue::Boolean(_) => "a boolean",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "an array",
            DeValue::Table(_) => "a table",
        };
        Problem::new(self.at, format!("expected {what}, found {found}"))
    }

    pub(super) fn string(self) -> Result<&'a str, Problem> {
        match self.value {
            DeValue::String(text) => Ok(text),
            _ => Err(self.expected("a string")),
        }
    }

    /// Returns a string that says something and can be shown on one line.
    pub(super) fn text(self) -> Result<String, Problem> {
        let text = self.string()?;
        if text.trim().is_empty() {
            return Err(Problem::new(self.at, "expected some text, found an empty string"));
        }
        Ok(text.to_owned())
    }

    pub(super) fn boolean(self) -> Result<bool, Problem> {
        match self.value {
            DeValue::Boolean(value) => Ok(*value),
            _ => Err(self.expected("true or false")),
        }
    }

    /// Returns a whole number that is not negative.
    pub(super) fn number(self) -> Result<u64, Problem> {
        let DeValue::Integer(number) = self.value else { return Err(self.expected("a whole number")) };
        let out_of_range = || Problem::new(self.at, format!("number {} is out of range", shown(&number.to_string())));
        // TOML's own range is that of `i64`.
        let value = i64::from_str_radix(number.as_str(), number.radix()).map_err(|_| out_of_range())?;
        u64::try_from(value).map_err(|_| out_of_range())
    }

    pub(super) fn is_string(self) -> bool {
        matches!(self.value, DeValue::String(_))
    }

    pub(super) fn is_table(self) -> bool {
        matches!(self.value, DeValue::Table(_))
    }

    pub(super) fn is_number(self) -> bool {
        matches!(self.value, DeValue::Integer(_))
    }

    pub(super) fn items(self, what: &str) -> Result<Vec<Node<'a>>, Problem> {
        match self.value {
            DeValue::Array(items) => Ok(items.iter().map(Node::of).collect()),
            _ => Err(self.expected(what)),
        }
    }

    /// Returns what one of the known words stands for.
    pub(super) fn word<T: Copy>(self, what: &str, known: &[(&'static str, T)]) -> Result<T, Problem> {
        let written = self.string()?;
        let found = known.iter().find(|(word, _)| *word == written);
        found.map(|(_, meaning)| *meaning).ok_or_else(|| {
            let problem = Problem::new(self.at, format!("unknown {what} '{}'", shown(written)));
            match nearest(written, known.iter().map(|(word, _)| *word)) {
                Some(name) => problem.did_you_mean(Some(name)),
                None => problem
                    .hint(format!("one of {}", known.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", "))),
            }
        })
    }

    /// Returns the table, having reported every key that `known` does not list.
    pub(super) fn fields(self, what: &'static str, known: &[&str], problems: &mut Problems) -> Option<Fields<'a>> {
        let DeValue::Table(table) = self.value else {
            problems.add(self.expected(&format!("a table for {what}")));
            return None;
        };
        let fields = Fields { table, at: self.at, what };
        fields.know(known, problems);
        Some(fields)
    }
}

impl<'a> Fields<'a> {
    pub(super) fn top(table: &'a Spanned<DeTable<'a>>, known: &[&str], problems: &mut Problems) -> Self {
        let fields = Self { table: table.get_ref(), at: 0, what: "the manifest" };
        fields.know(known, problems);
        fields
    }

    /// Reports every key that `known` does not list.
    fn know(self, known: &[&str], problems: &mut Problems) {
        for (key, at, _) in self.entries().into_iter().filter(|(key, ..)| !known.contains(key)) {
            let problem = Problem::new(at, format!("unknown key '{}'", shown(key)));
            problems.add(problem.did_you_mean(nearest(key, known.iter().copied())));
        }
    }

    pub(super) fn get(self, key: &str) -> Option<Node<'a>> {
        self.table.get(key).map(Node::of)
    }

    /// Reads a key if it is there; a problem with it is kept and counts as if the key were not there.
    pub(super) fn read<T>(
        self,
        key: &str,
        problems: &mut Problems,
        read: impl FnOnce(Node<'a>) -> Result<T, Problem>,
    ) -> Option<T> {
        self.get(key).and_then(|node| problems.take(read(node)))
    }

    /// Returns the value of a key that must be there.
    pub(super) fn need(self, key: &str, problems: &mut Problems) -> Option<Node<'a>> {
        let node = self.get(key);
        if node.is_none() {
            problems.add(self.missing(key));
        }
        node
    }

    /// Returns the problem of a key that is not there.
    pub(super) fn missing(self, key: &str) -> Problem {
        let end = self.entries().into_iter().map(|(_, at, _)| at).max().unwrap_or(self.at);
        Problem::new(self.at, format!("{} has no key '{key}'", self.what)).order(end.max(self.at) + 2)
    }

    /// Returns all keys with their places and values.
    pub(super) fn entries(self) -> Vec<(&'a str, usize, Node<'a>)> {
        self.table.iter().map(|(key, value)| (key.get_ref().as_ref(), key.span().start, Node::of(value))).collect()
    }

    /// Returns where a key stands, or the table's start when it is not there.
    pub(super) fn place(self, key: &str) -> usize {
        self.entries().into_iter().find(|(name, ..)| *name == key).map_or(self.at, |(_, at, _)| at)
    }
}
