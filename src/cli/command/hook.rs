//! `guard hook <name>`: what the installed hooks call.
//!
//! Its exit status is git's to act on: 0 pass, warn, or could not judge under policy `warn`; 1 block; 3 could not
//! judge under policy `block`; hooks that run after the fact always end with 0. Whatever happens inside, panics
//! included, git keeps working.

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::cli::Context;
use crate::git::{self, Deadline, GitError, Repo};
use crate::hooks::{self, Caller, Event};
use crate::journal::Journal;
use crate::manifest::OnFailure;
use crate::model::{Hook, Verdict};
use crate::report::{self, Exit};
use crate::routes::{self, Answer, Session};

/// Called by the installed hooks
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// git's name of the hook
    name: String,
    /// What git passes to it
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

/// Runs a hook.
pub fn run(context: &Context, arguments: &Arguments) -> Exit {
    let Some(hook) = Hook::by_name(&arguments.name) else {
        // A shim of a newer guard: nothing that we know how to judge.
        return Exit::Fine;
    };
    let environment = &context.surroundings.environment;
    let event = hooks::decode(hook, &arguments.arguments, environment, &mut std::io::stdin().lock());
    if event == Event::Nothing {
        return Exit::Fine;
    }
    let judges = matches!(
        event,
        Event::Gate { .. }
            | Event::MergeResult { .. }
            | Event::CommitResult
            | Event::Pushing { .. }
            | Event::Receiving { .. }
    );
    let answered = catch_unwind(AssertUnwindSafe(|| answer(context, event)));
    let answered =
        answered.unwrap_or_else(|_| Err(GitError::Unsupported("an internal error (please report it)".into())));
    match answered {
        Ok(Some(answer)) => {
            if !answer.is_silent() {
                context.terminal.say(|| report::answer(&answer));
            }
            exit(hook, &answer)
        }
        Ok(None) => Exit::Fine,
        Err(error) => failed(context, hook, judges, &error),
    }
}

fn answer(context: &Context, event: Event) -> Result<Option<Answer>, GitError> {
    let surroundings = &context.surroundings;
    let deadline = Deadline::after(surroundings.hook_limit());
    let repo = Repo::of_hook(&surroundings.folder, surroundings.environment.clone(), deadline)?;
    let journal = Journal::open(&repo.guard_dir());
    let caller = Caller::read(&git::calling_git());
    let session = Session { repo: &repo, journal: &journal, now: context.now(), caller };
    routes::answer(&session, event)
}

fn exit(hook: Hook, answer: &Answer) -> Exit {
    match answer.verdict {
        _ if hook.is_after() || !answer.refuses() => Exit::Fine,
        Verdict::CouldNotJudge => Exit::CouldNotJudge,
        _ => Exit::Blocked,
    }
}

/// Says that it could not judge (where that matters), and follows the policy. The repository is opened anew: the time
/// limit of the first one may be over.
fn failed(context: &Context, hook: Hook, judges: bool, error: &GitError) -> Exit {
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    let why = causes.map(ToString::to_string).collect::<Vec<_>>().join(": ");
    if !judges {
        context.terminal.say(|| format!("guard: {} was not recorded: {why}\n", hook.name()));
        return Exit::Fine;
    }
    let surroundings = &context.surroundings;
    let repo = Repo::of_hook(
        &surroundings.folder,
        surroundings.environment.clone(),
        Deadline::after(surroundings.hook_limit()),
    );
    let policy = |repo: &Repo| match hook {
        Hook::PreReceive => routes::on_failure_of_server(repo).unwrap_or(OnFailure::Block),
        _ => routes::on_failure(repo),
    };
    let blocks = repo.as_ref().map_or(hook == Hook::PreReceive, |repo| policy(repo) == OnFailure::Block);
    let next = if blocks { "refused, as on_failure says; next: guard doctor" } else { "git goes on" };
    context.terminal.say(|| format!("guard: could not judge: {why}; {next}\n"));
    if blocks { Exit::CouldNotJudge } else { Exit::Fine }
}
