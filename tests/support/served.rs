//! Repositories served on the loopback address, as servers do it: `git daemon`, and smart HTTP by `git http-backend`. Ports are
//! free ones; what was started ends with its value, in a test that fails too.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{JoinHandle, spawn};

use super::{Sandbox, git_version, not_run};

/// A port on which a thread takes connections, one after the other.
struct Port {
    number: u16,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Port {
    /// Takes a free one. It is never given back before the end: another program could get it.
    fn open(answer: impl Fn(TcpStream) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let number = listener.local_addr().unwrap().port();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::Relaxed) {
                    break;
                }
                // A client that went away is no failure of the server.
                let _ = stream.map(&answer);
            }
        });
        Self { number, stop, thread: Some(thread) }
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        drop(TcpStream::connect(("127.0.0.1", self.number)));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// What runs for a connection: one of git's own programs, itself, not by way of git, in the sandbox's environment.
fn server(sandbox: &Sandbox, name: &str) -> impl Fn() -> Command + Send + 'static {
    let (program, root) = (program(sandbox, name), sandbox.root().to_owned());
    let like = sandbox.command("git", sandbox.root());
    let environment: Vec<(OsString, OsString)> =
        like.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))).collect();
    move || {
        let mut command = Command::new(&program);
        command.env_clear().envs(environment.iter().cloned()).current_dir(&root);
        command
    }
}

/// `git daemon`, which takes pushes to all repositories beneath the sandbox's root: each connection is a run of it.
pub struct Daemon(Port);

impl Daemon {
    /// Starts it.
    pub fn start(sandbox: &Sandbox) -> Self {
        let base = format!("--base-path={}", sandbox.root().display());
        let server = server(sandbox, "git-daemon");
        Self(Port::open(move |stream| {
            let mut daemon = server();
            let socket = OwnedFd::from(stream);
            daemon.args(["--inetd", "--export-all", "--enable=receive-pack", &base]);
            daemon.stdin(socket.try_clone().unwrap()).stdout(socket).stderr(Stdio::null());
            // Beside others.
            spawn(move || drop(daemon.status()));
        }))
    }

    /// Returns the address of a repository.
    pub fn url(&self, repository: &str) -> String {
        format!("git://127.0.0.1:{}/{repository}", self.0.number)
    }
}

/// Returns whether the git under test was built with HTTP, and says so where tests can't hide it when it was not.
#[must_use]
pub fn speaks_http(sandbox: &Sandbox) -> bool {
    let is_built_in = program(sandbox, "git-remote-http").is_file();
    if !is_built_in {
        not_run(&format!("git {} was built without HTTP", git_version()));
    }
    is_built_in
}

/// Smart HTTP: each request is a run of `git http-backend`, one at a time.
pub struct Http {
    port: Port,
    chunked: Arc<AtomicUsize>,
}

impl Http {
    /// Starts it; `None`, said, where the git under test can't reach it.
    pub fn start(sandbox: &Sandbox) -> Option<Self> {
        if !speaks_http(sandbox) {
            return None;
        }
        let (root, server) = (sandbox.root().to_owned(), server(sandbox, "git-http-backend"));
        let chunked = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&chunked);
        let port = Port::open(move |stream| _ = answer(stream, server(), &root, &counted));
        Some(Self { port, chunked })
    }

    /// Returns the address of a repository.
    pub fn url(&self, repository: &str) -> String {
        format!("http://127.0.0.1:{}/{repository}", self.port.number)
    }

    /// Returns how many requests came in chunks.
    pub fn chunked(&self) -> usize {
        self.chunked.load(Ordering::Relaxed)
    }
}

/// Reads a request, runs the backend, and writes its answer.
fn answer(stream: TcpStream, mut command: Command, root: &Path, chunked: &AtomicUsize) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut words = first.split_whitespace();
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    command.env("GIT_PROJECT_ROOT", root).env("GIT_HTTP_EXPORT_ALL", "1").env("REMOTE_USER", "ada");
    command.env("REQUEST_METHOD", method).env("PATH_INFO", path).env("QUERY_STRING", query);
    let (mut length, mut in_chunks) = (0, false);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap_or(0),
            "transfer-encoding" => in_chunks = value == "chunked",
            "content-type" => _ = command.env("CONTENT_TYPE", value),
            "content-encoding" => _ = command.env("HTTP_CONTENT_ENCODING", value),
            "git-protocol" => _ = command.env("GIT_PROTOCOL", value),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    if in_chunks {
        chunked.fetch_add(1, Ordering::Relaxed);
        body = chunks(&mut reader)?;
    } else {
        reader.read_exact(&mut body)?;
        command.env("CONTENT_LENGTH", length.to_string());
    }
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let stdin = child.stdin.take();
    let writer = spawn(move || stdin.map(|mut pipe| pipe.write_all(&body)));
    let output = child.wait_with_output()?.stdout;
    let _ = writer.join();
    let end = output.windows(4).position(|part| part == b"\r\n\r\n").unwrap_or(output.len());
    let head = String::from_utf8_lossy(&output[..end]);
    let status = head.lines().find_map(|line| line.strip_prefix("Status: ")).unwrap_or("200 OK");
    let mut stream = stream;
    write!(stream, "HTTP/1.1 {status}\r\nConnection: close\r\n")?;
    stream.write_all(&output)
}

fn chunks(reader: &mut impl BufRead) -> std::io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let size = usize::from_str_radix(line.trim(), 16).unwrap_or(0);
        let mut chunk = vec![0; size + 2];
        reader.read_exact(&mut chunk)?;
        if size == 0 {
            return Ok(body);
        }
        body.extend_from_slice(&chunk[..size]);
    }
}

/// Returns the path of one of git's own programs.
fn program(sandbox: &Sandbox, name: &str) -> PathBuf {
    Path::new(sandbox.git(["--exec-path"]).ok().line()).join(name)
}
