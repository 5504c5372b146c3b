//! `guard backup list` and `guard backup show`.

use std::collections::HashSet;

use super::failure;
use crate::cli::Context;
use crate::report::{self, Exit};
use crate::routes::backup::{self, BackupError};
use crate::store::{Store, StoreError};

/// List the backups, newest first
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard backup list
  guard backup list --json

Exit codes: 0, 1 some are damaged, 2 environment error")]
pub struct Listing {}

/// Show one backup: its files, what they hold, and how to bring them back
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard backup show                          the newest
  guard backup show 20261122-224531-3fa9c1

Exit codes: 0, 1 files of it are damaged, 2 no such backup, or all of it is damaged")]
pub struct Showing {
    /// Its name, or how its name begins; the newest when none is given
    backup: Option<String>,
}

pub(super) fn list(context: &Context, _: &Listing) -> anyhow::Result<Exit> {
    let repo = context.repo()?;
    let found = match Store::open(&repo.guard_dir()) {
        Ok(store) => store.backups(),
        Err(StoreError::NoStore(_)) => Ok((Vec::new(), Vec::new())),
        Err(error) => Err(error),
    };
    let (backups, problems) = found.map_err(|error| failure(BackupError::from(error)))?;
    context.terminal.answer(|| {
        if context.json {
            report::backups_json(&backups, &problems)
        } else {
            report::backups_text(&backups, &problems, context.now())
        }
    });
    Ok(if problems.is_empty() { Exit::Fine } else { Exit::Blocked })
}

pub(super) fn show(context: &Context, arguments: &Showing) -> anyhow::Result<Exit> {
    let repo = context.repo()?;
    let found = || {
        let store = Store::open(&repo.guard_dir())?;
        let backup = match &arguments.backup {
            Some(name) => store.backup(&backup::named(&store.backup_ids()?, name)?)?,
            None => store.backups()?.0.into_iter().next().ok_or(BackupError::NoBackup)?,
        };
        let problems = store.check_backup(&backup, &mut HashSet::new())?;
        Ok((backup, problems, store.path().to_owned()))
    };
    let (backup, problems, store) = found().map_err(failure)?;
    context.terminal.answer(|| {
        if context.json {
            report::backup_json(&backup, &problems)
        } else {
            report::backup_text(&backup, &problems, &store)
        }
    });
    Ok(if problems.is_empty() { Exit::Fine } else { Exit::Blocked })
}
