//! The versions that history has of one file.

use bstr::ByteSlice;

use super::child::GitError;
use super::repository::Repo;
use crate::model::{Entry, Mode, Oid, Raw, RefName, TreePath};

/// A version of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathVersion {
    /// The commit that brought it.
    pub commit: Oid,
    /// When that was committed: seconds since 1970.
    pub at: i64,
    /// Its author's name.
    pub author: Raw,
    /// Its subject.
    pub subject: Raw,
    /// Where the file was; another path than was asked for where it was moved since.
    pub path: TreePath,
    /// What stood there; `None` where the commit removed the file.
    pub entry: Option<Entry>,
}

/// So much of a reflog is looked at.
const REFLOG: usize = 1000;
/// How often a file is followed to where it was before.
const MOVES: usize = 10;

impl Repo {
    /// Returns the versions of a file that commits brought, newest first, `most` at most: all that HEAD reaches by any parent, and
    /// what only the reflog of the branch at hand (of HEAD, where none is) still reaches. Where a file was moved, its older places
    /// count, too. A version that several commits brought stands there several times.
    ///
    /// A commit stands before its parents whatever its clock said; `at` never grows along the list.
    ///
    /// # Limitations
    ///
    /// A move is seen where one commit removed the old place and added the new one, as `git diff -M` sees it.
    pub fn versions(&self, path: &TreePath, most: usize) -> Result<Vec<PathVersion>, GitError> {
        let head = self.head()?;
        let Some(tip) = head.oid else { return Ok(Vec::new()) };
        let reflog = self.reflog(&head.branch.unwrap_or_else(|| RefName::from("HEAD")), REFLOG)?;
        let mut tips = vec![tip];
        tips.extend(reflog.into_iter().map(|entry| entry.new));
        let mut found: Vec<PathVersion> = Vec::new();
        let mut wanted = vec![(path.clone(), tips)];
        let mut known = vec![path.clone()];
        while let Some((path, tips)) = wanted.pop() {
            let added = self.versions_at(&path, &tips, most, &mut found)?;
            for commit in added.into_iter().take(MOVES) {
                let Some(origin) = self.moved_from(commit, &path)? else { continue };
                if known.len() < MOVES && !known.contains(&origin) {
                    known.push(origin.clone());
                    wanted.push((origin, vec![commit]));
                }
            }
        }
        // Each list comes in git's order; a place before a move is older than the move.
        let mut latest = i64::MAX;
        for version in &mut found {
            latest = latest.min(version.at);
            version.at = latest;
        }
        found.truncate(most);
        Ok(found)
    }

    /// Adds the versions at one path, and returns the commits that added it.
    fn versions_at(
        &self,
        path: &TreePath,
        tips: &[Oid],
        most: usize,
        found: &mut Vec<PathVersion>,
    ) -> Result<Vec<Oid>, GitError> {
        let ask = self.git("log").args(["--no-show-signature", "--full-history", "-m", "--raw", "-z", "--no-renames"]);
        let ask = ask.args(["--no-abbrev", "--date-order", "--format=%x01%H%x00%ct%x00%an%x00%s"]);
        let ask = ask.arg(format!("--max-count={most}")).args(["--ignore-missing", "--stdin"]);
        let tips: String = tips.iter().map(|tip| format!("{tip}\n")).collect();
        let text = ask.arg("--").bytes(path).input(tips.into_bytes()).run()?.success()?;
        let mut added = Vec::new();
        let mut fields = text.split(|byte| *byte == 0).map(|field| field.strip_prefix(b"\n").unwrap_or(field));
        let mut commit: Option<(Oid, i64, Raw, Raw)> = None;
        while let Some(field) = fields.next() {
            if let Some(oid) = field.strip_prefix(b"\x01").and_then(Oid::from_hex) {
                let (at, author, subject) = (fields.next(), fields.next(), fields.next());
                let at = at.and_then(|at| at.to_str().ok()?.parse().ok()).unwrap_or(0);
                commit = Some((oid, at, author.unwrap_or_default().into(), subject.unwrap_or_default().into()));
            } else if let (Some(line), Some((oid, at, author, subject))) = (field.strip_prefix(b":"), &commit) {
                let mut words = line.split(|byte| *byte == b' ');
                let (_, mode, old, new) = (words.next(), words.next(), words.next(), words.next());
                let at_path: TreePath = fields.next().unwrap_or_default().into();
                // Where the path is a folder's, git lists the files beneath.
                if at_path != *path {
                    continue;
                }
                let oid_of = |word: Option<&[u8]>| word.and_then(Oid::from_hex).filter(|oid| !oid.is_null());
                let mode = mode.and_then(|mode| Mode::from_octal(u32::from_str_radix(mode.to_str().ok()?, 8).ok()?));
                if oid_of(old).is_none() {
                    added.push(*oid);
                }
                let entry = mode.zip(oid_of(new)).map(|(mode, oid)| Entry { mode, oid });
                let (author, subject) = (author.clone(), subject.clone());
                found.push(PathVersion { commit: *oid, at: *at, author, subject, path: at_path, entry });
            }
        }
        Ok(added)
    }

    /// Returns where a file was before a commit that added it at a path.
    fn moved_from(&self, commit: Oid, path: &TreePath) -> Result<Option<TreePath>, GitError> {
        let ask = self.git_reading("diff-tree").args([
            "-r",
            "-z",
            "-M",
            "--diff-filter=R",
            "--raw",
            "-l2000",
            "--no-commit-id",
        ]);
        let text = ask.arg(commit.to_string()).run()?.success()?;
        let mut parts = text.split(|byte| *byte == 0);
        while let (Some(_), Some(from), Some(to)) = (parts.next(), parts.next(), parts.next()) {
            if to == &path[..] {
                return Ok(Some(from.into()));
            }
        }
        Ok(None)
    }
}
