//! The scanner against serde_json, and against itself when the stream comes in pieces.

use std::collections::BTreeMap;
use std::io::{self, Read};

use proptest::prelude::*;

use super::*;

/// Writes down what it is told.
#[derive(Default, Debug, PartialEq)]
struct Told(Vec<String>);

impl Visit for Told {
    fn open(&mut self, container: Container) {
        self.0.push(format!("{container:?}"));
    }
    fn key(&mut self, name: &[u8]) {
        self.0.push(format!("key {}", str::from_utf8(name).unwrap()));
    }
    fn item(&mut self) {
        self.0.push("item".to_owned());
    }
    fn scalar(&mut self, scalar: Scalar<'_>) {
        self.0.push(match scalar {
            Scalar::Number(number) => format!("number {}", str::from_utf8(number).unwrap()),
            Scalar::Text(text) => format!("text {}", str::from_utf8(text).unwrap()),
            word => format!("{word:?}"),
        });
    }
    fn close(&mut self) {
        self.0.push("close".to_owned());
    }
}

/// Gives so many bytes at a time.
struct Pieces<'a>(&'a [u8], usize);

impl Read for Pieces<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.1.min(into.len()).min(self.0.len());
        into[..length].copy_from_slice(&self.0[..length]);
        self.0 = &self.0[length..];
        Ok(length)
    }
}

fn told(input: &mut dyn Read, shape: Shape) -> (Told, String) {
    let mut told = Told::default();
    let (scanned, result) = scan(input, shape, &mut told);
    (told, format!("{scanned:?} {result:?}"))
}

fn fault(text: &str) -> String {
    match scan(&mut text.as_bytes(), Shape::Document, &mut ()).1 {
        Err(Stop::Bad { line, column, what }) => format!("{line}:{column} {what}"),
        other => panic!("{text:?} is {other:?}"),
    }
}

#[test]
fn what_stands_there_is_told_in_its_order() {
    let (told, _) = told(&mut r#"{"a\u00e4": [1, "x\n", null], "b": {}, "c": true}"#.as_bytes(), Shape::Document);
    let expected = [
        "Object",
        "key aä",
        "List",
        "item",
        "number 1",
        "item",
        "text x\n",
        "item",
        "Null",
        "close",
        "key b",
        "Object",
        "close",
        "key c",
        "Bool(true)",
        "close",
    ];
    assert_eq!(told.0, expected);
}

#[test]
fn lines_are_told_as_a_list() {
    let (told, rest) = told(&mut "1\n\n{}\r\n\"x\"".as_bytes(), Shape::Lines);
    let expected = ["List", "item", "number 1", "item", "Object", "close", "item", "text x", "close"];
    assert_eq!(told.0, expected);
    assert!(rest.contains("is_open_ended: true"));
}

// D1
#[test]
fn faults_say_what_stands_there() {
    assert_eq!(fault(""), "1:1 the file ends where a value should be");
    assert_eq!(fault("{\"a\": [1, 2"), "1:11 the file ends amid a value");
    assert_eq!(fault("[1,\n<<<<<<< HEAD\n"), "2:1 a conflict marker");
    assert_eq!(fault("{\"a\": 1\n=======\n"), "2:1 a conflict marker");
    assert_eq!(fault("<!DOCTYPE html>"), "1:1 the beginning of an HTML page");
    assert_eq!(fault("[NaN]"), "1:2 'NaN', which JSON has no word for");
    assert_eq!(fault("\0\0"), "1:1 a NUL byte");
    assert_eq!(fault("{\"a\": 1,}"), "1:9 a comma before '}'");
    assert_eq!(fault("[1 2]"), "1:4 ',' or ']' is missing");
    assert_eq!(fault("[\"a\tb\"]"), "1:4 a control character in a text");
    assert_eq!(fault("[\"\\ud800x\"]"), "1:3 a lone surrogate");
    assert_eq!(fault("[\"ab\\x\"]"), "1:5 an unknown escape");
    assert_eq!(fault("[\"\\u+123\"]"), "1:3 '\\u' without four hex digits");
    assert_eq!(fault("[012]"), "1:2 a number that begins with 0");
    assert_eq!(fault("{\"a\": 1} x"), "1:10 something behind the value");
}

#[test]
fn a_number_without_a_bound_and_a_mark_are_noted() {
    let scanned = scan(&mut "\u{feff}[1,\n 1e999, 2e999]".as_bytes(), Shape::Document, &mut ()).0;
    assert!(scanned.has_mark);
    assert_eq!((scanned.huge, scanned.first_huge), (2, (2, 2)));
}

#[test]
fn a_number_may_end_with_a_full_window() {
    for pad in 65_528..65_540 {
        for shape in [Shape::Document, Shape::Lines] {
            let (told, rest) = told(&mut format!("{}1234567", " ".repeat(pad)).as_bytes(), shape);
            assert!(told.0.contains(&"number 1234567".to_owned()) && rest.ends_with("Ok(())"), "{pad} {told:?} {rest}");
        }
    }
}

#[test]
fn a_text_without_end_is_unknown_before_it_fills_the_memory() {
    let mut endless = b"[\"".chain(io::repeat(b'x'));
    assert!(matches!(scan(&mut endless, Shape::Document, &mut ()).1, Err(Stop::Unknown(_))));
}

#[test]
fn a_stream_may_end_where_the_window_does() {
    // What stands at the end, and how many bytes of it are the last that were read.
    for (end, place) in [("12", "amid a value"), ("1.", "amid a number"), ("\"a", "amid a text"), ("tr", "amid a word")]
    {
        for length in (64 << 10) - 2..=(64 << 10) + 2 {
            let text = format!("[{}{end}", " ".repeat(length - 1 - end.len()));
            assert_eq!(fault(&text), format!("1:{length} the file ends {place}"));
        }
    }
}

#[test]
fn keys_are_told_apart_as_they_are_meant() {
    let doubled = |text: &str| -> Vec<(String, Option<usize>, usize)> {
        let (scanned, result) = scan(&mut text.as_bytes(), Shape::Document, &mut ());
        assert!(result.is_ok(), "{text} {result:?}");
        scanned.doubled.finish().unwrap().into_iter().map(|key| (key.pointer, key.line, key.count)).collect()
    };
    let one = |pointer: &str, line| vec![(pointer.to_owned(), Some(line), 2)];
    // The second object's keys are those of the first, up to one that came before.
    assert_eq!(doubled("[{\"a\":1,\"b\":2},\n{\"a\":1,\n\"a\":2}]"), one("/1/a", 3));
    assert_eq!(doubled("[{\"a\":1,\"b\":2},{\"a\":1,\"b\":2,\"a\":3}]"), one("/1/a", 1));
    assert_eq!(doubled("[{\"a\":1,\"b\":2},{\"b\":1,\"a\":2},{\"a\":1,\"ab\":2,\"b\":3}]"), []);
    // Escapes are another way to write the same, and no quote ends a key that is escaped.
    assert_eq!(doubled(r#"{"a": 1, "\u0061": 2}"#), one("/a", 1));
    assert_eq!(doubled(r#"{"\u0061": 1, "b": 2, "a": 3}"#), one("/a", 1));
    assert_eq!(doubled(r#"[{"a\"b": 1, "c": 2}, {"a\"b": 1, "a": 2}]"#), []);
    // What an escaped key means may be written, too, and means something else there, or nothing.
    assert_eq!(doubled(r#"[{"a\\n": 1}, {"a\n": 1, "a\\n": 2}]"#), []);
    assert_eq!(fault(r#"[{"a\"": 1}, {"a"": 1}]"#), "1:18 ':' is missing");
    // Alike in their first and their last eight bytes.
    assert_eq!(doubled(r#"{"12345678-1-12345678": 1, "12345678-2-12345678": 2}"#), []);
    // More of them than are kept as they are, and one that is too long.
    let many: String = (0..100).map(|key| format!("\"{key}\": {key},\n")).collect();
    assert_eq!(doubled(&format!("{{{many}\"7\": 1}}")), one("/7", 101));
    assert_eq!(doubled(&format!("[{{\"{}\": 1, \"a\": 2, \"a\": 3}}]", "x".repeat(3000))), one("/0/a", 1));
}

/// Documents whose objects have few keys or many, in the same order or not, written plainly or not.
fn document() -> impl Strategy<Value = String> {
    let key = prop_oneof![
        4 => "[ab]{1,2}",
        1 => Just("\\u0061".to_owned()),
        1 => Just("ä\\n\\ud83d\\ude00".to_owned()),
        1 => Just("a key of more than eight bytes".to_owned()),
    ];
    let object = |entries: Vec<(String, String)>| {
        let entries: Vec<String> = entries.iter().map(|(key, value)| format!("\"{key}\" :{value}")).collect();
        format!("{{{}}}", entries.join(", "))
    };
    let wide = prop::collection::vec(0_u16..300, 50..90)
        .prop_map(move |keys| object(keys.iter().map(|key| (format!("key {key}"), "1".to_owned())).collect()));
    let leaf =
        prop_oneof![Just("12.5e3".to_owned()), Just("\"tëxt \\\" \\u00e4\"".to_owned()), Just("null".to_owned())];
    leaf.prop_recursive(4, 40, 6, move |value| {
        prop_oneof![
            3 => prop::collection::vec((key.clone(), value.clone()), 0..6).prop_map(object),
            2 => prop::collection::vec(value, 0..6).prop_map(|items| format!("[{}\n]", items.join(",\n  "))),
            1 => wide.clone(),
        ]
    })
}

/// Counts, of each object, the keys that stand there more than once.
fn doubled(told: &Told) -> usize {
    let (mut open, mut doubled) = (Vec::new(), 0);
    for what in &told.0 {
        match what.as_str() {
            "Object" | "List" => open.push(BTreeMap::<&str, usize>::new()),
            "close" => doubled += open.pop().unwrap().values().filter(|count| **count > 1).count(),
            key if key.starts_with("key ") => *open.last_mut().unwrap().entry(key).or_default() += 1,
            _ => {}
        }
    }
    doubled
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1024) })]

    #[test]
    fn what_is_good_is_what_serde_json_takes(text in "[\\[\\]{}:,\"'/\\\\u0dce1+.\\-a \n\t]{0,40}|(\\[|\\{\"a\":|,|\\]|\\}|\"\\\\\\\\u[0-9a-f]{4}\"|-?[0-9]{1,2}(\\.[0-9])?(e[0-9])?|true|null| ){0,12}") {
        let ours = scan(&mut text.as_bytes(), Shape::Document, &mut ()).1;
        let theirs = serde_json::from_str::<Value>(&text);
        prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{:?} {:?}", ours, theirs);
    }

    #[test]
    fn pieces_make_no_difference(text in "[\\[\\]{}:,\"\\\\nuD8é1e.\\-rtl \n]{0,40}|\\[?1?(<{7}|/\\*|Infinity|-?[0-9]{0,3}|\"a?)", size in 1_usize..9, lines: bool) {
        let shape = if lines { Shape::Lines } else { Shape::Document };
        prop_assert_eq!(told(&mut Pieces(text.as_bytes(), size), shape), told(&mut text.as_bytes(), shape));
    }

    #[test]
    fn doubled_keys_are_those_that_are_told_twice(text in document()) {
        let (told, _) = told(&mut text.as_bytes(), Shape::Document);
        let found = scan(&mut text.as_bytes(), Shape::Document, &mut ()).0.doubled.finish().unwrap();
        prop_assert_eq!(found.len(), doubled(&told), "{:?}", found);
    }

    #[test]
    fn documents_may_be_cut_anywhere(text in document(), size in 1_usize..30, cut: prop::sample::Index) {
        let text = text.as_bytes();
        prop_assert_eq!(told(&mut Pieces(text, size), Shape::Document), told(&mut &*text, Shape::Document));
        let cut = &text[..cut.index(text.len())];
        prop_assert_eq!(told(&mut Pieces(cut, size), Shape::Document), told(&mut &*cut, Shape::Document));
    }

    #[test]
    fn plain_bytes_end_where_each_byte_says(text in prop::collection::vec(prop_oneof![20 => 0x20_u8..0x7f, 1 => any::<u8>()], 0..40)) {
        let ends = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1f);
        for from in 0..text.len() {
            let text = &text[from..];
            let length = text.iter().position(ends).unwrap_or(text.len());
            prop_assert_eq!(text::plain(text), (length, text[..length].is_ascii()));
        }
    }

    #[test]
    fn documents_longer_than_the_window_keep_their_places(pad in 65_500_usize..65_560, size in 1_000_usize..70_000) {
        let text = format!("[\"{}\",\n\"{}\", 12345, truX]", "a".repeat(pad), "b".repeat(70_000));
        let whole = told(&mut text.as_bytes(), Shape::Document);
        let column = 70_000 + 12;
        prop_assert!(whole.1.contains(&format!("line: 2, column: {column}")), "{}", whole.1);
        prop_assert_eq!(told(&mut Pieces(text.as_bytes(), size), Shape::Document), whole);
    }
}
