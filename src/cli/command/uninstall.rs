//! `guard uninstall`: hooks out.

use serde_json::{Value, json};

use super::install::{failure, shown};
use crate::cli::Context;
use crate::hooks::{self, Removal, RemovalStep, UninstallPlan};
use crate::report::{self, Exit};

/// Take guard's hooks out of this repository, byte for byte
///
/// Hooks that were there before come back. The journal and saved files stay, unless --purge is given.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard uninstall --dry-run
  guard uninstall
  guard uninstall --purge --dry-run

Exit codes: 0 fine, 2 environment error, 4 refused, 5 locked")]
pub struct Arguments {
    /// Delete the journal, saved files and guard's refs too; what is deleted is listed
    #[arg(long)]
    purge: bool,
    /// Print the plan and change nothing
    #[arg(long, short = 'n')]
    dry_run: bool,
}

/// Runs the command.
pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let repo = context.repo()?;
    let plan = hooks::plan_uninstall(&repo, arguments.purge).map_err(failure)?;
    if !arguments.dry_run && plan.changes() {
        hooks::apply_uninstall(&repo, &plan, context.now()).map_err(failure)?;
    }
    let dry = arguments.dry_run;
    context.terminal.answer(|| if context.json { document(&plan, dry) } else { text(&plan, dry) });
    Ok(Exit::Fine)
}

fn text(plan: &UninstallPlan, is_dry_run: bool) -> String {
    let mut text = String::new();
    let folders = plan.leaving.left();
    if folders.is_empty() {
        text.push_str(&format!("No hooks of guard's stand in '{}'.\n", shown(&plan.folder)));
    }
    for folder in folders {
        let head = if is_dry_run { "Would take" } else { "Took" };
        text.push_str(&format!("{head} guard's hooks out of '{}':\n", shown(folder)));
        for step in plan.leaving.steps.iter().filter(|step| step.folder == *folder) {
            text.push_str(&format!("  {:21} {}\n", step.file, what(step.removal)));
        }
    }
    if plan.switch_off_options {
        let are = if is_dry_run { "would be" } else { "are" };
        text.push_str(&format!("Push options, which install switched on, {are} off again.\n"));
    }
    if !plan.purge.is_empty() {
        text.push_str(if is_dry_run { "Would delete for good:\n" } else { "Deleted for good:\n" });
        for path in &plan.purge.paths {
            text.push_str(&format!("  {}\n", shown(path)));
        }
        for (name, oid) in &plan.purge.refs {
            text.push_str(&format!("  {name} {oid}\n"));
        }
    }
    for note in &plan.notes {
        text.push_str(&format!("note: {note}\n"));
    }
    text
}

const fn what(removal: Removal) -> &'static str {
    match removal {
        Removal::Remove => "removed",
        Removal::Restore => "the hook that was there before is back",
        Removal::Forget => "is there; the copy that was kept goes",
    }
}

fn document(plan: &UninstallPlan, is_dry_run: bool) -> String {
    let hook = |RemovalStep { folder, file, removal, .. }: &RemovalStep| {
        let action = match removal {
            Removal::Remove => "remove",
            Removal::Restore => "restore",
            Removal::Forget => "forget",
        };
        json!({"folder": shown(folder), "file": file, "action": action})
    };
    let mut document = report::json::document("uninstall");
    document.insert("dry_run".into(), json!(is_dry_run));
    document.insert("changed".into(), json!(plan.changes()));
    document.insert("folder".into(), json!(shown(&plan.folder)));
    document.insert("hooks".into(), json!(plan.leaving.steps.iter().map(hook).collect::<Vec<Value>>()));
    document.insert("purged".into(), json!(plan.purge.paths.iter().map(|path| shown(path)).collect::<Vec<String>>()));
    document.insert(
        "purged_refs".into(),
        json!(plan.purge.refs.iter().map(|(name, _)| name.to_string()).collect::<Vec<String>>()),
    );
    document.insert("push_options_switched_off".into(), json!(plan.switch_off_options));
    document.insert("notes".into(), json!(plan.notes));
    report::json::render(document)
}
