//! `guard doctor`: does it work here?

use crate::cli::Context;
use crate::hooks::Caller;
use crate::journal::Journal;
use crate::report::{self, Exit};
use crate::routes::Session;
use crate::routes::doctor::{self, Health};

/// Prove that the hooks fire, that journal and store are whole and that data is backed up
///
/// It looks at the hooks that git would really run, and merges in a scratch repository with them. An undo that was interrupted
/// is finished, or everything is put back.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard doctor
  guard doctor --json

Exit codes: 0 everything works (notes included), 1 something does not, 2 no repository")]
pub struct Arguments {}

/// Runs the command.
pub fn run(context: &Context, _arguments: &Arguments) -> anyhow::Result<Exit> {
    let repo = context.repo_looked_at()?;
    let journal = Journal::open(&repo.guard_dir());
    let session = Session { repo: &repo, journal: &journal, now: context.now(), caller: Caller::default() };
    // Where it is not known, its name has to do: nothing is installed here.
    let program = context.surroundings.program().unwrap_or_else(|_| "guard".into());
    let found = doctor::doctor(&session, &program)?;
    let bad = found.checks.iter().any(|check| check.health == Health::Bad);
    context.terminal.answer(|| if context.json { report::doctor_json(&found) } else { report::doctor_text(&found) });
    Ok(if bad { Exit::Blocked } else { Exit::Fine })
}
