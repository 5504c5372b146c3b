//! In which format an answer is given, and where to.

use std::path::PathBuf;

use super::{Context, Failure, Terminal};
use crate::disk::{self, Durability};
use crate::report::{self, Exit, Report};

/// The formats of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people, in a terminal
    Text,
    /// One document: docs/json.md
    Json,
    /// SARIF 2.1.0, for code scanning and editors
    Sarif,
    /// Annotations and a step summary for GitHub Actions
    Github,
    /// GitLab's code quality report
    Gitlab,
    /// A page to look at, in one file
    Html,
}

/// The arguments that choose them.
#[derive(Debug, Clone, clap::Args)]
pub struct Output {
    /// How the answer is written: docs/formats.md
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,
    /// Write the answer to this file instead of stdout: whole or not at all
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Output {
    /// Returns the same with another format where none was chosen.
    #[must_use]
    pub fn or(&self, format: Option<Format>) -> Self {
        Self { format: self.format.or(format), output: self.output.clone() }
    }

    /// Returns whether a document was chosen.
    pub fn is_json(&self) -> bool {
        self.format == Some(Format::Json)
    }

    /// Returns the format; `--json` is another way to say `--format json`.
    pub fn format(&self, context: &Context) -> Result<Format, Failure> {
        match self.format {
            None if context.json => Ok(Format::Json),
            None => Ok(Format::Text),
            Some(Format::Json) => Ok(Format::Json),
            Some(_) if context.json => {
                Err(Failure::new(Exit::Usage, "'--json' and another '--format' exclude each other"))
            }
            Some(format) => Ok(format),
        }
    }

    /// Gives the answer that `render` makes. The file is replaced when all is well, and stays as it is otherwise.
    pub fn answer(&self, context: &Context, render: impl FnOnce() -> String) -> anyhow::Result<()> {
        let Some(file) = &self.output else {
            context.terminal.answer(render);
            return Ok(());
        };
        let path = context.surroundings.folder.join(file);
        let shown = crate::model::escape(file.as_os_str().as_encoded_bytes());
        // A device or a link would itself be replaced, not written to.
        if path.symlink_metadata().is_ok_and(|there| !there.is_file()) {
            return Err(Failure::new(Exit::Usage, format!("'{shown}' is no ordinary file")).into());
        }
        disk::write_atomic(&path, Terminal::plain(render).as_bytes(), Durability::Fsync, 0o666)?;
        context.terminal.note(|| format!("wrote '{shown}'\n"));
        Ok(())
    }

    /// Gives a report; text and the document are the command's own. GitHub's summary is added to the file that it names.
    pub fn report(
        &self,
        context: &Context,
        report: &Report<'_>,
        text: impl FnOnce() -> String,
        json: impl FnOnce() -> String,
    ) -> anyhow::Result<()> {
        let format = self.format(context)?;
        self.answer(context, || match format {
            Format::Text => text(),
            Format::Json => json(),
            Format::Sarif => report::sarif(report),
            Format::Github => report::github(report),
            Format::Gitlab => report::gitlab(report),
            Format::Html => report::page(report),
        })?;
        if let (Format::Github, Some(file)) = (format, context.surroundings.environment.get("GITHUB_STEP_SUMMARY")) {
            let file = context.surroundings.folder.join(file);
            if let Err(error) = disk::append_line(&file, report::github_summary(report).as_bytes()) {
                context.terminal.say(|| format!("guard: the step's summary was not written: {error}\n"));
            }
        }
        Ok(())
    }
}
