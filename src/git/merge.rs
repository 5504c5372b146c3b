//! Merge bases, and what a merge would come to.

use std::collections::BTreeSet;
use std::path::PathBuf;

use bstr::ByteSlice;

use super::child::GitError;
use super::objects::quarantine;
use super::repository::Repo;
use crate::disk;
use crate::model::{Change, Oid, TreePath};

/// How git was told to merge.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Strategy {
    /// `-s`'s values, in order.
    pub names: Vec<String>,
    /// `-X`'s values, in order.
    pub options: Vec<String>,
}

impl Strategy {
    /// Returns whether the result is the first parent's tree, whatever comes in.
    pub fn is_ours(&self) -> bool {
        self.names == ["ours"]
    }

    /// Returns whether it is what git does without being told.
    pub fn is_default(&self) -> bool {
        self.options.is_empty()
            && self.names.iter().all(|name| matches!(name.as_str(), "ort" | "recursive" | "octopus"))
    }
}

/// What a merge would come to.
#[derive(Debug)]
pub struct Prediction {
    /// The result's tree, with markers in conflicted files; `None` when this git can't make one: then `changes` is all.
    pub tree: Option<Oid>,
    /// Where the result differs from the first parent.
    pub changes: Vec<Change>,
    /// Paths that git will leave in conflict.
    pub conflicted: BTreeSet<TreePath>,
    /// Whether git will come to this very result.
    pub certain: bool,
}

/// So many bytes git may ask for at once when it merges what somebody pushes to a server.
const MOST: &str = "128m";

/// A folder for objects that must not get into the user's database; removed when dropped.
#[derive(Debug)]
pub(super) struct Scratch {
    pub(super) folder: PathBuf,
}

impl Scratch {
    pub(super) fn make(repo: &Repo) -> Result<Self, GitError> {
        let folder = repo.folder_for_a_moment().join(format!("objects-{}", std::process::id()));
        disk::ensure_folder(&folder, 0o700)?;
        Ok(Self { folder })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Some(parent) = self.folder.parent() {
            // What is left goes with the next prune, an hour later.
            let _ = disk::remove_folder_all_inside(parent, &self.folder);
        }
    }
}

impl Repo {
    /// Returns all best common ancestors of two commits; empty when there are none.
    pub fn merge_bases(&self, first: Oid, other: Oid) -> Result<Vec<Oid>, GitError> {
        if let Some(known) = self.foreseen_bases(first, other) {
            return Ok(known);
        }
        let ask = self.git("merge-base").args(["--all", &first.to_string(), &other.to_string()]);
        let output = ask.run()?;
        // 1 with nothing said: unrelated. Anything else is a failure, such as a missing commit.
        if output.status == 1 && output.stderr.is_empty() {
            return Ok(Vec::new());
        }
        let text = output.success()?;
        Ok(text.lines().filter_map(Oid::from_hex).collect())
    }

    /// Returns whether `ancestor` can be reached from `tip`.
    pub fn is_ancestor(&self, ancestor: Oid, tip: Oid) -> Result<bool, GitError> {
        if let Some(known) = self.are_next_to_each_other(ancestor, tip) {
            return Ok(known);
        }
        if let Some(bases) = self.foreseen_bases(ancestor, tip) {
            return Ok(bases == [ancestor]);
        }
        let ask = self.git("merge-base").args(["--is-ancestor", &ancestor.to_string(), &tip.to_string()]);
        let output = ask.run()?;
        match output.status {
            0 => Ok(true),
            1 => Ok(false),
            _ => Err(output.failure()),
        }
    }

    /// Answers for commits of which one is the other's parent, or both are the same, which are most that are asked about.
    fn are_next_to_each_other(&self, ancestor: Oid, tip: Oid) -> Option<bool> {
        if ancestor == tip {
            return Some(true);
        }
        // A shallow clone's commits name parents that don't count.
        let is_parent = |parent: Oid, of: Oid| {
            let commit = self.objects().commit(of).ok().filter(|_| !self.is_shallow());
            commit.is_some_and(|commit| commit.parents.contains(&parent))
        };
        match (is_parent(ancestor, tip), is_parent(tip, ancestor)) {
            (false, false) => None,
            (known, _) => Some(known),
        }
    }

    /// Predicts merging `others` into `first`, which is no fast-forward.
    pub fn predict(
        &self,
        first: Oid,
        others: &[Oid],
        bases: &[Oid],
        strategy: &Strategy,
    ) -> Result<Prediction, GitError> {
        let first_tree = self.objects().tree_of(first)?;
        if strategy.is_ours() {
            let conflicted = BTreeSet::new();
            return Ok(Prediction { tree: Some(first_tree), changes: Vec::new(), conflicted, certain: true });
        }
        let scratch = self.scratch()?;
        let mut ours = first;
        let mut tree = first_tree;
        let mut conflicted = BTreeSet::new();
        let mut certain = strategy.names.iter().all(|name| matches!(name.as_str(), "ort" | "recursive" | "octopus"));
        let base = if let ([base], [_]) = (bases, others) { Some(*base) } else { None };
        for (index, other) in others.iter().enumerate() {
            let Some(step) = self.merge_tree(scratch, (ours, *other), base, strategy, &mut certain)? else {
                return self.predict_by_trees(first_tree, others, bases, strategy);
            };
            tree = step.0;
            conflicted.extend(step.1);
            if index + 1 < others.len() {
                ours = self.scratch_commit(scratch, tree, &[ours, *other])?;
            }
        }
        let changes = self.objects().diff(Some(first_tree), Some(tree), self.deadline())?;
        Ok(Prediction { tree: Some(tree), changes, conflicted, certain })
    }

    /// Runs `git merge-tree`; `None` when this git has none that writes trees (before 2.38). A single merge base that is
    /// known is handed over: finding it again may cost as much as the merge.
    pub(super) fn merge_tree(
        &self,
        scratch: &Scratch,
        (ours, theirs): (Oid, Oid),
        base: Option<Oid>,
        strategy: &Strategy,
        certain: &mut bool,
    ) -> Result<Option<(Oid, Vec<TreePath>)>, GitError> {
        let fixed = ["--write-tree", "-z", "--name-only", "--no-messages", "--allow-unrelated-histories"];
        let ask = |base: Option<Oid>, options: &[String]| {
            let base = base.map(|base| format!("--merge-base={base}"));
            let options = options.iter().map(|option| format!("-X{option}"));
            let ask = self.in_scratch(scratch, "merge-tree").args(fixed).args(base).args(options);
            ask.args([ours.to_string(), theirs.to_string()]).run()
        };
        // A usage error: the whole mode came with 2.38, `--merge-base` with 2.40, `-X` with 2.43.
        let unknown = |output: &super::child::Output| output.status == 129;
        let mut output = ask(base, &strategy.options)?;
        if unknown(&output) && base.is_some() {
            output = ask(None, &strategy.options)?;
        }
        if unknown(&output) && !strategy.options.is_empty() {
            *certain = false;
            output = ask(None, &[])?;
        }
        if unknown(&output) || (output.status == 128 && output.stderr.contains_str("not something we can merge: --")) {
            return Ok(None);
        }
        if output.status > 1 || output.status < 0 {
            return Err(output.failure());
        }
        let mut parts = output.stdout.split(|byte| *byte == 0);
        let tree = parts.next().and_then(Oid::from_hex);
        let tree = tree.ok_or_else(|| GitError::Answer { command: "merge-tree".into() })?;
        let paths = parts.filter(|part| !part.is_empty()).map(TreePath::from).collect();
        Ok(Some((tree, if output.status == 1 { paths } else { Vec::new() })))
    }

    /// Predicts without `merge-tree`: what only one side changed is that side's; what both changed differently is left
    /// open, as if it were in conflict. Renames are not followed, so a file that one side moved and the other edited
    /// is left open too (both changed its old place).
    fn predict_by_trees(
        &self,
        first_tree: Oid,
        others: &[Oid],
        bases: &[Oid],
        strategy: &Strategy,
    ) -> Result<Prediction, GitError> {
        let ([other], [base]) = (others, bases) else {
            return Err(GitError::Unsupported(
                "this merge can't be predicted by a git older than 2.38 (several heads or merge bases)".into(),
            ));
        };
        let objects = self.objects();
        let base_tree = objects.tree_of(*base)?;
        let theirs = objects.diff(Some(base_tree), Some(objects.tree_of(*other)?), self.deadline())?;
        let mut changes = Vec::new();
        let mut conflicted = BTreeSet::new();
        for change in theirs {
            let ours = objects.leaf(Some(first_tree), &change.path)?;
            if ours == change.before {
                changes.push(change);
            } else if ours != change.after {
                conflicted.insert(change.path);
            }
        }
        Ok(Prediction { tree: None, changes, conflicted, certain: strategy.is_default() })
    }

    /// Starts a call of git whose new objects land in the scratch folder.
    pub(super) fn in_scratch(&self, scratch: &Scratch, subcommand: &str) -> super::child::Git {
        let environment = self.environment();
        let main =
            environment.get("GIT_OBJECT_DIRECTORY").map_or_else(|| self.common_dir().join("objects"), PathBuf::from);
        let mut alternates = quoted(&main);
        if let Some(more) = environment.get("GIT_ALTERNATE_OBJECT_DIRECTORIES") {
            alternates.push(":");
            alternates.push(more);
        }
        // What is thrown away in a moment need not survive a power failure.
        let ask = self.git("-c").args(["core.fsync=none", subcommand]);
        // Who pushes to a server could send what unpacks to more than its memory.
        let ask = if quarantine(self).is_some() { ask.env("GIT_ALLOC_LIMIT", MOST) } else { ask };
        ask.env("GIT_OBJECT_DIRECTORY", &scratch.folder).env("GIT_ALTERNATE_OBJECT_DIRECTORIES", alternates)
    }

    pub(super) fn scratch_commit(&self, scratch: &Scratch, tree: Oid, parents: &[Oid]) -> Result<Oid, GitError> {
        let mut ask = self.in_scratch(scratch, "commit-tree").args(["-m", "prediction", &tree.to_string()]);
        for parent in parents {
            ask = ask.args(["-p", &parent.to_string()]);
        }
        for who in ["GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"] {
            ask = ask.env(who, "guard");
        }
        let line = ask.run()?.line()?;
        line.parse().map_err(|_| GitError::Answer { command: "commit-tree".into() })
    }
}

/// Quotes a folder for git's list of alternates, where `:` separates and a leading `"` starts a quoted name.
fn quoted(folder: &std::path::Path) -> std::ffi::OsString {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    let bytes = folder.as_os_str().as_bytes();
    if !bytes.contains(&b':') && !bytes.starts_with(b"\"") {
        return folder.as_os_str().to_owned();
    }
    let mut out = vec![b'"'];
    for byte in bytes {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(*byte);
    }
    out.push(b'"');
    std::ffi::OsString::from_vec(out)
}
