//! `manifest.json`: what a snapshot holds. `docs/store-format.md` describes it.

use serde::{Deserialize, Serialize};

use crate::model::{Mode, Oid, OperationId, Saved, SavedFile, SavedState, SavedVersion, Timestamp, TreePath, Unsaved};

/// The version of the manifest that this guard writes, and the only one it reads.
pub(super) const VERSION: u32 = 1;

/// A blob of a snapshot's tree.
pub(super) struct Kept<'s> {
    pub(super) path: &'s TreePath,
    pub(super) blob: Oid,
    pub(super) runs: bool,
}

/// One set of files saved in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    pub(super) version: u32,
    /// The operation before which it was saved.
    pub operation: OperationId,
    /// When.
    pub at: Timestamp,
    /// The files; the n-th one's bytes are at `files/<n>` in the tree.
    pub files: Vec<SavedFile>,
    /// The files that were not saved.
    #[serde(default)]
    pub unsaved: Vec<Unsaved>,
    /// Versions that only the index had, at `staged/<n>`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub staged: Vec<SavedVersion>,
    /// Such versions that were not saved.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unsaved_staged: Vec<Unsaved>,
    /// Git's state files, at `state/<n>`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub state: Vec<SavedState>,
}

impl Snapshot {
    pub(super) fn new(operation: &OperationId, at: Timestamp, saved: &Saved) -> Self {
        Self {
            version: VERSION,
            operation: operation.clone(),
            at,
            files: saved.files.clone(),
            unsaved: saved.unsaved.clone(),
            staged: saved.staged.clone(),
            unsaved_staged: saved.unsaved_staged.clone(),
            state: saved.state.clone(),
        }
    }

    /// Returns the folders of the tree: for each what lies in it, by number, whose it is, and whether it can be run.
    pub(super) fn folders(&self) -> [(&'static str, Vec<Kept<'_>>); 3] {
        [
            (
                "files",
                self.files
                    .iter()
                    .map(|kept| Kept { path: &kept.path, blob: kept.blob, runs: kept.mode == Mode::Executable })
                    .collect(),
            ),
            (
                "staged",
                self.staged.iter().map(|kept| Kept { path: &kept.path, blob: kept.blob, runs: false }).collect(),
            ),
            ("state", self.state.iter().map(|kept| Kept { path: &kept.name, blob: kept.blob, runs: false }).collect()),
        ]
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, String> {
        // The version first: what a later one means by the rest is not ours to guess.
        #[derive(Deserialize)]
        struct Head {
            version: u32,
        }
        let malformed = |error: serde_json::Error| format!("its manifest is not understood: {error}");
        match serde_json::from_slice::<Head>(bytes).map_err(malformed)?.version {
            VERSION => serde_json::from_slice(bytes).map_err(malformed),
            newer => Err(format!("its manifest has version {newer}, this guard knows version {VERSION}; update guard")),
        }
    }
}
