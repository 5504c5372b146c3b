//! What uninstall will do, and doing it: hooks out, and with `--purge` everything that was recorded.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::InstallError;
use super::detour::Detour;
use super::install::{LOCK, lock};
use super::place::real;
use super::purge;
use super::push_options::{self, Ours};
use super::removal::Leaving;
use super::state::{self, Installed};
use crate::disk;
use crate::git::Repo;
use crate::model::Timestamp;

/// Where scripts note that they could not run guard.
pub const MISSED: &str = "missed";

/// What `guard uninstall` will do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UninstallPlan {
    /// The hooks folder to which git goes by itself.
    pub folder: PathBuf,
    /// The scripts that go, and the ways to them.
    pub leaving: Leaving,
    /// Files in our folder that describe the installation.
    pub files: Vec<PathBuf>,
    /// What `--purge` deletes; empty without it.
    pub purge: Purge,
    /// What the user should know, one sentence each.
    pub notes: Vec<String>,
    /// Whether push options are not taken any more.
    pub switch_off_options: bool,
    /// Whether what switched them on goes.
    pub(super) options_go: bool,
    pub(super) guard_dir: PathBuf,
}

impl UninstallPlan {
    /// Returns whether anything has to be changed.
    pub fn changes(&self) -> bool {
        !self.leaving.is_empty() || !self.files.is_empty() || self.options_go || !self.purge.is_empty()
    }
}

/// What `--purge` deletes for good.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Purge {
    /// Files and folders in our folder.
    pub paths: Vec<PathBuf>,
    /// Refs of ours in this repository.
    pub refs: Vec<(crate::model::RefName, crate::model::Oid)>,
}

impl Purge {
    /// Returns whether there is nothing to delete.
    pub const fn is_empty(&self) -> bool {
        self.paths.is_empty() && self.refs.is_empty()
    }
}

/// Works out what `guard uninstall` has to do. Needs neither manifest nor `installed.json`. Changes nothing.
pub fn plan_uninstall(repo: &Repo, purge: bool) -> Result<UninstallPlan, InstallError> {
    let guard_dir = repo.guard_dir();
    // An unreadable description is as good as none here: what is ours is read from the files themselves.
    let state = Installed::read(&guard_dir).ok().flatten();
    let mut notes = Vec::new();
    let detours = Detour::all(repo)?;
    let leaving = leaving(repo, state.as_ref(), detours, None, &mut notes)?;
    let mut files = Vec::new();
    for name in [state::FILE, MISSED] {
        let path = guard_dir.join(name);
        if path.symlink_metadata().is_ok() {
            files.push(path);
        }
    }
    let purge = if purge { purge::list(repo, &guard_dir, &files, &mut notes)? } else { Purge::default() };
    let options = push_options::of_ours(repo)?;
    if options == Ours::Overruled {
        notes.push("receive.advertisePushOptions was set since guard switched push options on: that stays".to_owned());
    }
    let folder = state.map_or_else(|| own(repo), |state| folder_of(repo, &state));
    let (options_go, switch_off_options) = (options != Ours::Gone, options == Ours::Holds);
    Ok(UninstallPlan { folder, leaving, files, purge, notes, switch_off_options, options_go, guard_dir })
}

/// Works out what goes from the hooks folders to which git goes by itself and from `detours`; not from `stays`.
pub(super) fn leaving(
    repo: &Repo,
    state: Option<&Installed>,
    detours: Vec<Detour>,
    stays: Option<&Path>,
    notes: &mut Vec<String>,
) -> Result<Leaving, InstallError> {
    let mut leaving = Leaving::default();
    let described = state.map(|state| (folder_of(repo, state), state.made_folder));
    let mut plain = vec![(real(&own(repo)), false)];
    plain.extend(described);
    plain.reverse();
    // A folder that a link leads to is not ours to write to.
    plain.retain(|(folder, _)| {
        folder.starts_with(repo.common_dir()) && Some(folder.as_path()) != stays && !Detour::is_folder(folder)
    });
    plain.dedup_by(|second, first| second.0 == first.0);
    for (folder, made) in plain {
        leaving.plain(&folder, made, notes)?;
    }
    for detour in detours {
        leaving.detour(detour, notes)?;
    }
    Ok(leaving)
}

fn own(repo: &Repo) -> PathBuf {
    repo.common_dir().join("hooks")
}

fn folder_of(repo: &Repo, state: &Installed) -> PathBuf {
    repo.common_dir().join(OsStr::from_bytes(&state.folder))
}

/// Does what the plan says, if the world is still as it was when the plan was made. Each hook is taken out in one
/// step; when one fails, those before it stay out and the next uninstall does the rest.
pub fn apply_uninstall(repo: &Repo, plan: &UninstallPlan, now: Timestamp) -> Result<(), InstallError> {
    let lock = lock(&plan.guard_dir, now)?;
    let purges = !plan.purge.is_empty();
    let again = plan_uninstall(repo, purges)?;
    if again.leaving != plan.leaving || again.purge.refs != plan.purge.refs {
        return Err(InstallError::Changed(plan.folder.clone()));
    }
    plan.leaving.carry_out(repo)?;
    if plan.options_go {
        push_options::put_back(repo)?;
    }
    for file in &plan.files {
        disk::remove_file(file)?;
    }
    purge::delete(repo, &plan.guard_dir, &plan.purge)?;
    forget(&plan.guard_dir)?;
    drop(lock);
    Ok(())
}

/// What may be left when nothing was ever recorded.
const TRACES: [&str; 3] = ["seen", "lock", LOCK];

/// Removes our folder when nothing but locks and the values of branches are left in it. A process that waits for the
/// lock at this very moment would hold one that has no name any more: it then finds nothing to do, or installs into a
/// folder of its own making.
fn forget(guard_dir: &Path) -> Result<(), InstallError> {
    let failed = |source| InstallError::Read { path: guard_dir.to_owned(), source };
    let mut rest = std::fs::read_dir(guard_dir).map_err(failed)?;
    let is_trace = |name: std::ffi::OsString| name.to_str().is_some_and(|name| TRACES.contains(&name));
    if rest.all(|entry| entry.is_ok_and(|entry| is_trace(entry.file_name()))) {
        for name in TRACES {
            disk::remove_file(&guard_dir.join(name))?;
        }
        disk::remove_empty_folder(guard_dir)?;
    }
    debug_assert!(state::file(guard_dir).symlink_metadata().is_err(), "the description goes with the hooks");
    Ok(())
}
