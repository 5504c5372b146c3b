//! What counts as the base of a merge with several merge bases: git merges those first, with their own merge bases, and so on.
//!
//! Here that is done path by path, and only for the paths where the bases differ and it matters. Where merging bases conflicts
//! the text with its markers is the base, as in git; where one deleted what another changed, what they have in common.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::content::{Body, MARKER, Outcome, merge, up};
use crate::git::{Bases, GitError, Graph, Node, Reader};
use crate::model::{Entry, Oid, TreePath};

/// A commit, or what merging two ancestors gives.
#[derive(Debug, Clone)]
pub(super) enum Ancestor {
    /// A commit's tree.
    Tree(Oid),
    /// Two of them merged.
    Merged(Arc<Pair>),
}

/// Two ancestors, and what they have in common.
#[derive(Debug)]
pub(super) struct Pair {
    first: Ancestor,
    second: Ancestor,
    under: Option<Ancestor>,
    /// 1 for a merge's own bases, 2 for theirs: git's markers grow with it.
    depth: usize,
}

/// Bases of bases are followed so deep; beneath, the first one counts.
const DEEPEST: usize = 12;

impl Ancestor {
    /// Puts the merge bases of two commits together; they are sorted newest first.
    ///
    /// `git log --remerge-diff` begins with the newest of a merge's own bases, and with the oldest of theirs; `git merge` always
    /// begins with the oldest. Where bases contradict each other that can decide whether there is a conflict.
    pub(super) fn of(graph: &Graph, bases: &mut Bases<'_>, commits: &[Node]) -> Self {
        let mut building = Building { graph, bases, known: HashMap::new() };
        building.of(commits, 0)
    }

    /// Returns what stands at a path.
    pub(super) fn at(&self, reader: &Reader, made: &mut Made, path: &TreePath) -> Result<Option<Body>, GitError> {
        let mut known = HashMap::new();
        self.look(reader, made, path, &mut known).map(|found| found.map(|body| (*body).clone()))
    }

    fn look(
        &self,
        reader: &Reader,
        made: &mut Made,
        path: &TreePath,
        known: &mut HashMap<*const Pair, Option<Rc<Body>>>,
    ) -> Result<Option<Rc<Body>>, GitError> {
        let pair = match self {
            Self::Tree(tree) => return Ok(up(reader, *tree, path)?.map(|entry| Rc::new(Body::of(entry)))),
            Self::Merged(pair) => pair,
        };
        if let Some(found) = known.get(&Arc::as_ptr(pair)) {
            return Ok(found.clone());
        }
        let (first, second) =
            (pair.first.look(reader, made, path, known)?, pair.second.look(reader, made, path, known)?);
        let found = if first == second {
            first
        } else {
            let under = match &pair.under {
                Some(under) => under.look(reader, made, path, known)?,
                None => None,
            };
            made.of(reader, pair.depth, under.as_deref(), first.as_deref(), second.as_deref())?.map(Rc::new)
        };
        known.insert(Arc::as_ptr(pair), found.clone());
        Ok(found)
    }
}

/// What merging ancestors gave: merges that follow each other have much of it in common.
#[derive(Default)]
pub(super) struct Made {
    /// By how deep, and what was merged: under both, first, second.
    known: HashMap<(usize, [Option<Entry>; 3]), Option<Body>>,
    bytes: usize,
}

/// So many bytes of it are kept.
const KEPT: usize = 8 << 20;

impl Made {
    /// Returns what stands there after a merge: what is under both where they clash.
    fn of(
        &mut self,
        reader: &Reader,
        depth: usize,
        under: Option<&Body>,
        first: Option<&Body>,
        second: Option<&Body>,
    ) -> Result<Option<Body>, GitError> {
        let key = (depth, [under, first, second].map(|body| body.map(|body| body.entry)));
        if let Some(known) = self.known.get(&key) {
            return Ok(known.clone());
        }
        let found = match merge(reader, under, [first, second], MARKER + 2 * depth, None)? {
            (Outcome::Clean(body), _) | (Outcome::Conflict, body) => body,
            (Outcome::Clash | Outcome::Split | Outcome::TooLarge, _) => under.cloned(),
        };
        self.bytes += 300 + found.as_ref().map_or(0, Body::weight);
        if self.bytes > KEPT {
            self.known.clear();
            self.bytes = 0;
        }
        self.known.insert(key, found.clone());
        Ok(found)
    }
}

struct Building<'g, 'b, 'm> {
    graph: &'g Graph,
    bases: &'b mut Bases<'m>,
    known: HashMap<(usize, Vec<Node>), Ancestor>,
}

impl Building<'_, '_, '_> {
    fn of(&mut self, commits: &[Node], depth: usize) -> Ancestor {
        let mut order = commits.to_vec();
        if depth > 0 {
            order.reverse();
        }
        let key = (depth, order);
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let [first, others @ ..] = &key.1[..] else { return Ancestor::Tree(self.graph.tree(0)) };
        let mut merged = Ancestor::Tree(self.graph.tree(*first));
        let mut parents = vec![*first];
        for next in others {
            let found = self.bases.of_several(&parents, *next).bases;
            let under = match &found[..] {
                [] => None,
                [one] => Some(Ancestor::Tree(self.graph.tree(*one))),
                _ if depth >= DEEPEST => found.first().map(|one| Ancestor::Tree(self.graph.tree(*one))),
                several => Some(self.of(several, depth + 1)),
            };
            let second = Ancestor::Tree(self.graph.tree(*next));
            merged = Ancestor::Merged(Arc::new(Pair { first: merged, second, under, depth: depth + 1 }));
            parents.push(*next);
        }
        self.known.insert(key, merged.clone());
        merged
    }
}
