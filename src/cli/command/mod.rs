//! The commands: one file each.

use super::Context;
use crate::report::Exit;

/// What can be asked of the guard.
#[derive(Debug, clap::Subcommand)]
pub enum Command {}

impl Command {
    /// Does what was asked.
    pub fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let _ = context;
        match self {}
    }
}
