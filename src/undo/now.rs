//! What is there now: the index entries, and the files of the working tree.

use std::path::Path;

use crate::disk::{DiskError, Kind, Metadata, OnDisk, Root};
use crate::git::{IndexEntry, Repo, Stage};
use crate::model::{Entry, Slot, TreePath};

use super::UndoError;
use super::contents::HELD;

/// An index: its entries in git's order, which is that of the paths' bytes, then stages. All paths in one piece, because
/// there may be a hundred thousand.
pub(super) struct Index {
    paths: Vec<u8>,
    /// Where each entry's path ends; the next one begins there.
    ends: Vec<usize>,
    slots: Vec<Slot>,
}

impl Index {
    /// Reads all entries of an index file.
    pub(super) fn read(repo: &Repo, file: &Path) -> Result<Self, UndoError> {
        let mut index = Self { paths: Vec::new(), ends: Vec::new(), slots: Vec::new() };
        repo.read_index(file, |path, entry| {
            index.paths.extend_from_slice(path);
            index.ends.push(index.paths.len());
            index.slots.push(slot_of(&entry));
        })?;
        Ok(index)
    }

    fn path(&self, place: usize) -> &[u8] {
        let start = if place == 0 { 0 } else { self.ends[place - 1] };
        &self.paths[start..self.ends[place]]
    }

    /// Returns the first entry from `low` on whose path is not before `path`.
    fn first(&self, path: &[u8], low: usize) -> usize {
        let (mut low, mut high) = (low, self.slots.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            if self.path(middle) < path { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// Returns where the entries of the path end that begin at `start`.
    fn end_of(&self, start: usize) -> usize {
        let same = (start..self.slots.len()).take_while(|place| self.path(*place) == self.path(start));
        start + same.count()
    }

    /// Returns what stands at a path, by stage; empty: nothing.
    pub(super) fn at(&self, path: &TreePath) -> &[Slot] {
        let start = self.first(path, 0);
        if start == self.slots.len() || self.path(start) != &path[..] {
            return &[];
        }
        &self.slots[start..self.end_of(start)]
    }

    /// Returns all paths with what stands there.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], &[Slot])> {
        let mut next = 0;
        std::iter::from_fn(move || {
            let start = next;
            (start < self.slots.len()).then(|| {
                next = self.end_of(start);
                (self.path(start), &self.slots[start..next])
            })
        })
    }

    /// Returns the paths beneath `path` as a folder.
    pub(super) fn beneath(&self, path: &TreePath) -> impl Iterator<Item = TreePath> {
        let folder = [path, &b"/"[..]].concat();
        let places = self.first(&folder, 0)..self.slots.len();
        places.map(|place| self.path(place)).take_while(move |path| path.starts_with(&folder)).map(TreePath::from)
    }
}

fn slot_of(entry: &IndexEntry) -> Slot {
    let stage = match entry.stage {
        Stage::Normal => 0,
        Stage::Base => 1,
        Stage::Ours => 2,
        Stage::Theirs => 3,
    };
    Slot { stage, entry: entry.entry, skip_worktree: entry.skip_worktree, assume_unchanged: entry.assume_unchanged }
}

/// Returns the index entries that slots at a path stand for.
pub(super) fn entries_of(path: &TreePath, slots: &[Slot]) -> Vec<IndexEntry> {
    let stage = |number| match number {
        1 => Stage::Base,
        2 => Stage::Ours,
        3 => Stage::Theirs,
        _ => Stage::Normal,
    };
    let entry = |slot: &Slot| IndexEntry {
        path: path.clone(),
        stage: stage(slot.stage),
        entry: slot.entry,
        skip_worktree: slot.skip_worktree,
        assume_unchanged: slot.assume_unchanged,
    };
    slots.iter().map(entry).collect()
}

/// Returns the one resolved entry that slots hold.
pub(super) fn resolved(slots: &[Slot]) -> Option<&Slot> {
    match slots {
        [slot] if slot.stage == 0 => Some(slot),
        _ => None,
    }
}

/// Returns whether slots hold the same entries, whatever their flags.
pub(super) fn same_slots(a: &[Slot], b: &[Slot]) -> bool {
    let entries = |slots: &[Slot]| slots.iter().map(|slot| (slot.stage, slot.entry)).collect::<Vec<_>>();
    entries(a) == entries(b)
}

/// What stands at a path of the working tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nothing, or something on the way there that is no folder.
    Nothing,
    /// A file or link.
    File(There),
    /// A folder.
    Folder,
    /// A pipe, a socket, a device.
    Special,
}

/// A file or link that stands at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct There {
    /// Its mode, and the name of its raw bytes as a blob.
    pub(super) entry: Entry,
    /// The raw bytes; `None`: too many to be held.
    pub(super) bytes: Option<Vec<u8>>,
}

impl There {
    /// Returns all of the bytes, for who merges them.
    pub(super) fn load(self, root: &Root, path: &TreePath) -> Result<Vec<u8>, UndoError> {
        if let Some(bytes) = self.bytes {
            return Ok(bytes);
        }
        match root.read(path)? {
            Some(OnDisk::File { bytes, .. }) => Ok(bytes),
            _ => Err(UndoError::Changed(path.clone())),
        }
    }
}

/// Reads what stands at a path.
pub(super) fn standing(repo: &Repo, root: &Root, path: &TreePath) -> Result<Standing, UndoError> {
    if let Some((Metadata { kind: Kind::File(mode), size, .. }, mut file)) = root.open_file(path)?
        && size > HELD
    {
        let read = repo.hash_stream(size, &mut file);
        let oid = read.map_err(|source| DiskError::Source { path: path.to_string(), source })?;
        return Ok(Standing::File(There { entry: Entry { mode, oid }, bytes: None }));
    }
    Ok(match root.read(path)? {
        None => Standing::Nothing,
        Some(OnDisk::File { mode, bytes }) => {
            let entry = Entry { mode, oid: repo.objects().hash_blob(&bytes)? };
            Standing::File(There { entry, bytes: Some(bytes) })
        }
        Some(OnDisk::Folder) => Standing::Folder,
        Some(OnDisk::Special) => Standing::Special,
    })
}

/// Returns whether what stands there is what a plan expects (mode and name of the raw bytes).
pub(super) fn is_expected(now: &Standing, expect: Option<Entry>) -> bool {
    match (now, expect) {
        // Whether a folder there gives way is for the writing to say: an empty one does.
        (Standing::Nothing | Standing::Folder, None) => true,
        (Standing::File(there), Some(expect)) => there.entry == expect,
        _ => false,
    }
}
