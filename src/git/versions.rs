//! The versions that history has of one file.

use std::collections::hash_map::Entry as Place;
use std::collections::{BTreeSet, HashMap};

use bstr::ByteSlice;

use super::child::{Git, GitError};
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
/// So many paths at most limit a walk: git compares what each commit changed with each of them.
const PLACES: usize = 32;

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
        Ok(self.versions_of(std::slice::from_ref(path), most)?.remove(path).unwrap_or_default())
    }

    /// Returns the same of several files, out of one walk through history; those that were moved are followed one by one.
    pub fn versions_of(
        &self,
        paths: &[TreePath],
        most: usize,
    ) -> Result<HashMap<TreePath, Vec<PathVersion>>, GitError> {
        let head = self.head()?;
        let Some(tip) = head.oid.filter(|_| !paths.is_empty()) else { return Ok(HashMap::new()) };
        let reflog = self.reflog(&head.branch.unwrap_or_else(|| RefName::from("HEAD")), REFLOG)?;
        let mut tips = vec![tip];
        tips.extend(reflog.into_iter().map(|entry| entry.new));
        let mut walker = Walker { repo: self, most, moves: HashMap::new() };
        let found = walker.at(paths, &tips)?;
        found
            .into_iter()
            .map(|(path, found)| {
                let found = walker.with_moves(&path, found)?;
                Ok((path, found))
            })
            .collect()
    }
}

/// What is found at one path.
#[derive(Default)]
struct At {
    versions: Vec<PathVersion>,
    /// The commits that added the path.
    added: Vec<Oid>,
}

/// New places of files, and their old ones.
type Moves = HashMap<TreePath, TreePath>;

/// Walks through history.
struct Walker<'r> {
    repo: &'r Repo,
    /// So many versions of each file are wanted.
    most: usize,
    /// What commits moved.
    moves: HashMap<Oid, Moves>,
}

impl Walker<'_> {
    /// Adds the versions from before a file was moved.
    fn with_moves(&mut self, path: &TreePath, at: At) -> Result<Vec<PathVersion>, GitError> {
        let mut found = at.versions;
        let mut known = vec![path.clone()];
        let mut wanted = self.origins(path, &at.added, &mut known)?;
        while let Some((path, commit)) = wanted.pop() {
            let at = self.at(std::slice::from_ref(&path), &[commit])?.remove(&path).unwrap_or_default();
            found.extend(at.versions);
            wanted.extend(self.origins(&path, &at.added, &mut known)?);
        }
        // Each list comes in git's order; a place before a move is older than the move.
        let mut latest = i64::MAX;
        for version in &mut found {
            latest = latest.min(version.at);
            version.at = latest;
        }
        found.truncate(self.most);
        Ok(found)
    }

    /// Returns where a file was before commits that added it, with the commit, and adds it to what is known.
    fn origins(
        &mut self,
        path: &TreePath,
        added: &[Oid],
        known: &mut Vec<TreePath>,
    ) -> Result<Vec<(TreePath, Oid)>, GitError> {
        let mut found = Vec::new();
        for commit in added.iter().take(MOVES) {
            let Some(origin) = self.moves(*commit)?.get(path).cloned() else { continue };
            if known.len() < MOVES && !known.contains(&origin) {
                known.push(origin.clone());
                found.push((origin, *commit));
            }
        }
        Ok(found)
    }

    /// Returns the versions at paths that commits reach.
    fn at(&self, paths: &[TreePath], tips: &[Oid]) -> Result<HashMap<TreePath, At>, GitError> {
        let ask = self.repo.git("log").args(["--no-show-signature", "--full-history", "-m", "--raw", "-z"]);
        let ask = ask.args(["--no-renames", "--no-abbrev", "--date-order", "--format=%x01%H%x00%ct%x00%an%x00%s"]);
        // Of one of several files there may be few, all of them old.
        let ask = ask.args((paths.len() == 1).then(|| format!("--max-count={}", self.most)));
        let ask = ask.args(["--ignore-missing", "--stdin", "--"]);
        let ask = places(paths).into_iter().fold(ask, Git::bytes);
        let tips: String = tips.iter().map(|tip| format!("{tip}\n")).collect();
        let text = ask.input(tips.into_bytes()).run()?.success()?;
        let mut found: HashMap<TreePath, At> = paths.iter().map(|path| (path.clone(), At::default())).collect();
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
                let path: TreePath = fields.next().unwrap_or_default().into();
                // Where a path is a folder's, git lists the files beneath.
                let Some(found) = found.get_mut(&path).filter(|found| found.versions.len() < self.most) else {
                    continue;
                };
                let oid_of = |word: Option<&[u8]>| word.and_then(Oid::from_hex).filter(|oid| !oid.is_null());
                let mode = mode.and_then(|mode| Mode::from_octal(u32::from_str_radix(mode.to_str().ok()?, 8).ok()?));
                if oid_of(old).is_none() {
                    found.added.push(*oid);
                }
                let entry = mode.zip(oid_of(new)).map(|(mode, oid)| Entry { mode, oid });
                let (author, subject) = (author.clone(), subject.clone());
                found.versions.push(PathVersion { commit: *oid, at: *at, author, subject, path, entry });
            }
        }
        Ok(found)
    }

    /// Returns what a commit moved.
    fn moves(&mut self, commit: Oid) -> Result<&Moves, GitError> {
        let repo = self.repo;
        let found = match self.moves.entry(commit) {
            Place::Occupied(known) => return Ok(known.into_mut()),
            Place::Vacant(place) => place,
        };
        let ask = repo.git_reading("diff-tree").args(["-r", "-z", "-M", "--diff-filter=R", "--raw", "-l2000"]);
        let text = ask.arg("--no-commit-id").arg(commit.to_string()).run()?.success()?;
        let mut parts = text.split(|byte| *byte == 0);
        let mut moves = Moves::new();
        while let (Some(_), Some(from), Some(to)) = (parts.next(), parts.next(), parts.next()) {
            moves.entry(to.into()).or_insert_with(|| from.into());
        }
        Ok(found.insert(moves))
    }
}

/// Returns what limits a walk: the paths, or where those are many, folders that hold them.
fn places(paths: &[TreePath]) -> BTreeSet<&[u8]> {
    let mut places: BTreeSet<&[u8]> = paths.iter().map(|path| &path[..]).collect();
    while places.len() > PLACES && places.iter().any(|place| place.contains(&b'/')) {
        places = places.iter().map(|place| place.rsplitn(2, |byte| *byte == b'/').last().unwrap_or(place)).collect();
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_paths_are_found_by_their_folders() {
        let shown = |paths: Vec<String>| {
            let paths: Vec<TreePath> = paths.iter().map(|path| path.as_str().into()).collect();
            places(&paths).into_iter().map(|place| String::from_utf8_lossy(place).into_owned()).collect::<Vec<_>>()
        };
        assert_eq!(shown(vec!["a/b".to_owned(), "c".to_owned()]), ["a/b", "c"]);
        let many = |folder: &str| (0..40).map(|number| format!("{folder}{number}")).collect::<Vec<_>>();
        assert_eq!(shown([many("a/b/"), many("a/"), vec!["c".to_owned()]].concat()), ["a", "a/b", "c"]);
        assert_eq!(shown(many("")).len(), 40);
    }
}
