//! Databases, branch rules, rule levels, policy, snapshots and backups.

use std::cmp::Ordering;

use super::cover::{carries, new_exclusion, positive};
use super::data::more_loss;
use super::quoted;
use crate::manifest::words::{DEFAULT_NUMBERS, RULE_NAMES};
use crate::manifest::{Backup, BranchRule, DatabaseRule, Manifest, OnFailure, Policy, Snapshot};
use crate::model::Level;

pub(super) fn branches(before: &[BranchRule], after: &[BranchRule], found: &mut Vec<String>) {
    for rule in before {
        for into in positive(&rule.into) {
            for never in positive(&rule.never) {
                let still = after.iter().any(|known| {
                    let holds = |old, new, line| carries(new, line) && new_exclusion(old, new, line).is_none();
                    holds(&rule.into, &known.into, into) && holds(&rule.never, &known.never, never)
                });
                let sentence = format!("branch {} may be merged into {}", quoted(never), quoted(into));
                if !still && !found.contains(&sentence) {
                    found.push(sentence);
                }
            }
        }
    }
}

pub(super) fn rules(
    before: &Manifest,
    after: &Manifest,
    default_level: &dyn Fn(&str) -> Level,
    found: &mut Vec<String>,
) {
    let level = |manifest: &Manifest, rule: &str| {
        manifest.setting(rule).and_then(|setting| setting.level).unwrap_or_else(|| default_level(rule))
    };
    for rule in RULE_NAMES {
        let (old, new) = (level(before, rule), level(after, rule));
        if new < old {
            found.push(format!("rule {} is lowered from {} to {}", quoted(rule), old.word(), new.word()));
        }
    }
    for (rule, key, _) in DEFAULT_NUMBERS {
        let (old, new) = (before.number(rule, key), after.number(rule, key));
        // A rule that is off is off at any number; that it was turned off is said above.
        if new > old && level(after, rule) != Level::Off {
            let number = |value: Option<u64>| value.map_or_else(String::new, |value| value.to_string());
            found.push(format!("rule {} has {key} = {} instead of {}", quoted(rule), number(new), number(old)));
        }
    }
}

pub(super) fn databases(before: &[DatabaseRule], after: &[DatabaseRule], found: &mut Vec<String>) {
    for old in before {
        let subject = format!("database {}", quoted(&old.name));
        let Some(new) = after.iter().find(|new| new.name == old.name) else {
            found.push(format!("{subject} is gone"));
            continue;
        };
        if old.backup && !new.backup {
            found.push(format!("{subject} is no longer backed up"));
        }
        found.extend(more_loss(old.max_loss, new.max_loss).map(|more| format!("{subject} {more}")));
        if old.secret && !new.secret {
            found.push(format!("{subject} is no longer secret"));
        }
        if old.service != new.service {
            let named = |service: &Option<String>| service.as_deref().map_or("none".to_owned(), quoted);
            found.push(format!("{subject} is reached by service {}, not {}", named(&new.service), named(&old.service)));
        }
    }
}

pub(super) fn policy(before: &Policy, after: &Policy, found: &mut Vec<String>) {
    if before.on_failure == OnFailure::Block && after.on_failure == OnFailure::Warn {
        found.push("what the guard can't judge is no longer refused".into());
    }
    let new = |old: &[String], new: &[String]| -> Vec<String> {
        new.iter().filter(|name| !old.contains(name)).map(|name| quoted(name)).collect()
    };
    for line in new(&before.accepted, &after.accepted) {
        found.push(format!("what {line} contains is flagged instead of blocked"));
    }
    for rule in new(&before.allow, &after.allow) {
        found.push(format!("servers and CI honour trailers that allow {rule}"));
    }
}

pub(super) fn snapshot(before: &Snapshot, after: &Snapshot, found: &mut Vec<String>) {
    if before.all && !after.all {
        found.push("snapshots hold only touched files".into());
    }
    let numbers = [
        ("keep", before.keep.cmp(&after.keep), before.keep as u64, after.keep as u64),
        ("max_file", before.max_file.cmp(&after.max_file), before.max_file, after.max_file),
        ("max_total", before.max_total.cmp(&after.max_total), before.max_total, after.max_total),
        ("max_store", before.max_store.cmp(&after.max_store), before.max_store, after.max_store),
    ];
    for (key, order, old, new) in numbers {
        if order == Ordering::Greater {
            found.push(format!("snapshots have {key} = {new} instead of {old}"));
        }
    }
}

pub(super) fn backup(before: &Backup, after: &Backup, found: &mut Vec<String>) {
    for (name, old) in &before.keep {
        match after.keep.iter().find(|(known, _)| known == name) {
            Some((_, new)) if new >= old => {}
            Some((_, new)) => found.push(format!("backups are kept by {name} = {new} instead of {old}")),
            None => found.push(format!("backups are no longer kept by {}", quoted(name))),
        }
    }
    if before.before_merge && !after.before_merge {
        found.push("backups are no longer made before merges".into());
    }
    let Some(old) = &before.remote else { return };
    match &after.remote {
        None => found.push(format!("backups no longer go to {}", quoted(&old.url))),
        Some(new) if new.url != old.url => {
            found.push(format!("backups go to {} instead of {}", quoted(&new.url), quoted(&old.url)));
        }
        Some(new) if new.private && !old.private => found.push("the remote of backups counts as private".into()),
        Some(_) => {}
    }
}
