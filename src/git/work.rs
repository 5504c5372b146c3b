//! Contents on their way between blobs and the working tree: git's filters (line endings, LFS, `ident` …).

use bstr::ByteSlice;

use super::child::GitError;
use super::repository::Repo;
use crate::model::{Oid, TreePath};

/// A blob as git would write it out at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filtered {
    /// Where.
    pub path: TreePath,
    /// The bytes on disk.
    pub bytes: Vec<u8>,
}

/// What becomes of changes of texts that overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overlaps {
    /// There is no result.
    Fail,
    /// Ours stay.
    Ours,
    /// Both stand there, between conflict markers.
    Marked,
}

impl Repo {
    /// Returns blobs as git would write them out at their paths, in order. All in one conversation; paths with a
    /// newline, which that conversation can't carry, one by one. `attributes` is the tree whose `.gitattributes` count
    /// (git 2.41 and later); `None` takes those of the working tree.
    pub fn smudge(&self, wanted: &[(TreePath, Oid)], attributes: Option<Oid>) -> Result<Vec<Filtered>, GitError> {
        let cat_file = || {
            let git = self.git_reading("cat-file");
            match attributes {
                Some(tree) => git.env("GIT_ATTR_SOURCE", tree.to_string()),
                None => git,
            }
        };
        // git takes blanks before the path for the separator and may drop a carriage return at the end.
        let odd = |path: &TreePath| path.contains(&b'\n') || path.ends_with(b"\r") || path.starts_with_str(" ");
        let (odd, plain): (Vec<_>, Vec<_>) = wanted.iter().partition(|(path, _)| odd(path) || path.starts_with(b"\t"));
        let mut input = Vec::new();
        for (path, oid) in &plain {
            input.extend(format!("{oid} ").bytes());
            input.extend_from_slice(path);
            input.push(b'\n');
        }
        let mut contents = if plain.is_empty() {
            Vec::new()
        } else {
            // The size that git tells is the one before its filters: a word that no content can hold parts the answers.
            let border = format!("guard-{:016x}{:016x}", random(), random());
            let format = format!("--batch={border} %(objectname)");
            let output = cat_file().args([format.as_str(), "--filters"]).input(input).run()?;
            if output.status != 0 {
                // In a partial clone some gits give up instead of saying which object they would have to fetch.
                plain.iter().try_for_each(|(_, oid)| self.objects().header(*oid).map(drop))?;
            }
            split_batch(&output.success()?, border.as_bytes(), &plain)?
        };
        let mut found: Vec<Filtered> = plain
            .iter()
            .zip(contents.drain(..))
            .map(|((path, _), bytes)| Filtered { path: path.clone(), bytes })
            .collect();
        for (path, oid) in odd {
            let ask = cat_file().arg("--filters").bytes(&[b"--path=", path.as_bytes()].concat());
            found.push(Filtered { path: path.clone(), bytes: ask.arg(oid.to_string()).run()?.success()? });
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }

    /// Returns bytes found at a path as git would store them.
    pub fn cleaned(&self, path: &TreePath, bytes: Vec<u8>) -> Result<Vec<u8>, GitError> {
        if bytes.is_empty() {
            return Ok(bytes);
        }
        self.objects().blob(self.store_in_scratch(&[b"--path=", path.as_bytes()].concat(), bytes)?)
    }

    /// Returns the bytes that git would write out at a path of a text that it stores.
    pub fn written_out(&self, path: &TreePath, text: Vec<u8>, attributes: Option<Oid>) -> Result<Vec<u8>, GitError> {
        let oid = self.store_in_scratch(b"--no-filters", text)?;
        let found = self.smudge(&[(path.clone(), oid)], attributes)?.pop();
        found.map(|found| found.bytes).ok_or_else(|| GitError::Answer { command: "cat-file --filters".into() })
    }

    fn store_in_scratch(&self, how: &[u8], bytes: Vec<u8>) -> Result<Oid, GitError> {
        // What is only compared may lose what it likes.
        let ask = self.in_scratch(self.scratch()?, "-c").args(["core.safecrlf=false", "hash-object", "-w", "--stdin"]);
        let line = ask.bytes(how).input(bytes).run()?.line()?;
        line.parse().map_err(|_| GitError::Answer { command: "hash-object".into() })
    }

    /// Returns whether a program of the user's converts the file at a path.
    pub fn has_filter(&self, path: &TreePath) -> Result<bool, GitError> {
        let input = [&path[..], b"\0"].concat();
        let text = self.git("check-attr").args(["-z", "--stdin", "filter"]).input(input).run()?.success()?;
        let value = text.split(|byte| *byte == 0).nth(2).unwrap_or_default();
        Ok(!matches!(value, b"unspecified" | b"unset" | b""))
    }

    /// Stores bytes as a blob, as they are.
    pub fn store_blob(&self, bytes: Vec<u8>) -> Result<Oid, GitError> {
        let ask = self.git("hash-object").args(["-w", "--no-filters", "--stdin"]).input(bytes);
        ask.run()?.line()?.parse().map_err(|_| GitError::Answer { command: "hash-object".into() })
    }

    /// Merges three texts as git does: ours, the base, theirs, each a file. `None` when a side is binary, or changes overlap
    /// and nothing is to become of that.
    pub fn merge_texts(&self, files: [&std::path::Path; 3], overlaps: Overlaps) -> Result<Option<Vec<u8>>, GitError> {
        let how: &[&str] = match overlaps {
            Overlaps::Fail => &[],
            Overlaps::Ours => &["--ours"],
            Overlaps::Marked => &["-L", "now", "-L", "base", "-L", "lost"],
        };
        let output = self.git("merge-file").args(["-p", "-q"]).args(how).args(files).run()?;
        match output.status {
            0 => Ok(Some(output.stdout)),
            1..=127 if overlaps == Overlaps::Marked => Ok(Some(output.stdout)),
            // 1 to 127: so many conflicts; 255: binary.
            1..=127 | 255 => Ok(None),
            _ => Err(output.failure()),
        }
    }

    /// Returns the paths whose files git converts on their way in or out (attributes and configuration).
    pub fn marker_sizes(&self, paths: &[&TreePath]) -> Result<Vec<(TreePath, usize)>, GitError> {
        if paths.is_empty() {
            return Ok(Vec::new());
        }
        let mut input = Vec::new();
        for path in paths {
            input.extend_from_slice(path);
            input.push(0);
        }
        let ask = self.git("check-attr").args(["-z", "--stdin", "conflict-marker-size"]).input(input);
        let text = ask.run()?.success()?;
        let words: Vec<&[u8]> = text.split(|byte| *byte == 0).collect();
        let size = |value: &[u8]| value.to_str().ok()?.parse().ok();
        Ok(words.chunks_exact(3).filter_map(|row| Some((row[0].into(), size(row[2])?))).collect())
    }
}

/// Returns a number that nobody can foresee: seeded by the system.
fn random() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::hash::RandomState::new().build_hasher().finish()
}

/// Splits `cat-file --batch`'s answers: a line with the border and the object's name, the bytes, a newline.
pub(super) fn split_batch(output: &[u8], border: &[u8], wanted: &[&(TreePath, Oid)]) -> Result<Vec<Vec<u8>>, GitError> {
    let answer = || GitError::Answer { command: "cat-file --batch --filters".into() };
    let mut rest = output;
    let mut contents = Vec::with_capacity(wanted.len());
    let next = [b"\n", border, b" "].concat();
    for (_, oid) in wanted {
        let head = [border, format!(" {oid}\n").as_bytes()].concat();
        let Some(after) = rest.strip_prefix(&head[..]) else {
            let missing = rest.starts_with(format!("{oid} missing\n").as_bytes());
            return Err(if missing { GitError::Missing(*oid) } else { answer() });
        };
        let end = after.find(&next).or_else(|| after.len().checked_sub(1)).ok_or_else(answer)?;
        contents.push(after[..end].to_vec());
        rest = &after[end + 1..];
    }
    Ok(contents)
}
