//! What a project holds, to the last byte: files of every kind, the index, and the tree of the commit.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use bstr::ByteSlice;
use sha2::{Digest, Sha256};

use super::stage::Stage;
use crate::model::{Raw, TreePath};

/// Everything that a project holds, by path: tracked, untracked and ignored files as they are on disk, entries of the index and of
/// HEAD's tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct State {
    files: BTreeMap<TreePath, OnDisk>,
    index: BTreeMap<TreePath, String>,
    head: BTreeMap<TreePath, String>,
}

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
struct OnDisk {
    /// The permission bits of a file; of a link none.
    bits: Option<u32>,
    /// The SHA-256 of a file's bytes; where a link leads to.
    holds: String,
}

impl OnDisk {
    /// Returns whether git takes both for the same: of the bits it keeps only whether the file can be run.
    fn is_same_to_git(&self, other: &Self) -> bool {
        let runs = |file: &Self| file.bits.map(|bits| bits & 0o100 != 0);
        self.holds == other.holds && runs(self) == runs(other)
    }
}

impl State {
    /// Looks at a project now; where there is no repository any more nothing is staged and nothing committed.
    pub(super) fn take(stage: &Stage) -> anyhow::Result<Self> {
        let mut files = BTreeMap::new();
        collect(stage.project(), &mut Vec::new(), &mut files)?;
        if stage.project().join(".git").symlink_metadata().is_err() {
            return Ok(Self { files, index: BTreeMap::new(), head: BTreeMap::new() });
        }
        let index = entries(&stage.bytes(&["git", "ls-files", "-s", "-z"], &[])?);
        let head = entries(&stage.bytes(&["git", "ls-tree", "-r", "-z", "HEAD"], &[])?);
        Ok(Self { files, index, head })
    }

    /// Returns the SHA-256 of a file's bytes, or what else stands there; `None` where nothing does.
    pub(super) fn hash(&self, path: &TreePath) -> Option<&str> {
        self.files.get(path).map(|file| file.holds.as_str())
    }

    /// Returns whether the files of both are the same, whatever is staged or committed.
    pub(super) fn has_files_of(&self, other: &Self) -> bool {
        self.files == other.files
    }

    /// Says what differs in `now`, but for some paths: a sentence for each.
    pub(super) fn differences(&self, now: &Self, but_for: &BTreeSet<TreePath>) -> Vec<String> {
        let mut found = Vec::new();
        let is_tracked = |path: &TreePath| self.index.contains_key(path) || now.index.contains_key(path);
        let is_file_same = |path: &TreePath, one: &OnDisk, other: &OnDisk| {
            one == other || is_tracked(path) && one.is_same_to_git(other)
        };
        compare(("", &self.files, &now.files), but_for, is_file_same, &mut found);
        for (which, before, now) in
            [("the staged ", &self.index, &now.index), ("the committed ", &self.head, &now.head)]
        {
            compare((which, before, now), but_for, |_, one, other| one == other, &mut found);
        }
        found
    }
}

fn compare<T>(
    (which, before, now): (&str, &BTreeMap<TreePath, T>, &BTreeMap<TreePath, T>),
    but_for: &BTreeSet<TreePath>,
    is_same: impl Fn(&TreePath, &T, &T) -> bool,
    found: &mut Vec<String>,
) {
    let paths: BTreeSet<&TreePath> = before.keys().chain(now.keys()).collect();
    for path in paths.into_iter().filter(|path| !but_for.contains(*path)) {
        match (before.get(path), now.get(path)) {
            (Some(one), Some(other)) if is_same(path, one, other) => {}
            (Some(_), Some(_)) => found.push(format!("{which}'{path}' is another")),
            (Some(_), None) => found.push(format!("{which}'{path}' is gone")),
            (None, _) => found.push(format!("{which}'{path}' was not there")),
        }
    }
}

fn collect(folder: &Path, path: &mut Vec<u8>, found: &mut BTreeMap<TreePath, OnDisk>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == OsStr::new(".git") {
            continue;
        }
        let length = path.len();
        path.extend_from_slice(name.as_bytes());
        let metadata = entry.metadata()?;
        if metadata.is_dir() {
            path.push(b'/');
            collect(&entry.path(), path, found)?;
        } else if metadata.is_symlink() {
            let target = std::fs::read_link(entry.path())?.into_os_string().into_vec();
            let holds = format!("link to {}", Raw::from(target));
            found.insert(Raw::from(&path[..]), OnDisk { bits: None, holds });
        } else if metadata.is_file() {
            let bits = Some(metadata.permissions().mode() & 0o777);
            found.insert(Raw::from(&path[..]), OnDisk { bits, holds: hash(&entry.path())? });
        }
        path.truncate(length);
    }
    Ok(())
}

fn hash(file: &Path) -> anyhow::Result<String> {
    let (mut file, mut sum, mut buffer) = (std::fs::File::open(file)?, Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            read => sum.update(&buffer[..read]),
        }
    }
    Ok(sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Reads what `ls-files -s -z` and `ls-tree -r -z` print: for each path mode, object and stage.
fn entries(listed: &[u8]) -> BTreeMap<TreePath, String> {
    let mut found: BTreeMap<TreePath, String> = BTreeMap::new();
    for (entry, path) in listed.split(|byte| *byte == 0).filter_map(|line| line.split_once_str("\t")) {
        found.entry(Raw::from(path)).or_default().push_str(&entry.to_str_lossy());
    }
    found
}
