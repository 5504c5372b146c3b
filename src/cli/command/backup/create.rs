//! `guard backup create`.

use super::super::undo::say_half_done;
use super::failure;
use crate::cli::Context;
use crate::model::Standing;
use crate::report::{self, Exit};
use crate::routes::backup;

/// Save the data files, and databases of a PostgreSQL server, as they are now
///
/// Each is read back from what was stored and examined; a bad one is saved, too, but never counts as good. What is the same as
/// in the last backup makes no new one. What a database holds is counted in the moment that was dumped.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard backup create
  guard backup create --dry-run     which files would be read
  guard backup create --let-go      files that are gone are meant to be gone

Exit codes: 0 saved, or nothing has changed, 1 a file is bad, 2 usage or environment error, 3 some could not be saved
or are gone, 5 locked by another process")]
pub struct Arguments {
    /// Say which files would be read, and change nothing
    #[arg(long, short = 'n')]
    dry_run: bool,
    /// Say no more of files that git does not track, that backups have, and that are gone
    #[arg(long, conflicts_with = "dry_run")]
    let_go: bool,
}

pub(super) fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let repo = context.repo()?;
    say_half_done(context, &repo);
    if arguments.dry_run {
        let found = backup::would_create(&repo).map_err(failure)?;
        context
            .terminal
            .answer(|| if context.json { report::would_make_json(&found) } else { report::would_make_text(&found) });
        return Ok(Exit::Fine);
    }
    let gone = if arguments.let_go { backup::Gone::Meant } else { backup::Gone::Told };
    let made = backup::create(&repo, context.now(), gone).map_err(failure)?;
    context.terminal.answer(|| if context.json { report::made_json(&made) } else { report::made_text(&made) });
    Ok(match &made.backup {
        _ if !made.refused.is_empty() || !made.refused_databases.is_empty() => Exit::CouldNotJudge,
        Some(backup) if backup.standing() == Standing::Bad => Exit::Blocked,
        _ => Exit::Fine,
    })
}
