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
        let mut changes = Vec::new();
        let mut walk = Walk { objects: self, deadline, changes: &mut changes };
        walk.folder(&BString::default(), before, after)?;
        changes.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        Ok(changes)
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
}

impl Walk<'_> {
    fn folder(&mut self, folder: &BString, before: Option<Oid>, after: Option<Oid>) -> Result<(), GitError> {
        self.deadline.check()?;
        let read = |tree: Option<Oid>| tree.map_or_else(|| Ok(Rc::default()), |oid| self.objects.tree(oid));
        let (before, after) = (read(before)?, read(after)?);
        let (mut old, mut new) = (before.iter().peekable(), after.iter().peekable());
        loop {
            let order = match (old.peek(), new.peek()) {
                (None, None) => return Ok(()),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(a), Some(b)) => git_order(a, b),
            };
            let a = if order == Ordering::Greater { None } else { old.next() };
            let b = if order == Ordering::Less { None } else { new.next() };
            self.pair(folder, a, b)?;
        }
    }

    /// Compares two entries of one sort key: both are folders, or neither is.
    fn pair(&mut self, folder: &BString, a: Option<&TreeEntry>, b: Option<&TreeEntry>) -> Result<(), GitError> {
        if let (Some(a), Some(b)) = (a, b)
            && a.oid == b.oid
            && a.mode == b.mode
        {
            return Ok(());
        }
        let Some(either) = a.or(b) else { return Ok(()) };
        let path = join(folder, &either.name);
        if either.mode == Mode::Tree {
            return self.folder(&path, a.map(|entry| entry.oid), b.map(|entry| entry.oid));
        }
        let entry = |found: Option<&TreeEntry>| found.map(|entry| Entry { mode: entry.mode, oid: entry.oid });
        self.changes.push(Change { path: path.as_slice().into(), before: entry(a), after: entry(b) });
        Ok(())
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
