//! Which hooks git really runs here, whose they are, and whether ours are among them.

use std::path::Path;

use super::{Check, Health};
use crate::git::{Deadline, GitError, Repo};
use crate::hooks::{self, HookState, InstallError, Manager, Script, Survey};
use crate::model::{Hook, count, escape};

const REMEDY: &str = "guard install";

/// Looks at the hooks of this worktree, and returns what stands there where it can be told. They should run `program`.
pub(super) fn check(repo: &Repo, program: &Path) -> Result<(Vec<Check>, Option<Survey>), InstallError> {
    let survey = match hooks::survey(repo) {
        Ok(survey) => survey,
        Err(error) if error.is_refusal() => {
            let check = Check { remedy: error.hint(), ..Check::new("hooks", Health::Bad, error.to_string()) };
            return Ok((vec![check], None));
        }
        Err(error) => return Err(error),
    };
    let mut checks = folders(repo, &survey)?;
    checks.extend(all(&survey));
    if let Some(top) = &survey.noexec {
        let text = format!("'{}' is mounted so that nothing there may be run (noexec): git runs no hook", shown(top));
        checks.push(bad(text).remedy(format!("mount -o remount,exec {}", quoted(top))));
    }
    for (script, state) in &survey.hooks {
        checks.extend(one(*script, state));
    }
    checks.extend(of_configuration(repo)?);
    checks.extend(other_worktrees(repo)?);
    let asks = |check: &Check| check.remedy.as_deref() == Some(REMEDY);
    // What install would refuse is no remedy.
    if let Some(Err(error)) = checks.iter().any(asks).then(|| hooks::plan_install(repo, program))
        && error.is_refusal()
    {
        checks.iter_mut().filter(|check| asks(check)).for_each(|check| check.remedy = None);
        checks.push(Check { remedy: error.hint(), ..Check::new("hooks", Health::Bad, error.to_string()) });
    }
    if hooks::is_server(repo)? {
        let ours = checks.iter_mut().filter_map(|check| check.remedy.as_mut()).filter(|remedy| *remedy == REMEDY);
        ours.for_each(|remedy| "guard install --server".clone_into(remedy));
    }
    Ok((checks, Some(survey)))
}

fn bad(text: String) -> Check {
    Check::new("hooks", Health::Bad, text).remedy(REMEDY)
}

fn shown(path: &Path) -> String {
    escape(path.as_os_str().as_encoded_bytes())
}

/// Says where git looks, and whose hooks besides ours it finds there.
fn folders(repo: &Repo, survey: &Survey) -> Result<Vec<Check>, GitError> {
    let mut checks = Vec::new();
    let set = repo.config_places("core.hooksPath")?;
    if let (Some(bypassed), Some(set)) = (&survey.bypassed, set.last()) {
        let ours = if hooks_stand(bypassed) { "ours stand in" } else { "ours would have to stand in" };
        checks.push(bad(format!(
            "core.hooksPath is '{}' ({} configuration): git runs the hooks in '{}', {ours} '{}'",
            set.value,
            set.scope,
            shown(&survey.folder),
            shown(bypassed)
        )));
    } else if let Some(bypassed) = &survey.bypassed {
        checks.push(bad(format!("git runs the hooks in '{}', not in '{}'", shown(&survey.folder), shown(bypassed))));
    } else if let Some(theirs) = &survey.theirs {
        let (folder, whose) = (shown(&theirs.folder), theirs.manager.map_or("", Manager::name));
        let whose = if whose.is_empty() { String::new() } else { format!(" ({whose})") };
        let text = if theirs.folder.is_dir() {
            format!("ours also run the hooks in '{folder}'{whose}")
        } else {
            format!("ours would also run the hooks in '{folder}', which is not there now")
        };
        checks.push(Check::new("hooks", Health::Good, text));
    }
    for folder in &survey.stale {
        checks.push(bad(format!("scripts of ours stand in '{}' too, where git does not look", shown(folder))));
    }
    Ok(checks)
}

fn hooks_stand(folder: &Path) -> bool {
    folder.join(Hook::ReferenceTransaction.name()).exists()
}

fn all(survey: &Survey) -> Option<Check> {
    let judging = || survey.hooks.iter().filter(|(script, _)| script.judging().is_some());
    let ours = judging().filter(|(_, state)| matches!(state, HookState::Ours { .. })).count();
    let total = judging().count();
    if survey.bypassed.is_some() && ours == 0 {
        return None;
    }
    let folder = shown(&survey.folder);
    let are = if ours == 1 { "is" } else { "are" };
    let calling = judging().filter(|(_, state)| matches!(state, HookState::Calling { .. })).count();
    if ours + calling == total {
        // Each of the others has a line of its own.
        let text = || format!("{} {are} in '{folder}'", count(ours, "hook"));
        return (ours > 0).then(|| Check::new("hooks", Health::Good, text()));
    }
    let is_left = |state: &HookState| matches!(state, HookState::Foreign(Some(Manager::Overcommit)));
    if ours + judging().filter(|(_, state)| is_left(state)).count() == total {
        let text = format!("{ours} of {total} hooks {are} in '{folder}', the others are overcommit's");
        return Some(Check::new("hooks", Health::Note, text));
    }
    Some(bad(format!("{ours} of {total} hooks {are} in '{folder}'")))
}

fn one(script: Script, state: &HookState) -> Option<Check> {
    let name = script.name();
    let good = |text: String| Some(Check::new("hooks", Health::Good, text));
    match state {
        HookState::Ours { runs: false, .. } => Some(bad(format!("'{name}' has lost its run bit: git ignores it"))),
        HookState::Ours { current: false, .. } => {
            Some(bad(format!("'{name}' is from another version of guard, or runs the hooks of another folder")))
        }
        HookState::Ours { program: Some((program, false)), .. } => {
            let what = if program.exists() { "which can't be run" } else { "which is gone" };
            Some(bad(format!("'{name}' calls '{}', {what}", shown(program))))
        }
        HookState::Ours { called_by: Some(manager), .. } => {
            good(format!("'{name}' is {}'s, which runs ours", manager.name()))
        }
        HookState::Ours { chained: Some(Some(manager)), .. } => {
            good(format!("'{name}' also runs {}'s hook", manager.name()))
        }
        HookState::Ours { chained: Some(None), .. } => {
            good(format!("'{name}' also runs the hook that was there before"))
        }
        HookState::Calling { by, program: Some((program, false)) } => {
            let text = format!("'{}' calls '{}', which can't be run", shown(by), shown(program));
            Some(Check::new("hooks", Health::Bad, text))
        }
        HookState::Calling { by, .. } => good(format!("'{name}' is not ours; '{}' runs guard", shown(by))),
        // Nothing that we do makes it run ours: its own file does.
        HookState::Foreign(Some(Manager::Overcommit)) if script.judging().is_some() => {
            let text =
                format!("'{name}' is overcommit's, which runs ours if '.overcommit.yml' says so (docs/install.md)");
            Some(Check::new("hooks", Health::Note, text))
        }
        HookState::Foreign(Some(manager)) if script.judging().is_some() => {
            Some(bad(format!("'{name}' is {}'s, and ours does not run", manager.name())))
        }
        HookState::Foreign(None) if script.judging().is_some() => {
            Some(bad(format!("'{name}' is not ours: something put it there after us")))
        }
        // Where another folder's hooks have to be run and ours are there at all.
        HookState::Foreign(_) => Some(bad(format!("'{name}' does not pass on to the other hooks folder"))),
        HookState::Ours { .. } | HookState::Absent => None,
    }
}

/// git 2.54 and later runs hooks that stand in the configuration too, before those of the folder.
fn of_configuration(repo: &Repo) -> Result<Option<Check>, GitError> {
    if repo.git_version()? < (2, 54, 0) {
        return Ok(None);
    }
    let names = repo.config_hooks()?;
    let text = || format!("the configuration has hooks of others, which run before ours: {}", names.join(", "));
    Ok((!names.is_empty()).then(|| Check::new("hooks", Health::Good, text())))
}

/// Each worktree may have its own `core.hooksPath`, or take a relative one as its own.
fn other_worktrees(repo: &Repo) -> Result<Vec<Check>, InstallError> {
    let mut checks = Vec::new();
    for (top, _) in repo.worktrees()? {
        let mut environment = repo.environment().clone();
        let names = ["GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR"];
        environment.variables.retain(|(name, _)| !names.iter().any(|known| name == known));
        // One whose folder is gone is none.
        let Ok(other) = Repo::discover(&top, environment, Deadline::never()) else { continue };
        // Nobody merges in a bare one.
        if other.work_tree().is_none() || other.git_dir() == repo.git_dir() {
            continue;
        }
        let found = hooks::survey(&other);
        if !found.is_ok_and(|survey| survey.has(Hook::ReferenceTransaction)) {
            let text = format!("in the worktree '{}' ours do not run", shown(&top));
            checks.push(Check::new("hooks", Health::Note, text).remedy(format!("guard -C {} install", quoted(&top))));
        }
    }
    Ok(checks)
}

/// Returns a path as a word of a shell's line.
pub(super) fn quoted(path: &Path) -> String {
    format!("'{}'", path.to_string_lossy().replace('\'', r"'\''"))
}
