//! Which contents rules need, and reading them.

use std::collections::BTreeMap;

use bstr::ByteSlice;

use crate::git::{GitError, Repo};
use crate::manifest::{self, Manifest};
use crate::model::{Content, Entry, Oid, PathFacts, TreePath};

/// The largest blob that is read, in bytes; a larger one is *too large*, never good or bad.
pub const LIMIT: u64 = 16 << 20;

/// Reads the contents that rules need, and the attribute `conflict-marker-size` where markers are seen.
///
/// Needed are: the manifest when it changes; all versions of a path whose result stands in no parent; the result and
/// the first parent's version of data files.
pub(super) fn read(
    repo: &Repo,
    manifest: &Manifest,
    paths: &mut [PathFacts],
) -> Result<BTreeMap<Oid, Content>, GitError> {
    let mut contents = BTreeMap::new();
    for path in paths.iter().filter(|path| !path.conflicted) {
        let merged = path.is_merged_content();
        let own = path.path.as_bstr() == manifest::FILE;
        if !merged && !own && manifest.data_rule(path.path.as_bstr()).is_none() {
            continue;
        }
        let parents = path.others.iter().copied().filter(|_| merged);
        for entry in [path.result, path.first].into_iter().chain(parents).flatten() {
            add(repo, entry, &mut contents)?;
        }
    }
    set_marker_sizes(repo, paths, &contents)?;
    Ok(contents)
}

fn add(repo: &Repo, entry: Entry, contents: &mut BTreeMap<Oid, Content>) -> Result<(), GitError> {
    if entry.mode.is_regular() && !contents.contains_key(&entry.oid) {
        repo.deadline().check()?;
        contents.insert(entry.oid, repo.objects().content(entry.oid, LIMIT)?);
    }
    Ok(())
}

fn set_marker_sizes(repo: &Repo, paths: &mut [PathFacts], contents: &BTreeMap<Oid, Content>) -> Result<(), GitError> {
    let suspicious = |path: &&PathFacts| {
        let content = path.result.and_then(|entry| contents.get(&entry.oid));
        path.is_merged_content()
            && matches!(content, Some(Content::Bytes(bytes)) if bytes.contains_str("<<<<") || bytes.contains_str(">>>>"))
    };
    let asked: Vec<&TreePath> = paths.iter().filter(suspicious).map(|path| &path.path).collect();
    let sizes: BTreeMap<TreePath, usize> = repo.marker_sizes(&asked)?.into_iter().collect();
    for path in paths {
        if let Some(size) = sizes.get(&path.path) {
            path.marker_size = *size;
        }
    }
    Ok(())
}
