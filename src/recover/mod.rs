//! Data files: which of their saved versions stay, and which version to bring back.
//!
//! ```text
//! candidates   the file as it stands, then every version that history, reflogs, operations and backups have, newest first
//! walk         each is examined as the manifest asks, until one is good
//! loss         what going back to it loses, in records
//! retention    which backups stay
//! ```
//!
//! Nothing here changes anything: [`crate::undo`] brings the bytes back.

mod candidates;
mod loss;
pub mod retention;
mod walk;

pub use candidates::{Candidate, Origin, candidates};
pub use loss::{Loss, loss, over};
pub use walk::{Step, Verdict, Walk, settles, walk};
