//! Databases of a PostgreSQL server in a backup: dumped, read back from the store, and looked at again later.
//!
//! A dump goes through a scratch file: the store has to know its size, and one that breaks off must not get there.

use std::collections::BTreeSet;
use std::error::Error;
use std::io::ErrorKind;
use std::path::Path;

use crate::disk::{self, DiskError, Root};
use crate::git::Repo;
use crate::manifest::DatabaseRule;
use crate::model::{Backup, Oid, SavedDatabase, Standing, UnsavedDatabase, escape};
use crate::postgres::{self, Dumped, PostgresError, Reach};
use crate::store::{Copied, LARGEST_FILE, Problem, Store, StoreError, backup_ref};

use super::super::data_here::{Scratch, here};
use super::{BackupError, Level};

/// Dumps the databases that are to be backed up. A dump that some backup has is not written again.
pub(super) fn save(
    repo: &Repo,
    store: &Store,
    rules: &[DatabaseRule],
) -> Result<(Vec<SavedDatabase>, Vec<UnsavedDatabase>), BackupError> {
    let (mut saved, mut refused) = (Vec::new(), Vec::new());
    let backups = if rules.iter().any(|rule| rule.backup) { store.backups()?.0 } else { Vec::new() };
    for rule in rules.iter().filter(|rule| rule.backup) {
        let reach = Reach::new(repo.environment(), rule.service.as_deref());
        let scratch = Scratch::make(repo)?;
        let mut known = backups.iter().filter_map(|backup| backup.database(&rule.name));
        let one = match dump(&reach, rule, &scratch.folder)? {
            Err(why) => Err(why),
            Ok(dumped) => match known.find(|known| is_as(known, &dumped) && store.is_there(&known.blob, known.size)) {
                Some(known) => Ok(SavedDatabase { secret: rule.secret, ..known.clone() }),
                None => keep(store, &reach, rule, dumped, &scratch.folder)?,
            },
        };
        match one {
            Ok(one) => {
                let why = shrunk(rule, &one, &backups);
                let standing = if why.is_some() { Standing::Bad } else { Standing::Good };
                saved.push(SavedDatabase { standing, why, ..one });
            }
            Err(why) => refused.push(UnsavedDatabase { name: rule.name.clone(), why }),
        }
    }
    Ok((saved, refused))
}

/// Returns whether a saved dump is of the same state as one that was just written.
pub(super) fn is_as(known: &SavedDatabase, dumped: &Dumped) -> bool {
    (&known.content, &known.facts) == (&dumped.content, &dumped.facts)
}

/// Returns what a database lost since the newest good backup of it, when that is more than the manifest allows.
fn shrunk(rule: &DatabaseRule, now: &SavedDatabase, backups: &[Backup]) -> Option<String> {
    let most = rule.max_loss?;
    let is_good = |backup: &&Backup| backup.database(&rule.name).is_some_and(|known| known.standing == Standing::Good);
    let backup = backups.iter().find(is_good)?;
    backup.database(&rule.name)?.facts.tables.iter().find_map(|(table, then)| {
        let lost = then.saturating_sub(now.facts.tables.get(table).copied().unwrap_or(0));
        let (id, table) = (&backup.id, escape(table.as_bytes()));
        let rows = crate::model::count(*then, "row");
        let why = || format!("{table} lost {lost} of the {rows} of backup {id}, and max_loss is {most}");
        (lost > 0 && !most.allows(lost, *then)).then(why)
    })
}

/// Dumps a database into `dump`. `Ok(Err)`: it can't be, and why.
pub(super) fn dump(reach: &Reach, rule: &DatabaseRule, folder: &Path) -> Result<Result<Dumped, String>, BackupError> {
    postgres::dump(reach, &rule.name, &folder.join("dump"), LARGEST_FILE)
        .map_or_else(not_saved, |dumped| Ok(Ok(dumped)))
}

/// Takes `dump` into the store, and reads it back from there. `Ok(Err)`: it was not saved, and why.
pub(super) fn keep(
    store: &Store,
    reach: &Reach,
    rule: &DatabaseRule,
    Dumped { content, facts, .. }: Dumped,
    folder: &Path,
) -> Result<Result<SavedDatabase, String>, BackupError> {
    let (blob, size) = match store.copy(&Root::open(folder)?, &"dump".into())? {
        Copied::Stored { blob, size, .. } => (blob, size),
        Copied::Refused(why) => return Ok(Err(why)),
        Copied::Gone => return Ok(Err("its dump went away".to_owned())),
    };
    disk::remove_file(&folder.join("dump"))?;
    let back = folder.join("back");
    read_back(store, &blob, &back)?;
    let checked = postgres::check(reach, &back, &facts.dumped_by);
    disk::remove_file(&back)?;
    if let Err(error) = checked {
        return not_saved(error);
    }
    let (name, secret, standing) = (rule.name.clone(), rule.secret, Standing::Good);
    Ok(Ok(SavedDatabase { name, blob, size, content, secret, standing, why: None, facts }))
}

/// Writes a stored dump into a file, whose hash is right then.
pub(super) fn read_back(store: &Store, oid: &Oid, file: &Path) -> Result<(), BackupError> {
    let mut blob = store.stream_blob(oid)?;
    match disk::create_from(file, &mut blob, 0o600) {
        // The dump's fault, not the file's.
        Err(DiskError::Io { source, .. }) if source.kind() == ErrorKind::InvalidData => {
            Err(StoreError::Blob { oid: *oid, why: source.to_string() }.into())
        }
        Err(error) => Err(error.into()),
        Ok(_) => Ok(blob.finish()?),
    }
}

/// A disk that is full is no fault of the database.
fn not_saved<T>(error: PostgresError) -> Result<Result<T, String>, BackupError> {
    match error {
        PostgresError::Disk(error) => Err(error.into()),
        error => Ok(Err(said(&error))),
    }
}

/// Returns an error with its causes as one line, escaped.
pub(in crate::routes) fn said(error: &dyn Error) -> String {
    let mut text = escape(error.to_string().as_bytes());
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {}", escape(error.to_string().as_bytes())));
        cause = error.source();
    }
    text
}

/// Returns how a database's server is reached: as the manifest here says, else by the environment alone. What a backup says
/// of it does not count: it may be anybody's.
pub(super) fn reach_of(repo: &Repo, name: &str) -> Reach {
    let here = here(repo).ok();
    let rule = here.as_ref().and_then(|here| here.manifest.database.iter().find(|rule| rule.name == name));
    Reach::new(repo.environment(), rule.and_then(|rule| rule.service.as_deref()))
}

/// Looks at dumps that were saved, each once however many backups hold it.
pub(super) struct Dumps<'d> {
    repo: &'d Repo,
    store: &'d Store,
    level: Level,
    seen: BTreeSet<Oid>,
    pub(super) unchecked: Vec<UnsavedDatabase>,
}

impl<'d> Dumps<'d> {
    pub(super) fn new(repo: &'d Repo, store: &'d Store, level: Level) -> Self {
        Self { repo, store, level, seen: BTreeSet::new(), unchecked: Vec::new() }
    }

    /// Returns what is wrong with a backup's dumps, all bytes of which are whole.
    pub(super) fn look_at(&mut self, backup: &Backup) -> Result<Vec<Problem>, BackupError> {
        let mut problems = Vec::new();
        for database in &backup.databases {
            if !self.seen.insert(database.blob) {
                continue;
            }
            let scratch = Scratch::make(self.repo)?;
            let file = scratch.folder.join("dump");
            read_back(self.store, &database.blob, &file)?;
            match self.comes_back(database, &file) {
                Ok(None) => {}
                Ok(Some(why)) => {
                    let why = format!("database '{}': {why}", escape(database.name.as_bytes()));
                    problems.push(Problem { snapshot: backup_ref(&backup.id)?, path: None, why });
                }
                Err(why) => self.unchecked.push(UnsavedDatabase { name: database.name.clone(), why }),
            }
        }
        Ok(problems)
    }

    /// Returns what is wrong with a dump; an error is why that can't be found out here.
    fn comes_back(&self, database: &SavedDatabase, file: &Path) -> Result<Option<String>, String> {
        let reach = reach_of(self.repo, &database.name);
        let sort = |error: PostgresError| match error {
            PostgresError::Failed { .. } | PostgresError::Answer(_) => Ok(Some(said(&error))),
            error => Err(said(&error)),
        };
        if let Err(error) = postgres::check(&reach, file, &database.facts.dumped_by) {
            return sort(error);
        }
        if self.level < Level::Restore {
            return Ok(None);
        }
        // The owners of its objects may be no roles of this server: that is no fault of the dump.
        let scratch = postgres::Scratch::make(&reach, &database.facts, false).map_err(|error| said(&error))?;
        match scratch.fill(file, &database.facts, false) {
            Ok(tables) if tables == database.facts.tables => Ok(None),
            Ok(_) => Ok(Some("what came back has not as many rows as what was saved".to_owned())),
            Err(error) => sort(error),
        }
    }
}
