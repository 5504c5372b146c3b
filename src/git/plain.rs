//! Answers that need no process: what plain files in git's folder tell.
//!
//! Only what the files tell for sure is answered here. Whatever is less plain (a reftable, a symbolic ref, a ref of one
//! worktree) is git's to answer.

use std::fs;
use std::io::ErrorKind;

use bstr::ByteSlice;

use super::child::path_of;
use super::repository::Repo;
use crate::model::{Oid, RefName};

/// Prefixes of refs that each worktree has for itself.
const PER_WORKTREE: [&[u8]; 3] = [b"refs/worktree/", b"refs/bisect/", b"refs/rewritten/"];

/// What the files tell of a ref.
pub(super) enum PlainRef {
    /// Its value.
    Value(Oid),
    /// There is none.
    Missing,
    /// git must be asked.
    Unknown,
}

impl Repo {
    /// Reads a ref.
    ///
    /// git packs a ref by writing `packed-refs` before it removes the ref's own file: who finds no file reads a list that
    /// has it.
    pub(super) fn plain_ref(&self, name: &RefName) -> PlainRef {
        if !self.has_plain_refs(name) {
            return PlainRef::Unknown;
        }
        let value = |hex: &[u8]| Oid::from_hex(hex).map_or(PlainRef::Unknown, PlainRef::Value);
        match fs::read(self.common_dir().join(path_of(name))) {
            Ok(text) => return value(text.trim_ascii_end()),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::IsADirectory) => {}
            Err(_) => return PlainRef::Unknown,
        }
        let Some(packed) = self.packed_refs() else { return PlainRef::Unknown };
        let line = [b" ", name.as_bytes(), b"\n"].concat();
        let Some(end) = packed.find(&line) else { return PlainRef::Missing };
        let start = packed[..end].rfind_byte(b'\n').map_or(0, |before| before + 1);
        value(&packed[start..end])
    }

    /// Returns whether there is no ref under `prefix` (`refs/remotes/`) for sure.
    pub(super) fn has_no_ref_under(&self, prefix: &str) -> bool {
        let name = RefName::from(prefix);
        let folder = || fs::read_dir(self.common_dir().join(prefix)).is_ok_and(|mut found| found.next().is_some());
        let packed = || self.packed_refs().is_none_or(|packed| packed.contains_str([b" ", name.as_bytes()].concat()));
        self.has_plain_refs(&name) && !folder() && !packed()
    }

    /// Returns whether a ref has no reflog for sure.
    pub(super) fn has_no_reflog(&self, name: &RefName) -> bool {
        self.has_plain_refs(name) && !self.common_dir().join("logs").join(path_of(name)).exists()
    }

    /// Returns whether there are worktrees besides the main one.
    pub fn has_linked_worktrees(&self) -> bool {
        fs::read_dir(self.common_dir().join("worktrees")).is_ok_and(|mut found| found.next().is_some())
    }

    fn has_plain_refs(&self, name: &RefName) -> bool {
        let shared = name.starts_with(b"refs/") && !PER_WORKTREE.iter().any(|prefix| name.starts_with(prefix));
        shared && !name.contains_str("..") && !self.is_reftable()
    }

    /// Returns the list of packed refs, empty when there is none; `None` when it can't be read.
    fn packed_refs(&self) -> Option<Vec<u8>> {
        match fs::read(self.common_dir().join("packed-refs")) {
            Err(error) if error.kind() != ErrorKind::NotFound => None,
            read => Some(read.unwrap_or_default()),
        }
    }
}
