//! Copies databases, whether or not other processes write them meanwhile.
//!
//! A copy of the file's bytes is none: rows may be in a log beside it, and pages change while they are read. SQLite's
//! online backup API copies one state, page by page, under a read transaction. In WAL mode writers go on meanwhile; in
//! rollback mode they wait, as for any reader. The source and what stands beside it stay as they are, but for one file:
//! where a process died and left a log without a `-shm`, SQLite makes the `-shm` anew (and fails where it can't).
//! `validate/sqlite/open.rs` has the cases.
//!
//! The copy is for the store, which reads it and syncs what it keeps: the target is written without a journal and not
//! synced. After a crash or an error it is to be thrown away.

use std::path::{Path, PathBuf};
use std::time::Instant;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::show;
use crate::disk::{DiskError, step};
use crate::validate::Examined;
use crate::validate::sqlite::{Limits, Meaning, Reading, Source, Stop, examine_database};

/// Pages copied before the time is looked at.
const PAGES: i32 = 1024;

/// A copy that was made.
#[derive(Debug)]
pub struct CopiedDatabase {
    /// What it holds, read again from the copy.
    pub examined: Examined,
}

/// A database could not be copied. Its bytes are untouched; the target holds nothing of use.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// It is damaged, or none: only its bytes can be saved.
    #[error("'{}' can't be copied as a database: {what}", show(path))]
    Bad {
        /// The database.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// Another process did not stop writing it.
    #[error("'{}' can't be copied: another process did not stop writing it for {seconds} s", show(path))]
    Busy {
        /// The database.
        path: PathBuf,
        /// How long was waited.
        seconds: u64,
    },
    /// A limit was hit, or a file could not be read or written.
    #[error("'{}' can't be copied: {why}", show(path))]
    Unknown {
        /// The database.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The target could not be written.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// Copies a database into an empty file, which the caller has made in a private folder, and examines the copy.
pub fn copy_database(source: &Path, target: &Path, limits: &Limits) -> Result<CopiedDatabase, CopyError> {
    step(target, "write")?;
    let began = Instant::now();
    loop {
        match copy(source, target, limits) {
            Ok(true) => break,
            Ok(false) if began.elapsed() < limits.time => {}
            Ok(false) => return Err(busy(source, limits)),
            Err(stop) => {
                return Err(match stop.meaning(limits) {
                    Meaning::Busy if began.elapsed() < limits.time => {
                        std::thread::sleep(std::time::Duration::from_millis(5));
                        continue;
                    }
                    Meaning::Busy => busy(source, limits),
                    Meaning::Bad(what) => CopyError::Bad { path: source.to_owned(), what },
                    Meaning::Unknown(why) => CopyError::Unknown { path: source.to_owned(), why },
                });
            }
        }
    }
    Ok(CopiedDatabase { examined: examine_database(target, Reading::Still, limits) })
}

fn busy(source: &Path, limits: &Limits) -> CopyError {
    CopyError::Busy { path: source.to_owned(), seconds: limits.time.as_secs() }
}

/// Copies one state; returns false when somebody began to write a database that nobody had open.
fn copy(source: &Path, target: &Path, limits: &Limits) -> Result<bool, Stop> {
    let source = Source::open(source, Reading::Live, limits)?;
    source.begin()?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut target = Connection::open_with_flags(target, flags)?;
    target.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA mmap_size = 0;")?;
    let backup = Backup::new(&source.connection, &mut target)?;
    // The read transaction is open, so a step neither waits for anybody nor begins anew.
    while backup.step(PAGES)? != StepResult::Done {
        if Instant::now() >= source.deadline {
            return Err(Stop::Unknown(format!("it takes longer than {} s", limits.time.as_secs())));
        }
    }
    Ok(source.stayed()?)
}

#[cfg(test)]
mod tests;
