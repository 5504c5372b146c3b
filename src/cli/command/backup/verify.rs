//! `guard backup verify`.

use super::failure;
use crate::cli::Context;
use crate::report::{self, Exit};
use crate::routes::backup::{self, BackupError};
use crate::store::{Store, StoreError};

/// Check that what was saved is whole
///
/// Every byte is read and compared with its hash, and a database's dump must have a table of contents. With --level restore every
/// file is also written into a scratch folder and compared there, and every dump restored into a scratch database, whose rows
/// are counted.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard backup verify
  guard backup verify 20261122-224531-3fa9c1 --level restore

Exit codes: 0 all of it is whole, 1 something is damaged, 2 there is no backup, or environment error, 3 a database could
not be checked here")]
pub struct Arguments {
    /// One backup only: its name, or how its name begins
    backup: Option<String>,
    /// How much is looked at
    #[arg(long, value_enum, value_name = "LEVEL", default_value = "bytes")]
    level: Level,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Level {
    /// Every backup can be read and its files are there
    Refs,
    /// Every byte has the hash that names it, every dump a table of contents
    Bytes,
    /// Every file comes back in a scratch folder, every dump in a scratch database
    Restore,
}

pub(super) fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let repo = context.repo()?;
    let level = match arguments.level {
        Level::Refs => backup::Level::Refs,
        Level::Bytes => backup::Level::Bytes,
        Level::Restore => backup::Level::Restore,
    };
    let verify = || {
        let named = |name: &String| -> Result<_, BackupError> {
            let ids = Store::open(&repo.guard_dir()).and_then(|store| store.backup_ids());
            backup::named(&ids.map_err(|error: StoreError| BackupError::from(error))?, name)
        };
        let only = arguments.backup.as_ref().map(named).transpose()?;
        backup::verify(&repo, only.as_ref(), level)
    };
    let verified = verify().map_err(failure)?;
    context.terminal.answer(|| {
        if context.json { report::backup_verified_json(&verified) } else { report::backup_verified_text(&verified) }
    });
    Ok(match (verified.problems.is_empty(), verified.unchecked.is_empty()) {
        (false, _) => Exit::Blocked,
        (true, false) => Exit::CouldNotJudge,
        (true, true) => Exit::Fine,
    })
}
