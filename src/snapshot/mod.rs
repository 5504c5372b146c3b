//! What is uncommitted, into the store, before something could lose it.
//!
//! ```text
//! what is about to be replaced          -> always, first, synced
//! everything else that is uncommitted   -> within the budget, not synced (Scope::All: a `git status`)
//! ```
//!
//! *Everything* is files that differ from HEAD or are not tracked, as raw bytes; versions that only the index has, which git
//! may collect once the index goes on; and git's state files. Ignored files are not looked for: those that an operation is
//! about to replace are among the first kind. Nothing of the user's is locked, written or refreshed.
//!
//! What does not fit is listed, folder by folder where there is much of it: the operation is *partial*.
//!
//! # Limitations
//!
//! Nested repositories and the folders of submodules are not saved; they are listed when `git status` names them.

mod left_out;

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use crate::disk::{DiskError, Durability, Root};
use crate::facts::{self, Found};
use crate::git::{GitError, Repo, Standing, Uncommitted};
use crate::manifest::{self, Manifest};
use crate::model::{Content, Mode, Oid, OperationId, Saved, Timestamp, TreePath};
use crate::store::{Care, Limits, Part, Source, Store, StoreError, Wanted};

use left_out::LeftOut;

/// How much is saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// What is given.
    Given,
    /// Everything uncommitted, too.
    All,
}

/// What is saved, and how.
#[derive(Debug)]
pub struct Order<'o> {
    /// The operation before which it is saved.
    pub id: &'o OperationId,
    /// When.
    pub now: Timestamp,
    /// What is about to be replaced.
    pub given: Vec<Wanted>,
    /// What else.
    pub scope: Scope,
    /// The budget.
    pub limits: &'o manifest::Snapshot,
    /// How durable what is given becomes.
    pub durability: Durability,
}

/// It could not be saved.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// git could not be asked.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The working tree could not be opened.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The store could not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// More files than these are not saved beside those that are given: each is an object of its own, and the journal lists
/// them.
const MOST: usize = 2000;

/// Returns the budget of the manifest that HEAD holds; the default where there is none or it can't be read.
pub fn limits(repo: &Repo, head: Option<Oid>) -> Result<manifest::Snapshot, GitError> {
    let tree = head.map(|head| repo.objects().tree_of(head)).transpose()?;
    Ok(match facts::manifest_of(repo, tree)? {
        Found::Manifest(manifest) => manifest.snapshot,
        _ => Manifest::default().snapshot,
    })
}

/// Saves. An error means that nothing was saved; what was left out for a reason is listed in the answer.
pub fn save(repo: &Repo, order: Order<'_>) -> Result<Saved, SnapshotError> {
    let Some(top) = repo.work_tree() else { return Ok(Saved::default()) };
    let mut left_out = LeftOut::default();
    let beside = match order.scope {
        Scope::Given => Vec::new(),
        // What is about to be replaced is saved whatever becomes of the rest.
        Scope::All => beside(repo, &order.given, &mut left_out).unwrap_or_else(|error| {
            left_out.file(&"./".into(), &error.to_string());
            Vec::new()
        }),
    };
    let mut saved = Saved::default();
    if !order.given.is_empty() || !beside.is_empty() {
        let store = Store::open_or_create(&repo.guard_dir(), order.durability, order.now)?;
        let limits = Limits { max_file: order.limits.max_file, max_total: order.limits.max_total };
        let beside = beside.into_iter().filter_map(|thing| thing.read(repo, limits.max_file, &mut left_out));
        let wanted = order.given.into_iter().chain(beside);
        saved = store.save(order.id, order.now, &Root::open(top)?, wanted, limits)?;
    }
    left_out.add_to(&mut saved);
    Ok(saved)
}

/// Something uncommitted that nothing is about to happen to.
struct Thing {
    path: TreePath,
    part: Part,
}

impl Thing {
    /// Says where its bytes are; those of versions in the index and of git's files are read now, one at a time.
    fn read(self, repo: &Repo, max_file: u64, left_out: &mut LeftOut) -> Option<Wanted> {
        if repo.deadline().is_half_over() {
            left_out.thing(&self.path, self.part, "no time was left");
            return None;
        }
        let bytes = match self.part {
            Part::File { .. } => None,
            Part::State => Some(fs::read(repo.git_dir().join(OsStr::from_bytes(&self.path))).ok()?),
            Part::Staged(oid) => match repo.objects().content(oid, max_file) {
                Ok(Content::Bytes(bytes)) => Some(bytes.to_vec()),
                Ok(Content::TooLarge(_)) => {
                    left_out.staged(&self.path, "larger than max_file");
                    return None;
                }
                Err(error) => {
                    left_out.staged(&self.path, &error.to_string());
                    return None;
                }
            },
        };
        let source = bytes.map_or(Source::OnDisk, |bytes| Source::Bytes { mode: Mode::File, bytes });
        Some(Wanted { path: self.path, part: self.part, source, care: Care::May })
    }
}

/// Returns everything uncommitted that is not given: what git tracks first, then the rest, in the order of paths.
fn beside(repo: &Repo, given: &[Wanted], left_out: &mut LeftOut) -> Result<Vec<Thing>, GitError> {
    let have: HashSet<(&TreePath, Option<Oid>)> =
        given.iter().map(|wanted| (&wanted.path, staged(wanted.part))).collect();
    let (mut tracked, mut untracked) = (Vec::new(), Vec::new());
    for Uncommitted { path, what } in repo.uncommitted()? {
        let file = |tracked: bool| Thing { path: path.clone(), part: Part::File { tracked } };
        match what {
            Standing::Tracked { staged, on_disk } => {
                tracked.extend(on_disk.then(|| file(true)));
                tracked.extend(staged.into_iter().map(|oid| Thing { path: path.clone(), part: Part::Staged(oid) }));
            }
            Standing::Untracked => untracked.push(file(false)),
            Standing::Nested => left_out.file(&path, "nested repository"),
            Standing::Submodule => left_out.file(&path, "submodule"),
        }
    }
    let mut things = state_files(repo);
    things.extend(tracked);
    things.extend(untracked);
    things.retain(|thing| !have.contains(&(&thing.path, staged(thing.part))));
    for thing in things.iter().skip(MOST) {
        left_out.thing(&thing.path, thing.part, &format!("more than {MOST} files"));
    }
    things.truncate(MOST);
    Ok(things)
}

fn staged(part: Part) -> Option<Oid> {
    match part {
        Part::Staged(oid) => Some(oid),
        Part::File { .. } | Part::State => None,
    }
}

/// Files and folders in git's own that tell of something unfinished.
const STATE: [&str; 12] = [
    "MERGE_HEAD",
    "MERGE_MODE",
    "MERGE_MSG",
    "MERGE_RR",
    "MERGE_AUTOSTASH",
    "AUTO_MERGE",
    "SQUASH_MSG",
    "CHERRY_PICK_HEAD",
    "REVERT_HEAD",
    "rebase-merge",
    "rebase-apply",
    "sequencer",
];

/// So many bytes of one such file, and so many files of one such folder, are saved; git's own are small.
const LARGEST_STATE: u64 = 1 << 20;
const MOST_STATES: usize = 200;

fn state_files(repo: &Repo) -> Vec<Thing> {
    let mut found = Vec::new();
    for name in STATE {
        let path = repo.git_dir().join(name);
        let Ok(metadata) = path.symlink_metadata() else { continue };
        if metadata.is_dir() {
            let entries = fs::read_dir(&path).into_iter().flatten().flatten();
            let is_small = |entry: &fs::DirEntry| {
                entry.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() <= LARGEST_STATE)
            };
            let inner = |entry: fs::DirEntry| [name.as_bytes(), b"/", entry.file_name().as_bytes()].concat();
            found.extend(entries.filter(is_small).take(MOST_STATES).map(inner));
        } else if metadata.is_file() && metadata.len() <= LARGEST_STATE {
            found.push(name.as_bytes().to_vec());
        }
    }
    found.sort_unstable();
    found.into_iter().map(|name| Thing { path: name.into(), part: Part::State }).collect()
}
