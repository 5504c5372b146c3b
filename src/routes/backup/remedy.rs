//! What to do about damage: what the working tree still has is stored anew by the next backup, what was sent comes from there; what
//! nobody has is to be forgotten.

use super::copies;
use crate::disk::Root;
use crate::git::Repo;
use crate::model::{BackupId, TreePath};
use crate::rules::shell_quote;
use crate::store::{Problem, Store, backup_ref, name_on_disk};

/// A command that works as it stands, and what it does about the damage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remedy {
    /// The command.
    pub command: String,
    /// What for.
    pub why: &'static str,
}

/// Returns what to do about damage; `None` where nothing is known that helps.
pub fn remedy(repo: &Repo, problem: &Problem) -> Option<Remedy> {
    let store = Store::open(&repo.guard_dir()).ok()?;
    let folder = shell_quote(store.path().as_os_str().as_encoded_bytes());
    if problem.snapshot.starts_with("pack-") {
        let why = "git packs anew what it can read";
        return Some(Remedy { command: format!("git --git-dir {folder} repack -A -d -q"), why });
    }
    let id =
        store.backup_ids().ok()?.into_iter().find(|id| backup_ref(id).is_ok_and(|name| name == problem.snapshot))?;
    if problem.path.as_ref().is_some_and(|path| is_here(repo, &store, &id, path).unwrap_or(false)) {
        let why = "the working tree has those bytes still: they are stored anew";
        return Some(Remedy { command: "guard backup create".to_owned(), why });
    }
    if let Some(copy) = copies(repo).into_iter().find(|copy| copy.backups.contains(&id)) {
        let why = "it was sent there, whole: what is damaged here comes from there";
        return Some(Remedy { command: format!("guard backup fetch {}", shell_quote(copy.address.as_bytes())), why });
    }
    let why = "this repository has those bytes nowhere else: forget that backup";
    let command = if store.backup_tag(&id).ok()?.is_some() {
        format!("git --git-dir {folder} update-ref -d {}", shell_quote(problem.snapshot.as_bytes()))
    } else {
        // git removes no ref that it can't read.
        let file = store.path().join(&problem.snapshot);
        format!("rm -f {}", shell_quote(file.as_os_str().as_encoded_bytes()))
    };
    Some(Remedy { command, why })
}

/// Returns whether the bytes that a backup should have are those of the file itself.
fn is_here(repo: &Repo, store: &Store, id: &BackupId, path: &TreePath) -> Option<bool> {
    let backup = store.backup(id).ok()?;
    let root = Root::open(repo.work_tree()?).ok()?;
    Some(name_on_disk(&root, path).ok()? == Some(backup.file(path)?.blob))
}
