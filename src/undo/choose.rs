//! Which way a merge is undone, and why: the gentlest that reaches the goal.
//!
//! ```text
//! published: others have it                 -> revert     a new commit takes the changes back
//! the last thing on the branch              -> move back  as if it had never been
//! commits on top, fit to be made again      -> replay     back, and these commits again on top
//! commits on top, not fit                   -> revert
//! ```
//!
//! A person may ask for another way; what would drop commits or leave the branch in two minds is refused with the reason.

use crate::model::{Oid, RefName, Way};

use super::find::Step;
use super::place::{Place, short};
use super::replay;
use super::revert;
use super::tip::Move;
use super::{Undo, UndoError};

/// Plans to take back the merge that `step` was.
pub(super) fn way(undo: &Undo<'_>, place: Place, step: Step, wish: Option<Way>) -> Result<Move, UndoError> {
    let published = published(undo, &place, &step)?;
    let last = step.new == place.tip;
    let by = published.by.clone();
    let mut plan = match (wish, by) {
        (Some(Way::Revert), _) => revert::of(undo, place, step, "a revert was asked for".into())?,
        (Some(Way::Replay), _) => match replay::of(undo, place, step)? {
            Ok(plan) => plan,
            Err(why) => return Err(UndoError::refused(why, Some("guard undo-merge --way revert".to_owned()))),
        },
        (Some(Way::MoveBack), _) if !last => {
            let why = format!("{}; they would be lost from the branch", on_top(undo, &place, &step)?);
            return Err(UndoError::refused(why, Some("guard undo-merge --way replay".to_owned())));
        }
        (Some(_), _) => Move::back(place, step, "going back was asked for".into()),
        (None, Some(remote)) => {
            let why = format!("it is published: '{}' contains it", short(&remote));
            revert::of(undo, place, step, why)?
        }
        (None, None) if last => Move::back(place, step, "it is the last thing on the branch".into()),
        (None, None) => {
            let top = on_top(undo, &place, &step)?;
            match replay::of(undo, place.clone(), step.clone())? {
                Ok(mut plan) => {
                    plan.why = format!("{top}, and can be made again without it");
                    plan
                }
                Err(why) => revert::of(undo, place, step, format!("{top}, and {why}"))?,
            }
        }
    };
    if let (Some(remote), true) = (&published.by, plan.way != Way::Revert) {
        plan.notes.push(format!("'{}' contains it: pushing this branch needs --force-with-lease", short(remote)));
    }
    plan.pushed = published.by.is_some();
    plan.notes.extend(published.note);
    Ok(plan)
}

/// Says how many commits were made since.
fn on_top(undo: &Undo<'_>, place: &Place, step: &Step) -> Result<String, UndoError> {
    Ok(match undo.repo.count_commits(&[place.tip], &[step.new])? {
        1 => "1 commit was made since".to_owned(),
        count => format!("{count} commits were made since"),
    })
}

/// Who has a merge besides us.
pub(super) struct Published {
    /// The remote-tracking branch that contains it.
    pub(super) by: Option<RefName>,
    /// What to know where it came from there.
    pub(super) note: Option<String>,
}

/// Finds out whether others have the merge: whether a remote-tracking branch contains its commit, or for a fast-forward,
/// which makes none, whether the branch's counterpart on a remote does. What came from there by pulling is not ours to
/// take back there, but can be moved back here.
pub(super) fn published(undo: &Undo<'_>, place: &Place, step: &Step) -> Result<Published, UndoError> {
    let remotes = undo.repo.containing(step.new, &["refs/remotes/"], 100)?;
    if !step.fast_forward {
        return Ok(Published { by: remotes.into_iter().next(), note: None });
    }
    let branch = place.branch.as_ref().and_then(|branch| branch.strip_prefix(b"refs/heads/"));
    let counterpart = |name: &&RefName| {
        let name = name.strip_prefix(b"refs/remotes/").unwrap_or(name);
        name.iter().position(|byte| *byte == b'/').is_some_and(|end| Some(&name[end + 1..]) == branch)
    };
    Ok(match remotes.iter().find(counterpart) {
        Some(remote) if step.from_remote => {
            let note = format!("'{}' still contains what goes: the next pull brings it again", short(remote));
            Published { by: None, note: Some(note) }
        }
        found => Published { by: found.cloned(), note: None },
    })
}

/// Returns the revision range, or commit, that a person would name.
pub(super) fn range(old: Option<Oid>, new: Oid) -> String {
    old.map_or_else(|| new.short(), |old| format!("{}..{}", old.short(), new.short()))
}
