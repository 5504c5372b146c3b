//! Merges that were taken back on one line while the other line still builds on what they brought.
//!
//! ```text
//!    o---o---M---R---o      one line: M brought W and P, R took them back
//!     \     /         \
//!      W---P---fix-----?    the other line has them
//! ```
//!
//! P is an ancestor of both ends, so git's merge base holds the work, R is the newer word on it, and the result lacks it:
//! it does not come with the fix, or goes from the branch into which the first line is merged.
//!
//! The question is asked of every merge, so it starts with a cheap one: is there a merge on one line that brought a commit
//! which both lines have? Only then messages are read. Reverts that do not say so are looked for only where a merge on the
//! line's own way (by first parents) has gone from it without a trace. What the result has all the same, because somebody
//! brought it back in another way, is no loss. Nor is what was out already when the branch took in the other line last: it
//! is the first merge after the revert that leaves the work out, and those that follow change nothing about it.
//!
//! What is found follows from history alone, so it is found in every clone. It is bounded: where history is cut off, an
//! old object is not here, or reading it takes more than a second, nothing is said.

use std::collections::{BTreeMap, HashMap, HashSet};

use bstr::ByteSlice;

use super::brought::Brought;
use super::gather::Question;
use super::gone;
use super::lines::Lines;
use super::revert_words::{self, Said, Words};
use crate::git::{GitError, Repo};
use crate::manifest::Manifest;
use crate::model::{Change, Entry, Level, Oid, PathFacts, RefName, RevertedMerge, Side, TreePath};

/// So many commits of a line are read for what their messages say, the newest.
const MESSAGES: usize = 5000;

/// Of so many merges of a line's own way, the newest, reverts are found that do not say so.
const COMPARED: usize = 16;

/// Among so many commits of a line, the newest, such reverts are found.
const SILENT: usize = 2000;

/// So many commits are looked at in all their paths, the newest.
const OPENED: usize = 500;

/// So far back on a line's own way the revert of a fast-forward is looked for.
const OWN: usize = 100;

/// So many subjects of the work are told.
const SUBJECTS: usize = 3;

/// What a merge comes to, path by path.
pub(super) struct Outcome<'a> {
    /// The first parent's tree.
    pub(super) first: Option<Oid>,
    /// Where the result differs from it, in byte order.
    pub(super) paths: &'a [PathFacts],
}

impl Outcome<'_> {
    /// Returns whether one of `wanted` stands at a path; not where git leaves a conflict, because nobody knows then.
    fn has(&self, repo: &Repo, path: &TreePath, wanted: [Option<Entry>; 2]) -> Result<bool, GitError> {
        let entry = match self.paths.binary_search_by(|facts| facts.path.cmp(path)) {
            Ok(index) if self.paths[index].conflicted => return Ok(false),
            Ok(index) => self.paths[index].result,
            Err(_) => repo.objects().leaf(self.first, path)?,
        };
        Ok(wanted.contains(&entry))
    }
}

/// Returns the merges that were taken back on one side and whose work the result lacks for that; the latest first.
pub(super) fn find(
    repo: &Repo,
    manifest: &Manifest,
    question: &Question,
    bases: &[Oid],
    outcome: &Outcome<'_>,
) -> Result<Vec<RevertedMerge>, GitError> {
    let off = manifest.setting("reverted-merge").is_some_and(|setting| setting.level == Some(Level::Off));
    let Some(tip) = question.into.tip.filter(|_| !off) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for head in 0..question.incoming.len() {
        match of_head(repo, question, tip, head, bases, outcome) {
            Ok(merges) => found.extend(merges),
            // Old history that is not here can't be asked; nothing is guessed from what is.
            Err(GitError::Missing(_) | GitError::Failed { .. }) if repo.lacks_history() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

fn of_head(
    repo: &Repo,
    question: &Question,
    tip: Oid,
    head: usize,
    bases: &[Oid],
    outcome: &Outcome<'_>,
) -> Result<Vec<RevertedMerge>, GitError> {
    let incoming = &question.incoming[head];
    // Those of an octopus are the bases of all its heads.
    let bases = if question.incoming.len() == 1 { bases.to_vec() } else { repo.merge_bases(tip, incoming.oid)? };
    if bases.is_empty() || bases.contains(&incoming.oid) {
        return Ok(Vec::new());
    }
    let Some(lines) = Lines::read(repo, [tip, incoming.oid], &bases)? else { return Ok(Vec::new()) };
    let into: Vec<RefName> = question.into.branch.iter().cloned().collect();
    let line = |side, tip, other, names| Line { repo, lines: &lines, side, head, tip, other, names };
    let both =
        [line(Side::Into, tip, incoming.oid, &incoming.names[..]), line(Side::Incoming, incoming.oid, tip, &into[..])];
    let may_hold_merges = lines.share_merged_work();
    let mut found = Vec::new();
    for line in both {
        found.extend(line.reverted(question, &bases, may_hold_merges, outcome)?);
    }
    Ok(found)
}

/// One line of a merge, as the one that took something back.
struct Line<'a> {
    repo: &'a Repo,
    lines: &'a Lines,
    side: Side,
    /// Which of the incoming heads the merge is about.
    head: usize,
    tip: Oid,
    /// The other line's end.
    other: Oid,
    /// The other line's names.
    names: &'a [RefName],
}

impl Line<'_> {
    fn reverted(
        &self,
        question: &Question,
        bases: &[Oid],
        may_hold_merges: bool,
        outcome: &Outcome<'_>,
    ) -> Result<Vec<RevertedMerge>, GitError> {
        let mut all = self.fast_forwards()?;
        if all.is_empty() && !may_hold_merges {
            return Ok(Vec::new());
        }
        let order = self.lines.oldest_first(self.tip);
        all.extend(self.merges(&order));
        let settled = self.settled(bases);
        let later = self.later(&all, &order, &settled);
        if later.is_empty() {
            return Ok(Vec::new());
        }
        let words = self.words(&later)?;
        let kept = self.missing(all, &words, outcome)?;
        if kept.is_empty() {
            return Ok(Vec::new());
        }
        let changes = self.opened(&kept, &later, &words)?;
        let mut found = Vec::new();
        for brought in kept {
            let later = self.later(std::slice::from_ref(&brought), &order, &settled);
            let out = brought.taken_out(self.repo, &later, &words, &changes)?;
            let lost: BTreeMap<TreePath, Oid> =
                out.into_iter().filter(|(path, _)| brought.missing.contains(path)).collect();
            // Of those that took out what is lost, the last one is to be taken back first.
            let Some(revert) = later.iter().rev().find(|commit| lost.values().any(|by| by == *commit)) else {
                continue;
            };
            let paths = lost.into_keys().collect();
            let at = order.iter().position(|commit| commit == revert);
            found.push((at, self.tell(question, &brought, *revert, paths)?));
        }
        found.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        Ok(found.into_iter().map(|(_, found)| found).collect())
    }

    /// Returns the merges of this line that brought what the other line has, too; the newest first.
    fn merges(&self, order: &[Oid]) -> Vec<Brought> {
        let own: HashSet<Oid> = self.lines.own(self.tip).collect();
        let brought = |merge: &Oid| {
            let tips: Vec<Oid> = self.lines.shared(*merge).collect();
            let before = self.lines.parents(*merge).first().copied().filter(|_| !tips.is_empty())?;
            Some(Brought::new(Some(*merge), [before, *merge], tips, own.contains(merge)))
        };
        order.iter().rev().filter_map(brought).collect()
    }

    /// Returns what this line had when it took in the other one last, up to where they part now. Work that was out then was
    /// left out then. For what comes in there is no such thing: the branch merged into still has the work.
    fn settled(&self, bases: &[Oid]) -> HashSet<Oid> {
        let ([base], Side::Into) = (bases, self.side) else { return HashSet::new() };
        let took_all = |merge: &Oid| self.lines.shared(*merge).any(|parent| parent == *base);
        let last = self.lines.own(self.tip).find(took_all);
        last.map(|merge| self.lines.oldest_first(merge).into_iter().collect()).unwrap_or_default()
    }

    /// Returns the commits with one parent that come after one of `brought` and are not settled, oldest first.
    fn later(&self, brought: &[Brought], order: &[Oid], settled: &HashSet<Oid>) -> Vec<Oid> {
        let starts: Vec<Oid> = brought.iter().filter_map(|brought| brought.merge).collect();
        // A fast-forward lies where the lines part: everything on this one may come after it.
        let after = if starts.len() < brought.len() { order.to_vec() } else { self.lines.after(&starts, order) };
        after.into_iter().filter(|commit| self.lines.is_plain(*commit) && !settled.contains(commit)).collect()
    }

    /// Keeps what a message names and the result lacks in part; and what has gone from this line whole, whoever did it.
    fn missing(
        &self,
        all: Vec<Brought>,
        words: &HashMap<Oid, Words>,
        outcome: &Outcome<'_>,
    ) -> Result<Vec<Brought>, GitError> {
        let said: Vec<&Said> = words.values().flat_map(|words| &words.said).collect();
        let objects = self.repo.objects();
        let (tip, other) = (objects.tree_of(self.tip)?, objects.tree_of(self.other)?);
        let (mut kept, mut compared) = (Vec::new(), 0);
        for mut brought in all {
            let is_named = said.iter().any(|said| brought.is_named(said));
            compared += usize::from(brought.is_own);
            if !is_named && (!brought.is_own || compared > COMPARED) {
                continue;
            }
            let (before, after) = (objects.tree_of(brought.before)?, objects.tree_of(brought.after)?);
            // Of most merges the first path tells that they are there.
            let look = |change: &Change| {
                Ok(is_named || gone::is_gone(self.repo, change, objects.leaf(Some(tip), &change.path)?)?)
            };
            let Some(changes) = objects.diff_while(Some(before), Some(after), self.repo.deadline(), look)? else {
                continue;
            };
            for change in &changes {
                let others = objects.leaf(Some(other), &change.path)?;
                if !outcome.has(self.repo, &change.path, [change.after, others])? {
                    brought.missing.insert(change.path.clone());
                }
            }
            if !brought.missing.is_empty() {
                brought.changes = changes;
                kept.push(brought);
            }
        }
        Ok(kept)
    }

    /// Returns the fast-forwards to the other line that `guard undo-merge` took back on this one. They left no merge, so
    /// only the revert tells of them: by the branch's name, because what any other branch has of them was reverted for
    /// it, too.
    fn fast_forwards(&self) -> Result<Vec<Brought>, GitError> {
        let mut found = Vec::new();
        // A name that is an object's names no branch.
        if self.names.iter().all(|name| Oid::from_hex(name).is_some()) {
            return Ok(found);
        }
        for commit in self.lines.own(self.tip).take(OWN).filter(|commit| self.lines.is_plain(*commit)) {
            self.repo.deadline().check()?;
            let commit = self.repo.objects().commit(commit)?;
            let name = revert_words::fast_forward(&commit.subject());
            let is_it = |name: RefName| self.names.iter().any(|other| is_same_branch(&name, other));
            if !name.is_some_and(is_it) {
                continue;
            }
            for said in revert_words::reverts(&commit.message) {
                let Said::Range(before, after) = said else { continue };
                let here = |oid: Oid| self.repo.objects().commit(oid).is_ok();
                if here(before) && here(after) && self.repo.is_ancestor(after, self.other)? {
                    found.push(Brought::new(None, [before, after], vec![after], true));
                }
            }
        }
        Ok(found)
    }

    /// Reads what the newest commits say that they take back.
    fn words(&self, commits: &[Oid]) -> Result<HashMap<Oid, Words>, GitError> {
        let mut found = HashMap::new();
        for oid in commits.iter().rev().take(MESSAGES) {
            self.repo.deadline().check()?;
            let commit = self.repo.objects().commit(*oid)?;
            if let Some(words) = Words::read(&commit.subject(), &commit.message) {
                found.insert(*oid, words);
            }
        }
        Ok(found)
    }

    /// Returns what the commits changed that say they take something back, or that may do so silently.
    fn opened(
        &self,
        kept: &[Brought],
        later: &[Oid],
        words: &HashMap<Oid, Words>,
    ) -> Result<HashMap<Oid, Vec<Change>>, GitError> {
        let newest: Vec<Oid> = later.iter().rev().take(SILENT).copied().collect();
        let telling: Vec<&TreePath> = kept.iter().filter_map(Brought::telling_path).collect();
        let touching = self.repo.touching(&newest, &telling)?.unwrap_or_default();
        let worth = |commit: &&Oid| words.contains_key(*commit) || touching.contains(*commit);
        let opened: Vec<Oid> = later.iter().rev().filter(worth).take(OPENED).copied().collect();
        Ok(self.repo.changes_of(&opened)?.unwrap_or_default())
    }

    fn tell(
        &self,
        question: &Question,
        brought: &Brought,
        revert: Oid,
        paths: Vec<TreePath>,
    ) -> Result<RevertedMerge, GitError> {
        let commit = self.repo.objects().commit(revert)?;
        let head = self.repo.head()?;
        let newest = self.repo.newest(&brought.tips, &[brought.before], SUBJECTS)?;
        Ok(RevertedMerge {
            side: self.side,
            head: self.head,
            merge: brought.merge,
            revert,
            author: commit.author.as_slice().into(),
            subject: commit.subject(),
            commits: self.repo.count_commits(&brought.tips, &[brought.before])?,
            subjects: newest.into_iter().map(|line| line.subject).collect(),
            paths,
            of: brought.changes.len(),
            into_is_head: head.short_branch() == question.into.branch
                && (head.branch.is_some() || head.oid == question.into.tip),
            revert_is_in_head: match head.oid {
                Some(oid) => self.repo.is_ancestor(revert, oid)?,
                None => false,
            },
        })
    }
}

/// Returns whether two names mean one branch: a remote's name before either makes no difference.
fn is_same_branch(one: &RefName, other: &RefName) -> bool {
    let plain = |name: &RefName| -> RefName {
        let prefixes: [&[u8]; 3] = [b"refs/heads/", b"refs/remotes/", b"heads/"];
        prefixes.iter().find_map(|prefix| name.strip_prefix(*prefix)).unwrap_or(name).into()
    };
    let (one, other) = (plain(one), plain(other));
    let behind = |long: &RefName, short: &RefName| {
        long.split_once_str("/").is_some_and(|(_, branch)| branch == short.as_bytes())
    };
    one == other || behind(&one, &other) || behind(&other, &one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remote_before_a_name_makes_no_difference() {
        let same = |one: &str, other: &str| is_same_branch(&one.into(), &other.into());
        assert!(same("feat", "feat") && same("feat", "origin/feat") && same("refs/remotes/up/a/b", "a/b"));
        assert!(same("refs/heads/feat", "feat") && same("origin/feat", "heads/feat"));
        assert!(!same("feat", "other") && !same("a/feat", "b/feat") && !same("x/y/feat", "feat") && !same("", "x"));
    }
}
