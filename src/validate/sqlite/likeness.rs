//! What a file that is no database looks like: said in words, for a person who expects one there.

/// The first bytes of every database.
pub(super) const MAGIC: [u8; 16] = *b"SQLite format 3\0";

/// So many bytes are looked at.
pub(super) const HEAD: usize = 4096;

/// Signatures of what is often found where a database should be.
const SIGNATURES: [(&[u8], &str); 8] = [
    (b"version https://git-lfs.github.com/spec/", "a Git LFS pointer: the file itself was not fetched"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"\xfd7zXZ\0", "an xz archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\x37\x7f\x06\x82", "the write-ahead log of a database, not the database"),
    (b"\x37\x7f\x06\x83", "the write-ahead log of a database, not the database"),
];

/// Bytes of ciphertext take nearly all values; so many different ones within the head never stand in a damaged page.
const VALUES_OF_CIPHERTEXT: usize = 160;

/// What a file is, by its first bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Likeness {
    /// A database, as far as its first bytes tell.
    Database,
    /// Something else, and what.
    Other(&'static str),
    /// Perhaps a database that this library can't read, and why.
    Sealed(&'static str),
}

/// Looks at the first bytes of a file of `length` bytes.
pub(super) fn of(head: &[u8], length: u64) -> Likeness {
    if head.starts_with(&MAGIC) {
        return if length < 512 { Likeness::Other("the beginning of one, cut off") } else { Likeness::Database };
    }
    if head.is_empty() {
        return Likeness::Other("empty, 0 bytes: SQLite takes it for a database without tables");
    }
    if let Some((_, what)) = SIGNATURES.iter().find(|(signature, _)| head.starts_with(signature)) {
        return Likeness::Other(what);
    }
    if head.iter().all(|byte| *byte == 0) {
        return Likeness::Other("nothing but zero bytes");
    }
    if head.starts_with(b"** This file contains an SQLite 2") {
        return Likeness::Sealed("it is a database of SQLite 2, whose format is not known here");
    }
    if let Some(text) = text(head) {
        return Likeness::Other(kind_of_text(text));
    }
    let mut seen = [false; 256];
    for byte in head {
        seen[usize::from(*byte)] = true;
    }
    let values = seen.iter().filter(|seen| **seen).count();
    if length.is_multiple_of(512) && values >= VALUES_OF_CIPHERTEXT {
        return Likeness::Sealed("it may be encrypted: it has pages like a database, and no byte of it can be read");
    }
    Likeness::Other("binary data of another kind, or its first bytes are damaged")
}

/// Returns the head as text; the last character may be cut off.
fn text(head: &[u8]) -> Option<&str> {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => std::str::from_utf8(&head[..error.valid_up_to()]).ok()?,
        Err(_) => return None,
    };
    (!text.contains('\0')).then_some(text)
}

fn kind_of_text(text: &str) -> &'static str {
    let start = text.trim_start().get(..15).unwrap_or_default().to_ascii_lowercase();
    if text.lines().any(|line| line.starts_with("<<<<<<< ")) {
        "text with conflict markers"
    } else if start.starts_with("<!doctype html") || start.starts_with("<html") {
        "an HTML page"
    } else {
        "text"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // D4
    #[test]
    fn what_stands_in_a_databases_place_is_named() {
        let other = |head: &[u8]| match of(head, head.len() as u64) {
            Likeness::Other(what) => what,
            other => panic!("{other:?}"),
        };
        assert_eq!(other(b""), "empty, 0 bytes: SQLite takes it for a database without tables");
        assert_eq!(other(&[0; 4096]), "nothing but zero bytes");
        assert_eq!(other(b"\n<!DOCTYPE html>\n<html>"), "an HTML page");
        assert_eq!(other(b"<html lang=en>502"), "an HTML page");
        assert_eq!(other("<!doctype htm\u{e9}".as_bytes()), "text");
        assert!(other(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n").contains("Git LFS"));
        assert_eq!(other(b"a\n<<<<<<< HEAD\n1\n=======\n2\n>>>>>>> b\n"), "text with conflict markers");
        assert_eq!(other(b"\x1f\x8b\x08\0"), "a gzip archive");
        assert_eq!(other(&MAGIC[..15]), "text");
        assert_eq!(other(&MAGIC), "the beginning of one, cut off");
        assert_eq!(other(b"SQLite format 4\0\0\0\0"), "binary data of another kind, or its first bytes are damaged");
    }

    // D6
    #[test]
    fn what_may_be_encrypted_is_unknown() {
        let mut state = 1_u64;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        })
        .take(8192)
        .collect();
        assert!(matches!(of(&noise[..HEAD], 8192), Likeness::Sealed(_)));
        assert!(matches!(of(&noise[..512], 512), Likeness::Sealed(_)));
        assert!(matches!(of(&noise[..HEAD], 8191), Likeness::Other(_)));
        assert!(matches!(of(b"** This file contains an SQLite 2.1 database **\0", 4096), Likeness::Sealed(_)));
        assert_eq!(of(&[&MAGIC[..], &[0; 600]].concat(), 616), Likeness::Database);
    }
}
