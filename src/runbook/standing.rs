//! What holds before anything happens: objectives, people, what has to be in place, what is protected.

use super::markdown::table;
use super::page::Ground;
use crate::manifest::{Deny, Manifest};
use crate::model::count;

pub(super) fn objectives(ground: &Ground<'_>) -> String {
    let runbook = &ground.manifest.runbook;
    let said = |seconds: Option<u64>| seconds.map_or_else(|| "not set in `[runbook]`".to_owned(), duration);
    let mut text = "## Objectives\n\n".to_owned();
    text.push_str(&table(
        ["objective", "value", "what it means"],
        [
            ["RTO".to_owned(), said(runbook.rto), "how soon after an incident work must go on".to_owned()],
            ["RPO".to_owned(), said(runbook.rpo), "how old the newest good copy of the data may be".to_owned()],
            ["drills".to_owned(), said(runbook.drill_every), "how often the incidents are rehearsed".to_owned()],
        ],
    ));
    text.push_str("`guard doctor` fails when backups are older than the RPO, or drills than their interval.\n\n");
    text
}

pub(super) fn contacts(ground: &Ground<'_>) -> String {
    let mut text = "## Roles and contacts\n\n".to_owned();
    let contacts = &ground.manifest.runbook.contacts;
    if contacts.is_empty() {
        text.push_str("**Nobody is named**: add `[[runbook.contact]]` to `.recoveryguard.toml`.\n\n");
    } else {
        text.push_str(&table(["who", "how"], contacts.iter().map(|one| [one.name.clone(), one.how.clone()])));
    }
    let owners = owners(ground.manifest);
    if !owners.is_empty() {
        text.push_str(&format!(
            "Owners of protected paths, to be asked before their files are changed: {}.\n\n",
            owners.join(", ")
        ));
    }
    text.push_str(&table(
        ["role", "does"],
        [
            [
                "incident lead",
                "decides; the only one who says 'go'; tells everybody to stop pushing, and when to go on",
            ],
            ["operator", "types the commands of this page, reads each output aloud before the next one"],
            ["scribe", "notes time, command and outcome of each step; fills in the post-mortem"],
        ]
        .map(|row| row.map(str::to_owned)),
    ));
    text.push_str("One person can be all three; then the notes come first.\n\n");
    text
}

fn owners(manifest: &Manifest) -> Vec<String> {
    let mut owners: Vec<String> = manifest.protect.iter().flat_map(|entry| entry.owners.iter().cloned()).collect();
    owners.sort();
    owners.dedup();
    owners
}

pub(super) fn prerequisites() -> String {
    "## Prerequisites\n\nCheck these on a quiet day. `guard doctor` looks at all of it at once.\n\n\
     ```console\n$ guard --version\nguard [..] (RecoveryGuard)\n\n$ guard drill --list\nmerge-deletes\n...\n```\n\n\
     - `guard doctor` ends with 0: the hooks fire, journal and store are whole, backups and drills are fresh.\n\
     - `guard backup list` shows a good backup that is younger than the RPO.\n\
     - `guard backup push <remote>` has put it where this machine's disk can't take it along.\n\
     - You may push to the shared branches, or know who may.\n\
     - git is 2.29 or later (`git --version`); with an older one fast-forwards are noticed only when they have happened.\n\n"
        .to_owned()
}

pub(super) fn protected(ground: &Ground<'_>) -> String {
    let manifest = ground.manifest;
    let mut text = "## What is protected\n\n".to_owned();
    if manifest.protect.is_empty() && manifest.data.is_empty() {
        text.push_str("Nothing yet: `guard init` writes a manifest to begin with.\n\n");
        return text;
    }
    let code = |lines: &[String]| lines.iter().map(|line| format!("`{line}`")).collect::<Vec<_>>().join(", ");
    if !manifest.protect.is_empty() {
        let rows = manifest.protect.iter().map(|entry| {
            let deny: Vec<&str> = entry.deny.iter().map(|deny| word(*deny)).collect();
            [entry.name.clone(), code(entry.paths.lines()), deny.join(", "), entry.reason.clone().unwrap_or_default()]
        });
        text.push_str(&table(["name", "paths", "merges must not", "why"], rows));
    }
    if !manifest.data.is_empty() {
        let rows = manifest.data.iter().map(|rule| {
            let format = rule.format.map_or("by its name", crate::manifest::Format::word);
            let loss = rule.max_loss.map_or_else(|| "any loss is told".to_owned(), |most| most.to_string());
            let saved = if rule.backup { "yes" } else { "no" };
            [code(rule.paths.lines()), format.to_owned(), loss, saved.to_owned()]
        });
        text.push_str(&table(["data", "format", "records that may go", "backed up"], rows));
    }
    text
}

const fn word(deny: Deny) -> &'static str {
    match deny {
        Deny::Delete => "delete",
        Deny::Modify => "modify",
        Deny::Mode => "change the mode",
        Deny::Type => "change the type",
        Deny::Add => "add",
    }
}

/// Says seconds in the largest unit that leaves nothing over.
fn duration(seconds: u64) -> String {
    let units = [(604_800, "week"), (86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second")];
    let (size, unit) = units.into_iter().find(|(size, _)| seconds.is_multiple_of(*size)).unwrap_or((1, "second"));
    count(seconds / size, unit)
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_are_said_in_their_largest_unit() {
        let said = [1, 90, 1800, 86_400, 172_800, 604_800].map(duration);
        assert_eq!(said, ["1 second", "90 seconds", "30 minutes", "1 day", "2 days", "1 week"]);
    }
}
