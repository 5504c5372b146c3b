//! Trees: what stands at a path, and where two trees differ. Equal subtrees are never opened.

use std::cmp::Ordering;
use std::rc::Rc;

use bstr::{BString, ByteSlice};

use super::child::{Deadline, GitError};
use super::objects::{Objects, TreeEntry};
use crate::model::{Change, Entry, Mode, Oid, TreePath};

impl Objects {
    /// Returns what stands at `path` in a tree; folders included. `None` for the tree means the empty one.
    pub fn entry(&self, tree: Option<Oid>, path: &TreePath) -> Result<Option<Entry>, GitError> {
        let Some(mut tree) = tree else { return Ok(None) };
        let mut parts = path.split_str("/").peekable();
        while let Some(part) = parts.next() {
            let entries = self.tree(tree)?;
            let Some(found) = entries.iter().find(|entry| entry.name == part) else { return Ok(None) };
            if parts.peek().is_none() {
                return Ok(Some(Entry { mode: found.mode, oid: found.oid }));
            }
            if found.mode != Mode::Tree {
                return Ok(None);
            }
            tree = found.oid;
        }
        Ok(None)
    }

    /// Returns the file, link or submodule at `path`; a folder there is nothing.
    pub fn leaf(&self, tree: Option<Oid>, path: &TreePath) -> Result<Option<Entry>, GitError> {
        Ok(self.entry(tree, path)?.filter(|entry| entry.mode != Mode::Tree))
    }

    /// Returns every path at which the two trees differ, in byte order. `None` means the empty tree.
    pub fn diff(&self, before: Option<Oid>, after: Option<Oid>, deadline: &Deadline) -> Result<Vec<Change>, GitError> {
        Ok(self.diff_while(before, after, deadline, |_| Ok(true))?.unwrap_or_default())
    }

    /// Does as [`Self::diff`] does as long as `goes_on` says so of each path; `None` when it did not. Nothing is read
    /// beyond the path at which it stops.
    pub fn diff_while(
        &self,
        before: Option<Oid>,
        after: Option<Oid>,
        deadline: &Deadline,
        mut goes_on: impl FnMut(&Change) -> Result<bool, GitError>,
    ) -> Result<Option<Vec<Change>>, GitError> {
        let mut changes = Vec::new();
        let mut walk = Walk { objects: self, deadline, changes: &mut changes, goes_on: &mut goes_on };
        if !walk.walk(before, after)? {
            return Ok(None);
        }
        changes.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        Ok(Some(changes))
    }

    /// Returns the number of files in a tree, counted up to `bound`.
    pub fn count_files(&self, tree: Option<Oid>, bound: usize) -> Result<usize, GitError> {
        let mut open: Vec<Oid> = tree.into_iter().collect();
        let mut count = 0;
        while let Some(tree) = open.pop() {
            for entry in self.tree(tree)?.iter() {
                if entry.mode == Mode::Tree { open.push(entry.oid) } else { count += 1 }
            }
            if count >= bound {
                return Ok(bound);
            }
        }
        Ok(count)
    }

    /// Returns every file path of a tree, up to `bound` of them.
    pub fn paths(&self, tree: Oid, bound: usize) -> Result<Vec<TreePath>, GitError> {
        let mut open = vec![(BString::default(), tree)];
        let mut paths = Vec::new();
        while let Some((folder, tree)) = open.pop() {
            for entry in self.tree(tree)?.iter() {
                let path = join(&folder, &entry.name);
                if entry.mode == Mode::Tree { open.push((path, entry.oid)) } else { paths.push(path.as_slice().into()) }
            }
            if paths.len() >= bound {
                break;
            }
        }
        paths.sort_unstable();
        Ok(paths)
    }
}

struct Walk<'a> {
    objects: &'a Objects,
    deadline: &'a Deadline,
    changes: &'a mut Vec<Change>,
    goes_on: &'a mut dyn FnMut(&Change) -> Result<bool, GitError>,
}

/// A folder of both trees, and how far it was compared.
struct Folder {
    before: Rc<Vec<TreeEntry>>,
    after: Rc<Vec<TreeEntry>>,
    old: usize,
    new: usize,
    /// How many bytes its path has.
    path: usize,
}

impl Folder {
    /// Returns the next entries of one sort key: both are folders, or neither is.
    fn next(&mut self) -> Option<(Option<&TreeEntry>, Option<&TreeEntry>)> {
        let (a, b) = (self.before.get(self.old), self.after.get(self.new));
        let order = match (a, b) {
            (None, None) => return None,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(a), Some(b)) => git_order(a, b),
        };
        let (a, b) = (a.filter(|_| order.is_le()), b.filter(|_| order.is_ge()));
        self.old += usize::from(a.is_some());
        self.new += usize::from(b.is_some());
        Some((a, b))
    }
}

impl Walk<'_> {
    /// Returns whether it went to the end. What is open stands in a list, and one path is enough for all of it: folders in folders
    /// without end are somebody's way to have the guard killed.
    fn walk(&mut self, before: Option<Oid>, after: Option<Oid>) -> Result<bool, GitError> {
        let mut path = BString::default();
        let mut open = vec![self.folder(&path, before, after)?];
        while let Some(folder) = open.last_mut() {
            path.truncate(folder.path);
            let Some((a, b)) = folder.next() else {
                open.pop();
                continue;
            };
            let Some(either) = a.or(b).filter(|_| a.map(entry_of) != b.map(entry_of)) else { continue };
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(&either.name);
            if either.mode == Mode::Tree {
                let inner = self.folder(&path, a.map(|entry| entry.oid), b.map(|entry| entry.oid))?;
                open.push(inner);
                continue;
            }
            let change = Change { path: path.as_slice().into(), before: a.map(entry_of), after: b.map(entry_of) };
            let goes_on = (self.goes_on)(&change)?;
            self.changes.push(change);
            if !goes_on {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn folder(&self, path: &BString, before: Option<Oid>, after: Option<Oid>) -> Result<Folder, GitError> {
        self.deadline.check()?;
        let read = |tree: Option<Oid>| tree.map_or_else(|| Ok(Rc::default()), |oid| self.objects.tree(oid));
        Ok(Folder { before: read(before)?, after: read(after)?, old: 0, new: 0, path: path.len() })
    }
}

fn entry_of(entry: &TreeEntry) -> Entry {
    Entry { mode: entry.mode, oid: entry.oid }
}

/// Orders as git stores them: a folder's name counts as if it ended in `/`.
fn git_order(a: &TreeEntry, b: &TreeEntry) -> Ordering {
    let slash = |entry: &TreeEntry| (entry.mode == Mode::Tree).then_some(b'/');
    a.name.iter().copied().chain(slash(a)).cmp(b.name.iter().copied().chain(slash(b)))
}

fn join(folder: &BString, name: &BString) -> BString {
    if folder.is_empty() {
        return name.clone();
    }
    [folder.as_slice(), b"/", name.as_slice()].concat().into()
}
