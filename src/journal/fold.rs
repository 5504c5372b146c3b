//! Records → operations. Pure.

use std::collections::HashMap;

use crate::model::{Body, Kind, Operation, OperationId, Record, Status};

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
    mark_undone(&mut operations);
    operations
}

/// Says of each operation which later one took it back.
///
/// ```text
/// merge M ◄─of─ undo U ◄─of─ redo R ◄─of─ undo V      V holds, so R does not, so U does: M is undone by U
/// ```
///
/// An undo or redo *holds* when it is done and nothing that holds took it back. What took an operation back began after
/// it, so one walk from the newest to the oldest decides them all.
fn mark_undone(operations: &mut [Operation]) {
    let mut taken_back: HashMap<OperationId, OperationId> = HashMap::new();
    for operation in operations.iter_mut().rev() {
        operation.undone_by = taken_back.get(&operation.id).cloned();
        let done = operation.outcome.as_ref().is_some_and(|outcome| outcome.status == Status::Done);
        let reverses = matches!(operation.intent.kind, Kind::Undo | Kind::Redo);
        if let Some(of) = operation.intent.of.clone()
            && done
            && reverses
            && operation.undone_by.is_none()
        {
            taken_back.entry(of).or_insert_with(|| operation.id.clone());
        }
    }
}
