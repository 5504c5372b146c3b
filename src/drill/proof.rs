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
    files: BTreeMap<TreePath, String>,
    index: BTreeMap<TreePath, String>,
    head: BTreeMap<TreePath, String>,
}

impl State {
    /// Looks at a project now.
    pub(super) fn take(stage: &Stage) -> anyhow::Result<Self> {
        let mut files = BTreeMap::new();
        collect(stage.project(), &mut Vec::new(), &mut files)?;
        let index = entries(&stage.bytes(&["git", "ls-files", "-s", "-z"], &[])?);
        let head = entries(&stage.bytes(&["git", "ls-tree", "-r", "-z", "HEAD"], &[])?);
        Ok(Self { files, index, head })
    }

    /// Returns the SHA-256 of a file's bytes, or what else stands there; `None` where nothing does.
    pub(super) fn hash(&self, path: &TreePath) -> Option<&str> {
        self.files.get(path).map(|file| file.rsplit(' ').next().unwrap_or(file))
    }

    /// Returns whether the files of both are the same, whatever is staged or committed.
    pub(super) fn has_files_of(&self, other: &Self) -> bool {
        self.files == other.files
    }

    /// Says what differs in `now`, but for some paths: a sentence for each.
    pub(super) fn differences(&self, now: &Self, but_for: &BTreeSet<TreePath>) -> Vec<String> {
        let parts = [
            ("", &self.files, &now.files),
            ("the staged ", &self.index, &now.index),
            ("the committed ", &self.head, &now.head),
        ];
        let mut found = Vec::new();
        for (which, before, now) in parts {
            let paths: BTreeSet<&TreePath> = before.keys().chain(now.keys()).collect();
            for path in paths.into_iter().filter(|path| !but_for.contains(*path)) {
                match (before.get(path), now.get(path)) {
                    (Some(one), Some(other)) if one == other => {}
                    (Some(_), Some(_)) => found.push(format!("{which}'{path}' is another")),
                    (Some(_), None) => found.push(format!("{which}'{path}' is gone")),
                    (None, _) => found.push(format!("{which}'{path}' was not there")),
                }
            }
        }
        found
    }
}

fn collect(folder: &Path, path: &mut Vec<u8>, found: &mut BTreeMap<TreePath, String>) -> anyhow::Result<()> {
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
            found.insert(Raw::from(&path[..]), format!("link {}", Raw::from(target)));
        } else if metadata.is_file() {
            let mode = metadata.permissions().mode() & 0o777;
            found.insert(Raw::from(&path[..]), format!("{mode:o} {}", hash(&entry.path())?));
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
