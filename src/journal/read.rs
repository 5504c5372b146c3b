//! Reading: everything, the newest, or what one hook needs.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::io::ErrorKind;

use crate::disk::{self, DiskError};
use crate::model::{Allowance, Body, Oid, Operation, OperationId, Raw, Record, RefName, Status, WorktreeId};

use super::{Damage, Journal, JournalError, RecordName, RecordType, fold, format};

/// The largest record that is read; larger ones are no records of ours.
const MAX_RECORD: u64 = 256 << 20;

/// How many open operations or allowances a hook looks at, newest first.
pub(super) const MAX_LOOKED_AT: usize = 256;

/// How many outcomes a hook looks back for the last value of a branch.
const MAX_LOOKED_BACK: usize = 32;

/// A file in the journal's folder that does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damaged {
    /// Its name.
    pub name: Raw,
    /// What is wrong with it.
    pub why: Damage,
}

/// What the journal tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// Operations, oldest first.
    pub operations: Vec<Operation>,
    /// Allowances, oldest first.
    pub allowances: Vec<Allowance>,
    /// Files that do not count.
    pub damaged: Vec<Damaged>,
}

impl History {
    /// Returns the version of a newer guard's record, if there is one: then nothing may be changed, because what it says
    /// is not known.
    pub fn newer(&self) -> Option<u32> {
        self.damaged.iter().find_map(|damaged| match damaged.why {
            Damage::Newer(version) => Some(version),
            _ => None,
        })
    }

    /// Returns the operation of that name.
    pub fn operation(&self, id: &OperationId) -> Option<&Operation> {
        self.operations.iter().find(|operation| operation.id == *id)
    }
}

/// The names in the journal's folder.
pub(super) struct Listing {
    /// Names of records, oldest first.
    pub(super) names: Vec<RecordName>,
    /// Names of anything else, temporaries left out.
    foreign: Vec<Damaged>,
}

impl Journal {
    /// Reads all records.
    pub fn operations(&self) -> Result<History, JournalError> {
        let Listing { names, foreign } = self.list()?;
        Ok(self.history(&names, foreign))
    }

    /// Reads the newest operations, whole ones, until `limit` record files are read; of what is older nothing is known.
    /// Costs one listing and at most `limit` reads, but always at least one operation's.
    pub fn recent(&self, limit: usize) -> Result<History, JournalError> {
        let Listing { names, foreign } = self.list()?;
        let mut sizes: HashMap<&OperationId, usize> = HashMap::new();
        for id in names.iter().filter_map(|name| name.operation.as_ref()) {
            *sizes.entry(id).or_default() += 1;
        }
        let mut chosen: HashSet<&OperationId> = HashSet::new();
        let mut files = 0;
        for id in names.iter().rev().filter_map(|name| name.operation.as_ref()) {
            if chosen.contains(id) {
                continue;
            }
            files += sizes[id];
            if files > limit && !chosen.is_empty() {
                break;
            }
            chosen.insert(id);
        }
        let chosen = |name: &&RecordName| name.operation.as_ref().is_some_and(|id| chosen.contains(id));
        let names: Vec<RecordName> = names.iter().filter(chosen).cloned().collect();
        Ok(self.history(&names, foreign))
    }

    /// Finds the newest operation of that worktree, old tip and set of incoming commits that has no outcome yet. This is
    /// how a later hook finds the operation that an earlier one began. Reads open operations only: names tell which are.
    pub fn find_open(
        &self,
        worktree: &WorktreeId,
        head: Option<Oid>,
        incoming: &[Oid],
    ) -> Result<Option<Operation>, JournalError> {
        let fits = |operation: &Operation| {
            let heads = operation.intent.incoming.iter().map(|head| head.oid);
            operation.intent.worktree == *worktree
                && operation.intent.head == head
                && same_set(heads, incoming.iter().copied())
        };
        Ok(self.open_operations()?.find(fits))
    }

    /// Returns the operations that have no outcome yet, newest first, each read when it is asked for.
    pub fn open_operations(&self) -> Result<impl Iterator<Item = Operation>, JournalError> {
        let names = self.list()?.names;
        let closed: HashSet<&OperationId> = names
            .iter()
            .filter(|name| name.kind == RecordType::Outcome)
            .filter_map(|name| name.operation.as_ref())
            .collect();
        let open: Vec<OperationId> = names
            .iter()
            .rev()
            .filter(|name| name.kind == RecordType::Intent)
            .filter_map(|name| name.operation.as_ref())
            .filter(|id| !closed.contains(id))
            .take(MAX_LOOKED_AT)
            .cloned()
            .collect();
        Ok(open.into_iter().filter_map(move |id| self.fold_one(&names, &id)))
    }

    /// Reads one operation; `None` when its intent is not there.
    pub fn operation(&self, id: &OperationId) -> Result<Option<Operation>, JournalError> {
        let names = self.list()?.names;
        Ok(self.fold_one(&names, id))
    }

    /// Returns the value that the newest outcomes leave a ref at (`Some(None)`: deleted); `None` when they don't tell.
    pub fn last_value(&self, name: &RefName) -> Result<Option<Option<Oid>>, JournalError> {
        let names = self.list()?.names;
        let newest = names.iter().rev().filter(|record| record.kind == RecordType::Outcome).take(MAX_LOOKED_BACK);
        for record in newest {
            if let Ok(Some(Record { body: Body::Outcome(outcome), .. })) = self.read(record)
                && outcome.status == Status::Done
                && let Some(step) = outcome.moved.iter().rev().find(|step| step.name == *name)
            {
                return Ok(Some(step.new));
            }
        }
        Ok(None)
    }

    /// Finds what is allowed for a merge that is made, by its parents, newest first: they say which it is, whatever its branch is
    /// called by now.
    pub fn allowances_of_made(&self, tip: Option<Oid>, incoming: &[Oid]) -> Result<Vec<Allowance>, JournalError> {
        self.allowances(|allowance| {
            allowance.tip == tip && same_set(allowance.incoming.iter().copied(), incoming.iter().copied())
        })
    }

    /// Finds what is allowed for these incoming commits into that tip of that branch, newest first.
    pub fn allowances_for(
        &self,
        branch: Option<&RefName>,
        tip: Option<Oid>,
        incoming: &[Oid],
    ) -> Result<Vec<Allowance>, JournalError> {
        self.allowances(|allowance| {
            allowance.branch.as_ref() == branch
                && allowance.tip == tip
                && same_set(allowance.incoming.iter().copied(), incoming.iter().copied())
        })
    }

    fn allowances(&self, fits: impl Fn(&Allowance) -> bool) -> Result<Vec<Allowance>, JournalError> {
        let names = self.list()?.names;
        let newest = names.iter().rev().filter(|name| name.kind == RecordType::Allowance).take(MAX_LOOKED_AT);
        let allowances = newest.filter_map(|name| match self.read(name).ok()??.body {
            Body::Allowance(allowance) => Some(allowance),
            _ => None,
        });
        Ok(allowances.filter(|allowance| fits(allowance)).collect())
    }

    /// Lists the folder; a missing one is an empty journal.
    pub(super) fn list(&self) -> Result<Listing, JournalError> {
        let mut listing = Listing { names: Vec::new(), foreign: Vec::new() };
        for name in self.file_names()? {
            match RecordName::parse(&name) {
                Some(name) => listing.names.push(name),
                None if disk::is_temporary(&name) => {}
                None => listing.foreign.push(Damaged { name: raw(&name), why: Damage::Foreign }),
            }
        }
        listing.names.sort();
        listing.foreign.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(listing)
    }

    /// Returns where the newest record stands.
    pub(super) fn last_place(&self) -> Result<Option<(u64, u32)>, JournalError> {
        Ok(self.file_names()?.iter().filter_map(|name| RecordName::place(name)).max())
    }

    fn file_names(&self) -> Result<Vec<OsString>, JournalError> {
        let failed = |error| JournalError::List(self.records.clone(), error);
        match std::fs::read_dir(&self.records) {
            Ok(entries) => {
                entries.map(|entry| entry.map(|entry| entry.file_name())).collect::<Result<_, _>>().map_err(failed)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(failed(error)),
        }
    }

    fn history(&self, names: &[RecordName], damaged: Vec<Damaged>) -> History {
        let mut history = History { damaged, ..History::default() };
        let mut records = Vec::new();
        for name in names {
            match self.read(name) {
                Ok(Some(Record { body: Body::Allowance(allowance), .. })) => history.allowances.push(allowance),
                Ok(Some(record)) => records.push(record),
                // Pruned by another process since it was listed.
                Ok(None) => {}
                Err(why) => history.damaged.push(Damaged { name: name.to_string().into(), why }),
            }
        }
        history.operations = fold::operations(records);
        history
    }

    fn fold_one(&self, names: &[RecordName], id: &OperationId) -> Option<Operation> {
        let names = names.iter().filter(|name| name.operation.as_ref() == Some(id));
        let records = names.filter_map(|name| self.read(name).ok().flatten()).collect();
        fold::operations(records).pop()
    }

    fn read(&self, name: &RecordName) -> Result<Option<Record>, Damage> {
        let bytes = match disk::read_own(&self.records.join(name.to_string()), MAX_RECORD) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Ok(None),
            Err(DiskError::Obstructed { .. }) => return Err(Damage::NotAFile),
            Err(DiskError::Io { source, .. }) => return Err(Damage::Unreadable(source.to_string())),
            Err(error) => return Err(Damage::Unreadable(error.to_string())),
        };
        let record = format::decode(&bytes)?;
        if record.operation != name.operation || RecordType::of(&record.body) != name.kind {
            return Err(Damage::Malformed("its name is another record's".to_owned()));
        }
        Ok(Some(record))
    }
}

fn same_set(one: impl Iterator<Item = Oid>, other: impl Iterator<Item = Oid>) -> bool {
    one.collect::<HashSet<_>>() == other.collect::<HashSet<_>>()
}

pub(super) fn raw(name: &std::ffi::OsStr) -> Raw {
    name.as_encoded_bytes().into()
}
