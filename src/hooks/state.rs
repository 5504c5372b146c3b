//! What `guard install` remembers: `recoveryguard/installed.json`.
//!
//! It is a help, not a need: ownership is read from the hook files, and without it `guard uninstall` only can't know
//! of a hooks folder that git does not look into any more, and whether it was made by us.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::InstallError;
use crate::disk::{self, Durability};
use crate::model::Raw;

/// The file's name in our folder.
pub(super) const FILE: &str = "installed.json";

/// The form of the file that this version writes.
const VERSION: u32 = 1;

/// What was installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Installed {
    /// The form of this file.
    pub version: u32,
    /// Which release wrote it.
    pub release: String,
    /// The program that the hooks run.
    pub guard: Raw,
    /// The hooks folder, relative to the common folder: a copied repository keeps it.
    pub folder: Raw,
    /// Whether install made the hooks folder.
    pub made_folder: bool,
}

impl Installed {
    /// Describes an installation by this release.
    pub fn new(guard: &Path, folder: Raw, made_folder: bool) -> Self {
        use std::os::unix::ffi::OsStrExt;
        let guard = Raw::from(guard.as_os_str().as_bytes());
        let release = env!("CARGO_PKG_VERSION").to_owned();
        Self { version: VERSION, release, guard, folder, made_folder }
    }

    /// Reads the file in our folder; `None` when it is missing.
    pub fn read(guard_dir: &Path) -> Result<Option<Self>, InstallError> {
        let path = file(guard_dir);
        let Some(bytes) = disk::read_own(&path, 1 << 20)? else { return Ok(None) };
        match serde_json::from_slice::<Self>(&bytes) {
            Ok(state) if state.version == VERSION => Ok(Some(state)),
            Ok(state) => Err(InstallError::State { path, why: format!("its version is {}", state.version) }),
            Err(error) => Err(InstallError::State { path, why: error.to_string() }),
        }
    }

    /// Writes the file.
    pub fn write(&self, guard_dir: &Path) -> Result<(), InstallError> {
        let path = file(guard_dir);
        let text = serde_json::to_vec_pretty(self)
            .map_err(|error| InstallError::State { path: path.clone(), why: error.to_string() })?;
        Ok(disk::write_atomic(&path, &text, Durability::Fsync, 0o600)?)
    }
}

/// Returns where the file is.
pub(super) fn file(guard_dir: &Path) -> PathBuf {
    guard_dir.join(FILE)
}
