//! How git is led to a hooks folder of ours where `core.hooksPath` names one of somebody else's.
//!
//! Nothing of theirs is written: not their folder, not their line in the configuration. The file of the configuration
//! that has their line (the repository's own, when the line stands in the user's or the system's) includes a file of
//! ours ([`Include`]), which sets `core.hooksPath` to our folder. So a manager that sets its own line again, as husky does
//! with each `npm install`, changes nothing.
//!
//! Our folder stands beside that configuration file, not in `recoveryguard/`, which only its owner may enter: in a shared
//! repository everybody has to read it.
//!
//! # Limitations
//!
//! The path of our folder is absolute, because a relative one means another folder in each linked worktree: where a
//! repository was moved or copied, hooks run from the old place, or not at all, until `guard install` is run there.

use std::path::{Path, PathBuf};

use bstr::ByteSlice;

use super::InstallError;
use super::include::Include;
use crate::disk;
use crate::git::{GitError, Repo};

/// The name of our folder, and with `.config` at its end of the file that is included.
const FOLDER: &str = "recoveryguard-hooks";

/// The same where only one worktree's configuration names a hooks folder.
const FOLDER_OF_WORKTREE: &str = "recoveryguard-hooks-worktree";

/// One hooks folder of ours, and the configuration that leads git there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Detour {
    /// What leads git there.
    include: Include,
    /// Our hooks folder.
    pub folder: PathBuf,
}

impl Detour {
    /// Returns the one for all worktrees.
    pub fn local(repo: &Repo) -> Self {
        Self::new(repo.common_dir().join("config"), FOLDER)
    }

    /// Returns the one for the worktree from which we were called.
    pub fn worktree(repo: &Repo) -> Self {
        Self::of_worktree(repo.git_dir())
    }

    fn of_worktree(git_dir: &Path) -> Self {
        Self::new(git_dir.join("config.worktree"), FOLDER_OF_WORKTREE)
    }

    fn new(config: PathBuf, folder: &str) -> Self {
        let name = format!("{folder}.config");
        Self { folder: config.with_file_name(folder), include: Include { config, name } }
    }

    /// Returns all of which anything is there, in every worktree.
    pub fn all(repo: &Repo) -> Result<Vec<Self>, GitError> {
        let common = repo.common_dir();
        let linked = std::fs::read_dir(common.join("worktrees")).into_iter().flatten().flatten();
        let mut all = vec![Self::local(repo), Self::of_worktree(common)];
        all.extend(linked.map(|entry| Self::of_worktree(&entry.path())));
        let mut found = Vec::new();
        for detour in all {
            if detour.is_there(repo)? {
                found.push(detour);
            }
        }
        Ok(found)
    }

    /// Returns whether a hooks folder has the name of one of ours.
    pub fn is_folder(folder: &Path) -> bool {
        folder.file_name().is_some_and(|name| name == FOLDER || name == FOLDER_OF_WORKTREE)
    }

    /// Returns whether anything of it is there.
    pub fn is_there(&self, repo: &Repo) -> Result<bool, GitError> {
        Ok(self.folder.symlink_metadata().is_ok() || self.include.is_there(repo)?)
    }

    /// Returns whether all of it is there and says what it should.
    pub fn is_whole(&self, repo: &Repo) -> Result<bool, InstallError> {
        self.include.is_whole(repo, &self.text())
    }

    /// Returns the file that is included.
    pub fn file(&self) -> PathBuf {
        self.include.file()
    }

    /// Leads git to our folder, whose scripts stand there already.
    pub fn open(&self, repo: &Repo) -> Result<(), InstallError> {
        disk::set_mode(&self.folder, 0o755)?;
        self.include.open(repo, &self.text())
    }

    /// Leads git back to where it went before.
    pub fn close(&self, repo: &Repo) -> Result<(), InstallError> {
        self.include.close(repo)
    }

    /// Returns whether the file that is included leads to another place: the repository was moved, or copied.
    pub fn is_astray(&self) -> bool {
        std::fs::read(self.file()).is_ok_and(|bytes| bytes != self.text())
    }

    fn text(&self) -> Vec<u8> {
        let head = "# Written by 'guard install', taken out by 'guard uninstall'. The scripts there run the hooks of the \
                    folder\n# that core.hooksPath names elsewhere, and guard.\n[core]\n\thooksPath = ";
        [head.as_bytes(), &quoted(self.folder.as_os_str().as_encoded_bytes()), b"\n"].concat()
    }
}

/// Quotes a value for a file of git's configuration.
fn quoted(value: &[u8]) -> Vec<u8> {
    let value = value.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n").replace("\t", "\\t");
    [b"\"", &value[..], b"\""].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_path_can_be_written() {
        assert_eq!(quoted(b"/a \"b\"\\c\n\t#;\xff"), b"\"/a \\\"b\\\"\\\\c\\n\\t#;\xff\"");
    }
}
