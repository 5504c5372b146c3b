//! Bytes for many files at once: from blobs through git's filters, from the store, or at hand.

use std::collections::HashMap;

use crate::disk::{self, Durability};
use crate::git::Overlaps;
use crate::model::{Mode, Oid, Source, TreePath, WorkFile};

use super::delta::Overlap;
use super::{Undo, UndoError};

/// So many bytes of blobs are held at once.
const CHUNK: u64 = 32 * 1024 * 1024;

impl Undo<'_> {
    /// Returns the raw bytes of files. One conversation with git for all that need its filters; `attributes` is the tree
    /// whose `.gitattributes` count, or `None` for those of the working tree.
    pub(super) fn contents<'p>(
        &self,
        files: impl Iterator<Item = (&'p TreePath, &'p WorkFile)>,
        attributes: Option<Oid>,
    ) -> Result<HashMap<&'p TreePath, Vec<u8>>, UndoError> {
        let mut found = HashMap::new();
        let mut wanted = Vec::new();
        let mut places = HashMap::new();
        for (path, file) in files {
            match &file.source {
                Source::Bytes(bytes) => drop(found.insert(path, bytes.to_vec())),
                Source::Saved(oid) => drop(found.insert(path, self.store()?.read_blob(oid)?)),
                Source::Git(oid) if file.mode == Mode::Link => {
                    found.insert(path, self.repo.objects().blob(*oid)?);
                }
                Source::Git(oid) => {
                    wanted.push((path.clone(), *oid));
                    places.insert(path.clone(), path);
                }
            }
        }
        for filtered in self.repo.smudge(&wanted, attributes)? {
            if let Some(path) = places.remove(&filtered.path) {
                found.insert(path, filtered.bytes);
            }
        }
        Ok(found)
    }

    /// Returns one file's raw bytes.
    pub(super) fn content(
        &self,
        path: &TreePath,
        file: &WorkFile,
        attributes: Option<Oid>,
    ) -> Result<Vec<u8>, UndoError> {
        let mut found = self.contents(std::iter::once((path, file)), attributes)?;
        found.remove(path).ok_or(UndoError::Report("git wrote out another file than was asked for"))
    }

    /// Returns the raw bytes of several versions of one file, each by itself: one that is damaged or not there fails alone.
    pub fn versions(&self, path: &TreePath, files: &[&WorkFile]) -> Vec<Result<Vec<u8>, UndoError>> {
        let is_git = |file: &WorkFile| matches!(file.source, Source::Git(_)) && file.mode != Mode::Link;
        let oid = |file: &&WorkFile| match file.source {
            Source::Git(oid) if is_git(file) => Some((path.clone(), oid)),
            _ => None,
        };
        let wanted: Vec<_> = files.iter().filter_map(oid).collect();
        // Filters work on many as fast as on one; where one of them fails, each is asked by itself.
        let mut together = self.repo.smudge(&wanted, None).ok().filter(|found| found.len() == wanted.len());
        let mut together = together.as_mut().map(|found| found.drain(..));
        let one = |file: &&WorkFile| match together.as_mut().filter(|_| is_git(file)).and_then(Iterator::next) {
            Some(filtered) => Ok(filtered.bytes),
            None => self.content(path, file, None),
        };
        files.iter().map(one).collect()
    }

    /// Cuts a list into runs whose files together have a bounded size. Fails when a blob is missing here.
    pub(super) fn chunks<'t, T>(
        &self,
        items: &'t [T],
        file: impl Fn(&T) -> Option<&WorkFile>,
    ) -> Result<Vec<&'t [T]>, UndoError> {
        let mut chunks = Vec::new();
        let (mut start, mut size) = (0, 0);
        for (place, item) in items.iter().enumerate() {
            let more = match file(item).map(|file| &file.source) {
                Some(Source::Git(oid)) => self.repo.objects().header(*oid)?.1,
                _ => 0,
            };
            if size + more > CHUNK && place > start {
                chunks.push(&items[start..place]);
                (start, size) = (place, 0);
            }
            size += more;
        }
        if start < items.len() {
            chunks.push(&items[start..]);
        }
        Ok(chunks)
    }

    /// Merges three texts as git does; `None` when a side is binary, or changes overlap and nothing is to become of that.
    pub(super) fn merge(
        &self,
        ours: &[u8],
        base: &[u8],
        theirs: &[u8],
        overlap: Overlap,
    ) -> Result<Option<Vec<u8>>, UndoError> {
        let overlaps = match overlap {
            Overlap::Refuse | Overlap::Replace => Overlaps::Fail,
            Overlap::Stay => Overlaps::Ours,
            Overlap::Mark => Overlaps::Marked,
        };
        let parent = self.repo.guard_dir().join("tmp");
        let folder = parent.join(format!("undo-{}", std::process::id()));
        disk::ensure_folder(&folder, 0o700)?;
        let names = ["ours", "base", "theirs"].map(|name| folder.join(name));
        let write = || -> Result<Option<Vec<u8>>, UndoError> {
            for (name, bytes) in names.iter().zip([ours, base, theirs]) {
                disk::write_atomic(name, bytes, Durability::Lazy, 0o600)?;
            }
            Ok(self.repo.merge_texts([&names[0], &names[1], &names[2]], overlaps)?)
        };
        let merged = write();
        disk::remove_folder_all_inside(&parent, &folder)?;
        merged
    }
}
