//! Backups: what goes in comes back, what is damaged is named, and what they need stays.

use std::collections::BTreeSet;
use std::fs;

use super::super::tests::{NOW, Sandbox, WIDE, id, wanted};
use super::*;
use crate::disk::{Durability, Fault, fail_after, remove_file, write_atomic};
use crate::model::{BackedUp, Contents, Standing, Timestamp};

fn backup_id(text: &str) -> BackupId {
    BackupId(text.to_owned())
}

/// Copies files and makes a backup of them.
fn make(sandbox: &Sandbox, name: &str, at: u64, paths: &[&str]) -> Result<Backup, StoreError> {
    let store = sandbox.store();
    let mut files = Vec::new();
    for path in paths {
        let path = TreePath::from(*path);
        let Copied::Stored { mode, bits, blob, size } = store.copy(&sandbox.root, &path)? else { panic!("{path}") };
        let (tracked, ignored, secret) = (false, true, false);
        let (standing, why, contents) = (Standing::Good, None, Contents::default());
        files.push(BackedUp { path, mode, bits, blob, size, tracked, ignored, secret, standing, why, contents });
    }
    let backup = Backup {
        id: backup_id(name),
        at: Timestamp(NOW.0 + at),
        worktree: None,
        branch: None,
        files,
        unsaved: vec![],
        databases: vec![],
        unsaved_databases: vec![],
    };
    store.write_backup(&backup)?;
    Ok(backup)
}

fn trouble(store: &Store, backup: &Backup) -> Vec<Problem> {
    let found = store.check_backup(backup, &mut HashSet::new()).unwrap();
    [found, store.read_through(backup, &mut HashSet::new()).unwrap()].concat()
}

#[test]
fn backups_come_back_newest_first_and_only_once_under_a_name() {
    let sandbox = Sandbox::new();
    sandbox.put("a", Mode::File, b"a");
    sandbox.put("deep/run", Mode::Executable, b"\xff\0");
    sandbox.put("link", Mode::Link, b"../elsewhere");
    let first = make(&sandbox, "one", 1, &["a", "deep/run", "link"]).unwrap();
    let second = make(&sandbox, "two", 3, &["a"]).unwrap();
    let third = make(&sandbox, "three", 2, &["a"]).unwrap();
    let store = sandbox.store();
    assert_eq!(store.backups().unwrap(), (vec![second, third, first.clone()], vec![]));
    assert_eq!(store.backup(&first.id).unwrap(), first);
    assert!(matches!(make(&sandbox, "one", 4, &["a"]), Err(StoreError::Exists(_))));
    for bad in ["", "..", "a/b", "-x", "x.lock"] {
        assert!(matches!(store.backup(&backup_id(bad)), Err(StoreError::Id(_))), "{bad}");
    }
    for backup in store.backups().unwrap().0 {
        assert_eq!(trouble(&store, &backup), []);
    }
    assert!(sandbox.git(&["fsck", "--full", "--strict"]).status.success());
    // Snapshots and backups are no part of each other.
    assert_eq!((store.list().unwrap(), store.snapshots().unwrap()), ((vec![], vec![]), vec![]));
    assert!(store.remove_backup(&first.id).unwrap() && !store.remove_backup(&first.id).unwrap());
    assert_eq!(store.backups().unwrap().0.len(), 2);
}

/// D7: a mixture of two states is never stored.
#[test]
fn a_source_that_changes_while_it_is_read_is_read_again_then_refused() {
    let sandbox = Sandbox::new();
    sandbox.put("a", Mode::File, b"first");
    let path = TreePath::from("a");
    let mut changes = 0;
    let mut copy = |most: u32| {
        changes = 0;
        sandbox.store().copy_with(&sandbox.root, &path, &mut |_| {
            changes += 1;
            if changes <= most {
                sandbox.put("a", Mode::File, format!("change {changes}").as_bytes());
            }
        })
    };
    let Copied::Stored { blob, .. } = copy(1).unwrap() else { panic!() };
    assert_eq!(sandbox.store().read_blob(&blob).unwrap(), b"change 1");
    assert_eq!(copy(2).unwrap(), Copied::Refused("it changed while it was read, twice".to_owned()));
    assert_eq!(sandbox.store().copy(&sandbox.root, &"gone".into()).unwrap(), Copied::Gone);
}

/// D15: a file over the limit is refused unread, with advice.
#[test]
fn a_file_that_is_too_large_is_refused_unread() {
    let sandbox = Sandbox::new();
    let path = sandbox.root.path().join("huge");
    let file = fs::OpenOptions::new().write(true).create_new(true).open(&path).unwrap();
    file.set_len(LARGEST_FILE + 1).unwrap();
    let Copied::Refused(why) = sandbox.store().copy(&sandbox.root, &"huge".into()).unwrap() else { panic!() };
    assert!(why.starts_with("it holds 51") && why.contains("is the most: split it"), "{why}");
    assert_eq!(sandbox.store().loose_size(u64::MAX).0, 0);
}

/// D12: one byte of any stored object, and the ref; the other backup stays readable.
#[test]
fn every_damaged_byte_is_found_and_its_backup_named() {
    let sandbox = Sandbox::new();
    sandbox.put("other", Mode::File, b"of another backup");
    sandbox.put("a", Mode::File, b"{\"rows\": [1, 2, 3]}\n");
    sandbox.put("link", Mode::Link, b"a");
    let other = make(&sandbox, "other", 0, &["other"]).unwrap();
    let folder = sandbox.store().path().to_owned();
    let before: BTreeSet<_> = files(&folder);
    let backup = make(&sandbox, "one", 1, &["a", "link"]).unwrap();
    let own: Vec<_> = files(&folder).difference(&before).cloned().collect();
    // Two blobs, the manifest, two trees, the tag, the ref.
    assert_eq!(own.len(), 7, "{own:?}");
    for path in own {
        let whole = fs::read(&path).unwrap();
        for at in (0..whole.len()).step_by(3) {
            let mut bytes = whole.clone();
            bytes[at] ^= 0xff;
            remove_file(&path).unwrap();
            write_atomic(&path, &bytes, Durability::Lazy, 0o600).unwrap();
            let store = sandbox.store();
            let (readable, mut problems) = store.backups().unwrap();
            for found in &readable {
                problems.extend(trouble(&store, found));
            }
            let named: Vec<&str> = problems.iter().map(|problem| problem.snapshot.as_str()).collect();
            assert!(named.contains(&"refs/tags/backup/one"), "byte {at} of {}: {problems:?}", path.display());
            assert!(!named.contains(&"refs/tags/backup/other"), "byte {at} of {}: {problems:?}", path.display());
            assert!(readable.contains(&other));
        }
        write_atomic(&path, &whole, Durability::Lazy, 0o600).unwrap();
    }
    assert_eq!(sandbox.store().backup(&backup.id).unwrap(), backup);
}

fn files(folder: &std::path::Path) -> BTreeSet<std::path::PathBuf> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.insert(entry.path());
        }
    }
    found
}

#[test]
fn what_a_backup_needs_is_no_garbage_and_does_not_count_for_snapshots() {
    let sandbox = Sandbox::new();
    sandbox.put("a", Mode::File, &[7; 5000]);
    sandbox.put("b", Mode::File, b"b");
    let backup = make(&sandbox, "one", 0, &["a"]).unwrap();
    sandbox.save("20260101-000000-a", &["a"]);
    sandbox.save("20260102-000000-b", &["b"]);
    let store = sandbox.store();
    let later = Timestamp(u64::MAX / 2);
    let survey = |gone: bool, budget| store.survey(|_| gone, &BTreeSet::new(), budget, later).unwrap();
    // Of the snapshot with `a` the file and its folder are the backup's, too.
    let own = survey(true, u64::MAX).garbage;
    assert_eq!(own.count(), 3 + 5, "all of both snapshots but those");
    store.collect(&own, later).unwrap();
    store.remove(&id("20260101-000000-a")).unwrap();
    store.remove(&id("20260102-000000-b")).unwrap();
    assert_eq!(trouble(&store, &backup), []);
    store.remove_backup(&backup.id).unwrap();
    let garbage = survey(false, u64::MAX).garbage;
    store.collect(&garbage, later).unwrap();
    assert_eq!(store.loose_size(u64::MAX).0, 0);
}

/// As long as a backup can't be read, what it needs is not known.
#[test]
fn with_a_damaged_backup_nothing_is_garbage() {
    let sandbox = Sandbox::new();
    sandbox.put("a", Mode::File, b"a");
    make(&sandbox, "one", 0, &["a"]).unwrap();
    let store = sandbox.store();
    write_atomic(&store.path().join("refs/tags/backup/two"), b"garbage", Durability::Lazy, 0o600).unwrap();
    let later = Timestamp(u64::MAX / 2);
    assert!(store.survey(|_| false, &BTreeSet::new(), u64::MAX, later).is_err());
    let (backups, problems) = store.backups().unwrap();
    assert_eq!((backups.len(), problems.len()), (1, 1));
    assert!(store.remove_backup(&backup_id("two")).unwrap());
    assert!(store.survey(|_| false, &BTreeSet::new(), u64::MAX, later).is_ok());
}

#[test]
fn whichever_write_fails_there_is_no_backup_or_a_whole_one() {
    let mut steps = 0;
    loop {
        let sandbox = Sandbox::new();
        sandbox.put("a", Mode::File, b"a");
        sandbox.put("b", Mode::File, b"b");
        make(&sandbox, "before", 0, &["a"]).unwrap();
        fail_after(Some((steps, Fault::FromThenOn)));
        let made = make(&sandbox, "one", 1, &["a", "b"]);
        fail_after(None);
        let (backups, problems) = sandbox.store().backups().unwrap();
        assert_eq!((backups.len(), problems.len()), (1 + usize::from(made.is_ok()), 0), "step {steps}");
        assert_eq!(fs::read(sandbox.root.path().join("b")).unwrap(), b"b");
        if made.is_ok() {
            break;
        }
        make(&sandbox, "one", 1, &["a", "b"]).unwrap();
        steps += 1;
    }
    assert!(steps >= 4, "only {steps} writes");
}

#[test]
fn the_documented_manifest_is_one() {
    let page = include_str!("../../docs/store-format.md");
    let section = &page[page.find("## Manifest of a backup").unwrap()..];
    let start = section.find("```json\n").unwrap() + 8;
    let example = &section[start..start + section[start..].find("```").unwrap()];
    let backup = decode(example.as_bytes()).unwrap();
    let written = serde_json::to_value(Stored { version: VERSION, backup }).unwrap();
    assert_eq!(written, serde_json::from_str::<serde_json::Value>(example).unwrap());
    let error = decode(example.replacen("1,", "2,", 1).as_bytes()).unwrap_err();
    assert!(error.contains("version 2"), "{error}");
}

#[test]
fn numbers_that_nothing_can_have_are_damage() {
    let file = |size: u64, contents: &str| {
        let file = format!(
            r#"{{"path":"a","mode":"file","blob":"{}","size":{size},"tracked":true,"ignored":false,"secret":false,"standing":"good","contents":{{{contents}}}}}"#,
            "1a".repeat(20)
        );
        decode(format!(r#"{{"version":1,"id":"x","at":0,"files":[{file}]}}"#).as_bytes()).map(drop)
    };
    assert_eq!(file(4, r#""records":5,"tables":{"t":{"rows":6}}"#), Ok(()));
    let wrong = |number: u64| Err(format!("its manifest counts {number} bytes or rows, which nothing has"));
    assert_eq!(file(u64::MAX, ""), wrong(u64::MAX));
    assert_eq!(file(4, r#""records":9223372036854775808"#), wrong(1 << 63));
    assert_eq!(file(4, r#""tables":{"t":{"rows":1},"u":{"rows":18446744073709551615}}"#), wrong(u64::MAX));
    let database = |size: u64, rows: u64| {
        let database = format!(
            r#"{{"name":"a","blob":"{}","size":{size},"content":"","secret":false,"standing":"good","server":"","dumped_by":"","owner":"","encoding":"","collate":"","ctype":"","tables":{{"t":{rows}}}}}"#,
            "1a".repeat(20)
        );
        decode(format!(r#"{{"version":1,"id":"x","at":0,"files":[],"databases":[{database}]}}"#).as_bytes()).map(drop)
    };
    assert_eq!(database(MOST, MOST), Ok(()));
    assert_eq!(database(MOST + 1, 6), wrong(MOST + 1));
    assert_eq!(database(4, MOST + 1), wrong(MOST + 1));
}

#[test]
fn budgets_of_snapshots_do_not_count_what_backups_hold() {
    let sandbox = Sandbox::new();
    let noise: Vec<u8> = (0..20_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[2]).collect();
    sandbox.put("large", Mode::File, &noise);
    make(&sandbox, "one", 0, &["large"]).unwrap();
    for name in ["20260101-000000-a", "20260102-000000-b"] {
        let saved = sandbox.store().save(&id(name), NOW, &sandbox.root, [wanted("large")], WIDE).unwrap();
        assert_eq!(saved.files.len(), 1);
    }
    let over = sandbox.store().survey(|_| false, &BTreeSet::new(), 4000, NOW).unwrap().over;
    assert_eq!(over, []);
}
