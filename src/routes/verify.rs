//! `guard verify`: are the files that the manifest names as data good? Nothing is changed, nothing is recorded.
//!
//! The working tree's manifest and schemas say what is asked for, also of older versions: it is today's readers that have
//! to get along with them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::data_here::{self, here, schema};
use super::looking::examine;
use crate::facts::{self, CONTENT_LIMIT, Examiner, Found, Led, Version};
use crate::git::{GitError, Repo};
use crate::manifest::Manifest;
use crate::model::{BackupId, Content, Entry, Mode, Oid, Raw, Standing, TreePath};
use crate::recover::{loss, over};
use crate::store::{Store, StoreError};
use crate::validate::{Examined, Place};

/// Larger blobs are not read.
const LARGEST: u64 = 512 << 20;

/// A file, examined.
#[derive(Debug, Clone)]
pub struct Verified {
    /// Where.
    pub path: TreePath,
    /// What was found.
    pub examined: Examined,
}

/// A version of a file, examined.
#[derive(Debug, Clone)]
pub struct Past {
    /// What has it.
    pub holder: Holder,
    /// When that was made: seconds since 1970.
    pub time: u64,
    /// The file as it was called then, examined.
    pub file: Verified,
}

/// What has a version of a file.
#[derive(Debug, Clone)]
pub enum Holder {
    /// The commit that brought it.
    Commit {
        /// Its name.
        oid: Oid,
        /// Its author's name.
        author: Raw,
    },
    /// The newest backup of it.
    Backup(BackupId),
}

/// Why nothing could be verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// git could not be asked.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The manifest can't be read.
    #[error("{0}")]
    Manifest(String),
    /// The store can't be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Standard input can't be read.
    #[error("standard input can't be read: {0}")]
    Read(#[source] io::Error),
    /// A revision names nothing.
    #[error("'{0}' is no revision here")]
    NoRevision(String),
    /// There is no such file.
    #[error("there is no file '{0}'")]
    NoFile(TreePath),
    /// A folder without data.
    #[error("no [[data]] entry names a file beneath '{0}'")]
    NoData(TreePath),
    /// It is a folder where one file is wanted.
    #[error("'{0}' is a folder: versions are listed of one file")]
    Folder(TreePath),
    /// There is no working tree.
    #[error("there is no working tree here: name a revision (guard verify --rev HEAD)")]
    NoWorkTree,
}

/// What `guard verify` works with.
pub struct Verify<'r> {
    repo: &'r Repo,
    manifest: Manifest,
}

impl<'r> Verify<'r> {
    /// Reads the working tree's manifest; where there is none, HEAD's.
    pub fn new(repo: &'r Repo) -> Result<Self, VerifyError> {
        if repo.work_tree().is_none() {
            let tree = repo.resolve_head()?.map(|head| repo.objects().tree_of(head)).transpose()?;
            let manifest = match facts::manifest_of(repo, tree)? {
                Found::Manifest(manifest) => *manifest,
                Found::None => Manifest::default(),
                Found::Unreadable(error) => return Err(VerifyError::Manifest(error.to_string())),
                Found::Odd(why) => return Err(VerifyError::Manifest(why)),
            };
            return Ok(Self { repo, manifest });
        }
        let here = here(repo).map_err(|error| VerifyError::Manifest(error.to_string()))?;
        Ok(Self { repo, manifest: here.manifest })
    }

    /// Examines the files of the working tree: those that the manifest names, at or beneath `paths` where some are given,
    /// and the files that are given themselves.
    pub fn here(&self, paths: &[TreePath]) -> Result<Vec<Verified>, VerifyError> {
        if self.repo.work_tree().is_none() {
            return Err(VerifyError::NoWorkTree);
        }
        let examiner = self.examiner();
        let paths = &paths.iter().map(|path| self.meant(path)).collect::<Vec<_>>()[..];
        let mut found = BTreeSet::new();
        let is_wanted = |path: &TreePath| examiner.rule(path).is_some() && is_chosen(path, paths);
        let index = self.repo.own_index_file();
        for entry in self.repo.index_entries(&index)?.into_iter().filter(|entry| !entry.skip_worktree) {
            let is_file = entry.entry.mode.is_regular();
            if (is_file || entry.entry.mode == Mode::Link && self.is_no_folder(&entry.path)) && is_wanted(&entry.path) {
                found.insert(entry.path);
            }
        }
        if !self.manifest.data.is_empty() {
            let untracked = self.repo.untracked()?.into_iter().filter(is_wanted);
            found.extend(untracked.filter(|path| self.is_no_folder(path)));
        }
        let missing = self.missing(&examiner, |path| is_wanted(path) && !found.contains(path));
        for path in paths {
            let place = self.repo.on_disk(path).unwrap_or_default();
            if place.is_file() {
                found.insert(path.clone());
            } else if !path.is_empty() && !found.iter().chain(missing.keys()).any(|known| is_beneath(known, path)) {
                return Err(nothing(path.clone(), place.is_dir()));
            }
        }
        let verified = |path: TreePath| {
            let mut found = self.on_disk(&examiner, &path);
            self.note_loss(&examiner, &path, &mut found);
            Verified { path, examined: found }
        };
        let mut all: Vec<Verified> = found.into_iter().map(verified).collect();
        all.extend(missing.into_iter().map(|(path, backup)| {
            let found = match self.repo.on_disk(&path).map(|place| place.symlink_metadata()) {
                Some(Err(error)) if !is_absence(&error) => unknown(format!("it can't be read: {error}")),
                _ => bad(format!("it is not there, though backup {backup} has it")),
            };
            Verified { path, examined: found }
        }));
        all.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(all)
    }

    /// Returns files that the newest backup of files has, or had to leave out, that are wanted, and that are gone, with the backup that
    /// has them: git knows nothing of ignored ones. A store that can't be read is `guard doctor`'s to tell.
    fn missing(&self, examiner: &Examiner<'_>, is_wanted: impl Fn(&TreePath) -> bool) -> BTreeMap<TreePath, BackupId> {
        let store = Store::open(&self.repo.guard_dir()).ok();
        let backups = store.and_then(|store| Some(store.backups().ok()?.0)).unwrap_or_default();
        let is_gone = |path: &TreePath| self.repo.on_disk(path).is_some_and(|place| place.symlink_metadata().is_err());
        if self.repo.work_tree().is_none() {
            return BTreeMap::new();
        }
        let mut missing = data_here::expected(self.repo, &backups).unwrap_or_default();
        missing.retain(|path, _| examiner.rule(path).is_some() && is_wanted(path) && is_gone(path));
        missing
    }

    /// Examines the files of a revision.
    pub fn at(&self, revision: &str, paths: &[TreePath]) -> Result<Vec<Verified>, VerifyError> {
        let tree = self.repo.resolve(&format!("{revision}^{{tree}}"))?;
        let tree = tree.ok_or_else(|| VerifyError::NoRevision(crate::model::escape(revision.as_bytes())))?;
        let examiner = self.examiner();
        let paths = paths.iter().map(|path| self.meant_at(tree, path)).collect::<Result<Vec<_>, _>>()?;
        let (paths, mut found) = (&paths[..], Vec::new());
        for change in self.repo.objects().diff(None, Some(tree), self.repo.deadline())? {
            let Some(entry) = change.after.filter(|entry| entry.mode != Mode::Submodule) else { continue };
            if !paths.contains(&change.path)
                && (examiner.rule(&change.path).is_none() || !is_chosen(&change.path, paths))
            {
                continue;
            }
            if entry.mode != Mode::Link {
                found.push(self.blob(&examiner, change.path, entry)?);
                continue;
            }
            let led = facts::follow_link(self.repo.objects(), tree, &change.path)?;
            let linked = match led {
                Led::File(_, entry) => self.blob(&examiner, change.path.clone(), entry)?.examined,
                // What is in it has its own names.
                Led::Folder(_) => continue,
                Led::Outside => unknown(format!("it is {led}: that is not looked at")),
                Led::Nowhere(_) => bad(format!("it is {led}")),
            };
            found.push(Verified { path: change.path, examined: linked });
        }
        let is_missing =
            |path: &&TreePath| !path.is_empty() && !found.iter().any(|known| is_beneath(&known.path, path));
        let Some(path) = paths.iter().find(is_missing) else { return Ok(found) };
        let there = self.repo.objects().entry(Some(tree), path)?;
        Err(nothing(path.clone(), there.is_some_and(|there| there.mode == Mode::Tree)))
    }

    /// Returns the file or folder that a person means who names it by way of a link to a folder: what is in one has its own names.
    fn meant(&self, path: &TreePath) -> TreePath {
        let Some(place) = self.repo.on_disk(path).filter(|_| !path.is_empty()) else { return path.clone() };
        let real = match (place.is_dir(), place.parent(), place.file_name()) {
            (false, Some(parent), Some(name)) => parent.canonicalize().map(|parent| parent.join(name)),
            _ => place.canonicalize(),
        };
        let top = self.repo.need_work_tree().ok().and_then(|top| top.canonicalize().ok());
        let inside = top.zip(real.ok()).and_then(|(top, real)| Some(real.strip_prefix(top).ok()?.to_owned()));
        let inside = inside.filter(|inside| !inside.starts_with(".git"));
        inside.map_or_else(|| path.clone(), |inside| inside.as_os_str().as_bytes().into())
    }

    /// The same for a revision.
    fn meant_at(&self, tree: Oid, path: &TreePath) -> Result<TreePath, VerifyError> {
        let objects = self.repo.objects();
        if path.is_empty() {
            return Ok(path.clone());
        }
        Ok(match (objects.entry(Some(tree), path)?, facts::follow_link(objects, tree, path)?) {
            (_, Led::Folder(folder)) => folder,
            (None, Led::File(file, _)) => file,
            _ => path.clone(),
        })
    }

    /// Examines the newest versions of a file that HEAD's history, reflogs and backups have.
    pub fn versions(&self, path: &TreePath, most: usize) -> Result<Vec<Past>, VerifyError> {
        if self.repo.on_disk(path).is_some_and(|place| place.is_dir()) {
            return Err(VerifyError::Folder(path.clone()));
        }
        let examiner = self.examiner();
        let mut found: Vec<Past> = Vec::new();
        let mut seen = BTreeSet::new();
        for version in self.repo.versions(path, most)? {
            let Some(entry) = version.entry.filter(|entry| entry.mode.is_regular()) else { continue };
            // A merge brings a version to each parent that lacks it.
            if seen.insert((version.commit, entry.oid)) {
                let time = u64::try_from(version.at).unwrap_or(0);
                let file = self.blob(&examiner, version.path, entry)?;
                found.push(Past { holder: Holder::Commit { oid: version.commit, author: version.author }, time, file });
            }
        }
        found.extend(self.backed_up(&examiner, path, most)?);
        if found.is_empty() {
            return Err(VerifyError::NoFile(path.clone()));
        }
        found.sort_by_key(|past| Reverse(past.time));
        found.truncate(most);
        Ok(found)
    }

    /// Examines the versions that backups have, by today's rules, each once.
    fn backed_up(&self, examiner: &Examiner<'_>, path: &TreePath, most: usize) -> Result<Vec<Past>, VerifyError> {
        let store = match Store::open(&self.repo.guard_dir()) {
            Ok(store) => store,
            Err(StoreError::NoStore(_)) => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        };
        let (mut found, mut seen) = (Vec::new(), BTreeSet::new());
        for backup in store.backups()?.0 {
            let Some(file) = backup.file(path).filter(|file| file.mode.is_regular()) else { continue };
            if found.len() == most || !seen.insert(file.blob) {
                continue;
            }
            let bytes = store.stream_blob(&file.blob).map_err(|error| error.to_string());
            let verdict = bytes.and_then(|mut bytes| examine(self.repo, examiner, path, &mut bytes));
            let file = Verified { path: path.clone(), examined: verdict.unwrap_or_else(unknown) };
            found.push(Past { holder: Holder::Backup(backup.id), time: backup.at.0 / 1000, file });
        }
        Ok(found)
    }

    /// Examines bytes as if they stood at a path.
    pub fn stream(&self, path: TreePath, input: &mut dyn Read) -> Result<Verified, VerifyError> {
        let examiner = self.examiner();
        let found = if examiner.is_database(&path) {
            examine(self.repo, &examiner, &path, &mut input.take(LARGEST + 1)).unwrap_or_else(unknown)
        } else {
            examiner.examine(&path, Version::Stream(input)).map_err(VerifyError::Read)?
        };
        Ok(Verified { path, examined: found })
    }

    fn examiner(&self) -> Examiner<'_> {
        Examiner::new(&self.manifest, |path| schema(self.repo, path))
    }

    fn on_disk(&self, examiner: &Examiner<'_>, path: &TreePath) -> Examined {
        let mut found = Examined::default();
        let Some(place) = self.repo.on_disk(path) else { return found };
        match place.symlink_metadata() {
            Err(error) if is_absence(&error) => {
                found.faults.add(Place::Whole, "it is not there, though git tracks it");
            }
            Err(error) => found.unknown.push(format!("it can't be read: {error}")),
            Ok(there) if there.is_symlink() => return self.led_to(examiner, path, &place),
            Ok(there) if there.is_dir() => found.faults.add(Place::Whole, "it is a folder"),
            Ok(there) if !there.is_file() => found.unknown.push("it is no ordinary file".to_owned()),
            Ok(_) => return live(examiner, path, &place),
        }
        found
    }

    /// Returns whether a link does not lead to a folder: what is in one has its own names.
    fn is_no_folder(&self, path: &TreePath) -> bool {
        self.repo.on_disk(path).is_some_and(|place| !place.is_dir())
    }

    /// Examines the file that a link leads to, if it is one of the working tree; others are not looked at.
    fn led_to(&self, examiner: &Examiner<'_>, path: &TreePath, link: &Path) -> Examined {
        let nowhere = "it is a symbolic link, and no file is where it leads";
        let (Ok(Ok(top)), Ok(file)) = (self.repo.need_work_tree().map(Path::canonicalize), link.canonicalize()) else {
            return bad(nowhere.to_owned());
        };
        match file.strip_prefix(&top) {
            Err(_) => {
                unknown("it is a symbolic link that leads out of the working tree: that is not looked at".to_owned())
            }
            Ok(inside) if inside.starts_with(".git") => {
                unknown("it is a symbolic link into git's own folder: that is not looked at".to_owned())
            }
            Ok(_) if !file.is_file() => bad(nowhere.to_owned()),
            Ok(_) => live(examiner, path, &file),
        }
    }

    /// Notes that a file has lost more against HEAD's version than its entry allows: `guard restore` passes it over then. It may be
    /// meant so, so it is good.
    fn note_loss(&self, examiner: &Examiner<'_>, path: &TreePath, found: &mut Examined) {
        let Some(most) = examiner.rule(path).and_then(|(rule, _)| rule.max_loss) else { return };
        let committed = || {
            let objects = self.repo.objects();
            let tree = objects.tree_of(self.repo.head().ok()?.oid?).ok()?;
            let entry = objects.leaf(Some(tree), path).ok()?.filter(|entry| entry.mode.is_regular())?;
            match objects.content(entry.oid, CONTENT_LIMIT).ok()? {
                Content::Bytes(bytes) => examine(self.repo, examiner, path, &mut &bytes[..]).ok(),
                Content::TooLarge(_) => None,
            }
        };
        let Some(before) = committed().filter(|before| before.standing() == Standing::Good) else { return };
        if let Some(lost) = loss(&before.contents, &found.contents).filter(|lost| over(lost, most)) {
            let what = if lost.tables.is_empty() { "records" } else { "rows" };
            let (gone, of) = (lost.gone, lost.of);
            let why =
                format!("{gone} of {of} {what} that the last commit has are gone: 'guard restore' passes it over");
            found.notes.add(Place::Whole, why);
        }
    }

    fn blob(&self, examiner: &Examiner<'_>, path: TreePath, entry: Entry) -> Result<Verified, VerifyError> {
        self.repo.deadline().check()?;
        let (_, size) = self.repo.objects().header(entry.oid)?;
        let found = if size > LARGEST {
            unknown(format!("too large to be read ({size} bytes)"))
        } else {
            let mut bytes = self.repo.open_blob(entry.oid)?;
            examine(self.repo, examiner, &path, &mut *bytes).unwrap_or_else(unknown)
        };
        Ok(Verified { path, examined: found })
    }
}

/// Examines a file that stands there.
fn live(examiner: &Examiner<'_>, path: &TreePath, place: &Path) -> Examined {
    let read = examiner.examine(path, Version::Live(place));
    read.unwrap_or_else(|error| unknown(format!("it can't be read: {error}")))
}

/// Says that nothing at or beneath a path was found.
const fn nothing(path: TreePath, is_folder: bool) -> VerifyError {
    if is_folder { VerifyError::NoData(path) } else { VerifyError::NoFile(path) }
}

/// Returns whether nothing stands at a path. That it can't be looked at says nothing of the kind.
fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn bad(why: String) -> Examined {
    let mut found = Examined::default();
    found.faults.add(Place::Whole, why);
    found
}

fn unknown(why: String) -> Examined {
    Examined { unknown: vec![why], ..Examined::default() }
}

/// Returns whether a file is at or beneath one of some paths; where none is given, all are.
fn is_chosen(path: &TreePath, paths: &[TreePath]) -> bool {
    paths.is_empty() || paths.iter().any(|chosen| is_beneath(path, chosen))
}

fn is_beneath(path: &TreePath, folder: &TreePath) -> bool {
    folder.is_empty() || path.strip_prefix(&folder[..]).is_some_and(|rest| matches!(rest.first(), None | Some(b'/')))
}
