//! What a version of a data file has less than another: records, or rows of tables.

use crate::manifest::MaxLoss;
use crate::model::{Contents, Names};

/// What is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// Records, or rows, that one version has and the other has not.
    pub gone: u64,
    /// All that the one has.
    pub of: u64,
    /// By table, where the file is a database: rows less, and rows of the one.
    pub tables: Vec<(String, u64, u64)>,
}

/// Returns what `other` lacks of what `one` has; `None` where one of both can't be counted.
///
/// Records with names are compared by them, so what came in their place does not hide that they are gone.
pub fn loss(one: &Contents, other: &Contents) -> Option<Loss> {
    if !one.tables.is_empty() || !other.tables.is_empty() {
        let rows = |contents: &Contents, name: &String| contents.tables.get(name).map_or(0, |table| table.rows);
        let less = |name: &String| (name.clone(), rows(one, name).saturating_sub(rows(other, name)), rows(one, name));
        let tables: Vec<_> = one.tables.keys().map(less).filter(|(_, gone, _)| *gone > 0).collect();
        let (gone, of) = (tables.iter().map(|table| table.1).sum(), one.tables.values().map(|table| table.rows).sum());
        return Some(Loss { gone, of, tables });
    }
    let (of, less) = (one.records?, other.records?);
    let gone = if is_named(&one.names, of) && is_named(&other.names, less) {
        one.names.hashes.iter().filter(|name| other.names.hashes.binary_search(name).is_err()).count() as u64
    } else {
        of.saturating_sub(less)
    };
    Some(Loss { gone, of, tables: Vec::new() })
}

fn is_named(names: &Names, records: u64) -> bool {
    names.nameless == 0 && (records == 0 || !names.hashes.is_empty())
}

/// Returns whether a loss is more than a file may have.
pub fn over(loss: &Loss, most: MaxLoss) -> bool {
    !most.allows(loss.gone, loss.of) || loss.tables.iter().any(|(_, gone, of)| !most.allows(*gone, *of))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Table;

    fn named(hashes: &[u64]) -> Contents {
        let names = Names { hashes: hashes.to_vec(), ..Names::default() };
        Contents { records: Some(hashes.len() as u64), names, ..Contents::default() }
    }

    fn counted(records: u64) -> Contents {
        let names = Names { nameless: records, ..Names::default() };
        Contents { records: Some(records), names, ..Contents::default() }
    }

    #[test]
    fn records_with_names_are_compared_by_them() {
        let found = loss(&named(&[1, 2, 3]), &named(&[2, 4, 5])).unwrap();
        assert_eq!((found.gone, found.of), (2, 3));
        assert_eq!(loss(&counted(5), &named(&[1, 2, 3])).unwrap().gone, 2);
        assert_eq!(loss(&counted(3), &counted(5)).unwrap().gone, 0);
        assert_eq!(loss(&named(&[1, 2]), &named(&[])).unwrap().gone, 2);
        assert_eq!(loss(&Contents::default(), &counted(5)), None);
    }

    #[test]
    fn databases_lose_rows_by_table() {
        let database = |tables: &[(&str, u64)]| {
            let table = |(name, rows): &(&str, u64)| ((*name).to_owned(), Table { rows: *rows, ..Table::default() });
            Contents { tables: tables.iter().map(table).collect(), ..Contents::default() }
        };
        let found = loss(&database(&[("a", 10), ("b", 5), ("c", 1)]), &database(&[("a", 4), ("b", 7)])).unwrap();
        assert_eq!((found.gone, found.of), (7, 16));
        assert_eq!(found.tables, [("a".to_owned(), 6, 10), ("c".to_owned(), 1, 1)]);
        // One table that was emptied is more than a tenth of it, whatever the others hold.
        let found = loss(&database(&[("a", 1000), ("b", 5)]), &database(&[("a", 1000), ("b", 0)])).unwrap();
        assert!(over(&found, MaxLoss::Percent(10.0)));
    }

    #[test]
    fn a_share_and_a_number_are_bounds() {
        let lost = |gone, of| Loss { gone, of, tables: Vec::new() };
        assert!(!over(&lost(10, 100), MaxLoss::Percent(10.0)) && over(&lost(11, 100), MaxLoss::Percent(10.0)));
        assert!(!over(&lost(0, 0), MaxLoss::Percent(0.0)) && over(&lost(1, 1000), MaxLoss::Percent(0.0)));
        assert!(!over(&lost(3, 9), MaxLoss::Records(3)) && over(&lost(4, 9), MaxLoss::Records(3)));
    }
}
