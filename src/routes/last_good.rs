//! `guard restore --last-good`: back to the newest version of data files that is good.
//!
//! Order: walk from version to version and choose → save what stands there, write beside it, examine what was written, swap (all
//! of that is [`Undo::restore_files`]) → examine what stands there now.

use std::path::Path;

use crate::disk::{self, DiskError, Durability, Kind, Root};
use crate::facts::{Examiner, Version};
use crate::git::{GitError, Repo};
use crate::journal::{Journal, JournalError};
use crate::manifest::{self, Format, Manifest};
use crate::model::{Mode, Raw, Source, Timestamp, TreePath, WorkFile};
use crate::recover::{Candidate, Origin, Step, Walk, candidates, walk};
use crate::store::{Store, StoreError};
use crate::undo::{Report, Run, Undo, UndoError};
use crate::validate::Examined;

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
    #[error("the manifest can't be read: {0}")]
    Manifest(String),
    /// Something else than a file stands at the path.
    #[error("'{path}' is {what}; only files are brought back")]
    NoFile {
        /// Where.
        path: TreePath,
        /// What.
        what: &'static str,
    },
    /// Nobody ever had such a file.
    #[error("no version of '{0}' is known: not in history, reflogs, operations or backups")]
    NeverSeen(TreePath),
    /// No version of it is good.
    #[error("no good version of '{0}' is known")]
    NoneGood(TreePath, Box<Walk>),
    /// It could not be done.
    #[error(transparent)]
    Undo(#[from] UndoError),
}

/// A file, and the way to its good version.
#[derive(Debug)]
pub struct Recovery {
    /// Which.
    pub path: TreePath,
    /// The way; the file as it stands comes first.
    pub walk: Walk,
    /// What is wrong with the file after it was brought back: nothing, unless somebody wrote it just now.
    pub still: Option<String>,
}

impl Recovery {
    /// Returns the version that comes back; `None` when the file is good as it stands.
    pub fn back(&self) -> Option<&Step> {
        self.walk.good.as_ref().filter(|step| step.candidate.origin != Origin::Now)
    }
}

/// What came of it.
#[derive(Debug)]
pub struct LastGood {
    /// By file.
    pub files: Vec<Recovery>,
    /// What was planned, and unless it was a dry run done; `None` when all files are good.
    pub report: Option<Report>,
}

/// Brings files back to their newest good version; all or none.
pub fn last_good(repo: &Repo, paths: &[TreePath], now: Timestamp, run: Run) -> Result<LastGood, LastGoodError> {
    let root = Root::open(repo.need_work_tree()?)?;
    let manifest = manifest_here(&root)?;
    let looking = Looking {
        repo,
        root,
        examiner: Examiner::new(&manifest, |path| schema(repo, path)),
        undo: Undo::new(repo, now),
    };
    let history = Journal::open(&repo.guard_dir()).operations()?;
    let store = match Store::open(&repo.guard_dir()) {
        Err(StoreError::NoStore(_)) => None,
        store => Some(store?),
    };
    let mut files = Vec::new();
    for path in paths {
        let mut known = candidates(repo, &history, store.as_ref(), path)?;
        if looking.root.open_file(path)?.is_some() {
            // What stands there is said once.
            let same = Source::Git(repo.clean_file(path)?);
            known.retain(|candidate| candidate.file.as_ref().is_none_or(|file| file.source != same));
        }
        files.push(Recovery { path: path.clone(), walk: looking.walk(path, &known)?, still: None });
    }
    let back: Vec<(TreePath, Option<WorkFile>)> =
        files.iter().filter_map(|file| Some((file.path.clone(), Some(file.back()?.candidate.file.clone()?)))).collect();
    if back.is_empty() {
        return Ok(LastGood { files, report: None });
    }
    let check = |path: &TreePath, beside: &Path| match looking.examiner.examine(path, Version::File(beside)) {
        Ok(examined) => fault(&examined).map_or(Ok(()), Err),
        Err(error) => Err(error.to_string()),
    };
    let report = looking.undo.restore_files(back, "to the newest good version", &check, run)?;
    if report.operation.is_some() {
        for file in files.iter_mut().filter(|file| file.back().is_some()) {
            file.still = match looking.now(&file.path)? {
                Some((_, Ok(examined))) => fault(&examined),
                Some((_, Err(why))) => Some(why),
                None => Some("it is not there".to_owned()),
            };
        }
    }
    Ok(LastGood { files, report: Some(report) })
}

/// Returns why a file is not good.
fn fault(examined: &Examined) -> Option<String> {
    let fault = examined.faults.first.first().map(ToString::to_string);
    fault.or_else(|| examined.unknown.first().cloned())
}

/// Reads the manifest of the working tree.
fn manifest_here(root: &Root) -> Result<Manifest, LastGoodError> {
    match root.read(&manifest::FILE.into())? {
        Some(disk::OnDisk::File { bytes, .. }) => {
            manifest::parse(&bytes).map_err(|error| LastGoodError::Manifest(error.to_string()))
        }
        _ => Ok(Manifest::default()),
    }
}

/// Reads a schema of the working tree; where it is not there, HEAD's.
fn schema(repo: &Repo, path: &str) -> Result<Vec<u8>, String> {
    let here = || -> Result<Option<Vec<u8>>, LastGoodError> {
        let root = Root::open(repo.need_work_tree()?)?;
        if let Some(disk::OnDisk::File { bytes, .. }) = root.read(&path.into())? {
            return Ok(Some(bytes));
        }
        let Some(head) = repo.head()?.oid else { return Ok(None) };
        let entry = repo.objects().leaf(Some(repo.objects().tree_of(head)?), &path.into())?;
        Ok(entry.map(|entry| repo.objects().blob(entry.oid)).transpose()?)
    };
    here().map_err(|error| error.to_string())?.ok_or_else(|| "it is not there".to_owned())
}

struct Looking<'a> {
    repo: &'a Repo,
    root: Root,
    examiner: Examiner<'a>,
    undo: Undo<'a>,
}

/// A file as it stands, and what was found in it.
type Here = (Mode, Result<Examined, String>);

impl Looking<'_> {
    /// Walks from the file as it stands to its newest good version.
    fn walk(&self, path: &TreePath, known: &[Candidate]) -> Result<Walk, LastGoodError> {
        let here = self.now(path)?;
        if here.is_none() && known.is_empty() {
            return Err(LastGoodError::NeverSeen(path.clone()));
        }
        let file =
            here.as_ref().map(|(mode, _)| WorkFile { mode: *mode, bits: None, source: Source::Bytes(Raw::default()) });
        let first = Candidate { at: Timestamp(u64::MAX), origin: Origin::Now, file };
        let most = self.examiner.rule(path).and_then(|(rule, _)| rule.max_loss);
        let mut here = here.map(|(_, examined)| examined);
        let mut ahead = Ahead { looking: self, path, known, read: Vec::new(), from: 0 };
        let found =
            walk(std::iter::once(first).chain(known.iter().cloned()), most, |candidate| match candidate.origin {
                Origin::Now => here.take().unwrap_or_else(|| Err("it is not there".to_owned())),
                _ => ahead.look(candidate),
            });
        if found.good.is_none() {
            return Err(LastGoodError::NoneGood(path.clone(), Box::new(found)));
        }
        Ok(found)
    }

    /// Examines the file as it stands; `None` when there is none.
    fn now(&self, path: &TreePath) -> Result<Option<Here>, LastGoodError> {
        let no_file = |what| LastGoodError::NoFile { path: path.clone(), what };
        let mode = match self.root.metadata(path)?.map(|metadata| metadata.kind) {
            None => return Ok(None),
            Some(Kind::File(Mode::Link)) => return Err(no_file("a symbolic link")),
            Some(Kind::File(mode)) => mode,
            Some(Kind::Folder) => return Err(no_file("a folder")),
            Some(Kind::Special) => return Err(no_file("no regular file")),
        };
        let Some((_, mut file)) = self.root.open_file(path)? else { return Ok(None) };
        let examined = self.examiner.examine(path, Version::Stream(&mut file));
        Ok(Some((mode, examined.map_err(|error| error.to_string()))))
    }

    /// Examines bytes of a version.
    fn examine(&self, path: &TreePath, bytes: &[u8]) -> Result<Examined, String> {
        let is_database = self.examiner.rule(path).map(|(_, format)| format).or(Format::by_extension(path.as_bstr()))
            == Some(Format::Sqlite);
        if !is_database {
            return self.examiner.examine(path, Version::Stream(&mut &*bytes)).map_err(|error| error.to_string());
        }
        let parent = self.repo.guard_dir().join("tmp");
        let folder = parent.join(format!("version-{}", std::process::id()));
        let look = || -> Result<Examined, String> {
            let say = |error: DiskError| error.to_string();
            disk::ensure_folder(&folder, 0o700).map_err(say)?;
            let file = folder.join("database");
            disk::write_atomic(&file, bytes, Durability::Lazy, 0o600).map_err(say)?;
            self.examiner.examine(path, Version::File(&file)).map_err(|error| error.to_string())
        };
        let examined = look();
        // What is left is found by `guard doctor`.
        let _ = disk::remove_folder_all_inside(&parent, &folder);
        examined
    }
}

/// Versions that were read ahead: git's filters take many as fast as one.
struct Ahead<'l> {
    looking: &'l Looking<'l>,
    path: &'l TreePath,
    known: &'l [Candidate],
    read: Vec<Option<Result<Vec<u8>, String>>>,
    /// The place of the first of them among all.
    from: usize,
}

/// So many are read ahead at most, and so many bytes.
const AHEAD: usize = 32;
const AHEAD_BYTES: u64 = 16 << 20;

impl Ahead<'_> {
    fn look(&mut self, candidate: &Candidate) -> Result<Examined, String> {
        let place = self.known.iter().position(|known| known == candidate).unwrap_or(0);
        if place >= self.from + self.read.len() {
            self.fill(place);
        }
        let bytes = self.read.get_mut(place - self.from).and_then(Option::take);
        let bytes = bytes.unwrap_or_else(|| Err("it could not be read".to_owned()))?;
        self.looking.examine(self.path, &bytes)
    }

    /// Reads the version at a place and some behind it, more each time.
    fn fill(&mut self, place: usize) {
        let most = (self.read.len() * 2).clamp(1, AHEAD);
        let mut size = 0;
        let mut places = Vec::new();
        for (at, candidate) in self.known.iter().enumerate().skip(place) {
            let Some(file) = &candidate.file else { continue };
            size += match file.source {
                Source::Git(oid) => self.looking.repo.objects().header(oid).map_or(0, |(_, size)| size),
                _ => AHEAD_BYTES / 4,
            };
            if !places.is_empty() && (places.len() == most || size > AHEAD_BYTES) {
                break;
            }
            places.push((at, file));
        }
        let files: Vec<&WorkFile> = places.iter().map(|(_, file)| *file).collect();
        let read = self.looking.undo.versions(self.path, &files);
        self.from = place;
        self.read = places.last().map_or_else(Vec::new, |(last, _)| (place..=*last).map(|_| None).collect());
        for ((at, _), bytes) in places.into_iter().zip(read) {
            self.read[at - place] = Some(bytes.map_err(|error| error.to_string()));
        }
    }
}
