//! Names that differ only in case: one of them disappears where file systems fold case.

use std::collections::HashMap;
use std::rc::Rc;

use bstr::ByteSlice;

use crate::git::{GitError, Objects, Repo, TreeEntry};
use crate::model::{Mode, Oid, PathFacts, TreePath};

/// Sets `case_twin` on every path that the merge brings where the result has another name of the same letters.
pub(super) fn find_case_twins(
    repo: &Repo,
    first: Option<Oid>,
    result: Option<Oid>,
    paths: &mut [PathFacts],
) -> Result<(), GitError> {
    let Some(result) = result else { return Ok(()) };
    let mut folders = Folders { objects: repo.objects(), known: HashMap::new() };
    for path in paths.iter_mut().filter(|path| path.first.is_none() && path.result.is_some() && !path.conflicted) {
        repo.deadline().check()?;
        path.case_twin = folders.twin(first, result, &path.path)?;
    }
    Ok(())
}

/// What one folder has, by its names' folded form.
type Names = HashMap<Vec<u8>, Vec<TreeEntry>>;

struct Folders<'a> {
    objects: &'a Objects,
    known: HashMap<Oid, Rc<Names>>,
}

impl Folders<'_> {
    /// Looks at each part of a path that the first parent does not have yet. From part to part both trees are gone down: looked up from
    /// the top each time, folders in folders would cost the square of their number.
    fn twin(&mut self, first: Option<Oid>, result: Oid, path: &TreePath) -> Result<Option<TreePath>, GitError> {
        let (mut start, mut folder) = (0, result);
        // The first parent is asked seldom: a folder of its, and where in the path what is in that begins.
        let (mut from, mut known) = (0, first);
        for end in path.find_iter("/").chain([path.len()]) {
            let name = &path[start..end];
            let names = self.names(folder)?;
            let same = names.get(&fold(name)).map_or(&[][..], Vec::as_slice);
            if let Some(other) = same.iter().find(|other| other.name != name) {
                let Some(there) = self.objects.entry(known, &path[from..end].into())? else {
                    return Ok(Some([&path[..start], other.name.as_slice()].concat().into()));
                };
                (from, known) = (end + 1, (there.mode == Mode::Tree).then_some(there.oid));
            }
            let inner = same.iter().find(|entry| entry.mode == Mode::Tree && entry.name == name);
            let Some(inner) = inner else { return Ok(None) };
            (start, folder) = (end + 1, inner.oid);
        }
        Ok(None)
    }

    fn names(&mut self, folder: Oid) -> Result<Rc<Names>, GitError> {
        if let Some(known) = self.known.get(&folder) {
            return Ok(Rc::clone(known));
        }
        let mut names = Names::new();
        for entry in self.objects.tree(folder)?.iter() {
            names.entry(fold(&entry.name)).or_default().push(entry.clone());
        }
        let names = Rc::new(names);
        self.known.insert(folder, Rc::clone(&names));
        Ok(names)
    }
}

fn fold(name: &[u8]) -> Vec<u8> {
    name.to_lowercase()
}
