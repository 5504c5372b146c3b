//! JSON Lines: one JSON value a line.

use super::json::{Walk, walk};
use super::{DuplicateKey, Format, Health, Validator};

/// JSON Lines.
pub const VALIDATOR: Validator =
    Validator { format: Format::Jsonl, name: "jsonl", max_bytes: 16 << 20, check, duplicate_keys };

fn check(text: &str) -> Health {
    match lines(text, &mut Walk::default()) {
        Ok(()) => Health::Good,
        Err(health) => health,
    }
}

fn duplicate_keys(text: &str) -> Result<Vec<DuplicateKey>, Health> {
    let mut state = Walk::default();
    lines(text, &mut state)?;
    state.doubled.finish()
}

fn lines(text: &str, state: &mut Walk) -> Result<(), Health> {
    for (index, line) in text.split('\n').enumerate() {
        // A file may end with a newline, and writers that append leave blank lines.
        if line.bytes().all(|byte| byte.is_ascii_whitespace()) {
            continue;
        }
        state.line = Some(index + 1);
        walk(line, state).map_err(|health| match health {
            Health::Bad { column, what, .. } => Health::Bad { line: index + 1, column, what },
            other => other,
        })?;
    }
    Ok(())
}
