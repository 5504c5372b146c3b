//! What reads messages of commits, opened to the fuzz targets (`tests/fuzz`) alone.

use super::revert_words::{Words, fast_forward, reverts, takes_something_back};

/// Reads what a message says it takes back; returns how many commits and ranges it names.
pub fn message(message: &[u8]) -> usize {
    let subject = message.split(|byte| *byte == b'\n').next().unwrap_or_default();
    Words::read(subject, message);
    fast_forward(subject);
    takes_something_back(message);
    reverts(message).len()
}
