//! What can be wrong with a manifest, and where.

use std::ops::Range;

use crate::model::escape;

/// The first thing that is wrong with a manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}{}", self.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default())]
pub struct ManifestError {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong, escaped for terminals.
    pub message: String,
    /// What may have been meant, escaped for terminals: `did you mean 'protect'?`.
    pub hint: Option<String>,
}

/// A problem before its offset has become line and column.
#[derive(Debug)]
pub(super) struct Problem {
    /// Where it is shown, as an offset in bytes.
    pub(super) at: usize,
    /// Where it counts as standing when the first one is looked for: something missing is shown at its table's start,
    /// but a misspelt key in that table says more. From 1; 0 comes before everything.
    pub(super) order: usize,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

impl Problem {
    pub(super) fn new(at: usize, message: impl Into<String>) -> Self {
        Self { at, order: at + 1, message: message.into(), hint: None }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(super) fn did_you_mean(mut self, name: Option<&str>) -> Self {
        self.hint = name.map(|name| format!("did you mean '{name}'?"));
        self
    }

    pub(super) fn order(mut self, order: usize) -> Self {
        self.order = order;
        self
    }

    pub(super) fn from_toml(error: &toml::de::Error) -> Self {
        let at = error.span().map_or(0, |Range { start, .. }| start);
        Self::new(at, shown(error.message()))
    }

    pub(super) fn located(self, text: &str) -> ManifestError {
        let before = &text.as_bytes()[..self.at.min(text.len())];
        let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
        ManifestError {
            line: before.split(|byte| *byte == b'\n').count(),
            column: 1 + String::from_utf8_lossy(&before[line_start..]).chars().count(),
            message: self.message,
            hint: self.hint,
        }
    }
}

/// All problems that were met; the first one in the file's order is told.
#[derive(Default)]
pub(super) struct Problems(Vec<Problem>);

impl Problems {
    pub(super) fn add(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// Keeps a problem and goes on without the value.
    pub(super) fn take<T>(&mut self, result: Result<T, Problem>) -> Option<T> {
        result.map_err(|problem| self.add(problem)).ok()
    }

    pub(super) fn first(self) -> Option<Problem> {
        self.0.into_iter().min_by_key(|problem| problem.order)
    }
}

/// Returns text of the file for a message: escaped, and cut where it is long.
pub(super) fn shown(text: &str) -> String {
    const MOST: usize = 80;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => escape(&text.as_bytes()[..end]) + "…",
        None => escape(text.as_bytes()),
    }
}
