//! A repository: where it is, how it was found, what it can do.

use std::cell::OnceCell;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use bstr::ByteSlice;

use super::child::{Deadline, Environment, Git, GitError, path_of};
use super::foresight::Foresight;
use super::merge::Scratch;
use super::objects::{Objects, quarantine};
use crate::model::{HashKind, Oid, RefName, TreePath, WorktreeId};

/// A repository, and the worktree in it from which we were called.
pub struct Repo {
    opening: Opening,
    objects: OnceCell<Objects>,
    // Predicted objects live as long as the repository is open.
    scratch: OnceCell<Scratch>,
    foresight: OnceCell<Foresight>,
}

/// All that is needed to open a repository again, in another thread.
#[derive(Debug, Clone)]
pub struct Opening {
    git_dir: PathBuf,
    common_dir: PathBuf,
    work_tree: Option<PathBuf>,
    program: PathBuf,
    environment: Environment,
    deadline: Deadline,
}

impl Opening {
    /// Opens it.
    pub fn open(self) -> Repo {
        let (objects, scratch, foresight) = (OnceCell::new(), OnceCell::new(), OnceCell::new());
        Repo { opening: self, objects, scratch, foresight }
    }
}

/// What HEAD is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The branch's full ref name; `None` when detached.
    pub branch: Option<RefName>,
    /// The commit; `None` when unborn.
    pub oid: Option<Oid>,
}

impl Head {
    /// Returns the branch without `refs/heads/`.
    pub fn short_branch(&self) -> Option<RefName> {
        self.branch.as_ref().map(short_name)
    }
}

/// Returns a full ref name without `refs/heads/`.
fn short_name(name: &RefName) -> RefName {
    name.strip_prefix(b"refs/heads/").unwrap_or(name).into()
}

impl Repo {
    /// Finds the repository of `start` as git does (environment, `safe.directory` and all).
    pub fn discover(start: &Path, environment: Environment, deadline: Deadline) -> Result<Self, GitError> {
        let program = program(&environment);
        let git = Git::new(&program, &environment, &deadline).folder(start);
        let ask = git.args(["rev-parse", "--is-inside-work-tree", "--absolute-git-dir", "--git-common-dir"]);
        let found = ask.arg("--show-toplevel").run().map_err(|error| match error {
            GitError::Start(_) if !start.is_dir() => GitError::NoFolder(start.to_owned()),
            error => error,
        })?;
        let parts: Vec<&[u8]> = found.stdout.splitn(4, |byte| *byte == b'\n').collect();
        // Outside of a working tree git fails at the last question, when the others are answered.
        let [inside, git_dir, common_dir, top] = parts[..] else {
            let line = found.stderr.lines().next().unwrap_or_default();
            let why = crate::model::escape(line.strip_prefix(b"fatal: ").unwrap_or(line));
            // Of another owner's repository: 'git config --global --add safe.directory …'.
            let way_out = found.stderr.lines().find_map(|line| line.strip_prefix(b"\tgit config "));
            let way_out = way_out.map(|line| format!("git config {}", crate::model::escape(line)));
            return Err(GitError::NoRepository { why, way_out });
        };
        let git_dir = path_of(git_dir);
        if git_dir.join("HEAD").symlink_metadata().is_err() {
            // git's answers are lines: such a path is cut.
            let why =
                "there is a line feed in the path of this repository, and guard can't work there: rename that folder";
            return Err(GitError::NoRepository { why: why.into(), way_out: None });
        }
        let common_dir = absolute(start, &path_of(common_dir));
        let work_tree = match (found.status, inside) {
            (0, b"true") => Some(path_of(top.strip_suffix(b"\n").unwrap_or(top))),
            (_, b"false") => None,
            _ => return Err(found.failure()),
        };
        Ok(Opening { git_dir, common_dir, work_tree, program, environment, deadline }.open())
    }

    /// Takes the repository in which git runs a hook, without asking git again: hooks run at the top of the working
    /// tree (or in a bare repository), with `GIT_DIR` where it is not plainly `.git`.
    pub fn of_hook(folder: &Path, environment: Environment, deadline: Deadline) -> Result<Self, GitError> {
        let git_dir = absolute(folder, environment.get("GIT_DIR").map_or(Path::new(".git"), Path::new));
        let plain = git_dir.join("HEAD").symlink_metadata().is_ok();
        let bare = git_dir == folder || environment.get("GIT_WORK_TREE").is_some();
        if !plain || bare {
            return Self::discover(folder, environment, deadline);
        }
        let common_dir = match fs::read(git_dir.join("commondir")) {
            Ok(text) => absolute(&git_dir, &path_of(text.trim_end())),
            Err(_) => git_dir.clone(),
        };
        let program = program(&environment);
        let work_tree = Some(folder.to_owned());
        Ok(Opening { git_dir, common_dir, work_tree, program, environment, deadline }.open())
    }

    /// Opens the same once more, with another time limit.
    #[must_use]
    pub fn within(&self, limit: std::time::Duration) -> Self {
        Opening { deadline: Deadline::after(limit), ..self.opening() }.open()
    }

    /// Opens the same once more without replaced objects (`refs/replace`): whoever may push could put them there.
    #[must_use]
    pub fn as_stored(&self) -> Self {
        let mut opening = self.opening();
        opening.environment.variables.push(("GIT_NO_REPLACE_OBJECTS".into(), "1".into()));
        opening.open()
    }

    /// Returns what is needed to open the same in another thread.
    pub fn opening(&self) -> Opening {
        self.opening.clone()
    }

    /// Returns this worktree's git folder.
    pub fn git_dir(&self) -> &Path {
        &self.opening.git_dir
    }

    /// Returns the folder that all worktrees share.
    pub fn common_dir(&self) -> &Path {
        &self.opening.common_dir
    }

    /// Returns the top of the working tree; `None` in bare repositories and inside git's folder.
    pub fn work_tree(&self) -> Option<&Path> {
        self.opening.work_tree.as_deref()
    }

    /// Returns the top of the working tree, or says that there is none.
    pub fn need_work_tree(&self) -> Result<&Path, GitError> {
        self.work_tree().ok_or_else(|| GitError::Unsupported("this operation must be run in a working tree".into()))
    }

    /// Returns our own folder, `recoveryguard`, in the shared one.
    pub fn guard_dir(&self) -> PathBuf {
        self.opening.common_dir.join("recoveryguard")
    }

    /// Returns which worktree this is.
    pub fn worktree_id(&self) -> WorktreeId {
        let id = self
            .opening
            .git_dir
            .strip_prefix(&self.opening.common_dir)
            .map_or(&b"."[..], |rest| rest.as_os_str().as_bytes());
        WorktreeId(if id.is_empty() { ".".into() } else { id.into() })
    }

    /// Returns whether what belongs to a worktree counts here: it is this one's, nobody knows whose, or that worktree is no part of this
    /// repository (any more): then it came from another clone.
    pub fn counts_here(&self, worktree: Option<&WorktreeId>) -> bool {
        let Some(of) = worktree else { return true };
        let is_there = of.0[..] == *b"." || self.opening.common_dir.join(std::ffi::OsStr::from_bytes(&of.0)).is_dir();
        *of == self.worktree_id() || !is_there
    }

    /// Returns the git that is run.
    pub fn program(&self) -> &Path {
        &self.opening.program
    }

    /// Returns the deadline of this call.
    pub fn deadline(&self) -> &Deadline {
        &self.opening.deadline
    }

    /// Returns the environment of this call.
    pub fn environment(&self) -> &Environment {
        &self.opening.environment
    }

    /// Starts putting together a call of git in this repository and worktree.
    pub fn git(&self, subcommand: &str) -> Git {
        self.here().arg(subcommand)
    }

    /// The same with a setting (`core.editor=true`) that counts before all others.
    pub(super) fn git_with(&self, setting: &OsStr, subcommand: &str) -> Git {
        self.here().setting(setting).arg(subcommand)
    }

    fn here(&self) -> Git {
        let git = Git::new(&self.opening.program, &self.opening.environment, &self.opening.deadline)
            .env("GIT_DIR", &self.opening.git_dir);
        match &self.opening.work_tree {
            Some(top) => git.env("GIT_WORK_TREE", top).folder(top),
            None => git.folder(&self.opening.git_dir),
        }
    }

    /// Starts putting together a call of git in another repository, a bare one of ours, with `settings` (`gc.auto=0`) that
    /// count before all others.
    pub fn git_in(&self, git_dir: &Path, settings: &[&str], subcommand: &str) -> Git {
        let git = Git::new(&self.opening.program, &self.opening.environment, &self.opening.deadline)
            .env("GIT_DIR", git_dir)
            .folder(git_dir);
        // In a hook they say where the project's objects are.
        let objects = ["GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_QUARANTINE_PATH"];
        let git = objects.into_iter().fold(git, Git::without);
        settings.iter().fold(git, Git::setting).arg(subcommand)
    }

    /// Returns the objects.
    pub fn objects(&self) -> &Objects {
        self.objects.get_or_init(|| Objects::open(self))
    }

    /// Returns what is known of history beforehand, if anything.
    pub(super) const fn foresight(&self) -> &OnceCell<Foresight> {
        &self.foresight
    }

    /// Returns the folder of objects that are not the user's; from now on they are read, too.
    pub(super) fn scratch(&self) -> Result<&Scratch, GitError> {
        if self.scratch.get().is_none() {
            let scratch = Scratch::make(self)?;
            self.objects().add_scratch(&scratch.folder);
            // Only this thread sets it.
            let _ = self.scratch.set(scratch);
        }
        self.scratch.get().ok_or_else(|| GitError::Answer { command: "scratch".into() })
    }

    /// Returns the folder in which something may stand for a moment. Who pushes to a server may write nowhere but in the push's own
    /// quarantine; what were left there would go with a refused push.
    pub(super) fn folder_for_a_moment(&self) -> PathBuf {
        quarantine(self).unwrap_or_else(|| self.guard_dir().join("tmp"))
    }

    /// Starts a call of git that sees predicted objects too, and must not write any.
    pub(super) fn git_reading(&self, subcommand: &str) -> Git {
        match self.scratch.get() {
            Some(scratch) => self.in_scratch(scratch, subcommand),
            None => self.git(subcommand),
        }
    }

    /// Returns which hash names the objects: the length of HEAD's value tells, or the configuration.
    pub fn hash_kind(&self) -> HashKind {
        let configured = fs::read(self.opening.common_dir.join("config")).unwrap_or_default().to_ascii_lowercase();
        let says = |line: &[u8]| line.trim_start().starts_with(b"objectformat") && line.contains_str("sha256");
        if configured.lines().any(says) { HashKind::Sha256 } else { HashKind::Sha1 }
    }

    /// Returns whether refs are stored in a reftable.
    pub fn is_reftable(&self) -> bool {
        self.opening.common_dir.join("reftable").is_dir()
    }

    /// Returns whether the clone is shallow: history is cut off somewhere.
    pub fn is_shallow(&self) -> bool {
        self.opening.common_dir.join("shallow").exists()
    }

    /// Returns the commits at which a shallow clone's history is cut off.
    pub fn cut_commits(&self) -> Vec<Oid> {
        let text = fs::read(self.opening.common_dir.join("shallow")).unwrap_or_default();
        text.lines().filter_map(Oid::from_hex).collect()
    }

    /// Returns whether history or old objects may be missing on purpose: the clone is shallow or partial.
    pub fn lacks_history(&self) -> bool {
        let configured = fs::read(self.opening.common_dir.join("config")).unwrap_or_default().to_ascii_lowercase();
        self.is_shallow() || configured.contains_str("partialclone") || configured.contains_str("promisor")
    }

    /// Returns git's version as numbers, `(2, 47, 3)`.
    pub fn git_version(&self) -> Result<(u32, u32, u32), GitError> {
        let text = self.git("version").run()?.line()?;
        let numbers = text.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok());
        let numbers: Vec<u32> = numbers.collect();
        match numbers[..] {
            [major, minor, patch, ..] => Ok((major, minor, patch)),
            [major, minor] => Ok((major, minor, 0)),
            _ => Err(GitError::Answer { command: "version".into() }),
        }
    }

    /// Returns whether a file of git's own state (`MERGE_HEAD`, `SQUASH_MSG` …) is there in this worktree.
    pub fn has_state(&self, name: &str) -> bool {
        self.opening.git_dir.join(name).symlink_metadata().is_ok()
    }

    /// Reads a file of git's own state; `None` when it is not there.
    pub fn state(&self, name: &str) -> Result<Option<Vec<u8>>, GitError> {
        let path = self.opening.git_dir.join(name);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(GitError::Io { path: crate::model::escape(path.as_os_str().as_bytes()), source }),
        }
    }

    /// Returns the heads of the merge in progress: `MERGE_HEAD`'s lines.
    pub fn merge_heads(&self) -> Result<Vec<Oid>, GitError> {
        let text = self.state("MERGE_HEAD")?.unwrap_or_default();
        Ok(text.lines().filter_map(|line| Oid::from_hex(line.trim())).collect())
    }

    /// Returns what HEAD is.
    pub fn head(&self) -> Result<Head, GitError> {
        if let Some(head) = self.head_file() {
            return Ok(head);
        }
        let symbolic = self.git("symbolic-ref").args(["-q", "HEAD"]).run()?;
        let branch = match symbolic.status {
            0 => Some(RefName::from(symbolic.stdout.trim_end())),
            1 => None,
            _ => return Err(symbolic.failure()),
        };
        Ok(Head { branch, oid: self.resolve("HEAD^{commit}")? })
    }

    /// Returns whether a ref names another one.
    pub fn is_symbolic(&self, name: &str) -> Result<bool, GitError> {
        Ok(self.git("symbolic-ref").args(["-q", name]).run()?.status == 0)
    }

    /// Returns HEAD's commit; `None` when unborn.
    pub fn resolve_head(&self) -> Result<Option<Oid>, GitError> {
        self.head_file().map_or_else(|| self.resolve("HEAD^{commit}"), |head| Ok(head.oid))
    }

    /// Reads HEAD without asking git, where it is a file that names a branch whose file holds an object name (or is
    /// such a name itself). Whatever is less plain (packed, symbolic, reftable, unborn) is git's to answer, and so is the
    /// symbolic link of `core.preferSymlinkRefs` and old repositories: read through it, HEAD would look detached.
    fn head_file(&self) -> Option<Head> {
        let file = self.opening.git_dir.join("HEAD");
        if self.is_reftable() || file.is_symlink() {
            return None;
        }
        let text = fs::read(file).ok()?;
        let Some(name) = text.strip_prefix(b"ref: ") else {
            return Some(Head { branch: None, oid: Some(Oid::from_hex(text.trim_ascii_end())?) });
        };
        let name = name.trim_ascii_end();
        if !name.starts_with(b"refs/heads/") || name.contains_str("..") {
            return None;
        }
        let value = fs::read(self.opening.common_dir.join(path_of(name))).ok()?;
        Some(Head { branch: Some(name.into()), oid: Some(Oid::from_hex(value.trim_ascii_end())?) })
    }

    /// Returns the path of the folder that git runs hooks from.
    pub fn hooks_folder(&self) -> Result<PathBuf, GitError> {
        let folder = self.git("rev-parse").args(["--git-path", "hooks"]).run()?.success()?;
        let base = self.opening.work_tree.as_deref().unwrap_or(&self.opening.git_dir);
        Ok(absolute(base, &path_of(folder.strip_suffix(b"\n").unwrap_or(&folder))))
    }

    /// Returns the entry of this path in a tree as an absolute place in the working tree.
    pub fn on_disk(&self, path: &TreePath) -> Option<PathBuf> {
        self.opening.work_tree.as_ref().map(|top| top.join(OsStr::from_bytes(path)))
    }
}

/// Returns `path` as git means it when it runs in `folder`.
fn absolute(folder: &Path, path: &Path) -> PathBuf {
    let joined = folder.join(path);
    // Only `.` and a trailing `..` of git's own answers are folded; links are left as they are.
    joined.canonicalize().unwrap_or(joined)
}

/// Returns the git to run: the one that runs us as a hook comes first in its own exec path.
fn program(environment: &Environment) -> PathBuf {
    environment
        .get("GIT_EXEC_PATH")
        .map(|folder| Path::new(folder).join("git"))
        .filter(|git| git.is_file())
        .unwrap_or_else(|| PathBuf::from("git"))
}
