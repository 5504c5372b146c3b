//! A file size limit (`ulimit -f`): the write that would go over it fails, as on a full disk.
//!
//! The system ends a process that does not handle the signal which it sends then. With any handler the write returns an error, and
//! what was begun is put back like after any other one. Programs that we start get the system's own way back.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::SIGXFSZ;

/// Makes writes over the limit fail; before anything is written. Where that can't be had the system's way stays.
pub fn fail_over_limit() {
    // Nobody reads the flag: the write's own error says more.
    let _ = signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)));
}
