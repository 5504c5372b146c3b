//! JSON and JSON Lines, as a stream in pieces: the verdict is serde_json's, and the same however the bytes come in.

#![no_main]

use std::io::Read;

use bstr::ByteSlice;
use fuzz::{Pieces, assert_plain, first};
use libfuzzer_sys::fuzz_target;
use recoveryguard::manifest::{Format, Root};
use recoveryguard::validate::{Demands, Examined, Health, Standing, check, duplicate_keys, examine, keys};
use serde_json::Value;

/// What is read at once; a text that lies across its end comes in two pieces.
const CHUNK: usize = 64 << 10;

fuzz_target!(init: fuzz::seeds::write("json"), |data: &[u8]| {
    let (seed, data) = first(data);
    let (choice, bytes) = first(data);
    let format = if choice & 1 == 0 { Format::Json } else { Format::Jsonl };
    let pointers = ["/a".to_owned(), "/items/0".to_owned()];
    let demands = Demands {
        root: (choice & 2 != 0).then_some(Root::Object),
        required: if choice & 4 == 0 { &[] } else { &pointers },
        schema: None,
        records: (choice & 8 != 0).then_some(if choice & 16 == 0 { "/items" } else { "" }),
        key: (choice & 32 != 0).then_some("id"),
        wanted: &[],
    };
    let whole = examine(format, &mut &*bytes, &demands).expect("memory can be read");
    let pieces = examine(format, &mut Pieces::new(bytes, seed), &demands).expect("memory can be read");
    assert_eq!(whole, pieces);
    whole.faults.first.iter().chain(&whole.notes.first).for_each(|fault| assert_plain(&fault.to_string()));
    if choice & 64 != 0 && format == Format::Json {
        across(bytes, seed, &demands, &whole);
    }
    let health = check(format, bytes);
    if format == Format::Json && bytes.len() < 16 << 20 {
        compare(bytes, &health);
    }
    let named = keys(format, bytes);
    let doubled = duplicate_keys(format, bytes);
    assert_eq!(health == Health::Good, doubled.is_ok(), "{health:?} {doubled:?}");
    if let Ok(named) = named {
        assert_eq!(health, Health::Good);
        named.pointers().for_each(|pointer| assert!(named.have_moved(pointer, &named)));
    }
});

/// Reads the document once more, so that the end of a chunk lies in it.
fn across(bytes: &[u8], seed: u8, demands: &Demands<'_>, whole: &Examined) {
    if bytes.starts_with("\u{feff}".as_bytes()) || whole.standing() != Standing::Good {
        return;
    }
    let blank = vec![b' '; CHUNK - usize::from(seed)];
    let far = examine(Format::Json, &mut blank.chain(bytes), demands).expect("memory can be read");
    assert_eq!((far.standing(), &far.contents), (Standing::Good, &whole.contents), "{far:?}");
}

fn compare(bytes: &[u8], health: &Health) {
    let text = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let theirs = serde_json::from_slice::<Value>(text);
    match (&theirs, health) {
        (Ok(_), Health::Good) | (Err(_), Health::Bad { .. }) => {}
        // Numbers that no double holds, which JSON allows.
        (Err(error), Health::Good) if error.to_string().starts_with("number out of range") => {}
        // One limit, told at a later fault or at none.
        (_, Health::Unknown { why }) if why.starts_with("nested deeper") => {
            assert!(text.iter().filter(|byte| matches!(byte, b'[' | b'{')).count() >= 127);
        }
        _ => panic!("{health:?}, and serde_json says {theirs:?} of {:?}", text.as_bstr()),
    }
}
