//! What the rules about data files have in common: which files they read, as what, and what the parents say.
//!
//! `invalid-data` and `duplicate-keys` read bytes; the rules about what a `[[data]]` entry demands compare what the versions
//! hold ([`held`], [`names`], [`count`]).

use std::collections::BTreeMap;

use crate::manifest::{DataRule, FILE, Format};
use crate::model::{Content, Entry, Held, Level, Names, PathFacts, TreePath};
use crate::validate::{self, Demands, examine};

use super::Case;

/// Why a file's content is looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading<'a> {
    /// What it is read as.
    pub format: Format,
    /// Its bytes in the result.
    pub bytes: &'a [u8],
    /// The merge put the content together: it is compared with every parent.
    pub is_merged: bool,
    /// The manifest names the file as data: it is compared with the first parent, wherever the content comes from.
    pub is_data: bool,
}

/// Returns how a path's result is to be read; `None` for files that no rule about data looks at.
pub(super) fn reading<'a>(case: &Case<'a>, facts: &PathFacts) -> Option<Reading<'a>> {
    // A manifest that can't be read is `manifest-weakened`'s.
    if facts.conflicted || !facts.result?.mode.is_regular() || *facts.path == *FILE.as_bytes() {
        return None;
    }
    let named = case.manifest.data_rule(facts.path.as_bstr()).map(|(_, format)| format);
    // Without a manifest only what was measured is judged; `.jsonl` and `.csv` files are often fixtures or fragments.
    let by_name = Format::by_extension(facts.path.as_bstr());
    let by_name = by_name.filter(|format| matches!(format, Format::Json | Format::Yaml | Format::Toml));
    let is_merged = facts.is_merged_content();
    let format = checked(if is_merged { named.or(by_name)? } else { named? })?;
    Some(Reading { format, bytes: case.facts.bytes(facts.result)?, is_merged, is_data: named.is_some() })
}

/// Returns the format if content of it can be judged.
pub(super) fn checked(format: Format) -> Option<Format> {
    (!matches!(format, Format::Sqlite | Format::Text | Format::Binary)).then_some(format)
}

impl<'a> Reading<'a> {
    /// Returns the earlier versions with which the result is compared, as sets: a fault is new if it is in no version
    /// of one of the sets.
    ///
    /// Content that the merge put together is compared with every parent that has the file (at least one must); data
    /// that the manifest names with the first parent, or with nothing where that does not have it. A set of which a
    /// version can't be read is left out.
    pub fn earlier(&self, case: &Case<'a>, facts: &PathFacts) -> Vec<Vec<&'a [u8]>> {
        let bytes = |entry: Entry| if entry.mode.is_regular() { case.facts.bytes(Some(entry)) } else { None };
        let mut sets = Vec::new();
        if self.is_data {
            // A link or submodule that became a data file has no earlier version to compare with.
            let first = facts.first.filter(|entry| entry.mode.is_regular());
            sets.extend(first.map(bytes).into_iter().collect::<Option<Vec<_>>>());
        }
        if self.is_merged {
            let parents = std::iter::once(&facts.first).chain(&facts.others).flatten();
            let versions = parents.map(|parent| bytes(*parent)).collect::<Option<Vec<_>>>();
            sets.extend(versions.filter(|versions| !versions.is_empty()));
        }
        sets
    }
}

/// Returns what a version of a data file holds; `None` for files that no entry names, and where nothing is known.
pub(super) fn held<'a>(case: &Case<'a>, facts: &PathFacts, entry: Option<Entry>) -> Option<&'a Held> {
    case.facts.data.get(&facts.path)?.held.get(&entry?.oid)
}

/// Returns the names of a version's records, if all are known; a file that is not there has none.
pub(super) fn names<'a>(case: &Case<'a>, facts: &PathFacts, entry: Option<Entry>) -> Option<&'a Names> {
    static NONE: Names = Names { hashes: Vec::new(), nameless: 0, doubled: BTreeMap::new(), texts: Vec::new() };
    if entry.is_none() { Some(&NONE) } else { held(case, facts, entry)?.contents.named() }
}

/// Returns how many records a version has, if that is known; a file that is not there has none.
pub(super) fn count(case: &Case<'_>, facts: &PathFacts, entry: Option<Entry>) -> Option<u64> {
    if entry.is_none() { Some(0) } else { held(case, facts, entry)?.contents.records }
}

/// Returns the first of some names as they stand in a version. `wanted` is in order.
pub(super) fn texts(case: &Case<'_>, facts: &PathFacts, entry: Option<Entry>, wanted: &[u64]) -> Vec<String> {
    let Some((rule, format)) = case.manifest.data_rule(facts.path.as_bstr()) else { return Vec::new() };
    let Some(mut bytes) = case.facts.bytes(entry) else { return Vec::new() };
    let demands = Demands { wanted, ..Demands::of(rule, None) };
    examine(format, &mut bytes, &demands).map(|examined| examined.contents.names.texts).unwrap_or_default()
}

/// Returns the data files that a merge touches, with their entries.
pub(super) fn named<'a>(case: &Case<'a>) -> impl Iterator<Item = (&'a PathFacts, &'a DataRule)> {
    let manifest = case.manifest;
    case.facts.data.iter().filter_map(|(path, data)| Some((&data.entries, manifest.data_rule(path.as_bstr())?.0)))
}

/// The rules that need to read data files.
const READERS: [&str; 6] =
    ["invalid-data", "duplicate-keys", "data-schema", "lost-records", "doubled-records", "data-shrunk"];

/// Lists the files that the manifest names as data and that could not be judged, with the reason: too large, nested too
/// deep, not gathered, or a schema that can't be used. They are neither good nor bad, and the caller says so.
pub fn unjudged(case: &Case<'_>) -> Vec<(TreePath, String)> {
    let is_off = |rule| case.manifest.setting(rule).and_then(|setting| setting.level) == Some(Level::Off);
    if READERS.into_iter().all(is_off) {
        return Vec::new();
    }
    let obstacles = case.paths().filter_map(|facts| Some((facts.path.clone(), obstacle(case, facts)?)));
    let mut found: BTreeMap<TreePath, String> = obstacles.collect();
    for (path, data) in &case.facts.data {
        if let Some(why) = hidden(case, &data.entries) {
            found.entry(path.clone()).or_insert(why);
        }
    }
    found.into_iter().collect()
}

fn obstacle(case: &Case<'_>, facts: &PathFacts) -> Option<String> {
    let (_, format) = case.manifest.data_rule(facts.path.as_bstr())?;
    let (format, result) = (checked(format)?, facts.result.filter(|entry| entry.mode.is_regular())?);
    let bytes = match case.facts.contents.get(&result.oid) {
        Some(Content::Bytes(bytes)) => bytes,
        Some(Content::TooLarge(size)) => return Some(format!("too large to be read ({size} bytes)")),
        None => return Some("its content could not be read".to_owned()),
    };
    let unknown = |health| match health {
        validate::Health::Unknown { why } => Some(why),
        _ => None,
    };
    validate::duplicate_keys(format, bytes).err().and_then(unknown)
}

/// Returns what is not known of a data file's result, or of a version that it is compared with.
fn hidden(case: &Case<'_>, facts: &PathFacts) -> Option<String> {
    let unknown = |entry| held(case, facts, entry)?.unknown.clone();
    let mut earlier = std::iter::once(facts.first).chain(facts.others.iter().chain(&facts.bases).copied());
    unknown(facts.result).or_else(|| Some(format!("an earlier version: {}", earlier.find_map(unknown)?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{Sample, file, oid};

    #[test]
    fn data_that_a_limit_hides_is_named_with_the_reason() {
        let deep = "[".repeat(1000);
        let sample = Sample::merge().data(&["data/*.json"]).path("data/deep.json", None, &[file(&deep)], file(&deep));
        let sample = sample.path("data/bad.json", None, &[file("{")], file("{"));
        let sample = sample.path("data/good.json", None, &[file("1")], file("1"));
        let mut sample = sample.path("data/large.json", None, &[file("2")], file("2"));
        sample.facts.contents.insert(oid("2"), Content::TooLarge(99));
        let unjudged = unjudged(&sample.case());
        assert_eq!(unjudged[0], ("data/deep.json".into(), "nested deeper than 128 levels".into()));
        assert_eq!(unjudged[1], ("data/large.json".into(), "too large to be read (99 bytes)".into()));
        assert_eq!(unjudged.len(), 2);
        assert_eq!(sample.said(), ["block invalid-data data/bad.json"]);
    }

    #[test]
    fn what_is_not_known_of_any_version_is_named() {
        let aliased = "a: &x {k: 1}\nb: *x\n";
        let sample = |first: &str, result: &str| {
            let sample = Sample::merge().data(&["a.yaml"]).records("/b", None, None);
            sample.path("a.yaml", file(first), &[file(first)], file(result)).examined()
        };
        let said = |first, result| unjudged(&sample(first, result).case()).into_iter().map(|(_, why)| why).collect();
        let why = "aliases ('*', '<<') are not followed: what it holds is not looked at";
        let (here, earlier): (Vec<String>, Vec<String>) = (said("b: {}", aliased), said(aliased, "b: {}"));
        assert_eq!((here, earlier), (vec![why.to_owned()], vec![format!("an earlier version: {why}")]));
    }

    #[test]
    fn files_that_no_entry_names_are_no_matter_of_could_not_judge() {
        let deep = "[".repeat(1000);
        let sample = Sample::merge().path("deep.json", None, &[file(&deep)], file(&deep));
        assert!(unjudged(&sample.case()).is_empty());
    }
}
