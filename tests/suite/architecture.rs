//! Which room may name which: read from the source, as `crate::room`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Room → the rooms that it may name. `cli` may name all.
const TABLE: [(&str, &[&str]); 19] = [
    ("model", &[]),
    ("disk", &["model"]),
    ("git", &["model", "disk"]),
    ("manifest", &["model"]),
    ("validate", &["model", "manifest"]),
    ("deviation", &["model", "git"]),
    ("facts", &["model", "git", "manifest", "validate", "deviation"]),
    ("rules", &["model", "manifest", "validate"]),
    ("journal", &["model", "disk"]),
    ("store", &["model", "disk", "validate"]),
    ("postgres", &["model", "disk", "git"]),
    ("snapshot", &["model", "disk", "git", "manifest", "facts", "store"]),
    ("undo", &["model", "disk", "git", "journal", "store", "manifest", "validate", "facts", "snapshot"]),
    ("recover", &["model", "disk", "git", "manifest", "validate", "facts", "journal", "store", "undo"]),
    ("drill", &["model", "disk", "git", "manifest", "validate", "store"]),
    ("hooks", &["model", "git", "disk", "journal", "manifest"]),
    (
        "routes",
        &[
            "model", "disk", "git", "manifest", "validate", "facts", "rules", "journal", "store", "snapshot", "undo",
            "recover", "drill", "hooks", "postgres",
        ],
    ),
    ("report", &["model", "manifest", "rules", "validate", "journal", "undo", "recover", "drill", "routes", "hooks"]),
    ("runbook", &["model", "manifest", "drill", "report"]),
];

/// The room that may name all others and that no other may name.
const TOP: &str = "cli";

#[test]
fn no_room_names_one_that_it_must_not_know() {
    let allowed: BTreeMap<_, _> = TABLE.into_iter().collect();
    let mut wrong = Vec::new();
    for room in rooms() {
        let Some(may) = allowed.get(room.as_str()) else {
            assert_eq!(room, TOP, "the room '{room}' stands in no line of the table");
            continue;
        };
        for file in files(&source().join(&room)) {
            for named in named(&fs::read_to_string(&file).unwrap()) {
                if named != room && !may.contains(&named.as_str()) {
                    wrong.push(format!("{} names crate::{named}", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_has_no_line_for_a_room_that_is_gone_and_no_circle() {
    let rooms = rooms();
    let mut known: BTreeSet<&str> = BTreeSet::new();
    for (room, may) in TABLE {
        assert!(rooms.contains(room), "'{room}' is no room");
        for named in may {
            assert!(known.contains(named), "'{room}' may name '{named}', which stands below it: data would go back");
        }
        known.insert(room);
    }
}

#[test]
fn names_are_found_in_every_form() {
    let text = "\
use crate::git::{Repo, self};
//! [`crate::prose`] and // crate::more
let x = crate::disk::lock; crate::model::escape(b\"\");
use crate::{rules, report::Exit, journal::{self, Journal}};
pub(in crate::facts) fn f() {}
";
    let found = named(text);
    let expected = ["disk", "facts", "git", "journal", "model", "report", "rules"].map(str::to_owned);
    assert_eq!(found, expected.into_iter().collect());
}

/// By itself proptest writes what failed into a folder among the sources.
#[test]
fn no_generated_test_writes_among_the_sources() {
    let opening = concat!("proptest", "! {\n");
    for file in files(&source()).into_iter().chain(files(&source().with_file_name("tests"))) {
        let text = fs::read_to_string(&file).unwrap();
        for (at, _) in text.match_indices(opening) {
            let first = text[at + opening.len()..].lines().next().unwrap_or_default();
            assert!(first.contains("failure_persistence: None"), "{}: {first}", file.display());
        }
    }
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn rooms() -> BTreeSet<String> {
    let entries = fs::read_dir(source()).unwrap().map(Result::unwrap);
    entries.filter(|entry| entry.path().is_dir()).map(|entry| entry.file_name().into_string().unwrap()).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// Returns the rooms that a source text names: whatever follows `crate::`, a list in braces included. Comments are not
/// code: a page may point at any room.
fn named(text: &str) -> BTreeSet<String> {
    let code: String =
        text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n");
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(list) => found.extend(first_words(list)),
            None => found.extend(word(rest)),
        }
    }
    found
}

/// Returns the first word of each element of a list that ends with its closing brace.
fn first_words(list: &str) -> BTreeSet<String> {
    let (mut depth, mut starts, mut found) = (0_u32, true, BTreeSet::new());
    for (at, character) in list.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => starts = true,
            _ if character.is_whitespace() => {}
            _ if starts && depth == 0 => {
                found.extend(word(&list[at..]));
                starts = false;
            }
            _ => {}
        }
    }
    found
}

fn word(text: &str) -> Option<String> {
    let word: String =
        text.chars().take_while(|character| character.is_ascii_lowercase() || *character == '_').collect();
    // `crate::Thing` is the crate's own; there is none, and the compiler would say so.
    (!word.is_empty()).then_some(word)
}
