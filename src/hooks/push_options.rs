//! Push options on a server: by them a pusher says why something is to pass. git takes none where
//! `receive.advertisePushOptions` does not say so, and nobody can see that from outside.
//!
//! `guard install --server` says so where nobody has said anything, in a file of ours that the repository's own
//! configuration includes ([`Include`]), and `guard uninstall` takes that out. What somebody else has set, for or against,
//! before or since, stays.

use super::InstallError;
use super::include::Include;
use super::place::real;
use crate::git::{GitError, Repo};

const KEY: &str = "receive.advertisePushOptions";

/// What the configuration says of push options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushOptions {
    /// They are taken.
    On,
    /// Somebody has set that they are not.
    Off,
    /// Nothing: they are not taken.
    Unset,
}

/// Looks what holds here.
pub fn push_options(repo: &Repo) -> Result<PushOptions, GitError> {
    if repo.config_is_true(KEY)? {
        return Ok(PushOptions::On);
    }
    Ok(if repo.config(KEY)?.is_some() { PushOptions::Off } else { PushOptions::Unset })
}

/// Has push options taken.
pub(super) fn switch_on(repo: &Repo) -> Result<(), InstallError> {
    let text =
        b"# Written by 'guard install', taken out by 'guard uninstall'.\n[receive]\n\tadvertisePushOptions = true\n";
    ours(repo).open(repo, text)
}

/// Takes out what [`switch_on`] has written.
pub(super) fn put_back(repo: &Repo) -> Result<(), InstallError> {
    ours(repo).close(repo)
}

/// What became of what [`switch_on`] has written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ours {
    /// There is nothing of it.
    Gone,
    /// It holds.
    Holds,
    /// Somebody has set something else since.
    Overruled,
}

/// Looks what became of what [`switch_on`] has written.
pub(super) fn of_ours(repo: &Repo) -> Result<Ours, GitError> {
    let ours = ours(repo);
    if !ours.is_there(repo)? {
        return Ok(Ours::Gone);
    }
    let last = repo.config_places(KEY)?.pop().and_then(|place| place.file);
    Ok(if last.is_none_or(|file| real(&file) == real(&ours.file())) { Ours::Holds } else { Ours::Overruled })
}

fn ours(repo: &Repo) -> Include {
    Include { config: repo.common_dir().join("config"), name: "recoveryguard-push-options.config".to_owned() }
}
