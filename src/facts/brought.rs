//! What a merge brought, and what became of it later on its line: taken out, brought back, taken out again.
//!
//! A commit that takes it out says so in its message, or shows it by what it does: every path of the merge goes back to
//! what it was before, or the change is the merge's own turned round, with other lines around it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::gone::{self, Moved};
use super::revert_words::{Said, Words};
use crate::git::{GitError, Repo};
use crate::model::{Change, Oid, TreePath};

/// What a merge, or a fast-forward, brought to a line.
#[derive(Debug)]
pub(super) struct Brought {
    /// The merge; `None` for a fast-forward.
    pub(super) merge: Option<Oid>,
    /// The first parent; for a fast-forward where the branch was before.
    pub(super) before: Oid,
    /// The merge; for a fast-forward where the branch was then.
    pub(super) after: Oid,
    /// The commits that came in and that the other line has, too.
    pub(super) tips: Vec<Oid>,
    /// Whether it happened on the line's own way, by first parents; not on a branch that came in later.
    pub(super) is_own: bool,
    /// What changed on the line, in byte order of paths.
    pub(super) changes: Vec<Change>,
    /// The paths that the result has neither as they came nor as the other line has them.
    pub(super) missing: BTreeSet<TreePath>,
}

/// What a later commit did to the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Out,
    Back,
}

impl Brought {
    /// Takes what is known before anything is compared.
    pub(super) fn new(merge: Option<Oid>, [before, after]: [Oid; 2], tips: Vec<Oid>, is_own: bool) -> Self {
        Self { merge, before, after, tips, is_own, changes: Vec::new(), missing: BTreeSet::new() }
    }

    /// Returns the path to follow down the line: one that came or went with it is seldom touched again.
    pub(super) fn telling_path(&self) -> Option<&TreePath> {
        let whole = self.changes.iter().find(|change| change.before.is_none() || change.after.is_none());
        whole.or(self.changes.iter().max_by_key(|change| change.path.len())).map(|change| &change.path)
    }

    /// Returns whether a message speaks of it.
    pub(super) fn is_named(&self, said: &Said) -> bool {
        match (said, self.merge) {
            // Against another parent it is the line's own work that goes, not what was brought.
            (Said::Commit { name, against }, Some(merge)) => {
                starts(merge, name) && against.as_ref().is_none_or(|against| starts(self.before, against))
            }
            (Said::Range(from, to), None) => (self.before, self.after) == (*from, *to),
            _ => false,
        }
    }

    /// Returns the paths at which it is out at the end, each with the commit that took it out last.
    ///
    /// `later` are the commits after it, oldest first; of those that `changes` does not know nothing is said.
    pub(super) fn taken_out(
        &self,
        repo: &Repo,
        later: &[Oid],
        words: &HashMap<Oid, Words>,
        changes: &HashMap<Oid, Vec<Change>>,
    ) -> Result<BTreeMap<TreePath, Oid>, GitError> {
        let mut turns: Vec<(Oid, Turn)> = Vec::new();
        let mut out = BTreeMap::new();
        let mut likeness = Likeness { brought: self, lines: None, ids: None };
        for commit in later {
            let Some(changes) = changes.get(commit) else { continue };
            let words = words.get(commit);
            let by_message = words.and_then(|words| words.said.iter().find_map(|said| self.by_message(said, &turns)));
            let turn = match by_message.or_else(|| self.by_content(changes)) {
                None => likeness.of(repo, *commit, changes)?,
                known => known,
            };
            // A merge may have brought a revert. Who takes that back on his branch takes nothing out.
            let brings_back = words.is_some_and(|words| words.brings_back);
            let turn = turn.filter(|turn| by_message.is_some() || *turn == Turn::Back || !brings_back);
            let Some(turn) = turn else { continue };
            turns.push((*commit, turn));
            for change in changes.iter().filter(|change| self.at(&change.path).is_some()) {
                match turn {
                    Turn::Out => out.insert(change.path.clone(), *commit),
                    Turn::Back => out.remove(&change.path),
                };
            }
        }
        Ok(out)
    }

    /// Returns how it changed a path.
    pub(super) fn at(&self, path: &TreePath) -> Option<&Change> {
        self.changes.binary_search_by(|change| change.path.cmp(path)).ok().map(|index| &self.changes[index])
    }

    fn by_message(&self, said: &Said, turns: &[(Oid, Turn)]) -> Option<Turn> {
        if self.is_named(said) {
            return Some(Turn::Out);
        }
        let Said::Commit { name, .. } = said else { return None };
        let (_, turn) = turns.iter().rev().find(|(commit, _)| starts(*commit, name))?;
        Some(if *turn == Turn::Out { Turn::Back } else { Turn::Out })
    }

    /// Says what a commit did that moved every path of it to one of its ends; other paths may go along.
    fn by_content(&self, changes: &[Change]) -> Option<Turn> {
        let moved = |end: fn(&Change) -> Option<crate::model::Entry>| {
            let at = |path: &TreePath| changes.binary_search_by(|change| change.path.cmp(path)).ok();
            self.changes.iter().all(|own| at(&own.path).is_some_and(|index| changes[index].after == end(own)))
        };
        if moved(|own| own.before) {
            return Some(Turn::Out);
        }
        moved(|own| own.after).then_some(Turn::Back)
    }
}

/// Compares changes line by line, for paths that were changed in between, too.
struct Likeness<'a> {
    brought: &'a Brought,
    /// The lines that the work moved, path by path; read once.
    lines: Option<Vec<Moved>>,
    /// The patch ids of the work turned round, and of the work; asked once.
    ids: Option<[Option<String>; 2]>,
}

impl Likeness<'_> {
    fn of(&mut self, repo: &Repo, commit: Oid, changes: &[Change]) -> Result<Option<Turn>, GitError> {
        let own = &self.brought.changes;
        if own.len() != changes.len() || !own.iter().zip(changes).all(|(one, other)| one.path == other.path) {
            return Ok(None);
        }
        // Changes of the same few files are frequent and two more processes are not cheap: lines first.
        if self.lines.is_none() {
            self.lines = Some(own.iter().map(|change| gone::moved_lines(repo, change)).collect::<Result<_, _>>()?);
        }
        let (mut is_out, mut is_back) = (true, true);
        for (own, change) in self.lines.iter().flatten().zip(changes) {
            let lines = gone::moved_lines(repo, change)?;
            let turned = |(line, count): (&Vec<u8>, &i64)| own.get(line) == Some(&-count);
            is_back &= lines == *own;
            is_out &= lines.len() == own.len() && lines.iter().all(turned);
            if !is_out && !is_back {
                return Ok(None);
            }
        }
        let Brought { before, after, .. } = *self.brought;
        if self.ids.is_none() {
            self.ids = Some([repo.patch_id(after, before)?, repo.patch_id(before, after)?]);
        }
        let [parent] = repo.objects().commit(commit)?.parents[..] else { return Ok(None) };
        let id = repo.patch_id(parent, commit)?;
        let is = |own: &Option<String>| id.is_some() && *own == id;
        Ok(match &self.ids {
            Some([out, _]) if is(out) => Some(Turn::Out),
            Some([_, back]) if is(back) => Some(Turn::Back),
            _ => None,
        })
    }
}

/// Returns whether an object's name starts with these lower-case hex digits.
fn starts(oid: Oid, name: &str) -> bool {
    let digits = oid.as_bytes().iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let mut digits = digits.filter_map(|digit| char::from_digit(digit.into(), 16));
    name.chars().all(|digit| digits.next() == Some(digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_be_cut_off_anywhere() {
        let oid: Oid = "12ab".repeat(10).parse().unwrap();
        assert!(starts(oid, "12ab12a") && starts(oid, &oid.to_string()) && starts(oid, ""));
        assert!(!starts(oid, "12ab12b") && !starts(oid, &"12ab".repeat(11)));
    }
}
