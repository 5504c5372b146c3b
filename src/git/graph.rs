//! The commits of a history in memory: parents, trees, and an order in which each commit stands before its parents. Merge bases
//! of thousands of merges are found without a process.
//!
//! Read from git's commit-graph file where there is one, else commit by commit. The order is that of *corrected* dates: a
//! commit's own, or one more than its latest parent's. Walking newest first, a commit reached from both sides and from no
//! better one is a best common ancestor for good: whatever could be better was seen before.

use std::collections::BinaryHeap;

use gix::hashtable::HashMap;

use super::bulk::Reader;
use super::child::GitError;
use super::objects::{gix_id, gix_kind};
use super::repository::Repo;
use crate::model::Oid;

/// A commit of a [`Graph`].
pub type Node = u32;

/// Commits, their parents and their order.
#[derive(Debug)]
pub struct Graph {
    oids: Vec<Oid>,
    nodes: HashMap<gix::hash::ObjectId, Node>,
    trees: Vec<Oid>,
    /// Where a commit's parents begin in `edges`; one more at the end.
    starts: Vec<u32>,
    edges: Vec<Node>,
    dates: Vec<u64>,
    /// Commits whose parents are not here, because the clone is shallow.
    cut: Vec<bool>,
}

impl Graph {
    /// Reads all that can be reached from `tips`.
    pub fn load(repo: &Repo, reader: &Reader, tips: &[Oid]) -> Result<Self, GitError> {
        let shallow: Vec<Oid> = {
            let text = std::fs::read(repo.common_dir().join("shallow")).unwrap_or_default();
            text.split(|byte| *byte == b'\n').filter_map(Oid::from_hex).collect()
        };
        let info = repo.common_dir().join("objects/info");
        // Grafted histories are not what the file says.
        let graph = if shallow.is_empty() && reader.is_direct() {
            gix::commitgraph::Graph::from_info_dir(&info, gix_kind(repo.hash_kind())).ok()
        } else {
            None
        };
        let mut loading = Loading { reader, file: graph, shallow, oids: Vec::new(), nodes: HashMap::default() };
        for tip in tips {
            loading.node(*tip)?;
        }
        let (mut trees, mut starts, mut edges, mut times, mut cut) = (vec![], vec![0], vec![], vec![], vec![]);
        // Each commit read names its parents, which come after it.
        let mut next = 0;
        while next < loading.oids.len() {
            repo.deadline().check()?;
            let found = loading.commit(loading.oids[next])?;
            for parent in found.parents {
                edges.push(loading.node(parent)?);
            }
            starts.push(u32::try_from(edges.len()).map_err(|_| too_large())?);
            trees.push(found.tree);
            times.push(found.time);
            cut.push(found.cut);
            next += 1;
        }
        let mut graph = Self { oids: loading.oids, nodes: loading.nodes, trees, starts, edges, dates: Vec::new(), cut };
        graph.dates = graph.corrected(&times);
        Ok(graph)
    }

    /// Returns each commit's date, or one more than its latest parent's if that is later.
    fn corrected(&self, times: &[u64]) -> Vec<u64> {
        let mut dates = vec![0_u64; self.oids.len()];
        let mut state = vec![0_u8; self.oids.len()];
        let mut stack: Vec<Node> = Vec::new();
        for start in 0..self.oids.len() {
            stack.push(node(start));
            while let Some(top) = stack.last().copied() {
                let place = top as usize;
                match state[place] {
                    0 => {
                        state[place] = 1;
                        stack.extend(self.parents(top).iter().filter(|parent| state[**parent as usize] == 0));
                    }
                    1 => {
                        state[place] = 2;
                        let latest = self.parents(top).iter().map(|parent| dates[*parent as usize] + 1).max();
                        dates[place] = times[place].max(latest.unwrap_or(0));
                        stack.pop();
                    }
                    _ => drop(stack.pop()),
                }
            }
        }
        dates
    }

    /// Finds a commit.
    pub fn node(&self, oid: Oid) -> Option<Node> {
        self.nodes.get(&gix_id(oid).ok()?).copied()
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
        self.cut[node as usize]
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
        let mut found: Vec<Node> = (0..self.len()).filter(|place| seen[*place] && !hidden[*place]).map(node).collect();
        found.sort_unstable_by_key(|node| std::cmp::Reverse((self.dates[*node as usize], std::cmp::Reverse(*node))));
        found
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
    shallow: Vec<Oid>,
    oids: Vec<Oid>,
    nodes: HashMap<gix::hash::ObjectId, Node>,
}

struct Loaded {
    tree: Oid,
    parents: Vec<Oid>,
    time: u64,
    cut: bool,
}

impl Loading<'_> {
    fn node(&mut self, oid: Oid) -> Result<Node, GitError> {
        let next = Node::try_from(self.oids.len()).map_err(|_| too_large())?;
        let found = *self.nodes.entry(gix_id(oid)?).or_insert(next);
        if found == next {
            self.oids.push(oid);
        }
        Ok(found)
    }

    fn commit(&self, oid: Oid) -> Result<Loaded, GitError> {
        if let Some(file) = &self.file
            && let Some(commit) = file.commit_by_id(gix_id(oid)?)
        {
            let damaged = || GitError::Damaged { oid, why: "the commit-graph file is damaged".into() };
            let ours = |id: &gix::hash::oid| Oid::from_bytes(id.as_bytes());
            let parent = |position| ours(file.id_at(position));
            let parents = commit.iter_parents().map(|found| found.ok().and_then(parent)).collect::<Option<Vec<_>>>();
            return Ok(Loaded {
                tree: ours(commit.root_tree_id()).ok_or_else(damaged)?,
                parents: parents.ok_or_else(damaged)?,
                time: commit.committer_timestamp(),
                cut: false,
            });
        }
        let commit = self.reader.commit(oid)?;
        let cut = self.shallow.contains(&oid);
        let parents = if cut { Vec::new() } else { commit.parents };
        Ok(Loaded { tree: commit.tree, parents, time: commit.time, cut })
    }
}

/// Finds merge bases; keeps its marks between calls, so that each call costs what it walks.
pub struct Bases<'g> {
    graph: &'g Graph,
    marks: Vec<u8>,
    touched: Vec<Node>,
}

const FIRST: u8 = 1;
const SECOND: u8 = 2;
const BOTH: u8 = FIRST | SECOND;
/// Beneath a base that was found.
const STALE: u8 = 4;
const QUEUED: u8 = 8;

impl<'g> Bases<'g> {
    /// Takes a history.
    pub fn new(graph: &'g Graph) -> Self {
        Self { graph, marks: vec![0; graph.len()], touched: Vec::new() }
    }

    /// Returns all best common ancestors of two commits, newest first, and whether the walk came to a place where history is
    /// cut off: then there may be others.
    pub fn of(&mut self, first: Node, second: Node) -> (Vec<Node>, bool) {
        self.of_several(&[first], second)
    }

    /// Returns the same for a commit and one that would have several parents.
    pub fn of_several(&mut self, firsts: &[Node], second: Node) -> (Vec<Node>, bool) {
        if firsts.contains(&second) {
            return (vec![second], false);
        }
        let graph = self.graph;
        let mut queue: BinaryHeap<(u64, Node)> = BinaryHeap::new();
        let mut fresh = 0_usize;
        let mut found = Vec::new();
        let mut cut = false;
        for (start, mark) in firsts.iter().map(|first| (*first, FIRST)).chain([(second, SECOND)]) {
            if self.marks[start as usize] != 0 {
                continue;
            }
            self.marks[start as usize] = mark | QUEUED;
            self.touched.push(start);
            queue.push((graph.dates[start as usize], start));
            fresh += 1;
        }
        // Once only what lies beneath bases is left there is nothing to find.
        while fresh > 0 {
            let Some((_, top)) = queue.pop() else { break };
            let mut mark = self.marks[top as usize] & !QUEUED;
            if mark & STALE == 0 {
                fresh -= 1;
                if mark & BOTH == BOTH {
                    found.push(top);
                    mark |= STALE;
                }
            }
            cut |= graph.is_cut(top);
            for parent in graph.parents(top) {
                let place = *parent as usize;
                let before = self.marks[place];
                let after = before | mark;
                if before == 0 {
                    self.touched.push(*parent);
                }
                self.marks[place] = after | QUEUED;
                if before & QUEUED == 0 {
                    queue.push((graph.dates[place], *parent));
                    fresh += usize::from(after & STALE == 0);
                } else if before & STALE == 0 && after & STALE != 0 {
                    fresh -= 1;
                }
            }
        }
        for node in self.touched.drain(..) {
            self.marks[node as usize] = 0;
        }
        (found, cut)
    }
}
