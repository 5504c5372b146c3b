//! `data-shrunk`: a data file holds far fewer records, or nothing.

use crate::manifest::DataRule;
use crate::model::{Entry, Level, PathFacts};

use super::data::{count, held, named, names};
use super::databases::{self, About};
use super::lost_change::side_name;
use super::{Case, Docs, Draft, Rule, Weight, lost_records};

/// The rule.
pub const RULE: Rule = Rule {
    name: "data-shrunk",
    default: Level::Warn,
    docs: Docs {
        finds: "A file that a `[[data]]` entry names is empty or has no records left, and had some. Where records have no names \
                (no `key`), so that nobody can say which are gone, they are counted: what a parent has, less what the other \
                parents removed, less what is there. It warns when that is more than half of the parent's records, and blocks \
                when it is more than `max_loss` allows, or when the first parent loses more than that whoever removed them. Of a SQLite database a table that is empty \
                or gone and had rows warns, and blocks beyond `max_loss`, whoever did it; so does a column in which at least \
                90 % of the rows have one value, where before at most 50 % had (`UPDATE` without `WHERE`): that warns, for \
                what stood there is gone though every row is there.",
        why: "An export that broke off, or a merge that took the short side, leaves a file that parses and says little.",
        what_to_do: "Compare the file with both parents' versions and put back what is missing.",
        when_wrong: "The data was cleared or cut down on purpose: `guard allow data-shrunk <path> --reason '...'`, and raise \
                     `max_loss` if that happens often.",
    },
    judge,
};

fn judge(case: &Case<'_>) -> Vec<Draft> {
    named(case).filter_map(|(facts, rule)| draft(case, facts, rule)).collect()
}

fn draft(case: &Case<'_>, facts: &PathFacts, rule: &DataRule) -> Option<Draft> {
    if lost_records::draft(case, facts, rule).is_some() {
        return None;
    }
    let counted = counted(case, facts, rule).or_else(|| emptied(case, facts));
    counted.or_else(|| databases::draft(case, facts, rule, About::Shrunk))
}

/// Counts records that have no names.
fn counted(case: &Case<'_>, facts: &PathFacts, rule: &DataRule) -> Option<Draft> {
    if facts.moved.is_some() {
        return None;
    }
    let entries: Vec<Option<Entry>> = std::iter::once(facts.first).chain(facts.others.iter().copied()).collect();
    if entries.iter().all(|entry| names(case, facts, *entry).is_some()) {
        return None;
    }
    let all = |entries: &[Option<Entry>]| entries.iter().map(|entry| count(case, facts, *entry)).collect();
    let (parents, bases): (Option<Vec<u64>>, Option<Vec<u64>>) = (all(&entries), all(&facts.bases));
    let (parents, result) = (parents?, count(case, facts, facts.result)?);
    let base = bases.unwrap_or_default().into_iter().max();
    // Without a merge base nobody knows who removed what.
    let lost = |side: usize| {
        let others = parents.iter().enumerate().filter(|(other, _)| *other != side);
        let removed: u64 =
            others.map(|(_, other)| base.unwrap_or(u64::MAX).saturating_sub(*other)).fold(0, u64::saturating_add);
        parents[side].saturating_sub(removed).saturating_sub(result)
    };
    let is_over = |lost: u64, of: u64| rule.max_loss.is_some_and(|max| !max.allows(lost, of));
    let side = (0..parents.len()).rev().max_by_key(|side| lost(*side))?;
    let (gone, path) = (parents[0].saturating_sub(result), &facts.path);
    let (weight, side) = if is_over(lost(side), parents[side]) {
        (Weight::Own(Level::Block), side)
    } else if is_over(gone, parents[0]) {
        (Weight::Own(Level::Block), 0)
    } else if lost(side) > parents[side] / 2 {
        (Weight::Rule, side)
    } else {
        return None;
    };
    let (before, name) = (parents[side], side_name(case, side));
    let draft =
        Draft::at(path, format!("'{path}' has {}, where {name} has {before}", crate::model::count(result, "record")))
            .weighing(weight);
    let draft = draft.evidence("records", result.to_string()).evidence("before", before.to_string());
    Some(match rule.max_loss {
        Some(max) => draft.evidence("max_loss", max.to_string()),
        None => draft,
    })
}

/// Says that nothing is left.
fn emptied(case: &Case<'_>, facts: &PathFacts) -> Option<Draft> {
    let result = held(case, facts, facts.result).filter(|held| held.fault.is_none())?;
    let (first, path) = (facts.first.filter(|entry| entry.mode.is_regular()), &facts.path);
    if let (Some(before @ 1..), Some(0)) = (held(case, facts, first)?.contents.records, result.contents.records) {
        let draft = Draft::at(path, format!("no records are left in '{path}', which had {before}"));
        return Some(draft.evidence("records", "0").evidence("before", before.to_string()));
    }
    let is_empty = |entry| case.facts.bytes(entry).map(<[u8]>::is_empty);
    let message = format!("'{path}' is empty, and was not");
    (is_empty(first) == Some(false) && is_empty(facts.result) == Some(true)).then(|| Draft::at(path, message))
}

#[cfg(test)]
mod tests {
    use crate::manifest::MaxLoss;
    use crate::rules::testing::{Sample, file};

    const FEW: Option<MaxLoss> = Some(MaxLoss::Percent(10.0));

    /// A list as base, first parent, second parent and result have it, in numbers of records.
    fn merged(max_loss: Option<MaxLoss>, lengths: [usize; 4]) -> Sample {
        // What tells the versions apart says nothing.
        let version =
            |(place, length): (usize, usize)| format!("[{}]{}", vec!["{}"; length].join(","), " ".repeat(place));
        let [base, first, second, result] = [0, 1, 2, 3].map(|place| version((place, lengths[place])));
        let sample = Sample::merge().path("a.json", file(&first), &[file(&second)], file(&result));
        sample.base("a.json", file(&base)).data(&["a.json"]).records("", None, max_loss).examined()
    }

    #[test]
    fn more_than_half_warns_and_more_than_max_loss_blocks() {
        let sample = merged(None, [10, 12, 11, 5]);
        assert_eq!(sample.said(), ["warn data-shrunk a.json"]);
        assert_eq!(sample.judge()[0].message, "'a.json' has 5 records, where main has 12");
        assert!(merged(None, [10, 12, 11, 6]).said().is_empty());
        assert_eq!(merged(FEW, [10, 12, 11, 9]).said(), ["block data-shrunk a.json"]);
        assert!(merged(FEW, [10, 10, 11, 10]).said().is_empty());
        // The other side's.
        let sample = merged(None, [10, 10, 40, 10]);
        assert_eq!(sample.judge()[0].message, "'a.json' has 10 records, where feat has 40");
    }

    #[test]
    fn what_a_side_removed_is_quiet_without_max_loss() {
        assert!(merged(None, [10, 10, 2, 2]).said().is_empty());
        assert!(merged(FEW, [10, 2, 11, 3]).said().is_empty());
        let sample = merged(FEW, [10, 10, 2, 2]);
        assert_eq!(sample.said(), ["block data-shrunk a.json"]);
        assert!(merged(None, [10, 10, 40, 10]).with("a.json", |facts| facts.bases.clear()).said().is_empty());
    }

    #[test]
    fn what_is_emptied_warns_whoever_did_it() {
        let sample = merged(None, [10, 10, 0, 0]);
        assert_eq!(sample.judge()[0].message, "no records are left in 'a.json', which had 10");
        assert!(merged(None, [0, 0, 0, 0]).said().is_empty());
        let text = |first, result| {
            let sample = Sample::merge().path("a.txt", file(first), &[file(result)], file(result)).data(&["a.txt"]);
            sample.base("a.txt", file(first)).examined()
        };
        assert_eq!(text("x", "").said(), ["warn data-shrunk a.txt"]);
        assert_eq!(text("x", "").judge()[0].message, "'a.txt' is empty, and was not");
        assert!(text("", "x").said().is_empty());
        // With names it is known which are gone.
        let named = merged(None, [10, 10, 40, 10]);
        let list = |first: &str, result: &str| {
            let sample = Sample::merge().path("b.json", file(first), &[file(result)], file(result));
            sample.base("b.json", file(first)).data(&["b.json"]).records("", Some("id"), None).examined()
        };
        assert_eq!(named.said().len(), 1);
        assert_eq!(list(r#"[{"id": 1}]"#, "[]").said(), ["warn data-shrunk b.json"]);
        assert!(list(r#"[{"id": 1}, {"id": 2}]"#, r#"[{"id": 1}]"#).said().is_empty());
    }
}
