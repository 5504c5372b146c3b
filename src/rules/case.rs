//! One merge as rules look at it: its facts, and the manifest by which it is judged.

use bstr::ByteSlice;

use crate::manifest::{Deny, Manifest, Protect};
use crate::model::{Entry, Facts, Level, Mode, PathFacts, TreePath};

/// What rules are given.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// What is true of the merge.
    pub facts: &'a Facts,
    /// The manifest of the first parent: a merge can't change the one by which it is judged.
    pub manifest: &'a Manifest,
}

/// A `[[protect]]` entry that forbids something at a path, and how much it matters on this branch.
#[derive(Debug, Clone, Copy)]
pub struct Protection<'a> {
    /// The entry.
    pub entry: &'a Protect,
    /// Its level on the branch merged into.
    pub level: Level,
}

impl<'a> Case<'a> {
    /// Returns the paths whose result is known: git will not leave them in conflict.
    pub fn paths(&self) -> impl Iterator<Item = &'a PathFacts> + use<'a> {
        self.facts.paths.iter().filter(|facts| !facts.conflicted)
    }

    /// Returns what is known of one path; `None` when the merge does not touch it.
    pub fn at(&self, path: &TreePath) -> Option<&'a PathFacts> {
        let index = self.facts.paths.binary_search_by(|facts| facts.path.cmp(path)).ok()?;
        self.facts.paths.get(index)
    }

    /// Returns the paths that the merge touches below the folder `path`.
    pub fn below(&self, path: &TreePath) -> impl Iterator<Item = &'a PathFacts> + use<'a> {
        let mut folder = path.to_vec();
        folder.push(b'/');
        let start = self.facts.paths.partition_point(|facts| facts.path.as_bstr() < folder.as_bstr());
        self.facts.paths[start..].iter().take_while(move |facts| facts.path.starts_with(&folder))
    }

    /// Returns whether the file at a path became a folder.
    pub fn became_folder(&self, facts: &PathFacts) -> bool {
        facts.first.is_some() && facts.result.is_none() && self.below(&facts.path).any(|below| below.result.is_some())
    }

    /// Returns whether the folder at a path became a file: whatever was in it is gone.
    pub fn was_folder(&self, facts: &PathFacts) -> bool {
        facts.first.is_none() && facts.result.is_some() && self.below(&facts.path).any(|below| below.first.is_some())
    }

    /// Returns the strongest `[[protect]]` entry that denies something at a path.
    ///
    /// Of several entries that do, the one with the highest level on this branch counts, of equal ones the first.
    pub fn denied(&self, path: &TreePath, what: Deny) -> Option<Protection<'a>> {
        self.protections(path).filter(|found| found.entry.deny.contains(&what)).reduce(stronger)
    }

    /// Returns the strongest `[[protect]]` entry that names a path, whatever it denies.
    pub fn protected(&self, path: &TreePath) -> Option<Protection<'a>> {
        self.protections(path).reduce(stronger)
    }

    /// Returns where the protected content of a path stands in the result: at its place, or where it was moved to as
    /// long as that place is protected against the same.
    pub fn protected_result(&self, facts: &PathFacts, what: Deny) -> Option<Entry> {
        let moved = || {
            let to = &facts.moved.as_ref()?.to;
            self.denied(to, what)?;
            self.at(to).filter(|place| !place.conflicted)?.result
        };
        facts.result.or_else(moved)
    }

    fn protections(&self, path: &TreePath) -> impl Iterator<Item = Protection<'a>> {
        let branch = self.facts.into.branch.as_ref().map(TreePath::as_bstr);
        // git takes a submodule for a folder when it matches patterns.
        let is_folder = self.at(path).is_some_and(|facts| {
            [facts.first, facts.result].into_iter().flatten().any(|entry| entry.mode == Mode::Submodule)
        });
        let names = move |entry: &&Protect| {
            let path = path.as_bstr();
            if is_folder { entry.paths.matches_folder(path) } else { entry.paths.matches(path) }
        };
        let entries = self.manifest.protect.iter().filter(names);
        entries.map(move |entry| Protection { entry, level: entry.level_on(branch) })
    }
}

fn stronger<'a>(one: Protection<'a>, other: Protection<'a>) -> Protection<'a> {
    if other.level > one.level { other } else { one }
}
