//! `guard log` and `guard show`.

use crate::cli::{Context, Failure};
use crate::journal::Journal;
use crate::model::escape;
use crate::report::{Exit, log_json, log_text, operation_json, operation_text};
use crate::undo::Undo;

/// List recorded operations, newest first
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard log
  guard log -n 100 --json

Exit codes: 0")]
pub struct Listing {
    /// How many at most
    #[arg(short = 'n', long = "max-count", value_name = "NUMBER", default_value_t = 20)]
    limit: usize,
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
    let repo = context.repo_looked_at()?;
    let history = Journal::open(&repo.guard_dir()).operations()?;
    let undoable = Undo::new(&repo, context.now()).undoable(&history);
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
    let undoable = Undo::new(&repo, context.now()).undoable(&history);
    context.terminal.answer(|| {
        if context.json { operation_json(operation, &undoable) } else { operation_text(operation, &undoable) }
    });
    Ok(Exit::Fine)
}
