//! Reading: bytes, snapshots, and whether all of it is whole.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;

use git2::ObjectType;
use gix::objs::Find;

use crate::model::{Oid, OperationId, TreePath};

use super::{Snapshot, Store, StoreError};

pub(super) const SNAPSHOTS: &str = "refs/tags/snapshot/";

/// Something in the store that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The snapshot's or backup's ref.
    pub snapshot: String,
    /// The file whose bytes are bad; `None` when the snapshot as a whole is.
    pub path: Option<TreePath>,
    /// What is wrong.
    pub why: String,
}

impl Store {
    /// Reads a saved file's bytes. Their hash is checked.
    pub fn read_blob(&self, oid: &Oid) -> Result<Vec<u8>, StoreError> {
        let mut blob = self.stream_blob(oid)?;
        let mut bytes = Vec::new();
        match blob.read_to_end(&mut bytes) {
            Ok(_) => Ok(bytes),
            Err(error) => Err(StoreError::Blob { oid: *oid, why: error.to_string() }),
        }
    }

    /// Reads an object that no loose file has.
    pub(super) fn read_packed(&self, oid: &Oid, kind: ObjectType) -> Result<Vec<u8>, StoreError> {
        let damaged = |why: String| StoreError::Blob { oid: *oid, why };
        let odb = gix::odb::at(self.path.join("objects"), gix::hash::Kind::Sha1);
        let odb = odb.map_err(|error| damaged(error.to_string()))?;
        let name = gix::hash::ObjectId::try_from(oid.as_bytes()).map_err(|_| StoreError::Missing(*oid))?;
        let mut bytes = Vec::new();
        let found = odb.try_find(&name, &mut bytes).map_err(|error| damaged(error.to_string()))?;
        match found.map(|found| found.kind.to_string() == kind.str()) {
            Some(true) => Ok(bytes),
            _ => Err(StoreError::Missing(*oid)),
        }
    }

    /// Reads the snapshot of that ref (as [`Saved`](crate::model::Saved) names it).
    pub fn snapshot(&self, name: &str) -> Result<Snapshot, StoreError> {
        let damaged = |why: String| StoreError::Damaged { name: name.to_owned(), why };
        let snapshot = Snapshot::decode(&self.parts(name)?.manifest).map_err(damaged)?;
        if Self::ref_name(&snapshot.operation).ok().as_deref() != Some(name) {
            return Err(StoreError::Damaged {
                name: name.to_owned(),
                why: "its manifest is another snapshot's".to_owned(),
            });
        }
        Ok(snapshot)
    }

    /// Returns the snapshots that can be read, by name (that is, by time), and what is wrong with others.
    pub fn list(&self) -> Result<(Vec<Snapshot>, Vec<Problem>), StoreError> {
        let (mut snapshots, mut problems) = (Vec::new(), Vec::new());
        for name in self.names(SNAPSHOTS)? {
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
            let parts = self.parts(&name)?;
            for (folder, kept) in snapshot.folders() {
                let folder = parts.folders.get(folder);
                for (number, kept) in kept.iter().enumerate() {
                    let entry = folder.and_then(|folder| folder.get(&number.to_string()).copied());
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
        self.remove_ref(&Self::ref_name(id)?)
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

    /// Returns the refs under a prefix. A ref whose file is garbage is listed too: libgit2 would pass it over in silence.
    pub(super) fn names(&self, prefix: &str) -> Result<BTreeSet<String>, StoreError> {
        let mut names = BTreeSet::new();
        let found = self.repository.references_glob(&format!("{prefix}*"));
        for name in found.map_err(self.failed("list the refs"))?.names().flatten() {
            names.insert(name.to_owned());
        }
        for entry in std::fs::read_dir(self.path.join(prefix)).into_iter().flatten().flatten() {
            let lock = entry.path().extension().is_some_and(|extension| extension == "lock");
            if let (Ok(name), false) = (entry.file_name().into_string(), lock) {
                names.insert(format!("{prefix}{name}"));
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

pub(super) fn why(error: &StoreError) -> String {
    match error {
        StoreError::Damaged { why, .. } | StoreError::Blob { why, .. } => why.clone(),
        StoreError::Git { said, .. } => said.message().to_owned(),
        error => error.to_string(),
    }
}
