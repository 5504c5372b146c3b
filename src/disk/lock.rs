//! Locks between our own processes.
//!
//! A lock is a file in our folder that is locked with `flock(2)`: the system frees it when the owner dies, however it
//! dies, so that no lock is ever stale. The file itself stays (removing it would let two processes lock two different
//! files of one name); what is written in it, `<pid> <time>`, is for messages only.
//!
//! # Limitations
//!
//! On network file systems without lock support taking a lock fails with the system's error. It does not hold against
//! git: that is what `index.lock` and ref locks are for.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::model::Timestamp;

use super::{DiskError, step};

/// A held lock; dropping it frees it.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Takes the lock at `path` (its folder must exist), or fails at once with [`DiskError::Locked`].
pub fn lock(path: &Path, now: Timestamp) -> Result<Lock, DiskError> {
    lock_within(path, now, Duration::ZERO)
}

/// Takes the lock at `path`, waiting up to `patience` for its owner.
pub fn lock_within(path: &Path, now: Timestamp, patience: Duration) -> Result<Lock, DiskError> {
    step(path, "lock")?;
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
        .open(path)
        .map_err(|source| DiskError::io(path, "lock", source))?;
    let start = Instant::now();
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => break,
            Err(Errno::INTR) => {}
            Err(Errno::WOULDBLOCK) if start.elapsed() < patience => std::thread::sleep(Duration::from_millis(10)),
            Err(Errno::WOULDBLOCK) => return Err(DiskError::Locked { path: path.to_owned(), owner: owner(path) }),
            Err(errno) => return Err(DiskError::io(path, "lock", errno)),
        }
    }
    // For messages only: a full disk must not keep anybody from locking.
    let _ = file.set_len(0).and_then(|()| writeln!(file, "{} {}", std::process::id(), now.iso()));
    Ok(Lock { _file: file })
}

fn owner(path: &Path) -> String {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(100).read_to_string(&mut text));
    match text.trim().split_once(' ') {
        Some((pid, since)) if read.is_ok() && pid.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("process {pid} since {}", crate::model::escape(since.as_bytes()))
        }
        _ => "another process".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_owner_waits_and_is_told_who_holds_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let held = lock(&path, Timestamp(0)).unwrap();
        let start = Instant::now();
        let error = lock_within(&path, Timestamp(1), Duration::from_millis(30)).unwrap_err();
        assert!(start.elapsed() >= Duration::from_millis(30));
        assert!(error.is_locked());
        assert!(error.to_string().contains(&format!("process {} since 1970-01-01", std::process::id())), "{error}");
        drop(held);
        // Not at once: what another test starts just now holds it, too, until it runs.
        lock_within(&path, Timestamp(2), Duration::from_secs(20)).unwrap();
    }

    #[test]
    fn a_symbolic_link_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        std::os::unix::fs::symlink(folder.path().join("elsewhere"), &path).unwrap();
        assert!(lock(&path, Timestamp(0)).is_err());
        assert!(!folder.path().join("elsewhere").exists());
    }

    #[test]
    fn waiting_ends_when_the_owner_is_done() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let held = lock(&path, Timestamp(0)).unwrap();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| lock_within(&path, Timestamp(1), Duration::from_secs(20)));
            std::thread::sleep(Duration::from_millis(20));
            drop(held);
            assert!(waiting.join().unwrap().is_ok());
        });
    }
}
