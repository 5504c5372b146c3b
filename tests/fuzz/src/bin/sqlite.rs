//! SQLite databases, as files: an answer comes in time, the file stays as it is, and its contents compare with themselves.
//!
//! A byte that was changed in a page is found by the fuzzer alone; pages are what it changes most.

#![no_main]

use std::fs;
use std::time::Duration;

use fuzz::{assert_plain, first, scratch};
use libfuzzer_sys::fuzz_target;
use recoveryguard::validate::sqlite::{Limits, Reading, compare_databases, examine_database};

fuzz_target!(init: fuzz::seeds::write("sqlite"), |data: &[u8]| {
    let (choice, bytes) = first(data);
    let file = scratch().join("base.db");
    fs::write(&file, bytes).expect("a file can be written");
    let reading = if choice & 1 == 0 { Reading::Still } else { Reading::Live };
    let limits = Limits { bytes: 1 << 20, time: Duration::from_secs(2) };
    let examined = examine_database(&file, reading, &limits);
    assert_eq!(fs::read(&file).expect("the file is there"), bytes, "it was changed");
    examined.faults.first.iter().chain(&examined.notes.first).for_each(|fault| assert_plain(&fault.to_string()));
    let contents = &examined.contents;
    let losses = compare_databases(&[contents], &[("one", contents), ("other", contents)], contents);
    assert!(losses.is_empty(), "{losses:?}");
});
