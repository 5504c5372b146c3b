//! `RecoveryGuard` judges git merges before they touch a file, and takes bad ones back without losing work.

pub mod cli;
pub mod disk;
pub mod facts;
pub mod git;
pub mod hooks;
pub mod journal;
pub mod manifest;
pub mod model;
pub mod report;
pub mod rules;
pub mod store;
pub mod undo;
pub mod validate;
