//! A history that is read once because much is going to be asked about it: a push that brings hundreds of merges.
//!
//! Afterwards the questions what two commits have in common, and what lies between them, start no process. Reading may take
//! half of the time that is left; then it is given up, and git is asked each time, as ever.

use std::collections::HashMap;
use std::time::Duration;

use super::bulk::Reader;
use super::graph::{Bases, Common, Graph, Node};
use super::repository::Repo;
use crate::model::Oid;

/// How long reading may take where there is no time limit.
const LONGEST: Duration = Duration::from_secs(10);

/// What is known.
pub(super) struct Foresight {
    graph: Graph,
    /// What the parents of the merges have in common.
    common: HashMap<(Node, Node), Common>,
}

impl Repo {
    /// Reads the history of some commits, and finds what the parents of the merges among them have in common. Where that takes too long,
    /// or objects have to be read by git, nothing is known.
    pub fn foresee(&self, commits: &[Oid]) {
        let read = || {
            let brief = self.within(self.deadline().half().unwrap_or(LONGEST));
            let reader = Reader::open(&brief);
            // Through a pipe it is no faster than asking git.
            if !reader.is_direct() || self.is_shallow() {
                return None;
            }
            let graph = Graph::load(&brief, &reader, commits, usize::MAX).ok()?;
            let mut bases = Bases::new(&graph);
            let nodes: Vec<Node> = commits.iter().filter_map(|commit| graph.node(*commit)).collect();
            bases.prepare(&nodes);
            let mut common = HashMap::new();
            for node in nodes {
                let [first, others @ ..] = graph.parents(node) else { continue };
                common.extend(others.iter().map(|other| ((*first, *other), bases.of(*first, *other))));
            }
            Some(Foresight { graph, common })
        };
        if let Some(found) = read() {
            // Only this thread sets it.
            let _ = self.foresight().set(found);
        }
    }

    /// Returns all best common ancestors of two commits, if that is known.
    pub(super) fn foreseen_bases(&self, first: Oid, other: Oid) -> Option<Vec<Oid>> {
        let Foresight { graph, common } = self.foresight().get()?;
        let pair = (graph.node(first)?, graph.node(other)?);
        let found = common.get(&pair).cloned();
        let found = found.unwrap_or_else(|| Bases::new(graph).of(pair.0, pair.1));
        Some(found.bases.into_iter().map(|node| graph.oid(node)).collect())
    }

    /// Returns the commits reachable from `tips` and not from `without`, each with its parents, if that is known.
    pub(super) fn foreseen_between(&self, tips: &[Oid], without: &[Oid]) -> Option<HashMap<Oid, Vec<Oid>>> {
        let Foresight { graph, .. } = self.foresight().get()?;
        let nodes = |oids: &[Oid]| oids.iter().map(|oid| graph.node(*oid)).collect::<Option<Vec<Node>>>();
        let parents = |node: Node| graph.parents(node).iter().map(|parent| graph.oid(*parent)).collect();
        let range = graph.range(&nodes(tips)?, &nodes(without)?);
        Some(range.into_iter().map(|node| (graph.oid(node), parents(node))).collect())
    }
}
