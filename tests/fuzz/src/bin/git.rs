//! What git's programs and object files answer about a repository that somebody else made.

#![no_main]

use fuzz::{first, oid, parts};
use libfuzzer_sys::fuzz_target;
use recoveryguard::git::untrusted as git;

fuzz_target!(init: fuzz::seeds::write("git"), |data: &[u8]| {
    let (choice, bytes) = first(data);
    match choice % 8 {
        0 => drop(git::status(bytes)),
        1 => drop(git::index_entry(bytes)),
        2 => drop(git::moves(bytes)),
        3 => drop(git::reference(bytes)),
        4 => drop(git::tree(bytes)),
        5 => drop(git::commit(bytes)),
        6 => drop(git::batch(bytes, oid(1))),
        _ => {
            let [base, difference] = parts(bytes);
            if let Some(made) = git::difference(base, difference) {
                // A command of eight bytes copies 16 MiB at most.
                assert!(made.len() <= difference.len().saturating_mul(16 << 20).min(32 << 20));
            }
        }
    }
});
