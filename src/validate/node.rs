//! A document as values within values, for the formats that are held whole.

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value};

use super::json::{Container, Scalar, Visit};

/// A value, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    /// A value without values in it.
    Scalar {
        /// As it is written.
        text: String,
        /// It is a text whatever it looks like, for it stands in quotes.
        is_text: bool,
    },
    /// Something that is written elsewhere in the file.
    Alias,
    /// Values.
    List(Vec<Node>),
    /// Keys with values.
    Object(BTreeMap<String, Node>),
    /// An object that merges another in (YAML's `<<`): it has more keys than stand there.
    Open(BTreeMap<String, Node>),
}

impl Node {
    /// Returns a text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Scalar { text: text.into(), is_text: true }
    }

    /// Returns a number, a truth value, nothing, or a text, by what is written.
    pub fn plain(text: impl Into<String>) -> Self {
        Self::Scalar { text: text.into(), is_text: false }
    }

    /// Returns whether a part of it is written elsewhere.
    pub fn is_open(&self) -> bool {
        match self {
            Self::Scalar { .. } => false,
            Self::Alias | Self::Open(_) => true,
            Self::List(items) => items.iter().any(Self::is_open),
            Self::Object(entries) => entries.values().any(Self::is_open),
        }
    }

    /// Tells a visitor of all that is in it.
    pub fn tell(&self, visit: &mut impl Visit) {
        match self {
            Self::Scalar { text, is_text } => visit.scalar(scalar(text, *is_text)),
            Self::Alias => visit.scalar(Scalar::Null),
            Self::List(items) => {
                visit.open(Container::List);
                for item in items {
                    visit.item();
                    item.tell(visit);
                }
                visit.close();
            }
            Self::Object(entries) | Self::Open(entries) => {
                visit.open(Container::Object);
                for (key, value) in entries {
                    visit.key(key.as_bytes());
                    value.tell(visit);
                }
                visit.close();
            }
        }
    }

    /// Returns it as a schema sees it.
    pub fn value(&self) -> Value {
        match self {
            Self::Alias => Value::Null,
            Self::Scalar { text, is_text } => match scalar(text, *is_text) {
                Scalar::Null => Value::Null,
                Scalar::Bool(value) => Value::Bool(value),
                Scalar::Number(_) => text.parse::<Number>().map_or(Value::Null, Value::Number),
                Scalar::Text(_) => Value::String(text.to_owned()),
            },
            Self::List(items) => Value::Array(items.iter().map(Self::value).collect()),
            Self::Object(entries) | Self::Open(entries) => {
                let entry = |(key, value): (&String, &Self)| (key.clone(), value.value());
                Value::Object(entries.iter().map(entry).collect::<Map<_, _>>())
            }
        }
    }
}

/// Says what a text is that stands without quotes (YAML 1.2, core schema, decimal numbers only).
fn scalar(text: &str, is_text: bool) -> Scalar<'_> {
    match text {
        _ if is_text => Scalar::Text(text.as_bytes()),
        "" | "~" | "null" | "Null" | "NULL" => Scalar::Null,
        "true" | "True" | "TRUE" => Scalar::Bool(true),
        "false" | "False" | "FALSE" => Scalar::Bool(false),
        number if number.parse::<Number>().is_ok() => Scalar::Number(number.as_bytes()),
        text => Scalar::Text(text.as_bytes()),
    }
}
