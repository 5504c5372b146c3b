//! `guard init`: a first manifest.

use serde_json::json;

use super::install::shown;
use crate::cli::{Context, Failure};
use crate::disk::{self, DiskError, Durability};
use crate::manifest;
use crate::report::{self, Exit};

/// Write a first manifest from what this repository contains
///
/// The configuration, data, scripts and pipelines that git tracks are proposed in '.recoveryguard.toml', with comments.
/// An existing manifest is never overwritten.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard init --dry-run
  guard init && git add .recoveryguard.toml && git commit -m 'Say what merges must not damage'

Exit codes: 0 fine, 2 environment error, 4 refused (there is a manifest already, or no working tree)")]
pub struct Arguments {
    /// Print the manifest and write nothing
    #[arg(long, short = 'n')]
    dry_run: bool,
}

/// Runs the command.
pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let repo = context.repo()?;
    let bare = |error: crate::git::GitError| {
        Failure::new(Exit::Refused, error.to_string())
            .hint("run it in a clone of this repository, and push what it wrote")
    };
    let top = repo.need_work_tree().map_err(bare)?;
    let place = top.join(manifest::FILE);
    let entries = repo.index_entries(&repo.index_file())?;
    // A path in conflict has up to three entries.
    let mut paths: Vec<_> = entries.into_iter().map(|entry| entry.path).collect();
    paths.dedup();
    let text = manifest::starter(&paths);
    if arguments.dry_run {
        refuse_existing(place.symlink_metadata().is_ok())?;
    } else {
        match disk::create_new(&place, text.as_bytes(), Durability::Lazy, 0o666) {
            Err(DiskError::Exists(_)) => refuse_existing(true)?,
            written => written?,
        }
    }
    context.terminal.answer(|| {
        if context.json {
            let mut document = report::json::document("init");
            document.insert("dry_run".into(), json!(arguments.dry_run));
            document.insert("path".into(), json!(shown(&place)));
            document.insert("manifest".into(), json!(text));
            return report::json::render(document);
        }
        if arguments.dry_run {
            return text;
        }
        let file = manifest::FILE;
        format!(
            "Wrote '{}'. It counts once it is committed:\n  git add {file} && git commit -m 'Add {file}'\n",
            shown(&place)
        )
    });
    Ok(Exit::Fine)
}

fn refuse_existing(exists: bool) -> Result<(), Failure> {
    if !exists {
        return Ok(());
    }
    let file = manifest::FILE;
    Err(Failure::new(Exit::Refused, format!("'{file}' exists already and is not overwritten"))
        .hint(format!("edit it, or for a new one first: git mv {file} {file}.old")))
}
