//! Forgetting what is old.
//!
//! *Excess* is what the journal can do without; it is found by reading and taken by [`Journal::remove`]. Nobody but
//! `routes::retention` asks, because what belongs to an operation elsewhere (refs, snapshots) goes with it.
//!
//! Merges, and operations for which bytes were saved, are counted apart from the others: a hundred commits must not take
//! away the bytes that a merge overwrote, which exist nowhere else.
//!
//! Order: intents first, the newest first, then the other records. A crash in between leaves records without an intent,
//! which belong to nothing and are excess again; the other way round an operation would come back as an open one. Files that
//! another process removed meanwhile are fine.

use std::collections::{BTreeSet, HashSet};

use crate::disk;
use crate::model::{Kind, Operation, OperationId, Timestamp, WorktreeId};

use super::read::MAX_LOOKED_AT;
use super::{History, Journal, JournalError, RecordName, RecordType};

/// What has no operation stays so long: another process may be about to write the intent.
const GRACE: u64 = 60 * 60 * 1000;

/// Of operations without saved bytes that are no merges so many times as many stay. They cost no room but names: each
/// hook lists the folder, and should not feel it.
pub const PLAIN: usize = 3;

/// What the journal can do without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excess {
    /// Operations beyond the newest ones of their sort, oldest first: never an open one, never one that a kept undo or redo refers to.
    pub operations: Vec<OperationId>,
    /// Operations that stay and look open, although what they announced has ended: nobody saw how.
    pub ended: Vec<OperationId>,
    /// Records that go, in the order in which they go.
    pub records: Vec<RecordName>,
    gone: HashSet<OperationId>,
    known: HashSet<OperationId>,
    horizon: Option<Horizon>,
}

/// A moment, as names tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Horizon {
    place: (u64, u32),
    compact: String,
}

impl Excess {
    /// Returns whether what is kept under an operation's name goes: with its operation, or because there is none and it is
    /// older than the newest operations.
    pub fn takes(&self, id: &OperationId) -> bool {
        self.gone.contains(id) || !self.known.contains(id) && self.horizon.as_ref().is_some_and(|at| at.is_after(id))
    }
}

impl Horizon {
    fn new(oldest: &RecordName, now: Timestamp) -> Self {
        let limit = (now.0.saturating_sub(GRACE), 0);
        let place = limit.min((oldest.millis, oldest.sequence));
        Self { place, compact: Timestamp(place.0).compact() }
    }

    /// Whether the operation's name tells that it began before. The age of a file would not: a kept index is as old as
    /// the user's.
    fn is_after(&self, id: &OperationId) -> bool {
        let began = id.0.get(..self.compact.len());
        let began = began.filter(|began| began.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-'));
        began.is_some_and(|began| *began < *self.compact)
    }
}

/// Finds what goes when the newest `keep` operations with saved bytes and merges stay, and the newest [`PLAIN`] times as
/// many of the others. Pure.
///
/// `names` are those of all records, in order; `worktrees` those that exist.
pub fn excess(
    history: &History,
    names: &[RecordName],
    keep: usize,
    worktrees: &BTreeSet<WorktreeId>,
    now: Timestamp,
) -> Excess {
    let operations = &history.operations;
    let ended = ended(operations, worktrees, now);
    let newest = newest(operations, keep);
    let mut stays: HashSet<&OperationId> = HashSet::new();
    for operation in operations.iter().rev() {
        let open = operation.outcome.is_none() && !ended.contains(&operation.id);
        if newest.counted.contains(&operation.id) || open || stays.contains(&operation.id) {
            stays.insert(&operation.id);
            stays.extend(&operation.intent.of);
        }
    }
    let intents = names.iter().filter(|name| name.kind == RecordType::Intent);
    let intents: Vec<(&RecordName, &OperationId)> =
        intents.filter_map(|name| Some((name, name.operation.as_ref()?))).collect();
    let oldest = newest.oldest.and_then(|oldest| intents.iter().find(|(_, id)| *id == oldest));
    let horizon = oldest.map(|(name, _)| Horizon::new(name, now));
    let is_old = |name: &RecordName| horizon.as_ref().is_some_and(|at| (name.millis, name.sequence) < at.place);
    // An intent that counts for no operation: damaged, or noticed by a command and recorded by its hook as well.
    let told: HashSet<&OperationId> = operations.iter().map(|operation| &operation.id).collect();
    let gone = intents.iter().filter(|(name, id)| if told.contains(id) { !stays.contains(id) } else { is_old(name) });
    let gone: HashSet<OperationId> = gone.map(|(_, id)| (*id).clone()).collect();
    let known: HashSet<OperationId> = intents.iter().map(|(_, id)| (*id).clone()).collect();
    let mut allowances = names.iter().filter(|name| name.operation.is_none()).count();
    let goes = |name: &&RecordName| {
        let Some(id) = &name.operation else {
            allowances -= 1;
            return allowances >= MAX_LOOKED_AT || is_old(name);
        };
        gone.contains(id) || !known.contains(id) && is_old(name)
    };
    let records = names.iter().filter(goes).cloned();
    let (mut records, others): (Vec<_>, Vec<_>) = records.partition(|name| name.kind == RecordType::Intent);
    records.reverse();
    records.extend(others);
    let mut listed = HashSet::new();
    let in_order = intents.iter().map(|(_, id)| *id).filter(|id| gone.contains(*id) && listed.insert(*id));
    Excess {
        operations: in_order.cloned().collect(),
        ended: ended.into_iter().filter(|id| !gone.contains(id)).collect(),
        records,
        gone,
        known,
        horizon,
    }
}

/// The operations that stay because of their number.
struct Newest<'h> {
    counted: HashSet<&'h OperationId>,
    /// What has no operation goes when it is older than this one: the oldest of the plain ones when some of them go, so
    /// that a merge of long ago keeps nothing else alive.
    oldest: Option<&'h OperationId>,
}

fn newest(operations: &[Operation], keep: usize) -> Newest<'_> {
    let (mut heavy, mut plain) = (keep, keep.saturating_mul(PLAIN));
    let mut found = Newest { counted: HashSet::new(), oldest: None };
    let mut plain_go = false;
    for operation in operations.iter().rev() {
        let is_heavy = is_heavy(operation);
        let left = if is_heavy { &mut heavy } else { &mut plain };
        if *left > 0 {
            *left -= 1;
            found.counted.insert(&operation.id);
            found.oldest = if plain_go { found.oldest } else { Some(&operation.id) };
        } else {
            plain_go |= !is_heavy;
        }
    }
    found
}

/// Whether bytes were saved for it, or it is a merge.
fn is_heavy(operation: &Operation) -> bool {
    let saved = &operation.intent.saved;
    operation.intent.kind.is_merge() || saved.snapshot.is_some() || saved.index
}

/// Returns the operations without outcome that can't get one any more.
///
/// A merge, a rebase and the like may wait for days in a worktree, but only one of a kind. Everything else is over in
/// moments. What was begun in a worktree that is gone is over too; an undo of ours that was killed anywhere else is finished
/// or rolled back by the next command there.
fn ended(operations: &[Operation], worktrees: &BTreeSet<WorktreeId>, now: Timestamp) -> Vec<OperationId> {
    let mut later: HashSet<(&WorktreeId, &'static str)> = HashSet::new();
    let mut ended = Vec::new();
    for operation in operations.iter().rev() {
        let intent = &operation.intent;
        let kind = if intent.kind.is_merge() { "merge" } else { intent.kind.word() };
        let followed = !later.insert((&intent.worktree, kind));
        let over = followed || is_momentary(intent.kind);
        let is_old = operation.at.0.saturating_add(GRACE) <= now.0;
        let gone = !worktrees.contains(&intent.worktree);
        if operation.outcome.is_none() && is_old && (gone || !intent.kind.is_ours() && over) {
            ended.push(operation.id.clone());
        }
    }
    ended.reverse();
    ended
}

const fn is_momentary(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Commit | Kind::Amend | Kind::Reset | Kind::Checkout | Kind::Branch | Kind::Other | Kind::External
    )
}

impl Journal {
    /// Returns the names of all records, in order; what only has the name of one is left out.
    pub fn names(&self) -> Result<Vec<RecordName>, JournalError> {
        let is_file = |name: &RecordName| self.record_path(name).symlink_metadata().is_ok_and(|found| found.is_file());
        Ok(self.list()?.names.into_iter().filter(is_file).collect())
    }

    /// Returns the names of the operations whose index is kept.
    pub fn kept_indexes(&self) -> Vec<OperationId> {
        let entries = std::fs::read_dir(&self.indexes).into_iter().flatten().flatten();
        let files = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
        let names = files.filter_map(|entry| entry.file_name().into_string().ok()).map(OperationId);
        let mut ids: Vec<OperationId> = names.filter(super::name::is_valid).collect();
        ids.sort();
        ids
    }

    /// Returns how many operations have an intent. Costs one listing.
    pub fn count(&self) -> Result<usize, JournalError> {
        Ok(self.list()?.names.iter().filter(|name| name.kind == RecordType::Intent).count())
    }

    /// Returns where a record is.
    pub fn record_path(&self, name: &RecordName) -> std::path::PathBuf {
        self.records.join(name.to_string())
    }

    /// Removes records, in the order given.
    pub fn remove(&self, records: &[RecordName]) -> Result<(), JournalError> {
        for name in records {
            disk::remove_file(&self.record_path(name))?;
        }
        Ok(())
    }

    /// Removes the kept indexes of these operations.
    pub fn remove_indexes(&self, ids: &[OperationId]) -> Result<(), JournalError> {
        for id in ids {
            disk::remove_file(&self.index_copy_path(id)?)?;
        }
        Ok(())
    }

    /// Returns the folders in which temporaries of killed processes may lie.
    pub fn folders(&self) -> [&std::path::Path; 2] {
        [&self.records, &self.indexes]
    }
}
