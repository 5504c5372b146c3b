//! `guard undo-merge`, `guard undo` and `guard redo`.

use anyhow::anyhow;

use crate::cli::{Context, Failure};
use crate::git::Repo;
use crate::journal::{History, Journal};
use crate::model::Way;
use crate::report::{Exit, conflicts_text, recovered_text, undone_json, undone_text};
use crate::undo::{Report, Run, Undo, UndoError};

/// Undo the last merge of the current branch, keeping uncommitted work
///
/// What was uncommitted before the merge, and what was edited, staged or added since, stays. Where something would be
/// lost, nothing is changed. A merge in progress is given up; the last thing on the branch, pulls, fast-forwards and squashes
/// included, goes back; commits made since are made again without it where that is clean and nobody else has them; what
/// is published, and everything else, is taken back by a new commit.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard undo-merge --dry-run         show what would happen, and which way it would go
  guard undo-merge
  guard undo-merge 3fa9c1d           this merge commit, or an operation of 'guard log'
  guard undo-merge --way revert      by a new commit, though going back would do
  guard undo-merge --reapply 8d2e01  before merging a branch again whose merge was reverted
  guard redo                         bring the merge back, same commit

Exit codes: 0 undone, 3 done but not recorded yet, 4 refused and nothing changed, 5 locked by another process")]
pub struct UndoingMerge {
    /// An operation ('guard log' lists them) or a merge commit, instead of the last merge
    what: Option<String>,
    /// Go this way instead of the gentlest
    #[arg(long, value_name = "WAY", value_parser = WAYS)]
    way: Option<String>,
    /// Take this revert back by a new commit, so that what it reverted comes with the next merge
    #[arg(long, value_name = "COMMIT", conflicts_with_all = ["what", "way"])]
    reapply: Option<String>,
    /// Say what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// Undo the last recorded operation of this worktree, or any other
///
/// Merges go as with 'guard undo-merge'. A commit or amend is taken back with its changes staged; rebases, resets,
/// cherry-picks, reverts and patches with their files, path by path, keeping what was done since; branches that were moved,
/// made or deleted go back, too. Without a name it is what was done last to what is checked out: where that is not what
/// came last, nothing is changed and the command with its name is shown.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard undo --dry-run                      show what would happen; the plan has a name
  guard undo --plan undo.2026…              do exactly that, or nothing
  guard undo                                the newest operation; again: the one before
  guard undo 20261122-224531-3fa9c1         one of 'guard log'
  guard redo                                bring back what was undone last

Exit codes: 0 undone, 3 done but not recorded yet, 4 refused and nothing changed, 5 locked by another process")]
pub struct Undoing {
    /// An operation ('guard log' lists them), or the commit that it left, instead of the newest
    what: Option<String>,
    /// For merges: go this way instead of the gentlest; 'move-back' also takes back what is published
    #[arg(long, value_name = "WAY", value_parser = WAYS)]
    way: Option<String>,
    /// Do what a dry run planned, only if it would plan the same now
    #[arg(long, value_name = "PLAN", conflicts_with_all = ["what", "way"])]
    plan: Option<String>,
    /// Say what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// Bring back what was undone last, same commits
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

const WAYS: [&str; 3] = ["move-back", "replay", "revert"];

/// Runs `guard undo-merge`.
pub fn undo_merge(context: &Context, arguments: &UndoingMerge) -> anyhow::Result<Exit> {
    let run = run_of(arguments.dry_run);
    let repo = context.repo_looked_at()?;
    let undo = Undo::new(&repo, context.now());
    let done = match &arguments.reapply {
        Some(revert) => undo.reapply(revert, run),
        None => undo.undo_merge(arguments.what.as_deref(), way(arguments.way.as_deref()), run),
    };
    finish(context, (&repo, &undo), "undo-merge", done, run)
}

/// Runs `guard undo`.
pub fn undo(context: &Context, arguments: &Undoing) -> anyhow::Result<Exit> {
    let run = run_of(arguments.dry_run);
    let repo = context.repo_looked_at()?;
    let undo = Undo::new(&repo, context.now());
    let done = match &arguments.plan {
        Some(plan) => undo.planned(plan, run),
        None => undo.undo(arguments.what.as_deref(), way(arguments.way.as_deref()), run),
    };
    finish(context, (&repo, &undo), "undo", done, run)
}

/// Runs `guard redo`.
pub fn redo(context: &Context, arguments: &Redoing) -> anyhow::Result<Exit> {
    let run = run_of(arguments.dry_run);
    let repo = context.repo_looked_at()?;
    let undo = Undo::new(&repo, context.now());
    let done = undo.redo(run);
    finish(context, (&repo, &undo), "redo", done, run)
}

fn way(word: Option<&str>) -> Option<Way> {
    word.and_then(Way::chosen)
}

pub(super) const fn run_of(dry_run: bool) -> Run {
    if dry_run { Run::Dry } else { Run::Real }
}

/// Says that something was begun and has no end, for commands that leave it.
pub(super) fn say_unended(context: &Context, undo: &Undo<'_>, history: &History) {
    if let Some(operation) = undo.unended(history) {
        context.terminal.note(|| {
            let id = &operation.id;
            format!("guard: operation {id} has not ended; if it was interrupted, 'guard doctor' puts that right\n")
        });
    }
}

/// The same for commands that look at files: they may find half of them restored.
pub(super) fn say_half_done(context: &Context, repo: &Repo) {
    // A journal that can't be read is the doctor's to tell.
    if let Ok(history) = Journal::open(&repo.guard_dir()).operations() {
        say_unended(context, &Undo::new(repo, context.now()), &history);
    }
}

/// Says what came of it.
pub(super) fn finish(
    context: &Context,
    (repo, undo): (&Repo, &Undo<'_>),
    command: &str,
    done: Result<Report, UndoError>,
    run: Run,
) -> anyhow::Result<Exit> {
    let report = done.map_err(|error| failure(undo, error))?;
    let refused = !report.plan.conflicts.is_empty();
    let partly = !report.plan.left_alone.is_empty();
    if context.json {
        context.terminal.answer(|| undone_json(command, &report, run));
    } else if !refused {
        context.terminal.answer(|| undone_text(&report, run, context.verbose));
    }
    if refused {
        context.terminal.say(|| conflicts_text(&report.plan));
        context.terminal.say(|| report.recovered.iter().map(recovered_text).collect());
    }
    if report.operation.is_some() {
        context.prune_now_and_then(repo);
    }
    Ok(match (refused, partly) {
        (true, _) => Exit::Refused,
        (_, true) => Exit::CouldNotJudge,
        _ => Exit::Fine,
    })
}

/// Gives an error its exit code and hint, and what was dealt with before it.
pub(super) fn failure(undo: &Undo<'_>, error: UndoError) -> anyhow::Error {
    let exit = match &error {
        error if error.is_locked() => Exit::Locked,
        error if error.is_refusal() => Exit::Refused,
        UndoError::Stuck { .. } | UndoError::Unrecorded(_) => Exit::CouldNotJudge,
        _ => Exit::Usage,
    };
    let hint = error.hint().map(str::to_owned);
    let causes = anyhow!(error).chain().map(ToString::to_string).collect::<Vec<_>>().join(": ");
    Failure { hint, recovered: undo.recovered(), ..Failure::new(exit, causes) }.into()
}
