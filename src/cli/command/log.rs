//! `guard log` and `guard show`.

use std::num::NonZeroUsize;

use super::prune;
use super::undo::say_unended;
use crate::cli::{Context, Failure};
use crate::journal::Journal;
use crate::model::escape;
use crate::report::{Exit, log_json, log_text, operation_json, operation_text};
use crate::undo::Undo;

/// List recorded operations, newest first
///
/// With --prune: forget those beyond the newest ones, and give back the room that is kept for them. '[snapshot] keep' in
/// HEAD's manifest says how many merges and operations with saved bytes stay (100); of the others three times as many do.
/// Hooks prune now and then by themselves.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard log
  guard log -n 100 --json
  guard log --prune --dry-run     what would go
  guard log --prune --keep 20

Exit codes: 0 fine; with --prune also 3 done only in part, 4 refused (a newer guard wrote here), 5 locked by another process")]
pub struct Listing {
    /// How many at most
    #[arg(short = 'n', long = "max-count", value_name = "NUMBER", default_value_t = 20)]
    limit: usize,
    /// Remove operations beyond the newest ones, with all that belongs to them
    #[arg(long, conflicts_with = "limit")]
    prune: bool,
    /// How many of the newest stay, instead of what the manifest says
    #[arg(long, value_name = "NUMBER", requires = "prune")]
    keep: Option<NonZeroUsize>,
    /// Say what would go, and change nothing
    #[arg(long, requires = "prune")]
    dry_run: bool,
}

/// Show one operation in full
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard show 20261122-224531-3fa9c1

Exit codes: 0, 2 no such operation")]
pub struct Showing {
    /// Its name, or how its name begins
    operation: String,
}

/// Runs `guard log`.
pub fn log(context: &Context, arguments: &Listing) -> anyhow::Result<Exit> {
    if arguments.prune {
        return prune::run(context, arguments.keep, arguments.dry_run);
    }
    let repo = context.repo_looked_at()?;
    let history = Journal::open(&repo.guard_dir()).operations()?;
    let undo = Undo::new(&repo, context.now());
    say_unended(context, &undo, &history);
    let undoable = undo.undoable(&history);
    context.terminal.answer(|| {
        if context.json {
            log_json(&history, arguments.limit, &undoable)
        } else {
            log_text(&history, arguments.limit, &undoable)
        }
    });
    Ok(Exit::Fine)
}

/// Runs `guard show`.
pub fn show(context: &Context, arguments: &Showing) -> anyhow::Result<Exit> {
    let repo = context.repo_looked_at()?;
    let history = Journal::open(&repo.guard_dir()).operations()?;
    let mut named = history.operations.iter().filter(|operation| operation.id.0.starts_with(&arguments.operation));
    let (Some(operation), None) = (named.next(), named.next()) else {
        let name = escape(arguments.operation.as_bytes());
        return Err(Failure::new(Exit::Usage, format!("'{name}' is no operation, or not one only"))
            .hint("guard log")
            .into());
    };
    let undo = Undo::new(&repo, context.now());
    say_unended(context, &undo, &history);
    let undoable = undo.undoable(&history);
    context.terminal.answer(|| {
        if context.json { operation_json(operation, &undoable) } else { operation_text(operation, &undoable) }
    });
    Ok(Exit::Fine)
}
