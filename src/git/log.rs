//! Commits of a range: who did what.

use std::collections::BTreeMap;
use std::time::Duration;

use bstr::ByteSlice;

use super::child::GitError;
use super::repository::Repo;
use crate::model::{Oid, Raw, TreePath};

/// A commit in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitLine {
    /// Its name.
    pub oid: Oid,
    /// The author's name.
    pub author: Raw,
    /// Its subject.
    pub subject: Raw,
}

/// A `Guard-Allow:` trailer in a commit's message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trailer {
    /// The commit that carries it.
    pub commit: Oid,
    /// What stands behind the colon.
    pub value: Raw,
}

/// Which commits of a range are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// All.
    All,
    /// Those that are reached by first parents: what was merged is left out.
    Own,
}

impl Repo {
    /// Returns the newest commit that is reachable from `tips`, not from `without`, and changed `path`. Gives up after
    /// less than a second: it is asked while somebody waits.
    pub fn last_change(&self, path: &TreePath, tips: &[Oid], without: &[Oid]) -> Result<Option<CommitLine>, GitError> {
        let ask = self.git("log").args(["-1", "--no-show-signature", "--format=%H%x00%an%x00%s"]);
        let ask = ask.args(tips.iter().map(Oid::to_string)).args(without.iter().map(|oid| format!("^{oid}")));
        let text = ask.arg("--").bytes(path).patience(Duration::from_millis(700)).run()?.success()?;
        let mut parts = text.trim_end().split(|byte| *byte == 0);
        let (Some(oid), Some(author), Some(subject)) = (parts.next(), parts.next(), parts.next()) else {
            return Ok(None);
        };
        Ok(Oid::from_hex(oid).map(|oid| CommitLine { oid, author: author.into(), subject: subject.into() }))
    }

    /// Returns the merges reachable from `tips` and not from `without`, oldest first.
    pub fn merges(&self, tips: &[Oid], without: &[Oid], line: Line) -> Result<Vec<Oid>, GitError> {
        let ask = self.git("rev-list").args(["--merges", "--reverse", "--topo-order"]);
        let ask = if line == Line::Own { ask.arg("--first-parent") } else { ask };
        let ask = ask.args(tips.iter().map(Oid::to_string)).args(without.iter().map(|oid| format!("^{oid}")));
        Ok(ask.arg("--").run()?.success()?.lines().filter_map(Oid::from_hex).collect())
    }

    /// Returns whether a shallow clone cuts off history that these have and `without` have not: then neither what they have in
    /// common nor the merges among them are known.
    pub fn is_cut(&self, tips: &[Oid], without: &[Oid]) -> Result<bool, GitError> {
        let cut = self.cut_commits();
        if cut.is_empty() {
            return Ok(false);
        }
        let ask = self.git("rev-list").args(tips.iter().map(Oid::to_string));
        let ask = ask.args(without.iter().map(|oid| format!("^{oid}"))).arg("--");
        Ok(ask.run()?.success()?.lines().filter_map(Oid::from_hex).any(|oid| cut.contains(&oid)))
    }

    /// Returns the merges that revisions and filters of `git rev-list` choose, newest first.
    pub fn chosen_merges(&self, filters: &[String], revisions: &[String]) -> Result<Vec<Oid>, GitError> {
        let ask = self.git("rev-list").arg("--merges").args(filters).args(revisions).arg("--");
        Ok(ask.run()?.success()?.lines().filter_map(Oid::from_hex).collect())
    }

    /// Returns the newest `most` merges of a commit that neither a remote has, as far as that is known here, nor `old` reaches;
    /// oldest first.
    pub fn unpublished_merges(&self, tip: Oid, old: Option<Oid>, most: usize) -> Result<Vec<Oid>, GitError> {
        let ask = self.git("rev-list").arg("--merges").arg(format!("--max-count={most}")).arg(tip.to_string());
        let ask = ask.arg("--not").args(old.map(|old| old.to_string())).arg("--remotes");
        let mut merges: Vec<Oid> = ask.run()?.success()?.lines().filter_map(Oid::from_hex).collect();
        merges.reverse();
        Ok(merges)
    }

    /// Returns the newest `most` merges of a commit that `without` do not reach yet, oldest first; where nothing is named, that no
    /// branch here reaches. Tags and other refs may hold what nobody has judged.
    pub fn new_merges(&self, tip: Oid, without: &[Oid], line: Line, most: usize) -> Result<Vec<Oid>, GitError> {
        let ask = self.git("rev-list").arg("--merges").arg(format!("--max-count={most}")).arg(tip.to_string());
        let ask = if line == Line::Own { ask.arg("--first-parent") } else { ask };
        let ask = ask.arg("--not");
        let ask = if without.is_empty() { ask.arg("--branches") } else { ask.args(without.iter().map(Oid::to_string)) };
        let mut merges: Vec<Oid> = ask.run()?.success()?.lines().filter_map(Oid::from_hex).collect();
        merges.reverse();
        Ok(merges)
    }

    /// Returns the number of commits reachable from `tips` and not from `without`.
    pub fn count_commits(&self, tips: &[Oid], without: &[Oid]) -> Result<usize, GitError> {
        let ask = self.git("rev-list").arg("--count");
        let ask = ask.args(tips.iter().map(Oid::to_string)).args(without.iter().map(|oid| format!("^{oid}")));
        let line = ask.arg("--").run()?.line()?;
        line.parse().map_err(|_| GitError::Answer { command: "rev-list".into() })
    }

    /// Returns the `Guard-Allow:` trailers of the commits reachable from `tips` and not from `without`.
    pub fn allow_trailers(&self, tips: &[Oid], without: &[Oid], line: Line) -> Result<Vec<Trailer>, GitError> {
        let format = "--format=%H%x00%(trailers:key=Guard-Allow,valueonly,unfold)%x00";
        let ask = self.git("log").args(["--no-show-signature", "--grep=^Guard-Allow:", "--max-count=1000", format]);
        let ask = if line == Line::Own { ask.arg("--first-parent") } else { ask };
        let ask = ask.args(tips.iter().map(Oid::to_string)).args(without.iter().map(|oid| format!("^{oid}")));
        let text = ask.arg("--").run()?.success()?;
        let mut parts = text.split(|byte| *byte == 0);
        let mut found = Vec::new();
        while let (Some(commit), Some(values)) = (parts.next(), parts.next()) {
            let Some(commit) = Oid::from_hex(commit.trim()) else { continue };
            let values = values.lines().filter(|line| !line.trim().is_empty());
            found.extend(values.map(|line| Trailer { commit, value: line.trim().into() }));
        }
        Ok(found)
    }

    /// Adds trailers to a message file, each once. The final newline is added first: git 2.39 would glue a trailer to
    /// the subject.
    pub fn add_trailers(&self, file: &std::path::Path, trailers: &[String]) -> Result<(), GitError> {
        let place = self.work_tree().unwrap_or(self.git_dir()).join(file);
        let io = |source| GitError::Io { path: place.display().to_string(), source };
        let mut message = std::fs::read(&place).map_err(io)?;
        if !message.ends_with(b"\n") {
            message.push(b'\n');
        }
        let mut ask = self.git("interpret-trailers").args(["--if-exists", "addIfDifferent"]);
        for trailer in trailers {
            ask = ask.args(["--trailer", trailer]);
        }
        let text = ask.input(message).run()?.success()?;
        crate::disk::write_atomic(&place, &text, crate::disk::Durability::Lazy, 0o666)?;
        Ok(())
    }

    /// Returns pairs of (gone, new) paths that git sees as renames between two trees, with percent of likeness.
    pub fn renames(&self, before: Oid, after: Oid) -> Result<Vec<(TreePath, TreePath, u8)>, GitError> {
        let ask = self.git_reading("diff-tree").args(["-r", "-z", "-M", "--diff-filter=R", "--raw", "-l2000"]);
        let found = moves(&ask.args([before.to_string(), after.to_string()]).run()?.success()?);
        Ok(found.into_iter().map(|found| (found.from, found.to, found.likeness)).collect())
    }

    /// Returns where files of a tree stand in the index that git sees as moved, each with one heir only.
    pub fn moved_since(&self, tree: Oid) -> Result<BTreeMap<TreePath, TreePath>, GitError> {
        // Looking for copies names every file that is like one which is gone: one of them as its new place.
        let ask = self.git_reading("diff-index").args(["--cached", "-z", "-M", "-C", "--diff-filter=RC", "--raw"]);
        let found = moves(&ask.args(["-l2000", &tree.to_string()]).run()?.success()?);
        let mut heirs: BTreeMap<TreePath, Vec<Move>> = BTreeMap::new();
        for heir in found {
            heirs.entry(heir.from.clone()).or_default().push(heir);
        }
        let only = |(from, heirs): (TreePath, Vec<Move>)| match <[Move; 1]>::try_from(heirs) {
            Ok([Move { to, is_copy: false, .. }]) => Some((from, to)),
            _ => None,
        };
        Ok(heirs.into_iter().filter_map(only).collect())
    }
}

/// A file that git sees as come from another one.
pub(super) struct Move {
    from: TreePath,
    to: TreePath,
    /// The other one may still be there.
    is_copy: bool,
    /// In percent.
    likeness: u8,
}

/// Reads raw lines of renames and copies.
pub(super) fn moves(text: &[u8]) -> Vec<Move> {
    let mut parts = text.split(|byte| *byte == 0);
    let mut found = Vec::new();
    while let (Some(header), Some(from), Some(to)) = (parts.next(), parts.next(), parts.next()) {
        let word = header.rsplit(|byte| *byte == b' ').next().unwrap_or_default();
        let likeness = word.get(1..).and_then(|score| score.to_str().ok()?.parse().ok()).unwrap_or(0);
        found.push(Move { from: from.into(), to: to.into(), is_copy: word.starts_with(b"C"), likeness });
    }
    found
}
