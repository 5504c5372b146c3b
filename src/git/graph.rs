//! The commits of a history in memory: parents, trees, and an order in which each commit stands before its parents. Merge bases
//! of thousands of merges are found without a process.
//!
//! Read from git's commit-graph file where there is one, else commit by commit. The order is that of *corrected* dates: a
//! commit's own, or one more than its latest parent's. Walking newest first, a commit reached from both sides and from no
//! better one is a best common ancestor for good: whatever could be better was seen before.
//!
//! For a few merges the newest commits are enough. What is read is always all that is newer than some date, so nothing that
//! is left out stands between two commits that are here; a walk that would go on beyond them is noticed.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use gix::hashtable::HashMap;

use super::bulk::Reader;
use super::child::GitError;
use super::dates;
use super::objects::{gix_id, gix_kind};
use super::repository::Repo;
use crate::model::Oid;

/// A commit of a [`Graph`]: its place in the order, newest first.
pub type Node = u32;

/// No commit.
const NONE: Node = Node::MAX;

/// Commits, their parents and their order.
pub struct Graph {
    file: Option<gix::commitgraph::Graph>,
    /// Where the commits of the file stand in the order.
    places: Vec<Node>,
    /// All others.
    nodes: HashMap<gix::hash::ObjectId, Node>,
    oids: Vec<Oid>,
    trees: Vec<Oid>,
    /// Where a commit's parents begin in `edges`; one more at the end.
    starts: Vec<u32>,
    edges: Vec<Node>,
    /// Commits whose parents are not here.
    ends: Vec<End>,
}

/// Whether a commit's parents are here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// They are.
    No,
    /// The clone is shallow and does not have them.
    Cut,
    /// They were not read.
    Unread,
}

impl Graph {
    /// Reads the commits that can be reached from `tips`: the newest `most`, or all where git's file does not tell which those
    /// are.
    pub fn load(repo: &Repo, reader: &Reader, tips: &[Oid], most: usize) -> Result<Self, GitError> {
        let shallow: Vec<Oid> = {
            let text = std::fs::read(repo.common_dir().join("shallow")).unwrap_or_default();
            text.split(|byte| *byte == b'\n').filter_map(Oid::from_hex).collect()
        };
        let info = repo.common_dir().join("objects/info");
        // Grafted histories are not what the file says.
        let file = if shallow.is_empty() && reader.is_direct() {
            gix::commitgraph::Graph::from_info_dir(&info, gix_kind(repo.hash_kind())).ok()
        } else {
            None
        };
        let count = file.as_ref().map_or(0, |file| file.num_commits() as usize);
        let distances = if count > 0 { dates::distances(&info).filter(|all| all.len() == count) } else { None };
        let most = if distances.is_some() { most } else { usize::MAX };
        let mut loading = Loading {
            reader,
            file,
            distances,
            shallow,
            places: vec![NONE; count],
            nodes: HashMap::default(),
            found: Vec::new(),
            next: BinaryHeap::new(),
        };
        for tip in tips {
            loading.by_name(*tip)?;
        }
        let mut read = 0;
        while read < most
            && let Some((_, Reverse(next))) = loading.next.pop()
        {
            repo.deadline().check()?;
            loading.read(next)?;
            read += 1;
        }
        loading.ordered()
    }

    /// Finds a commit.
    pub fn node(&self, oid: Oid) -> Option<Node> {
        let id = gix_id(oid).ok()?;
        let place = self.file.as_ref().and_then(|file| file.lookup(id));
        let node =
            place.map_or_else(|| self.nodes.get(&id).copied(), |place| self.places.get(place.0 as usize).copied());
        node.filter(|node| *node != NONE)
    }

    /// Returns a commit's name.
    pub fn oid(&self, node: Node) -> Oid {
        self.oids[node as usize]
    }

    /// Returns a commit's tree.
    pub fn tree(&self, node: Node) -> Oid {
        self.trees[node as usize]
    }

    /// Returns a commit's parents, in order.
    pub fn parents(&self, node: Node) -> &[Node] {
        let place = node as usize;
        &self.edges[self.starts[place] as usize..self.starts[place + 1] as usize]
    }

    /// Returns whether history is cut off at this commit.
    pub fn is_cut(&self, node: Node) -> bool {
        self.ends[node as usize] == End::Cut
    }

    /// Returns whether a commit's parents were not read, because enough of newer ones was.
    pub fn is_unread(&self, node: Node) -> bool {
        self.ends[node as usize] == End::Unread
    }

    /// Returns the number of commits.
    pub fn len(&self) -> usize {
        self.oids.len()
    }

    /// Returns the commits reachable from `tips` and not from `without`, newest first.
    pub fn range(&self, tips: &[Node], without: &[Node]) -> Vec<Node> {
        let reach = |from: &[Node], seen: &mut Vec<bool>| {
            let mut stack = from.to_vec();
            while let Some(top) = stack.pop() {
                if !std::mem::replace(&mut seen[top as usize], true) {
                    stack.extend(self.parents(top));
                }
            }
        };
        let mut hidden = vec![false; self.len()];
        reach(without, &mut hidden);
        let mut seen = hidden.clone();
        reach(tips, &mut seen);
        (0..self.len()).filter(|place| seen[*place] && !hidden[*place]).map(node).collect()
    }
}

fn node(place: usize) -> Node {
    // There are no more: see `too_large`.
    Node::try_from(place).unwrap_or(Node::MAX)
}

fn too_large() -> GitError {
    GitError::Unsupported("the history has more commits than guard can count".into())
}

struct Loading<'r> {
    reader: &'r Reader,
    file: Option<gix::commitgraph::Graph>,
    /// By how much the corrected dates of the file's commits are later than their own.
    distances: Option<Vec<u32>>,
    shallow: Vec<Oid>,
    places: Vec<Node>,
    nodes: HashMap<gix::hash::ObjectId, Node>,
    found: Vec<Found>,
    /// What was found and is not read: newest first, and before that what is not in the file.
    next: BinaryHeap<(u64, Reverse<Node>)>,
}

/// A commit that was found, in no order yet.
struct Found {
    oid: Oid,
    place: Option<gix::commitgraph::Position>,
    /// The corrected date, if the file tells it.
    date: Option<u64>,
    read: Option<Read>,
}

struct Read {
    tree: Oid,
    parents: Vec<Node>,
    time: u64,
    is_cut: bool,
}

impl Loading<'_> {
    fn by_name(&mut self, oid: Oid) -> Result<Node, GitError> {
        if let Some(place) = self.file.as_ref().and_then(|file| file.lookup(gix_id(oid).ok()?)) {
            return self.by_place(place);
        }
        let next = Node::try_from(self.found.len()).map_err(|_| too_large())?;
        let found = *self.nodes.entry(gix_id(oid)?).or_insert(next);
        if found == next {
            self.found.push(Found { oid, place: None, date: None, read: None });
            self.next.push((u64::MAX, Reverse(next)));
        }
        Ok(found)
    }

    fn by_place(&mut self, place: gix::commitgraph::Position) -> Result<Node, GitError> {
        let at = place.0 as usize;
        let (Some(file), Some(known)) = (&self.file, self.places.get(at).copied()) else { return Err(damaged()) };
        if known != NONE {
            return Ok(known);
        }
        let next = Node::try_from(self.found.len()).ok().filter(|next| *next < NONE).ok_or_else(too_large)?;
        let commit = file.commit_at(place);
        let oid = Oid::from_bytes(commit.id().as_bytes()).ok_or_else(damaged)?;
        let distance = self.distances.as_ref().map(|all| u64::from(all[at]));
        let date = distance.map(|distance| commit.committer_timestamp() + distance);
        self.places[at] = next;
        self.found.push(Found { oid, place: Some(place), date, read: None });
        self.next.push((date.unwrap_or(u64::MAX), Reverse(next)));
        Ok(next)
    }

    /// Reads a commit and finds its parents.
    fn read(&mut self, node: Node) -> Result<(), GitError> {
        let Found { oid, place, .. } = self.found[node as usize];
        let read = if let (Some(file), Some(place)) = (&self.file, place) {
            let commit = file.commit_at(place);
            let tree = Oid::from_bytes(commit.root_tree_id().as_bytes()).ok_or_else(damaged)?;
            let time = commit.committer_timestamp();
            let parents = commit.iter_parents().collect::<Result<Vec<_>, _>>().map_err(|_| damaged())?;
            let parents = parents.into_iter().map(|place| self.by_place(place)).collect::<Result<_, _>>()?;
            Read { tree, parents, time, is_cut: false }
        } else {
            let commit = self.reader.commit(oid)?;
            let is_cut = self.shallow.contains(&oid);
            let parents = if is_cut { Vec::new() } else { commit.parents };
            let parents = parents.into_iter().map(|parent| self.by_name(parent)).collect::<Result<_, _>>()?;
            Read { tree: commit.tree, parents, time: commit.time, is_cut }
        };
        self.found[node as usize].read = Some(read);
        Ok(())
    }

    /// Returns each commit's date, or one more than its latest parent's if that is later.
    fn corrected(&self) -> Vec<u64> {
        let mut dates: Vec<Option<u64>> = self.found.iter().map(|found| found.date).collect();
        let mut stack: Vec<Node> = Vec::new();
        for start in 0..self.found.len() {
            stack.push(node(start));
            while let Some(top) = stack.last().copied() {
                let place = top as usize;
                let read = self.found[place].read.as_ref().filter(|_| dates[place].is_none());
                let Some(read) = read else {
                    stack.pop();
                    continue;
                };
                let before = stack.len();
                stack.extend(read.parents.iter().filter(|parent| {
                    dates[**parent as usize].is_none() && self.found[**parent as usize].read.is_some()
                }));
                if stack.len() == before {
                    let latest = read.parents.iter().filter_map(|parent| dates[*parent as usize]).max();
                    dates[place] = Some(latest.map_or(read.time, |latest| read.time.max(latest + 1)));
                    stack.pop();
                }
            }
        }
        dates.into_iter().map(Option::unwrap_or_default).collect()
    }

    /// Puts what was read in order.
    fn ordered(mut self) -> Result<Graph, GitError> {
        let dates = self.corrected();
        let mut order: Vec<usize> = (0..self.found.len()).filter(|place| self.found[*place].read.is_some()).collect();
        order.sort_by_key(|place| Reverse(dates[*place]));
        let mut ranks = vec![NONE; self.found.len()];
        for (rank, place) in order.iter().enumerate() {
            ranks[*place] = node(rank);
        }
        let (mut oids, mut trees, mut starts, mut edges, mut ends) = (vec![], vec![], vec![0], vec![], vec![]);
        for place in order {
            let Some(read) = self.found[place].read.take() else { continue };
            let parents = read.parents.iter().map(|parent| ranks[*parent as usize]);
            let is_unread = parents.clone().any(|parent| parent == NONE);
            edges.extend(parents.filter(|parent| *parent != NONE));
            starts.push(u32::try_from(edges.len()).map_err(|_| too_large())?);
            oids.push(self.found[place].oid);
            trees.push(read.tree);
            ends.push(if read.is_cut {
                End::Cut
            } else if is_unread {
                End::Unread
            } else {
                End::No
            });
        }
        let rank = |node: &mut Node| *node = ranks.get(*node as usize).copied().unwrap_or(NONE);
        self.places.iter_mut().for_each(rank);
        self.nodes.values_mut().for_each(rank);
        Ok(Graph { file: self.file, places: self.places, nodes: self.nodes, oids, trees, starts, edges, ends })
    }
}

fn damaged() -> GitError {
    GitError::Unsupported("git's commit-graph file is damaged: 'git commit-graph write' makes a new one".into())
}

/// What two commits have in common.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Common {
    /// All best common ancestors, newest first.
    pub bases: Vec<Node>,
    /// The walk came to a place where history is cut off: there may be others.
    pub is_cut: bool,
}

/// Finds merge bases; keeps its marks between calls, so that each call costs what it walks, and what it found.
pub struct Bases<'g> {
    graph: &'g Graph,
    marks: Vec<Marks>,
    touched: Vec<Node>,
    /// A bit for each commit that was reached and is not looked at.
    queue: Vec<u64>,
    known: std::collections::HashMap<(Vec<Node>, Node), Common>,
    is_sure: bool,
}

/// From which pairs' sides a commit was reached: a bit for each of 64 pairs.
#[derive(Debug, Clone, Copy, Default)]
struct Marks {
    first: u64,
    second: u64,
    /// Beneath a base that was found.
    stale: u64,
}

impl Marks {
    /// Returns the pairs for which this may be, or lead to, a base.
    const fn fresh(self) -> u64 {
        (self.first | self.second) & !self.stale
    }
}

/// So many pairs are walked for at once.
const TOGETHER: usize = 64;
/// So many answers are kept.
const KEPT: usize = 10_000;

impl<'g> Bases<'g> {
    /// Takes a history.
    pub fn new(graph: &'g Graph) -> Self {
        let marks = vec![Marks::default(); graph.len()];
        let queue = vec![0; graph.len().div_ceil(64)];
        Self { graph, marks, touched: Vec::new(), queue, known: std::collections::HashMap::new(), is_sure: true }
    }

    /// Returns whether no walk came to commits that were not read. If one did, no answer counts.
    pub const fn is_sure(&self) -> bool {
        self.is_sure
    }

    /// Finds what the parents of many merges have in common, with few walks; it is known when it is asked for.
    pub fn prepare(&mut self, merges: &[Node]) {
        let graph = self.graph;
        let others = |merge: &Node| match graph.parents(*merge) {
            [first, others @ ..] => others.iter().map(|other| (vec![*first], *other)).collect(),
            [] => Vec::new(),
        };
        let pairs: Vec<(Vec<Node>, Node)> = merges.iter().flat_map(others).collect();
        for some in pairs.chunks(TOGETHER) {
            self.walk(some);
        }
    }

    /// Returns what two commits have in common.
    pub fn of(&mut self, first: Node, second: Node) -> Common {
        self.of_several(&[first], second)
    }

    /// Returns the same for a commit and one that would have several parents.
    pub fn of_several(&mut self, firsts: &[Node], second: Node) -> Common {
        let pair = (firsts.to_vec(), second);
        if !self.known.contains_key(&pair) {
            self.walk(std::slice::from_ref(&pair));
        }
        self.known.get(&pair).cloned().unwrap_or_default()
    }

    /// Walks for some pairs, at most 64.
    fn walk(&mut self, pairs: &[(Vec<Node>, Node)]) {
        let graph = self.graph;
        let mut found = vec![Common::default(); pairs.len()];
        // How many are queued and fresh for some pair: once there is none left there is nothing to find.
        let mut fresh = 0;
        for (bit, (firsts, second)) in pairs.iter().enumerate() {
            let mark = 1 << bit;
            for first in firsts {
                fresh += self.reach(*first, Marks { first: mark, ..Marks::default() });
            }
            fresh += self.reach(*second, Marks { second: mark, ..Marks::default() });
        }
        let mut word = 0;
        while fresh > 0 && word < self.queue.len() {
            let bits = self.queue[word];
            if bits == 0 {
                word += 1;
                continue;
            }
            // Parents stand behind: the same word, or a later one.
            self.queue[word] = bits & (bits - 1);
            let top = node(word * 64 + bits.trailing_zeros() as usize);
            let mut marks = self.marks[top as usize];
            fresh -= isize::from(marks.fresh() != 0);
            for pair in ones(marks.fresh() & marks.first & marks.second) {
                found[pair].bases.push(top);
                marks.stale |= 1 << pair;
            }
            if graph.is_cut(top) {
                ones(marks.fresh()).for_each(|pair| found[pair].is_cut = true);
            }
            self.is_sure &= marks.fresh() == 0 || !graph.is_unread(top);
            for parent in graph.parents(top) {
                fresh += self.reach(*parent, marks);
            }
        }
        for node in self.touched.drain(..) {
            self.marks[node as usize] = Marks::default();
            self.queue[node as usize / 64] = 0;
        }
        if self.known.len() > KEPT {
            self.known.clear();
        }
        self.known.extend(pairs.iter().cloned().zip(found));
    }

    /// Adds marks to a commit and queues it. Returns by how much the number of fresh ones in the queue changes.
    fn reach(&mut self, node: Node, marks: Marks) -> isize {
        let place = node as usize;
        let known = &mut self.marks[place];
        let before = *known;
        known.first |= marks.first;
        known.second |= marks.second;
        known.stale |= marks.stale;
        if before.first | before.second == 0 {
            self.touched.push(node);
        }
        let bit = 1 << (place % 64);
        let was_queued = self.queue[place / 64] & bit != 0;
        self.queue[place / 64] |= bit;
        isize::from(known.fresh() != 0) - isize::from(was_queued && before.fresh() != 0)
    }
}

fn ones(bits: u64) -> impl Iterator<Item = usize> {
    let next = |bits: &u64| Some(bits & (bits - 1)).filter(|_| *bits != 0);
    std::iter::successors(Some(bits).filter(|bits| *bits != 0), move |bits| next(bits).filter(|rest| *rest != 0))
        .map(|bits| bits.trailing_zeros() as usize)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A history without names: the parents of each commit, all of them older.
    fn graph(parents: &[Vec<Node>]) -> Graph {
        let oid = Oid::null(crate::model::HashKind::Sha1);
        let mut starts = vec![0];
        for some in parents {
            starts.push(starts[starts.len() - 1] + node(some.len()));
        }
        Graph {
            file: None,
            places: Vec::new(),
            nodes: HashMap::default(),
            oids: vec![oid; parents.len()],
            trees: vec![oid; parents.len()],
            starts,
            edges: parents.concat(),
            ends: vec![End::No; parents.len()],
        }
    }

    fn history() -> impl Strategy<Value = Vec<Vec<Node>>> {
        prop::collection::vec(prop::collection::vec(1_u32..12, 0..3), 2..90).prop_map(|steps| {
            let count = node(steps.len());
            let older = |(place, steps): (usize, Vec<u32>)| {
                let mut parents: Vec<Node> = steps.iter().map(|step| node(place) + step).collect();
                parents.retain(|parent| *parent < count);
                parents.dedup();
                parents
            };
            steps.into_iter().enumerate().map(older).collect()
        })
    }

    fn reachable(graph: &Graph, from: Node) -> Vec<bool> {
        let mut seen = vec![false; graph.len()];
        let mut stack = vec![from];
        while let Some(top) = stack.pop() {
            if !std::mem::replace(&mut seen[top as usize], true) {
                stack.extend(graph.parents(top));
            }
        }
        seen
    }

    proptest! {
        /// Best common ancestors are those that no other common ancestor can reach, for one pair and for many at once.
        #[test]
        fn bases_are_the_common_ancestors_that_no_other_reaches(parents in history(), pairs in prop::collection::vec((0_u32..90, 0_u32..90), 1..64)) {
            let graph = graph(&parents);
            let count = node(graph.len());
            let pairs: Vec<(Vec<Node>, Node)> = pairs.into_iter().map(|(one, two)| (vec![one % count], two % count)).collect();
            let mut bases = Bases::new(&graph);
            bases.walk(&pairs);
            let mut alone = Bases::new(&graph);
            for (firsts, second) in pairs {
                let (one, two) = (reachable(&graph, firsts[0]), reachable(&graph, second));
                let common: Vec<Node> = (0..count).filter(|node| one[*node as usize] && two[*node as usize]).collect();
                let is_best = |node: &Node| !common.iter().any(|other| other != node && reachable(&graph, *other)[*node as usize]);
                let best: Vec<Node> = common.iter().copied().filter(is_best).collect();
                prop_assert_eq!(&bases.of(firsts[0], second).bases, &best);
                prop_assert_eq!(&alone.of(firsts[0], second).bases, &best);
            }
            prop_assert!(bases.is_sure());
        }
    }

    #[test]
    fn a_walk_to_what_was_not_read_is_noticed() {
        let mut graph = graph(&[vec![1, 2], vec![3], vec![3], vec![]]);
        graph.ends[3] = End::Unread;
        let mut bases = Bases::new(&graph);
        assert_eq!(bases.of(1, 2).bases, [3]);
        assert!(bases.is_sure());
        graph.ends[2] = End::Unread;
        let mut bases = Bases::new(&graph);
        let _ = bases.of(1, 2);
        assert!(!bases.is_sure());
    }
}
