//! Receipts: small files that say which drill passed when. They stand in the repository's own folder, one file a run, and are never
//! changed.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::loss::Lost;
use super::rehearse::{Ended, Rehearsed};
use crate::disk::{self, DiskError, Durability};
use crate::model::{Timestamp, TreePath};

/// The folder in ours.
const FOLDER: &str = "receipts";

/// So many runs are kept.
const KEPT: usize = 50;

/// Larger files are none of ours.
const LARGEST: u64 = 1 << 20;

/// A run of drills.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Receipt {
    /// The version of this form: 1.
    pub version: u32,
    /// When it began.
    pub at: Timestamp,
    /// The guard that did it.
    pub guard: String,
    /// The seed that chose places.
    pub seed: u64,
    /// The drills.
    pub drills: Vec<RehearsedThen>,
}

/// A drill, as its receipt has it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RehearsedThen {
    /// The scenario's name.
    pub scenario: String,
    /// `here` or `sample`.
    pub place: String,
    /// `passed`, `not-ready` or `failed`.
    pub ended: String,
    /// Why it did not pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// How long the detector took, in milliseconds.
    pub detected_ms: u64,
    /// How long the recovery took, in milliseconds.
    pub recovered_ms: u64,
    /// What was lost.
    pub lost: Lost,
    /// The first file that was damaged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<TreePath>,
    /// Its SHA-256 before, damaged, and after the recovery; null where it was not there.
    pub sha256: [Option<String>; 3],
}

impl Receipt {
    /// Makes the receipt of a run.
    pub fn of(drills: &[Rehearsed], seed: u64, at: Timestamp) -> Self {
        let drills = drills.iter().map(RehearsedThen::of).collect();
        Self { version: 1, at, guard: env!("CARGO_PKG_VERSION").to_owned(), seed, drills }
    }
}

impl RehearsedThen {
    /// Makes the receipt of a drill.
    pub fn of(drill: &Rehearsed) -> Self {
        let milliseconds = |took: std::time::Duration| u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let why = match &drill.ended {
            Ended::Passed => None,
            Ended::NotReady(why) | Ended::Failed(why) => Some(why.clone()),
        };
        let (file, sha256) =
            drill.file.clone().map_or((None, [None, None, None]), |(path, hashes)| (Some(path), hashes));
        Self {
            scenario: drill.scenario.name.to_owned(),
            place: drill.place.word().to_owned(),
            ended: drill.ended.word().to_owned(),
            why,
            detected_ms: milliseconds(drill.detected),
            recovered_ms: milliseconds(drill.recovered),
            lost: drill.lost,
            file,
            sha256,
        }
    }
}

impl Ended {
    /// Returns the word for it.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::NotReady(_) => "not-ready",
            Self::Failed(_) => "failed",
        }
    }
}

/// Writes a receipt into a repository's own folder, and removes those of runs long ago. Returns where it is.
pub fn write_receipt(guard_dir: &Path, receipt: &Receipt) -> Result<PathBuf, DiskError> {
    let folder = guard_dir.join(FOLDER);
    disk::ensure_folder(&folder, 0o700)?;
    // Two runs that begin in the same millisecond are told apart by who runs them.
    let name = format!("drill-{:013}-{}.json", receipt.at.0, std::process::id());
    let text = format!("{}\n", serde_json::json!(receipt));
    disk::write_atomic(&folder.join(&name), text.as_bytes(), Durability::Fsync, 0o600)?;
    let names = names(&folder);
    for old in names.iter().take(names.len().saturating_sub(KEPT)) {
        disk::remove_file(&folder.join(old))?;
    }
    Ok(folder.join(name))
}

/// Returns the receipts of a repository, newest first; what can't be read as one is none.
pub fn newest_receipts(guard_dir: &Path) -> Vec<Receipt> {
    let folder = guard_dir.join(FOLDER);
    let read = |name: &String| {
        let bytes = disk::read_own(&folder.join(name), LARGEST).ok()??;
        serde_json::from_slice(&bytes).ok().filter(|receipt: &Receipt| receipt.version == 1)
    };
    names(&folder).iter().rev().filter_map(read).collect()
}

/// Returns the names of receipts, oldest first.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let name = |entry: std::fs::DirEntry| entry.file_name().into_string().ok();
    let is_receipt = |name: &String| name.strip_suffix(".json").is_some_and(|name| name.starts_with("drill-"));
    let mut names: Vec<String> = entries.filter_map(name).filter(is_receipt).collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receipts_are_read_newest_first_and_old_ones_go() {
        let folder = tempfile::tempdir().unwrap();
        for at in 1..=55 {
            let receipt = Receipt { seed: at, ..Receipt::of(&[], 0, Timestamp(at)) };
            write_receipt(folder.path(), &receipt).unwrap();
        }
        disk::write_atomic(&folder.path().join("receipts/drill-9.json"), b"{", Durability::Lazy, 0o600).unwrap();
        let seeds: Vec<u64> = newest_receipts(folder.path()).iter().map(|receipt| receipt.seed).collect();
        assert_eq!((seeds.len(), seeds[0], seeds[49]), (50, 55, 6));
    }
}
