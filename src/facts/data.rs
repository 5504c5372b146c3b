//! What the versions of data files hold: a merge's are examined once each, and rules compare them.

use std::collections::BTreeMap;

use super::{CONTENT_LIMIT, Databases, Examiner, Version};
use crate::deviation;
use crate::git::{GitError, Objects, Reader};
use crate::manifest::Manifest;
use crate::model::{Content, DataFacts, Held, Oid, PathFacts, TreePath};

/// Examines the versions of each file that the manifest names as data, as far as their contents were gathered; of
/// databases all, which are no contents. `check` says when the time is over.
pub(super) fn examine<'p>(
    manifest: &Manifest,
    paths: impl IntoIterator<Item = &'p PathFacts>,
    (contents, databases): (&BTreeMap<Oid, Content>, &Databases<'_>),
    schema: impl Fn(&str) -> Result<Vec<u8>, String>,
    check: impl Fn() -> Result<(), GitError>,
) -> Result<BTreeMap<TreePath, DataFacts>, GitError> {
    let examiner = Examiner::new(manifest, schema);
    let mut found = BTreeMap::new();
    for facts in paths.into_iter().filter(|facts| !facts.conflicted && examiner.rule(&facts.path).is_some()) {
        let mut all = BTreeMap::new();
        let parents = facts.others.iter().chain(&facts.bases).copied();
        for entry in [facts.first, facts.result].into_iter().chain(parents).flatten() {
            if all.contains_key(&entry.oid) {
                continue;
            }
            check()?;
            if examiner.is_database(&facts.path) {
                if entry.mode.is_regular() {
                    all.insert(entry.oid, databases.held(entry.oid));
                }
            } else if let Some(content) = contents.get(&entry.oid) {
                all.insert(entry.oid, held(&examiner, &facts.path, content));
            }
        }
        found.insert(facts.path.clone(), DataFacts { entries: facts.clone(), held: all });
    }
    Ok(found)
}

fn held(examiner: &Examiner<'_>, path: &TreePath, content: &Content) -> Held {
    let unknown = |why: String| Held { unknown: Some(why), ..Held::default() };
    match content {
        Content::TooLarge(size) => unknown(format!("too large to be read ({size} bytes)")),
        Content::Bytes(bytes) => match examiner.examine(path, Version::Stream(&mut bytes.as_slice())) {
            Ok(found) => found.held(),
            Err(error) => unknown(error.to_string()),
        },
    }
}

/// Reads a schema from a tree; the error says why it can't be had.
pub(super) fn schema(objects: &Objects, tree: Option<Oid>, path: &str) -> Result<Vec<u8>, String> {
    let entry = objects.entry(tree, &path.into()).map_err(|error| error.to_string())?;
    let entry = entry.filter(|entry| entry.mode.is_regular()).ok_or(MISSING)?;
    match objects.content(entry.oid, CONTENT_LIMIT).map_err(|error| error.to_string())? {
        Content::Bytes(bytes) => Ok(bytes.to_vec()),
        Content::TooLarge(size) => Err(format!("too large to be read ({size} bytes)")),
    }
}

/// Reads a schema from a tree of a history.
pub(super) fn schema_in(reader: &Reader, tree: Option<Oid>, path: &str) -> Result<Vec<u8>, String> {
    let words = |error: GitError| error.to_string();
    let entry = tree.map(|tree| deviation::up(reader, tree, &path.into())).transpose().map_err(words)?.flatten();
    let entry = entry.filter(|entry| entry.mode.is_regular()).ok_or(MISSING)?;
    let bytes = reader.text(entry.oid, CONTENT_LIMIT).map_err(words)?.ok_or("it is too large")?;
    Ok(bytes.to_vec())
}

/// Why a schema can't be had that the manifest names.
const MISSING: &str = "there is no such file";
