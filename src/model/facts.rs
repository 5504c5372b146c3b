//! What is true of one merge, gathered once; rules see nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;

use bstr::BString;

use super::{Entry, Held, Incoming, Losses, Oid, Raw, RefName, TreePath};

/// The branch that is merged into.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Target {
    /// The short branch name (`main`); `None` when HEAD is detached.
    pub branch: Option<RefName>,
    /// The first parent; `None` when the branch is unborn.
    pub tip: Option<Oid>,
}

impl Target {
    /// Returns whether what comes in has the name of the branch itself: it is a remote's, which is pulled.
    pub fn has_namesake(&self, incoming: &Incoming) -> bool {
        self.branch.is_some() && incoming.name() == self.branch.as_ref()
    }
}

/// The form of a merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// The result is the other parent.
    FastForward,
    /// Two parents.
    Merge,
    /// Three or more parents.
    Octopus,
    /// No second parent in the commit, but one in fact.
    Squash,
}

/// How the result is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResultKind {
    /// Computed before git did anything. `certain` is false when a strategy or option that could not be predicted
    /// may give another result.
    Predicted {
        /// Whether git will come to this very tree, apart from conflicts.
        certain: bool,
    },
    /// Known before git did anything: the strategy `ours` was asked for, which keeps the first parent's tree whatever
    /// comes in.
    Ours,
    /// Read from the index or a commit.
    Actual,
}

/// Where a path that went away lives on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// The new place.
    pub to: TreePath,
    /// Percent of the content that is alike, 100 when equal.
    pub similarity: u8,
}

/// One path at which the result differs from the first parent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathFacts {
    /// Where.
    pub path: TreePath,
    /// The entry in the first parent (the tip merged into).
    pub first: Option<Entry>,
    /// The entry in the result.
    pub result: Option<Entry>,
    /// The entries in the other parents, in their order.
    pub others: Vec<Option<Entry>>,
    /// The entries in the merge bases, in their order.
    pub bases: Vec<Option<Entry>>,
    /// git will leave this path in conflict: its result is not known yet. Only in predictions.
    pub conflicted: bool,
    /// For a path that goes away: where its content lives on in the result.
    pub moved: Option<Moved>,
    /// For a path that the merge brings: another path (file or folder) of the result whose name differs only in case.
    pub case_twin: Option<TreePath>,
    /// The attribute `conflict-marker-size`; 7 where it is not set.
    pub marker_size: usize,
}

impl PathFacts {
    /// Returns whether the result's content stands in no parent: git (or a person) put it together.
    pub fn is_merged_content(&self) -> bool {
        let Some(result) = self.result else { return false };
        let parents = || std::iter::once(&self.first).chain(&self.others).flatten();
        result.mode.is_regular() && !self.conflicted && !parents().any(|parent| parent.oid == result.oid)
    }
}

impl PathFacts {
    /// Returns whether something else, or nothing, stands in the place of a file: of the first parent's, or where no parent has that
    /// either, of any parent's.
    pub fn replaces_file(&self) -> bool {
        let is_file = |entry: &Option<Entry>| entry.is_some_and(|entry| entry.mode.is_regular());
        let is_new = || self.first != self.result && !self.others.contains(&self.result);
        !is_file(&self.result) && (is_file(&self.first) || is_new() && self.others.iter().any(is_file))
    }

    /// Returns whether the result is what merging gives without a look at contents: only some parents changed the path, all to
    /// this.
    pub fn is_undisputed(&self) -> bool {
        let Some(base) = self.bases.first().filter(|base| self.bases.iter().all(|other| other == *base)) else {
            return false;
        };
        let mut changed = std::iter::once(&self.first).chain(&self.others).filter(|parent| *parent != base);
        changed.all(|parent| *parent == self.result)
    }
}

/// A data file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFacts {
    /// Where each version stands.
    pub entries: PathFacts,
    /// What each version holds, by blob.
    pub held: BTreeMap<Oid, Held>,
}

/// A blob's content as far as it could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// All of it.
    Bytes(Arc<BString>),
    /// Larger than the limit; the size in bytes.
    TooLarge(u64),
}

/// Why a file of the working tree would be lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LocalKind {
    /// git does not track it, and it is in the way: git overwrites ignored files without a word.
    Untracked,
    /// Tracked, and not what the first parent has.
    Dirty,
}

/// A file of the working tree at a path that the merge writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalFile {
    /// Where.
    pub path: TreePath,
    /// Why it matters.
    pub kind: LocalKind,
    /// Whether the bytes are in the store now.
    pub saved: bool,
}

/// How a database is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Another process holds a lock on it: it reads, it writes, or it has it open in WAL mode.
    Locked {
        /// Which, where the system tells; a process in another container has no number here.
        pid: Option<i32>,
    },
    /// Its write-ahead log holds so many frames: their rows are not in the file, and would be written into a new one.
    Wal {
        /// How many; of many not all are counted.
        frames: u64,
    },
    /// Its rollback journal is that of a transaction that was cut off; it would be rolled back into a new file.
    Journal,
}

/// A database of the working tree that is in use, and in whose place the merge puts something else or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InUse {
    /// Where.
    pub path: TreePath,
    /// How.
    pub how: Use,
}

/// A side of a merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The branch merged into.
    Into,
    /// What comes in.
    Incoming,
}

/// An earlier merge that one side has taken back while the other side builds on what it brought, so that the result
/// lacks it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevertedMerge {
    /// The side that took it back.
    pub side: Side,
    /// Which of the incoming heads it is about.
    pub head: usize,
    /// The earlier merge; `None` for a fast-forward, which makes none.
    pub merge: Option<Oid>,
    /// The commit that took it back; of several the last one.
    pub revert: Oid,
    /// That commit's author.
    pub author: Raw,
    /// That commit's subject.
    pub subject: Raw,
    /// The number of commits that the merge had brought.
    pub commits: usize,
    /// The subjects of the newest of them.
    pub subjects: Vec<Raw>,
    /// The paths at which the result lacks their work.
    pub paths: Vec<TreePath>,
    /// The number of paths that the merge had changed.
    pub of: usize,
    /// Whether the branch merged into is checked out here.
    pub into_is_head: bool,
    /// Whether HEAD contains the revert.
    pub revert_is_in_head: bool,
}

/// A submodule that the merge takes back to a commit that the first parent's own history has had before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewound {
    /// Where.
    pub path: TreePath,
    /// The commit that had moved on from it.
    pub left_by: Oid,
}

/// A commit of the first parent's own history that a result without a three-way view takes back, and nobody says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenBack {
    /// The commit.
    pub commit: Oid,
    /// Its author.
    pub author: Raw,
    /// Its subject.
    pub subject: Raw,
    /// The paths that are byte for byte what they were before it, in byte order.
    pub paths: Vec<TreePath>,
    /// All paths that it had changed, in byte order.
    pub all: Vec<TreePath>,
    /// Whether it is somebody else's work.
    pub of_others: bool,
    /// Whether it goes in passing: what takes it back changes other files, too.
    pub beside: bool,
}

/// Everything that rules may know of one merge.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The branch merged into.
    pub into: Target,
    /// The heads that come in; empty for a plain commit.
    pub incoming: Vec<Incoming>,
    /// All best common ancestors of the first parent and the incoming heads; empty when there are none.
    pub merge_bases: Vec<Oid>,
    /// The commit of the merge, where it is looked at as one of a history.
    pub commit: Option<Oid>,
    /// The form.
    pub shape: Shape,
    /// How `paths[..].result` is known.
    pub result: ResultKind,
    /// The result's tree; in a predicted conflict it holds files with markers.
    pub result_tree: Option<Oid>,
    /// Every path at which the result differs from the first parent, in byte order; with them every path that will
    /// conflict, and submodules, files with keys and data of which it kept the first parent's version though another parent changed them.
    pub paths: Vec<PathFacts>,
    /// The number of files in the first parent's tree, counted only as far as `mass-delete` needs it: a number at the
    /// bound means "at least".
    pub first_files: usize,
    /// The contents that rules need, by blob.
    pub contents: BTreeMap<Oid, Content>,
    /// The files that the manifest names as data, where the merge touches them.
    pub data: BTreeMap<TreePath, DataFacts>,
    /// Files of the working tree that are in the way.
    pub local: Vec<LocalFile>,
    /// Databases of the working tree that the merge replaces while they are in use.
    pub in_use: Vec<InUse>,
    /// Where the result is not what merging gives; only for results that exist.
    pub losses: Losses,
    /// Submodules that go back to an earlier commit.
    pub rewound: Vec<Rewound>,
    /// Commits that are taken back without a word; only where the first parent is the merge base.
    pub taken_back: Vec<TakenBack>,
    /// Earlier merges whose work the result lacks because one side took them back; the latest first.
    pub reverted: Vec<RevertedMerge>,
}

impl Facts {
    /// Returns the content of an entry's blob if it was gathered and is not too large.
    pub fn bytes(&self, entry: Option<Entry>) -> Option<&[u8]> {
        match self.contents.get(&entry?.oid)? {
            Content::Bytes(bytes) => Some(bytes.as_slice()),
            Content::TooLarge(_) => None,
        }
    }
}
