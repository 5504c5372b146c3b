//! Reading objects.
//!
//! Two sources with one face: gitoxide's object database in process, or `git cat-file --batch`. The first is used only
//! where it sees what git sees: no replace refs, no object folder elsewhere but a push's quarantine, no reftable (whose
//! replace refs we could not see). Objects that our own predictions make stand in a scratch folder that is asked first.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout};
use std::rc::Rc;
use std::sync::Arc;

use bstr::{BString, ByteSlice};
use gix::objs::{Find, FindHeader};

use super::child::GitError;
use super::repository::Repo;
use crate::model::{Content, HashKind, Mode, Oid, Raw, TreePath};

/// The kind of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectKind {
    /// A file's content.
    Blob,
    /// A folder.
    Tree,
    /// A commit.
    Commit,
    /// An annotated tag.
    Tag,
}

/// One line of a tree object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeEntry {
    /// The name, without folders.
    pub name: BString,
    /// The kind.
    pub mode: Mode,
    /// The object.
    pub oid: Oid,
}

/// A commit's parts that we need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its tree.
    pub tree: Oid,
    /// Its parents, in order.
    pub parents: Vec<Oid>,
    /// When it was committed: seconds since 1970.
    pub time: u64,
    /// The author's name.
    pub author: BString,
    /// The whole message.
    pub message: BString,
}

impl Commit {
    /// Returns the message's first line.
    pub fn subject(&self) -> Raw {
        ByteSlice::lines(self.message.as_slice()).next().unwrap_or_default().into()
    }
}

/// The objects of a repository.
pub struct Objects {
    sources: RefCell<Vec<Source>>,
    trees: RefCell<HashMap<Oid, Rc<Vec<TreeEntry>>>>,
    kind: HashKind,
}

enum Source {
    Gix(Box<gix::odb::Handle>),
    // Our own predictions: loose objects only, so that a miss costs one look and no search for packs.
    Loose(gix::odb::loose::Store),
    Batch { headers: Batch, contents: Batch },
}

impl Objects {
    pub(super) fn open(repo: &Repo) -> Self {
        let kind = repo.hash_kind();
        let direct = direct(repo).into_iter().map(|handle| Source::Gix(Box::new(handle)));
        let mut sources: Vec<Source> = direct.collect();
        if sources.is_empty() {
            let (headers, contents) = (Batch::new(repo, "--batch-check"), Batch::new(repo, "--batch"));
            sources.push(Source::Batch { headers, contents });
        }
        Self { sources: RefCell::new(sources), trees: RefCell::default(), kind }
    }

    /// Returns whether objects are read in process.
    pub(super) fn is_direct(&self) -> bool {
        !self.sources.borrow().iter().any(|source| matches!(source, Source::Batch { .. }))
    }

    /// Adds a folder of objects that is asked before the others.
    pub(super) fn add_scratch(&self, folder: &Path) {
        let store = gix::odb::loose::Store::at(folder, gix_kind(self.kind));
        self.sources.borrow_mut().insert(0, Source::Loose(store));
    }

    /// Returns an object's kind and bytes.
    pub fn read(&self, oid: Oid) -> Result<(ObjectKind, Vec<u8>), GitError> {
        for source in self.sources.borrow_mut().iter_mut() {
            if let Some(found) = source.read(oid)? {
                return Ok(found);
            }
        }
        Err(GitError::Missing(oid))
    }

    /// Returns an object's kind and size in bytes.
    pub fn header(&self, oid: Oid) -> Result<(ObjectKind, u64), GitError> {
        for source in self.sources.borrow_mut().iter_mut() {
            if let Some(found) = source.header(oid)? {
                return Ok(found);
            }
        }
        Err(GitError::Missing(oid))
    }

    /// Returns a blob's bytes.
    pub fn blob(&self, oid: Oid) -> Result<Vec<u8>, GitError> {
        match self.read(oid)? {
            (ObjectKind::Blob, bytes) => Ok(bytes),
            _ => Err(GitError::Damaged { oid, why: "it is no blob".into() }),
        }
    }

    /// Returns a blob's bytes, or only its size when it has more than `limit` bytes.
    pub fn content(&self, oid: Oid, limit: u64) -> Result<Content, GitError> {
        let (_, size) = self.header(oid)?;
        if size > limit {
            return Ok(Content::TooLarge(size));
        }
        Ok(Content::Bytes(Arc::new(self.blob(oid)?.into())))
    }

    /// Returns a tree's entries in git's order.
    pub fn tree(&self, oid: Oid) -> Result<Rc<Vec<TreeEntry>>, GitError> {
        if let Some(known) = self.trees.borrow().get(&oid) {
            return Ok(Rc::clone(known));
        }
        let (kind, bytes) = self.read(oid)?;
        if kind != ObjectKind::Tree {
            return Err(GitError::Damaged { oid, why: "it is no tree".into() });
        }
        let entries = Rc::new(parse_tree(oid, &bytes, self.kind)?);
        self.trees.borrow_mut().insert(oid, Rc::clone(&entries));
        Ok(entries)
    }

    /// Returns a commit's parts.
    pub fn commit(&self, oid: Oid) -> Result<Commit, GitError> {
        let (kind, bytes) = self.read(oid)?;
        if kind != ObjectKind::Commit {
            return Err(GitError::Damaged { oid, why: "it is no commit".into() });
        }
        parse_commit(&bytes).ok_or_else(|| GitError::Damaged { oid, why: "its header can't be read".into() })
    }

    /// Returns a commit's tree.
    pub fn tree_of(&self, commit: Oid) -> Result<Oid, GitError> {
        Ok(self.commit(commit)?.tree)
    }

    /// Returns the empty tree's name.
    pub fn hash_kind(&self) -> HashKind {
        self.kind
    }

    /// Returns the name that git gives these bytes as a blob, without any filter.
    pub fn hash_blob(&self, bytes: &[u8]) -> Result<Oid, GitError> {
        hash_blob(self.kind, bytes)
    }

    /// Returns a commit's subject and author, or nothing when it can't be read.
    pub fn describe(&self, oid: Oid) -> Option<(TreePath, TreePath)> {
        let commit = self.commit(oid).ok()?;
        let subject = ByteSlice::lines(commit.message.as_slice()).next().unwrap_or_default().into();
        Some((subject, commit.author.as_slice().into()))
    }
}

/// Returns the name that git gives these bytes as a blob.
pub(super) fn hash_blob(kind: HashKind, bytes: &[u8]) -> Result<Oid, GitError> {
    let hashed = gix::objs::compute_hash(gix_kind(kind), gix::objs::Kind::Blob, bytes);
    let found = hashed.ok().and_then(|hash| Oid::from_bytes(hash.as_bytes()));
    found.ok_or_else(|| GitError::Unsupported("the content can't be hashed (a SHA-1 collision attack?)".into()))
}

/// Returns the folders of objects, if gitoxide sees the same as git there; none if not. A push that has not been taken yet
/// stands in a folder of its own, the quarantine, which comes first.
pub(super) fn folders(repo: &Repo) -> Vec<PathBuf> {
    let (environment, own) = (repo.environment(), repo.common_dir().join("objects"));
    let odd = ["GIT_REPLACE_REF_BASE", "GIT_SHALLOW_FILE", "GIT_GRAFT_FILE"];
    let replaced = || {
        if environment.get("GIT_NO_REPLACE_OBJECTS").is_some() {
            return false;
        }
        let packed = fs::read(repo.common_dir().join("packed-refs")).unwrap_or_default();
        repo.common_dir().join("refs/replace").is_dir() || packed.contains_str(" refs/replace/")
    };
    if odd.iter().any(|name| environment.get(name).is_some()) || repo.is_reftable() || replaced() {
        return Vec::new();
    }
    let [objects, rest] =
        ["GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"].map(|name| environment.get(name));
    match (objects, rest) {
        (None, None) => vec![own],
        // Of several folders, or a quoted one, this is no path.
        (Some(_), Some(rest)) if is_same(Path::new(rest), &own) => {
            quarantine(repo).map_or_else(Vec::new, |new| vec![new, own])
        }
        _ => Vec::new(),
    }
}

/// Returns the folder of a push that has not been taken yet, in a hook that judges it. GitLab does not name it to its hooks as
/// quarantine, only as git's own, in the folder of all objects.
pub(super) fn quarantine(repo: &Repo) -> Option<PathBuf> {
    let place = |name| repo.environment().get(name).and_then(|value| Path::new(value).canonicalize().ok());
    let new = place("GIT_OBJECT_DIRECTORY")?;
    let is_it = if repo.environment().get("GIT_QUARANTINE_PATH").is_some() {
        place("GIT_QUARANTINE_PATH")? == new
    } else {
        is_same(new.parent()?, &repo.common_dir().join("objects"))
    };
    is_it.then_some(new)
}

fn is_same(one: &Path, other: &Path) -> bool {
    one.canonicalize().is_ok_and(|one| other.canonicalize().is_ok_and(|other| one == other))
}

/// Opens the folders of objects in process, in the order in which they are asked; none where git has to be asked.
fn direct(repo: &Repo) -> Vec<gix::odb::Handle> {
    let (folders, kind) = (folders(repo), gix_kind(repo.hash_kind()));
    let last = folders.len().saturating_sub(1);
    let open = |(place, folder): (usize, PathBuf)| {
        let mut handle = gix::odb::at(folder, kind).ok()?;
        if place < last {
            // Nothing comes into quarantine any more: what is not there is not looked for again.
            handle.refresh_never();
        }
        Some(handle)
    };
    folders.into_iter().enumerate().map(open).collect::<Option<_>>().unwrap_or_default()
}

pub(super) const fn gix_kind(kind: HashKind) -> gix::hash::Kind {
    match kind {
        HashKind::Sha1 => gix::hash::Kind::Sha1,
        HashKind::Sha256 => gix::hash::Kind::Sha256,
    }
}

impl Source {
    fn read(&mut self, oid: Oid) -> Result<Option<(ObjectKind, Vec<u8>)>, GitError> {
        match self {
            Self::Gix(handle) => {
                let id = gix_id(oid)?;
                let mut buffer = Vec::new();
                let found = handle.try_find(&id, &mut buffer).map_err(|error| damaged(oid, &error))?;
                Ok(found.map(|data| data.kind).map(|kind| (kind_of(kind), buffer)))
            }
            Self::Loose(store) => {
                let id = gix_id(oid)?;
                let mut buffer = Vec::new();
                let found = store.try_find(&id, &mut buffer).map_err(|error| damaged(oid, &error))?;
                Ok(found.map(|data| data.kind).map(|kind| (kind_of(kind), buffer)))
            }
            Self::Batch { contents, .. } => contents.read(oid),
        }
    }

    fn header(&mut self, oid: Oid) -> Result<Option<(ObjectKind, u64)>, GitError> {
        match self {
            Self::Gix(handle) => {
                let id = gix_id(oid)?;
                let found = handle.try_header(&id).map_err(|error| damaged(oid, &error))?;
                Ok(found.map(|header| (kind_of(header.kind), header.size)))
            }
            Self::Loose(store) => {
                let id = gix_id(oid)?;
                let found = store.try_header(&id).map_err(|error| damaged(oid, &error))?;
                Ok(found.map(|(size, kind)| (kind_of(kind), size)))
            }
            Self::Batch { headers, .. } => headers.header(oid),
        }
    }
}

/// Turns our name into gitoxide's.
pub(super) fn gix_id(oid: Oid) -> Result<gix::hash::ObjectId, GitError> {
    gix::hash::ObjectId::try_from(oid.as_bytes()).map_err(|_| GitError::Missing(oid))
}

fn damaged(oid: Oid, error: &dyn std::fmt::Display) -> GitError {
    GitError::Damaged { oid, why: crate::model::escape(error.to_string().as_bytes()) }
}

pub(super) const fn kind_of(kind: gix::objs::Kind) -> ObjectKind {
    match kind {
        gix::objs::Kind::Blob => ObjectKind::Blob,
        gix::objs::Kind::Tree => ObjectKind::Tree,
        gix::objs::Kind::Commit => ObjectKind::Commit,
        gix::objs::Kind::Tag => ObjectKind::Tag,
    }
}

pub(super) fn parse_tree(oid: Oid, bytes: &[u8], kind: HashKind) -> Result<Vec<TreeEntry>, GitError> {
    let entries = gix::objs::TreeRefIter::from_bytes(bytes, gix_kind(kind));
    let entry = |entry: gix::objs::tree::EntryRef<'_>| {
        let mode = Mode::from_octal(u32::from(entry.mode.value()))?;
        Some(TreeEntry { name: entry.filename.to_owned(), mode, oid: Oid::from_bytes(entry.oid.as_bytes())? })
    };
    entries
        .map(|found| found.ok().and_then(entry))
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| GitError::Damaged { oid, why: "its entries can't be read".into() })
}

/// Reads the header lines that we need; the rest (signatures, encodings) is skipped.
pub(super) fn parse_commit(bytes: &[u8]) -> Option<Commit> {
    let (header, message) = bytes.split_once_str("\n\n").unwrap_or((bytes, b""));
    let mut lines = ByteSlice::lines(header);
    let tree = Oid::from_hex(lines.next()?.strip_prefix(b"tree ")?)?;
    let mut parents = Vec::new();
    let (mut author, mut time) = (BString::default(), 0);
    for line in lines {
        if let Some(parent) = line.strip_prefix(b"parent ") {
            parents.push(Oid::from_hex(parent)?);
        } else if let Some(person) = line.strip_prefix(b"author ") {
            author = person.split_str(" <").next().unwrap_or_default().into();
        } else if let Some(person) = line.strip_prefix(b"committer ") {
            time = person.rsplit_str(" ").nth(1).and_then(|seconds| seconds.to_str().ok()?.parse().ok()).unwrap_or(0);
            break;
        }
    }
    Some(Commit { tree, parents, time, author, message: message.into() })
}

/// A conversation with `git cat-file --batch`, started when first needed.
struct Batch {
    start: Box<dyn Fn() -> Result<Child, GitError>>,
    running: Option<(Child, ChildStdin, BufReader<ChildStdout>)>,
}

impl Batch {
    fn new(repo: &Repo, mode: &'static str) -> Self {
        let (program, git_dir) = (repo.program().to_owned(), repo.git_dir().to_owned());
        let environment = repo.environment().clone();
        let start = move || {
            let git = super::child::Git::new(&program, &environment, &super::child::Deadline::never());
            git.env("GIT_DIR", &git_dir).folder(&git_dir).args(["cat-file", mode]).converse()
        };
        Self { start: Box::new(start), running: None }
    }

    /// Asks for one object; the answer's first line tells kind and size, `None` is "missing".
    fn header(&mut self, oid: Oid) -> Result<Option<(ObjectKind, u64)>, GitError> {
        if self.running.is_none() {
            let mut child = (self.start)()?;
            if let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) {
                self.running = Some((child, input, BufReader::new(output)));
            }
        }
        let (_, input, output) = self.running.as_mut().ok_or_else(unknown_answer)?;
        writeln!(input, "{oid}").and_then(|()| input.flush()).map_err(GitError::Start)?;
        let mut line = Vec::new();
        output.read_until(b'\n', &mut line).map_err(GitError::Start)?;
        let mut words = line.trim_end().split_str(" ").skip(1);
        let kind = match words.next() {
            Some(b"blob") => ObjectKind::Blob,
            Some(b"tree") => ObjectKind::Tree,
            Some(b"commit") => ObjectKind::Commit,
            Some(b"tag") => ObjectKind::Tag,
            Some(b"missing") => return Ok(None),
            _ => return Err(unknown_answer()),
        };
        let size = words.next().and_then(|word| word.to_str().ok()?.parse().ok()).ok_or_else(unknown_answer)?;
        Ok(Some((kind, size)))
    }

    fn read(&mut self, oid: Oid) -> Result<Option<(ObjectKind, Vec<u8>)>, GitError> {
        let Some((kind, size)) = self.header(oid)? else { return Ok(None) };
        let size = usize::try_from(size).map_err(|_| unknown_answer())?;
        let (_, _, output) = self.running.as_mut().ok_or_else(unknown_answer)?;
        let mut bytes = vec![0; size + 1];
        output.read_exact(&mut bytes).map_err(GitError::Start)?;
        bytes.truncate(size);
        Ok(Some((kind, bytes)))
    }
}

fn unknown_answer() -> GitError {
    GitError::Answer { command: "cat-file --batch".into() }
}

impl Drop for Batch {
    fn drop(&mut self) {
        if let Some((mut child, input, _)) = self.running.take() {
            drop(input);
            // It ends at the end of its input; its status tells nothing.
            let _ = child.wait();
        }
    }
}
