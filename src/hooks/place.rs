//! Where our scripts go so that git runs them, and whose hooks they have to run.
//!
//! A folder within this repository's own git folder is written to. Every other one belongs to somebody else, or to
//! several repositories: it stays as it is, git is led to a folder of ours (see [`Detour`]), and the scripts there run
//! the hooks of the other one.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::InstallError;
use super::coverage::unfit;
use super::detour::Detour;
use super::shim::Setting;
use crate::git::{ConfigPlace, Repo};
use crate::model::{Raw, escape};

/// The folder of this repository's hooks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// Where it is; it need not be there.
    pub folder: PathBuf,
    /// How git is led there, when it would not look there by itself.
    pub detour: Option<Detour>,
    /// What the scripts there are written for.
    pub setting: Setting,
    /// What the user should know about it, one sentence each.
    pub notes: Vec<String>,
}

impl Place {
    /// Returns a folder to which git goes by itself.
    fn plain(repo: &Repo, folder: PathBuf, notes: Vec<String>) -> Self {
        let setting = Setting { up: up(repo, &folder), theirs: None };
        Self { folder, detour: None, setting, notes }
    }

    /// Returns a folder of ours whose scripts run the hooks of `theirs`.
    fn aside(repo: &Repo, detour: Detour, theirs: &Path, notes: Vec<String>) -> Self {
        let folder = detour.folder.clone();
        let theirs = Some(Raw::from(theirs.as_os_str().as_encoded_bytes()));
        let setting = Setting { up: up(repo, &folder), theirs };
        Self { folder, detour: Some(detour), setting, notes }
    }

    /// Returns where the hooks of `core.hooksPath` stand, when our scripts run them.
    pub fn theirs(&self, repo: &Repo) -> Option<PathBuf> {
        let folder = self.setting.theirs.as_ref()?;
        let folder: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(folder.as_bytes());
        Some(repo.work_tree().unwrap_or(repo.git_dir()).join(folder))
    }
}

/// Finds the place for our scripts: what git would run without us decides, whatever we have done here before.
pub(super) fn place(repo: &Repo) -> Result<Place, InstallError> {
    let git = repo.git_version()?;
    if let Some(why) = unfit(git) {
        return Err(InstallError::Unfit { git, why });
    }
    let ours: Vec<PathBuf> =
        [Detour::local(repo), Detour::worktree(repo)].iter().map(|detour| real(&detour.file())).collect();
    let mut set = repo.config_places("core.hooksPath")?;
    set.retain(|place| place.file.as_ref().is_none_or(|file| !ours.contains(&real(file))));
    let own = repo.common_dir().join("hooks");
    let Some(ConfigPlace { scope, value, file }) = set.pop() else {
        let folder = real(&own);
        if folder.starts_with(repo.common_dir()) {
            return Ok(Place::plain(repo, folder, Vec::new()));
        }
        let note = format!("'{}' leads to '{}': nothing is written there", shown(&own), shown(&folder));
        return Ok(Place::aside(repo, Detour::local(repo), &own, vec![note]));
    };
    if scope == "command" {
        return Err(InstallError::ForThisCommand(value));
    }
    if value.is_empty() || value.as_bstr() == "/dev/null" {
        let usual = [repo.common_dir().join("config"), repo.git_dir().join("config.worktree")].map(|file| real(&file));
        let included = file.filter(|file| !usual.contains(&real(file)));
        return Err(InstallError::SwitchedOff { scope, value, included, own });
    }
    let theirs = repo.config_path(&value)?;
    let folder = real(&repo.work_tree().unwrap_or(repo.git_dir()).join(&theirs));
    if folder.starts_with(repo.common_dir()) {
        let note = format!("core.hooksPath is '{value}', relative to each worktree: linked worktrees run no hooks");
        return Ok(Place::plain(repo, folder, if theirs.is_relative() { vec![note] } else { Vec::new() }));
    }
    let detour = if scope == "worktree" { Detour::worktree(repo) } else { Detour::local(repo) };
    let mut notes = vec![format!("core.hooksPath is '{value}' ({scope} configuration): nothing is written there")];
    if !folder.is_dir() {
        let what = if folder.exists() { "no folder" } else { "not there" };
        notes.push(format!("'{}' is {what} now; its hooks run once it is", shown(&folder)));
    }
    if scope == "worktree" {
        notes.push("this holds in this worktree only: run 'guard install' in the others too".to_owned());
    }
    Ok(Place::aside(repo, detour, &theirs, notes))
}

/// Returns whether git was led to a folder of ours that is elsewhere now: the repository was moved or copied.
pub fn was_moved(repo: &Repo) -> bool {
    Detour::local(repo).is_astray() || Detour::worktree(repo).is_astray()
}

/// Returns whether nobody merges here, and pushes are what is judged: a bare repository without linked worktrees.
pub fn is_server(repo: &Repo) -> Result<bool, InstallError> {
    if repo.work_tree().is_some() || repo.has_linked_worktrees() {
        return Ok(false);
    }
    // Asked without GIT_WORK_TREE: in the folder of git itself there is no working tree, but the repository is not bare.
    Ok(repo.git("rev-parse").arg("--is-bare-repository").run()?.line()? == "true")
}

/// Returns the number of the user to whom the repository belongs, if that is somebody else and it is not shared: hooks run as
/// that user, who could not enter our folder.
pub fn other_owner(repo: &Repo) -> Result<Option<u32>, InstallError> {
    let path = repo.common_dir();
    let owner = path.metadata().map_err(|source| InstallError::Read { path: path.to_owned(), source })?.uid();
    if owner == rustix::process::geteuid().as_raw() {
        return Ok(None);
    }
    let shared = repo.config("core.sharedRepository")?.unwrap_or_default();
    Ok(Some(owner).filter(|_| matches!(&shared[..], b"" | b"umask" | b"false" | b"0")))
}

/// Returns the way from a hooks folder to the folder that all worktrees share: scripts find what is ours by it.
fn up(repo: &Repo, folder: &Path) -> String {
    let depth = folder.strip_prefix(repo.common_dir()).map_or(1, |rest| rest.components().count());
    vec![".."; depth.max(1)].join("/")
}

/// Returns a path with its links resolved as far as it exists.
pub(super) fn real(path: &Path) -> PathBuf {
    match (path.canonicalize(), path.parent(), path.file_name()) {
        (Ok(found), ..) => found,
        (Err(_), Some(parent), Some(name)) => real(parent).join(name),
        (Err(_), ..) => path.to_owned(),
    }
}

/// Says why hooks are not switched on against somebody's will.
pub(super) fn why_off(scope: &str, value: &Raw) -> String {
    format!("core.hooksPath is '{value}' ({scope} configuration): git runs no hooks here at all")
}

/// Returns a path as it is printed.
pub(super) fn shown(path: &Path) -> String {
    escape(path.as_os_str().as_encoded_bytes())
}
