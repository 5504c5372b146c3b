//! What the gate, undo, snapshots, the walk to a good version and backups cost, as paired ratios in one run:
//! `cargo bench --bench undo [-- gate|undo|large|full|walk|backup] [<runs>]`.
//!
//! The ways take turns, so that a drifting machine hits all alike. Wall time: the median, and the median of the pairwise
//! ratios. CPU time (git, guard and all their children): what all runs together took, divided, because the system counts it
//! in steps of 10 ms. Nothing is asserted.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
#![expect(clippy::disallowed_methods, reason = "a benchmark runs git and writes its scratch repository")]

mod backup;
mod cost;
mod full;
mod gate;
mod large;
mod undo;
mod walk;
mod world;

use std::path::Path;

type Part = (&'static str, fn(&Path, usize));

/// The parts, in the order in which they run.
const PARTS: [Part; 6] = [
    ("gate", gate::run),
    ("undo", undo::run),
    ("large", large::run),
    ("full", full::run),
    ("walk", walk::run),
    ("backup", backup::run),
];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let runs = words.iter().find_map(|word| word.parse().ok()).unwrap_or(15);
    let named: Vec<_> = PARTS.into_iter().filter(|(name, _)| words.iter().any(|word| word == name)).collect();
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("load before: {}", load.split(' ').take(3).collect::<Vec<_>>().join(" "));
    for (_, run) in if named.is_empty() { PARTS.to_vec() } else { named } {
        let scratch = tempfile::tempdir().expect("a scratch folder");
        run(scratch.path(), runs);
    }
}
