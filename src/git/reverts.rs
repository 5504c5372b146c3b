//! Questions about work that was taken back: who stands on one of two lines only, and what commits changed.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use bstr::ByteSlice;

use super::child::{Git, GitError};
use super::log::CommitLine;
use super::repository::Repo;
use crate::model::{Change, Entry, Mode, Oid, Raw, TreePath};

/// What is asked here is nice to have: a merge does not wait longer for one answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// A commit that changed something, and what it says of that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changer {
    /// Its name.
    pub oid: Oid,
    /// The author's name.
    pub author: Raw,
    /// The whole message.
    pub message: Raw,
}

impl Repo {
    /// Returns the commits reachable from `tips` and not from `without`, each with its parents. `None` when that takes
    /// more than a second.
    pub fn parents_between(&self, tips: &[Oid], without: &[Oid]) -> Result<Option<HashMap<Oid, Vec<Oid>>>, GitError> {
        if let Some(known) = self.foreseen_between(tips, without) {
            return Ok(Some(known));
        }
        let ask = self.git("rev-list").arg("--parents").args(tips.iter().map(Oid::to_string));
        let ask = ask.args(without.iter().map(|oid| format!("^{oid}"))).arg("--");
        let Some(text) = self.patiently(ask)? else { return Ok(None) };
        let mut found = HashMap::new();
        for line in text.lines() {
            let mut names = line.split(|byte| *byte == b' ').filter_map(Oid::from_hex);
            if let Some(commit) = names.next() {
                found.insert(commit, names.collect());
            }
        }
        Ok(Some(found))
    }

    /// Returns which of `commits` changed one of `paths` against their only parent. `None` when that takes too long.
    pub fn touching(&self, commits: &[Oid], paths: &[&TreePath]) -> Result<Option<HashSet<Oid>>, GitError> {
        if commits.is_empty() || paths.is_empty() {
            return Ok(Some(HashSet::new()));
        }
        let ask = self.git("diff-tree").args(["--stdin", "-r", "-s", "--no-renames", "--"]).input(lines(commits));
        let ask = paths.iter().fold(ask, |ask, path| ask.bytes(path));
        Ok(self.patiently(ask)?.map(|text| text.lines().filter_map(Oid::from_hex).collect()))
    }

    /// Returns what commits changed against their only parent, in byte order of paths; merges and first commits are left
    /// out. `None` when that takes too long.
    pub fn changes_of(&self, commits: &[Oid]) -> Result<Option<HashMap<Oid, Vec<Change>>>, GitError> {
        if commits.is_empty() {
            return Ok(Some(HashMap::new()));
        }
        let fixed = ["--stdin", "-r", "-z", "--raw", "--no-renames", "--no-abbrev"];
        let ask = self.git("diff-tree").args(fixed).input(lines(commits));
        let Some(text) = self.patiently(ask)? else { return Ok(None) };
        let unknown = || GitError::Answer { command: "diff-tree --stdin".into() };
        let mut found: HashMap<Oid, Vec<Change>> = HashMap::new();
        let mut current = None;
        // `<commit> NUL` starts a commit; each path is `:<mode> <mode> <oid> <oid> <letter> NUL <path> NUL`.
        let mut parts = text.split(|byte| *byte == 0).filter(|part| !part.is_empty());
        while let Some(part) = parts.next() {
            let Some(line) = part.strip_prefix(b":") else {
                current = Some(Oid::from_hex(part).ok_or_else(unknown)?);
                continue;
            };
            let (Some(commit), Some(path)) = (current, parts.next()) else { return Err(unknown()) };
            let (before, after) = raw_line(line).ok_or_else(unknown)?;
            found.entry(commit).or_default().push(Change { path: path.into(), before, after });
        }
        for changes in found.values_mut() {
            changes.sort_unstable_by(|one, other| one.path.cmp(&other.path));
        }
        Ok(Some(found))
    }

    /// Returns the newest commits of a range, in words of `git rev-list`, that changed one of `paths`. `None` when that takes too
    /// long.
    pub fn changers(&self, paths: &[TreePath], range: &[String]) -> Result<Option<Vec<Changer>>, GitError> {
        let ask = self.git("log").args(["-z", "--no-show-signature", "--format=%H%x00%an%x00%B", "--max-count=200"]);
        let ask = ask.args(range);
        let ask = paths.iter().fold(ask.arg("--"), |ask, path| ask.bytes(path));
        let Some(text) = self.patiently(ask)? else { return Ok(None) };
        let mut parts = text.split(|byte| *byte == 0);
        let mut found = Vec::new();
        while let (Some(oid), Some(author), Some(message)) = (parts.next(), parts.next(), parts.next()) {
            let Some(oid) = Oid::from_hex(oid) else { return Err(GitError::Answer { command: "log -z".into() }) };
            found.push(Changer { oid, author: author.into(), message: message.into() });
        }
        Ok(Some(found))
    }

    /// Returns what names a change alike wherever its lines stand (`git patch-id --stable`). `None` when it has no lines:
    /// nothing changed, or what changed is binary.
    pub fn patch_id(&self, before: Oid, after: Oid) -> Result<Option<String>, GitError> {
        let fixed = ["-r", "-p", "--no-renames", "--no-ext-diff", "--no-textconv"];
        let ask = self.git("diff-tree").args(fixed).args([before.to_string(), after.to_string()]);
        let Some(patch) = self.patiently(ask)? else { return Ok(None) };
        // Content that is not shown would make different changes look alike.
        if patch.is_empty() || patch.lines().any(|line| line.starts_with(b"Binary files ")) {
            return Ok(None);
        }
        let named = self.patiently(self.git("patch-id").arg("--stable").input(patch))?.unwrap_or_default();
        Ok(named.fields().next().map(|id| id.to_str_lossy().into_owned()))
    }

    /// Returns the newest commits reachable from `tips` and not from `without`, up to `bound` of them.
    pub fn newest(&self, tips: &[Oid], without: &[Oid], bound: usize) -> Result<Vec<CommitLine>, GitError> {
        let ask = self.git("log").args(["--no-show-signature", "--format=%H%x00%an%x00%s", &format!("-{bound}")]);
        let ask = ask.args(tips.iter().map(Oid::to_string)).args(without.iter().map(|oid| format!("^{oid}")));
        let text = ask.arg("--").run()?.success()?;
        let line = |line: &[u8]| {
            let mut parts = line.split(|byte| *byte == 0);
            let oid = Oid::from_hex(parts.next()?)?;
            Some(CommitLine { oid, author: parts.next()?.into(), subject: parts.next()?.into() })
        };
        Ok(text.lines().filter_map(line).collect())
    }

    /// Returns the newest commit between `commit` and `tip` whose message says, in git's words or ours, that it takes `commit`
    /// back.
    pub fn revert_of(&self, commit: Oid, tip: Oid) -> Result<Option<Oid>, GitError> {
        // With `revert.reference` git abbreviates.
        let name = commit.to_string();
        let words = [format!("This reverts commit {}", &name[..7]), format!("..{name}.")];
        let ask = self.git("rev-list").args(["-1", "-F"]).args(words.map(|words| format!("--grep={words}")));
        let Some(text) = self.patiently(ask.args([tip.to_string(), format!("^{commit}")]))? else { return Ok(None) };
        Ok(text.lines().next().and_then(Oid::from_hex))
    }

    /// Runs what may take long; `None` when it took too long. The end of this call's own time limit stays an error.
    fn patiently(&self, ask: Git) -> Result<Option<Vec<u8>>, GitError> {
        match ask.patience(PATIENCE).run() {
            Err(GitError::TimedOut(_)) => self.deadline().check().map(|()| None),
            output => output?.success().map(Some),
        }
    }
}

fn lines(commits: &[Oid]) -> Vec<u8> {
    commits.iter().flat_map(|oid| format!("{oid}\n").into_bytes()).collect()
}

/// Reads `<mode> <mode> <oid> <oid> <letter>`.
fn raw_line(line: &[u8]) -> Option<(Option<Entry>, Option<Entry>)> {
    let words: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
    let entry = |mode: &[u8], oid: &[u8]| {
        let mode = u32::from_str_radix(mode.to_str().ok()?, 8).ok()?;
        let oid = Oid::from_hex(oid)?;
        // Mode 0: nothing stands there.
        if mode == 0 { Some(None) } else { Some(Some(Entry { mode: Mode::from_octal(mode)?, oid })) }
    };
    let [before_mode, after_mode, before, after, _] = words[..] else { return None };
    Some((entry(before_mode, before)?, entry(after_mode, after)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_lines_tell_both_sides() {
        let (one, none) = ("1".repeat(40), "0".repeat(40));
        let added = raw_line(format!("000000 100755 {none} {one} A").as_bytes()).unwrap();
        assert_eq!(added, (None, Some(Entry { mode: Mode::Executable, oid: one.parse().unwrap() })));
        let deleted = raw_line(format!("120000 000000 {one} {none} D").as_bytes()).unwrap();
        assert_eq!(deleted, (Some(Entry { mode: Mode::Link, oid: one.parse().unwrap() }), None));
        assert_eq!(raw_line(b"100644 100644 short short M"), None);
        assert_eq!(raw_line(b""), None);
    }
}
