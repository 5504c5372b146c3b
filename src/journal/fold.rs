//! Records → operations. Pure.

use std::collections::{HashMap, HashSet};

use crate::model::{Body, Kind, Operation, OperationId, Record, RefMove, Status};

/// Folds records (oldest first) to operations in the order of their intents.
///
/// Of several intents or outcomes of one operation the last counts: the first may have been a guess. Judgements and
/// outcomes without an intent (pruned, or damaged) belong to nothing.
pub(super) fn operations(records: Vec<Record>) -> Vec<Operation> {
    let mut operations: Vec<Operation> = Vec::new();
    let mut places: HashMap<OperationId, usize> = HashMap::new();
    for Record { operation, at, body, .. } in records {
        let Some(id) = operation else { continue };
        let known = places.get(&id).copied();
        match (body, known) {
            (Body::Intent(intent), Some(place)) => operations[place].intent = intent,
            (Body::Intent(intent), None) => {
                places.insert(id.clone(), operations.len());
                operations.push(Operation { id, at, intent, judgements: Vec::new(), outcome: None, undone_by: None });
            }
            (Body::Judgement(judgement), Some(place)) => operations[place].judgements.push(judgement),
            (Body::Outcome(outcome), Some(place)) => operations[place].outcome = Some(outcome),
            _ => {}
        }
    }
    drop_seen_twice(&mut operations);
    mark_undone(&mut operations);
    operations
}

/// So many milliseconds after a command noticed a move, the hook that saw it may still write its record.
const LATE: u64 = 60_000;

/// Drops operations that were noticed by a command just before the hook that saw them recorded them. What was undone stays: the
/// same move afterwards is another one.
fn drop_seen_twice(operations: &mut Vec<Operation>) {
    let seen: Vec<Seen> = operations.iter().map(Seen::of).collect();
    let named: HashSet<&OperationId> = operations.iter().filter_map(|operation| operation.intent.of.as_ref()).collect();
    let twice = |place: usize| {
        let near = place.saturating_sub(NEAR)..(place + NEAR + 1).min(seen.len());
        let one = &seen[place];
        one.by_command
            && !one.steps.is_empty()
            && !named.contains(&operations[place].id)
            && seen[near].iter().any(|other| other.is_late_record_of(one))
    };
    let doomed: Vec<bool> = (0..seen.len()).map(twice).collect();
    let mut place = 0;
    operations.retain(|_| {
        place += 1;
        !doomed[place - 1]
    });
}

/// What is compared of an operation.
struct Seen {
    by_command: bool,
    by_hook: bool,
    at: u64,
    steps: Vec<RefMove>,
}

impl Seen {
    fn of(operation: &Operation) -> Self {
        let steps = operation.outcome.iter().flat_map(|outcome| outcome.moved.clone()).collect();
        let kind = operation.intent.kind;
        // What the guard does itself it records before anybody can notice it.
        let by_hook = !matches!(kind, Kind::External | Kind::Undo | Kind::Redo | Kind::Restore);
        Self { by_command: kind == Kind::External, by_hook, at: operation.at.0, steps }
    }

    fn is_late_record_of(&self, noticed: &Self) -> bool {
        self.by_hook
            && self.at.abs_diff(noticed.at) <= LATE
            && noticed.steps.iter().all(|step| self.steps.contains(step))
    }
}

/// So many operations before and after are compared.
const NEAR: usize = 8;

/// Says of each operation which later one took it back.
///
/// ```text
/// merge M ◄─of─ undo U ◄─of─ redo R ◄─of─ undo V      V holds, so R does not, so U does: M is undone by U
/// merge M ◄─of─ undo U ◄─of─ redo R, and undo V of M   the same: what R brought back went with M
/// ```
///
/// An undo or redo *holds* when it is done and nothing that holds took it back. What took an operation back began after
/// it, so one walk from the newest to the oldest decides them all.
fn mark_undone(operations: &mut [Operation]) {
    let ends = ends(operations);
    let mut taken_back: HashMap<OperationId, OperationId> = HashMap::new();
    // The newest undo that holds, of each operation.
    let mut gone: HashMap<&OperationId, OperationId> = HashMap::new();
    for operation in operations.iter_mut().rev() {
        let end = ends.get(&operation.id);
        let with_it = end.filter(|end| end.brings).and_then(|end| gone.get(&end.root));
        operation.undone_by = taken_back.get(&operation.id).or(with_it).cloned();
        let (Some(end), Some(of)) = (end, operation.intent.of.clone()) else { continue };
        if operation.undone_by.is_none() {
            taken_back.entry(of).or_insert_with(|| operation.id.clone());
            if !end.brings {
                gone.entry(&end.root).or_insert_with(|| operation.id.clone());
            }
        }
    }
}

/// What an undo or redo comes to in the end.
struct End {
    /// The operation at the end of its line, which is neither an undo nor a redo.
    root: OperationId,
    /// Whether that one is there again, or gone.
    brings: bool,
}

/// Returns what each undo and redo that is done comes to.
fn ends(operations: &[Operation]) -> HashMap<OperationId, End> {
    let mut ends: HashMap<OperationId, End> = HashMap::new();
    for operation in operations {
        let done = operation.outcome.as_ref().is_some_and(|outcome| outcome.status == Status::Done);
        if let Some(of) = operation.intent.of.as_ref().filter(|_| done)
            && matches!(operation.intent.kind, Kind::Undo | Kind::Redo)
        {
            let (root, brings) = ends.get(of).map_or((of, false), |end| (&end.root, !end.brings));
            let end = End { root: root.clone(), brings };
            ends.insert(operation.id.clone(), end);
        }
    }
    ends
}
