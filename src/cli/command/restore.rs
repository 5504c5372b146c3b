//! `guard restore`.

use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use super::undo::{failure, finish, run_of};
use crate::cli::{Context, Failure};
use crate::git::Repo;
use crate::model::TreePath;
use crate::report::{Exit, conflicts_text, copied_json, copied_text, last_good_json, last_good_text, walk_text};
use crate::routes::{self, LastGoodError, LostError};
use crate::rules;
use crate::undo::{Run, Undo};

/// Bring files back: to their newest good version, or as they were before an operation or in a revision
///
/// Without --from each file is examined as its [[data]] entry asks (without one, by its extension), and where it is not good, so is
/// every version that history, reflogs, operations and backups have, newest first: the first good one comes back, with a count of
/// the records that going back loses. Only the files change, not the index. What stands there now is saved first, so that 'guard
/// restore --undo' brings it back.
/// A file that was uncommitted before an operation comes back byte for byte if it was saved then: 'guard show' tells.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard restore data/emails.json --dry-run                  which version is good, and what going back loses
  guard restore data/emails.json                            back to it
  guard restore config.toml --from 20261122-224531-3fa9c1   as before that operation
  guard restore data/ --from HEAD~3 --dry-run               everything beneath data/, show only
  guard restore config.toml --from 20261122-224531-3fa9c1 --to /tmp/then
  guard restore --lost 1a2b3c4 --dry-run                    what that merge lost, back on top of today's state
  guard restore --lost 1a2b3c4 src/parser.c                 of one file only
  guard restore --lost 1a2b3c4 --markers src/parser.c       with conflict markers where yours overlap
  guard restore --undo                                      take the last restore back

Exit codes: 0 done, or good as it stands; 2 usage; 3 done but not recorded yet, or not good afterwards; 4 refused and nothing
changed: no version is good, or something would be lost; 5 locked by another process")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct Arguments {
    /// Files, or folders with everything beneath
    #[arg(required_unless_present_any = ["undo", "lost"])]
    paths: Vec<PathBuf>,
    /// An operation of 'guard log': as before it. Or a revision: as in it
    #[arg(long, value_name = "OPERATION|REVISION")]
    from: Option<String>,
    /// Back to the newest good version: what happens without --from
    #[arg(long, conflicts_with_all = ["from", "to", "lost", "undo"])]
    last_good: bool,
    /// Write copies into this folder instead; no file there is overwritten
    #[arg(long, value_name = "FOLDER", requires = "from")]
    to: Option<PathBuf>,
    /// Make what a merge lost again, on top of what stands there now
    ///
    /// 'guard audit' lists such merges. The changes are merged into the files as they are: later edits stay, and where both
    /// overlap yours stay too, with a note. Without paths: everything that the audit finds lost.
    #[arg(long, value_name = "MERGE", conflicts_with_all = ["from", "to", "undo"])]
    lost: Option<String>,
    /// With --lost: where both overlap, leave conflict markers in the file instead of leaving that out
    #[arg(long, requires = "lost")]
    markers: bool,
    /// Take the last restore of this worktree back
    #[arg(long, conflicts_with_all = ["paths", "from", "to"])]
    undo: bool,
    /// Say what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// Runs `guard restore`.
pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let run = run_of(arguments.dry_run);
    let repo = context.repo_looked_at()?;
    let undo = Undo::new(&repo, context.now());
    let start = &context.surroundings.folder;
    let paths = arguments.paths.iter().map(|path| inside(&repo, start, path)).collect::<Result<Vec<_>, _>>()?;
    if let Some(merge) = &arguments.lost {
        return lost(context, &repo, (merge, &paths), arguments);
    }
    let Some(from) = &arguments.from else {
        return if arguments.undo {
            finish(context, &repo, "restore", undo.undo_restore(run), run)
        } else {
            last_good(context, &repo, &paths, run)
        };
    };
    let Some(folder) = &arguments.to else {
        return finish(context, &repo, "restore", undo.restore(&paths, from, run), run);
    };
    let written = undo.restore_to(&paths, from, &start.join(folder), run).map_err(failure)?;
    let dry = run == Run::Dry;
    context.terminal.answer(|| {
        if context.json { copied_json(&written, from, folder, dry) } else { copied_text(&written, folder, dry) }
    });
    Ok(Exit::Fine)
}

/// Brings files back to their newest good version.
fn last_good(context: &Context, repo: &Repo, paths: &[TreePath], run: Run) -> anyhow::Result<Exit> {
    let found = routes::last_good(repo, paths, context.now(), run).map_err(|error| match error {
        LastGoodError::Undo(error) => failure(error),
        LastGoodError::NoneGood(path, walk) => {
            context.terminal.say(|| walk_text(&path, &walk, context.verbose));
            Failure::new(Exit::Refused, format!("no good version of '{path}' is known; nothing was changed")).into()
        }
        error @ (LastGoodError::NoFile { .. } | LastGoodError::NeverSeen(_)) => {
            Failure::new(Exit::Refused, error.to_string()).into()
        }
        LastGoodError::Git(error) => anyhow::Error::from(error),
        error => anyhow::Error::from(error),
    })?;
    if let Some(report) = found.report.as_ref().filter(|report| !report.plan.conflicts.is_empty()) {
        context.terminal.say(|| conflicts_text(&report.plan));
        return Ok(Exit::Refused);
    }
    context.terminal.answer(|| {
        if context.json { last_good_json(&found, run) } else { last_good_text(&found, run, context.verbose) }
    });
    if found.report.as_ref().is_some_and(|report| report.operation.is_some()) {
        context.prune_now_and_then(repo);
    }
    let is_good = found.files.iter().all(|file| file.still.is_none());
    Ok(if is_good { Exit::Fine } else { Exit::CouldNotJudge })
}

/// Makes what a merge lost again.
fn lost(
    context: &Context,
    repo: &Repo,
    (merge, paths): (&str, &[TreePath]),
    arguments: &Arguments,
) -> anyhow::Result<Exit> {
    let (run, markers) = (run_of(arguments.dry_run), arguments.markers);
    let mut found = routes::lost(repo, merge, paths);
    if matches!(found, Err(LostError::NotThere { .. })) {
        // Findings name paths from the top.
        let from_top = |path: &PathBuf| TreePath::from(path.as_os_str().as_bytes());
        found = routes::lost(repo, merge, &arguments.paths.iter().map(from_top).collect::<Vec<_>>()).or(found);
    }
    let (commit, lost, unclear) = found.map_err(|error| match error {
        LostError::Git(error) => anyhow::Error::from(error),
        LostError::NoMerge(_) => Failure::new(Exit::Usage, error.to_string()).hint("guard audit").into(),
        error => Failure::new(Exit::Refused, error.to_string()).into(),
    })?;
    let why = format!("what {} lost", commit.short());
    let report = Undo::new(repo, context.now()).restore_changes(&lost, markers, &why, run).map_err(failure)?;
    let plan = report.plan.clone();
    let exit = finish(context, repo, "restore", Ok(report), run)?;
    for path in unclear.iter().take(LISTED) {
        let see = format!("git show --cc {}", commit.short());
        context.terminal.say(|| format!("guard: what is missing from '{path}' is not known; look at: {see}\n"));
    }
    let partly =
        |path: &TreePath| plan.conflicts.iter().any(|conflict| conflict.path == *path) || plan.left_out.contains(path);
    for lost in lost.iter().filter(|lost| !markers && partly(&lost.path)).take(LISTED) {
        let path = rules::shell_quote(&lost.path);
        let command = format!("guard restore --lost {} --markers -- {path}", commit.short());
        context.terminal.say(|| format!("to settle what overlaps by hand: {command}\n"));
    }
    Ok(exit)
}

/// So many commands are listed.
const LISTED: usize = 10;

/// Returns a path that a person gave, as one of the repository's.
fn inside(repo: &Repo, start: &Path, path: &Path) -> anyhow::Result<TreePath> {
    let outside = || {
        let name = crate::model::escape(path.as_os_str().as_bytes());
        Failure::new(Exit::Usage, format!("'{name}' is outside of the working tree"))
    };
    let top = repo.need_work_tree()?;
    let real = |folder: &Path| folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    // The file itself may be gone, or a link that must not be followed: only the folder we are in is resolved.
    let full = plain(&real(start).join(path));
    let relative = full.strip_prefix(real(top)).or_else(|_| full.strip_prefix(top)).map_err(|_| outside())?;
    Ok(TreePath::from(relative.as_os_str().as_bytes()))
}

/// Takes `.` and `..` out of a path, without looking at the disk.
fn plain(path: &Path) -> PathBuf {
    let mut found = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(found.pop()),
            part => found.push(part),
        }
    }
    found
}
