//! Errors on their way out: what failed, with which exit code, and what to do.

use std::fmt;

use crate::report::{Exit, recovered_text};
use crate::undo::Recovered;

/// An error with its exit code and at most one hint: a command that works as it stands.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// What failed, lower case, no full stop.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// Lines that people see below it.
    pub detail: String,
    /// Interrupted operations that were dealt with before it.
    pub recovered: Vec<Recovered>,
}

impl Failure {
    /// Makes an error without a hint.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hint: None, detail: String::new(), recovered: Vec::new() }
    }

    /// Adds the hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// Returns the exit code that an error stands for.
fn exit_of(error: &anyhow::Error) -> Exit {
    if let Some(failure) = error.downcast_ref::<Failure>() {
        return failure.exit;
    }
    Exit::Usage
}

/// Returns an error as it is told: causes after colons, and what is allowed next. A refusal always says that.
pub fn told(error: &anyhow::Error, command: &str) -> Failure {
    let known = error.downcast_ref::<Failure>().cloned();
    let mut failure = known.unwrap_or_else(|| Failure::new(exit_of(error), ""));
    failure.message = error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ");
    if failure.hint.is_none() {
        failure.hint = match failure.exit {
            Exit::Refused => Some(format!("guard {command} --help")),
            Exit::Locked => Some("wait until the other process has ended, then run it again".to_owned()),
            _ => None,
        };
    }
    failure
}

/// Returns an error as it is printed, in git's manner. What to do stands in the first line: many read no other.
pub fn render(failure: &Failure) -> String {
    let (first, rest) = failure.message.split_once('\n').unwrap_or((&failure.message, ""));
    let hint = failure.hint.as_ref().map_or_else(String::new, |hint| format!("; hint: {hint}"));
    let rest = if rest.is_empty() { String::new() } else { format!("{rest}\n") };
    let recovered: String = failure.recovered.iter().map(recovered_text).collect();
    format!("guard: {first}{hint}\n{rest}{}{recovered}", failure.detail)
}
