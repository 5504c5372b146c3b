//! Which file of this repository the words of the catalogue stand for.

use std::collections::BTreeMap;

use bstr::ByteSlice;

use crate::drill::{Kind, kinds_of, sample_path};
use crate::manifest::Manifest;
use crate::model::{Raw, TreePath};

/// What a word stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The path, or the pattern that names files which git does not track.
    pub path: Raw,
    /// Whether this repository has no such file, so that the path is the sample's.
    pub is_sample: bool,
}

/// Finds a file of each kind: the first in order among those that git tracks, by what the manifest says of them.
pub fn subjects(manifest: &Manifest, tracked: &[TreePath]) -> BTreeMap<Kind, Subject> {
    let mut found: BTreeMap<Kind, Subject> = BTreeMap::new();
    let mut sorted: Vec<&TreePath> = tracked.iter().collect();
    sorted.sort();
    for path in &sorted {
        for kind in kinds_of(manifest, path[..].as_bstr(), true) {
            found.entry(kind).or_insert_with(|| Subject { path: (*path).clone(), is_sample: false });
        }
    }
    for rule in manifest.data.iter().filter(|rule| rule.backup) {
        let is_tracked = |line: &&String| sorted.iter().any(|path| is_named(line, path));
        for line in rule.paths.lines().iter().filter(|line| !line.starts_with('!')).filter(|line| !is_tracked(line)) {
            for kind in kinds_of(manifest, line.as_bytes().as_bstr(), false) {
                found.entry(kind).or_insert_with(|| Subject { path: Raw::from(line.as_str()), is_sample: false });
            }
        }
    }
    for kind in Kind::ALL {
        found.entry(kind).or_insert_with(|| Subject { path: Raw::from(sample_path(kind)), is_sample: true });
    }
    found
}

fn is_named(line: &str, path: &TreePath) -> bool {
    crate::manifest::Patterns::new(&[line]).is_ok_and(|patterns| patterns.matches(path[..].as_bstr()))
}
