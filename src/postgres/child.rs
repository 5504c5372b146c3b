//! One program at work: found, started, watched, ended.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::PostgresError;
use crate::git::Environment;
use crate::model::escape;

/// The longest that one program may take.
const LIMIT: Duration = Duration::from_secs(60 * 60);

/// The longest that is waited for a server, in seconds, where `PGCONNECT_TIMEOUT` does not say.
const PATIENCE: &str = "10";

/// No more is kept of what a program says.
const MOST_SAID: u64 = 64 << 10;

/// How a server is reached: by the environment, and an entry of `pg_service.conf` where one was named.
#[derive(Debug, Clone)]
pub struct Reach {
    environment: Environment,
    service: Option<String>,
    pub(super) limit: Duration,
}

impl Reach {
    /// Takes the environment as it is; `service` was checked by the manifest.
    pub fn new(environment: &Environment, service: Option<&str>) -> Self {
        Self { environment: environment.clone(), service: service.map(str::to_owned), limit: LIMIT }
    }

    /// Returns what stands before a command that a person is to type for the same server.
    pub fn prefix(&self) -> String {
        self.service.as_ref().map_or_else(String::new, |service| format!("PGSERVICE={service} "))
    }

    /// Returns the major version of a program, and all of it.
    pub(super) fn version(&self, program: &'static str) -> Result<(u64, String), PostgresError> {
        let mut running = Running::start(self, program, ["--version"])?;
        let mut text = String::new();
        let read = running.output()?.take(MOST_SAID).read_to_string(&mut text);
        running.end()?;
        // `pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`
        let version = text.split_whitespace().nth(2).filter(|_| read.is_ok()).map(str::to_owned);
        let major =
            version.as_deref().and_then(|version| version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok());
        major.zip(version).ok_or(PostgresError::Answer(program))
    }

    /// Finds a program. Folders that are named relative to the current one don't count: what lies there may be anybody's.
    fn find(&self, program: &'static str) -> Result<PathBuf, PostgresError> {
        let path = self.environment.get("PATH").unwrap_or_default();
        let mut found =
            std::env::split_paths(path).filter(|folder| folder.is_absolute()).map(|folder| folder.join(program));
        found.find(|file| file.is_file()).ok_or(PostgresError::Missing(program))
    }
}

/// A program that was started.
pub(super) struct Running {
    program: &'static str,
    limit: Duration,
    child: Arc<Mutex<Child>>,
    input: Option<ChildStdin>,
    output: Option<ChildStdout>,
    errors: Option<JoinHandle<Vec<u8>>>,
    // Dropped: the watch ends.
    watch: Option<(Sender<()>, JoinHandle<bool>)>,
}

impl Running {
    /// Starts a program with pipes to it and from it.
    pub(super) fn start<A: AsRef<OsStr>>(
        reach: &Reach,
        program: &'static str,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<Self, PostgresError> {
        #[expect(clippy::disallowed_methods, reason = "this is the one place that starts PostgreSQL's programs")]
        let mut command = Command::new(reach.find(program)?);
        command.args(arguments).env("LC_ALL", "C");
        // It would decide how a dump is encoded; the database's own encoding loses nothing.
        command.env_remove("PGCLIENTENCODING");
        if reach.environment.get("PGCONNECT_TIMEOUT").is_none() {
            command.env("PGCONNECT_TIMEOUT", PATIENCE);
        }
        if let Some(service) = &reach.service {
            command.env("PGSERVICE", service);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|source| PostgresError::Start { program, source })?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let errors = child.stderr.take().map(|mut pipe| {
            thread::spawn(move || {
                let mut text = Vec::new();
                let _ = pipe.by_ref().take(MOST_SAID).read_to_end(&mut text);
                // What is not kept is read all the same, so that nobody waits.
                let _ = io::copy(&mut pipe, &mut io::sink());
                text
            })
        });
        let child = Arc::new(Mutex::new(child));
        let watch = Some(watch(&child, reach.limit));
        Ok(Self { program, limit: reach.limit, child, input, output, errors, watch })
    }

    /// Returns the pipe to it; once.
    pub(super) fn input(&mut self) -> Result<ChildStdin, PostgresError> {
        self.input.take().ok_or(PostgresError::Answer(self.program))
    }

    /// Returns the pipe from it; once.
    pub(super) fn output(&mut self) -> Result<ChildStdout, PostgresError> {
        self.output.take().ok_or(PostgresError::Answer(self.program))
    }

    /// Closes the pipes that were not taken, and waits for its end.
    pub(super) fn end(mut self) -> Result<(), PostgresError> {
        drop(self.input.take());
        drop(self.output.take());
        let waited = wait(&self.child);
        let program = self.program;
        let late = self.watch.take().is_some_and(|(stop, watch)| {
            drop(stop);
            watch.join().unwrap_or(false)
        });
        if late {
            return Err(PostgresError::TimedOut { program, limit: self.limit });
        }
        let status = waited.map_err(|source| PostgresError::Start { program, source })?;
        if status.success() {
            return Ok(());
        }
        let said = self.errors.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
        let said = Some(what_counts(&said)).filter(|said| !said.is_empty());
        Err(PostgresError::Failed { program, said: said.unwrap_or_else(|| status.to_string()) })
    }
}

impl Drop for Running {
    /// What nobody waits for any more ends at once.
    fn drop(&mut self) {
        if let Ok(mut child) = self.child.lock() {
            // One that has ended already can't be killed, and needs not be.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Kills the child when the time is over; the thread returns whether it was.
fn watch(child: &Arc<Mutex<Child>>, limit: Duration) -> (Sender<()>, JoinHandle<bool>) {
    let (stop, stopped) = channel();
    let child = Arc::clone(child);
    let watch = thread::spawn(move || {
        let late = stopped.recv_timeout(limit) == Err(RecvTimeoutError::Timeout);
        if late && let Ok(mut child) = child.lock() {
            let _ = child.kill();
        }
        late
    });
    (stop, watch)
}

/// Waits without holding the lock, so that the watch can still kill.
fn wait(child: &Mutex<Child>) -> io::Result<std::process::ExitStatus> {
    let mut pause = Duration::from_micros(100);
    loop {
        if let Some(status) = child.lock().map_err(|_| io::Error::other("poisoned"))?.try_wait()? {
            return Ok(status);
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

/// Returns the errors in what a program said, or how it begins, escaped.
fn what_counts(said: &[u8]) -> String {
    let lines: Vec<String> = said.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(escape).collect();
    let is_error = |line: &&String| ["error:", "ERROR:", "FATAL:"].iter().any(|word| line.contains(word));
    let errors: Vec<&str> = lines.iter().filter(is_error).take(2).map(String::as_str).collect();
    if errors.is_empty() { lines.into_iter().take(2).collect::<Vec<_>>().join("; ") } else { errors.join("; ") }
}
