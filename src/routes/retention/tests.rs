//! Every write of a prune fails once, and the next prune ends where an undisturbed one does.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::Path;

use super::*;
use crate::disk::{Durability, Fault, Root, fail_after};
use crate::git::{Deadline, Environment, Repo};
use crate::hooks::Caller;
use crate::journal::Journal;
use crate::model::Timestamp;
use crate::store::{Care, Limits, Part, Source, Store, Wanted};
use crate::undo::tests::world::World;
use crate::undo::{Run, Undo};

/// When the operations began, and when everything on disk is hours old.
const THEN: u64 = 1_700_000_000_000;
const NOW: Timestamp = Timestamp(4_000_000_000_000);

fn repo(world: &World) -> Repo {
    let command = world.command(OsStr::new("git"), &world.top);
    let variables = command.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())));
    Repo::discover(&world.top, Environment { variables: variables.collect() }, Deadline::never()).unwrap()
}

/// Runs something with a session of its own.
fn with<T>(world: &World, run: impl FnOnce(&Session<'_>) -> T) -> T {
    let repo = repo(world);
    let journal = Journal::open(&repo.guard_dir());
    run(&Session { repo: &repo, journal: &journal, now: NOW, caller: Caller::default() })
}

/// A repository in which four merges were undone; each undo saved bytes, an index, a record and an old tip.
fn undone() -> World {
    let world = World::diverged(&[]);
    for number in 0..4 {
        world.git(&["merge", "-q", "-m", &format!("merge {number}"), "feat"]);
        world.replace("a.txt", "line 18\n", &format!("line 18, {number}\n"));
        let repo = repo(&world);
        let undo = Undo::new(&repo, Timestamp(THEN + number * 1000));
        undo.undo_merge(None, None, Run::Real).unwrap();
        world.git(&["checkout", "-q", "a.txt"]);
    }
    world
}

/// What is kept: refs, and files by the operation or object that they are named by.
fn kept(world: &World) -> BTreeSet<String> {
    let refs = world.git(&["for-each-ref", "--format=%(refname)", "refs/recoveryguard"]);
    let mut found: BTreeSet<String> = refs.lines().map(str::to_owned).collect();
    files(&world.git_dir().join("recoveryguard"), &mut found);
    found
}

fn files(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            files(&entry.path(), found);
        } else {
            found.insert(entry.path().to_string_lossy().rsplit_once("/recoveryguard/").unwrap().1.to_owned());
        }
    }
}

#[test]
fn what_is_planned_is_what_goes_and_nothing_else() {
    let world = undone();
    let before = kept(&world);
    let count = |found: &BTreeSet<String>, part: &str| found.iter().filter(|name| name.starts_with(part)).count();
    for (part, number) in [("journal/", 8), ("index/", 4), ("undo/", 4), ("refs/recoveryguard/pre-merge/", 4)] {
        assert_eq!(count(&before, part), number, "{part}: {before:#?}");
    }
    let planned = with(&world, |session| plan(session, Some(1))).unwrap();
    assert_eq!(kept(&world), before, "planning changes nothing");
    let (done, pruned) = with(&world, |session| prune(session, Some(1))).unwrap();
    assert_eq!(done, planned);
    assert!(pruned.bytes == planned.bytes && pruned.bytes > 0, "{pruned:?}");
    assert_eq!((planned.operations.len(), planned.snapshots.len(), planned.refs.len()), (3, 3, 3));
    let after = kept(&world);
    for (part, number) in [("journal/", 2), ("index/", 1), ("undo/", 1), ("refs/recoveryguard/pre-merge/", 1)] {
        assert_eq!(count(&after, part), number, "{part}: {after:#?}");
    }
    // A tag, two trees, the manifest and the file itself.
    assert_eq!(count(&after, "store.git/objects/"), 5, "{after:#?}");
    assert!(with(&world, |session| plan(session, Some(1))).unwrap().is_empty());
    with(&world, |session| Undo::new(session.repo, NOW).redo(Run::Real)).unwrap();
}

/// Fails the n-th write for every n. The next prune does the rest.
fn fail_every_write(fault: Fault) {
    let start = undone();
    let finished = start.copy();
    with(&finished, |session| prune(session, Some(1))).unwrap();
    let end = kept(&finished);
    for steps in 0..200 {
        let world = start.copy();
        fail_after(Some((steps, fault)));
        let result = with(&world, |session| prune(session, Some(1)));
        fail_after(None);
        let open = with(&world, |session| session.journal.open_operations().unwrap().count());
        assert_eq!(open, 0, "step {steps}");
        with(&world, |session| prune(session, Some(1))).unwrap();
        assert_eq!(kept(&world), end, "step {steps}: {result:?}");
        if result.is_ok() {
            assert!(steps > 20, "only {steps} writes");
            return;
        }
    }
    panic!("it never succeeded");
}

#[test]
fn a_prune_that_fails_once_is_completed_by_the_next() {
    fail_every_write(Fault::Once);
}

#[test]
fn a_prune_on_a_disk_that_stays_full_is_completed_by_the_next() {
    fail_every_write(Fault::FromThenOn);
}

/// The bytes are saved before the record of their operation is written: by another worktree, just now.
#[test]
fn bytes_whose_operation_is_about_to_begin_stay_whatever_the_budget() {
    let world = World::diverged(&[]);
    world.write(".recoveryguard.toml", "version = 1\n[snapshot]\nmax_store = 1\n");
    world.commit("manifest");
    let repo = repo(&world);
    let journal = Journal::open(&repo.guard_dir());
    let written = world.path("a.txt").metadata().unwrap().modified().unwrap();
    let since = written.duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap();
    let now = Timestamp(u64::try_from(since.as_millis()).unwrap());
    let session = Session { repo: &repo, journal: &journal, now, caller: Caller::default() };
    let store = Store::open_or_create(&repo.guard_dir(), Durability::Lazy, now).unwrap();
    let root = Root::open(&world.top).unwrap();
    for _ in 0..3 {
        let part = Part::File { tracked: true };
        let wanted = Wanted { path: "a.txt".into(), part, source: Source::OnDisk, care: Care::Must };
        let limits = Limits { max_file: u64::MAX, max_total: u64::MAX };
        store.save(&journal.new_id(now), now, &root, [wanted], limits).unwrap();
    }
    let planned = plan(&session, None).unwrap();
    assert!(planned.over.is_empty() && planned.snapshots.is_empty(), "{planned:?}");
    let later = Session { repo: &repo, journal: &journal, now: NOW, caller: Caller::default() };
    assert_eq!(plan(&later, None).unwrap().over.len(), 2, "they never began; the newest stays");
}
