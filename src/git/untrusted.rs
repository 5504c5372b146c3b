//! What reads git's answers and objects, opened to the fuzz targets (`tests/fuzz`) alone.

use super::{Commit, index, log, objects, packs, refs, status, work};
use crate::model::{HashKind, Oid, TreePath};

/// Reads a commit.
pub fn commit(bytes: &[u8]) -> Option<Commit> {
    objects::parse_commit(bytes)
}

/// Makes an object of a pack from another one and a difference.
pub fn difference(base: &[u8], difference: &[u8]) -> Option<Vec<u8>> {
    packs::applied(base, difference)
}

/// Reads one entry of `git status --porcelain=v2 -z`.
pub fn status(item: &[u8]) -> bool {
    status::parse(item).is_some()
}

/// Reads one entry of `git ls-files -z -s -v`.
pub fn index_entry(item: &[u8]) -> bool {
    index::parse_entry(item).is_some()
}

/// Reads what `git diff-tree -z --raw -M` says; returns how many files moved.
pub fn moves(text: &[u8]) -> usize {
    log::moves(text).len()
}

/// Reads one line of `git for-each-ref`.
pub fn reference(line: &[u8]) -> bool {
    refs::parse_ref(line).is_some()
}

/// Reads a tree of either kind of hash.
pub fn tree(bytes: &[u8]) -> bool {
    [HashKind::Sha1, HashKind::Sha256].iter().any(|kind| objects::parse_tree(Oid::null(*kind), bytes, *kind).is_ok())
}

/// Splits what `git cat-file --batch --filters` says of two blobs.
pub fn batch(output: &[u8], oid: Oid) -> bool {
    let wanted = (TreePath::from("x"), oid);
    work::split_batch(output, b"border", &[&wanted, &wanted]).is_ok()
}
