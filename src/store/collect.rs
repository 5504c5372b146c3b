//! Giving room back: objects that no snapshot refers to.
//!
//! Only loose objects older than an hour go. A save that runs meanwhile is safe: libgit2 gives an object that it finds
//! already there a new time, and an hour is longer than any save. When any snapshot can't be read, nothing goes: what it
//! needs is not known.

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use git2::{Oid, TreeWalkMode, TreeWalkResult};

use crate::disk;
use crate::model::Timestamp;

use super::{Store, StoreError};

const GRACE: Duration = Duration::from_secs(60 * 60);

impl Store {
    /// Removes loose objects that no ref reaches and that were written over an hour before `now`, and libgit2's own
    /// temporaries of that age. Returns how many bytes that freed.
    ///
    /// # Limitations
    ///
    /// Objects in packs stay; plain git repacks a store that somebody packed (`docs/store-format.md`).
    pub fn collect(&self, now: Timestamp) -> Result<u64, StoreError> {
        let needed = self.needed()?;
        let before = (SystemTime::UNIX_EPOCH + Duration::from_millis(now.0)).checked_sub(GRACE);
        let mut freed = 0;
        for folder in std::fs::read_dir(self.path.join("objects")).into_iter().flatten().flatten() {
            let Ok(prefix) = folder.file_name().into_string() else { continue };
            // `tmp_object_…` of a killed process lie in `objects` itself.
            if prefix.starts_with("tmp_") {
                freed += remove_old(&folder, before)?;
            }
            if prefix.len() != 2 || !folder.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            for file in std::fs::read_dir(folder.path()).into_iter().flatten().flatten() {
                let name = file.file_name().to_str().map(|rest| format!("{prefix}{rest}"));
                let oid = name.filter(|name| name.len() == 40).and_then(|name| Oid::from_str(&name).ok());
                if oid.is_some_and(|oid| !needed.contains(&oid)) {
                    freed += remove_old(&file, before)?;
                }
            }
        }
        Ok(freed)
    }

    /// Returns everything that any snapshot refers to.
    fn needed(&self) -> Result<HashSet<Oid>, StoreError> {
        let names = self.names()?;
        let failed = || self.failed("walk the snapshots");
        for found in self.repository.references().map_err(failed())?.names() {
            let name = found.map_err(failed())?;
            if !names.contains(name) {
                let why = "it is no snapshot of ours, and what it needs is not known".to_owned();
                return Err(StoreError::Damaged { name: name.to_owned(), why });
            }
        }
        let mut needed = HashSet::new();
        for name in names {
            // An error for a damaged one, before anything is removed.
            self.snapshot(&name)?;
            self.reach(&name, &mut needed).map_err(failed())?;
        }
        Ok(needed)
    }

    fn reach(&self, name: &str, needed: &mut HashSet<Oid>) -> Result<(), git2::Error> {
        let reference = self.repository.find_reference(name)?;
        needed.extend(reference.target());
        let tree = reference.peel_to_tree()?;
        needed.insert(tree.id());
        tree.walk(TreeWalkMode::PreOrder, |_, entry| {
            needed.insert(entry.id());
            TreeWalkResult::Ok
        })
    }
}

fn remove_old(file: &std::fs::DirEntry, before: Option<SystemTime>) -> Result<u64, StoreError> {
    let Ok(metadata) = file.metadata() else { return Ok(0) };
    let old = metadata.modified().ok().zip(before).is_some_and(|(modified, before)| modified < before);
    if !old || !metadata.is_file() {
        return Ok(0);
    }
    Ok(if disk::remove_file(&file.path())? { metadata.len() } else { 0 })
}
