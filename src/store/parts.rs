//! What a snapshot's or backup's ref names: tag, trees, manifest. Read with our own inflating and hashing: libgit2 never comes
//! back from some damaged objects.

use std::collections::BTreeMap;
use std::io::Read;

use git2::ObjectType;
use gix::objs::{TagRef, TreeRefIter};

use crate::model::Oid;

use super::save::ours;
use super::{Store, StoreError};

/// No honest manifest or tree is larger: a hundred thousand files take 40 MB.
const LARGEST: u64 = 1 << 28;

/// The objects of a snapshot or a backup.
pub(super) struct Parts {
    /// The bytes of its manifest.
    pub(super) manifest: Vec<u8>,
    /// Its folders: for each what lies in it, by name.
    pub(super) folders: BTreeMap<String, BTreeMap<String, Oid>>,
    /// All of its objects, those of the files too.
    pub(super) objects: Vec<Oid>,
}

impl Store {
    /// Reads all but the files.
    pub(super) fn parts(&self, name: &str) -> Result<Parts, StoreError> {
        let damaged = |why: String| StoreError::Damaged { name: name.to_owned(), why };
        let found = self.repository.find_reference(name).map_err(|error| {
            let is_missing = error.code() == git2::ErrorCode::NotFound;
            damaged(if is_missing { "there is none" } else { "its ref names no object" }.to_owned())
        })?;
        let tag = found.target().map(ours).ok_or_else(|| damaged("it names another ref".to_owned()))?;
        self.parts_of(tag).map_err(damaged)
    }

    fn parts_of(&self, tag: Oid) -> Result<Parts, String> {
        let text = self.bytes(&tag, ObjectType::Tag)?;
        let parsed = TagRef::from_bytes(&text, gix::hash::Kind::Sha1).map_err(|_| "its tag can't be read")?;
        let top = Oid::from_hex(parsed.target).ok_or("its tag can't be read")?;
        let mut parts = Parts { manifest: Vec::new(), folders: BTreeMap::new(), objects: vec![tag, top] };
        let mut manifest = None;
        for (name, oid, is_tree) in self.tree(&top)? {
            parts.objects.push(oid);
            if is_tree {
                let entries = self.tree(&oid)?;
                parts.objects.extend(entries.iter().map(|(_, oid, _)| *oid));
                parts.folders.insert(name, entries.into_iter().map(|(name, oid, _)| (name, oid)).collect());
            } else if name == "manifest.json" {
                manifest = Some(oid);
            }
        }
        parts.manifest = self.bytes(&manifest.ok_or("it has no manifest")?, ObjectType::Blob)?;
        parts.objects.sort_unstable();
        parts.objects.dedup();
        Ok(parts)
    }

    fn tree(&self, oid: &Oid) -> Result<Vec<(String, Oid, bool)>, String> {
        let bytes = self.bytes(oid, ObjectType::Tree)?;
        let mut entries = Vec::new();
        for entry in TreeRefIter::from_bytes(&bytes, gix::hash::Kind::Sha1) {
            let entry = entry.map_err(|_| "a tree of it can't be read")?;
            let name = std::str::from_utf8(entry.filename).map_err(|_| "a tree of it has a name that is not ours")?;
            let oid = Oid::from_bytes(entry.oid.as_bytes()).ok_or("a tree of it can't be read")?;
            entries.push((name.to_owned(), oid, entry.mode.is_tree()));
        }
        Ok(entries)
    }

    fn bytes(&self, oid: &Oid, kind: ObjectType) -> Result<Vec<u8>, String> {
        let mut object = self.open_object(oid, kind).map_err(|error| error.to_string())?;
        if object.size() > LARGEST {
            return Err(format!("object {oid} is too large ({} bytes)", object.size()));
        }
        let mut bytes = Vec::new();
        object.read_to_end(&mut bytes).map_err(|error| format!("object {oid}: {error}"))?;
        Ok(bytes)
    }
}
