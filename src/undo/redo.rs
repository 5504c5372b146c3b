//! Redo: the newest undo of this worktree, taken back.

use std::collections::BTreeMap;

use crate::journal::History;
use crate::model::{Attributes, Kind, Operation, Plan, RefStep, StateStep, Status, TreePath, Way};

use super::delta::{Delta, PathDelta, Sides};
use super::published::branch_name;
use super::{Undo, UndoError, guards, record};

/// Finds out what the newest undo did, as something to be taken back.
pub(super) fn delta(undo: &Undo<'_>, history: &History) -> Result<Delta, UndoError> {
    guards::no_merge_going_on(undo)?;
    let worktree = undo.repo.worktree_id();
    let fits = |operation: &&Operation| {
        operation.intent.kind == Kind::Undo
            && operation.intent.worktree == worktree
            && operation.undone_by.is_none()
            && operation.outcome.as_ref().is_some_and(|outcome| outcome.status == Status::Done)
    };
    let operation = history.operations.iter().rev().find(fits);
    let operation = operation.ok_or_else(|| UndoError::refused("there is nothing to redo", None))?;
    let plan = record::read(undo, &operation.id)?;
    still_there(undo, &plan)?;
    Ok(inverse(operation, plan))
}

/// Refuses when HEAD or a ref is no longer what the undo left.
fn still_there(undo: &Undo<'_>, plan: &Plan) -> Result<(), UndoError> {
    let head = undo.repo.head()?;
    if head.branch != plan.branch {
        let short = |name: &[u8]| crate::model::escape(name.strip_prefix(b"refs/heads/").unwrap_or(name));
        let (was, hint) = match &plan.branch {
            Some(branch) => (format!("'{}'", short(branch)), Some(format!("git switch {}", short(branch)))),
            None => ("a detached HEAD".to_owned(), None),
        };
        let why = format!("the newest undo was on {was}, and this is {}", branch_name(&head));
        return Err(UndoError::refused(why, hint));
    }
    let moved = |name: &str| UndoError::refused(format!("{name} has moved since the undo"), None);
    for step in &plan.refs {
        let now = if step.name.as_bstr() == "HEAD" { head.oid } else { undo.repo.ref_value(&step.name)? };
        if now != step.to {
            return Err(moved(&format!("'{}'", step.name)));
        }
    }
    if plan.way != Way::MoveBack && head.oid != Some(plan.head) {
        return Err(moved(&branch_name(&head)));
    }
    Ok(())
}

fn inverse(operation: &Operation, plan: Plan) -> Delta {
    let mut paths: BTreeMap<TreePath, PathDelta> = BTreeMap::new();
    let new = |path: &TreePath| PathDelta { path: path.clone(), index: None, work: None, forced: false };
    for step in plan.index {
        let delta = paths.entry(step.path.clone()).or_insert_with(|| new(&step.path));
        delta.index = Some(Sides { after: step.to, before: step.from });
    }
    for step in plan.work {
        let delta = paths.entry(step.path.clone()).or_insert_with(|| new(&step.path));
        delta.work = Some(Sides { after: step.to, before: step.from });
    }
    let back = |step: RefStep| RefStep { name: step.name, expect: step.to, to: step.expect };
    let head = plan.refs.iter().find(|_| plan.way == Way::MoveBack).and_then(|step| step.to).unwrap_or(plan.head);
    Delta {
        way: Way::BringBack,
        why: format!("operation {} is the newest undo", operation.id),
        operation: Some(operation.id.clone()),
        branch: plan.branch,
        head,
        refs: plan.refs.into_iter().rev().map(back).collect(),
        attributes: Attributes { from: plan.attributes.to, to: plan.attributes.from },
        paths: paths.into_values().collect(),
        state: plan
            .state
            .into_iter()
            .rev()
            .map(|step| StateStep { name: step.name, from: step.to, to: step.from })
            .collect(),
        notes: Vec::new(),
    }
}
