//! Files of a tree, looked up one by one, and where symbolic links lead in it: never out of it.

use std::collections::VecDeque;

use super::CONTENT_LIMIT;
use crate::deviation;
use crate::git::{GitError, Objects, Reader};
use crate::model::{Content, Entry, Mode, Oid, TreePath};

/// A tree.
pub(super) trait Files {
    /// Returns what stands at a path. A folder may be told as nothing.
    fn entry(&self, path: &TreePath) -> Result<Option<Entry>, GitError>;
    /// Reads a blob.
    fn content(&self, oid: Oid) -> Result<Content, GitError>;
}

/// A tree that one merge is about; `None` is the empty tree.
pub(super) struct InTree<'o>(pub(super) &'o Objects, pub(super) Option<Oid>);

impl Files for InTree<'_> {
    fn entry(&self, path: &TreePath) -> Result<Option<Entry>, GitError> {
        self.0.entry(self.1, path)
    }

    fn content(&self, oid: Oid) -> Result<Content, GitError> {
        self.0.content(oid, CONTENT_LIMIT)
    }
}

/// A tree of a history that is read in bulk.
pub(super) struct InHistory<'r>(pub(super) &'r Reader, pub(super) Option<Oid>);

impl Files for InHistory<'_> {
    fn entry(&self, path: &TreePath) -> Result<Option<Entry>, GitError> {
        Ok(self.1.map(|tree| deviation::up(self.0, tree, path)).transpose()?.flatten())
    }

    fn content(&self, oid: Oid) -> Result<Content, GitError> {
        Ok(match self.0.text(oid, CONTENT_LIMIT)? {
            Some(bytes) => Content::Bytes(bytes),
            None => Content::TooLarge(self.0.size(oid)?),
        })
    }
}

/// Where a link leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Led {
    /// To this file.
    File(TreePath, Entry),
    /// To this folder.
    Folder(TreePath),
    /// To this place, where nothing is.
    Nowhere(TreePath),
    /// Out of the tree.
    Outside,
}

impl std::fmt::Display for Led {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path, _) => write!(out, "a symbolic link to '{path}'"),
            Self::Folder(path) => write!(out, "a symbolic link to the folder '{path}'"),
            Self::Nowhere(path) => write!(out, "a symbolic link to '{path}', and no file is there"),
            Self::Outside => out.write_str("a symbolic link that leads out of the repository"),
        }
    }
}

/// Returns where the link at a path of a tree leads.
pub fn follow_link(objects: &Objects, tree: Oid, path: &TreePath) -> Result<Led, GitError> {
    follow(&InTree(objects, Some(tree)), path)
}

/// So many links lead on to each other at most, as for Linux.
const LINKS: usize = 40;

/// The same for any tree. Links among the folders on the way are followed, too.
pub(super) fn follow(files: &impl Files, path: &TreePath) -> Result<Led, GitError> {
    let parts = |path: &[u8]| path.split(|byte| *byte == b'/').map(<[u8]>::to_vec).collect::<VecDeque<_>>();
    let (mut at, mut rest, mut links) = (Vec::new(), parts(path), 0);
    while let Some(part) = rest.pop_front() {
        match &part[..] {
            b".." if at.pop().is_none() => return Ok(Led::Outside),
            b"" | b"." | b".." => continue,
            _ => at.push(part),
        }
        let here = TreePath::from(at.join(&b'/'));
        // No tree has what git keeps there.
        if here.eq_ignore_ascii_case(b".git") {
            return Ok(Led::Outside);
        }
        match files.entry(&here)? {
            Some(Entry { mode: Mode::Link, oid }) if links < LINKS => {
                links += 1;
                let Content::Bytes(target) = files.content(oid)? else { return Ok(Led::Nowhere(here)) };
                if target.starts_with(b"/") {
                    return Ok(Led::Outside);
                }
                at.pop();
                let mut target = parts(&target);
                target.append(&mut rest);
                rest = target;
            }
            Some(entry) if entry.mode.is_regular() && rest.is_empty() => return Ok(Led::File(here, entry)),
            // A folder, perhaps; what lies in a submodule nobody can tell.
            Some(Entry { mode: Mode::Tree, .. }) | None => {}
            Some(_) => return Ok(Led::Nowhere(here)),
        }
    }
    let here = TreePath::from(at.join(&b'/'));
    let is_folder = at.is_empty() || files.entry(&here)?.is_some_and(|entry| entry.mode == Mode::Tree);
    Ok(if is_folder { Led::Folder(here) } else { Led::Nowhere(here) })
}
