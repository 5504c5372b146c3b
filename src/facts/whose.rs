//! Whose work is it that a merge lost: which commit of a side brought lines that are missing, or removed lines that are back.
//!
//! ```text
//! tip ── c ── c ── c ── base      from each commit to a parent that has the line, too (or has not, either)
//!             └ no parent has it: this one brought it (or all have it: this one removed it)
//! ```
//!
//! As `git blame` walks, line by line, but by counting: a line that moved within its file was not brought again. Where a line of
//! one side is older than that side, or a limit is reached, nothing is said rather than guessed.

use std::collections::{HashMap, HashSet};

use bstr::ByteSlice;

use super::existing::LARGEST;
use crate::git::{GitError, Graph, Node, Reader};
use crate::model::{Entry, Mode, Oid, Raw, TreePath};

/// So many steps from a commit to a parent are made for one finding.
const STEPS: usize = 1000;
/// So many contents are read for one finding.
const CONTENTS: usize = 200;

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sought {
    /// The commit of the side that brought the lines.
    Brought,
    /// The commit that brought them, also before the sides parted: both have them.
    Written,
    /// The commit of the side that removed them.
    Removed,
}

/// A commit, and who wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    /// The commit.
    pub commit: Oid,
    /// The author's name.
    pub author: Raw,
}

/// What one side of a merge brought: the commits that only its parent reaches.
pub struct SideCommits<'r> {
    graph: &'r Graph,
    tip: Option<Node>,
    commits: HashSet<Node>,
    reader: &'r Reader,
}

impl<'r> SideCommits<'r> {
    /// Takes the parents of a merge, and which of them is meant.
    pub fn new(reader: &'r Reader, graph: &'r Graph, parents: &[Node], side: usize) -> Self {
        let tip = parents.get(side).copied();
        let others: Vec<Node> = parents.iter().copied().filter(|parent| Some(*parent) != tip).collect();
        let commits = graph.range(tip.as_slice(), &others).into_iter().collect();
        Self { graph, tip, commits, reader }
    }

    /// Returns the commit that did what is sought to most of some lines of a file; `from` is where the merge base has it, when
    /// a side moved it.
    pub fn find(
        &self,
        sought: Sought,
        path: &TreePath,
        from: Option<&TreePath>,
        lines: &[&[u8]],
    ) -> Result<Option<Work>, GitError> {
        let mut search =
            Search { side: self, sought, path, from, lines, entries: HashMap::new(), counts: HashMap::new(), steps: 0 };
        let mut found: Vec<(Node, usize)> = Vec::new();
        for place in 0..lines.len() {
            let Some(commit) = search.origin(place)? else { continue };
            match found.iter_mut().find(|(known, _)| *known == commit) {
                Some((_, count)) => *count += 1,
                None => found.push((commit, 1)),
            }
        }
        if search.is_over() {
            return Ok(None);
        }
        // Of several with as many lines the one of the first line: it is listed first because it tells most.
        let most = found.iter().map(|(_, count)| *count).max();
        let Some((commit, _)) = found.into_iter().find(|(_, count)| Some(*count) == most) else { return Ok(None) };
        let commit = self.graph.oid(commit);
        Ok(Some(Work { commit, author: self.reader.commit(commit)?.author.as_slice().into() }))
    }
}

struct Search<'s, 'r> {
    side: &'s SideCommits<'r>,
    sought: Sought,
    path: &'s TreePath,
    from: Option<&'s TreePath>,
    lines: &'s [&'s [u8]],
    /// What folders have at what is left of the path.
    entries: HashMap<(Oid, &'s [u8]), Option<Entry>>,
    /// How often each of the lines stands in a content.
    counts: HashMap<Oid, Vec<usize>>,
    steps: usize,
}

impl<'s> Search<'s, '_> {
    fn is_over(&self) -> bool {
        self.steps >= STEPS || self.counts.len() >= CONTENTS
    }

    /// Returns the newest commit that has one of the lines more often than each of its parents, or of a removal less often.
    fn origin(&mut self, place: usize) -> Result<Option<Node>, GitError> {
        let graph = self.side.graph;
        let Some(mut commit) = self.side.tip else { return Ok(None) };
        let mut here = self.count(commit, place)?;
        let (side, sought) = (self.side, self.sought);
        let removed = sought == Sought::Removed;
        let is_in_range = |commit: Node| sought == Sought::Written || side.commits.contains(&commit);
        while (removed || here > 0) && is_in_range(commit) && !graph.is_cut(commit) && !self.is_over() {
            let mut like_it = None;
            for parent in graph.parents(commit) {
                self.steps += 1;
                let there = self.count(*parent, place)?;
                let is_like_it = if removed { there <= here } else { there >= here };
                if is_like_it {
                    like_it = Some((*parent, there));
                    break;
                }
            }
            let Some(next) = like_it else { return Ok(Some(commit)) };
            (commit, here) = next;
        }
        Ok(None)
    }

    fn count(&mut self, commit: Node, place: usize) -> Result<usize, GitError> {
        let Some(entry) = self.entry(commit)? else { return Ok(0) };
        if !self.counts.contains_key(&entry.oid) {
            let reader = self.side.reader;
            let text = reader.text(entry.oid, LARGEST)?.unwrap_or_default();
            let mut counts = vec![0; self.lines.len()];
            for line in text.split_str("\n") {
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                for (wanted, count) in self.lines.iter().zip(&mut counts) {
                    *count += usize::from(line == *wanted);
                }
            }
            self.counts.insert(entry.oid, counts);
        }
        Ok(self.counts[&entry.oid][place])
    }

    /// What a commit has at the path; where it has nothing, before the move.
    fn entry(&mut self, commit: Node) -> Result<Option<Entry>, GitError> {
        let tree = self.side.graph.tree(commit);
        for path in std::iter::once(self.path).chain(self.from) {
            if let Some(entry) = self.beneath(tree, path)? {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    /// What a folder has at what is left of a path. Most commits of a side have the same folders on the way there.
    fn beneath(&mut self, folder: Oid, path: &'s [u8]) -> Result<Option<Entry>, GitError> {
        let (mut next, mut passed) = ((folder, path), Vec::new());
        let found = loop {
            if let Some(known) = self.entries.get(&next) {
                break *known;
            }
            passed.push(next);
            let (folder, path) = next;
            let (name, rest) = path.split_once_str("/").map_or((path, None), |(name, rest)| (name, Some(rest)));
            match (self.side.reader.entry(folder, name)?, rest) {
                (Some(entry), Some(rest)) if entry.mode == Mode::Tree => next = (entry.oid, rest),
                (found, None) => break found.filter(|entry| entry.mode.is_regular()),
                _ => break None,
            }
        };
        self.entries.extend(passed.into_iter().map(|place| (place, found)));
        Ok(found)
    }
}
