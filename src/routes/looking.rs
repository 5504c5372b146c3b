//! Versions of data files, looked at: the one that stands in the working tree, and those that could come back.

use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::data_here::{Scratch, schema};
use super::last_good::LastGoodError;
use crate::disk::{self, Kind, Root};
use crate::facts::{Examiner, Version};
use crate::git::{Repo, Stage};
use crate::manifest::Manifest;
use crate::model::{Mode, Source, Timestamp, TreePath, Use, WorkFile};
use crate::recover::{Candidate, Origin, Walk, settles, walk};
use crate::store::Store;
use crate::undo::{Content, Run, Then, Undo, UndoError};
use crate::validate::Examined;
use crate::validate::sqlite::in_use;

/// What looking at versions takes.
pub(super) struct Looking<'a> {
    pub(super) repo: &'a Repo,
    pub(super) root: Root,
    pub(super) examiner: Examiner<'a>,
    pub(super) undo: &'a Undo<'a>,
}

/// A file as it stands, and what was found in it.
pub(super) type Here = (Mode, Result<Examined, String>);

impl<'a> Looking<'a> {
    pub(super) fn new(repo: &'a Repo, root: Root, manifest: &'a Manifest, undo: &'a Undo<'a>) -> Self {
        let examiner = Examiner::new(manifest, |path| schema(repo, path));
        Self { repo, root, examiner, undo }
    }

    /// Puts the data files beneath a folder into its place: those that git tracks, and others that a backup has. And says whether
    /// only folders were named.
    pub(super) fn named(
        &self,
        paths: &[TreePath],
        store: Option<&Store>,
    ) -> Result<(Vec<TreePath>, bool), LastGoodError> {
        let (mut found, mut only_folders) = (Vec::new(), true);
        let backups = store.map(Store::backups).transpose()?.map_or_else(Vec::new, |(backups, _)| backups);
        for path in paths {
            let here =
                if path.is_empty() { Some(Kind::Folder) } else { self.root.metadata(path)?.map(|found| found.kind) };
            if matches!(here, Some(Kind::File(_) | Kind::Special)) {
                only_folders = false;
                if !found.contains(path) {
                    found.push(path.clone());
                }
                continue;
            }
            // A folder may be gone with all that was in it.
            let mut known = Vec::new();
            self.repo.read_index(&self.repo.own_index_file(), |at, entry| {
                let at = TreePath::from(at);
                if entry.stage == Stage::Normal && at.is_at(path) && self.is_data(&at) {
                    known.push((at, entry.entry.mode));
                }
            })?;
            // What git tracked and the index has no more was removed by a commit.
            for file in backups.iter().flat_map(|backup| &backup.files).filter(|file| !file.tracked) {
                if file.path.is_at(path) && self.is_data(&file.path) {
                    known.push((file.path.clone(), file.mode));
                }
            }
            // What has nothing beneath it is a file, though it be gone.
            if known.iter().all(|(at, _)| at == path) {
                if here.is_some() && known.is_empty() {
                    return Err(LastGoodError::NoData(path.clone()));
                }
                known = vec![(path.clone(), Mode::File)];
                only_folders = false;
            }
            for (at, mode) in known {
                // What a link leads to comes back by its own name.
                let is_link = || Ok::<_, LastGoodError>(mode == Mode::Link && !self.is_regular(&at)?);
                if !found.contains(&at) && !is_link()? {
                    found.push(at);
                }
            }
        }
        Ok((found, only_folders))
    }

    fn is_regular(&self, path: &TreePath) -> Result<bool, LastGoodError> {
        Ok(matches!(self.root.metadata(path)?.map(|found| found.kind), Some(Kind::File(mode)) if mode.is_regular()))
    }

    /// Deals with interrupted undos before anything is looked at, unless nothing is to change.
    pub(super) fn recover(&self, run: Run) -> Result<(), LastGoodError> {
        if run == Run::Real {
            self.undo.recover_interrupted()?;
        }
        Ok(())
    }

    /// Returns whether the manifest names a file as data.
    pub(super) fn is_data(&self, path: &TreePath) -> bool {
        self.examiner.rule(path).is_some()
    }

    /// Returns the versions that somebody asked for; an error when one may not come back.
    pub(super) fn asked_for(&self, paths: &[TreePath], from: &str) -> Result<Then, LastGoodError> {
        let then = self.undo.files_from(paths, from)?;
        then.files.iter().try_for_each(|(path, file)| self.need_good(path, file))?;
        Ok(then)
    }

    /// An error when a version that somebody asked for is damaged where it is kept, or bad as data.
    fn need_good(&self, path: &TreePath, file: &WorkFile) -> Result<(), LastGoodError> {
        // A link is what was asked for; it holds no data.
        let is_data = self.is_data(path) && file.mode != Mode::Link;
        // What git keeps is looked at by git when it is written out.
        if !is_data && !matches!(file.source, Source::Saved(_)) {
            return Ok(());
        }
        let damaged = |why| LastGoodError::Damaged { path: path.clone(), why };
        for content in self.undo.versions(path, &[file]) {
            let content = content?;
            let mut bytes = match content.open() {
                Err(UndoError::Store(error)) => return Err(damaged(error.to_string())),
                opened => opened?,
            };
            if is_data {
                let examined = examine(self.repo, &self.examiner, path, &mut *bytes).map_err(damaged)?;
                if let Some(fault) = examined.faults.first.first() {
                    return Err(LastGoodError::Bad { path: path.clone(), why: fault.to_string() });
                }
            } else {
                io::copy(&mut bytes, &mut io::sink()).map_err(|error| damaged(error.to_string()))?;
            }
        }
        Ok(())
    }

    /// Adds the files that go with databases which are replaced. Returns what is lost with them, a sentence each. An error when
    /// another process uses one of them.
    pub(super) fn add_beside(
        &self,
        files: &mut Vec<(TreePath, Option<WorkFile>)>,
    ) -> Result<Vec<String>, LastGoodError> {
        let mut notes = Vec::new();
        for place in 0..files.len() {
            for companion in self.beside(&files[place].0)? {
                if files.iter().any(|(path, _)| *path == companion) {
                    continue;
                }
                let is_log = companion.ends_with(b"-wal");
                if is_log && self.root.metadata(&companion)?.is_some_and(|found| found.size > 0) {
                    let why = "it may hold committed rows that stand nowhere else";
                    notes.push(format!("'{companion}' goes with the database that stands there now: {why}"));
                }
                files.push((companion, None));
            }
        }
        Ok(notes)
    }

    /// Returns whether a file is good as it stands, whatever it was before.
    pub(super) fn is_settled(&self, path: &TreePath, here: Option<&Here>) -> bool {
        let most = self.examiner.rule(path).and_then(|(rule, _)| rule.max_loss);
        matches!(here, Some((_, Ok(examined))) if settles(examined, most))
    }

    /// Walks from the file as it stands to its newest good version, if there is one.
    pub(super) fn walk(&self, path: &TreePath, here: Option<Here>, known: &[Candidate]) -> Result<Walk, LastGoodError> {
        if here.is_none() && known.is_empty() {
            return Err(LastGoodError::NeverSeen(path.clone()));
        }
        let file = here.as_ref().map(|(mode, _)| WorkFile { mode: *mode, bits: None, source: Source::Here });
        let first = Candidate { at: Timestamp(u64::MAX), origin: Origin::Now, file, elsewhere: None };
        let most = self.examiner.rule(path).and_then(|(rule, _)| rule.max_loss);
        let mut here = here.map(|(_, examined)| examined);
        let mut ahead = Ahead { looking: self, path, known, read: Vec::new(), from: 0 };
        let found =
            walk(std::iter::once(first).chain(known.iter().cloned()), most, |candidate| match candidate.origin {
                Origin::Now => here.take().unwrap_or_else(|| Err("it is not there".to_owned())),
                _ => ahead.look(candidate),
            });
        Ok(found)
    }

    /// Examines the file as it stands; `None` when there is none.
    pub(super) fn now(&self, path: &TreePath) -> Result<Option<Here>, LastGoodError> {
        let no_file = |what| LastGoodError::NoFile { path: path.clone(), what };
        let mode = match self.root.metadata(path)?.map(|metadata| metadata.kind) {
            None => return Ok(None),
            Some(Kind::File(Mode::Link)) => {
                return Err(LastGoodError::Link { path: path.clone(), to: self.led_to(path) });
            }
            Some(Kind::File(mode)) => mode,
            Some(Kind::Folder) => return Err(no_file("a folder")),
            Some(Kind::Special) => return Err(no_file("no regular file")),
        };
        let Some((_, mut file)) = self.root.open_file(path)? else { return Ok(None) };
        let full = self.full(path);
        let version = if self.examiner.is_database(path) { Version::Live(&full) } else { Version::Stream(&mut file) };
        let examined = self.examiner.examine(path, version);
        Ok(Some((mode, examined.map_err(|error| error.to_string()))))
    }

    /// Returns the file or folder of the working tree that a link leads to.
    fn led_to(&self, path: &TreePath) -> Option<TreePath> {
        let (top, file) = (self.root.path().canonicalize().ok()?, self.full(path).canonicalize().ok()?);
        let inside = file.strip_prefix(top).ok().filter(|inside| !inside.starts_with(".git"))?;
        Some(inside.as_os_str().as_bytes().into())
    }

    fn full(&self, path: &TreePath) -> PathBuf {
        self.root.path().join(std::ffi::OsStr::from_bytes(path))
    }

    /// Examines what was written beside its place; says why it may not take it.
    pub(super) fn check(&self, path: &TreePath, beside: &Path) -> Result<(), String> {
        if beside.is_symlink() {
            // What it leads to is not what comes back.
            return Err("it is a symbolic link".to_owned());
        }
        let examined = self.examiner.examine(path, Version::File(beside)).map_err(|error| error.to_string())?;
        fault(&examined).map_or(Ok(()), Err)
    }

    /// The same where somebody asked for that version: only data that is bad may not. A link holds none.
    pub(super) fn check_bad(&self, path: &TreePath, beside: &Path) -> Result<(), String> {
        if !self.is_data(path) || beside.is_symlink() {
            return Ok(());
        }
        let examined = self.examiner.examine(path, Version::File(beside)).map_err(|error| error.to_string())?;
        examined.faults.first.first().map_or(Ok(()), |fault| Err(fault.to_string()))
    }

    /// Returns the files beside a database that belong to what stands there now, and would be taken for the new one's: they go
    /// with it. An error when another process uses it.
    pub(super) fn beside(&self, path: &TreePath) -> Result<Vec<TreePath>, LastGoodError> {
        if !self.examiner.is_database(path) {
            return Ok(Vec::new());
        }
        if self.root.open_file(path)?.is_some() {
            let used = in_use(&self.full(path))
                .map_err(|source| LastGoodError::Git(crate::git::GitError::Io { path: path.to_string(), source }))?;
            if let Some(Use::Locked { pid }) = used {
                return Err(LastGoodError::InUse { path: path.clone(), pid });
            }
        }
        let mut found = Vec::new();
        for ending in ["-journal", "-shm", "-wal"] {
            let companion = TreePath::from([&path[..], ending.as_bytes()].concat());
            if self.root.open_file(&companion)?.is_some() {
                found.push(companion);
            }
        }
        Ok(found)
    }
}

/// Examines a version, and reads it to its end: only there a stream tells that it was damaged. A database is written into a folder of
/// its own, for it can be read from a file only.
pub(super) fn examine(
    repo: &Repo,
    examiner: &Examiner<'_>,
    path: &TreePath,
    content: &mut dyn Read,
) -> Result<Examined, String> {
    if !examiner.is_database(path) {
        let found = examiner.examine(path, Version::Stream(content)).map_err(|error| error.to_string())?;
        return io::copy(content, &mut io::sink()).map(|_| found).map_err(|error| error.to_string());
    }
    let scratch = Scratch::make(repo).map_err(|error| error.to_string())?;
    let file = scratch.folder.join("database");
    disk::create_from(&file, content, 0o600).map_err(|error| error.to_string())?;
    examiner.examine(path, Version::File(&file)).map_err(|error| error.to_string())
}

/// Versions that were read ahead: git's filters take many as fast as one.
struct Ahead<'l> {
    looking: &'l Looking<'l>,
    path: &'l TreePath,
    known: &'l [Candidate],
    read: Vec<Option<Result<Content<'l>, String>>>,
    /// The place of the first of them among all.
    from: usize,
}

/// So many are read ahead at most, and so many bytes.
const AHEAD: usize = 32;
const AHEAD_BYTES: u64 = 16 << 20;

impl Ahead<'_> {
    fn look(&mut self, candidate: &Candidate) -> Result<Examined, String> {
        let place = self.known.iter().position(|known| known == candidate).unwrap_or(0);
        if !(self.from..self.from + self.read.len()).contains(&place) {
            self.fill(place);
        }
        let content = self.read.get_mut(place - self.from).and_then(Option::take);
        let content = content.unwrap_or_else(|| Err("it could not be read".to_owned()))?;
        let mut bytes = content.open().map_err(|error| error.to_string())?;
        examine(self.looking.repo, &self.looking.examiner, self.path, &mut *bytes)
    }

    /// Reads the version at a place and some behind it, more each time.
    fn fill(&mut self, place: usize) {
        let most = (self.read.len() * 2).clamp(1, AHEAD);
        let mut size = 0;
        let mut places = Vec::new();
        for (at, candidate) in self.known.iter().enumerate().skip(place) {
            let Some(file) = candidate.file.as_ref().filter(|file| file.mode != Mode::Link) else { continue };
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

/// Returns why a file is not good.
pub(super) fn fault(examined: &Examined) -> Option<String> {
    let fault = examined.faults.first.first().map(ToString::to_string);
    fault.or_else(|| examined.unknown.first().cloned())
}
