//! TOML.
//!
//! A doubled key is an error of the parser like any other. Here it is told apart by the parser's own word for it: a
//! file whose only errors are doubled keys counts as readable, and has them listed.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::doubled::{Doubled, step};
use super::node::Node;
use super::{DuplicateKey, Health, MAX_DEPTH, Validator, bad_at, too_deep};
use crate::manifest::Format;

/// TOML. The parser keeps all tokens, events and errors of a file in memory, about a hundred bytes for a byte of
/// hostile input, and no honest TOML file is large: so the limit is lower than for other formats.
pub const VALIDATOR: Validator =
    Validator { format: Format::Toml, name: "toml", max_bytes: 2 << 20, check, duplicate_keys, node };

/// What the parser calls a key that stands twice, and what it calls a limit.
const DOUBLED: &str = "duplicate key";
const LIMITS: [&str; 2] = ["recursion limit", "cannot recurse further"];

/// Doubled keys are looked up one by one, so hostile files may not have them without end.
const MAX_DOUBLED: usize = 1000;

fn check(text: &str) -> Health {
    // The first error is that of the grammar, if there is one; a list of all errors is only asked for without one.
    match DeTable::parse(text) {
        Ok(_) => Health::Good,
        Err(error) if error.message().starts_with(DOUBLED) => match doubled_offsets(text) {
            Ok(_) => Health::Good,
            Err(health) => health,
        },
        Err(error) => verdict(text, &error),
    }
}

fn duplicate_keys(text: &str) -> Result<Vec<DuplicateKey>, Health> {
    match DeTable::parse(text) {
        Ok(_) => Ok(Vec::new()),
        Err(error) if error.message().starts_with(DOUBLED) => {
            let (table, offsets) = doubled_offsets(text)?;
            if offsets.len() > MAX_DOUBLED {
                return Err(Health::Unknown { why: "too many doubled keys".to_owned() });
            }
            name_them(text, table.get_ref(), &offsets)
        }
        Err(error) => Err(verdict(text, &error)),
    }
}

fn node(text: &str) -> Result<Node, Health> {
    let table = DeTable::parse(text).map_err(|error| verdict(text, &error))?;
    object(table.get_ref(), 0)
}

fn object(table: &DeTable<'_>, depth: usize) -> Result<Node, Health> {
    if depth > MAX_DEPTH {
        return Err(too_deep());
    }
    let entry = |(key, value): (&Spanned<Cow<'_, str>>, &Spanned<DeValue<'_>>)| {
        Ok((key.get_ref().to_string(), value_of(value.get_ref(), depth + 1)?))
    };
    table.iter().map(entry).collect::<Result<_, _>>().map(Node::Object)
}

fn value_of(value: &DeValue<'_>, depth: usize) -> Result<Node, Health> {
    if depth > MAX_DEPTH {
        return Err(too_deep());
    }
    Ok(match value {
        DeValue::Table(table) => object(table, depth)?,
        DeValue::Array(items) => {
            Node::List(items.iter().map(|item| value_of(item.get_ref(), depth + 1)).collect::<Result<_, _>>()?)
        }
        DeValue::String(text) => Node::text(text.to_string()),
        DeValue::Integer(number) => Node::plain(number.to_string()),
        DeValue::Float(number) => Node::plain(number.to_string()),
        DeValue::Boolean(value) => Node::plain(value.to_string()),
        DeValue::Datetime(time) => Node::text(time.to_string()),
    })
}

fn verdict(text: &str, error: &toml::de::Error) -> Health {
    if LIMITS.iter().any(|limit| error.message().starts_with(limit)) {
        return too_deep();
    }
    let what = error.message().lines().next().unwrap_or_default();
    bad_at(text.as_bytes(), error.span().map_or(0, |span| span.start), what)
}

/// Returns what could be read, and where the keys stand that are doubled; the verdict when there is another fault.
fn doubled_offsets(text: &str) -> Result<(Spanned<DeTable<'_>>, Vec<Range<usize>>), Health> {
    let (table, errors) = DeTable::parse_recoverable(text);
    if let Some(other) = errors.iter().find(|error| !error.message().starts_with(DOUBLED)) {
        return Err(verdict(text, other));
    }
    Ok((table, errors.iter().filter_map(toml::de::Error::span).collect()))
}

/// A table or array, where it stands and what it is called.
struct Place<'a> {
    span: Range<usize>,
    parent: Option<usize>,
    name: Cow<'a, str>,
    is_header: bool,
}

/// Says of each doubled key where it belongs.
fn name_them(text: &str, table: &DeTable<'_>, offsets: &[Range<usize>]) -> Result<Vec<DuplicateKey>, Health> {
    let places = places(text, table);
    let newlines: Vec<usize> = text.match_indices('\n').map(|(offset, _)| offset).collect();
    // By place and key, so that a key that stands three times is one finding.
    let mut found: BTreeMap<(Option<usize>, &str), (usize, usize)> = BTreeMap::new();
    for span in offsets {
        let key = text.get(span.clone()).unwrap_or_default();
        let key = key.trim_matches(['"', '\'']);
        let around = places.iter().enumerate().filter(|(_, place)| place.span.contains(&span.start));
        let (place, key) = match around.max_by_key(|(_, place)| place.span.start) {
            // The doubled key is a header's: the table is what stands twice.
            Some((index, place)) if place.is_header => (Some(index), ""),
            Some((index, _)) => (Some(index), key),
            None => {
                let above = places.iter().enumerate().filter(|(_, at)| at.is_header && at.span.start < span.start);
                (above.max_by_key(|(_, at)| at.span.start).map(|(index, _)| index), key)
            }
        };
        let (count, line) = found.entry((place, key)).or_insert((1, 0));
        *count += 1;
        *line = newlines.partition_point(|newline| *newline < span.start) + 1;
    }
    let mut doubled = Doubled::default();
    for ((place, key), (count, line)) in found {
        if doubled.is_full() {
            break;
        }
        let (place, key) = match (key, place.and_then(|index| places.get(index))) {
            ("", Some(header)) => (header.parent, header.name.as_ref()),
            _ => (place, key),
        };
        doubled.push(&pointer(&places, place), key, Some(line), count);
    }
    doubled.finish()
}

/// Lists all tables and arrays. They may nest deeper than a thread's stack allows, so this does not recurse.
fn places<'a>(text: &str, root: &'a DeTable<'_>) -> Vec<Place<'a>> {
    let mut places = Vec::new();
    let mut open: Vec<(Option<usize>, Cow<'a, str>, &'a Spanned<DeValue<'_>>)> = Vec::new();
    open.extend(root.iter().map(|(key, value)| (None, Cow::Borrowed(key.get_ref().as_ref()), value)));
    while let Some((parent, name, value)) = open.pop() {
        let span = value.span();
        let first = text.as_bytes().get(span.start);
        let here = Some(places.len());
        match value.get_ref() {
            DeValue::Table(table) => {
                open.extend(table.iter().map(|(key, value)| (here, Cow::Borrowed(key.get_ref().as_ref()), value)));
                // A table that dotted keys or longer headers imply has the span of a key, and opens nothing.
                let span = if matches!(first, Some(b'[' | b'{')) { span } else { 0..0 };
                places.push(Place { span, parent, name, is_header: first == Some(&b'[') });
            }
            DeValue::Array(array) => {
                let items = array.iter().enumerate();
                open.extend(items.map(|(index, value)| (here, Cow::Owned(index.to_string()), value)));
                let span = if array.iter().any(|item| item.span() == span) { 0..0 } else { span };
                places.push(Place { span, parent, name, is_header: false });
            }
            _ => {}
        }
    }
    places
}

fn pointer(places: &[Place<'_>], place: Option<usize>) -> String {
    let mut names = Vec::new();
    let mut above = place;
    while let Some(at) = above.and_then(|index| places.get(index)) {
        names.push(&at.name);
        above = at.parent;
    }
    let mut pointer = String::new();
    names.into_iter().rev().for_each(|name| step(&mut pointer, name));
    pointer
}
