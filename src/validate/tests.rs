use super::*;

fn bad(format: Format, text: &str) -> (usize, usize) {
    match check(format, text.as_bytes()) {
        Health::Bad { line, column, .. } => (line, column),
        other => panic!("{text:?} is {other:?}"),
    }
}

fn good(format: Format, text: &str) {
    assert_eq!(check(format, text.as_bytes()), Health::Good, "{text:?}");
}

fn doubled(format: Format, text: &str) -> Vec<(String, Option<usize>, usize)> {
    let keys = duplicate_keys(format, text.as_bytes()).unwrap();
    keys.into_iter().map(|key| (key.pointer, key.line, key.count)).collect()
}

fn is_unknown(format: Format, text: &str) -> bool {
    matches!(check(format, text.as_bytes()), Health::Unknown { .. })
}

#[test]
fn the_register_lists_every_format_once() {
    for validator in REGISTER {
        assert_eq!(validator.format.word(), validator.name);
        assert_eq!(REGISTER.iter().filter(|other| other.name == validator.name).count(), 1);
    }
    assert_eq!(REGISTER.len(), 5);
}

// D1
#[test]
fn broken_json_is_bad_with_its_place() {
    assert_eq!(bad(Format::Json, ""), (1, 1));
    assert_eq!(bad(Format::Json, " \n "), (2, 1));
    assert_eq!(bad(Format::Json, "\0\0\0\0"), (1, 1));
    assert_eq!(bad(Format::Json, "{\n\"a\": 1,\n}"), (3, 1));
    assert_eq!(bad(Format::Json, "[1,]"), (1, 4));
    assert_eq!(bad(Format::Json, "{\"a\": NaN}").0, 1);
    assert_eq!(bad(Format::Json, "{}\n{}"), (2, 1));
    assert_eq!(bad(Format::Json, "[\n\"\\ud800\"]").0, 2);
    assert_eq!(bad(Format::Json, "{\"\\udc00\": 1}").0, 1);
    assert_eq!(bad(Format::Json, "{\n<<<<<<< HEAD\n"), (2, 1));
    assert_eq!(bad(Format::Json, "[1"), (1, 2));
    assert_eq!(bad(Format::Json, "[01]").0, 1);
    assert_eq!(bad(Format::Json, "[1e999, 1.]").0, 1);
    assert_eq!(check(Format::Json, b"{\n \"a\xff\"}"), bad_at(b"{\n \"a", 6, "bytes that are not UTF-8"));
}

#[test]
fn good_json_is_good() {
    for text in
        ["0", "null", " {} ", "\u{feff}{\"a\": [1, 2.5, -3e2, \"\\ud83d\\ude00\"]}", "[1e999, \"1e999\", -1e999]"]
    {
        good(Format::Json, text);
    }
    good(Format::Json, &format!("[{}]", "9".repeat(500)));
}

// D6
#[test]
fn a_limit_is_unknown_and_neither_good_nor_bad() {
    let nested = |open: &str, close: &str, depth: usize| format!("{}{}", open.repeat(depth), close.repeat(depth));
    good(Format::Json, &nested("[", "]", 120));
    assert!(is_unknown(Format::Json, &nested("[", "]", 129)));
    assert!(is_unknown(Format::Json, &"[".repeat(100_000)));
    assert!(is_unknown(Format::Jsonc, &"{\"a\":".repeat(100_000)));
    assert!(is_unknown(Format::Jsonl, &nested("[", "]", 1000)));
    good(Format::Yaml, &nested("[", "]", 120));
    assert!(is_unknown(Format::Yaml, &nested("[", "]", 129)));
    assert!(is_unknown(Format::Yaml, &"[".repeat(100_000)));
    assert!(is_unknown(Format::Yaml, &"- ".repeat(1000)));
    assert!(is_unknown(Format::Toml, &format!("a = {}", nested("[", "]", 200))));
    assert!(is_unknown(Format::Toml, &format!("{}a = 1", "a.".repeat(200))));
    for validator in REGISTER {
        let large = vec![b' '; validator.max_bytes + 1];
        assert!(matches!(check(validator.format, &large), Health::Unknown { .. }), "{}", validator.name);
    }
}

#[test]
fn doubled_keys_of_json_are_named_at_any_depth() {
    let text = r#"{"a": [{"x/~": 1, "x\/~": 2}], "b": {}, "b": {"c": 1}, "c": {"b": 1}, "b": 0}"#;
    assert_eq!(doubled(Format::Json, text), [("/a/0/x~1~0".into(), Some(1), 2), ("/b".into(), Some(1), 3)]);
    assert!(doubled(Format::Json, r#"[{"a": 1}, {"a": 1}]"#).is_empty());
    assert_eq!(doubled(Format::Json, "{\"a\": 1e999,\n\"a\": 2}"), [("/a".into(), Some(2), 2)]);
    assert_eq!(doubled(Format::Json, r#"[{"a": 1, "a": 2}, 1e999]"#), [("/0/a".into(), Some(1), 2)]);
    // More keys than are compared one by one.
    let many: String = (0..100).map(|key| format!("\"{key}\": {key},\n")).collect();
    assert_eq!(doubled(Format::Json, &format!("{{{many} \"7\": 0}}")), [("/7".into(), Some(101), 2)]);
    assert!(matches!(duplicate_keys(Format::Json, b"{"), Err(Health::Bad { .. })));
}

#[test]
fn jsonc_knows_comments_and_trailing_commas_and_keeps_places() {
    good(Format::Jsonc, "// a\n{/* b */ \"u\": \"http://x/*y*/\", \"v\": [1, 2, // c\n],\n}\n");
    good(Format::Jsonc, "{\"ä\": /* ü */ 1}");
    assert_eq!(bad(Format::Jsonc, "{ /* ä\n */ x }"), (2, 5));
    assert_eq!(bad(Format::Jsonc, "[1]\n/* open"), (2, 1));
    assert_eq!(bad(Format::Jsonc, "[,]"), (1, 2));
    assert_eq!(bad(Format::Jsonc, "[1,,]").0, 1);
    assert_eq!(bad(Format::Jsonc, "{\"a\":,}").0, 1);
    assert_eq!(bad(Format::Jsonc, "// nothing").0, 1);
    assert_eq!(bad(Format::Jsonc, "[1] / 2").0, 1);
    assert_eq!(doubled(Format::Jsonc, "{\"a\": 1, /* \"a\" */ \"a\": 2,}"), [("/a".into(), Some(1), 2)]);
}

// D3
#[test]
fn jsonl_is_judged_line_by_line() {
    good(Format::Jsonl, "{\"a\": 1}\r\n\n[2]\n");
    good(Format::Jsonl, "");
    // A form feed is no blank of JSON's.
    assert_eq!(bad(Format::Jsonl, "1\n\u{c}\n"), (2, 1));
    assert!(keys(Format::Jsonl, b"1\n\x0c\n").is_err());
    assert_eq!(bad(Format::Jsonl, "{\"a\": 1}\n{\"a\": "), (2, 6));
    assert_eq!(bad(Format::Jsonl, "{\n\"a\": 1}").0, 1);
    assert_eq!(doubled(Format::Jsonl, "{\"a\": 1}\n{\"a\": 1, \"a\": 2}"), [("/a".into(), Some(2), 2)]);
}

#[test]
fn yaml_is_read_to_its_end() {
    good(Format::Yaml, "");
    good(Format::Yaml, "a: !custom 1\n---\n- b\n...\n");
    good(Format::Yaml, "\u{feff}a: 1\n");
    good(Format::Yaml, "a: &x {b: 1}\nc:\n  <<: *x\n");
    assert_eq!(bad(Format::Yaml, "a: 1\nb: [1, 2\nc: 3\n").0, 3);
    assert_eq!(bad(Format::Yaml, "a: \"x\n").0, 1);
    assert_eq!(bad(Format::Yaml, "a:\n\t- b\n").0, 2);
    assert_eq!(bad(Format::Yaml, "a: 1\nb: \0x"), (2, 4));
    assert_eq!(bad(Format::Yaml, "<<<<<<< HEAD\na: 1\n=======\na: 2\n>>>>>>> feat\n").0, 2);
    assert_eq!(bad(Format::Yaml, "a: *missing\n").0, 1);
}

#[test]
fn aliases_are_not_expanded() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..40 {
        let below = format!("*a{}, ", level - 1).repeat(9);
        bomb.push_str(&format!("a{level}: &a{level} [{below}]\n"));
    }
    good(Format::Yaml, &bomb);
}

#[test]
fn doubled_keys_of_yaml_are_named_with_their_line() {
    let text = "a: 1\nb:\n  - c: 1\n    d: 2\n    c: 3\n'a': 2\n";
    assert_eq!(doubled(Format::Yaml, text), [("/b/0/c".into(), Some(5), 2), ("/a".into(), Some(6), 2)]);
    assert!(doubled(Format::Yaml, "a: &x {k: 1}\nb:\n  <<: *x\n  <<: *x\n").is_empty());
    assert!(doubled(Format::Yaml, "a: 1\n---\na: 1\n").is_empty());
    assert!(doubled(Format::Yaml, "{a: a, b: a, c: {a: 1}}").is_empty());
    let complex = "? {k: 1, k: 2}\n: {v: 1, v: 2}\nb: 1\n";
    assert_eq!(doubled(Format::Yaml, complex), [("//k".into(), Some(1), 2), ("//v".into(), Some(2), 2)]);
}

#[test]
fn broken_toml_is_bad_and_doubled_keys_alone_are_not() {
    good(Format::Toml, "");
    good(Format::Toml, "a = 1\n[b]\nc = [1, 2]\n[[d]]\n[[d]]\n");
    good(Format::Toml, "a = 1\na = 2\n");
    assert_eq!(bad(Format::Toml, "a = 1\nb = \n"), (2, 5));
    assert_eq!(bad(Format::Toml, "a = 1\n<<<<<<< HEAD\n").0, 2);
    assert_eq!(bad(Format::Toml, "a = 1\na = 2\na.b = 3\n").0, 3);
    assert_eq!(bad(Format::Toml, "a = 1\na.b = 2\n").0, 2);
    assert_eq!(bad(Format::Toml, "a = \"\0\"").0, 1);
}

#[test]
fn doubled_keys_of_toml_are_named_where_they_belong() {
    let text = "k = 1\nk = 2\nk = 3\n[a.b]\nx = 1\nx = 2\n[[c]]\n[[c]]\ny = { z = 1, z = 2 }\n";
    assert_eq!(
        doubled(Format::Toml, text),
        [("/k".into(), Some(3), 3), ("/c/1/y/z".into(), Some(9), 2), ("/a/b/x".into(), Some(6), 2)]
    );
    let tables = "[a]\nx = 1\n[b]\n[a]\nx = 2\n";
    assert_eq!(doubled(Format::Toml, tables), [("/a".into(), Some(4), 2), ("/a/x".into(), Some(5), 2)]);
    assert!(doubled(Format::Toml, "[a]\nx = 1\n[b]\nx = 1\n").is_empty());
}

fn pointers(format: Format, text: &str) -> Vec<String> {
    keys(format, text.as_bytes()).unwrap().pointers().map(str::to_owned).collect()
}

#[test]
fn the_same_keys_are_read_in_every_format() {
    let expected = ["", "/a", "/a/name=x", "/a/name=x/name", "/a/name=y", "/a/name=y/name", "/b~1", "/b~1/c", "/d"];
    let json = r#"{"a": [{"name": "x"}, {"name": "y"}], "b/": {"c": 1}, "d": [{"name": 1}, {}]}"#;
    assert_eq!(pointers(Format::Json, json), expected);
    assert_eq!(pointers(Format::Jsonc, &format!("// c\n{json}")), expected);
    assert_eq!(pointers(Format::Yaml, json), expected);
    assert_eq!(pointers(Format::Yaml, "a:\n- name: x\n- name: y\nb/: {c: &z 1}\nd: [*z]\n? [k]\n: v\n"), expected);
    let toml = "a = [{name = 'x'}, {name = 'y'}]\nd = [1979-05-27, 1.5]\n[\"b/\"]\nc = true\n";
    assert_eq!(pointers(Format::Toml, toml), expected);
    assert_eq!(pointers(Format::Jsonl, "{\"id\": 1}\n\n{\"id\": 2}\n"), ["", "/id=1", "/id=1/id", "/id=2", "/id=2/id"]);
}

#[test]
fn a_value_that_stands_elsewhere_has_moved() {
    let moved = |from: &str, to: &str| {
        let [from, to] = [from, to].map(|text| keys(Format::Json, text.as_bytes()).unwrap());
        from.have_moved("/a/x", &to)
    };
    let from = r#"{"a": {"x": [1, {"y": 2, "z": 3}]}}"#;
    assert!(moved(from, r#"{"b": {"x": [1, {"z": 3, "y": 2}]}}"#));
    for other in
        [r#"{"b": {"x": [{"z": 3, "y": 2}, 1]}}"#, r#"{"b": {"w": [1, {"z": 3, "y": 2}]}}"#, "[]", r#"{"x": []}"#]
    {
        assert!(!moved(from, other), "{other}");
    }
    // As often as before, or it is not that one.
    assert!(!moved(r#"{"a": {"x": 1}, "b": {"x": 1}}"#, r#"{"a": {}, "b": {"x": 1}}"#));
    assert!(moved(r#"{"a": {"x": 1}, "b": {"x": 1}}"#, r#"{"a": {}, "b": {"x": 1}, "c": {"x": 1}}"#));
}

#[test]
fn keys_over_a_limit_are_unknown() {
    let is_unknown = |format, text: &str| matches!(keys(format, text.as_bytes()), Err(Health::Unknown { .. }));
    assert!(is_unknown(Format::Json, &format!("[{}1]", "1,".repeat(1 << 19))));
    let many: String = (0..50_001).map(|number| format!("\"{number}\":0,")).collect();
    assert!(is_unknown(Format::Json, &format!("{{{many}\"\":0}}")));
    let inner: String = (0..10).map(|key| format!("\"{key}\":0,")).collect();
    assert!(is_unknown(Format::Json, &format!("{{\"{}\":{{{inner}\"x\":0}}}}", "k".repeat(1_000_000))));
    assert!(is_unknown(Format::Toml, &format!("{}a = 1\n", "a.".repeat(20_000))));
    assert!(is_unknown(Format::Yaml, "a: 1\n---\nb: 1\n"));
}

#[test]
fn pointers_without_end_are_unknown() {
    let inner: String = (0..100).map(|key| format!("\"{key}\":0,\"{key}\":0,")).collect();
    let text = format!("{{\"{}\":{{{}\"x\":0}}}}", "k".repeat(1 << 20), inner);
    good(Format::Json, &text);
    assert!(matches!(duplicate_keys(Format::Json, text.as_bytes()), Err(Health::Unknown { .. })));
    let lines = "{\"a\":0,\"a\":0}\n".repeat(10_001);
    good(Format::Jsonl, &lines);
    assert!(matches!(duplicate_keys(Format::Jsonl, lines.as_bytes()), Err(Health::Unknown { .. })));
}

mod hostile {
    use proptest::prelude::*;

    use super::*;

    /// Documents to break.
    const VALID: [(Format, &str); 5] = [
        (Format::Json, r#"{"a": [1, 2.5e3, {"b": "\ud83d\ude00 x"}], "c": null, "a": true}"#),
        (Format::Jsonc, "{ // c\n\"a\": [1, 2,], /* d */ \"b\": \"//\",\n}"),
        (Format::Jsonl, "{\"a\": 1}\n[1, 2]\n\"x\"\n"),
        (Format::Yaml, "a: &x [1, {b: c}]\nd: |\n  text\n  more\ne: *x\n---\n- ? k\n  : v\n- !t \"q\\n\"\n"),
        (Format::Toml, "a = 1\nb.c = \"x\"\n[d]\ne = { f = [1, 2] }\na = 2\n[[g]]\nh = '''\nx'''\n[[g]]\n[d]\n"),
    ];

    /// Asks everything, and holds what must be true of any answer.
    fn ask(format: Format, bytes: &[u8]) {
        let health = check(format, bytes);
        let lines = bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count() + 2;
        if let Health::Bad { line, column, .. } = &health {
            assert!((1..=lines).contains(line) && *column >= 1, "{health:?}");
        }
        if let Ok(keys) = keys(format, bytes) {
            assert_eq!(health, Health::Good);
            assert!(keys.has("") && keys.pointers().all(|pointer| keys.have_moved(pointer, &keys)));
        }
        match duplicate_keys(format, bytes) {
            Ok(keys) => {
                assert_eq!(health, Health::Good);
                assert!(keys.iter().all(|key| key.count > 1 && key.pointer.starts_with('/')), "{keys:?}");
            }
            Err(found) => assert_eq!(found, health),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

        #[test]
        fn any_bytes_get_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            for validator in REGISTER {
                ask(validator.format, &bytes);
            }
        }

        #[test]
        fn any_text_of_their_own_characters_gets_an_answer(text in "[\\[\\]{}:,\"'/*#&!|>%?=.\\-a1 \n\t<~\\\\]{0,80}") {
            for validator in REGISTER {
                ask(validator.format, text.as_bytes());
            }
        }

        #[test]
        fn damaged_documents_get_an_answer(
            which in 0..VALID.len(),
            damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..6),
        ) {
            let (format, text) = VALID[which];
            let mut bytes = text.as_bytes().to_vec();
            for (at, byte, how) in damage {
                if bytes.is_empty() {
                    break;
                }
                let at = at.index(bytes.len());
                match how {
                    0 => bytes[at] = byte,
                    1 => { bytes.remove(at); }
                    _ => bytes.extend_from_within(at..),
                }
            }
            ask(format, &bytes);
        }
    }
}
