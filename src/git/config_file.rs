//! A file of git's configuration, changed as git does it: under git's own lock (`<file>.lock`), whole in one step, and
//! where a symbolic link leads. `git config` itself ends a last line that has no end, and takes empty sections out.
//!
//! A crash leaves the old file or the new one, and perhaps the lock.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::disk::{self, DiskError, Durability};

/// Changes a file of the configuration: `change` makes the new bytes from the old ones; `None` stands for no file.
/// Another process that holds the lock, or was there in between, is [`DiskError::Locked`].
pub fn rewrite_config(file: &Path, change: impl FnOnce(Option<Vec<u8>>) -> Option<Vec<u8>>) -> Result<(), DiskError> {
    let file = if file.is_symlink() { file.canonicalize().map_err(failed(file))? } else { file.to_owned() };
    let before = read(&file)?;
    let after = change(before.clone());
    if after == before {
        return Ok(());
    }
    let lock = PathBuf::from([file.as_os_str(), ".lock".as_ref()].into_iter().collect::<std::ffi::OsString>());
    let locked = || DiskError::Locked { path: lock.clone(), owner: "another process".to_owned() };
    match disk::create_new(&lock, after.as_deref().unwrap_or_default(), Durability::Fsync, 0o666) {
        Err(DiskError::Exists(_)) => return Err(locked()),
        other => other?,
    }
    let put = || {
        if read(&file)? != before {
            return Err(locked());
        }
        if after.is_none() {
            disk::remove_file(&file)?;
            return disk::remove_file(&lock).map(drop);
        }
        if before.is_some() {
            let mode = file.metadata().map_err(failed(&file))?.permissions().mode();
            disk::set_mode(&lock, mode & 0o777)?;
        }
        disk::rename(&lock, &file)
    };
    put().inspect_err(|_| {
        // Nothing more can be done about it than is said in the error.
        let _ = disk::remove_file(&lock);
    })
}

fn read(file: &Path) -> Result<Option<Vec<u8>>, DiskError> {
    match fs::read(file) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(file)(error)),
    }
}

fn failed(file: &Path) -> impl Fn(io::Error) -> DiskError {
    move |source| DiskError::Io { path: file.to_owned(), action: "read", source }
}
