//! Where a merge's result is not what merging its parents gives, without doing the merge again.
//!
//! ```text
//! walk      all trees side by side                  -> slots: not as expected, or changed on several sides
//! content   the three contents of a slot, merged    -> what git's merge leaves there
//! renames   only where something seems missing      -> slots of one file at two places become one
//! (this)    compared with the result                -> deviations
//! lines     what each deviation lost                -> signals
//! ```
//!
//! The same engine serves one merge and a whole history: it reads trees and blobs and starts no process.
//!
//! # Limitations
//!
//! Attributes (`merge=union`, drivers), configuration and options at the time of the merge are not known; what git's own merge says
//! of a single merge is asked elsewhere. Renames are looked for where a path went away on one side and changed on the other,
//! and not among merge bases. Contents over 32 MiB are not merged.

mod ancestor;
mod content;
mod likeness;
mod lines;
mod merge3;
mod renames;
mod walk;

use crate::git::{Bases, Common, GitError, Graph, Node, Reader};
use crate::model::{Automatic, Deviation, Entry, Oid, PathFacts, TreePath};

use ancestor::{Ancestor, Made};
use content::{Body, Outcome};
use walk::{Expected, Slot, Trees, Walked, expected};

pub use content::{is_binary, up};
pub use lines::signals;
#[cfg(fuzzing)]
pub use merge3::texts;
pub use walk::changes;

/// Compares merges of one history, for one thread. What it has found out is kept from one merge to the next.
pub struct Comparer<'h> {
    reader: &'h Reader,
    graph: &'h Graph,
    /// Merge bases.
    pub bases: Bases<'h>,
    made: Made,
}

impl<'h> Comparer<'h> {
    /// Takes a history.
    pub fn new(reader: &'h Reader, graph: &'h Graph) -> Self {
        Self { reader, graph, bases: Bases::new(graph), made: Made::default() }
    }

    /// Returns what reads objects.
    pub const fn reader(&self) -> &'h Reader {
        self.reader
    }

    /// Returns the history.
    pub const fn graph(&self) -> &'h Graph {
        self.graph
    }
}

/// What is asked about: a merge that exists, or its parts.
#[derive(Debug, Clone)]
pub struct Merge {
    trees: Trees,
    bases: Vec<Node>,
    parents: Vec<Node>,
    /// History is cut off where its bases might be.
    pub is_cut: bool,
}

impl Merge {
    /// Returns its merge bases, newest first.
    pub fn bases(&self) -> &[Node] {
        &self.bases
    }

    /// Takes a merge commit of a history.
    pub fn of_commit(comparer: &mut Comparer<'_>, commit: Node) -> Self {
        let (graph, bases) = (comparer.graph, &mut comparer.bases);
        let parents = graph.parents(commit).to_vec();
        let (mut common, mut is_cut) = (Vec::new(), false);
        if let [first, others @ ..] = &parents[..] {
            for (place, other) in others.iter().enumerate() {
                let Common { bases: found, is_cut: cut } = bases.of(*first, *other);
                is_cut |= cut && found.is_empty();
                // Of an octopus git takes each head's bases in turn; one that all heads share is what counts here.
                if place == 0 {
                    common = found;
                } else if common != found {
                    common.extend(found);
                }
            }
        }
        common.dedup();
        let trees = Trees {
            bases: common.iter().map(|node| graph.tree(*node)).collect(),
            parents: parents.iter().map(|node| graph.tree(*node)).collect(),
            result: graph.tree(commit),
        };
        Self { trees, bases: common, parents, is_cut }
    }
}

/// How a merge's result compares with what merging its parents gives.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compared {
    /// Where it is something else; by path.
    pub deviations: Vec<Deviation>,
    /// Where it is that, and no parent has it: git put the content together; by path.
    pub merged: Vec<PathFacts>,
    /// Files that every parent has and the result has elsewhere: from, to, percent of likeness.
    pub moved: Vec<(TreePath, TreePath, u8)>,
    /// The parent whose whole tree the result is, though the other side brought changes.
    pub side_taken: Option<usize>,
}

/// Compares a merge of a history.
pub fn compare(comparer: &mut Comparer<'_>, merge: &Merge) -> Result<Compared, GitError> {
    let Comparer { reader, graph, bases, made } = comparer;
    let reader = *reader;
    // Bases of bases are looked for only where the bases differ and it matters.
    let (mut ancestor, mut heads) = (None, None);
    let mut found = Compared::default();
    let Walked { slots, kept } = walk::slots(reader, &merge.trees)?;
    for slot in slots {
        let instead = if slot.parents.len() > 2 {
            let heads = heads.get_or_insert_with(|| octopus(graph, bases, &merge.parents));
            one_after_the_other(reader, made, heads, &slot)?
        } else {
            let ancestor = ancestor.get_or_insert_with(|| Ancestor::of(graph, bases, &merge.bases));
            judge(reader, made, &slot, ancestor)?
        };
        match instead {
            None => found.merged.push(facts(slot)),
            Some(automatic) => {
                let Slot { path, bases, parents, result } = slot;
                let base = bases.into_iter().flatten().next();
                found.deviations.push(Deviation { path, from: None, base, parents, result, automatic });
            }
        }
    }
    if !found.deviations.is_empty() || !kept.is_empty() {
        found.moved = renames::follow(reader, &merge.trees, &kept, &mut found.deviations)?;
        let whole = merge.trees.parents.iter().position(|parent| *parent == merge.trees.result);
        found.side_taken = whole.filter(|_| !found.deviations.is_empty());
    }
    found.deviations.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    found.merged.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

/// Compares two sides and what became of them, by their trees alone: also what is no commit yet, or no merge, such as a commit
/// made again elsewhere. `base` is what both sides come from, if they have anything in common.
pub fn compare_trees(
    reader: &Reader,
    base: Option<Oid>,
    sides: [Oid; 2],
    result: Oid,
) -> Result<(Vec<Deviation>, Option<usize>), GitError> {
    let trees = Trees { bases: base.into_iter().collect(), parents: sides.to_vec(), result };
    let mut found = Vec::new();
    let Walked { slots, kept } = walk::slots(reader, &trees)?;
    for slot in slots {
        let base = slot.bases.first().copied().flatten();
        if let Some(automatic) = instead(reader, base.map(Body::of).as_ref(), &slot.parents, slot.result)? {
            let Slot { path, parents, result, .. } = slot;
            found.push(Deviation { path, from: None, base, parents, result, automatic });
        }
    }
    if !found.is_empty() || !kept.is_empty() {
        renames::follow(reader, &trees, &kept, &mut found)?;
    }
    found.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    let taken = sides.iter().position(|side| *side == result).filter(|_| !found.is_empty());
    Ok((found, taken))
}

fn facts(slot: Slot) -> PathFacts {
    let Slot { path, bases, parents, result } = slot;
    let mut parents = parents.into_iter();
    let first = parents.next().flatten();
    PathFacts {
        path,
        first,
        result,
        others: parents.collect(),
        bases,
        conflicted: false,
        moved: None,
        case_twin: None,
        marker_size: 7,
    }
}

/// Returns what merging gives at a slot instead of what stands there; `None` when it gives that.
fn judge(reader: &Reader, made: &mut Made, slot: &Slot, ancestor: &Ancestor) -> Result<Option<Automatic>, GitError> {
    let agreed = slot.bases.first().copied().flatten();
    let base = if slot.bases.iter().any(|base| *base != agreed) {
        ancestor.at(reader, made, &slot.path)?
    } else {
        agreed.map(Body::of)
    };
    instead(reader, base.as_ref(), &slot.parents, slot.result)
}

/// What each further head of an octopus has in common with what was merged before it; `None`: nothing.
fn octopus(graph: &Graph, bases: &mut Bases<'_>, parents: &[Node]) -> Vec<Option<Ancestor>> {
    let mut of = |head: usize| {
        let common = bases.of_several(&parents[..head], parents[head]).bases;
        (!common.is_empty()).then(|| Ancestor::of(graph, bases, &common))
    };
    (1..parents.len()).map(&mut of).collect()
}

/// Does what git does with an octopus: one head is merged after the other, each over what it has in common with those before.
fn one_after_the_other(
    reader: &Reader,
    made: &mut Made,
    heads: &[Option<Ancestor>],
    slot: &Slot,
) -> Result<Option<Automatic>, GitError> {
    let Some((first, others)) = slot.parents.split_first() else { return Ok(None) };
    let mut merged = first.map(Body::of);
    for (ancestor, other) in heads.iter().zip(others) {
        let base = match ancestor {
            Some(ancestor) => ancestor.at(reader, made, &slot.path)?,
            None => None,
        };
        let other = other.map(Body::of);
        merged = match content::merge(
            reader,
            base.as_ref(),
            [merged.as_ref(), other.as_ref()],
            content::MARKER,
            slot.result,
        )?
        .0
        {
            Outcome::Clean(body) => body,
            _ => return Ok(Some(Automatic::Conflict)),
        };
    }
    Ok(given(merged, slot.result))
}

/// Returns what merging gives instead of the result; `None` when it gives that.
fn instead(
    reader: &Reader,
    base: Option<&Body>,
    parents: &[Option<Entry>],
    result: Option<Entry>,
) -> Result<Option<Automatic>, GitError> {
    let plain = |body: Option<&Body>| body.is_none_or(Body::is_read).then(|| body.map(|body| body.entry));
    if let Some(base) = plain(base)
        && let Expected::This(entry) = expected(&[base], parents)
    {
        return Ok((entry != result).then_some(Automatic::Entry(entry)));
    }
    Ok(match content::merge_all(reader, base, parents, result)? {
        Outcome::Clean(body) => given(body, result),
        Outcome::Conflict | Outcome::Split => Some(Automatic::Conflict),
        Outcome::Clash => Some(Automatic::Clash(left(base, parents))),
        Outcome::TooLarge => Some(Automatic::TooLarge),
    })
}

/// Returns what git's clean merge gave, if that is not the result.
fn given(body: Option<Body>, result: Option<Entry>) -> Option<Automatic> {
    let Some(body) = body else { return result.is_some().then_some(Automatic::Entry(None)) };
    if result == Some(body.entry) {
        return None;
    }
    Some(if body.is_read() { Automatic::Entry(Some(body.entry)) } else { Automatic::Text })
}

/// Returns what git leaves where it can't merge: the changed version of what the other side deleted, else the first side's.
fn left(base: Option<&Body>, parents: &[Option<Entry>]) -> Option<Entry> {
    let changed = |entry: &&Entry| !base.is_some_and(|base| *base == Body::of(**entry));
    let mut there = parents.iter().flatten();
    there.clone().find(changed).or_else(|| there.next()).copied()
}
