//! Files that a side moved: looked for only where something seems missing.
//!
//! ```text
//! gone on one side, changed on the other          its new place is found among what the first side added
//! added on both sides, with different contents    its old place is found among what both sides removed
//! added on one side, not in the result            the other side renamed its folder, and the result has it there
//! ```
//!
//! Exact contents first, then the same file name, then the best likeness, as git does; half of a file must be alike.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::content::{Body, up};
use super::instead;
use super::likeness::{Print, RENAMED};
use super::walk::{Trees, changes, find};
use crate::git::{GitError, Reader};
use crate::model::{Automatic, Change, Deviation, Entry, Mode, Oid, TreePath};

/// More pairs of files are not compared for one merge.
const MOST_PAIRS: usize = 5_000;
/// So many percent of likeness are enough for the only file of the same name.
const SAME_NAME: u64 = 75;
/// Larger files are compared as wholes only.
const LARGEST: u64 = 4 << 20;

/// A file that stands elsewhere in the result: from, to, percent of likeness.
type Moved = (TreePath, TreePath, u8);

/// Replaces deviations that are two ends of a moved file by one, or by none where the result is what merging gives. Returns
/// what every parent has and whoever merged has moved.
pub(super) fn follow(reader: &Reader, trees: &Trees, found: &mut Vec<Deviation>) -> Result<Vec<Moved>, GitError> {
    if trees.parents.len() != 2 {
        return Ok(Vec::new());
    }
    let mut search =
        Search { reader, trees, sides: [None, None], prints: HashMap::new(), sizes: HashMap::new(), pairs: 0 };
    search.gone_and_changed(found)?;
    search.added_twice(found)?;
    search.moved_with_its_folder(found)?;
    search.moved(found)
}

/// Returns whether the result has a file under a name that nobody had.
fn is_new(deviation: &Deviation) -> bool {
    deviation.base.is_none() && deviation.parents.iter().all(Option::is_none) && deviation.result.is_some()
}

/// What a side added and removed.
struct Side {
    added: Vec<(TreePath, Entry)>,
    removed: HashMap<TreePath, Entry>,
    /// What went elsewhere with all its bytes.
    exact: HashMap<TreePath, (TreePath, Entry)>,
    /// What is left of the added files then, and how many of the removed ones have a name.
    rest: Rc<Vec<(TreePath, Entry)>>,
    names: HashMap<Vec<u8>, usize>,
}

impl Side {
    fn new(added: Vec<(TreePath, Entry)>, removed: HashMap<TreePath, Entry>) -> Self {
        let mut targets: HashMap<Oid, Vec<&(TreePath, Entry)>> = HashMap::new();
        for target in &added {
            targets.entry(target.1.oid).or_default().push(target);
        }
        let mut sources: Vec<(&TreePath, &Entry)> = removed.iter().collect();
        sources.sort_unstable();
        let (mut exact, mut names) = (HashMap::new(), HashMap::new());
        for same_name in [true, false] {
            for (path, entry) in &sources {
                let Some(left) = targets.get_mut(&entry.oid).filter(|_| !exact.contains_key(*path)) else { continue };
                if let Some(at) = left.iter().position(|(to, _)| !same_name || name(to) == name(path)) {
                    exact.insert((*path).clone(), left.swap_remove(at).clone());
                }
            }
        }
        for (path, _) in sources.iter().filter(|(path, _)| !exact.contains_key(*path)) {
            *names.entry(name(path).to_vec()).or_default() += 1;
        }
        let taken: HashSet<&TreePath> = exact.values().map(|(to, _)| to).collect();
        let rest = Rc::new(added.iter().filter(|(to, _)| !taken.contains(to)).cloned().collect());
        Self { added, removed, exact, rest, names }
    }
}

fn name(path: &TreePath) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or_default()
}

struct Search<'r> {
    reader: &'r Reader,
    trees: &'r Trees,
    sides: [Option<Side>; 2],
    prints: HashMap<Oid, Option<Print>>,
    sizes: HashMap<Oid, u64>,
    pairs: usize,
}

impl Search<'_> {
    fn side(&mut self, side: usize) -> Result<&Side, GitError> {
        if self.sides[side].is_none() {
            let changes = changes(self.reader, self.trees.bases.first().copied(), self.trees.parents[side])?;
            let (mut added, mut removed) = (Vec::new(), HashMap::new());
            for Change { path, before, after } in changes {
                match (before, after) {
                    (None, Some(entry)) if entry.mode.is_regular() => added.push((path, entry)),
                    (Some(entry), None) if entry.mode.is_regular() => drop(removed.insert(path, entry)),
                    _ => {}
                }
            }
            self.sides[side] = Some(Side::new(added, removed));
        }
        // It was set just now.
        self.sides[side]
            .as_ref()
            .ok_or_else(|| GitError::Unsupported("a side was not read (please report this)".into()))
    }

    /// A file that is gone on one side and changed on the other: where is it now?
    fn gone_and_changed(&mut self, found: &mut Vec<Deviation>) -> Result<(), GitError> {
        let mut place = 0;
        while place < found.len() {
            let deviation = found[place].clone();
            let gone = deviation.parents.iter().position(Option::is_none);
            let (Some(base), Some(side), None) = (deviation.base, gone, deviation.result) else {
                place += 1;
                continue;
            };
            let other = 1 - side;
            let Some(theirs) = deviation.parents[other].filter(|entry| entry.mode.is_regular()) else {
                place += 1;
                continue;
            };
            let Some((to, entry)) = self.new_place(side, &deviation.path, base)? else {
                place += 1;
                continue;
            };
            // Something of the other side's own stands there already: a conflict of names.
            if up(self.reader, self.trees.parents[other], &to)?.is_some() {
                place += 1;
                continue;
            }
            let result = up(self.reader, self.trees.result, &to)?;
            let mut parents = vec![Some(entry); 2];
            parents[other] = Some(theirs);
            found.remove(place);
            found.retain(|known| known.path != to);
            if let Some(automatic) = instead(self.reader, Some(&Body::of(base)), &parents, result)? {
                let from = Some(deviation.path);
                found.insert(
                    place.min(found.len()),
                    Deviation { path: to, from, base: Some(base), parents, result, automatic },
                );
                place += 1;
            }
        }
        Ok(())
    }

    /// A file that both sides have and the base has not: both may have moved it there.
    fn added_twice(&mut self, found: &mut Vec<Deviation>) -> Result<(), GitError> {
        let mut place = 0;
        while place < found.len() {
            let deviation = found[place].clone();
            place += 1;
            let (None, [Some(first), Some(second)]) = (deviation.base, &deviation.parents[..]) else { continue };
            if !first.mode.is_regular() || !second.mode.is_regular() {
                continue;
            }
            let both: Vec<(TreePath, Entry)> = {
                let removed = self.side(0)?.removed.clone();
                let other = &self.side(1)?.removed;
                removed.into_iter().filter(|(path, _)| other.contains_key(path)).collect()
            };
            let Some((from, base)) = self.best(&deviation.path, *first, &both)? else { continue };
            if self.likeness(base.oid, second.oid)? < RENAMED {
                continue;
            }
            place -= 1;
            match instead(self.reader, Some(&Body::of(base)), &deviation.parents, deviation.result)? {
                None => drop(found.remove(place)),
                Some(automatic) => {
                    found[place] = Deviation { from: Some(from), base: Some(base), automatic, ..deviation };
                    place += 1;
                }
            }
        }
        Ok(())
    }

    /// Files of every parent that are gone from the result: where are they?
    fn moved(&mut self, found: &[Deviation]) -> Result<Vec<Moved>, GitError> {
        let new = found.iter().filter(|deviation| is_new(deviation));
        let new: Vec<(TreePath, Entry)> = new.filter_map(|to| Some((to.path.clone(), to.result?))).collect();
        let mut moved = Vec::new();
        for deviation in found.iter().filter(|deviation| deviation.result.is_none() && !new.is_empty()) {
            let (Some(first), true) = (deviation.parents[0], deviation.parents.iter().all(Option::is_some)) else {
                continue;
            };
            if first.mode.is_regular()
                && let Some((to, entry)) = self.best(&deviation.path, first, &new)?
            {
                let like = u8::try_from(self.likeness(first.oid, entry.oid)?).unwrap_or(100);
                moved.push((deviation.path.clone(), to, like));
            }
        }
        Ok(moved)
    }

    fn new_place(&mut self, side: usize, path: &TreePath, base: Entry) -> Result<Option<(TreePath, Entry)>, GitError> {
        let found = self.side(side)?;
        if let Some(exact) = found.exact.get(path) {
            return Ok(Some(exact.clone()));
        }
        let rest = Rc::clone(&found.rest);
        // A file of the same name that is much alike is taken without looking further, as git does, if there is one of each.
        if found.names.get(name(path)) == Some(&1) {
            let mut same_name = rest.iter().filter(|(other, _)| name(other) == name(path));
            if let (Some(only), None) = (same_name.next(), same_name.next())
                && self.likeness(base.oid, only.1.oid)? >= SAME_NAME
            {
                return Ok(Some(only.clone()));
            }
        }
        self.best(path, base, &rest)
    }

    /// Returns the one of several files that another most likely is.
    fn best(
        &mut self,
        path: &TreePath,
        entry: Entry,
        among: &[(TreePath, Entry)],
    ) -> Result<Option<(TreePath, Entry)>, GitError> {
        let own = name(path);
        let exact = among.iter().filter(|(_, other)| other.oid == entry.oid);
        if let Some(found) = exact.max_by_key(|(other, _)| name(other) == own) {
            return Ok(Some(found.clone()));
        }
        let mut best: Option<(u64, usize)> = None;
        let size = self.size(entry.oid)?;
        for (place, (other, candidate)) in among.iter().enumerate() {
            // One twice as large can't be half alike.
            let theirs = self.size(candidate.oid)?;
            if size.min(theirs) * 2 < size.max(theirs) {
                continue;
            }
            self.pairs += 1;
            if self.pairs > MOST_PAIRS {
                break;
            }
            let like = self.likeness(entry.oid, candidate.oid)?;
            // Of two that are equally alike the one with the same name.
            let like = like * 2 + u64::from(name(other) == own);
            if like / 2 >= RENAMED && best.is_none_or(|(known, _)| like > known) {
                best = Some((like, place));
            }
        }
        Ok(best.map(|(_, place)| among[place].clone()))
    }

    /// What one side added stands elsewhere in the result, because the other side had renamed its folder.
    fn moved_with_its_folder(&mut self, found: &mut Vec<Deviation>) -> Result<(), GitError> {
        let mut new: HashMap<Oid, Vec<usize>> = HashMap::new();
        for (place, deviation) in found.iter().enumerate().filter(|(_, deviation)| is_new(deviation)) {
            deviation.result.into_iter().for_each(|entry| new.entry(entry.oid).or_default().push(place));
        }
        let mut doomed = Vec::new();
        for (place, deviation) in found.iter().enumerate() {
            let Automatic::Entry(Some(entry)) = deviation.automatic else { continue };
            let other = deviation.parents.iter().position(Option::is_none);
            let (None, None, Some(other), Some(places)) =
                (deviation.base, deviation.result, other, new.get_mut(&entry.oid))
            else {
                continue;
            };
            for at in 0..places.len() {
                if self.has_renamed_folder(other, &deviation.path, &found[places[at]].path)? {
                    doomed.extend([place, places.swap_remove(at)]);
                    break;
                }
            }
        }
        let mut place = 0;
        found.retain(|_| {
            place += 1;
            !doomed.contains(&(place - 1))
        });
        Ok(())
    }

    /// Returns whether a side has renamed a folder so that one path becomes the other: nothing is left of it, and a file of it
    /// stands in the new one under its old name.
    fn has_renamed_folder(&mut self, side: usize, from: &TreePath, to: &TreePath) -> Result<bool, GitError> {
        let parts = |path: &TreePath| path.split(|byte| *byte == b'/').map(<[u8]>::to_vec).collect::<Vec<_>>();
        let (from, to) = (parts(from), parts(to));
        let same = from.iter().rev().zip(to.iter().rev()).take_while(|(one, two)| one == two).count();
        let tree = self.trees.parents[side];
        let reader = self.reader;
        let Side { added, removed, .. } = self.side(side)?;
        for depth in 1..=same.min(from.len() - 1) {
            let folder = |parts: &[Vec<u8>]| {
                parts[..parts.len() - depth].iter().flat_map(|part| [part, &b"/"[..]].concat()).collect::<Vec<u8>>()
            };
            let (old, new) = (folder(&from), folder(&to));
            let added: HashSet<&[u8]> = added.iter().filter_map(|(path, _)| path.strip_prefix(&new[..])).collect();
            let went = removed.keys().filter_map(|path| path.strip_prefix(&old[..])).any(|rest| added.contains(rest));
            if went && !has_folder(reader, tree, &old)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn size(&mut self, oid: Oid) -> Result<u64, GitError> {
        if let Some(known) = self.sizes.get(&oid) {
            return Ok(*known);
        }
        let size = self.reader.size(oid)?;
        self.sizes.insert(oid, size);
        Ok(size)
    }

    fn likeness(&mut self, one: Oid, other: Oid) -> Result<u64, GitError> {
        if one == other {
            return Ok(100);
        }
        for oid in [one, other] {
            if !self.prints.contains_key(&oid) {
                let print = self.reader.text(oid, LARGEST)?.map(|bytes| Print::of(&bytes));
                self.prints.insert(oid, print);
            }
        }
        Ok(match (&self.prints[&one], &self.prints[&other]) {
            (Some(one), Some(other)) => one.likeness(other),
            _ => 0,
        })
    }
}

/// Returns whether a tree has a folder; its path ends in `/`.
fn has_folder(reader: &Reader, tree: Oid, folder: &[u8]) -> Result<bool, GitError> {
    let mut tree = tree;
    for part in folder.split(|byte| *byte == b'/').filter(|part| !part.is_empty()) {
        match find(&reader.tree(tree)?, part, reader.hash_kind().len()) {
            Some(entry) if entry.mode == Mode::Tree => tree = entry.oid,
            _ => return Ok(false),
        }
    }
    Ok(true)
}
