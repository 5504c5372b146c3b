//! `guard completions` and `guard man`: written from the same description of the arguments that `--help` prints.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::CommandFactory as _;
use serde_json::json;

use crate::cli::{Arguments, Context, Failure};
use crate::disk::{self, Durability};
use crate::report::{self, Exit};

/// Print a script that completes guard's arguments in a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard completions bash > ~/.local/share/bash-completion/completions/guard
  guard completions zsh > ~/.zfunc/_guard
  guard completions fish > ~/.config/fish/completions/guard.fish

Exit codes: 0, 2 usage")]
pub struct Completing {
    /// The shell
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

/// Print a manual page
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard man | man -l -
  guard man restore | man -l -
  guard man -o /usr/local/share/man/man1    all pages

Exit codes: 0, 2 usage")]
pub struct Manual {
    /// The command; the page of guard itself when none is given
    command: Vec<String>,
    /// Write the pages of all commands into this folder
    #[arg(short, long, value_name = "FOLDER", conflicts_with = "command")]
    output: Option<PathBuf>,
}

/// Prints the script.
pub fn completions(context: &Context, arguments: &Completing) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "guard", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    context.terminal.answer(|| if context.json { document("completions", "script", json!(script)) } else { script });
    Exit::Fine
}

/// Prints or writes the pages.
pub fn man(context: &Context, arguments: &Manual) -> anyhow::Result<Exit> {
    let mut command = Arguments::command();
    // Arguments that all commands know are on each page.
    command.build();
    if let Some(folder) = &arguments.output {
        let folder = context.surroundings.folder.join(folder);
        disk::ensure_folder(&folder, 0o755)?;
        let mut pages = Vec::new();
        collect(&command, &mut pages);
        for command in &pages {
            let file = folder.join(format!("{}.1", name(command)));
            disk::write_atomic(&file, page(command)?.as_bytes(), Durability::Lazy, 0o644)?;
        }
        if context.json {
            let names: Vec<String> = pages.iter().map(|command| format!("{}.1", name(command))).collect();
            context.terminal.answer(|| document("man", "files", json!(names)));
        }
        context.terminal.note(|| format!("wrote {} pages\n", pages.len()));
        return Ok(Exit::Fine);
    }
    let mut found = &command;
    for word in &arguments.command {
        found = found.find_subcommand(word).filter(|found| !found.is_hide_set()).ok_or_else(|| {
            let shown = crate::model::escape(word.as_bytes());
            Failure::new(Exit::Usage, format!("there is no command '{shown}'")).hint("guard --help")
        })?;
    }
    let page = page(found)?;
    context.terminal.answer(|| if context.json { document("man", "page", json!(page)) } else { page });
    Ok(Exit::Fine)
}

fn document(command: &str, field: &str, value: serde_json::Value) -> String {
    let mut document = report::json::document(command);
    document.insert(field.to_owned(), value);
    report::json::render(document)
}

/// Lists a command and those beneath it.
fn collect<'c>(command: &'c clap::Command, pages: &mut Vec<&'c clap::Command>) {
    pages.push(command);
    for below in command.get_subcommands().filter(|below| !below.is_hide_set() && below.get_name() != "help") {
        collect(below, pages);
    }
}

/// Returns the name of a command's page: `guard-backup-create`.
fn name(command: &clap::Command) -> &str {
    command.get_display_name().unwrap_or_else(|| command.get_name())
}

fn page(command: &clap::Command) -> anyhow::Result<String> {
    let mut page = Vec::new();
    let titled = clap_mangen::Man::new(command.clone()).title(name(command).to_uppercase());
    titled.render(&mut page).context("the page can't be written")?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}
