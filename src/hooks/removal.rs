//! Scripts of ours out of hooks folders, and what stood there before back in.
//!
//! What is ours is read from the files. Order: git is led back to where it went before; then each hook is taken out in
//! one step; then folders that are ours go when nothing is left in them. When a step fails, those before it stay done
//! and the next time does the rest.

use std::path::{Path, PathBuf};

use super::InstallError;
use super::detour::Detour;
use super::place::shown;
use super::shim::{ORIGINAL, Script};
use super::standing::{LEGACY, OLD, OLD_HOOKS, Standing};
use crate::disk::{self, is_same_file};
use crate::git::Repo;

/// What is done with one file of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// Our script goes, nothing stood there before.
    Remove,
    /// The hook that was there before comes back.
    Restore,
    /// The second name of a hook that never left its place goes, or the copy of one that its manager has written anew.
    Forget,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemovalStep {
    /// The hooks folder.
    pub folder: PathBuf,
    /// The file's name in it.
    pub file: String,
    /// What is done.
    pub removal: Removal,
    /// Where the hook that was there before is kept.
    pub kept: String,
}

/// Everything that goes from some hooks folders.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Leaving {
    /// One step a file.
    pub steps: Vec<RemovalStep>,
    /// Sections of the configuration that go.
    pub(super) detours: Vec<Detour>,
    /// Folders that go when they are empty then, because install made them.
    pub(super) folders: Vec<PathBuf>,
}

impl Leaving {
    /// Returns whether there is nothing to do.
    pub const fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.detours.is_empty()
    }

    /// Returns the folders that scripts leave, each once.
    pub fn left(&self) -> Vec<&Path> {
        let mut folders: Vec<&Path> = self.steps.iter().map(|step| step.folder.as_path()).collect();
        folders.dedup();
        folders
    }

    /// Adds what stands in a folder to which git goes by itself; `made` says whether install made it.
    pub(super) fn plain(&mut self, folder: &Path, made: bool, notes: &mut Vec<String>) -> Result<(), InstallError> {
        for script in Script::any() {
            removal(folder, script.name(), &mut self.steps, notes)?;
        }
        let moved = folder.join(OLD_HOOKS);
        if self.steps.iter().any(|step| folder.join(&step.file).starts_with(&moved)) {
            self.folders.push(moved);
        }
        if made {
            self.folders.push(folder.to_owned());
        }
        Ok(())
    }

    /// Adds a folder of ours, and the way there.
    pub(super) fn detour(&mut self, detour: Detour, notes: &mut Vec<String>) -> Result<(), InstallError> {
        self.plain(&detour.folder, true, notes)?;
        let is_ours = |name: &str| {
            self.steps
                .iter()
                .any(|step| step.folder == detour.folder && step.file == name && step.removal != Removal::Restore)
        };
        let entries = std::fs::read_dir(&detour.folder).into_iter().flatten().flatten();
        let others = entries.filter(|entry| !entry.file_name().to_str().is_some_and(is_ours)).count();
        if others > 0 {
            let folder = shown(&detour.folder);
            notes.push(format!("hooks of others were put into '{folder}' and stay there: git will not run them"));
        }
        self.detours.push(detour);
        Ok(())
    }

    /// Does it.
    pub(super) fn carry_out(&self, repo: &Repo) -> Result<(), InstallError> {
        for detour in &self.detours {
            detour.close(repo)?;
        }
        for RemovalStep { folder, file, removal, kept } in &self.steps {
            let (place, kept) = (folder.join(file), folder.join(kept));
            match removal {
                Removal::Restore => disk::rename(&kept, &place)?,
                Removal::Remove => drop(disk::remove_file(&place)?),
                Removal::Forget => drop(disk::remove_file(&kept)?),
            }
        }
        for folder in &self.folders {
            disk::remove_empty_folder(folder)?;
        }
        Ok(())
    }
}

/// Works out the steps for one hook: whatever is kept goes to the first place that waits for it.
fn removal(
    folder: &Path,
    name: &str,
    steps: &mut Vec<RemovalStep>,
    notes: &mut Vec<String>,
) -> Result<(), InstallError> {
    let kept_name = format!("{name}{ORIGINAL}");
    let (present, kept) = (folder.join(name), folder.join(&kept_name));
    let mut waits = Standing::at(&kept)? != Standing::Nothing;
    let mut step = |file: String, removal| {
        steps.push(RemovalStep { folder: folder.to_owned(), file, removal, kept: kept_name.clone() });
    };
    let mut back = |file: String, waits: &mut bool| {
        step(file, if std::mem::take(waits) { Removal::Restore } else { Removal::Remove });
    };
    let place = Standing::at(&present)?;
    let is_newer = is_same_file(&present, &kept) || waits && Standing::is_older_copy(&kept, &present)?;
    if place.is_ours() || waits && place == Standing::Nothing {
        back(name.to_owned(), &mut waits);
    } else if is_newer {
        waits = false;
    }
    for file in [format!("{name}{LEGACY}"), format!("{name}{OLD}"), format!("{OLD_HOOKS}/{name}")] {
        if Standing::at(&folder.join(&file))?.is_ours() {
            back(file, &mut waits);
        }
    }
    if is_newer && !place.is_ours() {
        step(name.to_owned(), Removal::Forget);
    }
    if waits {
        notes.push(format!("a hook that is not ours stands at '{name}'; the older one stays as '{kept_name}'"));
    }
    Ok(())
}
