//! Reports for forges: one file a format, all from one [`Report`](super::Report).
//!
//! What comes from a repository (paths, subjects, authors, lines) is chosen by whoever could push to it: it must not end a
//! field, start a command or become a link. Each file says how its format is kept shut.

pub mod github;
pub mod gitlab;
pub mod sarif;

#[cfg(test)]
mod tests;
