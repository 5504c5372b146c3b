//! The gate: a merge or pull is judged when git is about to write `ORIG_HEAD`, before it changes anything.
//!
//! Order: facts → files in the way are saved → verdict → the journal's intent and judgement. A crash in between
//! leaves saved bytes or an intent without outcome, and an untouched repository.

use super::{Answer, Occasion, Session, action_of, backup, judge, rebase, target};
use crate::disk::Durability;
use crate::facts::{self, Asked, InTheWay, Question, Replaced};
use crate::git::{GitError, Strategy};
use crate::hooks;
use crate::manifest::{Manifest, Snapshot};
use crate::model::{
    Body, Excuse, Facts, Incoming, Intent, Kind, Level, LocalFile, LocalKind, Oid, OperationId, Raw, RefName, Saved,
    Status, TreePath, Unsaved, Verdict,
};
use crate::snapshot::{self, Order, Scope};
use crate::store::{Care, Part, Source, Store, Wanted};

/// Judges a merge that is about to begin.
pub(super) fn gate(
    session: &Session<'_>,
    tip: Oid,
    incoming: Vec<Incoming>,
    action: &Raw,
) -> Result<Option<Answer>, GitError> {
    // When git gives up a merge it restores by children that inherit the merge's environment and write ORIG_HEAD
    // again: the decision was made at the first one.
    if session.caller.is_no_merge() {
        return Ok(None);
    }
    let repo = session.repo;
    let branch = session.branch()?;
    let basis = judge::basis(repo, Some(tip))?;
    let incoming = with_names(session, incoming, &basis.manifest)?;
    let heads: Vec<Oid> = incoming.iter().map(|head| head.oid).collect();
    let allowed = session.allowances(branch.as_ref(), Some(tip), &heads);
    let mut question = Question {
        into: target(branch.as_ref(), Some(tip)),
        incoming,
        squash: session.caller.has("--squash"),
        asked: Asked::Predicted(session.caller.strategy()),
    };
    let id = session.journal.new_id(session.now);
    let (mut judged, mut saved) = judge_predicted(session, &id, &basis, &question, &allowed)?;
    // The configuration may name a strategy that avoids what was found, or settles a conflict over data; it is asked only then.
    if (judged.findings.iter().any(|finding| finding.level >= Level::Warn) || is_data_open(&judged, &basis.manifest))
        && let Some(strategy) = configured(session, &question)?
    {
        question.asked = Asked::Predicted(strategy);
        if saved.snapshot.is_some() {
            // Other files are in the way now.
            forget(session, &id);
        }
        (judged, saved) = judge_predicted(session, &id, &basis, &question, &allowed)?;
    }
    let refused = judged.verdict == Verdict::Block;
    let kind = kind(session, action, question.squash);
    abandon_open(session);
    let mut unrecorded = None;
    // A tree with conflicts says nothing of what becomes of them: should git come to it, an option settled them.
    let is_open = judged.facts.paths.iter().any(|path| path.conflicted);
    let predicted = judged.facts.result_tree.filter(|_| !is_open);
    saved.index = !refused && session.journal.keep_index(&id, &repo.own_index_file(), Durability::Lazy).is_ok();
    let intent = Intent {
        kind,
        worktree: repo.worktree_id(),
        branch,
        head: Some(tip),
        incoming: question.incoming.clone(),
        action: action_of(session, action),
        saved,
        predicted,
        of: None,
        planned: Vec::new(),
    };
    unrecorded = unrecorded.or(session.append(Some(&id), Body::Intent(intent)));
    unrecorded = unrecorded.or(session.append_judgement(&id, "gate", &judged));
    let mut answer = Answer {
        occasion: Occasion::Gate,
        verdict: judged.verdict,
        findings: judged.findings,
        failure: judged.failure,
        on_failure: judged.on_failure,
        into: question.into,
        incoming: question.incoming,
        operation: Some(id.clone()),
        unrecorded,
        no_backup: None,
        notes: Vec::new(),
    };
    if !answer.refuses() {
        answer.no_backup = back_up(session, &basis.manifest, &judged.facts);
    }
    let settled = !answer.refuses() && answer.verdict != Verdict::CouldNotJudge;
    let judged_tree = predicted.filter(|_| settled && !is_unsure(&answer));
    // When git makes the same tree nothing is left to judge, and pre-merge-commit starts no process.
    session.leave_note(hooks::JUDGED, judged_tree);
    if answer.refuses() {
        // A lost outcome makes the refusal look abandoned, which undo treats alike.
        let _ = session.append_outcome(&id, Status::Refused, Vec::new());
    }
    Ok(Some(answer))
}

/// Returns whether git is expected to leave a data file in conflict.
fn is_data_open(judged: &judge::Judged, manifest: &Manifest) -> bool {
    let mut open = judged.facts.paths.iter().filter(|path| path.conflicted);
    open.any(|path| manifest.data_rule(path.path.as_bstr()).is_some())
}

/// Makes a backup where the manifest asks for one before a merge that touches what is backed up, or may touch it; says why there
/// is none.
fn back_up(session: &Session<'_>, manifest: &Manifest, facts: &Facts) -> Option<String> {
    let is_backed_up = |path: &TreePath| manifest.data_rule(path.as_bstr()).is_some_and(|(rule, _)| rule.backup);
    let touched = facts.result_tree.is_none() || facts.paths.iter().any(|path| is_backed_up(&path.path));
    if !manifest.backup.before_merge || !touched {
        return None;
    }
    match backup::create_within(session.repo, session.now, session.repo.deadline().half()) {
        Ok(made) => made.refused.first().map(|left| format!("'{}': {}", left.path, left.why)),
        Err(error) => Some(error.to_string()),
    }
}

fn is_unsure(answer: &Answer) -> bool {
    answer.findings.iter().any(|finding| finding.excuse == Some(Excuse::Uncertain))
}

fn kind(session: &Session<'_>, action: &Raw, squash: bool) -> Kind {
    match session.caller.kind(&action.to_string()) {
        _ if squash => Kind::Squash,
        Kind::Pull => Kind::Pull,
        _ => Kind::Merge,
    }
}

/// Removes the snapshot of an operation. One that stays is found by its name when the operation's goes.
fn forget(session: &Session<'_>, id: &OperationId) {
    let _ = Store::open(&session.repo.guard_dir()).and_then(|store| store.remove(id));
}

/// Gathers, saves what is in the way, judges.
fn judge_predicted(
    session: &Session<'_>,
    id: &OperationId,
    basis: &judge::Basis,
    question: &Question,
    allowed: &[crate::model::Allowance],
) -> Result<(judge::Judged, Saved), GitError> {
    let repo = session.repo;
    let mut saved = None;
    let judged = judge::attempt(repo, basis, question, allowed, |facts| {
        let in_the_way = facts::local_files(repo, &facts.paths, basis.manifest.snapshot.max_file)?;
        let in_use = facts::databases_in_use(repo, &facts.paths, Replaced::Soon)?;
        // What a log holds is a part of its database: saved with what is in the way, though nothing is in its way.
        let logs = in_use.iter().flat_map(|used| &used.logs).cloned();
        let all: Vec<InTheWay> = in_the_way.iter().cloned().chain(logs).collect();
        let kept = saved.insert(save(session, id, &all, &basis.manifest.snapshot)?);
        note_local(facts, &in_the_way, kept);
        facts.in_use = in_use.into_iter().map(|used| used.found).collect();
        Ok(())
    })?;
    let saved = match (saved, &judged.failure) {
        (None, Some(why)) => save_unforeseen(session, id, basis, question, why),
        (saved, _) => saved.unwrap_or_default(),
    };
    Ok((judged, saved))
}

/// Saves what may be in the way of a merge that can't be foreseen: it may bring whatever a head has.
fn save_unforeseen(
    session: &Session<'_>,
    id: &OperationId,
    basis: &judge::Basis,
    question: &Question,
    why: &str,
) -> Saved {
    let (repo, limits) = (session.repo, &basis.manifest.snapshot);
    let mut found = Vec::new();
    let mut failure = None;
    for head in &question.incoming {
        match facts::files_in_the_way(repo, question.into.tip, head.oid, limits.max_file) {
            Ok(files) => found.extend(files),
            Err(_) => failure = Some(why.to_owned()),
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found.dedup_by(|a, b| a.path == b.path);
    let mut saved = save(session, id, &found, limits).unwrap_or_else(|error| {
        failure = Some(error.to_string());
        Saved::default()
    });
    saved.unsaved.extend(failure.map(|why| Unsaved { path: "./".into(), why }));
    saved
}

/// Up to so many files are synced to the disk one by one; more would make the merge wait.
const SYNCED: usize = 32;

/// Saves the files in the way, and where git is about to put uncommitted work aside, or the manifest wants it, all of that;
/// what can't be saved is listed, with the reason.
fn save(session: &Session<'_>, id: &OperationId, files: &[InTheWay], limits: &Snapshot) -> Result<Saved, GitError> {
    let scope = if limits.all || session.puts_aside("merge.autoStash")? { Scope::All } else { Scope::Given };
    if files.is_empty() && scope == Scope::Given {
        return Ok(Saved::default());
    }
    let given = files.iter().map(in_the_way).collect();
    let durability = if files.len() > SYNCED { Durability::Lazy } else { Durability::Fsync };
    let saved = snapshot::save(session.repo, Order { id, now: session.now, given, scope, limits, durability });
    Ok(saved.unwrap_or_else(|error| {
        let unsaved = files.iter().map(|file| Unsaved { path: file.path.clone(), why: error.to_string() });
        let rest = (scope == Scope::All).then(|| Unsaved { path: "./".into(), why: error.to_string() });
        Saved { unsaved: unsaved.chain(rest).collect(), ..Saved::default() }
    }))
}

/// Asks for a file that git is about to replace to be saved.
pub(super) fn in_the_way(file: &InTheWay) -> Wanted {
    let tracked = file.kind == LocalKind::Dirty;
    Wanted { path: file.path.clone(), part: Part::File { tracked }, source: Source::OnDisk, care: Care::Should }
}

impl Session<'_> {
    /// Returns whether the command puts uncommitted work aside before it begins: `--autostash`, or the configuration.
    pub(super) fn puts_aside(&self, variable: &str) -> Result<bool, GitError> {
        match self.caller.choice("--autostash") {
            Some(choice) => Ok(choice),
            None => self.repo.config_is_true(variable),
        }
    }
}

fn note_local(facts: &mut Facts, files: &[InTheWay], saved: &Saved) {
    let local = files.iter().map(|file| LocalFile {
        path: file.path.clone(),
        kind: file.kind,
        saved: saved.files.iter().any(|kept| kept.path == file.path),
    });
    facts.local = local.collect();
}

/// Returns the strategy that the configuration adds to the command line, if it adds one.
fn configured(session: &Session<'_>, question: &Question) -> Result<Option<Strategy>, GitError> {
    let mut strategy = session.repo.configured_strategy(question.into.branch.as_ref())?;
    if strategy == Strategy::default() {
        return Ok(None);
    }
    let typed = session.caller.strategy();
    // `-s` on the command line replaces the configured one; `-X` adds up.
    if !typed.names.is_empty() {
        strategy.names = typed.names;
    }
    strategy.options.extend(typed.options);
    Ok(Some(strategy))
}

/// Adds the names by which the heads are known: a pull names only object names, and a manifest with `[[branch]]`
/// rules wants every branch that points there.
fn with_names(session: &Session<'_>, incoming: Vec<Incoming>, manifest: &Manifest) -> Result<Vec<Incoming>, GitError> {
    let fetched = session.repo.state("FETCH_HEAD")?.unwrap_or_default();
    let named = |mut head: Incoming| {
        let hex = head.oid.to_string();
        if head.names.iter().any(|name| name.as_bytes() == hex.as_bytes())
            && let Some(name) = fetched_name(&fetched, &hex)
        {
            head.names.insert(0, name);
        }
        if !manifest.branch.is_empty() {
            head.names.extend(session.repo.names_of(head.oid)?);
        }
        Ok(head)
    };
    incoming.into_iter().map(named).collect()
}

/// Reads a branch name out of `FETCH_HEAD`: `<oid>\t\tbranch 'main' of <url>`.
fn fetched_name(fetched: &[u8], hex: &str) -> Option<RefName> {
    let line = fetched.split(|byte| *byte == b'\n').find(|line| line.starts_with(hex.as_bytes()))?;
    let start = line.windows(8).position(|part| part == b"branch '")? + 8;
    let rest = &line[start..];
    // A name can't hold a quote's end followed by ` of `; take the last such.
    let end =
        rest.windows(5).rposition(|part| part == b"' of ").or_else(|| rest.iter().rposition(|byte| *byte == b'\''))?;
    Some(rest[..end].into())
}

/// Closes merges of this worktree that began and never ended: a new one can only begin when they are over. A rebase may
/// merge in its course.
fn abandon_open(session: &Session<'_>) {
    if !["rebase-merge", "rebase-apply"].into_iter().any(|name| session.repo.has_state(name)) {
        rebase::abandon(session);
    }
    let worktree = session.repo.worktree_id();
    for operation in session.journal.open_operations().into_iter().flatten() {
        if operation.intent.worktree == worktree && operation.intent.kind.is_merge() {
            // The next gate tries again.
            let _ = session.append_outcome(&operation.id, Status::Abandoned, Vec::new());
        }
    }
}

#[cfg(test)]
mod tests {
    //! Every write of the gate fails once, or from then on: the repository is untouched, and what could not be saved or
    //! recorded is said.

    use std::ffi::OsStr;

    use super::*;
    use crate::disk::{Fault, fail_after};
    use crate::git::{Deadline, Environment, Repo};
    use crate::hooks::Caller;
    use crate::journal::Journal;
    use crate::model::Timestamp;
    use crate::undo::tests::world::World;

    /// A branch that brings a file over an ignored one.
    fn world() -> World {
        let world = World::diverged(&[]);
        world.git(&["checkout", "-q", "feat"]);
        world.write(".env", "theirs\n");
        world.commit("env");
        world.git(&["checkout", "-q", "main"]);
        world.write(".git/info/exclude", ".env\n");
        world.write(".env", "mine\n");
        world
    }

    fn at_the_gate(world: &World) -> (Result<Option<Answer>, GitError>, Vec<Saved>, Vec<u8>) {
        let command = world.command(OsStr::new("git"), &world.top);
        let variables = command.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())));
        let environment = Environment { variables: variables.collect() };
        let repo = Repo::discover(&world.top, environment, Deadline::never()).unwrap();
        let journal = Journal::open(&repo.guard_dir());
        let now = Timestamp(1_700_000_000_000);
        let session = Session { repo: &repo, journal: &journal, now, caller: Caller::default() };
        let oid = |name: &str| Oid::from_hex(world.oid(name).as_bytes()).unwrap();
        let incoming = vec![Incoming { oid: oid("feat"), names: vec!["feat".into()] }];
        let answer = gate(&session, oid("HEAD"), incoming, &"merge feat".into());
        fail_after(None);
        let operations = Journal::open(&repo.guard_dir()).operations().unwrap().operations;
        let saved: Vec<Saved> = operations.into_iter().map(|operation| operation.intent.saved).collect();
        let bytes = saved.iter().flat_map(|saved| &saved.files).next().map(|file| {
            let store = Store::open(&repo.guard_dir()).unwrap();
            store.read_blob(&file.blob).unwrap()
        });
        (answer, saved, bytes.unwrap_or_default())
    }

    #[test]
    fn a_write_that_fails_at_the_gate_is_said_and_changes_nothing() {
        for fault in [Fault::Once, Fault::FromThenOn] {
            let start = world();
            let (mut whole, mut said) = (0, 0);
            for steps in 0..100 {
                let world = start.copy();
                let before = world.look();
                fail_after(Some((steps, fault)));
                let (answer, saved, bytes) = at_the_gate(&world);
                assert_eq!(world.look(), before, "step {steps}");
                let answer = answer.unwrap().unwrap();
                let is_named = answer.findings.iter().any(|finding| finding.rule == "ignored-overwritten");
                assert!(is_named || answer.verdict == Verdict::CouldNotJudge, "step {steps}: {:?}", answer.findings);
                match &saved[..] {
                    // Recorded, and what it says of the bytes is true.
                    [saved] if saved.unsaved.is_empty() => assert_eq!(bytes, b"mine\n", "step {steps}"),
                    [saved] => assert!(saved.files.is_empty(), "step {steps}: {saved:?}"),
                    _ => assert!(answer.unrecorded.is_some(), "step {steps}: not recorded, and not said"),
                }
                let is_whole = matches!(&saved[..], [saved] if saved.unsaved.is_empty() && saved.index);
                said += usize::from(!is_whole);
                whole = if is_whole && answer.unrecorded.is_none() { whole + 1 } else { 0 };
                if whole > 4 {
                    break;
                }
            }
            assert!(whole > 4 && said > 4, "{whole} {said}");
        }
    }

    /// A branch that empties a table of a database.
    fn with_database() -> World {
        let world = World::diverged(&[]);
        let run = |sql: &str| {
            let connection = rusqlite::Connection::open(world.path("a.db")).unwrap();
            connection.execute_batch(sql).unwrap();
        };
        world.write(".recoveryguard.toml", "version = 1\n[[data]]\npaths = ['*.db']\n");
        run("CREATE TABLE t(a); INSERT INTO t VALUES (1)");
        world.commit("database");
        world.git(&["checkout", "-q", "-B", "feat"]);
        run("DELETE FROM t");
        world.commit("emptied");
        world.git(&["checkout", "-q", "main"]);
        world
    }

    #[test]
    fn a_database_that_can_not_be_written_out_is_unknown_and_none_stays() {
        let start = with_database();
        let (mut judged, mut unknown) = (0, 0);
        for steps in 0..100 {
            let world = start.copy();
            fail_after(Some((steps, Fault::Once)));
            let answer = at_the_gate(&world).0.unwrap().unwrap();
            let is_found = answer.findings.iter().any(|finding| finding.rule == "data-shrunk");
            assert_eq!(!is_found, answer.verdict == Verdict::CouldNotJudge, "step {steps}: {answer:?}");
            // What a failed write leaves goes with the folder; that it could not be removed is one of the steps.
            let left = std::fs::read_dir(world.git_dir().join("recoveryguard/tmp")).into_iter().flatten().count();
            assert!(left == 0 || is_found, "step {steps}: {left}");
            unknown += usize::from(!is_found);
            judged = if is_found && left == 0 && answer.unrecorded.is_none() { judged + 1 } else { 0 };
            if judged > 4 {
                break;
            }
        }
        assert!(judged > 4 && unknown > 2, "{judged} {unknown}");
    }

    #[test]
    fn what_is_written_out_nobody_else_may_read() {
        use std::os::unix::fs::PermissionsExt;
        let world = with_database();
        let repo = Repo::discover(&world.top, Environment::default(), Deadline::never()).unwrap();
        let folder = crate::git::BlobFolder::make(&repo).unwrap();
        let blob = Oid::from_hex(world.oid("HEAD:a.db").as_bytes()).unwrap();
        let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
        let lent = folder.lend(&repo, blob, |file| {
            assert_eq!((mode(file), mode(file.parent().unwrap())), (0o600, 0o700));
            assert_eq!(std::fs::read(file).unwrap(), world.read("a.db"));
            file.to_owned()
        });
        let lent = lent.unwrap();
        assert!(!lent.exists());
        drop(folder);
        assert!(!lent.parent().unwrap().exists());
    }
}
