//! Whether the databases that are to be backed up can be dumped from here, and whether a killed guard left one of its own on
//! their servers. The servers are asked: whether a backup can be made is proved no other way.

use std::collections::BTreeSet;

use super::{Check, Health};
use crate::model::escape;
use crate::postgres::{self, PostgresError, Reach};
use crate::routes::Session;
use crate::routes::backup::said;
use crate::routes::data_here::here;

/// Asks each database that is to be backed up.
pub(super) fn check(session: &Session<'_>) -> Vec<Check> {
    // What is wrong with the manifest is told elsewhere.
    let Ok(here) = here(session.repo) else { return Vec::new() };
    let mut checks = Vec::new();
    let mut told = BTreeSet::new();
    for rule in here.manifest.database.iter().filter(|rule| rule.backup) {
        let reach = Reach::new(session.repo.environment(), rule.service.as_deref());
        match look(&reach, &rule.name) {
            Ok(left) => {
                let text = format!("'{}' can be dumped from here", rule.name);
                checks.push(Check::new("databases", Health::Good, text));
                let left = left.into_iter().filter(|name| told.insert((reach.prefix(), name.clone())));
                checks.extend(left.map(|name| left_over(&reach, &name)));
            }
            // A server need not be reached from every clone.
            Err(error) => {
                let text = format!("'{}' can't be dumped from here: {}", rule.name, said(&error));
                checks.push(Check::new("databases", Health::Note, text));
            }
        }
    }
    checks
}

fn look(reach: &Reach, database: &str) -> Result<Vec<String>, PostgresError> {
    postgres::can_dump(reach, database)?;
    postgres::left_over(reach)
}

fn left_over(reach: &Reach, name: &str) -> Check {
    let name = escape(name.as_bytes());
    let text =
        format!("'{name}' was left on the server by a guard that was killed: the next restore of a database drops it");
    Check::new("databases", Health::Note, text).remedy(format!("{}dropdb {name}", reach.prefix()))
}
