//! Opens databases for reading, in the one way that neither changes them nor trusts them.
//!
//! A database that others may write is opened in one of three ways, by what stands beside it:
//!
//! | journal | `-wal` | `-shm` | opened |
//! |---|---|---|---|
//! | rollback | none | – | read-only, with SQLite's locks: a writer waits meanwhile, as for any reader |
//! | WAL | there | there | read-only, `readonly_shm`: reads the log too; nothing beside the file is written |
//! | WAL | with frames | none | read-only: SQLite makes the `-shm` anew, as for any reader; the file and its log stay as they are. Where it can't be made, opening fails |
//! | WAL | none or empty | any | nobody has it open; read like a still file, and whoever asked has to see that it stayed so ([`Source::stayed`]): a plain reader would leave a new `-wal` and `-shm` behind |

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};

use super::beside::{Stamp, companion, length, number, odd_companion};
use super::likeness::{self, Likeness};
use super::{Limits, Reading, Stop, head};

/// Bytes of a value, and memory of all connections of this process, at most; both end in *unknown*.
const MAX_VALUE: i32 = 32 << 20;
const MAX_MEMORY: i64 = 112 << 20;
/// Pages kept in memory, in KiB.
const CACHE: i64 = 8 << 10;
/// Tables, indexes, triggers and views, at most.
const MAX_OBJECTS: i32 = 50_000;
/// So long a program that has the database locked is waited for: it writes for milliseconds, or means to keep it.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// The time is looked at once in so many steps of SQLite's machine.
const STEPS: i32 = 1000;

/// A database that was opened for reading.
pub(crate) struct Source {
    /// The connection.
    pub(crate) connection: Connection,
    /// When its time is over.
    pub(crate) deadline: Instant,
    /// Where it is, links followed: what belongs to it stands beside it there.
    pub(super) path: PathBuf,
    head: Vec<u8>,
    stamp: Option<Stamp>,
}

impl Source {
    /// Opens a file that looks like a database and is within the limits.
    pub(crate) fn open(path: &Path, reading: Reading, limits: &Limits) -> Result<Self, Stop> {
        let path = std::fs::canonicalize(path)?;
        let data = std::fs::metadata(&path)?;
        if !data.is_file() {
            return Err(Stop::Unknown("it is no regular file".to_owned()));
        }
        if data.len() > limits.bytes {
            return Err(Stop::Unknown(format!("larger than {} MiB", limits.bytes >> 20)));
        }
        let head = head(&path)?;
        match likeness::of(&head, data.len()) {
            Likeness::Database => {}
            Likeness::Other(what) => return Err(Stop::Fault(format!("no SQLite database: {what}"))),
            Likeness::Sealed(why) => return Err(Stop::Unknown(why.to_owned())),
        }
        if let Some(ending) = odd_companion(&path) {
            return Err(Stop::Unknown(format!("its '{ending}' is no regular file")));
        }
        let (options, stamp) = way(&path, &head, reading)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(format!("file:{}?mode=ro&{options}", encode(&path)), flags)?;
        connection.busy_timeout(limits.time.min(PATIENCE))?;
        let deadline = Instant::now() + limits.time;
        distrust(&mut connection, deadline)?;
        Ok(Self { connection, deadline, path, head, stamp })
    }

    /// Begins to read: until the connection is closed, one state of the database is seen.
    pub(crate) fn begin(&self) -> rusqlite::Result<()> {
        self.connection.execute_batch("BEGIN")?;
        self.connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
    }

    /// Returns how long the file should be; `None` when its header says nothing of use.
    ///
    /// While the transaction is open SQLite tells, for the header may have changed since the file was opened, and
    /// reading it now would end in closing the file, which drops SQLite's locks on it.
    pub(super) fn wanted(&self) -> Option<u64> {
        let ask = |pragma: &str| self.connection.query_row(pragma, [], |row| row.get::<_, i64>(0)).ok();
        if let (Some(size), Some(pages)) = (ask("PRAGMA page_size"), ask("PRAGMA page_count")) {
            return Some(size.unsigned_abs() * pages.unsigned_abs());
        }
        let size = match number(&self.head, 14) & 0xffff {
            1 => 65_536,
            size => u64::from(size),
        };
        (size >= 512).then(|| u64::from(number(&self.head, 28)) * size)
    }

    /// Returns whether what was read is one state of the database. Asked after the last read.
    pub(crate) fn stayed(&self) -> io::Result<bool> {
        self.stamp.map_or(Ok(true), |stamp| Ok(Stamp::of(&self.path)? == stamp))
    }
}

/// Chooses how a database is opened: options of its URI, and what must stay the same meanwhile.
fn way(path: &Path, head: &[u8], reading: Reading) -> io::Result<(&'static str, Option<Stamp>)> {
    if reading == Reading::Still {
        return Ok(("immutable=1", None));
    }
    let stamp = Stamp::of(path)?;
    let wal = length(&companion(path, "-wal"))?;
    let shm = length(&companion(path, "-shm"))?;
    Ok(match (wal, shm) {
        (Some(_), Some(_)) => ("readonly_shm=1", None),
        (Some(1..), None) => ("", None),
        // The versions in the header that stand for a log.
        _ if head.get(18..20).is_some_and(|versions| versions.contains(&2)) => ("immutable=1", Some(stamp)),
        _ => ("", None),
    })
}

/// Makes a connection safe for a file that somebody made to harm us, and bounds its memory and time.
///
/// Nothing of the schema's text runs but what generated columns and indexes need: functions without side effects
/// (`trusted_schema`), no views, no triggers, no extensions, no other database.
fn distrust(connection: &mut Connection, deadline: Instant) -> rusqlite::Result<()> {
    for (setting, value) in [
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
    ] {
        connection.set_db_config(setting, value)?;
    }
    for (limit, value) in [
        (Limit::SQLITE_LIMIT_LENGTH, MAX_VALUE),
        (Limit::SQLITE_LIMIT_ATTACHED, 0),
        (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
        (Limit::SQLITE_LIMIT_SCHEMA, MAX_OBJECTS),
    ] {
        connection.set_limit(limit, value)?;
    }
    connection.progress_handler(STEPS, Some(move || Instant::now() >= deadline))?;
    // Of the pragmas, those that need no schema come first: reading a damaged one fails.
    for (name, value) in [
        ("hard_heap_limit", MAX_MEMORY),
        ("mmap_size", 0),
        ("cell_size_check", 1),
        ("query_only", 1),
        // Nothing is written anywhere, temporary files included.
        ("temp_store", 2),
        ("cache_size", -CACHE),
    ] {
        connection.pragma_update_and_check(None, name, value, |_| Ok(())).or_else(|error| match error {
            rusqlite::Error::QueryReturnedNoRows => Ok(()),
            other => Err(other),
        })?;
    }
    Ok(())
}

/// Writes a path for a URI; SQLite decodes each byte, whatever it is.
fn encode(path: &Path) -> String {
    let mut uri = String::new();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => uri.push(char::from(*byte)),
            _ => uri.push_str(&format!("%{byte:02x}")),
        }
    }
    uri
}
