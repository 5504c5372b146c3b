//! Nothing grows without end: the newest operations are kept, what belongs to older ones goes.
//!
//! Order: pre-merge refs, snapshots, undo's plans, records. A crash in between leaves records whose refs are gone; the next run
//! removes the rest.

use std::collections::HashSet;

use bstr::ByteSlice;

use super::Session;
use super::allow::ALLOWING;
use super::moved::PRE_MERGE;
use crate::disk;
use crate::facts::{self, Found};
use crate::manifest::Manifest;
use crate::model::{OperationId, RefName};
use crate::store::Store;

/// Prunes now and then: each sixteenth operation pays, so that the others don't. A failure is tried again later; what
/// stays too long is only larger, and doctor shows it.
pub(super) fn now_and_then(session: &Session<'_>, operation: &OperationId) {
    if operation.0.ends_with('0') {
        let _ = prune(session);
    }
}

fn prune(session: &Session<'_>) -> Option<()> {
    let repo = session.repo;
    let head = repo.resolve_head().ok()??;
    let tree = repo.objects().tree_of(head).ok()?;
    let keep = match facts::manifest_of(repo, Some(tree)).ok()? {
        Found::Manifest(manifest) => manifest.snapshot.keep,
        _ => Manifest::default().snapshot.keep,
    };
    let ids = session.journal.prunable(keep).ok()?;
    if ids.is_empty() {
        return None;
    }
    let doomed: HashSet<&[u8]> = ids.iter().map(|id| id.0.as_bytes()).collect();
    let mut refs = repo.refs(PRE_MERGE).ok()?;
    refs.retain(|(name, _)| belongs(name, &doomed));
    repo.drop_refs(&refs).ok()?;
    if let Ok(store) = Store::open(&repo.guard_dir()) {
        let removed = ids.iter().filter(|id| store.remove(id).unwrap_or(false)).count();
        if removed > 0 {
            store.collect(session.now).ok()?;
        }
    }
    crate::undo::forget(repo, &ids).ok()?;
    session.journal.prune(keep).ok()?;
    if session.journal.operations().ok()?.allowances.is_empty() {
        disk::remove_file(&repo.guard_dir().join(ALLOWING)).ok()?;
    }
    Some(())
}

/// Returns whether a ref keeps a tip for one of these operations: `<operation>`, or `<operation>-<number>` for a further one.
fn belongs(name: &RefName, operations: &HashSet<&[u8]>) -> bool {
    let id = name.strip_prefix(PRE_MERGE.as_bytes()).unwrap_or_default();
    let first = id.rsplit_once_str("-").map_or(id, |(first, _)| first);
    operations.contains(id) || operations.contains(first)
}
