//! The commits of a history in memory: parents, trees, and an order in which each commit stands before its parents. Merge bases
//! of thousands of merges are found without a process.
//!
//! Read from git's commit-graph file where there is one, else commit by commit. The order is that of *corrected* dates: a
//! commit's own, or one more than its latest parent's. Walking newest first, a commit reached from both sides and from no
//! better one is a best common ancestor for good: whatever could be better was seen before.
//!
//! For a few merges the newest commits are enough. What is read is always all that is newer than some date, so nothing that
//! is left out stands between two commits that are here; a walk that would go on beyond them is noticed.

mod bases;
mod load;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use gix::hashtable::HashMap;

use super::objects::gix_id;
use crate::model::Oid;

pub use bases::{Bases, Common};

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

    /// Returns the commits reachable from `tips` and not from `without`, newest first. Costs what lies between them: parents
    /// stand behind, so that all is known of a commit when its turn comes.
    pub fn range(&self, tips: &[Node], without: &[Node]) -> Vec<Node> {
        let mut walk = Walk { wanted: vec![None; self.len()], queue: BinaryHeap::new(), open: 0 };
        for (ends, is_wanted) in [(without, false), (tips, true)] {
            for node in ends {
                walk.reach(*node, is_wanted);
            }
        }
        let mut found = Vec::new();
        while walk.open > 0
            && let Some(Reverse(top)) = walk.queue.pop()
        {
            let is_wanted = walk.wanted[top as usize] == Some(true);
            if is_wanted {
                found.push(top);
                walk.open -= 1;
            }
            for parent in self.parents(top) {
                walk.reach(*parent, is_wanted);
            }
        }
        found
    }
}

/// A walk to what some commits reach and others don't.
struct Walk {
    /// Whether a commit that was reached is wanted.
    wanted: Vec<Option<bool>>,
    /// What was reached and not looked at.
    queue: BinaryHeap<Reverse<Node>>,
    /// How many of those are wanted: without any there is nothing to find.
    open: usize,
}

impl Walk {
    fn reach(&mut self, node: Node, is_wanted: bool) {
        let known = &mut self.wanted[node as usize];
        match (*known, is_wanted) {
            (None, _) => {
                self.queue.push(Reverse(node));
                self.open += usize::from(is_wanted);
            }
            (Some(true), false) => self.open -= 1,
            _ => return,
        }
        *known = Some(is_wanted);
    }
}

fn node(place: usize) -> Node {
    // There are no more: see `too_large`.
    Node::try_from(place).unwrap_or(Node::MAX)
}
