//! Facts in, findings out: what the guard objects to.
//!
//! A rule is one file: its name, its default level, its page ([`Docs`]) and a pure function from a [`Case`] to
//! [`Draft`]s. [`REGISTER`] lists them all; the page `docs/rules.md`, `guard explain` and the levels follow from it.
//! [`judge`] runs them and gives each draft its level and fingerprint; [`decide`] applies excuses and says the verdict.
//!
//! Nothing here reads a file, asks git, prints or looks at a clock: what a rule needs is in the facts, and where a fact
//! is missing (a blob that is too large, a parent that can't be read) the rule keeps quiet rather than guess.

mod case;
mod case_collision;
mod conflict_markers;
mod data;
mod data_in_use;
mod data_schema;
mod data_shrunk;
mod databases;
mod decide;
mod deleted_in_merge;
mod doubled_block;
mod doubled_records;
mod draft;
mod duplicate_keys;
mod ignored_overwritten;
mod invalid_data;
mod judge;
mod lost_change;
mod lost_common_line;
mod lost_keys;
mod lost_records;
mod manifest_weakened;
mod mass_delete;
mod mode_changed;
mod page;
mod protected_add;
mod protected_delete;
mod protected_mode;
mod protected_modify;
mod protected_type;
mod quote;
mod ranking;
#[cfg(test)]
mod register_tests;
mod resurrected;
mod reverted_merge;
mod side_discarded;
mod stale_content;
mod standing;
mod submodule_rewound;
#[cfg(test)]
mod testing;
mod unrelated_histories;
mod wrong_branch;

pub use case::{Case, Protection};
pub use data::unjudged;
pub use decide::{Excuses, decide};
pub use draft::{Draft, Weight};
pub use judge::judge;
pub use lost_change::{is_loss, is_of_both, listed, may_matter, side_of};
pub use mass_delete::files_to_count;
pub use page::{render_all, render_page};
pub use quote::{allow_command, shell_quote};
pub use standing::standing;

use crate::model::Level;

/// A rule's page: four paragraphs for people.
#[derive(Debug, Clone, Copy)]
pub struct Docs {
    /// What it finds.
    pub finds: &'static str,
    /// Why that matters.
    pub why: &'static str,
    /// What to do about a finding.
    pub what_to_do: &'static str,
    /// When a finding is wrong, and how to make it stop.
    pub when_wrong: &'static str,
}

/// One rule.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Its name, which reads well after "allow".
    pub name: &'static str,
    /// Its level where the manifest says nothing.
    pub default: Level,
    /// Its page.
    pub docs: Docs,
    /// Looks at a case; pure.
    pub judge: fn(&Case<'_>) -> Vec<Draft>,
}

/// Every rule, in the order of `docs/rules.md`.
pub const REGISTER: &[Rule] = &[
    protected_delete::RULE,
    protected_modify::RULE,
    protected_mode::RULE,
    protected_type::RULE,
    protected_add::RULE,
    manifest_weakened::RULE,
    wrong_branch::RULE,
    conflict_markers::RULE,
    invalid_data::RULE,
    duplicate_keys::RULE,
    data_schema::RULE,
    lost_records::RULE,
    doubled_records::RULE,
    data_shrunk::RULE,
    data_in_use::RULE,
    deleted_in_merge::RULE,
    lost_change::RULE,
    lost_common_line::RULE,
    lost_keys::RULE,
    doubled_block::RULE,
    resurrected::RULE,
    side_discarded::RULE,
    stale_content::RULE,
    mass_delete::RULE,
    ignored_overwritten::RULE,
    case_collision::RULE,
    submodule_rewound::RULE,
    mode_changed::RULE,
    unrelated_histories::RULE,
    reverted_merge::RULE,
];

/// The rules that look at nothing but what a merge lost of its sides. Whoever judges merges without such facts hears nothing of them.
pub const OF_LOST_WORK: [&str; 5] = [
    lost_change::RULE.name,
    lost_common_line::RULE.name,
    doubled_block::RULE.name,
    resurrected::RULE.name,
    side_discarded::RULE.name,
];

/// Finds a rule by its name.
pub fn explain(name: &str) -> Option<&'static Rule> {
    REGISTER.iter().find(|rule| rule.name == name)
}

/// Returns a rule's level where the manifest says nothing; `None` for a name that is no rule.
pub fn default_level(name: &str) -> Option<Level> {
    explain(name).map(|rule| rule.default)
}
