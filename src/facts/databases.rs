//! What versions of databases hold. SQLite reads files only, so each version is written into a private folder for a
//! moment; nothing of it stays.
//!
//! Reading is bounded: in a hook to smaller files and to half of the time, elsewhere to larger ones. What lies beyond is
//! *unknown* and said so, never good. A version that several merges have is read once.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::time::Duration;

use super::CONTENT_LIMIT;
use crate::git::{BlobFolder, GitError, Repo};
use crate::model::{Held, Oid};
use crate::validate::sqlite::{Limits, Reading, examine_database};

/// The largest database that is read where nobody waits, in bytes: its blob is held in memory, once for each thread.
const LARGEST: u64 = 128 << 20;

/// Examines databases of one repository; for one thread.
pub struct Databases<'r> {
    repo: &'r Repo,
    folder: OnceCell<BlobFolder>,
    known: RefCell<HashMap<Oid, Held>>,
}

impl<'r> Databases<'r> {
    /// Takes a repository.
    pub fn new(repo: &'r Repo) -> Self {
        Self { repo, folder: OnceCell::new(), known: RefCell::default() }
    }

    /// Examines a version. That it can't be read, or not in time, is an answer, too.
    pub(super) fn held(&self, oid: Oid) -> Held {
        if let Some(known) = self.known.borrow().get(&oid) {
            return known.clone();
        }
        let unknown = |why: String| Held { unknown: Some(why), ..Held::default() };
        let held = self.read(oid).unwrap_or_else(|error| unknown(error.to_string()));
        self.known.borrow_mut().insert(oid, held.clone());
        held
    }

    fn read(&self, oid: Oid) -> Result<Held, GitError> {
        let unknown = |why: String| Ok(Held { unknown: Some(why), ..Held::default() });
        let (_, size) = self.repo.objects().header(oid)?;
        let Some(limits) = self.limits() else { return unknown("no time was left to read it".to_owned()) };
        if size > limits.bytes {
            let more = if limits.bytes < LARGEST { ", more than a hook reads ('guard check' reads it)" } else { "" };
            return unknown(format!("too large to be read ({size} bytes{more})"));
        }
        if self.folder.get().is_none() {
            // Only this thread sets it.
            let _ = self.folder.set(BlobFolder::make(self.repo)?);
        }
        let Some(folder) = self.folder.get() else { return unknown("its folder is gone".to_owned()) };
        folder.lend(self.repo, oid, |file| examine_database(file, Reading::Still, &limits).held())
    }

    /// Returns how much may be read; `None` when half of the time is over, which the other rules need.
    fn limits(&self) -> Option<Limits> {
        let deadline = self.repo.deadline();
        match deadline.half() {
            None => Some(Limits { bytes: LARGEST, ..Limits::default() }),
            Some(_) if deadline.is_half_over() => None,
            // A reader that can't be interrupted is left behind after as much again.
            // In hundredths of a second, for people.
            Some(half) => Some(Limits { bytes: CONTENT_LIMIT, time: hundredths(half / 2) }),
        }
    }
}

fn hundredths(time: Duration) -> Duration {
    Duration::from_millis(u64::try_from(time.as_millis() / 10 * 10).unwrap_or(u64::MAX))
}
