//! Who else has the merge, and what to do when going back is not the way.

use crate::git::Head;
use crate::model::{Oid, Operation, RefName, WorktreeId, escape};

use super::UndoError;
use super::find::{Finder, Step, Wanted};

impl Finder<'_, '_> {
    /// Refuses when others have the merge: when a remote-tracking branch contains its commit, or for a fast-forward, which
    /// makes none, when the branch's counterpart on a remote does. What came from there by pulling is not ours to take
    /// back there, but can be moved back here; returns what to say about that.
    pub(super) fn published(&self, step: &Step) -> Result<Vec<String>, UndoError> {
        let repo = self.undo.repo;
        let remotes = repo.containing(step.new, &["refs/remotes/"], 100)?;
        if remotes.is_empty() {
            return Ok(Vec::new());
        }
        if !step.fast_forward {
            let remote = escape(short(&remotes[0]));
            return Err(UndoError::refused(
                format!("{} is published already: '{remote}' contains it", step.new.short()),
                self.revert(step.old, step.new)?,
            ));
        }
        let Some(branch) = self.head.short_branch() else { return Ok(Vec::new()) };
        let counterpart = |name: &&RefName| {
            let name = name.strip_prefix(b"refs/remotes/").unwrap_or(name);
            name.iter().position(|byte| *byte == b'/').is_some_and(|end| name[end + 1..] == *branch)
        };
        match remotes.iter().find(counterpart) {
            None => Ok(Vec::new()),
            Some(remote) if step.from_remote => {
                Ok(vec![format!("'{}' still contains what goes: the next pull brings it again", escape(short(remote)))])
            }
            Some(remote) => Err(UndoError::refused(
                format!(
                    "the fast-forward to {} is published already: '{}' contains it",
                    step.new.short(),
                    escape(short(remote))
                ),
                self.revert(step.old, step.new)?,
            )),
        }
    }

    /// Refuses when another worktree has the branch checked out: its files would suddenly differ from its HEAD.
    pub(super) fn elsewhere(&self) -> Result<(), UndoError> {
        let Some(branch) = &self.head.branch else { return Ok(()) };
        let here = self.undo.repo.need_work_tree()?.canonicalize().ok();
        for (folder, checked_out) in self.undo.repo.worktrees()? {
            if checked_out.as_ref() == Some(branch) && folder.canonicalize().ok() != here {
                let name = escape(short(branch));
                let folder = escape(folder.as_os_str().as_encoded_bytes());
                return Err(UndoError::refused(format!("'{name}' is also checked out at '{folder}'"), None));
            }
        }
        Ok(())
    }

    /// Says why the merge that was named can't be undone by going back.
    pub(super) fn why_not(&self, wanted: &Wanted) -> Result<UndoError, UndoError> {
        let (old, new) = match wanted {
            Wanted::Commit(oid) => {
                let known = self.merges_here().find(|operation| operation.head_after() == Some(*oid));
                let parent = self.undo.repo.objects().commit(*oid)?.parents.first().copied();
                let Some(old) = known.and_then(|operation| operation.intent.head).or(parent) else {
                    return Ok(UndoError::refused(format!("{} is no merge", oid.short()), None));
                };
                (old, *oid)
            }
            Wanted::Operation(operation) => match self.why_not_operation(operation) {
                Ok(found) => found,
                Err(refusal) => return Ok(refusal),
            },
        };
        if !self.undo.repo.is_ancestor(new, self.tip)? {
            let name = self.branch_name();
            let hint = Some("guard undo-merge".to_owned());
            return Ok(UndoError::refused(format!("{} is not on {name}", new.short()), hint));
        }
        if new == self.tip {
            return Ok(UndoError::refused(format!("{} was brought here by no merge", new.short()), None));
        }
        self.on_top(old, new)
    }

    fn why_not_operation(&self, operation: &Operation) -> Result<(Oid, Oid), UndoError> {
        let id = &operation.id;
        if let Some(by) = &operation.undone_by {
            return Err(UndoError::refused(format!("operation {id} was undone already by {by}"), None));
        }
        if !operation.intent.kind.is_merge() {
            let word = operation.intent.kind.word();
            return Err(UndoError::refused(format!("operation {id} is a {word}, not a merge"), None));
        }
        if operation.intent.branch != self.head.branch {
            return Err(self.other_branch(operation));
        }
        match (operation.intent.head, operation.head_after()) {
            (Some(old), Some(new)) => Ok((old, new)),
            _ => Err(UndoError::refused(format!("operation {id} moved no branch"), None)),
        }
    }

    fn other_branch(&self, operation: &Operation) -> UndoError {
        let Some(branch) = &operation.intent.branch else {
            let why = format!("operation {} was on a detached HEAD, which has moved since", operation.id);
            return UndoError::refused(why, None);
        };
        let name = escape(short(branch));
        let worktrees = self.undo.repo.worktrees().unwrap_or_default();
        match worktrees.iter().find(|(_, checked_out)| checked_out.as_ref() == Some(branch)) {
            Some((folder, _)) => {
                let folder = escape(folder.as_os_str().as_encoded_bytes());
                UndoError::refused(
                    format!("operation {} was on '{name}', which is checked out at '{folder}'", operation.id),
                    Some(format!("guard -C {} undo-merge", quoted(&folder))),
                )
            }
            None => UndoError::refused(
                format!("operation {} was on '{name}', which is not checked out", operation.id),
                Some(format!("git switch {}", quoted(&name))),
            ),
        }
    }

    /// Says why there is no merge to undo on this branch, looking for one with commits on top.
    pub(super) fn why_none(&self) -> Result<UndoError, UndoError> {
        let repo = self.undo.repo;
        for operation in self.merges_here() {
            if let (Some(old), Some(new)) = (operation.intent.head, operation.head_after())
                && repo.is_ancestor(new, self.tip)?
            {
                return self.on_top(old, new);
            }
        }
        if let Some(place) = self.reflog.iter().position(|line| super::find::merge_line(&line.message).is_some())
            && let Some(before) = self.reflog.get(place + 1)
            && repo.is_ancestor(self.reflog[place].new, self.tip)?
        {
            return self.on_top(before.new, self.reflog[place].new);
        }
        let worktree = repo.worktree_id();
        let undone = |worktree: &WorktreeId, operation: &&Operation| {
            operation.intent.kind.is_merge() && operation.undone_by.is_none() && operation.intent.worktree == *worktree
        };
        let elsewhere = self.history.operations.iter().rev().filter(|operation| undone(&worktree, operation));
        let elsewhere = elsewhere.filter(|operation| operation.head_after().is_some());
        if let Some(operation) = elsewhere.clone().find(|operation| operation.intent.branch != self.head.branch) {
            return Ok(self.other_branch(operation));
        }
        Ok(UndoError::refused(format!("no merge found that could be undone on {}", self.branch_name()), None))
    }

    fn on_top(&self, old: Oid, new: Oid) -> Result<UndoError, UndoError> {
        let count = self.undo.repo.count_commits(&[self.tip], &[new])?;
        let commits = if count == 1 { "1 commit was".to_owned() } else { format!("{count} commits were") };
        let why = format!("{commits} made on {} after the merge {}", self.branch_name(), new.short());
        Ok(UndoError::refused(why, self.revert(old, new)?))
    }

    /// Returns the command that takes the merge back by a new commit.
    fn revert(&self, old: Oid, new: Oid) -> Result<Option<String>, UndoError> {
        let repo = self.undo.repo;
        let parents = repo.objects().commit(new)?.parents;
        Ok(Some(match parents[..] {
            [first, _, ..] if first == old => format!("git revert --no-edit -m 1 {new}"),
            [only] if only == old => format!("git revert --no-edit {new}"),
            _ if repo.merges(&[new], &[old])?.is_empty() => format!("git revert --no-edit {old}..{new}"),
            _ => format!("git diff --binary {new} {old} | git apply --index"),
        }))
    }

    fn branch_name(&self) -> String {
        branch_name(&self.head)
    }
}

/// Returns the branch in quotes, or what else HEAD is.
pub(super) fn branch_name(head: &Head) -> String {
    head.short_branch().map_or_else(|| "this detached HEAD".to_owned(), |branch| format!("'{branch}'"))
}

fn short(name: &RefName) -> &[u8] {
    let prefixes: [&[u8]; 2] = [b"refs/heads/", b"refs/remotes/"];
    prefixes.iter().find_map(|prefix| name.strip_prefix(*prefix)).unwrap_or(name)
}

fn quoted(word: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "/._-+@%=:,".contains(character);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
