//! A conversation with psql: questions in SQL, answers in JSON, one value a line.

use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, ChildStdout};

use serde_json::Value;

use super::PostgresError;
use super::child::{Reach, Running};

/// Settings of a session: what users may have set must not change an answer, or end it.
const SETTINGS: &str = "\
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SET search_path = pg_catalog;
SET row_security = off;
SET statement_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET lock_timeout = '30s';
";

/// What stands after each answer.
const END: &str = "\"end of the answer\"";

/// One connection, to one database.
pub(super) struct Session {
    running: Option<Running>,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Session {
    /// Connects, without reading anybody's `.psqlrc`. The first error ends the session, and with it an open transaction.
    pub(super) fn open(reach: &Reach, database: &str) -> Result<Self, PostgresError> {
        let arguments = ["-X", "-q", "-A", "-t", "-w", "-v", "ON_ERROR_STOP=1"];
        let database = format!("--dbname={database}");
        let mut running = Running::start(reach, "psql", arguments.into_iter().chain([database.as_str()]))?;
        let (input, output) = (Some(running.input()?), BufReader::new(running.output()?));
        let mut session = Self { running: Some(running), input, output };
        session.ask(SETTINGS)?;
        Ok(session)
    }

    /// Runs statements and returns what they answer: each row is one JSON value.
    pub(super) fn ask(&mut self, sql: &str) -> Result<Vec<Value>, PostgresError> {
        if let Some(input) = &mut self.input {
            // psql that is gone says why below.
            let _ = input.write_all(format!("{sql}\nSELECT '{END}';\n").as_bytes()).and_then(|()| input.flush());
        }
        let mut answers = Vec::new();
        loop {
            let mut line = Vec::new();
            let read = self.output.read_until(b'\n', &mut line);
            let line = line.strip_suffix(b"\n").unwrap_or(&line);
            match read {
                Ok(0) | Err(_) => return Err(self.failure()),
                Ok(_) if line == END.as_bytes() => return Ok(answers),
                Ok(_) => answers.push(serde_json::from_slice(line).map_err(|_| PostgresError::Answer("psql"))?),
            }
        }
    }

    /// Returns the one value that a question has for an answer.
    pub(super) fn one(&mut self, sql: &str) -> Result<Value, PostgresError> {
        self.ask(sql)?.pop().ok_or(PostgresError::Answer("psql"))
    }

    /// Disconnects, and waits until that is done: a database to which somebody is connected can't be renamed.
    pub(super) fn close(mut self) -> Result<(), PostgresError> {
        drop(self.input.take());
        self.running.take().map_or(Ok(()), Running::end)
    }

    fn failure(&mut self) -> PostgresError {
        drop(self.input.take());
        let ended = self.running.take().map(Running::end);
        match ended {
            Some(Err(error)) => error,
            _ => PostgresError::Answer("psql"),
        }
    }
}

/// Returns text as an SQL literal.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Returns a name as an SQL identifier.
pub(super) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
