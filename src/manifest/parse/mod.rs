//! Bytes → a checked [`Manifest`], or the first thing that is wrong with them, with its place.
//!
//! All problems are gathered and the first in the file's order is told, so that the answer does not depend on the
//! order in which keys are read here. What is not TOML at all is told before anything else.

mod entries;
mod node;
mod problem;
mod settings;
mod units;

use toml::de::DeTable;

use super::Manifest;
use node::Fields;
pub use problem::ManifestError;
use problem::{Problem, Problems};

/// The largest manifest, in bytes.
const MAX_BYTES: usize = 1 << 20;

/// The most patterns that one manifest may have, in all its lists together.
const MAX_PATTERNS: usize = 10_000;

const KEYS: &[&str] =
    &["version", "protect", "data", "database", "branch", "rules", "policy", "snapshot", "backup", "runbook"];

/// Reads and checks a manifest.
pub fn parse(bytes: &[u8]) -> Result<Manifest, ManifestError> {
    if bytes.len() > MAX_BYTES {
        return Err(Problem::new(0, "the manifest is larger than 1 MiB").located(""));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let valid = std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default();
        Problem::new(valid.len(), "the manifest is not UTF-8").located(valid)
    })?;
    let table = DeTable::parse(text).map_err(|error| Problem::from_toml(&error).located(text))?;
    let mut problems = Problems::default();
    let top = Fields::top(&table, KEYS, &mut problems);
    let manifest = read(top, &mut problems);
    match problems.first() {
        Some(problem) => Err(problem.located(text)),
        None => Ok(manifest),
    }
}

fn read(top: Fields<'_>, problems: &mut Problems) -> Manifest {
    version(top, problems);
    let manifest = Manifest {
        protect: entries::protect(top, problems),
        data: entries::data(top, problems),
        database: entries::database(top, problems),
        branch: entries::branch(top, problems),
        rules: settings::rules(top, problems),
        policy: settings::policy(top, problems),
        snapshot: settings::snapshot(top, problems),
        backup: settings::backup(top, problems),
        runbook: settings::runbook(top, problems),
    };
    if manifest.pattern_lists().map(|list| list.lines().len()).sum::<usize>() > MAX_PATTERNS {
        problems.add(Problem::new(0, format!("the manifest has more than {MAX_PATTERNS} patterns")));
    }
    manifest
}

/// Another version may mean anything by the rest of the file, so its problem comes before all others.
fn version(top: Fields<'_>, problems: &mut Problems) {
    let Some(node) = top.get("version") else {
        problems.add(top.missing("version").hint("begin with version = 1"));
        return;
    };
    match node.number() {
        Ok(1) => {}
        Ok(other) => {
            let problem = Problem::new(node.at, format!("version {other} is unknown"));
            problems.add(problem.hint("this guard reads version 1").order(0));
        }
        Err(problem) => problems.add(problem.order(0)),
    }
}

#[cfg(test)]
mod tests;
