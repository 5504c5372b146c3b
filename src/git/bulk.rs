//! Reading thousands of objects, in several threads: one reader a thread.
//!
//! Where gitoxide sees what git sees, objects are read out of the largest packs, and what is not there by gitoxide; everywhere
//! else by `git cat-file`. Trees and texts that were read lately are kept, so many bytes of them: merges that stand next to each
//! other in a history share most of them.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use bstr::BString;
use gix::objs::Find;
use gix::odb::pack::cache::lru::MemoryCappedHashmap;

use super::child::GitError;
use super::lately::Lately;
use super::lookup::Starts;
use super::objects::{Commit, ObjectKind, Objects, folders, gix_id, gix_kind, kind_of, parse_commit};
use super::packs::{Packs, Unpacked, Unpacker};
use super::repository::Repo;
use crate::model::{HashKind, Oid};

/// Bytes of packed objects that gitoxide keeps for one reader, because others are stored as differences to them.
const PACKED: usize = 16 << 20;

/// Bytes of trees, and of texts, that one reader keeps.
const LATELY: usize = 8 << 20;
/// Bytes of the places of their entries.
const STARTS: usize = 2 << 20;

/// Reads objects; for one thread.
pub struct Reader {
    source: Source,
    packs: Arc<Packs>,
    unpacker: RefCell<Unpacker>,
    kind: HashKind,
    trees: RefCell<Lately<Oid, Arc<BString>>>,
    texts: RefCell<Lately<Oid, Arc<BString>>>,
    /// Where the entries of trees begin.
    starts: RefCell<Lately<Oid, Rc<RefCell<Starts>>>>,
}

enum Source {
    Gix(Box<gix::odb::Handle>),
    /// In quarantine, and where git has to be asked.
    Objects(Objects),
}

impl Reader {
    /// Opens the objects of a repository.
    pub fn open(repo: &Repo) -> Self {
        Self::sharing(repo, &Arc::new(Packs::open(repo)))
    }

    /// Opens them for another thread, which reads the same packs.
    pub fn sharing(repo: &Repo, packs: &Arc<Packs>) -> Self {
        let kind = repo.hash_kind();
        let direct = match &folders(repo)[..] {
            [folder] => gix::odb::at(folder, gix_kind(kind)).ok(),
            _ => None,
        };
        let source = match direct {
            Some(mut handle) => {
                handle.set_pack_cache(|| Box::new(MemoryCappedHashmap::new(PACKED)));
                Source::Gix(Box::new(handle))
            }
            None => Source::Objects(Objects::open(repo)),
        };
        let unpacker = RefCell::new(Unpacker::new(Arc::clone(packs)));
        let (trees, texts) = (RefCell::new(Lately::new(LATELY)), RefCell::new(Lately::new(LATELY)));
        let starts = RefCell::new(Lately::new(STARTS));
        Self { source, packs: Arc::clone(packs), unpacker, kind, trees, texts, starts }
    }

    /// Returns the packs, for readers in other threads.
    pub fn packs(&self) -> Arc<Packs> {
        Arc::clone(&self.packs)
    }

    /// Returns whether objects are read in process.
    pub fn is_direct(&self) -> bool {
        match &self.source {
            Source::Gix(_) => true,
            Source::Objects(objects) => objects.is_direct(),
        }
    }

    /// Returns which hash names the objects.
    pub const fn hash_kind(&self) -> HashKind {
        self.kind
    }

    /// Reads an object. A missing one is an error.
    fn read(&self, oid: Oid) -> Result<Unpacked, GitError> {
        self.unpacked(oid)?.map_or_else(|| self.elsewhere(oid), Ok)
    }

    /// Returns an object of the largest packs.
    fn unpacked(&self, oid: Oid) -> Result<Option<Unpacked>, GitError> {
        Ok(self.unpacker.borrow_mut().read(&gix_id(oid)?))
    }

    /// Reads an object that is not in them.
    fn elsewhere(&self, oid: Oid) -> Result<Unpacked, GitError> {
        let (kind, bytes) = match &self.source {
            Source::Gix(handle) => {
                let mut bytes = Vec::new();
                let found = handle.try_find(&gix_id(oid)?, &mut bytes).map_err(|error| GitError::Damaged {
                    oid,
                    why: crate::model::escape(error.to_string().as_bytes()),
                })?;
                (found.map(|data| kind_of(data.kind)).ok_or(GitError::Missing(oid))?, bytes)
            }
            Source::Objects(objects) => objects.read(oid)?,
        };
        Ok(Unpacked { kind, bytes: Arc::new(bytes.into()) })
    }

    /// Returns an object's size in bytes, without reading it whole.
    pub fn size(&self, oid: Oid) -> Result<u64, GitError> {
        use gix::objs::FindHeader;
        if let Some(size) = self.unpacker.borrow_mut().size(&gix_id(oid)?) {
            return Ok(size);
        }
        match &self.source {
            Source::Gix(handle) => {
                let found = handle.try_header(&gix_id(oid)?).map_err(|error| GitError::Damaged {
                    oid,
                    why: crate::model::escape(error.to_string().as_bytes()),
                })?;
                found.map(|header| header.size).ok_or(GitError::Missing(oid))
            }
            Source::Objects(objects) => Ok(objects.header(oid)?.1),
        }
    }

    /// Returns a blob's bytes; `None` when there are more than `most`.
    pub fn text(&self, oid: Oid, most: u64) -> Result<Option<Arc<BString>>, GitError> {
        let fits = |bytes: &Arc<BString>| bytes.len() as u64 <= most;
        if let Some(found) = find(&self.texts, oid) {
            return Ok(Some(found).filter(fits));
        }
        // What is packed is put together at once: to find out its size is half of that work.
        let found = match self.unpacked(oid)? {
            Some(found) => found,
            None if self.size(oid)? > most => return Ok(None),
            None => self.elsewhere(oid)?,
        };
        let bytes = found.of_kind(oid, ObjectKind::Blob)?;
        keep(&self.texts, oid, &bytes);
        Ok(Some(bytes).filter(fits))
    }

    /// Returns a tree's bytes.
    pub fn tree(&self, oid: Oid) -> Result<Arc<BString>, GitError> {
        if let Some(found) = find(&self.trees, oid) {
            return Ok(found);
        }
        let bytes = self.read(oid)?.of_kind(oid, ObjectKind::Tree)?;
        keep(&self.trees, oid, &bytes);
        Ok(bytes)
    }

    /// Returns where the entries of a tree of so many bytes begin, as far as that is known.
    pub(super) fn starts(&self, tree: Oid, bytes: usize) -> Rc<RefCell<Starts>> {
        let mut kept = self.starts.borrow_mut();
        // Four bytes for an entry of some thirty, at most.
        kept.find(tree, |_| bytes / 8).unwrap_or_else(|| {
            let starts = Rc::default();
            kept.keep(tree, &starts, bytes / 8);
            starts
        })
    }

    /// Returns a commit's parts.
    pub fn commit(&self, oid: Oid) -> Result<Commit, GitError> {
        let bytes = self.read(oid)?.of_kind(oid, ObjectKind::Commit)?;
        parse_commit(&bytes).ok_or_else(|| GitError::Damaged { oid, why: "its header can't be read".into() })
    }

    /// Returns the name that git gives these bytes as a blob.
    pub fn hash_blob(&self, bytes: &[u8]) -> Result<Oid, GitError> {
        super::objects::hash_blob(self.kind, bytes)
    }
}

fn find(kept: &RefCell<Lately<Oid, Arc<BString>>>, oid: Oid) -> Option<Arc<BString>> {
    kept.borrow_mut().find(oid, |bytes| bytes.len())
}

fn keep(kept: &RefCell<Lately<Oid, Arc<BString>>>, oid: Oid, bytes: &Arc<BString>) {
    kept.borrow_mut().keep(oid, bytes, bytes.len());
}
