//! What is in the way of files and entries that come (back).

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::os::unix::ffi::OsStrExt;

use crate::disk::{Kind, Root};
use crate::git::GitError;
use crate::model::{IndexStep, Plan, TreePath, WorkStep};

use super::UndoError;
use super::now::Index;

/// Finds what is in the way of files and entries that come (back): files where a folder must be, folders where a
/// file must be, unless the plan takes them away itself, and folders that may not be written: by the path that can't come or go, and
/// why.
pub(super) fn obstructions(plan: &Plan, root: &Root, index: &Index) -> Result<Vec<(TreePath, String)>, UndoError> {
    let gone = |path: &TreePath| {
        let at = |step: &WorkStep| step.path.cmp(path);
        plan.work.binary_search_by(at).is_ok_and(|place| plan.work[place].to.is_none())
    };
    let gone_entry = |path: &TreePath| {
        let at = |step: &IndexStep| step.path.cmp(path);
        plan.index.binary_search_by(at).is_ok_and(|place| plan.index[place].to.is_empty())
    };
    let mut found = Vec::new();
    let mut folders = HashMap::new();
    for step in &plan.work {
        // Of many files most have a folder in common.
        let closed = match folders.entry(parents(&step.path).last()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(root.closed(&step.path)?),
        };
        if let Some(folder) = closed {
            let folder = if folder.is_empty() { "the top folder".to_owned() } else { format!("its folder '{folder}'") };
            found.push((step.path.clone(), format!("{folder} may not be written")));
            continue;
        }
        if step.from.is_some() || step.to.is_none() {
            continue;
        }
        for parent in parents(&step.path) {
            match root.metadata(&parent)?.map(|metadata| metadata.kind) {
                Some(Kind::File(_) | Kind::Special) if !gone(&parent) => {
                    found.push((step.path.clone(), format!("'{parent}' stands where its folder must be")));
                }
                _ => {}
            }
        }
        if let Some(path) = first_staying(root, &step.path, &gone)? {
            found.push((step.path.clone(), format!("'{path}' is in its way")));
        }
    }
    for step in plan.index.iter().filter(|step| step.from.is_empty() && !step.to.is_empty()) {
        let above = parents(&step.path).find(|parent| !index.at(parent).is_empty() && !gone_entry(parent));
        let beneath = index.beneath(&step.path).find(|path| !gone_entry(path));
        if let Some(path) = above.or(beneath) {
            found.push((step.path.clone(), format!("'{path}' is staged in its way")));
        }
    }
    Ok(found)
}

/// Returns something in the folder at `path` that stays when the plan is done.
fn first_staying(
    root: &Root,
    path: &TreePath,
    gone: &dyn Fn(&TreePath) -> bool,
) -> Result<Option<TreePath>, UndoError> {
    if root.metadata(path)?.map(|metadata| metadata.kind) != Some(Kind::Folder) {
        return Ok(None);
    }
    let mut open = vec![path.clone()];
    while let Some(folder) = open.pop() {
        let entries = list(root, &folder)?;
        if entries.is_empty() && folder != *path {
            return Ok(Some(folder));
        }
        for (inner, is_folder) in entries {
            if is_folder {
                open.push(inner);
            } else if !gone(&inner) {
                return Ok(Some(inner));
            }
        }
    }
    Ok(None)
}

/// Lists a folder of the working tree: paths, and whether they are folders.
fn list(root: &Root, folder: &TreePath) -> Result<Vec<(TreePath, bool)>, UndoError> {
    let place = root.path().join(std::ffi::OsStr::from_bytes(folder));
    let io = |source| GitError::Io { path: folder.to_string(), source };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(place).map_err(io)? {
        let entry = entry.map_err(io)?;
        let path = TreePath::from([&folder[..], b"/", entry.file_name().as_bytes()].concat());
        found.push((path, entry.file_type().map_err(io)?.is_dir()));
    }
    Ok(found)
}
/// Returns the folders that a path stands in, outermost first.
fn parents(path: &TreePath) -> impl Iterator<Item = TreePath> {
    path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(end, _)| TreePath::from(&path[..end]))
}
