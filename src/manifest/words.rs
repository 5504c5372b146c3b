//! The words that the manifest knows: rule names, deny words, formats, levels.

use super::{Deny, Format, Root};
use crate::model::Level;

/// Every rule name that `[rules]` and `[policy] allow` may use. The register of rules is a part of it: a manifest that
/// names a rule of a later version of the same schema is no error.
pub const RULE_NAMES: &[&str] = &[
    "case-collision",
    "conflict-markers",
    "data-in-use",
    "data-schema",
    "data-shrunk",
    "deleted-in-merge",
    "doubled-block",
    "doubled-records",
    "duplicate-keys",
    "ignored-overwritten",
    "invalid-data",
    "lost-change",
    "lost-common-line",
    "lost-keys",
    "lost-records",
    "manifest-weakened",
    "mass-delete",
    "mode-changed",
    "protected-add",
    "protected-delete",
    "protected-mode",
    "protected-modify",
    "protected-type",
    "resurrected",
    "reverted-merge",
    "side-discarded",
    "stale-content",
    "submodule-rewound",
    "unrelated-histories",
    "wrong-branch",
];

/// The numbers that rules know, as (rule, key, value where the manifest says nothing).
pub const DEFAULT_NUMBERS: &[(&str, &str, u64)] = &[("mass-delete", "files", 50), ("mass-delete", "percent", 20)];

pub(super) const DENY: &[(&str, Deny)] = &[
    ("delete", Deny::Delete),
    ("modify", Deny::Modify),
    ("mode", Deny::Mode),
    ("type", Deny::Type),
    ("add", Deny::Add),
];

pub(super) const FORMATS: &[(&str, Format)] = &[
    ("json", Format::Json),
    ("jsonc", Format::Jsonc),
    ("jsonl", Format::Jsonl),
    ("yaml", Format::Yaml),
    ("toml", Format::Toml),
    ("csv", Format::Csv),
    ("tsv", Format::Tsv),
    ("sqlite", Format::Sqlite),
    ("text", Format::Text),
    ("binary", Format::Binary),
];

pub(super) const ROOTS: &[(&str, Root)] = &[("object", Root::Object), ("array", Root::Array)];

/// What a file's extension says of its format.
pub(super) const EXTENSIONS: &[(&str, Format)] = &[
    ("json", Format::Json),
    ("jsonc", Format::Jsonc),
    ("jsonl", Format::Jsonl),
    ("ndjson", Format::Jsonl),
    ("yaml", Format::Yaml),
    ("yml", Format::Yaml),
    ("toml", Format::Toml),
    ("csv", Format::Csv),
    ("tsv", Format::Tsv),
    ("db", Format::Sqlite),
    ("sqlite", Format::Sqlite),
    ("sqlite3", Format::Sqlite),
    ("txt", Format::Text),
];

/// An entry that is off would be no entry, so `[[protect]]` does not know the word.
pub(super) const PROTECT_LEVELS: &[(&str, Level)] =
    &[("block", Level::Block), ("warn", Level::Warn), ("info", Level::Info)];

pub(super) const RULE_LEVELS: &[(&str, Level)] =
    &[("block", Level::Block), ("warn", Level::Warn), ("info", Level::Info), ("off", Level::Off)];

/// Returns the known name that is most like `written`, if one is alike enough to be meant.
pub fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Names are short; comparing with a long text would only cost time.
    if written.len() > 64 {
        return None;
    }
    let lower = written.to_lowercase().replace('_', "-");
    let alike = |name: &str| strsim::normalized_damerau_levenshtein(&lower, &name.replace('_', "-"));
    let scored = known.into_iter().map(|name| (alike(name), name));
    scored.filter(|(score, _)| *score > 0.5).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_names_are_sorted_and_unique() {
        assert!(RULE_NAMES.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn slips_find_the_name_that_was_meant() {
        let keys = ["protect", "data", "branch", "on_failure", "max_loss"];
        assert_eq!(nearest("protct", keys), Some("protect"));
        assert_eq!(nearest("on-failure", keys), Some("on_failure"));
        assert_eq!(nearest("Data", keys), Some("data"));
        assert_eq!(nearest("xyzzy", keys), None);
        assert_eq!(nearest("lost-changes", RULE_NAMES.iter().copied()), Some("lost-change"));
    }
}
