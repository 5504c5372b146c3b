//! `.recoveryguard.toml`: what it may say, what it means, which paths it names.
//!
//! The manifest comes from a repository and is untrusted: it can't make the guard run anything, unknown keys and bad
//! patterns are errors with line and column, and its size is bounded.

mod schema;

pub use schema::{
    Backup, BackupRemote, BranchRule, Contact, DataRule, Deny, Format, Manifest, MaxLoss, OnFailure, Patterns, Policy,
    Protect, RuleSetting, Runbook, Snapshot,
};

/// The manifest's place in a tree.
pub const FILE: &str = ".recoveryguard.toml";
