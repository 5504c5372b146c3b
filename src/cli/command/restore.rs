//! `guard restore`.

use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use super::backup;
use super::undo::{failure, finish, run_of};
use crate::cli::{Context, Failure};
use crate::git::Repo;
use crate::model::{Against, Conflict, Oid, Plan, TreePath};
use crate::report::{Exit, copied_json, copied_text, last_good_json, last_good_text, none_back_text, walk_text};
use crate::routes::{self, Asked, LastGoodError, LostError, LostWork, Merge};
use crate::rules;
use crate::undo::{Again, Change, How, Run, Undo};

/// Bring files back: to their newest good version, or as they were before an operation, in a revision or in a backup; or a database
///
/// Without --from each file is examined as its [[data]] entry asks (without one, by its extension), and where it is not good, so is
/// every version that history, reflogs, operations and backups have, newest first: the first good one comes back, with a count of
/// the records that going back loses. Files that are named come back all or none; of a folder, and with --missing, those that
/// can, and the others are named. Only the files change, not the index (but where a
/// submodule stands is said by the index only). What stands there now is saved first, so that 'guard
/// restore --undo' brings it back.
///
/// --database brings a database of a PostgreSQL server back, from the newest good backup or the one that --from names, into a new
/// database that takes its place. What stood there is saved, and stays beside it: --undo puts it back. Nobody may be
/// connected meanwhile.
///
/// A file that was uncommitted before an operation comes back byte for byte if it was saved then: 'guard show' tells.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard restore data/emails.json --dry-run                  which version is good, and what going back loses
  guard restore data/emails.json                            back to it
  guard restore data/                                       each data file beneath data/ that is not good
  guard restore --missing                                   after 'git clean' or in a new clone: all that is gone
  guard restore config.toml --from 20261122-224531-3fa9c1   as before that operation
  guard restore data/ --from HEAD~3 --dry-run               everything beneath data/, show only
  guard restore data/ --from 20261122-230000-1b2c3d         as 'guard backup create' saved it
  guard restore config.toml --from 20261122-224531-3fa9c1 --to /tmp/then
  guard restore --lost 1a2b3c4 --dry-run                    what that merge lost, back on top of today's state
  guard restore --lost 1a2b3c4 src/parser.c                 of one file only
  guard restore --lost 1a2b3c4 --markers src/parser.c       with conflict markers where yours overlap
  guard restore --lost 1a2b3c4 --change 5d6e7f8..9a0b1c2    of a squash: what came in with it
  guard restore --undo                                      take the last restore back
  guard restore --database orders --dry-run                 from which backup, and the rows of each table now and then
  guard restore --database orders                           what stood there stays as 'orders_before_20261122_224531'
  guard restore --database orders --undo                    and takes its place again

Exit codes: 0 done, or good as it stands; 2 usage; 3 done only in part (said which), not recorded yet, or not good afterwards; 4
refused and nothing changed: no version is good, or something would be lost; 5 locked by another process")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct Arguments {
    /// Files, or folders with everything beneath
    #[arg(required_unless_present_any = ["undo", "lost", "missing", "database"])]
    paths: Vec<PathBuf>,
    /// An operation of 'guard log': as before it. A revision, or a backup of 'guard backup list': as in it
    #[arg(long, value_name = "OPERATION|REVISION|BACKUP")]
    from: Option<String>,
    /// With --from: bring a data file back though it is bad there
    #[arg(long, requires = "from")]
    unchecked: bool,
    /// Back to the newest good version: what happens without --from
    #[arg(long, conflicts_with_all = ["from", "to", "lost", "undo"])]
    last_good: bool,
    /// All data files that the newest backup has and that are not there, as far as they can come back
    #[arg(long, conflicts_with_all = ["paths", "from", "to", "lost", "undo", "database"])]
    missing: bool,
    /// Write copies into this folder instead; no file there is overwritten
    #[arg(long, value_name = "FOLDER", requires = "from")]
    to: Option<PathBuf>,
    /// Make what a merge lost again, on top of what stands there now
    ///
    /// 'guard audit' lists such merges. The changes are merged into the files as they are: later edits stay, and where both
    /// overlap yours stay too, with a note. Without paths: everything that the audit finds lost; a file that can't take it is
    /// named, and the others get theirs. With paths: all of them, or none.
    #[arg(long, value_name = "MERGE", conflicts_with_all = ["from", "to", "undo"])]
    lost: Option<String>,
    /// With --lost of a squash, a cherry-pick or a revert: what came in with it
    #[arg(long, value_name = "BASE..THEIRS", requires = "lost")]
    change: Option<String>,
    /// With --lost: where both overlap, leave conflict markers in the file instead of leaving that out
    #[arg(long, requires = "lost")]
    markers: bool,
    /// A database that a [[database]] entry names
    #[arg(long, value_name = "NAME", conflicts_with_all = ["paths", "unchecked", "last_good", "to", "lost"])]
    database: Option<String>,
    /// Take the last restore of this worktree back, or with --database that of the database
    #[arg(long, conflicts_with_all = ["paths", "from", "to"])]
    undo: bool,
    /// Say what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// Runs `guard restore`.
pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    if let Some(name) = &arguments.database {
        return backup::put_back(context, name, arguments.from.as_deref(), (arguments.undo, arguments.dry_run));
    }
    let repo = context.repo_looked_at()?;
    let undo = Undo::new(&repo, context.now());
    restore(context, (&repo, &undo), arguments)
}

fn restore(context: &Context, (repo, undo): (&Repo, &Undo<'_>), arguments: &Arguments) -> anyhow::Result<Exit> {
    let run = run_of(arguments.dry_run);
    let start = &context.surroundings.folder;
    let paths = arguments.paths.iter().map(|path| inside(repo, start, path)).collect::<Result<Vec<_>, _>>()?;
    if let Some(commit) = &arguments.lost {
        let merge = Merge { commit, change: arguments.change.as_deref() };
        return lost(context, (repo, undo), (merge, &paths), arguments);
    }
    if arguments.missing {
        return last_good(context, (repo, undo), Asked::Missing, run);
    }
    let Some(from) = &arguments.from else {
        return if arguments.undo {
            finish(context, (repo, undo), "restore", undo.undo_restore(run), run)
        } else {
            let found = last_good(context, (repo, undo), Asked::Paths(&paths), run);
            found.map_err(|error| misnamed(error, (repo, start), ("restore", &arguments.paths)))
        };
    };
    let (wanted, unchecked) = ((&paths[..], from.as_str()), arguments.unchecked);
    let unrestored = |error| unrestored(undo, error);
    let Some(folder) = &arguments.to else {
        let report = routes::restore_from(repo, undo, wanted, unchecked, run).map_err(unrestored)?;
        return finish(context, (repo, undo), "restore", Ok(report), run);
    };
    let written = routes::restore_to(repo, undo, wanted, (&start.join(folder), unchecked), run).map_err(unrestored)?;
    let dry = run == Run::Dry;
    context.terminal.answer(|| {
        if context.json { copied_json(&written, from, folder, dry) } else { copied_text(&written, folder, dry) }
    });
    Ok(Exit::Fine)
}

/// Gives an error its exit code and hint.
fn unrestored(undo: &Undo<'_>, error: LastGoodError) -> anyhow::Error {
    let recovered = undo.recovered();
    let nothing = if recovered.is_empty() { "nothing was changed" } else { "nothing else was changed" };
    let refused = |error: LastGoodError| Failure {
        recovered: recovered.clone(),
        ..Failure::new(Exit::Refused, format!("{error}; {nothing}"))
    };
    match error {
        LastGoodError::Undo(error) => failure(undo, error),
        LastGoodError::Git(error) => error.into(),
        error @ LastGoodError::Bad { .. } => {
            refused(error).hint("to bring it back all the same, add --unchecked").into()
        }
        error @ LastGoodError::Damaged { .. } => refused(error).hint("guard backup verify").into(),
        error if error.is_refusal() => {
            let hint = instead(&error);
            refused(error).hint(hint).into()
        }
        error => error.into(),
    }
}

/// Returns what is allowed where files can't be brought back.
fn instead(error: &LastGoodError) -> String {
    let hint = match error {
        LastGoodError::Link { to: Some(to), .. } => return format!("name what it leads to: '{to}'"),
        LastGoodError::NoBackup | LastGoodError::NoManifest => "name the files: guard restore <path>",
        LastGoodError::InUse { .. } => "run it again then",
        LastGoodError::NoneGood(..) => "take one that is not good: guard restore <path> --from <revision> --unchecked",
        LastGoodError::NeverSeen(_) => "guard backup list; a remote may have it: guard backup fetch",
        _ => "name files that were data: guard verify lists them",
    };
    hint.to_owned()
}

/// Brings files back to their newest good version.
fn last_good(context: &Context, (repo, undo): (&Repo, &Undo<'_>), asked: Asked<'_>, run: Run) -> anyhow::Result<Exit> {
    let found = routes::last_good(repo, undo, asked, run).map_err(|error| {
        let detail = match &error {
            LastGoodError::NoneGood(path, walk) => walk_text(path, walk, context.verbose),
            _ => String::new(),
        };
        match unrestored(undo, error).downcast::<Failure>() {
            Ok(failure) => Failure { detail, ..failure }.into(),
            Err(error) => error,
        }
    })?;
    if found.is_refused() {
        if context.json {
            context.terminal.answer(|| last_good_json(&found, run));
        }
        context.terminal.say(|| none_back_text(&found, context.verbose));
        return Ok(Exit::Refused);
    }
    context.terminal.answer(|| {
        if context.json { last_good_json(&found, run) } else { last_good_text(&found, run, context.verbose) }
    });
    if found.report.as_ref().is_some_and(|report| report.operation.is_some()) {
        context.prune_now_and_then(repo);
    }
    let is_good = found.files.iter().all(|file| file.still.is_none() && file.left.is_none());
    Ok(if is_good { Exit::Fine } else { Exit::CouldNotJudge })
}

/// Makes what a merge lost again.
fn lost(
    context: &Context,
    (repo, undo): (&Repo, &Undo<'_>),
    (merge, paths): (Merge<'_>, &[TreePath]),
    arguments: &Arguments,
) -> anyhow::Result<Exit> {
    let mut found = routes::lost(repo, merge, paths);
    if matches!(found, Err(LostError::NotThere { .. })) {
        // Findings name paths from the top.
        let from_top = |path: &PathBuf| TreePath::from(path.as_os_str().as_bytes());
        found = routes::lost(repo, merge, &arguments.paths.iter().map(from_top).collect::<Vec<_>>()).or(found);
    }
    let (commit, work) = found.map_err(|error| match error {
        LostError::Git(error) => anyhow::Error::from(error),
        LostError::NoMerge(_) => Failure::new(Exit::Usage, error.to_string()).hint("guard audit").into(),
        LostError::NoChange(_) => Failure::new(Exit::Usage, error.to_string()).into(),
        LostError::Unclear(_) => Failure::new(Exit::Refused, error.to_string()).hint("settle it by hand").into(),
        error => Failure::new(Exit::Refused, error.to_string()).hint("guard audit lists what merges lost").into(),
    })?;
    let (run, why) = (run_of(arguments.dry_run), format!("what {} lost", commit.short()));
    // Who names paths wants all of them.
    let how = How { markers: arguments.markers, partly: paths.is_empty() };
    let changes: Vec<Again> = work.changes.iter().map(|(again, _)| again.clone()).collect();
    let mut report = undo.restore_changes(&changes, how, &why, run).map_err(|error| failure(undo, error))?;
    for path in &work.unclear {
        let why = "lines of both sides are missing, and which is not known".to_owned();
        report.plan.left_alone.push(Conflict { path: path.clone(), why, against: Against::Whole });
    }
    let advice = advice(&report.plan, commit, merge.change, &work);
    let exit = finish(context, (repo, undo), "restore", Ok(report), run)?;
    for line in advice.iter().take(LISTED) {
        context.terminal.say(|| format!("{line}\n"));
    }
    Ok(exit)
}

/// Says what to do at each path that did not come back, or not all of it.
fn advice(plan: &Plan, commit: Oid, change: Option<&str>, work: &LostWork) -> Vec<String> {
    let change =
        change.map_or_else(String::new, |change| format!(" --change {}", rules::shell_quote(change.as_bytes())));
    let mut found = Vec::new();
    for (again, side) in &work.changes {
        let path = again.from.as_ref().unwrap_or(&again.path);
        let quoted = rules::shell_quote(path);
        let mut hindrances = plan.conflicts.iter().chain(&plan.left_alone);
        let against = hindrances.find(|hindered| hindered.path == again.path).map(|hindered| hindered.against);
        let left_out = plan.left_out.contains(&again.path).then_some(Against::Overlap);
        found.extend(match (against.or(left_out), &again.change, side) {
            (Some(Against::Overlap), _, _) => {
                let command = format!("guard restore --lost {}{change} --markers -- {quoted}", commit.short());
                Some(format!("to settle what overlaps by hand: {command}"))
            }
            (Some(Against::Whole), Change::Submodule { to, .. }, _) => {
                Some(format!("to stage its commit all the same: git update-index --cacheinfo 160000,{to},{quoted}"))
            }
            (Some(Against::Whole), Change::File { after: None, .. }, _) => {
                Some(format!("to remove it all the same: git rm -- {quoted}"))
            }
            (Some(Against::Whole), Change::File { .. }, Some(side)) => {
                Some(format!("to get that side's whole file: guard restore --from {} -- {quoted}", side.short()))
            }
            _ => None,
        });
    }
    let unclear = work.unclear.iter().map(|path| rules::shell_quote(path));
    found.extend(unclear.map(|path| format!("to look at it: git show --cc {} -- {path}", commit.short())));
    found
}

/// So many commands are listed.
const LISTED: usize = 10;

/// Returns a path that a person gave, as one of the repository's.
pub(super) fn inside(repo: &Repo, start: &Path, path: &Path) -> anyhow::Result<TreePath> {
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

/// Gives an error about paths another hint where one was named as findings name it, from the top, by somebody who stands in a folder.
pub(super) fn misnamed(
    error: anyhow::Error,
    (repo, start): (&Repo, &Path),
    (command, typed): (&str, &[PathBuf]),
) -> anyhow::Error {
    let hint = || {
        let top = repo.work_tree()?;
        let is_of_the_top = |path: &&PathBuf| {
            let Some(Component::Normal(first)) = path.components().next() else { return false };
            start.join(first).symlink_metadata().is_err() && top.join(first).symlink_metadata().is_ok()
        };
        let path = typed.iter().find(is_of_the_top)?;
        let [top, path] = [top, path].map(|path| rules::shell_quote(path.as_os_str().as_bytes()));
        Some(format!("paths count from the folder you are in; from the top: guard -C {top} {command} -- {path}"))
    };
    match (hint(), error.downcast::<Failure>()) {
        (Some(hint), Ok(failure)) => failure.hint(hint).into(),
        (None, Ok(failure)) => failure.into(),
        (_, Err(error)) => error,
    }
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
