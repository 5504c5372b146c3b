//! A repository to merge in: hermetic, with a clock, looked at as a whole.
#![expect(clippy::disallowed_methods, reason = "tests run git and write files")]
#![allow(dead_code, reason = "unit tests and integration tests use different parts")]

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

pub struct World {
    folder: tempfile::TempDir,
    pub top: PathBuf,
    tick: Cell<u64>,
    /// Which case a test is at, for its messages.
    pub case: Cell<&'static str>,
}

/// Mode and bytes by path, folders included.
pub type Files = BTreeMap<OsString, (u32, Vec<u8>)>;

/// Everything that "unchanged" means: refs, HEAD, index entries with flags, files with modes, git's state files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    pub head: String,
    pub refs: String,
    pub index: String,
    pub files: Files,
    pub state: BTreeMap<String, Vec<u8>>,
}

impl Look {
    /// HEAD, index and files only, for comparing with a repository that has other branches.
    pub fn tree(&self) -> Self {
        Self { refs: String::new(), state: BTreeMap::new(), ..self.clone() }
    }
}

impl Look {
    /// The same without folders: empty ones don't matter to git.
    pub fn without_folders(mut self) -> Self {
        self.files.retain(|_, (mode, _)| *mode != 0o40_000);
        self
    }
}

impl World {
    /// A copy of everything, at another place.
    pub fn copy(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("cp");
        assert!(command.arg("-a").arg(&self.top).arg(folder.path()).status().unwrap().success());
        let top = folder.path().join("repo");
        Self { folder, top, tick: self.tick.clone(), case: self.case.clone() }
    }

    /// An empty repository; `options` go to `git init`.
    pub fn new(options: &[&'static str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().join("repo");
        fs::create_dir(&top).unwrap();
        let world = Self { folder, top, tick: Cell::new(0), case: Cell::new("") };
        let mut arguments = vec!["init", "-q", "-b", "main"];
        arguments.extend(options);
        world.git(&arguments);
        world
    }

    /// main with some files, and `feat` off it: changes a.txt, adds new.txt and dir/x, deletes gone.txt.
    pub fn with_feature(options: &[&'static str]) -> Self {
        let world = Self::new(options);
        world.write("a.txt", lines(20));
        world.write("gone.txt", "gone\n");
        world.write("other.txt", lines(5));
        world.write("staged.txt", lines(5));
        world.write("run.sh", "#!/bin/sh\n");
        world.commit("base");
        world.git(&["checkout", "-q", "-b", "feat"]);
        world.write("a.txt", lines(20).replace("line 2\n", "line 2 of feat\n"));
        world.write("new.txt", "new\n");
        world.write("dir/x", "x\n");
        world.git(&["rm", "-q", "gone.txt"]);
        world.chmod("run.sh", 0o755);
        world.commit("feat");
        world.git(&["checkout", "-q", "main"]);
        world
    }

    /// The same, and a commit on main that makes fast-forwards impossible.
    pub fn diverged(options: &[&'static str]) -> Self {
        let world = Self::with_feature(options);
        world.write("main.txt", "main\n");
        world.commit("main");
        world
    }

    pub fn home(&self) -> &Path {
        self.folder.path()
    }

    pub fn command(&self, program: &OsStr, folder: &Path) -> Command {
        let mut path = std::env::var_os("PATH").unwrap();
        if let Some(git) = std::env::var_os("GUARD_TEST_GIT") {
            let bin = self.folder.path().join("bin");
            if !bin.exists() {
                fs::create_dir(&bin).unwrap();
                symlink(git, bin.join("git")).unwrap();
            }
            let rest = std::env::split_paths(&path).collect::<Vec<_>>();
            path = std::env::join_paths(std::iter::once(bin).chain(rest)).unwrap();
        }
        let found = std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.exists());
        let mut command = Command::new(found.unwrap_or_else(|| program.into()));
        let date = format!("{} +0000", 1_700_000_000 + self.tick.get());
        command
            .current_dir(folder)
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.folder.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            // What is judged counts, not how busy the machine is.
            .env("RECOVERYGUARD_HOOK_SECONDS", "300")
            // Temporary folders may lie in a repository.
            .env("GIT_CEILING_DIRECTORIES", self.folder.path())
            .env("LC_ALL", "C")
            .env("TZ", "UTC")
            .env("GIT_AUTHOR_NAME", "A U Thor")
            .env("GIT_AUTHOR_EMAIL", "author@example.com")
            .env("GIT_COMMITTER_NAME", "C O Mitter")
            .env("GIT_COMMITTER_EMAIL", "committer@example.com")
            .env("GIT_AUTHOR_DATE", &date)
            .env("GIT_COMMITTER_DATE", &date)
            .env("GIT_EDITOR", ":")
            .env("GIT_MERGE_AUTOEDIT", "no");
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.tick.set(self.tick.get() + 1);
        let mut command = self.command(OsStr::new("git"), &self.top);
        command.args(["-c", "commit.gpgsign=false", "-c", "core.fsync=none"]).args(arguments).output().unwrap()
    }

    pub fn git(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "{} git {arguments:?}: {text}{}",
            self.case.get(),
            String::from_utf8_lossy(&output.stderr)
        );
        text.trim_end().to_owned()
    }

    pub fn path(&self, path: impl AsRef<OsStr>) -> PathBuf {
        self.top.join(Path::new(path.as_ref()))
    }

    pub fn write(&self, path: impl AsRef<OsStr>, text: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn read(&self, path: impl AsRef<OsStr>) -> Vec<u8> {
        fs::read(self.path(path)).unwrap()
    }

    pub fn text(&self, path: &str) -> String {
        String::from_utf8(self.read(path)).unwrap()
    }

    pub fn replace(&self, path: &str, from: &str, to: &str) {
        let text = self.text(path);
        assert!(text.contains(from), "{path} holds {from}");
        self.write(path, text.replace(from, to));
    }

    pub fn exists(&self, path: &str) -> bool {
        self.path(path).symlink_metadata().is_ok()
    }

    pub fn remove(&self, path: &str) {
        let path = self.path(path);
        if path.symlink_metadata().unwrap().is_dir() {
            fs::remove_dir_all(path).unwrap();
        } else {
            fs::remove_file(path).unwrap();
        }
    }

    pub fn link(&self, path: &str, target: &str) {
        symlink(target, self.path(path)).unwrap();
    }

    pub fn chmod(&self, path: &str, mode: u32) {
        fs::set_permissions(self.path(path), fs::Permissions::from_mode(mode)).unwrap();
    }

    pub fn commit(&self, message: &str) -> String {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", message]);
        self.oid("HEAD")
    }

    pub fn oid(&self, revision: &str) -> String {
        self.git(&["rev-parse", revision])
    }

    pub fn git_dir(&self) -> PathBuf {
        PathBuf::from(self.git(&["rev-parse", "--absolute-git-dir"]))
    }

    /// Looks at everything, and finds no lock left.
    pub fn look(&self) -> Look {
        let git_dir = self.git_dir();
        for lock in ["index.lock", "HEAD.lock"] {
            assert!(!git_dir.join(lock).exists(), "{} {lock} is left", self.case.get());
        }
        let mut files = BTreeMap::new();
        gather(&self.top, &self.top, &mut files);
        let mut state = BTreeMap::new();
        for name in ["MERGE_HEAD", "MERGE_MSG", "MERGE_MODE", "SQUASH_MSG", "AUTO_MERGE"] {
            if let Ok(bytes) = fs::read(git_dir.join(name)) {
                state.insert(name.to_owned(), bytes);
            }
        }
        let refs = self.git(&["for-each-ref", "--format=%(refname) %(objectname)"]);
        let refs = refs.lines().filter(|line| !line.starts_with("refs/recoveryguard/")).collect::<Vec<_>>().join("\n");
        Look {
            head: format!("{} {}", self.git(&["rev-parse", "--abbrev-ref", "HEAD"]), self.oid("HEAD")),
            refs,
            index: self.git(&["ls-files", "-s", "-v"]),
            files,
            state,
        }
    }
}

/// Reads everything beneath `folder` but git's own.
pub fn gather(top: &Path, folder: &Path, files: &mut BTreeMap<OsString, (u32, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let metadata = path.symlink_metadata().unwrap();
        let name = path.strip_prefix(top).unwrap().as_os_str().to_owned();
        if name == ".git" {
            continue;
        }
        if metadata.is_dir() {
            files.insert(name, (0o40000, Vec::new()));
            gather(top, &path, files);
        } else if metadata.is_symlink() {
            files.insert(name, (0o120_000, fs::read_link(&path).unwrap().as_os_str().as_bytes().to_vec()));
        } else if metadata.is_file() {
            files.insert(name, (metadata.permissions().mode() & 0o111, fs::read(&path).unwrap()));
        } else {
            files.insert(name, (1, Vec::new()));
        }
    }
}

/// `line 1` to `line n`.
pub fn lines(count: usize) -> String {
    (1..=count).map(|number| format!("line {number}\n")).collect()
}
