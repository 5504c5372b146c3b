//! Hooks in.
//!
//! Order of install, under our lock: folders → for each hook the one that stands there gets a second name (a hard link,
//! so that it never is without a file), then our script takes its place in one rename → where git has to be led to the
//! folder, that → on a server, push options → `installed.json` → scripts of ours where git does not look any more go. When a step before the last
//! fails, those before it are taken back. A crash in between leaves each hook either as it was or as it should be; the
//! next install or uninstall finds both by looking at the files.
//!
//! # Limitations
//!
//! A hook that was kept runs under another name (`<name>.recoveryguard-original`) in the same folder: relative links
//! and `dirname "$0"` hold, `basename "$0"` does not; the plan says so where it sees it.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::detour::Detour;
use super::place::{real, shown, why_off};
use super::plan::{Action, Earlier, HookStep, InstallPlan, plan_install};
use super::push_options;
use super::shim::{self, ORIGINAL};
use super::standing::{LEGACY, Standing};
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
    /// Hooks are switched off.
    #[error("{}", why_off(scope, value))]
    SwitchedOff {
        /// Where: `local`, `worktree`, `global`, `system`.
        scope: String,
        /// What `core.hooksPath` is set to.
        value: Raw,
        /// The file that says so, when it is not the one of that scope but one that is included there.
        included: Option<PathBuf>,
        /// The repository's own hooks folder.
        own: PathBuf,
    },
    /// The hooks folder is named for this one command.
    #[error(
        "core.hooksPath is '{0}' for this command only (-c, or the environment): say where other commands find hooks"
    )]
    ForThisCommand(Raw),
    /// This git can't have our hooks.
    #[error("git {}.{}.{} can't have guard's hooks: {why}", git.0, git.1, git.2)]
    Unfit {
        /// Its version.
        git: (u32, u32, u32),
        /// Why not.
        why: &'static str,
    },
    /// git looks elsewhere for hooks, whatever we write.
    #[error(
        "git runs hooks from '{}', not from '{}': core.hooksPath is set later in the configuration",
        shown(found),
        shown(wanted)
    )]
    Overruled {
        /// Where git looks.
        found: PathBuf,
        /// Where it should.
        wanted: PathBuf,
    },
    /// git does not see what was added to its configuration.
    #[error("git does not read what is added at the end of '{}': look at its last line", shown(.0))]
    Unread(PathBuf),
    /// The hook that is there runs a folder of hooks, which it finds by its own name (Gitea, Forgejo).
    #[error(
        "'{}' runs the hooks of '{}', which it would not find under another name: guard belongs there",
        shown(hook),
        shown(folder)
    )]
    RunsFolder {
        /// The hook.
        hook: PathBuf,
        /// The folder.
        folder: PathBuf,
        /// The program that is to run there.
        guard: PathBuf,
    },
    /// gitolite has put a link there, and does so again with each `gitolite setup`.
    #[error(
        "'{}' is gitolite's link to '{}', which it sets again: guard belongs among gitolite's hooks (docs/server.md says how)",
        shown(hook),
        shown(target)
    )]
    OfGitolite {
        /// The link.
        hook: PathBuf,
        /// Where it leads.
        target: PathBuf,
    },
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
            Self::SwitchedOff { scope, value, included, .. } if matches!(scope.as_str(), "local" | "worktree") => {
                let place = included.as_deref().map_or(format!("--{scope}"), |file| format!("--file {}", typed(file)));
                // By its value: another line may name the folder that counted before.
                Some(format!("git config {place} --unset-all core.hooksPath '^{value}$'"))
            }
            Self::SwitchedOff { own, .. } => Some(format!("git config --local core.hooksPath {}", typed(own))),
            Self::RunsFolder { hook, folder, guard } => {
                let [file, guard] = [&folder.join("recoveryguard"), guard].map(|path| typed(path));
                let name = hook.file_name().unwrap_or_default().to_string_lossy();
                let line = format!("exec {guard} hook {name} \"$@\"").replace('\'', r"'\''");
                Some(format!("printf '%s\\n' '#!/bin/sh' '{line}' > {file} && chmod 755 {file}"))
            }
            Self::Changed(_) => Some("guard install".to_owned()),
            Self::ForThisCommand(_) => Some("run it again without that setting".to_owned()),
            Self::Overruled { .. } => Some("git config --show-scope --show-origin --get-all core.hooksPath".to_owned()),
            _ => None,
        }
    }

    /// Returns whether nothing was tried because it is not possible or not safe here.
    pub const fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::SwitchedOff { .. }
                | Self::ForThisCommand(_)
                | Self::Unfit { .. }
                | Self::Overruled { .. }
                | Self::RunsFolder { .. }
                | Self::OfGitolite { .. }
                | Self::Changed(_)
        )
    }

    /// Returns whether another install or uninstall is running.
    pub const fn is_locked(&self) -> bool {
        matches!(self, Self::Disk(error) if error.is_locked())
    }
}

/// Returns a path as a word of a shell's line.
fn typed(path: &Path) -> String {
    String::from_utf8_lossy(&shim::quote(path.as_os_str().as_encoded_bytes())).into_owned()
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
    let result = put_in(repo, plan, &mut done);
    if result.is_err() {
        done.take_back(repo);
    }
    let result = result.and_then(|()| plan.leaving.carry_out(repo));
    drop(lock);
    result
}

pub(super) fn lock(guard_dir: &Path, now: Timestamp) -> Result<Lock, InstallError> {
    disk::ensure_folder(guard_dir, 0o700)?;
    Ok(disk::lock_within(&guard_dir.join(LOCK), now, PATIENCE)?)
}

fn put_in(repo: &Repo, plan: &InstallPlan, done: &mut Done) -> Result<(), InstallError> {
    if plan.make_folder {
        disk::ensure_folder(&plan.folder, 0o755)?;
        done.0.push(Undo::RemoveFolder(plan.folder.clone()));
    }
    for step in &plan.steps {
        put_in_one(plan, step, done)?;
    }
    if let Some(detour) = &plan.open {
        done.0.push(Undo::Close(detour.clone()));
        detour.open(repo)?;
        let found = real(&repo.hooks_folder()?);
        if found != plan.folder {
            return Err(InstallError::Overruled { found, wanted: plan.folder.clone() });
        }
    }
    if plan.switch_on_options {
        done.0.push(Undo::SwitchOff);
        push_options::switch_on(repo)?;
    }
    plan.state.write(&plan.guard_dir)
}

fn put_in_one(plan: &InstallPlan, step: &HookStep, done: &mut Done) -> Result<(), InstallError> {
    let place = plan.folder.join(&step.file);
    let script = shim::render(step.script, &plan.binary, &plan.setting);
    let name = step.file.strip_suffix(LEGACY).unwrap_or(&step.file);
    let kept = plan.folder.join(format!("{name}{ORIGINAL}"));
    for stale in &step.stale {
        done.remove(plan.folder.join(stale))?;
    }
    match &step.earlier {
        Earlier::None => {}
        Earlier::Aside(aside) => {
            let aside = plan.folder.join(aside);
            disk::rename(&kept, &aside)?;
            done.0.push(Undo::Rename(aside, kept.clone()));
        }
        Earlier::Drop => done.remove(kept.clone())?,
    }
    match &step.action {
        Action::Keep | Action::Called { .. } | Action::Leave { .. } => return Ok(()),
        Action::Add => {
            // Fails, rather than replaces, when somebody puts a hook there at this moment.
            disk::create_new(&place, &script, Durability::Fsync, 0o755)?;
            done.0.push(Undo::Remove(place.clone()));
            return Ok(disk::set_mode(&place, 0o755)?);
        }
        Action::Replace => {
            if let Standing::Ours { bytes, mode } = Standing::at(&place)? {
                done.0.push(Undo::Write(place.clone(), bytes, mode));
            }
        }
        Action::Chain { .. } => {
            disk::keep_as(&place, &kept)?;
            done.0.push(Undo::Rename(kept, place.clone()));
        }
    }
    disk::write_atomic(&place, &script, Durability::Fsync, 0o755)?;
    // Other users of a shared repository run it, too.
    Ok(disk::set_mode(&place, 0o755)?)
}

/// What was done so far, in order.
#[derive(Default)]
struct Done(Vec<Undo>);

enum Undo {
    Remove(PathBuf),
    RemoveFolder(PathBuf),
    Rename(PathBuf, PathBuf),
    Write(PathBuf, Vec<u8>, u32),
    Close(Detour),
    SwitchOff,
}

impl Done {
    /// Removes a file that can be written again: a script of ours, or one that its manager has written anew.
    fn remove(&mut self, path: PathBuf) -> Result<(), InstallError> {
        let failed = |source| InstallError::Read { path: path.clone(), source };
        let mode = path.metadata().map_err(failed)?.permissions().mode() & 0o7777;
        let bytes = std::fs::read(&path).map_err(failed)?;
        disk::remove_file(&path)?;
        self.0.push(Undo::Write(path, bytes, mode));
        Ok(())
    }

    /// Takes everything back, newest first. What fails here is left for the next install or uninstall, which find out
    /// by looking; the error that brought us here is the one to be told.
    fn take_back(self, repo: &Repo) {
        for undo in self.0.into_iter().rev() {
            let _ = match undo {
                Undo::Remove(path) => disk::remove_file(&path).map(drop).map_err(InstallError::from),
                Undo::RemoveFolder(path) => disk::remove_empty_folder(&path).map(drop).map_err(InstallError::from),
                Undo::Rename(from, to) => disk::rename(&from, &to).map_err(InstallError::from),
                Undo::Write(path, bytes, mode) => {
                    disk::write_atomic(&path, &bytes, Durability::Fsync, mode).map_err(InstallError::from)
                }
                Undo::Close(detour) => detour.close(repo),
                Undo::SwitchOff => push_options::put_back(repo),
            };
        }
    }
}
