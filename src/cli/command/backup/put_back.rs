//! `guard restore --database`.

use super::failure;
use crate::cli::Context;
use crate::report::{self, Exit};
use crate::routes::backup::{self, Before};

/// Brings a database back, or takes that back.
pub fn put_back(context: &Context, name: &str, from: Option<&str>, (undo, dry): (bool, bool)) -> anyhow::Result<Exit> {
    let (repo, now) = (context.repo()?, context.now());
    if undo {
        let done = if dry { backup::would_swap_back(&repo, name) } else { backup::swap_back(&repo, now, name) };
        let done = done.map_err(failure)?;
        context.terminal.answer(|| {
            if context.json { report::swapped_back_json(&done, dry) } else { report::swapped_back_text(&done, dry) }
        });
        return Ok(Exit::Fine);
    }
    let done = if dry { backup::would_put_back(&repo, name, from) } else { backup::put_back(&repo, now, name, from) };
    let done = done.map_err(failure)?;
    context
        .terminal
        .answer(|| if context.json { report::put_back_json(&done, dry) } else { report::put_back_text(&done, dry) });
    // It came back, and what stood there is in one place only.
    Ok(if matches!(done.before, Before::Unreadable(_)) { Exit::CouldNotJudge } else { Exit::Fine })
}
