//! Large files, as streams: so many bytes of our memory whatever their size.
//!
//! `git cat-file blob` streams what is stored loose, or whole in a pack. What is stored as a difference git puts together in
//! its own memory, and so it does with what its filters convert.

use std::io::{self, Cursor, ErrorKind, Read};
use std::process::{Child, ChildStdout};
use std::thread::JoinHandle;

use bstr::ByteSlice;
use gix::hash::Hasher;

use super::child::{Git, GitError, first_lines, heard};
use super::objects::{gix_id, gix_kind};
use super::repository::Repo;
use crate::model::{HashKind, Oid, TreePath};

/// From this size on git streams, too.
const STREAMED: &str = "core.bigFileThreshold=8m";
/// So much of a pack git maps at once.
const WINDOW: &str = "core.packedGitWindowSize=16m";
/// A blob of no more bytes is read in process, and held.
const HELD: u64 = 8 << 20;

/// A blob's bytes, as git would write them out at a path. The end is reached only when git ended well, and where nothing is
/// converted when their hash is the blob's name; else the last read is an error.
pub struct BlobStream {
    child: Child,
    output: ChildStdout,
    errors: Option<JoinHandle<Vec<u8>>>,
    /// What was read so far, where it has to be the blob.
    expected: Option<(Oid, Hasher)>,
}

impl Repo {
    /// Opens a blob as git would write it out at a path; `attributes` as in [`Repo::smudge`]. One process a blob.
    pub fn stream_blob(&self, path: &TreePath, oid: Oid, attributes: Option<Oid>) -> Result<BlobStream, GitError> {
        if !self.converts(path, attributes)? {
            return self.stream_stored(oid);
        }
        let git = match attributes {
            Some(tree) => self.cat_file().env("GIT_ATTR_SOURCE", tree.to_string()),
            None => self.cat_file(),
        };
        BlobStream::start(
            git.arg("--filters").bytes(&[b"--path=", path.as_bytes()].concat()).arg(oid.to_string()),
            None,
        )
    }

    /// Opens a blob as it is stored, whatever filters there are: a small one at hand, a large one as a stream.
    pub fn open_blob(&self, oid: Oid) -> Result<Box<dyn Read>, GitError> {
        let (_, size) = self.objects().header(oid)?;
        if size > HELD {
            return Ok(Box::new(self.stream_stored(oid)?));
        }
        Ok(Box::new(Cursor::new(self.objects().blob(oid)?)))
    }

    fn stream_stored(&self, oid: Oid) -> Result<BlobStream, GitError> {
        let (_, size) = self.objects().header(oid)?;
        let expected = (oid, hasher(self.objects().hash_kind(), size));
        BlobStream::start(self.cat_file().arg("blob").arg(oid.to_string()), Some(expected))
    }

    fn cat_file(&self) -> Git {
        self.git_reading("-c").args([STREAMED, "-c", WINDOW, "-c", "core.packedGitLimit=64m", "cat-file"])
    }

    /// Returns whether git converts a blob that it writes out at a path: by a program, another encoding, `$Id$`, or line ends.
    /// `attributes` as in [`Repo::smudge`].
    pub fn converts(&self, path: &TreePath, attributes: Option<Oid>) -> Result<bool, GitError> {
        let ask = self.git("check-attr").args(["-z", "--stdin", "filter", "working-tree-encoding", "ident", "eol"]);
        let ask = match attributes {
            Some(tree) => ask.env("GIT_ATTR_SOURCE", tree.to_string()),
            None => ask,
        };
        let text = ask.input([&path[..], b"\0"].concat()).run()?.success()?;
        let mut values = text.split(|byte| *byte == 0).skip(2).step_by(3);
        if values.any(|value| !matches!(value, b"unspecified" | b"unset" | b"lf")) {
            return Ok(true);
        }
        let found = self.git("config").args(["--get-regexp", r"^core\.(autocrlf|eol)$"]).run()?;
        let plain = |line: &[u8]| {
            let value = line.split_once_str(" ").map_or(&b"true"[..], |(_, value)| value).to_ascii_lowercase();
            matches!(&value[..], b"input" | b"false" | b"no" | b"off" | b"0" | b"lf" | b"native")
        };
        Ok(!found.stdout.lines().all(plain))
    }

    /// Returns the blob that git would store for a file as it stands, without storing it.
    pub fn clean_file(&self, path: &TreePath) -> Result<Oid, GitError> {
        // git packs what it streams, also where it throws that away.
        let ask = self.git("-c").args([STREAMED, "-c", "pack.compression=0", "hash-object"]);
        let line = ask.arg("--").bytes(&[b"./", &path[..]].concat()).run()?.line()?;
        line.parse().map_err(|_| GitError::Answer { command: "hash-object".into() })
    }

    /// Returns the name that git gives `size` bytes as a blob, without any filter. Fewer or more of them are an error.
    pub fn hash_stream(&self, size: u64, input: &mut dyn Read) -> io::Result<Oid> {
        let mut hasher = hasher(self.objects().hash_kind(), size);
        let mut buffer = vec![0; 1 << 16];
        let mut left = size;
        loop {
            let read = match input.read(&mut buffer) {
                Ok(0) if left == 0 => break,
                Ok(0) => return Err(io::Error::new(ErrorKind::UnexpectedEof, "it became shorter while it was read")),
                Ok(read) if read as u64 > left => return Err(invalid("it became longer while it was read")),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            hasher.update(&buffer[..read]);
            left -= read as u64;
        }
        let hash = hasher.try_finalize().map_err(|_| invalid("its content was made to collide with another's"))?;
        Oid::from_bytes(hash.as_bytes()).ok_or_else(|| invalid("its hash has an unknown length"))
    }
}

fn hasher(kind: HashKind, size: u64) -> Hasher {
    let mut hasher = gix::hash::hasher(gix_kind(kind));
    hasher.update(format!("blob {size}\0").as_bytes());
    hasher
}

fn invalid(why: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, why)
}

impl Read for BlobStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.output.read(buffer)?;
        if let Some((_, hasher)) = &mut self.expected {
            hasher.update(&buffer[..read]);
        }
        if read == 0 && !buffer.is_empty() {
            self.end()?;
        }
        Ok(read)
    }
}

impl BlobStream {
    fn start(git: Git, expected: Option<(Oid, Hasher)>) -> Result<Self, GitError> {
        let mut child = git.converse_and_hear()?;
        drop(child.stdin.take());
        let errors = child.stderr.take().map(heard);
        let output = child.stdout.take().ok_or_else(|| GitError::Answer { command: "cat-file".into() })?;
        Ok(Self { child, output, errors, expected })
    }

    fn end(&mut self) -> io::Result<()> {
        let status = self.child.wait()?;
        if !status.success() {
            let said = self.errors.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
            return Err(invalid(&format!("git could not read it: {}", first_lines(&said))));
        }
        let Some((oid, hasher)) = self.expected.take() else { return Ok(()) };
        let hash = hasher.try_finalize().map_err(|_| invalid("its content was made to collide with another's"))?;
        if gix_id(oid).is_ok_and(|name| name == hash) {
            return Ok(());
        }
        Err(invalid(&format!("the blob {oid} is damaged: its content is not what was stored")))
    }
}

impl Drop for BlobStream {
    fn drop(&mut self) {
        // Who has read enough does not wait for the rest; one that has ended is not there to be killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
