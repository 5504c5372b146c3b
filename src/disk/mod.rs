//! The only place that writes files.
//!
//! Two families. *Own files* live in our folder under git's common directory: they are replaced atomically
//! ([`write_atomic`]), created once ([`create_new`]), locked ([`lock`]). *Working-tree files* belong to the user: a
//! [`Root`] reads, replaces and removes them by tree path, without ever following a symbolic link on the way or
//! leaving its folder.
//!
//! Words: a *step* is one change of the file system; tests make the n-th one fail ([`fail_after`]). A *temporary* is a
//! file named [`TEMPORARY`]`…` beside the file it becomes; one that is left by a killed process means nothing.
//!
//! When something fails, the error names the path and the action, the file at that path is whole (the old one or the
//! new one), and the temporary is gone unless the process was killed.
//!
//! Linux and macOS only: it stands on `openat`, `flock` and their kin. Other systems are refused when compiled.

#[cfg(not(unix))]
compile_error!("RecoveryGuard runs on Linux and macOS; run it inside WSL on Windows");

mod check;
mod error;
mod fault;
mod limit;
mod lock;
mod rename;
mod root;
mod write;

pub use check::check_path;
pub use error::DiskError;
pub use fault::{Fault, fail_after};
pub use limit::fail_over_limit;
pub use lock::{Lock, lock, lock_within};
pub use rename::{is_same_file, keep_as, remove_empty_folder, rename, set_mode};
pub use root::{Kind, Metadata, OnDisk, Root};
pub use write::{
    Durability, TEMPORARY, append_line, create_from, create_new, ensure_folder, hard_link_or_copy, is_temporary,
    move_over, read_own, remove_file, remove_folder_all_inside, write_atomic,
};

pub(crate) use fault::step;
