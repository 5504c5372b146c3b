//! Why a finding that would block need not: what accepted lines already contain, what somebody allowed.

use std::collections::BTreeMap;

use bstr::ByteSlice;

use crate::git::{GitError, Line, Repo};
use crate::manifest::Manifest;
use crate::model::{Allowance, Excuse, Facts, Finding, Level, Oid, ResultKind, TreePath, escape};

/// Whose permissions count here.
#[derive(Debug, Clone)]
pub struct Allow<'a> {
    /// Allowances recorded in this clone for this very merge.
    pub recorded: &'a [Allowance],
    /// Which `Guard-Allow:` trailers count.
    pub trailers: Trailers<'a>,
}

/// Which `Guard-Allow:` trailers count.
#[derive(Debug, Clone, Copy)]
pub enum Trailers<'a> {
    /// Those of all incoming commits: they are a record.
    All,
    /// Those for these rules, in commits of the branch's own line: the merge commit, not what it merged.
    Own(&'a [String]),
}

/// Rules about the working tree here: what others have, or allowed in their commits, is no reason to lose what is in it.
const OF_HERE: [&str; 2] = ["data-in-use", "ignored-overwritten"];

/// Returns excuses by fingerprint, for the findings that have one. Asks nothing when nothing blocks or warns.
pub fn excuses(
    repo: &Repo,
    manifest: &Manifest,
    facts: &Facts,
    findings: &[Finding],
    allow: &Allow<'_>,
) -> Result<BTreeMap<String, Excuse>, GitError> {
    let mut found = BTreeMap::new();
    let loud: Vec<&Finding> = findings.iter().filter(|finding| finding.level >= Level::Warn).collect();
    if loud.is_empty() {
        return Ok(found);
    }
    for finding in &loud {
        let matching = allow
            .recorded
            .iter()
            .find(|allowed| allowed.rule == finding.rule && (allowed.path.is_none() || allowed.path == finding.path));
        if let Some(allowed) = matching {
            found.insert(finding.fingerprint.clone(), Excuse::Allowed { reason: escape(allowed.reason.as_bytes()) });
        }
    }
    let open = |found: &BTreeMap<String, Excuse>, finding: &Finding| !found.contains_key(&finding.fingerprint);
    let of_all: Vec<&Finding> =
        loud.iter().filter(|finding| !OF_HERE.contains(&finding.rule.as_str())).copied().collect();
    if of_all.iter().any(|finding| open(&found, finding)) {
        add_trailers(repo, facts, allow.trailers, &of_all, &mut found)?;
    }
    if of_all.iter().any(|finding| finding.level == Level::Block && open(&found, finding)) {
        add_accepted(repo, manifest, facts, &of_all, &mut found)?;
    }
    if facts.result == (ResultKind::Predicted { certain: false }) {
        for finding in loud {
            found.entry(finding.fingerprint.clone()).or_insert(Excuse::Uncertain);
        }
    } else if facts.result == ResultKind::Ours {
        let is_of_data = |finding: &&&Finding| finding.path.as_ref().is_some_and(|path| facts.data.contains_key(path));
        for finding in loud.iter().filter(is_of_data) {
            found.entry(finding.fingerprint.clone()).or_insert(Excuse::Ours);
        }
    }
    Ok(found)
}

/// Writes `<rule> <path> -- <reason>`, the value of a `Guard-Allow:` trailer; a path with blanks or odd bytes is quoted.
pub fn render_trailer(rule: &str, path: Option<&TreePath>, reason: &str) -> String {
    let path = path.map_or_else(|| "*".to_owned(), word);
    format!("{rule} {path} -- {}", escape(reason.as_bytes()))
}

/// Reads what [`render_trailer`] writes: rule, path as written (`*`: every path), reason.
pub fn parse_trailer(value: &[u8]) -> Option<(String, String, String)> {
    let text = escape(value);
    let (rule, rest) = text.split_once(' ')?;
    let end = if rest.starts_with('"') {
        // A quoted path may hold the separator; its own quotes and backslashes are escaped.
        let slashes = |at: usize| rest[..at].bytes().rev().take_while(|byte| *byte == b'\\').count();
        rest.match_indices("\" --").find(|(at, _)| *at > 0 && slashes(*at) % 2 == 0)?.0 + 1
    } else {
        rest.find(" --")?
    };
    let (path, reason) = (&rest[..end], rest[end..].strip_prefix(" --")?.trim());
    Some((rule.to_owned(), path.to_owned(), reason.to_owned()))
}

/// Returns a path as one word of a trailer; no other path has the same.
fn word(path: &TreePath) -> String {
    // A backslash of the path's own stands twice, before those by which odd bytes are shown.
    let shown = path.split_str("\\").map(escape).collect::<Vec<_>>().join(r"\\");
    if shown.as_bytes() == path.as_bytes() && !shown.contains([' ', '"', '*']) {
        shown
    } else {
        format!("\"{}\"", shown.replace('"', "\\\""))
    }
}

fn add_trailers(
    repo: &Repo,
    facts: &Facts,
    which: Trailers<'_>,
    findings: &[&Finding],
    found: &mut BTreeMap<String, Excuse>,
) -> Result<(), GitError> {
    let heads: Vec<Oid> = facts.incoming.iter().map(|head| head.oid).collect();
    let without: Vec<Oid> = facts.into.tip.into_iter().collect();
    let trailers = match (which, facts.commit) {
        (Trailers::All, _) => repo.allow_trailers(&heads, &without, Line::All)?,
        (Trailers::Own([]), _) => return Ok(()),
        // Its first parent is the branch's; what comes after it is the commit alone.
        (Trailers::Own(_), commit) => {
            let tips = commit.map_or(heads, |commit| vec![commit]);
            repo.allow_trailers(&tips, &without, Line::Own)?
        }
    };
    for trailer in trailers {
        let Some((rule, path, reason)) = parse_trailer(&trailer.value) else { continue };
        if matches!(which, Trailers::Own(rules) if !rules.contains(&rule)) {
            continue;
        }
        for finding in findings.iter().filter(|finding| finding.rule == rule) {
            // What a merge lost it need not have changed: its first parent may have it as it is.
            let is_own = facts.commit == Some(trailer.commit);
            let fits = match &finding.path {
                None => path == "*" && is_own,
                Some(at) => (path == "*" || path == word(at)) && (is_own || brought(repo, trailer.commit, at)?),
            };
            if fits {
                let excuse = Excuse::Trailer { commit: trailer.commit.short(), reason: reason.clone() };
                found.entry(finding.fingerprint.clone()).or_insert(excuse);
            }
        }
    }
    Ok(())
}

/// Returns whether a commit made, or as a merge brought, a change at a path.
fn brought(repo: &Repo, commit: Oid, path: &TreePath) -> Result<bool, GitError> {
    let objects = repo.objects();
    let commit = objects.commit(commit)?;
    let before = commit.parents.first().map(|parent| objects.tree_of(*parent)).transpose()?;
    Ok(objects.entry(before, path)? != objects.entry(Some(commit.tree), path)?)
}

/// Excuses what a line of `[policy] accepted` already contains: all of it when that line contains every incoming
/// commit, else each path that the line itself changed to what the merge makes of it. What the merge itself lost of a
/// side no line contains.
fn add_accepted(
    repo: &Repo,
    manifest: &Manifest,
    facts: &Facts,
    findings: &[&Finding],
    found: &mut BTreeMap<String, Excuse>,
) -> Result<(), GitError> {
    let Some(tip) = facts.into.tip else { return Ok(()) };
    for line in &manifest.policy.accepted {
        let Some(accepted) = resolve_line(repo, facts, line)? else { continue };
        let all = facts.incoming.iter().map(|head| repo.is_ancestor(head.oid, accepted));
        let all = !facts.incoming.is_empty() && all.collect::<Result<Vec<_>, _>>()?.into_iter().all(|inside| inside);
        let came_in = |finding: &&&Finding| finding.level == Level::Block && !finding.evidence.contains_key("side");
        for finding in findings.iter().filter(came_in) {
            if all || contains(repo, facts, tip, accepted, finding.path.as_ref())? {
                let excuse = Excuse::Accepted { line: escape(line.as_bytes()) };
                found.entry(finding.fingerprint.clone()).or_insert(excuse);
            }
        }
    }
    Ok(())
}

/// Resolves a line of `[policy] accepted`; `@{upstream}` is the upstream of the branch merged into.
fn resolve_line(repo: &Repo, facts: &Facts, line: &str) -> Result<Option<Oid>, GitError> {
    let of_branch = |suffix: &str| {
        let branch = facts.into.branch.as_ref()?.to_str().ok()?;
        Some(format!("{branch}{suffix}^{{commit}}"))
    };
    if line.starts_with("@{") {
        return of_branch(line).map_or(Ok(None), |revision| repo.resolve(&revision));
    }
    if line == "HEAD" || line.starts_with("refs/") {
        return repo.resolve(&format!("{line}^{{commit}}"));
    }
    // A tag of the same name would come first for git, and a branch that is called 'HEAD' there is not the default one.
    for folder in ["refs/remotes/", "refs/heads/"] {
        let name = format!("{folder}{line}");
        if let Some(found) = repo.resolve(&format!("{name}^{{commit}}"))? {
            return Ok((!line.ends_with("/HEAD") || repo.is_symbolic(&name)?).then_some(found));
        }
    }
    Ok(None)
}

fn contains(repo: &Repo, facts: &Facts, tip: Oid, accepted: Oid, path: Option<&TreePath>) -> Result<bool, GitError> {
    let Some(path) = path else { return Ok(false) };
    let Some(known) = facts.paths.iter().find(|known| known.path == *path) else { return Ok(false) };
    let objects = repo.objects();
    if objects.leaf(Some(objects.tree_of(accepted)?), path)? != known.result {
        return Ok(false);
    }
    // Being equal is not enough: the line must have made the change since it parted from the branch.
    for base in repo.merge_bases(tip, accepted)? {
        if objects.leaf(Some(objects.tree_of(base)?), path)? == known.first {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trailers_read_back_as_written() {
        for path in ["a/b.sh", "with blank", "a -- b", "quote\"", "q\" -- x", "new\nline", "*", "end\\", "q\\\" -- x\\"]
        {
            let path = TreePath::from(path);
            let value = render_trailer("protected-delete", Some(&path), "it is -- really -- fine");
            let (rule, shown, reason) = parse_trailer(value.as_bytes()).unwrap();
            assert_eq!(
                (rule.as_str(), shown, reason.as_str()),
                ("protected-delete", word(&path), "it is -- really -- fine")
            );
        }
    }

    #[test]
    fn no_two_paths_are_one_word() {
        let paths: [&[u8]; 8] = [b"a\nb", b"a\\nb", b"a\\\\nb", b"\xff", b"\\xff", b"\"a\"", b"a\\", b"a\\\""];
        let words: std::collections::BTreeSet<String> = paths.iter().map(|path| word(&TreePath::from(*path))).collect();
        assert_eq!(words.len(), paths.len(), "{words:?}");
    }

    #[test]
    fn every_path_is_a_star() {
        let value = render_trailer("mass-delete", None, "");
        assert_eq!(parse_trailer(value.as_bytes()).unwrap().1, "*");
    }
}
