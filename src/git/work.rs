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

impl Repo {
    /// Returns blobs as git would write them out at their paths, in order. All in one conversation; paths with a
    /// newline, which that conversation can't carry, one by one.
    pub fn smudge(&self, wanted: &[(TreePath, Oid)]) -> Result<Vec<Filtered>, GitError> {
        let (odd, plain): (Vec<_>, Vec<_>) = wanted.iter().partition(|(path, _)| path.contains(&b'\n'));
        let mut input = Vec::new();
        for (path, oid) in &plain {
            input.extend(format!("{oid} ").bytes());
            input.extend_from_slice(path);
            input.push(b'\n');
        }
        let mut contents = if plain.is_empty() {
            Vec::new()
        } else {
            let output = self.git("cat-file").args(["--batch", "--filters"]).input(input).run()?.success()?;
            split_batch(&output, plain.len())?
        };
        let mut found: Vec<Filtered> = plain
            .iter()
            .zip(contents.drain(..))
            .map(|((path, _), bytes)| Filtered { path: path.clone(), bytes })
            .collect();
        for (path, oid) in odd {
            let ask = self.git("cat-file").arg("--filters").bytes(&[b"--path=", path.as_bytes()].concat());
            found.push(Filtered { path: path.clone(), bytes: ask.arg(oid.to_string()).run()?.success()? });
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }

    /// Returns the blob that git would store for bytes found at a path, without storing it.
    pub fn clean(&self, path: &TreePath, bytes: Vec<u8>) -> Result<Oid, GitError> {
        if bytes.is_empty() {
            return self.objects().hash_blob(b"");
        }
        let ask = self.git("hash-object").arg("--stdin").bytes(&[b"--path=", path.as_bytes()].concat()).input(bytes);
        ask.run()?.line()?.parse().map_err(|_| GitError::Answer { command: "hash-object".into() })
    }

    /// Stores bytes as a blob, as they are.
    pub fn store_blob(&self, bytes: Vec<u8>) -> Result<Oid, GitError> {
        let ask = self.git("hash-object").args(["-w", "--no-filters", "--stdin"]).input(bytes);
        ask.run()?.line()?.parse().map_err(|_| GitError::Answer { command: "hash-object".into() })
    }

    /// Merges three texts as git does; `None` when changes overlap or a side is binary. The texts go through files in
    /// `scratch`, a folder of ours.
    pub fn merge_texts(
        &self,
        ours: &std::path::Path,
        base: &std::path::Path,
        theirs: &std::path::Path,
    ) -> Result<Option<Vec<u8>>, GitError> {
        let output = self.git("merge-file").args(["-p", "-q"]).args([ours, base, theirs]).run()?;
        match output.status {
            0 => Ok(Some(output.stdout)),
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

/// Splits `cat-file --batch`'s answers: a line with kind and size, the bytes, a newline.
fn split_batch(output: &[u8], count: usize) -> Result<Vec<Vec<u8>>, GitError> {
    let answer = || GitError::Answer { command: "cat-file --batch --filters".into() };
    let mut rest = output;
    let mut contents = Vec::with_capacity(count);
    for _ in 0..count {
        let (line, after) = rest.split_once_str("\n").ok_or_else(answer)?;
        let size = line.rsplit_once_str(" ").and_then(|(_, size)| size.to_str().ok()?.parse::<usize>().ok());
        let size = size.ok_or_else(answer)?;
        let bytes = after.get(..size).ok_or_else(answer)?;
        contents.push(bytes.to_vec());
        rest = after.get(size + 1..).ok_or_else(answer)?;
    }
    Ok(contents)
}
