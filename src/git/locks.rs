//! The locks that git holds while it changes something: files that a git which was killed leaves behind.

use std::path::{Path, PathBuf};

use super::repository::Repo;

impl Repo {
    /// Returns the lock files of index, HEAD, refs and configuration that are there now. Each belongs to a git command that
    /// runs, or is all that is left of one that was killed: nothing in it tells.
    pub fn lock_files(&self) -> Vec<PathBuf> {
        let common = self.common_dir();
        let mut found = Vec::new();
        for folder in [self.git_dir(), common, &common.join("reftable")] {
            found.extend(listed(folder).into_iter().filter(|path| is_lock(path)));
        }
        let mut open = vec![common.join("refs")];
        while let Some(folder) = open.pop() {
            for path in listed(&folder) {
                if is_lock(&path) {
                    found.push(path);
                } else if path.is_dir() && !path.is_symlink() {
                    open.push(path);
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

fn listed(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

/// No ref's name may end like that.
fn is_lock(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "lock")
}
