//! A record's bytes: a first line with version and checksum, one line of JSON.
//!
//! SHA-1 is enough here: the checksum has to notice a cut file, a flipped bit, a bad copy. Whoever could forge one could
//! as well replace the whole file, checksum included; no hash without a key helps against that.

use crate::model::Record;

use super::JournalError;

/// The version of the format that this guard writes, and the only one it reads.
pub const VERSION: u32 = 1;
const MAGIC: &str = "recoveryguard-journal ";

/// Why a file in the journal's folder does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// It has no record's name.
    #[error("not a file of the journal")]
    Foreign,
    /// A folder, a link, a pipe: it was not followed or opened.
    #[error("not a regular file")]
    NotAFile,
    /// The end is missing, as after a power failure.
    #[error("cut off")]
    Truncated,
    /// The content is not what was written.
    #[error("its checksum is wrong")]
    Checksum,
    /// A later version.
    #[error("written by a newer guard (journal version {0})")]
    Newer(u32),
    /// Whole, but not understood.
    #[error("not understood: {0}")]
    Malformed(String),
    /// The system would not give it out.
    #[error("not readable: {0}")]
    Unreadable(String),
}

pub(super) fn encode(record: &Record) -> Result<Vec<u8>, JournalError> {
    let payload = serde_json::to_vec(record).map_err(JournalError::Encode)?;
    let mut bytes = format!("{MAGIC}{VERSION} {}\n", checksum(&payload).map_err(JournalError::Hash)?).into_bytes();
    bytes.extend(payload);
    bytes.push(b'\n');
    Ok(bytes)
}

pub(super) fn decode(bytes: &[u8]) -> Result<Record, Damage> {
    let known = bytes.len().min(MAGIC.len());
    if bytes[..known] != MAGIC.as_bytes()[..known] {
        return Err(Damage::Malformed("no record's first line".to_owned()));
    }
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else { return Err(Damage::Truncated) };
    let header = bytes.get(MAGIC.len()..end).and_then(|header| str::from_utf8(header).ok()).unwrap_or_default();
    let (version, expected) = header.split_once(' ').unwrap_or_default();
    match version.parse::<u32>() {
        Ok(VERSION) => {}
        Ok(newer) if newer > VERSION => return Err(Damage::Newer(newer)),
        _ => return Err(Damage::Malformed("no version in its first line".to_owned())),
    }
    let Some((b'\n', payload)) = bytes[end + 1..].split_last() else { return Err(Damage::Truncated) };
    if checksum(payload).map_err(Damage::Unreadable)? != expected {
        return Err(Damage::Checksum);
    }
    serde_json::from_slice(payload).map_err(|error| Damage::Malformed(error.to_string()))
}

fn checksum(payload: &[u8]) -> Result<String, String> {
    let mut hasher = gix::hash::hasher(gix::hash::Kind::Sha1);
    hasher.update(payload);
    hasher.try_finalize().map(|hash| hash.to_string()).map_err(|error| error.to_string())
}
