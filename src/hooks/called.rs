//! Hooks of somebody else that run guard: the hook itself has a line for it, or it runs a folder or a row of hooks, as those of
//! server software do (`pre-receive.d/*` of Gitea and Forgejo, `pre-receive.*` of gitolite), and one of them has.
//!
//! It is read, not run: nobody knows what else a hook of somebody else does.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use bstr::ByteSlice;

use super::InstallError;
use super::manager::Manager;
use super::place::real;
use super::standing::Standing;

/// Where a hook of somebody else runs guard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Called {
    /// The file that has the line, with links resolved.
    pub by: PathBuf,
    /// The program that it names, where it is an absolute path.
    pub program: Option<PathBuf>,
}

/// Looks whether the hook `name` of a folder, which is not ours, runs guard.
pub(super) fn called(folder: &Path, name: &str) -> Result<Option<Called>, InstallError> {
    let hook = folder.join(name);
    let Standing::Theirs { runs: true, asks_name, .. } = Standing::at(&hook)? else { return Ok(None) };
    let text = fs::read(&hook).unwrap_or_default();
    let mut files = vec![hook];
    if asks_name {
        files.extend(runnable(&folder.join(format!("{name}.d")), ""));
    }
    if text.contains_str("$0.*") {
        files.extend(runnable(folder, &format!("{name}.")));
    }
    let program = |file: PathBuf| {
        let text = fs::read(&file).ok()?;
        let word = text.lines().find_map(|line| word(line, name))?;
        let program = Path::new(OsStr::from_bytes(word)).to_owned();
        Some(Called { by: real(&file), program: Some(program).filter(|program| program.is_absolute()) })
    };
    Ok(files.into_iter().find_map(program))
}

/// Returns whether gitolite keeps the hooks of a folder.
pub(super) fn is_of_gitolite(folder: &Path) -> Result<bool, InstallError> {
    Ok(Standing::at(&folder.join("update"))?.manager() == Some(Manager::Gitolite))
}

/// Returns the programs of a folder whose names begin with `start`.
fn runnable(folder: &Path, start: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let named = entries.filter(|entry| entry.file_name().as_bytes().starts_with(start.as_bytes()));
    let runs = |path: &PathBuf| {
        path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
    };
    named.map(|entry| entry.path()).filter(runs).collect()
}

/// Returns the word before `hook <name>` in a line of a script, where it names guard.
fn word<'a>(line: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let line = line.trim_start();
    let (before, after) = line.split_once_str(&format!(" hook {name}"))?;
    let ends = after.first().is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b'-');
    let word = match before.last()? {
        quote @ (b'\'' | b'"') => before[..before.len() - 1].rsplit_once_str(&[*quote])?.1,
        _ => before.rsplit(u8::is_ascii_whitespace).next()?,
    };
    (ends && !line.starts_with(b"#") && word.contains_str("guard")).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_runs_guard_is_known() {
        for (line, expected) in [
            ("exec guard hook pre-receive", Some("guard")),
            ("\tprintf x | /opt/guard hook pre-receive 2>&1 || exit", Some("/opt/guard")),
            ("exec '/a b/guard' hook pre-receive", Some("/a b/guard")),
            ("\"/a b/guard\" hook pre-receive; x", Some("/a b/guard")),
            ("git guard hook pre-receive", Some("guard")),
            ("# exec guard hook pre-receive", None),
            ("gitea hook pre-receive", None),
            ("guard hook pre-receive-x", None),
            ("guard hook pre-rebase", None),
            (" hook pre-receive", None),
            ("' hook pre-receive", None),
        ] {
            assert_eq!(word(line.as_bytes(), "pre-receive"), expected.map(str::as_bytes), "{line}");
        }
    }
}
