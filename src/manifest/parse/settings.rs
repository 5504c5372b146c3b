//! `[rules]`, `[policy]`, `[snapshot]`, `[backup]` and `[runbook]`.

use std::collections::BTreeMap;

use super::node::{Fields, Node};
use super::problem::{Problem, Problems, shown};
use super::units;
use crate::manifest::words::{DEFAULT_NUMBERS, RULE_LEVELS, RULE_NAMES, nearest};
use crate::manifest::{Backup, BackupRemote, Contact, OnFailure, Policy, RuleSetting, Runbook, Snapshot};

pub(super) fn rules(top: Fields<'_>, problems: &mut Problems) -> BTreeMap<String, RuleSetting> {
    let settings = top.get("rules").and_then(|node| node.fields("[rules]", RULE_NAMES, problems));
    let entries = settings.map(Fields::entries).unwrap_or_default();
    let known = entries.into_iter().filter(|(name, ..)| RULE_NAMES.contains(name));
    known.map(|(name, _, node)| (name.to_owned(), rule(name, node, problems))).collect()
}

fn rule(name: &str, node: Node<'_>, problems: &mut Problems) -> RuleSetting {
    let mut setting = RuleSetting::default();
    if !node.is_table() {
        let word =
            if node.is_string() { node.word("level", RULE_LEVELS) } else { Err(node.expected("a level or a table")) };
        setting.level = problems.take(word);
        return setting;
    }
    let known: Vec<&str> = ["level"].into_iter().chain(numbers_of(name)).collect();
    let Some(fields) = node.fields("a rule", &known, problems) else { return setting };
    setting.level = fields.read("level", problems, |node| node.word("level", RULE_LEVELS));
    for key in numbers_of(name) {
        let number = fields.read(key, problems, |node| match node.number()? {
            over if key == "percent" && over > 100 => {
                Err(Problem::new(node.at, format!("{over} percent is more than 100")))
            }
            number => Ok(number),
        });
        setting.numbers.extend(number.map(|number| (key.to_owned(), number)));
    }
    setting
}

fn numbers_of(rule: &str) -> impl Iterator<Item = &'static str> {
    DEFAULT_NUMBERS.iter().filter(move |(name, ..)| *name == rule).map(|(_, key, _)| *key)
}

pub(super) fn policy(top: Fields<'_>, problems: &mut Problems) -> Policy {
    let mut policy = Policy::default();
    let fields =
        top.get("policy").and_then(|node| node.fields("[policy]", &["on_failure", "accepted", "allow"], problems));
    let Some(fields) = fields else { return policy };
    let words = [("warn", OnFailure::Warn), ("block", OnFailure::Block)];
    let on_failure = fields.read("on_failure", problems, |node| node.word("value", &words));
    policy.on_failure = on_failure.unwrap_or(policy.on_failure);
    let accepted = fields.read("accepted", problems, |node| {
        node.items("a list of revisions")?.into_iter().map(units::revision).collect()
    });
    policy.accepted = accepted.unwrap_or(policy.accepted);
    let allow =
        fields.read("allow", problems, |node| node.items("a list of rule names")?.into_iter().map(rule_name).collect());
    policy.allow = allow.unwrap_or(policy.allow);
    policy
}

fn rule_name(node: Node<'_>) -> Result<String, Problem> {
    let written = node.string()?;
    if RULE_NAMES.contains(&written) {
        return Ok(written.to_owned());
    }
    let problem = Problem::new(node.at, format!("unknown rule '{}'", shown(written)));
    Err(problem.did_you_mean(nearest(written, RULE_NAMES.iter().copied())))
}

pub(super) fn snapshot(top: Fields<'_>, problems: &mut Problems) -> Snapshot {
    let mut snapshot = Snapshot::default();
    let fields = top
        .get("snapshot")
        .and_then(|node| node.fields("[snapshot]", &["scope", "keep", "max_file", "max_total", "max_store"], problems));
    let Some(fields) = fields else { return snapshot };
    let scopes = [("touched", false), ("all", true)];
    let all = fields.read("scope", problems, |node| node.word("scope", &scopes));
    snapshot.all = all.unwrap_or(snapshot.all);
    let keep = fields.read("keep", problems, |node| match usize::try_from(node.number()?) {
        Ok(number @ 1..) => Ok(number),
        _ => Err(Problem::new(node.at, "'keep' must be at least 1: nothing could be undone")),
    });
    snapshot.keep = keep.unwrap_or(snapshot.keep);
    snapshot.max_file = fields.read("max_file", problems, units::size).unwrap_or(snapshot.max_file);
    snapshot.max_total = fields.read("max_total", problems, units::size).unwrap_or(snapshot.max_total);
    snapshot.max_store = fields.read("max_store", problems, units::size).unwrap_or(snapshot.max_store);
    snapshot
}

pub(super) fn backup(top: Fields<'_>, problems: &mut Problems) -> Backup {
    let fields =
        top.get("backup").and_then(|node| node.fields("[backup]", &["keep", "before_merge", "remote"], problems));
    let Some(fields) = fields else { return Backup::default() };
    let keep = fields.read("keep", problems, units::keep).unwrap_or_default();
    let before_merge = fields.read("before_merge", problems, Node::boolean).unwrap_or(false);
    let remote = fields.get("remote").and_then(|node| remote(node, problems));
    Backup { keep, before_merge, remote }
}

fn remote(node: Node<'_>, problems: &mut Problems) -> Option<BackupRemote> {
    let fields = node.fields("[backup.remote]", &["url", "visibility"], problems)?;
    let visibilities = [("private", true), ("public", false)];
    // What is not said to be private may be read by anybody.
    let private = fields.read("visibility", problems, |node| node.word("visibility", &visibilities)).unwrap_or(false);
    let url = fields.need("url", problems)?;
    let url = problems.take(units::remote_url(url))?;
    Some(BackupRemote { url, private })
}

pub(super) fn runbook(top: Fields<'_>, problems: &mut Problems) -> Runbook {
    let fields = top
        .get("runbook")
        .and_then(|node| node.fields("[runbook]", &["rto", "rpo", "drill_every", "contact"], problems));
    let Some(fields) = fields else { return Runbook::default() };
    let rto = fields.read("rto", problems, units::duration);
    let rpo = fields.read("rpo", problems, units::duration);
    let drill_every = fields.read("drill_every", problems, units::duration);
    let contacts = fields.get("contact").and_then(|node| {
        if node.is_table() {
            let problem = Problem::new(node.at, "'contact' is a list, found a single table");
            problems.add(problem.hint("write [[runbook.contact]]"));
            return None;
        }
        problems.take(node.items("a list of tables, [[runbook.contact]]"))
    });
    let contacts = contacts.unwrap_or_default().into_iter().filter_map(|node| contact(node, problems)).collect();
    Runbook { rto, rpo, drill_every, contacts }
}

fn contact(node: Node<'_>, problems: &mut Problems) -> Option<Contact> {
    let fields = node.fields("[[runbook.contact]]", &["name", "how"], problems)?;
    let name = fields.need("name", problems).and_then(|node| problems.take(node.text()));
    let how = fields.need("how", problems).and_then(|node| problems.take(node.text()));
    Some(Contact { name: name?, how: how? })
}
