//! A rebase begins: what is uncommitted is saved, because git has put it aside (`--autostash`) or is about to write over it
//! (ignored files). Nothing is judged and nothing refused: gits before 2.47 would strand what they put aside.
//!
//! Order: snapshot → the index kept → the journal's intent. The move of the branch at the rebase's end is its outcome; a
//! rebase that was given up is closed when something else begins. Where there was nothing to save nothing is recorded yet.

use std::collections::{HashMap, HashSet};

use super::gate::in_the_way;
use super::{Session, action_of};
use crate::disk::Durability;
use crate::facts;
use crate::git::{GitError, Head, Repo};
use crate::model::{Entry, Intent, Kind, Mode, Oid, Operation, Raw, RefMove, RefName, Saved, Status, TreePath};
use crate::snapshot::{self, Order, Scope};
use crate::store::{Care, Part, Source, Wanted};

/// Saves what is uncommitted. `branch` is the one that is rebased when it is not HEAD's.
pub(super) fn rebasing(session: &Session<'_>, upstream: &Raw, branch: Option<&Raw>) -> Result<(), GitError> {
    let repo = session.repo;
    abandon(session);
    let here = repo.head()?;
    let moving = branch.map_or_else(|| Ok(here.clone()), |name| named(session, name))?;
    let limits = snapshot::limits(repo, here.oid)?;
    let mut given = Vec::new();
    let onto = session.caller.value("--onto").map_or_else(|| upstream.clone(), Raw::from);
    let mut onto = named(session, &onto)?.oid;
    if session.caller.choice("--keep-base") == Some(true) {
        onto = base_of(repo, onto, moving.oid)?;
    }
    for to in [onto, moving.oid].into_iter().flatten() {
        let found = facts::files_in_the_way(repo, here.oid, to, limits.max_file)?;
        given.extend(found.iter().map(in_the_way));
    }
    // What can't be read of it stays in git's autostash.
    let aside = put_aside(session, limits.max_file);
    let untouched = matches!(&aside, Ok(aside) if aside.is_empty());
    given.extend(aside.unwrap_or_default());
    let mut seen = HashSet::new();
    given.retain(|wanted| seen.insert((wanted.path.clone(), matches!(wanted.part, Part::Staged(_)))));
    let id = session.journal.new_id(session.now);
    let order =
        Order { id: &id, now: session.now, given, scope: Scope::All, limits: &limits, durability: Durability::Lazy };
    let saved = snapshot::save(repo, order).map_err(|error| GitError::Unsupported(error.to_string()))?;
    if saved == Saved::default() {
        return Ok(());
    }
    let keeps = untouched && branch.is_none();
    let index = keeps && session.journal.keep_index(&id, &repo.own_index_file(), Durability::Lazy).is_ok();
    session.announce_as(
        id,
        Intent {
            kind: Kind::Rebase,
            worktree: repo.worktree_id(),
            branch: moving.branch,
            head: moving.oid,
            incoming: Vec::new(),
            action: action_of(session, &Raw::default()),
            saved: Saved { index, ..saved },
            predicted: None,
            of: None,
            planned: Vec::new(),
        },
    );
    Ok(())
}

/// Returns the operation of the rebase that ends with this move of its branch.
pub(super) fn ending(session: &Session<'_>, main: &RefMove) -> Option<Operation> {
    let intent_is = |operation: &Operation| {
        operation.intent.head == main.old && operation.intent.branch.as_ref() == Some(&main.name)
    };
    open(session).find(intent_is)
}

/// Closes rebases of this worktree that were given up.
pub(super) fn abandon(session: &Session<'_>) {
    for operation in open(session) {
        // The next one tries again.
        let _ = session.append_outcome(&operation.id, Status::Abandoned, Vec::new());
    }
}

fn open<'s>(session: &'s Session<'_>) -> impl Iterator<Item = Operation> + use<'s> {
    let worktree = session.repo.worktree_id();
    let open = session.journal.open_operations().into_iter().flatten();
    open.filter(move |operation| operation.intent.kind == Kind::Rebase && operation.intent.worktree == worktree)
}

/// Returns the one merge base of two commits: `--keep-base` and `A...B` mean it, and git refuses where there are several.
fn base_of(repo: &Repo, first: Option<Oid>, second: Option<Oid>) -> Result<Option<Oid>, GitError> {
    let (Some(first), Some(second)) = (first, second) else { return Ok(None) };
    Ok(repo.merge_bases(first, second)?.into_iter().next())
}

/// Returns the branch, or commit, that a word of the command line names; neither when it names nothing, such as `--root`.
fn named(session: &Session<'_>, name: &Raw) -> Result<Head, GitError> {
    let repo = session.repo;
    let branch = RefName::from([b"refs/heads/", &name[..]].concat());
    if let Some(oid) = repo.ref_value(&branch)? {
        return Ok(Head { branch: Some(branch), oid: Some(oid) });
    }
    let text = String::from_utf8_lossy(name);
    let commit = |text: &str| repo.resolve(&format!("{}^{{commit}}", if text.is_empty() { "HEAD" } else { text }));
    let oid = match text.split_once("...") {
        Some((first, second)) => base_of(repo, commit(first)?, commit(second)?)?,
        None => commit(&text)?,
    };
    Ok(Head { branch: None, oid })
}

/// Returns what git has put into the rebase's autostash: files as they were, and versions that only the index had.
fn put_aside(session: &Session<'_>, max_file: u64) -> Result<Vec<Wanted>, GitError> {
    let repo = session.repo;
    let mut stash = None;
    for name in ["rebase-merge/autostash", "rebase-apply/autostash"] {
        stash = stash.or(repo.state(name)?.and_then(|text| Oid::from_hex(text.trim_ascii())));
    }
    let Some(stash) = stash else { return Ok(Vec::new()) };
    let objects = repo.objects();
    let commit = objects.commit(stash)?;
    let [head, index, ..] = commit.parents[..] else { return Ok(Vec::new()) };
    let (head, index) = (objects.tree_of(head)?, objects.tree_of(index)?);
    let mut left = MOST_ASIDE;
    let mut changed = |tree: Oid| -> Result<Vec<(TreePath, Entry)>, GitError> {
        let changes = objects.diff(Some(head), Some(tree), repo.deadline())?;
        let mut found = Vec::new();
        for (path, entry) in changes.into_iter().filter_map(|change| Some((change.path, change.after?))) {
            if entry.mode == Mode::Submodule {
                continue;
            }
            let size = objects.header(entry.oid)?.1;
            if size <= max_file.min(left) {
                left -= size;
                found.push((path, entry));
            }
        }
        Ok(found)
    };
    let wanted = |path, part, mode, bytes| {
        let source = Source::Bytes { mode, bytes };
        Wanted { path, part, source, care: Care::Should }
    };
    let mut found = Vec::new();
    let (files, staged) = (changed(commit.tree)?, changed(index)?);
    let plain: Vec<(TreePath, Oid)> = files
        .iter()
        .filter(|(_, entry)| entry.mode != Mode::Link)
        .map(|(path, entry)| (path.clone(), entry.oid))
        .collect();
    let mut smudged: HashMap<TreePath, Vec<u8>> =
        repo.smudge(&plain, None)?.into_iter().map(|file| (file.path, file.bytes)).collect();
    for (path, entry) in files {
        let bytes = match smudged.remove(&path) {
            Some(bytes) => bytes,
            None => objects.blob(entry.oid)?,
        };
        found.push(wanted(path, Part::File { tracked: true }, entry.mode, bytes));
    }
    for (path, entry) in staged {
        found.push(wanted(path, Part::Staged(entry.oid), Mode::File, objects.blob(entry.oid)?));
    }
    Ok(found)
}

/// So many bytes of an autostash are read: it is in memory, and git has it.
const MOST_ASIDE: u64 = 64 << 20;
