//! `[[data]]`: is every file still judged by an entry that asks as much of it?
//!
//! The last entry that names a file decides alone, so an entry that comes later can take files away from a stricter one.

use bstr::ByteSlice;

use super::cover::{carries, covers, exclusions, may_overlap, new_exclusion, positive};
use super::{Complaints, quoted};
use crate::manifest::{DataRule, Format, MaxLoss};

pub(super) fn compare(before: &[DataRule], after: &[DataRule], found: &mut Vec<String>) {
    if before == after {
        return;
    }
    for (index, rule) in before.iter().enumerate() {
        compare_one(rule, &before[index + 1..], after, found);
    }
    for rule in after {
        compare_with_built_in(rule, before, found);
    }
}

fn subject(rule: &DataRule) -> String {
    format!("data entry {}", quoted(rule.paths.lines().first().map_or("", String::as_str)))
}

fn compare_one(rule: &DataRule, later: &[DataRule], after: &[DataRule], found: &mut Vec<String>) {
    let lines: Vec<&str> = positive(&rule.paths).collect();
    let is_carried = |line: &&str| after.iter().any(|known| carries(&known.paths, line));
    if !lines.iter().any(is_carried) {
        found.push(format!("{} is gone", subject(rule)));
        return;
    }
    let mut complaints = Complaints::default();
    for line in &lines {
        if is_carried(line) {
            Question { rule, line, later }.ask(after, &mut complaints);
        } else {
            found.push(format!("{} no longer names {}", subject(rule), quoted(line)));
        }
    }
    complaints.tell(&subject(rule), lines.len(), found);
}

/// How the files of one line of one entry fare.
struct Question<'a> {
    rule: &'a DataRule,
    line: &'a str,
    /// The entries after `rule` in the earlier manifest: what they take from it is their own question.
    later: &'a [DataRule],
}

impl Question<'_> {
    /// Walks the later manifest's entries from the last one, as a file does, until all files of the line are decided.
    fn ask(&self, after: &[DataRule], complaints: &mut Complaints) {
        // What the entries walked so far leave to those before them; `None` is the whole line.
        let mut left: Option<Vec<&str>> = None;
        for entry in after.iter().rev() {
            if carries(&entry.paths, self.line) {
                if !self.was_taken(self.line, entry) {
                    complaints.extend(self.line, laxer(self.rule, entry, self.line));
                }
                left = Some(self.left_by(entry, left));
            } else {
                for taken in positive(&entry.paths).filter(|taken| may_overlap(taken, self.line)) {
                    if !self.was_taken(taken, entry) {
                        let lost = |what| format!("loses {} to a later entry: it {what}", quoted(taken));
                        complaints.extend(self.line, laxer(self.rule, entry, taken).into_iter().map(lost));
                    }
                }
                if let Some(left) = &mut left {
                    left.retain(|part| !takes_all(entry, part));
                }
            }
            if left.as_ref().is_some_and(Vec::is_empty) {
                return;
            }
        }
        for part in left.unwrap_or_default() {
            complaints.add(self.line, format!("now leaves out {}", quoted(part)));
        }
    }

    /// Returns what an entry that carries the line leaves of what was left, apart from what `rule` itself leaves out.
    fn left_by<'a>(&self, entry: &'a DataRule, left: Option<Vec<&'a str>>) -> Vec<&'a str> {
        let own = exclusions(&self.rule.paths, self.line);
        let fresh = |part: &&str| !own.iter().any(|own| covers(own, part));
        let excluded: Vec<&str> = exclusions(&entry.paths, self.line).into_iter().filter(fresh).collect();
        let Some(mut left) = left else { return excluded };
        left.retain(|part| fresh(part) && excluded.iter().any(|new| may_overlap(part, new)));
        left
    }

    /// Returns whether the files that `entry` takes by the line `taken` belonged to a later entry before, too.
    fn was_taken(&self, taken: &str, entry: &DataRule) -> bool {
        self.later.iter().any(|known| takes_as_much(known, entry, taken))
    }
}

/// Returns whether `one` names all that `other` names of the files of a line that both may name.
fn takes_as_much(one: &DataRule, other: &DataRule, line: &str) -> bool {
    carries(&one.paths, line) && new_exclusion(&other.paths, &one.paths, line).is_none()
}

fn takes_all(rule: &DataRule, line: &str) -> bool {
    carries(&rule.paths, line) && exclusions(&rule.paths, line).is_empty()
}

/// Returns what `after` asks less of the files of `line` than `before`, as the rests of sentences.
fn laxer(before: &DataRule, after: &DataRule, line: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    let (old, new) = (format_of(before, line), format_of(after, line));
    if old != new && !new.is_some_and(|new| as_strict(old, new)) {
        let word = |format: Option<Format>| format.map_or("its extension's", Format::word);
        complaints.push(format!("is read as {} instead of {}", word(new), word(old)));
    }
    if let Some(root) = before.root.filter(|root| after.root != Some(*root)) {
        complaints.push(format!("no longer has to be an {}", root.word()));
    }
    let missing = before.required.iter().filter(|pointer| !after.required.contains(pointer));
    complaints.extend(missing.map(|pointer| format!("no longer requires {}", quoted(pointer))));
    let pairs = [
        ("schema", &before.schema, &after.schema),
        ("records", &before.records, &after.records),
        ("key", &before.key, &after.key),
    ];
    for (key, old, new) in pairs {
        match (old, new) {
            (Some(old), Some(new)) if old != new => {
                complaints.push(format!("has {key} {} instead of {}", quoted(new), quoted(old)));
            }
            (Some(old), None) => complaints.push(format!("no longer has {key} {}", quoted(old))),
            _ => {}
        }
    }
    complaints.extend(more_loss(before.max_loss, after.max_loss));
    if before.backup && !after.backup {
        complaints.push("is no longer backed up".into());
    }
    if before.secret && !after.secret {
        complaints.push("is no longer secret".into());
    }
    complaints
}

fn format_of(rule: &DataRule, line: &str) -> Option<Format> {
    rule.format.or_else(|| Format::by_extension(line.as_bytes().as_bstr()))
}

/// Returns whether every file that is bad in the `old` format is bad in the `new` one too.
fn as_strict(old: Option<Format>, new: Format) -> bool {
    match old {
        Some(Format::Text | Format::Binary) => true,
        // YAML (1.2) and JSON with comments contain JSON.
        Some(Format::Jsonc | Format::Yaml) => new == Format::Json,
        // `None` for a line such as `data/**`, where each file's extension decides.
        Some(_) | None => false,
    }
}

pub(super) fn more_loss(before: Option<MaxLoss>, after: Option<MaxLoss>) -> Option<String> {
    let more = match (before?, after) {
        (_, None) => return Some(format!("no longer limits lost records to {}", loss(before?))),
        (MaxLoss::Percent(old), Some(MaxLoss::Percent(new))) => new > old,
        (MaxLoss::Records(old), Some(MaxLoss::Records(new))) => new > old,
        // Which of a share and a number is more depends on the file; only none at all is never more.
        (MaxLoss::Records(_), Some(MaxLoss::Percent(new))) => new > 0.0,
        (MaxLoss::Percent(_), Some(MaxLoss::Records(new))) => new > 0,
    };
    more.then(|| {
        format!(
            "may lose {} instead of {}",
            after.map_or_else(String::new, loss),
            before.map_or_else(String::new, loss)
        )
    })
}

fn loss(of: MaxLoss) -> String {
    match of {
        MaxLoss::Percent(percent) => format!("{percent}% of its records"),
        MaxLoss::Records(1) => "1 record".into(),
        MaxLoss::Records(number) => format!("{number} records"),
    }
}

/// Files that no entry named were judged by their extension; a new entry may say that they have no structure.
fn compare_with_built_in(rule: &DataRule, before: &[DataRule], found: &mut Vec<String>) {
    let Some(format) = rule.format else { return };
    let fresh = |line: &&str| !before.iter().any(|known| takes_as_much(known, rule, line));
    for line in positive(&rule.paths).filter(fresh) {
        let built_in = Format::by_extension(line.as_bytes().as_bstr());
        let structured =
            matches!(built_in, Some(Format::Json | Format::Jsonc | Format::Jsonl | Format::Yaml | Format::Toml));
        let plain = matches!(format, Format::Text | Format::Binary);
        // `data/**` may name structured files, `*.png` names none.
        let open = plain && built_in.is_none() && !names_extension(line);
        if open || (structured && built_in != Some(format) && !as_strict(built_in, format)) {
            let sentence = format!("{} reads {} as {}", subject(rule), quoted(line), format.word());
            if !found.contains(&sentence) {
                found.push(sentence);
            }
        }
    }
}

fn names_extension(line: &str) -> bool {
    let last = line.rsplit('/').next().unwrap_or_default();
    last.rsplit_once('.').is_some_and(|(_, extension)| {
        !extension.is_empty() && extension.chars().all(|character| character.is_ascii_alphanumeric())
    })
}
