//! What is kept, how much room it takes, and what bounds it.

use std::os::unix::fs::PermissionsExt;

use super::hooks::quoted;
use super::{Check, Health};
use crate::journal::{Damage, Damaged};
use crate::model::{count, escape, size};
use crate::routes::Session;
use crate::routes::retention::{self, Pruning, Sizes, Stock};
use crate::store::Problem;

/// So many operations beyond the newest may wait for a hook to prune them.
const WAITING: usize = 50;

/// The command that gives room back.
const REMEDY: &str = "guard log --prune";

/// Looks at journal, store and everything that is kept beside them.
pub(super) fn check(session: &Session<'_>) -> Vec<Check> {
    let stock = match Stock::take(session, None) {
        Ok(stock) => stock,
        Err(error) => return vec![Check::new("journal", Health::Bad, error.to_string())],
    };
    let sizes = stock.sizes(session);
    let mut checks = journal(session, &stock, &sizes);
    checks.extend(open_to_others(session));
    checks.extend(store(&stock, &sizes));
    checks.extend(kept(session, &stock, &sizes));
    checks
}

fn journal(session: &Session<'_>, stock: &Stock, sizes: &Sizes) -> Vec<Check> {
    let mut checks: Vec<Check> = stock.history.damaged.iter().map(|one| damaged(session, one)).collect();
    if checks.is_empty() {
        let (operations, records) = (count(stock.history.operations.len(), "operation"), stock.records.len());
        let text = format!("{operations}, every record whole ({records}, {})", size(sizes.records));
        checks.push(Check::new("journal", Health::Good, text));
    }
    checks
}

/// A record that says nothing any more, as after a power failure, may go: pruning would take it some day.
fn damaged(session: &Session<'_>, one: &Damaged) -> Check {
    let check = Check::new("journal", Health::Bad, format!("'{}': {}", one.name, one.why));
    match one.why {
        Damage::Truncated | Damage::Checksum | Damage::Malformed(_) => {
            let file = session.journal.folder().join(one.name.to_string());
            check.remedy(format!("rm {}", quoted(&file)))
        }
        // Those say something to somebody: a newer guard, whoever put a file there, whoever may read it.
        Damage::Foreign | Damage::NotAFile | Damage::Newer(_) | Damage::Unreadable(_) => check,
    }
}

/// Our folder is its owner's alone, whatever lies in it: else others read what was saved, or put records there.
fn open_to_others(session: &Session<'_>) -> Option<Check> {
    let folder = session.repo.guard_dir();
    let mode = folder.metadata().ok()?.permissions().mode() & 0o777;
    let text = format!("other users can get at what is kept in '{}'", escape(folder.as_os_str().as_encoded_bytes()));
    (mode & 0o077 != 0).then(|| Check::new("kept", Health::Bad, text).remedy(format!("chmod go= {}", quoted(&folder))))
}

fn store(stock: &Stock, sizes: &Sizes) -> Vec<Check> {
    let bad = |text: String| Check::new("store", Health::Bad, text);
    if let Some(why) = &stock.store_problem {
        return vec![bad(why.clone())];
    }
    let Some(store) = &stock.store else {
        return vec![Check::new("store", Health::Good, "nothing had to be saved yet")];
    };
    let said = |problem: &Problem| {
        let path = problem.path.as_ref().map_or(String::new(), |path| format!(" '{path}'"));
        bad(format!("{}{path}: {}", problem.snapshot, problem.why))
    };
    match store.verify() {
        Err(error) => vec![bad(error.to_string())],
        Ok(problems) if !problems.is_empty() => problems.iter().map(said).collect(),
        Ok(_) => {
            let snapshots = count(store.snapshots().map_or(0, |found| found.len()), "snapshot");
            let text = format!("every saved byte is there ({snapshots}, {})", size(sizes.store));
            vec![Check::new("store", Health::Good, text)]
        }
    }
}

/// What belongs to operations, and what bounds all of it.
fn kept(session: &Session<'_>, stock: &Stock, sizes: &Sizes) -> Vec<Check> {
    let text = format!(
        "{} ({}), {} of undo ({}), {}",
        count(stock.indexes.len(), "index"),
        size(sizes.indexes),
        count(stock.plans.len(), "record"),
        size(sizes.plans),
        count(stock.refs.len(), "pre-merge ref")
    );
    let mut checks = vec![Check::new("kept", Health::Good, text)];
    if let Ok(pruning) = retention::plan_of(session, stock) {
        checks.push(bound(stock, &pruning));
    }
    if !stock.leftovers.is_empty() {
        let (number, room) = (count(stock.leftovers.len(), "leftover"), size(sizes.leftovers));
        let text = format!("{number} of processes and worktrees that are gone ({room})");
        checks.push(Check::new("traces", Health::Note, text).remedy(REMEDY));
    }
    checks
}

fn bound(stock: &Stock, pruning: &Pruning) -> Check {
    let rule = format!("{}, and {} of saved bytes", retention::stays(stock.keep), size(stock.max_store));
    let (older, over) = (pruning.operations.len(), pruning.over.len());
    if older <= WAITING && over == 0 {
        return Check::new("retention", Health::Good, rule);
    }
    let are = if older == 1 { "is" } else { "are" };
    let (older, over) = (count(older, "operation"), count(over, "snapshot"));
    let text = format!("{rule}: {older} {are} beyond that, {over}");
    Check::new("retention", Health::Note, text).remedy(REMEDY)
}
