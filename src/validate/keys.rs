//! The keys of a data file, so that two versions of it can be compared key by key instead of line by line.
//!
//! A key is named by a JSON pointer (RFC 6901) from the top. An item of a list has a name where all items are objects with
//! an `id`, `name` or `key` of their own: `/servers/name=web/port`. In other lists nothing has a name; they are values.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::doubled::step;
use super::node::Node;
use super::{Health, MAX_DEPTH, text, too_deep, validator};
use crate::manifest::Format;

/// Larger files are not compared key by key.
const MAX_BYTES: usize = 1 << 20;
/// More keys, or longer pointers, are not kept: a small file can have them without end.
const MAX_KEYS: usize = 50_000;
const MAX_POINTER_BYTES: usize = 8 << 20;

/// What may name an item of a list, in this order.
const NAMES: [&str; 3] = ["id", "name", "key"];

/// What stands at a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Something that has no keys of its own.
    Value,
    /// An object.
    Object,
    /// A list without items.
    Empty,
    /// A list whose items are named by this.
    Records(&'static str),
    /// An object of which not all keys are known.
    Open,
}

/// The keys of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    at: BTreeMap<String, (Kind, u64)>,
    /// How often a key of this name has this value, anywhere.
    values: HashMap<(String, u64), usize>,
}

impl Keys {
    /// Returns every key's pointer.
    pub fn pointers(&self) -> impl Iterator<Item = &str> {
        self.at.keys().map(String::as_str)
    }

    /// Returns whether there is such a key.
    pub fn has(&self, pointer: &str) -> bool {
        self.at.contains_key(pointer)
    }

    /// Returns what stands at a key.
    pub fn kind(&self, pointer: &str) -> Option<Kind> {
        self.at.get(pointer).map(|(kind, _)| *kind)
    }

    /// Returns whether keys of that name have the value that one has here as often as here: then it only moved.
    pub fn have_moved(&self, pointer: &str, to: &Self) -> bool {
        let Some((_, value)) = self.at.get(pointer) else { return false };
        let key = (name(pointer).to_owned(), *value);
        let count = |keys: &Self| keys.values.get(&key).copied().unwrap_or(0);
        count(to) >= count(self)
    }
}

/// Returns the pointer of the object or list that a key stands in; the top is the empty pointer and stands in nothing.
pub fn container(pointer: &str) -> Option<&str> {
    pointer.rfind('/').map(|end| &pointer[..end])
}

fn name(pointer: &str) -> &str {
    pointer.rsplit('/').next().unwrap_or_default()
}

/// Returns the keys of a file; or, where it is not good or over a limit, its health.
pub fn keys(format: Format, bytes: &[u8]) -> Result<Keys, Health> {
    if bytes.len() > MAX_BYTES {
        return Err(Health::Unknown { why: format!("larger than {} MiB", MAX_BYTES >> 20) });
    }
    let Some(validator) = validator(format) else {
        return Err(Health::Unknown { why: format!("{} has no keys", format.word()) });
    };
    let node = (validator.node)(text(validator, bytes)?)?;
    let mut walk = Walk { at: BTreeMap::new(), bytes: 0, pointer: String::new() };
    walk.node(&node, 0)?;
    let mut values = HashMap::new();
    for (pointer, (_, value)) in &walk.at {
        *values.entry((name(pointer).to_owned(), *value)).or_default() += 1;
    }
    Ok(Keys { at: walk.at, values })
}

struct Walk {
    at: BTreeMap<String, (Kind, u64)>,
    bytes: usize,
    pointer: String,
}

impl Walk {
    /// Takes down a value and all beneath it; returns what tells it from others.
    fn node(&mut self, node: &Node, depth: usize) -> Result<u64, Health> {
        if depth > MAX_DEPTH {
            return Err(too_deep());
        }
        let mut hasher = DefaultHasher::new();
        let kind = match node {
            Node::Scalar { text, .. } => {
                text.hash(&mut hasher);
                Kind::Value
            }
            Node::Alias => Kind::Value,
            Node::List(items) if items.is_empty() => Kind::Empty,
            Node::List(items) => {
                if let Some((field, names)) = records(items) {
                    for (name, item) in names.iter().zip(items) {
                        self.child(&format!("{field}={name}"), item, depth)?.hash(&mut hasher);
                    }
                    Kind::Records(field)
                } else {
                    items.iter().try_for_each(|item| tell(item, depth + 1, &mut hasher))?;
                    Kind::Value
                }
            }
            Node::Object(entries) | Node::Open(entries) => {
                for (key, value) in entries {
                    key.hash(&mut hasher);
                    self.child(key, value, depth)?.hash(&mut hasher);
                }
                if matches!(node, Node::Object(_)) { Kind::Object } else { Kind::Open }
            }
        };
        std::mem::discriminant(node).hash(&mut hasher);
        self.bytes += self.pointer.len();
        if self.at.len() == MAX_KEYS || self.bytes > MAX_POINTER_BYTES {
            return Err(Health::Unknown { why: "too many keys".to_owned() });
        }
        let value = hasher.finish();
        self.at.insert(self.pointer.clone(), (kind, value));
        Ok(value)
    }

    fn child(&mut self, name: &str, node: &Node, depth: usize) -> Result<u64, Health> {
        let length = self.pointer.len();
        step(&mut self.pointer, name);
        let value = self.node(node, depth + 1)?;
        self.pointer.truncate(length);
        Ok(value)
    }
}

/// Tells a value from others without taking down its keys.
fn tell(node: &Node, depth: usize, hasher: &mut DefaultHasher) -> Result<(), Health> {
    if depth > MAX_DEPTH {
        return Err(too_deep());
    }
    std::mem::discriminant(node).hash(hasher);
    match node {
        Node::Scalar { text, .. } => text.hash(hasher),
        Node::Alias => {}
        Node::List(items) => {
            items.len().hash(hasher);
            items.iter().try_for_each(|item| tell(item, depth + 1, hasher))?;
        }
        Node::Object(entries) | Node::Open(entries) => {
            entries.len().hash(hasher);
            for (key, value) in entries {
                key.hash(hasher);
                tell(value, depth + 1, hasher)?;
            }
        }
    }
    Ok(())
}

/// Returns by what the items of a list are named, and their names; `None` where they are not.
fn records(items: &[Node]) -> Option<(&'static str, Vec<&str>)> {
    NAMES.into_iter().find_map(|field| {
        let names = items.iter().map(|item| scalar(item, field)).collect::<Option<Vec<&str>>>()?;
        let unique: BTreeSet<&str> = names.iter().copied().collect();
        (unique.len() == names.len()).then_some((field, names))
    })
}

fn scalar<'n>(item: &'n Node, field: &str) -> Option<&'n str> {
    let Node::Object(entries) = item else { return None };
    match entries.get(field)? {
        Node::Scalar { text, .. } => Some(text),
        _ => None,
    }
}
