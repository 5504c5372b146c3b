//! Objects read straight out of packs, thousands of them.
//!
//! ```text
//! object ── difference ── difference ── whole object       a chain in a pack
//! ```
//!
//! gitoxide keeps the differences that it was asked for, never the whole objects at which chains end: those were two thirds of
//! what an audit of git's history inflated. Here everything is kept for a while that was put together on the way, and handed out
//! without a copy.
//!
//! Only the largest packs are read here. What is not in them, what is too large, and what can't be read is nothing (`None`): whoever
//! asks goes on to where every object is, and hears there what is wrong.

use std::path::Path;
use std::sync::Arc;

use bstr::BString;
use gix::odb::pack::data::entry::Header;
use gix::odb::pack::{data, index};

use super::child::GitError;
use super::lately::Lately;
use super::objects::{ObjectKind, folders, gix_kind, kind_of};
use super::repository::Repo;
use crate::model::{HashKind, Oid};

/// So many packs are read here: where there are more, most objects are in the largest, as a rule.
const MOST: usize = 8;
/// Larger objects are none of ours, nor are longer chains: git makes none of more than 4,095 differences.
const LARGEST: u64 = 32 << 20;
const LONGEST: usize = 4096;
/// Two sizes take no more bytes; nor do they when they are packed, with the code in which they are.
const SIZES: usize = 20;
const PACKED_SIZES: u64 = 512;
/// Bytes of objects that one thread keeps.
const KEPT: usize = 24 << 20;

/// The largest packs of a repository, and of those that it borrows objects from; threads share them.
#[derive(Default)]
pub struct Packs {
    packs: Vec<Pack>,
}

struct Pack {
    index: index::File,
    data: data::File,
}

impl Packs {
    /// Opens them; one that can't be opened is left out. Where git has to be asked there are none.
    pub fn open(repo: &Repo) -> Self {
        let mut folders = folders(repo);
        if let Some(own) = folders.last().cloned() {
            folders.extend(gix::odb::alternate::resolve(own.clone(), &own).unwrap_or_default());
        }
        let names = folders.into_iter().filter_map(|folder| std::fs::read_dir(folder.join("pack")).ok()).flatten();
        let paths = names.filter_map(|name| Some(name.ok()?.path()));
        let sized = paths.filter(|path| path.extension().is_some_and(|end| end == "pack"));
        let mut sized: Vec<_> = sized.filter_map(|path| Some((path.metadata().ok()?.len(), path))).collect();
        sized.sort_unstable_by(|a, b| b.cmp(a));
        let packs = sized.iter().take(MOST).filter_map(|(_, path)| Pack::open(path, repo.hash_kind())).collect();
        Self { packs }
    }

    fn find(&self, id: &gix::hash::oid) -> Option<Place> {
        let mut all = self.packs.iter().enumerate();
        all.find_map(|(pack, files)| Some(Place { pack, offset: files.offset(id)? }))
    }
}

impl Pack {
    fn open(path: &Path, kind: HashKind) -> Option<Self> {
        let kind = gix_kind(kind);
        let index = index::File::at(path.with_extension("idx"), kind).ok()?;
        Some(Self { index, data: data::File::at(path, kind).ok()? })
    }

    fn offset(&self, id: &gix::hash::oid) -> Option<u64> {
        self.index.lookup(id).map(|place| self.index.pack_offset_at_index(place))
    }
}

/// Where an object stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    pack: usize,
    offset: u64,
}

impl std::hash::Hash for Place {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        state.write_u64(self.offset ^ (self.pack as u64) << 56);
    }
}

/// An object and its kind.
#[derive(Debug, Clone)]
pub(super) struct Unpacked {
    pub(super) kind: ObjectKind,
    pub(super) bytes: Arc<BString>,
}

impl Unpacked {
    /// Returns its bytes, if it is of a kind.
    pub(super) fn of_kind(self, oid: Oid, kind: ObjectKind) -> Result<Arc<BString>, GitError> {
        if self.kind == kind {
            return Ok(self.bytes);
        }
        let kind = match kind {
            ObjectKind::Blob => "blob",
            ObjectKind::Tree => "tree",
            ObjectKind::Commit => "commit",
            ObjectKind::Tag => "tag",
        };
        Err(GitError::Damaged { oid, why: format!("it is no {kind}") })
    }
}

/// Puts objects together; for one thread.
pub(super) struct Unpacker {
    packs: Arc<Packs>,
    inflate: gix::zlib::Inflate,
    /// The bytes of a difference.
    difference: Vec<u8>,
    kept: Lately<Place, Unpacked>,
}

impl Unpacker {
    pub(super) fn new(packs: Arc<Packs>) -> Self {
        Self { packs, inflate: gix::zlib::Inflate::default(), difference: Vec::new(), kept: Lately::new(KEPT) }
    }

    /// Returns an object's size in bytes, without putting it together; `None` when it is to be asked elsewhere.
    pub(super) fn size(&mut self, id: &gix::hash::oid) -> Option<u64> {
        let Self { packs, inflate, difference, kept } = self;
        let place = packs.find(id)?;
        if let Some(known) = kept.find(place, |known| known.bytes.len()) {
            return Some(known.bytes.len() as u64);
        }
        let data = &packs.packs[place.pack].data;
        let entry = data.entry(place.offset).ok().filter(|entry| entry.decompressed_size <= LARGEST)?;
        if entry.header.is_base() {
            return Some(entry.decompressed_size);
        }
        let (_, after) = size(begin(data, &entry, inflate, difference)?)?;
        size(after).map(|(size, _)| size)
    }

    /// Reads an object; `None` when it is to be looked for elsewhere.
    pub(super) fn read(&mut self, id: &gix::hash::oid) -> Option<Unpacked> {
        let Self { packs, inflate, difference, kept } = self;
        let mut place = packs.find(id)?;
        let pack = &packs.packs[place.pack];
        let data = &pack.data;
        let mut chain = Vec::new();
        let mut found = loop {
            if let Some(known) = kept.find(place, |known| known.bytes.len()) {
                break known;
            }
            let entry = data.entry(place.offset).ok().filter(|entry| entry.decompressed_size <= LARGEST)?;
            let base = match entry.header {
                Header::OfsDelta { base_distance } => entry.checked_base_pack_offset(base_distance)?,
                Header::RefDelta { base_id } => pack.offset(&base_id)?,
                whole => {
                    let mut bytes = vec![0; usize::try_from(entry.decompressed_size).ok()?];
                    data.decompress_entry(&entry, inflate, &mut bytes).ok()?;
                    let found = Unpacked { kind: kind_of(whole.as_kind()?), bytes: Arc::new(bytes.into()) };
                    kept.keep(place, &found, found.bytes.len());
                    break found;
                }
            };
            chain.push((place, entry));
            place.offset = base;
            if chain.len() > LONGEST {
                return None;
            }
        };
        for (place, entry) in chain.iter().rev() {
            let difference = inflated(data, entry, inflate, difference)?;
            found.bytes = Arc::new(applied(&found.bytes, difference)?.into());
            kept.keep(*place, &found, found.bytes.len());
        }
        Some(found)
    }
}

/// Inflates a difference into a buffer that is kept for the next one.
fn inflated<'b>(
    data: &data::File,
    entry: &data::Entry,
    inflate: &mut gix::zlib::Inflate,
    buffer: &'b mut Vec<u8>,
) -> Option<&'b [u8]> {
    let size = usize::try_from(entry.decompressed_size).ok()?;
    if buffer.len() < size {
        buffer.resize(size, 0);
    }
    data.decompress_entry(entry, inflate, &mut buffer[..size]).ok()?;
    Some(&buffer[..size])
}

/// Inflates no more of a difference than both sizes that it begins with.
fn begin<'b>(
    data: &data::File,
    entry: &data::Entry,
    inflate: &mut gix::zlib::Inflate,
    buffer: &'b mut Vec<u8>,
) -> Option<&'b [u8]> {
    if buffer.len() < SIZES {
        buffer.resize(SIZES, 0);
    }
    let end = (entry.data_offset + PACKED_SIZES).min(data.pack_end() as u64);
    inflate.reset();
    let (_, _, written) = inflate.once(data.entry_slice(entry.data_offset..end)?, &mut buffer[..SIZES]).ok()?;
    Some(&buffer[..written])
}

/// Makes an object from another and a difference, which is (`gitformat-pack(5)`): both sizes, then what to copy and what to insert.
pub(super) fn applied(base: &[u8], difference: &[u8]) -> Option<Vec<u8>> {
    let (before, rest) = size(difference)?;
    let (after, mut rest) = size(rest)?;
    if before != base.len() as u64 || after > LARGEST {
        return None;
    }
    let after = usize::try_from(after).ok()?;
    let mut made = Vec::with_capacity(after);
    while let Some((command, follows)) = rest.split_first() {
        rest = follows;
        let bytes = if command & 0x80 == 0 {
            // Zero is reserved.
            let (bytes, follows) = rest.split_at_checked(usize::from(*command)).filter(|_| *command > 0)?;
            rest = follows;
            bytes
        } else {
            // A bit for each byte of a place and of a size that is not zero.
            let mut number = |bits: std::ops::Range<u32>| {
                let mut number = 0;
                for (bit, shift) in bits.zip((0..).step_by(8)) {
                    if command >> bit & 1 == 1 {
                        let (byte, follows) = rest.split_first()?;
                        number |= usize::from(*byte) << shift;
                        rest = follows;
                    }
                }
                Some(number)
            };
            let (start, size) = (number(0..4)?, number(4..7)?);
            base.get(start..start + if size == 0 { 0x10000 } else { size })?
        };
        if made.len() + bytes.len() > after {
            return None;
        }
        made.extend_from_slice(bytes);
    }
    (made.len() == after).then_some(made)
}

/// Reads a number: seven bits a byte, the least first, the highest bit where more follow.
fn size(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0;
    for (place, byte) in bytes.iter().enumerate().take(9) {
        number |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some((number, &bytes[place + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_copies_and_inserts() {
        let base: Vec<u8> = (0..70_000_u32).map(|number| number.to_le_bytes()[0]).collect();
        // 70,000 = 0x11170: 0xf0 0xa2 0x04 in seven bits each.
        let sized = |after: u8, commands: &[u8]| [&[0xf0, 0xa2, 0x04, after][..], commands].concat();
        let made = |after, commands: &[u8]| applied(&base, &sized(after, commands));
        assert_eq!(made(5, &[3, 7, 8, 9, 0b1001_0001, 2, 2]), Some(vec![7, 8, 9, 2, 3]));
        assert_eq!(made(1, &[0b1001_0010, 1, 1]), Some(vec![base[256]]));
        assert_eq!(made(1, &[0b1001_0111, 0x6f, 0x11, 1, 1]), Some(vec![base[69_999]]));
        // Without a size: 65,536 bytes.
        let long = [&[0xf0, 0xa2, 0x04, 0x80, 0x80, 0x04][..], &[0b1000_0001, 1]].concat();
        assert_eq!(applied(&base, &long), Some(base[1..65_537].to_vec()));
    }

    #[test]
    fn a_damaged_difference_is_nothing() {
        let base = b"abcdef";
        assert_eq!(applied(base, &[6, 2, 0b1001_0000, 2]), Some(b"ab".to_vec()));
        let wrong: [&[u8]; 11] = [
            &[],
            &[6],
            &[0x80],
            &[5, 2, 0b1001_0000, 2],
            &[6, 3, 0b1001_0000, 2],
            &[6, 1, 0b1001_0000, 2],
            &[6, 2, 0b1001_0001, 5, 2],
            &[6, 2, 0b1001_0000],
            &[6, 2, 2, b'x'],
            &[6, 0, 0],
            &[6, 0xff, 0xff, 0xff, 0x7f, 0b1001_0000, 2],
        ];
        for difference in wrong {
            assert_eq!(applied(base, difference), None, "{difference:?}");
        }
    }
}
