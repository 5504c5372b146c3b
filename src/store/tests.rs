//! The store: what goes in comes back, what is damaged is seen, and plain git can read all of it.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Output;

use super::*;
use crate::disk::{Durability, Fault, Root, create_new, ensure_folder, fail_after, remove_file, write_atomic};
use crate::model::{Mode, OperationId, Saved, Timestamp, TreePath};

pub(super) const NOW: Timestamp = Timestamp(1_795_387_531_000);
pub(super) const WIDE: Limits = Limits { max_file: 1 << 30, max_total: 1 << 30 };

pub(super) struct Sandbox {
    folder: tempfile::TempDir,
    pub(super) root: Root,
}

impl Sandbox {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        ensure_folder(&folder.path().join("work"), 0o700).unwrap();
        let root = Root::open(&folder.path().join("work")).unwrap();
        Self { folder, root }
    }

    pub(super) fn store(&self) -> Store {
        Store::open_or_create(&self.folder.path().join("ours"), Durability::Lazy, NOW).unwrap()
    }

    pub(super) fn put(&self, path: &str, mode: Mode, bytes: &[u8]) {
        self.root.replace(&path.into(), (mode, None), bytes, Durability::Lazy).unwrap();
    }

    pub(super) fn save(&self, id: &str, paths: &[&str]) -> Saved {
        self.store().save(&self::id(id), NOW, &self.root, paths.iter().copied().map(wanted), WIDE).unwrap()
    }

    #[expect(clippy::disallowed_methods, reason = "plain git is the oracle")]
    pub(super) fn git(&self, arguments: &[&str]) -> Output {
        let mut git = std::process::Command::new("git");
        for variable in ["GIT_DIR", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"] {
            git.env_remove(variable);
        }
        git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null").env("LC_ALL", "C");
        git.arg("--git-dir").arg(self.folder.path().join("ours/store.git")).args(arguments).output().unwrap()
    }
}

pub(super) fn id(text: &str) -> OperationId {
    OperationId(text.to_owned())
}

pub(super) fn wanted(path: &str) -> Wanted {
    Wanted { path: path.into(), part: Part::File { tracked: true }, source: Source::OnDisk, care: Care::Should }
}

fn unsaved(saved: &Saved) -> Vec<(String, &str)> {
    saved.unsaved.iter().map(|unsaved| (unsaved.path.to_string(), unsaved.why.as_str())).collect()
}

#[test]
fn what_is_saved_comes_back_byte_for_byte() {
    let sandbox = Sandbox::new();
    let files: [(&str, Mode, &[u8]); 4] = [
        ("empty", Mode::File, b""),
        ("deep/crlf.txt", Mode::File, b"a\r\nb\r\n\xff\0"),
        ("run.sh", Mode::Executable, b"#!/bin/sh\n"),
        ("link", Mode::Link, b"../out/of/here"),
    ];
    for (path, mode, bytes) in files {
        sandbox.put(path, mode, bytes);
    }
    let odd = TreePath::from(&b"n\xffame"[..]);
    let source = Source::Bytes { mode: Mode::File, bytes: b"given".to_vec() };
    let given = Wanted { path: odd.clone(), part: Part::File { tracked: false }, source, care: Care::Should };
    let all = files.iter().map(|(path, ..)| wanted(path)).chain([wanted("not there"), given]);
    let store = sandbox.store();
    let saved = store.save(&id("20261122-224531-3fa9c1"), NOW, &sandbox.root, all, WIDE).unwrap();
    assert_eq!(unsaved(&saved), []);
    assert_eq!(saved.snapshot.as_deref(), Some("refs/tags/snapshot/20261122-224531-3fa9c1"));

    let again = Store::open(&sandbox.folder.path().join("ours")).unwrap();
    let (snapshots, problems) = again.list().unwrap();
    assert_eq!(problems, []);
    assert_eq!(snapshots[0].files, saved.files);
    assert_eq!(snapshots[0].at, NOW);
    let expected = files.into_iter().map(|(path, mode, bytes)| (path.into(), mode, bytes, true));
    let expected: Vec<_> = expected.chain([(odd, Mode::File, &b"given"[..], false)]).collect();
    let blobs: Vec<Vec<u8>> = saved.files.iter().map(|file| again.read_blob(&file.blob).unwrap()).collect();
    let found: Vec<_> = saved
        .files
        .iter()
        .zip(&blobs)
        .map(|(file, bytes)| (file.path.clone(), file.mode, bytes.as_slice(), file.tracked))
        .collect();
    assert_eq!(found, expected);
    assert_eq!(again.verify().unwrap(), []);
}

#[test]
fn plain_git_can_read_it_and_finds_nothing_wrong() {
    let sandbox = Sandbox::new();
    let big = vec![7; 200_000];
    sandbox.put("big", Mode::File, &big);
    sandbox.put("link", Mode::Link, b"/etc/passwd");
    let saved = sandbox.save("op", &["big", "link"]);
    let fsck = sandbox.git(&["fsck", "--full", "--strict"]);
    assert!(fsck.status.success(), "{fsck:?}");
    let blob = sandbox.git(&["cat-file", "blob", &saved.files[0].blob.to_string()]);
    assert_eq!(blob.stdout, big);
    let manifest = sandbox.git(&["cat-file", "blob", "snapshot/op:manifest.json"]);
    assert!(String::from_utf8_lossy(&manifest.stdout).contains("\"path\": \"big\""), "{manifest:?}");
    let tree = sandbox.git(&["ls-tree", "-r", "snapshot/op"]);
    let tree = String::from_utf8_lossy(&tree.stdout);
    assert!(tree.lines().all(|line| line.starts_with("100644 blob ")), "a link is saved as a file: {tree}");
    assert_eq!(
        tree.lines().filter_map(|line| line.split('\t').nth(1)).collect::<Vec<_>>(),
        ["files/0", "files/1", "manifest.json"]
    );
    let config = sandbox.git(&["config", "--get-regexp", "fsync|gc.auto|store"]);
    assert_eq!(
        String::from_utf8_lossy(&config.stdout),
        "core.fsync committed\ngc.auto 0\nrecoveryguard.storeversion 1\n"
    );
}

#[test]
fn nothing_saved_makes_no_snapshot() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.save("op", &["not there"]), Saved::default());
    assert_eq!(sandbox.store().list().unwrap(), (vec![], vec![]));
}

#[test]
fn what_is_too_large_or_no_file_is_listed_and_not_read() {
    let sandbox = Sandbox::new();
    for (path, size) in [("small", 10), ("large", 101), ("second", 95), ("third", 5)] {
        sandbox.put(path, Mode::File, &vec![b'x'; size]);
    }
    // A sparse terabyte: reading it would not end.
    let huge = fs::OpenOptions::new().write(true).create_new(true).open(sandbox.root.path().join("huge")).unwrap();
    huge.set_len(1 << 40).unwrap();
    sandbox.put("folder/file", Mode::File, b"");
    let pipe = sandbox.root.path().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let paths = ["small", "large", "second", "third", "huge", "folder", "pipe", "../outside"];
    let limits = Limits { max_file: 100, max_total: 100 };
    let saved = sandbox.store().save(&id("op"), NOW, &sandbox.root, paths.map(wanted), limits).unwrap();
    assert_eq!(saved.files.iter().map(|file| file.path.to_string()).collect::<Vec<_>>(), ["small", "third"]);
    let why = unsaved(&saved);
    assert_eq!(
        why[..5],
        [
            ("large".to_owned(), "larger than max_file"),
            ("second".to_owned(), "over max_total"),
            ("huge".to_owned(), "larger than max_file"),
            ("folder".to_owned(), "a folder that holds too many files"),
            ("pipe".to_owned(), "not a regular file"),
        ]
    );
    assert_eq!(why[5].0, "../outside");
    let (snapshots, _) = sandbox.store().list().unwrap();
    assert_eq!(snapshots[0].unsaved, saved.unsaved, "the snapshot says what is missing");
}

#[test]
fn what_must_be_saved_is_saved_whatever_the_limits() {
    let sandbox = Sandbox::new();
    for path in ["vital", "other"] {
        sandbox.put(path, Mode::File, &[b'x'; 200]);
    }
    let of = |path: &str, care| Wanted { care, ..wanted(path) };
    let limits = Limits { max_file: 100, max_total: 100 };
    let wanted = [of("vital", Care::Must), of("other", Care::May)];
    let saved = sandbox.store().save(&id("op"), NOW, &sandbox.root, wanted, limits).unwrap();
    assert_eq!(saved.files.len(), 1);
    assert_eq!(unsaved(&saved), [("other".to_owned(), "larger than max_file")]);
}

/// A file, the version that was staged of it, and a file of git's: three things of one path's, none in place of another.
#[test]
fn staged_versions_and_state_files_are_kept_apart_and_verified() {
    let sandbox = Sandbox::new();
    sandbox.put("a", Mode::File, b"on disk");
    let oid = Oid::from_hex(b"78981922613b2afb6025042ff6bd878ac1994e85").unwrap();
    let given = |part, bytes: &[u8]| {
        let source = Source::Bytes { mode: Mode::File, bytes: bytes.to_vec() };
        Wanted { path: "a".into(), part, source, care: Care::May }
    };
    let all = [wanted("a"), given(Part::Staged(oid), b"staged"), given(Part::State, b"git's")];
    let store = sandbox.store();
    let saved = store.save(&id("op"), NOW, &sandbox.root, all, WIDE).unwrap();
    let read = |blob: &Oid| store.read_blob(blob).unwrap();
    assert_eq!(read(&saved.files[0].blob), b"on disk");
    assert_eq!((saved.staged[0].oid, read(&saved.staged[0].blob)), (oid, b"staged".to_vec()));
    assert_eq!((saved.state[0].name.to_string(), read(&saved.state[0].blob)), ("a".to_owned(), b"git's".to_vec()));
    assert_eq!(store.list().unwrap().0[0].staged, saved.staged);
    assert_eq!(store.verify().unwrap(), []);
    let tree = sandbox.git(&["ls-tree", "-r", "--name-only", "snapshot/op"]);
    assert_eq!(String::from_utf8_lossy(&tree.stdout), "files/0\nmanifest.json\nstaged/0\nstate/0\n");
    for blob in [saved.staged[0].blob, saved.state[0].blob] {
        remove_file(&store.loose_path(&blob)).unwrap();
    }
    let problems: Vec<_> = sandbox.store().verify().unwrap().into_iter().map(|problem| problem.path).collect();
    assert_eq!(problems, [Some("a".into()), Some("a".into())]);
}

#[test]
fn a_file_that_changes_while_it_is_read_is_read_once_more() {
    for (changes, expected) in [(1, Some(b"after-1".as_slice())), (2, None)] {
        let sandbox = Sandbox::new();
        sandbox.put("file", Mode::File, b"before");
        let mut done = 0;
        let mut between = |path: &TreePath| {
            if done < changes {
                done += 1;
                let bytes = format!("after-{done}").into_bytes();
                sandbox.root.replace(path, (Mode::File, None), &bytes, Durability::Lazy).unwrap();
            }
        };
        let store = sandbox.store();
        let saved = store.save_with(&id("op"), NOW, &sandbox.root, [wanted("file")], WIDE, &mut between).unwrap();
        let bytes = saved.files.first().map(|file| store.read_blob(&file.blob).unwrap());
        assert_eq!(bytes.as_deref(), expected);
        if expected.is_none() {
            assert_eq!(unsaved(&saved), [("file".to_owned(), "it changed while it was read")]);
        }
    }
}

#[test]
fn damage_is_seen_and_named() {
    let sandbox = Sandbox::new();
    sandbox.put("good", Mode::File, b"good");
    sandbox.put("flipped", Mode::File, b"flipped");
    sandbox.put("gone", Mode::File, b"gone");
    let saved = sandbox.save("op", &["good", "flipped", "gone"]);
    let store = sandbox.store();
    let at = store.loose_path(&saved.files[1].blob);
    remove_file(&at).unwrap();
    // A whole object, of another content: only its hash tells.
    let bytes = fs::read(store.loose_path(&saved.files[0].blob)).unwrap();
    create_new(&at, &bytes, Durability::Lazy, 0o444).unwrap();
    remove_file(&store.loose_path(&saved.files[2].blob)).unwrap();
    let bad = |store: &Store| -> Vec<Option<String>> {
        store.verify().unwrap().into_iter().map(|problem| problem.path.map(|path| path.to_string())).collect()
    };
    assert_eq!(bad(&sandbox.store()), [Some("flipped".to_owned()), Some("gone".to_owned())]);
    assert!(matches!(store.read_blob(&saved.files[2].blob), Err(StoreError::Missing(_))));
    assert!(store.read_blob(&saved.files[1].blob).is_err());

    write_atomic(&store.path().join("refs/tags/snapshot/other"), b"garbage\n", Durability::Lazy, 0o600).unwrap();
    assert_eq!(bad(&sandbox.store()), [None, Some("flipped".to_owned()), Some("gone".to_owned())]);
    let survey = |gone: &str| store.survey(|id| id.0 == gone, &BTreeSet::new(), u64::MAX, Timestamp(u64::MAX / 2));
    assert!(survey("").is_err(), "nothing goes while something is unreadable");
    assert!(store.loose_path(&saved.files[0].blob).exists());
    assert!(survey("other").is_ok(), "unless it goes itself");
    assert!(store.remove(&id("other")).unwrap());
    assert_eq!(bad(&sandbox.store()), [Some("flipped".to_owned()), Some("gone".to_owned())]);
}

#[test]
fn a_failing_step_leaves_no_snapshot_and_the_next_save_works() {
    for steps in 0.. {
        let sandbox = Sandbox::new();
        sandbox.put("a", Mode::File, b"a");
        sandbox.put("b", Mode::Link, b"b");
        fail_after(Some((steps, Fault::Once)));
        let result = Store::open_or_create(&sandbox.folder.path().join("ours"), Durability::Fsync, NOW)
            .and_then(|store| store.save(&id("op"), NOW, &sandbox.root, ["a", "b"].map(wanted), WIDE));
        fail_after(None);
        if result.is_ok() {
            assert!(steps > 8);
            break;
        }
        let store = sandbox.store();
        assert_eq!(store.list().unwrap(), (vec![], vec![]), "step {steps}");
        assert_eq!(sandbox.save("op", &["a", "b"]).files.len(), 2, "step {steps}");
        assert_eq!(store.verify().unwrap(), []);
    }
}

#[test]
fn many_processes_make_one_store() {
    let sandbox = Sandbox::new();
    sandbox.put("same", Mode::File, b"same");
    std::thread::scope(|scope| {
        for number in 0..4 {
            let sandbox = &sandbox;
            scope.spawn(move || sandbox.save(&number.to_string(), &["same"]));
        }
    });
    let store = sandbox.store();
    let (snapshots, problems) = store.list().unwrap();
    assert_eq!((snapshots.len(), problems), (4, vec![]));
    assert_eq!(store.verify().unwrap(), []);
}

#[test]
fn what_is_removed_gives_its_room_back() {
    let sandbox = Sandbox::new();
    sandbox.put("shared", Mode::File, b"shared");
    sandbox.put("own", Mode::File, b"own");
    let one = sandbox.save("one", &["shared", "own"]);
    sandbox.save("two", &["shared"]);
    let store = sandbox.store();
    assert!(matches!(
        store.save(&id("one"), NOW, &sandbox.root, [wanted("own")], WIDE),
        Err(StoreError::Exists(name)) if name == "refs/tags/snapshot/one"
    ));
    let written = fs::metadata(store.loose_path(&one.files[1].blob)).unwrap().modified().unwrap();
    let written = written.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() * 1000;
    let (soon, later) = (Timestamp(written + 30 * 60 * 1000), Timestamp(written + 2 * 60 * 60 * 1000));
    let survey = |gone: &str, at| store.survey(|id| id.0 == gone, &BTreeSet::new(), u64::MAX, at).unwrap();
    assert_eq!(survey("", later).garbage, Garbage::default(), "all is needed");
    let planned = survey("one", later).garbage;
    assert!(store.remove(&id("one")).unwrap());
    assert!(!store.remove(&id("one")).unwrap());
    assert_eq!(survey("", later).garbage, planned, "as planned");
    let young = survey("", soon).garbage;
    assert_eq!((young.count(), young.too_young), (0, planned.bytes), "another process may be about to refer to it");
    let size = store.size_bytes();
    let freed = store.collect(&planned, later).unwrap();
    assert!(freed > 0 && freed == planned.bytes);
    assert_eq!(store.size_bytes(), size - freed);
    assert!(!store.loose_path(&one.files[1].blob).exists());
    assert_eq!(sandbox.store().verify().unwrap(), []);
    assert!(sandbox.git(&["fsck", "--full", "--strict"]).status.success());
}

#[test]
fn what_is_saved_again_before_it_is_collected_stays() {
    let sandbox = Sandbox::new();
    sandbox.put("file", Mode::File, b"same");
    sandbox.save("one", &["file"]);
    let store = sandbox.store();
    let blob = store.list().unwrap().0[0].files[0].blob;
    let file = fs::File::open(store.loose_path(&blob)).unwrap();
    let written = file.metadata().unwrap().modified().unwrap();
    file.set_modified(written - std::time::Duration::from_secs(7200)).unwrap();
    store.remove(&id("one")).unwrap();
    let written = written.duration_since(std::time::UNIX_EPOCH).unwrap();
    let now = Timestamp(u64::try_from(written.as_millis()).unwrap());
    let garbage = store.survey(|_| false, &BTreeSet::new(), u64::MAX, now).unwrap().garbage;
    assert_eq!(garbage.count(), 1);
    sandbox.save("two", &["file"]);
    assert_eq!(store.collect(&garbage, now).unwrap(), 0, "found again by a save, it is young again");
    assert_eq!(sandbox.store().verify().unwrap(), []);
}

#[test]
fn of_what_is_over_the_budget_the_oldest_go() {
    let sandbox = Sandbox::new();
    let ids = ["20260101-000000-a", "20260102-000000-b", "20260103-000000-c"];
    for (number, name) in ids.iter().enumerate() {
        // Bytes that can't be compressed, so that they take the room they have.
        let mut state = 0x9e37_79b9_7f4a_7c15_u64 + number as u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[3]
        };
        let noise: Vec<u8> = (0..100_000).map(|_| next()).collect();
        sandbox.put("own", Mode::File, &noise);
        sandbox.put("shared", Mode::File, b"shared");
        sandbox.save(name, &["own", "shared"]);
    }
    let store = sandbox.store();
    let over = |open: &[&str], budget| {
        let open = open.iter().map(|name| id(name)).collect();
        store.survey(|_| false, &open, budget, NOW).unwrap().over
    };
    let size = store.size_bytes();
    assert_eq!(over(&[], size), []);
    assert_eq!(over(&[], size * 2 / 3), ids[..1].iter().copied().map(id).collect::<Vec<_>>());
    assert_eq!(over(&[], 1), ids[..2].iter().copied().map(id).collect::<Vec<_>>(), "the newest stays");
    assert_eq!(over(&[ids[0]], 1), [id(ids[1])], "what is open stays");
}

/// libgit2 locks the configuration while it makes a repository; whoever was killed then keeps nobody from making it.
#[test]
fn a_store_that_was_not_finished_is_made_again() {
    let sandbox = Sandbox::new();
    sandbox.put("file", Mode::File, b"x");
    let folder = sandbox.store().path().to_owned();
    remove_file(&folder.join("config")).unwrap();
    write_atomic(&folder.join("config.lock"), b"", Durability::Lazy, 0o600).unwrap();
    sandbox.save("one", &["file"]);
    assert_eq!(sandbox.store().verify().unwrap(), []);
}

#[test]
fn locks_of_killed_processes_go() {
    let sandbox = Sandbox::new();
    sandbox.put("file", Mode::File, b"same");
    sandbox.save("one", &["file"]);
    let store = sandbox.store();
    let lock = store.path().join("refs/tags/snapshot/two.lock");
    write_atomic(&lock, b"", Durability::Lazy, 0o600).unwrap();
    let later = Timestamp(u64::MAX / 2);
    let garbage = store.survey(|_| false, &BTreeSet::new(), u64::MAX, later).unwrap().garbage;
    assert_eq!(garbage.count(), 1);
    store.collect(&garbage, later).unwrap();
    assert!(!lock.exists());
}

#[test]
fn a_store_that_is_not_ours_is_refused() {
    let sandbox = Sandbox::new();
    let ours = sandbox.folder.path().join("ours");
    assert!(matches!(Store::open(&ours), Err(StoreError::NoStore(_))));
    let path = sandbox.store().path().to_owned();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);

    let config = fs::read_to_string(path.join("config")).unwrap();
    let newer = config.replace("storeVersion = 1", "storeVersion = 2");
    write_atomic(&path.join("config"), newer.as_bytes(), Durability::Lazy, 0o600).unwrap();
    let error = Store::open_or_create(&ours, Durability::Lazy, NOW).unwrap_err();
    assert!(matches!(error, StoreError::Version { found: 2, .. }), "{error}");
    assert_eq!(fs::read_to_string(path.join("config")).unwrap(), newer, "and left alone");
    write_atomic(&path.join("config"), config.as_bytes(), Durability::Lazy, 0o600).unwrap();

    let other = Sandbox::new();
    let elsewhere = other.folder.path().join("ours");
    ensure_folder(&elsewhere, 0o700).unwrap();
    symlink(&path, elsewhere.join("store.git")).unwrap();
    assert!(matches!(Store::open(&elsewhere), Err(StoreError::Disk(DiskError::Obstructed { .. }))));
    assert!(Store::open_or_create(&elsewhere, Durability::Lazy, NOW).is_err());

    write_atomic(&path.join("objects/info/alternates"), b"/elsewhere\n", Durability::Lazy, 0o600).unwrap();
    assert!(matches!(Store::open(&ours), Err(StoreError::Alternates(_))));
}

/// libgit2 obeys what stands in a file that git does not read.
#[test]
fn what_is_to_last_is_synced_also_in_a_store_of_an_older_guard() {
    let sandbox = Sandbox::new();
    let ours = sandbox.folder.path().join("ours");
    let is_synced =
        |store: Store| store.repository.config().unwrap().get_bool("core.fsyncobjectfiles").unwrap_or(false);
    let made = |durability| is_synced(Store::open_or_create(&ours, durability, NOW).unwrap());
    assert!(made(Durability::Fsync) && !made(Durability::Lazy) && is_synced(Store::open(&ours).unwrap()));
    let (config, own) = (ours.join("store.git/config"), ours.join("store.git/config.libgit2"));
    let new = fs::read_to_string(&config).unwrap();
    let former = new.replace("fsync = committed", "fsyncObjectFiles = true");
    write_atomic(&config, former.as_bytes(), Durability::Lazy, 0o600).unwrap();
    assert!(remove_file(&own).unwrap());
    assert!(is_synced(Store::open(&ours).unwrap()) && !own.exists());
    assert!(made(Durability::Fsync) && own.exists());
    assert_eq!(fs::read_to_string(&config).unwrap(), new);
}

#[test]
fn the_documented_manifest_is_one() {
    let page = include_str!("../../docs/store-format.md");
    let start = page.find("```json\n").unwrap() + 8;
    let example = &page[start..start + page[start..].find("```").unwrap()];
    let snapshot = Snapshot::decode(example.as_bytes()).unwrap();
    let written: serde_json::Value = serde_json::from_slice(&serde_json::to_vec(&snapshot).unwrap()).unwrap();
    assert_eq!(written, serde_json::from_str::<serde_json::Value>(example).unwrap());
    let error = Snapshot::decode(example.replace("1,", "2,").as_bytes()).unwrap_err();
    assert!(error.contains("version 2"), "{error}");
}

#[test]
fn names_that_are_no_operation_are_refused() {
    let sandbox = Sandbox::new();
    sandbox.put("a", Mode::File, b"a");
    for bad in ["", "..", "a/b", "../../heads/x", "a b", "-x", "x.lock"] {
        let result = sandbox.store().save(&id(bad), NOW, &sandbox.root, [wanted("a")], WIDE);
        assert!(matches!(result, Err(StoreError::Id(_))), "{bad}");
    }
}
