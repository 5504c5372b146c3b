//! Locks of git that nobody lets go: as long as one is there, git and guard change nothing of what it stands for.

use super::{Check, Health};
use crate::git::Repo;
use crate::rules::shell_quote;

/// So many are named.
const NAMED: usize = 3;

/// Looks for them. A git that runs just now holds some, too.
pub(super) fn check(repo: &Repo) -> Option<Check> {
    let locks = repo.lock_files();
    let name = |path: &std::path::Path| {
        let inner = path.strip_prefix(repo.git_dir()).or_else(|_| path.strip_prefix(repo.common_dir()));
        format!("'{}'", crate::model::escape(inner.unwrap_or(path).as_os_str().as_encoded_bytes()))
    };
    let mut names: Vec<String> = locks.iter().take(NAMED).map(|path| name(path)).collect();
    if locks.len() > NAMED {
        names.push(format!("{} more", locks.len() - NAMED));
    }
    let (is, it) = if locks.len() > 1 { ("are", "them") } else { ("is", "it") };
    let text = format!(
        "{} {is} locked: by a git command that runs, or by one that was killed; only when none runs here, remove {it}",
        names.join(", ")
    );
    let paths: Vec<String> = locks.iter().map(|path| shell_quote(path.as_os_str().as_encoded_bytes())).collect();
    let remedy = format!("rm -f -- {}", paths.join(" "));
    (!locks.is_empty()).then(|| Check::new("locks", Health::Bad, text).remedy(remedy))
}
