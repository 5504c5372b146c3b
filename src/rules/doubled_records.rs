//! `doubled-records`: several records of a data file have one name.

use crate::manifest::DataRule;
use crate::model::{Level, PathFacts};

use super::conflict_markers::unresolved;
use super::data::{held, named, texts};
use super::{Case, Docs, Draft, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    name: "doubled-records",
    default: Level::Block,
    docs: Docs {
        finds: "A record's name (the field that a `[[data]]` entry calls its `key`) stands in the result more than once, and \
                more often than in the first parent's version.",
        why: "Both sides added a record with the same number, or the same record at two places, and git kept both lines. What \
              reads the file takes the first, or the last, or fails.",
        what_to_do: "Take out one of the records, or give it a name of its own, `git add` the file and conclude the merge again.",
        when_wrong: "The field does not name a record: take `key` out of the entry, or `guard allow doubled-records <path> \
                     --reason '...'`.",
    },
    judge,
};

fn judge(case: &Case<'_>) -> Vec<Draft> {
    named(case).filter_map(|(facts, rule)| draft(case, facts, rule)).collect()
}

fn draft(case: &Case<'_>, facts: &PathFacts, rule: &DataRule) -> Option<Draft> {
    let key = rule.key.as_deref()?;
    let result = &held(case, facts, facts.result)?.contents.names;
    // Markers keep what both sides have; they are said by their own rule.
    if result.doubled.is_empty() || unresolved(case, facts).is_some() {
        return None;
    }
    let first = match facts.first.filter(|entry| entry.mode.is_regular()) {
        Some(entry) => Some(&held(case, facts, Some(entry)).filter(|held| held.contents.records.is_some())?.contents),
        None => None,
    };
    let is_new = |name: u64, count: u64| count > first.map_or(0, |first| first.names.count(name));
    let new: Vec<u64> =
        result.doubled.iter().filter(|(name, count)| is_new(**name, **count)).map(|(name, _)| *name).collect();
    let texts = texts(case, facts, facts.result, &new);
    let (path, shown) = (&facts.path, texts.first()?);
    let more = match new.len() {
        1 => String::new(),
        2 => ", and so does 1 more".to_owned(),
        many => format!(", and so do {} more", many - 1),
    };
    let draft = Draft::at(path, format!("several records of '{path}' have the {key} '{shown}'{more}"));
    Some(draft.evidence("records", texts.join(", ")).evidence("count", new.len().to_string()))
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{Sample, Side, file};

    fn merged(path: &str, first: Side<'_>, second: &str, result: &str) -> Sample {
        let sample = Sample::merge().path(path, first, &[file(second)], file(result)).base(path, file("[]"));
        let records = if path.ends_with("csv") { None } else { Some("") };
        let mut sample = sample.data(&["a.*"]).records("", Some("id"), None);
        sample.manifest.data[0].records = records.map(str::to_owned);
        sample.examined()
    }

    const ONE: &str = r#"[{"id": 1}]"#;
    const TWICE: &str = r#"[{"id": 1}, {"id": "1"}, {"id": 1}]"#;

    #[test]
    fn a_name_that_stands_more_often_than_before_blocks() {
        let sample = merged("a.json", file(ONE), ONE, TWICE);
        assert_eq!(sample.said(), ["block doubled-records a.json"]);
        assert_eq!(sample.judge()[0].message, "several records of 'a.json' have the id '1'");
        assert_eq!(merged("a.json", None, TWICE, TWICE).said(), ["block doubled-records a.json"]);
        assert_eq!(merged("a.json", file(ONE), TWICE, TWICE).said(), ["block doubled-records a.json"]);
        let table = "id,v\n1,a\n2,b\n1,c\n2,d\n";
        let sample = merged("a.csv", file("id,v\n1,a\n2,b\n"), "id,v\n", table);
        assert_eq!(sample.judge()[0].message, "several records of 'a.csv' have the id '1', and so does 1 more");
        assert_eq!((&*sample.judge()[0].evidence["records"], sample.judge().len()), ("1, 2", 1));
    }

    #[test]
    fn what_was_doubled_before_and_other_rules_matters_are_quiet() {
        assert!(merged("a.json", file(TWICE), ONE, TWICE).said().is_empty());
        assert!(merged("a.json", file("["), ONE, TWICE).said().is_empty());
        assert!(merged("a.json", file(ONE), ONE, r#"[{"id": 1}, {"id": "1"}]"#).said().is_empty());
        let keys = r#"{"x": 1, "x": 1}"#;
        assert_eq!(merged("a.json", file("{}"), "{}", keys).said(), ["block duplicate-keys a.json"]);
        let marked = "id\n<<<<<<< a\n1\n=======\n1\n>>>>>>> b\n";
        assert_eq!(merged("a.csv", file("id\n1\n"), "id\n", marked).said(), ["block conflict-markers a.csv"]);
    }
}
