//! Rehearsing incidents: what goes wrong, how one gets out of it, and the proof that it works here.
//!
//! ```text
//! scenarios   the catalogue: one file an incident, one register  (also what the runbook and `guard explain incident` print)
//! place       this repository or the sample   -> Template        a scratch project, with hooks, store and data files
//! stage       Template                        -> Stage           a copy of it, for one drill
//! colleague   what colleagues do in it: edits, commits and merges without the guard's hooks
//! rehearse    Scenario + Stage                -> Rehearsed       detector quiet -> injection -> detector fires -> steps -> proof
//! receipt     Rehearsed                       -> a file that says when which drill passed
//! ```
//!
//! Everything is done as a person would do it: by the commands that are written in the catalogue, run by a shell in a scratch
//! folder with a home of its own. Nothing outside that folder is written, and no network is used.
//!
//! Words: a *scenario* is an incident of the catalogue; a *drill* is its rehearsal; *injection* is doing the damage; the
//! *detector* is the command that must be quiet before it and fire after it.

mod colleague;
mod kinds;
mod loss;
mod place;
mod proof;
mod receipt;
mod rehearse;
mod rows;
mod sample;
mod scenario;
mod scenarios;
mod stage;

pub use kinds::kinds_of;
pub use loss::Lost;
pub use place::{Place, Template};
pub use receipt::{Receipt, RehearsedThen, newest_receipts, write_receipt};
pub use rehearse::{Ended, Rehearsed, StepRun, rehearse};
pub use sample::sample_path;
pub use scenario::{Detector, Fallback, Kind, Prerequisite, Scenario, Severity, Step, meaning};
pub use scenarios::{REGISTER, at_random, scenario};
pub use stage::{Surroundings, fill, quote};
