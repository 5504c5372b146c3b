//! Settings of ours that git reads, without a line of others being touched.
//!
//! They stand in a file of ours, and a section at the end of a file of git's configuration includes that:
//!
//! ```text
//! [includeIf "gitdir:/"]                    true in every repository. Nobody else has such a section: git adds a
//!     path = recoveryguard-hooks.config     variable to the last section of its name, ours would be taken for theirs
//! ```
//!
//! What is added is taken out byte for byte, wherever it stands then, and the rest of the file is as others left it.
//! Where the file had no end of its last line the section has none either, which tells that the line's end is ours; a
//! file that holds nothing else was not there before.
//!
//! The included file stands beside the configuration file, not in `recoveryguard/`, which only its owner may enter: in a
//! shared repository everybody has to read it. Its path is relative to the configuration file as git is told it.

use std::path::PathBuf;

use bstr::ByteSlice;

use super::InstallError;
use crate::disk::{self, Durability};
use crate::git::{GitError, Repo, rewrite_config};

/// The variable that includes our file.
const KEY: &str = "includeIf.gitdir:/.path";

/// One file of ours, and the file of the configuration that includes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Include {
    /// The file of the configuration that gets the section.
    pub config: PathBuf,
    /// The name of our file.
    pub name: String,
}

impl Include {
    /// Returns the file that is included.
    pub fn file(&self) -> PathBuf {
        self.config.with_file_name(&self.name)
    }

    /// Returns whether anything of it is there.
    pub fn is_there(&self, repo: &Repo) -> Result<bool, GitError> {
        Ok(self.file().symlink_metadata().is_ok() || self.is_included(repo)?)
    }

    /// Returns whether all of it is there and says what it should.
    pub fn is_whole(&self, repo: &Repo, text: &[u8]) -> Result<bool, InstallError> {
        Ok(self.is_included(repo)? && disk::read_own(&self.file(), 1 << 16)?.is_some_and(|bytes| bytes == text))
    }

    /// Has git read `text`, after all that stands in the configuration file now: our file first, then the section.
    pub fn open(&self, repo: &Repo, text: &[u8]) -> Result<(), InstallError> {
        // Whoever can't read an included file can't use git at all: it is readable before it takes its place.
        let made = self.made(repo);
        disk::write_atomic(&made, text, Durability::Fsync, 0o644)?;
        disk::set_mode(&made, 0o644)?;
        disk::rename(&made, &self.file())?;
        // Anew, so that it is the last section.
        self.take_out(repo)?;
        let section = self.section();
        rewrite_config(&self.config, |bytes| Some(added(bytes, &section)))?;
        if self.is_included(repo)? { Ok(()) } else { Err(InstallError::Unread(self.config.clone())) }
    }

    /// Has git read what it read before: the section first, then our file.
    pub fn close(&self, repo: &Repo) -> Result<(), InstallError> {
        self.take_out(repo)?;
        disk::remove_file(&self.made(repo))?;
        disk::remove_file(&self.file())?;
        Ok(())
    }

    fn take_out(&self, repo: &Repo) -> Result<(), InstallError> {
        let section = self.section();
        rewrite_config(&self.config, |bytes| without(bytes?, &section))?;
        // Somebody has written it anew, in a form of their own.
        if self.is_included(repo)? {
            repo.config_remove(&self.config, KEY, &self.name)?;
        }
        Ok(())
    }

    fn is_included(&self, repo: &Repo) -> Result<bool, GitError> {
        if !self.config.exists() {
            return Ok(false);
        }
        Ok(repo.config_in(&self.config, KEY)?.iter().any(|value| value.as_bstr() == self.name.as_str()))
    }

    /// Returns where our file is while it is made.
    fn made(&self, repo: &Repo) -> PathBuf {
        repo.guard_dir().join(&self.name)
    }

    fn section(&self) -> Vec<u8> {
        format!("[includeIf \"gitdir:/\"]\n\tpath = {}", self.name).into_bytes()
    }
}

/// Adds a section at the end.
fn added(bytes: Option<Vec<u8>>, section: &[u8]) -> Vec<u8> {
    match bytes {
        None => section.to_vec(),
        Some(bytes) if bytes.is_empty() || bytes.ends_with(b"\n") => [&bytes, section, b"\n"].concat(),
        Some(bytes) => [&bytes, &b"\n"[..], section].concat(),
    }
}

/// Takes out what [`added`] has added, if it is there as it was written.
fn without(bytes: Vec<u8>, section: &[u8]) -> Option<Vec<u8>> {
    let is_ours = |start: &usize| {
        let (head, tail) = (&bytes[..*start], &bytes[start + section.len()..]);
        // Lines that came into it since would fall to the section before.
        let is_told = |line: &&[u8]| !line.is_empty() && !line.starts_with(b"#") && !line.starts_with(b";");
        let next = tail.lines().map(ByteSlice::trim_start).find(is_told);
        (head.is_empty() || head.ends_with(b"\n"))
            && matches!(tail.first(), None | Some(b'\n' | b'[' | b'#' | b';'))
            && next.is_none_or(|line| line.starts_with(b"["))
    };
    let Some(start) = bytes.find_iter(section).find(is_ours) else { return Some(bytes) };
    let (head, tail) = (&bytes[..start], &bytes[start + section.len()..]);
    match tail.strip_prefix(b"\n") {
        Some(tail) => Some([head, tail].concat()),
        None if head.is_empty() && tail.is_empty() => None,
        None => Some([head.strip_suffix(b"\n").unwrap_or(head), tail].concat()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECTION: &[u8] = b"[ours]\n\tpath = x";

    fn cut(text: &str) -> Option<String> {
        without(text.into(), SECTION).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn what_is_added_goes_byte_for_byte() {
        for before in
            [None, Some(""), Some("\n"), Some("[a]\n\tb = c"), Some("[a]\r\n"), Some("[a]\n\n"), Some("[b]\r")]
        {
            let after = added(before.map(Into::into), SECTION);
            assert_eq!(without(after, SECTION).as_deref(), before.map(str::as_bytes), "{before:?}");
        }
    }

    #[test]
    fn what_others_have_added_since_stays() {
        for (text, rest) in [
            ("[a]\n[ours]\n\tpath = x\n[b]\n\tc = d\n", "[a]\n[b]\n\tc = d\n"),
            ("[a]\n[ours]\n\tpath = x\n\n# text\n  [b]\n", "[a]\n\n# text\n  [b]\n"),
            ("[ours]\n\tpath = x\n; text", "; text"),
            // Added to a last line that had no end before.
            ("[a]\n[ours]\n\tpath = x# text\n", "[a]# text\n"),
            ("[ours]\n\tpath = x[b]\n\tc = d\n", "[b]\n\tc = d\n"),
        ] {
            assert_eq!(cut(text).as_deref(), Some(rest));
        }
        // Not as it was written: git takes it out.
        for text in ["[ours]\n\tpath = x\n\tb = c\n", "#[ours]\n\tpath = x\n", "[ours]\n\tpath = xy\n", "[a]\n"] {
            assert_eq!(cut(text).as_deref(), Some(text));
        }
    }
}
