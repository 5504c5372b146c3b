//! Objects that are damaged are written anew.
//!
//! libgit2 and git write nothing where an object of that name lies, whole or not: what was damaged once would stay so, and with it
//! every later backup that holds the same bytes. Here the object is written beside it and renamed over it, so that at any moment
//! either the damaged one lies there or the whole one. One in a pack stays damaged there: a loose one of that name is read first.

use std::io::{Cursor, Read};

use git2::{ObjectType, Odb};
use gix::objs::{FindHeader, Kind, Write as _};

use crate::disk::{DiskError, OnDisk, Root, step};
use crate::model::{BackupId, Mode, Oid, TreePath};

use super::save::ours;
use super::{Copied, Store, StoreError, backup_ref};

const HASH: gix::hash::Kind = gix::hash::Kind::Sha1;

impl Store {
    /// Copies a file as [`Store::copy`] does, and writes its bytes anew though there are some of that name.
    pub fn copy_anew(&self, root: &Root, path: &TreePath) -> Result<Copied, StoreError> {
        let copied = self.copy(root, path)?;
        let Copied::Stored { blob, .. } = &copied else { return Ok(copied) };
        let written = match read(root, path)? {
            Some((size, mut bytes)) => self.write_anew(Kind::Blob, size, &mut bytes)?,
            None => return Ok(Copied::Gone),
        };
        Ok(if written == *blob { copied } else { Copied::Refused("it changed while it was read, twice".to_owned()) })
    }

    /// Writes anew what of a backup is damaged or missing here, and its ref, out of a store that has all of it whole. A crash leaves
    /// some of the objects healed, and harms none.
    pub fn heal_backup(&self, id: &BackupId, from: &Self) -> Result<(), StoreError> {
        let name = backup_ref(id)?;
        let tag = from.backup_tag(id)?.ok_or_else(|| StoreError::Id(id.to_string()))?;
        for oid in from.parts(&name)?.objects {
            let whole = [(ObjectType::Blob, Kind::Blob), (ObjectType::Tree, Kind::Tree), (ObjectType::Tag, Kind::Tag)]
                .into_iter()
                .find_map(|(kind, as_gix)| Some((kind, as_gix, from.open_object(&oid, kind).ok()?)));
            let Some((kind, as_gix, mut whole)) = whole else { return Err(StoreError::Missing(oid)) };
            if self.open_object(&oid, kind).and_then(|mut object| object.finish()).is_err() {
                self.write_anew(as_gix, whole.size(), &mut whole)?;
            }
        }
        if self.backup_tag(id)? != Some(tag) {
            // One of garbage.
            self.remove_ref(&name)?;
            step(&self.path, "write a ref")?;
            let tag = super::save::theirs(&tag).map_err(self.failed("name an object"))?;
            self.repository.reference(&name, tag, false, "").map_err(self.failed("write a ref"))?;
        }
        Ok(())
    }

    /// Writes a small object, and anew where one of that name is damaged.
    pub(super) fn put(&self, odb: &Odb<'_>, kind: ObjectType, bytes: &[u8]) -> Result<git2::Oid, StoreError> {
        let written = odb.write(kind, bytes).map_err(self.failed("write an object"))?;
        let own = ours(written);
        if self.open_object(&own, kind).and_then(|mut object| object.finish()).is_err() {
            let kind = if kind == ObjectType::Tree { Kind::Tree } else { Kind::Blob };
            self.write_anew(kind, bytes.len() as u64, &mut &*bytes)?;
        }
        Ok(written)
    }

    fn write_anew(&self, kind: Kind, size: u64, from: &mut dyn Read) -> Result<Oid, StoreError> {
        step(&self.path, "write an object anew")?;
        let objects = gix::odb::loose::Store::at(self.path.join("objects"), HASH);
        let written = objects.write_stream(kind, size, from).map_err(|error| DiskError::Io {
            path: self.path.clone(),
            action: "write an object in",
            source: std::io::Error::other(error.to_string()),
        })?;
        let oid = Oid::from_bytes(written.as_bytes()).unwrap_or(Oid::null(crate::model::HashKind::Sha1));
        self.settle(super::save::theirs(&oid).map_err(self.failed("name an object"))?)?;
        Ok(oid)
    }

    /// Returns whether a blob of that size is there, as far as its header tells: its bytes are not read.
    pub fn is_there(&self, oid: &Oid, size: u64) -> bool {
        self.size_of(oid).is_ok_and(|found| found == size)
    }

    /// Returns how many bytes a blob's header says that it has.
    pub(super) fn size_of(&self, oid: &Oid) -> Result<u64, StoreError> {
        if self.loose_path(oid).exists() {
            return Ok(self.stream_blob(oid)?.size());
        }
        let found = || {
            let odb = gix::odb::at(self.path.join("objects"), HASH).ok()?;
            odb.try_header(&gix::hash::ObjectId::try_from(oid.as_bytes()).ok()?).ok()?
        };
        let blob = found().filter(|header| header.kind == Kind::Blob);
        blob.map(|header| header.size).ok_or(StoreError::Missing(*oid))
    }
}

/// Returns the name that a file's bytes, or a link's target, have in a store; `None` when nothing stands there.
pub fn name_on_disk(root: &Root, path: &TreePath) -> Result<Option<Oid>, StoreError> {
    let Some((size, mut bytes)) = read(root, path)? else { return Ok(None) };
    let mut hasher = gix::hash::hasher(HASH);
    hasher.update(format!("blob {size}\0").as_bytes());
    let mut buffer = [0; 1 << 14];
    loop {
        let failed = |source| DiskError::Io { path: root.path().to_owned(), action: "read in", source };
        match bytes.read(&mut buffer).map_err(failed)? {
            0 => break,
            read => hasher.update(&buffer[..read]),
        }
    }
    Ok(hasher.try_finalize().ok().and_then(|name| Oid::from_bytes(name.as_slice())))
}

/// So many bytes, and the bytes.
type Bytes = (u64, Box<dyn Read>);

/// Opens a file's bytes or a link's target.
fn read(root: &Root, path: &TreePath) -> Result<Option<Bytes>, StoreError> {
    if let Some((metadata, file)) = root.open_file(path)? {
        return Ok(Some((metadata.size, Box::new(file.take(metadata.size)))));
    }
    Ok(match root.read(path)? {
        Some(OnDisk::File { mode: Mode::Link, bytes }) => Some((bytes.len() as u64, Box::new(Cursor::new(bytes)))),
        _ => None,
    })
}
