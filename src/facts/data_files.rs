//! Data files of the working tree, whether git tracks them, ignores them, or does not know them.
//!
//! Found by looking, folder by folder, where a pattern may name something; never in git's own folder, in other repositories,
//! or behind symbolic links.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::git::{GitError, Repo};
use crate::manifest::{DataRule, Manifest};
use crate::model::{TreePath, Unsaved, escape};

/// A data file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFile {
    /// Where.
    pub path: TreePath,
    /// Whether git tracks it.
    pub tracked: bool,
    /// Whether git ignores it.
    pub ignored: bool,
    /// Whether any entry that names it says `secret`.
    pub secret: bool,
}

/// Returns the files and links that an entry with `backup = true` names, by path, and folders in which there may be others, but which
/// this user may not look into: their paths end with a slash. As everywhere the last entry that names a
/// file counts, but for `secret`: what one entry calls so, no other makes public.
pub fn to_back_up(repo: &Repo, manifest: &Manifest) -> Result<(Vec<DataFile>, Vec<Unsaved>), GitError> {
    let top = repo.need_work_tree()?;
    let (mut found, mut closed) = (BTreeSet::new(), Vec::new());
    let rules: Vec<&DataRule> = manifest.data.iter().filter(|rule| rule.backup).collect();
    if !rules.is_empty() {
        let mut each = |path: &TreePath| {
            if manifest.data_rule(path.as_bstr()).is_some_and(|(rule, _)| rule.backup) {
                found.insert(path.clone());
            }
        };
        look(top, b"", &rules, &mut each, &mut closed)?;
    }
    let mut tracked = BTreeSet::new();
    if !found.is_empty() {
        repo.read_index(&repo.index_file(), |path, _| {
            let path = TreePath::from(path);
            if found.contains(&path) {
                tracked.insert(path);
            }
        })?;
    }
    let untracked: Vec<&TreePath> = found.iter().filter(|path| !tracked.contains(*path)).collect();
    let ignored = repo.ignored(&untracked)?;
    let secret = |path: &TreePath| manifest.data.iter().any(|rule| rule.secret && rule.paths.matches(path.as_bstr()));
    let file = |path: TreePath| DataFile {
        tracked: tracked.contains(&path),
        ignored: ignored.contains(&path),
        secret: secret(&path),
        path,
    };
    Ok((found.into_iter().map(file).collect(), closed))
}

fn look(
    top: &Path,
    folder: &[u8],
    rules: &[&DataRule],
    each: &mut impl FnMut(&TreePath),
    closed: &mut Vec<Unsaved>,
) -> Result<(), GitError> {
    let place = top.join(OsStr::from_bytes(folder));
    let failed = |source| GitError::Io { path: escape(place.as_os_str().as_bytes()), source };
    let entries = match fs::read_dir(&place) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            let path = TreePath::from([folder, b"/"].concat());
            closed.push(Unsaved { path, why: format!("not readable: {error}") });
            return Ok(());
        }
        entries => entries.map_err(failed)?,
    };
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        if name.as_bytes() == b".git" {
            continue;
        }
        let path = if folder.is_empty() { name.as_bytes().to_vec() } else { [folder, b"/", name.as_bytes()].concat() };
        let path = TreePath::from(path);
        if !entry.file_type().map_err(failed)?.is_dir() {
            each(&path);
        } else if rules.iter().any(|rule| rule.paths.may_name_beneath(path.as_bstr()))
            && entry.path().join(".git").symlink_metadata().is_err()
        {
            look(top, &path, rules, each, closed)?;
        }
    }
    Ok(())
}
