//! The page as a whole.

use std::collections::BTreeMap;

use super::subjects::{Subject, subjects};
use super::{after, incidents, standing, start};
use crate::drill::{Kind, fill};
use crate::manifest::Manifest;
use crate::model::{Raw, TreePath};

/// What all parts work from.
pub(super) struct Ground<'a> {
    pub(super) manifest: &'a Manifest,
    pub(super) subjects: BTreeMap<Kind, Subject>,
    values: BTreeMap<String, Raw>,
}

impl Ground<'_> {
    /// Puts this repository's paths into a line of the catalogue.
    pub(super) fn fill(&self, line: &str) -> String {
        fill(line, &self.values).to_string_lossy().into_owned()
    }

    /// The same for a sentence: what stands in angle brackets there is no markup.
    pub(super) fn prose(&self, text: &str) -> String {
        self.fill(text).replace('<', "\\<")
    }
}

/// The headings of its sections, in their order.
pub(super) const SECTIONS: [&str; 14] = [
    "Start here",
    "Objectives",
    "Roles and contacts",
    "Prerequisites",
    "What is protected",
    "Incidents",
    "Checklist after a recovery",
    "Backups",
    "Plain git, without guard",
    "Existing restore scripts",
    "Troubleshooting",
    "Drills",
    "Post-mortem",
    "Glossary",
];

/// Returns the page. `tracked` are the paths that git tracks.
pub fn page(manifest: &Manifest, tracked: &[TreePath]) -> String {
    let subjects = subjects(manifest, tracked);
    let values = subjects.iter().map(|(kind, subject)| (kind.word().to_owned(), subject.path.clone())).collect();
    let ground = Ground { manifest, subjects, values };
    let mut text = "# Recovery procedure\n\n<!-- Written by 'guard runbook' from .recoveryguard.toml and the catalogue of incidents. Do not edit \
                    it by hand: 'guard runbook' writes it anew, 'guard runbook --check' compares it. -->\n\n"
        .to_owned();
    text.push_str(&start::start(&ground));
    text.push_str(&start::contents());
    text.push_str(&standing::objectives(&ground));
    text.push_str(&standing::contacts(&ground));
    text.push_str(&standing::prerequisites());
    text.push_str(&standing::protected(&ground));
    text.push_str(&incidents::incidents(&ground));
    text.push_str(&after::checklist());
    text.push_str(&after::backups(&ground));
    text.push_str(&after::plain_git());
    text.push_str(&after::scripts(&ground));
    text.push_str(&after::troubleshooting());
    text.push_str(&after::drills(&ground));
    text.push_str(&after::post_mortem());
    text.push_str(&after::glossary());
    text.push_str(&after::review());
    text
}
