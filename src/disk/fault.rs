//! Makes the n-th change of the file system fail, so that tests can look at the state that each failure leaves.
//!
//! Every primitive that changes something calls [`step`] just before it does. Drills rehearse a full disk and a crash with the
//! same means, so release builds have it too: [`Fault::planned`] reads what `RECOVERYGUARD_FAULT` says.
//! Unit tests share one process, so there the count belongs to the thread; elsewhere to the process.

use std::path::Path;

use super::DiskError;

/// How the chosen step fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// That step fails with `ENOSPC`; later ones succeed.
    Once,
    /// That step and all later ones fail with `ENOSPC`: the disk stays full.
    FromThenOn,
    /// The process dies there, as by SIGKILL: nothing is cleaned up.
    Die,
}

type Plan = Option<(u64, Fault)>;

impl Fault {
    /// Reads `<fault>:<steps>`: after so many changes of the file system the disk is full (`full`), one write fails (`once`),
    /// or the process dies (`die`).
    pub fn planned(text: &str) -> Option<(u64, Self)> {
        let (fault, steps) = text.split_once(':')?;
        let fault = match fault {
            "once" => Self::Once,
            "full" => Self::FromThenOn,
            "die" => Self::Die,
            _ => return None,
        };
        Some((steps.parse().ok()?, fault))
    }
}

#[cfg(test)]
thread_local! {
    static PLAN: std::cell::Cell<Plan> = const { std::cell::Cell::new(None) };
}

#[cfg(not(test))]
static PLAN: std::sync::Mutex<Plan> = std::sync::Mutex::new(None);

/// Lets `steps` more changes succeed and the next one fail; `None` takes the fault out.
pub fn fail_after(steps: Option<(u64, Fault)>) {
    change(|plan| *plan = steps);
}

#[cfg(test)]
fn change<T>(with: impl FnOnce(&mut Plan) -> T) -> T {
    PLAN.with(|cell| {
        let mut plan = cell.get();
        let result = with(&mut plan);
        cell.set(plan);
        result
    })
}

#[cfg(not(test))]
fn change<T>(with: impl FnOnce(&mut Plan) -> T) -> T {
    with(&mut PLAN.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
}

/// Counts a change of `path` that is about to happen; an error means that it must not.
pub(crate) fn step(path: &Path, action: &'static str) -> Result<(), DiskError> {
    let due = change(|plan| match plan {
        None => None,
        Some((0, fault)) => {
            let fault = *fault;
            if fault == Fault::Once {
                *plan = None;
            }
            Some(fault)
        }
        Some((left, _)) => {
            *left -= 1;
            None
        }
    });
    match due {
        None => Ok(()),
        Some(Fault::Die) => std::process::abort(),
        Some(_) => Err(DiskError::io(path, action, rustix::io::Errno::NOSPC)),
    }
}
