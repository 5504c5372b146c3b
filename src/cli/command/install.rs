//! `guard install`: hooks in.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use serde_json::{Value, json};

use crate::cli::{Context, Failure};
use crate::disk;
use crate::facts::{self, Found};
use crate::git::Repo;
use crate::hooks::{self, Action, Guarded, HookStep, InstallError, InstallPlan};
use crate::manifest;
use crate::model::{Hook, count, escape};
use crate::report::{self, Exit};
use crate::routes;

/// Put guard's hooks into this repository
///
/// Hooks that are there already are kept and run first. Where core.hooksPath names a folder outside git's own, as husky
/// sets it, nothing is written there: git is led to a folder of guard's, whose scripts run those hooks too. 'guard
/// uninstall' brings hooks and configuration back byte for byte.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard install --dry-run
  guard install
  guard install --server     in a bare repository: pushes are judged before they are taken

Exit codes: 0 fine, 2 environment error, 4 refused (hooks are switched off, a bare repository), 5 locked")]
pub struct Arguments {
    /// Judge pushes to this bare repository
    #[arg(long)]
    server: bool,
    /// Print the plan and change nothing
    #[arg(long, short = 'n')]
    dry_run: bool,
}

/// Runs the command.
pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let repo = context.repo()?;
    let program = context.surroundings.program();
    let program = program.map_err(|error| Failure::new(Exit::Usage, format!("can't tell where guard is: {error}")))?;
    match (hooks::is_server(&repo).map_err(failure)?, arguments.server) {
        (true, false) => {
            let what = "this is a bare repository without worktrees: nobody merges here, but pushes can be judged";
            return Err(Failure::new(Exit::Refused, what).hint("guard install --server").into());
        }
        (false, true) => {
            let what = "this is no bare repository: people merge here";
            return Err(Failure::new(Exit::Refused, what).hint("guard install").into());
        }
        (true, true) => {
            if let Some(owner) = hooks::other_owner(&repo).map_err(failure)? {
                let what = format!("this repository belongs to user {owner}: what you install would not be theirs");
                return Err(Failure::new(Exit::Refused, what)
                    .hint(format!("sudo -u '#{owner}' guard install --server"))
                    .into());
            }
        }
        (false, false) => {}
    }
    let plan = hooks::plan_install(&repo, &program).map_err(failure)?;
    if !arguments.dry_run {
        hooks::apply_install(&repo, &plan, context.now()).map_err(failure)?;
        // Whatever kept the hooks from running guard is mended now.
        disk::remove_file(&repo.guard_dir().join(hooks::MISSED))?;
        context.look_at(&repo, routes::seen::take_down);
    }
    let head = if arguments.dry_run { "Would install" } else { "Installed" };
    context.terminal.answer(|| {
        if context.json { document(&plan, arguments.dry_run) } else { text(&plan, head, has_no_manifest(&repo)) }
    });
    Ok(Exit::Fine)
}

/// Gives an error its exit code and its way out.
pub(super) fn failure(error: InstallError) -> anyhow::Error {
    let exit = match &error {
        error if error.is_refusal() => Exit::Refused,
        error if error.is_locked() => Exit::Locked,
        _ => Exit::Usage,
    };
    let hint = error.hint();
    let causes = anyhow::Error::from(error).chain().map(ToString::to_string).collect::<Vec<_>>().join(": ");
    Failure { hint, ..Failure::new(exit, causes) }.into()
}

/// Returns whether HEAD surely has no manifest, whatever lies in the working tree.
fn has_no_manifest(repo: &Repo) -> bool {
    let head = repo.resolve_head().and_then(|head| head.map(|head| repo.objects().tree_of(head)).transpose());
    head.and_then(|tree| facts::manifest_of(repo, tree)).is_ok_and(|found| matches!(found, Found::None))
}

fn text(plan: &InstallPlan, head: &str, has_no_manifest: bool) -> String {
    let mut text = if plan.changes() {
        format!("{head} guard's hooks in '{}':\n", shown(&plan.folder))
    } else {
        format!("guard's hooks are in '{}' already:\n", shown(&plan.folder))
    };
    for step in plan.steps.iter().filter(|step| step.script.judging().is_some()) {
        text.push_str(&format!("  {:21} {}\n", step.file, what(step)));
    }
    if let Some(theirs) = &plan.theirs {
        let number = plan.steps.iter().filter(|step| step.script.judging().is_none()).count();
        let folder = shown(theirs);
        let does = if number == 1 { "does" } else { "do" };
        let scripts = count(number, "more script");
        text.push_str(&format!("They run the hooks in '{folder}' first, and {scripts} {does} only that.\n"));
    }
    if plan.switch_on_options {
        text.push_str("Push options are taken (receive.advertisePushOptions): who pushes can say why it is right.\n");
    }
    for folder in plan.leaving.left() {
        text.push_str(&format!("Scripts that stood in '{}', where git does not look any more, go.\n", shown(folder)));
    }
    let (major, minor, patch) = plan.coverage.git;
    text.push_str(&format!("\nWith git {major}.{minor}.{patch} this is judged:\n"));
    for route in &plan.coverage.routes {
        let why = if route.why.is_empty() { String::new() } else { format!(": {}", route.why) };
        text.push_str(&format!("  {:14} {}{why}\n", when(route.guarded), route.what));
    }
    if has_no_manifest || !plan.notes.is_empty() {
        text.push('\n');
    }
    for note in &plan.notes {
        text.push_str(&format!("note: {note}\n"));
    }
    if has_no_manifest {
        text.push_str(&format!(
            "A manifest ('{}') counts once it is committed; 'guard init' writes a first one.\n",
            manifest::FILE
        ));
    }
    text
}

const fn when(guarded: Guarded) -> &'static str {
    match guarded {
        Guarded::Before => "before",
        Guarded::OnResult => "on the result",
        Guarded::After => "afterwards",
        Guarded::Recorded => "recorded",
        Guarded::No => "not",
    }
}

fn what(step: &HookStep) -> &'static str {
    match &step.action {
        Action::Add => "added",
        Action::Replace => "brought up to date",
        Action::Chain { runs: true } => "added; the hook that was there runs first",
        Action::Chain { runs: false } => "added; what was there is kept and, as before, not run",
        Action::Keep => "already there",
        Action::Called { .. } => "left out: what stands there runs guard",
        Action::Leave { .. } => "left out: another thing stands there",
    }
}

fn document(plan: &InstallPlan, is_dry_run: bool) -> String {
    let hook = |step: &HookStep| {
        let (action, runs) = match &step.action {
            Action::Add => ("add", None),
            Action::Replace => ("replace", None),
            Action::Chain { runs } => ("chain", Some(*runs)),
            Action::Keep => ("keep", None),
            Action::Called { .. } => ("called", None),
            Action::Leave { .. } => ("leave", None),
        };
        let mut object = json!({"name": step.script.name(), "file": step.file, "action": action});
        if let (Some(runs), Some(object)) = (runs, object.as_object_mut()) {
            object.insert("original_runs".into(), json!(runs));
        }
        object
    };
    let route = |route: &hooks::Route| {
        let by = route.by.map(Hook::name);
        json!({"what": route.what, "guarded": route.guarded.name(), "by": by, "why": route.why})
    };
    let (major, minor, patch) = plan.coverage.git;
    let mut document = report::json::document("install");
    document.insert("dry_run".into(), json!(is_dry_run));
    document.insert("changed".into(), json!(plan.changes()));
    document.insert("folder".into(), json!(shown(&plan.folder)));
    document.insert("theirs".into(), json!(plan.theirs.as_deref().map(shown)));
    document.insert("guard".into(), json!(shown(&plan.binary)));
    document.insert("git".into(), json!(format!("{major}.{minor}.{patch}")));
    document.insert("hooks".into(), json!(plan.steps.iter().map(hook).collect::<Vec<Value>>()));
    document.insert("routes".into(), json!(plan.coverage.routes.iter().map(route).collect::<Vec<Value>>()));
    document.insert("push_options_switched_on".into(), json!(plan.switch_on_options));
    document.insert("notes".into(), json!(plan.notes));
    report::json::render(document)
}

/// Returns a path as it is printed.
pub(super) fn shown(path: &Path) -> String {
    escape(path.as_os_str().as_bytes())
}
