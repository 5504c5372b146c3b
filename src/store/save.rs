//! Saving files: streamed, hashed while they are written, within limits.
//!
//! A file that changes while it is read would be saved as a mixture that never existed: size, times and inode are compared
//! before and after, and such a file is read once more, then listed as not saved. A file over a limit is not read at all.

use std::io::{Read, Write};

use git2::{ObjectType, Odb, Signature, Time};
use gix::objs::WriteTo;
use gix::objs::tree::{Entry, EntryKind};

use crate::disk::{self, DiskError, Durability, Kind, Metadata, OnDisk, Root};
use crate::model::{Mode, Oid, OperationId, Saved, SavedFile, SavedState, SavedVersion, Timestamp, TreePath, Unsaved};

use super::manifest::Kept;
use super::{Snapshot, Store, StoreError};

/// The largest file that is saved whatever the limits say; for larger ones a backup tool is the right place.
pub const LARGEST_FILE: u64 = 512 << 20;

/// How much may be saved, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// One file.
    pub max_file: u64,
    /// All files of a snapshot together.
    pub max_total: u64,
}

/// Where a file's bytes come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The file itself, beneath the root.
    OnDisk,
    /// Bytes that the caller has.
    Bytes {
        /// The mode to go with them.
        mode: Mode,
        /// The raw bytes, or a link's target.
        bytes: Vec<u8>,
    },
}

/// What a saved thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// A file of the working tree.
    File {
        /// Whether git tracks the path.
        tracked: bool,
    },
    /// A version that only the index has: a blob of the repository.
    Staged(Oid),
    /// A file of git's own folder.
    State,
}

/// How much depends on saving it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Care {
    /// It is about to be replaced by us: saved whatever the limits say (but [`LARGEST_FILE`]), and as durable as the store
    /// was opened.
    Must,
    /// It is about to be replaced by git: saved within the limits, and as durable as the store was opened.
    Should,
    /// Nothing is about to happen to it: saved within the limits, not synced.
    May,
}

/// Something to save.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Where it is: a path in the working tree, or the name in git's folder.
    pub path: TreePath,
    /// What it is.
    pub part: Part,
    /// Where its bytes are.
    pub source: Source,
    /// How much depends on it.
    pub care: Care,
}

/// How saving one file went.
pub(super) enum Attempt {
    Stored {
        mode: Mode,
        bits: Option<u32>,
        blob: git2::Oid,
        size: u64,
    },
    Unsaved(String),
    Changed,
    /// Nothing stands there.
    Nothing,
}

/// What becomes a tree, a tag and a ref.
pub(super) struct Parcel<'p> {
    pub(super) name: &'p str,
    pub(super) message: String,
    pub(super) at: Timestamp,
    pub(super) manifest: Vec<u8>,
    /// For each what lies in it, by number, and whether it can be run.
    pub(super) folders: Vec<(&'static str, Vec<(Oid, bool)>)>,
}

impl Store {
    /// Saves files as the snapshot of an operation, in the order given, which is also that in which limits are used up.
    /// Paths at which nothing stands are left out; what could not be saved is listed with the reason. When nothing was saved
    /// there is no snapshot. An error means that there is none either; it
    /// may leave objects that [`Store::collect`] removes.
    pub fn save(
        &self,
        id: &OperationId,
        now: Timestamp,
        root: &Root,
        wanted: impl IntoIterator<Item = Wanted>,
        limits: Limits,
    ) -> Result<Saved, StoreError> {
        self.save_with(id, now, root, wanted, limits, &mut |_| {})
    }

    /// `between` is called after a file was read and before it is looked at again: tests change it there.
    pub(super) fn save_with(
        &self,
        id: &OperationId,
        now: Timestamp,
        root: &Root,
        wanted: impl IntoIterator<Item = Wanted>,
        limits: Limits,
        between: &mut dyn FnMut(&TreePath),
    ) -> Result<Saved, StoreError> {
        let name = Self::ref_name(id)?;
        if self.has(&name) {
            return Err(StoreError::Exists(name));
        }
        let odb = self.repository.odb().map_err(self.failed("open the objects"))?;
        let mut unsynced = None;
        let mut saved = Saved::default();
        let mut left = limits.max_total;
        for Wanted { path, part, source, care } in wanted {
            let odb = match (care, &mut unsynced) {
                (Care::Must | Care::Should, _) => &odb,
                (Care::May, Some(odb)) => odb,
                (Care::May, none) => none.insert(self.unsynced()?.odb().map_err(self.failed("open the objects"))?),
            };
            let bounds = if care == Care::Must { (u64::MAX, u64::MAX) } else { (limits.max_file, left) };
            let why = match self.save_one(odb, root, &path, &source, bounds, between)? {
                Attempt::Stored { mode, bits, blob, size } => {
                    if care != Care::May {
                        self.settle(blob)?;
                    }
                    left -= size.min(left);
                    let blob = ours(blob);
                    match part {
                        Part::File { tracked } => {
                            let bits = bits.filter(|_| !tracked);
                            saved.files.push(SavedFile { path, mode, blob, tracked, bits });
                        }
                        Part::Staged(oid) => saved.staged.push(SavedVersion { path, oid, blob }),
                        Part::State => saved.state.push(SavedState { name: path, blob }),
                    }
                    continue;
                }
                Attempt::Nothing => continue,
                Attempt::Unsaved(why) => why,
                Attempt::Changed => "it changed while it was read".to_owned(),
            };
            match part {
                Part::File { .. } => saved.unsaved.push(Unsaved { path, why }),
                Part::Staged(_) => saved.unsaved_staged.push(Unsaved { path, why }),
                // Evidence for people, and small: undo keeps what it changes of it in its plan.
                Part::State => {}
            }
        }
        if saved.files.is_empty() && saved.staged.is_empty() && saved.state.is_empty() {
            return Ok(saved);
        }
        self.write_snapshot(&odb, &name, &Snapshot::new(id, now, &saved))?;
        saved.snapshot = Some(name);
        Ok(saved)
    }

    /// Syncs a blob that was there already: libgit2 writes nothing then, and whoever wrote it may not have synced it.
    pub(super) fn settle(&self, blob: git2::Oid) -> Result<(), StoreError> {
        if self.durability == Durability::Lazy {
            return Ok(());
        }
        let path = self.loose_path(&ours(blob));
        match std::fs::File::open(&path).and_then(|file| file.sync_all()) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                Err(DiskError::Io { path, action: "sync", source }.into())
            }
            // One in a pack was synced with it.
            _ => Ok(()),
        }
    }

    pub(super) fn save_one(
        &self,
        odb: &Odb<'_>,
        root: &Root,
        path: &TreePath,
        source: &Source,
        (max_file, left): (u64, u64),
        between: &mut dyn FnMut(&TreePath),
    ) -> Result<Attempt, StoreError> {
        let fits = |size: u64| {
            if size > max_file.min(LARGEST_FILE) {
                Some(Attempt::Unsaved("larger than max_file".to_owned()))
            } else {
                (size > left).then(|| Attempt::Unsaved("over max_total".to_owned()))
            }
        };
        if let Source::Bytes { mode, bytes } = source {
            if let Some(over) = fits(bytes.len() as u64) {
                return Ok(over);
            }
            let blob = self.write_bytes(odb, bytes)?;
            return Ok(Attempt::Stored { mode: *mode, bits: None, blob, size: bytes.len() as u64 });
        }
        for _ in 0..2 {
            let metadata = match root.metadata(path) {
                Ok(Some(metadata)) => metadata,
                Ok(None) => return Ok(Attempt::Nothing),
                Err(error) => return Ok(unreadable(&error)),
            };
            if matches!(metadata.kind, Kind::File(_))
                && let Some(over) = fits(metadata.size)
            {
                return Ok(over);
            }
            let attempt = match metadata.kind {
                Kind::File(mode) if mode.is_regular() => self.stream(odb, root, path, metadata)?,
                Kind::File(_) => self.link(odb, root, path)?,
                Kind::Folder => return Ok(Attempt::Unsaved("a folder that holds too many files".to_owned())),
                Kind::Special => return Ok(Attempt::Unsaved("not a regular file".to_owned())),
            };
            between(path);
            let same = root.metadata(path).ok().flatten() == Some(metadata);
            match attempt {
                Attempt::Unsaved(_) => return Ok(attempt),
                Attempt::Stored { .. } if same => return Ok(attempt),
                _ => {}
            }
        }
        Ok(Attempt::Changed)
    }

    fn link(&self, odb: &Odb<'_>, root: &Root, path: &TreePath) -> Result<Attempt, StoreError> {
        match root.read(path) {
            Ok(Some(OnDisk::File { mode: Mode::Link, bytes })) => {
                let blob = self.write_bytes(odb, &bytes)?;
                Ok(Attempt::Stored { mode: Mode::Link, bits: None, blob, size: bytes.len() as u64 })
            }
            Ok(_) => Ok(Attempt::Changed),
            Err(error) => Ok(unreadable(&error)),
        }
    }

    fn stream(&self, odb: &Odb<'_>, root: &Root, path: &TreePath, expected: Metadata) -> Result<Attempt, StoreError> {
        let (metadata, file) = match root.open_file(path) {
            Ok(Some(opened)) => opened,
            Ok(None) => return Ok(Attempt::Changed),
            Err(error) => return Ok(unreadable(&error)),
        };
        let (Kind::File(mode), Ok(size)) = (metadata.kind, usize::try_from(metadata.size)) else {
            return Ok(Attempt::Changed);
        };
        if metadata != expected {
            return Ok(Attempt::Changed);
        }
        disk::step(&self.path, "save a file")?;
        let mut writer = odb.writer(size, ObjectType::Blob).map_err(self.failed("begin a blob"))?;
        // One byte more than expected shows a file that grows; the writer would refuse it anyway.
        let mut reader = file.take(metadata.size + 1);
        let mut buffer = vec![0; 1 << 16];
        let mut copied = 0;
        loop {
            let read = match reader.read(&mut buffer) {
                Ok(read) => read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Ok(Attempt::Unsaved(format!("not readable: {error}"))),
            };
            copied += read as u64;
            if read == 0 || copied > metadata.size {
                break;
            }
            let written = writer.write_all(&buffer[..read]);
            written.map_err(|source| self.unwritten(source, metadata.size))?;
        }
        if copied != metadata.size {
            return Ok(Attempt::Changed);
        }
        let blob = writer.finalize().map_err(self.failed("write a blob"))?;
        Ok(Attempt::Stored { mode, bits: Some(metadata.bits), blob, size: metadata.size })
    }

    /// Says why bytes could not be written: libgit2 keeps the system's reason for itself.
    fn unwritten(&self, source: std::io::Error, size: u64) -> StoreError {
        let room = rustix::fs::statvfs(&self.path).map(|found| found.f_bavail.saturating_mul(found.f_frsize));
        // Compressed it may have fitted, but then it would have been written.
        let is_full = room.is_ok_and(|room| room < size);
        let source = if is_full { rustix::io::Errno::NOSPC.into() } else { source };
        DiskError::Io { path: self.path.clone(), action: "write a blob in", source }.into()
    }

    fn write_bytes(&self, odb: &Odb<'_>, bytes: &[u8]) -> Result<git2::Oid, StoreError> {
        disk::step(&self.path, "save a file")?;
        odb.write(ObjectType::Blob, bytes).map_err(self.failed("write a blob"))
    }

    fn write_snapshot(&self, odb: &Odb<'_>, name: &str, snapshot: &Snapshot) -> Result<(), StoreError> {
        let manifest = serde_json::to_vec_pretty(snapshot).map_err(|error| StoreError::Damaged {
            name: name.to_owned(),
            why: format!("its manifest can't be written: {error} (please report this)"),
        })?;
        let message = format!("Files before operation {}\n", snapshot.operation);
        // `files` is always there, the others only when something lies in them.
        let folders = snapshot.folders().into_iter().filter(|(name, kept)| *name == "files" || !kept.is_empty());
        let blobs = |kept: Vec<Kept<'_>>| kept.into_iter().map(|kept| (kept.blob, kept.runs)).collect();
        let folders = folders.map(|(name, kept)| (name, blobs(kept))).collect();
        let parcel = Parcel { name, message, at: snapshot.at, manifest, folders };
        self.write_parcel(odb, &parcel)
    }

    /// Writes manifest, trees, tag and ref.
    pub(super) fn write_parcel(&self, odb: &Odb<'_>, parcel: &Parcel<'_>) -> Result<(), StoreError> {
        let manifest = self.write_bytes(odb, &parcel.manifest)?;
        disk::step(&self.path, "write a snapshot")?;
        let tree = self.write_trees(odb, manifest, parcel)?;
        let tag = self.write_tag(tree, parcel).map_err(self.failed("write a snapshot"))?;
        disk::step(&self.path, "write a ref")?;
        match self.repository.reference(parcel.name, tag, false, "") {
            Ok(_) => Ok(()),
            Err(error) if error.code() == git2::ErrorCode::Exists => Err(StoreError::Exists(parcel.name.to_owned())),
            Err(error) => Err(self.failed("write a ref")(error)),
        }
    }

    /// Writes the trees, those of the folders first; returns the top one.
    fn write_trees(&self, odb: &Odb<'_>, manifest: git2::Oid, parcel: &Parcel<'_>) -> Result<git2::Oid, StoreError> {
        let encoded = |entries| {
            let why = |error| format!("its tree can't be written: {error} (please report this)");
            encoded(entries).map_err(|error| StoreError::Damaged { name: parcel.name.to_owned(), why: why(error) })
        };
        let mut top = vec![entry("manifest.json".to_owned(), EntryKind::Blob, &ours(manifest))?];
        for (name, kept) in &parcel.folders {
            let mut folder = Vec::new();
            for (number, (blob, runs)) in kept.iter().enumerate() {
                // Links are plain files here, so that nobody who checks a snapshot out has links made by what was saved.
                let kind = if *runs { EntryKind::BlobExecutable } else { EntryKind::Blob };
                // Looked up afresh: each blob is there under its name.
                self.size_of(blob)?;
                folder.push(entry(number.to_string(), kind, blob)?);
            }
            let folder = self.put(odb, ObjectType::Tree, &encoded(folder)?)?;
            top.push(entry((*name).to_owned(), EntryKind::Tree, &ours(folder))?);
        }
        self.put(odb, ObjectType::Tree, &encoded(top)?)
    }

    fn write_tag(&self, tree: git2::Oid, parcel: &Parcel<'_>) -> Result<git2::Oid, git2::Error> {
        let tree = self.repository.find_object(tree, Some(ObjectType::Tree))?;
        let seconds = i64::try_from(parcel.at.0 / 1000).unwrap_or(i64::MAX);
        let tagger = Signature::new("RecoveryGuard", "guard@localhost", &Time::new(seconds, 0))?;
        let tag = parcel.name.strip_prefix("refs/tags/").unwrap_or(parcel.name);
        self.repository.tag_annotation_create(tag, &tree, &tagger, &parcel.message)
    }
}

fn entry(name: String, kind: EntryKind, oid: &Oid) -> Result<Entry, StoreError> {
    let oid = gix::hash::ObjectId::try_from(oid.as_bytes()).map_err(|_| StoreError::Missing(*oid))?;
    Ok(Entry { mode: kind.into(), filename: name.into(), oid })
}

/// Returns a tree's bytes; its entries in git's order.
fn encoded(mut entries: Vec<Entry>) -> std::io::Result<Vec<u8>> {
    entries.sort();
    let mut bytes = Vec::new();
    gix::objs::Tree { entries }.write_to(&mut bytes)?;
    Ok(bytes)
}

fn unreadable(error: &DiskError) -> Attempt {
    Attempt::Unsaved(match error {
        DiskError::Io { source, .. } => format!("not readable: {source}"),
        error => error.to_string(),
    })
}

/// SHA-1 names of libgit2 in our own type; libgit2 makes no others.
pub(super) fn ours(oid: git2::Oid) -> Oid {
    Oid::from_bytes(oid.as_bytes()).unwrap_or(Oid::null(crate::model::HashKind::Sha1))
}

pub(super) fn theirs(oid: &Oid) -> Result<git2::Oid, git2::Error> {
    git2::Oid::from_bytes(oid.as_bytes())
}
