//! What stands at a hook's place.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use bstr::ByteSlice;

use super::manager::Manager;
use super::{InstallError, shim};

/// How `pre-commit` and `prek` call the hook that they replaced, and run.
pub(super) const LEGACY: &str = ".legacy";

/// How lefthook calls the hook that it replaced, and doesn't run.
pub(super) const OLD: &str = ".old";

/// Where overcommit puts the hooks that it replaced, under their own names, and doesn't run them.
pub(super) const OLD_HOOKS: &str = "old-hooks";

/// Hooks up to this size are looked into; our own are far smaller.
const LOOKED_INTO: u64 = 64 << 10;

/// What stands at a hook's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nothing: no file, no link.
    Nothing,
    /// A script of ours, of any version.
    Ours {
        /// Its bytes.
        bytes: Vec<u8>,
        /// Its permissions.
        mode: u32,
    },
    /// A hook of somebody else: a file, or a link whether it leads anywhere or not.
    Theirs {
        /// Whether git would run it.
        runs: bool,
        /// Whether it asks for its own name, which will be another one.
        asks_name: bool,
        /// Whether it runs `<name>.legacy` itself.
        calls_legacy: bool,
        /// Who wrote it, where that can be told.
        manager: Option<Manager>,
    },
    /// Neither file nor link: git can't run it.
    Odd(&'static str),
}

impl Standing {
    /// A link that leads to no hook: git doesn't run it.
    const UNKNOWN: Self = Self::Theirs { runs: false, asks_name: false, calls_legacy: false, manager: None };

    /// Returns whether it is a script of ours.
    pub const fn is_ours(&self) -> bool {
        matches!(self, Self::Ours { .. })
    }

    /// Returns who wrote it, where that can be told.
    pub const fn manager(&self) -> Option<Manager> {
        match self {
            Self::Theirs { manager, .. } => *manager,
            _ => None,
        }
    }

    /// Returns whether what stands at `kept` is an older copy of what stands at `present`: of the same manager, or the same.
    pub fn is_older_copy(kept: &Path, present: &Path) -> Result<bool, InstallError> {
        let (one, other) = (Self::at(kept)?, Self::at(present)?);
        if one.manager().is_some() && one.manager() == other.manager() {
            return Ok(true);
        }
        let are_files = matches!((&one, &other), (Self::Theirs { .. }, Self::Theirs { .. }));
        let read = |path: &Path| fs::read(path).ok();
        Ok(are_files && read(kept).is_some_and(|bytes| Some(bytes) == read(present)))
    }

    /// Looks at `path` without running or changing anything.
    pub fn at(path: &Path) -> Result<Self, InstallError> {
        let failed = |source| InstallError::Read { path: path.to_owned(), source };
        let metadata = match fs::symlink_metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::Nothing),
            Err(source) => return Err(failed(source)),
        };
        if metadata.is_dir() {
            return Ok(Self::Odd("a folder"));
        }
        let is_link = metadata.is_symlink();
        // A dead link is a hook that git doesn't run.
        let target = fs::metadata(path).ok();
        if is_link && target.is_none() {
            return Ok(Self::UNKNOWN);
        }
        if !target.as_ref().is_some_and(fs::Metadata::is_file) {
            return Ok(if is_link { Self::UNKNOWN } else { Self::Odd("no file") });
        }
        let mode = target.map_or(0, |metadata| metadata.permissions().mode() & 0o7777);
        let mut bytes = Vec::new();
        match File::open(path).and_then(|file| file.take(LOOKED_INTO).read_to_end(&mut bytes)) {
            // A program that may be run but not read is a hook like any other.
            Err(error) if error.kind() == ErrorKind::PermissionDenied => bytes.clear(),
            Err(source) => return Err(failed(source)),
            Ok(_) => {}
        }
        if !is_link && shim::is_ours(&bytes) {
            return Ok(Self::Ours { bytes, mode });
        }
        let asks_name = ["basename \"$0\"", "basename $0", "${0##*/}", "$PROGRAM_NAME", "basename -- \"$0\"", "$0."];
        let asks_name = asks_name.iter().any(|word| bytes.contains_str(word));
        let manager = Manager::of(&bytes);
        let calls_legacy = manager.is_some_and(Manager::calls_legacy) || bytes.contains_str(LEGACY);
        Ok(Self::Theirs { runs: mode & 0o111 != 0, asks_name, calls_legacy, manager })
    }
}
