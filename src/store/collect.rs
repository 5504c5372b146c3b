//! Giving room back: snapshots over the budget, and objects that neither a snapshot nor a backup refers to.
//!
//! Only loose objects older than an hour go. A save that runs meanwhile is safe: libgit2 gives an object that it finds
//! already there a new time, which is looked at again just before each removal, and an hour is longer than any save. When a
//! snapshot that stays can't be read, nothing goes: what it needs is not known.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use git2::Oid;

use crate::disk;
use crate::model::{OperationId, Timestamp};

use super::backups::BACKUPS;
use super::read::SNAPSHOTS;
use super::save::theirs;
use super::{Store, StoreError};

const GRACE: Duration = Duration::from_secs(60 * 60);

/// What the store holds and what it can do without.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Survey {
    /// Snapshots that don't fit into the budget together with newer ones, oldest first.
    pub over: Vec<OperationId>,
    /// Files that can go once those snapshots are gone that the survey left out.
    pub garbage: Garbage,
    /// Loose objects, all of them.
    pub objects: usize,
}

/// Files of the store that nothing needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Garbage {
    /// Those over an hour old.
    files: Vec<PathBuf>,
    /// Their bytes.
    pub bytes: u64,
    /// The bytes of the others: they can go later.
    pub too_young: u64,
}

impl Garbage {
    /// Returns how many files go.
    pub fn count(&self) -> usize {
        self.files.len()
    }

    fn add(&mut self, path: PathBuf, loose: Loose, before: Option<SystemTime>) {
        if loose.is_old(before) {
            self.files.push(path);
            self.bytes += loose.bytes;
        } else {
            self.too_young += loose.bytes;
        }
    }
}

/// A file as the listing showed it.
#[derive(Clone, Copy)]
struct Loose {
    bytes: u64,
    modified: Option<SystemTime>,
}

impl Loose {
    fn of(file: &std::fs::DirEntry) -> Option<Self> {
        let metadata = file.metadata().ok().filter(std::fs::Metadata::is_file)?;
        Some(Self { bytes: metadata.len(), modified: metadata.modified().ok() })
    }

    fn is_old(self, before: Option<SystemTime>) -> bool {
        self.modified.zip(before).is_some_and(|(modified, before)| modified < before)
    }
}

impl Store {
    /// Finds out what can go when the snapshots that are `gone` go. Those of `open` operations stay whatever they take; of
    /// the others the newest that fit into `budget` bytes together, and always the newest.
    ///
    /// # Limitations
    ///
    /// Objects in packs stay; plain git repacks a store that somebody packed (`docs/store-format.md`). A packed object
    /// counts with its whole size.
    pub fn survey(
        &self,
        gone: impl Fn(&OperationId) -> bool,
        open: &BTreeSet<OperationId>,
        budget: u64,
        now: Timestamp,
    ) -> Result<Survey, StoreError> {
        let before = old_before(now);
        let mut survey = Survey::default();
        let loose = self.loose(&mut survey.garbage, before);
        survey.objects = loose.len();
        let snapshots: Vec<OperationId> = self.snapshots()?.into_iter().filter(|id| !gone(id)).collect();
        let (open, others): (Vec<_>, Vec<_>) = snapshots.into_iter().rev().partition(|id| open.contains(id));
        let mut needed = self.of_backups()?;
        let backed_up = needed.clone();
        for id in &open {
            needed.extend(self.objects_of(id)?);
        }
        let size = |oid: &Oid| loose.get(oid).map_or_else(|| self.packed_size(*oid), |(_, loose)| loose.bytes);
        // The budget is that of snapshots: what backups need stays anyway.
        let mut total: u64 = needed.difference(&backed_up).map(size).sum();
        for (place, id) in others.into_iter().enumerate() {
            let objects = self.objects_of(&id)?;
            let own: u64 = objects.iter().filter(|oid| !needed.contains(*oid)).map(size).sum();
            if place > 0 && (total.saturating_add(own) > budget || !survey.over.is_empty()) {
                survey.over.push(id);
            } else {
                total += own;
                needed.extend(objects);
            }
        }
        survey.over.reverse();
        for (oid, (path, file)) in loose {
            if !needed.contains(&oid) {
                survey.garbage.add(path, file, before);
            }
        }
        survey.garbage.files.sort();
        Ok(survey)
    }

    /// Removes garbage that is still over an hour old. Returns how many bytes that freed.
    pub fn collect(&self, garbage: &Garbage, now: Timestamp) -> Result<u64, StoreError> {
        let before = old_before(now);
        let mut freed = 0;
        for path in &garbage.files {
            let Ok(metadata) = path.symlink_metadata() else { continue };
            let file = Loose { bytes: metadata.len(), modified: metadata.modified().ok() };
            if file.is_old(before) && disk::remove_file(path)? {
                freed += file.bytes;
            }
        }
        Ok(freed)
    }

    /// Returns how many loose objects of at most so many bytes there are, and their bytes, on disk.
    pub fn loose_size(&self, most: u64) -> (usize, u64) {
        let loose = self.loose(&mut Garbage::default(), None);
        let sizes = loose.values().map(|(_, file)| file.bytes).filter(|bytes| *bytes <= most);
        sizes.fold((0, 0), |(count, sum), bytes| (count + 1, sum + bytes))
    }

    /// Returns the bytes of all packs.
    pub fn pack_bytes(&self) -> u64 {
        let files = std::fs::read_dir(self.path.join("objects/pack")).into_iter().flatten().flatten();
        let packs = files.filter(|file| file.path().extension().is_some_and(|extension| extension == "pack"));
        packs.filter_map(|file| file.metadata().ok()).map(|metadata| metadata.len()).sum()
    }

    /// Returns the loose objects; what else lies there and means nothing is garbage.
    fn loose(&self, garbage: &mut Garbage, before: Option<SystemTime>) -> HashMap<Oid, (PathBuf, Loose)> {
        let mut found = HashMap::new();
        let list = |path: PathBuf| std::fs::read_dir(path).into_iter().flatten().flatten();
        for folder in list(self.path.join("objects")) {
            let Ok(prefix) = folder.file_name().into_string() else { continue };
            // What a killed process was writing lies in `objects` itself: libgit2's and git's `tmp_…`, our own `.tmp…`.
            let is_temporary = prefix.starts_with("tmp_") || prefix.starts_with(".tmp");
            if let (true, Some(file)) = (is_temporary, Loose::of(&folder)) {
                garbage.add(folder.path(), file, before);
            }
            if prefix.len() != 2 || !folder.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            for file in list(folder.path()) {
                let name = file.file_name().to_str().map(|rest| format!("{prefix}{rest}"));
                let oid = name.filter(|name| name.len() == 40).and_then(|name| Oid::from_str(&name).ok());
                if let (Some(oid), Some(loose)) = (oid, Loose::of(&file)) {
                    found.insert(oid, (file.path(), loose));
                }
            }
        }
        for file in [SNAPSHOTS, BACKUPS].into_iter().flat_map(|refs| list(self.path.join(refs))) {
            let is_lock = file.path().extension().is_some_and(|extension| extension == "lock");
            if let (true, Some(loose)) = (is_lock, Loose::of(&file)) {
                garbage.add(file.path(), loose, before);
            }
        }
        found
    }

    fn packed_size(&self, oid: Oid) -> u64 {
        let header = self.repository.odb().and_then(|odb| odb.read_header(oid));
        header.map_or(0, |(size, _)| size as u64)
    }

    /// Returns everything that a snapshot refers to; an error for a damaged one.
    fn objects_of(&self, id: &OperationId) -> Result<Vec<Oid>, StoreError> {
        let name = Self::ref_name(id)?;
        self.snapshot(&name)?;
        self.reach(&name)
    }

    fn reach(&self, name: &str) -> Result<Vec<Oid>, StoreError> {
        let objects = self.parts(name)?.objects;
        objects.iter().map(|oid| theirs(oid).map_err(self.failed("name an object"))).collect()
    }

    /// Returns everything that backups refer to; an error when one of them is damaged.
    fn of_backups(&self) -> Result<HashSet<Oid>, StoreError> {
        let mut objects = HashSet::new();
        for id in self.backup_ids()? {
            self.backup(&id)?;
            objects.extend(self.reach(&super::backup_ref(&id)?)?);
        }
        Ok(objects)
    }

    /// Returns the operations that have a snapshot, oldest first; an error when the store has refs that are none of ours,
    /// because what they need is not known.
    pub fn snapshots(&self) -> Result<Vec<OperationId>, StoreError> {
        let names = self.names(SNAPSHOTS)?;
        let failed = || self.failed("list the refs");
        for found in self.repository.references().map_err(failed())?.names() {
            let name = found.map_err(failed())?;
            if !names.contains(name) && !name.starts_with(BACKUPS) {
                let why = "it is no snapshot of ours, and what it needs is not known".to_owned();
                return Err(StoreError::Damaged { name: name.to_owned(), why });
            }
        }
        let id = |name: String| name.strip_prefix(SNAPSHOTS).map(|id| OperationId(id.to_owned()));
        Ok(names.into_iter().filter_map(id).collect())
    }
}

fn old_before(now: Timestamp) -> Option<SystemTime> {
    (SystemTime::UNIX_EPOCH + Duration::from_millis(now.0)).checked_sub(GRACE)
}
