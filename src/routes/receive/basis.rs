//! By what a server judges: the manifest of a branch, read with the server's own eyes.
//!
//! In a clone `origin/main` is what the shared repository has, and what that has already is flagged, not blocked. On the server
//! itself that is its own branch `main`. Nothing that anybody may push without being judged counts: no tags, no refs elsewhere,
//! no branch that is called `origin/main` here.

use super::super::judge::{self, Basis};
use crate::git::{GitError, Repo};
use crate::model::Oid;

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
    basis.manifest.policy.accepted = accepted.iter().filter_map(|line| here(line)).collect();
    Ok(basis)
}

/// Returns what a line of `[policy] accepted` is on the server.
fn here(line: &str) -> Option<String> {
    let name = line.strip_prefix("refs/remotes/").unwrap_or(line);
    let name = name.strip_prefix("origin/").or_else(|| name.strip_prefix("refs/heads/")).unwrap_or(name);
    match name {
        "HEAD" => Some("HEAD".to_owned()),
        // Of a branch that is pushed here nobody knows the upstream.
        _ if name.contains("@{") || name.starts_with("refs/") => None,
        _ => Some(format!("refs/heads/{name}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_the_servers_own_branches() {
        let cases = [
            ("@{upstream}", None),
            ("main@{1}", None),
            ("origin/HEAD", Some("HEAD")),
            ("refs/remotes/origin/HEAD", Some("HEAD")),
            ("origin/main", Some("refs/heads/main")),
            ("refs/heads/main", Some("refs/heads/main")),
            ("release/1", Some("refs/heads/release/1")),
            ("refs/tags/v1", None),
        ];
        for (line, expected) in cases {
            assert_eq!(here(line).as_deref(), expected, "{line}");
        }
    }
}
