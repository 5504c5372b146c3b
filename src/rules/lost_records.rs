//! `lost-records`: records of a data file are gone.

use std::collections::BTreeSet;

use crate::manifest::DataRule;
use crate::model::{Entry, Level, Names, PathFacts, ResultKind};

use super::data::{named, names, texts};
use super::databases::{self, About};
use super::lost_change::{restore, side_name};
use super::{Case, Docs, Draft, Rule, Weight};

/// The rule.
pub const RULE: Rule = Rule {
    name: "lost-records",
    default: Level::Warn,
    docs: Docs {
        finds: "Records of a file that a `[[data]]` entry names (with `records`, and with `key` where they are a list) are \
                missing from the result. A record that a parent has and that no other parent removed warns. It blocks when \
                more go than the entry's `max_loss` allows: of the records of one parent that nobody removed, or of the \
                first parent's whoever removed them, as in a fast-forward. A file that goes as a whole takes all its records \
                with it. Of a SQLite database (`format`, or by its extension) the rows of each table are counted: what one side \
                brought and the result lacks, fewer rows than all sides left, a table that only one side had, and numbers \
                that go back (`AUTOINCREMENT`, the last row) warn; `max_loss` is of each table's rows.",
        why: "The file still parses, so nobody notices until somebody looks for what is gone. Merges that take one side of a \
              conflict drop the other side's records without a trace in the merge's own difference; git can't merge a \
              database at all, and an old one wins as easily as a new one.",
        what_to_do: "Look at the records named. Where the finding names a command, it puts that side's change back on top of \
                     today's state; where a branch removed them on purpose, `guard allow` lets this merge pass. Of a \
                     database the command brings that side's whole file: what the other side added has to be put into it by \
                     hand.",
        when_wrong: "Records were renamed, archived or deduplicated on purpose: raise `max_loss`, or `guard allow \
                     lost-records <path> --reason '...'`. Before a merge with `-s ours`, which drops what \
                     comes in, it warns only.",
    },
    judge,
};

fn judge(case: &Case<'_>) -> Vec<Draft> {
    let all = |(facts, rule)| draft(case, facts, rule).or_else(|| databases::draft(case, facts, rule, About::Records));
    named(case).filter_map(all).collect()
}

/// Returns the draft about a data file.
pub(super) fn draft(case: &Case<'_>, facts: &PathFacts, rule: &DataRule) -> Option<Draft> {
    // What moved is looked at where it stands now.
    if facts.result.is_none() && (facts.moved.is_some() || rule.max_loss.is_none()) {
        return None;
    }
    let result = names(case, facts, facts.result)?;
    let first = names(case, facts, facts.first)?;
    let sides = dropped(case, facts, result);
    let gone: Vec<u64> = first.hashes.iter().copied().filter(|name| result.count(*name) == 0).collect();
    let is_over =
        |lost: usize, of: &Names| rule.max_loss.is_some_and(|max| !max.allows(lost as u64, of.hashes.len() as u64));
    let too_many = sides.iter().any(|side| is_over(side.lost.len(), side.names));
    let Some(worst) = sides.iter().rev().max_by_key(|side| side.lost.len()) else {
        return is_over(gone.len(), first).then(|| removed(case, facts, rule, &gone, first));
    };
    let all: BTreeSet<u64> = sides.iter().flat_map(|side| side.lost.iter().copied()).collect();
    let is_of_all = sides.len() == 1 + facts.others.len() && sides.iter().all(|side| side.lost.len() == all.len());
    let owner = if is_of_all { "all sides".to_owned() } else { side_name(case, worst.side) };
    let texts = texts(case, facts, worst.entry, &worst.lost);
    let (count, path) = (worst.lost.len(), &facts.path);
    let are = if count == 1 { "record" } else { "records" };
    let verb = if count == 1 { "is" } else { "are" };
    let message = format!("{count} {are} of {owner} {verb} missing from '{path}'{}", listed(&texts));
    let mut draft = Draft::at(path, message).evidence("side", owner);
    if too_many || is_over(gone.len(), first) {
        draft = draft.weighing(Weight::Own(Level::Block));
    }
    let actual = case.facts.result == ResultKind::Actual;
    if let Some(command) = actual.then(|| restore(case, path, worst.side)).flatten() {
        draft = draft.remedy(command);
    }
    Some(with_numbers(draft, rule, &texts, all.len(), worst.names))
}

/// What a side has that the result lacks though no other side removed it.
struct Dropped<'a> {
    side: usize,
    entry: Option<Entry>,
    names: &'a Names,
    lost: Vec<u64>,
}

/// Finds them; nothing where one version is not known, or nobody knows who removed what.
fn dropped<'a>(case: &Case<'a>, facts: &PathFacts, result: &Names) -> Vec<Dropped<'a>> {
    let all = |entries: &[Option<Entry>]| entries.iter().map(|entry| names(case, facts, *entry)).collect();
    let entries: Vec<Option<Entry>> = std::iter::once(facts.first).chain(facts.others.iter().copied()).collect();
    let (parents, bases): (Option<Vec<&Names>>, Option<Vec<&Names>>) = (all(&entries), all(&facts.bases));
    let (Some(parents), Some(bases)) = (parents, bases.filter(|bases| !bases.is_empty())) else { return Vec::new() };
    let is_lost = |name: &u64| {
        let is_new = || bases.iter().all(|base| base.count(*name) == 0);
        result.count(*name) == 0 && parents.iter().all(|parent| parent.count(*name) > 0 || is_new())
    };
    let sides = parents.iter().zip(entries).enumerate().map(|(side, (names, entry))| {
        let lost = names.hashes.iter().copied().filter(is_lost).collect();
        Dropped { side, entry, names, lost }
    });
    sides.filter(|side| !side.lost.is_empty()).collect()
}

/// Says that what comes in removes too many.
fn removed(case: &Case<'_>, facts: &PathFacts, rule: &DataRule, gone: &[u64], first: &Names) -> Draft {
    let texts = texts(case, facts, facts.first, gone);
    let (count, of, path) = (gone.len(), first.hashes.len(), &facts.path);
    let go = if count == 1 { "goes" } else { "go" };
    let message = format!("{count} of {} {go} from '{path}'{}", crate::model::count(of, "record"), listed(&texts));
    let draft = Draft::at(path, message).weighing(Weight::Own(Level::Block));
    with_numbers(draft, rule, &texts, count, first)
}

fn with_numbers(draft: Draft, rule: &DataRule, texts: &[String], count: usize, of: &Names) -> Draft {
    let draft = draft.evidence("records", texts.join(", ")).evidence("count", count.to_string());
    let draft = draft.evidence("of", of.hashes.len().to_string());
    match rule.max_loss {
        Some(max) => draft.evidence("max_loss", max.to_string()),
        None => draft,
    }
}

/// So many names stand in the message.
const IN_MESSAGE: usize = 3;

fn listed(texts: &[String]) -> String {
    let names: Vec<String> = texts.iter().take(IN_MESSAGE).map(|name| format!("'{name}'")).collect();
    match names.len() {
        0 => String::new(),
        few if few == texts.len() => format!(": {}", names.join(", ")),
        _ => format!(": {} ...", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use crate::manifest::MaxLoss;
    use crate::rules::testing::{Sample, file};

    const FEW: Option<MaxLoss> = Some(MaxLoss::Percent(25.0));

    fn list(ids: &[u32]) -> String {
        let records = ids.iter().map(|id| format!("{{\"id\": {id}}}")).collect::<Vec<_>>().join(", ");
        format!("{{\"r\": [{records}]}}")
    }

    /// A list as base, first parent, second parent and result have it.
    fn merged(max_loss: Option<MaxLoss>, versions: [&[u32]; 4]) -> Sample {
        let [base, first, second, result] = versions.map(list);
        let sample = Sample::merge().path("a.json", file(&first), &[file(&second)], file(&result));
        sample.base("a.json", file(&base)).data(&["a.json"]).records("/r", Some("id"), max_loss).examined()
    }

    #[test]
    fn records_that_nobody_removed_warn_and_name_their_side() {
        let sample = merged(None, [&[1, 2], &[1, 2, 3], &[1, 2, 4, 5], &[1, 2, 3]]);
        assert_eq!(sample.said(), ["warn lost-records a.json"]);
        let finding = &sample.judge()[0];
        assert_eq!(finding.message, "2 records of feat are missing from 'a.json': '4', '5'");
        let evidence = |name: &str| finding.evidence[name].clone();
        assert_eq!(["records", "count", "of", "side"].map(evidence), ["4, 5", "2", "4", "feat"]);
        assert!(finding.remedy.ends_with("-- 'a.json' | git apply --3way"), "{}", finding.remedy);
        let both = merged(None, [&[1, 2], &[1, 2, 3], &[1, 2, 4], &[2, 3, 4]]);
        assert_eq!(both.judge()[0].message, "1 record of all sides is missing from 'a.json': '1'");
        // Many are named up to a bound, and in the file's order.
        let many: Vec<u32> = (1..=20).collect();
        let sample = merged(None, [&[], &many, &[21], &[21]]);
        let finding = &sample.judge()[0];
        assert_eq!(finding.message, "20 records of main are missing from 'a.json': '1', '2', '3' ...");
        assert_eq!(finding.evidence["records"], "1, 2, 3, 4, 5, 6, 7, 8, 9, 10");
    }

    #[test]
    fn more_than_max_loss_blocks() {
        assert_eq!(merged(FEW, [&[1, 2], &[1, 2, 3], &[1, 2, 4], &[1, 2, 3]]).said(), ["block lost-records a.json"]);
        assert_eq!(
            merged(FEW, [&[1, 2], &[1, 2, 3], &[1, 2, 4, 5], &[1, 2, 3, 5]]).said(),
            ["warn lost-records a.json"]
        );
        // A branch that removes them, as a merge and as a fast-forward.
        let sample = merged(FEW, [&[1, 2, 3, 4], &[1, 2, 3, 4], &[1, 2], &[1, 2]]);
        assert_eq!(sample.said(), ["block lost-records a.json"]);
        assert_eq!(sample.judge()[0].message, "2 of 4 records go from 'a.json': '3', '4'");
        assert!(!sample.judge()[0].evidence.contains_key("side"));
        let all = list(&[1, 2]);
        let gone = Sample::merge().path("a.json", file(&all), &[None], None).base("a.json", file(&all));
        let gone = gone.data(&["a.json"]).records("/r", Some("id"), FEW).examined();
        assert_eq!(gone.said(), ["block lost-records a.json"]);
        assert!(gone.path("b.json", None, &[None], file(&all)).moved("a.json", "b.json").said().is_empty());
    }

    #[test]
    fn what_a_side_removed_or_the_entry_allows_is_quiet() {
        assert!(merged(None, [&[1, 2, 3], &[1, 2, 3, 4], &[1], &[1, 4]]).said().is_empty());
        assert!(merged(FEW, [&[1, 2, 3, 4], &[1, 2, 3, 4, 5], &[1, 2, 3], &[1, 2, 3, 5]]).said().is_empty());
        // The first parent has removed them long since.
        assert!(merged(FEW, [&[1, 2, 3, 4], &[1], &[1, 2, 3, 4, 5], &[1, 5]]).said().is_empty());
        assert!(merged(None, [&[1], &[1, 2], &[1, 3], &[3, 1, 2]]).said().is_empty());
        // No merge base, and versions that can't be compared.
        let sample = merged(None, [&[], &[1], &[2], &[1]]);
        assert!(sample.with("a.json", |facts| facts.bases.clear()).said().is_empty());
        let mut sample = merged(None, [&[], &[1], &[2], &[1]]);
        sample.facts.data.clear();
        assert!(!sample.said().iter().any(|line| line.contains("lost-records")));
    }
}
