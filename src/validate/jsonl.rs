//! JSON Lines: one JSON value a line.

use super::json::{self, Shape, walk};
use super::node::Node;
use super::{DuplicateKey, Health, Validator};
use crate::manifest::Format;

/// JSON Lines.
pub const VALIDATOR: Validator =
    Validator { format: Format::Jsonl, name: "jsonl", max_bytes: 16 << 20, check, duplicate_keys, node };

fn check(text: &str) -> Health {
    match walk(text, Shape::Lines) {
        Ok(_) => Health::Good,
        Err(health) => health,
    }
}

fn duplicate_keys(text: &str) -> Result<Vec<DuplicateKey>, Health> {
    walk(text, Shape::Lines)?.finish()
}

fn node(text: &str) -> Result<Node, Health> {
    filled(text).map(json::node).collect::<Result<_, _>>().map(Node::List)
}

/// Returns the lines that hold something: a file may end with a newline, and writers that append leave blank lines.
fn filled(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').filter(|line| !line.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\r')))
}
