//! What install will do, worked out beforehand and printable.

use std::path::{Path, PathBuf};

use super::called::{Called, called, is_of_gitolite};
use super::detour::Detour;
use super::manager::Manager;
use super::place::{Place, is_server, place, real, shown};
use super::push_options::{PushOptions, push_options};
use super::removal::Leaving;
use super::shim::{self, ORIGINAL, Script, Setting};
use super::standing::{LEGACY, OLD, Standing};
use super::state::Installed;
use super::uninstall::leaving;
use super::{Coverage, InstallError};
use crate::disk::is_same_file;
use crate::git::Repo;
use crate::model::Raw;

/// What overcommit's hooks are called, which do not run under another name.
const OVERCOMMITS: &str = "overcommit's hook";

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
    },
    /// It is there already.
    Keep,
    /// A hook of somebody else stays, which runs guard.
    Called {
        /// The file that says so.
        by: PathBuf,
    },
    /// Something that is no hook stands there and stays.
    Leave {
        /// What it is.
        what: &'static str,
    },
}

/// What becomes of a hook that was kept when another one has taken its place since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Earlier {
    /// There is none.
    None,
    /// It stays under this name, not run.
    Aside(String),
    /// It goes: its manager has written it anew.
    Drop,
}

/// One hook of an install plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookStep {
    /// Which script.
    pub script: Script,
    /// The file's name in the hooks folder: the hook's name, or `<name>.legacy` when another manager calls ours.
    pub file: String,
    /// What is done.
    pub action: Action,
    /// What becomes of a hook that was kept before the present one.
    pub earlier: Earlier,
    /// Files of ours beside it that a manager moved there and nobody runs: they go.
    pub stale: Vec<String>,
}

impl HookStep {
    fn changes(&self) -> bool {
        let idle = matches!(self.action, Action::Keep | Action::Called { .. } | Action::Leave { .. });
        !idle || self.earlier != Earlier::None || !self.stale.is_empty()
    }
}

/// What `guard install` will do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstallPlan {
    /// The hooks folder.
    pub folder: PathBuf,
    /// Whether the hooks folder has to be made.
    pub make_folder: bool,
    /// The folder of somebody else whose hooks the scripts run too.
    pub theirs: Option<PathBuf>,
    /// The program that the hooks run.
    pub binary: PathBuf,
    /// One step a hook, in the order in which they are installed.
    pub steps: Vec<HookStep>,
    /// Scripts of ours elsewhere, where git does not look any more.
    pub leaving: Leaving,
    /// What the user should know, one sentence each.
    pub notes: Vec<String>,
    /// Whether push options are switched on.
    pub switch_on_options: bool,
    /// The routes that are guarded afterwards.
    pub coverage: Coverage,
    pub(super) setting: Setting,
    /// How git has to be led to the folder, if it is not yet.
    pub(super) open: Option<Detour>,
    pub(super) guard_dir: PathBuf,
    pub(super) state: Installed,
    pub(super) old_state: Option<Installed>,
}

impl InstallPlan {
    /// Returns whether anything has to be changed.
    pub fn changes(&self) -> bool {
        let steps = self.make_folder
            || self.open.is_some()
            || self.switch_on_options
            || self.steps.iter().any(HookStep::changes);
        steps || !self.leaving.is_empty() || self.old_state.as_ref() != Some(&self.state)
    }
}

/// Works out what `guard install` has to do so that git runs `binary`, an absolute path. Changes nothing.
pub fn plan_install(repo: &Repo, binary: &Path) -> Result<InstallPlan, InstallError> {
    let found = place(repo)?;
    let theirs = found.theirs(repo);
    let open = must_open(repo, &found)?;
    let Place { folder, detour, setting, mut notes } = found;
    let guard_dir = repo.guard_dir();
    let old_state = Installed::read(&guard_dir)?;
    let folder_is_missing = !folder.is_dir();
    let mut steps = Vec::new();
    let (git, server) = (repo.git_version()?, is_server(repo)?);
    for script in Script::all(server, theirs.as_ref().map(|theirs| |name: &str| theirs.join(name).exists())) {
        steps.push(step(script, &folder, binary, &setting, &mut notes)?);
    }
    notes.extend(left_to_overcommit(&steps));
    if server && steps.iter().any(|step| step.action == Action::Add) && is_of_gitolite(&folder)? {
        notes.push(
            "gitolite keeps the hooks here: of its repositories this one is guarded, until gitolite has a hook of that name \
             (docs/server.md says how all of them are)"
                .to_owned(),
        );
    }
    if repo.work_tree().is_some_and(|top| binary.starts_with(top)) {
        notes.push(format!("'{}' stands in the working tree and may go away: install guard elsewhere", shown(binary)));
    }
    let mut leaves = Leaving::default();
    // Where only this worktree's configuration names a folder, the others need what there is.
    let is_for_all = detour != Some(Detour::worktree(repo));
    if is_for_all {
        let mut detours = Vec::new();
        for other in [Detour::local(repo), Detour::worktree(repo)] {
            if detour.as_ref() != Some(&other) && other.is_there(repo)? {
                detours.push(other);
            }
        }
        leaves = leaving(repo, old_state.as_ref(), detours, Some(&folder), &mut notes)?;
    }
    let relative = folder.strip_prefix(repo.common_dir()).unwrap_or(&folder);
    let relative = Raw::from(relative.as_os_str().as_encoded_bytes());
    let made_before = old_state.as_ref().is_some_and(|state| state.folder == relative && state.made_folder);
    let options = if server { push_options(repo)? } else { PushOptions::On };
    if options == PushOptions::Off {
        notes.push(
            "receive.advertisePushOptions is false here: nobody can give a reason with a push (git push -o)".to_owned(),
        );
    }
    let switch_on_options = options == PushOptions::Unset;
    let made_folder = folder_is_missing || made_before;
    let state = Installed::new(binary, relative, made_folder);
    let state = old_state.clone().filter(|_| !is_for_all).unwrap_or(state);
    let left = |step: &HookStep| matches!(step.action, Action::Leave { .. });
    let missing: Vec<_> = steps.iter().filter(|step| left(step)).filter_map(|step| step.script.judging()).collect();
    let coverage = if server {
        Coverage::of_server(git, missing.is_empty())
    } else {
        Coverage::new(git, |hook| !missing.contains(&hook))
    };
    Ok(InstallPlan {
        folder,
        make_folder: folder_is_missing,
        theirs,
        binary: binary.to_owned(),
        steps,
        leaving: leaves,
        notes,
        switch_on_options,
        coverage,
        setting,
        open,
        guard_dir,
        state,
        old_state,
    })
}

/// Says which hooks are overcommit's.
fn left_to_overcommit(steps: &[HookStep]) -> Option<String> {
    let left = steps.iter().filter(|step| step.action == Action::Leave { what: OVERCOMMITS });
    let names: Vec<_> = left.map(|step| step.script.name()).collect();
    (!names.is_empty()).then(|| {
        format!(
            "overcommit's hooks do not run under another name, so these stay and do not run guard: {}; docs/install.md says \
             how overcommit runs guard",
            names.join(", ")
        )
    })
}

/// Returns the detour that git does not follow yet.
fn must_open(repo: &Repo, place: &Place) -> Result<Option<Detour>, InstallError> {
    let Some(detour) = &place.detour else { return Ok(None) };
    let is_followed = repo.hooks_folder()? == place.folder && detour.is_whole(repo)?;
    Ok((!is_followed).then(|| detour.clone()))
}

fn step(
    script: Script,
    folder: &Path,
    binary: &Path,
    setting: &Setting,
    notes: &mut Vec<String>,
) -> Result<HookStep, InstallError> {
    let name = script.name();
    let wanted = shim::render(script, binary, setting);
    let ours = |bytes: &[u8], mode: u32| {
        if bytes == wanted && mode & 0o111 == 0o111 { Action::Keep } else { Action::Replace }
    };
    let legacy_name = format!("{name}{LEGACY}");
    let (place, legacy) = (Standing::at(&folder.join(name))?, Standing::at(&folder.join(&legacy_name))?);
    let mut step =
        HookStep { script, file: name.to_owned(), action: Action::Add, earlier: Earlier::None, stale: Vec::new() };
    match &place {
        Standing::Nothing => {}
        Standing::Ours { bytes, mode } => step.action = ours(bytes, *mode),
        Standing::Odd(what) => {
            notes.push(format!("{what} stands where the hook '{name}' would be: that hook is not guarded"));
            step.action = Action::Leave { what };
        }
        // Its manager runs it from there, and leaves it there when it is installed again.
        Standing::Theirs { runs: true, calls_legacy: true, manager, .. }
            if legacy.is_ours() || manager.is_some_and(Manager::calls_legacy) =>
        {
            let manager = manager.map_or("another hook manager", Manager::name);
            notes.push(format!("'{name}' belongs to {manager}, which calls ours as '{legacy_name}'"));
            step.file = legacy_name;
            step.action = match &legacy {
                Standing::Nothing => Action::Add,
                Standing::Ours { bytes, mode } => ours(bytes, *mode),
                Standing::Theirs { runs, .. } => Action::Chain { runs: *runs },
                Standing::Odd(what) => Action::Leave { what },
            };
            if legacy == Standing::Nothing || matches!(step.action, Action::Chain { .. }) {
                step.earlier = earlier(folder, name, &step.file)?;
            }
        }
        Standing::Theirs { manager: Some(Manager::Overcommit), .. } => {
            step.action = Action::Leave { what: OVERCOMMITS };
        }
        Standing::Theirs { runs, asks_name, .. } => {
            if let Some(Called { by, .. }) = called(folder, name)? {
                step.action = Action::Called { by };
                return Ok(step);
            }
            let hook = folder.join(name);
            // It does not set a link again that leads to nothing any more.
            if *runs && hook.is_symlink() && is_of_gitolite(folder)? {
                return Err(InstallError::OfGitolite { target: real(&hook), hook });
            }
            let of_name = folder.join(format!("{name}.d"));
            if *asks_name && of_name.is_dir() {
                return Err(InstallError::RunsFolder { hook, folder: of_name, guard: binary.to_owned() });
            }
            if *asks_name {
                notes.push(format!(
                    "'{name}' seems to ask for its own name, which becomes '{name}{ORIGINAL}': try it once"
                ));
            }
            step.action = Action::Chain { runs: *runs };
            step.earlier = earlier(folder, name, name)?;
        }
    }
    for suffix in [LEGACY, OLD] {
        let file = format!("{name}{suffix}");
        if file != step.file && Standing::at(&folder.join(&file))?.is_ours() {
            step.stale.push(file);
        }
    }
    if let Earlier::Aside(aside) = &step.earlier {
        notes.push(format!(
            "a new '{name}' has replaced ours; the one that was kept before stays as '{aside}', not run"
        ));
    }
    Ok(step)
}

/// Returns what becomes of a hook that was kept before, when the one at `file` is to be kept now.
fn earlier(folder: &Path, name: &str, file: &str) -> Result<Earlier, InstallError> {
    let (kept, present) = (folder.join(format!("{name}{ORIGINAL}")), folder.join(file));
    if Standing::at(&kept)? == Standing::Nothing || is_same_file(&kept, &present) {
        return Ok(Earlier::None);
    }
    if Standing::is_older_copy(&kept, &present)? {
        return Ok(Earlier::Drop);
    }
    // Where lefthook put ours it would have put that one.
    let old = format!("{name}{OLD}");
    if Standing::at(&folder.join(&old))?.is_ours() {
        return Ok(Earlier::Aside(old));
    }
    let mut number = 1;
    loop {
        let free = format!("{name}.recoveryguard-replaced-{number}");
        if Standing::at(&folder.join(&free))? == Standing::Nothing {
            return Ok(Earlier::Aside(free));
        }
        number += 1;
    }
}
