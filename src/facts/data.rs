//! What the versions of data files hold: a merge's are examined once each, and rules compare them.

use std::collections::BTreeMap;

use super::files::{Files, Led, follow};
use super::{Databases, Examiner, Version};
use crate::git::GitError;
use crate::manifest::Manifest;
use crate::model::{Content, DataFacts, Held, Mode, Oid, PathFacts, TreePath};

/// Examines the versions of each file that the manifest names as data, as far as their contents were gathered; of
/// databases all, which are no contents. Schemas are those of the tree `first`. A link that the merge put in the place of a file
/// holds what it leads to in the tree `result`, if that is known. `check` says when the time is over.
pub(super) fn examine<'p, F: Files>(
    manifest: &Manifest,
    paths: impl IntoIterator<Item = &'p PathFacts>,
    (contents, databases): (&BTreeMap<Oid, Content>, &Databases<'_>),
    (first, result): (&F, Option<&F>),
    check: impl Fn() -> Result<(), GitError>,
) -> Result<BTreeMap<TreePath, DataFacts>, GitError> {
    let examiner = Examiner::new(manifest, |path| schema(first, path));
    let mut found = BTreeMap::new();
    for facts in paths.into_iter().filter(|facts| !facts.conflicted && examiner.rule(&facts.path).is_some()) {
        let mut all = BTreeMap::new();
        let parents = facts.others.iter().chain(&facts.bases).copied();
        for entry in [facts.first, facts.result].into_iter().chain(parents).flatten() {
            if all.contains_key(&entry.oid) {
                continue;
            }
            check()?;
            if entry.mode == Mode::Link && facts.result == Some(entry) && facts.replaces_file() {
                all.insert(entry.oid, led_to(&examiner, databases, result, &facts.path)?);
            } else if examiner.is_database(&facts.path) {
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

/// Examines what a link leads to.
fn led_to(
    examiner: &Examiner<'_>,
    databases: &Databases<'_>,
    files: Option<&impl Files>,
    path: &TreePath,
) -> Result<Held, GitError> {
    let Some(files) = files else {
        let why = "it is a symbolic link, and where it leads is not known before the merge";
        return Ok(Held { unknown: Some(why.to_owned()), ..Held::default() });
    };
    let led = follow(files, path)?;
    Ok(match &led {
        Led::File(_, entry) => {
            let held = if examiner.is_database(path) {
                databases.held(entry.oid)
            } else {
                held(examiner, path, &files.content(entry.oid)?)
            };
            let fault = held.fault.map(|fault| format!("it is {led}: {fault}"));
            Held { fault, ..held }
        }
        _ => Held { fault: Some(format!("it is {led}")), ..Held::default() },
    })
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
fn schema(files: &impl Files, path: &str) -> Result<Vec<u8>, String> {
    let entry = files.entry(&path.into()).map_err(|error| error.to_string())?;
    let entry = entry.filter(|entry| entry.mode.is_regular()).ok_or("there is no such file")?;
    match files.content(entry.oid).map_err(|error| error.to_string())? {
        Content::Bytes(bytes) => Ok(bytes.to_vec()),
        Content::TooLarge(size) => Err(format!("too large to be read ({size} bytes)")),
    }
}
