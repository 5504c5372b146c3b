//! What undo will do, with what it expects to find: pure data, printable, applied only if the world still matches.

use super::{Entry, Mode, Oid, OperationId, RefName, TreePath};

/// The way an undo goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// A merge in progress is given up.
    Abort,
    /// The branch goes back to where it was.
    MoveBack,
    /// A squash that is not committed is taken out of index and working tree.
    Unstage,
    /// An undone operation is brought back.
    BringBack,
}

/// A ref that moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefStep {
    /// The full name, or `HEAD` when detached.
    pub name: RefName,
    /// What it must be now.
    pub expect: Option<Oid>,
    /// What it becomes.
    pub to: Option<Oid>,
}

/// An index entry that changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexStep {
    /// Where.
    pub path: TreePath,
    /// What stands there afterwards; `None` removes the path.
    pub to: Option<Entry>,
}

/// A file of the working tree that changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkStep {
    /// Where.
    pub path: TreePath,
    /// The SHA-1 of the bytes (as a blob) that must stand there now, with their mode; `None`: nothing stands there.
    pub expect: Option<Entry>,
    /// What stands there afterwards: mode and raw bytes; `None` removes the file.
    pub to: Option<(Mode, Vec<u8>)>,
}

/// A path that can't be taken back without losing something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Where.
    pub path: TreePath,
    /// What would be lost.
    pub why: String,
}

/// The whole plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Which way.
    pub way: Way,
    /// Why this way, one sentence.
    pub why: String,
    /// The operation that is taken back; `None` for one found in the reflog.
    pub operation: Option<OperationId>,
    /// Refs, in order.
    pub refs: Vec<RefStep>,
    /// Index entries, by path.
    pub index: Vec<IndexStep>,
    /// Files, by path.
    pub work: Vec<WorkStep>,
    /// Files in git's folder that go (`MERGE_HEAD`, `MERGE_MSG` …) because git would remove them too.
    pub state_files: Vec<&'static str>,
    /// What speaks against it: when not empty, nothing is applied.
    pub conflicts: Vec<Conflict>,
    /// What the user should know beforehand, one sentence each.
    pub notes: Vec<String>,
}
