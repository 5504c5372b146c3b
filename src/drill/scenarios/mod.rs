//! The catalogue: one file an incident.

mod backup_corrupt;
mod clone_lost;
mod config_overwritten;
mod crash_during_restore;
mod delete_without_where;
mod disk_full;
mod evil_merge;
mod ignored_deleted;
mod json_empty;
mod json_html;
mod json_truncated;
mod markers_committed;
mod merge_deletes;
mod merge_on_dirty;
mod merge_pushed;
mod old_database;
mod records_gone;
mod reset_hard;
mod reverted_remerge;
mod side_dropped;
mod sqlite_cut;
mod sqlite_page;
mod update_without_where;
mod wrong_branch;

use super::scenario::Scenario;
use super::stage::choose;

/// All incidents, in the order of the runbook: the worst and most frequent first.
pub const REGISTER: &[&Scenario] = &[
    &merge_deletes::SCENARIO,
    &config_overwritten::SCENARIO,
    &merge_pushed::SCENARIO,
    &json_truncated::SCENARIO,
    &update_without_where::SCENARIO,
    &delete_without_where::SCENARIO,
    &records_gone::SCENARIO,
    &old_database::SCENARIO,
    &ignored_deleted::SCENARIO,
    &clone_lost::SCENARIO,
    &evil_merge::SCENARIO,
    &markers_committed::SCENARIO,
    &reverted_remerge::SCENARIO,
    &side_dropped::SCENARIO,
    &wrong_branch::SCENARIO,
    &merge_on_dirty::SCENARIO,
    &reset_hard::SCENARIO,
    &sqlite_page::SCENARIO,
    &sqlite_cut::SCENARIO,
    &json_html::SCENARIO,
    &json_empty::SCENARIO,
    &backup_corrupt::SCENARIO,
    &disk_full::SCENARIO,
    &crash_during_restore::SCENARIO,
];

/// Returns the incident of that name.
pub fn scenario(name: &str) -> Option<&'static Scenario> {
    REGISTER.iter().find(|scenario| scenario.name == name).copied()
}

/// Returns so many different incidents that the seed chooses, in the register's order.
pub fn at_random(number: usize, seed: u64) -> Vec<&'static Scenario> {
    let mut left: Vec<usize> = (0..REGISTER.len()).collect();
    while left.len() > number {
        left.remove(choose(seed, left.len() as u64, left.len()));
    }
    left.into_iter().map(|index| REGISTER[index]).collect()
}
