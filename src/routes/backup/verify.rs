//! `guard backup verify`: whether what was saved is still there, and comes back.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufReader, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::disk::{self, Durability, Root};
use crate::git::Repo;
use crate::model::{BackedUp, Backup, BackupId, Mode, UnsavedDatabase};
use crate::store::{Problem, Store, backup_ref};

use super::super::data_here::Scratch;
use super::BackupError;
use super::databases::Dumps;
use super::remedy::{Remedy, remedy};
use super::seen::Seen;

/// How much is looked at; each level includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Every backup can be read, and its files are there.
    Refs,
    /// Every byte has the hash that names it, and a dump has a table of contents.
    Bytes,
    /// Every file comes back, byte for byte, in a scratch folder, and every dump in a scratch database.
    Restore,
}

/// What was looked at, and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// How much was looked at.
    pub level: Level,
    /// How many backups.
    pub backups: usize,
    /// How many files of them.
    pub files: usize,
    /// How many databases of them.
    pub databases: usize,
    /// The bytes of both.
    pub bytes: u64,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// What to do about it.
    pub remedies: Vec<Remedy>,
    /// Databases of which nothing more could be found out than that their bytes are whole, each with why; escaped.
    pub unchecked: Vec<UnsavedDatabase>,
}

/// Verifies one backup, or all; an error when there is none, which is not to be taken for all being well.
pub fn verify(repo: &Repo, only: Option<&BackupId>, level: Level) -> Result<Verified, BackupError> {
    let store = Store::open(&repo.guard_dir())?;
    let (mut backups, mut problems) = store.backups()?;
    if let Some(only) = only {
        let name = backup_ref(only)?;
        backups.retain(|backup| backup.id == *only);
        problems.retain(|problem| problem.snapshot == name);
    }
    if backups.is_empty() && problems.is_empty() {
        return Err(BackupError::NoBackup);
    }
    let (mut there, mut read) = (HashSet::new(), HashSet::new());
    let mut dumps = Dumps::new(repo, &store, level);
    for backup in &backups {
        let mut found = store.check_backup(backup, &mut there)?;
        if level >= Level::Bytes {
            found.extend(store.read_through(backup, &mut read)?);
        }
        if level >= Level::Restore && found.is_empty() {
            found.extend(comes_back(repo, &store, backup)?);
        }
        if level >= Level::Bytes && found.is_empty() {
            found.extend(dumps.look_at(backup)?);
        }
        problems.extend(found);
    }
    if level >= Level::Bytes && only.is_none() {
        problems.extend(packs(repo, &store)?);
    }
    if !problems.is_empty() {
        Seen::forget(repo);
    }
    let files = backups.iter().map(|backup| backup.files.len()).sum();
    let bytes = backups.iter().map(Backup::size).sum();
    let databases = backups.iter().map(|backup| backup.databases.len()).sum();
    let mut remedies: Vec<Remedy> = Vec::new();
    for remedy in problems.iter().filter_map(|problem| remedy(repo, problem)) {
        if !remedies.contains(&remedy) {
            remedies.push(remedy);
        }
    }
    let (backups, unchecked) = (backups.len(), dumps.unchecked);
    Ok(Verified { level, backups, files, databases, bytes, problems, remedies, unchecked })
}

/// Lets git look at the packs: their own checksums stand in no object.
fn packs(repo: &Repo, store: &Store) -> Result<Vec<Problem>, BackupError> {
    // Large objects as streams, and a small part of the pack in memory.
    const SETTINGS: &[&str] = &["core.bigFileThreshold=16m", "core.packedGitWindowSize=1m", "core.packedGitLimit=32m"];
    let mut problems = Vec::new();
    for entry in std::fs::read_dir(store.path().join("objects/pack")).into_iter().flatten().flatten() {
        if entry.path().extension().is_none_or(|extension| extension != "idx") {
            continue;
        }
        let git = repo.git_in(store.path(), SETTINGS, "verify-pack");
        let index = entry.path();
        // What packs the store anew, here or for a guard that was killed, may have removed it meanwhile.
        let is_there = || index.exists() && index.with_extension("pack").exists();
        if git.arg("--").arg(&index).run()?.success().is_err() && is_there() {
            let snapshot = crate::model::escape(entry.file_name().as_bytes());
            let why = "a checksum in it is wrong, says git verify-pack".to_owned();
            problems.push(Problem { snapshot, path: None, why });
        }
    }
    Ok(problems)
}

/// Writes every file of a backup into a scratch folder, and compares what lies there then with the store.
fn comes_back(repo: &Repo, store: &Store, backup: &Backup) -> Result<Vec<Problem>, BackupError> {
    let scratch = Scratch::make(repo)?;
    let root = Root::open(&scratch.folder)?;
    let mut problems = Vec::new();
    for file in &backup.files {
        let why = match bring(store, &root, file) {
            Ok(true) => continue,
            Ok(false) => "what came back is not what was saved".to_owned(),
            Err(error) => error.to_string(),
        };
        problems.push(Problem { snapshot: backup_ref(&backup.id)?, path: Some(file.path.clone()), why });
    }
    Ok(problems)
}

fn bring(store: &Store, root: &Root, file: &BackedUp) -> Result<bool, BackupError> {
    let mut blob = store.stream_blob(&file.blob)?;
    if file.mode == Mode::Link {
        let mut target = Vec::new();
        blob.read_to_end(&mut target).map_err(|source| failed(root.path(), source))?;
        root.replace(&file.path, (Mode::Link, None), &target, Durability::Lazy)?;
        return Ok(root.read(&file.path)? == Some(disk::OnDisk::File { mode: Mode::Link, bytes: target }));
    }
    disk::check_path(&file.path)?;
    let place = root.path().join(OsStr::from_bytes(&file.path));
    disk::ensure_folder(place.parent().unwrap_or(root.path()), 0o700)?;
    let written = disk::create_from(&place, &mut blob, file.bits.unwrap_or(0o600) | 0o600)?;
    blob.finish()?;
    Ok(written == file.size && are_equal(&place, store, file)?)
}

fn are_equal(place: &Path, store: &Store, file: &BackedUp) -> Result<bool, BackupError> {
    let mut blob = store.stream_blob(&file.blob)?;
    let mut there = BufReader::new(File::open(place).map_err(|source| failed(place, source))?);
    let (mut saved, mut back) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        let read = blob.read(&mut saved).map_err(|source| failed(place, source))?;
        if read == 0 {
            return Ok(there.read(&mut back).map_err(|source| failed(place, source))? == 0);
        }
        if there.read_exact(&mut back[..read]).is_err() || saved[..read] != back[..read] {
            return Ok(false);
        }
    }
}

fn failed(path: &Path, source: std::io::Error) -> disk::DiskError {
    disk::DiskError::Io { path: path.to_owned(), action: "read", source }
}
