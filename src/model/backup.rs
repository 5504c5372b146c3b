//! Backups: the protected data files as they were at one moment.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Contents, Mode, Oid, Standing, Timestamp, TreePath, Unsaved};

/// The name of a backup: `20261122-224531-3fa9c1`. Sorts by time, can stand in a ref name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BackupId(pub String);

impl fmt::Display for BackupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&super::escape(self.0.as_bytes()))
    }
}

/// One set of data files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backup {
    /// Its name.
    pub id: BackupId,
    /// When it was made.
    pub at: Timestamp,
    /// The files, by path.
    pub files: Vec<BackedUp>,
    /// Files that should be in it and are not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unsaved: Vec<Unsaved>,
}

/// One file of a backup. What is said of its content was found in the stored bytes, after they were written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackedUp {
    /// Where it was.
    pub path: TreePath,
    /// File, executable or link.
    pub mode: Mode,
    /// Its permission bits; of a link none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bits: Option<u32>,
    /// Its bytes; of a link its target.
    pub blob: Oid,
    /// How many.
    pub size: u64,
    /// Whether git tracked it.
    pub tracked: bool,
    /// Whether git ignored it.
    pub ignored: bool,
    /// Whether the manifest said that it never leaves this machine unencrypted.
    pub secret: bool,
    /// The verdict on it.
    pub standing: Standing,
    /// The first thing that is wrong with it, or what could not be found out; holds text of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What it holds, in numbers.
    #[serde(default)]
    pub contents: Contents,
}

impl Backup {
    /// Returns the verdict on all of it: that of its worst file.
    pub fn standing(&self) -> Standing {
        self.files.iter().map(|file| file.standing).max().unwrap_or(Standing::Good)
    }

    /// Returns the bytes of all files together.
    pub fn size(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }

    /// Returns its file at a path.
    pub fn file(&self, path: &TreePath) -> Option<&BackedUp> {
        self.files.iter().find(|file| file.path == *path)
    }
}
