//! What install and uninstall will do, worked out beforehand and printable.

use std::path::{Path, PathBuf};

use super::place::{Place, place, shown};
use super::shim::{self, ORIGINAL};
use super::standing::Standing;
use super::state::Installed;
use super::{Coverage, InstallError};
use crate::disk::is_same_file;
use crate::git::Repo;
use crate::model::{Hook, Raw};

/// How `pre-commit` and `prek` call the hook that they replaced.
pub(super) const LEGACY: &str = ".legacy";

/// What install does at one hook's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Nothing stood there.
    Add,
    /// A script of ours that is another version, or runs another program, or lost its run bit.
    Replace,
    /// A hook of somebody else is kept and run first.
    Chain {
        /// Whether git ran it: one that is not executable stays not run.
        runs: bool,
        /// The new name of an older hook that was kept and has been replaced since.
        aside: Option<String>,
    },
    /// It is there already.
    Keep,
    /// Something that is no hook stands there and stays.
    Leave {
        /// What it is.
        what: &'static str,
    },
}

/// One hook of an install plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookStep {
    /// Which hook.
    pub hook: Hook,
    /// The file's name in the hooks folder: the hook's name, or `<name>.legacy` when another manager calls ours.
    pub file: String,
    /// What is done.
    pub action: Action,
}

/// What `guard install` will do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstallPlan {
    /// The hooks folder.
    pub folder: PathBuf,
    /// Whether the hooks folder has to be made.
    pub make_folder: bool,
    /// The program that the hooks run.
    pub binary: PathBuf,
    /// One step a hook, in the order in which they are installed.
    pub steps: Vec<HookStep>,
    /// What the user should know, one sentence each.
    pub notes: Vec<String>,
    /// The routes that are guarded afterwards.
    pub coverage: Coverage,
    pub(super) guard_dir: PathBuf,
    pub(super) state: Installed,
    pub(super) old_state: Option<Installed>,
}

impl InstallPlan {
    /// Returns whether anything has to be changed.
    pub fn changes(&self) -> bool {
        let idle = |step: &HookStep| matches!(step.action, Action::Keep | Action::Leave { .. });
        self.make_folder || !self.steps.iter().all(idle) || self.old_state.as_ref() != Some(&self.state)
    }
}

/// Works out what `guard install` has to do so that git runs `binary`, an absolute path. Changes nothing.
pub fn plan_install(repo: &Repo, binary: &Path) -> Result<InstallPlan, InstallError> {
    let Place { folder, mut notes } = place(repo)?;
    let guard_dir = repo.guard_dir();
    let old_state = Installed::read(&guard_dir)?;
    let folder_is_missing = !folder.is_dir();
    let mut steps = Vec::new();
    for hook in Hook::ALL {
        steps.push(step(hook, &folder, binary, &mut notes)?);
    }
    if repo.work_tree().is_some_and(|top| binary.starts_with(top)) {
        notes.push(format!("'{}' stands in the working tree and may go away: install guard elsewhere", shown(binary)));
    }
    let relative = folder.strip_prefix(repo.common_dir()).unwrap_or(&folder);
    let relative = Raw::from(std::os::unix::ffi::OsStrExt::as_bytes(relative.as_os_str()));
    let made_folder = folder_is_missing || old_state.as_ref().is_some_and(|state| state.made_folder);
    let state = Installed::new(binary, relative, made_folder);
    let left = |step: &HookStep| matches!(step.action, Action::Leave { .. });
    let missing = steps.iter().filter(|step| left(step)).map(|step| step.hook).collect::<Vec<_>>();
    let coverage = Coverage::new(repo.git_version()?, |hook| !missing.contains(&hook));
    Ok(InstallPlan {
        folder,
        make_folder: folder_is_missing,
        binary: binary.to_owned(),
        steps,
        notes,
        coverage,
        guard_dir,
        state,
        old_state,
    })
}

fn step(hook: Hook, folder: &Path, binary: &Path, notes: &mut Vec<String>) -> Result<HookStep, InstallError> {
    let name = hook.name();
    let make = |file: String, action| HookStep { hook, file, action };
    let wanted = shim::render(hook, binary);
    let ours = |bytes: &[u8], mode: u32| {
        if bytes == wanted && mode & 0o111 == 0o111 { Action::Keep } else { Action::Replace }
    };
    let (runs, asks_name) = match Standing::at(&folder.join(name))? {
        Standing::Nothing => return Ok(make(name.to_owned(), Action::Add)),
        Standing::Ours { bytes, mode } => return Ok(make(name.to_owned(), ours(&bytes, mode))),
        Standing::Odd(what) => {
            notes.push(format!("{what} stands where the hook '{name}' would be: that hook is not guarded"));
            return Ok(make(name.to_owned(), Action::Leave { what }));
        }
        Standing::Theirs { runs, asks_name } => (runs, asks_name),
    };
    let legacy = format!("{name}{LEGACY}");
    if let Standing::Ours { bytes, mode } = Standing::at(&folder.join(&legacy))? {
        notes.push(format!("'{name}' belongs to another hook manager, which calls ours as '{legacy}'"));
        return Ok(make(legacy, ours(&bytes, mode)));
    }
    if asks_name {
        notes.push(format!("'{name}' seems to ask for its own name, which becomes '{name}{ORIGINAL}': try it once"));
    }
    let aside = aside(folder, name)?;
    if let Some(aside) = &aside {
        notes.push(format!(
            "a new '{name}' has replaced ours; the one that was kept before stays as '{aside}', not run"
        ));
    }
    Ok(make(name.to_owned(), Action::Chain { runs, aside }))
}

/// Returns a free name for a hook that was kept before, when another one is to be kept now.
fn aside(folder: &Path, name: &str) -> Result<Option<String>, InstallError> {
    let kept = folder.join(format!("{name}{ORIGINAL}"));
    if Standing::at(&kept)? == Standing::Nothing || is_same_file(&kept, &folder.join(name)) {
        return Ok(None);
    }
    let mut number = 1;
    loop {
        let free = format!("{name}.recoveryguard-replaced-{number}");
        if Standing::at(&folder.join(&free))? == Standing::Nothing {
            return Ok(Some(free));
        }
        number += 1;
    }
}

/// What uninstall does at one hook's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// Our script goes, nothing stood there before.
    Remove,
    /// The hook that was there before comes back.
    Restore,
    /// Our second name for a hook that never left its place goes.
    Forget,
}

/// One hook of an uninstall plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemovalStep {
    /// The file's name in the hooks folder.
    pub file: String,
    /// What is done.
    pub removal: Removal,
    /// Where the hook that was there before is kept.
    pub kept: String,
}

/// What `guard uninstall` will do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UninstallPlan {
    /// The hooks folder.
    pub folder: PathBuf,
    /// One step for each of our scripts.
    pub steps: Vec<RemovalStep>,
    /// Whether the hooks folder goes when it is empty afterwards, because install made it.
    pub remove_folder: bool,
    /// Files in our folder that describe the installation.
    pub files: Vec<PathBuf>,
    /// What `--purge` deletes; empty without it.
    pub purge: Purge,
    /// What the user should know, one sentence each.
    pub notes: Vec<String>,
    pub(super) guard_dir: PathBuf,
}

impl UninstallPlan {
    /// Returns whether anything has to be changed.
    pub fn changes(&self) -> bool {
        !self.steps.is_empty() || !self.files.is_empty() || !self.purge.is_empty()
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
    let folder = match &state {
        Some(state) => {
            repo.common_dir().join(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(&state.folder))
        }
        None => repo.common_dir().join("hooks"),
    };
    let (mut steps, mut notes) = (Vec::new(), Vec::new());
    for hook in Hook::ALL {
        for file in [hook.name().to_owned(), format!("{}{LEGACY}", hook.name())] {
            removal(&folder, file, &mut steps, &mut notes)?;
        }
    }
    let mut files = Vec::new();
    for name in [super::state::FILE, MISSED] {
        let path = guard_dir.join(name);
        if path.symlink_metadata().is_ok() {
            files.push(path);
        }
    }
    let purge = if purge { super::purge::list(repo, &guard_dir, &files, &mut notes)? } else { Purge::default() };
    let remove_folder = state.is_some_and(|state| state.made_folder);
    Ok(UninstallPlan { folder, steps, remove_folder, files, purge, notes, guard_dir })
}

/// Where scripts note that they could not run guard.
pub const MISSED: &str = "missed";

fn removal(
    folder: &Path,
    file: String,
    steps: &mut Vec<RemovalStep>,
    notes: &mut Vec<String>,
) -> Result<(), InstallError> {
    let kept = format!("{}{ORIGINAL}", file.strip_suffix(LEGACY).unwrap_or(&file));
    let is_kept = Standing::at(&folder.join(&kept))? != Standing::Nothing;
    let removal = match Standing::at(&folder.join(&file))? {
        Standing::Ours { .. } if is_kept => Removal::Restore,
        Standing::Ours { .. } => Removal::Remove,
        _ if !is_kept || file.ends_with(LEGACY) => return Ok(()),
        Standing::Nothing => Removal::Restore,
        _ if is_same_file(&folder.join(&file), &folder.join(&kept)) => Removal::Forget,
        _ => {
            let legacy = folder.join(format!("{file}{LEGACY}"));
            if !matches!(Standing::at(&legacy)?, Standing::Ours { .. }) {
                notes.push(format!("a hook that is not ours stands at '{file}'; the older one stays as '{kept}'"));
            }
            return Ok(());
        }
    };
    steps.push(RemovalStep { file, removal, kept });
    Ok(())
}
