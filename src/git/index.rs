//! The index: what stands in it, what it would commit, and a changed copy of it.

use std::fs;
use std::path::{Path, PathBuf};

use bstr::ByteSlice;

use super::child::GitError;
use super::repository::Repo;
use crate::model::{Entry, Mode, Oid, TreePath};

/// The stage of an index entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Resolved.
    Normal,
    /// In conflict: the merge base's.
    Base,
    /// In conflict: the first parent's.
    Ours,
    /// In conflict: the other parent's.
    Theirs,
}

/// One entry of the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexEntry {
    /// Where.
    pub path: TreePath,
    /// Which stage.
    pub stage: Stage,
    /// What.
    pub entry: Entry,
    /// `skip-worktree`: the file is not meant to be in the working tree.
    pub skip_worktree: bool,
    /// `assume-unchanged`.
    pub assume_unchanged: bool,
}

impl Repo {
    /// Returns the index file that git uses now; hooks of `commit -a` and `commit <path>` name another.
    pub fn index_file(&self) -> PathBuf {
        let named = self.environment().get("GIT_INDEX_FILE").map(PathBuf::from);
        let named = named.map(|path| self.work_tree().unwrap_or(self.git_dir()).join(path));
        named.unwrap_or_else(|| self.own_index_file())
    }

    /// Returns this worktree's index file, whatever the environment says.
    pub fn own_index_file(&self) -> PathBuf {
        self.git_dir().join("index")
    }

    /// Returns the tree that the index would commit: writes it, as git itself is about to. `None` with unmerged entries.
    pub fn write_tree(&self) -> Result<Option<Oid>, GitError> {
        let output = self.git("write-tree").env("GIT_INDEX_FILE", self.index_file()).run()?;
        if output.status != 0 && output.stderr.contains_str("error building trees") {
            return Ok(None);
        }
        Ok(Some(output.line()?.parse().map_err(|_| GitError::Answer { command: "write-tree".into() })?))
    }

    /// Returns all entries of an index file.
    pub fn index_entries(&self, index: &Path) -> Result<Vec<IndexEntry>, GitError> {
        let text = self.git("ls-files").args(["-z", "-s", "-v"]).env("GIT_INDEX_FILE", index).run()?.success()?;
        let items = text.split(|byte| *byte == 0).filter(|item| !item.is_empty());
        items.map(|item| parse_entry(item).ok_or_else(|| GitError::Answer { command: "ls-files".into() })).collect()
    }

    /// Changes entries in a copy of an index: `None` removes a path (all stages), an entry replaces all stages.
    /// Returns the changed copy's bytes.
    pub fn changed_index(
        &self,
        index: &Path,
        copy: &Path,
        steps: &[(TreePath, Option<Entry>)],
    ) -> Result<Vec<u8>, GitError> {
        let null = Oid::null(self.hash_kind());
        let mut input = Vec::new();
        // Removals first: a path may make room for a folder of its name.
        for (path, _) in steps {
            input.extend(format!("0 {null}\t").bytes());
            input.extend_from_slice(path);
            input.push(0);
        }
        for (path, entry) in steps {
            if let Some(entry) = entry {
                input.extend(format!("{} {} 0\t", entry.mode.octal(), entry.oid).bytes());
                input.extend_from_slice(path);
                input.push(0);
            }
        }
        if index.exists() {
            fs::copy(index, copy).map_err(|source| GitError::Io { path: copy.display().to_string(), source })?;
        }
        let git = self.git("update-index").args(["-z", "--index-info"]).env("GIT_INDEX_FILE", copy);
        git.input(input).run()?.success()?;
        // New entries know nothing of their files yet; git would look into each at the next status.
        self.git("update-index").args(["-q", "--refresh"]).env("GIT_INDEX_FILE", copy).run()?;
        fs::read(copy).map_err(|source| GitError::Io { path: copy.display().to_string(), source })
    }
}

/// Reads `H 100644 <oid> 0\t<path>`.
fn parse_entry(item: &[u8]) -> Option<IndexEntry> {
    let (head, path) = item.split_once_str("\t")?;
    let mut words = head.split_str(" ");
    let tag = *words.next()?.first()?;
    let mode = u32::from_str_radix(words.next()?.to_str().ok()?, 8).ok()?;
    let oid = Oid::from_hex(words.next()?)?;
    let stage = match words.next()? {
        b"0" => Stage::Normal,
        b"1" => Stage::Base,
        b"2" => Stage::Ours,
        b"3" => Stage::Theirs,
        _ => return None,
    };
    Some(IndexEntry {
        path: path.into(),
        stage,
        entry: Entry { mode: Mode::from_octal(mode)?, oid },
        skip_worktree: tag.eq_ignore_ascii_case(&b'S'),
        assume_unchanged: tag.is_ascii_lowercase(),
    })
}
