//! What going back to an older version loses, in seconds and in records.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::stage::{Ran, Stage};
use crate::model::{Timestamp, TreePath};

/// What was lost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// How much older what came back is than what was there before the incident, in seconds; 0 where it is the same.
    pub seconds: u64,
    /// How many records or rows it has less.
    pub records: u64,
}

/// What is known of the files that may lose something, before the damage and before the recovery.
#[derive(Debug)]
pub(super) struct Stake {
    files: BTreeSet<TreePath>,
    records: BTreeMap<TreePath, u64>,
    since: BTreeMap<TreePath, u64>,
}

impl Stake {
    /// Makes one of some files.
    pub(super) fn of(files: BTreeSet<TreePath>) -> Self {
        Self { files, records: BTreeMap::new(), since: BTreeMap::new() }
    }

    /// Counts the records of files as they stand.
    pub(super) fn count(&mut self, stage: &Stage) -> anyhow::Result<()> {
        for path in &self.files {
            self.records.insert(path.clone(), records(stage, path)?);
        }
        Ok(())
    }

    /// Asks how old the version is that would come back of each, as far as that is not known yet and can be told now.
    pub(super) fn look_ahead(&mut self, stage: &Stage, now: u64) -> anyhow::Result<()> {
        for path in self.files.iter().filter(|path| !self.since.contains_key(*path)).cloned().collect::<Vec<_>>() {
            let Ok(document) = answer(&stage.about("guard restore --dry-run --json", &path)?) else { continue };
            let at = document["files"][0]["chosen"]["from"]["at"].as_str().and_then(Timestamp::read);
            if let Some(at) = at {
                self.since.insert(path, now.saturating_sub(at.0) / 1000);
            }
        }
        Ok(())
    }

    /// Returns what was lost of the files that are not what they were.
    pub(super) fn lost<'p>(&self, stage: &Stage, changed: impl Iterator<Item = &'p TreePath>) -> anyhow::Result<Lost> {
        let mut lost = Lost::default();
        for path in changed {
            lost.seconds = lost.seconds.max(self.since.get(path).copied().unwrap_or(0));
            lost.records += self.records.get(path).copied().unwrap_or(0).saturating_sub(records(stage, path)?);
        }
        Ok(lost)
    }
}

fn records(stage: &Stage, path: &TreePath) -> anyhow::Result<u64> {
    let ran = stage.about("guard verify --json", path)?;
    let document =
        answer(&ran).map_err(|_| anyhow::anyhow!("'{path}' can't be verified: {}", ran.output.trim_end()))?;
    let contents = &document["files"][0]["contents"];
    let rows = contents["tables"].as_object().into_iter().flatten().filter_map(|(_, table)| table["rows"].as_u64());
    Ok(contents["records"].as_u64().unwrap_or_else(|| rows.sum()))
}

fn answer(ran: &Ran) -> serde_json::Result<Value> {
    serde_json::from_str(ran.output.lines().next().unwrap_or_default())
}
