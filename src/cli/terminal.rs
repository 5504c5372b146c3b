//! The only place that prints. stdout is the answer, stderr is the talk; a broken pipe is no error.

use std::cell::{Cell, RefCell};
use std::io::{ErrorKind, IsTerminal, Write};

use crate::git::Environment;

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Color {
    /// When the stream is a terminal and neither `NO_COLOR` nor `CLICOLOR=0` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Where output goes, and whether it is coloured.
#[derive(Debug, Clone)]
pub struct Terminal {
    /// Nothing but answers and errors.
    pub quiet: bool,
    out_color: bool,
    err_color: bool,
    answered: Cell<bool>,
    unwritten: RefCell<Option<String>>,
}

impl Terminal {
    /// Looks at both streams once.
    pub fn new(color: Color, quiet: bool, environment: &Environment) -> Self {
        let wanted = |is_terminal: bool| match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                let off = environment.get("NO_COLOR").is_some()
                    || environment.get("CLICOLOR").is_some_and(|value| value == "0")
                    || environment.get("TERM").is_some_and(|value| value == "dumb");
                let forced = environment.get("CLICOLOR_FORCE").is_some_and(|value| value != "0");
                !off && (is_terminal || forced)
            }
        };
        let out_color = wanted(std::io::stdout().is_terminal());
        let err_color = wanted(std::io::stderr().is_terminal());
        Self { quiet, out_color, err_color, answered: Cell::new(false), unwritten: RefCell::new(None) }
    }

    /// Prints the answer that `render` makes; it may colour with `colored`.
    pub fn answer(&self, render: impl FnOnce() -> String) {
        colored::control::set_override(self.out_color);
        self.answered.set(true);
        let text = render();
        let mut out = std::io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            // A reader that went away (`| head`) has seen enough.
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                self.unwritten.replace(Some(error.to_string()));
            }
            _ => {}
        }
    }

    /// Returns whether anything was answered.
    pub fn has_answered(&self) -> bool {
        self.answered.get()
    }

    /// Returns why an answer did not get out, in whole or in part.
    pub fn unwritten(&self) -> Option<String> {
        self.unwritten.borrow().clone()
    }

    /// Returns an answer that goes into a file: without colours.
    pub fn plain(render: impl FnOnce() -> String) -> String {
        colored::control::set_override(false);
        render()
    }

    /// Prints talk: warnings, progress, errors.
    pub fn say(&self, render: impl FnOnce() -> String) {
        colored::control::set_override(self.err_color);
        let _ = std::io::stderr().lock().write_all(render().as_bytes());
    }

    /// Prints talk that `--quiet` silences.
    pub fn note(&self, render: impl FnOnce() -> String) {
        if !self.quiet {
            self.say(render);
        }
    }
}

/// Writes a line of progress over the one before; empty text takes it away. Only for a terminal.
pub(super) fn overwrite(text: &str) {
    let _ = std::io::stderr().lock().write_all(format!("\r\x1b[K{text}").as_bytes());
}
