//! What git would run in a hooks folder, as `guard doctor` sees it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use bstr::ByteSlice;

use super::InstallError;
use super::shim;
use super::standing::Standing;
use crate::model::Hook;

/// What stands at a hook's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookState {
    /// Nothing, or nothing that git could run.
    Absent,
    /// A hook of somebody else.
    Foreign,
    /// One of our scripts.
    Ours {
        /// Whether it has its run bit: git ignores it without.
        runs: bool,
        /// Whether it is this version's script.
        current: bool,
        /// The program that it runs.
        program: Option<PathBuf>,
        /// Whether it runs a hook that was there before.
        chained: bool,
    },
}

/// Looks at the place of every hook in a folder.
pub fn inspect(folder: &Path) -> Result<Vec<(Hook, HookState)>, InstallError> {
    Hook::ALL.into_iter().map(|hook| Ok((hook, one(folder, hook)?))).collect()
}

fn one(folder: &Path, hook: Hook) -> Result<HookState, InstallError> {
    let path = folder.join(hook.name());
    Ok(match Standing::at(&path)? {
        Standing::Nothing | Standing::Odd(_) => HookState::Absent,
        Standing::Theirs { .. } => HookState::Foreign,
        Standing::Ours { bytes, mode } => {
            let program = program(&bytes);
            let current = program.as_ref().is_some_and(|program| shim::render(hook, program) == bytes);
            let original = folder.join(format!("{}{}", hook.name(), shim::ORIGINAL));
            let chained = matches!(Standing::at(&original)?, Standing::Theirs { runs: true, .. });
            HookState::Ours { runs: mode & 0o111 != 0, current, program, chained }
        }
    })
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
            for hook in Hook::ALL {
                let script = shim::render(hook, Path::new(path));
                let read = program(&script);
                assert!(read.is_none() || read.as_deref() == Some(Path::new(path)), "{}", hook.name());
            }
            assert!(program(&shim::render(Hook::ReferenceTransaction, Path::new(path))).is_some());
        }
    }
}
