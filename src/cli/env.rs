//! The only place that reads the environment and the clock.

use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

use crate::disk;
use crate::git::Environment;
use crate::model::Timestamp;

/// The variable that stops the clock at a number of milliseconds since 1970, for tests.
const CLOCK: &str = "RECOVERYGUARD_CLOCK";

/// The variable that makes a change of the file system fail, `full:<n>`, `once:<n>` or `die:<n>`, for drills and tests.
const FAULT: &str = "RECOVERYGUARD_FAULT";

/// The variable that says how many seconds a hook has, for tests on a busy machine.
const HOOK_SECONDS: &str = "RECOVERYGUARD_HOOK_SECONDS";

/// A hook may take so long; then it could not judge.
const HOOK_LIMIT: Duration = Duration::from_secs(5);

/// The process's surroundings, read once.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// All environment variables.
    pub environment: Environment,
    /// The current folder, or the one that `-C` names.
    pub folder: PathBuf,
}

impl Surroundings {
    /// Reads them.
    pub fn read() -> Self {
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
        let variables = std::env::vars_os().collect();
        let folder = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
        Self { environment: Environment { variables }, folder }
    }

    /// Returns the folder for scratch files.
    pub fn temporary_folder(&self) -> PathBuf {
        self.environment.get("TMPDIR").map_or_else(|| PathBuf::from("/tmp"), PathBuf::from)
    }

    /// Returns the time: the clock's, or the one that tests stopped it at.
    pub fn now(&self) -> Timestamp {
        let stopped = self.environment.get(CLOCK).and_then(|text| text.to_str()?.parse().ok());
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
        let clock = || std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Timestamp(stopped.unwrap_or_else(|| u64::try_from(clock().as_millis()).unwrap_or(u64::MAX)))
    }

    /// Returns how long a hook may take.
    pub fn hook_limit(&self) -> Duration {
        let seconds = self.environment.get(HOOK_SECONDS).and_then(|text| text.to_str()?.parse::<u16>().ok());
        seconds.map_or(HOOK_LIMIT, |seconds| Duration::from_secs(seconds.into()))
    }

    /// Returns after how many changes of the file system which fault is to happen, if one is planned.
    pub fn fault(&self) -> Option<(u64, disk::Fault)> {
        disk::Fault::planned(self.environment.get(FAULT)?.to_str()?)
    }

    /// Returns the path by which others can run this program: the one on `PATH` when that is this program (it stays
    /// right when a package manager moves what it links to), else the file itself.
    pub fn program(&self) -> std::io::Result<PathBuf> {
        let file = std::env::current_exe()?;
        let real = file.canonicalize()?;
        let path = self.environment.get("PATH").unwrap_or_default();
        let mut candidates = std::env::split_paths(path).map(|folder| folder.join("guard"));
        let found = candidates.find(|path| path.is_absolute() && path.canonicalize().is_ok_and(|path| path == real));
        Ok(found.unwrap_or(file))
    }
}
