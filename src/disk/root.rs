//! Working-tree files, by tree path, never outside their root.
//!
//! Every path is walked component by component with `openat(O_NOFOLLOW | O_DIRECTORY)`, so that a symbolic link that
//! somebody puts in the way between two looks can't lead elsewhere. What lies behind a link or a file does not exist for
//! reading, as for git; for writing it is in the way. What may be a component at all is in `check.rs`.
//!
//! Order of [`Root::replace`]: missing folders → temporary beside the target → bytes → fsync → rename → fsync of the folder.
//! A crash leaves the old or the new file, perhaps a temporary and empty folders. Without fsync a file that is there and
//! the temporary change places in one step, and the old file, now under the temporary's name, is removed.
//!
//! # Limitations
//!
//! Between our look at a file and its replacement another process can change it: callers compare just before, and
//! what was there is in a snapshot. Extended attributes, owners and times of a replaced file are not kept; git does not
//! keep them either. On file systems that ignore case `A` and `a` are one file, here as in git.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{
    Access, AtFlags, CWD, FileType, Mode as Bits, OFlags, RenameFlags, Stat, accessat, fstat, mkdirat, openat,
    readlinkat, renameat, renameat_with, statat, symlinkat, unlinkat,
};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::model::{Mode, TreePath};

use super::write::temporary_name;
use super::{DiskError, Durability, check_path, step};

/// What stands at a path, with its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OnDisk {
    /// A regular file, with or without run bit, or a symbolic link, whose bytes are its target.
    File {
        /// [`Mode::File`], [`Mode::Executable`] or [`Mode::Link`].
        mode: Mode,
        /// The raw bytes.
        bytes: Vec<u8>,
    },
    /// A folder.
    Folder,
    /// A pipe, a socket, a device: never opened.
    Special,
}

/// What kind of thing stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// A file or a link, by git's mode.
    File(Mode),
    /// A folder.
    Folder,
    /// A pipe, a socket, a device.
    Special,
}

/// What the system knows of a path without opening it. Two equal ones mean: not changed in between, as far as size, time
/// and inode tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// What it is.
    pub kind: Kind,
    /// Its permission bits, without those for set-user-id and the like.
    pub bits: u32,
    /// In bytes.
    pub size: u64,
    /// Last change of the content: seconds and nanoseconds since 1970.
    pub modified: (i64, i64),
    /// Last change of the inode: seconds and nanoseconds since 1970.
    pub changed: (i64, i64),
    /// The file's number.
    pub inode: u64,
}

/// Says what is wrong with a file, if anything is.
type Check<'c> = dyn Fn(&Path) -> Result<(), String> + 'c;

/// An opened folder, mostly the top of a working tree, beneath which files are read and changed.
#[derive(Debug)]
pub struct Root {
    folder: OwnedFd,
    path: PathBuf,
}

/// The folders from the root down to a path's own, and the path's last component.
struct Place<'a> {
    folders: Vec<OwnedFd>,
    names: Vec<&'a [u8]>,
}

impl Place<'_> {
    fn folder(&self) -> &OwnedFd {
        &self.folders[self.folders.len() - 1]
    }

    fn name(&self) -> &[u8] {
        self.names[self.names.len() - 1]
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Missing {
    Create,
    Leave,
}

/// More bytes are no target of a link: the system takes no more.
const LONGEST_TARGET: u64 = 1 << 16;
/// So many bytes are written at once.
const BUFFER: usize = 1 << 16;

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

impl Root {
    /// Opens the folder; a link at `path` itself is followed.
    pub fn open(path: &Path) -> Result<Self, DiskError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = openat(CWD, path, flags, Bits::empty()).map_err(|errno| DiskError::io(path, "open", errno))?;
        Ok(Self { folder, path: path.to_owned() })
    }

    /// Returns the path it was opened by, for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads what stands at `relative`; `None` when nothing does, also when a part of the way is no folder.
    pub fn read(&self, relative: &TreePath) -> Result<Option<OnDisk>, DiskError> {
        let Some((place, metadata)) = self.find(relative)? else { return Ok(None) };
        let bytes = match metadata.kind {
            Kind::Folder => return Ok(Some(OnDisk::Folder)),
            Kind::Special => return Ok(Some(OnDisk::Special)),
            Kind::File(Mode::Link) => match readlinkat(place.folder(), place.name(), Vec::new()) {
                Ok(target) => target.into_bytes(),
                Err(Errno::NOENT) => return Ok(None),
                Err(errno) => return Err(self.error(relative, "read", errno)),
            },
            Kind::File(_) => {
                let Some((_, mut file)) = self.open_at(relative, &place)? else { return Ok(None) };
                let mut bytes = Vec::new();
                file.read_to_end(&mut bytes).map_err(|source| self.error(relative, "read", source))?;
                bytes
            }
        };
        let Kind::File(mode) = metadata.kind else { return Ok(None) };
        Ok(Some(OnDisk::File { mode, bytes }))
    }

    /// Opens the regular file at `relative` for reading, with its metadata; `None` when none stands there.
    pub fn open_file(&self, relative: &TreePath) -> Result<Option<(Metadata, File)>, DiskError> {
        match self.find(relative)? {
            Some((place, Metadata { kind: Kind::File(mode), .. })) if mode.is_regular() => {
                self.open_at(relative, &place)
            }
            _ => Ok(None),
        }
    }

    /// Looks at `relative` without opening it; `None` as for [`Root::read`].
    pub fn metadata(&self, relative: &TreePath) -> Result<Option<Metadata>, DiskError> {
        Ok(self.find(relative)?.map(|(_, metadata)| metadata))
    }

    /// Returns the folder in which something would have to be made or removed for `relative`, where this user may not do so.
    ///
    /// Only permissions of folders and of the file system are looked at: a file may be held by other means still.
    pub fn closed(&self, relative: &TreePath) -> Result<Option<TreePath>, DiskError> {
        let names = check_path(relative)?;
        let (mut innermost, mut depth) = (None::<OwnedFd>, 0);
        for name in &names[..names.len() - 1] {
            match openat(innermost.as_ref().unwrap_or(&self.folder), *name, FOLDER, Bits::empty()) {
                Ok(folder) => innermost = Some(folder),
                Err(Errno::ACCESS) => return Ok(Some(names[..=depth].join(&b'/').into())),
                // It would be made in the one above, or something is in the way.
                Err(_) => break,
            }
            depth += 1;
        }
        let folder = innermost.as_ref().unwrap_or(&self.folder);
        let denied = accessat(folder, ".", Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS);
        let is_denied = matches!(denied, Err(Errno::ACCESS | Errno::PERM | Errno::ROFS));
        Ok(is_denied.then(|| names[..depth].join(&b'/').into()))
    }

    /// Puts a file or link at `relative`, in one step. A file gets the permission `bits` that are given, else those of the
    /// file that stands there, else git's (0666, and 0777 where it is to run); never more than the umask leaves, and run
    /// bits as `mode` says. Missing
    /// folders are made and an empty folder at the path gives way, as with git; a folder that holds something, a special
    /// file, and anything on the way that is no folder is [`DiskError::Obstructed`].
    pub fn replace(
        &self,
        relative: &TreePath,
        (mode, bits): (Mode, Option<u32>),
        mut bytes: &[u8],
        durability: Durability,
    ) -> Result<(), DiskError> {
        self.replace_from(relative, (mode, bits), &mut bytes, durability, None)
    }

    /// The same from a stream: so much memory whatever its size. The file takes its place only when `check`, where there is one, has
    /// read it beside the path, from its own, and passes it; a reason to object becomes [`DiskError::Rejected`].
    pub fn replace_from(
        &self,
        relative: &TreePath,
        (mode, bits): (Mode, Option<u32>),
        content: &mut dyn Read,
        durability: Durability,
        check: Option<&Check<'_>>,
    ) -> Result<(), DiskError> {
        if !matches!(mode, Mode::File | Mode::Executable | Mode::Link) {
            return Err(DiskError::Refused { path: relative.to_string(), why: "only files and links can be written" });
        }
        let Some(place) = self.walk(relative, Missing::Create)? else {
            return Err(self.error(relative, "write", Errno::NOENT));
        };
        let metadata = self.look(relative, &place)?;
        let there = metadata.map(|metadata| metadata.kind);
        if there == Some(Kind::Special) {
            return Err(self.obstructed(relative, "a special file"));
        }
        let is_file = |metadata: &Metadata| matches!(metadata.kind, Kind::File(mode) if mode.is_regular());
        let bits = bits.or(metadata.filter(is_file).map(|metadata| metadata.bits));
        let swaps = durability == Durability::Lazy && matches!(there, Some(Kind::File(_)));
        let temporary = temporary_name();
        let written = self
            .write_temporary(relative, &place, &temporary, (mode, bits, content, durability))
            .and_then(|()| check.map_or(Ok(()), |check| self.pass(relative, &temporary, check)))
            .and_then(|()| if swaps { self.swap(relative, &place, &temporary) } else { Ok(false) })
            .and_then(|swapped| if swapped { Ok(()) } else { self.rename_over(relative, &place, &temporary) });
        if written.is_err() {
            let _ = unlinkat(place.folder(), &*temporary, AtFlags::empty());
        }
        written?;
        self.sync(relative, &place, durability)
    }

    /// Removes the file or link at `relative`, then the folders that this leaves empty, up to the root but not the one
    /// that is the current directory, as git does. Returns whether something was there.
    pub fn remove(&self, relative: &TreePath, durability: Durability) -> Result<bool, DiskError> {
        let Some((mut place, metadata)) = self.find(relative)? else { return Ok(false) };
        match metadata.kind {
            Kind::File(_) => {}
            Kind::Folder => return Err(self.obstructed(relative, "a folder")),
            Kind::Special => return Err(self.obstructed(relative, "a special file")),
        }
        step(&self.full(relative), "remove")?;
        match unlinkat(place.folder(), place.name(), AtFlags::empty()) {
            Ok(()) => {}
            Err(Errno::NOENT) => return Ok(false),
            Err(errno) => return Err(self.error(relative, "remove", errno)),
        }
        let here = statat(CWD, ".", AtFlags::empty()).ok().map(|stat| (stat.st_dev, stat.st_ino));
        while place.folders.len() > 1 {
            let stat = fstat(place.folder()).ok().map(|stat| (stat.st_dev, stat.st_ino));
            if stat.is_none() || stat == here {
                break;
            }
            place.folders.pop();
            place.names.pop();
            // A folder that is not empty, or may not be removed, simply stays.
            if unlinkat(place.folder(), place.name(), AtFlags::REMOVEDIR).is_err() {
                break;
            }
        }
        self.sync(relative, &place, durability)?;
        Ok(true)
    }

    fn write_temporary(
        &self,
        relative: &TreePath,
        place: &Place<'_>,
        temporary: &str,
        (mode, bits, content, durability): (Mode, Option<u32>, &mut dyn Read, Durability),
    ) -> Result<(), DiskError> {
        step(&self.full(relative), "write")?;
        if mode == Mode::Link {
            let mut target = Vec::new();
            content.take(LONGEST_TARGET).read_to_end(&mut target).map_err(|error| unread(relative, error))?;
            return symlinkat(&*target, place.folder(), temporary)
                .map_err(|errno| self.error(relative, "write", errno));
        }
        let bits = bits.unwrap_or(0o666) & 0o666;
        // Whoever may read it may run it.
        let bits =
            Bits::from_raw_mode(if mode == Mode::Executable { bits | 0o100 | (bits & 0o444) >> 2 } else { bits });
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(place.folder(), temporary, flags, bits);
        let mut file = File::from(file.map_err(|errno| self.error(relative, "write", errno))?);
        step(&self.full(relative), "write")?;
        let mut buffer = vec![0; BUFFER];
        loop {
            match content.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => {
                    file.write_all(&buffer[..read]).map_err(|source| self.error(relative, "write", source))?;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(unread(relative, error)),
            }
        }
        if durability == Durability::Fsync {
            file.sync_all().map_err(|source| self.error(relative, "sync", source))?;
        }
        Ok(())
    }

    /// Lets somebody look at the temporary.
    fn pass(&self, relative: &TreePath, temporary: &str, check: &Check<'_>) -> Result<(), DiskError> {
        let beside = self.full(relative).with_file_name(temporary);
        check(&beside).map_err(|why| DiskError::Rejected { path: relative.to_string(), why })
    }

    /// Lets the temporary and the file at `relative` take each other's place, and removes the old file. Returns `false`
    /// when that is not possible here.
    ///
    /// A rename over a file makes some file systems (ext4) write the new one out at once, which takes many times as long;
    /// what is not to be synced need not wait for that.
    fn swap(&self, relative: &TreePath, place: &Place<'_>, temporary: &str) -> Result<bool, DiskError> {
        step(&self.full(relative), "replace")?;
        let (folder, name) = (place.folder(), place.name());
        let swap = || renameat_with(folder, temporary, folder, name, RenameFlags::EXCHANGE);
        if swap().is_err() {
            return Ok(false);
        }
        let removed = step(&self.full(relative), "replace").and_then(|()| {
            match unlinkat(folder, temporary, AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => Ok(true),
                // It became a folder just now, or may not be removed.
                Err(errno) => Err(self.error(relative, "replace", errno)),
            }
        });
        if removed.is_err() {
            swap().map_err(|errno| self.error(relative, "put back", errno))?;
        }
        removed
    }

    fn rename_over(&self, relative: &TreePath, place: &Place<'_>, temporary: &str) -> Result<(), DiskError> {
        step(&self.full(relative), "replace")?;
        let rename = || renameat(place.folder(), temporary, place.folder(), place.name());
        match rename() {
            Ok(()) => Ok(()),
            Err(Errno::ISDIR | Errno::NOTEMPTY | Errno::EXIST) => {
                unlinkat(place.folder(), place.name(), AtFlags::REMOVEDIR)
                    .map_err(|_| self.obstructed(relative, "a folder that is not empty"))?;
                rename().map_err(|errno| self.error(relative, "replace", errno))
            }
            Err(errno) => Err(self.error(relative, "replace", errno)),
        }
    }

    fn sync(&self, relative: &TreePath, place: &Place<'_>, durability: Durability) -> Result<(), DiskError> {
        if durability == Durability::Lazy {
            return Ok(());
        }
        match rustix::fs::fsync(place.folder()) {
            Ok(()) | Err(Errno::INVAL | Errno::NOTSUP) => Ok(()),
            Err(errno) => Err(self.error(relative, "sync", errno)),
        }
    }

    /// Walks to the folder of `relative`. `None`: it is not there, or not a folder, and was not to be made.
    fn walk<'a>(&self, relative: &'a TreePath, missing: Missing) -> Result<Option<Place<'a>>, DiskError> {
        let names = check_path(relative)?;
        let top = rustix::io::fcntl_dupfd_cloexec(&self.folder, 0);
        let mut folders = vec![top.map_err(|errno| self.error(relative, "open", errno))?];
        for (depth, name) in names[..names.len() - 1].iter().enumerate() {
            let parent = &folders[folders.len() - 1];
            let mut next = openat(parent, *name, FOLDER, Bits::empty());
            if next.as_ref().is_err_and(|errno| *errno == Errno::NOENT) && missing == Missing::Create {
                step(&self.full(relative), "make the folder of")?;
                match mkdirat(parent, *name, Bits::from_raw_mode(0o777)) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(errno) => return Err(self.error(relative, "make the folder of", errno)),
                }
                next = openat(parent, *name, FOLDER, Bits::empty());
            }
            match next {
                Ok(folder) => folders.push(folder),
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) if missing == Missing::Leave => return Ok(None),
                // Linux answers ENOTDIR for a link too; which of both it is matters to nobody but the reader.
                Err(Errno::NOTDIR | Errno::LOOP) => {
                    let link = readlinkat(parent, *name, Vec::new()).is_ok();
                    let way = TreePath::from(names[..=depth].join(&b'/'));
                    return Err(self.obstructed(&way, if link { "a symbolic link" } else { "no folder" }));
                }
                Err(errno) => return Err(self.error(relative, "open the folder of", errno)),
            }
        }
        Ok(Some(Place { folders, names }))
    }

    fn find<'a>(&self, relative: &'a TreePath) -> Result<Option<(Place<'a>, Metadata)>, DiskError> {
        let Some(place) = self.walk(relative, Missing::Leave)? else { return Ok(None) };
        let metadata = self.look(relative, &place)?;
        Ok(metadata.map(|metadata| (place, metadata)))
    }

    fn look(&self, relative: &TreePath, place: &Place<'_>) -> Result<Option<Metadata>, DiskError> {
        match statat(place.folder(), place.name(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(Metadata::of(&stat))),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(self.error(relative, "look at", errno)),
        }
    }

    fn open_at(&self, relative: &TreePath, place: &Place<'_>) -> Result<Option<(Metadata, File)>, DiskError> {
        // Without O_NONBLOCK a pipe that takes the file's place just now would make us wait for its writer.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match openat(place.folder(), place.name(), flags, Bits::empty()) {
            Ok(file) => file,
            Err(Errno::NOENT | Errno::LOOP) => return Ok(None),
            Err(errno) => return Err(self.error(relative, "read", errno)),
        };
        let stat = fstat(&file).map_err(|errno| self.error(relative, "read", errno))?;
        let metadata = Metadata::of(&stat);
        let regular = matches!(metadata.kind, Kind::File(mode) if mode.is_regular());
        Ok(regular.then(|| (metadata, File::from(file))))
    }

    fn full(&self, relative: &TreePath) -> PathBuf {
        self.path.join(std::ffi::OsStr::from_bytes(relative))
    }

    fn error(&self, relative: &TreePath, action: &'static str, source: impl Into<io::Error>) -> DiskError {
        DiskError::io(&self.full(relative), action, source)
    }

    fn obstructed(&self, relative: &TreePath, what: &'static str) -> DiskError {
        DiskError::Obstructed { path: self.full(relative), what }
    }
}

fn unread(relative: &TreePath, source: io::Error) -> DiskError {
    DiskError::Source { path: relative.to_string(), source }
}

impl Metadata {
    #[allow(
        clippy::unnecessary_cast,
        clippy::cast_lossless,
        clippy::cast_possible_wrap,
        reason = "field types differ between systems"
    )]
    fn of(stat: &Stat) -> Self {
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile if stat.st_mode & 0o100 != 0 => Kind::File(Mode::Executable),
            FileType::RegularFile => Kind::File(Mode::File),
            FileType::Symlink => Kind::File(Mode::Link),
            FileType::Directory => Kind::Folder,
            _ => Kind::Special,
        };
        Self {
            kind,
            bits: stat.st_mode as u32 & 0o777,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            modified: (stat.st_mtime as i64, stat.st_mtime_nsec as i64),
            changed: (stat.st_ctime as i64, stat.st_ctime_nsec as i64),
            inode: stat.st_ino as u64,
        }
    }
}

#[cfg(test)]
mod tests;
