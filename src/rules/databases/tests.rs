//! Losses of databases as rules say them, on made-up counts.

use super::*;
use crate::manifest::MaxLoss;
use crate::model::{DataFacts, Finding, Held, Table};
use crate::rules::testing::{Sample, Side, file};

/// A database of one table with so many rows.
fn rows(rows: u64) -> Contents {
    let last_row = i64::try_from(rows).ok().filter(|rows| *rows > 0);
    let table = Table { rows, last_row, columns: vec!["id".to_owned()], ..Table::default() };
    with("t", table)
}

fn with(name: &str, table: Table) -> Contents {
    let schema = Some(table.columns.join(" "));
    Contents { tables: [(name.to_owned(), table)].into(), schema, ..Contents::default() }
}

/// A database as base, first parent, second parent and result have it.
fn merged(max_loss: Option<MaxLoss>, versions: [Option<&Contents>; 4]) -> Sample {
    let name = |place: usize| -> Side<'_> {
        let first = versions.iter().position(|version| *version == versions[place])?;
        versions[place].and_then(|_| file(["one", "two", "three", "four"][first]))
    };
    let sample = Sample::merge().path("a.db", name(1), &[name(2)], name(3)).base("a.db", name(0));
    let mut sample = sample.data(&["*.db"]).records("", None, max_loss);
    let entries = sample.facts.paths[0].clone();
    let all = [entries.bases[0], entries.first, entries.others[0], entries.result];
    let held = |contents: &Contents| Held { contents: contents.clone(), ..Held::default() };
    let held = all.iter().zip(versions).filter_map(|(entry, version)| Some(((*entry)?.oid, held(version?))));
    let held = held.collect();
    sample.facts.data.insert("a.db".into(), DataFacts { entries, held });
    sample
}

fn only(sample: &Sample) -> Finding {
    let mut found = sample.judge();
    found.retain(|finding| finding.path.is_some());
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

const FEW: Option<MaxLoss> = Some(MaxLoss::Percent(10.0));

#[test]
fn what_a_side_brought_warns_and_blocks_beyond_max_loss() {
    let (base, first, second) = (rows(100), rows(103), rows(105));
    let versions = [Some(&base), Some(&first), Some(&second), Some(&first)];
    let found = only(&merged(None, versions));
    assert_eq!((found.rule.as_str(), found.level), ("lost-records", Level::Warn));
    let evidence = |name: &str| found.evidence[name].clone();
    assert_eq!(["table", "rows", "of", "side"].map(evidence), ["t", "5", "105", "feat"]);
    assert!(found.remedy.starts_with("guard restore --from ") && found.remedy.ends_with(" -- 'a.db'"));
    assert_eq!(merged(Some(MaxLoss::Records(5)), versions).said(), ["warn lost-records a.db"]);
    let mut sample = merged(Some(MaxLoss::Records(4)), versions);
    assert_eq!(sample.said(), ["block lost-records a.db"]);
    assert!(only(&sample).remedy.starts_with("guard restore "));
    // Nothing is lost as long as it is refused.
    sample.facts.result = ResultKind::Predicted { certain: true };
    assert!(only(&sample).remedy.starts_with("guard allow lost-records"));
}

#[test]
fn what_both_views_show_is_said_once_and_at_the_higher_level() {
    // The first parent loses its three rows in the merge, and all that it has against the result.
    let (base, first, second) = (rows(100), rows(103), rows(60));
    let sample = merged(FEW, [Some(&base), Some(&first), Some(&second), Some(&second)]);
    assert_eq!(sample.said(), ["block lost-records a.db"]);
    assert_eq!(only(&sample).evidence["count"], "1");
    assert_eq!(only(&sample).message, "'a.db': 't' lacks 3 rows that main brought: its last row is 103, here it is 60");
}

#[test]
fn rows_that_a_branch_deletes_count_only_against_max_loss_and_an_empty_table_always() {
    let (base, second) = (rows(100), rows(80));
    let step = |max_loss, result: &Contents| merged(max_loss, [Some(&base), Some(&base), Some(result), Some(result)]);
    assert!(step(None, &second).said().is_empty());
    assert!(step(Some(MaxLoss::Percent(20.0)), &second).said().is_empty());
    assert_eq!(step(FEW, &second).said(), ["block lost-records a.db"]);
    assert!(!only(&step(FEW, &second)).evidence.contains_key("side"));
    assert_eq!(step(None, &rows(0)).said(), ["warn data-shrunk a.db"]);
    assert_eq!(step(FEW, &rows(0)).said(), ["block data-shrunk a.db"]);
}

#[test]
fn a_file_that_goes_takes_its_rows_with_it_unless_it_moved() {
    let base = rows(100);
    let gone = |max_loss| merged(max_loss, [Some(&base), Some(&base), None, None]);
    assert_eq!(gone(FEW).said(), ["block lost-records a.db"]);
    assert_eq!(only(&gone(FEW)).message, "'a.db': it is gone, with 100 rows");
    assert!(gone(None).said().is_empty());
    assert!(gone(FEW).moved("a.db", "b.db").said().is_empty());
    assert!(merged(FEW, [None, None, Some(&base), Some(&base)]).said().is_empty());
}

#[test]
fn a_column_that_the_merge_lost_blocks_and_one_that_a_branch_dropped_warns() {
    let columns = |names: &[&str]| {
        let columns = names.iter().map(|name| (*name).to_owned()).collect();
        with("t", Table { rows: 1, columns, ..Table::default() })
    };
    let (base, more) = (columns(&["a"]), columns(&["a", "b"]));
    let at = |versions: [&Contents; 4]| merged(None, versions.map(Some)).said();
    assert_eq!(at([&base, &base, &more, &base]), ["block data-schema a.db"]);
    assert_eq!(at([&more, &more, &base, &base]), ["warn data-schema a.db"]);
    assert_eq!(at([&base, &base, &more, &more]), ["info data-schema a.db"]);
}

#[test]
fn damage_that_was_there_before_and_what_is_not_known_are_quiet() {
    let (base, result) = (rows(1), rows(2));
    let said = |first: (Option<&str>, Option<&str>), last: (Option<&str>, Option<&str>)| {
        let mut sample = merged(None, [Some(&base), Some(&base), Some(&result), Some(&result)]);
        let data = sample.facts.data.values_mut().next().unwrap();
        for (entry, (fault, unknown)) in [(data.entries.first, first), (data.entries.result, last)] {
            let held = data.held.get_mut(&entry.unwrap().oid).unwrap();
            (held.fault, held.unknown) = (fault.map(str::to_owned), unknown.map(str::to_owned));
        }
        (sample.said(), crate::rules::unjudged(&sample.case()).len())
    };
    let (good, bad, unknown) = ((None, None), (Some("torn"), None), (None, Some("sealed")));
    assert_eq!(said(good, bad), (vec!["block invalid-data a.db".to_owned()], 0));
    assert_eq!(said(bad, bad), (Vec::new(), 0));
    assert_eq!(said(unknown, bad), (Vec::new(), 1));
    assert_eq!(said(good, unknown), (Vec::new(), 1));
    assert_eq!(said(bad, good), (Vec::new(), 0));
}
