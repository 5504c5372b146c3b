//! Which contents rules need, and reading them.

use std::collections::BTreeMap;

use bstr::ByteSlice;

use crate::git::{GitError, Repo};
use crate::manifest::{self, Format, Manifest};
use crate::model::{Content, Entry, Oid, PathFacts, TreePath};

/// The largest blob that is read, in bytes; a larger one is *too large*, never good or bad.
pub const LIMIT: u64 = 16 << 20;

/// Reads the contents that rules need, and the attribute `conflict-marker-size` where markers are seen.
///
/// Needed are: the manifest when it changes; all versions of a path whose result stands in no parent; the result and
/// the first parent's version of data files; all versions, the merge bases' too, of files whose keys or records are
/// compared.
pub(super) fn read(
    repo: &Repo,
    manifest: &Manifest,
    paths: &mut [PathFacts],
) -> Result<BTreeMap<Oid, Content>, GitError> {
    let mut contents = BTreeMap::new();
    for path in paths.iter().filter(|path| !path.conflicted) {
        let merged = path.is_merged_content();
        let own = path.path.as_bstr() == manifest::FILE;
        let compared = has_disputed_keys(manifest, path) || has_compared_data(manifest, path);
        if !merged && !compared && !own && !is_read_as_bytes(manifest, path) {
            continue;
        }
        let parents = path.others.iter().copied().filter(|_| merged || compared);
        let bases = path.bases.iter().copied().filter(|_| compared);
        for entry in [path.result, path.first].into_iter().chain(parents).chain(bases).flatten() {
            add(repo, entry, &mut contents)?;
        }
    }
    set_marker_sizes(repo, paths, &contents)?;
    Ok(contents)
}

/// Returns whether keys of a file may be lost: it has some on every side, and merging had to decide between the sides.
pub(super) fn has_disputed_keys(manifest: &Manifest, path: &PathFacts) -> bool {
    let mut versions = [path.result, path.first].into_iter().chain(path.others.iter().copied());
    versions.all(|entry| entry.is_some_and(|entry| entry.mode.is_regular()))
        && !path.is_undisputed()
        && manifest.keyed(path.path.as_bstr()).is_some()
}

/// Returns whether a file is data whose records are compared by their bytes; databases are read elsewhere.
pub(super) fn has_compared_data(manifest: &Manifest, path: &PathFacts) -> bool {
    let format = manifest.data_rule(path.path.as_bstr()).map(|(_, format)| format);
    format.is_some_and(|format| !matches!(format, Format::Sqlite | Format::Binary))
}

fn is_read_as_bytes(manifest: &Manifest, path: &PathFacts) -> bool {
    manifest.data_rule(path.path.as_bstr()).is_some_and(|(_, format)| format != Format::Sqlite)
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
