//! `duplicate-keys`: the merge put a key into an object twice.

use std::collections::BTreeSet;

use crate::manifest::Format;
use crate::model::{Level, PathFacts, TreePath};
use crate::validate::{DuplicateKey, duplicate_keys};

use super::conflict_markers::unresolved;
use super::data::reading;
use super::{Case, Docs, Draft, Rule, Weight};

/// The rule.
pub const RULE: Rule = Rule {
    name: "duplicate-keys",
    default: Level::Block,
    docs: Docs {
        finds: "A key stands twice in one object of a JSON, YAML or TOML file that the merge put together, and is \
                doubled in no parent; in files that a `[[data]]` entry names also when the content was taken whole from \
                one side. Items of lists are compared without their position. In lock files it warns only.",
        why: "Both sides added the same key, and git kept both lines. Most parsers take the last one without a word, so \
              one side's value is lost; TOML refuses the file. Of 22 such merges in public histories 21 were repaired \
              later; none of 6,650 ordinary merges had one.",
        what_to_do: "Decide which value holds, take the other line out, `git add` the file and conclude the merge again.",
        when_wrong: "What reads the file wants the key twice: name the file's format as `text` in a `[[data]]` entry, or \
                     `guard allow duplicate-keys <path> --reason '...'`.",
    },
    judge,
};

/// So many keys are named.
const NAMED: usize = 5;

/// Files that a package manager writes again anyway.
const LOCK_FILES: [&str; 4] = ["package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "packages.lock.json"];

fn judge(case: &Case<'_>) -> Vec<Draft> {
    case.paths().filter_map(|facts| draft(case, facts)).collect()
}

fn draft(case: &Case<'_>, facts: &PathFacts) -> Option<Draft> {
    let reading = reading(case, facts)?;
    let keys = duplicate_keys(reading.format, reading.bytes).ok().filter(|keys| !keys.is_empty())?;
    // Markers in the file are the cause, and are said by their own rule.
    if unresolved(case, facts).is_some() {
        return None;
    }
    let sets = reading.earlier(case, facts);
    let known: Vec<BTreeSet<String>> = sets.iter().filter_map(|set| shapes(reading.format, set)).collect();
    let is_new = |key: &&DuplicateKey| known.iter().any(|known| !known.contains(&shape(&key.pointer)));
    let new: Vec<&DuplicateKey> = keys.iter().filter(is_new).collect();
    let first = new.first()?;
    let path = &facts.path;
    let place = first.line.map(|line| format!(", line {line}")).unwrap_or_default();
    let more =
        if new.len() > 1 { format!(", and {}", crate::model::count(new.len() - 1, "more key")) } else { String::new() };
    let message = format!("key '{}' stands {} times in '{path}'{place}{more}", first.pointer, first.count);
    let weight = if is_lock_file(path) { Weight::AtMost(Level::Warn) } else { Weight::Rule };
    let named = new.iter().take(NAMED).map(|key| key.pointer.as_str()).collect::<Vec<_>>().join(" ");
    let draft = Draft::at(path, message).weighing(weight).evidence("keys", named);
    Some(match first.line {
        Some(line) => draft.evidence("line", line.to_string()),
        None => draft,
    })
}

/// Returns the shapes of all keys doubled in one of the versions; `None` when one can't be read.
fn shapes(format: Format, versions: &[&[u8]]) -> Option<BTreeSet<String>> {
    let mut shapes = BTreeSet::new();
    for version in versions {
        shapes.extend(duplicate_keys(format, version).ok()?.iter().map(|key| shape(&key.pointer)));
    }
    Some(shapes)
}

/// Returns a pointer without the positions in lists: an item that moved because another came in before it is the same.
fn shape(pointer: &str) -> String {
    let is_position = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    pointer.split('/').map(|part| if is_position(part) { "*" } else { part }).collect::<Vec<_>>().join("/")
}

fn is_lock_file(path: &TreePath) -> bool {
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    name.ends_with(b".lock") || LOCK_FILES.iter().any(|known| name == known.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{Sample, file};

    fn merged(path: &str, first: &str, other: &str, result: &str) -> Sample {
        Sample::merge().path(path, file(first), &[file(other)], file(result))
    }

    #[test]
    fn a_key_that_the_merge_doubled_blocks() {
        let sample = merged("a.json", r#"{"x": 1}"#, r#"{"y": 1}"#, r#"{"a": {"x": 1, "x": 2}}"#);
        assert_eq!(sample.said(), ["block duplicate-keys a.json"]);
        assert_eq!(sample.judge()[0].message, "key '/a/x' stands 2 times in 'a.json', line 1");
        let sample = merged("a.yaml", "a: 1\n", "b: 1\n", "a: 1\na: 2\nb: 1\nb: 2\n");
        assert_eq!(sample.judge()[0].message, "key '/a' stands 2 times in 'a.yaml', line 2, and 1 more key");
        assert_eq!(sample.judge()[0].evidence["keys"], "/a /b");
    }

    #[test]
    fn toml_with_a_doubled_key_is_this_rule_and_not_invalid_data() {
        let sample = merged("Cargo.toml", "a = 1\n", "b = 1\n", "a = 1\na = 2\n");
        assert_eq!(sample.said(), ["block duplicate-keys Cargo.toml"]);
    }

    #[test]
    fn keys_that_a_parent_doubled_already_are_quiet_wherever_their_item_stands_now() {
        let doubled = r#"[{"x": 1, "x": 2}]"#;
        assert!(merged("a.json", doubled, "[1]", r#"[1, {"x": 1, "x": 2}]"#).said().is_empty());
        assert!(merged("a.json", "[1]", doubled, r#"[1, {"x": 1, "x": 2}]"#).said().is_empty());
        assert!(merged("a.json", "[", "[]", doubled).said().is_empty());
        assert!(merged("a.json", "[]", doubled, doubled).said().is_empty());
    }

    #[test]
    fn named_data_is_judged_when_it_is_taken_whole_too() {
        let sample = merged("a.jsonl", "{}", r#"{"x": 1, "x": 2}"#, r#"{"x": 1, "x": 2}"#).data(&["a.jsonl"]);
        assert_eq!(sample.said(), ["block duplicate-keys a.jsonl"]);
    }

    #[test]
    fn in_lock_files_it_warns() {
        let sample = merged("web/package-lock.json", "{}", "[]", r#"{"x": 1, "x": 2}"#);
        assert_eq!(sample.said(), ["warn duplicate-keys web/package-lock.json"]);
        assert!(is_lock_file(&"Cargo.lock".into()) && !is_lock_file(&"lock/a.json".into()));
    }
}
