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
//! of a single merge is asked elsewhere. Renames are looked for where a path went away on one side and changed on the other;
//! a folder that was renamed is seen file by file. Contents over 32 MiB are not merged.

mod ancestor;
mod content;
mod likeness;
mod lines;
mod merge3;
mod renames;
mod walk;

use crate::git::{Bases, GitError, Graph, Node, Reader};
use crate::model::{Automatic, Deviation, Entry, PathFacts, TreePath};

use ancestor::Ancestor;
use content::{Body, Outcome};
use walk::{Expected, Slot, Trees, expected};

pub use content::{Look, is_binary};
pub use lines::signals;

/// What is asked about: a merge that exists, or its parts.
#[derive(Debug, Clone)]
pub struct Merge {
    trees: Trees,
    bases: Vec<Node>,
    /// History is cut off where its bases might be.
    pub is_cut: bool,
}

impl Merge {
    /// Returns its merge bases, newest first.
    pub fn bases(&self) -> &[Node] {
        &self.bases
    }

    /// Takes a merge commit of a history.
    pub fn of_commit(graph: &Graph, bases: &mut Bases<'_>, commit: Node) -> Self {
        let parents = graph.parents(commit).to_vec();
        let (mut common, mut is_cut) = (Vec::new(), false);
        if let [first, others @ ..] = &parents[..] {
            for (place, other) in others.iter().enumerate() {
                let (found, cut) = bases.of(*first, *other);
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
        Self { trees, bases: common, is_cut }
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
pub fn compare(reader: &Reader, graph: &Graph, bases: &mut Bases<'_>, merge: &Merge) -> Result<Compared, GitError> {
    let look = Look::new(reader);
    // Bases of bases are looked for only where the bases differ and it matters.
    let mut ancestor = None;
    let mut ancestor = || ancestor.get_or_insert_with(|| Ancestor::of(graph, bases, &merge.bases)).clone();
    let mut compared = Compared::default();
    for slot in walk::slots(reader, &merge.trees)? {
        match judge(&look, &slot, &mut ancestor)? {
            None => compared.merged.push(facts(slot)),
            Some(automatic) => {
                let Slot { path, bases, parents, result } = slot;
                let base = bases.into_iter().flatten().next();
                compared.deviations.push(Deviation { path, from: None, base, parents, result, automatic });
            }
        }
    }
    if !compared.deviations.is_empty() {
        compared.moved = renames::follow(&look, &merge.trees, &mut compared.deviations)?;
        let whole = merge.trees.parents.iter().position(|parent| *parent == merge.trees.result);
        compared.side_taken = whole;
    }
    compared.deviations.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    compared.merged.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(compared)
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
fn judge(look: &Look<'_>, slot: &Slot, ancestor: &mut dyn FnMut() -> Ancestor) -> Result<Option<Automatic>, GitError> {
    let agreed = slot.bases.first().copied().flatten();
    let base = if slot.bases.iter().any(|base| *base != agreed) {
        ancestor().at(look, &slot.path)?
    } else {
        agreed.map(Body::of)
    };
    instead(look.reader, base.as_ref(), &slot.parents, slot.result)
}

/// Returns what merging gives instead of the result; `None` when it gives that.
fn instead(
    reader: &Reader,
    base: Option<&Body>,
    parents: &[Option<Entry>],
    result: Option<Entry>,
) -> Result<Option<Automatic>, GitError> {
    let plain = |body: Option<&Body>| -> Option<Option<Entry>> {
        match body {
            None => Some(None),
            Some(Body { mode, text: content::Text::Blob(oid) }) => Some(Some(Entry { mode: *mode, oid: *oid })),
            Some(_) => None,
        }
    };
    if let Some(base) = plain(base)
        && let Expected::This(entry) = expected(&[base], parents)
    {
        return Ok((entry != result).then_some(Automatic::Entry(entry)));
    }
    Ok(match content::merge_all(reader, base, parents)? {
        Outcome::Clean(None) => result.is_some().then_some(Automatic::Entry(None)),
        Outcome::Clean(Some(body)) => match result {
            Some(entry) if body.is(entry, reader)? => None,
            _ => Some(plain(Some(&body)).map_or(Automatic::Text, Automatic::Entry)),
        },
        Outcome::Conflict => Some(Automatic::Conflict),
        Outcome::Clash => Some(Automatic::Clash(left(base, parents))),
        Outcome::TooLarge => Some(Automatic::TooLarge),
    })
}

/// Returns what git leaves where it can't merge: the changed version of what the other side deleted, else the first side's.
fn left(base: Option<&Body>, parents: &[Option<Entry>]) -> Option<Entry> {
    let changed = |entry: &&Entry| !base.is_some_and(|base| *base == Body::of(**entry));
    let mut there = parents.iter().flatten();
    there.clone().find(changed).or_else(|| there.next()).copied()
}
