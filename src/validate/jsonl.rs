//! JSON Lines: one JSON value a line.

use super::doubled::Doubled;
use super::json::walk;
use super::{DuplicateKey, Format, Health, Validator};

/// JSON Lines.
pub const VALIDATOR: Validator =
    Validator { format: Format::Jsonl, name: "jsonl", max_bytes: 16 << 20, check, duplicate_keys };

fn check(text: &str) -> Health {
    match lines(text, &mut Doubled::default()) {
        Ok(()) => Health::Good,
        Err(health) => health,
    }
}

fn duplicate_keys(text: &str) -> Result<Vec<DuplicateKey>, Health> {
    let mut doubled = Doubled::default();
    lines(text, &mut doubled)?;
    doubled.finish()
}

fn lines(text: &str, doubled: &mut Doubled) -> Result<(), Health> {
    for (index, line) in text.split('\n').enumerate() {
        // A file may end with a newline, and writers that append leave blank lines.
        if line.bytes().all(|byte| byte.is_ascii_whitespace()) {
            continue;
        }
        walk(line, Some(index + 1), doubled).map_err(|health| match health {
            Health::Bad { column, what, .. } => Health::Bad { line: index + 1, column, what },
            other => other,
        })?;
    }
    Ok(())
}
