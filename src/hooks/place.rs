//! Where git runs hooks from, and whether we may write there.

use std::path::{Path, PathBuf};

use super::InstallError;
use crate::git::Repo;
use crate::model::{Raw, escape};

/// The folder of this repository's hooks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// Where it is; it need not be there.
    pub folder: PathBuf,
    /// What the user should know about it, one sentence each.
    pub notes: Vec<String>,
}

/// Finds the folder that git runs hooks from, as git does, and refuses any that is not this repository's own.
pub(super) fn place(repo: &Repo) -> Result<Place, InstallError> {
    if is_bare(repo)? {
        return Err(InstallError::Bare);
    }
    let folder = real(&repo.hooks_folder()?);
    let own = folder.starts_with(repo.common_dir());
    let Some((scope, value)) = repo.config_scope("core.hooksPath")? else {
        if own {
            return Ok(Place { folder, notes: Vec::new() });
        }
        return Err(InstallError::LinkedFolder { link: repo.common_dir().join("hooks"), folder });
    };
    if value.is_empty() || !own {
        return Err(InstallError::HooksPath { scope, value, folder, own: repo.common_dir().join("hooks") });
    }
    let relative = !value.starts_with(b"/") && !value.starts_with(b"~");
    let note = format!("core.hooksPath is '{value}', relative to each worktree: linked worktrees run no hooks");
    Ok(Place { folder, notes: if relative { vec![note] } else { Vec::new() } })
}

fn is_bare(repo: &Repo) -> Result<bool, InstallError> {
    // Asked without GIT_WORK_TREE: in the folder of git itself there is no working tree, but the repository is not bare.
    Ok(repo.work_tree().is_none() && repo.git("rev-parse").arg("--is-bare-repository").run()?.line()? == "true")
}

/// Returns a path with its links resolved as far as it exists.
fn real(path: &Path) -> PathBuf {
    match (path.canonicalize(), path.parent(), path.file_name()) {
        (Ok(found), ..) => found,
        (Err(_), Some(parent), Some(name)) => real(parent).join(name),
        (Err(_), ..) => path.to_owned(),
    }
}

/// Says why the place that `core.hooksPath` names is not used.
pub(super) fn why_not(scope: &str, value: &Raw, folder: &Path) -> String {
    if value.is_empty() {
        return format!("core.hooksPath is empty ({scope} configuration): git runs no hooks here at all");
    }
    let folder = shown(folder);
    format!(
        "core.hooksPath is '{value}' ({scope} configuration): git runs hooks from '{folder}', which is not this \
         repository's own folder and may serve others too"
    )
}

/// Returns a path as it is printed.
pub(super) fn shown(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt;
    escape(path.as_os_str().as_bytes())
}
