//! Arguments, environment, terminal; one file a command, each a thin wrapper.

mod command;
mod env;
#[cfg(test)]
mod exit_codes_tests;
mod failure;
mod output;
mod terminal;
mod typed;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

pub use env::Surroundings;
pub use failure::Failure;
pub use output::{Format, Output};
pub use terminal::{Color, Terminal};

use crate::git::{Deadline, GitError, Repo};
use crate::hooks;
use crate::journal::Journal;
use crate::model::Timestamp;
use crate::report::{About, Exit, Failed};
use crate::routes::{self, Session};

/// Judges git merges before they touch a file, and takes bad ones back without losing work.
#[derive(Debug, Parser)]
#[command(name = "guard", bin_name = "guard", version = VERSION, max_term_width = 100)]
#[command(arg_required_else_help = true, after_help = EXIT_CODES)]
struct Arguments {
    /// Run as if started in this folder
    #[arg(short = 'C', value_name = "PATH", global = true)]
    folder: Option<PathBuf>,
    /// Print one JSON document instead of text
    #[arg(long, global = true)]
    json: bool,
    /// Colour the output
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto", global = true)]
    color: Color,
    /// Print answers and errors only
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Say more
    #[arg(short, long, global = true)]
    verbose: bool,
    /// Append one line an action (UTC, what, result) to this file
    #[arg(long, value_name = "FILE", global = true)]
    log: Option<PathBuf>,
    #[command(subcommand)]
    command: command::Command,
}

/// The version as `--version` prints it: the hooks know us by the word in parentheses, because other programs are called
/// `guard` too.
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (RecoveryGuard)");

const EXIT_CODES: &str = "\
Exit codes:
  0    fine (warnings included; --strict makes them 1)
  1    findings that block
  2    usage, manifest or environment error
  3    could not judge, or done only in part (said which)
  4    refused and nothing changed
  5    locked by another process
  130  interrupted";

/// What every command gets.
pub struct Context {
    /// Environment, folder, clock.
    pub surroundings: Surroundings,
    /// Where to print.
    pub terminal: Terminal,
    /// Whether to print one JSON document.
    pub json: bool,
    /// Whether to say more.
    pub verbose: bool,
}

impl Context {
    /// Finds the repository as git does.
    pub fn repo(&self) -> Result<Repo, Failure> {
        let found = Repo::discover(&self.surroundings.folder, self.surroundings.environment.clone(), Deadline::never());
        let repo = found.map_err(|error| {
            let failure = Failure::new(Exit::Usage, error.to_string());
            match error {
                GitError::NoRepository { way_out, .. } => Failure { hint: way_out, ..failure },
                _ => failure,
            }
        })?;
        if repo.guard_dir().join(hooks::MISSED).exists() {
            self.terminal.note(|| "guard: hooks could not run guard lately: see 'guard doctor'\n".to_owned());
        }
        if hooks::was_moved(&repo) {
            let text = "guard: this repository was moved or copied: hooks do not run here until 'guard install'\n";
            self.terminal.note(|| text.to_owned());
        }
        Ok(repo)
    }

    /// The same, and compares its branches with the journal first: what no hook saw is recorded.
    pub fn repo_looked_at(&self) -> Result<Repo, Failure> {
        let repo = self.repo()?;
        self.look_at(&repo, routes::seen::look);
        Ok(repo)
    }

    /// Compares the branches with the journal.
    fn look_at(&self, repo: &Repo, look: impl FnOnce(&Session<'_>) -> Result<(), GitError>) {
        let journal = Journal::open(&repo.guard_dir());
        let session = Session { repo, journal: &journal, now: self.now(), caller: hooks::Caller::default() };
        if let Err(error) = look(&session) {
            self.terminal.note(|| format!("guard: could not compare the branches with the journal: {error}\n"));
        }
    }

    /// Says what a report is about.
    pub fn about(&self, repo: &Repo, range: String) -> About {
        let top = repo.work_tree().unwrap_or_else(|| repo.common_dir());
        let top = top.canonicalize().unwrap_or_else(|_| top.to_owned());
        let name = top.file_name().unwrap_or_default();
        About { repository: crate::model::escape(name.as_encoded_bytes()), range, at: self.now() }
    }

    /// Forgets what is old, each so many operations.
    fn prune_now_and_then(&self, repo: &Repo) {
        let journal = Journal::open(&repo.guard_dir());
        let session = Session { repo, journal: &journal, now: self.now(), caller: hooks::Caller::default() };
        routes::retention::now_and_then(&session);
    }

    /// Returns the time.
    pub fn now(&self) -> Timestamp {
        self.surroundings.now()
    }
}

/// Runs the program.
pub fn main() -> ExitCode {
    let mut surroundings = Surroundings::read();
    crate::disk::fail_over_limit();
    let (arguments, command) = match typed::parse() {
        Ok(typed) => typed,
        Err(unusable) => return unusable.say(&surroundings),
    };
    crate::disk::fail_after(surroundings.fault());
    if let Some(folder) = &arguments.folder {
        surroundings.folder = surroundings.folder.join(folder);
    }
    let terminal = Terminal::new(arguments.color, arguments.quiet, &surroundings.environment);
    let json = arguments.json || arguments.command.answers_in_json();
    let context = Context { surroundings, terminal, json, verbose: arguments.verbose };
    let ended = arguments.command.run(&context);
    let exit = ended.unwrap_or_else(|error| fail(&context, &command, &error));
    let exit = match context.terminal.unwritten() {
        Some(why) => {
            context.terminal.say(|| format!("guard: the answer was not written: {why}\n"));
            if exit == Exit::Fine { Exit::Usage } else { exit }
        }
        None => exit,
    };
    if let Some(file) = &arguments.log {
        let line = format!("{} {} exit {}\n", context.now().iso(), command.name, exit.code());
        let file = context.surroundings.folder.join(file);
        if let Err(error) = crate::disk::append_line(&file, line.as_bytes()) {
            context.terminal.say(|| format!("guard: the log was not written: {error}\n"));
        }
    }
    ExitCode::from(exit.code())
}

/// Says why a command failed: to people, and in a document where one was asked for and the command gave none.
fn fail(context: &Context, command: &typed::Typed, error: &anyhow::Error) -> Exit {
    let told = failure::told(error, &command.name);
    if context.json && !context.terminal.has_answered() {
        let document = Failed {
            command: &command.name,
            failure: &told.message,
            hint: told.hint.as_deref(),
            exit: told.exit,
            dry_run: command.dry_run,
            recovered: &told.recovered,
        };
        context.terminal.answer(|| document.json());
    }
    context.terminal.say(|| failure::render(&told));
    told.exit
}
