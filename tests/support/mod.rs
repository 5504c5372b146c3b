//! A repository of its own for every test: real git, nothing of the machine's or the user's configuration, dates and the
//! program's clock from one counter, so that object names are the same in every run.
//!
//! `GUARD_TEST_GIT=/path/to/git` chooses the git under test; otherwise it is the one on `PATH`.
#![allow(dead_code, unused_imports, reason = "a helper for all tests, not all of which are written yet")]

mod behaviours;
mod diverged;
mod moments;
mod needs;
mod postgres;
mod program;
mod ran;
mod random;
mod sandbox;
mod served;
mod state;

pub use behaviours::*;
pub use diverged::{OF_FEAT, OF_MAIN, WORK, lines};
pub use moments::Moments;
pub use needs::{not_run, other_user, run_mounting, with_tool};
pub use postgres::Postgres;
pub use program::{copy_program, write_program};
pub use ran::Ran;
pub use random::Random;
pub use sandbox::{Options, Sandbox};
pub use served::{Daemon, Http, speaks_http};
pub use state::{State, Tree};
