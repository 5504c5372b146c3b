//! What git (or a person) asked: the decoded call.

use super::{Oid, RefName};

/// The hooks that `guard install` puts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hook {
    /// Every ref update, in phases; the gate stands here.
    ReferenceTransaction,
    /// Before the commit of a clean merge.
    PreMergeCommit,
    /// Before any other commit: conclusions of merges and squashes.
    PreCommit,
    /// While the message is prepared.
    PrepareCommitMsg,
    /// After a merge.
    PostMerge,
    /// After a commit.
    PostCommit,
    /// After a checkout.
    PostCheckout,
    /// After amend and rebase.
    PostRewrite,
    /// Before a rebase.
    PreRebase,
    /// Before a push.
    PrePush,
    /// On a server, before refs move.
    PreReceive,
}

impl Hook {
    /// Those of a clone, in the order in which they are installed.
    pub const ALL: [Self; 10] = [
        Self::ReferenceTransaction,
        Self::PreMergeCommit,
        Self::PreCommit,
        Self::PrepareCommitMsg,
        Self::PostMerge,
        Self::PostCommit,
        Self::PostCheckout,
        Self::PostRewrite,
        Self::PreRebase,
        Self::PrePush,
    ];

    /// Those of a server.
    pub const SERVER: [Self; 1] = [Self::PreReceive];

    /// Returns git's name of the hook, which is its file name too.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReferenceTransaction => "reference-transaction",
            Self::PreMergeCommit => "pre-merge-commit",
            Self::PreCommit => "pre-commit",
            Self::PrepareCommitMsg => "prepare-commit-msg",
            Self::PostMerge => "post-merge",
            Self::PostCommit => "post-commit",
            Self::PostCheckout => "post-checkout",
            Self::PostRewrite => "post-rewrite",
            Self::PreRebase => "pre-rebase",
            Self::PrePush => "pre-push",
            Self::PreReceive => "pre-receive",
        }
    }

    /// Finds a hook by git's name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().chain(Self::SERVER).find(|hook| hook.name() == name)
    }

    /// Returns whether the hook runs after the fact, where its exit status can prevent nothing.
    pub const fn is_after(self) -> bool {
        matches!(self, Self::PostMerge | Self::PostCommit | Self::PostCheckout | Self::PostRewrite)
    }
}

/// The phase of a reference transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransactionState {
    /// git ≥ 2.54, before locks are taken.
    Preparing,
    /// Locks are held; exit ≠ 0 refuses.
    Prepared,
    /// Done.
    Committed,
    /// Given up; also seen on paths that succeed.
    Aborted,
    /// A state of a later git: never a reason to refuse.
    Unknown,
}

/// One line of a reference transaction, or one ref that an operation moved.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RefMove {
    /// The full ref name, `HEAD` and pseudo-refs included.
    pub name: RefName,
    /// The value before; `None` when it did not exist.
    pub old: Option<Oid>,
    /// The value after; `None` when it is deleted.
    pub new: Option<Oid>,
}

/// One ref that a push changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    /// The full name here; `HEAD` and `(delete)` are others.
    pub local: RefName,
    /// What the remote gets; `None` deletes.
    pub new: Option<Oid>,
    /// The full name there.
    pub remote: RefName,
    /// What the remote has, as far as it told; `None` when the ref is new.
    pub old: Option<Oid>,
}

/// One head that a merge brings in.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Incoming {
    /// The commit.
    pub oid: Oid,
    /// What it was called (`feat`, `origin/main`); never empty: at least the object name.
    pub names: Vec<RefName>,
}

impl Incoming {
    /// Returns the name by which people know it; `None` where only the object's name is known.
    pub fn name(&self) -> Option<&RefName> {
        self.names.first().filter(|name| name[..] != *self.oid.to_string().as_bytes())
    }
}
