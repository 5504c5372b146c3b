//! `.recoveryguard.toml`: what it may say, what it means, which paths it names.
//!
//! The manifest comes from a repository and is untrusted: it can't make the guard run anything, unknown keys and bad
//! patterns are errors with line and column, and its size is bounded. `docs/manifest.md` is the reference.

mod lookup;
mod names;
mod parse;
mod patterns;
mod schema;
mod starter;
mod weakened;
mod words;

pub use names::nearest_rule;
pub use parse::{ManifestError, parse};
pub use patterns::{PatternError, Patterns};
pub use schema::{
    Backup, BackupRemote, BranchRule, Contact, DataRule, DatabaseRule, Deny, Format, Manifest, MaxLoss, OnFailure,
    Policy, Protect, Root, RuleSetting, Runbook, Snapshot,
};
pub use starter::starter;
pub use weakened::weakened;
pub use words::{DEFAULT_NUMBERS, RULE_NAMES, nearest};

/// The manifest's place in a tree.
pub const FILE: &str = ".recoveryguard.toml";

#[cfg(test)]
mod docs_tests;
