//! A scratch project for one drill: commands run in it see nothing of the user's configuration and reach no network.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::proof::State;
use super::scenario::Kind;
use crate::disk::{self, Durability};
use crate::git::{self, Environment};
use crate::manifest::{self, Manifest};
use crate::model::{Raw, TreePath, escape};

/// What drills get from outside.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// The variables of this process: `PATH` is taken from it.
    pub environment: Environment,
    /// This program.
    pub guard: PathBuf,
    /// The time, in milliseconds since 1970.
    pub now: u64,
}

/// How a command ended.
#[derive(Debug, Clone)]
pub struct Ran {
    /// Its exit code; -1 when a signal ended it.
    pub exit: i32,
    /// What it printed: standard output, then standard error.
    pub output: String,
    /// How long it took.
    pub took: Duration,
}

/// A scratch project.
pub struct Stage {
    /// The top of its working tree.
    project: PathBuf,
    variables: Vec<(String, OsString)>,
    values: BTreeMap<String, Raw>,
    untracked: Vec<TreePath>,
    desired: Option<State>,
    seed: u64,
}

impl Stage {
    /// Makes one of a project that is there already. `untracked` are all of its data files that git does not track.
    pub(super) fn at(
        folder: &Path,
        surroundings: &Surroundings,
        values: BTreeMap<String, Raw>,
        untracked: Vec<TreePath>,
        seed: u64,
    ) -> Self {
        let default = OsStr::new("/usr/local/bin:/usr/bin:/bin");
        let path = surroundings.environment.get("PATH").unwrap_or(default);
        let mut search = folder.join("bin").into_os_string();
        search.push(":");
        search.push(path);
        let mut variables = vec![
            ("PATH".to_owned(), search),
            ("HOME".to_owned(), folder.join("home").into_os_string()),
            ("TMPDIR".to_owned(), folder.join("tmp").into_os_string()),
            ("GIT_CONFIG_NOSYSTEM".to_owned(), "1".into()),
            ("GIT_TERMINAL_PROMPT".to_owned(), "0".into()),
            ("GIT_EDITOR".to_owned(), "true".into()),
            // Where a drill has lost its repository, one further up must not be taken for it.
            ("GIT_CEILING_DIRECTORIES".to_owned(), folder.as_os_str().to_owned()),
            // No network: git may only reach what is on this disk.
            ("GIT_ALLOW_PROTOCOL".to_owned(), "file".into()),
            ("LC_ALL".to_owned(), "C".into()),
        ];
        // A git that was not installed where it was built for finds its parts by these.
        for name in ["GIT_EXEC_PATH", "GIT_TEMPLATE_DIR", "LD_LIBRARY_PATH"] {
            if let Some(value) = surroundings.environment.get(name) {
                variables.push((name.to_owned(), value.to_owned()));
            }
        }
        Self { project: folder.join("project"), variables, values, untracked, desired: None, seed }
    }

    /// Returns the top of its working tree.
    pub fn project(&self) -> &Path {
        &self.project
    }

    /// Returns the folder around it, for what stands beside a project: a remote, a colleague's clone.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.project.with_file_name(name)
    }

    /// Runs a line of the catalogue as the person on duty would: by a shell, at the top of the working tree.
    pub fn shell(&self, line: &str) -> anyhow::Result<Ran> {
        self.line(&fill(line, &self.values))
    }

    fn line(&self, line: &OsStr) -> anyhow::Result<Ran> {
        let began = Instant::now();
        let output = self.run(&[OsStr::new("sh"), OsStr::new("-c"), line], &[])?;
        let mut bytes = output.stdout;
        bytes.extend_from_slice(&output.stderr);
        Ok(Ran { exit: output.status, output: String::from_utf8_lossy(&bytes).into_owned(), took: began.elapsed() })
    }

    /// Runs a program that has to succeed, with the guard's hooks off: what a colleague's client without them does, or setting up.
    pub fn quietly(&self, line: &[&str]) -> anyhow::Result<String> {
        self.quietly_with(line, &[])
    }

    /// The same, with more variables.
    pub fn quietly_with(&self, line: &[&str], variables: &[(&str, &str)]) -> anyhow::Result<String> {
        Ok(String::from_utf8_lossy(&self.bytes(line, variables)?).trim_end().to_owned())
    }

    /// The same; returns what it wrote to its standard output as it is.
    pub(super) fn bytes(&self, line: &[&str], variables: &[(&str, &str)]) -> anyhow::Result<Vec<u8>> {
        // Not by variables: git before 2.31 does not read them.
        let off: &[&str] = if line[0] == "git" { &["-c", "core.hooksPath=/dev/null"] } else { &[] };
        let whole: Vec<&OsStr> = [&line[..1], off, &line[1..]].concat().into_iter().map(OsStr::new).collect();
        let output = self.run(&whole, variables)?;
        if output.status == 0 {
            return Ok(output.stdout);
        }
        let shown: Vec<String> = line.iter().map(|word| escape(word.as_bytes())).collect();
        let said = escape(output.stderr.trim_ascii());
        anyhow::bail!("'{}' ended with {}: {said}", shown.join(" "), output.status)
    }

    fn run(&self, line: &[&OsStr], more: &[(&str, &str)]) -> anyhow::Result<git::Output> {
        let own = self.variables.iter().map(|(name, value)| (name.as_str(), value.as_os_str()));
        let variables: Vec<(&str, &OsStr)> =
            own.chain(more.iter().map(|(name, value)| (*name, OsStr::new(value)))).collect();
        Ok(git::run_isolated(Path::new(line[0]), &line[1..], &self.project, &variables)?)
    }

    /// Says what a word in angle brackets stands for.
    pub fn set(&mut self, word: &str, value: impl Into<Raw>) {
        self.values.insert(word.to_owned(), value.into());
    }

    /// Returns what a word in angle brackets stands for.
    pub fn value(&self, word: &str) -> anyhow::Result<&Raw> {
        self.values.get(word).ok_or_else(|| anyhow::anyhow!("the drill knows no <{word}> here"))
    }

    /// Returns all of them.
    pub(super) fn values(&self) -> &BTreeMap<String, Raw> {
        &self.values
    }

    /// Returns the place of the file that a word stands for.
    pub fn place(&self, word: &str) -> anyhow::Result<PathBuf> {
        Ok(self.project.join(OsStr::from_bytes(self.value(word)?)))
    }

    /// Returns the bytes of the file that a word stands for.
    pub fn read(&self, word: &str) -> anyhow::Result<Vec<u8>> {
        Ok(std::fs::read(self.place(word)?)?)
    }

    /// Writes the file that a word stands for; it keeps its run bit.
    pub fn write(&self, word: &str, bytes: &[u8]) -> anyhow::Result<()> {
        use std::os::unix::fs::PermissionsExt;
        let place = self.place(word)?;
        let mode = place.metadata().map_or(0o644, |metadata| metadata.permissions().mode() & 0o777);
        make(&place, bytes, mode)
    }

    /// Reads the manifest.
    pub fn manifest(&self) -> anyhow::Result<Manifest> {
        match std::fs::read(self.project.join(manifest::FILE)) {
            Ok(text) => Ok(manifest::parse(&text)?),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Manifest::default()),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes a file at a path beneath the top.
    pub fn write_at(&self, path: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let mode = if path.starts_with("scripts/") { 0o755 } else { 0o644 };
        make(&self.project.join(path), bytes, mode)
    }

    /// Commits everything that changed, as a colleague whose client has no hooks.
    pub fn commit(&self, author: &str, subject: &str) -> anyhow::Result<String> {
        self.quietly(&["git", "add", "-A"])?;
        if !self.untracked.is_empty() {
            // Data that git does not track is not part of any incident's commit.
            let apart: Vec<String> = self.untracked.iter().map(ToString::to_string).collect();
            let reset = ["git", "--literal-pathspecs", "reset", "-q", "--"].into_iter();
            self.quietly(&reset.chain(apart.iter().map(String::as_str)).collect::<Vec<_>>())?;
        }
        let commit = self.commit_as(author, subject)?;
        self.let_git_write()?;
        Ok(commit)
    }

    /// Lets git write the files of the newest commit, as in a pull: attributes may ask for other line ends.
    fn let_git_write(&self) -> anyhow::Result<()> {
        let list =
            ["git", "diff-tree", "--root", "-r", "-z", "--no-commit-id", "--name-only", "--diff-filter=AM", "HEAD"];
        let listed = self.bytes(&list, &[])?;
        let paths: Vec<&str> =
            listed.split(|byte| *byte == 0).filter_map(|path| std::str::from_utf8(path).ok()).collect();
        let paths: Vec<&str> = paths.into_iter().filter(|path| !path.is_empty()).collect();
        if paths.is_empty() {
            return Ok(());
        }
        for path in &paths {
            disk::remove_file(&self.project.join(path))?;
        }
        self.quietly(&[&["git", "--literal-pathspecs", "checkout", "-q", "--"], &paths[..]].concat())?;
        Ok(())
    }

    /// Says that the project stands now as recovery is to leave it, where that is not as before the injection.
    pub fn is_desired_now(&mut self) -> anyhow::Result<()> {
        self.desired = Some(State::take(self)?);
        Ok(())
    }

    /// Returns the state that recovery is to reach, where the injection said so.
    pub(super) fn desired(&mut self) -> Option<State> {
        self.desired.take()
    }

    /// Returns the files of some kinds: the one that each word stands for, and with [`Kind::Ignored`] all data files that git does
    /// not track, for one and the same incident takes them all.
    pub(super) fn at_risk(&self, kinds: &[Kind]) -> BTreeSet<TreePath> {
        let named = kinds.iter().filter_map(|kind| self.values.get(kind.word()));
        let all = self.untracked.iter().filter(|_| kinds.contains(&Kind::Ignored));
        named.chain(all).cloned().collect()
    }

    /// Runs a command about one file.
    pub(super) fn about(&self, command: &str, path: &TreePath) -> anyhow::Result<Ran> {
        let values = BTreeMap::from([("path".to_owned(), path.clone())]);
        self.line(&fill(&format!("{command} -- <path>"), &values))
    }

    /// Returns a number below `below` that the seed chooses; `salt` tells choices apart.
    pub fn choose(&self, below: usize, salt: u64) -> usize {
        choose(self.seed, salt, below)
    }
}

fn make(place: &Path, bytes: &[u8], mode: u32) -> anyhow::Result<()> {
    if let Some(parent) = place.parent() {
        disk::ensure_folder(parent, 0o755)?;
    }
    disk::write_atomic(place, bytes, Durability::Lazy, mode)?;
    Ok(())
}

/// Returns a number below `below`, the same for the same seed and salt.
pub(super) fn choose(seed: u64, salt: u64, below: usize) -> usize {
    // SplitMix64's last step: good enough to spread, and the same everywhere.
    let mut mixed = seed.wrapping_add(salt.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    usize::try_from((mixed ^ (mixed >> 31)) % (below.max(1) as u64)).unwrap_or(0)
}

/// Puts values in place of words in angle brackets, quoted for a shell; words that are not known stay.
pub fn fill(line: &str, values: &BTreeMap<String, Raw>) -> OsString {
    OsString::from_vec(fill_with(line, values, |value| quote(value)))
}

/// Puts values in place of words in angle brackets as commands print them.
pub(super) fn fill_as_said(text: &str, values: &BTreeMap<String, Raw>) -> String {
    String::from_utf8_lossy(&fill_with(text, values, |value| value.to_string().into_bytes())).into_owned()
}

fn fill_with(line: &str, values: &BTreeMap<String, Raw>, form: impl Fn(&Raw) -> Vec<u8>) -> Vec<u8> {
    let (mut filled, mut rest) = (Vec::new(), line);
    while let Some(at) = rest.find('<') {
        let (before, after) = rest.split_at(at);
        filled.extend_from_slice(before.as_bytes());
        let word = after[1..].split('>').next().filter(|word| after[1..].len() > word.len());
        if let Some((word, value)) = word.and_then(|word| Some((word, values.get(word)?))) {
            filled.extend_from_slice(&form(value));
            rest = &after[word.len() + 2..];
        } else {
            filled.push(b'<');
            rest = &after[1..];
        }
    }
    filled.extend_from_slice(rest.as_bytes());
    filled
}

/// Quotes a word for a shell where it needs it.
pub fn quote(word: &[u8]) -> Vec<u8> {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-+@:,".contains(byte);
    if !word.is_empty() && word[0] != b'-' && word.iter().all(is_plain) {
        return word.to_vec();
    }
    let mut quoted = b"'".to_vec();
    for byte in word {
        if *byte == b'\'' {
            quoted.extend_from_slice(b"'\\'");
        }
        quoted.push(*byte);
    }
    quoted.push(b'\'');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_filled_in_and_quoted() {
        let values = [("json", "data/it's.json"), ("start", "abc123"), ("option", "-x")];
        let values = values.into_iter().map(|(word, value)| (word.to_owned(), Raw::from(value))).collect();
        let filled = |line: &str| fill(line, &values).into_string().unwrap();
        assert_eq!(filled("guard restore <json>"), r"guard restore 'data/it'\''s.json'");
        assert_eq!(filled("git diff <start>..HEAD < in > out"), "git diff abc123..HEAD < in > out");
        assert_eq!(filled("<unknown> <start"), "<unknown> <start");
        assert_eq!(filled("ls <option>"), "ls '-x'");
        assert_eq!(fill_as_said("good  <json>", &values), "good  data/it's.json");
    }

    #[test]
    fn choices_depend_on_seed_and_salt_only() {
        assert_eq!(choose(7, 1, 1000), choose(7, 1, 1000));
        let differ = (0..20).filter(|seed| choose(*seed, 1, 1000) != choose(*seed, 2, 1000)).count();
        assert!(differ > 15, "{differ}");
        assert_eq!(choose(7, 1, 0), 0);
    }
}
