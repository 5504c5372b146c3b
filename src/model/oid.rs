//! Object names: 20 bytes in SHA-1 repositories, 32 in SHA-256 ones.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Which hash names a repository's objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HashKind {
    /// 20 bytes, 40 hex digits.
    Sha1,
    /// 32 bytes, 64 hex digits.
    Sha256,
}

impl HashKind {
    /// Returns the length of an object name in bytes.
    pub const fn len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }
}

/// The name of an object.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Oid {
    kind: HashKind,
    bytes: [u8; 32],
}

/// A text that is no object name: neither 40 nor 64 hex digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not an object name (40 or 64 hex digits)")]
pub struct ParseOidError(pub String);

impl Oid {
    /// Takes 20 or 32 raw bytes; any other length is `None`.
    pub fn from_bytes(raw: &[u8]) -> Option<Self> {
        let kind = match raw.len() {
            20 => HashKind::Sha1,
            32 => HashKind::Sha256,
            _ => return None,
        };
        let mut bytes = [0; 32];
        bytes[..raw.len()].copy_from_slice(raw);
        Some(Self { kind, bytes })
    }

    /// Takes 40 or 64 hex digits as bytes.
    pub fn from_hex(hex: &[u8]) -> Option<Self> {
        if hex.len() != 40 && hex.len() != 64 {
            return None;
        }
        let mut raw = [0; 32];
        for (byte, pair) in raw.iter_mut().zip(hex.chunks_exact(2)) {
            let high = char::from(pair[0]).to_digit(16)?;
            let low = char::from(pair[1]).to_digit(16)?;
            *byte = u8::try_from(high * 16 + low).ok()?;
        }
        Self::from_bytes(&raw[..hex.len() / 2])
    }

    /// Returns the all-zero name, with which git says "no object".
    pub const fn null(kind: HashKind) -> Self {
        Self { kind, bytes: [0; 32] }
    }

    /// Returns whether this is the all-zero name.
    pub fn is_null(&self) -> bool {
        self.bytes == [0; 32]
    }

    /// Returns `None` for the all-zero name.
    pub fn non_null(self) -> Option<Self> {
        (!self.is_null()).then_some(self)
    }

    /// Returns the raw bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.kind.len()]
    }

    /// Returns which hash made this name.
    pub const fn kind(&self) -> HashKind {
        self.kind
    }

    /// Returns the first ten hex digits, for people.
    pub fn short(&self) -> String {
        self.to_string()[..10].to_owned()
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Oid {
    type Err = ParseOidError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_hex(text.as_bytes()).ok_or_else(|| ParseOidError(super::escape(text.as_bytes())))
    }
}

impl Serialize for Oid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Oid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_of_both_lengths_round_trips() {
        for text in ["a".repeat(40), "0f".repeat(32)] {
            assert_eq!(text.parse::<Oid>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "abc", &"g".repeat(40), &"a".repeat(41), &"é".repeat(20)] {
            assert!(text.parse::<Oid>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_null_name_is_known_in_both_kinds() {
        assert!("0".repeat(40).parse::<Oid>().unwrap().is_null());
        assert!("0".repeat(64).parse::<Oid>().unwrap().non_null().is_none());
    }
}
