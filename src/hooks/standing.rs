//! What stands at a hook's place.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use bstr::ByteSlice;

use super::{InstallError, shim};

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
    },
    /// Neither file nor link: git can't run it.
    Odd(&'static str),
}

impl Standing {
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
            return Ok(Self::Theirs { runs: false, asks_name: false });
        }
        if !target.as_ref().is_some_and(fs::Metadata::is_file) {
            return Ok(if is_link { Self::Theirs { runs: false, asks_name: false } } else { Self::Odd("no file") });
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
        let asks_name = ["basename \"$0\"", "basename $0", "${0##*/}", "$PROGRAM_NAME", "basename -- \"$0\""];
        let asks_name = asks_name.iter().any(|word| bytes.contains_str(word));
        Ok(Self::Theirs { runs: mode & 0o111 != 0, asks_name })
    }
}
