//! What going back to an older version loses, in seconds and in records.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::scenario::Kind;
use super::stage::{Stage, fill};
use crate::model::Timestamp;

/// What was lost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// How much older what came back is than what was there before the incident, in seconds; 0 where it is the same.
    pub seconds: u64,
    /// How many records or rows it has less.
    pub records: u64,
}

/// What is known of the files that may lose something, before the damage and before the recovery.
#[derive(Debug, Default)]
pub(super) struct Stake {
    records: BTreeMap<Kind, u64>,
    since: BTreeMap<Kind, u64>,
}

impl Stake {
    /// Counts the records of files as they stand.
    pub(super) fn count(&mut self, stage: &Stage, kinds: &[Kind]) -> anyhow::Result<()> {
        for kind in kinds {
            self.records.insert(*kind, records(stage, *kind)?);
        }
        Ok(())
    }

    /// Asks how old the version is that would come back of each.
    pub(super) fn look_ahead(&mut self, stage: &Stage, kinds: &[Kind], now: u64) -> anyhow::Result<()> {
        for kind in kinds {
            let document = ask(stage, &format!("guard restore <{}> --dry-run --json", kind.word()))?;
            let at = document["files"][0]["chosen"]["from"]["at"].as_str().and_then(Timestamp::read);
            if let Some(at) = at {
                self.since.insert(*kind, now.saturating_sub(at.0) / 1000);
            }
        }
        Ok(())
    }

    /// Returns what was lost of the files that are not what they were.
    pub(super) fn lost(&self, stage: &Stage, changed: &[Kind]) -> anyhow::Result<Lost> {
        let mut lost = Lost::default();
        for kind in changed {
            lost.seconds = lost.seconds.max(self.since.get(kind).copied().unwrap_or(0));
            lost.records += self.records.get(kind).copied().unwrap_or(0).saturating_sub(records(stage, *kind)?);
        }
        Ok(lost)
    }
}

fn records(stage: &Stage, kind: Kind) -> anyhow::Result<u64> {
    let document = ask(stage, &format!("guard verify --json <{}>", kind.word()))?;
    let contents = &document["files"][0]["contents"];
    let rows = contents["tables"].as_object().into_iter().flatten().filter_map(|(_, table)| table["rows"].as_u64());
    Ok(contents["records"].as_u64().unwrap_or_else(|| rows.sum()))
}

fn ask(stage: &Stage, line: &str) -> anyhow::Result<Value> {
    let ran = stage.shell(line)?;
    let first = ran.output.lines().next().unwrap_or_default();
    serde_json::from_str(first).map_err(|_| {
        let line = fill(line, stage.values()).to_string_lossy().into_owned();
        anyhow::anyhow!("'{line}' did not answer: {}", ran.output.trim_end())
    })
}
