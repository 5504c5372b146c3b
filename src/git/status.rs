//! What is uncommitted: one `git status`, which neither locks nor rewrites the index.

use std::collections::BTreeSet;

use bstr::ByteSlice;

use super::child::GitError;
use super::repository::Repo;
use crate::model::{Oid, TreePath};

/// A path at which index or working tree are not what HEAD has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uncommitted {
    /// Where; a folder ends in `/`.
    pub path: TreePath,
    /// What is so there.
    pub what: Standing,
}

/// How a path differs from HEAD.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// The index has an entry, or HEAD has one.
    Tracked {
        /// Blobs that the index has and HEAD has not: one staged, up to three in conflict.
        staged: Vec<Oid>,
        /// Whether there is a file.
        on_disk: bool,
    },
    /// git knows nothing of it.
    Untracked,
    /// The folder of another repository.
    Nested,
    /// A submodule.
    Submodule,
}

impl Repo {
    /// Returns whether a tracked file was touched since the index was written, by its size and times: it is not read.
    pub fn is_touched(&self, path: &TreePath) -> Result<bool, GitError> {
        let ask = self.git("diff-files").args(["--name-only", "-z", "--"]).bytes(path);
        Ok(!ask.run()?.success()?.is_empty())
    }

    /// Returns which of these paths git ignores; what it tracks it does not ignore.
    pub fn ignored(&self, paths: &[&TreePath]) -> Result<BTreeSet<TreePath>, GitError> {
        if paths.is_empty() {
            return Ok(BTreeSet::new());
        }
        // It knows no literal pathspecs; behind `./` a colon means nothing.
        let input: Vec<u8> = paths.iter().flat_map(|path| [b"./", path.as_bytes(), b"\0"].concat()).collect();
        let ask = self.git("check-ignore").env("GIT_LITERAL_PATHSPECS", "0");
        let output = ask.args(["-z", "--stdin"]).input(input).run()?;
        // 1: none of them.
        let text = if output.status == 1 { Vec::new() } else { output.success()? };
        Ok(text.split(|byte| *byte == 0).filter_map(|path| path.strip_prefix(b"./")).map(TreePath::from).collect())
    }

    /// Returns what is uncommitted here: changed, staged and untracked files, without ignored ones. Costs what `git status`
    /// costs.
    pub fn uncommitted(&self) -> Result<Vec<Uncommitted>, GitError> {
        let ask = self.git("status").args(["--porcelain=v2", "-z", "--untracked-files=all", "--no-renames"]);
        let ask = ask.arg("--ignore-submodules=dirty");
        // In a hook others need time, too.
        let ask = match self.deadline().half() {
            Some(limit) => ask.patience(limit),
            None => ask,
        };
        let text = ask.run()?.success()?;
        // Headers (`# stash 1`) and ignored files may come with the user's configuration.
        let is_entry = |item: &&[u8]| !item.is_empty() && !item.starts_with(b"# ") && !item.starts_with(b"! ");
        let items = text.split(|byte| *byte == 0).filter(is_entry);
        items.map(|item| parse(item).ok_or_else(|| GitError::Answer { command: "status".into() })).collect()
    }
}

/// Reads one entry of the format that `git status --porcelain=v2` documents.
pub(super) fn parse(item: &[u8]) -> Option<Uncommitted> {
    let (kind, rest) = item.split_once_str(" ")?;
    let (names, oids, blanks) = match kind {
        b"?" => {
            let what = if rest.ends_with(b"/") { Standing::Nested } else { Standing::Untracked };
            return Some(Uncommitted { path: rest.into(), what });
        }
        // XY, submodule, modes of HEAD, index and file, objects of HEAD and index
        b"1" => (5, 1..2, 7),
        // XY, submodule, modes of the stages and the file, objects of the stages
        b"u" => (6, 0..3, 9),
        _ => return None,
    };
    let mut words: Vec<&[u8]> = rest.splitn_str(blanks + 1, " ").collect();
    let path = words.pop().filter(|_| words.len() == blanks)?;
    if words[1].starts_with(b"S") {
        return Some(Uncommitted { path: path.into(), what: Standing::Submodule });
    }
    let on_disk = words[names - 1] != b"000000";
    let objects = words[names..].iter().map(|word| Oid::from_hex(word)).collect::<Option<Vec<Oid>>>()?;
    let of_head = if kind == b"1" { objects.first().copied() } else { None };
    let staged = objects[oids].iter().filter_map(|oid| oid.non_null()).filter(|oid| Some(*oid) != of_head).collect();
    Some(Uncommitted { path: path.into(), what: Standing::Tracked { staged, on_disk } })
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
    const ZERO: &str = "0000000000000000000000000000000000000000";

    fn parsed(line: &str) -> (String, Standing) {
        let found = parse(line.as_bytes()).unwrap();
        (found.path.to_string(), found.what)
    }

    fn tracked(staged: &[&str], on_disk: bool) -> Standing {
        Standing::Tracked { staged: staged.iter().map(|oid| oid.parse().unwrap()).collect(), on_disk }
    }

    #[test]
    fn every_kind_of_entry_is_read() {
        let of = |path: &str, what| (path.to_owned(), what);
        let line = |xy: &str, modes: &str, oids: &str| format!("1 {xy} N... {modes} {oids} a file");
        let edited = line(".M", "100644 100644 100644", &format!("{A} {A}"));
        assert_eq!(parsed(&edited), of("a file", tracked(&[], true)));
        let staged = line("MD", "100644 100644 000000", &format!("{A} {B}"));
        assert_eq!(parsed(&staged), of("a file", tracked(&[B], false)));
        let removed = line("D.", "100644 000000 000000", &format!("{A} {ZERO}"));
        assert_eq!(parsed(&removed), of("a file", tracked(&[], false)));
        let conflict = format!("u UD N... 100644 100644 000000 100644 {A} {B} {ZERO} x");
        assert_eq!(parsed(&conflict), of("x", tracked(&[A, B], true)));
        let submodule = format!("1 .M SC.. 160000 160000 160000 {A} {A} lib");
        assert_eq!(parsed(&submodule), of("lib", Standing::Submodule));
        assert_eq!(parsed("? new file"), of("new file", Standing::Untracked));
        assert_eq!(parsed("? nested/"), of("nested/", Standing::Nested));
        for odd in ["", "9 x", "1 .M N... 100644", "u x"] {
            assert_eq!(parse(odd.as_bytes()), None, "{odd}");
        }
    }
}
