//! Opening and making the store.
//!
//! Order when it is made: lock → folders → libgit2's skeleton → our `config`, which holds the version and counts as the
//! last brick. A store without that version is one whose making was interrupted: it is made again, which harms nothing
//! that is in it. One with another version is left alone.

use std::cell::OnceCell;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use git2::{Config, ConfigLevel, ErrorCode, Repository, RepositoryInitOptions};

use crate::disk::{self, DiskError, Durability};
use crate::model::Timestamp;

use super::StoreError;

/// The version of the store that this guard writes, and the only one it opens.
pub const VERSION: i64 = 1;

/// What git writes there is synced; nothing is packed or removed behind our back; a repack by hand stays within the memory of a small
/// machine.
const CONFIG: &str = "\
[core]
\trepositoryformatversion = 0
\tbare = true
\tfsync = committed
\tlogAllRefUpdates = false
[gc]
\tauto = 0
\tpruneExpire = never
[maintenance]
\tauto = false
[pack]
\twindowMemory = 64m
\tdeltaCacheSize = 16m
\tthreads = 1
[recoveryguard]
\tstoreVersion = 1
";

/// The line that stands for `fsync` in stores of older guards: git >= 2.36 warns of it whenever it reads it.
const FORMER: (&str, &str) = ("\tfsync = committed\n", "\tfsyncObjectFiles = true\n");

/// Settings that libgit2 obeys, in a file that git does not read: loose objects and refs are synced.
const LIBGIT2: (&str, &str) = ("config.libgit2", "[core]\n\tfsyncObjectFiles = true\n");

/// An opened store.
pub struct Store {
    pub(super) repository: Repository,
    /// The same, opened so that nothing is synced.
    unsynced: OnceCell<Repository>,
    pub(super) path: PathBuf,
    pub(super) durability: Durability,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the store in our folder (`…/recoveryguard`) to write, and makes it if there is none. With
    /// [`Durability::Lazy`] objects and refs are not synced: for hooks with many files.
    pub fn open_or_create(folder: &Path, durability: Durability, now: Timestamp) -> Result<Self, StoreError> {
        let path = folder.join("store.git");
        if version(&path)?.is_none() {
            disk::ensure_folder(folder, 0o700)?;
            let _lock = disk::lock_within(&folder.join("store.lock"), now, Duration::from_secs(5))?;
            if version(&path)?.is_none() {
                // Whoever made it and was killed left these; nobody else makes it now.
                for left in ["config.lock", "HEAD.lock"] {
                    disk::remove_file(&path.join(left))?;
                }
                create(&path)?;
            }
        }
        let metadata = metadata(&path)?;
        let (owner, user) = (metadata.uid(), rustix::process::geteuid().as_raw());
        if owner != user {
            return Err(StoreError::Owner { path, owner, user });
        }
        settle_config(&path)?;
        Self::open_at(path, durability)
    }

    /// Opens the store to read; [`StoreError::NoStore`] when nothing was ever saved.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join("store.git");
        match version(&path)? {
            Some(_) => Self::open_at(path, Durability::Fsync),
            None => Err(StoreError::NoStore(path)),
        }
    }

    /// Returns the bare repository's folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn open_at(path: PathBuf, durability: Durability) -> Result<Self, StoreError> {
        if path.join("objects/info/alternates").exists() {
            return Err(StoreError::Alternates(path));
        }
        match open_repository(&path, durability) {
            Ok(repository) => Ok(Self { repository, unsynced: OnceCell::new(), path, durability }),
            Err(said) => Err(StoreError::Git { action: "open a repository", path, said }),
        }
    }

    /// Returns the store as one that syncs nothing, for what nothing is about to happen to.
    pub(super) fn unsynced(&self) -> Result<&Repository, StoreError> {
        if self.unsynced.get().is_none() {
            let opened = open_repository(&self.path, Durability::Lazy);
            // Only this thread sets it.
            let _ = self.unsynced.set(opened.map_err(self.failed("open a repository"))?);
        }
        Ok(self.unsynced.get().unwrap_or(&self.repository))
    }

    pub(super) fn failed(&self, action: &'static str) -> impl FnOnce(git2::Error) -> StoreError {
        let path = self.path.clone();
        move |said| StoreError::Git { action, path, said }
    }
}

/// Opens the store's repository. Only what stands in its own configuration counts, not the user's or the system's; an empty
/// one has libgit2's defaults, which sync nothing.
fn open_repository(path: &Path, durability: Durability) -> Result<Repository, git2::Error> {
    let repository = Repository::open_bare(path)?;
    let mut config = Config::new()?;
    if durability == Durability::Fsync {
        config.add_file(&path.join("config"), ConfigLevel::Local, false)?;
        let own = path.join(LIBGIT2.0);
        // One that is only read may be an older guard's.
        if own.exists() {
            config.add_file(&own, ConfigLevel::App, false)?;
        }
    }
    // Before objects are first touched: later it would have no effect.
    repository.set_config(&config)?;
    Ok(repository)
}

/// Reads the store's version; `None` when there is no store or it was never finished, an error when it is not ours.
fn version(path: &Path) -> Result<Option<i64>, StoreError> {
    if path.is_symlink() {
        // Somebody else's store, perhaps: a copied repository must not write into the original's.
        return Err(DiskError::Obstructed { path: path.to_owned(), what: "a symbolic link" }.into());
    }
    if path.is_file() {
        return Err(DiskError::Obstructed { path: path.to_owned(), what: "a file" }.into());
    }
    let config = path.join("config");
    // A folder that may not be looked into is no missing one.
    let failed = |source| DiskError::Io { path: config.clone(), action: "look at", source };
    if !config.try_exists().map_err(failed)? {
        return Ok(None);
    }
    let read = Config::open(&config).and_then(|config| config.get_i64("recoveryguard.storeversion"));
    match read {
        Ok(VERSION) => Ok(Some(VERSION)),
        Ok(found) => Err(StoreError::Version { path: path.to_owned(), found }),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
        Err(said) => Err(StoreError::Git { action: "read the configuration", path: path.to_owned(), said }),
    }
}

fn create(path: &Path) -> Result<(), StoreError> {
    disk::ensure_folder(path, 0o700)?;
    disk::step(path, "make the store")?;
    let mut options = RepositoryInitOptions::new();
    // No template and no default branch of the user's: hooks and settings from there have no business here.
    options.bare(true).external_template(false).initial_head("none").mkdir(false);
    Repository::init_opts(path, &options).map_err(|said| StoreError::Git {
        action: "make a repository",
        path: path.to_owned(),
        said,
    })?;
    disk::write_atomic(&path.join(LIBGIT2.0), LIBGIT2.1.as_bytes(), Durability::Fsync, 0o600)?;
    disk::write_atomic(&path.join("config"), CONFIG.as_bytes(), Durability::Fsync, 0o600)?;
    Ok(())
}

/// Gives a store of an older guard the settings of a new one: first what libgit2 reads, so that it syncs all the time. A `config` that
/// somebody changed stays.
fn settle_config(path: &Path) -> Result<(), StoreError> {
    let (own, config) = (path.join(LIBGIT2.0), path.join("config"));
    if !own.exists() {
        disk::write_atomic(&own, LIBGIT2.1.as_bytes(), Durability::Fsync, 0o600)?;
    }
    let former = CONFIG.replace(FORMER.0, FORMER.1);
    if std::fs::read(&config).is_ok_and(|bytes| bytes == former.as_bytes()) {
        disk::write_atomic(&config, CONFIG.as_bytes(), Durability::Fsync, 0o600)?;
    }
    Ok(())
}

fn metadata(path: &Path) -> Result<std::fs::Metadata, StoreError> {
    let failed = |source| DiskError::Io { path: path.to_owned(), action: "look at", source };
    Ok(std::fs::symlink_metadata(path).map_err(failed)?)
}
