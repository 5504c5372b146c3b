//! Files of others that stand in a folder of git's: put aside and put back as they are.
//!
//! What is put aside keeps its bytes, its permissions and, as a symbolic link, its target: it is the same file under
//! another name, never a copy.
#![expect(clippy::disallowed_methods, reason = "this is the room that writes")]

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use super::{DiskError, step};

/// Keeps `from` under the name `to` too, which must be free: by a hard link, so that `from` never is without a file, or
/// by a rename where the file system can't link. When the two are one file already, nothing is done.
pub fn keep_as(from: &Path, to: &Path) -> Result<(), DiskError> {
    step(to, "link")?;
    match fs::hard_link(from, to) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists && is_same_file(from, to) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(DiskError::Exists(to.to_owned())),
        Err(_) if fs::symlink_metadata(to).is_ok() => Err(DiskError::Exists(to.to_owned())),
        Err(_) => rename(from, to),
    }
}

/// Gives `from` the name `to`, in one step; a file that stands there goes.
pub fn rename(from: &Path, to: &Path) -> Result<(), DiskError> {
    step(to, "rename")?;
    if is_same_file(from, to) {
        // rename(2) does nothing with two names of one file.
        return fs::remove_file(from).map_err(|source| DiskError::io(from, "remove", source));
    }
    fs::rename(from, to).map_err(|source| DiskError::io(to, "rename", source))
}

/// Gives a file or folder of ours exactly these permissions, whatever the umask: for what other users must be able to read.
pub fn set_mode(path: &Path, mode: u32) -> Result<(), DiskError> {
    let failed = |source| DiskError::io(path, "set the permissions of", source);
    // Only the owner may set them, and need not when they are right.
    if fs::symlink_metadata(path).map_err(failed)?.permissions().mode() & 0o777 == mode {
        return Ok(());
    }
    step(path, "set the permissions of")?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(failed)
}

/// Returns whether two paths are names of one file; links themselves are compared, not what they point to.
pub fn is_same_file(one: &Path, other: &Path) -> bool {
    let id = |path: &Path| fs::symlink_metadata(path).map(|metadata| (metadata.dev(), metadata.ino()));
    matches!((id(one), id(other)), (Ok(one), Ok(other)) if one == other)
}

/// Removes a folder if nothing is in it. Returns whether it is gone.
pub fn remove_empty_folder(path: &Path) -> Result<bool, DiskError> {
    step(path, "remove")?;
    match fs::remove_dir(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
        Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => Ok(false),
        Err(source) => Err(DiskError::io(path, "remove", source)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_aside_comes_back_as_the_same_file() {
        let folder = tempfile::tempdir().unwrap();
        let (hook, kept) = (folder.path().join("hook"), folder.path().join("kept"));
        for link in [false, true] {
            if link {
                std::os::unix::fs::symlink("nowhere", &hook).unwrap();
            } else {
                fs::write(&hook, "theirs").unwrap();
            }
            let inode = fs::symlink_metadata(&hook).unwrap().ino();
            keep_as(&hook, &kept).unwrap();
            keep_as(&hook, &kept).unwrap();
            rename(&kept, &hook).unwrap();
            assert!(fs::symlink_metadata(&kept).is_err());
            assert_eq!(fs::symlink_metadata(&hook).unwrap().ino(), inode);
            fs::remove_file(&hook).unwrap();
        }
    }

    #[test]
    fn a_name_that_is_taken_is_not_taken_again() {
        let folder = tempfile::tempdir().unwrap();
        let (hook, kept) = (folder.path().join("hook"), folder.path().join("kept"));
        fs::write(&hook, "new").unwrap();
        fs::write(&kept, "old").unwrap();
        assert!(matches!(keep_as(&hook, &kept), Err(DiskError::Exists(_))));
        assert_eq!(fs::read(&kept).unwrap(), b"old");
    }
}
