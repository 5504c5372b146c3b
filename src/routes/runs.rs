//! Merges of a history in several threads. A thread takes some that follow each other: they share most of their trees, and what is
//! packed as a difference to its neighbour is put together from it.

use std::sync::{Arc, Mutex};
use std::thread;

use crate::git::{Opening, Packs, Reader, Repo};

/// So many merges a thread takes at a time: at least, at most.
const FEWEST: usize = 16;
const MOST: usize = 512;

/// Bytes for a thread's own calls: where lines of two texts are told apart, a call calls itself for what stands before the longest
/// piece that both have, and texts can be made for which it does that thousands of times.
const ROOM: usize = 32 << 20;

/// Prepares a thread in which merges are looked at.
pub(super) fn with_room() -> thread::Builder {
    thread::Builder::new().stack_size(ROOM)
}

/// Places that are given out, some at a time: the fewer are left, the fewer.
pub(super) struct Runs<'p> {
    left: Mutex<&'p [usize]>,
    threads: usize,
}

impl<'p> Runs<'p> {
    /// Returns some that nobody has taken; `None` when there are no more.
    pub(super) fn next(&self) -> Option<&'p [usize]> {
        let mut left = self.left.lock().ok()?;
        let size = (left.len() / (2 * self.threads)).clamp(FEWEST, MOST).min(left.len());
        let (run, rest) = left.split_at(size);
        *left = rest;
        (!run.is_empty()).then_some(run)
    }
}

/// Calls `work` in threads, each with a repository and a reader of its own; it takes runs until there are none.
pub(super) fn in_threads(
    repo: &Repo,
    packs: &Arc<Packs>,
    threads: usize,
    places: &[usize],
    work: impl Fn(&Repo, &Reader, &Runs<'_>) + Sync,
) {
    let threads = threads.clamp(1, 64).min(places.len().div_ceil(FEWEST));
    let runs = Runs { left: Mutex::new(places), threads };
    let start = |opening: Opening| {
        let repo = opening.open();
        work(&repo, &Reader::sharing(&repo, packs), &runs);
    };
    thread::scope(|scope| {
        for _ in 0..threads {
            let opening = repo.opening();
            // Where no thread can be had the others do its work. What nobody does is told by its absence.
            let _ = with_room().spawn_scoped(scope, || start(opening));
        }
    });
}
