//! `guard backup create`.
//!
//! ```text
//! manifest, working tree        -> the data files to save
//! seen before, and untouched    -> as in the backup before, not read
//! every other                   -> copied into the store, read back from there, examined
//! same as the backup before     -> no new one
//! manifest, trees, tag, ref     -> a new one
//! ```
//!
//! Databases of a PostgreSQL server are dumped each time (`databases`): only the dump tells whether they changed.
//!
//! A file that can't be copied (it changes all the time, it is too large, its database is being written all the time), a folder that
//! may not be looked into, or a database that can't be dumped, is left out and named; the others are saved. A crash before the ref leaves objects that nothing refers to, after it a whole backup.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::time::{Duration, Instant};

use crate::disk::{self, DiskError, Durability, Kind, Metadata, Root};
use crate::facts::{self, DataFile, Examiner, Version};
use crate::git::Repo;
use crate::manifest::Format;
use crate::model::{
    BackedUp, Backup, BackupId, Contents, Mode, Oid, Standing, Timestamp, TreePath, Unsaved, UnsavedDatabase,
    fingerprint,
};
use crate::store::{Copied, CopyError, Store, StoreError, copy_database};
use crate::validate::sqlite::Limits;

use super::super::data_here::{Here, Scratch, here, schema};
use super::seen::{Seen, time_of};
use super::{BackupError, databases, lock, lock_path, said};

/// What was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The backup: a new one, or the one before when it holds the same. `None` when nothing could be saved.
    pub backup: Option<Backup>,
    /// Whether it is new.
    pub is_new: bool,
    /// Files that were not saved.
    pub refused: Vec<Unsaved>,
    /// Databases that were not saved.
    pub refused_databases: Vec<UnsavedDatabase>,
    /// How many files were read; the others were as they were seen before.
    pub read: usize,
    /// How many files' stored bytes were damaged, and are written anew.
    pub healed: usize,
}

/// What becomes of files that git does not know, that the backup before has, and that are gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gone {
    /// They are told each time, until they are back.
    Told,
    /// They are meant to be gone.
    Meant,
}

/// Makes a backup of what is there, unless it is what the one before holds.
pub fn create(repo: &Repo, now: Timestamp, gone: Gone) -> Result<Made, BackupError> {
    make(repo, now, None, gone)
}

/// So many bytes a second are counted on where time is short: half of what a slow machine reads, packs and examines.
const A_SECOND: u64 = 16 << 20;

/// The same, when it can be done in so much time; else nothing is done, or what was begun is given up.
pub fn create_within(repo: &Repo, now: Timestamp, time: Option<Duration>) -> Result<Made, BackupError> {
    make(repo, now, time, Gone::Told)
}

fn make(repo: &Repo, now: Timestamp, time: Option<Duration>, gone: Gone) -> Result<Made, BackupError> {
    let began_at = Instant::now();
    let left = || time.map(|time| time.saturating_sub(began_at.elapsed()));
    let here = here(repo)?;
    let _lock = lock(repo, now, time)?;
    let began = (time_of(&lock_path(repo)), now);
    // A folder that this user may not look into is no reason to save nothing.
    let (files, mut refused) = files(repo, &here)?;
    let store = Store::open_or_create(&repo.guard_dir(), Durability::Fsync, now)?;
    let seen = Seen::read(repo);
    let before = before(repo, &store, seen.as_ref())?;
    let work = Work::new(repo, &here, &store);
    let rules = work.rules();
    let untouched = match (&seen, &before) {
        (Some(seen), Some(before)) => seen.untouched(before, &rules),
        _ => std::collections::BTreeMap::new(),
    };
    let mut found = Vec::new();
    for file in &files {
        let metadata = match here.root.metadata(&file.path) {
            Ok(Some(metadata)) => metadata,
            Ok(None) => continue,
            Err(error) => {
                refused.push(unreadable(file.path.clone(), error)?);
                continue;
            }
        };
        let format = work.examiner.rule(&file.path).map(|(_, format)| format);
        let known = match untouched.get(&file.path) {
            Some((then, known)) if *then == metadata && tells(&here.root, &file.path, format)? => Some(*known),
            _ => None,
        };
        // What is missing in the store is read again, too.
        let known = known.filter(|known| store.is_there(&known.blob, known.size));
        found.push((file, metadata, known));
    }
    let bytes: u64 = found.iter().filter(|(.., known)| known.is_none()).map(|(_, metadata, _)| metadata.size).sum();
    if left().is_some_and(|left| u128::from(bytes) * 1000 > left.as_millis() * u128::from(A_SECOND)) {
        return Err(BackupError::NoTime(bytes));
    }
    let (mut saved, mut looked) = (Vec::new(), Vec::new());
    let (mut read, mut healed) = (0, 0);
    for (file, metadata, known) in found {
        let kept = if let Some(known) = known {
            Ok(Some(known.clone()))
        } else {
            if left().is_some_and(|left| left.is_zero()) {
                return Err(BackupError::NoTime(bytes));
            }
            read += 1;
            match work.save(file, left(), Store::copy) {
                Err(BackupError::Store(StoreError::Blob { .. } | StoreError::Missing(_))) => {
                    healed += 1;
                    work.save(file, left(), Store::copy_anew)?
                }
                saved => saved?,
            }
        };
        match kept {
            Ok(Some(known)) => {
                looked.push((file.path.clone(), metadata));
                // Whose it is can change without the file.
                let DataFile { tracked, ignored, secret, .. } = *file;
                saved.push(BackedUp { tracked, ignored, secret, ..known });
            }
            Ok(None) => {}
            Err(why) => refused.push(Unsaved { path: file.path.clone(), why }),
        }
    }
    if let (Some(before), Gone::Told) = (&before, gone) {
        refused.extend(work.gone(before)?);
    }
    refused.sort_by(|one, other| one.path.cmp(&other.path));
    refused.dedup_by(|one, other| one.path == other.path);
    // A merge touches no database, and there is no time for a dump.
    let (databases, refused_databases) = match time {
        None => databases::save(repo, &store, &here.manifest.database)?,
        Some(_) => (Vec::new(), Vec::new()),
    };
    if saved.is_empty() && databases.is_empty() {
        return Ok(Made { backup: None, is_new: false, refused, refused_databases, read, healed });
    }
    let same = |before: &Backup| {
        (&before.files, &before.unsaved) == (&saved, &refused)
            && (time.is_some() || (&before.databases, &before.unsaved_databases) == (&databases, &refused_databases))
    };
    if let Some(before) = before.filter(same) {
        if read > 0 {
            Seen::new(&before.id, &rules, began, looked).write(repo);
        }
        return Ok(Made { backup: Some(before), is_new: false, refused, refused_databases, read, healed });
    }
    let (unsaved, unsaved_databases) = (refused.clone(), refused_databases.clone());
    let backup = Backup {
        id: new_id(now),
        at: now,
        worktree: Some(repo.worktree_id()),
        branch: repo.head()?.branch,
        files: saved,
        unsaved,
        databases,
        unsaved_databases,
    };
    store.write_backup(&backup)?;
    Seen::new(&backup.id, &rules, began, looked).write(repo);
    if time.is_none() {
        repack_when_large(repo, &store);
    }
    Ok(Made { backup: Some(backup), is_new: true, refused, refused_databases, read, healed })
}

/// What [`create`] would find.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outlook {
    /// The backup made before.
    pub last: Option<Backup>,
    /// When the files were last compared with it.
    pub looked: Option<Timestamp>,
    /// Files that would be read.
    pub read: Vec<TreePath>,
    /// Files that are as they were.
    pub same: Vec<TreePath>,
    /// Files that it holds and that are gone.
    pub gone: Vec<TreePath>,
    /// Databases that would be dumped.
    pub databases: Vec<String>,
}

/// Returns which files [`create`] would read, which it would find as they were, and which databases it would dump.
pub fn would_create(repo: &Repo) -> Result<Outlook, BackupError> {
    let here = here(repo)?;
    let files: Vec<TreePath> = files(repo, &here)?.0.into_iter().map(|file| file.path).collect();
    let databases = here.manifest.database.iter().filter(|rule| rule.backup).map(|rule| rule.name.clone()).collect();
    let mut outlook = Outlook { databases, ..Outlook::default() };
    let store = match Store::open(&repo.guard_dir()) {
        Ok(store) => store,
        Err(StoreError::NoStore(_)) => return Ok(Outlook { read: files, ..outlook }),
        Err(error) => return Err(error.into()),
    };
    let seen = Seen::read(repo);
    let Some(last) = before(repo, &store, seen.as_ref())? else { return Ok(Outlook { read: files, ..outlook }) };
    let work = Work::new(repo, &here, &store);
    let rules = work.rules();
    let untouched = seen.as_ref().map(|seen| seen.untouched(&last, &rules)).unwrap_or_default();
    let gone = last.files.iter().map(|file| &file.path).filter(|path| files.binary_search(path).is_err());
    outlook.gone = gone.cloned().collect();
    for path in files {
        let format = work.examiner.rule(&path).map(|(_, format)| format);
        // What can't be looked at is no file that is as it was.
        let now = here.root.metadata(&path).unwrap_or_default();
        let same = untouched.get(&path).is_some_and(|(then, _)| Some(*then) == now);
        if same && tells(&here.root, &path, format)? { outlook.same.push(path) } else { outlook.read.push(path) }
    }
    let looked = seen.filter(|seen| seen.backup == last.id).and_then(|seen| seen.at);
    outlook.looked = looked.or(Some(last.at));
    outlook.last = Some(last);
    Ok(outlook)
}

/// Says of a file that this user may not look at it; what else is wrong stops the backup.
fn unreadable(path: TreePath, error: DiskError) -> Result<Unsaved, BackupError> {
    if error.is_read_only() {
        Ok(Unsaved { path, why: format!("not readable: {}", said(&error)) })
    } else {
        Err(error.into())
    }
}

fn files(repo: &Repo, here: &Here) -> Result<(Vec<DataFile>, Vec<Unsaved>), BackupError> {
    let file = crate::manifest::FILE;
    if here.text.is_none() {
        return Err(BackupError::Manifest(format!("there is no '{file}' here: it says what is backed up")));
    }
    let (data, databases) = (&here.manifest.data, &here.manifest.database);
    if !data.iter().map(|rule| rule.backup).chain(databases.iter().map(|rule| rule.backup)).any(|backup| backup) {
        return Err(BackupError::Usage(format!("no [[data]] or [[database]] entry of '{file}' has backup = true")));
    }
    Ok(facts::to_back_up(repo, &here.manifest)?)
}

/// Returns the backup made before: the one that was seen last, else the newest that was not made by a restore. A clock that was set
/// back does not matter.
fn before(repo: &Repo, store: &Store, seen: Option<&Seen>) -> Result<Option<Backup>, StoreError> {
    if let Some(backup) = seen
        .and_then(|seen| store.backup(&seen.backup).ok())
        .filter(|backup| repo.counts_here(backup.worktree.as_ref()))
    {
        return Ok(Some(backup));
    }
    let by_restore = |backup: &Backup| backup.files.is_empty() && backup.standing() == Standing::Unknown;
    Ok(store.backups()?.0.into_iter().find(|backup| repo.counts_here(backup.worktree.as_ref()) && !by_restore(backup)))
}

pub(super) fn new_id(now: Timestamp) -> BackupId {
    use std::hash::{BuildHasher, Hasher};
    // Seeded by the system: process ids repeat across containers that share a repository.
    let random = std::hash::RandomState::new().build_hasher().finish();
    let suffix = fingerprint(&[&random.to_le_bytes(), &now.0.to_le_bytes()]);
    BackupId(format!("{}-{}", now.compact(), &suffix[..6]))
}

/// [`Store::copy`], or [`Store::copy_anew`].
type Copier = fn(&Store, &Root, &TreePath) -> Result<Copied, StoreError>;

/// Copies and examines files.
struct Work<'w> {
    repo: &'w Repo,
    here: &'w Here,
    store: &'w Store,
    examiner: Examiner<'w>,
}

impl<'w> Work<'w> {
    /// Returns files that git did not track, that a backup has, and that are gone: nothing else remembers them. What the backup
    /// before said of them stays said.
    fn gone(&self, before: &Backup) -> Result<Vec<Unsaved>, BackupError> {
        let saved = before.files.iter().filter(|file| !file.tracked).map(|file| Unsaved {
            path: file.path.clone(),
            why: format!("it is gone, and backup {} has it: guard restore --missing", before.id),
        });
        let mut gone = Vec::new();
        // A folder that could not be looked into is looked into anew.
        let unsaved = before.unsaved.iter().filter(|file| !file.path.ends_with(b"/")).cloned();
        for file in saved.chain(unsaved) {
            let is_wanted = self.here.manifest.data_rule(file.path[..].into()).is_some_and(|(rule, _)| rule.backup);
            match self.here.root.metadata(&file.path) {
                _ if !is_wanted => {}
                Ok(Some(_)) => {}
                Ok(None) => gone.push(file),
                Err(error) => gone.push(unreadable(file.path, error)?),
            }
        }
        Ok(gone)
    }

    fn new(repo: &'w Repo, here: &'w Here, store: &'w Store) -> Self {
        let examiner = Examiner::new(&here.manifest, |path| schema(repo, path));
        Self { repo, here, store, examiner }
    }

    /// Returns what stands for all that a file is examined by.
    fn rules(&self) -> String {
        let schemas = self.here.manifest.data.iter().filter_map(|rule| rule.schema.as_ref());
        let schemas: Vec<Vec<u8>> = schemas.map(|path| schema(self.repo, path).unwrap_or_default()).collect();
        let mut parts = vec![env!("CARGO_PKG_VERSION").as_bytes(), self.here.text.as_deref().unwrap_or_default()];
        parts.extend(schemas.iter().map(Vec::as_slice));
        fingerprint(&parts)
    }

    /// Copies a file into the store, reads it back, and examines what came. `Ok(Err)`: it was not copied, and why.
    fn save(
        &self,
        file: &DataFile,
        left: Option<Duration>,
        into: Copier,
    ) -> Result<Result<Option<BackedUp>, String>, BackupError> {
        let (mode, bits, blob, size) = match self.copy(&file.path, left, into)? {
            Copied::Stored { mode, bits, blob, size } => (mode, bits, blob, size),
            Copied::Gone => return Ok(Ok(None)),
            Copied::Refused(why) => return Ok(Err(why)),
        };
        let (standing, why, contents) = if mode == Mode::Link {
            self.store.stream_blob(&blob)?.finish()?;
            (Standing::Unknown, Some("a link: only where it leads to is saved".to_owned()), Contents::default())
        } else {
            examined(self.repo, self.store, &self.examiner, (&file.path, &blob))?
        };
        let DataFile { path, tracked, ignored, secret } = file.clone();
        Ok(Ok(Some(BackedUp { path, mode, bits, blob, size, tracked, ignored, secret, standing, why, contents })))
    }

    /// Copies one file into the store, as its format asks for. A database is copied by SQLite, with the rows that its log holds,
    /// while others use it; of one that is damaged the bytes are saved as they are.
    fn copy(&self, path: &TreePath, left: Option<Duration>, into: Copier) -> Result<Copied, BackupError> {
        let (store, root) = (self.store, &self.here.root);
        let format = self.examiner.rule(path).map(|(_, format)| format);
        let metadata = root.metadata(path)?.filter(|found| matches!(found.kind, Kind::File(mode) if mode.is_regular()));
        let (Some(Metadata { kind: Kind::File(mode), bits, .. }), Some(Format::Sqlite)) = (metadata, format) else {
            return Ok(into(store, root, path)?);
        };
        let scratch = Scratch::make(self.repo)?;
        let target = scratch.folder.join("database");
        disk::create_new(&target, b"", Durability::Lazy, 0o600)?;
        let source = root.path().join(std::ffi::OsStr::from_bytes(path));
        let limits = Limits::default();
        let limits = Limits { time: left.map_or(limits.time, |left| left.min(limits.time)), ..limits };
        match copy_database(&source, &target, &limits) {
            Ok(_) => match into(store, &Root::open(&scratch.folder)?, &"database".into())? {
                Copied::Stored { blob, size, .. } => Ok(Copied::Stored { mode, bits: Some(bits), blob, size }),
                refused => Ok(refused),
            },
            Err(CopyError::Bad { .. }) => Ok(into(store, root, path)?),
            Err(CopyError::Disk(error)) => Err(error.into()),
            Err(error) => Ok(Copied::Refused(error.to_string())),
        }
    }
}

/// Returns whether a file's own size and times tell whether it changed: a database's rows may be in a log beside it.
fn tells(root: &Root, path: &TreePath, format: Option<Format>) -> Result<bool, BackupError> {
    let log = TreePath::from([path.as_bytes(), b"-wal"].concat());
    Ok(format != Some(Format::Sqlite) || root.metadata(&log)?.is_none())
}

/// Reads a stored file back, so that its hash is checked, and examines it: the verdict, the first thing that is wrong or
/// unknown, and what it holds.
pub(super) fn examined(
    repo: &Repo,
    store: &Store,
    examiner: &Examiner<'_>,
    (path, oid): (&TreePath, &Oid),
) -> Result<(Standing, Option<String>, Contents), BackupError> {
    let mut blob = store.stream_blob(oid)?;
    let damaged = |error: io::Error| StoreError::Blob { oid: *oid, why: error.to_string() };
    let format = examiner.rule(path).map(|(_, format)| format);
    let found = if format == Some(Format::Sqlite) {
        // A database can be read from a file only.
        let scratch = Scratch::make(repo)?;
        let copy = scratch.folder.join("database");
        disk::create_from(&copy, &mut blob, 0o600)?;
        examiner.examine(path, Version::File(&copy)).map_err(damaged)?
    } else {
        examiner.examine(path, Version::Stream(&mut blob)).map_err(damaged)?
    };
    blob.finish()?;
    let standing = found.standing();
    let why = match standing {
        Standing::Good => None,
        Standing::Unknown => found.unknown.into_iter().next(),
        Standing::Bad => found.faults.first.first().map(ToString::to_string),
    };
    Ok((standing, why, found.contents))
}

/// So many loose objects, or bytes in them that are also more than a part of what is packed, and the store is packed:
/// versions of one file then take what they differ by. With a fourth, it never takes much more than it could.
const MOST_LOOSE: (usize, u64) = (2000, 8 << 20);
const PART: u64 = 4;

/// A file that takes more is packed as it is, so packing is not done for it: git would map all of it.
const WORTH_PACKING: u64 = 100 << 20;

/// Packs the store when it pays. What can't be packed now only takes more room until the next time.
pub(super) fn repack_when_large(repo: &Repo, store: &Store) {
    let (count, bytes) = store.loose_size(WORTH_PACKING);
    if count > MOST_LOOSE.0 || bytes > MOST_LOOSE.1.max(store.pack_bytes() / PART) {
        let _ = repack(repo, store);
    }
}

/// Packs everything that a ref of the store reaches. What only old packs hold and nothing needs becomes loose, for
/// [`Store::collect`], which takes care of what others are saving just now.
pub(super) fn repack(repo: &Repo, store: &Store) -> Result<(), BackupError> {
    // Above this, no differences are looked for and nothing is read whole.
    const SETTINGS: &[&str] = &[
        "core.bigFileThreshold=100m",
        "pack.threads=1",
        "pack.windowMemory=64m",
        "pack.deltaCacheSize=16m",
        "repack.writeBitmaps=false",
    ];
    let git = repo.git_in(store.path(), SETTINGS, "repack").env("GIT_CONFIG_GLOBAL", "/dev/null");
    git.env("GIT_CONFIG_NOSYSTEM", "1").args(["-A", "-d", "-q"]).run()?.success()?;
    Ok(())
}
