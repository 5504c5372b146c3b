//! What was allowed is carried in the merge's message, as a `Guard-Allow:` trailer each.

use std::path::Path;

use super::Session;
use super::result::staged_squash;
use crate::facts;
use crate::git::GitError;
use crate::model::Oid;

/// The trailer's name.
pub(super) const TRAILER: &str = "Guard-Allow";

/// Adds a trailer for each allowance of the merge that is being committed.
pub(super) fn add_trailers(session: &Session<'_>, file: &Path) -> Result<(), GitError> {
    let repo = session.repo;
    let Some(tip) = repo.resolve_head()? else { return Ok(()) };
    let named = repo.environment().with_prefix("GITHEAD_");
    let mut heads: Vec<Oid> = named.filter_map(|(oid, _)| Oid::from_hex(oid)).collect();
    if heads.is_empty() {
        heads = repo.merge_heads()?;
    }
    if heads.is_empty() && repo.has_state("SQUASH_MSG") {
        let squash = staged_squash(session, tip);
        heads =
            squash.map(|operation| operation.intent.incoming.iter().map(|head| head.oid).collect()).unwrap_or_default();
    }
    if heads.is_empty() {
        return Ok(());
    }
    let allowances = session.allowances(session.branch()?.as_ref(), Some(tip), &heads);
    let lines: Vec<String> = allowances
        .iter()
        .map(|allowed| {
            format!("{TRAILER}: {}", facts::render_trailer(&allowed.rule, allowed.path.as_ref(), &allowed.reason))
        })
        .collect();
    if lines.is_empty() { Ok(()) } else { repo.add_trailers(file, &lines) }
}
