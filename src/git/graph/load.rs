//! Reading a history: from git's commit-graph file where there is one, else commit by commit.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

use gix::hashtable::HashMap;

use super::{End, Graph, NONE, Node, node};
use crate::git::bulk::Reader;
use crate::git::child::GitError;
use crate::git::dates;
use crate::git::objects::{gix_id, gix_kind};
use crate::git::repository::Repo;
use crate::model::Oid;

impl Graph {
    /// Reads the commits that can be reached from `tips`: the newest `most`, or all where git's file does not tell which those
    /// are.
    pub fn load(repo: &Repo, reader: &Reader, tips: &[Oid], most: usize) -> Result<Self, GitError> {
        let shallow = repo.cut_commits();
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
            order: Vec::new(),
            parents: Vec::new(),
            positions: Vec::new(),
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
    /// What was read, in that order, and the parents of each.
    order: Vec<Node>,
    parents: Vec<Node>,
    /// Where the parents of the commit that is read stand in the file.
    positions: Vec<gix::commitgraph::Position>,
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
    parents: Range<usize>,
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
        let before = self.parents.len();
        let (tree, time, is_cut) = if let (Some(file), Some(place)) = (&self.file, place) {
            let commit = file.commit_at(place);
            let tree = Oid::from_bytes(commit.root_tree_id().as_bytes()).ok_or_else(damaged)?;
            let time = commit.committer_timestamp();
            let mut positions = std::mem::take(&mut self.positions);
            for position in commit.iter_parents() {
                positions.push(position.map_err(|_| damaged())?);
            }
            for position in positions.drain(..) {
                let parent = self.by_place(position)?;
                self.parents.push(parent);
            }
            self.positions = positions;
            (tree, time, false)
        } else {
            let commit = self.reader.commit(oid)?;
            let is_cut = self.shallow.contains(&oid);
            for parent in commit.parents.into_iter().filter(|_| !is_cut) {
                let parent = self.by_name(parent)?;
                self.parents.push(parent);
            }
            (commit.tree, commit.time, is_cut)
        };
        self.found[node as usize].read = Some(Read { tree, parents: before..self.parents.len(), time, is_cut });
        self.order.push(node);
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
                let parents = &self.parents[read.parents.clone()];
                stack.extend(parents.iter().filter(|parent| {
                    dates[**parent as usize].is_none() && self.found[**parent as usize].read.is_some()
                }));
                if stack.len() == before {
                    let latest = parents.iter().filter_map(|parent| dates[*parent as usize]).max();
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
        // As a rule that is how they were read, and next to nothing is to be done.
        let mut order: Vec<usize> = self.order.iter().map(|node| *node as usize).collect();
        order.sort_unstable_by_key(|place| (Reverse(dates[*place]), *place));
        let mut ranks = vec![NONE; self.found.len()];
        for (rank, place) in order.iter().enumerate() {
            ranks[*place] = node(rank);
        }
        let (mut oids, mut trees, mut starts, mut edges, mut ends) = (vec![], vec![], vec![0], vec![], vec![]);
        for place in order {
            let Some(read) = self.found[place].read.take() else { continue };
            let parents = self.parents[read.parents].iter().map(|parent| ranks[*parent as usize]);
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
