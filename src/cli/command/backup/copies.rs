//! `guard backup push` and `guard backup fetch`.

use super::failure;
use crate::cli::Context;
use crate::git::Repo;
use crate::report::{self, Exit};
use crate::routes::backup::{self, BackupError, Remote};

/// Send backups to another repository
///
/// Any git remote will do. Backups that hold a file which git ignores, or which the manifest calls secret, go only to a remote that
/// was declared private: [backup.remote] in .recoveryguard.toml, or git config --add recoveryguard.privateRemote <address>.
/// Afterwards the remote is asked what it has.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard backup push                          the one that [backup.remote] in .recoveryguard.toml declares
  guard backup push backup-host              a remote of this repository
  guard backup push ssh://backup/proj.git
  guard backup push /mnt/backup/proj.git --dry-run

Exit codes: 0 all of them are there, 2 usage or environment error, 3 some are not there or differ, 4 refused and nothing sent")]
pub struct Pushing {
    /// A remote's name, an address, or a path; else the one that the manifest declares
    remote: Option<String>,
    /// Say what would be sent, and send nothing
    #[arg(long, short = 'n')]
    dry_run: bool,
}

/// Fetch backups from another repository
///
/// Every byte of what comes is read. A backup that is here already is never replaced; what of it is damaged or missing here is stored
/// anew, where the other repository has the same backup.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard backup fetch backup-host             also mends what 'guard backup verify' found damaged
  guard backup fetch ssh://backup/proj.git --dry-run

Exit codes: 0 fine, 2 usage or environment error, 3 some were damaged or differ from ours, 5 locked by another process")]
pub struct Fetching {
    /// A remote's name, an address, or a path; else the one that the manifest declares
    remote: Option<String>,
    /// Say what would be fetched, and fetch nothing
    #[arg(long, short = 'n')]
    dry_run: bool,
}

pub(super) fn push(context: &Context, arguments: &Pushing) -> anyhow::Result<Exit> {
    let (repo, dry) = (context.repo()?, arguments.dry_run);
    let push = |remote| backup::push(&repo, context.now(), remote, dry);
    let sent = remote(context, &repo, arguments.remote.as_deref()).and_then(push).map_err(failure)?;
    context.terminal.answer(
        || {
            if context.json { report::sent_json(&sent, dry) } else { report::sent_text(&sent, dry) }
        },
    );
    let whole = sent.different.is_empty() && sent.missing.is_empty() && sent.problems.is_empty();
    Ok(if whole { Exit::Fine } else { Exit::CouldNotJudge })
}

pub(super) fn fetch(context: &Context, arguments: &Fetching) -> anyhow::Result<Exit> {
    let (repo, dry) = (context.repo()?, arguments.dry_run);
    let fetch = |remote| backup::fetch(&repo, context.now(), remote, dry);
    let brought = remote(context, &repo, arguments.remote.as_deref()).and_then(fetch).map_err(failure)?;
    context.terminal.answer(|| {
        if context.json { report::brought_json(&brought, dry) } else { report::brought_text(&brought, dry) }
    });
    let whole = brought.different.is_empty() && brought.problems.is_empty();
    Ok(if whole { Exit::Fine } else { Exit::CouldNotJudge })
}

fn remote(context: &Context, repo: &Repo, typed: Option<&str>) -> Result<Remote, BackupError> {
    backup::remote(repo, &context.surroundings.folder, typed)
}
