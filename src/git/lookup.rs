//! One entry of a tree by its name. Where entries begin is kept for a while, as far as somebody has looked: trees that are asked
//! again are not read through again.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::rc::Rc;

use bstr::ByteSlice;

use super::bulk::Reader;
use super::child::GitError;
use crate::model::{Entry, Mode, Oid};

/// Where the first entries of a tree begin, and where the next one would.
#[derive(Default)]
pub(super) struct Starts {
    found: Vec<u32>,
    end: usize,
}

/// An entry, as it stands in the tree: `<octal mode> <name>\0<object name>`.
struct Item<'t> {
    mode: &'t [u8],
    name: &'t [u8],
    oid: &'t [u8],
}

impl Reader {
    /// Returns what stands at a name in a tree, a folder included.
    pub fn entry(&self, tree: Oid, name: &[u8]) -> Result<Option<Entry>, GitError> {
        let bytes = self.tree(tree)?;
        let starts: Rc<RefCell<Starts>> = self.starts(tree, bytes.len());
        let mut starts = starts.borrow_mut();
        Ok(starts.find(&bytes, name, self.hash_kind().len()))
    }
}

impl Starts {
    fn find(&mut self, tree: &[u8], name: &[u8], length: usize) -> Option<Entry> {
        // Where it would stand as a folder: as a file it stands before that, and others may stand between.
        let is_beyond = |item: &Item<'_>| item.order(name, true) == Ordering::Greater;
        let mut last = self.found.last().and_then(|start| Item::read(tree, *start as usize, length));
        while !last.as_ref().is_some_and(is_beyond)
            && let Some(item) = Item::read(tree, self.end, length)
        {
            self.found.push(u32::try_from(self.end).ok()?);
            // What is read was found between mode, name and here.
            self.end += item.mode.len() + item.name.len() + length + 2;
            last = Some(item);
        }
        let item = [false, true].into_iter().find_map(|is_tree| {
            let order = |start: &u32| Item::read(tree, *start as usize, length).map(|item| item.order(name, is_tree));
            let place = self.found.binary_search_by(|start| order(start).unwrap_or(Ordering::Greater)).ok()?;
            Item::read(tree, self.found[place] as usize, length)
        })?;
        let mode = item.mode.iter().try_fold(0, |mode, digit| Some(mode << 3 | u32::from(digit.checked_sub(b'0')?)))?;
        Some(Entry { mode: Mode::from_octal(mode)?, oid: Oid::from_bytes(item.oid)? })
    }
}

impl<'t> Item<'t> {
    fn read(tree: &'t [u8], start: usize, length: usize) -> Option<Self> {
        let here = tree.get(start..)?;
        // Five or six digits, as a rule.
        let blank =
            [5, 6].into_iter().find(|place| here.get(*place) == Some(&b' ')).or_else(|| here.find_byte(b' '))?;
        let rest = &here[blank + 1..];
        let end = rest.find_byte(0)?;
        Some(Self { mode: &here[..blank], name: &rest[..end], oid: rest.get(end + 1..end + 1 + length)? })
    }

    /// Compares it with a name in git's order: a folder's counts as if it ended in `/`.
    fn order(&self, name: &[u8], is_tree: bool) -> Ordering {
        let common = self.name.len().min(name.len());
        self.name[..common].cmp(&name[..common]).then_with(|| {
            let slash = |is_tree: bool| is_tree.then_some(&b'/');
            let own = self.name[common..].iter().chain(slash(self.mode.ends_with(b"40000")));
            own.cmp(name[common..].iter().chain(slash(is_tree)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_folders_are_found_among_names_that_begin_alike() {
        let entry = |mode: &str, name: &str, byte: u8| [format!("{mode} {name}\0").as_bytes(), &[byte; 20]].concat();
        // In git's order: `a` would stand before `a-b` as a file, and stands behind it as a folder.
        let names =
            [("100644", "a-b", 1), ("40000", "a", 2), ("100755", "a0", 3), ("120000", "b", 4), ("040000", "b.c", 5)];
        let tree = names.map(|(mode, name, byte)| entry(mode, name, byte)).concat();
        let mut kept = Starts::default();
        let mut found = |name: &str| {
            let found = kept.find(&tree, name.as_bytes(), 20);
            assert_eq!(Starts::default().find(&tree, name.as_bytes(), 20), found);
            found
        };
        // In any order: what was looked at before makes no difference.
        for place in [1, 0, 4, 2, 3, 1] {
            let (mode, name, byte) = names[place];
            let mode = Mode::from_octal(u32::from_str_radix(mode, 8).unwrap()).unwrap();
            assert_eq!(found(name), Some(Entry { mode, oid: Oid::from_bytes(&[byte; 20]).unwrap() }));
        }
        for name in ["", "a-", "a-b/", "b.", "c"] {
            assert_eq!(found(name), None, "{name}");
        }
        assert_eq!(Starts::default().find(&tree[..tree.len() - 1], b"b.c", 20), None);
    }

    #[test]
    fn no_more_is_looked_at_than_stands_before_a_name() {
        let tree = [&b"100644 a\0"[..], &[1; 20], b"100644 c\0", &[2; 20], b"100644 d\0", &[3; 20]].concat();
        let mut starts = Starts::default();
        assert_eq!(starts.find(&tree, b"b", 20), None);
        assert_eq!(starts.found, [0, 29]);
    }
}
