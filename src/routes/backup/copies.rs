//! `guard backup push` and `fetch`: how backups leave one machine, and come to another.
//!
//! A remote keeps them at `refs/recoveryguard/backup/<id>`: neither branches nor tags, so that no clone fetches them by itself.
//! What is sent was checked object by object: never a ref that another process may have made meanwhile. No backup is ever
//! overwritten, on either side; what of one is damaged here comes anew from a remote that has the same backup.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use crate::disk::Durability;
use crate::git::{GitError, Repo};
use crate::model::{Backup, BackupId, Oid, RefName, Timestamp, escape};
use crate::store::{Problem, Store, backup_ref};

use super::super::data_here::{Scratch, here};
use super::{BackupError, lock, pushed};

const THERE: &str = "refs/recoveryguard/backup/";

/// The variable that names remotes which only people with a right to the data can read.
const PRIVATE: &str = "recoveryguard.privateRemote";

/// So many files are named in a refusal.
const NAMED: usize = 3;

/// Where backups go to or come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// Its address as git uses it.
    pub address: String,
    /// Whether it was declared private.
    pub private: bool,
}

/// What was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// To where.
    pub remote: Remote,
    /// Backups that were not there before and are now; before it was done, those that would be sent.
    pub sent: Vec<BackupId>,
    /// How many of ours are there in all, with the same content.
    pub there: usize,
    /// Backups that are there under their name and are others.
    pub different: Vec<BackupId>,
    /// Backups that should be there and are not.
    pub missing: Vec<BackupId>,
    /// Backups that can't be read here: they are not sent.
    pub problems: Vec<Problem>,
}

/// What was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brought {
    /// From where.
    pub remote: Remote,
    /// Backups that were not here before and are now, whole; before it was done, those that would be fetched.
    pub brought: Vec<BackupId>,
    /// How many were here already.
    pub here: usize,
    /// Those of them that were damaged here and are whole now; before it was done, those that are damaged.
    pub healed: Vec<BackupId>,
    /// Backups that are here under their name and are others: ours stay.
    pub different: Vec<BackupId>,
    /// What came and is not whole: it was not kept. And what is damaged here still.
    pub problems: Vec<Problem>,
}

impl Remote {
    /// Returns its address without what stands before its host: it may be a password.
    pub fn shown(&self) -> String {
        let Some((scheme, rest)) = self.address.split_once("://") else { return self.address.clone() };
        let host = rest.find('/').unwrap_or(rest.len());
        match rest[..host].rsplit_once('@') {
            Some((user, _)) if user.contains(':') => format!("{scheme}://{}", &rest[user.len() + 1..]),
            _ => self.address.clone(),
        }
    }
}

/// Finds the remote that was named: a remote's name, an address, or a path seen from `folder`; else the one that the manifest
/// declares.
pub fn remote(repo: &Repo, folder: &Path, typed: Option<&str>) -> Result<Remote, BackupError> {
    if let Some(typed) = typed {
        return named(repo, folder, typed);
    }
    let here = here(repo)?;
    let file = crate::manifest::FILE;
    let declared = here.manifest.backup.remote.ok_or_else(|| {
        BackupError::Usage(format!("no remote was named, and '{file}' declares none: [backup.remote] url"))
    })?;
    named(repo, here.root.path(), &declared.url)
}

/// Sends the backups that a remote does not have yet.
pub fn push(repo: &Repo, now: Timestamp, remote: Remote, dry: bool) -> Result<Sent, BackupError> {
    let store = Store::open(&repo.guard_dir())?;
    let (mut backups, mut problems) = store.backups()?;
    // Before the remote is asked anything.
    may_leave(&remote, &backups)?;
    let known = listed(repo, &store, &remote)?;
    let (mut sending, mut read) = (Vec::new(), HashSet::new());
    let mut damaged = Vec::new();
    for backup in &backups {
        let Some(tag) = store.backup_tag(&backup.id)?.filter(|_| !known.contains_key(&there(&backup.id))) else {
            continue;
        };
        // Every byte that leaves was read: git sends what is damaged, or stops in words of its own.
        let found = look_through(&store, &backup.id, &mut read)?;
        if found.is_empty() {
            sending.push((backup.clone(), tag));
        } else {
            problems.extend(found);
            damaged.push(backup.id.clone());
        }
    }
    backups.retain(|backup| !damaged.contains(&backup.id));
    let sent: Vec<BackupId> = sending.iter().map(|(backup, _)| backup.id.clone()).collect();
    if !dry {
        let refs: Vec<(Oid, String)> =
            sending.iter().map(|(backup, tag)| (*tag, there(&backup.id).to_string())).collect();
        repo.send(store.path(), &remote.address, &refs).map_err(|error| in_the_way(&store, error))?;
    }
    // What counts is what is there, not what git said.
    let known = if dry { known } else { listed(repo, &store, &remote)? };
    let (mut same, mut different, mut missing) = (Vec::new(), Vec::new(), Vec::new());
    for backup in &backups {
        match known.get(&there(&backup.id)) {
            Some(oid) if Some(*oid) == store.backup_tag(&backup.id)? => same.push(backup.id.clone()),
            Some(_) => different.push(backup.id.clone()),
            None if dry => {}
            None => missing.push(backup.id.clone()),
        }
    }
    let there = same.len();
    if !dry {
        pushed::note(repo, &remote, now, same)?;
    }
    Ok(Sent { remote, sent, there, different, missing, problems })
}

/// Fetches the backups of a remote that are not here yet, and what is damaged of those that are; every byte of both is read.
pub fn fetch(repo: &Repo, now: Timestamp, remote: Remote, dry: bool) -> Result<Brought, BackupError> {
    let _lock = lock(repo, now, None)?;
    let store = Store::open_or_create(&repo.guard_dir(), Durability::Fsync, now)?;
    let known = listed(repo, &store, &remote)?;
    let (mut brought, mut here, mut different, mut problems) = (Vec::new(), 0, Vec::new(), Vec::new());
    let (mut refs, mut damaged) = (Vec::new(), Vec::new());
    let (all, mut read) = (store.backup_ids()?, HashSet::new());
    for (name, oid) in &known {
        let Some((id, own)) = own_name(name) else {
            let why = "its name is not that of a backup".to_owned();
            problems.push(Problem { snapshot: name.to_string(), path: None, why });
            continue;
        };
        match store.backup_tag(&id)? {
            Some(tag) if tag != *oid => different.push(id),
            None if !all.contains(&id) => {
                refs.push((name.to_string(), own));
                brought.push(id);
            }
            tag => {
                here += 1;
                // A ref of garbage is there, too.
                if tag.is_none() || !look_through(&store, &id, &mut read)?.is_empty() {
                    damaged.push(id);
                }
            }
        }
    }
    if !dry {
        // Before the others come: git does not fetch into a repository that lacks what its refs name.
        let found = heal(repo, now, &store, &remote, &mut damaged)?;
        let is_hindered = !found.is_empty();
        problems.extend(found);
        let fetched = match repo.bring(store.path(), &remote.address, &refs) {
            Err(error) if is_hindered || error.is_of_the_far_side() => {
                heal(repo, now, &store, &remote, &mut brought).map(|found| problems.extend(found))
            }
            fetched => fetched.map_err(BackupError::from),
        };
        // Opened again: it sees new packs.
        let store = Store::open(&repo.guard_dir())?;
        let came: BTreeMap<&BackupId, Vec<Problem>> = brought
            .iter()
            .map(|id| Ok((id, look_through(&store, id, &mut read)?)))
            .collect::<Result<_, BackupError>>()?;
        let bad: Vec<(BackupId, Vec<Problem>)> =
            came.into_iter().filter(|(_, found)| !found.is_empty()).map(|(id, found)| (id.clone(), found)).collect();
        for (id, found) in bad {
            store.remove_backup(&id)?;
            brought.retain(|brought| *brought != id);
            problems.extend(found);
        }
        fetched?;
    }
    Ok(Brought { remote, brought, here, healed: damaged, different, problems })
}

/// Returns the backups of a remote.
fn listed(repo: &Repo, store: &Store, remote: &Remote) -> Result<BTreeMap<RefName, Oid>, BackupError> {
    repo.refs_of(store.path(), &remote.address, THERE).map_err(|error| match error {
        // git reads each backup's first object for the list.
        error if error.is_of_damage() => {
            let why = format!(
                "the backups in '{}' can't be listed, because one is damaged there; nothing was changed here",
                escape(remote.shown().as_bytes())
            );
            BackupError::Refused { why, hint: Some(ELSEWHERE.to_owned()) }
        }
        error => error.into(),
    })
}

/// What helps when a remote is damaged.
const ELSEWHERE: &str = "where it was made, 'guard backup push <another remote>' sends it anew";

/// Fetches backups that are damaged here, or that git can't fetch with the others, into a store of their own, where git has nothing of
/// them yet, and writes what is damaged or missing here anew. Leaves those that are whole now, and returns what is wrong with the
/// others.
fn heal(
    repo: &Repo,
    now: Timestamp,
    store: &Store,
    remote: &Remote,
    damaged: &mut Vec<BackupId>,
) -> Result<Vec<Problem>, BackupError> {
    if damaged.is_empty() {
        return Ok(Vec::new());
    }
    let scratch = Scratch::make(repo)?;
    let copy = Store::open_or_create(&scratch.folder, Durability::Lazy, now)?;
    let refs = damaged.iter().map(|id| Ok((there(id).to_string(), backup_ref(id)?)));
    let refs = refs.collect::<Result<Vec<_>, BackupError>>()?;
    bring_whole(repo, &copy, remote, &refs)?;
    // Opened again: it sees new packs.
    let copy = Store::open(&scratch.folder)?;
    let (mut problems, mut read, mut healed) = (Vec::new(), HashSet::new(), Vec::new());
    for id in damaged.drain(..) {
        if copy.backup_tag(&id)?.is_none() {
            let why = format!("it can't be read there, so nothing of it was changed here; {ELSEWHERE}");
            problems.push(Problem { snapshot: backup_ref(&id)?, path: None, why });
            continue;
        }
        let mut found = look_through(&copy, &id, &mut read)?;
        if found.is_empty() {
            store.heal_backup(&id, &copy)?;
            found = look_through(store, &id, &mut HashSet::new())?;
        }
        if found.is_empty() { healed.push(id) } else { problems.extend(found) }
    }
    *damaged = healed;
    Ok(problems)
}

/// Fetches those of some backups that are whole there: a git that is asked for one that is not brings none.
fn bring_whole(repo: &Repo, copy: &Store, remote: &Remote, refs: &[(String, String)]) -> Result<(), GitError> {
    let Err(error) = repo.bring(copy.path(), &remote.address, refs) else { return Ok(()) };
    // A remote that can't be reached any more is not a damaged one.
    if !error.is_of_the_far_side() || repo.refs_of(copy.path(), &remote.address, THERE).is_err() {
        return Err(error);
    }
    if refs.len() > 1 {
        let (one, other) = refs.split_at(refs.len() / 2);
        bring_whole(repo, copy, remote, one)?;
        bring_whole(repo, copy, remote, other)?;
    }
    // One alone is missed where it should be then.
    Ok(())
}

/// git looks also at what the remote has already: when something of that is damaged here, it can't tell what to send.
fn in_the_way(store: &Store, error: GitError) -> BackupError {
    let found = || -> Result<Vec<Problem>, BackupError> {
        let (backups, mut problems) = store.backups()?;
        let mut read = HashSet::new();
        for backup in backups {
            problems.extend(look_through(store, &backup.id, &mut read)?);
        }
        Ok(problems)
    };
    match found() {
        Ok(problems) if !problems.is_empty() => BackupError::InTheWay(problems),
        _ => error.into(),
    }
}

fn look_through(store: &Store, id: &BackupId, read: &mut HashSet<Oid>) -> Result<Vec<Problem>, BackupError> {
    let name = backup_ref(id)?;
    let backup = match store.backup(id) {
        Ok(backup) => backup,
        Err(error) => return Ok(vec![Problem { snapshot: name, path: None, why: error.to_string() }]),
    };
    let mut found = store.check_backup(&backup, &mut HashSet::new())?;
    if found.is_empty() {
        found = store.read_through(&backup, read)?;
    }
    Ok(found)
}

fn there(id: &BackupId) -> RefName {
    format!("{THERE}{}", id.0).into()
}

fn own_name(name: &RefName) -> Option<(BackupId, String)> {
    let id = std::str::from_utf8(name.as_bytes()).ok()?.strip_prefix(THERE)?;
    let id = BackupId(id.to_owned());
    let own = backup_ref(&id).ok()?;
    Some((id, own))
}

/// Finds the address, and whether it was declared private: by the manifest here, or by the user's configuration.
fn named(repo: &Repo, folder: &Path, typed: &str) -> Result<Remote, BackupError> {
    let odd = |c: char| c.is_control() || c.is_whitespace() && !typed.starts_with(['/', '.']);
    if typed.is_empty() || typed.starts_with('-') || typed.contains(odd) || typed.contains("::") {
        return Err(BackupError::Usage(format!("'{}' is no remote", escape(typed.as_bytes()))));
    }
    let named = if typed.contains(['/', ':']) { None } else { repo.push_address(typed)? };
    let address = match named {
        Some(address) => absolute(repo.need_work_tree().unwrap_or(folder), &address),
        None => absolute(folder, &repo.rewritten_address(typed)?),
    };
    let declared = here(repo).ok().and_then(|here| here.manifest.backup.remote).filter(|remote| remote.private);
    let declared = declared.map(|remote| remote.url);
    let configured = repo.config_all(PRIVATE)?.into_iter().map(|value| value.to_string());
    let is_it = |declared: String| [typed, address.as_str()].map(plain).contains(&plain(&declared));
    let private = declared.into_iter().chain(configured).any(is_it);
    Ok(Remote { address, private })
}

/// Makes a path absolute; what has a scheme or a host is none.
fn absolute(folder: &Path, address: &str) -> String {
    let host = address.split('/').next().unwrap_or_default();
    if address.contains("://") || host.contains(':') {
        return address.to_owned();
    }
    let path = folder.join(address);
    path.canonicalize().unwrap_or(path).to_string_lossy().into_owned()
}

/// Returns an address in a form in which it can be compared.
fn plain(address: &str) -> String {
    let address = address.trim_end_matches('/');
    if address.starts_with('/') { absolute(Path::new("/"), address) } else { address.to_owned() }
}

/// Refuses when a backup holds something that must not go there.
pub fn may_leave(remote: &Remote, backups: &[Backup]) -> Result<(), BackupError> {
    let open = ["http://", "git://"].iter().any(|scheme| remote.address.to_ascii_lowercase().starts_with(scheme));
    let files = backups.iter().flat_map(|backup| &backup.files);
    let files =
        files.map(|file| (format!("'{}'", file.path), file.secret, file.ignored.then_some("is ignored by git")));
    let databases = backups.iter().flat_map(|backup| &backup.databases);
    let databases = databases.map(|database| {
        (
            format!("database '{}'", escape(database.name.as_bytes())),
            database.secret,
            Some("is no part of the repository"),
        )
    });
    let mut stopped: BTreeMap<String, &'static str> = BTreeMap::new();
    for (what, secret, outside) in files.chain(databases) {
        let why = match (secret, outside) {
            (true, _) if open => Some("is secret, and nothing encrypts it on that way"),
            (true, _) if !remote.private => Some("is secret"),
            (false, outside) if !remote.private => outside,
            _ => None,
        };
        stopped.extend(why.map(|why| (what, why)));
    }
    let Some(count) = (!stopped.is_empty()).then_some(stopped.len()) else { return Ok(()) };
    let named: Vec<String> = stopped.into_iter().take(NAMED).map(|(what, why)| format!("{what} {why}")).collect();
    let more = if count > NAMED { format!(" (and {} more)", count - NAMED) } else { String::new() };
    let where_to = escape(remote.address.as_bytes());
    let private = if remote.private { "" } else { ", which was not declared private" };
    let why = format!("nothing was sent to '{where_to}'{private}: {}{more}", named.join(", "));
    let hint = (!remote.private && !open).then(|| format!("git config --add {PRIVATE} '{where_to}'"));
    Err(BackupError::Refused { why, hint })
}
