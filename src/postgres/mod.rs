//! PostgreSQL: the only place that starts its programs, and nothing but `pg_dump`, `pg_restore` and `psql`, found on `PATH`.
//!
//! How the server is reached is not ours to know: the programs read `PGHOST`, `PGUSER` and the like, `~/.pgpass` and
//! `pg_service.conf`. No password is ever asked for, and none stands on a command line. What a program is given of names
//! was checked by the manifest or made here.
//!
//! ```text
//! psql       begins a transaction, exports its snapshot, counts the rows     (and keeps it open)
//! pg_dump    writes that very snapshot                                       -> a file, and its facts
//! pg_restore reads the file back                                             -> a new database
//! psql       counts again; renames                                           -> in the place of the other, which stays
//! ```
//!
//! Programs are spoken to by pipes, so that they end with us, however we end: a dump that nobody reads stops, and a restore
//! whose input breaks off fails. Each has a time limit. Nothing here drops a database but scratch ones of our own making.
//!
//! # Limitations
//!
//! When guard is killed, its scratch database stays until the next restore or verification drops it; `guard doctor` tells. One that
//! was killed between making it and marking it leaves one that nobody drops. A statement that the server is just running (a count, an
//! index) goes on there until it is done.

use std::path::PathBuf;
use std::time::Duration;

mod belongings;
mod child;
mod dump;
mod restore;
mod session;
#[cfg(test)]
mod tests;

pub use child::Reach;
pub use dump::{Dumped, can_dump, check, dump};
pub use restore::{Scratch, connections, count_now, former, is_there, left_over, move_back, move_in};

/// Something could not be done.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// A program is not installed.
    #[error("there is no '{0}' on PATH")]
    Missing(&'static str),
    /// A program could not be started.
    #[error("'{program}' could not be started")]
    Start {
        /// Which.
        program: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A program failed: what it said, escaped.
    #[error("{program} failed: {said}")]
    Failed {
        /// Which.
        program: &'static str,
        /// Its first errors.
        said: String,
    },
    /// A program took too long and was ended.
    #[error("{program} was ended after {} s", limit.as_secs())]
    TimedOut {
        /// Which.
        program: &'static str,
        /// How long it had.
        limit: Duration,
    },
    /// A program's answer is not of the form that is known.
    #[error("{0} answered in an unknown form")]
    Answer(&'static str),
    /// A program is older than what it has to read.
    #[error("{program} has version {version}, and {what} version {needed}: it must not be older")]
    Older {
        /// Which.
        program: &'static str,
        /// Its version.
        version: String,
        /// What it has to read: `the server`, `the dump`.
        what: &'static str,
        /// That one's version.
        needed: String,
    },
    /// A dump is larger than what can be saved.
    #[error("its dump holds more than {}, which is the most: give it to a backup tool", crate::model::size(*.0))]
    TooLarge(u64),
    /// The scratch file could not be used.
    #[error("'{}' could not be used", crate::model::escape(path.as_os_str().as_encoded_bytes()))]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The same.
    #[error(transparent)]
    Disk(#[from] crate::disk::DiskError),
}
