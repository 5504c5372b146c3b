//! What a rule returns: a finding that has no level and no fingerprint yet.

use std::collections::BTreeMap;

use crate::model::{Level, TreePath, escape};

use super::Protection;

/// How a draft comes to its level. What `[rules]` says of the rule wins over everything but [`Weight::AtMost`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// The rule's level.
    Rule,
    /// A level of its own: that of a `[[protect]]` entry, or a higher one because the path is protected.
    Own(Level),
    /// The rule's level, but never more than this: a mild form of what the rule finds.
    AtMost(Level),
}

/// A finding in the making.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Where, for findings about one path.
    pub path: Option<TreePath>,
    /// How much it matters.
    pub weight: Weight,
    /// What was found, one line, no full stop.
    pub message: String,
    /// Facts that show it.
    pub evidence: BTreeMap<String, String>,
    /// What to do; `None`: the command that allows it.
    pub remedy: Option<String>,
    /// What tells it apart from other findings of the rule at the path; never a commit's name, because the same change
    /// has the same fingerprint whether it is predicted or made.
    pub detail: String,
}

impl Draft {
    /// Starts a finding about the whole merge.
    pub fn new(message: impl AsRef<str>) -> Self {
        Self {
            path: None,
            weight: Weight::Rule,
            message: escape(message.as_ref().as_bytes()),
            evidence: BTreeMap::new(),
            remedy: None,
            detail: String::new(),
        }
    }

    /// Starts a finding about one path.
    pub fn at(path: &TreePath, message: impl AsRef<str>) -> Self {
        Self { path: Some(path.clone()), ..Self::new(message) }
    }

    /// Sets how much it matters.
    #[must_use]
    pub fn weighing(mut self, weight: Weight) -> Self {
        self.weight = weight;
        self
    }

    /// Adds a fact, escaped for terminals.
    #[must_use]
    pub fn evidence(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.evidence.insert(name.to_owned(), escape(value.as_ref()));
        self
    }

    /// Sets what to do, escaped for terminals.
    #[must_use]
    pub fn remedy(mut self, remedy: impl AsRef<str>) -> Self {
        self.remedy = Some(escape(remedy.as_ref().as_bytes()));
        self
    }

    /// Takes the level of a `[[protect]]` entry, and says which one it is, why it is there and whom to ask.
    #[must_use]
    pub fn protected_by(self, protection: &Protection<'_>) -> Self {
        let entry = protection.entry;
        let mut draft = self.weighing(Weight::Own(protection.level)).evidence("entry", &entry.name);
        if let Some(reason) = &entry.reason {
            draft = draft.evidence("reason", reason);
        }
        if !entry.owners.is_empty() {
            draft = draft.evidence("owners", entry.owners.join(", "));
        }
        draft
    }
}
