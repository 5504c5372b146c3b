//! `guard undo-merge` and `guard redo`.

use anyhow::anyhow;

use crate::cli::{Context, Failure};
use crate::report::{Exit, conflicts_text, undone_json, undone_text};
use crate::undo::{Report, Run, Undo, UndoError};

/// Undo the last merge of the current branch, keeping uncommitted work
///
/// A merge in progress is given up; a merge that is the last thing on the branch and not published goes back, pulls,
/// fast-forwards and squashes included. What was uncommitted before the merge, and what was edited, staged or added
/// since, stays. Where something would be lost, nothing is changed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard undo-merge --dry-run    show what would happen
  guard undo-merge
  guard redo                    bring the merge back, same commit

Exit codes: 0 undone, 3 done but not recorded yet, 4 refused and nothing changed, 5 locked by another process")]
pub struct Undoing {
    /// An operation ('guard log' lists them) or a merge commit, instead of the last merge
    what: Option<String>,
    /// Say what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// Bring the merge back that was undone last, same commit
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard redo --dry-run    show what would happen
  guard redo

Exit codes: 0 done, 3 done but not recorded yet, 4 refused and nothing changed, 5 locked by another process")]
pub struct Redoing {
    /// Say what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// Runs `guard undo-merge`.
pub fn undo(context: &Context, arguments: &Undoing) -> anyhow::Result<Exit> {
    let run = run_of(arguments.dry_run);
    let repo = context.repo()?;
    let done = Undo::new(&repo, context.now()).undo_merge(arguments.what.as_deref(), run);
    finish(context, "undo-merge", done, run)
}

/// Runs `guard redo`.
pub fn redo(context: &Context, arguments: &Redoing) -> anyhow::Result<Exit> {
    let run = run_of(arguments.dry_run);
    let repo = context.repo()?;
    let done = Undo::new(&repo, context.now()).redo(run);
    finish(context, "redo", done, run)
}

const fn run_of(dry_run: bool) -> Run {
    if dry_run { Run::Dry } else { Run::Real }
}

fn finish(context: &Context, command: &str, done: Result<Report, UndoError>, run: Run) -> anyhow::Result<Exit> {
    let report = done.map_err(failure)?;
    let refused = !report.plan.conflicts.is_empty();
    if context.json {
        context.terminal.answer(|| undone_json(command, &report, run));
    } else if !refused {
        context.terminal.answer(|| undone_text(&report, run, context.verbose));
    }
    if refused {
        context.terminal.say(|| conflicts_text(&report.plan));
    }
    Ok(if refused { Exit::Refused } else { Exit::Fine })
}

/// Gives an error its exit code and hint.
fn failure(error: UndoError) -> anyhow::Error {
    let exit = match &error {
        error if error.is_locked() => Exit::Locked,
        error if error.is_refusal() => Exit::Refused,
        UndoError::Stuck { .. } | UndoError::Unrecorded(_) => Exit::CouldNotJudge,
        _ => Exit::Usage,
    };
    let hint = error.hint().map(str::to_owned);
    let causes = anyhow!(error).chain().map(ToString::to_string).collect::<Vec<_>>().join(": ");
    Failure { exit, message: causes, hint }.into()
}
