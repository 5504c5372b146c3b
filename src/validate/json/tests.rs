//! The scanner against serde_json, and against itself when the stream comes in pieces.

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
    fn key(&mut self, name: &str) {
        self.0.push(format!("key {name}"));
    }
    fn item(&mut self) {
        self.0.push("item".to_owned());
    }
    fn scalar(&mut self, scalar: Scalar<'_>) {
        self.0.push(format!("{scalar:?}"));
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
        "Number(\"1\")",
        "item",
        "Text(\"x\\n\")",
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
    let expected = ["List", "item", "Number(\"1\")", "item", "Object", "close", "item", "Text(\"x\")", "close"];
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
            assert!(
                told.0.contains(&"Number(\"1234567\")".to_owned()) && rest.ends_with("Ok(())"),
                "{pad} {told:?} {rest}"
            );
        }
    }
}

#[test]
fn a_text_without_end_is_unknown_before_it_fills_the_memory() {
    let mut endless = b"[\"".chain(io::repeat(b'x'));
    assert!(matches!(scan(&mut endless, Shape::Document, &mut ()).1, Err(Stop::Unknown(_))));
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
    fn pieces_make_no_difference(text in "[\\[\\]{}:,\"\\\\nuD8é1e.\\-rtl \n]{0,40}", size in 1_usize..9, lines: bool) {
        let shape = if lines { Shape::Lines } else { Shape::Document };
        prop_assert_eq!(told(&mut Pieces(text.as_bytes(), size), shape), told(&mut text.as_bytes(), shape));
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
