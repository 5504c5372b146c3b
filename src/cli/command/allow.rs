//! `guard allow`: lets findings pass, for one merge, with a reason.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use anyhow::anyhow;
use serde_json::json;

use crate::cli::{Context, Failure};
use crate::hooks::Caller;
use crate::journal::Journal;
use crate::model::TreePath;
use crate::report::{self, Exit, words};
use crate::routes::{self, AllowError, Scope, Session, Source};
use crate::{manifest, rules};

/// Let findings of a rule pass for one set of incoming commits into this branch
///
/// Without --for it is for the merge in progress, or for the last one that was refused here. The reason is kept in the
/// journal and goes into the merge's message as a Guard-Allow trailer; a fast-forward has no message, so there
/// 'git merge --no-ff' keeps it where others can see it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard allow protected-delete scripts/old.sh --reason \"replaced by restore.sh\"
  guard allow mass-delete --reason \"the old docs go\" --for cleanup

Exit codes: 0 recorded, 2 usage, 4 no merge to allow it for")]
pub struct Arguments {
    /// The rule, as it stands in brackets behind a finding
    rule: String,
    /// Paths from the top of the working tree; every path when none is given
    paths: Vec<OsString>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// For merging this revision into HEAD
    #[arg(long = "for", value_name = "REV")]
    revision: Option<String>,
    /// Say what would be recorded, and record nothing
    #[arg(long)]
    dry_run: bool,
}

/// Runs the command.
pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    if rules::explain(&arguments.rule).is_none() {
        let failure = Failure::new(
            Exit::Usage,
            format!("there is no rule '{}'", crate::model::escape(arguments.rule.as_bytes())),
        );
        let hint = manifest::nearest_rule(&arguments.rule).map(|name| format!("guard explain {name}"));
        return Err(Failure { hint, ..failure }.into());
    }
    if arguments.reason.trim().is_empty() {
        return Err(Failure::new(Exit::Usage, "--reason is empty: say why, others will read it").into());
    }
    let repo = context.repo()?;
    let journal = Journal::open(&repo.guard_dir());
    let session = Session { repo: &repo, journal: &journal, now: context.now(), caller: Caller::default() };
    let scope = arguments.revision.clone().map_or(Scope::Current, Scope::Revision);
    let paths: Vec<TreePath> = arguments.paths.iter().map(|path| TreePath::from(path.as_bytes())).collect();
    let allowed = routes::allow(&session, &arguments.rule, &paths, &arguments.reason, &scope, arguments.dry_run);
    let (source, branch, incoming) = allowed.map_err(failure)?;
    let into = crate::model::Target {
        branch: branch.map(|name| name.strip_prefix(b"refs/heads/").unwrap_or(&name).into()),
        tip: None,
    };
    if context.json {
        let mut document = report::json::document("allow");
        document.insert("rule".into(), json!(arguments.rule));
        document.insert("paths".into(), json!(paths));
        document.insert("incoming".into(), json!(incoming));
        document.insert("into".into(), json!(into.branch));
        document.insert("dry_run".into(), json!(arguments.dry_run));
        context.terminal.answer(|| report::json::render(document));
        return Ok(Exit::Fine);
    }
    let which = match source {
        Source::Named => "",
        Source::Made => ", a merge that is made",
        Source::InProgress => ", the merge in progress",
        Source::Refused => ", the last merge refused here",
    };
    let next = match source {
        Source::Made => "push again now",
        _ => "merge again now; with --no-ff the reason is kept in the merge's message",
    };
    let verb = if arguments.dry_run { "would allow" } else { "allowed" };
    let name = words::merge_name(&incoming, &into);
    context.terminal.answer(|| format!("{verb} [{}] for merging {name}{which}\n{next}\n", arguments.rule));
    Ok(Exit::Fine)
}

fn failure(error: AllowError) -> anyhow::Error {
    match error {
        AllowError::NoMerge => Failure::new(Exit::Refused, error.to_string())
            .hint("name the branch that you want to merge: --for <branch>")
            .into(),
        AllowError::NoRevision(_) => Failure::new(Exit::Usage, error.to_string()).into(),
        other => anyhow!(other),
    }
}
