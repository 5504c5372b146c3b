//! Why reading a database ended early, and what that says of it: damage is *bad*, a limit is *unknown*.

use std::io;

use rusqlite::{Error, ErrorCode};

use super::Limits;

/// Why reading ended early.
pub(crate) enum Stop {
    /// The system refused.
    Io(io::Error),
    /// SQLite found damage, or could not go on.
    Sqlite(Error),
    /// It is bad.
    Fault(String),
    /// A limit was hit.
    Unknown(String),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Sqlite(error)
    }
}

/// What it means that reading ended early.
pub(crate) enum Meaning {
    /// The file is damaged.
    Bad(String),
    /// Another process is writing it.
    Busy,
    /// A limit was hit.
    Unknown(String),
}

impl Stop {
    /// Returns whether another process is just setting up what readers of the log share: it can be read in a moment.
    pub(crate) fn is_opening(&self) -> bool {
        matches!(self, Self::Sqlite(error) if is_opening(error))
    }

    /// Says what it means, in words.
    pub(crate) fn meaning(self, limits: &Limits) -> Meaning {
        let error = match self {
            Self::Fault(what) => return Meaning::Bad(what),
            Self::Unknown(why) => return Meaning::Unknown(why),
            Self::Io(error) => return Meaning::Unknown(format!("it could not be read: {error}")),
            Self::Sqlite(error) if is_damage(&error) => return Meaning::Bad(words(&error)),
            Self::Sqlite(error) => error,
        };
        Meaning::Unknown(match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => return Meaning::Busy,
            Some(ErrorCode::OperationInterrupted) => out_of_time(limits),
            Some(ErrorCode::OutOfMemory) => "it needs more memory than is allowed".to_owned(),
            Some(ErrorCode::TooBig) => "a value in it is larger than is read".to_owned(),
            Some(_) if is_opening(&error) => return Meaning::Busy,
            Some(_) if is_cut_off(&error) => {
                "a transaction was cut off and has to be rolled back: open it once with the program it belongs to"
                    .to_owned()
            }
            _ => words(&error),
        })
    }
}

/// Returns whether an error says that the file is damaged, and not that a limit was hit: while it reads the schema,
/// SQLite calls both malformed, as in `malformed database schema (name) - reason`.
fn is_damage(error: &Error) -> bool {
    let is_limit = [
        "too many",
        "too big",
        "too large",
        "too complex",
        "overflow",
        "Recursion limit",
        "interrupted",
        "out of memory",
    ];
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
        && !words(error).rsplit_once(" - ").is_some_and(|(_, why)| is_limit.iter().any(|limit| why.contains(limit)))
}

/// Returns whether there is a journal to be rolled back, which only a connection that may write does.
fn is_cut_off(error: &Error) -> bool {
    error.sqlite_error().is_some_and(|error| error.extended_code == rusqlite::ffi::SQLITE_READONLY_ROLLBACK)
}

/// Returns whether another process is just setting up what readers of the log share: for a moment, only writers can read.
fn is_opening(error: &Error) -> bool {
    use rusqlite::ffi::{SQLITE_READONLY_CANTINIT, SQLITE_READONLY_CANTLOCK, SQLITE_READONLY_RECOVERY};
    let codes = [SQLITE_READONLY_CANTINIT, SQLITE_READONLY_CANTLOCK, SQLITE_READONLY_RECOVERY];
    error.sqlite_error().is_some_and(|error| codes.contains(&error.extended_code))
}

/// Returns what SQLite said.
pub(super) fn words(error: &Error) -> String {
    match error {
        Error::SqliteFailure(_, Some(what)) | Error::SqlInputError { msg: what, .. } => what.clone(),
        other => other.to_string(),
    }
}

/// Says that the time was over.
pub(super) fn out_of_time(limits: &Limits) -> String {
    format!("not all of it could be read within {} s", limits.time.as_secs_f32())
}
