//! Push options on a server: by them a pusher says why something is to pass. git takes none where
//! `receive.advertisePushOptions` does not say so, and nobody can see that from outside.
//!
//! `guard install --server` says so in the repository's own configuration where nobody has said anything, and
//! `guard uninstall` takes out what it said. What somebody else has set, for or against, stays.

use super::InstallError;
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
    Ok(repo.config_add(&repo.common_dir().join("config"), KEY, "true")?)
}

/// Takes out what [`switch_on`] has written.
pub(super) fn put_back(repo: &Repo) -> Result<(), InstallError> {
    Ok(repo.config_remove(&repo.common_dir().join("config"), KEY, "true")?)
}
