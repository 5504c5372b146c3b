//! Reading a saved file as a stream: so many bytes of memory whatever its size, and its hash checked on the way.
//!
//! libgit2 reads an object whole, maps the file of a loose one even where it streams, and never comes back from some that are
//! damaged (1.9.7: it asks zlib for more where there is no more); so what is stored whole, loose or in a pack, is inflated here.
//!
//! # Limitations
//!
//! What a pack stores as a difference is put together in memory; git stores nothing so that is larger than
//! `core.bigFileThreshold`.

use std::fs::File;
use std::io::{self, BufReader, Cursor, ErrorKind, Read, Seek, SeekFrom};
use std::path::PathBuf;

use git2::ObjectType;
use gix::hash::Hasher;
use gix::odb::pack;
use gix::zlib::{Decompress, FlushDecompress, Status, stream::inflate};

use crate::disk::DiskError;
use crate::model::Oid;

use super::save::theirs;
use super::{Store, StoreError};

/// `blob <size>\0`: longer is no object's header.
const LONGEST_HEADER: usize = 32;

/// A saved file's bytes. The end is reached only when all of them were there and their hash is the blob's name; else the last
/// read is an error of kind `InvalidData`. Who stops before the end has checked nothing: see [`Blob::finish`].
pub struct Blob {
    oid: Oid,
    size: u64,
    left: u64,
    source: Source,
    // Taken when the hash was checked.
    hasher: Option<Hasher>,
}

enum Source {
    Inflating(Box<Inflating>),
    Whole(Cursor<Vec<u8>>),
}

struct Inflating {
    file: BufReader<File>,
    state: Decompress,
    /// The bytes of the file of a loose object: all of them belong to it.
    compressed: Option<u64>,
}

impl Store {
    /// Opens a saved file's bytes as a stream.
    pub fn stream_blob(&self, oid: &Oid) -> Result<Blob, StoreError> {
        self.open_object(oid, ObjectType::Blob)
    }

    /// The same for an object of any kind.
    pub(super) fn open_object(&self, oid: &Oid, kind: ObjectType) -> Result<Blob, StoreError> {
        let path = self.loose_path(oid);
        let failed = |source| DiskError::Io { path: path.clone(), action: "read", source };
        let (size, source) = match File::open(&path) {
            Ok(file) => {
                let compressed = Some(file.metadata().map_err(failed)?.len());
                let mut loose = Inflating { file: BufReader::new(file), state: Decompress::new(), compressed };
                let size = loose.header(kind).map_err(|error| Self::bad(oid, &error.to_string()))?;
                (size, Source::Inflating(Box::new(loose)))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                if let Some((size, packed)) = self.whole_in_pack(oid, kind) {
                    (size, Source::Inflating(Box::new(packed)))
                } else {
                    let bytes = self.read_packed(oid, kind)?;
                    (bytes.len() as u64, Source::Whole(Cursor::new(bytes)))
                }
            }
            Err(source) => return Err(failed(source).into()),
        };
        let mut hasher = gix::hash::hasher(gix::hash::Kind::Sha1);
        hasher.update(format!("{kind} {size}\0").as_bytes());
        Ok(Blob { oid: *oid, size, left: size, source, hasher: Some(hasher) })
    }

    /// Finds a blob that a pack stores whole. `None` also when the pack goes away just now: libgit2 looks again.
    fn whole_in_pack(&self, oid: &Oid, kind: ObjectType) -> Option<(u64, Inflating)> {
        const HASH: gix::hash::Kind = gix::hash::Kind::Sha1;
        let name = gix::hash::ObjectId::try_from(oid.as_bytes()).ok()?;
        for entry in std::fs::read_dir(self.path.join("objects/pack")).ok()?.flatten() {
            let path = entry.path();
            if path.extension().is_none_or(|extension| extension != "idx") {
                continue;
            }
            let Ok(index) = pack::index::File::at(&path, HASH) else { continue };
            let Some(place) = index.lookup(name) else { continue };
            let offset = index.pack_offset_at_index(place);
            let mut file = BufReader::new(File::open(path.with_extension("pack")).ok()?);
            file.seek(SeekFrom::Start(offset)).ok()?;
            let entry = pack::data::Entry::from_read(&mut file, offset, HASH.len_in_bytes()).ok()?;
            let is_blob = matches!(entry.header, pack::data::entry::Header::Blob) && kind == ObjectType::Blob;
            let inflating = Inflating { file, state: Decompress::new(), compressed: None };
            return is_blob.then_some((entry.decompressed_size, inflating));
        }
        None
    }

    /// Returns where an object lies that is in no pack.
    pub(super) fn loose_path(&self, oid: &Oid) -> PathBuf {
        let hex = oid.to_string();
        self.path.join("objects").join(&hex[..2]).join(&hex[2..])
    }

    fn bad(oid: &Oid, why: &str) -> StoreError {
        StoreError::Blob { oid: *oid, why: why.to_owned() }
    }
}

impl Blob {
    /// Returns how many bytes there are in all, as the object says.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Reads what is left, so that the hash is checked.
    pub fn finish(&mut self) -> Result<(), StoreError> {
        let mut buffer = [0; 1 << 14];
        loop {
            match self.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(error) => return Err(Store::bad(&self.oid, &error.to_string())),
            }
        }
    }

    /// Compares the hash with the blob's name.
    fn check(&mut self) -> io::Result<()> {
        if let Source::Inflating(inflating) = &mut self.source {
            inflating.end()?;
        }
        let Some(hasher) = self.hasher.take() else { return Ok(()) };
        let hash = hasher.try_finalize().map_err(|_| damaged("its content was made to collide with another's"))?;
        if theirs(&self.oid).is_ok_and(|name| name.as_bytes() == hash.as_slice()) {
            return Ok(());
        }
        // Further reads fail again.
        self.hasher = Some(gix::hash::hasher(gix::hash::Kind::Sha1));
        Err(damaged("its content is not what was saved"))
    }
}

impl Read for Blob {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.left == 0 {
            return self.check().map(|()| 0);
        }
        let most = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let read = match &mut self.source {
            Source::Inflating(inflating) => inflating.inflate(&mut buffer[..most])?,
            Source::Whole(bytes) => bytes.read(&mut buffer[..most])?,
        };
        if read == 0 {
            return Err(damaged("it ends too early"));
        }
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&buffer[..read]);
        }
        self.left -= read as u64;
        Ok(read)
    }
}

impl Inflating {
    fn inflate(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        inflate::read(&mut self.file, &mut self.state, buffer).map_err(|error| match error.kind() {
            ErrorKind::InvalidInput => damaged("its compressed bytes are damaged"),
            _ => error,
        })
    }

    /// Reads the header, byte by byte, and returns the size that it says.
    fn header(&mut self, kind: ObjectType) -> io::Result<u64> {
        let mut header = Vec::new();
        let mut byte = [0];
        while header.last() != Some(&0) {
            if header.len() > LONGEST_HEADER || self.inflate(&mut byte)? == 0 {
                return Err(damaged("its header is damaged"));
            }
            header.push(byte[0]);
        }
        header.pop();
        let header = std::str::from_utf8(&header).ok().and_then(|header| header.split_once(' '));
        let size = header.filter(|(word, _)| *word == kind.str()).and_then(|(_, size)| size.parse().ok());
        size.ok_or_else(|| damaged(&format!("its header is not that of a {kind}")))
    }

    /// Makes sure that nothing follows but zlib's own checksum.
    fn end(&mut self) -> io::Result<()> {
        let mut more = [0];
        let read = self.inflate(&mut more)?;
        let ended = self.state.decompress(&[], &mut more, FlushDecompress::Finish);
        let is_end = matches!(ended, Ok(Status::StreamEnd));
        if read != 0 || !is_end || self.compressed.is_some_and(|bytes| bytes != self.state.total_in()) {
            return Err(damaged("it does not end where it should"));
        }
        Ok(())
    }
}

fn damaged(why: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::tests::{NOW, Sandbox, WIDE, id, wanted};
    use super::*;
    use crate::disk::{Durability, remove_file, write_atomic};
    use crate::model::Mode;

    fn saved(bytes: &[u8]) -> (Sandbox, Store, Oid) {
        let sandbox = Sandbox::new();
        sandbox.put("file", Mode::File, bytes);
        let store = sandbox.store();
        let saved = store.save(&id("op"), NOW, &sandbox.root, [wanted("file")], WIDE).unwrap();
        (sandbox, store, saved.files[0].blob)
    }

    fn read(store: &Store, oid: &Oid) -> Result<Vec<u8>, String> {
        let mut blob = store.stream_blob(oid).map_err(|error| error.to_string())?;
        let mut bytes = Vec::new();
        blob.read_to_end(&mut bytes).map_err(|error| error.to_string())?;
        assert_eq!(blob.size(), bytes.len() as u64);
        blob.finish().unwrap();
        Ok(bytes)
    }

    #[test]
    fn what_was_saved_is_streamed_loose_and_packed() {
        for size in [0, 1, 4095, 200_001] {
            let bytes: Vec<u8> =
                (0..size).map(|number: u32| number.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
            let (sandbox, store, oid) = saved(&bytes);
            assert_eq!(read(&store, &oid).unwrap(), bytes);
            assert!(sandbox.git(&["repack", "-adq"]).status.success());
            assert!(!store.loose_path(&oid).exists());
            assert_eq!(read(&store, &oid).unwrap(), bytes);
        }
    }

    /// D12: every byte of a stored object, one after the other.
    #[test]
    fn a_damaged_byte_anywhere_is_found_at_the_latest_at_the_end() {
        let (_sandbox, store, oid) = saved(b"[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]\n");
        let path = store.loose_path(&oid);
        let whole = fs::read(&path).unwrap();
        let with = |bytes: &[u8]| {
            remove_file(&path).unwrap();
            write_atomic(&path, bytes, Durability::Lazy, 0o600).unwrap();
            store.stream_blob(&oid).and_then(|mut blob| blob.finish())
        };
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0xff;
            assert!(matches!(with(&bytes), Err(StoreError::Blob { .. })), "byte {at}");
            assert!(with(&whole[..at]).is_err(), "cut at {at}");
        }
        assert!(with(&[&whole[..], b"x"].concat()).is_err());
        with(&whole).unwrap();
        // Another blob's bytes in its place.
        let (_other, elsewhere, stranger) = saved(b"whole in itself");
        let said = with(&fs::read(elsewhere.loose_path(&stranger)).unwrap()).unwrap_err().to_string();
        assert_eq!(said, format!("the blob {oid} is damaged: its content is not what was saved"));
    }
}
