//! The content of files, many at once: from blobs through git's filters, from the store, or at hand.
//!
//! What is small and git's is read for many files in one conversation and held; what is large, and what is in the store, is a stream
//! to be opened, so that no file is ever held whole because it moves from one place to another. Only texts that are merged are.
//!
//! # Limitations
//!
//! What a filter program makes of a small blob (Git LFS) is held, whatever its size.

use std::collections::HashMap;
use std::io::{BufReader, Read};

use crate::disk::{self, Durability, Root};
use crate::git::Overlaps;
use crate::model::{Mode, Oid, Source, TreePath, WorkFile};
use crate::store::StoreError;

use super::delta::Overlap;
use super::now::There;
use super::{Undo, UndoError};

/// So many bytes are held at once, of several files or of one; a larger file is not held.
pub(super) const HELD: u64 = 16 << 20;

/// The raw bytes that a file has, or is to have.
pub enum Content<'u> {
    /// These.
    Held(Vec<u8>),
    /// Those of a blob, to be read when they are needed.
    Far(Far<'u>),
}

/// A blob that was not read yet.
pub struct Far<'u> {
    undo: &'u Undo<'u>,
    blob: FarBlob,
}

enum FarBlob {
    /// In the store.
    Saved(Oid),
    /// In the repository, as it is written out at a path by a tree's attributes.
    Git(TreePath, Oid, Option<Oid>),
}

impl Content<'_> {
    /// Opens the bytes as a stream. It ends only where all of them were read and are what they should be; else the last read fails.
    pub fn open(&self) -> Result<Box<dyn Read + '_>, UndoError> {
        Ok(match self {
            Self::Held(bytes) => Box::new(&bytes[..]),
            Self::Far(Far { undo, blob: FarBlob::Saved(oid) }) => Box::new(undo.store()?.stream_blob(oid)?),
            Self::Far(Far { undo, blob: FarBlob::Git(path, oid, attributes) }) => {
                Box::new(undo.repo.stream_blob(path, *oid, *attributes)?)
            }
        })
    }

    /// Reads all of the bytes, for who merges them.
    pub(super) fn load(self, path: &TreePath) -> Result<Vec<u8>, UndoError> {
        if let Self::Held(bytes) = self {
            return Ok(bytes);
        }
        let mut bytes = Vec::new();
        let read = self.open()?.read_to_end(&mut bytes);
        read.map_err(|source| disk::DiskError::Source { path: path.to_string(), source })?;
        Ok(bytes)
    }

    /// Returns whether a file that stands beneath the root has just these bytes.
    pub(super) fn is_that_of(&self, root: &Root, path: &TreePath, there: &There) -> Result<bool, UndoError> {
        match (self, &there.bytes) {
            (Self::Held(bytes), Some(now)) => return Ok(bytes == now),
            (Self::Held(bytes), None) if bytes.len() as u64 <= HELD => return Ok(false),
            (Self::Far(Far { undo, blob: FarBlob::Saved(oid) }), _) => {
                return Ok(undo.name_here(*oid)? == there.entry.oid);
            }
            (Self::Far(Far { undo, blob: FarBlob::Git(at, oid, attributes) }), _)
                if !undo.repo.converts(at, *attributes)? =>
            {
                return Ok(*oid == there.entry.oid);
            }
            _ => {}
        }
        if let (_, Some(now)) = (self, &there.bytes) {
            return same(&mut *self.open()?, &mut &now[..], path);
        }
        match root.open_file(path)? {
            Some((_, mut file)) => same(&mut *self.open()?, &mut file, path),
            None => Ok(false),
        }
    }
}

/// Compares two streams.
fn same(one: &mut dyn Read, other: &mut dyn Read, path: &TreePath) -> Result<bool, UndoError> {
    let failed = |source| disk::DiskError::Source { path: path.to_string(), source };
    let mut other = BufReader::with_capacity(1 << 16, other);
    let (mut buffer, mut beside) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        let read = one.read(&mut buffer).map_err(failed)?;
        if read == 0 {
            return Ok(other.read(&mut beside[..1]).map_err(failed)? == 0);
        }
        match other.read_exact(&mut beside[..read]) {
            Ok(()) if buffer[..read] == beside[..read] => {}
            Err(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => return Err(failed(error).into()),
            _ => return Ok(false),
        }
    }
}

impl Undo<'_> {
    /// Returns the content of files. One conversation with git for all that need its filters; `attributes` is the tree
    /// whose `.gitattributes` count, or `None` for those of the working tree. Of several git's have to be small, as
    /// [`Undo::chunks`] cuts them.
    pub(super) fn contents<'p>(
        &self,
        files: impl Iterator<Item = (&'p TreePath, &'p WorkFile)>,
        attributes: Option<Oid>,
    ) -> Result<HashMap<&'p TreePath, Content<'_>>, UndoError> {
        let mut found = HashMap::new();
        let mut wanted = Vec::new();
        let mut places = HashMap::new();
        let far = |blob| Content::Far(Far { undo: self, blob });
        for (path, file) in files {
            match &file.source {
                Source::Bytes(bytes) => drop(found.insert(path, Content::Held(bytes.to_vec()))),
                Source::Saved(oid) => drop(found.insert(path, far(FarBlob::Saved(*oid)))),
                Source::Here => return Err(UndoError::Report("a file was to be read before it was saved")),
                Source::Git(oid) if file.mode == Mode::Link => {
                    found.insert(path, Content::Held(self.repo.objects().blob(*oid)?));
                }
                Source::Git(oid) => {
                    wanted.push((path.clone(), *oid));
                    places.insert(path.clone(), path);
                }
            }
        }
        if let [(path, oid)] = &wanted[..]
            && self.repo.objects().header(*oid)?.1 > HELD
            && let Some(place) = places.remove(path)
        {
            found.insert(place, far(FarBlob::Git(path.clone(), *oid, attributes)));
            return Ok(found);
        }
        for filtered in self.repo.smudge(&wanted, attributes)? {
            if let Some(path) = places.remove(&filtered.path) {
                found.insert(path, Content::Held(filtered.bytes));
            }
        }
        Ok(found)
    }

    /// Returns the name that git would give the bytes of a saved blob in this repository.
    pub(super) fn name_here(&self, saved: Oid) -> Result<Oid, UndoError> {
        if saved.kind() == self.repo.objects().hash_kind() {
            return Ok(saved);
        }
        let mut blob = self.store()?.stream_blob(&saved)?;
        let named = self.repo.hash_stream(blob.size(), &mut blob);
        named.map_err(|source| StoreError::Blob { oid: saved, why: source.to_string() }.into())
    }

    /// Returns one file's content.
    pub(super) fn content(
        &self,
        path: &TreePath,
        file: &WorkFile,
        attributes: Option<Oid>,
    ) -> Result<Content<'_>, UndoError> {
        let mut found = self.contents(std::iter::once((path, file)), attributes)?;
        found.remove(path).ok_or(UndoError::Report("git wrote out another file than was asked for"))
    }

    /// Returns the content of several versions of one file, each by itself: one that is damaged or not there fails alone.
    pub fn versions(&self, path: &TreePath, files: &[&WorkFile]) -> Vec<Result<Content<'_>, UndoError>> {
        let small = |oid| self.repo.objects().header(oid).is_ok_and(|(_, size)| size <= HELD);
        let together = |file: &&WorkFile| match file.source {
            Source::Git(oid) if file.mode != Mode::Link && small(oid) => Some((path.clone(), oid)),
            _ => None,
        };
        let wanted: Vec<_> = files.iter().map(together).collect();
        let asked: Vec<_> = wanted.iter().flatten().cloned().collect();
        // Filters work on many as fast as on one; where one of them fails, each is asked by itself.
        let mut read = self.repo.smudge(&asked, None).ok().filter(|found| found.len() == asked.len());
        let mut read = read.as_mut().map(|found| found.drain(..));
        let one = |(file, wanted): (&&WorkFile, Option<_>)| match read
            .as_mut()
            .filter(|_| wanted.is_some())
            .and_then(Iterator::next)
        {
            Some(filtered) => Ok(Content::Held(filtered.bytes)),
            None => self.content(path, file, None),
        };
        files.iter().zip(wanted).map(one).collect()
    }

    /// Cuts a list into runs whose files together have a bounded size; a large one is a run of its own. Fails when a blob is missing
    /// here.
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
            if size + more > HELD && place > start {
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

#[cfg(test)]
mod tests {
    use super::super::now::{Standing, standing};
    use super::super::tests::repo;
    use super::super::tests::world::World;
    use super::*;
    use crate::model::Timestamp;

    // D15
    #[test]
    fn what_is_large_is_not_held_and_its_damage_is_noticed() {
        let world = World::new(&[]);
        let large: String = (0_u32..2_500_000).map(|line| format!("{line:07}\n")).collect();
        assert!(large.len() as u64 > HELD);
        world.write("large", &large);
        world.write("small", "small\n");
        world.commit("large");
        let repo = repo(&world);
        let undo = Undo::new(&repo, Timestamp(1));
        let file = |path: &str| WorkFile {
            mode: Mode::File,
            bits: None,
            source: Source::Git(Oid::from_hex(world.oid(&format!("HEAD:{path}")).as_bytes()).unwrap()),
        };
        let files = [("large".into(), file("large")), ("small".into(), file("small"))];
        assert_eq!(undo.chunks(&files, |(_, file)| Some(file)).unwrap().len(), 2);
        let [(path, large_file), (_, small)] = &files;
        assert!(matches!(undo.content(path, small, None).unwrap(), Content::Held(_)));
        let versions = undo.versions(path, &[small, large_file]);
        assert!(matches!(versions[..], [Ok(Content::Held(_)), Ok(Content::Far(_))]));
        let content = undo.content(path, large_file, None).unwrap();
        assert!(matches!(content, Content::Far(_)));
        let Standing::File(there) = standing(&repo, &Root::open(&world.path("")).unwrap(), path).unwrap() else {
            panic!()
        };
        assert!(there.bytes.is_none());
        assert!(content.load(path).unwrap() == large.as_bytes());
        // Another blob's bytes under its name.
        let place = |oid: &str| world.git_dir().join("objects").join(&oid[..2]).join(&oid[2..]);
        let damaged = place(&world.oid("HEAD:large"));
        let stranger = crate::disk::read_own(&place(&world.oid("HEAD:small")), 1 << 20).unwrap().unwrap();
        crate::disk::remove_file(&damaged).unwrap();
        crate::disk::write_atomic(&damaged, &stranger, Durability::Lazy, 0o444).unwrap();
        let far = Content::Far(Far {
            undo: &undo,
            blob: FarBlob::Git(path.clone(), Oid::from_hex(world.oid("HEAD:large").as_bytes()).unwrap(), None),
        });
        let error = far.load(path).unwrap_err();
        assert!(matches!(error, UndoError::Disk(disk::DiskError::Source { .. })), "{error}");
    }
}
