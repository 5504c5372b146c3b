//! Reading: bytes, snapshots, and whether all of it is whole.

use std::collections::BTreeSet;
use std::path::Path;

use git2::{ErrorCode, ObjectType};

use crate::disk;
use crate::model::{Oid, OperationId, TreePath};

use super::save::{ours, theirs};
use super::{Snapshot, Store, StoreError};

pub(super) const SNAPSHOTS: &str = "refs/tags/snapshot/";

/// Something in the store that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The snapshot's ref.
    pub snapshot: String,
    /// The file whose bytes are bad; `None` when the snapshot as a whole is.
    pub path: Option<TreePath>,
    /// What is wrong.
    pub why: String,
}

impl Store {
    /// Reads a saved file's bytes. Their hash is checked.
    pub fn read_blob(&self, oid: &Oid) -> Result<Vec<u8>, StoreError> {
        let name = theirs(oid).map_err(|_| StoreError::Missing(*oid))?;
        let odb = self.repository.odb().map_err(self.failed("open the objects"))?;
        match odb.read(name) {
            Ok(object) if object.kind() == ObjectType::Blob => Ok(object.data().to_vec()),
            Ok(_) => Err(StoreError::Missing(*oid)),
            Err(error) if error.code() == ErrorCode::NotFound => Err(StoreError::Missing(*oid)),
            Err(error) => Err(self.failed("read a blob")(error)),
        }
    }

    /// Reads the snapshot of that ref (as [`Saved`](crate::model::Saved) names it).
    pub fn snapshot(&self, name: &str) -> Result<Snapshot, StoreError> {
        let damaged = |why: String| StoreError::Damaged { name: name.to_owned(), why };
        let plain = |error: git2::Error| damaged(error.message().to_owned());
        let tree = self.repository.find_reference(name).and_then(|found| found.peel_to_tree()).map_err(plain)?;
        let manifest = tree.get_name("manifest.json").ok_or_else(|| damaged("it has no manifest".to_owned()))?;
        let blob = self.repository.find_blob(manifest.id()).map_err(plain)?;
        let snapshot = Snapshot::decode(blob.content()).map_err(damaged)?;
        if Self::ref_name(&snapshot.operation).ok().as_deref() != Some(name) {
            return Err(damaged("its manifest is another snapshot's".to_owned()));
        }
        Ok(snapshot)
    }

    /// Returns the snapshots that can be read, by name (that is, by time), and what is wrong with others.
    pub fn list(&self) -> Result<(Vec<Snapshot>, Vec<Problem>), StoreError> {
        let (mut snapshots, mut problems) = (Vec::new(), Vec::new());
        for name in self.names()? {
            match self.snapshot(&name) {
                Ok(snapshot) => snapshots.push(snapshot),
                Err(error) => problems.push(Problem { snapshot: name, path: None, why: why(&error) }),
            }
        }
        Ok((snapshots, problems))
    }

    /// Reads every snapshot and every byte of it, and returns what is not as it was written.
    pub fn verify(&self) -> Result<Vec<Problem>, StoreError> {
        let (snapshots, mut problems) = self.list()?;
        let mut whole: BTreeSet<Oid> = BTreeSet::new();
        for snapshot in snapshots {
            let name = Self::ref_name(&snapshot.operation)?;
            let tree = self.repository.find_reference(&name).and_then(|found| found.peel_to_tree());
            for (folder, kept) in snapshot.folders() {
                let folder = tree.as_ref().ok().and_then(|tree| {
                    let at = tree.get_name(folder)?;
                    self.repository.find_tree(at.id()).ok()
                });
                for (number, kept) in kept.iter().enumerate() {
                    let entry =
                        folder.as_ref().and_then(|folder| Some(ours(folder.get_name(&number.to_string())?.id())));
                    let why = match self.read_blob(&kept.blob) {
                        _ if whole.contains(&kept.blob) && entry == Some(kept.blob) => continue,
                        Err(error) => why(&error),
                        Ok(_) if entry != Some(kept.blob) => "it is not in the snapshot's tree".to_owned(),
                        Ok(_) => {
                            whole.insert(kept.blob);
                            continue;
                        }
                    };
                    problems.push(Problem { snapshot: name.clone(), path: Some(kept.path.clone()), why });
                }
            }
        }
        Ok(problems)
    }

    /// Forgets an operation's snapshot, damaged or not; its bytes stay until [`Store::collect`]. Returns whether there was
    /// one.
    pub fn remove(&self, id: &OperationId) -> Result<bool, StoreError> {
        let name = Self::ref_name(id)?;
        disk::step(&self.path, "remove a ref")?;
        match self.repository.find_reference(&name).and_then(|mut found| found.delete()) {
            Ok(()) => Ok(true),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(false),
            // A file of garbage: libgit2 won't read it, and so won't remove it.
            Err(_) => Ok(disk::remove_file(&self.path.join(&name))?),
        }
    }

    /// Returns how much room the store's files take, in bytes.
    pub fn size_bytes(&self) -> u64 {
        fn size(folder: &Path) -> u64 {
            let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
            let size = |entry: std::fs::DirEntry| match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => size(&entry.path()),
                Ok(metadata) => metadata.len(),
                Err(_) => 0,
            };
            entries.map(size).sum()
        }
        size(&self.path)
    }

    /// Returns the refs of snapshots. A ref whose file is garbage is listed too: libgit2 would pass it over in silence.
    pub(super) fn names(&self) -> Result<BTreeSet<String>, StoreError> {
        let mut names = BTreeSet::new();
        let found = self.repository.references_glob(&format!("{SNAPSHOTS}*"));
        for name in found.map_err(self.failed("list the refs"))?.names().flatten() {
            names.insert(name.to_owned());
        }
        for entry in std::fs::read_dir(self.path.join(SNAPSHOTS)).into_iter().flatten().flatten() {
            let lock = entry.path().extension().is_some_and(|extension| extension == "lock");
            if let (Ok(name), false) = (entry.file_name().into_string(), lock) {
                names.insert(format!("{SNAPSHOTS}{name}"));
            }
        }
        Ok(names)
    }

    /// Returns the ref of an operation's snapshot.
    pub(super) fn ref_name(id: &OperationId) -> Result<String, StoreError> {
        let name = format!("{SNAPSHOTS}{}", id.0);
        let one_part = !id.0.contains('/') && !id.0.starts_with('-');
        if one_part && git2::Reference::is_valid_name(&name) { Ok(name) } else { Err(StoreError::Id(id.to_string())) }
    }

    /// Returns whether there is a snapshot of that ref (as [`Saved`](crate::model::Saved) names it).
    pub fn has(&self, name: &str) -> bool {
        self.repository.find_reference(name).is_ok()
    }
}

fn why(error: &StoreError) -> String {
    match error {
        StoreError::Damaged { why, .. } => why.clone(),
        StoreError::Git { source, .. } => source.message().to_owned(),
        error => error.to_string(),
    }
}
