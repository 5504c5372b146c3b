//! Hooks in, hooks out.
//!
//! Order of install, under our lock: folders → for each hook the one that stands there gets a second name (a hard link,
//! so that it never is without a file), then our script takes its place in one rename → `installed.json`. When a step
//! fails, those before it are taken back. A crash in between leaves each hook either as it was or as it should be; the
//! next install or uninstall finds both by looking at the files.
//!
//! # Limitations
//!
//! A hook that was kept runs under another name (`<name>.recoveryguard-original`) in the same folder: relative links
//! and `dirname "$0"` hold, `basename "$0"` does not; the plan says so where it sees it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::place::{shown, why_not};
use super::plan::{Action, HookStep, InstallPlan, Removal, UninstallPlan, plan_install, plan_uninstall};
use super::shim::{self, ORIGINAL};
use super::standing::Standing;
use super::{purge, state};
use crate::disk::{self, DiskError, Durability, Lock};
use crate::git::{GitError, Repo};
use crate::model::{Raw, Timestamp};

/// The lock's name in our folder: one install or uninstall at a time.
pub(crate) const LOCK: &str = "install.lock";

/// How long another install or uninstall is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why hooks can't be installed or removed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// Hooks come from a folder that is not this repository's own.
    #[error("{}", why_not(scope, value, folder))]
    HooksPath {
        /// Where it is set: `local`, `worktree`, `global`, `system`, `command`.
        scope: String,
        /// What it is set to.
        value: Raw,
        /// The folder it leads to.
        folder: PathBuf,
        /// The repository's own hooks folder.
        own: PathBuf,
    },
    /// The hooks folder leads out of the repository.
    #[error("'{}' leads to '{}', outside of this repository's git folder", shown(link), shown(folder))]
    LinkedFolder {
        /// The hooks folder.
        link: PathBuf,
        /// Where it leads.
        folder: PathBuf,
    },
    /// A bare repository has no merges to guard; server hooks are another command.
    #[error("this is a bare repository: nobody merges here, and hooks for pushes are not there yet")]
    Bare,
    /// The hooks have changed since the plan was made.
    #[error("the hooks in '{}' have changed meanwhile", shown(.0))]
    Changed(PathBuf),
    /// The description of the installation can't be read.
    #[error("'{}' can't be read: {why}", shown(path))]
    State {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A file can't be looked at.
    #[error("cannot read '{}'", shown(path))]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// git failed.
    #[error(transparent)]
    Git(#[from] GitError),
    /// A file could not be written.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl InstallError {
    /// Returns a command that removes the cause.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::HooksPath { scope, .. } if matches!(scope.as_str(), "local" | "worktree") => {
                Some(format!("git config --{scope} --unset core.hooksPath"))
            }
            Self::HooksPath { scope, own, .. } if scope != "command" => {
                use std::os::unix::ffi::OsStrExt;
                let own = shim::quote(own.as_os_str().as_bytes());
                Some(format!("git config --local core.hooksPath {}", String::from_utf8_lossy(&own)))
            }
            Self::Changed(_) => Some("guard install".to_owned()),
            _ => None,
        }
    }

    /// Returns whether nothing was tried because it is not possible or not safe here.
    pub const fn is_refusal(&self) -> bool {
        matches!(self, Self::HooksPath { .. } | Self::LinkedFolder { .. } | Self::Bare | Self::Changed(_))
    }

    /// Returns whether another install or uninstall is running.
    pub const fn is_locked(&self) -> bool {
        matches!(self, Self::Disk(error) if error.is_locked())
    }
}

/// Does what the plan says, if the world is still as it was when the plan was made; all of it or nothing.
pub fn apply_install(repo: &Repo, plan: &InstallPlan, now: Timestamp) -> Result<(), InstallError> {
    let lock = lock(&plan.guard_dir, now)?;
    let again = plan_install(repo, &plan.binary)?;
    if !again.changes() {
        // Nothing to do, perhaps because another install has just done it.
        return Ok(());
    }
    if again != *plan {
        return Err(InstallError::Changed(plan.folder.clone()));
    }
    let mut done = Done::default();
    let result = put_in(plan, &mut done);
    if result.is_err() {
        done.take_back();
    }
    drop(lock);
    result
}

fn lock(guard_dir: &Path, now: Timestamp) -> Result<Lock, InstallError> {
    disk::ensure_folder(guard_dir, 0o700)?;
    Ok(disk::lock_within(&guard_dir.join(LOCK), now, PATIENCE)?)
}

fn put_in(plan: &InstallPlan, done: &mut Done) -> Result<(), InstallError> {
    if plan.make_folder {
        disk::ensure_folder(&plan.folder, 0o755)?;
        done.0.push(Undo::RemoveFolder(plan.folder.clone()));
    }
    for step in &plan.steps {
        put_in_one(plan, step, done)?;
    }
    plan.state.write(&plan.guard_dir)
}

fn put_in_one(plan: &InstallPlan, step: &HookStep, done: &mut Done) -> Result<(), InstallError> {
    let place = plan.folder.join(&step.file);
    let script = shim::render(step.hook, &plan.binary);
    match &step.action {
        Action::Keep | Action::Leave { .. } => return Ok(()),
        Action::Add => {
            // Fails, rather than replaces, when somebody puts a hook there at this moment.
            disk::create_new(&place, &script, Durability::Fsync, 0o755)?;
            done.0.push(Undo::Remove(place));
            return Ok(());
        }
        Action::Replace => {
            if let Standing::Ours { bytes, mode } = Standing::at(&place)? {
                done.0.push(Undo::Write(place.clone(), bytes, mode));
            }
        }
        Action::Chain { aside, .. } => {
            let kept = plan.folder.join(format!("{}{ORIGINAL}", step.file));
            if let Some(aside) = aside {
                let aside = plan.folder.join(aside);
                disk::rename(&kept, &aside)?;
                done.0.push(Undo::Rename(aside, kept.clone()));
            }
            disk::keep_as(&place, &kept)?;
            done.0.push(Undo::Rename(kept, place.clone()));
        }
    }
    Ok(disk::write_atomic(&place, &script, Durability::Fsync, 0o755)?)
}

/// What was done so far, in order.
#[derive(Default)]
struct Done(Vec<Undo>);

enum Undo {
    Remove(PathBuf),
    RemoveFolder(PathBuf),
    Rename(PathBuf, PathBuf),
    Write(PathBuf, Vec<u8>, u32),
}

impl Done {
    /// Takes everything back, newest first. What fails here is left for the next install or uninstall, which find out
    /// by looking; the error that brought us here is the one to be told.
    fn take_back(self) {
        for undo in self.0.into_iter().rev() {
            let _ = match undo {
                Undo::Remove(path) => disk::remove_file(&path).map(drop),
                Undo::RemoveFolder(path) => disk::remove_empty_folder(&path).map(drop),
                Undo::Rename(from, to) => disk::rename(&from, &to),
                Undo::Write(path, bytes, mode) => disk::write_atomic(&path, &bytes, Durability::Fsync, mode),
            };
        }
    }
}

/// Does what the plan says, if the world is still as it was when the plan was made. Each hook is taken out in one
/// step; when one fails, those before it stay out and the next uninstall does the rest.
pub fn apply_uninstall(repo: &Repo, plan: &UninstallPlan, now: Timestamp) -> Result<(), InstallError> {
    let lock = lock(&plan.guard_dir, now)?;
    let purges = !plan.purge.is_empty();
    let again = plan_uninstall(repo, purges)?;
    if again.steps != plan.steps || again.purge.refs != plan.purge.refs {
        return Err(InstallError::Changed(plan.folder.clone()));
    }
    for step in &plan.steps {
        let (place, kept) = (plan.folder.join(&step.file), plan.folder.join(&step.kept));
        match step.removal {
            Removal::Restore => disk::rename(&kept, &place)?,
            Removal::Remove => drop(disk::remove_file(&place)?),
            Removal::Forget => drop(disk::remove_file(&kept)?),
        }
    }
    if plan.remove_folder {
        disk::remove_empty_folder(&plan.folder)?;
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

/// Removes our folder when nothing but locks and the values of branches are left in it. A process that waits for the lock at this very moment
/// would hold one that has no name any more: it then finds nothing to do, or installs into a folder of its own making.
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
