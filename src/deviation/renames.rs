//! Files that a side moved: looked for only where something seems missing.
//!
//! ```text
//! gone on one side, changed on the other          its new place is found among what the first side added
//! added on both sides, with different contents    its old place is found among what both sides removed
//! added on one side, not in the result            the other side renamed its folder, and the result has it there
//! added on one side, left where it was            the other side renamed its folder: git would have asked
//! ```
//!
//! Exact contents first, then the same file name, then the best likeness, as git does; half of a file must be alike.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;

use super::content::{Body, up};
use super::instead;
use super::likeness::{Print, RENAMED};
use super::walk::{Trees, added_and_removed};
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
/// A file at the place to which one side moved it, and what each side has of it.
type Followed = (TreePath, Vec<Option<Entry>>);

/// Replaces deviations that are two ends of a moved file by one, or by none where the result is what merging gives. `kept` are
/// folders that a side has removed and the result still has. Returns what every parent has and whoever merged has moved.
pub(super) fn follow(
    reader: &Reader,
    trees: &Trees,
    kept: &[TreePath],
    found: &mut Vec<Deviation>,
) -> Result<Vec<Moved>, GitError> {
    if trees.parents.len() != 2 {
        return Ok(Vec::new());
    }
    let mut search = Search {
        reader,
        trees,
        sides: [None, None],
        prints: HashMap::new(),
        sizes: HashMap::new(),
        folders: HashMap::new(),
        pairs: 0,
    };
    search.gone_and_changed(found)?;
    search.added_twice(found)?;
    search.moved_with_its_folder(found)?;
    search.left_behind(kept, found)?;
    search.moved(found)
}

/// Returns whether the result has a file under a name that nobody had.
fn is_new(deviation: &Deviation) -> bool {
    deviation.base.is_none() && deviation.parents.iter().all(Option::is_none) && deviation.result.is_some()
}

/// What a side added and removed.
struct Side {
    added: Vec<(TreePath, Entry)>,
    /// By path: of several that fit equally well the choice is always the same.
    removed: BTreeMap<TreePath, Entry>,
    /// What went elsewhere with all its bytes.
    exact: HashMap<TreePath, (TreePath, Entry)>,
    /// What is left of the added files then, and how many of the removed ones have a name.
    rest: Rc<Vec<(TreePath, Entry)>>,
    names: HashMap<Vec<u8>, usize>,
}

impl Side {
    fn new(added: Vec<(TreePath, Entry)>, removed: BTreeMap<TreePath, Entry>) -> Self {
        let mut targets: HashMap<Oid, Vec<&(TreePath, Entry)>> = HashMap::new();
        for target in &added {
            targets.entry(target.1.oid).or_default().push(target);
        }
        let (mut exact, mut names) = (HashMap::new(), HashMap::new());
        for same_name in [true, false] {
            for (path, entry) in &removed {
                let Some(left) = targets.get_mut(&entry.oid).filter(|_| !exact.contains_key(path)) else { continue };
                if let Some(at) = left.iter().position(|(to, _)| !same_name || name(to) == name(path)) {
                    exact.insert(path.clone(), left.swap_remove(at).clone());
                }
            }
        }
        for path in removed.keys().filter(|path| !exact.contains_key(*path)) {
            *names.entry(name(path).to_vec()).or_default() += 1;
        }
        let taken: HashSet<&TreePath> = exact.values().map(|(to, _)| to).collect();
        let rest = Rc::new(added.iter().filter(|(to, _)| !taken.contains(to)).cloned().collect());
        Self { added, removed, exact, rest, names }
    }
}

/// Returns whether a path stands somewhere in a folder.
fn is_within(path: &TreePath, folder: &TreePath) -> bool {
    path.strip_prefix(&folder[..]).is_some_and(|rest| rest.starts_with(b"/"))
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
    /// Where folders went, by side.
    folders: HashMap<(usize, Vec<u8>), Option<Vec<u8>>>,
    pairs: usize,
}

impl Search<'_> {
    fn side(&mut self, side: usize) -> Result<&Side, GitError> {
        if self.sides[side].is_none() {
            let changes = added_and_removed(self.reader, self.trees.bases.first().copied(), self.trees.parents[side])?;
            let (mut added, mut removed) = (Vec::new(), BTreeMap::new());
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
        let (mut places, mut followed) = (HashSet::new(), Vec::new());
        for deviation in std::mem::take(found) {
            let Some((to, parents)) = self.moved_by_a_side(&deviation)? else {
                found.push(deviation);
                continue;
            };
            let (from, base) = (Some(deviation.path), deviation.base);
            let result = up(self.reader, self.trees.result, &to)?;
            if let Some(automatic) = instead(self.reader, base.map(Body::of).as_ref(), &parents, result)? {
                followed.push(Deviation { path: to.clone(), from, base, parents, result, automatic });
            }
            places.insert(to);
        }
        // What stands at a new place is no file of its own.
        found.retain(|known| !places.contains(&known.path));
        found.append(&mut followed);
        Ok(())
    }

    /// Returns where one side has moved such a file, and what both have of it then.
    fn moved_by_a_side(&mut self, deviation: &Deviation) -> Result<Option<Followed>, GitError> {
        let gone = deviation.parents.iter().position(Option::is_none);
        let (Some(base), Some(side), None) = (deviation.base, gone, deviation.result) else { return Ok(None) };
        let other = 1 - side;
        let Some(theirs) = deviation.parents[other].filter(|entry| entry.mode.is_regular()) else { return Ok(None) };
        let Some((to, entry)) = self.new_place(side, &deviation.path, base)? else { return Ok(None) };
        // Something of the other side's own stands there already: a conflict of names.
        if up(self.reader, self.trees.parents[other], &to)?.is_some() {
            return Ok(None);
        }
        let mut parents = vec![Some(entry); 2];
        parents[other] = Some(theirs);
        Ok(Some((to, parents)))
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
            let to = self.place_in_renamed_folder(other, &deviation.path)?;
            if let Some(at) = places.iter().position(|new| Some(&found[*new].path) == to.as_ref()) {
                doomed.extend([place, places.swap_remove(at)]);
            }
        }
        let mut place = 0;
        found.retain(|_| {
            place += 1;
            !doomed.contains(&(place - 1))
        });
        Ok(())
    }

    /// What one side added to a folder that the other has renamed, and whoever merged left there. Git puts it into the renamed
    /// folder and asks.
    fn left_behind(&mut self, kept: &[TreePath], found: &mut Vec<Deviation>) -> Result<(), GitError> {
        let is_first = |folder: &&TreePath| !kept.iter().any(|above| is_within(folder, above));
        for folder in kept.iter().filter(is_first) {
            let renamed = usize::from(has_folder(self.reader, self.trees.parents[0], folder)?);
            let other = 1 - renamed;
            let added = self.side(other)?.added.iter().filter(|(path, _)| is_within(path, folder));
            let added: Vec<(TreePath, Entry)> = added.cloned().collect();
            for (path, entry) in added {
                let result = up(self.reader, self.trees.result, &path)?;
                let Some(to) = self.place_in_renamed_folder(renamed, &path)?.filter(|_| result.is_some()) else {
                    continue;
                };
                // What stands there already stays, and git leaves the new one where it is.
                if up(self.reader, self.trees.parents[other], &to)?.is_some() {
                    continue;
                }
                let mut parents = vec![None; 2];
                parents[other] = Some(entry);
                found.retain(|known| known.path != path);
                let automatic = Automatic::Conflict;
                found.push(Deviation { path, from: None, base: None, parents, result, automatic });
            }
        }
        Ok(())
    }

    /// Returns where a new file belongs because a side has renamed the folder that it stands in, or one above: nothing is left of
    /// it, and most of its files went to the same place.
    fn place_in_renamed_folder(&mut self, side: usize, path: &TreePath) -> Result<Option<TreePath>, GitError> {
        let mut end = path.len();
        while let Some(slash) = path[..end].iter().rposition(|byte| *byte == b'/') {
            end = slash;
            if has_folder(self.reader, self.trees.parents[side], &path[..end])? {
                return Ok(None);
            }
            if let Some(folder) = self.renamed_folder(side, &path[..=end])? {
                return Ok(Some([&folder[..], &path[end + 1..]].concat().into()));
            }
        }
        Ok(None)
    }

    /// Returns where most files of a folder went, both with `/` at their end; `None` also where there is no such place, or several.
    fn renamed_folder(&mut self, side: usize, folder: &[u8]) -> Result<Option<Vec<u8>>, GitError> {
        let key = (side, folder.to_vec());
        if let Some(known) = self.folders.get(&key) {
            return Ok(known.clone());
        }
        let removed = &self.side(side)?.removed;
        let gone = removed.iter().filter(|(path, _)| path.starts_with(folder));
        let gone: Vec<(TreePath, Entry)> = gone.map(|(path, entry)| (path.clone(), *entry)).collect();
        // Not how many went there: only one of them did where several are like the same new file.
        let mut went: HashMap<Vec<u8>, HashSet<TreePath>> = HashMap::new();
        for (path, entry) in gone {
            let Some((to, _)) = self.new_place(side, &path, entry)? else { continue };
            // The folders between stay as they are; the file's own name may change.
            let between = &path[folder.len()..path.len() - name(&path).len()];
            if let Some(new) = to[..to.len() - name(&to).len()].strip_suffix(between)
                && new.last().is_none_or(|byte| *byte == b'/')
            {
                went.entry(new.to_vec()).or_default().insert(to.clone());
            }
        }
        let most = went.values().map(HashSet::len).max();
        let mut places = went.into_iter().filter(|(_, files)| Some(files.len()) == most).map(|(place, _)| place);
        let found = places.next().filter(|_| places.next().is_none());
        self.folders.insert(key, found.clone());
        Ok(found)
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

/// Returns whether a tree has a folder.
fn has_folder(reader: &Reader, tree: Oid, folder: &[u8]) -> Result<bool, GitError> {
    let mut tree = tree;
    for part in folder.split(|byte| *byte == b'/').filter(|part| !part.is_empty()) {
        match reader.entry(tree, part)? {
            Some(entry) if entry.mode == Mode::Tree => tree = entry.oid,
            _ => return Ok(false),
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::HashKind;

    #[test]
    fn what_a_side_removed_is_looked_at_by_path() {
        let entry = Entry { mode: Mode::File, oid: Oid::null(HashKind::Sha1) };
        let removed = (0..60).map(|number| (TreePath::from(format!("{number:02}").as_str()), entry)).rev().collect();
        let side = Side::new(Vec::new(), removed);
        assert!(side.removed.keys().is_sorted());
    }
}
