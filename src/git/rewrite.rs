//! Making commits: three-way merges of trees, and commits that exist nowhere else until they are adopted.
//!
//! Everything is made in the scratch folder, so that a plan which is not carried out leaves nothing behind.

use bstr::ByteSlice;

use super::child::GitError;
use super::merge::Strategy;
use super::repository::Repo;
use crate::model::{Oid, TreePath};

/// What merging three trees comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// The result, with markers in files in conflict.
    pub tree: Oid,
    /// The paths in conflict; empty when it merged cleanly.
    pub conflicted: Vec<TreePath>,
}

impl Repo {
    /// Merges what changed between the trees `base` and `theirs` into the tree `ours`, as git merges. The result is an
    /// object in the scratch folder. Needs git 2.38.
    pub fn merge_trees(&self, base: Oid, ours: Oid, theirs: Oid) -> Result<Merged, GitError> {
        let scratch = self.scratch()?;
        // Commits that only say which base is meant: git can be told that directly from 2.40 on, and of trees later still.
        let root = self.scratch_commit(scratch, base, &[])?;
        let ours = self.scratch_commit(scratch, ours, &[root])?;
        let theirs = self.scratch_commit(scratch, theirs, &[root])?;
        let merged = self.merge_tree(scratch, (ours, theirs), None, &Strategy::default(), &mut true)?;
        let (tree, conflicted) = merged
            .ok_or_else(|| GitError::Unsupported("merging without touching files needs git 2.38 or newer".into()))?;
        Ok(Merged { tree, conflicted })
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
        self.git("unpack-objects").arg("-q").input(pack).run()?.success().map(drop)
    }
}
