//! Own files: written whole or not at all.
//!
//! Order of a write: temporary made (`O_EXCL`, in the same folder) → bytes → optional fsync → renamed into place →
//! optional fsync of the folder. A crash before the rename leaves the old file and perhaps a temporary, a crash after
//! it the new file; a power failure may take back an unsynced rename, and with [`Durability::Lazy`] may leave the new
//! name with missing bytes, which the formats' checksums notice.
//!
//! # Limitations
//!
//! Paths are followed by name: these functions are for folders that only this user can write.
#![expect(clippy::disallowed_methods, reason = "this is the room that writes")]

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::hash::{BuildHasher, Hasher};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{CWD, OFlags, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::{DiskError, step};

/// How a temporary's name begins.
pub const TEMPORARY: &str = ".tmp-guard-";

/// Whether a write must survive a power failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// File and folder are synced before the function returns.
    Fsync,
    /// The system writes when it likes.
    Lazy,
}

/// Replaces the file at `path`, or makes it, with `bytes` and the permissions `mode` (less the umask).
pub fn write_atomic(path: &Path, bytes: &[u8], durability: Durability, mode: u32) -> Result<(), DiskError> {
    let temporary = Temporary::write(path, bytes, durability, mode)?;
    step(path, "replace")?;
    fs::rename(&temporary.path, path).map_err(|source| DiskError::io(path, "replace", source))?;
    temporary.placed(durability)
}

/// Makes the file at `path` from a stream, and removes it again when that fails: for scratch files, which nobody else sees and
/// no crash needs to leave whole. Returns how many bytes there were.
pub fn create_from(path: &Path, input: &mut dyn Read, mode: u32) -> Result<u64, DiskError> {
    step(path, "write")?;
    let failed = |source| DiskError::io(path, "write", source);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path).map_err(failed)?;
    let copied = step(path, "write").and_then(|()| std::io::copy(input, &mut file).map_err(failed));
    if copied.is_err() {
        // What is left goes with its folder.
        let _ = fs::remove_file(path);
    }
    copied
}

/// Puts a finished file of ours into the place of `to`, with its permissions: by a rename, or where the two are on
/// different file systems by a copy. The file at `from` may stay.
pub fn move_over(from: &Path, to: &Path, durability: Durability) -> Result<(), DiskError> {
    step(to, "replace")?;
    let failed = |source| DiskError::io(from, "read", source);
    if durability == Durability::Fsync {
        File::open(from).and_then(|file| file.sync_all()).map_err(failed)?;
    }
    match fs::rename(from, to) {
        Err(error) if error.kind() == ErrorKind::CrossesDevices => {
            let mode = fs::metadata(from).map_err(failed)?.permissions().mode() & 0o777;
            write_atomic(to, &fs::read(from).map_err(failed)?, durability, mode)
        }
        Err(source) => Err(DiskError::io(to, "replace", source)),
        Ok(()) if durability == Durability::Lazy => Ok(()),
        Ok(()) => sync_folder(to.parent().unwrap_or(Path::new("."))),
    }
}

/// Makes the file at `path`; [`DiskError::Exists`] when something stands there. Of two processes one succeeds.
pub fn create_new(path: &Path, bytes: &[u8], durability: Durability, mode: u32) -> Result<(), DiskError> {
    let temporary = Temporary::write(path, bytes, durability, mode)?;
    step(path, "create")?;
    match renameat_with(CWD, &temporary.path, CWD, path, RenameFlags::NOREPLACE) {
        Ok(()) => {}
        Err(Errno::EXIST) => return Err(DiskError::Exists(path.to_owned())),
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => reserve_and_rename(&temporary.path, path)?,
        Err(errno) => return Err(DiskError::io(path, "create", errno)),
    }
    temporary.placed(durability)
}

/// For file systems that know no rename without replacing: an empty file takes the name first. A crash between the two
/// steps leaves it empty, which readers take for a truncated one.
fn reserve_and_rename(from: &Path, to: &Path) -> Result<(), DiskError> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(to) {
        Ok(_) => fs::rename(from, to).map_err(|source| DiskError::io(to, "create", source)),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(DiskError::Exists(to.to_owned())),
        Err(source) => Err(DiskError::io(to, "create", source)),
    }
}

/// A temporary that removes itself unless it was renamed into place.
struct Temporary<'a> {
    folder: &'a Path,
    path: PathBuf,
}

impl<'a> Temporary<'a> {
    fn write(target: &'a Path, bytes: &[u8], durability: Durability, mode: u32) -> Result<Self, DiskError> {
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        step(target, "write")?;
        let mut tries = 0;
        let (path, mut file) = loop {
            let path = folder.join(temporary_name());
            match OpenOptions::new().write(true).create_new(true).mode(mode).open(&path) {
                Ok(file) => break (path, file),
                Err(error) if error.kind() == ErrorKind::AlreadyExists && tries < 16 => tries += 1,
                Err(source) => return Err(DiskError::io(target, "write", source)),
            }
        };
        let temporary = Self { folder, path };
        step(target, "write")?;
        let written = file.write_all(bytes).and_then(|()| match durability {
            Durability::Fsync => file.sync_all(),
            Durability::Lazy => Ok(()),
        });
        written.map_err(|source| DiskError::io(target, "write", source))?;
        Ok(temporary)
    }

    fn placed(mut self, durability: Durability) -> Result<(), DiskError> {
        self.path.clear();
        if durability == Durability::Fsync { sync_folder(self.folder) } else { Ok(()) }
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if !self.path.as_os_str().is_empty() {
            // Nothing more can be done about it than is said in the error that brought us here.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Returns a name that no other process or thread is using.
pub(super) fn temporary_name() -> String {
    // Seeded by the system: process ids repeat across containers that share a folder.
    let random = std::hash::RandomState::new().build_hasher().finish();
    format!("{TEMPORARY}{:x}-{random:016x}", std::process::id())
}

/// Makes a rename or removal in `folder` durable. Network and overlay file systems that can't are left as they are.
fn sync_folder(folder: &Path) -> Result<(), DiskError> {
    let synced = File::open(folder).and_then(|file| file.sync_all());
    match synced {
        Err(error) if !matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => {
            Err(DiskError::io(folder, "sync", error))
        }
        _ => Ok(()),
    }
}

/// Adds a line at the end of a file that a person named, and makes the file if there is none.
pub fn append_line(path: &Path, line: &[u8]) -> Result<(), DiskError> {
    step(path, "append")?;
    let file = OpenOptions::new().append(true).create(true).open(path);
    file.and_then(|mut file| file.write_all(line)).map_err(|source| DiskError::io(path, "append", source))
}

/// Makes the folder and those it stands in, with the permissions `mode` for each that is made.
pub fn ensure_folder(path: &Path, mode: u32) -> Result<(), DiskError> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        ensure_folder(parent, mode)?;
    }
    step(path, "make the folder")?;
    match DirBuilder::new().mode(mode).create(path) {
        Ok(()) => sync_folder(parent.unwrap_or(Path::new("."))),
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(source) => Err(DiskError::io(path, "make the folder", source)),
    }
}

/// Removes a file or a link; one that is missing is fine. Returns whether it was there.
pub fn remove_file(path: &Path) -> Result<bool, DiskError> {
    step(path, "remove")?;
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(source) => Err(DiskError::io(path, "remove", source)),
    }
}

/// Removes the folder `path` and all in it, which must lie strictly inside `root`. Symbolic links in it are removed,
/// not followed; `path` itself must be none.
pub fn remove_folder_all_inside(root: &Path, path: &Path) -> Result<(), DiskError> {
    let refuse = |why| DiskError::Refused { path: super::error::show(path), why };
    let inside = path.strip_prefix(root).map_err(|_| refuse("it is not inside the folder that may be cleared"))?;
    let plain = inside.components().all(|component| matches!(component, Component::Normal(_)));
    if !plain || inside.as_os_str().is_empty() {
        return Err(refuse("it is not a folder inside the one that may be cleared"));
    }
    let mut on_the_way = root.to_owned();
    for component in inside.components() {
        on_the_way.push(component);
        match fs::symlink_metadata(&on_the_way) {
            Ok(metadata) if metadata.is_dir() => {}
            Ok(_) => return Err(DiskError::Obstructed { path: on_the_way, what: "no folder" }),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(source) => return Err(DiskError::io(&on_the_way, "remove", source)),
        }
    }
    step(path, "remove")?;
    fs::remove_dir_all(path).map_err(|source| DiskError::io(path, "remove", source))
}

/// Keeps the regular file `from` under the name `to` as well: by a hard link, or where the file system can't by a copy
/// with permissions 0600. A link shares the bytes, so it is only for files that are replaced and never written into.
pub fn hard_link_or_copy(from: &Path, to: &Path, durability: Durability) -> Result<(), DiskError> {
    match fs::symlink_metadata(from) {
        Ok(metadata) if metadata.is_file() => {}
        Ok(_) => return Err(DiskError::Obstructed { path: from.to_owned(), what: "not a regular file" }),
        Err(source) => return Err(DiskError::io(from, "read", source)),
    }
    step(to, "link")?;
    match fs::hard_link(from, to) {
        Ok(()) if durability == Durability::Lazy => Ok(()),
        Ok(()) => sync_folder(to.parent().unwrap_or(Path::new("."))),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(DiskError::Exists(to.to_owned())),
        Err(_) => {
            let bytes = fs::read(from).map_err(|source| DiskError::io(from, "read", source))?;
            create_new(to, &bytes, durability, 0o600)
        }
    }
}

/// Reads one of our own files, up to `limit` bytes; `None` when it is missing. A link is not followed and a pipe not
/// waited for: both are [`DiskError::Obstructed`].
pub fn read_own(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, DiskError> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => {
            return Err(DiskError::Obstructed { path: path.to_owned(), what: "a symbolic link" });
        }
        Err(source) => return Err(DiskError::io(path, "read", source)),
    };
    let metadata = file.metadata().map_err(|source| DiskError::io(path, "read", source))?;
    if !metadata.is_file() {
        return Err(DiskError::Obstructed { path: path.to_owned(), what: "not a regular file" });
    }
    if metadata.len() > limit {
        return Err(DiskError::io(path, "read", ErrorKind::FileTooLarge));
    }
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes).map_err(|source| DiskError::io(path, "read", source))?;
    Ok(Some(bytes))
}

/// Returns whether a file name is that of a temporary.
pub fn is_temporary(name: &std::ffi::OsStr) -> bool {
    name.as_bytes().starts_with(TEMPORARY.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, symlink};

    use super::super::{Fault, fail_after};
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn every_failing_step_leaves_old_or_new_and_nothing_else() {
        for durability in [Durability::Fsync, Durability::Lazy] {
            for steps in 0.. {
                let folder = tempfile::tempdir().unwrap();
                let path = folder.path().join("file");
                write_atomic(&path, b"old", durability, 0o600).unwrap();
                fail_after(Some((steps, Fault::Once)));
                let result = write_atomic(&path, b"new", durability, 0o600);
                fail_after(None);
                assert_eq!(names(folder.path()), ["file"], "step {steps}");
                let bytes = fs::read(&path).unwrap();
                if let Err(error) = result {
                    assert!(error.is_full());
                    assert_eq!(bytes, b"old");
                } else {
                    assert_eq!(bytes, b"new");
                    assert!(steps >= 3);
                    break;
                }
            }
        }
    }

    #[test]
    fn created_once_with_its_permissions() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        create_new(&path, b"first", Durability::Fsync, 0o600).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(matches!(create_new(&path, b"second", Durability::Lazy, 0o600), Err(DiskError::Exists(_))));
        assert!(matches!(reserve_and_rename(&path, &path), Err(DiskError::Exists(_))));
        assert_eq!(fs::read(&path).unwrap(), b"first");
        assert_eq!(names(folder.path()), ["file"]);
    }

    #[test]
    fn of_many_creators_one_wins() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let won = std::thread::scope(|scope| {
            let create = |n: u8| {
                scope.spawn({
                    let path = &path;
                    move || create_new(path, &[n], Durability::Lazy, 0o600).is_ok()
                })
            };
            let threads: Vec<_> = (0..8).map(create).collect();
            threads.into_iter().filter_map(|thread| thread.join().unwrap().then_some(())).count()
        });
        assert_eq!(won, 1);
        assert_eq!(names(folder.path()), ["file"]);
    }

    #[test]
    fn folders_are_made_private_and_cleared_only_inside_the_root() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b/c");
        ensure_folder(&deep, 0o700).unwrap();
        assert_eq!(fs::metadata(folder.path().join("a")).unwrap().permissions().mode() & 0o777, 0o700);
        symlink(&deep, folder.path().join("a/link")).unwrap();
        for bad in ["", "a/../..", "a/link", "../x"] {
            assert!(remove_folder_all_inside(folder.path(), &folder.path().join(bad)).is_err(), "{bad}");
        }
        assert!(remove_folder_all_inside(folder.path(), Path::new("/tmp")).is_err());
        remove_folder_all_inside(folder.path(), &folder.path().join("a/b")).unwrap();
        remove_folder_all_inside(folder.path(), &folder.path().join("a/b")).unwrap();
        assert_eq!(names(&folder.path().join("a")), ["link"]);
        write_atomic(&folder.path().join("f"), b"", Durability::Lazy, 0o600).unwrap();
        assert!(ensure_folder(&folder.path().join("f"), 0o700).is_err());
    }

    #[test]
    fn a_kept_file_shares_the_inode_and_links_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("index"), folder.path().join("kept"));
        write_atomic(&from, b"index", Durability::Lazy, 0o600).unwrap();
        hard_link_or_copy(&from, &to, Durability::Fsync).unwrap();
        assert_eq!(fs::metadata(&from).unwrap().ino(), fs::metadata(&to).unwrap().ino());
        write_atomic(&from, b"changed", Durability::Lazy, 0o600).unwrap();
        assert_eq!(fs::read(&to).unwrap(), b"index");
        assert!(matches!(hard_link_or_copy(&from, &to, Durability::Lazy), Err(DiskError::Exists(_))));
        symlink(&from, folder.path().join("link")).unwrap();
        assert!(hard_link_or_copy(&folder.path().join("link"), &folder.path().join("x"), Durability::Lazy).is_err());
    }

    #[test]
    fn reading_follows_no_link_and_waits_for_no_pipe() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        assert_eq!(read_own(&path, 10).unwrap(), None);
        write_atomic(&path, b"0123456789", Durability::Lazy, 0o600).unwrap();
        assert_eq!(read_own(&path, 10).unwrap().unwrap(), b"0123456789");
        assert!(read_own(&path, 9).is_err());
        symlink(&path, folder.path().join("link")).unwrap();
        assert!(matches!(read_own(&folder.path().join("link"), 10), Err(DiskError::Obstructed { .. })));
        rustix::fs::mknodat(CWD, folder.path().join("pipe"), rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        assert!(matches!(read_own(&folder.path().join("pipe"), 10), Err(DiskError::Obstructed { .. })));
        assert!(matches!(read_own(folder.path(), 10), Err(DiskError::Obstructed { .. })));
    }

    #[test]
    fn a_read_only_folder_is_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let error = write_atomic(&folder.path().join("missing/file"), b"", Durability::Lazy, 0o600).unwrap_err();
        assert!(!error.is_read_only() && !error.is_full());
        assert!(DiskError::io(folder.path(), "write", Errno::ROFS).is_read_only());
        assert!(DiskError::io(folder.path(), "write", Errno::DQUOT).is_full());
    }
}
