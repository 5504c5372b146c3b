//! SQLite databases.
//!
//! A database is read through SQLite itself, opened read-only, with nothing in it trusted (`sqlite/open.rs`). What
//! SQLite does not look for is looked for here: a file of no bytes and a file whose last page is cut off both pass
//! `integrity_check`, references that lead nowhere are not part of it, and rows that only a write-ahead log holds are
//! not in the file.
//!
//! Order: what does it look like → its length → `integrity_check` → `foreign_key_check` → what it holds. All of it happens
//! in a thread of its own, for the progress of SQLite's machine can be interrupted and a function within it can't: one
//! that a hostile index calls on large values runs for hours. It is then left behind and the answer is *unknown*.
//!
//! # Limitations
//!
//! `integrity_check` asks full-text and R-tree tables to check themselves; otherwise virtual tables, views and triggers
//! are not touched. `CHECK` constraints are not evaluated: SQLite forgets those of a database that is opened read-only.
//! Functions and collations of an application are not known here: what needs them is *unknown*.

mod beside;
mod compare;
mod likeness;
mod open;
mod schema;
mod stop;
mod tables;

use crate::model::count;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;

pub use beside::{LOGS, SMALLEST_PAGE, begins_as_database, in_use, is_database, left_beside};
pub use compare::{DatabaseLoss, LossKind, compare_databases};
pub(crate) use open::Source;
pub(crate) use stop::{Meaning, Stop};
use stop::{out_of_time, words};

use super::examined::{Contents, Examined, Place};

/// Faults that `integrity_check` lists, at most.
const LISTED: u32 = 100;
/// What a thread gets beyond its time before it is left behind: as much again, and no more than this.
const GRACE: Duration = Duration::from_secs(2);
/// SQLite's parser and its b-trees go no deeper than this holds.
const STACK: usize = 8 << 20;

/// Whether others may write a database while it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Nobody does: a blob that was written into a private folder. No lock is taken, and a log beside it is not read.
    Still,
    /// Others may: locks are taken, and rows that are still in the log count. Within this process nobody else may have
    /// it open: POSIX locks belong to the process, and go when any of its descriptors of the file is closed.
    Live,
}

/// How much of a database is read before the answer is *unknown*.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The largest file, in bytes.
    pub bytes: u64,
    /// The longest time.
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 512 << 20, time: Duration::from_secs(60) }
    }
}

/// Reads all of a database.
///
/// Its contents are given whole or not at all (no tables, no schema). Its rules: see the page of this module.
pub fn examine_database(path: &Path, reading: Reading, limits: &Limits) -> Examined {
    let (sender, receiver) = mpsc::channel();
    let (path, limits) = (path.to_owned(), *limits);
    let started = thread::Builder::new().name("database".to_owned()).stack_size(STACK).spawn(move || {
        let mut found = Examined::default();
        if let Err(stop) = read_patiently(&path, reading, &limits, &mut found) {
            match stop.meaning(&limits) {
                Meaning::Bad(what) => found.faults.add(Place::Whole, what),
                Meaning::Busy => found.unknown.push(format!(
                    "another process has it locked, and did not let go within {} s: stop it, or try again",
                    open::PATIENCE.min(limits.time).as_secs_f32()
                )),
                Meaning::Unknown(why) => found.unknown.push(why),
            }
        }
        // Nobody may wait any longer.
        sender.send(found).ok();
    });
    let answer = match started {
        Ok(_) => {
            receiver.recv_timeout(limits.time.saturating_add(GRACE.min(limits.time))).map_err(|error| match error {
                mpsc::RecvTimeoutError::Timeout => out_of_time(&limits),
                mpsc::RecvTimeoutError::Disconnected => {
                    "reading it ended without an answer; please report this".to_owned()
                }
            })
        }
        Err(error) => Err(format!("no thread could be started: {error}")),
    };
    answer.unwrap_or_else(|why| Examined { unknown: vec![why], ..Examined::default() })
}

/// Reads, and tries again while a writer is setting up what readers share: SQLite itself does not wait for that.
fn read_patiently(path: &Path, reading: Reading, limits: &Limits, found: &mut Examined) -> Result<(), Stop> {
    let began = Instant::now();
    loop {
        match read(path, reading, limits, found) {
            Err(stop) if stop.is_opening() && began.elapsed() < open::PATIENCE.min(limits.time) => {
                *found = Examined::default();
                thread::sleep(Duration::from_millis(5));
            }
            ended => return ended,
        }
    }
}

fn read(path: &Path, reading: Reading, limits: &Limits, found: &mut Examined) -> Result<(), Stop> {
    let source = Source::open(path, reading, limits)?;
    let (path, connection) = (&source.path, &source.connection);
    look_beside(path, reading, found)?;
    let began = source.begin();
    check_length(&source, reading, found)?;
    began?;
    check_integrity(connection, found)?;
    let schema = schema::read(connection)?;
    check_references(connection, &schema, found)?;
    let mut tables = tables::read(connection, &schema)?;
    tables::add_shares(connection, &mut tables);
    if !source.stayed()? {
        return Err(Stop::Unknown("it was written while it was read".to_owned()));
    }
    found.contents = Contents { tables, schema: Some(schema.hash), ..Contents::default() };
    Ok(())
}

/// Reads the first bytes of a file.
fn head(path: &Path) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    File::open(path)?.take(likeness::HEAD as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// Says what stands beside the file and belongs to it.
fn look_beside(path: &Path, reading: Reading, found: &mut Examined) -> io::Result<()> {
    let frames = beside::frames(&beside::companion(path, "-wal"), u64::MAX)?;
    if frames > 0 {
        let what = format!("its write-ahead log '-wal' holds {} that may not be in the file", count(frames, "page"));
        match reading {
            Reading::Still => found.unknown.push(what),
            Reading::Live => {
                found.notes.add(Place::Whole, format!("{what}; both were read, a copy of the file lacks them"));
            }
        }
    }
    if reading == Reading::Still && beside::has_journal(path)? {
        found.unknown.push("a transaction was cut off: its '-journal' has to be rolled back into the file".to_owned());
    }
    Ok(())
}

/// Compares the length of the file with what its header says.
fn check_length(source: &Source, reading: Reading, found: &mut Examined) -> io::Result<()> {
    if reading == Reading::Live && beside::frames(&beside::companion(&source.path, "-wal"), 1)? > 0 {
        // The newest header is in the log.
        return Ok(());
    }
    let length = std::fs::metadata(&source.path)?.len();
    let Some(wanted) = source.wanted() else { return Ok(()) };
    if length < wanted {
        let missing = wanted - length;
        let are = if missing == 1 { "is" } else { "are" };
        found
            .faults
            .add(Place::Whole, format!("cut off: {length} of {wanted} bytes are there, {missing} {are} missing"));
    } else if length > wanted {
        let follow = if length - wanted == 1 { "follows" } else { "follow" };
        let bytes = count(length - wanted, "byte");
        let what = format!("{bytes} {follow} its last page; SQLite does not read them");
        found.notes.add(Place::Whole, what);
    }
    Ok(())
}

fn check_integrity(connection: &Connection, found: &mut Examined) -> Result<(), Stop> {
    let mut statement = connection.prepare(&format!("PRAGMA integrity_check({LISTED})"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let text = String::from_utf8_lossy(row.get_ref(0)?.as_bytes().unwrap_or_default());
        for line in text.lines().filter(|line| *line != "ok" && !line.starts_with("*** in database")) {
            // A full-text table whose tokenizer or content is not here can't check itself.
            if line.starts_with("unable to validate") {
                found.unknown.push(line.to_owned());
            } else {
                found.faults.add(Place::Whole, line);
            }
        }
    }
    Ok(())
}

/// Looks for rows that refer to rows that are not there, table by table: a reference that can't be checked ends the
/// check of its table only.
fn check_references(connection: &Connection, schema: &schema::Schema, found: &mut Examined) -> Result<(), Stop> {
    for table in &schema.tables {
        if let Err(error) = check_references_of(connection, table, found) {
            if !words(&error).contains("foreign key mismatch") {
                return Err(error.into());
            }
            found.notes.add(Place::Table(table.clone()), words(&error));
        }
    }
    Ok(())
}

fn check_references_of(connection: &Connection, table: &str, found: &mut Examined) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(&format!("PRAGMA main.foreign_key_check({})", tables::quote(table)))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let which = match row.get_ref(1)?.as_i64() {
            Ok(number) => format!("row {number}"),
            Err(_) => "a row".to_owned(),
        };
        let parent = String::from_utf8_lossy(row.get_ref(2)?.as_bytes()?).into_owned();
        found
            .faults
            .add(Place::Table(table.to_owned()), format!("{which} refers to a row of '{parent}' that is not there"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
