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
        if !walk.folder(&BString::default(), before, after)? {
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

impl Walk<'_> {
    /// Returns whether it went to the end.
    fn folder(&mut self, folder: &BString, before: Option<Oid>, after: Option<Oid>) -> Result<bool, GitError> {
        self.deadline.check()?;
        let read = |tree: Option<Oid>| tree.map_or_else(|| Ok(Rc::default()), |oid| self.objects.tree(oid));
        let (before, after) = (read(before)?, read(after)?);
        let (mut old, mut new) = (before.iter().peekable(), after.iter().peekable());
        loop {
            let order = match (old.peek(), new.peek()) {
                (None, None) => return Ok(true),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(a), Some(b)) => git_order(a, b),
            };
            let a = if order == Ordering::Greater { None } else { old.next() };
            let b = if order == Ordering::Less { None } else { new.next() };
            if !self.pair(folder, a, b)? {
                return Ok(false);
            }
        }
    }

    /// Compares two entries of one sort key: both are folders, or neither is.
    fn pair(&mut self, folder: &BString, a: Option<&TreeEntry>, b: Option<&TreeEntry>) -> Result<bool, GitError> {
        if let (Some(a), Some(b)) = (a, b)
            && a.oid == b.oid
            && a.mode == b.mode
        {
            return Ok(true);
        }
        let Some(either) = a.or(b) else { return Ok(true) };
        let path = join(folder, &either.name);
        if either.mode == Mode::Tree {
            return self.folder(&path, a.map(|entry| entry.oid), b.map(|entry| entry.oid));
        }
        let entry = |found: Option<&TreeEntry>| found.map(|entry| Entry { mode: entry.mode, oid: entry.oid });
        let change = Change { path: path.as_slice().into(), before: entry(a), after: entry(b) };
        let goes_on = (self.goes_on)(&change)?;
        self.changes.push(change);
        Ok(goes_on)
    }
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
