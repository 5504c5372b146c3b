//! The journal: files as somebody left them in its folder. Each part is one: a record's payload, to which the first line with its
//! checksum is added, or, with that line's first word, a file as it stands.

#![no_main]

use std::collections::{BTreeSet, HashSet};
use std::fs;

use fuzz::{assert_plain, oid, scratch};
use libfuzzer_sys::fuzz_target;
use recoveryguard::journal::{Journal, RecordName, RecordType, excess};
use recoveryguard::model::{Body, OperationId, Record, RefName, Timestamp, WorktreeId};
use recoveryguard::report::{log_json, log_text, operation_text};
use recoveryguard::undo::Undoable;

/// As many files are written.
const FILES: usize = 12;

fuzz_target!(init: fuzz::seeds::write("journal"), |data: &[u8]| {
    let journal = Journal::open(scratch());
    let folder = journal.folder();
    fs::remove_dir_all(folder).ok();
    fs::create_dir_all(folder).expect("a folder can be made");
    let mut whole = 0;
    for (place, part) in data.split(|byte| *byte == 0xff).take(FILES).enumerate() {
        let record: Option<Record> = serde_json::from_slice(part).ok();
        if let Some(record) = &record {
            let again = serde_json::to_vec(record).expect("what was read can be written");
            assert_eq!(&serde_json::from_slice::<Record>(&again).expect("what was written can be read"), record);
        }
        let name = name(place, record.as_ref());
        if let Ok(()) = fs::write(folder.join(name.to_string()), file(part)) {
            whole += usize::from(RecordName::parse(name.to_string().as_ref()) == Some(name) && record.is_some());
        }
    }
    let history = journal.operations().expect("the folder can be read");
    assert!(history.operations.len() + history.allowances.len() <= whole);
    journal.recent(3).expect("the folder can be read");
    let worktree = WorktreeId(RefName::from("."));
    journal.find_open(&worktree, Some(oid(1)), &[oid(2)]).expect("the folder can be read");
    journal.last_value(&"refs/heads/main".into()).expect("the folder can be read");
    journal.allowances_for(Some(&"main".into()), Some(oid(1)), &[oid(2)]).expect("the folder can be read");
    for damaged in &history.damaged {
        assert_plain(&format!(
            "{}: {}",
            damaged.name,
            recoveryguard::model::escape(damaged.why.to_string().as_bytes())
        ));
    }
    let undoable = Undoable { merge: None, any: None, pruned: HashSet::new() };
    assert_plain(&log_text(&history, 20, &undoable));
    serde_json::from_str::<serde_json::Value>(&log_json(&history, 20, &undoable)).expect("it is JSON");
    history.operations.iter().for_each(|operation| assert_plain(&operation_text(operation, &undoable)));
    let names = journal.names().expect("the folder can be read");
    excess(&history, &names, 2, &BTreeSet::from([worktree]), Timestamp(1_795_399_531_999));
});

fn name(place: usize, record: Option<&Record>) -> RecordName {
    let kind = record.map_or(RecordType::Intent, |record| RecordType::of(&record.body));
    let operation = match record {
        Some(record) => record.operation.clone(),
        None => Some(OperationId("x".to_owned())),
    };
    let operation = operation.filter(|_| !matches!(record, Some(Record { body: Body::Allowance(_), .. })));
    RecordName { millis: 1_795_387_531_000 + place as u64, sequence: 0, operation, kind }
}

fn file(part: &[u8]) -> Vec<u8> {
    if part.starts_with(b"recoveryguard-journal") {
        return part.to_vec();
    }
    let mut hasher = gix::hash::hasher(gix::hash::Kind::Sha1);
    hasher.update(part);
    let sum = hasher.try_finalize().expect("anything has a checksum");
    [format!("recoveryguard-journal 1 {sum}\n").as_bytes(), part, b"\n"].concat()
}
