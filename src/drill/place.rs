//! Where drills take place: in a scratch copy of this repository, or of the built-in sample.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use bstr::ByteSlice;
use serde_json::Value;

use super::kinds::kinds_of;
use super::rows::{FEWEST, LARGEST_SHARE};
use super::sample::{self, sample_path};
use super::scenario::Kind;
use super::stage::{Stage, Surroundings, choose};
use crate::disk::{self, Durability};
use crate::git::Repo;
use crate::manifest::{self, Format, Manifest};
use crate::model::{Raw, TreePath};
use crate::store::{self, Store};
use crate::validate::sqlite::Limits;

/// Larger data files are not copied: a drill would take longer than somebody waits.
const LARGEST: u64 = 256 << 20;

/// So many records a file must have for half of them to go.
const ENOUGH: u64 = 10;

/// Larger stores are not copied.
const LARGEST_STORE: u64 = 2 << 30;

/// Where a drill takes place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A copy of this repository.
    Here,
    /// A copy of the built-in sample.
    Sample,
}

impl Place {
    /// Returns the word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Here => "here",
            Self::Sample => "sample",
        }
    }
}

/// A scratch project that drills get copies of.
pub struct Template {
    /// What it is a copy of.
    pub place: Place,
    folder: PathBuf,
    values: BTreeMap<String, Raw>,
    untracked: Vec<TreePath>,
}

impl Template {
    /// Makes the sample in `folder`, which is not there yet.
    pub fn sample(folder: &Path, surroundings: &Surroundings) -> anyhow::Result<Self> {
        let mut stage = prepare(folder, surroundings)?;
        sample::make(&mut stage, surroundings.now)?;
        let values = Kind::ALL.map(|kind| (kind.word().to_owned(), Raw::from(sample_path(kind))));
        let untracked = vec![sample_path(Kind::Ignored).into()];
        finish(Place::Sample, folder, &mut stage, (values.into_iter().collect(), untracked))
    }

    /// Copies a repository into `folder`: its commits without copying objects, the manifest and data files of the working tree,
    /// and the store. `manifest` is the working tree's; where several files are of a kind the seed chooses.
    pub fn of(
        repo: &Repo,
        manifest: &Manifest,
        folder: &Path,
        surroundings: &Surroundings,
        seed: u64,
    ) -> anyhow::Result<Self> {
        let mut stage = prepare(folder, surroundings)?;
        clone(repo, &stage)?;
        copy_files(repo, manifest, &stage)?;
        // It counts once it is committed: drills show what it does then.
        let of_guard = manifest.data.iter().filter_map(|rule| rule.schema.as_deref()).chain([manifest::FILE]);
        let there: Vec<&str> = of_guard.filter(|path| stage.project().join(path).is_file()).collect();
        if !there.is_empty() {
            stage.quietly(&[&["git", "--literal-pathspecs", "add", "-f", "--"], &there[..]].concat())?;
        }
        if !stage.bytes(&["git", "status", "--porcelain", "-z", "--untracked-files=no"], &[])?.is_empty() {
            stage.quietly(&["git", "commit", "-q", "-a", "-m", "the working tree as it stands"])?;
        }
        copy_store(repo, &stage)?;
        let found = files(&stage, seed)?;
        finish(Place::Here, folder, &mut stage, found)
    }

    /// Returns whether it has a file of each of these kinds.
    pub fn has(&self, kinds: &[Kind]) -> bool {
        kinds.iter().all(|kind| self.values.contains_key(kind.word()))
    }

    /// Makes a copy in `folder`, which is not there yet, for one drill.
    pub fn stage(&self, folder: &Path, surroundings: &Surroundings, seed: u64) -> anyhow::Result<Stage> {
        let output = crate::git::run_isolated(
            Path::new("cp"),
            &[OsStr::new("-pR"), self.folder.as_os_str(), folder.as_os_str()],
            Path::new("/"),
            &[("PATH", surroundings.environment.get("PATH").unwrap_or(OsStr::new("/usr/bin:/bin")))],
        )?;
        output.success().context("the scratch project could not be copied")?;
        Ok(Stage::at(folder, surroundings, self.values.clone(), self.untracked.clone(), seed))
    }
}

/// Makes the folders around a project, with a home of its own.
fn prepare(folder: &Path, surroundings: &Surroundings) -> anyhow::Result<Stage> {
    for name in ["bin", "home", "tmp", "project"] {
        disk::ensure_folder(&folder.join(name), 0o700)?;
    }
    // A link would do for a shell; git's hooks need the path of a program that is there.
    let script =
        [b"#!/bin/sh\nexec ", &super::quote(surroundings.guard.as_os_str().as_bytes())[..], b" \"$@\"\n"].concat();
    disk::write_atomic(&folder.join("guard"), &script, Durability::Lazy, 0o755)?;
    let settings = "[user]\n\tname = On Call\n\temail = on-call@example.com\n[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n\
                    [core]\n\tfsync = none\n[advice]\n\tdetachedHead = false\n";
    disk::write_atomic(&folder.join("home/.gitconfig"), settings.as_bytes(), Durability::Lazy, 0o644)?;
    let stage = Stage::at(folder, surroundings, BTreeMap::new(), Vec::new(), 0);
    // Another process writes it: what another thread starts at that moment would inherit the open file, and the kernel runs no
    // program that anybody can write to.
    stage.quietly(&["cp", "../guard", "../bin/guard"])?;
    Ok(stage)
}

fn finish(place: Place, folder: &Path, stage: &mut Stage, (mut values, untracked): Found) -> anyhow::Result<Template> {
    // Copies of files have other inodes and change times: git would read them all again.
    stage.quietly(&["git", "config", "core.checkStat", "minimal"])?;
    stage.quietly(&["git", "config", "core.trustctime", "false"])?;
    let ran = stage.shell("guard install")?;
    anyhow::ensure!(
        ran.exit == 0,
        "'guard install' ended with {} in the scratch project: {}",
        ran.exit,
        ran.output.trim_end()
    );
    for (word, line) in [("start", ["git", "rev-parse", "HEAD"]), ("branch", ["git", "branch", "--show-current"])] {
        values.insert(word.to_owned(), Raw::from(stage.quietly(&line)?));
    }
    Ok(Template { place, folder: folder.to_owned(), values, untracked })
}

/// Clones without copying objects, and checks out what is checked out here.
fn clone(repo: &Repo, stage: &Stage) -> anyhow::Result<()> {
    let head = repo.head()?;
    let oid = head.oid.context("nothing is committed in this repository yet")?.to_string();
    let branch = head.short_branch().map_or_else(|| "main".to_owned(), |name| name.to_string());
    let source = repo.common_dir().canonicalize()?;
    let source = source.to_str().context("the repository's path is not UTF-8")?;
    // Whoever may work in this repository may copy it: the user's own configuration, which says so, is not read there.
    stage.quietly(&["git", "config", "--global", "--add", "safe.directory", source])?;
    stage.quietly(&["git", "clone", "-q", "--shared", "--no-checkout", "--no-tags", "--", source, "."])?;
    stage.quietly(&["git", "remote", "remove", "origin"])?;
    stage.quietly(&["git", "checkout", "-q", "-B", &branch, &oid])?;
    Ok(())
}

/// Copies the manifest, schemas and data files of the working tree over those of the commit.
fn copy_files(repo: &Repo, manifest: &Manifest, stage: &Stage) -> anyhow::Result<()> {
    if repo.work_tree().is_none() {
        return Ok(());
    }
    let schemas = manifest.data.iter().filter_map(|rule| rule.schema.as_deref()).map(TreePath::from);
    let mut wanted: BTreeSet<TreePath> = schemas.chain([TreePath::from(manifest::FILE)]).collect();
    if !manifest.data.is_empty() {
        let is_data = |path: &TreePath| manifest.data_rule(path[..].as_bstr()).is_some();
        let tracked = repo.index_entries(&repo.own_index_file())?.into_iter();
        wanted.extend(tracked.filter(|entry| entry.entry.mode.is_regular()).map(|entry| entry.path).filter(is_data));
        // Data that git does not track and that is not backed up nothing brings back: no drill is about it.
        let is_backed_up =
            |path: &TreePath| manifest.data_rule(path[..].as_bstr()).is_some_and(|(rule, _)| rule.backup);
        wanted.extend(repo.untracked()?.into_iter().filter(is_backed_up));
    }
    for path in wanted {
        let Some(from) = repo.on_disk(&path) else { continue };
        let Ok(metadata) = from.symlink_metadata() else { continue };
        if !metadata.is_file() || metadata.len() > LARGEST || disk::check_path(&path).is_err() {
            continue;
        }
        let to = stage.project().join(OsStr::from_bytes(&path));
        if let Some(folder) = to.parent() {
            disk::ensure_folder(folder, 0o755)?;
        }
        disk::remove_file(&to)?;
        let mode = metadata.permissions().mode() & 0o777;
        if manifest.data_rule(path[..].as_bstr()).is_some_and(|(_, format)| format == Format::Sqlite) {
            disk::write_atomic(&to, b"", Durability::Lazy, mode)?;
            // A damaged database is copied as it is: that it is damaged is what the drill will say.
            if store::copy_database(&from, &to, &Limits::default()).is_ok() {
                continue;
            }
            disk::remove_file(&to)?;
        }
        disk::create_from(&to, &mut File::open(&from)?, mode)?;
    }
    Ok(())
}

fn copy_store(repo: &Repo, stage: &Stage) -> anyhow::Result<()> {
    let Ok(store) = Store::open(&repo.guard_dir()) else { return Ok(()) };
    let from = store.path();
    if size(from)? > LARGEST_STORE {
        return Ok(());
    }
    let guard = stage.project().join(".git/recoveryguard");
    disk::ensure_folder(&guard, 0o700)?;
    let from = from.to_str().context("the repository's path is not UTF-8")?;
    stage.quietly(&["cp", "-pR", from, ".git/recoveryguard/"])?;
    Ok(())
}

fn size(folder: &Path) -> std::io::Result<u64> {
    let mut sum = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        sum += if metadata.is_dir() { size(&entry.path())? } else { metadata.len() };
    }
    Ok(sum)
}

/// The file of each kind, by its word, and all data files that git does not track.
type Found = (BTreeMap<String, Raw>, Vec<TreePath>);

/// Finds a file of each kind, where there is one: data files by what `guard verify` says of them.
fn files(stage: &Stage, seed: u64) -> anyhow::Result<Found> {
    let manifest = &stage.manifest()?;
    let mut untracked = Vec::new();
    let mut of: BTreeMap<Kind, Vec<TreePath>> = BTreeMap::new();
    let listed = stage.bytes(&["git", "ls-files", "-s", "-z"], &[])?;
    let tracked: BTreeSet<TreePath> = listed
        .split(|byte| *byte == 0)
        .filter(|line| line.starts_with(b"100"))
        .filter_map(|line| line.split_once_str("\t"))
        .map(|(_, path)| TreePath::from(path))
        .collect();
    let verified = stage.shell("guard verify --json")?;
    let document: Value = serde_json::from_str(verified.output.lines().next().unwrap_or_default()).unwrap_or_default();
    for file in document["files"].as_array().into_iter().flatten() {
        // A path that is not UTF-8 comes as something else than a string: drills leave it alone.
        let Some(path) = file["path"].as_str().map(TreePath::from) else { continue };
        if file["standing"] != "good" {
            continue;
        }
        let (is_tracked, contents) = (tracked.contains(&path), &file["contents"]);
        if !is_tracked {
            untracked.push(path.clone());
        }
        for kind in kinds_of(manifest, path[..].as_bstr(), is_tracked) {
            let fits = match kind {
                Kind::Script | Kind::Config | Kind::Text => false,
                Kind::Records => contents["records"].as_u64().unwrap_or(0) >= ENOUGH,
                Kind::TrackedDatabase => can_lose_rows(contents),
                _ => true,
            };
            if fits {
                of.entry(kind).or_default().push(path.clone());
            }
        }
    }
    let mut plain = Vec::new();
    for path in &tracked {
        for kind in kinds_of(manifest, path[..].as_bstr(), true) {
            match kind {
                Kind::Script => of.entry(kind).or_default().push(path.clone()),
                Kind::Config if is_text(stage, path) => of.entry(kind).or_default().push(path.clone()),
                Kind::Text => plain.push(path),
                _ => {}
            }
        }
    }
    let first = choose(seed, 100, plain.len());
    let text = plain.iter().cycle().skip(first).take(plain.len()).find(|path| is_text(stage, path));
    of.entry(Kind::Text).or_default().extend(text.map(|path| (*path).clone()));
    let chosen = of.into_iter().filter(|(_, paths)| !paths.is_empty());
    let values = chosen
        .map(|(kind, paths)| (kind.word().to_owned(), paths[choose(seed, kind as u64, paths.len())].clone()))
        .collect();
    Ok((values, untracked))
}

/// Returns whether a table has some rows, and a column of various values.
fn can_lose_rows(contents: &Value) -> bool {
    contents["tables"].as_object().into_iter().flatten().any(|(_, table)| {
        let mut shares = table["uniform"].as_object().into_iter().flatten();
        table["rows"].as_u64().is_some_and(|rows| rows >= FEWEST)
            && shares.any(|(_, share)| share.as_u64().is_some_and(|share| share <= LARGEST_SHARE.into()))
    })
}

/// Returns whether a file is text of twenty lines or more.
fn is_text(stage: &Stage, path: &TreePath) -> bool {
    let place = stage.project().join(OsStr::from_bytes(path));
    let fits = place.symlink_metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() < 1 << 20);
    fits && std::fs::read_to_string(place).is_ok_and(|text| text.lines().count() >= 20 && !text.contains(['\0', '\r']))
}
