//! The other formats of data files: an answer comes, it does not depend on the pieces in which the bytes come, and TOML is what
//! the library of that name takes.

#![no_main]

use fuzz::{Pieces, assert_plain, first};
use libfuzzer_sys::fuzz_target;
use recoveryguard::manifest::{Format, Root};
use recoveryguard::validate::{Demands, Health, check, duplicate_keys, examine, keys};

const FORMATS: [Format; 8] =
    [Format::Jsonc, Format::Yaml, Format::Toml, Format::Csv, Format::Tsv, Format::Text, Format::Jsonl, Format::Binary];

fuzz_target!(init: fuzz::seeds::write("data"), |data: &[u8]| {
    let (choice, data) = first(data);
    let (seed, bytes) = first(data);
    let format = FORMATS[usize::from(choice) % FORMATS.len()];
    let required = ["/a".to_owned(), "/items/0/id".to_owned()];
    let is_table = matches!(format, Format::Csv | Format::Tsv | Format::Jsonl);
    let asks = Demands {
        root: (choice & 16 != 0).then_some(Root::Object),
        required: if choice & 32 == 0 { &[] } else { &required },
        records: (choice & 64 != 0 && !is_table).then_some("/items"),
        key: (choice & 128 != 0).then_some("id"),
        ..Demands::default()
    };
    let whole = examine(format, &mut &*bytes, &asks).expect("memory can be read");
    assert_eq!(whole, examine(format, &mut Pieces::new(bytes, seed), &asks).expect("memory can be read"));
    whole.faults.first.iter().chain(&whole.notes.first).for_each(|fault| assert_plain(&fault.to_string()));
    let health = check(format, bytes);
    let doubled = duplicate_keys(format, bytes);
    assert_eq!(health == Health::Good, doubled.is_ok(), "{health:?} {doubled:?}");
    if keys(format, bytes).is_ok() {
        assert_eq!(health, Health::Good);
    }
    if format == Format::Toml {
        let text = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
        let theirs = std::str::from_utf8(text).is_ok_and(|text| toml::from_str::<toml::Table>(text).is_ok());
        // Doubled keys are told apart from other faults.
        let ours = doubled.as_ref().is_ok_and(Vec::is_empty);
        assert!(ours == theirs || matches!(health, Health::Unknown { .. }), "{health:?} {doubled:?}, toml: {theirs}");
    }
});
