//! `guard runbook`: the written recovery procedure.

use std::path::{Path, PathBuf};

use clap::{CommandFactory as _, FromArgMatches as _};

use crate::cli::{Context, Failure};
use crate::disk::{self, Durability};
use crate::report::{self, Exit};
use crate::routes::{self, RunbookError};
use crate::runbook;

/// Write this repository's recovery procedure
///
/// From the manifest and the catalogue of incidents: what to do, step by step, for somebody who has never seen it. The file stays
/// the same until one of them changes, so it can be checked in; when incidents were rehearsed last, and how that went, is printed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard runbook                     writes docs/recovery_procedure.md
  guard runbook -o RUNBOOK.md
  guard runbook --check             in CI: is the file what would be written, and is it sound?

Exit codes: 0 fine, 1 the file is not what would be written or something is wrong with it, 2 usage")]
pub struct Arguments {
    /// Compare the file with what would be written, and look for what is wrong with it; nothing is written
    #[arg(long)]
    check: bool,
    /// The file, from the top of the working tree
    #[arg(short, long, value_name = "FILE", default_value = runbook::FILE)]
    output: PathBuf,
}

/// Runs the command.
pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let repo = context.repo_looked_at()?;
    let grounds = routes::grounds(&repo).map_err(failure)?;
    let page = runbook::page(&grounds.manifest, &grounds.tracked);
    let file = repo.need_work_tree()?.join(&arguments.output);
    let shown = crate::model::escape(arguments.output.as_os_str().as_encoded_bytes());
    let mut wrong = runbook::faults(&grounds.manifest, &page);
    wrong.extend(runbook::commands(&page).iter().filter_map(|line| unparsed(line)));
    if arguments.check {
        if read(&file).as_deref() != Some(page.as_bytes()) {
            wrong.insert(0, format!("'{shown}' is not what 'guard runbook' would write"));
        }
    } else {
        if let Some(folder) = file.parent() {
            disk::ensure_folder(folder, 0o777)?;
        }
        disk::write_atomic(&file, page.as_bytes(), Durability::Fsync, 0o666)?;
    }
    let practice = routes::practice(&repo);
    let every = grounds.manifest.runbook.drill_every;
    context.terminal.answer(|| {
        if context.json {
            report::runbook_json(&shown, arguments.check, &wrong, &practice)
        } else {
            report::runbook_text(&shown, arguments.check, &wrong, &practice, every, context.now())
        }
    });
    Ok(if arguments.check && !wrong.is_empty() { Exit::Blocked } else { Exit::Fine })
}

fn read(file: &Path) -> Option<Vec<u8>> {
    std::fs::read(file).ok()
}

/// Says what is wrong with a command of the page, if it is none of this program's.
fn unparsed(line: &str) -> Option<String> {
    // What stands for something is a word like any other, but numbers have to be numbers.
    let words = runbook::words(line).into_iter().map(|word| if word == "..." { "x".to_owned() } else { word });
    let matches = crate::cli::Arguments::command().try_get_matches_from(words);
    let parsed = matches.and_then(|mut matches| crate::cli::Arguments::from_arg_matches_mut(&mut matches));
    match parsed {
        Err(error) if error.use_stderr() => {
            let why = error.to_string();
            let why = why.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
            Some(format!("'{line}' is no command: {why}"))
        }
        _ => None,
    }
}

fn failure(error: RunbookError) -> anyhow::Error {
    match error {
        RunbookError::Manifest(what) => Failure::new(Exit::Usage, what).into(),
        RunbookError::Git(error) => error.into(),
    }
}
