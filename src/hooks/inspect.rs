//! What git would really run, as `guard doctor` sees it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use bstr::ByteSlice;
use rustix::fs::StatVfsMountFlags;

use super::InstallError;
use super::called::{Called, called};
use super::detour::Detour;
use super::manager::Manager;
use super::place::{is_server, place, real};
use super::shim::{self, ORIGINAL, Script, Setting};
use super::standing::{LEGACY, Standing};
use super::state::Installed;
use super::uninstall::leaving;
use crate::git::Repo;
use crate::model::Hook;

/// What stands at a hook's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookState {
    /// Nothing, or nothing that git could run.
    Absent,
    /// A hook of somebody else.
    Foreign(Option<Manager>),
    /// A hook of somebody else that runs guard.
    Calling {
        /// The file that says so.
        by: PathBuf,
        /// The program that it names, and whether that can be run, where it is an absolute path.
        program: Option<(PathBuf, bool)>,
    },
    /// One of our scripts.
    Ours {
        /// Whether it has its run bit: git ignores it without.
        runs: bool,
        /// Whether it is this version's script, for the folders that are in force now.
        current: bool,
        /// The program that it runs, and whether that can be run.
        program: Option<(PathBuf, bool)>,
        /// The hook that was there before and is run too, and whose it is where that can be told.
        chained: Option<Option<Manager>>,
        /// The manager that runs ours, when its own hook stands at the place.
        called_by: Option<Manager>,
    },
}

/// A folder of somebody else whose hooks ours run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theirs {
    /// Where it is.
    pub folder: PathBuf,
    /// Whose it is, where that can be told.
    pub manager: Option<Manager>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// The folder in which git looks for hooks.
    pub folder: PathBuf,
    /// Another folder, in which our scripts should stand and git does not look.
    pub bypassed: Option<PathBuf>,
    /// The folder of somebody else whose hooks ours have to run.
    pub theirs: Option<Theirs>,
    /// What stands in the folder in which git looks.
    pub hooks: Vec<(Script, HookState)>,
    /// Folders in which scripts of ours stand and git does not look.
    pub stale: Vec<PathBuf>,
    /// The top of the file system that lets nothing of the folder be run (`noexec`).
    pub noexec: Option<PathBuf>,
}

impl Survey {
    /// Returns whether a hook of ours runs, or one of somebody else that runs guard.
    pub fn has(&self, hook: Hook) -> bool {
        let found = self.hooks.iter().find(|(script, _)| *script == Script::Judging(hook));
        self.noexec.is_none()
            && matches!(found, Some((_, HookState::Ours { runs: true, .. } | HookState::Calling { .. })))
    }
}

/// Looks at the hooks that git would run in a repository; refuses where install would.
pub fn survey(repo: &Repo) -> Result<Survey, InstallError> {
    let wanted = place(repo)?;
    let folder = repo.hooks_folder()?;
    let is_there = real(&folder) == wanted.folder;
    let whose = |folder: PathBuf| {
        let manager =
            Script::any().into_iter().find_map(|script| Standing::at(&folder.join(script.name())).ok()?.manager());
        Theirs { folder, manager }
    };
    let theirs = wanted.theirs(repo).map(whose);
    let there = theirs.as_ref().map(|theirs| |name: &str| theirs.folder.join(name).exists());
    let mut hooks = Vec::new();
    for script in Script::all(is_server(repo)?, there) {
        hooks.push((script, one(&folder, script, &wanted.setting)?));
    }
    let mut stale = Vec::new();
    if wanted.detour != Some(Detour::worktree(repo)) {
        let described = Installed::read(&repo.guard_dir()).ok().flatten();
        let left = leaving(repo, described.as_ref(), Vec::new(), Some(&wanted.folder), &mut Vec::new())?;
        stale = left.left().into_iter().map(Path::to_owned).collect();
    }
    let bypassed = (!is_there).then_some(wanted.folder);
    let noexec = noexec(&folder);
    Ok(Survey { folder, bypassed, theirs, hooks, stale, noexec })
}

/// Returns the top of the file system on which a folder lies, when nothing there may be run, whatever its run bits say.
fn noexec(folder: &Path) -> Option<PathBuf> {
    let is_noexec = rustix::fs::statvfs(folder).ok()?.f_flag.contains(StatVfsMountFlags::NOEXEC);
    let folder = real(folder);
    let device = |path: &Path| path.metadata().map(|metadata| metadata.dev()).ok();
    let top = folder.ancestors().take_while(|path| device(path) == device(&folder)).last();
    top.filter(|_| is_noexec).map(Path::to_owned)
}

/// Returns whether a program can be run, by us.
fn can_be_run(program: &Path) -> bool {
    program.is_file() && rustix::fs::access(program, rustix::fs::Access::EXEC_OK).is_ok()
}

fn one(folder: &Path, script: Script, setting: &Setting) -> Result<HookState, InstallError> {
    let name = script.name();
    let (bytes, mode, called_by) = match Standing::at(&folder.join(name))? {
        Standing::Nothing | Standing::Odd(_) => return Ok(HookState::Absent),
        Standing::Ours { bytes, mode } => (bytes, mode, None),
        Standing::Theirs { runs, calls_legacy, manager, .. } => {
            match Standing::at(&folder.join(format!("{name}{LEGACY}")))? {
                Standing::Ours { bytes, mode } if runs && calls_legacy => (bytes, mode, manager),
                _ => return foreign(folder, name, manager),
            }
        }
    };
    let program = program(&bytes).map(|program| (program.clone(), can_be_run(&program)));
    // A script that only passes on runs no program.
    let any = program.as_ref().map_or(Path::new(""), |(program, _)| program);
    let current = shim::render(script, any, setting) == bytes;
    let chained = match Standing::at(&folder.join(format!("{name}{ORIGINAL}")))? {
        Standing::Theirs { runs: true, manager, .. } => Some(manager),
        _ => None,
    };
    Ok(HookState::Ours { runs: mode & 0o111 != 0, current, program, chained, called_by })
}

/// Looks at a hook of somebody else that does not run a script of ours.
fn foreign(folder: &Path, name: &str, manager: Option<Manager>) -> Result<HookState, InstallError> {
    if let Some(Called { by, program }) = called(folder, name)? {
        let program = program.map(|program| (program.clone(), can_be_run(&program)));
        return Ok(HookState::Calling { by, program });
    }
    Ok(HookState::Foreign(manager))
}

/// Reads the program's path out of one of our scripts: the line `g='…'`.
fn program(script: &[u8]) -> Option<PathBuf> {
    let line = script.lines().find_map(|line| line.trim_start().strip_prefix(b"g='"))?;
    let word = line.strip_suffix(b"'")?.replace(r"'\''", "'");
    Some(PathBuf::from(OsStr::from_bytes(&word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_read_back_out_of_every_script_that_has_one() {
        for path in ["/a/guard", "/with space/it's/guard", "/$HOME/\\x"] {
            for script in Script::any() {
                let read = program(&shim::render(script, Path::new(path), &Setting::default()));
                let expected = script.judging().map(|_| Path::new(path));
                assert_eq!(read.as_deref(), expected, "{}", script.name());
            }
        }
    }
}
