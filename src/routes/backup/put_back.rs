//! `guard restore --database`: a database comes back from a backup.
//!
//! ```text
//! the newest backup that holds a good dump of it, or the one named   -> a file, its hash checked
//! what stands there now                                              -> dumped into the store
//! a new database beside it                                           -> restored, its rows counted
//! both renamed, in one transaction                                   -> the old one stays beside it
//! ```
//!
//! Nothing is ever dropped but the new database, where something fails before it stands in its place: so a crash anywhere leaves
//! what was there, under its name or under the one it is renamed to.

use std::collections::BTreeMap;
use std::path::Path;

use crate::disk::Durability;
use crate::git::Repo;
use crate::manifest::DatabaseRule;
use crate::model::{Backup, BackupId, SavedDatabase, Standing, Timestamp, escape};
use crate::postgres::{self, Reach};
use crate::store::{Store, StoreError};

use super::super::data_here::{Scratch, here};
use super::create::{new_id, repack_when_large};
use super::databases::{dump, is_as, keep, read_back, said};
use super::{BackupError, lock, named};

/// What came back, or would.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutBack {
    /// The database.
    pub name: String,
    /// From which backup.
    pub backup: BackupId,
    /// When that was made.
    pub at: Timestamp,
    /// Newer backups of it that were passed over, and why.
    pub passed: Vec<(BackupId, String)>,
    /// Its tables and their rows.
    pub then: BTreeMap<String, u64>,
    /// What stands there now.
    pub before: Before,
    /// Under which name that stays; `None` before it was done, and when nothing stood there.
    pub aside: Option<String>,
    /// Who is connected to it, escaped; only before it was done.
    pub connections: Vec<String>,
    /// What stands before a command for the same server.
    pub prefix: String,
}

/// What stood in a database's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Before {
    /// Nothing.
    Nothing,
    /// A database with these tables and rows; the backup that holds it, once it was saved.
    Counted(BTreeMap<String, u64>, Option<BackupId>),
    /// A database that could not be read: why, escaped.
    Unreadable(String),
    /// Exactly what would come back.
    Same,
}

/// Two databases that changed places, or would.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwappedBack {
    /// The database.
    pub name: String,
    /// What it was called that stands there now.
    pub former: String,
    /// What that is called which stood there; `None` before it was done, and when nothing did.
    pub aside: Option<String>,
    /// Who is connected to either, escaped; only before it was done.
    pub connections: Vec<String>,
}

/// Brings a database back: from a backup, of which the name's beginning will do, or from the newest that is good.
pub fn put_back(repo: &Repo, now: Timestamp, name: &str, from: Option<&str>) -> Result<PutBack, BackupError> {
    let rule = rule(repo, name)?;
    let reach = Reach::new(repo.environment(), rule.service.as_deref());
    let _lock = lock(repo, now, None)?;
    // There has to be one, and what is saved in it now has to last.
    Store::open(&repo.guard_dir())?;
    let store = Store::open_or_create(&repo.guard_dir(), Durability::Fsync, now)?;
    let folder = Scratch::make(repo)?;
    let Chosen { backup, passed, dump } = choose(&store, &reach, name, from, &folder.folder)?;
    free(&reach, name, &[name])?;
    let before = if postgres::is_there(&reach, name)? {
        save_now(repo, &store, &reach, (&rule, &dump), &folder.folder, now)?
    } else {
        Before::Nothing
    };
    let mut done = PutBack {
        name: name.to_owned(),
        at: backup.at,
        backup: backup.id,
        passed,
        then: dump.facts.tables.clone(),
        before,
        aside: None,
        connections: Vec::new(),
        prefix: reach.prefix(),
    };
    if done.before == Before::Same {
        return Ok(done);
    }
    let scratch = postgres::Scratch::make(&reach, &dump.facts, true)?;
    let tables = scratch.fill(&folder.folder.join("chosen"), &dump.facts, true)?;
    if tables != done.then {
        return refused(format!("what came back of '{name}' has not as many rows as what was saved"), None);
    }
    done.aside = match postgres::move_in(scratch, name, &dump.facts, now) {
        Ok(aside) => aside,
        Err(error) => {
            free(&reach, name, &[name])?;
            return Err(error.into());
        }
    };
    Ok(done)
}

/// Says what [`put_back`] would do.
pub fn would_put_back(repo: &Repo, name: &str, from: Option<&str>) -> Result<PutBack, BackupError> {
    let rule = rule(repo, name)?;
    let reach = Reach::new(repo.environment(), rule.service.as_deref());
    let store = Store::open(&repo.guard_dir())?;
    let folder = Scratch::make(repo)?;
    let Chosen { backup, passed, dump } = choose(&store, &reach, name, from, &folder.folder)?;
    let before = if postgres::is_there(&reach, name)? {
        match postgres::count_now(&reach, name) {
            Ok(tables) => Before::Counted(tables, None),
            Err(error) => Before::Unreadable(said(&error)),
        }
    } else {
        Before::Nothing
    };
    Ok(PutBack {
        name: name.to_owned(),
        at: backup.at,
        backup: backup.id,
        passed,
        then: dump.facts.tables,
        before,
        aside: None,
        connections: postgres::connections(&reach, name)?,
        prefix: reach.prefix(),
    })
}

/// Puts the database that the last restore put aside into its place again.
pub fn swap_back(repo: &Repo, now: Timestamp, name: &str) -> Result<SwappedBack, BackupError> {
    let _lock = lock(repo, now, None)?;
    let (reach, mut done) = plan_swap(repo, name)?;
    free(&reach, name, &[name, &done.former])?;
    done.aside = match postgres::move_back(&reach, name, &done.former, now) {
        Ok(aside) => aside,
        Err(error) => {
            free(&reach, name, &[name, &done.former])?;
            return Err(error.into());
        }
    };
    done.connections.clear();
    Ok(done)
}

/// Says what [`swap_back`] would do.
pub fn would_swap_back(repo: &Repo, name: &str) -> Result<SwappedBack, BackupError> {
    Ok(plan_swap(repo, name)?.1)
}

fn plan_swap(repo: &Repo, name: &str) -> Result<(Reach, SwappedBack), BackupError> {
    let rule = rule(repo, name)?;
    let reach = Reach::new(repo.environment(), rule.service.as_deref());
    let Some(former) = postgres::former(&reach, name)? else {
        let saved = saved_before_restore(repo, name)?;
        let hint = saved.map(|id| format!("guard restore --database {name} --from {id}"));
        return refused(format!("there is no database '{name}_before_…' any more"), hint);
    };
    let mut connections = postgres::connections(&reach, name)?;
    connections.extend(postgres::connections(&reach, &former)?);
    let done = SwappedBack { name: name.to_owned(), former, aside: None, connections };
    Ok((reach, done))
}

/// Returns the newest backup that holds what stood there before a restore.
fn saved_before_restore(repo: &Repo, name: &str) -> Result<Option<BackupId>, BackupError> {
    let backups = match Store::open(&repo.guard_dir()) {
        Ok(store) => store.backups()?.0,
        Err(StoreError::NoStore(_)) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let is_it = |backup: &Backup| backup.database(name).is_some_and(|one| one.standing == Standing::Unknown);
    Ok(backups.into_iter().find(is_it).map(|backup| backup.id))
}

fn rule(repo: &Repo, name: &str) -> Result<DatabaseRule, BackupError> {
    let known = here(repo)?.manifest.database.into_iter().find(|rule| rule.name == name);
    let (file, name) = (crate::manifest::FILE, escape(name.as_bytes()));
    known.ok_or_else(|| BackupError::Usage(format!("no [[database]] entry of '{file}' has name = \"{name}\"")))
}

struct Chosen {
    backup: Backup,
    passed: Vec<(BackupId, String)>,
    dump: SavedDatabase,
}

/// Chooses the dump that comes back and writes it into `chosen`.
fn choose(store: &Store, reach: &Reach, name: &str, from: Option<&str>, folder: &Path) -> Result<Chosen, BackupError> {
    let look = |dump: &SavedDatabase| {
        let file = folder.join("chosen");
        read_back(store, &dump.blob, &file)?;
        Ok::<_, BackupError>(postgres::check(reach, &file, &dump.facts.dumped_by)?)
    };
    if let Some(from) = from {
        let backup = store.backup(&named(&store.backup_ids()?, from)?)?;
        let dump = backup.database(name).cloned();
        let dump =
            dump.ok_or_else(|| BackupError::Usage(format!("backup {} holds no database '{name}'", backup.id)))?;
        look(&dump)?;
        return Ok(Chosen { backup, passed: Vec::new(), dump });
    }
    let mut passed = Vec::new();
    for backup in store.backups()?.0 {
        let Some(dump) = backup.database(name).cloned() else {
            let left = backup.unsaved_databases.iter().find(|left| left.name == name);
            passed.extend(left.map(|left| (backup.id.clone(), format!("not in it: {}", escape(left.why.as_bytes())))));
            continue;
        };
        if dump.standing != Standing::Good {
            let why = dump.why.as_deref().map_or("not known to be good".into(), |why| escape(why.as_bytes()));
            passed.push((backup.id, why));
            continue;
        }
        match look(&dump) {
            Ok(()) => return Ok(Chosen { backup, passed, dump }),
            // It can't be read by this program, or there is none: nor can any other.
            Err(BackupError::Postgres(error)) if !matches!(error, postgres::PostgresError::Failed { .. }) => {
                return Err(error.into());
            }
            Err(BackupError::Disk(error)) => return Err(error.into()),
            Err(error) => passed.push((backup.id, said(&error))),
        }
    }
    let walk: Vec<String> = passed.iter().map(|(id, why)| format!("{id}: {why}")).collect();
    let more = if walk.is_empty() { String::new() } else { format!(" ({})", walk.join("; ")) };
    refused(format!("no backup holds a good dump of '{name}'{more}; nothing was changed"), None)
}

/// Saves what stands there now, unless that is what comes back, or some backup holds it. A database that can't be dumped is
/// no reason to leave it in its place: it stays whole, beside the other.
fn save_now(
    repo: &Repo,
    store: &Store,
    reach: &Reach,
    (rule, chosen): (&DatabaseRule, &SavedDatabase),
    folder: &Path,
    now: Timestamp,
) -> Result<Before, BackupError> {
    let dumped = match dump(reach, rule, folder)? {
        Ok(dumped) => dumped,
        Err(why) => return Ok(Before::Unreadable(why)),
    };
    // What belongs to the database itself would stay as it is.
    let mut same = chosen.clone();
    same.facts.belongings.clone_from(&dumped.facts.belongings);
    if is_as(&same, &dumped) {
        return Ok(Before::Same);
    }
    let tables = dumped.facts.tables.clone();
    let (backups, _) = store.backups()?;
    let has_it = |backup: &&Backup| backup.database(&rule.name).is_some_and(|known| is_as(known, &dumped));
    if let Some(known) = backups.iter().find(has_it) {
        return Ok(Before::Counted(tables, Some(known.id.clone())));
    }
    let saved = match keep(store, reach, rule, dumped, folder)? {
        Ok(saved) => saved,
        Err(why) => return Ok(Before::Unreadable(why)),
    };
    let why = Some("as it was before a restore".to_owned());
    let databases = vec![SavedDatabase { standing: Standing::Unknown, why, ..saved }];
    let id = new_id(now);
    let (files, unsaved, unsaved_databases) = (Vec::new(), Vec::new(), Vec::new());
    store.write_backup(&Backup {
        id: id.clone(),
        at: now,
        worktree: None,
        branch: None,
        files,
        unsaved,
        databases,
        unsaved_databases,
    })?;
    repack_when_large(repo, store);
    Ok(Before::Counted(tables, Some(id)))
}

/// Refuses when somebody is connected: a database in use can't be renamed.
fn free(reach: &Reach, name: &str, databases: &[&str]) -> Result<(), BackupError> {
    let mut connections = Vec::new();
    for database in databases {
        connections.extend(postgres::connections(reach, database)?);
    }
    if connections.is_empty() {
        return Ok(());
    }
    let why = format!(
        "'{name}' is in use, and nothing was changed; stop what is connected and try again: {}",
        connections.join("; ")
    );
    refused(why, Some("run it again then".to_owned()))
}

fn refused<T>(why: String, hint: Option<String>) -> Result<T, BackupError> {
    Err(BackupError::Refused { why, hint })
}
