//! `guard doctor`: proves rather than trusts.
//!
//! Each check says what is so; a bad one has a remedy that works as printed.

mod backups;
mod databases;
mod drills;
mod hooks;
mod locks;
mod room;

use crate::model::count;
use std::path::Path;

use serde::Serialize;

use super::Session;
use crate::facts::{self, Found};
use crate::git::{GitError, Repo};
use crate::hooks::{Coverage, GATE_SINCE, InstallError, MISSED, Probe, PushOptions, probe, push_options};
use crate::undo::{Recovered, Undo};

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// As it should be.
    Good,
    /// Worth knowing.
    Note,
    /// Something does not work.
    Bad,
}

/// One check.
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    /// What was looked at: `git`, `hooks`, `gate`, `journal` …
    pub name: &'static str,
    /// How it came out.
    pub health: Health,
    /// What is so, one line.
    pub text: String,
    /// What to do: a command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Check {
    fn new(name: &'static str, health: Health, text: impl Into<String>) -> Self {
        Self { name, health, text: text.into(), remedy: None }
    }

    fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}

/// What doctor found.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The checks.
    pub checks: Vec<Check>,
    /// The routes, and how far each is guarded on this git with these hooks.
    #[serde(skip)]
    pub coverage: Coverage,
}

/// Why the repository could not be examined.
#[derive(Debug, thiserror::Error)]
pub enum DoctorError {
    /// git could not be asked.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The hooks folder could not be read.
    #[error(transparent)]
    Hooks(#[from] InstallError),
}

/// Examines the repository, whose hooks should run `program`.
pub fn doctor(session: &Session<'_>, program: &Path) -> Result<Report, DoctorError> {
    let repo = session.repo;
    let version = repo.git_version()?;
    let mut checks = vec![check_git(version)];
    let (found, survey) = hooks::check(repo, program)?;
    checks.extend(found);
    let has = |hook| survey.as_ref().is_some_and(|survey| survey.has(hook));
    let server = crate::hooks::is_server(repo)?;
    let coverage = if server {
        Coverage::of_server(version, has(crate::model::Hook::PreReceive))
    } else {
        Coverage::new(version, has)
    };
    if coverage.has_gate() && !server {
        checks.push(check_gate(repo, &repo.hooks_folder()?));
    }
    if server {
        checks.push(check_push_options(repo)?);
    }
    checks.push(check_manifest(repo)?);
    checks.extend(check_undo(session));
    checks.extend(locks::check(repo));
    checks.extend(room::check(session));
    checks.extend(backups::check(session));
    checks.extend(databases::check(session));
    checks.extend(drills::check(session));
    checks.extend(check_traces(repo));
    Ok(Report { checks, coverage })
}

fn check_git(version: (u32, u32, u32)) -> Check {
    let (major, minor, patch) = version;
    let name = format!("git {major}.{minor}.{patch}");
    if version < GATE_SINCE {
        let text = format!("{name} is older than 2.29: a fast-forward can't be refused, only flagged afterwards");
        return Check::new("git", Health::Bad, text);
    }
    if version < (2, 38, 0) {
        let text = format!("{name} can't predict merges (2.38 can): what both sides changed is judged on the result");
        return Check::new("git", Health::Note, text);
    }
    Check::new("git", Health::Good, name)
}

fn check_gate(repo: &Repo, folder: &Path) -> Check {
    let found = match probe(repo, folder) {
        Ok(found) => found,
        // Another user's folder, one that can't be written: what else there is to say is said all the same.
        Err(error) => return Check::new("gate", Health::Bad, format!("no probe merge can be made here: {error}")),
    };
    match found {
        Probe::Refused => Check::new("gate", Health::Good, "a probe merge that deletes a protected file was refused"),
        Probe::Merged => Check::new("gate", Health::Bad, "a probe merge that deletes a protected file went through")
            .remedy("guard install"),
        // That is the machine's doing: hooks put in again would be no faster.
        Probe::Late => Check::new(
            "gate",
            Health::Note,
            "the hooks run, but had no time to judge a probe merge: this machine is too busy just now, and merges pass unjudged",
        ),
        Probe::Other(said) => {
            Check::new("gate", Health::Bad, format!("a probe merge was stopped by something else: {said}"))
        }
    }
}

/// Whether who pushes can say why something is right.
fn check_push_options(repo: &Repo) -> Result<Check, GitError> {
    let check = |health, text: &str| Check::new("options", health, text);
    Ok(match push_options(repo)? {
        PushOptions::On => check(Health::Good, "push options are taken: 'git push -o' can give a reason"),
        PushOptions::Off | PushOptions::Unset => {
            check(Health::Note, "push options are off: 'git push -o' can't give a reason for what is refused")
                .remedy("git config receive.advertisePushOptions true")
        }
    })
}

fn check_manifest(repo: &Repo) -> Result<Check, GitError> {
    let tree = repo.resolve_head()?.map(|head| repo.objects().tree_of(head)).transpose()?;
    let file = crate::manifest::FILE;
    Ok(match facts::manifest_of(repo, tree)? {
        Found::Manifest(manifest) => {
            let entries = count(manifest.protect.len(), "entry");
            let text = format!("'{file}' protects by {entries}, {} for data", manifest.data.len());
            Check::new("manifest", Health::Good, text)
        }
        Found::None => {
            let on_disk = repo.on_disk(&file.into()).is_some_and(|path| path.exists());
            let text = if on_disk {
                format!("'{file}' is not committed: it counts once it is")
            } else {
                format!("there is no '{file}': only built-in rules hold")
            };
            let remedy = if on_disk {
                format!("git add ':/{file}' && git commit -m 'protect what matters'")
            } else {
                "guard init".to_owned()
            };
            Check::new("manifest", Health::Note, text).remedy(remedy)
        }
        Found::Unreadable(error) => Check::new("manifest", Health::Bad, format!("'{file}' in HEAD: {error}")),
        Found::Odd(why) => Check::new("manifest", Health::Bad, why),
    })
}

/// Finishes what was interrupted, or puts it back: the repository is then as before or as after it. A merge that git broke off
/// is for a person to take back: whether that git is gone can't be told.
fn check_undo(session: &Session<'_>) -> Vec<Check> {
    let fine = || vec![Check::new("undo", Health::Good, "nothing is left half done")];
    // Where nothing was ever recorded nothing is made, either.
    if !session.journal.folder().exists() {
        return fine();
    }
    let undo = Undo::new(session.repo, session.now);
    match undo.recover_interrupted() {
        Ok(recovered) if recovered.is_empty() => match undo.broken_off() {
            Ok(None) => fine(),
            Ok(Some(left)) => {
                let check = Check::new("undo", Health::Bad, left.to_string());
                vec![Check { remedy: left.hint().map(str::to_owned), ..check }]
            }
            Err(error) => vec![Check::new("undo", Health::Bad, error.to_string())],
        },
        Ok(recovered) => recovered.iter().map(recovered_check).collect(),
        Err(error) if error.is_locked() => vec![Check::new("undo", Health::Note, error.to_string())],
        Err(error) => vec![Check::new("undo", Health::Bad, error.to_string())],
    }
}

fn recovered_check(found: &Recovered) -> Check {
    let mut text = format!("operation {} {}", found.operation, found.way.words());
    if let Some(first) = found.left.first() {
        let more = found.left.len() - 1;
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        text.push_str(&format!("; changed since and left as they are: '{first}'{more}"));
    }
    Check::new("undo", Health::Note, text)
}

/// Looks at what hooks left because they could not work.
fn check_traces(repo: &Repo) -> Option<Check> {
    let missed = repo.guard_dir().join(MISSED);
    let text = std::fs::read(&missed).ok()?;
    let times = count(text.split(|byte| *byte == b'\n').count() - 1, "time");
    // The hooks stop noting it in a file of 64 KiB.
    let more = if text.len() > 64 * 1024 { "more than " } else { "" };
    let since = format!("since '{}' was last removed", missed.display());
    let text = format!("hooks could not find the guard {more}{times} ({since})");
    Some(Check::new("traces", Health::Bad, text).remedy("guard install"))
}
