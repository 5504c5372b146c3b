//! Reading thousands of objects, in several threads: one reader a thread, without caches of trees or objects.
//!
//! Where gitoxide sees what git sees it is asked, with a bounded cache of packed bases (measured: its object cache makes such
//! walks slower); everywhere else `git cat-file`.

use gix::objs::Find;
use gix::odb::pack::cache::lru::MemoryCappedHashmap;

use super::child::GitError;
use super::objects::{Commit, ObjectKind, Objects, gix_id, gix_kind, is_plain, kind_of, parse_commit};
use super::repository::Repo;
use crate::model::{HashKind, Oid};

/// Bytes of packed objects that one reader keeps, because others are stored as differences to them.
const PACKED: usize = 32 << 20;

/// Reads objects; for one thread.
pub struct Reader {
    source: Source,
    kind: HashKind,
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
        Self { source, kind }
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

    /// Returns a blob's bytes.
    pub fn blob(&self, oid: Oid) -> Result<Vec<u8>, GitError> {
        let mut bytes = Vec::new();
        match self.read(oid, &mut bytes)? {
            ObjectKind::Blob => Ok(bytes),
            _ => Err(GitError::Damaged { oid, why: "it is no blob".into() }),
        }
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
