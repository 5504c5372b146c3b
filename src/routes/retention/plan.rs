//! What goes.

use std::collections::{BTreeSet, HashMap, HashSet};

use bstr::ByteSlice;

use super::stock::{own_bytes, words};
use super::{Leftover, PruneError, Session, Stock};
use crate::journal::{self, Excess, JournalError, RecordName};
use crate::model::{Oid, Operation, OperationId, RefName, Timestamp};
use crate::routes::moved::PRE_MERGE;
use crate::store::{Garbage, StoreError, Survey};
use crate::undo;

/// What goes, and how much room that gives back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pruning {
    /// How many of the newest operations with saved bytes and merges stay.
    pub keep: usize,
    /// Operations beyond those, oldest first.
    pub operations: Vec<OperationId>,
    /// The same as the journal tells them; fewer where its records are damaged.
    pub told: Vec<Operation>,
    /// Operations that stay and get an outcome, because nobody saw how they ended.
    pub ended: Vec<OperationId>,
    /// Refs that kept old tips.
    pub refs: Vec<(RefName, Oid)>,
    /// Operations whose snapshot goes.
    pub snapshots: Vec<OperationId>,
    /// Operations that stay and whose snapshot goes, because the store holds more than the manifest allows.
    pub over: Vec<OperationId>,
    /// Operations whose undo's record goes.
    pub plans: Vec<OperationId>,
    /// Records of the journal, in the order in which they go.
    pub records: Vec<RecordName>,
    /// Operations whose kept index goes.
    pub indexes: Vec<OperationId>,
    /// Files of the store that nothing needs then.
    pub garbage: Garbage,
    /// What processes that are gone left behind.
    pub leftovers: Vec<Leftover>,
    /// Why the store is left as it is, if so.
    pub store_problem: Option<String>,
    /// The bytes of all of that.
    pub bytes: u64,
}

impl Pruning {
    /// Returns whether nothing goes.
    pub fn is_empty(&self) -> bool {
        let Self { operations, ended, refs, snapshots, over, plans, records, indexes, garbage, leftovers, .. } = self;
        let lists = [operations, ended, snapshots, over, plans, indexes];
        let nothing = lists.iter().all(|list| list.is_empty()) && refs.is_empty() && records.is_empty();
        nothing && garbage.count() == 0 && leftovers.is_empty()
    }
}

/// Decides what goes. The store is asked what it can spare; everything else follows from the stock.
pub(super) fn plan(session: &Session<'_>, stock: &Stock) -> Result<Pruning, PruneError> {
    let Stock { history, records, worktrees, .. } = stock;
    if let Some(version) = history.newer() {
        return Err(JournalError::Newer(version).into());
    }
    let excess = journal::excess(history, records, stock.keep, worktrees, session.now);
    let mut pruning = from_stock(stock, &excess);
    match survey(session, stock, &excess) {
        Ok((snapshots, Survey { over, garbage, .. })) => {
            (pruning.snapshots, pruning.over, pruning.garbage) = (snapshots, over, garbage);
        }
        Err(error) => pruning.store_problem = Some(words(&error)),
    }
    pruning.bytes = bytes(session, &pruning);
    Ok(pruning)
}

/// Everything but the store. Pure.
fn from_stock(stock: &Stock, excess: &Excess) -> Pruning {
    let of = |ids: &[OperationId]| ids.iter().filter(|id| excess.takes(id)).cloned().collect::<Vec<_>>();
    let gone: HashSet<&OperationId> = excess.operations.iter().collect();
    let told = stock.history.operations.iter().filter(|operation| gone.contains(&operation.id));
    Pruning {
        keep: stock.keep,
        operations: excess.operations.clone(),
        told: told.cloned().collect(),
        ended: excess.ended.clone(),
        refs: stock.refs.iter().filter(|(name, _)| belongs(name, excess)).cloned().collect(),
        plans: of(&stock.plans),
        records: excess.records.clone(),
        indexes: of(&stock.indexes),
        leftovers: stock.leftovers.clone(),
        store_problem: stock.store_problem.clone(),
        ..Pruning::default()
    }
}

/// Returns whether a ref keeps a tip for an operation that goes: `<operation>`, or `<operation>-<number>` for a further one.
fn belongs(name: &RefName, excess: &Excess) -> bool {
    let id = name.strip_prefix(PRE_MERGE.as_bytes()).unwrap_or_default();
    let takes = |id: &[u8]| id.to_str().is_ok_and(|id| excess.takes(&OperationId(id.to_owned())));
    // `date-time-random` has two hyphens, the number of a further ref stands behind a third.
    match id.rsplit_once_str("-") {
        Some((first, _)) if id.find_iter("-").count() > 2 => takes(first),
        _ => takes(id),
    }
}

/// What the store can spare: snapshots of operations that go, and what else.
type Spared = (Vec<OperationId>, Survey);

/// Within so many milliseconds an operation whose bytes are saved has begun, or never will.
const BEGINNING: u64 = 60 * 60 * 1000;

/// Asks the store.
fn survey(session: &Session<'_>, stock: &Stock, excess: &Excess) -> Result<Spared, StoreError> {
    let Some(store) = &stock.store else { return Ok(Spared::default()) };
    let goes = |id: &OperationId| excess.takes(id);
    let all = store.snapshots()?;
    let told: HashMap<_, _> = stock.history.operations.iter().map(|told| (&told.id, told.outcome.is_none())).collect();
    let recent = Timestamp(session.now.0.saturating_sub(BEGINNING)).compact();
    // Its bytes are saved before an operation is recorded.
    let is_open = |id: &&OperationId| told.get(id).copied().unwrap_or(id.0 >= recent);
    let open: BTreeSet<OperationId> = all.iter().filter(is_open).cloned().collect();
    let snapshots = all.into_iter().filter(goes).collect();
    Ok((snapshots, store.survey(goes, &open, stock.max_store, session.now)?))
}

fn bytes(session: &Session<'_>, pruning: &Pruning) -> u64 {
    let journal = session.journal;
    let records: u64 = pruning.records.iter().map(|name| own_bytes(&journal.record_path(name))).sum();
    let index = |id: &OperationId| journal.index_copy_path(id).map_or(0, |path| own_bytes(&path));
    let indexes: u64 = pruning.indexes.iter().map(index).sum();
    let plans: u64 = pruning.plans.iter().map(|id| own_bytes(&undo::record_path(session.repo, id))).sum();
    let leftovers: u64 = pruning.leftovers.iter().map(|left| left.bytes).sum();
    records + indexes + plans + leftovers + pruning.garbage.bytes
}
