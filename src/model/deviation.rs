//! Where a merge's result is not what merging its parents gives, and what is lost by that.

use bstr::BString;

use super::{Entry, TreePath};

/// A path at which the result is not what merging gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deviation {
    /// Where.
    pub path: TreePath,
    /// Where the base has it, when a side moved it.
    pub from: Option<TreePath>,
    /// What the merge base has; with several, what the first one has.
    pub base: Option<Entry>,
    /// What the parents have, in order.
    pub parents: Vec<Option<Entry>>,
    /// What the result has.
    pub result: Option<Entry>,
    /// What merging gives instead.
    pub automatic: Automatic,
}

/// What merging gives at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Automatic {
    /// One parent's entry, or nothing.
    Entry(Option<Entry>),
    /// A text of both sides.
    Text,
    /// A conflict of lines, or two kinds of thing, of which git gives one another name.
    Conflict,
    /// Another conflict: deleted and changed, or no text. Git leaves what is named here.
    Clash(Option<Entry>),
    /// Not known: too large.
    TooLarge,
}

impl Deviation {
    /// Returns whether git would have asked a person.
    pub const fn was_in_conflict(&self) -> bool {
        matches!(self.automatic, Automatic::Conflict | Automatic::Clash(_))
    }

    /// Returns whether the result is exactly what git leaves, in a conflict too.
    pub fn is_as_git_left_it(&self) -> bool {
        matches!(self.automatic, Automatic::Clash(left) if left == self.result)
    }

    /// Returns the parent whose version the result is, while merging gives something else.
    pub fn side_taken(&self) -> Option<usize> {
        self.parents.iter().position(|parent| *parent == self.result)
    }
}

/// A line that is missing, or one too many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// Its text, without line feed.
    pub text: BString,
    /// Its number in the text that had it, from 1.
    pub number: usize,
    /// A line much like it stands in the result.
    pub replaced: bool,
}

/// What a result has too little, or too much, of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signals {
    /// What only the first, and only the second side had added.
    pub lost: [Vec<Lost>; 2],
    /// What both sides have.
    pub common: Vec<Lost>,
    /// Lines that stand there more often than on either side.
    pub doubled: Vec<Lost>,
    /// What the first, and the second side had removed that is back.
    pub back: [Vec<Lost>; 2],
    /// How many different lines neither side has.
    pub own: usize,
    /// By how many lines the result differs from both sides' changes together.
    pub size: usize,
}

/// A deviation, and what it lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// Where, and how.
    pub deviation: Deviation,
    /// Line by line; empty for what is no text.
    pub signals: Signals,
}

/// Where a merge's result is not what merging gives.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Losses {
    /// By path.
    pub at: Vec<Loss>,
    /// What is usual here; `None` when that is not known.
    pub usual: Option<Usual>,
    /// The parent whose whole tree the result is, though the other side brought changes.
    pub side_taken: Option<usize>,
}

impl Losses {
    /// Returns by how many lines the result differs from both sides' changes together.
    pub fn size(&self) -> usize {
        self.at.iter().map(|loss| loss.signals.size).sum()
    }
}

/// What is usual in a repository: its merges before this one. Nothing, as long as only a few of them deviate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usual {
    /// How many were looked at.
    pub merges: usize,
    /// How many of them deviate.
    pub deviating: usize,
    /// Three quarters of those deviate by fewer lines than this.
    pub large: usize,
    /// At these paths a fifth of those deviate.
    pub often: Vec<TreePath>,
}
