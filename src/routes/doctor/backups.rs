//! Whether data is backed up: how much would be lost, whether what was saved is there, and whether it lies elsewhere, too.
//!
//! Nothing is asked over a network, and no stored file is read: what costs more has commands of its own.

use super::{Check, Health};
use crate::model::{Backup, Standing, Timestamp, TreePath, count, escape};
use crate::routes::Session;
use crate::routes::backup::{self, BackupError, Level, Outlook};
use crate::routes::data_here::{Here, HereError, here};
use crate::rules::shell_quote;
use crate::store::{Store, StoreError};

/// The command that saves what is there.
const CREATE: &str = "guard backup create";

/// So many problems are told one by one.
const TOLD: usize = 5;

/// Looks at backups; says nothing where the manifest asks for none.
pub(super) fn check(session: &Session<'_>) -> Vec<Check> {
    let here = match here(session.repo) {
        Ok(here) => here,
        // A bare repository has no files to back up.
        Err(HereError::Git(_)) => return Vec::new(),
        Err(error) => return vec![Check::new("backups", Health::Bad, format!("not looked at: {}", words(error)))],
    };
    if !here.manifest.data.iter().any(|rule| rule.backup) {
        return Vec::new();
    }
    look(session, &here).unwrap_or_else(|error| vec![Check::new("backups", Health::Bad, error.to_string())])
}

fn words(error: HereError) -> String {
    BackupError::from(error).to_string()
}

fn look(session: &Session<'_>, here: &Here) -> Result<Vec<Check>, BackupError> {
    let outlook = backup::would_create(session.repo)?;
    let all = match Store::open(&session.repo.guard_dir()) {
        Ok(store) => store.backups()?.0,
        Err(StoreError::NoStore(_)) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let mut checks = vec![fresh(session, here, &outlook, &all)];
    if let Some(last) = &outlook.last {
        checks.extend(left_out(last));
        checks.extend(bad(last, &outlook, &all));
        checks.extend(whole(session)?);
        checks.push(copies(session, here, last, &all));
    }
    Ok(checks)
}

/// Compares what is there with what was saved, and how long ago that was with how much may be lost.
fn fresh(session: &Session<'_>, here: &Here, outlook: &Outlook, all: &[Backup]) -> Check {
    let new = |health, text: String| Check::new("backups", health, text);
    let number = outlook.read.len() + outlook.same.len();
    let Some(last) = &outlook.last else {
        return match number {
            0 => new(Health::Note, "no file is here that [[data]] backup = true names".to_owned()),
            _ => new(Health::Bad, format!("there is no backup yet of {}", count(number, "file"))).remedy(CREATE),
        };
    };
    let changed = outlook.read.len() + outlook.gone.len();
    if changed == 0 {
        return new(Health::Good, format!("backup {} holds {} as they are now", last.id, count(number, "file")));
    }
    // A bad version protects nobody: then the newest that is none counts.
    let counts = if last.standing() == Standing::Bad {
        all.iter().find(|backup| backup.standing() != Standing::Bad).map(|good| (good, good.at))
    } else {
        Some((last, outlook.looked.unwrap_or(last.at)))
    };
    let Some((counts, at)) = counts else {
        return new(Health::Bad, "there is no backup yet in which every file is good".to_owned()).remedy(CREATE);
    };
    let may = format!("{} may have changed since backup {}", count(changed, "file"), counts.id);
    let text = format!("{may}, {} ago", at.age(session.now));
    match here.manifest.runbook.rpo {
        _ if at > session.now => new(Health::Bad, format!("{may}, which is from later than now")).remedy(CREATE),
        Some(rpo) if is_older(at, session.now, rpo) => {
            let text = format!("{text}: more may be lost than [runbook] rpo ({}) says", duration(rpo));
            new(Health::Bad, text).remedy(CREATE)
        }
        _ => new(Health::Good, text),
    }
}

fn is_older(at: Timestamp, now: Timestamp, seconds: u64) -> bool {
    now.0.saturating_sub(at.0) / 1000 > seconds
}

fn duration(seconds: u64) -> String {
    Timestamp(0).age(Timestamp(seconds.saturating_mul(1000)))
}

fn left_out(last: &Backup) -> Option<Check> {
    let first = last.unsaved.first()?;
    let more = more(last.unsaved.len());
    Some(Check::new("backups", Health::Bad, format!("backup {} lacks '{}'{more}: {}", last.id, first.path, first.why)))
}

/// Names files that are bad in the newest backup, and here, too.
fn bad(last: &Backup, outlook: &Outlook, all: &[Backup]) -> Option<Check> {
    let is_bad = |path: &&TreePath| last.file(path).is_some_and(|file| file.standing == Standing::Bad);
    let bad: Vec<&TreePath> = outlook.same.iter().filter(is_bad).collect();
    let path = *bad.first()?;
    let why = last.file(path).and_then(|file| file.why.as_deref()).unwrap_or_default();
    let text = format!("'{path}'{} is bad, here and in the newest backup: {}", more(bad.len()), escape(why.as_bytes()));
    let good = |backup: &Backup| backup.file(path).is_some_and(|file| file.standing == Standing::Good);
    // Where no backup has it good, history may; the other command says where it is broken.
    let command = if all.iter().any(good) { "restore" } else { "verify" };
    Some(Check::new("backups", Health::Bad, text).remedy(format!("guard {command} {}", shell_quote(path))))
}

/// Asks for every backup's manifest, tree and objects; only the bytes of files are not read.
fn whole(session: &Session<'_>) -> Result<Vec<Check>, BackupError> {
    let found = backup::verify(session.repo, None, Level::Refs)?;
    if found.problems.is_empty() {
        let text = format!("every object of {} is there", count(found.backups, "backup"));
        return Ok(vec![Check::new("backups", Health::Good, format!("{text} (bytes not read: guard backup verify)"))]);
    }
    let told = found.problems.iter().take(TOLD).map(|problem| {
        let path = problem.path.as_ref().map_or(String::new(), |path| format!(" '{path}'"));
        let text = format!("{}{path} is damaged: {}", escape(problem.snapshot.as_bytes()), problem.why);
        let check = Check::new("backups", Health::Bad, text);
        Check { remedy: backup::remedy(session.repo, problem).map(|remedy| remedy.command), ..check }
    });
    Ok(told.collect())
}

/// Says whether the newest backup lies on another machine as well, as far as pushes tell.
fn copies(session: &Session<'_>, here: &Here, last: &Backup, all: &[Backup]) -> Check {
    let known = backup::copies(session.repo);
    let has = |copy: &&backup::Copy| copy.backups.contains(&last.id);
    let good = |copy: &backup::Copy| {
        let text = format!("backup {} is at '{}', too", last.id, escape(copy.address.as_bytes()));
        Check::new("copies", Health::Good, format!("{text}, as it was {} ago", copy.at.age(session.now)))
    };
    if here.manifest.backup.remote.is_none() {
        let file = crate::manifest::FILE;
        let text = format!("backups are only on this machine: name another one as [backup.remote] in '{file}'");
        return known.iter().find(has).map_or_else(|| Check::new("copies", Health::Note, text), good);
    }
    let remote = match backup::remote(session.repo, here.root.path(), None) {
        Ok(remote) => remote,
        Err(error) => return Check::new("copies", Health::Bad, error.to_string()),
    };
    let address = remote.shown();
    if let Some(copy) = known.iter().filter(|copy| copy.address == address).find(has) {
        return good(copy);
    }
    let text = format!("backup {} is only on this machine, not at '{}'", last.id, escape(address.as_bytes()));
    match backup::may_leave(&remote, all) {
        Err(BackupError::Refused { why, hint }) => {
            let check = Check::new("copies", Health::Note, format!("{text}: {why}"));
            Check { remedy: hint, ..check }
        }
        _ => Check::new("copies", Health::Note, text).remedy("guard backup push"),
    }
}

fn more(number: usize) -> String {
    if number > 1 { format!(" and {} more", number - 1) } else { String::new() }
}
