//! What merging gives at one path, by the contents there.

use std::sync::Arc;

use bstr::BString;

use super::merge3;
use super::walk::{Expected, expected};
use crate::git::{GitError, Reader};
use crate::model::{Entry, Mode, Oid, TreePath};

/// Larger contents are not merged: that they were changed on both sides is all that is known then.
pub(super) const LARGEST: u64 = 32 << 20;

/// A file: a blob, or bytes that are in no object.
#[derive(Debug, Clone)]
pub(super) struct Body {
    pub(super) entry: Entry,
    /// What merging gave; `None`: it can be read.
    made: Option<Arc<BString>>,
}

impl PartialEq for Body {
    fn eq(&self, other: &Self) -> bool {
        self.entry == other.entry
    }
}

/// What came of merging.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Outcome {
    /// Git goes on without asking; `None`: nothing stands there.
    Clean(Option<Body>),
    /// Both changed the same lines.
    Conflict,
    /// One side deleted what the other changed, or it is no text.
    Clash,
    /// Two kinds of thing: git gives one of them another name.
    Split,
    /// Too large to be looked at.
    TooLarge,
}

impl Body {
    pub(super) const fn of(entry: Entry) -> Self {
        Self { entry, made: None }
    }

    /// Returns whether it stands in an object that some parent or base has.
    pub(super) const fn is_read(&self) -> bool {
        self.made.is_none()
    }

    /// Returns how many bytes it holds.
    pub(super) fn weight(&self) -> usize {
        self.made.as_ref().map_or(0, |bytes| bytes.len())
    }

    /// Returns the bytes; `None` when they are too many.
    fn bytes(&self, reader: &Reader) -> Result<Option<Arc<BString>>, GitError> {
        match &self.made {
            Some(bytes) => Ok(Some(Arc::clone(bytes))),
            None => reader.text(self.entry.oid, LARGEST),
        }
    }
}

/// Git takes what has a NUL among its first 8,000 bytes for no text.
pub fn is_binary(bytes: &[u8]) -> bool {
    bytes[..bytes.len().min(8000)].contains(&0)
}

/// Merges what several parents have over one base, one after the other. As a rule that gives `likely`.
pub(super) fn merge_all(
    reader: &Reader,
    base: Option<&Body>,
    parents: &[Option<Entry>],
    likely: Option<Entry>,
) -> Result<Outcome, GitError> {
    let mut bodies = parents.iter().map(|entry| entry.map(Body::of));
    let Some(mut merged) = bodies.next() else { return Ok(Outcome::Clean(None)) };
    for next in bodies {
        merged = match merge(reader, base, [merged.as_ref(), next.as_ref()], MARKER, likely)? {
            (Outcome::Clean(body), _) => body,
            (other, _) => return Ok(other),
        };
    }
    Ok(Outcome::Clean(merged))
}

/// How many signs git's markers have.
pub(super) const MARKER: usize = 7;

/// Merges two sides over a base. Beside the outcome: the text that git would leave where texts conflict, with markers of so many
/// signs. A text that is `likely`'s has its name.
pub(super) fn merge(
    reader: &Reader,
    base: Option<&Body>,
    [first, second]: [Option<&Body>; 2],
    signs: usize,
    likely: Option<Entry>,
) -> Result<(Outcome, Option<Body>), GitError> {
    if let Expected::This(body) = expected(&[base], &[first, second]) {
        return Ok((Outcome::Clean(body.cloned()), None));
    }
    let (Some(first), Some(second)) = (first, second) else { return Ok((Outcome::Clash, None)) };
    let kind = |body: &Body| (body.entry.mode.is_regular(), body.entry.mode == Mode::Link);
    if kind(first) != kind(second) {
        return Ok((Outcome::Split, None));
    }
    if !first.entry.mode.is_regular() {
        return Ok((Outcome::Clash, None));
    }
    let base = base.filter(|base| base.entry.mode.is_regular());
    let mode = match base {
        Some(base) if first.entry.mode == base.entry.mode => second.entry.mode,
        _ => first.entry.mode,
    };
    let with_mode = |body: &Body| {
        let entry = Entry { mode, ..body.entry };
        (Outcome::Clean(Some(Body { entry, made: body.made.clone() })), None)
    };
    if first.entry.oid == second.entry.oid {
        return Ok(with_mode(first));
    }
    if let Some(base) = base {
        if first.entry.oid == base.entry.oid {
            return Ok(with_mode(second));
        }
        if second.entry.oid == base.entry.oid {
            return Ok(with_mode(first));
        }
    }
    let base = base.map_or(Ok(Some(Arc::default())), |base| base.bytes(reader))?;
    let (Some(base), Some(first), Some(second)) = (base, first.bytes(reader)?, second.bytes(reader)?) else {
        return Ok((Outcome::TooLarge, None));
    };
    if [&base, &first, &second].into_iter().any(|bytes| is_binary(bytes)) {
        return Ok((Outcome::Clash, None));
    }
    let merged = merge3::texts([&base, &first, &second].map(|bytes| bytes.as_slice()), signs);
    let bytes = Arc::new(BString::from(merged.bytes));
    let entry = Entry { mode, oid: name(reader, &bytes, likely)? };
    let body = Some(Body { entry, made: Some(bytes) });
    Ok(if merged.is_clean { (Outcome::Clean(body), None) } else { (Outcome::Conflict, body) })
}

/// Names a text. To read another one that is likely the same costs less than to hash this one.
fn name(reader: &Reader, text: &BString, likely: Option<Entry>) -> Result<Oid, GitError> {
    let likely = likely.filter(|entry| entry.mode.is_regular());
    // One that can't be read is somebody else's business.
    let is_it = |entry: &Entry| matches!(reader.text(entry.oid, LARGEST), Ok(Some(bytes)) if *bytes == *text);
    likely.filter(is_it).map_or_else(|| reader.hash_blob(text), |entry| Ok(entry.oid))
}

/// Returns the file, link or submodule at a path of a tree.
pub fn up(reader: &Reader, tree: Oid, path: &TreePath) -> Result<Option<Entry>, GitError> {
    let mut tree = tree;
    let mut parts = path.split(|byte| *byte == b'/').peekable();
    while let Some(part) = parts.next() {
        let Some(entry) = reader.entry(tree, part)? else { return Ok(None) };
        if parts.peek().is_none() {
            return Ok(Some(entry).filter(|entry| entry.mode != Mode::Tree));
        }
        if entry.mode != Mode::Tree {
            return Ok(None);
        }
        tree = entry.oid;
    }
    Ok(None)
}
