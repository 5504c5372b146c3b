//! `guard drill`: which incidents are rehearsed where, two at a time, and the receipt.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::data_here::here;
use crate::disk::{self, DiskError};
use crate::drill::{self, Receipt, Rehearsed, Scenario, Surroundings, Template};
use crate::git::Repo;
use crate::manifest::Manifest;
use crate::model::Timestamp;

/// The beginning of the scratch folder's name.
const SCRATCH: &str = "guard-drill-";

/// The beginning of one that stays.
const KEPT: &str = "guard-kept-drill-";

/// What is to be rehearsed.
pub struct Drills<'a> {
    /// Which incidents.
    pub scenarios: Vec<&'static Scenario>,
    /// The repository, where there is one.
    pub repo: Option<&'a Repo>,
    /// Where scratch folders are made.
    pub temporary: PathBuf,
    /// What drills get from outside.
    pub surroundings: Surroundings,
    /// Chooses places.
    pub seed: u64,
    /// Whether the scratch folder stays.
    pub keep: bool,
}

/// What was rehearsed.
#[derive(Debug)]
pub struct Drilled {
    /// The drills, in the order in which they were asked for.
    pub drills: Vec<Rehearsed>,
    /// Why this repository could not be copied, if so: then all took place in the sample.
    pub not_here: Option<String>,
    /// The seed.
    pub seed: u64,
    /// When it began.
    pub at: Timestamp,
    /// The receipt, where there is a repository.
    pub receipt: Option<PathBuf>,
    /// The scratch folder, if it was kept.
    pub kept: Option<PathBuf>,
}

impl Drilled {
    /// Returns whether all passed.
    pub fn passed(&self) -> bool {
        self.drills.iter().all(|drill| drill.ended == drill::Ended::Passed)
    }
}

/// Why nothing was rehearsed.
#[derive(Debug, thiserror::Error)]
pub enum DrillError {
    /// The scratch folder or the receipt can't be written.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The manifest can't be used.
    #[error("{0}")]
    Manifest(String),
    /// There is no folder for scratch files.
    #[error("there is no folder '{}' for scratch files: set TMPDIR to one", crate::model::escape(.0.as_os_str().as_encoded_bytes()))]
    NoFolder(PathBuf),
    /// The sample can't be made.
    #[error("the sample can't be made: {0:#}")]
    Sample(anyhow::Error),
}

/// Rehearses; `done` is called after each drill with how many are done.
pub fn drill(drills: &Drills<'_>, done: &(dyn Fn(usize) + Sync)) -> Result<Drilled, DrillError> {
    let at = Timestamp(drills.surroundings.now);
    clear(&drills.temporary);
    // Nothing is made but the scratch folder: not the folder that it stands in, either.
    if !drills.temporary.is_dir() {
        return Err(DrillError::NoFolder(drills.temporary.clone()));
    }
    let folder = drills.temporary.join(format!("{SCRATCH}{}-{}", std::process::id(), at.0));
    disk::ensure_folder(&folder, 0o700)?;
    let result = rehearse_in(drills, &folder, at, done);
    if !drills.keep {
        disk::remove_folder_all_inside(&drills.temporary, &folder)?;
        return result;
    }
    // Under another name: the next run clears what looks broken off.
    let kept = drills.temporary.join(format!("{KEPT}{}-{}", std::process::id(), at.0));
    disk::rename(&folder, &kept)?;
    result.map(|drilled| Drilled { kept: Some(kept), ..drilled })
}

fn rehearse_in(
    drills: &Drills<'_>,
    folder: &Path,
    at: Timestamp,
    done: &(dyn Fn(usize) + Sync),
) -> Result<Drilled, DrillError> {
    let (own, not_here) = match drills.repo.map(|repo| own(drills, repo, &folder.join("here"))).transpose()? {
        Some(Ok(template)) => (Some(template), None),
        Some(Err(why)) => (None, Some(format!("{why:#}"))),
        None => (None, None),
    };
    let fits = |scenario: &&'static Scenario| own.as_ref().is_some_and(|own| own.has(scenario.uses));
    let sample = if drills.scenarios.iter().all(fits) {
        None
    } else {
        Some(Template::sample(&folder.join("sample"), &drills.surroundings).map_err(DrillError::Sample)?)
    };
    let stages =
        Stages { own, sample, folder, surroundings: &drills.surroundings, seed: drills.seed, keep: drills.keep };
    let drills_done = stages.rehearse(&drills.scenarios, done);
    let receipt = Receipt::of(&drills_done, drills.seed, at);
    let receipt = drills.repo.map(|repo| drill::write_receipt(&repo.guard_dir(), &receipt)).transpose()?;
    Ok(Drilled { drills: drills_done, not_here, seed: drills.seed, at, receipt, kept: None })
}

/// Where drills take place.
struct Stages<'a> {
    own: Option<Template>,
    sample: Option<Template>,
    folder: &'a Path,
    surroundings: &'a Surroundings,
    seed: u64,
    keep: bool,
}

impl Stages<'_> {
    /// Rehearses all, as many at once as there are processors.
    fn rehearse(&self, scenarios: &[&'static Scenario], done: &(dyn Fn(usize) + Sync)) -> Vec<Rehearsed> {
        let (next, count) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let slots: Vec<Mutex<Option<Rehearsed>>> = scenarios.iter().map(|_| Mutex::new(None)).collect();
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(8);
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    while let Some(index) = take(&next, scenarios.len()) {
                        *slots[index].lock().unwrap_or_else(PoisonError::into_inner) = self.one(scenarios[index]);
                        done(count.fetch_add(1, Ordering::Relaxed) + 1);
                    }
                });
            }
        });
        slots.into_iter().filter_map(|slot| slot.into_inner().unwrap_or_else(PoisonError::into_inner)).collect()
    }

    fn one(&self, scenario: &'static Scenario) -> Option<Rehearsed> {
        let template = self.own.as_ref().filter(|own| own.has(scenario.uses)).or(self.sample.as_ref())?;
        let place = self.folder.join(scenario.name);
        let drill = drill::rehearse(scenario, template, &place, self.surroundings, self.seed);
        if !self.keep {
            // What is left goes with the whole folder.
            let _ = disk::remove_folder_all_inside(self.folder, &place);
        }
        Some(drill)
    }
}

fn take(next: &AtomicUsize, below: usize) -> Option<usize> {
    Some(next.fetch_add(1, Ordering::Relaxed)).filter(|index| *index < below)
}

/// Copies this repository; the inner error says why it can't be copied.
fn own(drills: &Drills<'_>, repo: &Repo, folder: &Path) -> Result<anyhow::Result<Template>, DrillError> {
    let manifest = match repo.work_tree() {
        Some(_) => here(repo).map_err(|error| DrillError::Manifest(error.to_string()))?.manifest,
        None => Manifest::default(),
    };
    Ok(Template::of(repo, &manifest, folder, &drills.surroundings, drills.seed))
}

/// Removes what drills left that were broken off.
fn clear(temporary: &Path) {
    for entry in std::fs::read_dir(temporary).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(rest) = name.to_str().and_then(|name| name.strip_prefix(SCRATCH)) else { continue };
        let pid = rest.split('-').next().and_then(|pid| pid.parse().ok());
        if pid.is_some_and(|pid: i32| pid > 0 && !crate::git::is_running(pid)) {
            // Somebody else's, or in use after all: it stays.
            let _ = disk::remove_folder_all_inside(temporary, &entry.path());
        }
    }
}
