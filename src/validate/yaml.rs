//! YAML 1.2, a stream of any number of documents.
//!
//! Only the parser's events are looked at: nothing is built and no alias is followed, so a document that would unfold
//! to gigabytes costs what its text costs. Custom tags mean nothing here and are no fault.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, ScalarStyle};

use super::doubled::{Doubled, step};
use super::node::Node;
use super::{DuplicateKey, Health, MAX_DEPTH, Validator, bad_at, too_deep};
use crate::manifest::Format;

/// YAML.
pub const VALIDATOR: Validator =
    Validator { format: Format::Yaml, name: "yaml", max_bytes: 16 << 20, check, duplicate_keys, node };

fn check(text: &str) -> Health {
    match events(text) {
        Ok(_) => Health::Good,
        Err(health) => health,
    }
}

fn duplicate_keys(text: &str) -> Result<Vec<DuplicateKey>, Health> {
    events(text)?.finish()
}

fn node(text: &str) -> Result<Node, Health> {
    let mut builder = Builder { open: Vec::new(), documents: Vec::new() };
    let mut parser = Parser::new_from_str(text);
    // What is no fault of the grammar is found by the same reading that looks for doubled keys.
    events(text)?;
    while let Some(Ok((event, _))) = parser.next_event() {
        match event {
            Event::SequenceStart(..) => builder.open.push(Building::List(Vec::new())),
            Event::MappingStart(..) => builder.open.push(Building::default()),
            Event::SequenceEnd | Event::MappingEnd => builder.close(),
            Event::Scalar(value, style, ..) => {
                let is_plain = style == ScalarStyle::Plain;
                let merges = is_plain && value == "<<";
                builder.scalar(Node::Scalar { text: value.into_owned(), is_text: !is_plain }, merges);
            }
            Event::Alias(_) => builder.take(Node::Alias),
            _ => {}
        }
    }
    let mut documents = builder.documents;
    match (documents.pop(), documents.is_empty()) {
        (Some(only), true) => Ok(only),
        (None, _) => Ok(Node::plain("")),
        _ => Err(Health::Unknown { why: "several documents".to_owned() }),
    }
}

/// A collection whose end has not come yet.
enum Building {
    List(Vec<Node>),
    Object {
        entries: BTreeMap<String, Node>,
        next: Next,
        /// It merges another one in.
        is_open: bool,
    },
}

/// What comes next in an object.
enum Next {
    Key,
    /// The value of this key.
    Value(String),
    /// The value of a key that has no text, or that merges another object in.
    Nameless,
}

impl Default for Building {
    fn default() -> Self {
        Self::Object { entries: BTreeMap::new(), next: Next::Key, is_open: false }
    }
}

struct Builder {
    open: Vec<Building>,
    documents: Vec<Node>,
}

impl Builder {
    fn scalar(&mut self, node: Node, merges: bool) {
        match (self.open.last_mut(), node) {
            (Some(Building::Object { next: next @ Next::Key, is_open, .. }), Node::Scalar { text, .. }) => {
                *is_open |= merges;
                *next = if merges { Next::Nameless } else { Next::Value(text) };
            }
            (_, node) => self.take(node),
        }
    }

    fn close(&mut self) {
        match self.open.pop() {
            Some(Building::List(items)) => self.take(Node::List(items)),
            Some(Building::Object { entries, is_open: true, .. }) => self.take(Node::Open(entries)),
            Some(Building::Object { entries, .. }) => self.take(Node::Object(entries)),
            None => {}
        }
    }

    /// Puts a value where it belongs.
    fn take(&mut self, node: Node) {
        match self.open.last_mut() {
            None => self.documents.push(node),
            Some(Building::List(items)) => items.push(node),
            Some(Building::Object { entries, next, .. }) => {
                *next = match std::mem::replace(next, Next::Key) {
                    Next::Key => Next::Nameless,
                    Next::Nameless => Next::Key,
                    Next::Value(name) => {
                        entries.insert(name, node);
                        Next::Key
                    }
                };
            }
        }
    }
}

/// A collection that is not finished yet.
enum Open {
    Sequence {
        /// The items so far.
        items: usize,
    },
    Mapping {
        /// The keys and values so far: a key comes next when it is even.
        nodes: usize,
        /// The key whose value comes next or is being read; empty for one that is no scalar.
        key: String,
        /// How often each scalar key stood here, and in which line last.
        keys: BTreeMap<String, (usize, usize)>,
    },
}

pub(super) fn events(text: &str) -> Result<Doubled, Health> {
    // The parser takes NUL for the end of its input and would call what follows good.
    if let Some(offset) = text.bytes().position(|byte| byte == 0) {
        return Err(bad_at(text.as_bytes(), offset, "a NUL byte"));
    }
    let mut open: Vec<Open> = Vec::new();
    let mut doubled = Doubled::default();
    let mut parser = Parser::new_from_str(text);
    while let Some(next) = parser.next_event() {
        let (event, span) = next.map_err(|error| {
            if error.info().contains("recursion limit") {
                return too_deep();
            }
            let at = error.marker();
            Health::Bad { line: at.line().max(1), column: at.col() + 1, what: error.info().to_owned() }
        })?;
        match event {
            Event::SequenceStart(..) => {
                start(&mut open, None);
                open.push(Open::Sequence { items: 0 });
            }
            Event::MappingStart(..) => {
                start(&mut open, None);
                open.push(Open::Mapping { nodes: 0, key: String::new(), keys: BTreeMap::new() });
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(Open::Mapping { keys, .. }) = open.pop() {
                    report(&open, &keys, &mut doubled);
                }
                end(&mut open);
            }
            Event::Scalar(value, style, ..) => {
                // `<<` merges another mapping in; some writers use it more than once.
                let merges = style == ScalarStyle::Plain && value == "<<";
                start(&mut open, (!merges).then_some((&*value, span.start.line())));
                end(&mut open);
            }
            Event::Alias(_) => {
                start(&mut open, None);
                end(&mut open);
            }
            _ => {}
        }
        if open.len() > MAX_DEPTH {
            return Err(too_deep());
        }
    }
    Ok(doubled)
}

/// Takes note of a node that starts: its text and line when it is a scalar that counts as a key.
fn start(open: &mut [Open], scalar: Option<(&str, usize)>) {
    let Some(Open::Mapping { nodes, key, keys }) = open.last_mut() else { return };
    if !nodes.is_multiple_of(2) {
        return;
    }
    key.clear();
    if let Some((text, line)) = scalar {
        key.push_str(text);
        let (count, last) = keys.entry(text.to_owned()).or_default();
        *count += 1;
        *last = line;
    }
}

/// Takes note of a node that ended.
fn end(open: &mut [Open]) {
    match open.last_mut() {
        Some(Open::Sequence { items }) => *items += 1,
        Some(Open::Mapping { nodes, .. }) => *nodes += 1,
        None => {}
    }
}

/// Hands over the doubled keys of a mapping that ended within `open`.
fn report(open: &[Open], keys: &BTreeMap<String, (usize, usize)>, doubled: &mut Doubled) {
    let mut twice = keys.iter().filter(|(_, (count, _))| *count > 1).peekable();
    if twice.peek().is_none() || doubled.is_full() {
        return;
    }
    let mut pointer = String::new();
    for above in open {
        match above {
            Open::Sequence { items } => step(&mut pointer, &items.to_string()),
            Open::Mapping { key, .. } => step(&mut pointer, key),
        }
    }
    for (key, (count, line)) in twice {
        doubled.push(&pointer, key, Some(*line), *count);
    }
}
