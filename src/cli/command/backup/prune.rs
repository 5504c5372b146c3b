//! `guard backup prune`.

use super::failure;
use crate::cli::Context;
use crate::report::{self, Exit};
use crate::routes::backup::{self, Nothing};

/// Remove old backups, as '[backup] keep' in .recoveryguard.toml says
///
/// Only versions that were found good count, and the last good version of each file never goes. Nothing goes when a backup
/// can't be read, when none was made since the last prune, or when the clock may be wrong.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard backup prune --dry-run
  guard backup prune

Exit codes: 0 fine, 2 usage or environment error, 3 nothing was pruned because a backup can't be read, 4 nothing was pruned
because the clock may be wrong, 5 locked by another process")]
pub struct Arguments {
    /// Say what would go, and change nothing
    #[arg(long, short = 'n')]
    dry_run: bool,
    /// The clock is right, and was when the backups were made
    #[arg(long)]
    trust_clock: bool,
}

pub(super) fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let repo = context.repo()?;
    let (now, dry, trust) = (context.now(), arguments.dry_run, arguments.trust_clock);
    let tell = |pruned: &backup::Pruned| {
        if !context.json {
            context.terminal.answer(|| report::backups_pruned_text(pruned, dry));
        }
    };
    let pruned =
        if dry { backup::would_prune(&repo, now, trust).inspect(tell) } else { backup::prune(&repo, now, trust, tell) };
    let pruned = pruned.map_err(failure)?;
    context.terminal.answer(
        || {
            if context.json { report::backups_pruned_json(&pruned, dry) } else { pruned.freed_text() }
        },
    );
    Ok(if matches!(pruned.nothing, Some(Nothing::Clock(_))) { Exit::Refused } else { Exit::Fine })
}
