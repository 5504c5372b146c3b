//! What the rules about data files have in common: which files they read, as what, and what the parents say.

use crate::manifest::{FILE, Format};
use crate::model::{Content, Entry, Level, PathFacts, TreePath};
use crate::validate;

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

/// Lists the files that the manifest names as data and that could not be judged, with the reason: too large, nested too
/// deep, or not gathered. They are neither good nor bad, and the caller says so.
pub fn unjudged(case: &Case<'_>) -> Vec<(TreePath, String)> {
    let is_off = |rule| case.manifest.setting(rule).and_then(|setting| setting.level) == Some(Level::Off);
    if is_off("invalid-data") && is_off("duplicate-keys") {
        return Vec::new();
    }
    case.paths().filter_map(|facts| Some((facts.path.clone(), obstacle(case, facts)?))).collect()
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
    fn files_that_no_entry_names_are_no_matter_of_could_not_judge() {
        let deep = "[".repeat(1000);
        let sample = Sample::merge().path("deep.json", None, &[file(&deep)], file(&deep));
        assert!(unjudged(&sample.case()).is_empty());
    }
}
