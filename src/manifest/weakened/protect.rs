//! `[[protect]]`: is everything that was denied still denied, at the same level, on the same branches?
//!
//! The question is asked for each (pattern, deny word, branch) of an entry, and any entry of the later manifest may
//! answer it: splitting, joining and renaming entries weakens nothing.

use super::cover::{carries, new_exclusion, positive};
use super::{Complaints, quoted};
use crate::manifest::words::DENY;
use crate::manifest::{Deny, Protect};
use crate::model::Level;

pub(super) fn compare(before: &[Protect], after: &[Protect], found: &mut Vec<String>) {
    for entry in before.iter().filter(|entry| !after.contains(entry)) {
        compare_one(entry, after, found);
    }
}

fn compare_one(entry: &Protect, after: &[Protect], found: &mut Vec<String>) {
    let subject = format!("protect entry {}", quoted(&entry.name));
    let lines: Vec<(&str, Vec<Carrier<'_>>)> =
        positive(&entry.paths).map(|line| (line, Carrier::all(entry, line, after))).collect();
    if lines.iter().all(|(_, carriers)| carriers.is_empty()) && !after.iter().any(|known| known.name == entry.name) {
        found.push(format!("{subject} is gone"));
        return;
    }
    let mut complaints = Complaints::default();
    for (line, carriers) in &lines {
        if carriers.is_empty() {
            found.push(format!("{subject} no longer names {}", quoted(line)));
        }
        for (deny, branch) in demands(entry) {
            let demand = Demand { entry, deny, branch };
            if carriers.iter().all(|carrier| demand.failure(carrier).is_some()) {
                // The entry of the same name tells best what happened, then one that denies the same.
                let distance = |known: &&Carrier<'_>| (known.by.name != entry.name, !known.by.deny.contains(&deny));
                let closest = carriers.iter().min_by_key(distance);
                if let Some(failure) = closest.and_then(|carrier| demand.failure(carrier)) {
                    complaints.add(line, failure);
                }
            }
        }
    }
    complaints.tell(&subject, lines.len(), found);
}

/// A later entry that names what a line names, apart from what it newly leaves out.
struct Carrier<'a> {
    by: &'a Protect,
    leaves_out: Option<&'a str>,
}

impl<'a> Carrier<'a> {
    fn all(entry: &Protect, line: &str, after: &'a [Protect]) -> Vec<Self> {
        let carriers = after.iter().filter(|known| carries(&known.paths, line));
        carriers.map(|by| Self { by, leaves_out: new_exclusion(&entry.paths, &by.paths, line) }).collect()
    }
}

/// Returns each deny word with each branch line on which it blocks; `None` stands for everywhere.
fn demands(entry: &Protect) -> impl Iterator<Item = (Deny, Option<&str>)> {
    // `on` lowers only what would block: at other levels an entry means the same everywhere.
    let everywhere = entry.on.is_empty() || entry.level < Level::Block;
    let branches: Vec<Option<&str>> = if everywhere { vec![None] } else { positive(&entry.on).map(Some).collect() };
    entry.deny.iter().flat_map(move |deny| branches.clone().into_iter().map(|branch| (*deny, branch)))
}

struct Demand<'a> {
    entry: &'a Protect,
    deny: Deny,
    branch: Option<&'a str>,
}

impl Demand<'_> {
    /// Returns why a later entry does not meet the demand, as the rest of a sentence.
    fn failure(&self, carrier: &Carrier<'_>) -> Option<String> {
        let later = carrier.by;
        if !later.deny.contains(&self.deny) {
            let word = DENY.iter().find(|(_, deny)| *deny == self.deny).map_or("", |(word, _)| *word);
            return Some(format!("no longer denies {}", quoted(word)));
        }
        if later.level < self.entry.level {
            return Some(format!("is lowered from {} to {}", self.entry.level.word(), later.level.word()));
        }
        if self.entry.level == Level::Block
            && let Some(failure) = self.branch_failure(later)
        {
            return Some(failure);
        }
        carrier.leaves_out.map(|line| format!("now leaves out {}", quoted(line)))
    }

    fn branch_failure(&self, later: &Protect) -> Option<String> {
        if later.on.is_empty() {
            return None;
        }
        let Some(branch) = self.branch else {
            return Some("no longer blocks on every branch".into());
        };
        if !carries(&later.on, branch) {
            return Some(format!("no longer blocks on branch {}", quoted(branch)));
        }
        new_exclusion(&self.entry.on, &later.on, branch)
            .map(|line| format!("no longer blocks on branch {}", quoted(line)))
    }
}
