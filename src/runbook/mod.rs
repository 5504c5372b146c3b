//! A repository's written recovery procedure: the same tables that drills run, as a page for somebody at 3 a.m.
//!
//! ```text
//! subjects    manifest + tracked paths        -> the file of each kind that commands name
//! page        manifest + subjects + catalogue -> Markdown, always the same for the same input
//! start, standing, incidents, after              its parts, in their order
//! check       Markdown                        -> what is wrong with it: links that lead nowhere, contacts that are missing
//! ```
//!
//! Results and dates are not in it: the page is checked in, and `guard runbook --check` compares it.

mod after;
mod check;
mod incidents;
mod markdown;
mod page;
mod standing;
mod start;
mod subjects;

pub use check::{commands, faults, words};
pub use page::page;
pub use subjects::{Subject, subjects};

/// Where it stands in a repository.
pub const FILE: &str = "docs/recovery_procedure.md";
