//! Operations: recorded changes of the repository, and the records they are made of.
//!
//! `docs/journal-format.md` describes the same from the outside. Types here are what the journal stores: a field may
//! be added (with a default), none renamed.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Finding, Incoming, Mode, Oid, Raw, RefMove, RefName, Timestamp, TreePath, Verdict};

/// The name of an operation: `20261122-224531-3fa9c1`. Sorts by time, can stand in a ref name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OperationId(pub String);

impl fmt::Display for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&super::escape(self.0.as_bytes()))
    }
}

/// Which worktree: `.` for the main one, `worktrees/<id>` for a linked one. Never an absolute path, so that a copied
/// repository keeps its history.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WorktreeId(pub RefName);

/// What kind of command it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// `git merge`, fast-forwards included.
    Merge,
    /// `git pull` that merges or fast-forwards.
    Pull,
    /// `git merge --squash`; its commit is an operation of its own.
    Squash,
    /// An ordinary commit.
    Commit,
    /// `git commit --amend`.
    Amend,
    /// `git rebase`, `git pull --rebase`.
    Rebase,
    /// `git reset`.
    Reset,
    /// `git checkout`, `git switch`.
    Checkout,
    /// `git cherry-pick`.
    CherryPick,
    /// `git revert`.
    Revert,
    /// `git am`.
    Am,
    /// `git branch`: made, moved, renamed, deleted.
    Branch,
    /// `guard undo-merge`, `guard undo`.
    Undo,
    /// `guard redo`.
    Redo,
    /// `guard restore`.
    Restore,
    /// Anything else that moved a branch.
    Other,
    /// A branch moved and no hook saw it.
    External,
}

impl Kind {
    /// Returns the word for people.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::Pull => "pull",
            Self::Squash => "squash",
            Self::Commit => "commit",
            Self::Amend => "amend",
            Self::Rebase => "rebase",
            Self::Reset => "reset",
            Self::Checkout => "checkout",
            Self::CherryPick => "cherry-pick",
            Self::Revert => "revert",
            Self::Am => "am",
            Self::Branch => "branch",
            Self::Undo => "undo",
            Self::Redo => "redo",
            Self::Restore => "restore",
            Self::Other => "other",
            Self::External => "external",
        }
    }

    /// Returns whether it brings another line into the branch.
    pub const fn is_merge(self) -> bool {
        matches!(self, Self::Merge | Self::Pull | Self::Squash)
    }

    /// Returns whether it is a change of ours, made by applying a plan.
    pub const fn is_ours(self) -> bool {
        matches!(self, Self::Undo | Self::Redo | Self::Restore)
    }
}

/// A file whose bytes are in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedFile {
    /// Where it was.
    pub path: TreePath,
    /// File, executable or link.
    pub mode: Mode,
    /// The blob in the store (SHA-1, whatever the repository's hash): raw bytes, or a link's target.
    pub blob: Oid,
    /// Whether git tracked the path at that time.
    pub tracked: bool,
    /// The permission bits of one that git did not track.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bits: Option<u32>,
}

/// A file that was not saved, and why. Undo never touches it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsaved {
    /// Where it is.
    pub path: TreePath,
    /// `larger than max_file`, `over max_total`, `not readable: …`, `nested repository` …
    pub why: String,
}

/// A version of a file that only the index had: staged, in no commit, and not what stands on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedVersion {
    /// Where it was staged.
    pub path: TreePath,
    /// The blob as the repository names it. Once the index no longer does, git may collect it.
    pub oid: Oid,
    /// The same bytes in the store.
    pub blob: Oid,
}

/// A file of git's own folder (`MERGE_HEAD`, `rebase-merge/onto` …).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedState {
    /// Its name there.
    pub name: TreePath,
    /// Its bytes in the store.
    pub blob: Oid,
}

/// What was saved before an operation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    /// The ref in the store that keeps the bytes, if any were saved.
    #[serde(default)]
    pub snapshot: Option<String>,
    /// The saved files.
    #[serde(default)]
    pub files: Vec<SavedFile>,
    /// The files that were not: the operation is *partial*.
    #[serde(default)]
    pub unsaved: Vec<Unsaved>,
    /// Versions that only the index had.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub staged: Vec<SavedVersion>,
    /// Such versions that were not saved.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unsaved_staged: Vec<Unsaved>,
    /// Git's state files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub state: Vec<SavedState>,
    /// Whether the index as it was is kept under the operation's name.
    #[serde(default)]
    pub index: bool,
}

impl Saved {
    /// Returns whether something is missing: the operation is *partial*.
    pub fn is_partial(&self) -> bool {
        !self.unsaved.is_empty() || !self.unsaved_staged.is_empty()
    }
}

/// Written before the effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// What kind of command.
    pub kind: Kind,
    /// In which worktree.
    pub worktree: WorktreeId,
    /// HEAD's branch as a full ref name; `None` when detached.
    pub branch: Option<RefName>,
    /// HEAD's commit before; `None` when unborn.
    pub head: Option<Oid>,
    /// The heads that come in.
    #[serde(default)]
    pub incoming: Vec<Incoming>,
    /// `GIT_REFLOG_ACTION` or the command line, for people.
    #[serde(default)]
    pub action: Raw,
    /// What was saved before.
    #[serde(default)]
    pub saved: Saved,
    /// The tree that git was predicted to come to.
    #[serde(default)]
    pub predicted: Option<Oid>,
    /// For undo and redo: the operation that is taken back.
    #[serde(default)]
    pub of: Option<OperationId>,
    /// For undo and redo: the refs that will move, so that an interrupted one can be finished or rolled back.
    #[serde(default)]
    pub planned: Vec<RefMove>,
}

/// A verdict that was given, by one hook or command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    /// The hook's or route's name.
    pub route: String,
    /// What it said.
    pub verdict: Verdict,
    /// The tree that was judged.
    #[serde(default)]
    pub tree: Option<Oid>,
    /// What was found; what stands here has been said to the user.
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// Why it could not judge, if so.
    #[serde(default)]
    pub failure: Option<String>,
}

/// How an operation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It took effect.
    Done,
    /// The guard refused it; nothing was changed.
    Refused,
    /// It ended without an effect on refs (git gave up, or it was aborted).
    Abandoned,
    /// `git merge --squash` left its result in the index, to be committed.
    Staged,
}

/// Written after the effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// How it ended.
    pub status: Status,
    /// The refs that moved.
    #[serde(default)]
    pub moved: Vec<RefMove>,
}

/// What `guard allow` lets pass: one rule, for one set of incoming commits into one tip.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowance {
    /// The rule.
    pub rule: String,
    /// One path, or every path.
    pub path: Option<TreePath>,
    /// Why.
    pub reason: String,
    /// The branch as a full ref name; `None` when detached.
    pub branch: Option<RefName>,
    /// The tip merged into.
    pub tip: Option<Oid>,
    /// The incoming heads.
    pub incoming: Vec<Oid>,
}

/// What a record says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
#[expect(clippy::large_enum_variant, reason = "records are read and folded one by one")]
pub enum Body {
    /// Something is about to happen.
    Intent(Intent),
    /// It was judged.
    Judgement(Judgement),
    /// It happened, or did not.
    Outcome(Outcome),
    /// Findings may pass.
    Allowance(Allowance),
}

/// One immutable file of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The operation it belongs to; allowances belong to none.
    #[serde(default)]
    pub operation: Option<OperationId>,
    /// When it was written.
    pub at: Timestamp,
    /// The guard's version that wrote it.
    pub guard: String,
    /// What it says.
    pub body: Body,
}

/// An operation as its records together tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Its name.
    pub id: OperationId,
    /// When it began.
    pub at: Timestamp,
    /// What was about to happen.
    pub intent: Intent,
    /// The verdicts given, oldest first.
    pub judgements: Vec<Judgement>,
    /// How it ended, once it has.
    pub outcome: Option<Outcome>,
    /// The undo operation that took it back, if one did and was not taken back itself.
    pub undone_by: Option<OperationId>,
}

impl Operation {
    /// Returns HEAD's commit after the operation, as far as its outcome tells: the branch's new value, or HEAD's.
    pub fn head_after(&self) -> Option<Oid> {
        let moved = &self.outcome.as_ref()?.moved;
        let of = |name: &[u8]| moved.iter().find(|step| step.name.as_bstr() == name);
        let branch = self.intent.branch.as_ref().and_then(|branch| of(branch));
        branch.or_else(|| of(b"HEAD")).and_then(|step| step.new)
    }

    /// Returns whether a finding with this fingerprint was already shown for this operation.
    pub fn has_said(&self, fingerprint: &str) -> bool {
        self.judgements.iter().flat_map(|judgement| &judgement.findings).any(|said| said.fingerprint == fingerprint)
    }
}
