//! `lost-keys`: a key of a data file is gone, and nobody removed it.

use std::collections::BTreeMap;

use crate::manifest::Format;
use crate::model::{Entry, Level, PathFacts, ResultKind};
use crate::validate::{Keys, Kind, container, keys};

use super::data::{checked, names};
use super::lost_change::{restore, side_name};
use super::ranking::is_generated;
use super::{Case, Docs, Draft, Rule, Weight};

/// The rule.
pub const RULE: Rule = Rule {
    name: "lost-keys",
    default: Level::Warn,
    docs: Docs {
        finds: "A key of a JSON, YAML or TOML file that a parent has is missing from the result, and no other parent removed \
                it. Items of a list count as keys where all of them are objects with an `id`, `name` or `key` of their own; records \
                that a `[[data]]` entry names are those of `lost-records`. A key that only moved, with its value, is not lost. In lock files, translations and generated files it is \
                information.",
        why: "A setting, a dependency or a record of one side is gone without a trace in the merge's own difference. Compared \
              line by line such a loss is one short line, which other rules take for a small edit.",
        what_to_do: "Look at the keys. If they were not meant to go, the command of the finding puts that side's change back \
                     on top of today's state.",
        when_wrong: "Who merged may have renamed the key or folded it into another one. Nothing is refused.",
    },
    judge,
};

/// So many keys are named.
const NAMED: usize = 5;

fn judge(case: &Case<'_>) -> Vec<Draft> {
    // Without a merge base nobody knows who removed what.
    let is_open = |facts: &&PathFacts| !facts.bases.is_empty() && !facts.is_undisputed();
    case.paths().filter(is_open).filter_map(|facts| draft(case, facts)).collect()
}

fn draft(case: &Case<'_>, facts: &PathFacts) -> Option<Draft> {
    let format = match case.manifest.keyed(facts.path.as_bstr())? {
        // Many tools allow comments in JSON; whether they are allowed is no matter here.
        Format::Json => Format::Jsonc,
        other => checked(other)?,
    };
    let read =
        |entry: Option<Entry>| keys(format, case.facts.bytes(entry.filter(|entry| entry.mode.is_regular()))?).ok();
    let parents = std::iter::once(facts.first).chain(facts.others.iter().copied());
    let result = read(facts.result)?;
    let parents = parents.map(read).collect::<Option<Vec<Keys>>>()?;
    // Records that have names are `lost-records`'.
    let records = case.manifest.data_rule(facts.path.as_bstr()).and_then(|(rule, _)| rule.records.as_deref());
    let records = records.filter(|_| names(case, facts, facts.first).is_some());
    let mut gone: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (side, parent) in parents.iter().enumerate() {
        let is_lost = |pointer: &&str| is_gone(parent, &result, pointer) && container(pointer) != records;
        for pointer in parent.pointers().filter(is_lost) {
            gone.entry(pointer).or_default().push(side);
        }
    }
    if gone.is_empty() {
        return None;
    }
    let bases =
        facts.bases.iter().filter(|base| base.is_some()).map(|base| read(*base)).collect::<Option<Vec<Keys>>>()?;
    gone.retain(|pointer, _| {
        let kept = |other: &Keys| other.has(pointer) || !bases.iter().any(|base| base.has(pointer));
        parents.iter().all(kept)
    });
    let lost = gone;
    let (first, sides) = lost.first_key_value()?;
    let (path, count, side) = (&facts.path, lost.len(), *sides.first()?);
    let owner = if sides.len() == parents.len() { "all sides".to_owned() } else { side_name(case, side) };
    let more = match count {
        1 => String::new(),
        2 => ", and 1 more key".to_owned(),
        _ => format!(", and {} more keys", count - 1),
    };
    let weight = if is_generated(path) { Weight::AtMost(Level::Info) } else { Weight::Rule };
    let named = lost.keys().take(NAMED).copied().collect::<Vec<_>>().join(" ");
    let draft = Draft::at(path, format!("key '{first}' of {owner} is missing from '{path}'{more}"))
        .weighing(weight)
        .evidence("keys", named)
        .evidence("count", count.to_string())
        .evidence("side", owner);
    // What is only predicted is not there yet to be put back.
    let command = Some(side).filter(|_| case.facts.result == ResultKind::Actual);
    Some(match command.and_then(|side| restore(case, path, side)) {
        Some(command) => draft.remedy(command),
        None => draft,
    })
}

/// Returns whether a parent's key is gone from the result: not moved, and out of an object or list that is still there.
fn is_gone(parent: &Keys, result: &Keys, pointer: &str) -> bool {
    !result.has(pointer)
        && container(pointer).is_some_and(|around| holds(result.kind(around), parent.kind(around)))
        && !parent.have_moved(pointer, result)
}

/// Returns whether what stands in the result could hold the keys that the parent has there.
fn holds(result: Option<Kind>, parent: Option<Kind>) -> bool {
    match (result, parent) {
        (Some(Kind::Object), Some(Kind::Object | Kind::Open)) | (Some(Kind::Empty), Some(Kind::Records(_))) => true,
        (Some(Kind::Records(here)), Some(Kind::Records(there))) => here == there,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{Sample, file};

    /// A file as base, first parent, second parent and result have it.
    fn merged(path: &str, versions: [&str; 4]) -> Sample {
        let [base, first, second, result] = versions;
        let sample = Sample::merge().path(path, file(first), &[file(second)], file(result));
        sample.base(path, file(base))
    }

    #[test]
    fn a_key_that_only_the_merge_dropped_warns() {
        let sample = merged("a.json", [r#"{"a": 1}"#, r#"{"a": 2, "b~/": 1}"#, r#"{"a": 3}"#, r#"{"a": 3}"#]);
        assert_eq!(sample.said(), ["warn lost-keys a.json"]);
        let finding = &sample.judge()[0];
        assert_eq!(finding.message, "key '/b~0~1' of main is missing from 'a.json'");
        assert_eq!(finding.evidence["keys"], "/b~0~1");
        assert_eq!((&*finding.evidence["count"], &*finding.evidence["side"]), ("1", "main"));
        assert!(finding.remedy.ends_with("-- 'a.json' | git apply --3way"), "{}", finding.remedy);
        // What both have, and comments in what is called JSON.
        let both = r#"{"a": {"x": 1, "y": 2}, "b": 0} // c"#;
        let sample = merged("a.json", [both, &both.replace('0', "1"), &both.replace('0', "2"), r#"{"b": 3}"#]);
        assert_eq!(sample.judge()[0].message, "key '/a' of all sides is missing from 'a.json'");
        let sample = merged("a.toml", ["[a]\n", "[a]\nx = 1\ny = 1\n", "[a]\nz = 1\n", "[a]\n"]);
        assert_eq!(sample.judge()[0].message, "key '/a/x' of main is missing from 'a.toml', and 2 more keys");
    }

    #[test]
    fn records_are_keys() {
        let list = |ids: &[u8]| ids.iter().map(|id| format!("- id: {id}\n  v: {id}\n")).collect::<String>();
        let versions = [&[1, 2][..], &[1, 2, 3], &[1, 4, 2], &[1, 4, 2]].map(list);
        let sample = merged("a.yaml", versions.each_ref().map(String::as_str));
        assert_eq!(sample.judge()[0].message, "key '/id=3' of main is missing from 'a.yaml'");
        let all_gone = merged("a.yaml", [&versions[0], &versions[1], &versions[2], "[]"]);
        assert_eq!(all_gone.judge()[0].evidence["count"], "4");
    }

    #[test]
    fn records_that_an_entry_names_are_those_of_lost_records() {
        let versions = ["{\"r\": {}}", "{\"r\": {\"a\": 1}, \"x\": 1}", "{\"r\": {\"b\": 1}}", "{\"r\": {\"b\": 1}}"];
        let sample = merged("a.json", versions).data(&["a.json"]).records("/r", None, None).examined();
        assert_eq!(sample.said(), ["warn lost-keys a.json", "warn lost-records a.json"]);
        assert_eq!(sample.judge()[0].evidence["keys"], "/x");
    }

    #[test]
    fn keys_that_a_side_removed_or_that_moved_are_quiet() {
        let quiet = |versions| assert!(merged("a.yaml", versions).said().is_empty(), "{versions:?}");
        quiet(["a: 1\nb: 1", "a: 2\nb: 1", "a: 1", "a: 2"]);
        quiet(["a: 1\nb: 1", "a: 1\nb: 2", "a: 3", "a: 3"]);
        // Moved with its value; folded into something of another kind; lists whose items have no names.
        quiet(["a: {}", "a: {x: [1]}", "a: {y: 1}\nb: 1", "a: {y: 1}\nb: {x: [1]}"]);
        quiet(["a: 1", "a: {x: 1}", "a: 2", "a: 2"]);
        quiet(["a: [1]", "a: [1, 2]", "a: [1, 3]", "a: [1, 3]"]);
        quiet(["a: [{id: 1}]", "a: [{id: 1}, {id: 2}]", "a: [{x: 1}]", "a: [{x: 1}]"]);
        // Merged from an anchor.
        quiet([
            "b: &x {p: 1}\na: {}",
            "b: &x {p: 1}\na: {p: 1}",
            "b: &x {p: 1}\na: {q: 1}",
            "b: &x {p: 1}\na: {<<: *x, q: 1}",
        ]);
    }

    #[test]
    fn what_can_not_be_compared_is_quiet() {
        let versions = ["{}", r#"{"a": 1}"#, r#"{"b": 1}"#, r#"{"b": 1, "c": 1}"#];
        assert_eq!(merged("a.json", versions).said(), ["warn lost-keys a.json"]);
        for broken in 0..3 {
            let mut versions = versions;
            versions[broken] = "{";
            assert!(merged("a.json", versions).said().is_empty(), "{broken}");
        }
        assert!(merged("a.txt", versions).said().is_empty());
        assert!(merged("a.jsonl", versions).said().is_empty());
        assert!(merged("a.yaml", ["a: 1\n---\n", "b: 1\n---\n", "c: 1\n---\n", "d: 1\n---\n"]).said().is_empty());
        // One side's version as it is, because only that side changed it.
        assert!(merged("a.json", ["{\"a\": 1}", "{\"a\": 1}", "{}", "{}"]).said().is_empty());
        let gone = Sample::merge().path("a.json", file(versions[1]), &[None], file("{}")).base("a.json", file("{}"));
        assert!(gone.said().is_empty());
    }

    #[test]
    fn in_lock_files_it_is_information() {
        let versions = ["{}", r#"{"a": 1}"#, r#"{"b": 1}"#, r#"{"b": 1}"#];
        assert_eq!(merged("web/package-lock.json", versions).said(), ["info lost-keys web/package-lock.json"]);
    }
}
