//! `guard backup prune`.
//!
//! Two phases: the plan, which is told before anything goes; then the refs, one after the other. A crash in between leaves
//! fewer backups, every one of them whole, and the next prune does the rest. Objects go last: those that nothing needs and
//! that are over an hour old.

use crate::disk::{self, Durability};
use crate::git::Repo;
use crate::model::{Backup, BackupId, OperationId, Timestamp};
use crate::recover::retention::{self, Doubt, Retained, Why};
use crate::store::Store;

use super::super::data_here::here;
use super::create::repack;
use super::{BackupError, lock};

/// What goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pruned {
    /// The backups, newest first, each with why it stays; `None`: it goes.
    pub sorted: Vec<(Backup, Option<Why>)>,
    /// Why nothing goes at all, if so.
    pub nothing: Option<Nothing>,
    /// How many bytes that freed; `None` before it was done, and when nothing went.
    pub freed: Option<u64>,
}

/// Why nothing goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Nothing {
    /// No backup was made since the last prune.
    Newer,
    /// The clock may be wrong.
    Clock(Doubt),
}

impl Pruned {
    /// Returns the backups that go, oldest first.
    pub fn goes(&self) -> impl Iterator<Item = &Backup> {
        self.sorted.iter().rev().filter(|(_, why)| why.is_none()).map(|(backup, _)| backup)
    }
}

/// Says what would go.
pub fn would_prune(repo: &Repo, now: Timestamp, clock_is_right: bool) -> Result<Pruned, BackupError> {
    plan(repo, &Store::open(&repo.guard_dir())?, now, clock_is_right)
}

/// Removes what goes, after `tell` was told of it.
pub fn prune(
    repo: &Repo,
    now: Timestamp,
    clock_is_right: bool,
    tell: impl FnOnce(&Pruned),
) -> Result<Pruned, BackupError> {
    let _lock = lock(repo, now, None)?;
    let store = Store::open(&repo.guard_dir())?;
    let mut pruned = plan(repo, &store, now, clock_is_right)?;
    tell(&pruned);
    if pruned.nothing.is_some() {
        return Ok(pruned);
    }
    let mut gone = 0;
    for backup in pruned.goes() {
        store.remove_backup(&backup.id)?;
        gone += 1;
    }
    if let Some((newest, _)) = pruned.sorted.first() {
        disk::write_atomic(&marker(repo), newest.id.0.as_bytes(), Durability::Fsync, 0o600)?;
    }
    // Room is given back as far as it can be told what is needed; the next prune tries again.
    pruned.freed = (gone > 0).then(|| give_back(repo, &store, now).unwrap_or(0));
    Ok(pruned)
}

fn plan(repo: &Repo, store: &Store, now: Timestamp, clock_is_right: bool) -> Result<Pruned, BackupError> {
    let keep = here(repo)?.manifest.backup.keep;
    if keep.is_empty() {
        let file = crate::manifest::FILE;
        return Err(BackupError::Usage(format!("'{file}' does not say which backups to keep: [backup] keep")));
    }
    let (mut backups, problems) = store.backups()?;
    // What another worktree saved is no version of what stands here, and so neither keeps it nor goes for it.
    backups.retain(|backup| repo.counts_here(backup.worktree.as_ref()));
    if !problems.is_empty() {
        return Err(BackupError::Listing(problems));
    }
    let newest = backups.first().map(|backup| &backup.id);
    if newest.is_some() && newest == last(repo)?.as_ref() {
        let sorted = backups.into_iter().map(|backup| (backup, Some(Why::Rule))).collect();
        return Ok(Pruned { sorted, nothing: Some(Nothing::Newer), freed: None });
    }
    let (whys, nothing) = match retention::sort(&backups, &keep, now, clock_is_right) {
        Retained::Sorted(sorted) => (sorted.into_iter().map(|(_, why)| why).collect(), None),
        Retained::Clock(doubt) => (vec![Some(Why::Rule); backups.len()], Some(Nothing::Clock(doubt))),
    };
    Ok(Pruned { sorted: backups.into_iter().zip(whys).collect(), nothing, freed: None })
}

fn give_back(repo: &Repo, store: &Store, now: Timestamp) -> Result<u64, BackupError> {
    // What nothing needs any more comes out of the packs.
    if store.pack_bytes() > 0 {
        repack(repo, store)?;
    }
    // Snapshots are not ours to judge: as if all of them were open.
    let open = store.snapshots()?.into_iter().collect::<std::collections::BTreeSet<OperationId>>();
    let garbage = store.survey(|_| false, &open, u64::MAX, now)?.garbage;
    Ok(store.collect(&garbage, now)?)
}

/// The newest backup that the last prune saw.
fn last(repo: &Repo) -> Result<Option<BackupId>, BackupError> {
    let bytes = disk::read_own(&marker(repo), 1 << 10)?;
    Ok(bytes.and_then(|bytes| String::from_utf8(bytes).ok()).map(BackupId))
}

fn marker(repo: &Repo) -> std::path::PathBuf {
    repo.guard_dir().join("backup-pruned")
}
