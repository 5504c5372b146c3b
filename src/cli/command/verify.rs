//! `guard verify`: are the data files good?

use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::restore::{inside, misnamed};
use super::undo::say_half_done;
use crate::cli::{Context, Failure, Output};
use crate::model::{TreePath, Verdict};
use crate::report::{self, Exit, Report};
use crate::routes::{Verified, Verify, VerifyError};

/// So many versions are listed where nothing is said.
const VERSIONS: usize = 30;

/// Say whether data files are good
///
/// Looks at the files that the manifest's [[data]] entries name, tracked by git or not, and at those that are given, and prints what
/// is wrong with each and where. The manifest is the working tree's, also for older versions; in a bare repository HEAD's. Nothing is
/// changed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard verify                                   all that the manifest names
  guard verify data/emails.json config/
  guard verify --rev HEAD~3
  guard verify --all-versions data/emails.json   the health of a file through its history
  export | guard verify --stdin data/emails.json

Exit codes: 0 good, 1 bad, 2 usage, or no such file, 3 not known: a limit was hit. Of --all-versions the newest version counts")]
pub struct Arguments {
    /// Files, or folders with everything beneath that the manifest names
    paths: Vec<PathBuf>,
    /// Look at this revision instead of the working tree
    #[arg(long, value_name = "REV")]
    rev: Option<String>,
    /// List the versions of one file in the history of HEAD, in reflogs and in backups, newest first
    ///
    /// Along all parents of merges, and along renames.
    #[arg(long, value_name = "PATH", conflicts_with_all = ["paths", "rev", "stdin"])]
    all_versions: Option<PathBuf>,
    /// With --all-versions: so many of them
    #[arg(short = 'n', value_name = "NUMBER", default_value_t = VERSIONS, requires = "all_versions")]
    number: usize,
    /// Read standard input, as if it were this file
    #[arg(long, value_name = "PATH", conflicts_with_all = ["paths", "rev"])]
    stdin: Option<PathBuf>,
    #[command(flatten)]
    pub(super) output: Output,
}

/// Runs the command.
pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let _ = arguments.output.format(context)?;
    let repo = context.repo_looked_at()?;
    say_half_done(context, &repo);
    let verify = Verify::new(&repo).map_err(failure)?;
    let path = |path: &PathBuf| match repo.work_tree() {
        Some(_) => inside(&repo, &context.surroundings.folder, path),
        // In a bare repository paths begin at the top.
        None => Ok(TreePath::from(path.as_os_str().as_bytes())),
    };
    if let Some(file) = &arguments.all_versions {
        let all = verify.versions(&path(file)?, arguments.number).map_err(failure)?;
        let newest: Vec<Verified> = all.first().map(|past| past.file.clone()).into_iter().collect();
        let findings = report::verified_findings(&newest);
        let about = context.about(&repo, crate::model::escape(file.as_os_str().as_encoded_bytes()));
        let report = Report::of_verify(about, &newest, &findings);
        let text = || report::versions_text(&all);
        arguments.output.report(context, &report, text, || report::versions_json(&all))?;
        return Ok(exit(report::verdict_of(&newest)));
    }
    let all = if let Some(file) = &arguments.stdin {
        vec![verify.stream(path(file)?, &mut std::io::stdin().lock()).map_err(failure)?]
    } else {
        let paths = arguments.paths.iter().map(path).collect::<anyhow::Result<Vec<TreePath>>>()?;
        let found = match &arguments.rev {
            Some(revision) => verify.at(revision, &paths),
            None => verify.here(&paths),
        };
        let start = &context.surroundings.folder;
        found.map_err(|error| misnamed(failure(error), (&repo, start), ("verify", &arguments.paths)))?
    };
    let findings = report::verified_findings(&all);
    let of = arguments.rev.as_deref().unwrap_or(if arguments.stdin.is_some() { "stdin" } else { "the working tree" });
    let about = context.about(&repo, crate::model::escape(of.as_bytes()));
    let report = Report::of_verify(about, &all, &findings);
    arguments.output.report(context, &report, || report::verified_text(&all), || report::verified_json(&all))?;
    Ok(exit(report::verdict_of(&all)))
}

const fn exit(verdict: Verdict) -> Exit {
    match verdict {
        Verdict::Block => Exit::Blocked,
        Verdict::CouldNotJudge => Exit::CouldNotJudge,
        Verdict::Pass | Verdict::Warn => Exit::Fine,
    }
}

fn failure(error: VerifyError) -> anyhow::Error {
    match error {
        VerifyError::Git(error) => error.into(),
        other => Failure::new(Exit::Usage, other.to_string()).into(),
    }
}
