//! How a program ended and what it said.

use std::fmt;
use std::io::Write;
use std::process::{Command, Stdio};

/// A program that has ended.
#[must_use = "call ok(), fails() or exits() to say what is expected"]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// The command line, for messages.
    pub line: String,
    /// The exit status; -1 when a signal ended it.
    pub status: i32,
    /// What it answered.
    pub stdout: String,
    /// What it said.
    pub stderr: String,
}

impl Ran {
    /// Runs a command to its end with `input` on its stdin.
    pub fn of(command: &mut Command, input: &[u8]) -> Self {
        let line = format!("{command:?}").split(' ').filter(|word| !word.contains("=\"")).collect::<Vec<_>>().join(" ");
        command.stdin(if input.is_empty() { Stdio::null() } else { Stdio::piped() });
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let writer = child.stdin.take().map(|mut pipe| {
            let input = input.to_vec();
            // A child that does not read everything is no failure of the test.
            std::thread::spawn(move || drop(pipe.write_all(&input)))
        });
        let output = child.wait_with_output().unwrap();
        if let Some(writer) = writer {
            writer.join().unwrap();
        }
        Self {
            line,
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Expects status 0.
    #[track_caller]
    pub fn ok(self) -> Self {
        self.exits(0)
    }

    /// Expects any other status.
    #[track_caller]
    pub fn fails(self) -> Self {
        assert_ne!(self.status, 0, "{self}");
        self
    }

    /// Expects this status.
    #[track_caller]
    pub fn exits(self, status: i32) -> Self {
        assert_eq!(self.status, status, "{self}");
        self
    }

    /// Expects a text on stderr.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "'{text}' is missing on stderr of {self}");
        self
    }

    /// Returns stdout without its final newline.
    pub fn line(&self) -> &str {
        self.stdout.trim_end_matches('\n')
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, status, stdout, stderr } = self;
        write!(f, "{line}\nstatus {status}\nstdout:\n{stdout}\nstderr:\n{stderr}")
    }
}
