//! Two lines of history since they parted: what is reachable from the one or the other, never from both.

use std::collections::{HashMap, HashSet};

use crate::git::{GitError, Repo};
use crate::model::Oid;

/// The commits that only one of two lines has, with their parents.
#[derive(Debug)]
pub(super) struct Lines {
    parents: HashMap<Oid, Vec<Oid>>,
}

impl Lines {
    /// Reads them; `bases` are all best common ancestors of the two ends. `None` when there are too many to read in time.
    pub(super) fn read(repo: &Repo, ends: [Oid; 2], bases: &[Oid]) -> Result<Option<Self>, GitError> {
        Ok(repo.parents_between(&ends, bases)?.map(|parents| Self { parents }))
    }

    /// Returns whether a commit is on one line only.
    pub(super) fn has(&self, commit: Oid) -> bool {
        self.parents.contains_key(&commit)
    }

    /// Returns a commit's parents; none for a commit that both lines have.
    pub(super) fn parents(&self, commit: Oid) -> &[Oid] {
        self.parents.get(&commit).map_or(&[], Vec::as_slice)
    }

    /// Returns the parents, other than the first, that a merge brought and that both lines have.
    pub(super) fn shared(&self, merge: Oid) -> impl Iterator<Item = Oid> {
        self.parents(merge).iter().skip(1).copied().filter(|parent| !self.has(*parent))
    }

    /// Returns whether a merge on one line brought something that the other line has, too: without one there is nothing
    /// to look for, and this is the answer for nearly every merge.
    pub(super) fn share_merged_work(&self) -> bool {
        self.parents.keys().any(|commit| self.shared(*commit).next().is_some())
    }

    /// Returns the commits of the line that ends in `tip`, each after its parents.
    pub(super) fn oldest_first(&self, tip: Oid) -> Vec<Oid> {
        let mut order = Vec::new();
        let mut seen = HashSet::from([tip]);
        // A commit and how many of its parents are done; not by recursion, because lines are long.
        let mut open = vec![(tip, 0)];
        while let Some((commit, done)) = open.pop() {
            let Some(parents) = self.parents.get(&commit) else { continue };
            match parents.get(done) {
                Some(parent) => {
                    open.push((commit, done + 1));
                    if seen.insert(*parent) {
                        open.push((*parent, 0));
                    }
                }
                None => order.push(commit),
            }
        }
        order
    }

    /// Returns those of `order` that come after one of `starts`.
    pub(super) fn after(&self, starts: &[Oid], order: &[Oid]) -> Vec<Oid> {
        let mut after: HashSet<Oid> = starts.iter().copied().collect();
        let mut found = Vec::new();
        for commit in order {
            if self.parents(*commit).iter().any(|parent| after.contains(parent)) {
                after.insert(*commit);
                found.push(*commit);
            }
        }
        found
    }

    /// Returns whether a commit has one parent.
    pub(super) fn is_plain(&self, commit: Oid) -> bool {
        self.parents(commit).len() == 1
    }

    /// Returns the line's own way: from `tip` by first parents, newest first.
    pub(super) fn own(&self, tip: Oid) -> impl Iterator<Item = Oid> {
        let known = |commit: Oid| self.has(commit).then_some(commit);
        std::iter::successors(known(tip), move |commit| self.parents(*commit).first().copied().and_then(known))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oid(name: u8) -> Oid {
        Oid::from_bytes(&[name; 20]).unwrap()
    }

    /// One letter a commit; the rest of a word are its parents. Letters that stand at no start are common.
    fn lines(words: &str) -> Lines {
        let commit = |word: &str| {
            let mut names = word.bytes().map(oid);
            (names.next().unwrap(), names.collect())
        };
        Lines { parents: words.split(' ').map(commit).collect() }
    }

    fn word(commits: &[Oid]) -> String {
        commits.iter().map(|commit| char::from(commit.as_bytes()[0])).collect()
    }

    #[test]
    fn a_merge_of_what_both_have_is_found() {
        assert!(lines("mop xm").share_merged_work());
        // The other parent is on this line only; or only the first one is common; or it is no merge.
        assert!(!lines("moq qp").share_merged_work());
        assert!(!lines("ab bo").share_merged_work());
        let octopus = lines("mopqr qp");
        assert_eq!(word(&octopus.shared(oid(b'm')).collect::<Vec<_>>()), "pr");
    }

    #[test]
    fn commits_come_after_all_their_parents_and_those_of_the_other_line_not_at_all() {
        let lines = lines("fec ed cba ba da zo");
        assert_eq!(word(&lines.oldest_first(oid(b'f'))), "debcf");
        assert_eq!(word(&lines.oldest_first(oid(b'z'))), "z");
        assert_eq!(word(&lines.oldest_first(oid(b'o'))), "");
    }

    #[test]
    fn only_descendants_come_after_a_commit() {
        let lines = lines("tsm sr ro mop");
        let order = lines.oldest_first(oid(b't'));
        assert_eq!(word(&lines.after(&[oid(b'm')], &order)), "t");
        assert_eq!(word(&lines.after(&[oid(b'r')], &order)), "st");
        assert_eq!(word(&lines.after(&[oid(b'o')], &order)), "rsmt");
        assert!(lines.is_plain(oid(b's')) && !lines.is_plain(oid(b'm')) && !lines.is_plain(oid(b'o')));
    }

    #[test]
    fn a_line_s_own_way_goes_by_first_parents() {
        let lines = lines("dc cba ba qp");
        let own = |tip: u8| word(&lines.own(oid(tip)).collect::<Vec<_>>());
        assert_eq!((own(b'd').as_str(), own(b'b').as_str(), own(b'a').as_str()), ("dcb", "b", ""));
    }
}
