//! What undo will do, with what it expects to find: pure data, printable, applied only if the world still matches.
//!
//! Each step holds both directions (`from` and `to`), so that a plan that was applied tells how to go back: redo is its
//! inverse, and so is rolling back one that was interrupted.

use serde::{Deserialize, Serialize};

use super::{Entry, Mode, Oid, OperationId, Raw, RefName, TreePath};

/// The way an undo goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// A merge in progress is given up.
    Abort,
    /// Refs go back to where they were; files follow where the branch is checked out.
    MoveBack,
    /// The branch goes back, and the commits made since are made again there.
    Replay,
    /// A new commit takes the changes back.
    Revert,
    /// A squash that is not committed is taken out of index and working tree.
    Unstage,
    /// An undone operation is brought back.
    BringBack,
    /// Files get other bytes, submodules other commits in the index; refs stay.
    Restore,
}

impl Way {
    /// Returns the way that a person may ask for by this word.
    pub fn chosen(word: &str) -> Option<Self> {
        [Self::MoveBack, Self::Replay, Self::Revert].into_iter().find(|way| way.word() == word)
    }

    /// Returns the word used in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Abort => "abort",
            Self::MoveBack => "move-back",
            Self::Replay => "replay",
            Self::Revert => "revert",
            Self::Unstage => "unstage",
            Self::BringBack => "bring-back",
            Self::Restore => "restore",
        }
    }
}

/// A commit that the plan makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// Its name. A plan made at another time has another one: the committer's date is part of it.
    pub oid: Oid,
    /// The commit that is made again; `None` for one that takes changes back.
    pub replaces: Option<Oid>,
    /// The first line of its message.
    pub subject: Raw,
}

/// An entry of the stash that the plan removes, or puts back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StashStep {
    /// The stash's commit.
    pub commit: Oid,
    /// Whether it is in the list afterwards.
    pub stays: bool,
}

/// A ref that moves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefStep {
    /// The full name, or `HEAD` when detached.
    pub name: RefName,
    /// What it must be now.
    pub expect: Option<Oid>,
    /// What it becomes.
    pub to: Option<Oid>,
}

/// One entry of the index at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Slot {
    /// 0 when resolved; 1 base, 2 first parent, 3 other parent in a conflict.
    pub stage: u8,
    /// What stands there.
    pub entry: Entry,
    /// `skip-worktree`: the file is not meant to be in the working tree.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub skip_worktree: bool,
    /// `assume-unchanged`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub assume_unchanged: bool,
}

/// An index path that changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexStep {
    /// Where.
    pub path: TreePath,
    /// What must stand there now, by stage; empty: nothing.
    pub from: Vec<Slot>,
    /// What stands there afterwards; empty removes the path.
    pub to: Vec<Slot>,
}

/// Where the bytes of a file come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// A blob of the repository, written out through git's filters for that path (a link's as it is).
    Git(Oid),
    /// A blob of the store: raw bytes.
    Saved(Oid),
    /// These raw bytes.
    Bytes(Raw),
    /// Those of the file that stands there. Before anything is changed they are saved, and then said to be: no record has this.
    Here,
}

/// A file or link of the working tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkFile {
    /// File, executable or link.
    pub mode: Mode,
    /// Its permission bits, where they matter: git does not track it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bits: Option<u32>,
    /// Its content, or a link's target.
    pub source: Source,
}

impl WorkFile {
    /// Returns whether it has just these raw bytes.
    pub fn holds(&self, bytes: &[u8]) -> bool {
        matches!(&self.source, Source::Bytes(own) if own[..] == *bytes)
    }

    /// The same with these raw bytes.
    #[must_use]
    pub fn with(self, bytes: Vec<u8>) -> Self {
        Self { source: Source::Bytes(Raw::from(bytes)), ..self }
    }
}

/// A file of the working tree that changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkStep {
    /// Where.
    pub path: TreePath,
    /// The mode of what must stand there now, and its raw bytes' name as a blob; `None`: nothing stands there.
    pub expect: Option<Entry>,
    /// How that can be brought back.
    pub from: Option<WorkFile>,
    /// What stands there afterwards; `None` removes the file.
    pub to: Option<WorkFile>,
}

/// A file in git's folder that changes (`MERGE_HEAD`, `MERGE_MSG` …): git would change it too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateStep {
    /// Its name.
    pub name: String,
    /// Its bytes now; `None`: it is not there.
    pub from: Option<Raw>,
    /// Its bytes afterwards; `None` removes it.
    pub to: Option<Raw>,
}

/// The trees whose `.gitattributes` say how files are written out; `None`: those of the working tree, which the plan
/// does not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Attributes {
    /// For what stands there now.
    pub from: Option<Oid>,
    /// For what stands there afterwards.
    pub to: Option<Oid>,
}

/// A path that can't be taken back without losing something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// Where.
    pub path: TreePath,
    /// What would be lost.
    pub why: String,
    /// What kind of hindrance that is.
    #[serde(default)]
    pub against: Against,
}

/// What stands against changing a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Against {
    /// Another thing stands there, or nothing: only the whole file could be put in its place.
    #[default]
    Whole,
    /// Texts that overlap: conflict markers could hold both.
    Overlap,
    /// Something beside it that does not give way.
    InTheWay,
}

/// The whole plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Which way.
    pub way: Way,
    /// Why this way, one sentence.
    pub why: String,
    /// The operation that is taken back; `None` for one found in the reflog.
    pub operation: Option<OperationId>,
    /// The commit that the operation left.
    #[serde(default)]
    pub undone: Option<Oid>,
    /// Whether others have that commit: a remote-tracking branch contains it.
    #[serde(default)]
    pub pushed: bool,
    /// HEAD's branch as a full name; `None` when detached.
    pub branch: Option<RefName>,
    /// HEAD's commit now; `None` when unborn.
    pub head: Option<Oid>,
    /// Commits that are made, oldest first.
    #[serde(default)]
    pub made: Vec<Made>,
    /// Refs, in order.
    pub refs: Vec<RefStep>,
    /// How files are written out.
    pub attributes: Attributes,
    /// Contents that the index gets and that are no objects yet.
    pub blobs: Vec<Raw>,
    /// Index paths, by path.
    pub index: Vec<IndexStep>,
    /// Files, by path.
    pub work: Vec<WorkStep>,
    /// Files in git's folder, in the order in which they change.
    pub state: Vec<StateStep>,
    /// An entry of the stash.
    #[serde(default)]
    pub stash: Option<StashStep>,
    /// Touched paths at which later edits survive.
    pub kept: Vec<TreePath>,
    /// Those of them at which they overlap with what comes back, and stay.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<TreePath>,
    /// What speaks against it: when not empty, nothing is applied.
    pub conflicts: Vec<Conflict>,
    /// Paths that stay as they are, though something was to come back there: the rest is applied.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_alone: Vec<Conflict>,
    /// What the user should know beforehand, one sentence each.
    pub notes: Vec<String>,
}

impl Plan {
    /// Returns HEAD's commit once the plan is applied.
    pub fn head_afterwards(&self) -> Option<Oid> {
        let is_head = |step: &&RefStep| step.name.as_bstr() == "HEAD" || Some(&step.name) == self.branch.as_ref();
        self.refs.iter().find(is_head).map_or(self.head, |step| step.to)
    }

    /// Returns whether everything is already as it is meant to be.
    pub const fn changes_nothing(&self) -> bool {
        let Self { made, refs, index, work, state, stash, .. } = self;
        made.is_empty() && refs.is_empty() && index.is_empty() && work.is_empty() && state.is_empty() && stash.is_none()
    }

    /// Returns whether it matters where HEAD is: index entries, state files and HEAD's branch belong to it.
    pub fn needs_head(&self) -> bool {
        let is_head = |step: &RefStep| step.name.as_bstr() == "HEAD" || Some(&step.name) == self.branch.as_ref();
        !self.index.is_empty() || !self.state.is_empty() || self.refs.iter().any(is_head)
    }

    /// Names the plan: `<command>.<what>.<way>.<fingerprint>`. Two plans have the same name when they do the same to the same
    /// world; only the names of the commits that they make differ, because those hold the time.
    pub fn id(&self, command: &str) -> String {
        // Asked for or chosen: the same is done. And whether git still has what the index gets does not matter.
        let same = Self { why: String::new(), blobs: Vec::new(), ..self.clone() };
        let mut json = serde_json::to_string(&same).unwrap_or_default();
        for (place, made) in self.made.iter().enumerate() {
            json = json.replace(&made.oid.to_string(), &format!("made {place}"));
        }
        let commit = || self.undone.or(self.head).map_or_else(|| "nothing".to_owned(), |oid| oid.to_string());
        let what = self.operation.as_ref().map_or_else(commit, |operation| operation.0.clone());
        let sum = super::fingerprint(&[json.as_bytes()]);
        format!("{command}.{what}.{}.{sum}", self.way.word())
    }
}
