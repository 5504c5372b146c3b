//! Branches moved: each move becomes an operation, or the outcome of the one that announced it.

use super::result::{find, staged_squash};
use super::{Session, action_of, rebase, retention, seen};
use crate::git::GitError;
use crate::hooks;
use crate::model::{Incoming, Intent, Kind, Oid, Operation, OperationId, Raw, RefMove, RefName, Saved, Status};

/// Records moves of branches and of a detached HEAD.
pub(super) fn moved(
    session: &Session<'_>,
    moves: Vec<RefMove>,
    incoming: Vec<Incoming>,
    action: &Raw,
) -> Result<(), GitError> {
    if session.caller.is_packing() {
        return Ok(());
    }
    let (moves, deletion) = with_values(session, moves);
    let moves = real_moves(session, moves)?;
    let Some(main) = main_move(session, &moves)? else { return Ok(()) };
    let incoming =
        if incoming.is_empty() || session.caller.is_no_merge() { concluded(session, &main) } else { incoming };
    seen::before(session, &moves)?;
    let announced = announced(session, &main, &incoming);
    let judged = announced.as_ref().is_some_and(|operation| !operation.judgements.is_empty());
    let is_pull = announced.as_ref().is_some_and(|operation| operation.intent.kind == Kind::Pull);
    let operation = match (announced, deletion) {
        (Some(operation), _) => operation.id,
        (None, Some(deletion)) => deletion,
        (None, None) => begin(session, &main, incoming, action),
    };
    // A record that can't be written is rebuilt from the reflog.
    let unrecorded = session.append_outcome(&operation, Status::Done, moves);
    // A pull may bring merges that others made: post-merge looks at those.
    if judged && unrecorded.is_none() && !is_pull {
        // Nothing is left for post-merge to find out.
        session.leave_note(hooks::CONCLUDED, main.new);
    }
    retention::now_and_then(session);
    keep_reachable(session, &operation, &main)
}

/// Notes the values of branches that are about to be deleted: git tells them neither now nor afterwards.
pub(super) fn deleting(session: &Session<'_>, names: Vec<RefName>, action: &Raw) {
    // What can't be read is not noted: no reason to keep anybody from deleting it.
    let value = |name: RefName| {
        let old = session.repo.ref_value(&name).ok().flatten()?;
        Some(RefMove { name, old: Some(old), new: None })
    };
    let planned: Vec<RefMove> = names.into_iter().filter_map(value).collect();
    // A branch that is packed and loose is deleted by two transactions.
    let known = open_deletions(session).any(|operation| operation.intent.planned == planned);
    if let (Some(first), false) = (planned.first().cloned(), known) {
        let action = action_of(session, action);
        session.announce(Intent {
            kind: Kind::Branch,
            worktree: session.repo.worktree_id(),
            branch: Some(first.name),
            head: first.old,
            incoming: Vec::new(),
            action,
            saved: Saved::default(),
            predicted: None,
            of: None,
            planned,
        });
    }
}

/// The deletions of this worktree whose end was not seen yet, newest first.
fn open_deletions<'s>(session: &'s Session<'_>) -> impl Iterator<Item = Operation> + use<'s> {
    let worktree = session.repo.worktree_id();
    let open = session.journal.open_operations().into_iter().flatten();
    open.filter(move |operation| operation.intent.worktree == worktree && operation.intent.kind == Kind::Branch)
}

/// Fills in the values that deleted branches had, from the operation that announced their deletion.
fn with_values(session: &Session<'_>, mut moves: Vec<RefMove>) -> (Vec<RefMove>, Option<OperationId>) {
    if !moves.iter().any(|step| step.old.is_none() && step.new.is_none()) {
        return (moves, None);
    }
    let goes = |planned: &RefMove| moves.iter().any(|step| step.name == planned.name && step.new.is_none());
    let is_it =
        |operation: &Operation| !operation.intent.planned.is_empty() && operation.intent.planned.iter().all(goes);
    let Some(deletion) = open_deletions(session).find(is_it) else {
        return (moves, None);
    };
    for step in moves.iter_mut().filter(|step| step.new.is_none()) {
        let planned = deletion.intent.planned.iter().find(|planned| planned.name == step.name);
        step.old = step.old.or_else(|| planned.and_then(|planned| planned.old));
    }
    (moves, Some(deletion.id))
}

/// Drops what only looks like a move: `gc` and `pack-refs` delete each loose ref that they packed, and a rebase moves
/// HEAD commit by commit before it moves its branch.
fn real_moves(session: &Session<'_>, moves: Vec<RefMove>) -> Result<Vec<RefMove>, GitError> {
    let repo = session.repo;
    let steps = repo.has_state("rebase-merge") || repo.has_state("rebase-apply");
    // On a branch HEAD only follows, also where the branch is set to what it is (`stash`, `reset --hard`).
    let follows = moves.iter().any(|step| step.name.starts_with(b"refs/heads/"));
    let switches = steps || session.caller.kind("") == Kind::Checkout;
    let mut real = Vec::new();
    for mut step in moves {
        let head = step.name.as_bytes() == b"HEAD";
        // Without an old value a HEAD is a new worktree's, or nobody tells where it was: it can't go back there.
        if step.old == step.new || head && (follows || switches || step.old.is_none()) {
            continue;
        }
        if step.new.is_none() && repo.ref_value(&step.name)?.is_some() {
            continue;
        }
        if step.old.is_none() && !head {
            // `rebase --abort` sets a branch to what it is, and no line of the reflog tells of that.
            if step.new.is_some() && seen::last_value(session, &step.name) == step.new {
                continue;
            }
            // Zeros need not mean that the ref is new; its reflog knows.
            step.old = repo.reflog(&step.name, 2)?.get(1).map(|entry| entry.new);
        }
        real.push(step);
    }
    Ok(real)
}

/// Returns the move that gives the operation its name: HEAD's branch, else the first branch, else a detached HEAD.
fn main_move(session: &Session<'_>, moves: &[RefMove]) -> Result<Option<RefMove>, GitError> {
    let is_branch = |step: &&RefMove| step.name.starts_with(b"refs/heads/");
    if moves.iter().filter(is_branch).count() == 0 {
        return Ok(moves.first().cloned());
    }
    let current = session.branch()?;
    let own = moves.iter().find(|step| Some(&step.name) == current.as_ref());
    Ok(own.or_else(|| moves.iter().find(is_branch)).cloned())
}

/// Returns the heads of the merge that a commit concludes: the new commit's other parents, where it stands on the old
/// tip. `MERGE_HEAD` alone would take any move during a merge for its conclusion.
fn concluded(session: &Session<'_>, main: &RefMove) -> Vec<Incoming> {
    let commit = main.new.and_then(|new| session.repo.objects().commit(new).ok());
    let Some(commit) = commit.filter(|commit| commit.parents.first().copied() == main.old) else { return Vec::new() };
    let heads = commit.parents.iter().skip(1);
    heads.map(|oid| Incoming { oid: *oid, names: vec![oid.to_string().into()] }).collect()
}

fn announced(session: &Session<'_>, main: &RefMove, incoming: &[Incoming]) -> Option<Operation> {
    if incoming.is_empty() {
        return rebase::ending(session, main).filter(|_| session.caller.subcommand == "rebase");
    }
    let heads: Vec<Oid> = incoming.iter().map(|head| head.oid).collect();
    main.old.and_then(|old| find(session, old, &heads))
}

/// Records an operation that nothing announced.
fn begin(session: &Session<'_>, main: &RefMove, mut incoming: Vec<Incoming>, action: &Raw) -> OperationId {
    let mut kind = session.caller.kind(&action.to_string());
    if !incoming.is_empty() && kind == Kind::Commit {
        kind = Kind::Merge;
    }
    // The commit of a squash: the squash itself knows what came in.
    if kind == Kind::Commit
        && session.repo.has_state("SQUASH_MSG")
        && let Some(squash) = main.old.and_then(|old| staged_squash(session, old))
    {
        kind = Kind::Squash;
        incoming = squash.intent.incoming;
    }
    let branch = main.name.starts_with(b"refs/heads/").then(|| main.name.clone());
    session.begin(kind, branch, main.old, incoming, action_of(session, action)).id
}

/// Writes a pre-merge ref where the old tip can't be reached from the new one: without it, git's garbage collection
/// would take the commits that undo goes back to. Ordinary commits and merges contain their old tip and need none.
fn keep_reachable(session: &Session<'_>, operation: &OperationId, main: &RefMove) -> Result<(), GitError> {
    let Some(old) = main.old else { return Ok(()) };
    let repo = session.repo;
    if let Some(new) = main.new {
        let built_on = repo.objects().commit(new).is_ok_and(|commit| commit.parents.contains(&old));
        if built_on || repo.is_ancestor(old, new)? {
            return Ok(());
        }
    }
    repo.keep_commit(&pre_merge_ref(operation, 0), old)
}

/// Where the refs stand that keep operations' old tips.
pub(super) const PRE_MERGE: &str = "refs/recoveryguard/pre-merge/";

/// Returns the ref that keeps an operation's old tip, or a further one of several.
pub(super) fn pre_merge_ref(operation: &OperationId, place: usize) -> RefName {
    let more = if place == 0 { String::new() } else { format!("-{place}") };
    format!("{PRE_MERGE}{operation}{more}").into()
}
