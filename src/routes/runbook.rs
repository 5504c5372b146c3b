//! `guard runbook`: what the page is written from, and what has been rehearsed lately.

use super::data_here::here;
use crate::drill::{REGISTER, Receipt, RehearsedThen, newest_receipts};
use crate::git::{GitError, Repo};
use crate::manifest::Manifest;
use crate::model::{Timestamp, TreePath};

/// What the page is written from.
pub struct Grounds {
    /// The working tree's manifest.
    pub manifest: Manifest,
    /// The paths that git tracks.
    pub tracked: Vec<TreePath>,
}

/// Why the page can't be written.
#[derive(Debug, thiserror::Error)]
pub enum RunbookError {
    /// git could not be asked.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The manifest can't be used.
    #[error("{0}")]
    Manifest(String),
}

/// Reads what the page is written from.
pub fn grounds(repo: &Repo) -> Result<Grounds, RunbookError> {
    let manifest = here(repo).map_err(|error| RunbookError::Manifest(error.to_string()))?.manifest;
    let entries = repo.index_entries(&repo.own_index_file())?.into_iter();
    let tracked = entries.filter(|entry| entry.entry.mode.is_regular()).map(|entry| entry.path).collect();
    Ok(Grounds { manifest, tracked })
}

/// When an incident was rehearsed last.
#[derive(Debug, Clone)]
pub struct Practice {
    /// The incident's name.
    pub scenario: &'static str,
    /// The newest drill of it, and when that was.
    pub newest: Option<(Timestamp, RehearsedThen)>,
}

/// Returns for each incident of the catalogue when it was rehearsed last here.
pub fn practice(repo: &Repo) -> Vec<Practice> {
    let receipts = newest_receipts(&repo.guard_dir());
    let newest = |name: &str| {
        let drill = |receipt: &Receipt| {
            receipt.drills.iter().find(|drill| drill.scenario == name).map(|drill| (receipt.at, drill.clone()))
        };
        receipts.iter().find_map(drill)
    };
    REGISTER.iter().map(|scenario| Practice { scenario: scenario.name, newest: newest(scenario.name) }).collect()
}
