//! What is read, what is written, and what is left when that fails.

use std::ffi::OsStr;

use super::*;
use crate::disk::{Fault, fail_after};
use crate::git::{Deadline, Environment};
use crate::model::{Standing, TreePath};
use crate::routes::restore_from;
use crate::store::Store;
use crate::undo::tests::world::World;
use crate::undo::{Run, Undo};

const NOW: Timestamp = Timestamp(1_795_387_531_000);
const DAY: u64 = 24 * 60 * 60 * 1000;

fn repo(world: &World) -> Repo {
    let command = world.command(OsStr::new("git"), &world.top);
    let variables = command.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())));
    Repo::discover(&world.top, Environment { variables: variables.collect() }, Deadline::never()).unwrap()
}

fn world() -> World {
    let world = World::new(&[]);
    let manifest = "version = 1\n[[data]]\npaths = ['data/']\nbackup = true\n[backup]\nkeep = 'last=1'\n";
    world.write(".recoveryguard.toml", manifest);
    world.write(".git/info/exclude", "*.json\n");
    world.write("data/a.json", "{\"a\": 1}\n");
    world.write("data/deep/b.json", "[1, 2]\n");
    world
}

/// Waits until the file system's clock has moved on: what was written before counts as old then.
fn settle() {
    std::thread::sleep(std::time::Duration::from_millis(30));
}

fn make(world: &World, at: u64) -> Made {
    create(&repo(world), Timestamp(NOW.0 + at), Gone::Told).unwrap()
}

#[test]
fn an_unchanged_set_is_not_read_and_writes_nothing() {
    let world = world();
    settle();
    let first = make(&world, 0);
    assert!(first.is_new && first.read == 2, "{first:?}");
    // The lock is the only thing that it takes; whatever else it wrote would fail.
    fail_after(Some((1, Fault::FromThenOn)));
    let second = create(&repo(&world), Timestamp(NOW.0 + 1), Gone::Told);
    fail_after(None);
    let second = second.unwrap();
    assert!(!second.is_new && second.read == 0, "{second:?}");
    assert_eq!(second.backup, first.backup);
    let outlook = would_create(&repo(&world)).unwrap();
    assert_eq!((outlook.read, outlook.same), (vec![], vec!["data/a.json".into(), "data/deep/b.json".into()]));
}

#[test]
fn whatever_changes_is_read_again() {
    let world = world();
    settle();
    make(&world, 0);
    // Touched and the same: no new backup, and the next time it is not read.
    world.write("data/a.json", "{\"a\": 1}\n");
    settle();
    let touched = make(&world, 1);
    assert_eq!((touched.is_new, touched.read), (false, 1));
    assert_eq!(make(&world, 2).read, 0);
    // The same size, by a rename that keeps the time.
    world.write("data/new.json", "{\"a\": 2}\n");
    let then = world.path("data/a.json").metadata().unwrap().modified().unwrap();
    let file = std::fs::File::options().write(true).open(world.path("data/new.json")).unwrap();
    file.set_modified(then).unwrap();
    disk::move_over(&world.path("data/new.json"), &world.path("data/a.json"), disk::Durability::Lazy).unwrap();
    let changed = make(&world, 3);
    assert_eq!((changed.is_new, changed.read), (true, 1));
    // Permissions alone.
    settle();
    make(&world, 4);
    world.chmod("data/a.json", 0o600);
    assert!(make(&world, 5).is_new);
    // Another manifest: the stored bytes are judged anew.
    settle();
    make(&world, 6);
    world.replace(".recoveryguard.toml", "backup = true", "backup = true\nroot = 'object'");
    let judged = make(&world, 7);
    assert_eq!((judged.is_new, judged.read), (true, 2));
    assert_eq!(judged.backup.unwrap().standing(), Standing::Bad);
    // A file that goes, one that is tracked now.
    world.remove("data/deep/b.json");
    assert!(make(&world, 8).is_new);
    world.git(&["add", "-f", "data/a.json"]);
    assert!(make(&world, 9).backup.unwrap().files[0].tracked);
}

/// A file that was written in the same moment in which the last backup looked at it may have been changed once more.
#[test]
fn what_may_have_changed_unseen_is_read_again() {
    let world = world();
    settle();
    let made = make(&world, 0);
    let seen = seen::Seen::read(&repo(&world)).unwrap();
    let backup = made.backup.unwrap();
    let path = repo(&world).guard_dir().join("backup-seen.json");
    let mut document: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let changed = document["files"][0][1]["changed"].clone();
    // As if looking had begun at the moment of the first file's last change.
    document["from"] = changed;
    disk::write_atomic(&path, document.to_string().as_bytes(), disk::Durability::Lazy, 0o600).unwrap();
    let racy = seen::Seen::read(&repo(&world)).unwrap();
    assert_ne!(racy, seen);
    let again = make(&world, 1);
    assert!(!again.is_new && again.read >= 1, "{again:?}");
    assert_eq!(again.backup.unwrap(), backup);
    assert_eq!(make(&world, 2).read, 0, "and then it is old");
    // Garbage is no hint.
    disk::write_atomic(&path, b"{", disk::Durability::Lazy, 0o600).unwrap();
    assert_eq!(make(&world, 3).read, 2);
}

/// D7, D11: every write of create and prune fails once, and on a disk that stays full; the next one ends as if undisturbed.
#[test]
fn whichever_write_fails_sources_and_backups_stay_whole() {
    // More than there are.
    const ALL_WRITES: u64 = 25;
    for fault in [Fault::Once, Fault::FromThenOn] {
        let mut failures = 0;
        for steps in 0..ALL_WRITES {
            let world = world();
            make(&world, 0);
            world.write("data/a.json", "{\"a\": 2}\n");
            fail_after(Some((steps, fault)));
            let made = create(&repo(&world), Timestamp(NOW.0 + DAY), Gone::Told);
            let pruned = made.as_ref().ok().map(|_| prune(&repo(&world), Timestamp(NOW.0 + DAY), false, |_| {}));
            fail_after(None);
            assert_eq!(world.text("data/a.json"), "{\"a\": 2}\n");
            let whole = |least: usize| {
                let verified = verify(&repo(&world), None, Level::Restore).unwrap();
                assert_eq!(verified.problems, [], "step {steps}");
                assert!(verified.backups >= least, "step {steps}: {verified:?}");
            };
            whole(1);
            make(&world, DAY + 1);
            prune(&repo(&world), Timestamp(NOW.0 + DAY + 1), false, |_| {}).unwrap();
            let (backups, problems) = Store::open(&repo(&world).guard_dir()).unwrap().backups().unwrap();
            assert_eq!((backups.len(), problems.len()), (1, 0), "step {steps}: {made:?} {pruned:?}");
            assert_eq!(backups[0].file(&"data/a.json".into()).unwrap().size, 9);
            whole(1);
            let failed = !matches!(pruned, Some(Ok(_)));
            // What the last backup saw is only a hint: when that can't be written nothing fails.
            assert!(!failed || steps + 1 < ALL_WRITES);
            failures += usize::from(failed);
        }
        assert!(failures > 6, "only {failures} of the writes matter");
    }
}

/// D11: a listing that is not whole, nothing new, a wrong clock: nothing goes.
#[test]
fn what_can_not_be_told_is_not_pruned() {
    let world = world();
    for day in 0..3 {
        world.write("data/a.json", format!("{{\"a\": {day}}}\n"));
        make(&world, day * DAY);
    }
    let at = |days: u64| Timestamp(NOW.0 + days * DAY);
    let left = || Store::open(&repo(&world).guard_dir()).unwrap().backup_ids().unwrap().len();
    let garbage = repo(&world).guard_dir().join("store.git/refs/tags/backup/20000101-000000-000000");
    disk::write_atomic(&garbage, b"garbage", disk::Durability::Lazy, 0o600).unwrap();
    assert!(matches!(prune(&repo(&world), at(3), false, |_| {}), Err(BackupError::Listing(_))));
    assert_eq!(left(), 4);
    disk::remove_file(&garbage).unwrap();
    for wrong in [at(3653), Timestamp(NOW.0 - 3650 * DAY)] {
        let pruned = prune(&repo(&world), wrong, false, |_| {}).unwrap();
        assert!(matches!(pruned.nothing, Some(Nothing::Clock(_))), "{pruned:?}");
    }
    assert_eq!(left(), 3);
    let planned = would_prune(&repo(&world), at(3), false).unwrap();
    assert_eq!((planned.goes().count(), left()), (2, 3));
    let mut told = None;
    let pruned = prune(&repo(&world), at(3), false, |plan| told = Some((plan.clone(), left()))).unwrap();
    assert_eq!(told, Some((planned, 3)), "the plan is told before anything goes");
    assert_eq!((pruned.goes().count(), left()), (2, 1));
    let again = prune(&repo(&world), at(4), false, |_| {}).unwrap();
    assert_eq!(again.nothing, Some(Nothing::Newer));
}

/// D8: every write of a restore fails once, and on a disk that stays full: all files are as before or all are back, whatever is half
/// done is ended by the next command, and the next restore works.
#[test]
fn whichever_write_of_a_restore_fails_files_are_old_or_new() {
    let start = world();
    let id = make(&start, 0).backup.unwrap().id.0;
    let paths: Vec<TreePath> = vec!["data/a.json".into(), "data/deep/b.json".into()];
    let files = |world: &World| [world.text("data/a.json"), world.text("data/deep/b.json")];
    let saved = files(&start);
    start.write("data/a.json", "{\"a\": 2}\n");
    start.remove("data/deep/b.json");
    start.write("data/deep/b.json", "[]\n");
    let old = files(&start);
    for fault in [Fault::Once, Fault::FromThenOn] {
        let (mut whole, mut failed) = (0, 0);
        for steps in 0..200 {
            let world = start.copy();
            let restore = || {
                let repo = repo(&world);
                let undo = Undo::new(&repo, Timestamp(NOW.0 + DAY));
                restore_from(&repo, &undo, (&paths, &id), false, Run::Real)
            };
            fail_after(Some((steps, fault)));
            let restored = restore();
            fail_after(None);
            Undo::new(&repo(&world), Timestamp(NOW.0 + DAY + 1)).recover_interrupted().unwrap();
            let now = files(&world);
            assert!(now == old || now == saved, "step {steps}: {now:?}, {restored:?}");
            assert!(restored.is_err() || now == saved, "step {steps}");
            let verified = verify(&repo(&world), None, Level::Restore).unwrap();
            assert_eq!(verified.problems, [], "step {steps}");
            whole = if restored.is_ok() { whole + 1 } else { 0 };
            failed += usize::from(restored.is_err());
            restore().unwrap();
            assert_eq!(files(&world), saved, "step {steps}");
            if whole > 4 {
                break;
            }
        }
        assert!(whole > 4 && failed > 10, "{whole} {failed}");
    }
}
