//! `manifest.json`: what a snapshot holds. `docs/store-format.md` describes it.

use serde::{Deserialize, Serialize};

use crate::model::{OperationId, SavedFile, Timestamp, Unsaved};

/// The version of the manifest that this guard writes, and the only one it reads.
pub(super) const VERSION: u32 = 1;

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
}

impl Snapshot {
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
