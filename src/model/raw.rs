//! Bytes that came from a repository: paths, ref names, messages.
//!
//! They need not be UTF-8 and may hold escape sequences, so they are kept as bytes, stored losslessly, and shown
//! escaped. [`Raw`]'s `Display` is the only way such bytes reach a terminal.

use std::fmt;
use std::ops::Deref;

use bstr::{BStr, BString, ByteSlice};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes from a repository.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Raw(pub BString);

/// A path in a tree, `/` between its parts, without a leading one.
pub type TreePath = Raw;

/// A full or short ref name.
pub type RefName = Raw;

impl Raw {
    /// Returns the bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the bytes as a byte string.
    pub fn as_bstr(&self) -> &BStr {
        self.0.as_bstr()
    }
}

impl Raw {
    /// Returns whether this path is `other`, or stands beneath it as a folder; everything stands beneath an empty one.
    pub fn is_at(&self, other: &TreePath) -> bool {
        let folder = other.strip_suffix(b"/").unwrap_or(other);
        folder.is_empty() || self.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
    }
}

/// Returns `bytes` as text that can't control a terminal: control characters, bytes that are no UTF-8 and the
/// characters that reorder or hide text are written as escapes (`\n`, `\x1b`, `\u{202e}`).
pub fn escape(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if hides(character) { out.extend(character.escape_default()) } else { out.push(character) }
        }
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    out
}

fn hides(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

impl Deref for Raw {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&escape(&self.0))
    }
}

impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", escape(&self.0))
    }
}

impl From<&str> for Raw {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<String> for Raw {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<&[u8]> for Raw {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }
}

impl From<Vec<u8>> for Raw {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

/// UTF-8 is a JSON string; anything else is `{"bytes": "<hex>"}`, so that what is read is what was written.
impl Serialize for Raw {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.to_str() {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => {
                Stored::Bytes { bytes: self.0.iter().map(|byte| format!("{byte:02x}")).collect() }.serialize(serializer)
            }
        }
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Stored::deserialize(deserializer)? {
            Stored::Text(text) => Ok(text.into()),
            Stored::Bytes { bytes } => bytes
                .as_bytes()
                .chunks(2)
                .map(|pair| std::str::from_utf8(pair).ok().and_then(|hex| u8::from_str_radix(hex, 16).ok()))
                .collect::<Option<Vec<u8>>>()
                .map(Self::from)
                .ok_or_else(|| serde::de::Error::custom("'bytes' is not hex")),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Stored {
    Text(String),
    Bytes { bytes: String },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_control_a_terminal_is_escaped() {
        assert_eq!(escape(b"a\x1b[31m\n\xff"), r"a\u{1b}[31m\n\xff");
        assert_eq!(escape("ä\u{202e}b".as_bytes()), r"ä\u{202e}b");
    }

    #[test]
    fn bytes_of_any_kind_survive_json() {
        for bytes in [&b"plain"[..], b"\xff\x00x", b"", b"{\"bytes\"}"] {
            let raw = Raw::from(bytes);
            let back: Raw = serde_json::from_str(&serde_json::to_string(&raw).unwrap()).unwrap();
            assert_eq!(back, raw);
        }
    }
}
