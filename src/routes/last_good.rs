//! `guard restore --last-good`: back to the newest version of data files that is good.
//!
//! Order: walk from version to version and choose → save what stands there, write beside it, examine what was written, swap (all
//! of that is [`Undo::restore_files`]) → examine what stands there now.

use std::path::Path;

use super::backup::said;
use super::data_here::{self, Here, HereError, here};
use super::looking::{self, Looking, fault};
use crate::disk::{DiskError, Root};
use crate::git::{GitError, Repo};
use crate::journal::{Journal, JournalError};
use crate::manifest::Manifest;
use crate::model::{Source, TreePath, WorkFile, escape};
use crate::recover::{Candidate, Origin, Step, Walk, candidates};
use crate::store::{Store, StoreError};
use crate::undo::{Recovered, Report, Run, Undo, UndoError};

/// The files can't be brought back.
#[derive(Debug, thiserror::Error)]
pub enum LastGoodError {
    /// git could not be asked.
    #[error(transparent)]
    Git(#[from] GitError),
    /// A file could not be read.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The journal can't be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The store can't be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The manifest in the working tree can't be read.
    #[error("{0}")]
    Manifest(String),
    /// Something else than a file stands at the path.
    #[error("'{path}' is {what}; only files are brought back")]
    NoFile {
        /// Where.
        path: TreePath,
        /// What.
        what: &'static str,
    },
    /// A link stands at the path.
    #[error("'{path}' is a symbolic link; only files are brought back")]
    Link {
        /// Where.
        path: TreePath,
        /// The file or folder of the working tree that it leads to.
        to: Option<TreePath>,
    },
    /// The version that was asked for is bad.
    #[error("'{path}' is bad there: {why}")]
    Bad {
        /// Where.
        path: TreePath,
        /// The first fault.
        why: String,
    },
    /// The version that was asked for is damaged where it is kept.
    #[error("'{path}' can't be brought back from there: {why}")]
    Damaged {
        /// Where.
        path: TreePath,
        /// What is wrong.
        why: String,
    },
    /// A folder without data.
    #[error("git tracks no file beneath '{0}' that a [[data]] entry names, and no backup has one")]
    NoData(TreePath),
    /// Another process uses the database.
    #[error("'{path}' is in use by {}; stop it first", pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}")))]
    InUse {
        /// Where.
        path: TreePath,
        /// Which process, as far as the system tells.
        pid: Option<i32>,
    },
    /// Nobody ever had such a file.
    #[error("no version of '{0}' is known: not in history, reflogs, operations or backups")]
    NeverSeen(TreePath),
    /// Nothing tells which files are data.
    #[error("there is no '{}' here, so nothing tells which files are data", crate::manifest::FILE)]
    NoManifest,
    /// Nothing tells which files there were.
    #[error("there is no backup here, so nothing tells which files are missing")]
    NoBackup,
    /// No version of it is good.
    #[error("no good version of '{0}' is known")]
    NoneGood(TreePath, Box<Walk>),
    /// It could not be done.
    #[error(transparent)]
    Undo(#[from] UndoError),
}

impl From<HereError> for LastGoodError {
    fn from(error: HereError) -> Self {
        match error {
            HereError::Git(error) => Self::Git(error),
            HereError::Disk(error) => Self::Disk(error),
            HereError::Manifest(what) => Self::Manifest(what),
        }
    }
}

impl LastGoodError {
    /// Returns whether it is no failure: nothing was changed because it is not possible here, or would lose something.
    pub fn is_refusal(&self) -> bool {
        use LastGoodError::{Bad, Damaged, InUse, Link, NeverSeen, NoBackup, NoData, NoFile, NoManifest, NoneGood};
        let of_a_file = matches!(self, Bad { .. } | Damaged { .. } | InUse { .. } | NeverSeen(_) | NoFile { .. });
        of_a_file || matches!(self, Link { .. } | NoBackup | NoData(_) | NoManifest | NoneGood(..))
    }

    /// Returns whether it is about one file only, so that others can come back.
    const fn is_of_one_file(&self) -> bool {
        let is_in_the_way = matches!(self, Self::InUse { .. } | Self::Link { .. } | Self::NoFile { .. });
        is_in_the_way || matches!(self, Self::NeverSeen(_) | Self::Disk(DiskError::Io { .. }))
    }
}

/// Which files are to come back.
#[derive(Debug, Clone, Copy)]
pub enum Asked<'a> {
    /// Files, or folders: data files beneath that git tracks, and those that a backup has, but no links. When a file is named all come back or
    /// none, else those that can.
    Paths(&'a [TreePath]),
    /// The data files that the newest backup has and that are not there, as far as they can come back.
    Missing,
}

/// A file, and the way to its good version.
#[derive(Debug)]
pub struct Recovery {
    /// Which.
    pub path: TreePath,
    /// The way; the file as it stands comes first.
    pub walk: Walk,
    /// Why it is left alone though it is not good.
    pub left: Option<String>,
    /// What is wrong with the file after it was brought back: nothing, unless somebody wrote it just now.
    pub still: Option<String>,
}

impl Recovery {
    /// Returns whether there is nothing to do.
    pub fn is_good(&self) -> bool {
        self.walk.good.as_ref().is_some_and(|step| step.candidate.origin == Origin::Now)
    }

    /// Returns the version that comes back; `None` when the file is good as it stands, or left alone.
    pub fn back(&self) -> Option<&Step> {
        self.walk.good.as_ref().filter(|_| self.left.is_none() && !self.is_good())
    }
}

/// What came of it.
#[derive(Debug)]
pub struct LastGood {
    /// By file.
    pub files: Vec<Recovery>,
    /// What was planned, and unless it was a dry run done; `None` when nothing comes back.
    pub report: Option<Report>,
    /// Interrupted operations that were dealt with first.
    pub recovered: Vec<Recovered>,
}

impl LastGood {
    /// Returns whether nothing comes back though something should.
    pub fn is_refused(&self) -> bool {
        match &self.report {
            Some(report) => !report.plan.conflicts.is_empty(),
            None => self.files.iter().any(|file| file.left.is_some()),
        }
    }
}

/// Brings files back to their newest good version.
pub fn last_good(repo: &Repo, undo: &Undo<'_>, asked: Asked<'_>, run: Run) -> Result<LastGood, LastGoodError> {
    let Here { root, manifest, text } = here(repo)?;
    if matches!(asked, Asked::Missing) && text.is_none() {
        // Nothing would be missing then.
        return Err(LastGoodError::NoManifest);
    }
    let looking = Looking::new(repo, root, &manifest, undo);
    looking.recover(run)?;
    let history = Journal::open(&repo.guard_dir()).operations()?;
    let store = match Store::open(&repo.guard_dir()) {
        Err(StoreError::NoStore(_)) => None,
        store => Some(store?),
    };
    let (paths, partly) = match asked {
        Asked::Paths(paths) => looking.named(paths, store.as_ref())?,
        Asked::Missing => (missing(repo, &looking, store.as_ref())?, true),
    };
    let looked: Vec<_> = paths.into_iter().map(|path| (looking.now(&path), path)).collect();
    // What is good is not asked for its past: of many files most are.
    let open = looked.iter().filter_map(|(here, path)| {
        let here = here.as_ref().ok()?;
        (!looking.is_settled(path, here.as_ref())).then(|| path.clone())
    });
    let open: Vec<TreePath> = open.collect();
    let mut known = candidates(repo, &history, store.as_ref(), &open)?;
    let mut files = Vec::new();
    for (here, path) in looked {
        let known = known.remove(&path).unwrap_or_default();
        let (walk, left) = match here.and_then(|here| way(&looking, &path, here, known)) {
            Ok(walk) if walk.good.is_some() => (walk, None),
            Ok(walk) if partly => (walk, Some("no good version of it is known".to_owned())),
            Ok(walk) => return Err(LastGoodError::NoneGood(path, Box::new(walk))),
            Err(error) if partly && error.is_of_one_file() => (Walk::default(), Some(said(&error))),
            Err(error) => return Err(error),
        };
        files.push(Recovery { path, walk, left, still: None });
    }
    let mut back: Vec<(TreePath, Option<WorkFile>)> =
        files.iter().filter_map(|file| Some((file.path.clone(), Some(file.back()?.candidate.file.clone()?)))).collect();
    if back.is_empty() {
        return Ok(LastGood { files, report: None, recovered: undo.recovered() });
    }
    let notes = looking.add_beside(&mut back)?;
    let check = |path: &TreePath, beside: &Path| looking.check(path, beside);
    let why = ("to the newest good version", partly);
    let mut report = looking.undo.restore_files(back, None, why, &check, run)?;
    report.plan.notes.extend(notes);
    for hindered in report.plan.left_alone.iter().chain(&report.plan.conflicts) {
        if let Some(file) = files.iter_mut().find(|file| file.path == hindered.path) {
            file.left = Some(hindered.why.clone());
        }
    }
    if report.operation.is_some() {
        for file in files.iter_mut().filter(|file| file.back().is_some()) {
            file.still = match looking.now(&file.path)? {
                Some((_, Ok(examined))) => fault(&examined),
                Some((_, Err(why))) => Some(why),
                None => Some("it is not there".to_owned()),
            };
        }
    }
    Ok(LastGood { files, report: Some(report), recovered: undo.recovered() })
}

/// Walks to a file's newest good version. An error when that could not take its place.
fn way(
    looking: &Looking<'_>,
    path: &TreePath,
    here: Option<looking::Here>,
    mut known: Vec<Candidate>,
) -> Result<Walk, LastGoodError> {
    if here.is_some() && !known.is_empty() {
        // What stands there is said once.
        let same = looking.repo.clean_file(path)?;
        let is_same = |file: &WorkFile| matches!(file.source, Source::Git(oid) | Source::Saved(oid) if oid == same);
        known.retain(|candidate| !candidate.file.as_ref().is_some_and(is_same));
    }
    let walk = looking.walk(path, here, &known)?;
    if walk.good.as_ref().is_some_and(|step| step.candidate.origin != Origin::Now) {
        looking.beside(path)?;
    }
    Ok(walk)
}

/// Returns the data files that the newest backup of files has, or says to be gone, and that are not there.
fn missing(repo: &Repo, looking: &Looking<'_>, store: Option<&Store>) -> Result<Vec<TreePath>, LastGoodError> {
    let backups = store.map(Store::backups).transpose()?.map_or_else(Vec::new, |(backups, _)| backups);
    if backups.is_empty() {
        return Err(LastGoodError::NoBackup);
    }
    let mut found = Vec::new();
    for path in data_here::expected(repo, &backups)?.into_keys() {
        // Where its folder can't be looked into, that is said of the file.
        if looking.is_data(&path) && !matches!(looking.root.metadata(&path), Ok(Some(_))) {
            found.push(path);
        }
    }
    Ok(found)
}

/// Gives files the bytes that they had before an operation, in a revision or in a backup. Of files that the manifest names as data no
/// bad version comes back, unless it is to be `unchecked`.
pub fn restore_from(
    repo: &Repo,
    undo: &Undo<'_>,
    (paths, from): (&[TreePath], &str),
    unchecked: bool,
    run: Run,
) -> Result<Report, LastGoodError> {
    let (root, manifest) = looked_at(repo, unchecked)?;
    let looking = Looking::new(repo, root, &manifest, undo);
    looking.recover(run)?;
    let then = looking.asked_for(paths, from)?;
    let mut files: Vec<_> = then.files.into_iter().map(|(path, file)| (path, Some(file))).collect();
    let notes = looking.add_beside(&mut files)?;
    let check = |path: &TreePath, beside: &Path| looking.check_bad(path, beside);
    let why = format!("from {}", escape(from.as_bytes()));
    let mut report = looking.undo.restore_files(files, then.operation, (&why, false), &check, run)?;
    report.plan.notes.extend(notes);
    Ok(report)
}

/// Writes copies of such files into a folder, where nothing is overwritten; of data no bad version, as [`restore_from`]. Returns the
/// files' paths in the repository.
pub fn restore_to(
    repo: &Repo,
    undo: &Undo<'_>,
    (paths, from): (&[TreePath], &str),
    (folder, unchecked): (&Path, bool),
    run: Run,
) -> Result<Vec<TreePath>, LastGoodError> {
    let (root, manifest) = looked_at(repo, unchecked)?;
    let looking = Looking::new(repo, root, &manifest, undo);
    let then = looking.asked_for(paths, from)?;
    Ok(looking.undo.copy_files(then, folder, &|path, beside| looking.check_bad(path, beside), run)?)
}

/// Returns the working tree, and the manifest that says what is data: none does where nothing is to be checked.
fn looked_at(repo: &Repo, unchecked: bool) -> Result<(Root, Manifest), LastGoodError> {
    if unchecked {
        return Ok((Root::open(repo.need_work_tree()?)?, Manifest::default()));
    }
    let Here { root, manifest, .. } = here(repo)?;
    Ok((root, manifest))
}
