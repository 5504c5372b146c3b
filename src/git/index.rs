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

/// In a sparse checkout git takes `skip-worktree` from the entries of files that it finds, when it reads an index: then an
/// index that was kept would tell of the files of today.
const AS_WRITTEN: &str = "sparse.expectFilesOutsideOfPatterns=true";

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

    /// Returns the index as it will be after a commit of some paths only (`git commit <path>`), where what else is staged stays;
    /// `None` while git makes any other commit.
    pub fn index_after_partial_commit(&self) -> Option<PathBuf> {
        let is_partial = self.index_file().file_name()?.to_string_lossy().starts_with("next-index-");
        // git has written it whole before it asks hooks.
        Some(self.git_dir().join("index.lock")).filter(|_| is_partial)
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
        let mut entries = Vec::new();
        self.read_index(index, |path, entry| entries.push(IndexEntry { path: path.into(), ..entry }))?;
        Ok(entries)
    }

    /// Returns the files of the working tree that git does not track, ignored ones among them; not those of repositories in it.
    pub fn untracked(&self) -> Result<Vec<TreePath>, GitError> {
        let text = self.git("ls-files").args(["-z", "--others"]).run()?.success()?;
        let is_file = |item: &&[u8]| !item.is_empty() && !item.ends_with(b"/");
        Ok(text.split(|byte| *byte == 0).filter(is_file).map(TreePath::from).collect())
    }

    /// Reads an index file: `each` gets the entries in git's order, with the path apart so that nobody has to keep a copy.
    ///
    /// In process where the file holds all entries; a split or sparse index, and whatever else gitoxide does not take, is
    /// git's to read.
    pub fn read_index(&self, index: &Path, mut each: impl FnMut(&[u8], IndexEntry)) -> Result<(), GitError> {
        if let Some(file) = self.whole_index(index)
            && let Some(entries) = file.entries().iter().map(entry_of).collect::<Option<Vec<_>>>()
        {
            for (entry, found) in entries.into_iter().zip(file.entries()) {
                each(found.path(&file), entry);
            }
            return Ok(());
        }
        let git = self.git_with(AS_WRITTEN.as_ref(), "ls-files").args(["-z", "-s", "-v"]);
        let text = git.env("GIT_INDEX_FILE", index).run()?.success()?;
        for item in text.split(|byte| *byte == 0).filter(|item| !item.is_empty()) {
            let (path, entry) = parse_entry(item).ok_or_else(|| GitError::Answer { command: "ls-files".into() })?;
            each(path, entry);
        }
        Ok(())
    }

    /// Reads an index file that needs no other one.
    fn whole_index(&self, index: &Path) -> Option<gix::index::File> {
        let shared = |entry: fs::DirEntry| entry.file_name().to_string_lossy().starts_with("sharedindex.");
        if fs::read_dir(self.git_dir()).ok()?.flatten().any(shared) {
            return None;
        }
        // As git does, which looks at the checksum in `fsck` only.
        let skip_hash = true;
        let options = gix::index::decode::Options { thread_limit: Some(1), ..Default::default() };
        let file = gix::index::File::at(index, super::objects::gix_kind(self.hash_kind()), skip_hash, options).ok()?;
        (!file.is_sparse()).then_some(file)
    }

    /// Changes entries in a copy of an index: each path gets exactly the entries given for it, flags included; none
    /// removes it. Look at [`Repo::refresh_index`] before the copy takes the index's place.
    pub fn change_index(
        &self,
        index: &Path,
        copy: &Path,
        steps: &[(TreePath, Vec<IndexEntry>)],
    ) -> Result<(), GitError> {
        let null = Oid::null(self.hash_kind());
        let mut input = Vec::new();
        let mut line = |head: String, path: &TreePath| {
            input.extend(head.bytes());
            input.extend_from_slice(path);
            input.push(0);
        };
        // Removals first: a path may make room for a folder of its name.
        for (path, _) in steps {
            line(format!("0 {null}\t"), path);
        }
        for entry in steps.iter().flat_map(|(_, entries)| entries) {
            let stage = entry.stage as u8;
            line(format!("{} {} {stage}\t", entry.entry.mode.octal(), entry.entry.oid), &entry.path);
        }
        if index.exists() {
            // One that a killed process of our number left.
            crate::disk::remove_file(copy)?;
            // A link costs nothing: git replaces the file and never writes into it.
            crate::disk::hard_link_or_copy(index, copy, crate::disk::Durability::Lazy)?;
        }
        let update = |option: &str, input: Vec<u8>| {
            let git = self.git("update-index").args(["-z", option]);
            let git = if option == "--index-info" { git } else { git.arg("--stdin") };
            git.env("GIT_INDEX_FILE", copy).input(input).run()?.success().map(drop)
        };
        update("--index-info", input)?;
        for (option, flag) in [
            ("--skip-worktree", (|entry| entry.skip_worktree) as fn(&IndexEntry) -> bool),
            ("--assume-unchanged", |entry| entry.assume_unchanged),
        ] {
            let flagged = steps.iter().flat_map(|(_, entries)| entries).filter(|entry| flag(entry));
            let paths: Vec<u8> = flagged.flat_map(|entry| entry.path.iter().copied().chain([0])).collect();
            if !paths.is_empty() {
                update(option, paths)?;
            }
        }
        Ok(())
    }

    /// Looks at the files behind the entries of a copy of the index: new entries know nothing of their files, and git would
    /// open each at the next status.
    pub fn refresh_index(&self, copy: &Path) -> Result<(), GitError> {
        // Its exit status tells whether files differ from their entries, which is no failure here.
        self.git("update-index").args(["-q", "--refresh"]).env("GIT_INDEX_FILE", copy).run().map(drop)
    }

    /// Returns the paths that were in conflict in this index, resolved or not: unmerged ones and those whose stages git
    /// keeps for `git checkout --merge`.
    pub fn conflicted_paths(&self, index: &Path) -> Result<Vec<TreePath>, GitError> {
        let ask = |option: &str| self.git("ls-files").args(["-z", option]).env("GIT_INDEX_FILE", index);
        let mut text = ask("--unmerged").run()?.success()?;
        text.extend(ask("--resolve-undo").run()?.success()?);
        let path = |item: &[u8]| item.split_once_str("\t").map(|(_, path)| TreePath::from(path));
        let mut paths: Vec<TreePath> = text.split(|byte| *byte == 0).filter_map(path).collect();
        paths.sort_unstable();
        paths.dedup();
        Ok(paths)
    }

    /// Returns which of these paths lie outside the sparse checkout: their files are not meant to be in the working tree.
    pub fn outside_sparse(&self, paths: &[&TreePath]) -> Result<Vec<TreePath>, GitError> {
        if paths.is_empty() || !self.config_is_true("core.sparseCheckout")? {
            return Ok(Vec::new());
        }
        let input = paths.iter().flat_map(|path| path.iter().copied().chain([0])).collect();
        let output = self.git("sparse-checkout").args(["check-rules", "-z"]).input(input).run()?;
        if output.status == 129 {
            let why = "this git can't tell which paths are in the sparse checkout (2.41 and later can)";
            return Err(GitError::Unsupported(why.into()));
        }
        let inside = output.success()?;
        let inside: std::collections::HashSet<&[u8]> = inside.split(|byte| *byte == 0).collect();
        Ok(paths.iter().filter(|path| !inside.contains(&***path as &[u8])).map(|path| (*path).clone()).collect())
    }
}

/// Returns gitoxide's entry as ours, without its path.
fn entry_of(entry: &gix::index::Entry) -> Option<IndexEntry> {
    use gix::index::entry::{Flags, Stage as Theirs};
    let stage = match entry.stage() {
        Theirs::Unconflicted => Stage::Normal,
        Theirs::Base => Stage::Base,
        Theirs::Ours => Stage::Ours,
        Theirs::Theirs => Stage::Theirs,
    };
    Some(IndexEntry {
        path: TreePath::default(),
        stage,
        entry: Entry { mode: Mode::from_octal(entry.mode.bits())?, oid: Oid::from_bytes(entry.id.as_bytes())? },
        skip_worktree: entry.flags.contains(Flags::SKIP_WORKTREE),
        assume_unchanged: entry.flags.contains(Flags::ASSUME_VALID),
    })
}

/// Reads `H 100644 <oid> 0\t<path>`.
pub(super) fn parse_entry(item: &[u8]) -> Option<(&[u8], IndexEntry)> {
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
    let entry = IndexEntry {
        path: TreePath::default(),
        stage,
        entry: Entry { mode: Mode::from_octal(mode)?, oid },
        skip_worktree: tag.eq_ignore_ascii_case(&b'S'),
        assume_unchanged: tag.is_ascii_lowercase(),
    };
    Some((path, entry))
}
