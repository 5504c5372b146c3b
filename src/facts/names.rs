//! Names that differ only in case: one of them disappears where file systems fold case.

use std::collections::HashMap;
use std::rc::Rc;

use bstr::{BString, ByteSlice};

use crate::git::{GitError, Objects, TreeEntry};
use crate::model::{Mode, Oid, PathFacts, TreePath};

/// Sets `case_twin` on every path that the merge brings where the result has another name of the same letters.
pub(super) fn find_case_twins(
    objects: &Objects,
    first: Option<Oid>,
    result: Option<Oid>,
    paths: &mut [PathFacts],
) -> Result<(), GitError> {
    let Some(result) = result else { return Ok(()) };
    let mut folders = Folders { objects, result, known: HashMap::new() };
    for path in paths.iter_mut().filter(|path| path.first.is_none() && path.result.is_some() && !path.conflicted) {
        path.case_twin = folders.twin(first, &path.path)?;
    }
    Ok(())
}

/// The names of one folder by their folded form.
type Names = HashMap<Vec<u8>, Vec<BString>>;

struct Folders<'a> {
    objects: &'a Objects,
    result: Oid,
    known: HashMap<BString, Rc<Names>>,
}

impl Folders<'_> {
    /// Looks at each part of a path that the first parent does not have yet.
    fn twin(&mut self, first: Option<Oid>, path: &TreePath) -> Result<Option<TreePath>, GitError> {
        let ends = path.find_iter("/").chain([path.len()]);
        let mut start = 0;
        for end in ends {
            let name = &path[start..end];
            let names = self.names(&path[..start.saturating_sub(1)])?;
            let same = names.get(&fold(name)).into_iter().flatten().find(|other| *other != name);
            if let Some(other) = same
                && self.objects.entry(first, &path[..end].into())?.is_none()
            {
                return Ok(Some([&path[..start], other.as_slice()].concat().into()));
            }
            start = end + 1;
        }
        Ok(None)
    }

    fn names(&mut self, folder: &[u8]) -> Result<Rc<Names>, GitError> {
        if let Some(known) = self.known.get(folder.as_bstr()) {
            return Ok(Rc::clone(known));
        }
        let tree = if folder.is_empty() {
            Some(self.result)
        } else {
            let entry = self.objects.entry(Some(self.result), &folder.into())?;
            entry.filter(|entry| entry.mode == Mode::Tree).map(|entry| entry.oid)
        };
        let entries = tree.map_or_else(|| Ok(Rc::default()), |tree| self.objects.tree(tree))?;
        let mut names = Names::new();
        for TreeEntry { name, .. } in entries.iter() {
            names.entry(fold(name)).or_default().push(name.clone());
        }
        let names = Rc::new(names);
        self.known.insert(folder.into(), Rc::clone(&names));
        Ok(names)
    }
}

fn fold(name: &[u8]) -> Vec<u8> {
    name.to_lowercase()
}
