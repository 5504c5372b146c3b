//! `guard drill`: rehearse incidents.

use std::io::IsTerminal;
use std::path::PathBuf;

use crate::cli::terminal::overwrite;
use crate::cli::{Context, Failure, Terminal};
use crate::disk::{self, Durability};
use crate::drill::{self, REGISTER, Scenario, Surroundings};
use crate::git::{Deadline, Repo};
use crate::report::{self, Exit};
use crate::routes::{self, DrillError, Drills};

/// Rehearse incidents, and prove that one gets out of them
///
/// Each drill breaks a scratch copy of this repository in a chosen way, runs the written recovery, measures it, and compares every
/// byte with what was there before. Where the manifest names no file of the kind that an incident happens to, and outside of
/// repositories, the built-in sample is used. Nothing in this repository is touched but for a receipt; no network is used.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard drill                                all incidents
  guard drill json-truncated merge-deletes
  guard drill --random 3                     a surprise
  guard drill --report drills.md
  guard drill --list                         the names of the incidents
  guard explain incident merge-deletes       what it is and how one gets out of it

Exit codes: 0 all passed, 1 not all of them did, 2 usage")]
pub struct Arguments {
    /// Incidents; all when none is given
    #[arg(value_name = "INCIDENT")]
    scenarios: Vec<String>,
    /// Print the incidents' names, one a line, and nothing else
    #[arg(long, conflicts_with_all = ["scenarios", "random", "report"])]
    list: bool,
    /// So many incidents, chosen at random
    #[arg(long, value_name = "NUMBER", conflicts_with = "scenarios")]
    random: Option<usize>,
    /// Choose incidents and files as in the run that named this seed
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// Write a report to this file: Markdown, or a page where its name ends in .html
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Keep the scratch folder and say where it is
    #[arg(long)]
    keep: bool,
}

/// Runs the command.
pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    if arguments.list {
        let names = REGISTER.iter().map(|scenario| scenario.name);
        context.terminal.answer(|| {
            if context.json { report::scenarios_json(names) } else { names.map(|name| format!("{name}\n")).collect() }
        });
        return Ok(Exit::Fine);
    }
    if let Some(file) = &arguments.report {
        // Said before anything takes its time.
        let path = context.surroundings.folder.join(file);
        if path.parent().is_some_and(|folder| !folder.is_dir()) {
            let shown = crate::model::escape(file.as_os_str().as_encoded_bytes());
            return Err(Failure::new(Exit::Usage, format!("there is no folder for '{shown}'")).into());
        }
    }
    if arguments.random == Some(0) {
        return Err(Failure::new(Exit::Usage, "none of the incidents is no drill").into());
    }
    let now = context.now();
    let seed = arguments.seed.unwrap_or(now.0);
    let scenarios = chosen(arguments, seed)?;
    let surroundings = &context.surroundings;
    // Outside of a repository the sample is all there is.
    let found = Repo::discover(&surroundings.folder, surroundings.environment.clone(), Deadline::never()).ok();
    let drills = Drills {
        repo: found.as_ref(),
        temporary: surroundings.temporary_folder(),
        surroundings: Surroundings {
            environment: surroundings.environment.clone(),
            guard: std::env::current_exe()?,
            now: now.0,
        },
        seed,
        keep: arguments.keep,
        scenarios,
    };
    let all = drills.scenarios.len();
    let shows = std::io::stderr().is_terminal() && !context.terminal.quiet;
    let progress = |done: usize| {
        if shows {
            overwrite(&format!("rehearsed {done} of {all}"));
        }
    };
    progress(0);
    let drilled = routes::drill(&drills, &progress);
    if shows {
        overwrite("");
    }
    let drilled = drilled.map_err(failure)?;
    context.terminal.answer(|| {
        if context.json { report::drilled_json(&drilled) } else { report::drilled_text(&drilled, context.verbose) }
    });
    if let Some(file) = &arguments.report {
        let path = surroundings.folder.join(file);
        let is_page = file.extension().is_some_and(|extension| extension == "html");
        let text =
            Terminal::plain(
                || if is_page { report::drilled_page(&drilled) } else { report::drilled_markdown(&drilled) },
            );
        disk::write_atomic(&path, text.as_bytes(), Durability::Fsync, 0o666)?;
        context.terminal.note(|| format!("wrote '{}'\n", crate::model::escape(file.as_os_str().as_encoded_bytes())));
    }
    Ok(if drilled.passed() { Exit::Fine } else { Exit::Blocked })
}

fn chosen(arguments: &Arguments, seed: u64) -> anyhow::Result<Vec<&'static Scenario>> {
    if let Some(number) = arguments.random {
        return Ok(drill::at_random(number, seed));
    }
    if arguments.scenarios.is_empty() {
        return Ok(REGISTER.to_vec());
    }
    let named = |name: &String| {
        drill::scenario(name).ok_or_else(|| {
            let shown = crate::model::escape(name.as_bytes());
            Failure::new(Exit::Usage, format!("there is no incident '{shown}'")).hint("guard drill --list").into()
        })
    };
    arguments.scenarios.iter().map(named).collect()
}

fn failure(error: DrillError) -> anyhow::Error {
    match error {
        DrillError::Manifest(what) => Failure::new(Exit::Usage, what).into(),
        DrillError::NoFolder(_) => Failure::new(Exit::Usage, error.to_string()).into(),
        other => other.into(),
    }
}
