//! A branch that an undo moves, and who else has it or its commits.

use std::path::Path;

use crate::git::Head;
use crate::model::{Oid, RefName, escape};

use super::{Undo, UndoError};

/// The branch, or detached HEAD, that an undo is about.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// Full name; `None`: this worktree's detached HEAD.
    pub(super) branch: Option<RefName>,
    pub(super) tip: Oid,
    /// Whether it is checked out here, so that index and files go with it.
    pub(super) here: bool,
}

impl Place {
    /// Where HEAD is; `None` when it has no commit.
    pub(super) fn of_head(head: &Head) -> Option<Self> {
        head.oid.map(|tip| Self { branch: head.branch.clone(), tip, here: true })
    }

    /// A branch by its full name; refused when it is gone.
    pub(super) fn of_branch(undo: &Undo<'_>, head: &Head, branch: &RefName) -> Result<Self, UndoError> {
        if head.branch.as_ref() == Some(branch)
            && let Some(place) = Self::of_head(head)
        {
            return Ok(place);
        }
        match undo.repo.ref_value(branch)? {
            Some(tip) => Ok(Self { branch: Some(branch.clone()), tip, here: false }),
            None => Err(UndoError::refused(format!("'{}' is gone", short(branch)), Some("guard log".to_owned()))),
        }
    }

    /// The ref that moves.
    pub(super) fn ref_name(&self) -> RefName {
        self.branch.clone().unwrap_or_else(|| "HEAD".into())
    }

    /// Returns the branch in quotes, or what else it is.
    pub(super) fn words(&self) -> String {
        words(self.branch.as_ref())
    }

    /// Refuses when another worktree has the branch checked out: its files would suddenly differ from its HEAD. `command`
    /// is what to run there.
    pub(super) fn only_here(&self, undo: &Undo<'_>, command: &str) -> Result<(), UndoError> {
        self.branch.as_ref().map_or(Ok(()), |branch| not_elsewhere(undo, branch, command))
    }

    /// Returns which other branch, tag or worktree has a commit; remote-tracking branches too.
    pub(super) fn others_with(&self, undo: &Undo<'_>, commit: Oid) -> Result<Option<String>, UndoError> {
        let repo = undo.repo;
        let names = repo.containing(commit, &["refs/heads/", "refs/tags/", "refs/remotes/"], 2)?;
        if let Some(name) = names.iter().find(|name| Some(*name) != self.branch.as_ref()) {
            return Ok(Some(format!("'{}'", short(name))));
        }
        for (folder, tip) in repo.detached_worktrees()? {
            if !is_here(undo, &folder) && repo.is_ancestor(commit, tip)? {
                return Ok(Some(format!("the worktree '{}'", shown(&folder))));
            }
        }
        Ok(None)
    }
}

/// Refuses when another worktree has the branch checked out.
pub(super) fn not_elsewhere(undo: &Undo<'_>, branch: &RefName, command: &str) -> Result<(), UndoError> {
    let Some(folder) = elsewhere(undo, branch)? else { return Ok(()) };
    let why = format!("'{}' is checked out at '{folder}'", short(branch));
    Err(UndoError::refused(why, Some(format!("guard -C {} {command}", quoted(&folder)))))
}

/// Returns the other worktree that has the branch checked out, escaped.
pub(super) fn elsewhere(undo: &Undo<'_>, branch: &RefName) -> Result<Option<String>, UndoError> {
    if !undo.repo.has_linked_worktrees() {
        return Ok(None);
    }
    let mut worktrees = undo.repo.worktrees()?.into_iter();
    let found = worktrees.find(|(folder, found)| found.as_ref() == Some(branch) && !is_here(undo, folder));
    Ok(found.map(|(folder, _)| shown(&folder)))
}

fn is_here(undo: &Undo<'_>, folder: &Path) -> bool {
    let real = |folder: &Path| folder.canonicalize().ok();
    undo.repo.work_tree().is_some_and(|here| real(here) == real(folder))
}

fn shown(folder: &Path) -> String {
    escape(folder.as_os_str().as_encoded_bytes())
}

/// Returns the branch in quotes, or what else it is.
pub(super) fn words(branch: Option<&RefName>) -> String {
    branch.map_or_else(|| "this detached HEAD".to_owned(), |branch| format!("'{}'", short(branch)))
}

/// Returns a ref's name as people say it, escaped.
pub(super) fn short(name: &RefName) -> String {
    let prefixes: [&[u8]; 3] = [b"refs/heads/", b"refs/remotes/", b"refs/tags/"];
    escape(prefixes.iter().find_map(|prefix| name.strip_prefix(*prefix)).unwrap_or(name))
}

/// Quotes a word for the shell.
pub(super) fn quoted(word: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "/._-+@%=:,".contains(character);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
