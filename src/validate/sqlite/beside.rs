//! What stands beside a database and around it: its write-ahead log, its rollback journal, the locks of others.
//!
//! Only read, never through SQLite: a connection could make files, roll back, or wait. The formats are those of
//! <https://www.sqlite.org/fileformat2.html>, sections 3 and 4; the lock bytes those of SQLite's `os.h`.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::process::{Flock, FlockOffsetType, FlockType, fcntl_getlk};

use super::likeness::MAGIC;
use crate::model::Use;

/// Where SQLite's locks lie: one pending byte, one reserved, 510 shared.
const LOCK_BYTES: (u64, u64) = (0x4000_0000, 512);

const JOURNAL_MAGIC: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
const WAL_MAGIC: [u8; 3] = [0x37, 0x7f, 0x06];
const WAL_HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// How the names of the files end that hold a part of a database: its logs. Its `-shm` holds nothing of its own: whoever opens the
/// database next makes it from the log.
pub const LOGS: [&str; 2] = ["-wal", "-journal"];

/// So many frames tell that a log is in use: whoever waits for a merge need not wait for the rest to be counted.
const COUNTED: u64 = 10_000;
/// The size of a page is a power of two from here on.
pub const SMALLEST_PAGE: u64 = 512;

/// Returns how a database is in use; `None` when nothing tells that it is.
///
/// Nothing is created or changed. A process that has a database open in rollback mode and does not use it right now
/// holds no lock: it can't be seen. Closing the file, which this does, drops this process's own locks on it (POSIX
/// locks belong to the process): not to be called while a connection of ours has the database open.
pub fn in_use(path: &Path) -> io::Result<Option<Use>> {
    let (start, length) = LOCK_BYTES;
    let asked = Flock { start, length, offset_type: FlockOffsetType::Set, ..Flock::from(FlockType::WriteLock) };
    // Opened only when it is a file: opening a pipe would wait for a writer.
    if std::fs::metadata(path)?.is_file()
        && let Some(held) = fcntl_getlk(File::open(path)?, &asked)?
    {
        return Ok(Some(Use::Locked { pid: held.pid.map(|pid| pid.as_raw_nonzero().get()) }));
    }
    left_beside(path)
}

/// Returns what stands beside a database and would be played into any file at its place, whoever uses it.
pub fn left_beside(path: &Path) -> io::Result<Option<Use>> {
    // SQLite follows a link and puts its files beside what the link names.
    let path = std::fs::canonicalize(path)?;
    let frames = frames(&companion(&path, "-wal"), COUNTED)?;
    if frames > 0 {
        return Ok(Some(Use::Wal { frames }));
    }
    Ok(has_journal(&path)?.then_some(Use::Journal))
}

/// Returns whether a regular file begins as a database does.
pub fn is_database(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|there| there.is_file())
        && File::open(path).is_ok_and(|mut file| begins_as_database(&mut file))
}

/// Returns whether a stream begins as a database does.
pub fn begins_as_database(stream: &mut dyn Read) -> bool {
    let mut first = [0; MAGIC.len()];
    stream.read_exact(&mut first).is_ok() && first == MAGIC
}

/// Returns the path of a database's `-wal`, `-shm` or `-journal`.
pub(super) fn companion(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Returns the ending of what stands in a companion's place and is no regular file. SQLite would open it, and wait for the writer
/// of a pipe.
pub(super) fn odd_companion(path: &Path) -> Option<&'static str> {
    let is_odd = |ending: &&str| std::fs::metadata(companion(path, ending)).is_ok_and(|data| !data.is_file());
    ["-wal", "-shm", "-journal"].into_iter().find(is_odd)
}

/// Returns a companion's length, `None` when there is none: what is no regular file is none.
pub(super) fn length(companion: &Path) -> io::Result<Option<u64>> {
    match std::fs::metadata(companion) {
        Ok(data) => Ok(data.is_file().then_some(data.len())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns whether a rollback journal stands beside a database whose first page is whole. A finished one is removed,
/// emptied, or has its beginning zeroed.
pub(super) fn has_journal(path: &Path) -> io::Result<bool> {
    let journal = companion(path, "-journal");
    if length(&journal)?.unwrap_or(0) < JOURNAL_MAGIC.len() as u64 {
        return Ok(false);
    }
    let mut magic = [0; JOURNAL_MAGIC.len()];
    File::open(journal)?.read_exact(&mut magic)?;
    Ok(magic == JOURNAL_MAGIC)
}

/// Returns how many frames of a write-ahead log belong to finished transactions of its present round; when there are `enough`,
/// no more are looked for. Checksums are not recomputed: a frame that was torn counts.
pub(super) fn frames(wal: &Path, enough: u64) -> io::Result<u64> {
    let length = length(wal)?.unwrap_or(0);
    if length < WAL_HEADER as u64 {
        return Ok(0);
    }
    let mut file = File::open(wal)?;
    let mut header = [0; WAL_HEADER];
    file.read_exact(&mut header)?;
    let page_size = u64::from(number(&header, 8));
    if header[..3] != WAL_MAGIC || page_size < SMALLEST_PAGE {
        return Ok(0);
    }
    let (mut frames, mut seen) = (0, 0);
    let mut at = WAL_HEADER as u64;
    let whole = FRAME_HEADER as u64 + page_size;
    while at + whole <= length && frames < enough {
        let mut frame = [0; FRAME_HEADER];
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut frame)?;
        // Frames of an earlier round have other salts.
        if frame[8..16] != header[16..24] {
            break;
        }
        seen += 1;
        if number(&frame, 4) != 0 {
            frames = seen;
        }
        at += whole;
    }
    Ok(frames)
}

/// Reads a big-endian number of four bytes; 0 beyond the end.
pub(super) fn number(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_be_bytes)
}

/// What changes when somebody writes a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    file: (u64, u64, u64),
    written: (i64, i64),
    changed: (i64, i64),
    wal: Option<u64>,
}

impl Stamp {
    /// Takes it.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let data = std::fs::metadata(path)?;
        Ok(Self {
            file: (data.dev(), data.ino(), data.len()),
            written: (data.mtime(), data.mtime_nsec()),
            changed: (data.ctime(), data.ctime_nsec()),
            wal: length(&companion(path, "-wal"))?,
        })
    }
}
