//! `invalid-data`: a data file no longer parses.

use crate::model::{Level, Mode, PathFacts};
use crate::validate::{Health, check};

use super::conflict_markers::unresolved;
use super::data::{held, named, reading};
use super::databases;
use super::{Case, Docs, Draft, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    name: "invalid-data",
    default: Level::Block,
    docs: Docs {
        finds: "A JSON, YAML or TOML file that the merge put together can't be parsed, although every parent that has \
                the file parses. Files that a `[[data]]` entry names (JSONC, JSONL and CSV too) are also judged when their \
                content was taken whole from one side: then the first parent's version must parse, or not exist. A \
                file over a limit (size, depth) is not judged. SQLite databases of an entry are examined by SQLite: damage, a \
                file cut off, references that lead nowhere (`foreign_key_check`), where the first parent's version was \
                sound. So is what takes the place of such a file: a folder, a submodule, and a symbolic link, unless it leads to a \
                file in the repository; what that holds is judged in its place.",
        why: "Both versions were fine, and their combination is not: a brace or a comma was lost between them. What \
              reads the file fails at the next start. Of 40 such merges in public histories 38 were repaired later; \
              none of 6,650 ordinary merges had one.",
        what_to_do: "Repair the file at the line named, `git add` it and conclude the merge again.",
        when_wrong: "The file is broken on purpose (a test's fixture) or in a dialect of its own: name its format in a \
                     `[[data]]` entry (`jsonc` for JSON with comments, `text` for no check), or `guard allow \
                     invalid-data <path> --reason '...'`.",
    },
    judge,
};

fn judge(case: &Case<'_>) -> Vec<Draft> {
    let files = case.paths().filter_map(|facts| draft(case, facts));
    let data = |(facts, _)| no_file(case, facts).or_else(|| databases::damaged(case, facts));
    files.chain(named(case).filter_map(data)).collect()
}

/// Says that something stands in the place of a data file that is none, or a link that leads to no good one.
fn no_file(case: &Case<'_>, facts: &PathFacts) -> Option<Draft> {
    if !facts.replaces_file() {
        return None;
    }
    let what = match facts.result.map(|entry| entry.mode) {
        Some(Mode::Link) => held(case, facts, facts.result)?.fault.clone()?,
        Some(mode) => format!("it is a {}", mode.noun()),
        None if case.became_folder(facts) => "it is a folder".to_owned(),
        None => return None,
    };
    let path = &facts.path;
    Some(Draft::at(path, format!("'{path}' is no data file any more: {what}")))
}

fn draft(case: &Case<'_>, facts: &PathFacts) -> Option<Draft> {
    let reading = reading(case, facts)?;
    let Health::Bad { line, column, what } = check(reading.format, reading.bytes) else { return None };
    let is_good = |bytes: &&[u8]| check(reading.format, bytes) == Health::Good;
    // Markers in the file are the cause, and are said by their own rule.
    if unresolved(case, facts).is_some() || !reading.earlier(case, facts).iter().any(|set| set.iter().all(is_good)) {
        return None;
    }
    let (path, format) = (&facts.path, reading.format.word());
    let draft = Draft::at(path, format!("'{path}' is not valid {format}: line {line}, column {column}: {what}"))
        .evidence("format", format)
        .evidence("line", line.to_string())
        .evidence("column", column.to_string());
    Some(draft)
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{Sample, file, link};

    fn merged(path: &str, first: &str, other: &str, result: &str) -> Sample {
        Sample::merge().path(path, file(first), &[file(other)], file(result))
    }

    #[test]
    fn a_file_that_only_the_merge_broke_blocks() {
        let sample = merged("a.json", "{\"a\": 1}", "{\"b\": 1}", "{\"a\": 1\n \"b\": 1}");
        assert_eq!(sample.said(), ["block invalid-data a.json"]);
        assert_eq!(sample.judge()[0].evidence["line"], "2");
        assert_eq!(merged("a.YML", "a: 1", "b: 1", "a: [1").said(), ["block invalid-data a.YML"]);
        assert_eq!(merged("a.toml", "a = 1", "b = 1", "a = ").said(), ["block invalid-data a.toml"]);
        let added = Sample::merge().path("a.json", None, &[file("{}")], file("{"));
        assert_eq!(added.said(), ["block invalid-data a.json"]);
    }

    #[test]
    fn a_file_that_a_parent_can_not_be_read_either_is_quiet() {
        // Helm templates, and JSON with comments under the name of JSON.
        assert!(merged("t.yaml", "{{- if a }}\nx", "a: 1", "{{- if b }}\nx").said().is_empty());
        assert!(merged("tsconfig.json", "{} // a", "{} // b", "{} // c").said().is_empty());
        assert!(merged("a.json", "{}", "[", "{").said().is_empty());
        assert!(Sample::merge().path("a.json", None, &[None], file("{")).said().is_empty());
    }

    #[test]
    fn what_is_taken_whole_limits_and_other_formats_are_quiet() {
        assert!(merged("a.json", "{}", "{", "{").said().is_empty());
        assert!(merged("a.json", "1", "2", &"[".repeat(1000)).said().is_empty());
        assert!(merged("a.jsonl", "1", "2", "{").said().is_empty());
        assert!(merged("a.txt", "1", "2", "{").said().is_empty());
        assert!(merged("a.json", "1", "2", "{").with("a.json", |facts| facts.conflicted = true).said().is_empty());
    }

    #[test]
    fn named_data_is_judged_when_it_is_taken_whole_too() {
        let fast_forward = |first| Sample::merge().data(&["*.jsonl"]).path("a.jsonl", first, &[file("{")], file("{"));
        assert_eq!(fast_forward(file("{}")).said(), ["block invalid-data a.jsonl"]);
        assert_eq!(fast_forward(None).said(), ["block invalid-data a.jsonl"]);
        assert!(fast_forward(file("[")).said().is_empty());
    }

    #[test]
    fn what_takes_the_place_of_a_data_file_is_judged_by_what_it_leads_to() {
        // What a link leads to stands for its target here.
        let taken =
            |first, result| Sample::merge().data(&["*.json"]).path("a.json", first, &[result], result).examined();
        assert_eq!(taken(file("{}"), link("x")).said(), ["block invalid-data a.json"]);
        assert!(taken(file("{}"), link("[]")).said().is_empty());
        assert!(taken(None, link("x")).said().is_empty());
        assert!(taken(link("y"), link("x")).said().is_empty());
        let folder = taken(file("{}"), None).path("a.json/x", None, &[file("1")], file("1"));
        assert_eq!(folder.judge()[0].message, "'a.json' is no data file any more: it is a folder");
        assert!(taken(file("{}"), None).said().is_empty());
    }

    #[test]
    fn markers_are_said_once() {
        let marked = "<<<<<<< HEAD\n{}\n=======\n[]\n>>>>>>> feat\n";
        assert_eq!(merged("a.json", "{}", "[]", marked).said(), ["block conflict-markers a.json"]);
    }
}
