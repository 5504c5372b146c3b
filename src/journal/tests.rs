//! The journal as its users see it: what is appended is told, whatever else lies in the folder.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::disk::{Durability, Fault, ensure_folder, fail_after, remove_file, write_atomic};
use crate::model::{
    Allowance, Body, Incoming, Intent, Judgement, Kind, Oid, OperationId, Outcome, Record, RefMove, Saved, Status,
    Timestamp, Verdict, WorktreeId,
};

mod pruning;

struct Sandbox {
    folder: tempfile::TempDir,
    journal: Journal,
    clock: u64,
}

impl Sandbox {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path()).with_seed(1);
        Self { folder, journal, clock: 1_795_387_531_000 }
    }

    fn write(&mut self, operation: Option<&str>, body: Body) -> RecordName {
        self.clock += 1000;
        self.journal.append(&record(operation, self.clock, body), Durability::Lazy).unwrap()
    }

    fn run(&mut self, id: &str, kind: Kind, of: Option<&str>) {
        self.write(Some(id), intent(kind, of));
        self.write(Some(id), done());
    }

    fn history(&self) -> History {
        self.journal.operations().unwrap()
    }

    fn ids(&self) -> Vec<String> {
        self.history().operations.into_iter().map(|operation| operation.id.0).collect()
    }

    fn undone(&self) -> Vec<(String, String)> {
        let undone = |operation: crate::model::Operation| Some((operation.id.0, operation.undone_by?.0));
        self.history().operations.into_iter().filter_map(undone).collect()
    }

    fn files(&self) -> Vec<std::path::PathBuf> {
        let mut files: Vec<_> =
            fs::read_dir(self.journal.folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }
}

fn id(text: &str) -> OperationId {
    OperationId(text.to_owned())
}

fn oid(digit: char) -> Oid {
    digit.to_string().repeat(40).parse().unwrap()
}

fn record(operation: Option<&str>, at: u64, body: Body) -> Record {
    Record { operation: operation.map(id), at: Timestamp(at), guard: "0.1.0".to_owned(), body }
}

fn intent(kind: Kind, of: Option<&str>) -> Body {
    Body::Intent(Intent {
        kind,
        worktree: WorktreeId(".".into()),
        branch: Some("refs/heads/main".into()),
        head: Some(oid('a')),
        incoming: vec![
            Incoming { oid: oid('b'), names: vec!["feat".into()] },
            Incoming { oid: oid('c'), names: vec![b"\xff\x1b"[..].into()] },
        ],
        action: "merge feat".into(),
        saved: Saved::default(),
        predicted: None,
        of: of.map(id),
        planned: Vec::new(),
    })
}

fn outcome(status: Status) -> Body {
    Body::Outcome(Outcome { status, moved: Vec::new() })
}

fn done() -> Body {
    outcome(Status::Done)
}

fn judgement() -> Body {
    Body::Judgement(Judgement {
        route: "reference-transaction".to_owned(),
        verdict: Verdict::Pass,
        tree: None,
        findings: Vec::new(),
        failure: None,
    })
}

fn allowance(rule: &str, tip: char, incoming: &[char]) -> Body {
    Body::Allowance(Allowance {
        rule: rule.to_owned(),
        path: None,
        reason: "known".to_owned(),
        branch: Some("refs/heads/main".into()),
        tip: Some(oid(tip)),
        incoming: incoming.iter().map(|digit| oid(*digit)).collect(),
    })
}

fn put(path: &Path, bytes: &[u8]) {
    write_atomic(path, bytes, Durability::Lazy, 0o600).unwrap();
}

#[test]
fn nothing_is_made_before_the_first_record() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.history(), History::default());
    assert!(!sandbox.journal.folder().exists());
}

#[test]
fn records_fold_to_their_operation() {
    let mut sandbox = Sandbox::new();
    sandbox.write(Some("1"), intent(Kind::Merge, None));
    sandbox.write(Some("2"), intent(Kind::Pull, None));
    sandbox.write(Some("1"), judgement());
    sandbox.write(Some("1"), outcome(Status::Refused));
    sandbox.write(Some("1"), done());
    sandbox.write(Some("lost"), done());
    sandbox.write(None, allowance("mass-delete", 'a', &['b']));
    let history = sandbox.history();
    assert_eq!(history.damaged, []);
    assert_eq!(history.allowances.len(), 1);
    let [one, two] = &history.operations[..] else { panic!("{history:?}") };
    assert_eq!((one.id.0.as_str(), one.judgements.len()), ("1", 1));
    assert_eq!(one.outcome.as_ref().map(|outcome| outcome.status), Some(Status::Done), "the last outcome counts");
    assert_eq!(Body::Intent(one.intent.clone()), intent(Kind::Merge, None), "odd bytes come back");
    assert_eq!((two.id.0.as_str(), two.outcome.as_ref()), ("2", None));
    assert_eq!(sandbox.journal.operation(&id("1")).unwrap().as_ref(), Some(one));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(sandbox.journal.folder()), 0o700);
    assert!(sandbox.files().iter().all(|path| mode(path) == 0o600));
}

/// A command noticed a move, and the hook that saw it wrote its record a moment later.
#[test]
fn what_a_command_and_a_hook_saw_counts_once() {
    let step = |new: char| RefMove { name: "refs/heads/main".into(), old: Some(oid('a')), new: Some(oid(new)) };
    let moved = |new: char| Body::Outcome(Outcome { status: Status::Done, moved: vec![step(new)] });
    let mut sandbox = Sandbox::new();
    sandbox.write(Some("noticed"), intent(Kind::External, None));
    sandbox.write(Some("noticed"), moved('b'));
    sandbox.write(Some("hook"), intent(Kind::Commit, None));
    sandbox.write(Some("hook"), moved('b'));
    sandbox.write(Some("unseen"), intent(Kind::External, None));
    sandbox.write(Some("unseen"), moved('c'));
    let ids: Vec<String> = sandbox.history().operations.into_iter().map(|operation| operation.id.0).collect();
    assert_eq!(ids, ["hook", "unseen"]);
    assert_eq!(sandbox.journal.last_value(&"refs/heads/main".into()).unwrap(), Some(Some(oid('c'))));
    assert_eq!(sandbox.journal.last_value(&"refs/heads/other".into()).unwrap(), None);
}

/// A merge that no hook saw, taken back, brought back, and made again by hand: all of them happened.
#[test]
fn what_was_undone_is_not_taken_for_what_brought_it_back() {
    let step =
        |old: char, new: char| RefMove { name: "refs/heads/main".into(), old: Some(oid(old)), new: Some(oid(new)) };
    let moved = |old: char, new: char| Body::Outcome(Outcome { status: Status::Done, moved: vec![step(old, new)] });
    let mut sandbox = Sandbox::new();
    let lines = [
        ("unseen", Kind::External, None, ('a', 'b')),
        ("undo", Kind::Undo, Some("unseen"), ('b', 'a')),
        ("redo", Kind::Redo, Some("undo"), ('a', 'b')),
        ("again", Kind::Undo, Some("redo"), ('b', 'a')),
        ("merge", Kind::Merge, None, ('a', 'b')),
    ];
    for (id, kind, of, (old, new)) in lines {
        sandbox.write(Some(id), intent(kind, of));
        sandbox.write(Some(id), moved(old, new));
    }
    assert_eq!(sandbox.ids(), ["unseen", "undo", "redo", "again", "merge"]);
}

#[test]
fn undo_and_redo_take_back_and_are_taken_back() {
    let mut sandbox = Sandbox::new();
    let pair = |one: &str, two: &str| (one.to_owned(), two.to_owned());
    sandbox.run("m", Kind::Merge, None);
    sandbox.write(Some("u0"), intent(Kind::Undo, Some("m")));
    assert_eq!(sandbox.undone(), [], "an undo that is not done undoes nothing");
    sandbox.write(Some("u0"), outcome(Status::Abandoned));
    assert_eq!(sandbox.undone(), []);
    sandbox.run("u", Kind::Undo, Some("m"));
    assert_eq!(sandbox.undone(), [pair("m", "u")]);
    sandbox.run("r", Kind::Redo, Some("u"));
    assert_eq!(sandbox.undone(), [pair("u", "r")]);
    sandbox.run("v", Kind::Undo, Some("r"));
    assert_eq!(sandbox.undone(), [pair("m", "u"), pair("r", "v")]);
    sandbox.run("s", Kind::Redo, Some("v"));
    assert_eq!(sandbox.undone(), [pair("u", "r"), pair("v", "s")]);
    sandbox.run("w", Kind::Undo, Some("m"));
    // Of the merge itself: the last redo of it goes with it, and what was before stands as it stood.
    assert_eq!(sandbox.undone(), [pair("m", "w"), pair("r", "v"), pair("s", "w")]);
    sandbox.run("x", Kind::Redo, Some("w"));
    assert_eq!(sandbox.undone(), [pair("u", "r"), pair("v", "s"), pair("w", "x")]);
}

#[test]
fn a_clock_that_steps_back_keeps_the_order() {
    let mut sandbox = Sandbox::new();
    sandbox.run("1", Kind::Merge, None);
    sandbox.clock = 5;
    sandbox.run("2", Kind::Merge, None);
    sandbox.write(Some("3"), intent(Kind::Merge, None));
    assert_eq!(sandbox.ids(), ["1", "2", "3"]);
    assert_eq!(sandbox.history().operations[2].at, Timestamp(3005), "the record says the clock's time");
}

#[test]
fn many_writers_lose_nothing() {
    let sandbox = Sandbox::new();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let journal = Journal::open(sandbox.folder.path());
            scope.spawn(move || {
                for _ in 0..25 {
                    // One operation and one type for all: only the sequence tells the names apart.
                    let record = record(Some("same"), 1000, judgement());
                    journal.append(&record, Durability::Lazy).unwrap_or_else(|error| panic!("{writer}: {error}"));
                }
            });
        }
    });
    assert_eq!(sandbox.files().len(), 100);
    assert_eq!(sandbox.history().damaged, []);
}

#[test]
fn a_hook_finds_the_open_operation_of_its_merge() {
    let mut sandbox = Sandbox::new();
    let here = WorktreeId(".".into());
    let find = |sandbox: &Sandbox, worktree: &WorktreeId, head: char, incoming: &[char]| {
        let incoming: Vec<Oid> = incoming.iter().map(|digit| oid(*digit)).collect();
        sandbox.journal.find_open(worktree, Some(oid(head)), &incoming).unwrap().map(|operation| operation.id.0)
    };
    assert_eq!(find(&sandbox, &here, 'a', &['b', 'c']), None);
    sandbox.run("old", Kind::Merge, None);
    sandbox.write(Some("1"), intent(Kind::Merge, None));
    sandbox.write(Some("2"), intent(Kind::Merge, None));
    sandbox.write(Some("1"), judgement());
    assert_eq!(find(&sandbox, &here, 'a', &['c', 'b']).as_deref(), Some("2"), "in any order");
    assert_eq!(find(&sandbox, &here, 'b', &['b', 'c']), None);
    assert_eq!(find(&sandbox, &here, 'a', &['b']), None);
    assert_eq!(find(&sandbox, &WorktreeId("worktrees/x".into()), 'a', &['b', 'c']), None);
    sandbox.write(Some("2"), outcome(Status::Abandoned));
    assert_eq!(find(&sandbox, &here, 'a', &['b', 'c']).as_deref(), Some("1"));
}

#[test]
fn an_allowance_counts_for_its_merge_only() {
    let mut sandbox = Sandbox::new();
    sandbox.write(None, allowance("one", 'a', &['b', 'c']));
    sandbox.write(None, allowance("two", 'a', &['c', 'b']));
    sandbox.write(None, allowance("other", 'd', &['b', 'c']));
    let rules = |branch: Option<&str>, tip, incoming: &[Oid]| {
        let branch = branch.map(Into::into);
        let found = sandbox.journal.allowances_for(branch.as_ref(), Some(oid(tip)), incoming).unwrap();
        found.into_iter().map(|allowance| allowance.rule).collect::<Vec<_>>()
    };
    let main = Some("refs/heads/main");
    assert_eq!(rules(main, 'a', &[oid('b'), oid('c')]), ["two", "one"]);
    assert_eq!(rules(main, 'd', &[oid('b'), oid('c')]), ["other"]);
    assert!(rules(main, 'a', &[oid('b')]).is_empty());
    assert!(rules(None, 'a', &[oid('b'), oid('c')]).is_empty());
}

#[test]
fn the_newest_are_read_whole_and_the_rest_is_left() {
    let mut sandbox = Sandbox::new();
    for number in 0..10 {
        sandbox.run(&number.to_string(), Kind::Merge, None);
    }
    sandbox.write(Some("0"), judgement());
    let ids = |limit| {
        let history = sandbox.journal.recent(limit).unwrap();
        history.operations.into_iter().map(|operation| operation.id.0).collect::<Vec<_>>()
    };
    assert_eq!(ids(1), ["0"], "always one");
    assert_eq!(ids(7), ["0", "8", "9"]);
    assert_eq!(ids(8), ["0", "8", "9"]);
    assert_eq!(ids(1000).len(), 10);
}

#[test]
fn cut_at_every_byte_the_rest_still_counts() {
    let mut sandbox = Sandbox::new();
    sandbox.run("1", Kind::Merge, None);
    let last = sandbox.write(Some("2"), intent(Kind::Merge, None));
    let path = sandbox.journal.folder().join(last.to_string());
    let whole = fs::read(&path).unwrap();
    for end in 0..whole.len() {
        put(&path, &whole[..end]);
        let history = sandbox.history();
        assert_eq!(history.operations.len(), 1, "at {end}");
        assert_eq!(history.damaged.len(), 1, "at {end}");
        assert_eq!(history.damaged[0].why, Damage::Truncated, "at {end}");
    }
    put(&path, &whole);
    assert_eq!(sandbox.ids(), ["1", "2"]);
}

#[test]
fn what_is_foreign_is_told_and_left_alone() {
    let mut sandbox = Sandbox::new();
    sandbox.run("1", Kind::Merge, None);
    let folder = sandbox.journal.folder().to_owned();
    let named = |number: u8, what: &str| folder.join(format!("0000000000000000000{number}-000000-x-{what}.json"));
    put(&folder.join("README"), b"");
    ensure_folder(&named(1, "intent"), 0o700).unwrap();
    symlink(sandbox.files().pop().unwrap(), named(2, "intent")).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, named(3, "intent"), rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    put(&named(4, "intent"), b"recoveryguard-journal 2 whatever\n{}\n");
    put(&named(5, "intent"), b"hello\n");
    put(&named(6, "outcome"), &fs::read(&sandbox.files()[6]).unwrap());
    put(&folder.join(".tmp-guard-1-2"), b"half");
    let history = sandbox.history();
    assert_eq!(history.operations.len(), 1);
    assert_eq!(history.newer(), Some(2));
    let why: Vec<String> = history.damaged.iter().map(|damaged| damaged.why.to_string()).collect();
    assert_eq!(
        why,
        [
            "not a file of the journal",
            "not a regular file",
            "not a regular file",
            "not a regular file",
            "written by a newer guard (journal version 2)",
            "not understood: no record's first line",
            "not understood: its name is another record's",
        ]
    );
    assert_eq!(sandbox.history().newer(), Some(2), "nothing may be changed");
    remove_file(&named(4, "intent")).unwrap();
    sandbox.run("last", Kind::Merge, None);
    sandbox.prune(1).unwrap();
    assert!(named(1, "intent").is_dir() && named(2, "intent").is_symlink() && folder.join("README").exists());
}

#[test]
fn a_folder_that_is_none_is_an_error_that_says_where() {
    let sandbox = Sandbox::new();
    put(sandbox.journal.folder(), b"");
    let error = sandbox.journal.operations().unwrap_err().to_string();
    assert!(error.starts_with("cannot list '") && error.ends_with("/journal'"), "{error}");
    let error = sandbox.journal.append(&record(Some("1"), 1, done()), Durability::Lazy).unwrap_err();
    assert!(error.to_string().contains("/journal'"), "{error}");
}

#[test]
fn a_full_disk_leaves_a_whole_record_or_none() {
    for steps in 0.. {
        let mut sandbox = Sandbox::new();
        sandbox.write(Some("1"), intent(Kind::Merge, None));
        fail_after(Some((steps, Fault::FromThenOn)));
        let result = sandbox.journal.append(&record(Some("1"), 1, done()), Durability::Fsync);
        fail_after(None);
        let history = sandbox.history();
        assert_eq!((history.damaged.len(), history.operations.len()), (0, 1));
        assert_eq!(history.operations[0].outcome.is_some(), result.is_ok());
        match result {
            Ok(_) => break,
            Err(JournalError::Disk(error)) => assert!(error.is_full()),
            Err(error) => panic!("{error}"),
        }
        assert!(steps < 10);
    }
}

#[test]
fn names_of_operations_are_theirs_alone() {
    let now = Timestamp(1_795_387_531_999);
    let sandbox = Sandbox::new();
    let (one, two) = (sandbox.journal.new_id(now), sandbox.journal.new_id(now));
    assert_ne!(one, two);
    assert_eq!(Sandbox::new().journal.new_id(now), one, "a seed makes them stable");
    assert!(one.0.starts_with("20261122-224531-") && one.0.len() == 22, "{one}");
    let journal = Journal::open(sandbox.folder.path());
    assert_ne!(journal.new_id(now), Journal::open(sandbox.folder.path()).new_id(now));
    for bad in ["", "../x", "a/b", "allow", "-x", "a.lock"] {
        let result = sandbox.journal.append(&record(Some(bad), 1, done()), Durability::Lazy);
        assert!(matches!(result, Err(JournalError::Id(_))), "{bad}");
        assert!(sandbox.journal.index_copy_path(&id(bad)).is_err(), "{bad}");
    }
    assert!(sandbox.journal.append(&record(None, 1, done()), Durability::Lazy).is_err());
}

#[test]
fn the_documented_example_is_a_record() {
    let page = include_str!("../../docs/journal-format.md");
    let start = page.find("recoveryguard-journal 1 ").unwrap();
    let end = start + page[start..].find("```").unwrap();
    let bytes = &page.as_bytes()[start..end];
    assert_eq!(format::encode(&format::decode(bytes).unwrap()).unwrap(), bytes);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_flipped_bit_goes_unseen(place in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let bytes = format::encode(&record(Some("1"), 1, intent(Kind::Merge, None))).unwrap();
        let mut flipped = bytes.clone();
        flipped[place.index(bytes.len())] ^= 1 << bit;
        prop_assert!(format::decode(&flipped).is_err());
        prop_assert!(format::decode(&bytes).is_ok());
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(format::decode(&bytes).is_err());
        let prefixed = [b"recoveryguard-journal 1 ", bytes.as_slice()].concat();
        prop_assert!(format::decode(&prefixed).is_err());
    }
}
