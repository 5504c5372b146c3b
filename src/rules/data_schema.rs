//! `data-schema`: a data file no longer holds what its entry demands.

use crate::model::{Entry, Level, PathFacts};

use super::conflict_markers::unresolved;
use super::data::{held, named};
use super::databases::{self, About};
use super::{Case, Docs, Draft, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    name: "data-schema",
    default: Level::Block,
    docs: Docs {
        finds: "A file that a `[[data]]` entry names lacks what the entry demands: `root`, `required`, the `schema` (as the \
                first parent has it), a collection at `records`, a `key` in every record. It speaks when the first parent's \
                version had all of it, or does not exist, or when the merge put the content together and every parent's \
                version had. Of a SQLite database it compares the schema: a column, or a table without rows, that the merge \
                lost blocks; what a branch dropped or changed warns; new tables and columns are information.",
        why: "The file parses, so nothing else objects; what reads it fails, or takes a missing list for an empty one.",
        what_to_do: "Put back what the finding names, `git add` the file and conclude the merge again.",
        when_wrong: "The data has a new form: change the entry or the schema first, in a commit of its own on the branch merged \
                     into, or `guard allow data-schema <path> --reason '...'`.",
    },
    judge,
};

/// So many of the demands are shown.
const SHOWN: usize = 3;

fn judge(case: &Case<'_>) -> Vec<Draft> {
    let all = |(facts, rule)| draft(case, facts).or_else(|| databases::draft(case, facts, rule, About::Schema));
    named(case).filter_map(all).collect()
}

fn draft(case: &Case<'_>, facts: &PathFacts) -> Option<Draft> {
    let unmet = &held(case, facts, facts.result)?.unmet;
    let first_unmet = unmet.first()?;
    // Markers in the file are the cause, and are said by their own rule.
    if unresolved(case, facts).is_some() || !had_all(case, facts) {
        return None;
    }
    let path = &facts.path;
    let more = if unmet.len() > 1 { format!(", and {} more", unmet.len() - 1) } else { String::new() };
    let mut draft = Draft::at(path, format!("'{path}' lacks what its entry demands: {first_unmet}{more}"));
    for (number, unmet) in unmet.iter().take(SHOWN).enumerate() {
        draft = draft.evidence(&format!("unmet_{}", number + 1), unmet);
    }
    Some(draft)
}

fn had_all(case: &Case<'_>, facts: &PathFacts) -> bool {
    let is_file = |entry: &Entry| entry.mode.is_regular();
    let fits = |entry: Entry| {
        let is_whole =
            |held: &crate::model::Held| held.fault.is_none() && held.unmet.is_empty() && held.unknown.is_none();
        held(case, facts, Some(entry)).is_some_and(is_whole)
    };
    let mut parents = std::iter::once(facts.first).chain(facts.others.iter().copied()).flatten();
    facts.first.filter(is_file).is_none_or(fits) || (facts.is_merged_content() && parents.all(fits))
}

#[cfg(test)]
mod tests {
    use crate::manifest::Root;
    use crate::rules::testing::{Sample, Side, file};

    fn merged(first: Side<'_>, second: &str, result: &str) -> Sample {
        let sample = Sample::merge().path("a.json", first, &[file(second)], file(result));
        let mut sample = sample.data(&["a.json"]).records("/r", Some("id"), None);
        sample.manifest.data[0].required = vec!["/version".into()];
        sample.manifest.data[0].root = Some(Root::Object);
        sample.examined()
    }

    const GOOD: &str = r#"{"version": 1, "r": [{"id": 1}]}"#;

    #[test]
    fn what_was_there_and_is_missing_blocks() {
        let sample = merged(file(GOOD), GOOD, r#"{"r": [{"id": 1}, {}]}"#);
        assert_eq!(sample.said(), ["block data-schema a.json"]);
        let finding = &sample.judge()[0];
        assert_eq!(finding.message, "'a.json' lacks what its entry demands: '/version': is missing, and 1 more");
        assert_eq!(finding.evidence["unmet_2"], "one record has no 'id'");
        // As a side has it, and as a new file.
        let other = r#"{"version": 1}"#;
        assert_eq!(merged(file(GOOD), other, other).said(), ["block data-schema a.json"]);
        assert_eq!(merged(None, other, other).said(), ["block data-schema a.json"]);
        assert_eq!(merged(file(GOOD), "[]", "[]").said(), ["block data-schema a.json"]);
    }

    #[test]
    fn what_was_missing_before_and_broken_files_are_quiet() {
        let other = r#"{"version": 1}"#;
        assert!(merged(file(other), GOOD, r#"{"version": 2}"#).said().is_empty());
        assert!(merged(file(GOOD), other, GOOD).said().is_empty());
        assert!(merged(file("["), "[", r#"{"version": 2}"#).said().is_empty());
        assert_eq!(merged(file(GOOD), "{}", "{").said(), ["block invalid-data a.json"]);
    }
}
