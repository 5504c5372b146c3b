//! What is wrong with a tree as it stands, merge or no merge: said once after a checkout.

use std::collections::BTreeMap;

use crate::manifest::Format;
use crate::model::{Content, Finding, Level, TreePath, fingerprint};
use crate::validate::{self, Health};

use super::data::checked;

/// Returns a warning for each protected path that is missing and each data file that is broken.
///
/// `missing` holds the entry's name and the path that its pattern names outright; `data` the data files with their
/// formats and contents.
pub fn standing(missing: &[(String, TreePath)], data: &[(TreePath, Format, Content)]) -> Vec<Finding> {
    let gone = missing.iter().map(|(entry, path)| {
        let remedy = format!("git log --diff-filter=D --oneline -- {}", super::shell_quote(path));
        let entry = crate::model::escape(entry.as_bytes());
        finding("protected-delete", path, format!("'{path}' is missing here, protected as '{entry}'"), remedy)
    });
    let broken = data.iter().filter_map(|(path, format, content)| {
        let Content::Bytes(bytes) = content else { return None };
        let Health::Bad { line, column, what } = validate::check(checked(*format)?, bytes) else { return None };
        let what = crate::model::escape(what.as_bytes());
        let message = format!("'{path}' is broken: line {line}, column {column}: {what}");
        let remedy = format!("git log --oneline -- {}", super::shell_quote(path));
        Some(finding("invalid-data", path, message, remedy))
    });
    gone.chain(broken).collect()
}

fn finding(rule: &str, path: &TreePath, message: String, remedy: String) -> Finding {
    Finding {
        rule: rule.to_owned(),
        level: Level::Warn,
        path: Some(path.clone()),
        fingerprint: fingerprint(&[rule.as_bytes(), path, message.as_bytes()]),
        message,
        evidence: BTreeMap::new(),
        remedy,
        excuse: None,
    }
}
