//! What commits have in common: all pairs of many merges in one sweep.

use std::collections::HashMap;

use super::{Graph, Node, node};

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
    known: HashMap<(Vec<Node>, Node), Common>,
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

    /// Returns whether it may lead to one from the first side, and from the second, of any pair.
    const fn sides(self) -> [bool; 2] {
        [self.first & !self.stale != 0, self.second & !self.stale != 0]
    }
}

/// How many commits in the queue may lead to a base from each side. Once there are none left there is nothing to find.
type Left = [isize; 2];

fn count(left: &mut Left, sides: [bool; 2], by: isize) {
    left.iter_mut().zip(sides).filter(|(_, counts)| *counts).for_each(|(left, _)| *left += by);
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
        Self { graph, marks, touched: Vec::new(), queue, known: HashMap::new(), is_sure: true }
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
        let mut left = [0; 2];
        for (bit, (firsts, second)) in pairs.iter().enumerate() {
            let mark = 1 << bit;
            for first in firsts {
                self.reach(&mut left, *first, Marks { first: mark, ..Marks::default() });
            }
            self.reach(&mut left, *second, Marks { second: mark, ..Marks::default() });
        }
        let mut word = 0;
        while left != [0; 2] && word < self.queue.len() {
            let bits = self.queue[word];
            if bits == 0 {
                word += 1;
                continue;
            }
            // Parents stand behind: the same word, or a later one.
            self.queue[word] = bits & (bits - 1);
            let top = node(word * 64 + bits.trailing_zeros() as usize);
            let mut marks = self.marks[top as usize];
            count(&mut left, marks.sides(), -1);
            for pair in ones(marks.fresh() & marks.first & marks.second) {
                found[pair].bases.push(top);
                marks.stale |= 1 << pair;
            }
            if graph.is_cut(top) {
                ones(marks.fresh()).for_each(|pair| found[pair].is_cut = true);
            }
            self.is_sure &= marks.fresh() == 0 || !graph.is_unread(top);
            for parent in graph.parents(top) {
                self.reach(&mut left, *parent, marks);
            }
            // What only one side still leads to is in common only where history that is cut off hides it.
            if left.contains(&0) && found.iter().all(|common| !common.bases.is_empty()) {
                break;
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

    /// Adds marks to a commit, queues it and counts it.
    fn reach(&mut self, left: &mut Left, node: Node, marks: Marks) {
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
        if self.queue[place / 64] & bit != 0 {
            count(left, before.sides(), -1);
        }
        self.queue[place / 64] |= bit;
        count(left, known.sides(), 1);
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

    use super::super::End;
    use super::*;
    use crate::model::Oid;

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
            nodes: gix::hashtable::HashMap::default(),
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
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

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

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// A range is what some commits reach and others don't, newest first.
        #[test]
        fn a_range_is_what_some_reach_and_others_do_not(parents in history(), ends in prop::collection::vec((0_u32..90, any::<bool>()), 1..5)) {
            let graph = graph(&parents);
            let count = node(graph.len());
            let side = |is_tip: bool| ends.iter().filter(|end| end.1 == is_tip).map(|end| end.0 % count).collect::<Vec<Node>>();
            let reached = |from: &[Node], at: Node| from.iter().any(|end| reachable(&graph, *end)[at as usize]);
            let expected: Vec<Node> =
                (0..count).filter(|at| reached(&side(true), *at) && !reached(&side(false), *at)).collect();
            prop_assert_eq!(graph.range(&side(true), &side(false)), expected);
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

    #[test]
    fn what_only_one_side_leads_to_is_not_walked() {
        // 1 is the base; only the first side goes on to 2, beside it.
        let mut graph = graph(&[vec![1, 2], vec![3], vec![4], vec![4], vec![]]);
        graph.ends[2] = End::Unread;
        let mut bases = Bases::new(&graph);
        assert_eq!(bases.of(0, 1).bases, [1]);
        assert!(bases.is_sure());
    }
}
