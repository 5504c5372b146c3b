//! What going back to the newest good version does, or did: the walk, the choice, the loss.

use serde_json::{Value, json};

use super::undone::{recovered_json, recovered_text, short};
use crate::model::{Against, Conflict, Timestamp, count, escape};
use crate::recover::{Candidate, Loss, Origin, Step, Verdict, Walk};
use crate::routes::{LastGood, Recovery};
use crate::undo::Run;

/// So many versions that were passed over are listed.
const LISTED: usize = 10;

/// Returns the text.
pub fn last_good_text(found: &LastGood, run: Run, verbose: bool) -> String {
    let mut text: String = found.files.iter().map(|file| file_text(file, run, verbose)).collect();
    if found.files.is_empty() {
        text.push_str(
            "nothing is missing: each data file of the newest backup is there
",
        );
    }
    text.extend(found.recovered.iter().map(recovered_text));
    for note in found.report.iter().flat_map(|report| &report.plan.notes) {
        text.push_str(&format!("note: {note}\n"));
    }
    if found.report.as_ref().is_some_and(|report| report.operation.is_some()) {
        text.push_str("to take this back: guard restore --undo\n");
    }
    text
}

fn file_text(file: &Recovery, run: Run, verbose: bool) -> String {
    let path = &file.path;
    if file.is_good() {
        return format!("'{path}' is good as it stands: nothing to restore\n");
    }
    let mut text = walk_text(path, &file.walk, verbose);
    let Some(step) = file.back() else {
        let verb = if run == Run::Dry { "would be left alone" } else { "left alone" };
        text.push_str(&format!("  {verb}: {}\n", file.left.as_deref().unwrap_or_default()));
        return text;
    };
    let verb = if run == Run::Dry { "would come back" } else { "came back" };
    let good = file.walk.passed.len() + 1;
    text.push_str(&format!("  {verb}: {} (number {good} from the newest)\n", named(&step.candidate)));
    text.push_str(&loss_text(&file.walk));
    if let Some(newer) = &file.walk.newer_elsewhere {
        text.push_str(&format!("  a newer one is another branch's: {}\n", named(newer)));
    }
    if let Some(why) = &file.still {
        text.push_str(&format!("  but what stands there now is not good: {why}\n"));
    }
    text
}

/// Returns why nothing came back.
pub fn none_back_text(found: &LastGood, verbose: bool) -> String {
    let mut text: String = found.recovered.iter().map(recovered_text).collect();
    let hindered = hindered(found);
    let number = count(hindered.len(), "file");
    let nothing = if found.recovered.is_empty() { "nothing" } else { "nothing else" };
    text.push_str(&format!("guard: {number} can't be brought back; {nothing} was changed\n"));
    for Conflict { path, why, .. } in hindered {
        text.push_str(&match found.files.iter().find(|file| file.path == path) {
            Some(file) => file_text(file, Run::Dry, verbose),
            None => format!("'{path}'\n  would be left alone: {why}\n"),
        });
    }
    text
}

/// Returns what does not come back though it is not good, and why.
fn hindered(found: &LastGood) -> Vec<Conflict> {
    let plans = found.report.iter().map(|report| &report.plan);
    let mut all: Vec<Conflict> =
        plans.flat_map(|plan| plan.left_alone.iter().chain(&plan.conflicts)).cloned().collect();
    for file in &found.files {
        if let (Some(why), true) = (&file.left, all.iter().all(|known| known.path != file.path)) {
            all.push(Conflict { path: file.path.clone(), why: why.clone(), against: Against::Whole });
        }
    }
    all
}

/// Returns the way through versions that were passed over.
pub fn walk_text(path: &crate::model::TreePath, walk: &Walk, verbose: bool) -> String {
    let mut text = String::new();
    let mut passed = walk.passed.iter();
    if let Some(now) = walk.passed.first().filter(|step| step.candidate.origin == Origin::Now) {
        passed.next();
        text.push_str(&format!("'{path}' now: {}\n", said(now)));
    } else {
        text.push_str(&format!("'{path}'\n"));
    }
    let listed = if verbose { usize::MAX } else { LISTED };
    for step in passed.clone().take(listed) {
        text.push_str(&format!("  passed over: {}: {}\n", named(&step.candidate), said(step)));
    }
    let more = passed.len().saturating_sub(listed);
    if more > 0 {
        text.push_str(&format!("  and {more} more passed over (-v lists them)\n"));
    }
    text
}

/// Returns what going back loses.
fn loss_text(walk: &Walk) -> String {
    let Some(good) = &walk.good else { return String::new() };
    let contents = &good.examined.contents;
    let noun = if contents.tables.is_empty() { "record" } else { "row" };
    let total = contents.records.unwrap_or_else(|| contents.tables.values().map(|table| table.rows).sum());
    let has = format!("it has {}", count(usize::try_from(total).unwrap_or(usize::MAX), noun));
    match walk.loss() {
        _ if contents.records.is_none() && contents.tables.is_empty() => {
            "  what was changed in the file since then is lost by going back\n".to_owned()
        }
        None => format!("  {has}; how many came since then can't be told: no newer version can be counted\n"),
        Some((newer, Loss { gone: 0, .. })) => {
            format!("  {has}; none of those in {} are lost\n", named_short(&newer.candidate))
        }
        Some((newer, loss)) => {
            let tables: Vec<String> =
                loss.tables.iter().map(|(name, gone, _)| format!("{gone} in {}", escape(name.as_bytes()))).collect();
            let tables = if tables.is_empty() { String::new() } else { format!(" ({})", tables.join(", ")) };
            format!(
                "  {has}; {} of {} in {} are lost by going back{tables}\n",
                loss.gone,
                loss.of,
                named_short(&newer.candidate)
            )
        }
    }
}

fn said(step: &Step) -> String {
    match &step.verdict {
        Verdict::Good => "good".to_owned(),
        Verdict::Bad(what) => format!("bad: {what}"),
        Verdict::Unknown(why) => format!("unknown: {why}"),
        Verdict::Shrunk(loss) => format!("{} of {} that the next good version has are gone", loss.gone, loss.of),
        Verdict::Unreadable(why) => format!("can't be read: {why}"),
        Verdict::Removed => "it is not there".to_owned(),
        Verdict::Link => "a symbolic link stands there".to_owned(),
    }
}

fn named(candidate: &Candidate) -> String {
    let on = candidate.elsewhere.as_ref().map_or_else(String::new, |branch| format!(", saved on {}", short(branch)));
    let at = |at: Timestamp| at.iso().replace('T', " ").replace('Z', " UTC");
    match &candidate.origin {
        Origin::Now => "the file as it stands".to_owned(),
        Origin::Staged => "the staged version".to_owned(),
        Origin::Commit { oid, author, subject, .. } => {
            format!("{} {} ({author}: {subject})", oid.short(), at(candidate.at))
        }
        Origin::Operation(id) => format!("what was saved before operation {id}{on}"),
        Origin::Backup(id) => format!("backup {id}, {}{on}", at(candidate.at)),
    }
}

fn named_short(candidate: &Candidate) -> String {
    match &candidate.origin {
        Origin::Commit { oid, .. } => oid.short(),
        _ => named(candidate),
    }
}

/// Returns the JSON document.
pub fn last_good_json(found: &LastGood, run: Run) -> String {
    let step = |step: &Step| {
        let contents = &step.examined.contents;
        let mut value = json!({ "verdict": word(&step.verdict), "records": contents.records });
        let why = match &step.verdict {
            Verdict::Good | Verdict::Removed | Verdict::Link => None,
            _ => Some(said(step)),
        };
        value["why"] = json!(why);
        value["from"] = origin(&step.candidate);
        if !contents.tables.is_empty() {
            value["tables"] = contents.tables.iter().map(|(name, table)| (name.clone(), json!(table.rows))).collect();
        }
        value
    };
    let file = |file: &Recovery| {
        json!({
            "path": file.path,
            "good_as_it_stands": file.is_good(),
            "passed": file.walk.passed.iter().map(step).collect::<Vec<_>>(),
            "chosen": file.walk.good.as_ref().map(step),
            "lost": file.walk.loss().map(|(newer, loss)| json!({ "gone": loss.gone, "of": loss.of, "against": origin(&newer.candidate) })),
            "newer_elsewhere": file.walk.newer_elsewhere.as_ref().map(origin),
            "still": file.still,
        })
    };
    let report = found.report.as_ref();
    let hindered = hindered(found);
    let (conflicts, left_alone) = if found.is_refused() { (hindered, Vec::new()) } else { (Vec::new(), hindered) };
    let document = json!({
        "version": 1,
        "command": "restore",
        "dry_run": run == Run::Dry,
        "done": report.is_some_and(|report| report.operation.is_some()),
        "recorded_as": report.and_then(|report| report.operation.as_ref()),
        "files": found.files.iter().map(file).collect::<Vec<_>>(),
        "conflicts": conflicts,
        "left_alone": left_alone,
        "notes": report.map_or(&[][..], |report| &report.plan.notes),
        "recovered": found.recovered.iter().map(recovered_json).collect::<Vec<_>>(),
    });
    format!("{document}\n")
}

fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Good => "good",
        Verdict::Bad(_) => "bad",
        Verdict::Unknown(_) => "unknown",
        Verdict::Shrunk(_) => "shrunk",
        Verdict::Unreadable(_) => "unreadable",
        Verdict::Removed => "removed",
        Verdict::Link => "link",
    }
}

fn origin(candidate: &Candidate) -> Value {
    let mut value = match &candidate.origin {
        Origin::Now => json!({ "kind": "now" }),
        Origin::Staged => json!({ "kind": "staged" }),
        Origin::Commit { oid, author, subject, path } => json!({
            "kind": "commit", "commit": oid, "author": author, "subject": subject, "path": path, "at": candidate.at.iso(),
        }),
        Origin::Operation(id) => json!({ "kind": "operation", "operation": id, "at": candidate.at.iso() }),
        Origin::Backup(id) => json!({ "kind": "backup", "backup": id, "at": candidate.at.iso() }),
    };
    if let Some(branch) = &candidate.elsewhere {
        value["other_branch"] = json!(branch);
    }
    value
}
