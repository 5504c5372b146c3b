//! Making commits: three-way merges of trees, and commits that exist nowhere else until they are adopted.
//!
//! Everything is made in the scratch folder, so that a plan which is not carried out leaves nothing behind.

use std::collections::BTreeSet;

use bstr::ByteSlice;

use super::child::GitError;
use super::merge::Strategy;
use super::repository::Repo;
use crate::disk::Durability;
use crate::model::{Change, Entry, HashKind, Oid, TreePath};

/// What merging three trees comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// The result; what stands in it at paths in conflict depends on git's version.
    pub tree: Oid,
    /// The paths in conflict; empty when it merged cleanly.
    pub conflicted: Vec<TreePath>,
}

impl Repo {
    /// Merges what changed between the trees `base` and `theirs` into the tree `ours`, as git merges. The result is an
    /// object in the scratch folder. A git older than 2.38 can't follow renames for it: where one may be, it is a conflict.
    pub fn merge_trees(&self, base: Oid, ours: Oid, theirs: Oid) -> Result<Merged, GitError> {
        let scratch = self.scratch()?;
        let trees = [base, ours, theirs];
        // Commits that only say which base is meant: git can be told that directly from 2.40 on, and of trees later still.
        let root = self.scratch_commit(scratch, base, &[])?;
        let ours = self.scratch_commit(scratch, ours, &[root])?;
        let theirs = self.scratch_commit(scratch, theirs, &[root])?;
        let merged = self.merge_tree(scratch, (ours, theirs), None, &Strategy::default(), &mut true)?;
        match merged {
            Some((tree, conflicted)) => Ok(Merged { tree, conflicted }),
            None => self.merge_by_path(trees),
        }
    }

    /// Merges path by path, without `git merge-tree`.
    fn merge_by_path(&self, [base, ours, theirs]: [Oid; 3]) -> Result<Merged, GitError> {
        let objects = self.objects();
        let (mut lines, mut conflicted) = (Vec::new(), Vec::new());
        let ours_since = objects.diff(Some(base), Some(ours), self.deadline())?;
        let moved: BTreeSet<Oid> = ours_since
            .iter()
            .filter(|change| change.before.is_none())
            .filter_map(|change| change.after.map(|entry| entry.oid))
            .collect();
        for Change { path, before, after } in objects.diff(Some(base), Some(theirs), self.deadline())? {
            let now = objects.entry(Some(ours), &path)?;
            let to = if now == before {
                Some(after)
            } else {
                match (now, before, after) {
                    // Not gone, but somewhere else.
                    (None, Some(before), None) if moved.contains(&before.oid) => None,
                    _ if now == after => Some(now),
                    (Some(now), Some(before), Some(after)) => self.merge_files(now, before, after)?.map(Some),
                    _ => None,
                }
            };
            match to {
                Some(to) => lines.extend(index_line(&path, to, self.hash_kind())),
                None => conflicted.push(path),
            }
        }
        let scratch = self.scratch()?;
        let index = scratch.folder.join("index");
        let git = |subcommand: &str| self.in_scratch(scratch, subcommand).env("GIT_INDEX_FILE", &index);
        git("read-tree").arg(ours.to_string()).run()?.success()?;
        let placed = git("update-index").args(["-z", "--index-info"]).input(lines).run()?;
        if placed.status != 0 {
            let why = "a file would have to stand where a folder is, or the other way round; git 2.38 can merge that";
            return Err(GitError::Unsupported(why.into()));
        }
        let line = git("write-tree").run()?.line()?;
        let tree = line.parse().map_err(|_| GitError::Answer { command: "write-tree".into() })?;
        Ok(Merged { tree, conflicted })
    }

    /// Merges three files; `None` when that conflicts.
    fn merge_files(&self, ours: Entry, base: Entry, theirs: Entry) -> Result<Option<Entry>, GitError> {
        if ![ours, base, theirs].iter().all(|entry| entry.mode.is_regular()) {
            return Ok(None);
        }
        let mode = if ours.mode == base.mode { theirs.mode } else { ours.mode };
        if theirs.oid == base.oid || theirs.oid == ours.oid {
            return Ok(Some(Entry { mode, oid: ours.oid }));
        }
        let scratch = self.scratch()?;
        let sides = [("ours", ours), ("base", base), ("theirs", theirs)];
        let mut files = Vec::new();
        for (name, entry) in sides {
            let file = scratch.folder.join(name);
            crate::disk::write_atomic(&file, &self.objects().blob(entry.oid)?, Durability::Lazy, 0o600)?;
            files.push(file);
        }
        let Some(merged) = self.merge_texts([&files[0], &files[1], &files[2]], super::Overlaps::Fail)? else {
            return Ok(None);
        };
        let ask = self.in_scratch(scratch, "hash-object").args(["-w", "--no-filters", "--stdin"]).input(merged);
        let oid = ask.run()?.line()?.parse().map_err(|_| GitError::Answer { command: "hash-object".into() })?;
        Ok(Some(Entry { mode, oid }))
    }

    /// Makes a commit by the current user in the scratch folder.
    pub fn new_commit(&self, tree: Oid, parent: Oid, message: &[u8]) -> Result<Oid, GitError> {
        let person = |who: &str| -> Result<String, GitError> { self.git("var").arg(who).run()?.line() };
        let (author, committer) = (person("GIT_AUTHOR_IDENT")?, person("GIT_COMMITTER_IDENT")?);
        let head = format!("tree {tree}\nparent {parent}\nauthor {author}\ncommitter {committer}\n\n");
        self.write_commit([head.as_bytes(), message].concat())
    }

    /// Makes a commit again in the scratch folder: with another tree and parent, committed by the current user now;
    /// author, message and everything else stay. `None` when it is signed: the signature would no longer hold.
    pub fn commit_again(&self, commit: Oid, tree: Oid, parent: Oid) -> Result<Option<Oid>, GitError> {
        let (_, bytes) = self.objects().read(commit)?;
        let (header, message) = bytes.split_once_str("\n\n").unwrap_or((&bytes, b""));
        let committer = self.git("var").arg("GIT_COMMITTER_IDENT").run()?.line()?;
        let mut out = format!("tree {tree}\nparent {parent}\n").into_bytes();
        for line in header.split(|byte| *byte == b'\n') {
            if line.starts_with(b"gpgsig") {
                return Ok(None);
            }
            if line.starts_with(b"tree ") || line.starts_with(b"parent ") {
                continue;
            }
            match line.strip_prefix(b"committer ") {
                Some(_) => out.extend_from_slice(format!("committer {committer}").as_bytes()),
                None => out.extend_from_slice(line),
            }
            out.push(b'\n');
        }
        out.push(b'\n');
        out.extend_from_slice(message);
        self.write_commit(out).map(Some)
    }

    fn write_commit(&self, bytes: Vec<u8>) -> Result<Oid, GitError> {
        let ask = self.in_scratch(self.scratch()?, "hash-object").args(["-t", "commit", "-w", "--stdin"]);
        let line = ask.input(bytes).run()?.line()?;
        line.parse().map_err(|_| GitError::Answer { command: "hash-object".into() })
    }

    /// Copies a commit out of the scratch folder into the repository, with all that it needs and `have` does not.
    pub fn adopt(&self, commit: Oid, have: Oid) -> Result<(), GitError> {
        let ask = self.in_scratch(self.scratch()?, "pack-objects").args(["-q", "--revs", "--stdout"]);
        let pack = ask.input(format!("{commit}\n^{have}\n").into_bytes()).run()?.success()?;
        self.unpack(pack)
    }

    /// Returns a pack of a commit, with all that it needs and `have` does not.
    pub fn pack(&self, commit: Oid, have: Oid) -> Result<Vec<u8>, GitError> {
        let ask = self.git("pack-objects").args(["-q", "--revs", "--stdout"]);
        ask.input(format!("{commit}\n^{have}\n").into_bytes()).run()?.success()
    }

    /// Puts the objects of a pack into the repository.
    pub fn unpack(&self, pack: Vec<u8>) -> Result<(), GitError> {
        self.git("unpack-objects").arg("-q").input(pack).run()?.success().map(drop)
    }
}

/// Returns what `git update-index -z --index-info` reads: an entry, or that there is none.
fn index_line(path: &TreePath, entry: Option<Entry>, kind: HashKind) -> Vec<u8> {
    let head = match entry {
        Some(entry) => format!("{} {}\t", entry.mode.octal(), entry.oid),
        None => format!("0 {}\t", Oid::null(kind)),
    };
    [head.as_bytes(), path, b"\0"].concat()
}
