//! What is there now: the index entries, and the files of the working tree.

use std::collections::BTreeMap;
use std::path::Path;

use crate::disk::{OnDisk, Root};
use crate::git::{IndexEntry, Repo, Stage};
use crate::model::{Entry, Mode, Slot, TreePath};

use super::UndoError;

/// An index, by path.
pub(super) struct Index(BTreeMap<TreePath, Vec<Slot>>);

impl Index {
    /// Reads all entries of an index file.
    pub(super) fn read(repo: &Repo, file: &Path) -> Result<Self, UndoError> {
        let mut paths: BTreeMap<TreePath, Vec<Slot>> = BTreeMap::new();
        for entry in repo.index_entries(file)? {
            let slot = slot_of(&entry);
            paths.entry(entry.path).or_default().push(slot);
        }
        Ok(Self(paths))
    }

    /// Returns what stands at a path, by stage; empty: nothing.
    pub(super) fn at(&self, path: &TreePath) -> &[Slot] {
        self.0.get(path).map_or(&[], Vec::as_slice)
    }

    /// Returns all paths with what stands there.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&TreePath, &[Slot])> {
        self.0.iter().map(|(path, slots)| (path, slots.as_slice()))
    }

    /// Returns the paths beneath `path` as a folder.
    pub(super) fn beneath<'a>(&'a self, path: &TreePath) -> impl Iterator<Item = &'a TreePath> {
        let folder = TreePath::from([path, &b"/"[..]].concat());
        let start = folder.clone();
        self.0.range(start..).map(|(path, _)| path).take_while(move |path| path.starts_with(&folder))
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
    File(Mode, Vec<u8>),
    /// A folder.
    Folder,
    /// A pipe, a socket, a device.
    Special,
}

/// Reads what stands at a path.
pub(super) fn standing(root: &Root, path: &TreePath) -> Result<Standing, UndoError> {
    Ok(match root.read(path)? {
        None => Standing::Nothing,
        Some(OnDisk::File { mode, bytes }) => Standing::File(mode, bytes),
        Some(OnDisk::Folder) => Standing::Folder,
        Some(OnDisk::Special) => Standing::Special,
    })
}

/// Returns whether what stands there is what a plan expects (mode and name of the raw bytes).
pub(super) fn is_expected(repo: &Repo, now: &Standing, expect: Option<Entry>) -> Result<bool, UndoError> {
    Ok(match (now, expect) {
        // Whether a folder there gives way is for the writing to say: an empty one does.
        (Standing::Nothing | Standing::Folder, None) => true,
        (Standing::File(mode, bytes), Some(expect)) => {
            *mode == expect.mode && repo.objects().hash_blob(bytes)? == expect.oid
        }
        _ => false,
    })
}
