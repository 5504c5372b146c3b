//! Databases of the working tree in whose place a merge puts something else, or nothing: are they in use, and what stands
//! beside them that belongs to them?
//!
//! git replaces the file and leaves its log: the next program that opens the database plays the log into the wrong file.

use super::InTheWay;
use super::local::{look, place};
use crate::git::{GitError, Repo};
use crate::model::{InUse, LocalKind, PathFacts, TreePath, Use};
use crate::validate::sqlite::{LOGS, SMALLEST_PAGE, in_use, is_database, left_beside};

/// A database that is in use, and the logs beside it that the merge does not touch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedDatabase {
    /// Which, and how.
    pub found: InUse,
    /// Its logs.
    pub logs: Vec<InTheWay>,
}

/// Whether the databases stand there still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replaced {
    /// They are about to be replaced.
    Soon,
    /// They were replaced a moment ago: who has one open now has the new one, but what stands beside it belongs to the old one.
    JustNow,
}

/// Returns the databases at the touched paths that are in use. Every file that begins as one is looked at, whether an entry names
/// it or not.
///
/// A log that the merge itself replaces goes with its database, and is none.
pub fn databases_in_use(repo: &Repo, paths: &[PathFacts], when: Replaced) -> Result<Vec<UsedDatabase>, GitError> {
    let Some(top) = repo.work_tree() else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for facts in paths.iter().filter(|facts| is_touched(facts)) {
        let there = place(top, &facts.path);
        // Most files are told by their length.
        let length = there.symlink_metadata().map_or(0, |there| there.len());
        if length == 0 || !length.is_multiple_of(SMALLEST_PAGE) || !is_database(&there) {
            continue;
        }
        repo.deadline().check()?;
        let how = match when {
            Replaced::Soon => in_use(&there),
            Replaced::JustNow => left_beside(&there),
        };
        let how = how.map_err(|source| GitError::Io { path: facts.path.to_string(), source })?;
        let goes_too = |log: &TreePath| paths.iter().any(|other| other.path == *log && is_touched(other));
        let [log, journal] = LOGS.map(|ending| TreePath::from([&facts.path[..], ending.as_bytes()].concat()));
        let Some(how) = how.filter(|how| match how {
            Use::Locked { .. } => true,
            Use::Wal { .. } => !goes_too(&log),
            Use::Journal => !goes_too(&journal),
        }) else {
            continue;
        };
        let logs = [log, journal].into_iter().filter(|log| !goes_too(log));
        let logs = logs.filter_map(|log| look(top, &log, LocalKind::Untracked)).filter(|log| log.size > 0).collect();
        found.push(UsedDatabase { found: InUse { path: facts.path.clone(), how }, logs });
    }
    Ok(found)
}

/// Returns whether git touches the file: one in conflict, too, when the result is to hold another version.
fn is_touched(facts: &PathFacts) -> bool {
    facts.first != facts.result
}
