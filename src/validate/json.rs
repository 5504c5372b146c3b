//! JSON as RFC 8259 has it: one value, nothing behind it.
//!
//! The document is walked value by value (strings decoded, so that lone surrogates are seen) without building it. A
//! parser that only skips, as `serde_json::value::RawValue` or `IgnoredAny` do, accepts strings it should not.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::doubled::{Doubled, step};
use super::keys::Node;
use super::{DuplicateKey, Format, Health, Validator, too_deep};

/// JSON.
pub const VALIDATOR: Validator =
    Validator { format: Format::Json, name: "json", max_bytes: 16 << 20, check, duplicate_keys, node };

fn check(text: &str) -> Health {
    match walk(text, None, &mut Doubled::default()) {
        Ok(()) => Health::Good,
        Err(health) => health,
    }
}

fn duplicate_keys(text: &str) -> Result<Vec<DuplicateKey>, Health> {
    let mut doubled = Doubled::default();
    walk(text, None, &mut doubled)?;
    doubled.finish()
}

/// Reads the document whole.
pub(super) fn node(text: &str) -> Result<Node, Health> {
    serde_json::from_str(text).map(of).map_err(|error| verdict(&error))
}

fn of(value: Value) -> Node {
    match value {
        Value::Null => Node::Scalar("null".to_owned()),
        Value::Bool(value) => Node::Scalar(value.to_string()),
        Value::Number(value) => Node::Scalar(value.to_string()),
        Value::String(text) => Node::Scalar(text),
        Value::Array(items) => Node::List(items.into_iter().map(of).collect()),
        Value::Object(entries) => Node::Object(entries.into_iter().map(|(key, value)| (key, of(value))).collect()),
    }
}

/// Walks one document and adds its doubled keys, for which `line` is reported where the caller knows it.
pub(super) fn walk(text: &str, line: Option<usize>, doubled: &mut Doubled) -> Result<(), Health> {
    let found = match walk_once(text, line) {
        // A number without a bound is no fault of the file; only once such a one is seen is the copy worth making.
        Err(error) if error.to_string().starts_with("number out of range") => {
            walk_once(&without_huge_numbers(text), line)
        }
        found => found,
    };
    doubled.append(found.map_err(|error| verdict(&error))?);
    Ok(())
}

/// What is carried through a document.
struct Walk {
    pointer: String,
    line: Option<usize>,
    doubled: Doubled,
}

fn walk_once(text: &str, line: Option<usize>) -> Result<Doubled, serde_json::Error> {
    let mut state = Walk { pointer: String::new(), line, doubled: Doubled::default() };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    Visited(&mut state).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(state.doubled)
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

/// Returns the text with every number that no f64 holds replaced by a 0 of the same length.
fn without_huge_numbers(text: &str) -> String {
    let mut out = text.to_owned();
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => at = end_of_string(bytes, at),
            b'-' | b'0'..=b'9' => {
                let is_part = |byte: &&u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
                let end = at + bytes[at..].iter().take_while(is_part).count();
                if is_huge_number(&text[at..end]) {
                    out.replace_range(at..end, &format!("0{}", " ".repeat(end - at - 1)));
                }
                at = end;
            }
            _ => at += 1,
        }
    }
    out
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

/// Returns whether a text is a number by JSON's grammar, and too large for a f64.
fn is_huge_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).map_or((unsigned, None), |(m, e)| (m, Some(e)));
    let (whole, fraction) = mantissa.split_once('.').map_or((mantissa, None), |(w, f)| (w, Some(f)));
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|exponent| digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)))
        && text.parse::<f64>().is_ok_and(f64::is_infinite)
}

struct Visited<'a>(&'a mut Walk);

impl<'de> DeserializeSeed<'de> for Visited<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Visited<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<(), A::Error> {
        let length = self.0.pointer.len();
        let mut index = 0_usize;
        loop {
            step(&mut self.0.pointer, &index.to_string());
            let value = values.next_element_seed(Visited(self.0))?;
            self.0.pointer.truncate(length);
            if value.is_none() {
                return Ok(());
            }
            index += 1;
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let length = self.0.pointer.len();
        let mut counts: BTreeMap<Cow<'de, str>, usize> = BTreeMap::new();
        while let Some(key) = entries.next_key_seed(Key)? {
            step(&mut self.0.pointer, &key);
            entries.next_value_seed(Visited(self.0))?;
            self.0.pointer.truncate(length);
            *counts.entry(key).or_default() += 1;
        }
        for (key, count) in counts.into_iter().filter(|(_, count)| *count > 1) {
            self.0.doubled.push(&self.0.pointer, &key, self.0.line, count);
        }
        Ok(())
    }
}

/// Borrows a key from the text where it has no escapes: a file of keys costs no allocation a key.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(key))
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(key.to_owned()))
    }
}
