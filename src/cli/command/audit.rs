//! `guard audit`.

use std::io::{IsTerminal, Read};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::cli::{Context, Failure, Format, Output};
use crate::git::Repo;
use crate::model::{Level, Oid, TreePath, Verdict};
use crate::report::{self, About, Exit, Report};
use crate::routes::{self, Audited};

/// See what merges lost: in a whole history, or a part of it
///
/// Compares each merge with what merging its parents gives, and lists where work of one side, or of both, is missing: worst
/// first. Merges are ranked against what is usual in this repository. Nothing is changed, and no process is started for a
/// merge, so that thousands take seconds.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard audit                          all merges reachable from HEAD
  guard audit v1.0..main -n 200        the newest 200 of a range
  guard audit --since '2 weeks ago' --path src/
  guard audit --confirm --fail-on warn origin/main..HEAD
  guard audit --format sarif -o guard.sarif origin/main..HEAD
  guard audit --format html -o audit.html      a page to look at
  git rev-list --merges main | guard audit --stdin --json-lines

Exit codes: 0 whatever was found (--fail-on makes it 1), 2 usage, 3 some merges could not be judged")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct Arguments {
    /// Revisions or ranges; HEAD when none is given
    #[arg(value_name = "RANGE", allow_hyphen_values = false)]
    revisions: Vec<String>,
    /// The newest so many
    #[arg(short = 'n', long = "max-count", value_name = "NUMBER")]
    limit: Option<usize>,
    /// Committed after this
    #[arg(long, value_name = "DATE")]
    since: Option<String>,
    /// Committed before this
    #[arg(long, value_name = "DATE")]
    until: Option<String>,
    /// By authors whose name or address matches
    #[arg(long, value_name = "PATTERN")]
    author: Option<String>,
    /// Only findings at or beneath these paths
    #[arg(long = "path", value_name = "PATH")]
    paths: Vec<std::path::PathBuf>,
    /// Read commits from stdin, one a line
    #[arg(long, conflicts_with_all = ["revisions", "limit", "since", "until", "author"])]
    stdin: bool,
    /// Print one JSON object a commit and line, in the order of the commits
    #[arg(long, conflicts_with = "format")]
    json_lines: bool,
    /// End with 1 when something of this level or worse was found
    #[arg(long, value_name = "LEVEL", value_parser = ["info", "warn", "block"])]
    fail_on: Option<String>,
    /// List information too, not only what warns
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    pub(super) output: Output,
    /// Ask git's own merge about each merge at which lost work was found; of a single merge it is always asked
    #[arg(long)]
    confirm: bool,
    /// So many threads; as many as there are processors when not given
    #[arg(long, value_name = "NUMBER")]
    threads: Option<usize>,
}

/// Runs the command.
pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    // A wrong format is said before a minute's work, not after it.
    let format = arguments.output.format(context)?;
    let repo = context.repo()?;
    let commits = if arguments.stdin { typed()? } else { chosen(&repo, arguments)? };
    let threads = arguments.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let shown = Shown::new(format != Format::Json && !arguments.json_lines && !context.terminal.quiet);
    let mut all = routes::audit(&repo, &commits, threads, &|done, of| shown.progress(done, of))?;
    if arguments.confirm || commits.len() == 1 {
        routes::confirm(&repo, &mut all, &|done, of| shown.progress(done, of))?;
    }
    shown.clear();
    let paths = arguments.paths.iter().map(|path| inside(context, &repo, path)).collect::<Result<Vec<_>, _>>()?;
    for audited in all.iter_mut().filter(|_| !paths.is_empty()) {
        keep(audited, &paths);
    }
    let information = arguments.all || context.verbose;
    if arguments.json_lines {
        arguments.output.answer(context, || report::audited_lines(&all))?;
    } else {
        let report = Report::of_audit(about(context, &repo, arguments), &all, information);
        let (text, json) = (|| report::audited_text(&all, information), || report::audited_json(&all));
        arguments.output.report(context, &report, text, json)?;
    }
    let worst = all.iter().flat_map(|audited| &audited.findings).map(|finding| finding.level).max();
    let limit = arguments.fail_on.as_deref().map(|level| match level {
        "info" => Level::Info,
        "warn" => Level::Warn,
        _ => Level::Block,
    });
    Ok(if limit.is_some_and(|limit| worst.is_some_and(|worst| worst >= limit)) {
        Exit::Blocked
    } else if all.iter().any(|audited| audited.verdict == Verdict::CouldNotJudge) {
        Exit::CouldNotJudge
    } else {
        Exit::Fine
    })
}

/// Says what the report is about: the range and what narrows it, as they were typed.
fn about(context: &Context, repo: &Repo, arguments: &Arguments) -> About {
    let mut asked = match arguments.revisions.as_slice() {
        _ if arguments.stdin => vec!["commits from stdin".to_owned()],
        [] => vec!["HEAD".to_owned()],
        revisions => revisions.to_vec(),
    };
    let narrowed = [("--since", &arguments.since), ("--until", &arguments.until), ("--author", &arguments.author)];
    asked.extend(narrowed.iter().filter_map(|(name, value)| Some(format!("{name} {}", value.as_ref()?))));
    asked.extend(arguments.limit.map(|limit| format!("-n {limit}")));
    asked.extend(arguments.paths.iter().map(|path| format!("--path {}", path.display())));
    context.about(repo, crate::model::escape(asked.join(" ").as_bytes()))
}

/// Reads commits from stdin.
fn typed() -> anyhow::Result<Vec<Oid>> {
    let mut text = Vec::new();
    std::io::stdin().lock().read_to_end(&mut text)?;
    let mut commits = Vec::new();
    for (place, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        let oid = Oid::from_hex(line).ok_or_else(|| {
            let shown = crate::model::escape(line);
            Failure::new(Exit::Usage, format!("line {} of stdin is no full commit name: '{shown}'", place + 1))
        })?;
        commits.push(oid);
    }
    Ok(commits)
}

/// Asks git which merges are meant.
fn chosen(repo: &Repo, arguments: &Arguments) -> anyhow::Result<Vec<Oid>> {
    let head = || vec!["HEAD".to_owned()];
    let revisions = if arguments.revisions.is_empty() { head() } else { arguments.revisions.clone() };
    if let Some(odd) = revisions.iter().find(|revision| revision.starts_with('-')) {
        let odd = crate::model::escape(odd.as_bytes());
        return Err(Failure::new(Exit::Usage, format!("'{odd}' is no revision")).into());
    }
    let mut filters = Vec::new();
    filters.extend(arguments.limit.map(|limit| format!("--max-count={limit}")));
    filters.extend(arguments.since.as_ref().map(|date| format!("--since={date}")));
    filters.extend(arguments.until.as_ref().map(|date| format!("--until={date}")));
    filters.extend(arguments.author.as_ref().map(|pattern| format!("--author={pattern}")));
    repo.chosen_merges(&filters, &revisions).map_err(|error| match error {
        crate::git::GitError::Failed { stderr, .. } => {
            Failure::new(Exit::Usage, stderr.strip_prefix("fatal: ").unwrap_or(&stderr).to_owned()).into()
        }
        other => other.into(),
    })
}

/// Returns a path as it stands in trees: relative to the folder that we are in. Empty: everything.
fn inside(context: &Context, repo: &Repo, path: &std::path::Path) -> anyhow::Result<TreePath> {
    use std::os::unix::ffi::OsStrExt;
    use std::path::Component;
    let outside = || {
        let name = crate::model::escape(path.as_os_str().as_bytes());
        Failure::new(Exit::Usage, format!("'{name}' is outside of the repository"))
    };
    let here = context.surroundings.folder.canonicalize().unwrap_or_else(|_| context.surroundings.folder.clone());
    let top = repo.work_tree().and_then(|top| top.canonicalize().ok());
    let prefix = top.and_then(|top| here.strip_prefix(top).ok().map(std::path::Path::to_owned)).unwrap_or_default();
    let mut parts: Vec<&std::ffi::OsStr> = Vec::new();
    for part in prefix.components().chain(path.components()) {
        match part {
            Component::Normal(name) => parts.push(name),
            Component::CurDir => {}
            Component::ParentDir => drop(parts.pop().ok_or_else(outside)?),
            Component::RootDir | Component::Prefix(_) => return Err(outside().into()),
        }
    }
    Ok(parts.iter().map(|part| part.as_bytes()).collect::<Vec<_>>().join(&b'/').into())
}

/// Leaves only the findings at or beneath paths.
fn keep(audited: &mut Audited, paths: &[TreePath]) {
    let is_in = |path: &TreePath| paths.iter().any(|folder| path.is_at(folder));
    audited.findings.retain(|finding| finding.path.as_ref().is_some_and(is_in));
    if audited.verdict != Verdict::CouldNotJudge {
        audited.verdict = Verdict::of(&audited.findings);
    }
}

/// A line of progress on a terminal's stderr, once it takes longer than half a second.
struct Shown {
    wanted: bool,
    start: Instant,
    last: Mutex<Option<Instant>>,
}

impl Shown {
    fn new(wanted: bool) -> Self {
        Self { wanted: wanted && std::io::stderr().is_terminal(), start: Instant::now(), last: Mutex::new(None) }
    }

    fn progress(&self, done: usize, of: usize) {
        if !self.wanted || self.start.elapsed() < Duration::from_millis(500) {
            return;
        }
        let Ok(mut last) = self.last.try_lock() else { return };
        if last.is_none_or(|last| last.elapsed() > Duration::from_millis(100)) {
            *last = Some(Instant::now());
            let width = 30;
            let filled = width * done / of.max(1);
            let bar = format!("{}{}", "#".repeat(filled), " ".repeat(width - filled));
            crate::cli::terminal::overwrite(&format!("[{bar}] {done} of {}", crate::model::count(of, "merge")));
        }
    }

    fn clear(&self) {
        if self.last.lock().is_ok_and(|last| last.is_some()) {
            crate::cli::terminal::overwrite("");
        }
    }
}
