//! By what a server judges: the manifest of a branch, read with the server's own eyes.
//!
//! In a clone `origin/main` is what the shared repository has, and what that has already is flagged, not blocked. On the server
//! itself that is its own branch `main`. Nothing that anybody may push without being judged counts: no tags, no refs elsewhere,
//! no branch that is called `origin/main` here.

use super::super::judge::{self, Basis};
use crate::git::{GitError, Repo};
use crate::model::{Oid, RefName};

/// Returns by what is judged what changes on a branch that moves from `old` to `new`.
pub(super) fn of_step(repo: &Repo, basis: &Basis, old: Oid, new: Oid) -> Result<Basis, GitError> {
    let mut basis = basis.clone();
    // Putting a branch where another one stands is no merge of that one: what it had goes.
    if !basis.manifest.policy.accepted.is_empty() && !repo.is_ancestor(old, new)? {
        basis.manifest.policy.accepted.clear();
    }
    Ok(basis)
}

/// Returns by what everything is judged that is pushed to a line of this server.
pub(super) fn of_server(repo: &Repo, line: Option<Oid>) -> Result<Basis, GitError> {
    let mut basis = Basis { is_shared: true, ..judge::basis(repo, line)? };
    let accepted = std::mem::take(&mut basis.manifest.policy.accepted);
    let default = repo.head()?.short_branch();
    let is_here = |line: &String| is_default(line, default.as_ref());
    basis.manifest.policy.accepted = if accepted.iter().any(is_here) { vec!["HEAD".to_owned()] } else { Vec::new() };
    Ok(basis)
}

/// Returns whether a line of `[policy] accepted` is the server's default branch. Every other one may have been made by whoever pushes,
/// and what it began with was judged by nobody.
fn is_default(line: &str, default: Option<&RefName>) -> bool {
    let name = line.strip_prefix("refs/remotes/").unwrap_or(line);
    let name = name.strip_prefix("origin/").or_else(|| name.strip_prefix("refs/heads/")).unwrap_or(name);
    name == "HEAD" || default.is_some_and(|default| default.as_bytes() == name.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_branch_alone_counts() {
        let cases = [
            ("@{upstream}", false),
            ("main@{1}", false),
            ("origin/HEAD", true),
            ("refs/remotes/origin/HEAD", true),
            ("origin/main", true),
            ("refs/heads/main", true),
            ("upstream/main", false),
            ("origin/release/1", false),
            ("refs/tags/main", false),
        ];
        for (line, expected) in cases {
            assert_eq!(is_default(line, Some(&RefName::from("main"))), expected, "{line}");
        }
    }
}
