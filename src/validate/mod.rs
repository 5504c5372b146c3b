//! Bytes in, health out: whether a data file can be read, which keys stand in it, and which of them twice.
//!
//! One file a format, one [`REGISTER`] of those that have keys. Nothing here knows git or paths; the same bytes get the same
//! answer whether they come from a blob, a file or a pipe. Input is hostile: whatever stands in it, an answer comes
//! without a panic, in linear time and in memory bounded by a small multiple of the input. Where a limit (size, depth,
//! number of doubled keys) ends the work the answer is [`Health::Unknown`]: never good, never bad.

mod collect;
mod csv;
mod demands;
mod doubled;
mod examine;
mod examined;
mod hashes;
mod json;
mod jsonc;
mod jsonl;
mod keys;
mod node;
mod records;
mod schema;
pub mod sqlite;
mod text;
mod toml;
mod yaml;

pub use demands::Demands;
pub use doubled::DuplicateKey;
pub use examine::examine;
pub use examined::{About, Contents, Examined, Fault, Faults, Names, Place, Standing, Table};
pub use keys::{Keys, Kind, container, keys};
pub use schema::Schema;

use crate::manifest::Format;

/// Containers within containers, at most; what nests deeper is unknown. serde_json's own limit is the same.
pub const MAX_DEPTH: usize = 128;

/// What is known of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// It can be read. A key may stand in it twice: ask [`duplicate_keys`].
    Good,
    /// It can't.
    Bad {
        /// The line of the first fault, from 1.
        line: usize,
        /// The column, from 1, in bytes or characters as the format's parser counts.
        column: usize,
        /// The fault, in the parser's words; holds text of the file, so it has to be escaped before it is shown.
        what: String,
    },
    /// A limit was hit.
    Unknown {
        /// Which.
        why: String,
    },
}

/// How one format is checked.
#[derive(Debug, Clone, Copy)]
pub struct Validator {
    /// The format.
    pub format: Format,
    /// Its name in the manifest and in messages.
    pub name: &'static str,
    /// The largest file that is read, in bytes.
    pub max_bytes: usize,
    check: fn(&str) -> Health,
    duplicate_keys: fn(&str) -> Result<Vec<DuplicateKey>, Health>,
    node: fn(&str) -> Result<node::Node, Health>,
}

/// Every format that has keys.
pub static REGISTER: &[Validator] =
    &[json::VALIDATOR, jsonc::VALIDATOR, jsonl::VALIDATOR, yaml::VALIDATOR, toml::VALIDATOR];

/// Reads all of a file and says whether it can be read. [`examine`] says all that can be said.
pub fn check(format: Format, bytes: &[u8]) -> Health {
    match validator(format).map(|validator| (validator, text(validator, bytes))) {
        Some((validator, Ok(text))) => (validator.check)(text),
        Some((_, Err(health))) => health,
        None => plain(format, bytes),
    }
}

/// Checks a file that has no keys.
fn plain(format: Format, bytes: &[u8]) -> Health {
    let mut bytes = bytes;
    // Reading from memory does not fail.
    let Ok(examined) = examine(format, &mut bytes, &Demands::default()) else { return Health::Good };
    if let Some(fault) = examined.faults.first.into_iter().next() {
        let (line, column) = match fault.place {
            Place::Line { line, column } => (line, column),
            _ => (1, 1),
        };
        let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        return Health::Bad { line: number(line), column: number(column), what: fault.what };
    }
    match examined.unknown.into_iter().next() {
        Some(why) => Health::Unknown { why },
        None => Health::Good,
    }
}

/// Returns the keys that stand twice in one object, in the order in which their objects end; or, where the file is not
/// good, its health.
///
/// For TOML, where a doubled key is an error, a file whose only faults are doubled keys is good for [`check`] and has
/// them listed here: so one fault is said once.
pub fn duplicate_keys(format: Format, bytes: &[u8]) -> Result<Vec<DuplicateKey>, Health> {
    match validator(format) {
        Some(validator) => (validator.duplicate_keys)(text(validator, bytes)?),
        None => match plain(format, bytes) {
            Health::Good => Ok(Vec::new()),
            health => Err(health),
        },
    }
}

fn validator(format: Format) -> Option<&'static Validator> {
    REGISTER.iter().find(|validator| validator.format == format)
}

/// Returns the file as text, without its byte order mark.
fn text<'a>(validator: &Validator, bytes: &'a [u8]) -> Result<&'a str, Health> {
    if bytes.len() > validator.max_bytes {
        return Err(Health::Unknown { why: format!("larger than {} MiB", validator.max_bytes >> 20) });
    }
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| bad_at(bytes, error.valid_up_to(), "bytes that are not UTF-8"))
}

/// Returns the verdict on a fault at an offset.
fn bad_at(bytes: &[u8], offset: usize, what: impl Into<String>) -> Health {
    let before = &bytes[..offset.min(bytes.len())];
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    let line = before.split(|byte| *byte == b'\n').count();
    Health::Bad { line, column: before.len() - line_start + 1, what: what.into() }
}

fn too_deep() -> Health {
    Health::Unknown { why: format!("nested deeper than {MAX_DEPTH} levels") }
}

#[cfg(test)]
mod examine_tests;
#[cfg(test)]
mod tests;
