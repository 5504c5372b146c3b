//! The sandbox itself.

use std::cell::{Cell, RefCell};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::{Ran, State};

/// The first moment of every sandbox, in milliseconds: 2023-11-14 22:13:20 UTC.
const EPOCH: u64 = 1_700_000_000_000;

/// What kind of repository is made.
#[derive(Debug, Clone, Copy, Default)]
#[must_use]
pub struct Options {
    sha256: bool,
    reftable: bool,
    place: Place,
}

/// Where commands run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Main,
    LinkedWorktree,
    Bare,
}

impl Options {
    /// Objects are named by SHA-256.
    pub const fn sha256(mut self) -> Self {
        self.sha256 = true;
        self
    }

    /// Refs are stored in a reftable (ask [`super::REFTABLE`] first).
    pub const fn reftable(mut self) -> Self {
        self.reftable = true;
        self
    }

    /// Everything runs in a linked worktree, on the branch `linked`; the main one stays on `main`.
    pub const fn linked_worktree(mut self) -> Self {
        self.place = Place::LinkedWorktree;
        self
    }

    /// There is no working tree and no commit.
    pub const fn bare(mut self) -> Self {
        self.place = Place::Bare;
        self
    }

    /// Makes it: one commit, `base`, on `main`, with the file `base.txt`.
    pub fn create(self) -> Sandbox {
        let root = tempfile::Builder::new().prefix("guard-test-").tempdir().unwrap();
        let path = root.path().canonicalize().unwrap();
        for folder in ["home", "bin"] {
            fs::create_dir(path.join(folder)).unwrap();
        }
        symlink(git_under_test(), path.join("bin/git")).unwrap();
        symlink(env!("CARGO_BIN_EXE_guard"), path.join("bin/guard")).unwrap();
        let is_bare = self.place == Place::Bare;
        let mut sandbox = Sandbox {
            work: path.join("repo"),
            path,
            _root: root,
            clock: Cell::new(EPOCH),
            variables: RefCell::default(),
            is_damaged: Cell::new(is_bare),
        };
        let mut init = vec!["init", "-q"];
        init.extend(self.sha256.then_some("--object-format=sha256"));
        init.extend(self.reftable.then_some("--ref-format=reftable"));
        init.extend(is_bare.then_some("--bare"));
        let _ = Ran::of(sandbox.command("git", &sandbox.path).args(init).arg(&sandbox.work), b"").ok();
        // As '-b main' does, which git before 2.28 does not know.
        let _ = sandbox.git(["symbolic-ref", "HEAD", "refs/heads/main"]).ok();
        if is_bare {
            return sandbox;
        }
        sandbox.write("base.txt", "base\n");
        sandbox.commit("base");
        if self.place == Place::LinkedWorktree {
            let linked = sandbox.path.join("linked");
            let _ = sandbox.git(["worktree", "add", "-q", "-b", "linked", "../linked"]).ok();
            sandbox.work = linked;
        }
        sandbox
    }
}

/// A repository of its own, with everything around it.
pub struct Sandbox {
    _root: tempfile::TempDir,
    path: PathBuf,
    work: PathBuf,
    clock: Cell<u64>,
    variables: RefCell<Vec<(OsString, OsString)>>,
    is_damaged: Cell<bool>,
}

impl Sandbox {
    /// Makes an ordinary one: one commit, `base`, on `main`, with the file `base.txt`.
    #[must_use]
    pub fn new() -> Self {
        Self::options().create()
    }

    /// Starts choosing what kind of repository is made.
    pub fn options() -> Options {
        Options::default()
    }

    /// Returns the folder around everything: `repo`, `home`, `bin`.
    pub fn root(&self) -> &Path {
        &self.path
    }

    /// Returns the top of the working tree.
    pub fn work(&self) -> &Path {
        &self.work
    }

    /// Returns a place in the working tree.
    pub fn at(&self, path: impl AsRef<Path>) -> PathBuf {
        self.work.join(path)
    }

    /// Returns the folder that all worktrees share.
    pub fn common_dir(&self) -> PathBuf {
        let answer = self.git(["rev-parse", "--git-common-dir"]).ok();
        self.work.join(answer.line())
    }

    /// Sets a variable for everything that runs from now on.
    pub fn env(&self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> &Self {
        self.variables.borrow_mut().push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Says that the test damages the repository on purpose: `git fsck` is not asked at the end.
    pub fn damaged(&self) -> &Self {
        self.is_damaged.set(true);
        self
    }

    /// Prepares a program to be run in a folder, with the sandbox's environment and the next moment on the clock:
    /// for what [`Sandbox::git`] and [`Sandbox::guard`] can't do, as in `Ran::of(&mut command, input)`.
    pub fn command(&self, program: impl AsRef<OsStr>, folder: &Path) -> Command {
        let program = program.as_ref();
        // guard's commands take milliseconds, so that git's dates are the same with and without them.
        let step = if program == "guard" { 1 } else { 1000 - self.clock.get() % 1000 };
        let clock = self.clock.get() + step;
        self.clock.set(clock);
        let date = format!("{} +0000", clock / 1000);
        let bin = self.path.join("bin");
        let path = std::env::join_paths([bin.as_path(), Path::new("/usr/bin"), Path::new("/bin")]).unwrap();
        // Found here, because the child's PATH is not asked for the program itself.
        let found = bin.join(program);
        let mut command = Command::new(if found.exists() { found.as_os_str() } else { program });
        command
            .current_dir(folder)
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.path.join("home"))
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            // What is judged counts, not how busy the machine is.
            .env("RECOVERYGUARD_HOOK_SECONDS", "300")
            // Temporary folders may lie in a repository.
            .env("GIT_CEILING_DIRECTORIES", &self.path)
            .env("LC_ALL", "C")
            .env("TZ", "UTC")
            .env("GIT_AUTHOR_NAME", "Ada")
            .env("GIT_AUTHOR_EMAIL", "ada@example.org")
            .env("GIT_COMMITTER_NAME", "Ada")
            .env("GIT_COMMITTER_EMAIL", "ada@example.org")
            .env("GIT_AUTHOR_DATE", &date)
            .env("GIT_COMMITTER_DATE", &date)
            .env("GIT_EDITOR", ":")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("RECOVERYGUARD_CLOCK", clock.to_string())
            .envs(self.variables.borrow().iter().cloned());
        command
    }

    /// Runs git in the working tree.
    pub fn git<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Ran {
        self.git_in(&self.work, arguments)
    }

    /// Runs git in another folder.
    pub fn git_in<A: AsRef<OsStr>>(&self, folder: &Path, arguments: impl IntoIterator<Item = A>) -> Ran {
        Ran::of(self.command("git", folder).args(arguments), b"")
    }

    /// Runs guard in the working tree.
    pub fn guard<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Ran {
        Ran::of(self.command("guard", &self.work).args(arguments), b"")
    }

    /// Makes a project whose branch `bad` deletes the protected file `keep.txt`.
    pub fn with_bad_branch() -> Self {
        let sandbox = Self::new();
        let manifest = "version = 1\n[[protect]]\npaths = [\"keep.txt\"]\n";
        sandbox.write("keep.txt", "x\n").write(".recoveryguard.toml", manifest).commit("protect");
        sandbox.branch("bad", &[("keep.txt", None)]);
        sandbox
    }

    /// Runs `guard install`.
    pub fn install(&self) -> &Self {
        let _ = self.guard(["install"]).ok();
        self
    }

    /// Writes a file in the working tree, with the folders it needs.
    pub fn write(&self, path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> &Self {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
        self
    }

    /// Reads a file of the working tree.
    #[track_caller]
    pub fn read(&self, path: impl AsRef<Path>) -> Vec<u8> {
        fs::read(self.at(path)).unwrap()
    }

    /// Commits everything that is not ignored; returns the commit's name.
    #[track_caller]
    pub fn commit(&self, message: &str) -> String {
        let _ = self.git(["add", "-A"]).ok();
        let _ = self.git(["commit", "-q", "--allow-empty", "-m", message]).ok();
        self.rev("HEAD")
    }

    /// Returns what a revision names.
    #[track_caller]
    pub fn rev(&self, revision: &str) -> String {
        self.git(["rev-parse", "--verify", revision]).ok().line().to_owned()
    }

    /// Makes a branch at HEAD, commits `files` there (`None` deletes), and comes back; returns the commit's name.
    #[track_caller]
    pub fn branch(&self, name: &str, files: &[(&str, Option<&str>)]) -> String {
        let _ = self.git(["checkout", "-q", "-b", name]).ok();
        for (path, content) in files {
            match content {
                Some(content) => _ = self.write(path, content),
                None => fs::remove_file(self.at(path)).unwrap(),
            }
        }
        let commit = self.commit(name);
        let _ = self.git(["checkout", "-q", "-"]).ok();
        commit
    }

    /// Returns everything that must be the same when "nothing has changed".
    pub fn state(&self) -> State {
        State::of(self)
    }

    /// Fails with the differences when something has changed.
    #[track_caller]
    pub fn assert_unchanged(&self, before: &State) {
        let differences = before.differences(&self.state());
        assert!(differences.is_empty(), "changed:\n{}", differences.join("\n"));
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if !std::thread::panicking() && !self.is_damaged.get() {
            let _ = self.git(["fsck", "--no-dangling", "--no-progress"]).ok();
        }
    }
}

fn git_under_test() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| {
        let chosen = std::env::var_os("GUARD_TEST_GIT").map(PathBuf::from);
        let path = std::env::var_os("PATH").unwrap();
        let on_path = || std::env::split_paths(&path).map(|folder| folder.join("git")).find(|git| git.is_file());
        chosen.or_else(on_path).expect("git is needed to test guard")
    })
}
