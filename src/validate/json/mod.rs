//! JSON as RFC 8259 has it: one value, nothing behind it.
//!
//! [`scan`] reads the document token by token, without building it.

mod scan;
mod seen;
mod text;
mod tokens;
mod window;

use serde_json::Value;

use super::doubled::Doubled;
use super::node::Node;
use super::{DuplicateKey, Health, Validator, too_deep};
use crate::manifest::Format;

pub(super) use scan::{Container, Scalar, Shape, Visit, scan};
pub(super) use tokens::Stop;

/// JSON.
pub const VALIDATOR: Validator =
    Validator { format: Format::Json, name: "json", max_bytes: 16 << 20, check, duplicate_keys, node };

fn check(text: &str) -> Health {
    match walk(text, Shape::Document) {
        Ok(_) => Health::Good,
        Err(health) => health,
    }
}

fn duplicate_keys(text: &str) -> Result<Vec<DuplicateKey>, Health> {
    walk(text, Shape::Document)?.finish()
}

/// Reads a text to its end, and returns its doubled keys.
pub(super) fn walk(text: &str, shape: Shape) -> Result<Doubled, Health> {
    let (scanned, result) = scan(&mut text.as_bytes(), shape, &mut ());
    result.map_err(health)?;
    Ok(scanned.doubled)
}

/// Returns the verdict on a text that could not be read to its end.
fn health(stop: Stop) -> Health {
    let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    match stop {
        Stop::Bad { line, column, what } => Health::Bad { line: number(line), column: number(column), what },
        Stop::Unknown(why) => Health::Unknown { why },
        Stop::Io(error) => Health::Unknown { why: error.to_string() },
    }
}

/// Reads the document whole.
pub(super) fn node(text: &str) -> Result<Node, Health> {
    serde_json::from_str(text).map(of).map_err(|error| verdict(&error))
}

fn of(value: Value) -> Node {
    match value {
        Value::Null => Node::plain("null"),
        Value::Bool(value) => Node::plain(value.to_string()),
        Value::Number(value) => Node::plain(value.to_string()),
        Value::String(text) => Node::text(text),
        Value::Array(items) => Node::List(items.into_iter().map(of).collect()),
        Value::Object(entries) => Node::Object(entries.into_iter().map(|(key, value)| (key, of(value))).collect()),
    }
}

/// Reads a document as a schema sees it; JSON Lines as a list.
pub(super) fn value(text: &str, shape: Shape) -> Result<Value, serde_json::Error> {
    match shape {
        Shape::Document => serde_json::from_str(text),
        Shape::Lines => {
            serde_json::Deserializer::from_str(text).into_iter().collect::<Result<_, _>>().map(Value::Array)
        }
    }
}

fn verdict(error: &serde_json::Error) -> Health {
    let message = error.to_string();
    if message.starts_with("recursion limit exceeded") {
        return too_deep();
    }
    // serde_json appends the place, which is told apart here.
    let what = message.rfind(" at line ").map_or(message.as_str(), |end| &message[..end]).to_owned();
    Health::Bad { line: error.line().max(1), column: error.column().max(1), what }
}

/// Returns the offset behind the string that starts at `start`.
pub(super) fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests;
