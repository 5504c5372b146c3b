//! Reading thousands of objects, in several threads: one reader a thread.
//!
//! Where gitoxide sees what git sees it is asked, with a bounded cache of packed bases (measured: its object cache makes such
//! walks slower); everywhere else `git cat-file`. Trees and texts that were read lately are kept, so many bytes of them: merges
//! that stand next to each other in a history share most of them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use bstr::BString;
use gix::objs::Find;
use gix::odb::pack::cache::lru::MemoryCappedHashmap;

use super::child::GitError;
use super::objects::{Commit, ObjectKind, Objects, gix_id, gix_kind, is_plain, kind_of, parse_commit};
use super::repository::Repo;
use crate::model::{HashKind, Oid};

/// Bytes of packed objects that one reader keeps, because others are stored as differences to them.
const PACKED: usize = 32 << 20;

/// Bytes of trees, and of texts, that one reader keeps.
const LATELY: usize = 16 << 20;

/// Reads objects; for one thread.
pub struct Reader {
    source: Source,
    kind: HashKind,
    trees: RefCell<Lately>,
    texts: RefCell<Lately>,
    buffer: RefCell<Vec<u8>>,
}

/// What was read lately: of two halves the older one goes when the younger is full.
#[derive(Default)]
struct Lately {
    young: Kept,
    old: Kept,
    bytes: usize,
}

type Kept = HashMap<Oid, Arc<BString>, BuildHasherDefault<Prefix>>;

impl Lately {
    fn find(&mut self, oid: Oid) -> Option<Arc<BString>> {
        if let Some(found) = self.young.get(&oid) {
            return Some(Arc::clone(found));
        }
        let found = self.old.remove(&oid)?;
        self.keep(oid, &found);
        Some(found)
    }

    fn keep(&mut self, oid: Oid, bytes: &Arc<BString>) {
        if bytes.len() > LATELY / 4 {
            return;
        }
        self.bytes += bytes.len();
        if self.bytes > LATELY / 2 {
            self.bytes = bytes.len();
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(oid, Arc::clone(bytes));
    }
}

/// An object name is a hash already: eight bytes of it will do.
#[derive(Default)]
struct Prefix(u64);

impl Hasher for Prefix {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(start) = bytes.first_chunk() {
            self.0 ^= u64::from_ne_bytes(*start);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

enum Source {
    Gix(Box<gix::odb::Handle>),
    Git(Objects),
}

impl Reader {
    /// Opens the objects of a repository.
    pub fn open(repo: &Repo) -> Self {
        let kind = repo.hash_kind();
        let folder = repo.common_dir().join("objects");
        let direct = if is_plain(repo) { gix::odb::at(folder, gix_kind(kind)).ok() } else { None };
        let source = match direct {
            Some(mut handle) => {
                handle.set_pack_cache(|| Box::new(MemoryCappedHashmap::new(PACKED)));
                Source::Gix(Box::new(handle))
            }
            None => Source::Git(Objects::open(repo)),
        };
        Self { source, kind, trees: RefCell::default(), texts: RefCell::default(), buffer: RefCell::default() }
    }

    /// Returns whether objects are read in process.
    pub const fn is_direct(&self) -> bool {
        matches!(self.source, Source::Gix(_))
    }

    /// Returns which hash names the objects.
    pub const fn hash_kind(&self) -> HashKind {
        self.kind
    }

    /// Reads an object's bytes into a buffer. A missing one is an error.
    pub fn read(&self, oid: Oid, buffer: &mut Vec<u8>) -> Result<ObjectKind, GitError> {
        match &self.source {
            Source::Gix(handle) => {
                let found = handle.try_find(&gix_id(oid)?, buffer).map_err(|error| GitError::Damaged {
                    oid,
                    why: crate::model::escape(error.to_string().as_bytes()),
                })?;
                found.map(|data| kind_of(data.kind)).ok_or(GitError::Missing(oid))
            }
            Source::Git(objects) => {
                let (kind, bytes) = objects.read(oid)?;
                *buffer = bytes;
                Ok(kind)
            }
        }
    }

    /// Returns an object's size in bytes, without reading it whole.
    pub fn size(&self, oid: Oid) -> Result<u64, GitError> {
        use gix::objs::FindHeader;
        match &self.source {
            Source::Gix(handle) => {
                let found = handle.try_header(&gix_id(oid)?).map_err(|error| GitError::Damaged {
                    oid,
                    why: crate::model::escape(error.to_string().as_bytes()),
                })?;
                found.map(|header| header.size).ok_or(GitError::Missing(oid))
            }
            Source::Git(objects) => Ok(objects.header(oid)?.1),
        }
    }

    /// Returns a blob's bytes; `None` when there are more than `most`.
    pub fn text(&self, oid: Oid, most: u64) -> Result<Option<Arc<BString>>, GitError> {
        if let Some(found) = self.texts.borrow_mut().find(oid) {
            return Ok(Some(found).filter(|bytes| bytes.len() as u64 <= most));
        }
        if self.size(oid)? > most {
            return Ok(None);
        }
        let bytes = self.copy(oid, ObjectKind::Blob)?;
        self.texts.borrow_mut().keep(oid, &bytes);
        Ok(Some(bytes))
    }

    /// Takes a blob's bytes that were made otherwise, so that they need not be read.
    pub fn keep_text(&self, oid: Oid, bytes: &Arc<BString>) {
        self.texts.borrow_mut().keep(oid, bytes);
    }

    /// Returns a tree's bytes.
    pub fn tree(&self, oid: Oid) -> Result<Arc<BString>, GitError> {
        if let Some(found) = self.trees.borrow_mut().find(oid) {
            return Ok(found);
        }
        let bytes = self.copy(oid, ObjectKind::Tree)?;
        self.trees.borrow_mut().keep(oid, &bytes);
        Ok(bytes)
    }

    /// Reads an object of a kind. It is put together in a buffer that is large enough already, as a rule.
    fn copy(&self, oid: Oid, kind: ObjectKind) -> Result<Arc<BString>, GitError> {
        let mut buffer = self.buffer.borrow_mut();
        if self.read(oid, &mut buffer)? != kind {
            let kind = if kind == ObjectKind::Tree { "tree" } else { "blob" };
            return Err(GitError::Damaged { oid, why: format!("it is no {kind}") });
        }
        let bytes = Arc::new(buffer.as_slice().into());
        if buffer.capacity() > LATELY {
            *buffer = Vec::new();
        }
        Ok(bytes)
    }

    /// Returns a commit's parts.
    pub fn commit(&self, oid: Oid) -> Result<Commit, GitError> {
        let mut bytes = Vec::new();
        match self.read(oid, &mut bytes)? {
            ObjectKind::Commit => {
                parse_commit(&bytes).ok_or_else(|| GitError::Damaged { oid, why: "its header can't be read".into() })
            }
            _ => Err(GitError::Damaged { oid, why: "it is no commit".into() }),
        }
    }

    /// Returns the name that git gives these bytes as a blob.
    pub fn hash_blob(&self, bytes: &[u8]) -> Result<Oid, GitError> {
        super::objects::hash_blob(self.kind, bytes)
    }
}
