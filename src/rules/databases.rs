//! What the rules about data say of SQLite databases: their versions are compared table by table, by what was counted.
//!
//! Two views of one merge, for git can't merge a database, and takes one side's file whole:
//!
//! - the merge: what a side brought, or nobody took away, and the result has not;
//! - the step: what the branch merged into had and has no longer, whoever took it away (a fast-forward has only this).
//!
//! | loss | rule |
//! |---|---|
//! | rows, a table that one side brought, numbers that go back | `lost-records` |
//! | a table emptied or gone, a column set to one value | `data-shrunk` |
//! | a column, or anything else of the schema | `data-schema` |
//! | damage, references that lead nowhere | `invalid-data` |

use std::sync::LazyLock;

use crate::manifest::{DataRule, Format};
use crate::model::{Contents, Entry, Level, PathFacts, ResultKind};
use crate::validate::sqlite::{DatabaseLoss, LossKind, compare_databases};

use super::data::held;
use super::lost_change::side_name;
use super::{Case, Draft, Weight, shell_quote};

/// Which rule a loss belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    /// `lost-records`.
    Records,
    /// `data-shrunk`.
    Shrunk,
    /// `data-schema`.
    Schema,
}

/// A loss, seen in one of the two views.
struct Seen {
    loss: DatabaseLoss,
    is_step: bool,
}

/// So many losses are shown.
const SHOWN: usize = 3;

/// Returns what a rule says of a database; `None` for other files, too.
pub(super) fn draft(case: &Case<'_>, facts: &PathFacts, rule: &DataRule, about: About) -> Option<Draft> {
    let losses = match facts.result {
        // What moved is looked at where it stands now.
        None if facts.moved.is_some() || rule.max_loss.is_none() => Vec::new(),
        None => all_gone(case, facts),
        Some(_) => losses(case, facts),
    };
    let here: Vec<&Seen> = losses.iter().filter(|seen| seen.about() == about && seen.counts(rule)).collect();
    let weight = here.iter().map(|seen| seen.weight(rule)).max_by_key(|weight| strength(*weight))?;
    let said: Vec<&Seen> = here
        .iter()
        .filter(|seen| !seen.is_step || !losses.iter().any(|other| !other.is_step && seen.repeats(other)))
        .copied()
        .collect();
    let Seen { loss: first, is_step } = said.first()?;
    let (path, count) = (&facts.path, said.len());
    let more = if count > 1 { format!(", and {} more", count - 1) } else { String::new() };
    let mut draft = Draft::at(path, format!("'{path}': {}{more}", first.what)).weighing(weight);
    for (number, seen) in said.iter().take(SHOWN).enumerate() {
        draft = draft.evidence(&format!("loss_{}", number + 1), &seen.loss.what);
    }
    draft = draft.evidence("count", count.to_string());
    if let Some(table) = &first.table {
        draft = draft.evidence("table", table);
    }
    if first.of > 0 {
        draft = draft.evidence("rows", first.rows.to_string()).evidence("of", first.of.to_string());
    }
    if let Some(max) = rule.max_loss.filter(|_| about != About::Schema) {
        draft = draft.evidence("max_loss", max.to_string());
    }
    let (side, owner) = match first.kind {
        LossKind::Side { parent } => (parent, Some(side_name(case, parent))),
        // No side did it: the merge itself.
        LossKind::Dropped | LossKind::Gone | LossKind::Emptied if !is_step => (0, Some("all sides".to_owned())),
        _ => (0, None),
    };
    if let Some(owner) = owner {
        draft = draft.evidence("side", owner);
    }
    // Before it is made nobody has to bring anything back.
    let is_refused = weight == Weight::Own(Level::Block) && case.facts.result != ResultKind::Actual;
    match restore(case, facts, side).filter(|_| !is_refused) {
        Some(command) => Some(draft.remedy(command)),
        None => Some(draft),
    }
}

/// Says that a database is damaged that was not before: against the first parent, and where nobody has the content against
/// every parent.
pub(super) fn damaged(case: &Case<'_>, facts: &PathFacts) -> Option<Draft> {
    let is_file = |entry: &Entry| entry.mode.is_regular();
    let result = facts.result.filter(is_file);
    let fault = held(case, facts, result).filter(|_| is_database(case, facts))?.fault.as_ref()?;
    let is_good = |entry: Entry| {
        held(case, facts, Some(entry)).is_some_and(|held| held.fault.is_none() && held.unknown.is_none())
    };
    let mut parents = std::iter::once(facts.first).chain(facts.others.iter().copied()).flatten().filter(is_file);
    let is_new = facts.first.filter(is_file).is_none_or(is_good) || (facts.is_merged_content() && parents.all(is_good));
    let path = &facts.path;
    let draft = Draft::at(path, format!("'{path}' is no sound database: {fault}")).evidence("format", "sqlite");
    let command = restore(case, facts, 0).filter(|_| case.facts.result == ResultKind::Actual);
    is_new.then(|| command.map_or(draft.clone(), |command| draft.remedy(command)))
}

fn is_database(case: &Case<'_>, facts: &PathFacts) -> bool {
    case.manifest.data_rule(facts.path.as_bstr()).is_some_and(|(_, format)| format == Format::Sqlite)
}

/// Compares the versions in both views; nothing where one of them is not known.
fn losses(case: &Case<'_>, facts: &PathFacts) -> Vec<Seen> {
    let all = |entries: &[Option<Entry>]| -> Option<Vec<&Contents>> {
        entries.iter().map(|entry| contents(case, facts, *entry)).collect()
    };
    let entries: Vec<Option<Entry>> = std::iter::once(facts.first).chain(facts.others.iter().copied()).collect();
    let (Some(parents), Some(result)) = (all(&entries), contents(case, facts, facts.result)) else { return Vec::new() };
    let names: Vec<String> = (0..parents.len()).map(|side| side_name(case, side)).collect();
    let parents: Vec<(&str, &Contents)> = names.iter().map(String::as_str).zip(parents).collect();
    let bases = all(&facts.bases).unwrap_or_default();
    let merge = compare_databases(&bases, &parents, result);
    let step = if facts.first.is_some() { compare_databases(&[], &parents[..1], result) } else { Vec::new() };
    let seen = |is_step| move |loss| Seen { loss, is_step };
    merge.into_iter().map(seen(false)).chain(step.into_iter().map(seen(true))).collect()
}

/// Returns what a version holds: nothing where the file is not there; `None` where that is not known.
fn contents<'a>(case: &Case<'a>, facts: &PathFacts, entry: Option<Entry>) -> Option<&'a Contents> {
    static NONE: LazyLock<Contents> = LazyLock::new(|| Contents { schema: Some(String::new()), ..Contents::default() });
    if entry.is_none() {
        Some(&NONE)
    } else {
        Some(&held(case, facts, entry)?.contents).filter(|held| held.schema.is_some())
    }
}

/// Says that a file goes with all its rows.
fn all_gone(case: &Case<'_>, facts: &PathFacts) -> Vec<Seen> {
    let rows: u64 =
        contents(case, facts, facts.first).map_or(0, |held| held.tables.values().map(|table| table.rows).sum());
    if rows == 0 || !is_database(case, facts) {
        return Vec::new();
    }
    let what = format!("it is gone, with {}", crate::model::count(rows, "row"));
    let loss = DatabaseLoss { kind: LossKind::Dropped, table: None, column: None, what, rows, of: rows };
    vec![Seen { loss, is_step: true }]
}

/// Returns the command that brings back a side's file. It takes the file whole: what the other side has can't be put into it.
fn restore(case: &Case<'_>, facts: &PathFacts, side: usize) -> Option<String> {
    let (commit, there) = match side {
        0 => (case.facts.into.tip?, facts.first),
        _ => (case.facts.incoming.get(side - 1)?.oid, facts.others.get(side - 1).copied().flatten()),
    };
    there.map(|_| format!("guard restore --from {} -- {}", commit.short(), shell_quote(&facts.path)))
}

impl Seen {
    fn about(&self) -> About {
        match self.loss.kind {
            LossKind::Schema { .. } => About::Schema,
            LossKind::Gone | LossKind::Side { .. } if self.loss.column.is_some() => About::Schema,
            // A table without rows.
            LossKind::Gone | LossKind::Side { .. } if self.loss.of == 0 => About::Schema,
            LossKind::Dropped | LossKind::Side { .. } | LossKind::WentBack => About::Records,
            LossKind::Gone | LossKind::Emptied | LossKind::Uniform => About::Shrunk,
        }
    }

    /// Returns whether it is worth a word: that a branch deletes rows is what databases are for, as long as `max_loss` allows it.
    fn counts(&self, rule: &DataRule) -> bool {
        !self.is_step || self.loss.kind != LossKind::Dropped || self.is_over(rule)
    }

    fn is_over(&self, rule: &DataRule) -> bool {
        self.loss.of > 0 && rule.max_loss.is_some_and(|max| !max.allows(self.loss.rows, self.loss.of))
    }

    fn weight(&self, rule: &DataRule) -> Weight {
        match (self.about(), self.loss.kind) {
            // A schema grows all the time.
            (About::Schema, LossKind::Schema { grew: true }) => Weight::AtMost(Level::Info),
            (About::Schema, LossKind::Schema { grew: false }) => Weight::AtMost(Level::Warn),
            // A branch may drop what it no longer needs; a merge may not.
            (About::Schema, _) if self.is_step => Weight::AtMost(Level::Warn),
            (About::Schema, _) => Weight::Rule,
            _ if self.is_over(rule) => Weight::Own(Level::Block),
            _ => Weight::Rule,
        }
    }

    /// Returns whether the other view has said it.
    fn repeats(&self, other: &Self) -> bool {
        let is_missing = |kind: LossKind| matches!(kind, LossKind::Gone | LossKind::Dropped | LossKind::Side { .. });
        let (one, other) = (&self.loss, &other.loss);
        let is_alike = one.kind == other.kind || (is_missing(one.kind) && is_missing(other.kind));
        is_alike && (&one.table, &one.column) == (&other.table, &other.column)
    }
}

/// Weights of one rule, the stronger the higher.
const fn strength(weight: Weight) -> u8 {
    match weight {
        Weight::AtMost(Level::Warn) => 1,
        Weight::AtMost(_) => 0,
        Weight::Rule => 2,
        Weight::Own(_) => 3,
    }
}

#[cfg(test)]
mod tests;
