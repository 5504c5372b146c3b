//! What is said of whole files: the traps of each format, and what is demanded.

use std::io::{self, Read};

use super::*;
use crate::manifest::Root;

fn look(format: Format, text: impl AsRef<[u8]>, demands: &Demands<'_>) -> Examined {
    examine(format, &mut text.as_ref(), demands).unwrap()
}

fn faults(examined: &Examined) -> Vec<String> {
    examined.faults.first.iter().map(said).collect()
}

fn said(fault: &Fault) -> String {
    match &fault.place {
        Place::Whole => fault.what.clone(),
        Place::Line { line, column } => format!("{line}:{column} {}", fault.what),
        Place::Pointer(pointer) => format!("{pointer} {}", fault.what),
        Place::Table(table) => format!("[{table}] {}", fault.what),
    }
}

fn bad(format: Format, text: impl AsRef<[u8]>) -> Vec<String> {
    let examined = look(format, text, &Demands::default());
    assert_eq!(examined.standing(), Standing::Bad, "{examined:?}");
    faults(&examined)
}

fn good(format: Format, text: impl AsRef<[u8]>) -> Examined {
    let examined = look(format, text, &Demands::default());
    assert_eq!(examined.standing(), Standing::Good, "{examined:?}");
    examined
}

fn records<'a>(pointer: &'a str, key: Option<&'a str>) -> Demands<'a> {
    Demands { records: Some(pointer), key, ..Demands::default() }
}

// D1
#[test]
fn every_trap_of_json_is_bad_with_its_place() {
    assert_eq!(bad(Format::Json, ""), ["it is empty"]);
    assert_eq!(bad(Format::Json, " \n"), ["nothing but white space is in it"]);
    assert_eq!(bad(Format::Json, [0_u8; 4096]), ["it begins with NUL bytes only, as after a power failure"]);
    assert_eq!(
        bad(Format::Json, "{\"a\": {\"b\": 1,\n\"b\": 2}}"),
        ["/a/b stands there twice, the last time in line 2"]
    );
    assert_eq!(bad(Format::Json, "{}\n{}"), ["2:1 something behind the value"]);
    assert_eq!(bad(Format::Json, b"[\"\xff\"]"), ["1:3 bytes that are not UTF-8"]);
    assert_eq!(bad(Format::Json, "<!DOCTYPE html><html>"), ["an HTML page stands here instead of the data"]);
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n";
    for format in [Format::Json, Format::Yaml, Format::Csv, Format::Text, Format::Binary] {
        assert!(bad(format, pointer)[0].starts_with("a Git LFS pointer"), "{format:?}");
    }
    let marked = good(Format::Json, "\u{feff}[1e999]");
    assert_eq!(marked.notes.first.len(), 2);
    let deep = look(Format::Json, "[".repeat(200), &Demands::default());
    assert_eq!((deep.standing(), deep.unknown.len()), (Standing::Unknown, 1));
}

// D2
#[test]
fn records_are_counted_and_named() {
    let text = r#"{"n": 2, "emails": [{"id": 1}, {"id": "1"}, {"id": 7, "sub": {"id": 8}}]}"#;
    let examined = look(Format::Json, text, &records("/emails", Some("id")));
    assert_eq!(examined.standing(), Standing::Good, "{examined:?}");
    assert_eq!((examined.contents.records, examined.contents.names.hashes.len()), (Some(3), 3));
    let text = r#"{"emails": [{"id": 1}, {"id": 1}, {}, 5, [], {"id": null}, {"id": 1}]}"#;
    let examined = look(Format::Json, text, &records("/emails", Some("id")));
    assert_eq!(faults(&examined), ["4 records have no 'id'", "3 records have the name '1'"]);
    assert_eq!((examined.contents.records, examined.contents.names.nameless), (Some(7), 4));
    let named = look(Format::Json, r#"{"a": {"x": 1, "y": {"id": 1}}}"#, &records("/a", None));
    assert_eq!((named.contents.records, named.contents.names.hashes.len()), (Some(2), 2));
    let top = look(Format::Json, "[{}, {}]", &records("", None));
    assert_eq!(top.contents.records, Some(2));
}

#[test]
fn the_same_records_have_the_same_names_in_every_version() {
    let names = |text: &str| look(Format::Json, text, &records("", Some("id"))).contents.names.hashes;
    assert_eq!(names(r#"[{"id": 1}, {"id": 2}]"#), names(r#"[{"id": 2, "x": 1}, {"id": 1}]"#));
    assert_ne!(names(r#"[{"id": 1}]"#), names(r#"[{"id": "1"}]"#));
}

#[test]
fn what_is_demanded_and_not_there_is_bad() {
    let required = ["/a/0/b".to_owned(), "/c~1d".to_owned(), "/e".to_owned()];
    let demands = Demands { root: Some(Root::Object), required: &required, ..Demands::default() };
    let examined = look(Format::Json, r#"{"a": [{"b": null}], "c/d": 1}"#, &demands);
    assert_eq!(faults(&examined), ["/e is missing"]);
    assert_eq!(faults(&look(Format::Json, "[]", &demands))[0], "the document is an array, not an object");
    assert_eq!(faults(&look(Format::Json, "7", &demands))[0], "the document is a single value, not an object");
    let nothing = look(Format::Json, "{}", &records("/emails", None));
    assert_eq!(faults(&nothing), ["/emails there are no records: nothing stands here"]);
    let odd = look(Format::Json, r#"{"emails": 1}"#, &records("/emails", None));
    assert_eq!(faults(&odd), ["/emails there are no records: this is no array and no object"]);
}

#[test]
fn a_schema_is_compared_in_every_format_that_has_values() {
    let schema = Schema::new(br#"{"properties": {"n": {"type": "integer"}, "s": {"type": "string"}}}"#).unwrap();
    let demands = Demands { schema: Some(&schema), ..Demands::default() };
    for (format, fits, does_not) in [
        (Format::Json, "{\"n\": 1, \"s\": \"2\"}", "{\"n\": \"1\"}"),
        (Format::Jsonc, "{\"n\": 1, /* */}", "{\"n\": \"1\"}"),
        (Format::Yaml, "n: 1\ns: '2'\n", "n: '1'\n"),
        (Format::Toml, "n = 1\ns = '2'\n", "n = '1'\n"),
    ] {
        assert_eq!(look(format, fits, &demands).standing(), Standing::Good, "{format:?}");
        assert!(faults(&look(format, does_not, &demands))[0].starts_with("/n does not fit"), "{format:?}");
    }
    assert_eq!(look(Format::Yaml, "a: &x {n: '1'}\nn: *x\n", &demands).standing(), Standing::Unknown);
    let large = format!("[{}1]", " ".repeat(17 << 20));
    let examined = look(Format::Json, large, &demands);
    assert_eq!(examined.standing(), Standing::Unknown);
}

// D3
#[test]
fn lines_of_json_are_records() {
    let examined = good(Format::Jsonl, "{\"id\": 1}\n\n{\"id\": 2}");
    assert_eq!(examined.contents.records, Some(2));
    assert_eq!(faults(&Examined { faults: examined.notes, ..Examined::default() }), ["the last line has no line end"]);
    assert_eq!(bad(Format::Jsonl, "{\"id\": 1}\n{\"id\": "), ["2:7 the file ends amid a value"]);
    let doubled = look(Format::Jsonl, "{\"id\": 1}\n{\"id\": 1}\n", &records("", Some("id")));
    assert_eq!(faults(&doubled), ["2 records have the name '1'"]);
    // In the order of their names, not of hashes that are others in each process.
    let several: String = [5, 2, 4, 1, 3].map(|id| format!("{{\"id\": {id}}}\n").repeat(2)).concat();
    let several = look(Format::Jsonl, several, &records("", Some("id")));
    assert_eq!(faults(&several), [1, 2, 3, 4, 5].map(|id| format!("2 records have the name '{id}'")));
    good(Format::Jsonl, "");
}

// D3
#[test]
fn a_page_or_a_word_is_no_yaml_data() {
    assert_eq!(bad(Format::Yaml, "<html><body>502</body></html>"), ["an HTML page stands here instead of the data"]);
    assert_eq!(bad(Format::Yaml, "Bad gateway\n"), ["the document is a single value, neither an object nor an array"]);
    assert_eq!(bad(Format::Yaml, "a: 1\nb:\n  c: 1\n  c: 2\n"), ["/b/c stands there twice, the last time in line 4"]);
    good(Format::Yaml, "a: 1\n---\nb: 2\n");
    let several = look(Format::Yaml, "a: 1\n---\nb: 2\n", &records("/a", None));
    assert_eq!(several.standing(), Standing::Unknown);
    assert_eq!(bad(Format::Toml, "a = 1\n<<<<<<< HEAD\n").len(), 1);
}

// D3
#[test]
fn every_trap_of_csv_is_bad_with_its_place() {
    let examined = good(Format::Csv, "id,name\r\n1,\"a \"\"b\"\"\nc\"\n2,x\n");
    assert_eq!(examined.contents.records, Some(2));
    let open = "id,name\n1,\"a\n2,b\n3,c\n";
    assert_eq!(bad(Format::Csv, open)[0], "2:3 a quote that is never closed: 4 lines are read as one field");
    assert!(bad(Format::Csv, "id,name\n1,\"a\n2,\"b\"\n")[0].starts_with("3:4 text behind a closing quote"));
    assert_eq!(
        bad(Format::Csv, "a,b\n1\n1,2,3\n"),
        ["2:1 a row of 1 field, where the first has 2", "3:1 a row of 3 fields, where the first has 2"]
    );
    assert_eq!(bad(Format::Csv, "a,b,a\n1,2,3\n"), ["1:1 2 columns have the name 'a'"]);
    let one = "id\n1\n<<<<<<< HEAD\n2\n=======\n3\n>>>>>>> topic\n";
    assert_eq!(bad(Format::Csv, one), ["3:1 a conflict marker", "5:1 a conflict marker", "7:1 a conflict marker"]);
    assert_eq!(bad(Format::Csv, "a,b\n1,\0\n"), ["2:3 a NUL byte"]);
    assert_eq!(bad(Format::Csv, ""), ["it is empty"]);
    let macintosh = bad(Format::Csv, "a,b\r1,2\r3,4\r");
    let said = "lines end in a carriage return without a line feed: all of them are read as one row";
    assert_eq!(macintosh[0], format!("1:4 {said}"));
    assert_eq!(bad(Format::Tsv, "a\r1")[0], format!("1:2 {said}"));
    good(Format::Csv, "a,\"b\rc\"\r\n1,2\r\n");
    // Whatever else stands in the first row, tabs part columns.
    let tabs = good(Format::Tsv, "name, first, last\tage\n\"A\tB\"\t1\nC, D\t2\n");
    assert_eq!(tabs.contents.records, Some(2));
    assert_eq!(bad(Format::Tsv, "a\tb\n1,2\n"), ["2:1 a row of 1 field, where the first has 2"]);
}

#[test]
fn csv_knows_its_delimiter_and_its_records() {
    for text in ["id;a\n1;x\n2;y\n", "id\ta\n1\tx\n2\ty\n", "id|a\n1|x\n2|y\n", "id\n1\n2\n", "id,a\n1,x\n\n2,y"] {
        let examined = look(Format::Csv, text, &records("", Some("id")));
        assert_eq!(examined.standing(), Standing::Good, "{text:?} {examined:?}");
        assert_eq!((examined.contents.records, examined.contents.names.hashes.len()), (Some(2), 2), "{text:?}");
    }
    let doubled = look(Format::Csv, "id,a\n1,x\n1,y\n,z\n", &records("", Some("id")));
    assert_eq!(faults(&doubled), ["one record has no 'id'", "2 records have the name '1'"]);
    assert_eq!(faults(&look(Format::Csv, "a\n1\n", &records("", Some("id")))), ["1:1 there is no column 'id'"]);
}

#[test]
fn names_in_csv_are_bytes() {
    // Latin-1, in which two letters are no UTF-8.
    let examined = look(Format::Csv, b"id,a\n\xe4,1\n\xf6,2\n", &records("", Some("id")));
    assert!(examined.faults.is_empty(), "{:?}", examined.faults);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn csv_is_the_same_in_pieces_of_any_size(text in "id,a\n([a1,\"é \n]|\r\n|\"\"|\n[<=>]{7}[ \n]|\0){0,60}", size in 1_usize..9) {
        let read = |size| {
            let (mut input, mut examined) = (io::BufReader::with_capacity(size, text.as_bytes()), Examined::default());
            csv::examine(&mut input, Some(b','), &records("", Some("id")), &mut examined).unwrap();
            examined
        };
        proptest::prop_assert_eq!(read(size), read(1000));
    }
}

#[test]
fn text_is_bad_where_a_conflict_was_left() {
    good(Format::Text, "");
    good(Format::Text, "a\n=======\nb\n");
    assert_eq!(bad(Format::Text, "a\n<<<<<<< HEAD\nb\n=======\nc\n>>>>>>> topic\n"), ["2:1 a conflict marker"]);
    assert_eq!(bad(Format::Text, "a\0"), ["1:2 a NUL byte"]);
    assert_eq!(good(Format::Text, b"\xff").notes.count, 1);
    good(Format::Binary, [1, 0, 255]);
}

/// Gives one byte at a time.
struct Drops<'a>(&'a [u8]);

impl Read for Drops<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = into.len().min(1);
        self.0.read(&mut into[..length])
    }
}

#[test]
fn a_pipe_is_judged_as_a_file_is() {
    let page = format!("  <!DOCTYPE html>{}", "x".repeat(100_000));
    let demands = records("", Some("id"));
    for (format, text) in [
        (Format::Json, "[{\"id\": 1}, {\"id\": 1}]"),
        (Format::Json, page.as_str()),
        (Format::Json, "  \n  "),
        (Format::Csv, "\u{feff}id;x\n1;\"2\n"),
        (Format::Text, "<<<<<<< a\n=======\n>>>>>>> b"),
        (Format::Yaml, "- id: 1\n- id: 1\n"),
    ] {
        let piped = examine(format, &mut Drops(text.as_bytes()), &demands).unwrap();
        assert_eq!(piped, look(format, text, &demands), "{text:.40}");
    }
}

#[test]
fn what_can_not_be_read_is_an_error_and_no_verdict() {
    struct Fails;
    impl Read for Fails {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("broken"))
        }
    }
    for format in [Format::Json, Format::Csv, Format::Text, Format::Yaml] {
        assert!(examine(format, &mut b"[1,".chain(Fails), &Demands::default()).is_err(), "{format:?}");
    }
}
