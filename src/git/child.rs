//! Child processes: how git is run, with which environment, and for how long.

use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use bstr::ByteSlice;

use crate::model::{Oid, TreePath, escape};

/// What can go wrong when git is asked.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// There is no repository here, or git refuses to use it.
    #[error("{why}")]
    NoRepository {
        /// git's own words, or what else is in the way.
        why: String,
        /// The command that git says would allow it.
        way_out: Option<String>,
    },
    /// The folder in which a repository is looked for is none.
    #[error("there is no folder '{}'", escape(.0.as_os_str().as_bytes()))]
    NoFolder(PathBuf),
    /// The program could not be started.
    #[error("git could not be started")]
    Start(#[source] std::io::Error),
    /// git ran and failed.
    #[error("'git {command}' failed with exit status {status}: {stderr}")]
    Failed {
        /// The subcommand and its first arguments.
        command: String,
        /// Its exit status; -1 when a signal ended it.
        status: i32,
        /// The first lines of its stderr, escaped.
        stderr: String,
    },
    /// A commit can't be made: nobody is known who could have made it.
    #[error("git does not know your name and address, and a commit needs them")]
    NoIdentity,
    /// git's answer was not of the form it documents.
    #[error("'git {command}' answered in an unknown form")]
    Answer {
        /// The subcommand.
        command: String,
    },
    /// An object that should be there is not (shallow or partial clone, or damage).
    #[error("object {0} is missing here (a shallow or partial clone, or a damaged repository)")]
    Missing(Oid),
    /// History is cut off before what two lines have in common.
    #[error("the clone is shallow, and history that is needed is cut off ('git fetch --unshallow' brings it)")]
    Shallow,
    /// An object is there but can't be read as what it should be.
    #[error("object {oid} can't be read: {why}")]
    Damaged {
        /// Which.
        oid: Oid,
        /// What is wrong with it.
        why: String,
    },
    /// A path is needed that this repository does not have.
    #[error("'{0}' is not there")]
    NoPath(TreePath),
    /// The time limit is over.
    #[error("the time limit of {} s is over", .0.as_secs())]
    TimedOut(Duration),
    /// A file of git's could not be read.
    #[error("'{path}' could not be read")]
    Io {
        /// Which.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Our own scratch folder could not be made.
    #[error(transparent)]
    Disk(#[from] crate::disk::DiskError),
    /// Another process holds a ref's lock: what git said.
    #[error("{0}")]
    Locked(String),
    /// Something that this git, or this repository, can't do.
    #[error("{0}")]
    Unsupported(String),
}

impl GitError {
    /// Returns whether git gave up because of something in the repository that it fetched from.
    pub fn is_of_the_far_side(&self) -> bool {
        // Which side speaks is told by nothing else: 'remote: …', 'fatal: remote error: …', 'error: git upload-pack: …'.
        matches!(self, Self::Failed { stderr, .. } if stderr.contains("remote") || stderr.contains("upload-pack"))
    }

    /// Returns whether git gave up because an object of a repository is damaged.
    pub fn is_of_damage(&self) -> bool {
        matches!(self, Self::Failed { stderr, .. } if stderr.contains("corrupt"))
    }
}

/// The process environment as `cli` read it: the only way it gets in here.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// All variables.
    pub variables: Vec<(OsString, OsString)>,
}

impl Environment {
    /// Returns a variable's value; empty counts as unset.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        let found = self.variables.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_os_str()).filter(|value| !value.is_empty())
    }

    /// Returns the variables that start with `prefix`, with the rest of their name.
    pub fn with_prefix<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a [u8], &'a OsStr)> {
        self.variables.iter().filter_map(move |(key, value)| {
            key.as_bytes().strip_prefix(prefix.as_bytes()).map(|rest| (rest, value.as_os_str()))
        })
    }
}

/// When to stop. Children that run past it are killed.
#[derive(Debug, Clone, Default)]
pub struct Deadline(Option<Arc<Watch>>);

#[derive(Debug)]
struct Watch {
    limit: Duration,
    end: Instant,
    child: Mutex<Vec<Arc<Mutex<Child>>>>,
    stop: Condvar,
}

impl Deadline {
    /// Returns a deadline that never comes.
    pub const fn never() -> Self {
        Self(None)
    }

    /// Starts a watch that ends children after `limit`.
    pub fn after(limit: Duration) -> Self {
        let watch =
            Arc::new(Watch { limit, end: Instant::now() + limit, child: Mutex::default(), stop: Condvar::new() });
        let watcher = Arc::downgrade(&watch);
        thread::spawn(move || {
            thread::sleep(limit);
            let Some(watch) = watcher.upgrade() else { return };
            let children = watch.child.lock().map(|list| list.clone()).unwrap_or_default();
            for child in children {
                if let Ok(mut child) = child.lock() {
                    // It may have ended by itself; then there is nothing to kill.
                    let _ = child.kill();
                }
            }
            watch.stop.notify_all();
        });
        Self(Some(watch))
    }

    /// Fails once the time is over: long walks ask now and then.
    pub fn check(&self) -> Result<(), GitError> {
        match &self.0 {
            Some(watch) if Instant::now() >= watch.end => Err(GitError::TimedOut(watch.limit)),
            _ => Ok(()),
        }
    }

    /// Returns the time that is left; `None` without a limit.
    pub fn left(&self) -> Option<Duration> {
        self.0.as_ref().map(|watch| watch.end.saturating_duration_since(Instant::now()))
    }

    /// Returns half of the time that is left; `None` without a limit.
    pub fn half(&self) -> Option<Duration> {
        self.left().map(|left| left / 2)
    }

    /// Returns whether less than half of the time is left: what is nice to have ends now.
    pub fn is_half_over(&self) -> bool {
        self.0.as_ref().is_some_and(|watch| Instant::now() + watch.limit / 2 >= watch.end)
    }

    fn watch(&self, child: &Arc<Mutex<Child>>) {
        if let Some(watch) = &self.0
            && let Ok(mut children) = watch.child.lock()
        {
            children.push(Arc::clone(child));
        }
    }

    fn unwatch(&self, child: &Arc<Mutex<Child>>) {
        if let Some(watch) = &self.0
            && let Ok(mut children) = watch.child.lock()
        {
            children.retain(|other| !Arc::ptr_eq(other, child));
        }
    }
}

/// What a child said.
#[derive(Debug)]
pub struct Output {
    /// The exit status; -1 when a signal ended it.
    pub status: i32,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: Vec<u8>,
    command: String,
}

impl Output {
    /// Returns stdout when the status is 0.
    pub fn success(self) -> Result<Vec<u8>, GitError> {
        if self.status == 0 { Ok(self.stdout) } else { Err(self.failure()) }
    }

    /// Returns stdout as text without its final newline when the status is 0.
    pub fn line(self) -> Result<String, GitError> {
        let command = self.command.clone();
        let text = String::from_utf8(self.success()?).map_err(|_| GitError::Answer { command })?;
        Ok(text.trim_end_matches('\n').to_owned())
    }

    /// Returns the error that this output stands for.
    pub fn failure(self) -> GitError {
        // git's own advice takes ten lines.
        if self.stderr.find("Please tell me who you are").is_some() {
            return GitError::NoIdentity;
        }
        GitError::Failed { command: self.command, status: self.status, stderr: first_lines(&self.stderr) }
    }
}

/// One call of git, being put together.
#[must_use]
pub struct Git {
    command: Command,
    shown: String,
    input: Vec<u8>,
    deadline: Deadline,
}

/// Variables of the caller that must not reach our children: they would point them at another index, make them
/// think they are part of the user's merge, or change what they print.
const SCRUBBED: &[&str] = &[
    "GIT_INDEX_FILE",
    "GIT_REFLOG_ACTION",
    "GIT_PREFIX",
    "GIT_EXTERNAL_DIFF",
    "GIT_DIFF_OPTS",
    "GIT_PAGER",
    "GIT_WORK_TREE",
    "GIT_NAMESPACE",
    "GIT_GLOB_PATHSPECS",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_ICASE_PATHSPECS",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_COMMON_DIR",
];

/// The variable that tells our own hooks that git was started by us.
pub(crate) const INSIDE: &str = "RECOVERYGUARD_INSIDE";

impl Git {
    pub(super) fn new(program: &Path, environment: &Environment, deadline: &Deadline) -> Self {
        #[expect(clippy::disallowed_methods, reason = "this is the one place that starts processes")]
        let mut command = Command::new(program);
        // These and no others: a view of a repository may have more than the process, and in tests the process has others.
        command.env_clear().envs(environment.variables.iter().map(|(name, value)| (name, value)));
        for name in SCRUBBED {
            command.env_remove(name);
        }
        for (rest, _) in environment.with_prefix("GITHEAD_") {
            command.env_remove(OsStr::from_bytes(&[b"GITHEAD_", rest].concat()));
        }
        command
            .env("LC_ALL", "C")
            .env("GIT_LITERAL_PATHSPECS", "1")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_EDITOR", ":")
            .env("GIT_ADVICE", "0")
            // A question must never start a download: what is missing is said to be missing.
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("GIT_ALLOW_PROTOCOL", "")
            .env(INSIDE, "1");
        Self { command, shown: String::new(), input: Vec::new(), deadline: deadline.clone() }
    }

    /// Adds an argument.
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        let argument = argument.as_ref();
        if self.shown.len() < 60 && !argument.as_bytes().starts_with(b"--git-dir") {
            self.shown.push_str(if self.shown.is_empty() { "" } else { " " });
            self.shown.push_str(&escape(argument.as_bytes()));
        }
        self.command.arg(argument);
        self
    }

    /// Adds arguments.
    pub fn args<A: AsRef<OsStr>>(self, arguments: impl IntoIterator<Item = A>) -> Self {
        arguments.into_iter().fold(self, Self::arg)
    }

    /// Adds an argument of bytes (a path, a ref name).
    pub fn bytes(self, argument: &[u8]) -> Self {
        self.arg(OsStr::from_bytes(argument))
    }

    /// Sets a variable for the child.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Adds a setting (`gc.auto=0`) that counts before all others; messages don't show it.
    pub(super) fn setting(mut self, setting: impl AsRef<OsStr>) -> Self {
        self.command.arg("-c").arg(setting);
        self
    }

    /// Takes a variable from the child.
    pub(super) fn without(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Sets what the child reads.
    pub fn input(mut self, input: Vec<u8>) -> Self {
        self.input = input;
        self
    }

    /// Gives it so long at the most, whatever else: for answers that are nice to have.
    pub fn patience(mut self, limit: Duration) -> Self {
        if self.deadline.check().is_ok() {
            self.deadline = Deadline::after(limit);
        }
        self
    }

    /// Runs it in another folder.
    pub fn folder(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Runs it to its end, or to the deadline.
    pub fn run(mut self) -> Result<Output, GitError> {
        self.deadline.check()?;
        let stdin = if self.input.is_empty() { Stdio::null() } else { Stdio::piped() };
        self.command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().map_err(GitError::Start)?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let child = Arc::new(Mutex::new(child));
        self.deadline.watch(&child);
        let input = std::mem::take(&mut self.input);
        // A child that ends before it has read everything closes the pipe: its status tells, not the broken pipe.
        let writer = stdin.map(|mut pipe| thread::spawn(move || drop(pipe.write_all(&input))));
        let errors = stderr.map(heard);
        let mut output = Vec::new();
        let read = stdout.map_or(Ok(0), |mut pipe| pipe.read_to_end(&mut output));
        let status = wait(&child);
        self.deadline.unwatch(&child);
        let errors = errors.and_then(|thread| thread.join().ok()).unwrap_or_default();
        if let Some(writer) = writer {
            let _ = writer.join();
        }
        self.deadline.check()?;
        read.map_err(GitError::Start)?;
        let status = status.map_err(GitError::Start)?;
        Ok(Output { status: status.code().unwrap_or(-1), stdout: output, stderr: errors, command: self.shown })
    }

    /// Starts it with pipes on stdin and stdout, for a conversation. Its stderr is thrown away.
    pub(super) fn converse(self) -> Result<Child, GitError> {
        self.start(Stdio::null())
    }

    /// The same with a pipe on stderr, too.
    pub(super) fn converse_and_hear(self) -> Result<Child, GitError> {
        self.start(Stdio::piped())
    }

    fn start(mut self, stderr: Stdio) -> Result<Child, GitError> {
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(stderr);
        self.command.spawn().map_err(GitError::Start)
    }
}

/// Reads what a child says on stderr, so that it never waits for that.
pub(super) fn heard(mut pipe: std::process::ChildStderr) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut text = Vec::new();
        let _ = pipe.read_to_end(&mut text);
        text
    })
}

/// Returns the first lines of a stderr as one, escaped.
pub(super) fn first_lines(stderr: &[u8]) -> String {
    let lines = stderr.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).take(3);
    lines.map(escape).collect::<Vec<_>>().join("; ")
}

/// Waits without holding the lock, so that the watch can still kill a child that closed its output but goes on.
fn wait(child: &Mutex<Child>) -> std::io::Result<std::process::ExitStatus> {
    let mut pause = Duration::from_micros(20);
    loop {
        if let Some(status) = child.lock().map_err(|_| std::io::Error::other("poisoned"))?.try_wait()? {
            return Ok(status);
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

/// Returns a path from bytes.
pub(super) fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(bytes))
}

/// Runs a program with exactly these variables and no input: for demonstrations and probes in scratch repositories,
/// which must not see the user's configuration.
pub fn run_isolated<N: AsRef<OsStr> + Copy>(
    program: &Path,
    arguments: &[&OsStr],
    folder: &Path,
    variables: &[(N, &OsStr)],
) -> Result<Output, GitError> {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that starts processes")]
    let mut command = Command::new(program);
    command.env_clear().envs(variables.iter().copied()).args(arguments).current_dir(folder);
    let output = command.stdin(Stdio::null()).output().map_err(GitError::Start)?;
    let shown = escape(program.as_os_str().as_bytes());
    Ok(Output {
        status: output.status.code().unwrap_or(-1),
        stdout: output.stdout,
        stderr: output.stderr,
        command: shown,
    })
}

/// Returns the command line of the git process that runs us: our parent, or the parent of the shell that runs the
/// hook. Empty when it can't be told.
pub fn calling_git() -> Vec<String> {
    let mut pid = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get());
    for _ in 0..4 {
        let Some(current) = pid else { break };
        let (line, parent) = process(current);
        let program = line.first().map_or("", |word| word.rsplit('/').next().unwrap_or(word));
        if program == "git" || program.starts_with("git-") {
            return line;
        }
        pid = parent;
    }
    Vec::new()
}

/// Returns whether a process of that number is alive on this machine, whoever runs it.
pub fn is_running(pid: i32) -> bool {
    let Some(pid) = rustix::process::Pid::from_raw(pid) else { return false };
    // "Not permitted" is somebody else's process.
    rustix::process::test_kill_process(pid).err() != Some(rustix::io::Errno::SRCH)
}

/// Returns a process's command line and parent: from `/proc`, or from `ps` where there is none.
fn process(pid: i32) -> (Vec<String>, Option<i32>) {
    if let Ok(line) = std::fs::read(format!("/proc/{pid}/cmdline")) {
        let words = line.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned());
        let mut words: Vec<String> = words.collect();
        words.pop();
        // `pid (name) state ppid …`; the name may hold anything, so count from its closing parenthesis.
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let parent = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse().ok());
        return (words, parent);
    }
    #[expect(clippy::disallowed_methods, reason = "this is the one place that starts processes")]
    let asked = Command::new("ps").args(["-o", "ppid=,args=", "-p", &pid.to_string()]).output();
    let text = asked.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let mut words = text.split_whitespace();
    let parent = words.next().and_then(|word| word.parse().ok());
    (words.map(str::to_owned).collect(), parent)
}
