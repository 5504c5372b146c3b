//! Questions that other rooms ask of a manifest.

use std::fmt::{self, Display, Formatter};

use bstr::{BStr, ByteSlice};

use super::words::{DEFAULT_NUMBERS, EXTENSIONS, FORMATS, ROOTS};
use super::{DataRule, Format, Manifest, MaxLoss, Patterns, Protect, Root, RuleSetting};

impl Manifest {
    /// Returns every `[[protect]]` entry that names the file at `path`, in the manifest's order.
    pub fn protecting<'a>(&'a self, path: &'a BStr) -> impl Iterator<Item = &'a Protect> {
        self.protect.iter().filter(move |entry| entry.paths.matches(path))
    }

    /// Returns the `[[data]]` entry for the file at `path` and the file's format: the last entry that names it wins.
    /// A file of unknown extension whose entry says no format is [`Format::Binary`]: nothing is claimed of its bytes.
    pub fn data_rule(&self, path: &BStr) -> Option<(&DataRule, Format)> {
        let rule = self.data.iter().rev().find(|rule| rule.paths.matches(path))?;
        Some((rule, rule.format.or_else(|| Format::by_extension(path)).unwrap_or(Format::Binary)))
    }

    /// Returns the format of a file that has keys: as a `[[data]]` entry says, else JSON, YAML and TOML by their names.
    pub fn keyed(&self, path: &BStr) -> Option<Format> {
        let named = self.data_rule(path).map(|(_, format)| format);
        let by_name =
            || Format::by_extension(path).filter(|format| *format != Format::Jsonl && *format != Format::Jsonc);
        let format = named.or_else(by_name)?;
        let has_keys = matches!(format, Format::Json | Format::Jsonc | Format::Jsonl | Format::Yaml | Format::Toml);
        has_keys.then_some(format)
    }

    /// Returns what `[rules]` says of a rule.
    pub fn setting(&self, rule: &str) -> Option<&RuleSetting> {
        self.rules.get(rule)
    }

    /// Returns a number of a rule, `number("mass-delete", "files")`: as `[rules]` says it, else as it is by default;
    /// `None` for a number that the rule does not know.
    pub fn number(&self, rule: &str, key: &str) -> Option<u64> {
        let default = DEFAULT_NUMBERS.iter().find(|known| (known.0, known.1) == (rule, key))?.2;
        let said = self.setting(rule).and_then(|setting| setting.numbers.get(key));
        Some(said.copied().unwrap_or(default))
    }

    /// Returns whether it says nothing beyond what holds where there is no manifest.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Returns every list of patterns in it.
    pub(super) fn pattern_lists(&self) -> impl Iterator<Item = &Patterns> {
        let protect = self.protect.iter().flat_map(|entry| [&entry.paths, &entry.on]);
        let branch = self.branch.iter().flat_map(|rule| [&rule.into, &rule.never]);
        protect.chain(self.data.iter().map(|rule| &rule.paths)).chain(branch)
    }
}

impl MaxLoss {
    /// Returns whether so many of so many records may go.
    #[expect(clippy::cast_precision_loss, reason = "from 2^53 records on the share is a little off")]
    pub fn allows(self, lost: u64, of: u64) -> bool {
        match self {
            Self::Percent(percent) => lost as f64 * 100.0 <= percent * of as f64,
            Self::Records(records) => lost <= records,
        }
    }
}

impl Display for MaxLoss {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Percent(percent) => write!(f, "{percent}%"),
            Self::Records(records) => write!(f, "{records}"),
        }
    }
}

impl Root {
    /// Returns the word that the manifest uses.
    pub fn word(self) -> &'static str {
        ROOTS.iter().find(|(_, root)| *root == self).map_or("", |(word, _)| *word)
    }
}

impl Format {
    /// Returns the format that a file's name speaks of; upper and lower case mean the same.
    pub fn by_extension(path: &BStr) -> Option<Self> {
        let name = path.rsplit_str(b"/").next()?;
        let dot = name.rfind_byte(b'.')?;
        // `.json` alone is a hidden file without an extension.
        let extension = if dot == 0 { return None } else { &name[dot + 1..] };
        EXTENSIONS.iter().find(|(known, _)| known.as_bytes().eq_ignore_ascii_case(extension)).map(|(_, format)| *format)
    }

    /// Returns the word that the manifest uses.
    pub fn word(self) -> &'static str {
        FORMATS.iter().find(|(_, format)| *format == self).map_or("", |(word, _)| *word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::parse;

    fn rich() -> Manifest {
        let text = r#"
            version = 1
            [[protect]]
            name = "scripts"
            paths = ["*.sh"]
            [[protect]]
            name = "all"
            paths = ["scripts/"]
            [[data]]
            paths = ["data/"]
            [[data]]
            paths = ["data/*.dat"]
            format = "csv"
            [rules]
            mass-delete = { files = 7 }
        "#;
        parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn every_entry_that_names_a_path_protects_it() {
        let manifest = rich();
        let names =
            |path: &str| -> Vec<String> { manifest.protecting(path.into()).map(|entry| entry.name.clone()).collect() };
        assert_eq!(names("scripts/a.sh"), ["scripts", "all"]);
        assert_eq!(names("scripts/a.py"), ["all"]);
        assert!(names("src/a.py").is_empty());
    }

    #[test]
    fn the_last_data_entry_wins_and_the_extension_fills_in() {
        let manifest = rich();
        let format = |path: &str| manifest.data_rule(path.into()).map(|(_, format)| format);
        assert_eq!(format("data/a.JSON"), Some(Format::Json));
        assert_eq!(format("data/a.dat"), Some(Format::Csv));
        assert_eq!(format("data/deep/a.dat"), Some(Format::Binary));
        assert_eq!(format("src/a.json"), None);
    }

    #[test]
    fn extensions_are_those_of_the_last_part() {
        let format = |path: &str| Format::by_extension(path.into());
        assert_eq!(format("a.json/b"), None);
        assert_eq!(format("a/.json"), None);
        assert_eq!(format("a.tar.ndjson"), Some(Format::Jsonl));
        assert_eq!(format("a.db"), Some(Format::Sqlite));
        assert_eq!(format("json"), None);
        assert_eq!(format("a."), None);
    }

    #[test]
    fn numbers_fall_back_to_their_defaults() {
        let manifest = rich();
        assert_eq!(manifest.number("mass-delete", "files"), Some(7));
        assert_eq!(manifest.number("mass-delete", "percent"), Some(20));
        assert_eq!(manifest.number("lost-change", "files"), None);
    }

    #[test]
    fn so_many_records_may_go_and_no_more() {
        let percent = MaxLoss::Percent(10.0);
        assert!(percent.allows(0, 0) && percent.allows(2, 20) && !percent.allows(3, 20) && !percent.allows(1, 0));
        assert!(MaxLoss::Records(3).allows(3, 3) && !MaxLoss::Records(3).allows(4, 1000));
        assert_eq!((percent.to_string(), MaxLoss::Records(3).to_string()), ("10%".into(), "3".into()));
    }

    #[test]
    fn what_says_nothing_is_the_default() {
        assert!(parse(b"version = 1").unwrap().is_default());
        assert!(parse(b"version = 1\n[snapshot]\nkeep = 100").unwrap().is_default());
        assert!(!rich().is_default());
    }
}
