//! `guard backup`.

mod copies;
mod create;
mod list;
mod prune;
mod put_back;
mod verify;

pub use put_back::put_back;

use crate::cli::{Context, Failure};
use crate::report::Exit;
use crate::routes::backup::BackupError;
use crate::store::StoreError;

/// Save protected data, look after what was saved, and send it to another machine
///
/// What is saved: the files on disk, tracked by git or not, ignored or not, that a [[data]] entry of the working tree's
/// .recoveryguard.toml names with backup = true, and the databases of a PostgreSQL server that a [[database]] entry names so.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard backup create
  guard backup list
  guard backup verify --level restore
  guard backup push backup-host

Exit codes: 0 fine, 1 a saved file is bad or something is damaged, 2 usage or environment error, 3 done only in part, 4 refused
and nothing changed, 5 locked by another process")]
pub struct Arguments {
    #[command(subcommand)]
    command: Backups,
}

#[derive(Debug, clap::Subcommand)]
enum Backups {
    Create(create::Arguments),
    List(list::Listing),
    Show(list::Showing),
    Verify(verify::Arguments),
    Prune(prune::Arguments),
    Push(copies::Pushing),
    Fetch(copies::Fetching),
}

/// Runs `guard backup`.
pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    match &arguments.command {
        Backups::Create(arguments) => create::run(context, arguments),
        Backups::List(arguments) => list::list(context, arguments),
        Backups::Show(arguments) => list::show(context, arguments),
        Backups::Verify(arguments) => verify::run(context, arguments),
        Backups::Prune(arguments) => prune::run(context, arguments),
        Backups::Push(arguments) => copies::push(context, arguments),
        Backups::Fetch(arguments) => copies::fetch(context, arguments),
    }
}

fn failure(error: BackupError) -> anyhow::Error {
    let exit = match &error {
        BackupError::Disk(error) | BackupError::Store(StoreError::Disk(error)) if error.is_locked() => Exit::Locked,
        BackupError::Refused { .. } => Exit::Refused,
        BackupError::Listing(_) | BackupError::InTheWay(_) => Exit::CouldNotJudge,
        _ => Exit::Usage,
    };
    let hint = match &error {
        BackupError::Listing(_)
        | BackupError::InTheWay(_)
        | BackupError::Store(StoreError::Damaged { .. } | StoreError::Blob { .. } | StoreError::Missing(_)) => {
            Some("guard backup verify".to_owned())
        }
        BackupError::NoBackup | BackupError::Store(StoreError::NoStore(_)) => Some("guard backup create".to_owned()),
        BackupError::Refused { hint, .. } => hint.clone().or_else(|| Some("guard backup list".to_owned())),
        _ => None,
    };
    let causes = anyhow::Error::from(error).chain().map(ToString::to_string).collect::<Vec<_>>().join(": ");
    let failure = Failure::new(exit, causes);
    match hint {
        Some(hint) => failure.hint(hint).into(),
        None => failure.into(),
    }
}
