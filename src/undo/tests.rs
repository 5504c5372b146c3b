//! U19: every write of an undo or redo fails once, or from then on; afterwards the state is before or after.

#[path = "../../tests/suite/undo/world.rs"]
pub(crate) mod world;

use super::{Report, Run, Undo, UndoError, record};
use crate::disk::{self, Durability, Fault, fail_after};
use crate::git::{Deadline, Environment, Repo};
use crate::model::{
    Attributes, Body, Intent, Kind, Oid, OperationId, Outcome, Plan, Record, RefMove, Saved, Status, Timestamp, Way,
};
use world::{Look, World, lines};

pub(crate) fn repo(world: &World) -> Repo {
    let command = world.command(std::ffi::OsStr::new("git"), &world.top);
    let variables = command.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())));
    Repo::discover(&world.top, Environment { variables: variables.collect() }, Deadline::never()).unwrap()
}

fn undo(world: &World, run: impl FnOnce(&Undo<'_>) -> Result<Report, UndoError>) -> Result<Report, UndoError> {
    let repo = repo(world);
    run(&Undo::new(&repo, Timestamp(1_700_000_000_000)))
}

/// A merge that changes, adds and removes files, swaps a file and a folder; later edits in one of them.
fn merged() -> (World, Look) {
    let world = World::diverged(&[]);
    world.git(&["checkout", "-q", "feat"]);
    world.remove("other.txt");
    world.write("other.txt/inside", "inside\n");
    world.commit("swap");
    world.git(&["checkout", "-q", "main"]);
    world.git(&["merge", "-q", "feat"]);
    world.replace("a.txt", "line 18\n", "line 18, mine\n");
    world.write("untracked", "mine\n");
    let after = world.look();
    (world, after)
}

/// A conflict half resolved.
fn in_progress() -> (World, Look) {
    let world = World::with_feature(&[]);
    world.replace("a.txt", "line 2\n", "line 2 of main\n");
    world.commit("main");
    assert!(!world.run(&["merge", "-q", "feat"]).status.success());
    world.write("a.txt", "half resolved\n");
    let after = world.look();
    (world, after)
}

/// Looks at a repository with trees in place of commits: a commit that is made at another time has another name.
fn whenever_made(world: &World) -> Look {
    let trees = |text: &str| {
        let tree = |word: &str| match Oid::from_hex(word.as_bytes()) {
            Some(oid) => world.git(&["log", "-1", "--format=%T %s", &oid.to_string()]),
            None => word.to_owned(),
        };
        text.split(' ')
            .map(|word| word.split('\n').map(tree).collect::<Vec<_>>().join("\n"))
            .collect::<Vec<_>>()
            .join(" ")
    };
    let look = world.look().without_folders();
    Look { head: trees(&look.head), refs: trees(&look.refs), ..look }
}

/// Fails the n-th write of `act` for every n, and looks at what each failure leaves once the next command has dealt with
/// it: `start`, or when only the last notes are missing `end`.
fn fail_every_write((start, _): &(World, Look), fault: Fault, act: fn(&Undo<'_>) -> Result<Report, UndoError>) {
    let finished = start.copy();
    undo(&finished, act).unwrap();
    let end = whenever_made(&finished);
    let mut succeeded = 0;
    for steps in 0..500 {
        let world = start.copy();
        fail_after(Some((steps, fault)));
        let result = undo(&world, act);
        fail_after(None);
        let repo = repo(&world);
        let session = Undo::new(&repo, Timestamp(1_800_000_000_000));
        session.recover_interrupted().unwrap();
        assert_eq!(session.recover_interrupted().unwrap(), []);
        let look = world.look().without_folders();
        match result {
            Ok(_) => {
                assert_eq!(whenever_made(&world), end, "step {steps}");
                succeeded += 1;
                // What fails once may be a step that nothing depends on; several in a row mean that all were tried.
                if succeeded > 4 {
                    return;
                }
            }
            Err(UndoError::Unrecorded(_)) => assert_eq!(whenever_made(&world), end, "step {steps}"),
            Err(error) => {
                succeeded = 0;
                assert_eq!(look, start.look().without_folders(), "step {steps}: {error}");
                if steps % 8 == 0 {
                    act(&session).unwrap();
                    assert_eq!(whenever_made(&world), end, "step {steps}, again");
                }
            }
        }
    }
    panic!("it never succeeded");
}

/// A merge with a commit of one's own on top; published, or not.
fn with_a_commit_on_top(published: bool) -> (World, Look) {
    let world = World::diverged(&[]);
    world.git(&["merge", "-q", "--no-ff", "feat"]);
    world.replace("staged.txt", "line 3\n", "line 3, later\n");
    world.commit("later");
    if published {
        world.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    }
    world.replace("a.txt", "line 18\n", "line 18, mine\n");
    world.write("untracked", "mine\n");
    let after = world.look();
    (world, after)
}

fn do_undo(undo: &Undo<'_>) -> Result<Report, UndoError> {
    undo.undo_merge(None, None, Run::Real)
}

fn do_redo(undo: &Undo<'_>) -> Result<Report, UndoError> {
    undo.redo(Run::Real)
}

#[test]
fn an_undo_on_a_full_disk_is_before_or_after() {
    fail_every_write(&merged(), Fault::FromThenOn, do_undo);
}

#[test]
fn an_undo_with_one_failing_write_is_before_or_after() {
    fail_every_write(&merged(), Fault::Once, do_undo);
}

#[test]
fn giving_up_a_merge_on_a_full_disk_is_before_or_after() {
    fail_every_write(&in_progress(), Fault::FromThenOn, do_undo);
}

#[test]
fn a_replay_with_failing_writes_is_before_or_after() {
    for fault in [Fault::FromThenOn, Fault::Once] {
        fail_every_write(&with_a_commit_on_top(false), fault, |undo| expect_way(do_undo(undo), Way::Replay));
    }
}

#[test]
fn a_revert_with_failing_writes_is_before_or_after() {
    for fault in [Fault::FromThenOn, Fault::Once] {
        fail_every_write(&with_a_commit_on_top(true), fault, |undo| expect_way(do_undo(undo), Way::Revert));
    }
}

fn expect_way(done: Result<Report, UndoError>, way: Way) -> Result<Report, UndoError> {
    done.inspect(|report| assert_eq!(report.plan.way, way))
}

#[test]
fn a_redo_on_a_full_disk_is_before_or_after() {
    for (world, look) in [merged(), in_progress(), with_a_commit_on_top(false), with_a_commit_on_top(true)] {
        undo(&world, do_undo).unwrap();
        fail_every_write(&(world, look), Fault::FromThenOn, do_redo);
    }
}

/// HEAD is never taken away: without it git finds no repository, and neither does whoever could bring it back.
#[test]
fn u22_a_head_that_came_from_nowhere_stays() {
    let world = World::with_feature(&[]);
    world.git(&["checkout", "-q", "--detach"]);
    let before = world.look();
    let repo = repo(&world);
    let undo = Undo::new(&repo, Timestamp(1_700_000_000_000));
    let id = undo.journal.new_id(undo.now);
    let head = Oid::from_hex(world.oid("HEAD").as_bytes());
    let intent = Intent {
        kind: Kind::Reset,
        worktree: repo.worktree_id(),
        branch: None,
        head: None,
        incoming: Vec::new(),
        action: "reset --hard".into(),
        saved: Saved::default(),
        predicted: None,
        of: None,
        planned: Vec::new(),
    };
    let moved = vec![RefMove { name: "HEAD".into(), old: None, new: head }];
    for body in [Body::Intent(intent), Body::Outcome(Outcome { status: Status::Done, moved })] {
        let record = Record { operation: Some(id.clone()), at: undo.now, guard: String::new(), body };
        undo.journal.append(&record, Durability::Lazy).unwrap();
    }
    let error = undo.undo(None, None, Run::Real).unwrap_err();
    assert!(error.to_string().contains("nobody knows where HEAD was"), "{error}");
    assert_eq!(world.look(), before);
}

fn do_restore(undo: &Undo<'_>) -> Result<Report, UndoError> {
    let then = undo.files_from(&["a.txt".into(), "gone.txt".into()], "HEAD~1")?;
    let files = then.files.into_iter().map(|(path, file)| (path, Some(file))).collect();
    undo.restore_files(files, then.operation, ("from HEAD~1", false), &|_, _| Ok(()), Run::Real)
}

#[test]
fn a_restore_on_a_full_disk_is_before_or_after() {
    fail_every_write(&merged(), Fault::FromThenOn, do_restore);
}

/// Somebody edits a file after the crash: it is left alone and named.
#[test]
fn recovery_leaves_what_was_touched_since() {
    let (world, _) = merged();
    for steps in 0.. {
        fail_after(Some((steps, Fault::FromThenOn)));
        let result = undo(&world, do_undo);
        fail_after(None);
        if !world.exists("new.txt") || result.is_ok() {
            break;
        }
        let repo = repo(&world);
        Undo::new(&repo, Timestamp(1_800_000_000_000)).recover_interrupted().unwrap();
    }
    assert!(!world.exists("new.txt") && world.exists("a.txt"), "it was interrupted amid the files");
    world.write("new.txt", lines(2));
    let repo = repo(&world);
    let recovered = Undo::new(&repo, Timestamp(1_800_000_000_000)).recover_interrupted().unwrap();
    assert_eq!(recovered.len(), 1);
    assert_eq!(recovered[0].left, ["new.txt".into()]);
    assert_eq!(world.text("new.txt"), lines(2));
}

#[test]
fn a_record_is_read_as_written_and_a_damaged_one_refused() {
    let world = World::new(&[]);
    let repo = repo(&world);
    let undo = Undo::new(&repo, Timestamp(0));
    let id = OperationId("20261122-224531-3fa9c1".into());
    let plan = Plan {
        way: Way::MoveBack,
        why: "x".into(),
        operation: None,
        branch: Some("refs/heads/\u{e4}".into()),
        head: Some(Oid::from_hex(&[b'a'; 40]).unwrap()),
        undone: None,
        pushed: false,
        made: Vec::new(),
        stash: None,
        refs: Vec::new(),
        attributes: Attributes::default(),
        blobs: vec![b"\xff\0"[..].into()],
        index: Vec::new(),
        work: Vec::new(),
        state: Vec::new(),
        kept: Vec::new(),
        left_out: Vec::new(),
        conflicts: Vec::new(),
        left_alone: Vec::new(),
        notes: Vec::new(),
    };
    assert!(record::read(&undo, &id).is_err());
    record::write(&undo, &id, &plan).unwrap();
    assert_eq!(record::read(&undo, &id).unwrap(), plan);
    let place = record::path(&repo, &id);
    let bytes = disk::read_own(&place, 1 << 30).unwrap().unwrap();
    for cut in 0..bytes.len() {
        disk::write_atomic(&place, &bytes[..cut], Durability::Lazy, 0o600).unwrap();
        assert!(record::read(&undo, &id).is_err(), "cut at {cut}");
    }
    let newer = [b"recoveryguard-undo 2 x\n", &bytes[..]].concat();
    disk::write_atomic(&place, &newer, Durability::Lazy, 0o600).unwrap();
    assert!(record::read(&undo, &id).unwrap_err().to_string().contains("another version"));
    super::forget(&repo, std::slice::from_ref(&id)).unwrap();
    super::forget(&repo, std::slice::from_ref(&id)).unwrap();
    assert!(record::read(&undo, &id).unwrap_err().to_string().contains("missing"));
}

// D8
#[test]
fn a_restore_that_fails_says_so_and_puts_all_back() {
    let (world, before) = merged();
    let repo = repo(&world);
    let session = Undo::new(&repo, Timestamp(1_700_000_000_000));
    let then = session.files_from(&["a.txt".into()], "HEAD").unwrap();
    let files = then.files.into_iter().map(|(path, file)| (path, Some(file))).collect();
    let refuse = |path: &crate::model::TreePath, _: &std::path::Path| Err(format!("'{path}' is no good"));
    let error = session.restore_files(files, None, ("from HEAD", false), &refuse, Run::Real).unwrap_err();
    assert_eq!(error.to_string(), "the restore failed halfway; everything was put back");
    assert_eq!(world.look(), before);
}
