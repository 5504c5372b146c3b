//! JSON with comments and trailing commas, as editors and compilers read their configuration.

use super::json::{self, Shape, end_of_string, walk};
use super::node::Node;
use super::{DuplicateKey, Health, Validator, bad_at};
use crate::manifest::Format;

/// JSON with comments.
pub const VALIDATOR: Validator =
    Validator { format: Format::Jsonc, name: "jsonc", max_bytes: 16 << 20, check, duplicate_keys, node };

fn check(text: &str) -> Health {
    match plain(text).and_then(|json| walk(&json, Shape::Document)) {
        Ok(_) => Health::Good,
        Err(health) => health,
    }
}

fn duplicate_keys(text: &str) -> Result<Vec<DuplicateKey>, Health> {
    walk(&plain(text)?, Shape::Document)?.finish()
}

fn node(text: &str) -> Result<Node, Health> {
    json::node(&plain(text)?)
}

/// Returns the text as JSON: comments and trailing commas become blanks, so every position stays what it was.
fn plain(text: &str) -> Result<String, Health> {
    let mut bytes = text.as_bytes().to_vec();
    let mut at = 0;
    // The last byte that means something, and where the comma is that may turn out to be a trailing one.
    let mut last = None;
    let mut comma = None;
    while at < bytes.len() {
        let end = match (bytes[at], bytes.get(at + 1)) {
            (b'/', Some(b'/')) => {
                bytes[at..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |len| at + len)
            }
            (b'/', Some(b'*')) => match bytes[at + 2..].windows(2).position(|pair| pair == b"*/") {
                Some(len) => at + 2 + len + 2,
                None => return Err(bad_at(text.as_bytes(), at, "a comment that does not end")),
            },
            (byte, _) => {
                at = match byte {
                    b'"' => end_of_string(&bytes, at),
                    _ => at + 1,
                };
                if byte.is_ascii_whitespace() {
                    continue;
                }
                if let (b']' | b'}', Some(comma)) = (byte, comma) {
                    bytes[comma] = b' ';
                }
                // A comma after nothing (`[,]`, `[1,,]`) is no trailing comma.
                let follows_value = !matches!(last, None | Some(b'[' | b'{' | b',' | b':'));
                comma = (byte == b',' && follows_value).then_some(at - 1);
                last = Some(byte);
                continue;
            }
        };
        bytes[at..end].iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
        at = end;
    }
    String::from_utf8(bytes).map_err(|error| bad_at(text.as_bytes(), error.utf8_error().valid_up_to(), "not UTF-8"))
}
