//! Scratch repositories, made in one stream so that 100,000 files take seconds.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A repository: `files` files on `main` and `feat`, which changes `touched` of them; `main` has one more.
pub struct World {
    pub repo: PathBuf,
    home: PathBuf,
}

impl World {
    pub fn new(scratch: &Path, name: &str, files: usize, touched: usize) -> Self {
        let world = Self { repo: scratch.join(name), home: scratch.to_owned() };
        fs::create_dir_all(&world.repo).expect("the repository's folder");
        world.git(&["init", "-q", "-b", "main"]);
        for (name, value) in [("user.name", "Bench"), ("user.email", "bench@example.com"), ("gc.auto", "0")] {
            world.git(&["config", name, value]);
        }
        let mut stream = String::new();
        let mut commit = |branch: &str, from: &str, files: &mut dyn Iterator<Item = (String, String)>| {
            let who = "committer Bench <bench@example.com> 1700000000 +0000";
            let _ = write!(stream, "commit refs/heads/{branch}\n{who}\ndata 1\nx\n{from}");
            for (path, text) in files {
                let _ = write!(stream, "M 100644 inline {path}\ndata {}\n{text}\n", text.len());
            }
            stream.push('\n');
        };
        let manifest = (".recoveryguard.toml".to_owned(), "version = 1\n".to_owned());
        let base = (0..files).map(|file| (path(file), text(file, "line")));
        commit("main", "", &mut base.chain([manifest]));
        let step = (files / touched).max(1);
        let changed = (0..files).step_by(step).take(touched).map(|file| (path(file), text(file, "changed")));
        commit("feat", "from refs/heads/main\n", &mut { changed });
        let more = [("more.txt".to_owned(), "more\n".to_owned())];
        commit("main", "", &mut more.into_iter());
        let mut import =
            world.command("git").args(["fast-import", "--quiet"]).stdin(Stdio::piped()).spawn().expect("git");
        import.stdin.take().expect("its input").write_all(stream.as_bytes()).expect("a stream");
        assert!(import.wait().is_ok_and(|status| status.success()), "the stream is taken");
        world.git(&["reset", "-q", "--hard", "main"]);
        world
    }

    /// The same once more, at another place.
    pub fn copy(&self, name: &str) -> Self {
        let repo = self.home.join(name);
        run(Command::new("cp").arg("-a").arg(&self.repo).arg(&repo));
        let copy = Self { repo, home: self.home.clone() };
        // Its files have other inodes.
        copy.git(&["update-index", "-q", "--refresh"]);
        copy
    }

    /// Puts the hooks in; without further arguments all of them, else a folder with only these.
    pub fn install(&self) {
        run(self.guard().arg("install"));
    }

    /// Returns a hooks folder with guard's reference-transaction hook alone.
    pub fn gate_alone(&self) -> PathBuf {
        let folder = self.repo.join(".git/gate-alone");
        fs::create_dir_all(&folder).expect("a folder");
        fs::copy(self.repo.join(".git/hooks/reference-transaction"), folder.join("reference-transaction"))
            .expect("a hook");
        folder
    }

    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.repo).env("HOME", &self.home).env("GIT_CONFIG_GLOBAL", "/dev/null");
        command.env("GIT_CONFIG_NOSYSTEM", "1").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    pub fn guard(&self) -> Command {
        self.command(env!("CARGO_BIN_EXE_guard"))
    }

    /// git, with hooks from a folder.
    pub fn git_with(&self, hooks: &Path, arguments: &[&str]) -> Command {
        let mut git = self.command("git");
        git.arg("-c").arg(format!("core.hooksPath={}", hooks.display())).args(arguments);
        git
    }

    /// Runs git without hooks.
    pub fn git(&self, arguments: &[&str]) {
        run(&mut self.git_with(Path::new("/dev/null"), arguments));
    }

    pub fn write(&self, path: &str, text: &str) {
        fs::write(self.repo.join(path), text).expect("a file");
    }
}

/// Runs a command, which must succeed.
pub fn run(command: &mut Command) {
    let status = command.status().expect("a program that starts");
    assert!(status.success(), "{command:?} failed");
}

/// The n-th file: a hundred a folder.
pub fn path(file: usize) -> String {
    format!("d{:04}/f{file}.txt", file / 100)
}

fn text(file: usize, word: &str) -> String {
    (0..20).map(|line| format!("{word} {line} of file {file}\n")).collect()
}
