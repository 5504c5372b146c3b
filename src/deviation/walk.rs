//! All trees of a merge walked side by side: bases, parents, result. What is as expected is never opened.
//!
//! ```text
//! all parents equal                     expected: that
//! one of them differs from the base     expected: that one
//! several differ, each otherwise        a slot: its content has to be looked at
//! ```
//!
//! With several merge bases that differ nothing can be skipped but what all parents agree on.

use std::cmp::Ordering;
use std::sync::Arc;

use bstr::ByteSlice;

use crate::git::{GitError, Reader};
use crate::model::{Change, Entry, Mode, Oid, TreePath};

/// The trees of a merge.
#[derive(Debug, Clone)]
pub(super) struct Trees {
    /// None: the sides have nothing in common.
    pub(super) bases: Vec<Oid>,
    /// Two or more.
    pub(super) parents: Vec<Oid>,
    pub(super) result: Oid,
}

/// What stands at a path in all of them, where the result is not as expected or nothing can be expected without a look at
/// contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) path: TreePath,
    pub(super) bases: Vec<Option<Entry>>,
    pub(super) parents: Vec<Option<Entry>>,
    pub(super) result: Option<Entry>,
}

/// What can be said of a place without looking at contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected<T> {
    /// This stands there when nobody interferes.
    This(T),
    /// Several parents changed it, or the bases differ.
    Open,
}

/// Says what merging gives at one place.
pub(super) fn expected<T: PartialEq + Copy>(bases: &[T], parents: &[T]) -> Expected<T> {
    let Some(first) = parents.first() else { return Expected::Open };
    if parents.iter().all(|parent| parent == first) {
        return Expected::This(*first);
    }
    let Some(base) = bases.first().filter(|base| bases.iter().all(|other| other == *base)) else {
        return Expected::Open;
    };
    let mut changed = parents.iter().filter(|parent| *parent != base);
    match changed.next() {
        Some(one) if changed.all(|other| other == one) => Expected::This(*one),
        _ => Expected::Open,
    }
}

/// What a walk finds.
#[derive(Debug, Default)]
pub(super) struct Walked {
    /// In no particular order.
    pub(super) slots: Vec<Slot>,
    /// Folders that a side has removed and the result still has.
    pub(super) kept: Vec<TreePath>,
}

/// Walks.
pub(super) fn slots(reader: &Reader, trees: &Trees) -> Result<Walked, GitError> {
    let bases = if trees.bases.is_empty() { vec![None] } else { trees.bases.iter().copied().map(Some).collect() };
    let compare = Compare::Merge;
    let mut walk = Walk { reader, bases: bases.len(), compare, found: Walked::default() };
    let parents = trees.parents.iter().copied().map(Some);
    let all: Vec<Option<Oid>> = bases.into_iter().chain(parents).chain([Some(trees.result)]).collect();
    walk.walk(&all)?;
    Ok(walk.found)
}

/// What is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compare {
    /// Where the result is not as expected.
    Merge,
    /// Where the first tree and the last differ.
    Sides,
    /// Where only one of those has something.
    Moves,
}

impl Compare {
    fn skips<T: PartialEq + Copy>(self, bases: &[T], parents: &[T], result: T) -> bool {
        match self {
            Self::Merge => expected(bases, parents) == Expected::This(result),
            Self::Sides | Self::Moves => bases.first() == Some(&result),
        }
    }
}

/// A folder that is to be opened: its name, and what each tree has there.
type Open = (Vec<u8>, Vec<Option<Oid>>);

struct Walk<'r> {
    reader: &'r Reader,
    bases: usize,
    compare: Compare,
    found: Walked,
}

impl Walk<'_> {
    /// Walks all trees; `None`: the empty one. What is open stands in a list, and one path is enough for all of it: folders in folders
    /// without end are somebody's way to have the guard killed.
    fn walk(&mut self, trees: &[Option<Oid>]) -> Result<(), GitError> {
        let mut path = Vec::new();
        let mut open = vec![(0, self.folder(&path, trees)?.into_iter())];
        while let Some((end, folders)) = open.last_mut() {
            path.truncate(*end);
            let Some((name, trees)) = folders.next() else {
                open.pop();
                continue;
            };
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(&name);
            open.push((path.len(), self.folder(&path, &trees)?.into_iter()));
        }
        Ok(())
    }

    /// Walks a folder of all trees; `None` where a tree has none there. Returns what is to be opened in it.
    fn folder(&mut self, path: &[u8], trees: &[Option<Oid>]) -> Result<Vec<Open>, GitError> {
        let mut buffers = Vec::with_capacity(trees.len());
        for tree in trees {
            buffers.push(tree.map_or_else(|| Ok(Arc::default()), |tree| self.reader.tree(tree))?);
        }
        let length = self.reader.hash_kind().len();
        let mut open = Vec::new();
        {
            let mut cursors: Vec<Cursor<'_>> = buffers.iter().map(|buffer| Cursor::new(buffer, length)).collect();
            let mut row: Vec<Option<Item<'_>>> = Vec::with_capacity(trees.len());
            skip_what_all_have(&mut cursors);
            while let Some(least) = cursors.iter().filter_map(|cursor| cursor.item).min_by(Item::order) {
                row.clear();
                for cursor in &mut cursors {
                    let here = cursor.item.filter(|item| Item::order(item, &least) == Ordering::Equal);
                    if here.is_some() {
                        cursor.step();
                    }
                    row.push(here);
                }
                self.row(path, &least, &row, &mut open);
                skip_what_all_have(&mut cursors);
            }
            if let Some(place) = cursors.iter().position(|cursor| cursor.is_damaged) {
                let oid = trees[place].unwrap_or(Oid::null(self.reader.hash_kind()));
                return Err(GitError::Damaged { oid, why: "its entries can't be read".into() });
            }
        }
        Ok(open)
    }

    /// Looks at what stands at one name: skips it, keeps it as a slot, or opens it later.
    fn row(&mut self, folder: &[u8], name: &Item<'_>, row: &[Option<Item<'_>>], open: &mut Vec<Open>) {
        let raw: Vec<Option<(u32, &[u8])>> = row.iter().map(|item| item.map(|item| (item.mode, item.oid))).collect();
        let (bases, rest) = raw.split_at(self.bases);
        let Some((result, parents)) = rest.split_last() else { return };
        if self.compare.skips(bases, parents, *result) {
            return;
        }
        let path = || if folder.is_empty() { name.name.to_vec() } else { [folder, b"/", name.name].concat() };
        if name.is_tree() {
            if bases.iter().all(Option::is_some) && parents.iter().any(Option::is_none) && result.is_some() {
                self.found.kept.push(path().into());
            }
            let oids = raw.iter().map(|item| item.and_then(|(_, oid)| Oid::from_bytes(oid))).collect();
            open.push((name.name.to_vec(), oids));
            return;
        }
        if self.compare == Compare::Moves && bases.iter().all(Option::is_some) && result.is_some() {
            return;
        }
        let entry = |item: &Option<(u32, &[u8])>| -> Option<Entry> {
            let (mode, oid) = (*item)?;
            Some(Entry { mode: Mode::from_octal(mode)?, oid: Oid::from_bytes(oid)? })
        };
        let (bases, parents) =
            (bases.iter().map(entry).collect::<Vec<_>>(), parents.iter().map(entry).collect::<Vec<_>>());
        let result = entry(result);
        // Old modes (100664) that differ only in what git no longer tells apart.
        if !self.compare.skips(&bases, &parents, result) {
            self.found.slots.push(Slot { path: path().into(), bases, parents, result });
        }
    }
}

/// An entry of a tree, as it stands in the object.
#[derive(Debug, Clone, Copy)]
struct Item<'b> {
    mode: u32,
    name: &'b [u8],
    oid: &'b [u8],
}

impl Item<'_> {
    const fn is_tree(&self) -> bool {
        self.mode == 0o040_000
    }

    /// Git's order: a folder's name counts as if it ended in `/`. Equal only where both are folders, or neither is.
    fn order(a: &Self, b: &Self) -> Ordering {
        let common = a.name.len().min(b.name.len());
        a.name[..common].cmp(&b.name[..common]).then_with(|| {
            let next = |item: &Self| item.name.get(common).copied().or(item.is_tree().then_some(b'/'));
            next(a).cmp(&next(b)).then_with(|| a.is_tree().cmp(&b.is_tree()))
        })
    }
}

/// Returns what two trees differ in: paths with what stands there before and after.
pub fn changes(reader: &Reader, before: Option<Oid>, after: Oid) -> Result<Vec<Change>, GitError> {
    differences(reader, before, after, Compare::Sides)
}

/// Returns what only one of two trees has.
pub(super) fn added_and_removed(reader: &Reader, before: Option<Oid>, after: Oid) -> Result<Vec<Change>, GitError> {
    differences(reader, before, after, Compare::Moves)
}

fn differences(reader: &Reader, before: Option<Oid>, after: Oid, compare: Compare) -> Result<Vec<Change>, GitError> {
    // A merge of one parent over nothing: each path at which the parent is not the base stands open.
    let trees = Trees { bases: before.into_iter().collect(), parents: vec![after], result: after };
    let mut walk = Walk { reader, bases: 1, compare, found: Walked::default() };
    let all = [trees.bases.first().copied(), Some(after), Some(after)];
    walk.walk(&all)?;
    let change = |slot: Slot| Change { path: slot.path, before: slot.bases[0], after: slot.result };
    Ok(walk.found.slots.into_iter().map(change).collect())
}

/// Goes on to where not all trees have the same entry: that is most of them.
fn skip_what_all_have(cursors: &mut [Cursor<'_>]) {
    let [first, others @ ..] = &*cursors else { return };
    let mut same = 0;
    while let Some(nul) = first.here[same..].find_byte(0) {
        let end = same + nul + 1 + first.length;
        let Some(entry) = first.here.get(same..end) else { break };
        if !others.iter().all(|other| other.here.get(same..end) == Some(entry)) {
            break;
        }
        same = end;
    }
    if same > 0 {
        for cursor in cursors {
            cursor.skip(same);
        }
    }
}

/// A place in the bytes of a tree.
struct Cursor<'b> {
    /// From this entry on.
    here: &'b [u8],
    /// From the next one on.
    rest: &'b [u8],
    length: usize,
    item: Option<Item<'b>>,
    is_damaged: bool,
}

impl<'b> Cursor<'b> {
    fn new(bytes: &'b [u8], length: usize) -> Self {
        let mut cursor = Self { here: bytes, rest: bytes, length, item: None, is_damaged: false };
        cursor.step();
        cursor
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = &self.here[bytes..];
        self.step();
    }

    fn step(&mut self) {
        self.here = self.rest;
        self.item = if self.rest.is_empty() { None } else { self.parse() };
        self.is_damaged |= self.item.is_none() && !self.rest.is_empty();
    }

    /// Reads `<octal mode> <name>\0<object name>`.
    fn parse(&mut self) -> Option<Item<'b>> {
        let blank = self.rest.find_byte(b' ')?;
        let mut mode = 0_u32;
        for digit in &self.rest[..blank] {
            mode = mode.checked_mul(8)? + u32::from(digit.checked_sub(b'0').filter(|digit| *digit < 8)?);
        }
        let rest = &self.rest[blank + 1..];
        let end = rest.find_byte(0)?;
        let oid = rest.get(end + 1..end + 1 + self.length)?;
        self.rest = &rest[end + 1 + self.length..];
        Some(Item { mode, name: &rest[..end], oid })
    }
}
