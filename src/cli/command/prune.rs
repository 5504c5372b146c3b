//! `guard log --prune`: what is older than the newest operations goes, with all that belongs to it.

use std::num::NonZeroUsize;

use crate::cli::{Context, Failure};
use crate::hooks::Caller;
use crate::journal::{Journal, JournalError};
use crate::report::{self, Exit};
use crate::routes::Session;
use crate::routes::retention::{self, PruneError};

/// Prunes, or says what would go.
pub(super) fn run(context: &Context, keep: Option<NonZeroUsize>, dry_run: bool) -> anyhow::Result<Exit> {
    let repo = context.repo_looked_at()?;
    let journal = Journal::open(&repo.guard_dir());
    let session = Session { repo: &repo, journal: &journal, now: context.now(), caller: Caller::default() };
    let keep = keep.map(NonZeroUsize::get);
    let done = if dry_run {
        retention::plan(&session, keep).map(|pruning| (pruning, None))
    } else {
        retention::prune(&session, keep).map(|(pruning, pruned)| (pruning, Some(pruned)))
    };
    let (pruning, pruned) = done.map_err(failure)?;
    context.terminal.answer(|| {
        if context.json { report::pruned_json(&pruning, pruned) } else { report::pruned_text(&pruning, pruned) }
    });
    if let Some(why) = &pruning.store_problem {
        context.terminal.say(|| format!("guard: the store was left as it is: {why}; hint: guard doctor\n"));
        return Ok(Exit::CouldNotJudge);
    }
    Ok(Exit::Fine)
}

fn failure(error: PruneError) -> anyhow::Error {
    let exit = match &error {
        PruneError::Disk(error) if error.is_locked() => Exit::Locked,
        PruneError::Journal(JournalError::Newer(_)) => Exit::Refused,
        PruneError::Halfway(_) => Exit::CouldNotJudge,
        _ => Exit::Usage,
    };
    let causes = anyhow::Error::from(error).chain().map(ToString::to_string).collect::<Vec<_>>().join(": ");
    let failure = Failure::new(exit, causes);
    match exit {
        Exit::Refused => failure.hint("install the newer guard; 'guard --version' says which this is").into(),
        Exit::CouldNotJudge => failure.hint("guard log --prune").into(),
        _ => failure.into(),
    }
}
