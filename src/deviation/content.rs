//! What merging gives at one path, by the contents there.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use gix_imara_diff::Interner;

use super::merge3;
use super::walk::{Expected, expected};
use crate::git::{GitError, ObjectKind, Reader};
use crate::model::{Entry, Mode, Oid, TreePath};

/// Larger contents are not merged: that they were changed on both sides is all that is known then.
pub(super) const LARGEST: u64 = 32 << 20;

/// A file: a blob, or bytes that are in no object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Body {
    pub(super) mode: Mode,
    pub(super) text: Text,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Text {
    Blob(Oid),
    Bytes(Vec<u8>),
}

/// What came of merging.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Git goes on without asking; `None`: nothing stands there.
    Clean(Option<Body>),
    /// Both changed the same lines.
    Conflict,
    /// One side deleted or replaced what the other changed, or it is no text.
    Clash,
    /// Too large to be looked at.
    TooLarge,
}

impl Body {
    pub(super) const fn of(entry: Entry) -> Self {
        Self { mode: entry.mode, text: Text::Blob(entry.oid) }
    }

    /// Returns whether it is what an entry names.
    pub(super) fn is(&self, entry: Entry, reader: &Reader) -> Result<bool, GitError> {
        Ok(self.mode == entry.mode
            && match &self.text {
                Text::Blob(oid) => *oid == entry.oid,
                Text::Bytes(bytes) => reader.hash_blob(bytes)? == entry.oid,
            })
    }

    /// Returns the bytes; `None` when they are too many.
    pub(super) fn bytes(&self, reader: &Reader) -> Result<Option<Vec<u8>>, GitError> {
        match &self.text {
            Text::Bytes(bytes) => Ok(Some(bytes.clone())),
            Text::Blob(oid) if reader.size(*oid)? > LARGEST => Ok(None),
            Text::Blob(oid) => reader.blob(*oid).map(Some),
        }
    }
}

/// Git takes what has a NUL among its first 8,000 bytes for no text.
pub fn is_binary(bytes: &[u8]) -> bool {
    bytes[..bytes.len().min(8000)].contains(&0)
}

/// Merges what several parents have over one base, one after the other.
pub(super) fn merge_all(reader: &Reader, base: Option<&Body>, parents: &[Option<Entry>]) -> Result<Outcome, GitError> {
    let mut bodies = parents.iter().map(|entry| entry.map(Body::of));
    let Some(mut merged) = bodies.next() else { return Ok(Outcome::Clean(None)) };
    for next in bodies {
        merged = match merge(reader, base, merged.as_ref(), next.as_ref())? {
            (Outcome::Clean(body), _) => body,
            (other, _) => return Ok(other),
        };
    }
    Ok(Outcome::Clean(merged))
}

/// Merges two sides over a base. Beside the outcome: the text that git would leave where texts conflict.
pub(super) fn merge(
    reader: &Reader,
    base: Option<&Body>,
    first: Option<&Body>,
    second: Option<&Body>,
) -> Result<(Outcome, Option<Body>), GitError> {
    if let Expected::This(body) = expected(&[base], &[first, second]) {
        return Ok((Outcome::Clean(body.cloned()), None));
    }
    let (Some(first), Some(second)) = (first, second) else { return Ok((Outcome::Clash, None)) };
    if !first.mode.is_regular() || !second.mode.is_regular() {
        return Ok((Outcome::Clash, None));
    }
    let base = base.filter(|base| base.mode.is_regular());
    let mode = match base {
        Some(base) if first.mode == base.mode => second.mode,
        _ => first.mode,
    };
    if first.text == second.text {
        return Ok((Outcome::Clean(Some(Body { mode, text: first.text.clone() })), None));
    }
    if let Some(base) = base {
        let only = if first.text == base.text { Some(second) } else { (second.text == base.text).then_some(first) };
        if let Some(only) = only {
            return Ok((Outcome::Clean(Some(Body { mode, text: only.text.clone() })), None));
        }
    }
    let base = base.map_or(Ok(Some(Vec::new())), |base| base.bytes(reader))?;
    let (Some(base), Some(first), Some(second)) = (base, first.bytes(reader)?, second.bytes(reader)?) else {
        return Ok((Outcome::TooLarge, None));
    };
    if [&base, &first, &second].into_iter().any(|bytes| is_binary(bytes)) {
        return Ok((Outcome::Clash, None));
    }
    let mut interner = Interner::new((base.len() + first.len() + second.len()) / 64 + 16);
    let [base, first, second] = [&base, &first, &second].map(|bytes| merge3::lines(&mut interner, bytes));
    let merged = merge3::merge(&base, &first, &second, interner.num_tokens());
    let text = Body { mode, text: Text::Bytes(merge3::text(&merged, &interner, &first, &second)) };
    Ok(if merged.is_clean() { (Outcome::Clean(Some(text)), None) } else { (Outcome::Conflict, Some(text)) })
}

/// Finds what stands at paths of trees, of one merge after the other: the trees that it has read stay as long as one merge is
/// looked at.
pub struct Look<'r> {
    pub(super) reader: &'r Reader,
    trees: RefCell<HashMap<Oid, Rc<Vec<u8>>>>,
}

impl<'r> Look<'r> {
    /// Starts with no tree read.
    pub fn new(reader: &'r Reader) -> Self {
        Self { reader, trees: RefCell::default() }
    }

    /// Returns what reads the objects.
    pub const fn reader(&self) -> &'r Reader {
        self.reader
    }

    /// Returns the file, link or submodule at a path.
    pub fn up(&self, tree: Oid, path: &TreePath) -> Result<Option<Entry>, GitError> {
        let mut tree = tree;
        let mut parts = path.split(|byte| *byte == b'/').peekable();
        while let Some(part) = parts.next() {
            let bytes = self.tree(tree)?;
            let Some(entry) = super::walk::find(&bytes, part, self.reader.hash_kind().len()) else { return Ok(None) };
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

    fn tree(&self, tree: Oid) -> Result<Rc<Vec<u8>>, GitError> {
        if let Some(known) = self.trees.borrow().get(&tree) {
            return Ok(Rc::clone(known));
        }
        let mut bytes = Vec::new();
        if self.reader.read(tree, &mut bytes)? != ObjectKind::Tree {
            return Err(GitError::Damaged { oid: tree, why: "it is no tree".into() });
        }
        let bytes = Rc::new(bytes);
        self.trees.borrow_mut().insert(tree, Rc::clone(&bytes));
        Ok(bytes)
    }
}
