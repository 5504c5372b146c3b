//! Repositories served on the loopback address, as servers do it: `git daemon`, and smart HTTP by `git http-backend`. Ports are
//! free ones; what was started ends with its value, in a test that fails too.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::Duration;

use super::Sandbox;

/// `git daemon`, which takes pushes to all repositories beneath the sandbox's root.
pub struct Daemon {
    child: Child,
    port: u16,
}

impl Daemon {
    /// Starts it, and waits until it answers.
    pub fn start(sandbox: &Sandbox) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        // Itself, not by way of git, which would be the one that ends.
        let mut command = sandbox.command(program(sandbox, "git-daemon"), sandbox.root());
        command.args(["--export-all", "--enable=receive-pack", "--reuseaddr", "--listen=127.0.0.1"]);
        command.arg(format!("--port={port}")).arg(format!("--base-path={}", sandbox.root().display()));
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let daemon = Self { child, port };
        let answers = || TcpStream::connect(("127.0.0.1", port)).is_ok();
        assert!(
            (0..500).any(|_| answers() || {
                sleep(Duration::from_millis(20));
                false
            }),
            "git daemon does not answer"
        );
        daemon
    }

    /// Returns the address of a repository.
    pub fn url(&self, repository: &str) -> String {
        format!("git://127.0.0.1:{}/{repository}", self.port)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Smart HTTP: each request is a run of `git http-backend`.
pub struct Http {
    port: u16,
    stop: Arc<AtomicBool>,
    chunked: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl Http {
    /// Starts it.
    pub fn start(sandbox: &Sandbox) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (stop, chunked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let like = sandbox.command("git", sandbox.root());
        let environment =
            like.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))).collect();
        let backend =
            Backend { program: program(sandbox, "git-http-backend"), root: sandbox.root().to_owned(), environment };
        let (stopped, counted) = (Arc::clone(&stop), Arc::clone(&chunked));
        let thread = spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::Relaxed) {
                    break;
                }
                // One at a time: a client that went away is no failure of the server.
                let _ = stream.and_then(|stream| backend.answer(stream, &counted));
            }
        });
        Self { port, stop, chunked, thread: Some(thread) }
    }

    /// Returns the address of a repository.
    pub fn url(&self, repository: &str) -> String {
        format!("http://127.0.0.1:{}/{repository}", self.port)
    }

    /// Returns how many requests came in chunks.
    pub fn chunked(&self) -> usize {
        self.chunked.load(Ordering::Relaxed)
    }
}

impl Drop for Http {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        drop(TcpStream::connect(("127.0.0.1", self.port)));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

struct Backend {
    program: PathBuf,
    root: PathBuf,
    environment: Vec<(OsString, OsString)>,
}

impl Backend {
    /// Reads a request, runs the backend, and writes its answer.
    fn answer(&self, stream: TcpStream, chunked: &AtomicUsize) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut first = String::new();
        reader.read_line(&mut first)?;
        let mut words = first.split_whitespace();
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut command = Command::new(&self.program);
        command.env_clear().envs(self.environment.iter().cloned()).current_dir(&self.root);
        command.env("GIT_PROJECT_ROOT", &self.root).env("GIT_HTTP_EXPORT_ALL", "1").env("REMOTE_USER", "ada");
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
