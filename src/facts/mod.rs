//! Asks git and the files, answers [`Facts`](crate::model::Facts) for a merge. Nothing here judges.
//!
//! What is asked stays in proportion to what the merge changes: trees are compared with equal subtrees skipped, and
//! blobs are read only for the paths that a rule needs.

mod brought;
mod contents;
mod data;
mod data_files;
mod databases;
mod excuses;
mod existing;
mod files;
mod gather;
mod gone;
mod health;
mod in_use;
mod lines;
mod local;
mod names;
mod revert_words;
mod reverted;
mod rewound;
mod taken_back;
#[cfg(fuzzing)]
pub mod untrusted;
mod whose;

pub use crate::deviation::Comparer;
pub use contents::LIMIT as CONTENT_LIMIT;
pub use data_files::{DataFile, to_back_up};
pub use databases::Databases;
pub use excuses::{Allow, Trailers, excuses, parse_trailer, render_trailer};
pub use existing::{existing, lost, lost_between};
pub use files::{Led, follow_link};
pub use gather::{Asked, Question, gather};
pub use health::{Examiner, Version};
pub use in_use::{Replaced, UsedDatabase, databases_in_use};
pub use local::{InTheWay, files_in_the_way, local_files};
pub use taken_back::taken_back;
pub use whose::{SideCommits, Sought, Work};

use crate::deviation;
use crate::git::{GitError, Reader, Repo};
use crate::manifest::{self, Manifest, ManifestError};
use crate::model::{Mode, Oid};

/// The manifest that a tree holds.
#[derive(Debug)]
pub enum Found {
    /// It has none: built-in rules only.
    None,
    /// It has one.
    Manifest(Box<Manifest>),
    /// It has one that can't be read.
    Unreadable(ManifestError),
    /// There is something else at its place (a link, a folder), or it is too large.
    Odd(String),
}

/// Reads the manifest of a tree; `None` is the empty tree.
pub fn manifest_of(repo: &Repo, tree: Option<Oid>) -> Result<Found, GitError> {
    let objects = repo.objects();
    let Some(entry) = objects.entry(tree, &manifest::FILE.into())? else { return Ok(Found::None) };
    if !matches!(entry.mode, Mode::File | Mode::Executable) {
        return Ok(Found::Odd(format!("'{}' is a {}", manifest::FILE, entry.mode.noun())));
    }
    let bytes = match objects.content(entry.oid, LARGEST_MANIFEST)? {
        crate::model::Content::Bytes(bytes) => bytes,
        crate::model::Content::TooLarge(size) => {
            return Ok(Found::Odd(format!("'{}' is too large ({size} bytes)", manifest::FILE)));
        }
    };
    Ok(match manifest::parse(&bytes) {
        Ok(manifest) => Found::Manifest(Box::new(manifest)),
        Err(error) => Found::Unreadable(error),
    })
}

/// Returns the blob of the manifest that a tree has.
pub fn manifest_blob(reader: &Reader, tree: Oid) -> Result<Option<Oid>, GitError> {
    let entry = deviation::up(reader, tree, &manifest::FILE.into())?;
    Ok(entry.filter(|entry| entry.mode.is_regular()).map(|entry| entry.oid))
}

/// Reads a manifest; `None` when it can't be read as one.
pub fn manifest_in(reader: &Reader, blob: Oid) -> Result<Option<Manifest>, GitError> {
    Ok(reader.text(blob, LARGEST_MANIFEST)?.and_then(|bytes| manifest::parse(&bytes).ok()))
}

/// No honest manifest has a mebibyte.
const LARGEST_MANIFEST: u64 = 1 << 20;
