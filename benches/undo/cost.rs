//! Wall and CPU time of commands, and their medians.

use std::process::Command;
use std::time::{Duration, Instant};

/// What the runs of one way took.
#[derive(Debug, Default)]
pub struct Costs {
    wall: Vec<Duration>,
    cpu: f64,
}

impl Costs {
    /// Runs a command and counts it.
    pub fn time(&mut self, command: &mut Command) {
        let before = children_cpu();
        let start = Instant::now();
        crate::world::run(command);
        self.wall.push(start.elapsed());
        self.cpu += children_cpu() - before;
    }

    /// Returns the median wall time in milliseconds.
    pub fn wall(&self) -> f64 {
        median(self.wall.iter().map(|time| time.as_secs_f64() * 1000.0).collect())
    }

    /// Returns the mean CPU time in milliseconds.
    #[expect(clippy::cast_precision_loss, reason = "a few runs")]
    pub fn cpu(&self) -> f64 {
        self.cpu / self.wall.len() as f64
    }

    /// Returns the median of the pairwise ratios of wall times.
    pub fn wall_ratio(&self, other: &Self) -> f64 {
        let pairs = self.wall.iter().zip(&other.wall);
        median(pairs.map(|(one, other)| one.as_secs_f64() / other.as_secs_f64()).collect())
    }

    /// Returns the median of the pairwise differences of wall times, in milliseconds.
    pub fn wall_more(&self, other: &Self) -> f64 {
        let pairs = self.wall.iter().zip(&other.wall);
        median(pairs.map(|(one, other)| (one.as_secs_f64() - other.as_secs_f64()) * 1000.0).collect())
    }

    /// Returns the ratio of CPU times.
    pub fn cpu_ratio(&self, other: &Self) -> f64 {
        self.cpu / other.cpu
    }
}

/// Returns the CPU time of all children that have ended, with theirs, in milliseconds. Linux only.
fn children_cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // `pid (name) state …`: cutime and cstime are the 16th and 17th field, in hundredths of a second.
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().skip(13).take(2);
    fields.filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() * 10.0
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
