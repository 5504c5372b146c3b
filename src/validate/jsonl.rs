//! JSON Lines: one JSON value a line.

use super::doubled::Doubled;
use super::json::{self, walk};
use super::keys::Node;
use super::{DuplicateKey, Format, Health, Validator};

/// JSON Lines.
pub const VALIDATOR: Validator =
    Validator { format: Format::Jsonl, name: "jsonl", max_bytes: 16 << 20, check, duplicate_keys, node };

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

fn node(text: &str) -> Result<Node, Health> {
    filled(text).map(|(_, line)| json::node(line)).collect::<Result<_, _>>().map(Node::List)
}

/// Returns the lines that hold something: a file may end with a newline, and writers that append leave blank lines.
fn filled(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split('\n').enumerate().filter(|(_, line)| !line.bytes().all(|byte| byte.is_ascii_whitespace()))
}

fn lines(text: &str, doubled: &mut Doubled) -> Result<(), Health> {
    for (index, line) in filled(text) {
        walk(line, Some(index + 1), doubled).map_err(|health| match health {
            Health::Bad { column, what, .. } => Health::Bad { line: index + 1, column, what },
            other => other,
        })?;
    }
    Ok(())
}
