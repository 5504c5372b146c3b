//! In which ways one manifest judges more leniently than another: what the rule `manifest-weakened` finds.
//!
//! Patterns are compared line by line, not by what they name today: whether `a*` names all that `ab*` does is decided
//! only where it is plain (`cover`). In doubt a change counts as weaker; a person then says that it is none.

mod cover;
mod data;
mod protect;
mod settings;

use super::Manifest;
use crate::model::{Level, escape};

/// The most pairs of pattern lines that are compared. Real manifests have some dozen lines; the comparison stands in
/// the way of a merge and must not take seconds because somebody wrote a thousand.
const MAX_PAIRS: usize = 100_000;

/// Returns one sentence (lower case, no full stop, escaped for terminals) for each way in which `after` would judge or
/// save less than `before`. `default_level` is the level of a rule about which a manifest says nothing.
pub fn weakened(before: &Manifest, after: &Manifest, default_level: &dyn Fn(&str) -> Level) -> Vec<String> {
    let mut found = Vec::new();
    if line_count(before).saturating_mul(line_count(after)) > MAX_PAIRS {
        changed_lists(before, after, &mut found);
    } else {
        protect::compare(&before.protect, &after.protect, &mut found);
        data::compare(&before.data, &after.data, &mut found);
        settings::branches(&before.branch, &after.branch, &mut found);
    }
    settings::databases(&before.database, &after.database, &mut found);
    settings::rules(before, after, default_level, &mut found);
    settings::policy(&before.policy, &after.policy, &mut found);
    settings::snapshot(&before.snapshot, &after.snapshot, &mut found);
    settings::backup(&before.backup, &after.backup, &mut found);
    found
}

fn line_count(manifest: &Manifest) -> usize {
    manifest.pattern_lists().map(|list| list.lines().len()).sum()
}

/// Says of manifests with very many patterns, which take too long to compare, only that entries changed.
fn changed_lists(before: &Manifest, after: &Manifest, found: &mut Vec<String>) {
    let why = "changed, and there are too many patterns to see how";
    for entry in before.protect.iter().filter(|entry| !after.protect.contains(entry)) {
        found.push(format!("protect entry {} {why}", quoted(&entry.name)));
    }
    // The last data entry that names a file decides, so their order counts.
    if before.data != after.data {
        found.push(format!("data entries {why}"));
    }
    if !before.branch.iter().all(|rule| after.branch.contains(rule)) {
        found.push(format!("branch entries {why}"));
    }
}

/// Returns text of a manifest in quotes.
fn quoted(text: &str) -> String {
    format!("'{}'", escape(text.as_bytes()))
}

/// What is weaker about one entry, and for which of its lines: said once when it holds for all of them.
#[derive(Default)]
struct Complaints(Vec<(String, Vec<String>)>);

impl Complaints {
    fn add(&mut self, line: &str, complaint: String) {
        let at = self.0.iter().position(|(known, _)| *known == complaint).unwrap_or_else(|| {
            self.0.push((complaint, Vec::new()));
            self.0.len() - 1
        });
        if !self.0[at].1.iter().any(|known| known == line) {
            self.0[at].1.push(line.to_owned());
        }
    }

    fn extend(&mut self, line: &str, complaints: impl IntoIterator<Item = String>) {
        complaints.into_iter().for_each(|complaint| self.add(line, complaint));
    }

    /// Writes the sentences: `subject` is the entry, `lines` the number of lines that could be complained about.
    fn tell(self, subject: &str, lines: usize, found: &mut Vec<String>) {
        for (complaint, about) in self.0 {
            if about.len() == lines {
                found.push(format!("{subject} {complaint}"));
            } else {
                found.extend(about.iter().map(|line| format!("{subject} {complaint} for {}", quoted(line))));
            }
        }
    }
}

#[cfg(test)]
mod soundness;
#[cfg(test)]
mod tests;
