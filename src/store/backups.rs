//! Backups in the store: `refs/tags/backup/<id>`, laid out like snapshots, with a manifest of their own.
//!
//! Order of a backup: blobs, read back and examined by the caller → manifest → trees → tag → ref. A crash before the ref
//! leaves objects that nothing refers to. Nothing here decides which files belong to one, or which backup goes.

use std::collections::HashSet;

use git2::ErrorCode;
use serde::{Deserialize, Serialize};

use crate::disk::{self, Root};
use crate::model::{BackedUp, Backup, BackupId, Mode, Oid, SavedDatabase, TreePath};

use super::read::{Problem, why};
use super::save::{Attempt, Parcel, ours};
use super::{LARGEST_FILE, Source, Store, StoreError};

pub(super) const BACKUPS: &str = "refs/tags/backup/";

/// The version of a backup's manifest that this guard writes, and the only one it reads.
const VERSION: u32 = 1;

/// A manifest may come from somebody else. No file has more bytes or rows, and a million of such numbers can be added up.
const MOST: u64 = 1 << 44;

#[derive(Serialize, Deserialize)]
struct Stored {
    version: u32,
    #[serde(flatten)]
    backup: Backup,
}

/// How copying one file into the store went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Copied {
    /// Its bytes are there.
    Stored {
        /// File, executable or link.
        mode: Mode,
        /// Its permission bits; of a link none.
        bits: Option<u32>,
        /// Its bytes' name.
        blob: Oid,
        /// How many there are.
        size: u64,
    },
    /// Nothing stands there any more.
    Gone,
    /// It was not copied: why.
    Refused(String),
}

impl Store {
    /// Copies a file's bytes, or a link's target, into the store, as a stream. One that changes while it is read is read
    /// once more, then refused.
    pub fn copy(&self, root: &Root, path: &TreePath) -> Result<Copied, StoreError> {
        self.copy_with(root, path, &mut |_| {})
    }

    /// `between` is called after the file was read and before it is looked at again: tests change it there.
    pub(super) fn copy_with(
        &self,
        root: &Root,
        path: &TreePath,
        between: &mut dyn FnMut(&TreePath),
    ) -> Result<Copied, StoreError> {
        let odb = self.repository.odb().map_err(self.failed("open the objects"))?;
        let size = root.metadata(path)?.map_or(0, |metadata| metadata.size);
        if size > LARGEST_FILE {
            let (most, size) = (crate::model::size(LARGEST_FILE), crate::model::size(size));
            let advice = "split it, dump it into smaller files, or give it to a backup tool";
            return Ok(Copied::Refused(format!("it holds {size}, and {most} is the most: {advice}")));
        }
        Ok(match self.save_one(&odb, root, path, &Source::OnDisk, (u64::MAX, u64::MAX), between)? {
            Attempt::Stored { mode, bits, blob, size } => {
                self.settle(blob)?;
                Copied::Stored { mode, bits, blob: ours(blob), size }
            }
            Attempt::Nothing => Copied::Gone,
            Attempt::Changed => Copied::Refused("it changed while it was read, twice".to_owned()),
            Attempt::Unsaved(why) => Copied::Refused(why),
        })
    }

    /// Makes a backup of files that were copied.
    pub fn write_backup(&self, backup: &Backup) -> Result<(), StoreError> {
        let name = backup_ref(&backup.id)?;
        if self.has(&name) {
            return Err(StoreError::Exists(name));
        }
        let stored = Stored { version: VERSION, backup: backup.clone() };
        let manifest = serde_json::to_vec_pretty(&stored).map_err(|error| StoreError::Damaged {
            name: name.clone(),
            why: format!("its manifest can't be written: {error} (please report this)"),
        })?;
        let odb = self.repository.odb().map_err(self.failed("open the objects"))?;
        let message = format!("Data files at {}\n", backup.at.iso());
        let parcel = Parcel { name: &name, message, at: backup.at, manifest, folders: folders(backup) };
        self.write_parcel(&odb, &parcel)
    }

    /// Returns the backups that can be read, newest first, and what is wrong with others.
    pub fn backups(&self) -> Result<(Vec<Backup>, Vec<Problem>), StoreError> {
        let (mut backups, mut problems) = (Vec::new(), Vec::new());
        for name in self.names(BACKUPS)? {
            match self.backup_of(&name) {
                Ok(backup) => backups.push(backup),
                Err(error) => problems.push(Problem { snapshot: name, path: None, why: why(&error) }),
            }
        }
        backups.sort_by(|a, b| (b.at, &b.id).cmp(&(a.at, &a.id)));
        Ok((backups, problems))
    }

    /// Returns the names of all backups, damaged ones too.
    pub fn backup_ids(&self) -> Result<Vec<BackupId>, StoreError> {
        let id = |name: String| name.strip_prefix(BACKUPS).map(|id| BackupId(id.to_owned()));
        Ok(self.names(BACKUPS)?.into_iter().filter_map(id).collect())
    }

    /// Reads a backup.
    pub fn backup(&self, id: &BackupId) -> Result<Backup, StoreError> {
        self.backup_of(&backup_ref(id)?)
    }

    fn backup_of(&self, name: &str) -> Result<Backup, StoreError> {
        let damaged = |why: String| StoreError::Damaged { name: name.to_owned(), why };
        let backup = decode(&self.parts(name)?.manifest).map_err(damaged)?;
        if backup_ref(&backup.id).ok().as_deref() != Some(name) {
            return Err(StoreError::Damaged {
                name: name.to_owned(),
                why: "its manifest is another backup's".to_owned(),
            });
        }
        Ok(backup)
    }

    /// Returns the object that a backup's ref names: its annotated tag.
    pub fn backup_tag(&self, id: &BackupId) -> Result<Option<Oid>, StoreError> {
        let found = self.repository.find_reference(&backup_ref(id)?).ok();
        Ok(found.and_then(|found| found.target()).map(ours))
    }

    /// Forgets a backup, damaged or not; its bytes stay until [`Store::collect`]. Returns whether there was one.
    pub fn remove_backup(&self, id: &BackupId) -> Result<bool, StoreError> {
        self.remove_ref(&backup_ref(id)?)
    }

    /// Compares a backup's tree with its manifest: each file's entry is there and is a blob of the size it should have. What is in
    /// `known` is not looked at again, and what was found is added.
    pub fn check_backup(&self, backup: &Backup, known: &mut HashSet<Oid>) -> Result<Vec<Problem>, StoreError> {
        let name = backup_ref(&backup.id)?;
        let problem = |path: Option<&TreePath>, why: &str| Problem {
            snapshot: name.clone(),
            path: path.cloned(),
            why: why.to_owned(),
        };
        let mut problems = Vec::new();
        let parts = self.parts(&name)?;
        let Some(folder) = parts.folders.get("files") else {
            return Ok(vec![problem(None, "its tree has no files")]);
        };
        if folder.len() != backup.files.len() {
            problems.push(problem(None, "its tree has other files than its manifest"));
        }
        let mut wrong = |entry: Option<&Oid>, blob: &Oid, size: u64| {
            if entry != Some(blob) {
                Some("it is not in the backup's tree")
            } else if !known.contains(blob) && !self.is_there(blob, size) {
                Some("its bytes are not there, or are of another size")
            } else {
                known.insert(*blob);
                None
            }
        };
        for (number, file) in backup.files.iter().enumerate() {
            let wrong = wrong(folder.get(&number.to_string()), &file.blob, file.size);
            problems.extend(wrong.map(|why| problem(Some(&file.path), why)));
        }
        let folder = parts.folders.get("databases");
        for (number, database) in backup.databases.iter().enumerate() {
            let entry = folder.and_then(|folder| folder.get(&number.to_string()));
            let wrong = wrong(entry, &database.blob, database.size);
            problems.extend(wrong.map(|why| problem(None, &of_database(database, why))));
        }
        Ok(problems)
    }

    /// Reads every file and dump of a backup whole and compares its hash with its name; those in `known` not again. Tag, trees and
    /// manifest were read when the backup was.
    pub fn read_through(&self, backup: &Backup, known: &mut HashSet<Oid>) -> Result<Vec<Problem>, StoreError> {
        let name = backup_ref(&backup.id)?;
        let mut wrong = |blob: &Oid| {
            if known.contains(blob) {
                return None;
            }
            let bad = self.stream_blob(blob).and_then(|mut blob| blob.finish()).err().map(|error| why(&error));
            if bad.is_none() {
                known.insert(*blob);
            }
            bad
        };
        let problem = |path: Option<&TreePath>, why| Problem { snapshot: name.clone(), path: path.cloned(), why };
        let mut problems = Vec::new();
        for file in &backup.files {
            problems.extend(wrong(&file.blob).map(|why| problem(Some(&file.path), why)));
        }
        for database in &backup.databases {
            problems.extend(wrong(&database.blob).map(|why| problem(None, of_database(database, &why))));
        }
        Ok(problems)
    }

    pub(super) fn remove_ref(&self, name: &str) -> Result<bool, StoreError> {
        disk::step(&self.path, "remove a ref")?;
        match self.repository.find_reference(name).and_then(|mut found| found.delete()) {
            Ok(()) => Ok(true),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(false),
            // A file of garbage: libgit2 won't read it, and so won't remove it.
            Err(_) => Ok(disk::remove_file(&self.path.join(name))?),
        }
    }
}

/// Returns a backup's ref.
pub fn backup_ref(id: &BackupId) -> Result<String, StoreError> {
    let name = format!("{BACKUPS}{}", id.0);
    let one_part = !id.0.contains('/') && !id.0.starts_with('-');
    if one_part && git2::Reference::is_valid_name(&name) { Ok(name) } else { Err(StoreError::Id(id.to_string())) }
}

/// Returns the folders of a backup's tree. That of the databases is there only when something lies in it.
fn folders(backup: &Backup) -> Vec<(&'static str, Vec<(Oid, bool)>)> {
    let files = backup.files.iter().map(|file| (file.blob, file.mode == Mode::Executable)).collect();
    let databases: Vec<(Oid, bool)> = backup.databases.iter().map(|database| (database.blob, false)).collect();
    let databases = (!databases.is_empty()).then_some(("databases", databases));
    std::iter::once(("files", files)).chain(databases).collect()
}

/// Returns what is said of a backup's database.
fn of_database(database: &SavedDatabase, why: &str) -> String {
    format!("database '{}': {why}", crate::model::escape(database.name.as_bytes()))
}

fn decode(bytes: &[u8]) -> Result<Backup, String> {
    // The version first: what a later one means by the rest is not ours to guess.
    #[derive(Deserialize)]
    struct Head {
        version: u32,
    }
    let malformed = |error: serde_json::Error| format!("its manifest is not understood: {error}");
    let backup = match serde_json::from_slice::<Head>(bytes).map_err(malformed)?.version {
        VERSION => serde_json::from_slice::<Stored>(bytes).map_err(malformed)?.backup,
        newer => {
            return Err(format!("its manifest has version {newer}, this guard knows version {VERSION}; update guard"));
        }
    };
    match numbers(&backup).into_iter().find(|number| *number > MOST) {
        Some(number) => Err(format!("its manifest counts {number} bytes or rows, which nothing has")),
        None => Ok(backup),
    }
}

/// Returns all that a manifest counts.
fn numbers(backup: &Backup) -> Vec<u64> {
    let mut found = Vec::new();
    for BackedUp { size, contents, .. } in &backup.files {
        found.push(*size);
        found.extend(contents.records);
        found.extend(contents.tables.values().map(|table| table.rows));
    }
    for SavedDatabase { size, facts, .. } in &backup.databases {
        found.push(*size);
        found.extend(facts.tables.values());
    }
    found
}

#[cfg(test)]
#[path = "backups_tests.rs"]
mod tests;
