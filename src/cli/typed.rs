//! The command line as it was typed: which command it names, and what is wrong with it.

use std::ffi::{OsStr, OsString};
use std::process::ExitCode;

use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _};

use super::{Arguments, Color, Surroundings, Terminal};
use crate::report::{Exit, Failed};

/// The command that was typed.
#[derive(Debug, Default)]
pub(super) struct Typed {
    /// Its name, as its document has it: `check`, `backup create`; empty where none was named.
    pub(super) name: String,
    /// Whether it was only asked what it would do; `None` of a command that changes nothing.
    pub(super) dry_run: Option<bool>,
}

impl Typed {
    fn of(mut matches: &ArgMatches) -> Self {
        let (tree, mut names) = (Arguments::command(), Vec::new());
        let mut command = &tree;
        // What a command only may be followed by (`explain incident`) does not make it another one.
        while let (true, Some((name, below))) = (command.is_subcommand_required_set(), matches.subcommand()) {
            let Some(found) = command.find_subcommand(name) else { break };
            names.push(name);
            (command, matches) = (found, below);
        }
        Self { name: names.join(" "), dry_run: matches.try_get_one("dry_run").ok().flatten().copied() }
    }
}

/// Reads the command line.
pub(super) fn parse() -> Result<(Arguments, Typed), Unusable> {
    let words: Vec<OsString> = std::env::args_os().collect();
    let parsed = Arguments::command().try_get_matches_from(&words).and_then(|matches| {
        let arguments = Arguments::from_arg_matches(&matches).map_err(|error| error.format(&mut Arguments::command()));
        Ok((arguments?, Typed::of(&matches)))
    });
    parsed.map_err(|error| Unusable { error, words })
}

/// A command line that asks for nothing that can be done, or for help.
#[derive(Debug)]
pub(super) struct Unusable {
    error: clap::Error,
    words: Vec<OsString>,
}

impl Unusable {
    /// Says what is wrong, also in a document where one was asked for, or gives the help.
    pub(super) fn say(&self, surroundings: &Surroundings) -> ExitCode {
        // Help and version go to stdout with 0, usage errors to stderr with 2; a closed stream is no error.
        if !self.error.use_stderr() {
            let _ = self.error.print();
            return ExitCode::from(Exit::Fine.code());
        }
        if self.wants_json() {
            let terminal = Terminal::new(Color::Never, false, &surroundings.environment);
            terminal.answer(|| self.document());
        }
        let _ = self.error.print();
        ExitCode::from(Exit::Usage.code())
    }

    /// The rest of a wrong line is not parsed, so the words themselves are looked at.
    fn wants_json(&self) -> bool {
        let mut words = self.words.iter().map(OsString::as_os_str).take_while(|word| *word != "--").peekable();
        while let Some(word) = words.next() {
            let next = words.peek().copied();
            if word == "--json" || word == "--format=json" || word == "--format" && next == Some(OsStr::new("json")) {
                return true;
            }
        }
        false
    }

    fn document(&self) -> String {
        let lenient = Arguments::command().ignore_errors(true).try_get_matches_from(&self.words);
        let name = lenient.map(|matches| Typed::of(&matches).name).unwrap_or_default();
        // The first paragraph: what is wrong, and a list of what is missing; then come advice and usage.
        let text = self.error.render().to_string();
        let what = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ");
        let failure = what.split_whitespace().collect::<Vec<_>>().join(" ");
        let help = if name.is_empty() { "guard --help".to_owned() } else { format!("guard {name} --help") };
        let (failure, hint) = (&failure[..], Some(&help[..]));
        Failed { command: &name, failure, hint, exit: Exit::Usage, dry_run: None, recovered: &[] }.json()
    }
}
