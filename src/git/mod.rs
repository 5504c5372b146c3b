//! The only place that talks to git.
//!
//! Objects are read in process through gitoxide's object database where that is safe ([`Objects`]), and by
//! `git cat-file --batch` everywhere else; whatever changes the repository, merges, or builds an index is done by git,
//! the program, in child processes with a scrubbed environment ([`Repo::git`]). Nothing here prints or judges.
//!
//! Errors are [`GitError`]; a missing object is an error, never an empty answer.

mod blob_folder;
mod blobs;
mod bulk;
mod child;
mod config;
mod config_file;
mod dates;
mod foresight;
mod graph;
mod index;
mod lately;
mod locks;
mod log;
mod lookup;
mod merge;
mod objects;
mod packs;
mod plain;
mod refs;
mod remote;
mod repository;
mod reverts;
mod rewrite;
mod status;
mod tree;
#[cfg(fuzzing)]
pub mod untrusted;
mod versions;
mod work;

pub use blob_folder::BlobFolder;
pub use blobs::BlobStream;
pub use bulk::Reader;
pub use child::{Deadline, Environment, Git, GitError, Output, calling_git, is_running, run_isolated};
pub use config::ConfigPlace;
pub use config_file::rewrite_config;
pub use graph::{Bases, Common, Graph, Node};
pub use index::{IndexEntry, Stage};
pub use log::{CommitLine, Line, Trailer};
pub use merge::{Prediction, Strategy};
pub use objects::{Commit, ObjectKind, Objects, TreeEntry};
pub use packs::Packs;
pub use refs::{RefTransaction, ReflogEntry};
pub use repository::{Head, Opening, Repo};
pub use reverts::Changer;
pub use rewrite::Merged;
pub use status::{Standing, Uncommitted};
pub use versions::PathVersion;
pub use work::{Filtered, Overlaps};
