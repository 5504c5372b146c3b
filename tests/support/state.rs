//! What must be the same when "nothing has changed".

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::Sandbox;

/// The files below a folder: permissions (with file type) and bytes (a link's target), by path.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Tree(pub BTreeMap<String, (u32, Vec<u8>)>);

impl Tree {
    /// Reads all files, links and folders below a folder but those that `skip` names by their path in it.
    pub fn read(folder: &Path, skip: impl Fn(&str) -> bool) -> Self {
        let mut tree = Self::default();
        tree.walk(folder, "", &skip);
        tree
    }

    fn walk(&mut self, folder: &Path, prefix: &str, skip: &impl Fn(&str) -> bool) {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            // Names that are no UTF-8 must not fall together.
            let name = entry.file_name().as_bytes().escape_ascii().to_string();
            let path = format!("{prefix}{name}");
            if skip(&path) {
                continue;
            }
            let metadata = entry.path().symlink_metadata().unwrap();
            let mode = metadata.permissions().mode();
            let bytes = if metadata.is_symlink() {
                fs::read_link(entry.path()).unwrap().as_os_str().as_bytes().to_vec()
            } else if metadata.is_file() {
                fs::read(entry.path()).unwrap()
            } else {
                Vec::new()
            };
            self.0.insert(path.clone(), (mode, bytes));
            if metadata.is_dir() {
                self.walk(&entry.path(), &format!("{path}/"), skip);
            }
        }
    }

    /// Returns a line for each path that differs.
    pub fn differences(&self, after: &Self) -> Vec<String> {
        let show = |entry: Option<&(u32, Vec<u8>)>| match entry {
            None => "nothing".to_owned(),
            Some((mode, bytes)) => format!("{mode:o} {:?}", String::from_utf8_lossy(&bytes[..bytes.len().min(200)])),
        };
        let paths: std::collections::BTreeSet<_> = self.0.keys().chain(after.0.keys()).collect();
        let differ = paths.into_iter().filter(|path| self.0.get(*path) != after.0.get(*path));
        differ.map(|path| format!("'{path}': {} -> {}", show(self.0.get(path)), show(after.0.get(path)))).collect()
    }
}

/// HEAD, refs, index, working tree and git's locks. Guard's own refs and files are left out.
#[derive(Clone, PartialEq, Eq)]
pub struct State {
    /// What HEAD says.
    pub head: String,
    /// All refs but `refs/recoveryguard/`, with what they name.
    pub refs: String,
    /// Index entries with mode, name, stage and flags.
    pub index: String,
    /// Every byte and mode in the working tree, untracked and ignored files too.
    pub files: Tree,
    /// Lock files anywhere in git's folder.
    pub locks: Vec<String>,
    /// git's state files: a merge, rebase or the like in progress.
    pub progress: Vec<String>,
}

impl State {
    /// Reads it all.
    pub fn of(sandbox: &Sandbox) -> Self {
        let head = sandbox.git(["symbolic-ref", "-q", "HEAD"]);
        let head = if head.status == 0 { head.stdout } else { sandbox.rev("HEAD") };
        let format = "--format=%(refname) %(objectname) %(symref)";
        let refs = sandbox.git(["for-each-ref", format]).ok().stdout;
        let own = |line: &&str| !line.starts_with("refs/recoveryguard/");
        let refs = refs.lines().filter(own).collect::<Vec<_>>().join("\n");
        // A tag letter tells skip-worktree and assume-unchanged, the debug lines intent-to-add.
        let index = sandbox.git(["ls-files", "-s", "-v", "--full-name", ":/"]).ok().stdout;
        let intent = sandbox.git(["diff-files", "--diff-filter=A", "--name-only"]).ok().stdout;
        let git_dir = sandbox.at(sandbox.git(["rev-parse", "--git-dir"]).ok().line());
        let common = Tree::read(&sandbox.common_dir(), |path| path == "objects" || path == "recoveryguard");
        let is_lock = |path: &&String| Path::new(path).extension().is_some_and(|extension| extension == "lock");
        let locks = common.0.keys().filter(is_lock).cloned().collect();
        let names = [
            "MERGE_HEAD",
            "MERGE_MSG",
            "MERGE_MODE",
            "MERGE_AUTOSTASH",
            "SQUASH_MSG",
            "CHERRY_PICK_HEAD",
            "REVERT_HEAD",
            "rebase-merge",
            "rebase-apply",
            "sequencer",
        ];
        let progress = names.into_iter().filter(|name| git_dir.join(name).exists()).map(str::to_owned).collect();
        let files = Tree::read(sandbox.work(), |path| path == ".git");
        Self { head, refs, index: format!("{index}intent to add:\n{intent}"), files, locks, progress }
    }

    /// Returns a line for each difference.
    pub fn differences(&self, after: &Self) -> Vec<String> {
        let mut found = Vec::new();
        let texts = [
            ("HEAD", &self.head, &after.head),
            ("refs", &self.refs, &after.refs),
            ("index", &self.index, &after.index),
            ("locks", &self.locks.join(" "), &after.locks.join(" ")),
            ("in progress", &self.progress.join(" "), &after.progress.join(" ")),
        ];
        for (what, before, now) in texts {
            if before != now {
                found.push(format!("{what}:\n{before}\n->\n{now}"));
            }
        }
        found.extend(self.files.differences(&after.files));
        found
    }
}
