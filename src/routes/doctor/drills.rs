//! Whether incidents are rehearsed as often as the manifest wants it: the absence of a fresh receipt is the alarm.

use super::super::Session;
use super::super::data_here::here;
use super::super::runbook::practice;
use super::{Check, Health};
use crate::model::count;

/// Looks at the receipts; nothing is said where the manifest asks for no drills and there were none.
pub(super) fn check(session: &Session<'_>) -> Option<Check> {
    // A manifest that can't be read is said by another check.
    let every = here(session.repo).ok().and_then(|here| here.manifest.runbook.drill_every);
    let practice = practice(session.repo);
    let all = practice.len();
    let drilled: Vec<_> =
        practice.iter().filter_map(|one| one.newest.as_ref().map(|(at, drill)| (*at, one, drill))).collect();
    if every.is_none() && drilled.is_empty() {
        return None;
    }
    let bad = |text: String| Some(Check::new("drills", Health::Bad, text).remedy("guard drill"));
    if let Some((_, failed, drill)) = drilled.iter().find(|(_, _, drill)| drill.ended != "passed") {
        let why = drill.why.clone().unwrap_or_default();
        return bad(format!("the newest drill of '{}' {}: {why}", failed.scenario, words(&drill.ended)));
    }
    let Some(oldest) = drilled.iter().map(|(at, ..)| *at).min() else {
        return bad("no incident was rehearsed here yet".to_owned());
    };
    let age = session.now.0.saturating_sub(oldest.0) / 1000;
    let days = count(age / 86_400, "day");
    match every {
        Some(_) if drilled.len() < all => {
            let never = all - drilled.len();
            let were = if never == 1 { "was" } else { "were" };
            bad(format!("{never} of {all} incidents {were} never rehearsed here"))
        }
        Some(every) if age > every => {
            bad(format!("the oldest of the newest drills is {days} old, more than {}", count(every / 86_400, "day")))
        }
        _ => Some(Check::new(
            "drills",
            Health::Good,
            format!("{} of {all} incidents rehearsed, all passed; the oldest {days} ago", drilled.len()),
        )),
    }
}

fn words(ended: &str) -> &str {
    match ended {
        "not-ready" => "could not begin",
        other => other,
    }
}
