//! What the commands about data files share: the working tree's manifest and schemas, and a folder for a moment.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use crate::disk::{self, DiskError, Kind, OnDisk, Root};
use crate::git::{GitError, Repo};
use crate::manifest::{self, Manifest};
use crate::model::{BackedUp, Backup, BackupId, Mode, TreePath};

/// No honest manifest has a mebibyte.
const LARGEST_MANIFEST: u64 = 1 << 20;

/// The manifest in the working tree can't be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum HereError {
    /// There is no working tree.
    #[error(transparent)]
    Git(#[from] GitError),
    /// It can't be read.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// It is no manifest: what is wrong, with its place.
    #[error("{0}")]
    Manifest(String),
}

/// The working tree, and the manifest in it: the one that holds for data as it is now.
pub(super) struct Here {
    pub(super) root: Root,
    /// The default where there is none.
    pub(super) manifest: Manifest,
    /// Its bytes; `None` where there is none.
    pub(super) text: Option<Vec<u8>>,
}

/// Reads the manifest of the working tree.
pub(super) fn here(repo: &Repo) -> Result<Here, HereError> {
    let root = Root::open(repo.need_work_tree()?)?;
    let file = manifest::FILE;
    let path = TreePath::from(file);
    let odd = |what: String| HereError::Manifest(format!("'{file}' {what}"));
    let text = match root.metadata(&path)? {
        None => return Ok(Here { root, manifest: Manifest::default(), text: None }),
        Some(metadata) if metadata.size > LARGEST_MANIFEST => {
            return Err(odd(format!("is too large ({} bytes)", metadata.size)));
        }
        Some(metadata) => match (metadata.kind, root.read(&path)?) {
            (Kind::File(mode), Some(OnDisk::File { bytes, .. })) if mode.is_regular() => bytes,
            _ => return Err(odd("is no ordinary file".to_owned())),
        },
    };
    let unreadable = |error| {
        let changed = format!("'git diff HEAD -- :/{file}' shows what was changed in it");
        HereError::Manifest(format!("the manifest '{file}' can't be read: {error}; {changed}"))
    };
    let manifest = manifest::parse(&text).map_err(unreadable)?;
    Ok(Here { root, manifest, text: Some(text) })
}

/// Reads a schema of the working tree; where it is not there, HEAD's.
pub(super) fn schema(repo: &Repo, path: &str) -> Result<Vec<u8>, String> {
    let path = TreePath::from(path);
    let here = || -> Result<Option<Vec<u8>>, HereError> {
        if let Some(top) = repo.work_tree() {
            match Root::open(top)?.read(&path)? {
                Some(OnDisk::File { mode, bytes }) if mode.is_regular() => return Ok(Some(bytes)),
                Some(_) => return Ok(None),
                None => {}
            }
        }
        let Some(head) = repo.head()?.oid else { return Ok(None) };
        let entry = repo.objects().leaf(Some(repo.objects().tree_of(head)?), &path)?;
        let entry = entry.filter(|entry| entry.mode.is_regular());
        Ok(entry.map(|entry| repo.objects().blob(entry.oid)).transpose()?)
    };
    here().map_err(|error| error.to_string())?.ok_or_else(|| "it is not there".to_owned())
}

/// Returns the files that should be there as far as backups of this worktree know (newest first in `backups`): those of
/// the newest one that holds files, and those that it could not save. Each with the newest backup that holds it.
pub(super) fn expected(repo: &Repo, backups: &[Backup]) -> Result<BTreeMap<TreePath, BackupId>, GitError> {
    let ours = || backups.iter().filter(|backup| repo.counts_here(backup.worktree.as_ref()));
    // A tracked file that a commit removed, or a sparse checkout leaves out, is meant to be gone.
    let entries = repo.index_entries(&repo.own_index_file())?;
    let tracked: HashSet<TreePath> =
        entries.into_iter().filter(|entry| !entry.skip_worktree).map(|entry| entry.path).collect();
    let newest = ours().find(|backup| !backup.files.is_empty() || !backup.unsaved.is_empty());
    // A link is brought back by name only: what it leads to is no content of its own.
    let is_ours = |file: &&BackedUp| file.mode != Mode::Link && (!file.tracked || tracked.contains(&file.path));
    let saved = newest.into_iter().flat_map(|backup| &backup.files).filter(is_ours).map(|file| &file.path);
    let left = newest.into_iter().flat_map(|backup| &backup.unsaved).map(|file| &file.path);
    let holder = |path: &TreePath| {
        ours().find(|backup| backup.files.iter().any(|file| file.path == *path)).map(|backup| backup.id.clone())
    };
    Ok(saved.chain(left).filter_map(|path| Some((path.clone(), holder(path)?))).collect())
}

/// A folder for files that nobody else should see, which goes with this value.
pub(super) struct Scratch {
    parent: PathBuf,
    pub(super) folder: PathBuf,
}

impl Scratch {
    pub(super) fn make(repo: &Repo) -> Result<Self, DiskError> {
        let parent = repo.guard_dir().join("tmp");
        let folder = parent.join(format!("data-{}", std::process::id()));
        disk::ensure_folder(&folder, 0o700)?;
        Ok(Self { parent, folder })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left goes with a prune, an hour later.
        let _ = disk::remove_folder_all_inside(&self.parent, &self.folder);
    }
}
