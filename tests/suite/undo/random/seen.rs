//! Everything that can be seen of the repository, and what of it has been lost.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::super::world::{Files, World, gather};

/// git's files that belong to something in progress, and folders of which only the name counts.
const STATE: [&str; 12] = [
    "MERGE_HEAD",
    "MERGE_MSG",
    "MERGE_MODE",
    "MERGE_AUTOSTASH",
    "SQUASH_MSG",
    "AUTO_MERGE",
    "CHERRY_PICK_HEAD",
    "REVERT_HEAD",
    "ORIG_HEAD",
    "rebase-merge",
    "rebase-apply",
    "sequencer",
];

/// Guard's own refs: not part of what the user sees.
pub const OURS: &str = "refs/recoveryguard/";

/// What the user sees: all of it must be the same when "nothing has changed".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub head: String,
    /// All refs but ours.
    pub refs: BTreeMap<String, String>,
    /// Entries with stages and flags, by path; a path in conflict has several lines.
    pub index: BTreeMap<String, String>,
    /// Paths that are only intended to be added.
    pub intent: String,
    /// The stashes, newest first.
    pub stash: Vec<String>,
    pub files: Files,
    pub state: BTreeMap<String, Vec<u8>>,
}

impl Seen {
    pub fn of(world: &World) -> Self {
        let git_dir = world.top.join(".git");
        let head = fs::read_to_string(git_dir.join("HEAD")).unwrap();
        let mut refs = BTreeMap::new();
        for line in world.git_quietly(&["for-each-ref", "--format=%(refname) %(objectname)"]).lines() {
            let (name, oid) = line.split_once(' ').unwrap();
            if !name.starts_with(OURS) {
                refs.insert(name.to_owned(), oid.to_owned());
            }
        }
        let mut index: BTreeMap<String, String> = BTreeMap::new();
        for line in world.git_quietly(&["ls-files", "-s", "-v"]).lines() {
            let (entry, path) = line.split_once('\t').unwrap();
            let entries = index.entry(path.to_owned()).or_default();
            entries.push_str(entry);
            entries.push('\n');
        }
        let stash = fs::read_to_string(git_dir.join("logs/refs/stash")).unwrap_or_default();
        let stash = stash.lines().rev().map(|line| line.split(' ').nth(1).unwrap().to_owned()).collect();
        let mut files = BTreeMap::new();
        gather(&world.top, &world.top, &mut files);
        let mut state = BTreeMap::new();
        for name in STATE {
            let path = git_dir.join(name);
            if path.is_dir() {
                state.insert(name.to_owned(), Vec::new());
            } else if let Ok(bytes) = fs::read(path) {
                state.insert(name.to_owned(), bytes);
            }
        }
        let intent = world.git_quietly(&["diff-files", "--diff-filter=A", "--name-only"]);
        Self { head, refs, index, intent, stash, files, state }
    }

    /// Returns a line for each difference.
    pub fn differences(&self, after: &Self) -> Vec<String> {
        let mut found = Vec::new();
        if self.head != after.head {
            found.push(format!("HEAD: {:?} -> {:?}", self.head, after.head));
        }
        differ("ref", &self.refs, &after.refs, &mut found, Clone::clone);
        differ("index", &self.index, &after.index, &mut found, Clone::clone);
        if self.intent != after.intent {
            found.push(format!("intent to add: {:?} -> {:?}", self.intent, after.intent));
        }
        if self.stash != after.stash {
            found.push(format!("stash: {:?} -> {:?}", self.stash, after.stash));
        }
        let bytes = |value: &Vec<u8>| String::from_utf8_lossy(value).into_owned();
        differ("state", &self.state, &after.state, &mut found, bytes);
        differ("file", &self.files, &after.files, &mut found, |(mode, value)| format!("{mode:o} {}", bytes(value)));
        found
    }

    /// HEAD's commit.
    pub fn head_commit(&self) -> String {
        let branch = self.head.trim().strip_prefix("ref: ");
        branch.map_or_else(|| self.head.trim().to_owned(), |branch| self.refs[branch].clone())
    }

    /// The bytes of a file of the working tree; `None` where none stands.
    pub fn file(&self, path: &str) -> Option<&[u8]> {
        let found = self.files.get(OsStr::new(path))?;
        (found.0 != 0o40_000).then_some(&found.1)
    }

    /// The blobs that stand in the working tree and in the index.
    fn blobs(&self) -> BTreeSet<String> {
        let files = self.files.values().filter(|(mode, _)| *mode != 0o40_000);
        let mut blobs: BTreeSet<String> = files.map(|(_, bytes)| blob(bytes)).collect();
        let entries = self.index.values().flat_map(|entries| entries.lines());
        // `H 160000 …` would be a submodule; there is none.
        blobs.extend(entries.map(|entry| entry.split(' ').nth(2).unwrap().to_owned()));
        blobs
    }
}

fn differ<K: Ord + std::fmt::Debug, V: PartialEq>(
    what: &str,
    before: &BTreeMap<K, V>,
    after: &BTreeMap<K, V>,
    found: &mut Vec<String>,
    show: impl Fn(&V) -> String,
) {
    for name in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
        let (before, after) = (before.get(name), after.get(name));
        if before != after {
            let show = |value: Option<&V>| value.map_or_else(|| "nothing".to_owned(), &show);
            found.push(format!("{what} {name:?}: {:?} -> {:?}", show(before), show(after)));
        }
    }
}

fn blob(bytes: &[u8]) -> String {
    git2::Oid::hash_object(git2::ObjectType::Blob, bytes).unwrap().to_string()
}

/// All that must not be lost: contents of files and of index entries, and every commit that a ref reaches.
pub struct Visible {
    blobs: BTreeSet<String>,
    commits: BTreeSet<String>,
}

impl Visible {
    pub fn of(world: &World, seen: &Seen) -> Self {
        let mut blobs = seen.blobs();
        blobs.extend(stashed(world, seen));
        Self { blobs, commits: commits(world) }
    }

    /// Returns what can't be found any more: not in the working tree, not in the index, in no commit that a ref reaches
    /// (ours included) and not in the store.
    pub fn lost(&self, world: &World, now: &Seen) -> Vec<String> {
        let mut here = now.blobs();
        here.extend(stashed(world, now));
        let mut lost: Vec<String> = self.blobs.difference(&here).cloned().collect();
        if !lost.is_empty() {
            let committed = world.git_quietly(&["rev-list", "--objects", "--all", "HEAD"]);
            let store = world.top.join(".git/recoveryguard/store.git");
            let saved = if store.exists() {
                world.git_quietly(&["--git-dir", store.to_str().unwrap(), "rev-list", "--objects", "--all"])
            } else {
                String::new()
            };
            let kept: BTreeSet<&str> =
                committed.lines().chain(saved.lines()).map(|line| line.split(' ').next().unwrap()).collect();
            lost.retain(|blob| !kept.contains(blob.as_str()));
        }
        let commits = commits(world);
        lost.extend(self.commits.difference(&commits).cloned());
        lost
    }
}

/// The blobs in stashes: files, index and untracked files.
fn stashed(world: &World, seen: &Seen) -> BTreeSet<String> {
    let mut blobs = BTreeSet::new();
    for stash in &seen.stash {
        for tree in [stash.clone(), format!("{stash}^2"), format!("{stash}^3")] {
            let mut git = world.command(OsStr::new("git"), &world.top);
            let listed = git.args(["ls-tree", "-r", &tree]).output().unwrap();
            let listed = String::from_utf8(listed.stdout).unwrap();
            blobs.extend(listed.lines().map(|line| line.split([' ', '\t']).nth(2).unwrap().to_owned()));
        }
    }
    blobs
}

/// Every commit that a ref or HEAD reaches; stashes are no history, only their contents count.
fn commits(world: &World) -> BTreeSet<String> {
    world.git_quietly(&["rev-list", "--exclude=refs/stash", "--all", "HEAD"]).lines().map(str::to_owned).collect()
}

/// Returns git's lock files.
pub fn locks(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && path.file_name() != Some(OsStr::new("recoveryguard")) {
            found.extend(locks(&path));
        } else if path.extension() == Some(OsStr::new("lock")) && !path.ends_with("objects/maintenance.lock") {
            // git's own upkeep in the background has a lock of its own.
            found.push(path);
        }
    }
    found
}
