//! The commands: one file each.

mod allow;
mod audit;
mod backup;
mod check;
mod demo;
mod doctor;
mod drill;
mod explain;
mod generated;
mod hook;
mod init;
mod install;
mod log;
mod prune;
mod restore;
mod runbook;
mod undo;
mod uninstall;
mod verify;

use super::Context;
use crate::report::Exit;

/// What can be asked of the guard.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    Check(check::Arguments),
    Explain(explain::Arguments),
    Allow(allow::Arguments),
    Audit(audit::Arguments),
    Backup(backup::Arguments),
    Demo(demo::Arguments),
    Doctor(doctor::Arguments),
    Drill(drill::Arguments),
    #[command(hide = true)]
    Hook(hook::Arguments),
    Init(init::Arguments),
    Install(install::Arguments),
    Uninstall(uninstall::Arguments),
    UndoMerge(undo::UndoingMerge),
    Undo(undo::Undoing),
    Redo(undo::Redoing),
    Restore(restore::Arguments),
    Runbook(runbook::Arguments),
    Verify(verify::Arguments),
    Completions(generated::Completing),
    Man(generated::Manual),
    Log(log::Listing),
    Show(log::Showing),
}

impl Command {
    /// Returns whether a document was asked for by `--format json`.
    pub fn answers_in_json(&self) -> bool {
        match self {
            Self::Check(arguments) => arguments.output.is_json(),
            Self::Audit(arguments) => arguments.output.is_json(),
            Self::Verify(arguments) => arguments.output.is_json(),
            _ => false,
        }
    }

    /// Does what was asked.
    pub fn run(&self, context: &Context) -> anyhow::Result<Exit> {
        match self {
            Self::Check(arguments) => check::run(context, arguments),
            Self::Explain(arguments) => explain::run(context, arguments),
            Self::Allow(arguments) => allow::run(context, arguments),
            Self::Audit(arguments) => audit::run(context, arguments),
            Self::Backup(arguments) => backup::run(context, arguments),
            Self::Demo(arguments) => demo::run(context, arguments),
            Self::Doctor(arguments) => doctor::run(context, arguments),
            Self::Drill(arguments) => drill::run(context, arguments),
            Self::Hook(arguments) => Ok(hook::run(context, arguments)),
            Self::Init(arguments) => init::run(context, arguments),
            Self::Install(arguments) => install::run(context, arguments),
            Self::Uninstall(arguments) => uninstall::run(context, arguments),
            Self::UndoMerge(arguments) => undo::undo_merge(context, arguments),
            Self::Undo(arguments) => undo::undo(context, arguments),
            Self::Redo(arguments) => undo::redo(context, arguments),
            Self::Restore(arguments) => restore::run(context, arguments),
            Self::Runbook(arguments) => runbook::run(context, arguments),
            Self::Verify(arguments) => verify::run(context, arguments),
            Self::Completions(arguments) => Ok(generated::completions(context, arguments)),
            Self::Man(arguments) => generated::man(context, arguments),
            Self::Log(arguments) => log::log(context, arguments),
            Self::Show(arguments) => log::show(context, arguments),
        }
    }
}
