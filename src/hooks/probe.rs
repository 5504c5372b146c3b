//! Proof that the gate fires: a real merge in a scratch repository, with the hooks that git would really run here.
//!
//! The scratch repository is made without the user's configuration, so that no hook of anybody runs, and merges with it, with
//! the hooks that stand in this repository's own configuration, and with the hooks folder of this repository.
//!
//! The merge would delete a protected file, so a working gate refuses it before anything happens: of all hooks only
//! `reference-transaction` runs, also one that was there before us.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use bstr::ByteSlice;

use crate::disk;
use crate::git::{self, GitError, Repo};

/// What the probe merge came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// It was refused by us, and nothing changed.
    Refused,
    /// It went through.
    Merged,
    /// Our gate was asked, and its time was over before it had judged.
    Late,
    /// Something else stopped it; what was said.
    Other(String),
}

/// What our gate says when its time is over: the beginning of [`GitError::TimedOut`].
const TOO_LATE: &str = "the time limit of ";

/// The manifest of the scratch repository.
const MANIFEST: &[u8] = b"version = 1\n[[protect]]\npaths = [\"/probe\"]\n";

/// Merges in a scratch repository in our own folder, which is removed afterwards.
pub fn probe(repo: &Repo, hooks: &Path) -> Result<Probe, GitError> {
    let parent = repo.guard_dir().join("tmp");
    disk::ensure_folder(&repo.guard_dir(), 0o700)?;
    disk::ensure_folder(&parent, 0o700)?;
    let folder = parent.join(format!("probe-{}", std::process::id()));
    disk::ensure_folder(&folder, 0o700)?;
    let result = Scratch::new(repo, &folder).and_then(|scratch| scratch.merge(hooks));
    disk::remove_folder_all_inside(&parent, &folder)?;
    result
}

struct Scratch {
    program: PathBuf,
    folder: PathBuf,
    variables: Vec<(OsString, OsString)>,
    /// What the merge is told besides.
    configured: Vec<(OsString, OsString)>,
}

impl Scratch {
    fn new(repo: &Repo, folder: &Path) -> Result<Self, GitError> {
        // The user's own surroundings, but nothing that points git at another repository.
        let kept = |name: &OsStr| {
            let name = name.as_bytes();
            !name.starts_with(b"GIT") && !name.starts_with(b"RECOVERYGUARD_")
                || matches!(
                    name,
                    b"GIT_CONFIG_GLOBAL" | b"GIT_CONFIG_SYSTEM" | b"GIT_CONFIG_NOSYSTEM" | b"GIT_EXEC_PATH"
                )
        };
        let mut variables: Vec<(OsString, OsString)> =
            repo.environment().variables.iter().filter(|(name, _)| kept(name)).cloned().collect();
        for (name, value) in [
            ("GIT_AUTHOR_NAME", "probe"),
            ("GIT_AUTHOR_EMAIL", "probe@localhost"),
            ("GIT_COMMITTER_NAME", "probe"),
            ("GIT_COMMITTER_EMAIL", "probe@localhost"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("LC_ALL", "C"),
        ] {
            variables.push((name.into(), value.into()));
        }
        let hooks = repo.own_config_hooks()?;
        let mut configured = vec![("GIT_CONFIG_COUNT".into(), hooks.len().to_string().into())];
        for (number, (name, value)) in hooks.iter().enumerate() {
            configured.push((format!("GIT_CONFIG_KEY_{number}").into(), OsStr::from_bytes(name).to_owned()));
            configured.push((format!("GIT_CONFIG_VALUE_{number}").into(), OsStr::from_bytes(value).to_owned()));
        }
        Ok(Self { program: repo.program().to_owned(), folder: folder.to_owned(), variables, configured })
    }

    fn git(&self, hooks: &Path, more: &[(OsString, OsString)], arguments: &[&str]) -> Result<git::Output, GitError> {
        let hooks = [OsStr::new("core.hooksPath="), hooks.as_os_str()].map(OsStr::as_bytes).concat();
        let mut words =
            vec![OsStr::new("-c"), OsStr::from_bytes(&hooks), OsStr::new("-c"), OsStr::new("commit.gpgSign=false")];
        words.extend(arguments.iter().map(OsStr::new));
        let variables: Vec<(&OsStr, &OsStr)> =
            self.variables.iter().chain(more).map(|(name, value)| (name.as_os_str(), value.as_os_str())).collect();
        git::run_isolated(&self.program, &words, &self.folder, &variables)
    }

    fn merge(&self, hooks: &Path) -> Result<Probe, GitError> {
        let nobodys = [("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_SYSTEM", "/dev/null")]
            .map(|(name, value)| (OsString::from(name), OsString::from(value)));
        let quiet = |arguments: &[&str]| self.git(Path::new("/dev/null"), &nobodys, arguments)?.success();
        quiet(&["init", "-q", "--template=", "."])?;
        disk::write_atomic(&self.folder.join("probe"), b"probe\n", disk::Durability::Lazy, 0o600)?;
        disk::write_atomic(&self.folder.join(crate::manifest::FILE), MANIFEST, disk::Durability::Lazy, 0o600)?;
        quiet(&["add", "-A"])?;
        quiet(&["commit", "-q", "-m", "probe"])?;
        quiet(&["checkout", "-q", "-b", "recoveryguard-probe"])?;
        quiet(&["rm", "-q", "probe"])?;
        quiet(&["commit", "-q", "-m", "without"])?;
        quiet(&["checkout", "-q", "-"])?;
        let line = ["merge", "-q", "--no-verify-signatures", "recoveryguard-probe"];
        let merge = self.git(hooks, &self.configured, &line)?;
        let gone = !self.folder.join("probe").exists();
        Ok(if merge.stderr.contains_str("could not judge") && merge.stderr.contains_str(TOO_LATE) {
            Probe::Late
        } else if merge.status == 0 || gone {
            Probe::Merged
        } else if merge.stderr.contains_str("[protected-delete]") {
            Probe::Refused
        } else {
            let said = merge.stderr.lines().take(2).map(crate::model::escape).collect::<Vec<_>>();
            Probe::Other(said.join("; "))
        })
    }
}
