//! How git is led to a hooks folder of ours where `core.hooksPath` names one of somebody else's.
//!
//! Nothing of theirs is written: not their folder, not their line in the configuration. The file of the configuration
//! that has their line (the repository's own, when the line stands in the user's or the system's) gets one section more,
//! at its end, which includes a file of ours; that one sets `core.hooksPath` to our folder. So a manager that sets its
//! own line again, as husky does with each `npm install`, changes nothing, and taking the section out leaves the file
//! byte for byte as it was.
//!
//! ```text
//! [includeIf "gitdir:/"]                    true in every repository: a plain [include] may stand further up
//!     path = recoveryguard-hooks.config     already, git would add ours to that one, and theirs would win
//! ```
//!
//! Our folder and file stand beside that configuration file, not in `recoveryguard/`, which only its owner may enter: in
//! a shared repository everybody has to read them.
//!
//! # Limitations
//!
//! The path of our folder is absolute, because a relative one means another folder in each linked worktree: where a
//! repository was moved or copied, hooks run from the old place, or not at all, until `guard install` is run there. A
//! configuration file whose last line had no end keeps the one that git gave it.

use std::path::{Path, PathBuf};

use bstr::ByteSlice;

use super::InstallError;
use crate::disk::{self, Durability};
use crate::git::{GitError, Repo};

/// The name of our folder, and with `.config` at its end of the file that is included.
const FOLDER: &str = "recoveryguard-hooks";

/// The same where only one worktree's configuration names a hooks folder.
const FOLDER_OF_WORKTREE: &str = "recoveryguard-hooks-worktree";

/// The name that the included file has while it is made, in our folder.
const MADE: &str = "config";

/// The variable that includes our file.
const KEY: &str = "includeIf.gitdir:/.path";

/// One hooks folder of ours, and the configuration that leads git there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Detour {
    /// The file of the configuration that gets the section.
    config: PathBuf,
    /// Our hooks folder.
    pub folder: PathBuf,
}

impl Detour {
    /// Returns the one for all worktrees.
    pub fn local(repo: &Repo) -> Self {
        let common = repo.common_dir();
        Self { config: common.join("config"), folder: common.join(FOLDER) }
    }

    /// Returns the one for the worktree from which we were called.
    pub fn worktree(repo: &Repo) -> Self {
        Self::of_worktree(repo.git_dir())
    }

    fn of_worktree(git_dir: &Path) -> Self {
        Self { config: git_dir.join("config.worktree"), folder: git_dir.join(FOLDER_OF_WORKTREE) }
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
        let found = |path: &Path| path.symlink_metadata().is_ok();
        Ok(found(&self.folder) || found(&self.file()) || self.is_included(repo)?)
    }

    /// Returns whether all of it is there and says what it should.
    pub fn is_whole(&self, repo: &Repo) -> Result<bool, InstallError> {
        Ok(self.is_included(repo)? && disk::read_own(&self.file(), 1 << 16)?.is_some_and(|bytes| bytes == self.text()))
    }

    /// Returns the file that is included.
    pub fn file(&self) -> PathBuf {
        self.folder.with_file_name(self.file_name())
    }

    /// Leads git to our folder, whose scripts stand there already: the file first, then the section, in one step.
    pub fn open(&self, repo: &Repo) -> Result<(), InstallError> {
        // Whoever can't read an included file can't use git at all: it is readable before it takes its place.
        let made = self.folder.join(MADE);
        disk::write_atomic(&made, &self.text(), Durability::Fsync, 0o644)?;
        disk::set_mode(&made, 0o644)?;
        disk::set_mode(&self.folder, 0o755)?;
        disk::rename(&made, &self.file())?;
        // Anew, so that it is the last section.
        repo.config_remove(&self.config, KEY, &self.file_name())?;
        Ok(repo.config_add(&self.config, KEY, &self.file_name())?)
    }

    /// Leads git back to where it went before: the section first, then the file.
    pub fn close(&self, repo: &Repo) -> Result<(), InstallError> {
        if self.is_included(repo)? {
            repo.config_remove(&self.config, KEY, &self.file_name())?;
        }
        disk::remove_file(&self.folder.join(MADE))?;
        disk::remove_file(&self.file())?;
        Ok(())
    }

    /// Returns whether the file that is included leads to another place: the repository was moved, or copied.
    pub fn is_astray(&self) -> bool {
        std::fs::read(self.file()).is_ok_and(|bytes| bytes != self.text())
    }

    fn is_included(&self, repo: &Repo) -> Result<bool, GitError> {
        if !self.config.exists() {
            return Ok(false);
        }
        Ok(repo.config_in(&self.config, KEY)?.iter().any(|value| value.as_bstr() == self.file_name().as_str()))
    }

    fn file_name(&self) -> String {
        let name = self.folder.file_name().unwrap_or_default();
        format!("{}.config", name.to_string_lossy())
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
