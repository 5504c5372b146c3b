//! guard's commands in the middle of it all, and what must hold after each.

use std::collections::BTreeSet;
use std::ffi::OsStr;

use serde_json::Value;

use super::super::Said;
use super::aside;
use super::seen::{Seen, Visible, locks};
use super::{MARK, Play, files, shell};

/// What must have happened with effect in the histories together: else they would show nothing.
pub const NEEDED: &[&str] = &[
    "merge",
    "merge --no-ff",
    "merge --squash",
    "merge --autostash",
    "merge in progress",
    "conclusion",
    "pull",
    "rebase",
    "gc",
    "undo-merge",
    "undo",
    "redo",
    "restore",
    "move-back",
    "abort",
    "replay",
    "bring-back",
    "refused",
    "there and back",
    "back and there",
    "lines kept",
    "after gc",
    "nothing leaks",
];

pub fn step(play: &mut Play) -> bool {
    match play.random.below(32) {
        0..=7 => change(play, &["undo-merge"]),
        8..=17 => undo(play),
        18..=21 => change(play, &["redo"]),
        22..=23 => restore(play),
        24 => {
            let way = play.random.pick(&["move-back", "replay", "revert"]);
            change(play, &["undo-merge", "--way", way])
        }
        25 => named(play, "undo"),
        26 => named(play, "undo-merge"),
        27 => aside::undo_after_gc(play),
        28 => aside::plan(play),
        29 => {
            play.guard_ok(&["log"]);
            play.guard_ok(&["doctor"]);
            true
        }
        30 => {
            let operations = operations(play);
            let Some(id) = play.choose(&operations) else { return false };
            play.guard_ok(&["show", &id]);
            true
        }
        _ => aside::nothing_leaks(play),
    }
}

/// What came last; where guard says that this is not what one looks at, often the operation that it names.
fn undo(play: &mut Play) -> bool {
    play.named = None;
    change(play, &["undo"]);
    match play.named.take().filter(|_| play.one_in(2)) {
        Some(id) => change(play, &["undo", &id]),
        None => true,
    }
}

/// Takes back what was done just now.
pub fn regret(play: &mut Play) {
    let command = play.random.pick(&["undo", "undo-merge", "undo-merge"]);
    change(play, &[command]);
}

/// The operations that the journal has.
fn operations(play: &mut Play) -> Vec<String> {
    let document: Value = serde_json::from_str(&play.guard_ok(&["log", "-n", "30", "--json"])).unwrap();
    let operations = document["operations"].as_array().unwrap();
    operations.iter().map(|operation| operation["id"].as_str().unwrap().to_owned()).collect()
}

/// An operation by its name.
fn named(play: &mut Play, command: &str) -> bool {
    let operations = operations(play);
    let Some(id) = play.choose(&operations) else { return false };
    change(play, &[command, &id])
}

/// A file of the working tree or of a commit, brought back from a commit or an operation.
fn restore(play: &mut Play) -> bool {
    let from = if play.one_in(2) {
        let operations = operations(play);
        play.choose(&operations)
    } else {
        Some(play.random.pick(&["HEAD", "HEAD~1", "one", "origin/two"]).to_owned())
    };
    let paths = ["a.txt", "dir", "e f.txt", "new-1.txt", "local-1.ign", "."].map(str::to_owned);
    let (Some(from), Some(path)) = (from, play.choose(&paths)) else { return false };
    change(play, &["restore", &path, "--from", &from])
}

/// Runs a command that changes something, and half of the time takes it back and does it again.
fn change(play: &mut Play, arguments: &[&str]) -> bool {
    let before = play.seen();
    let Some(done) = checked(play, arguments) else { return true };
    if done["done"] == false {
        // A restore of what is as it was.
        return true;
    }
    play.count(arguments[0]);
    play.count(done["way"].as_str().unwrap());
    if play.one_in(2) {
        return true;
    }
    let (back, again): (&[&str], &[&str]) = match arguments[0] {
        "redo" => (&["undo"], &["redo"]),
        "restore" => (&["restore", "--undo"], &["redo"]),
        _ => (&["redo"], &["undo"]),
    };
    if play.one_in(3) && files::edit(play) {
        // Not as it was any more: refused, or the edit stays.
        checked(play, back);
        return true;
    }
    let after = play.seen();
    must(play, back, &before);
    play.count(if arguments[0] == "redo" { "back and there" } else { "there and back" });
    // Files are restored also while something is in progress; undo and redo wait for its end.
    if play.one_in(2) && (play.idle() || arguments[0] != "restore") {
        must(play, again, &after);
    }
    true
}

/// Runs a command that can't be refused, because nothing has happened since, and compares.
fn must(play: &mut Play, arguments: &[&str], expected: &Seen) {
    let done = checked(play, arguments);
    assert!(done.is_some(), "guard {arguments:?} was refused although nothing has happened since");
    let differences = expected.differences(&play.seen());
    assert!(differences.is_empty(), "after guard {arguments:?}:\n{}", differences.join("\n"));
}

/// Runs a command that changes something and looks at what it did. Returns its document unless it refused.
pub fn checked(play: &mut Play, arguments: &[&str]) -> Option<Value> {
    let before = play.seen();
    let visible = Visible::of(&play.world, &before);
    let said = play.guard(&[arguments, &["--json"]].concat());
    let after = play.seen();
    let context = format!("guard {arguments:?}: {} {}{}", said.code, said.out, said.err);
    assert!([0, 4].contains(&said.code), "{context}");
    let lost = visible.lost(&play.world, &after);
    assert!(lost.is_empty(), "lost {lost:?} by {context}");
    let left = locks(&play.world.top.join(".git"));
    assert!(left.is_empty(), "{left:?} is left by {context}");
    play.world.git_quietly(&["fsck", "--strict", "--no-dangling", "--no-progress"]);
    if said.code != 0 {
        let differences = before.differences(&after);
        assert!(differences.is_empty(), "changed by {context}\n{}", differences.join("\n"));
        play.count("refused");
        play.named = said.err.rsplit_once("hint: guard undo ").map(|(_, id)| id.trim().to_owned());
        return None;
    }
    let document: Value = serde_json::from_str(&said.out).unwrap();
    only_what_was_said(&document, &before, &after);
    later_edits_stay(play, &document, &before, &after);
    play.note_tips();
    Some(document)
}

impl Play {
    /// Runs the program.
    pub fn guard(&mut self, arguments: &[&str]) -> Said {
        let said = self.world.guard(arguments);
        self.done.push(format!("guard {} # {}", shell(arguments), said.code));
        said
    }

    /// Runs the program, which must succeed.
    pub fn guard_ok(&mut self, arguments: &[&str]) -> String {
        let said = self.guard(arguments);
        assert_eq!(said.code, 0, "guard {arguments:?}: {}{}", said.out, said.err);
        said.out
    }
}

/// Paths that the plan does not name are as they were, in the index and in the working tree.
fn only_what_was_said(document: &Value, before: &Seen, after: &Seen) {
    let named = document["paths"].as_array().unwrap().iter().map(|path| path["path"].as_str().unwrap());
    let named: BTreeSet<&str> = named.collect();
    let is_named = |path: &str| named.contains(path);
    for path in before.index.keys().chain(after.index.keys()).filter(|path| !is_named(path)) {
        assert_eq!(
            before.index.get(path),
            after.index.get(path),
            "index entry of '{path}', which {document} leaves out"
        );
    }
    for path in before.files.keys().chain(after.files.keys()) {
        let text = path.to_str().unwrap();
        // Folders come and go with what stands in them.
        let folder = |seen: &Seen| seen.files.get(path).is_none_or(|(mode, _)| *mode == 0o40_000);
        let only_a_folder = folder(before) && folder(after);
        if !is_named(text) && !only_a_folder {
            assert_eq!(before.files.get(path), after.files.get(path), "'{text}', which {document} leaves out");
        }
    }
}

/// What was edited since is still there, line by line: what is in no commit, or when an undo is taken back, what that undo
/// had not left. An unfinished merge is given up whole, and restored files are what they were.
fn later_edits_stay(play: &mut Play, document: &Value, before: &Seen, after: &Seen) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (way, of, id) = (text(&document["way"]), text(&document["operation"]), text(&document["recorded_as"]));
    play.left.insert(id, after.clone());
    if matches!(way.as_str(), "abort" | "unstage" | "restore") {
        return;
    }
    let left = play.left.get(&of).filter(|_| way == "bring-back").cloned();
    for path in document["paths"].as_array().unwrap() {
        let path = path["path"].as_str().unwrap();
        // An autostash that left a conflict is brought back whole.
        let conflict = before.index.get(path).is_some_and(|entries| entries.lines().any(|line| !line.ends_with(" 0")));
        let Some(now) = before.file(path).filter(|_| !conflict) else { continue };
        let known = match &left {
            Some(left) => left.file(path).unwrap_or_default().to_vec(),
            None => committed(play, &before.head_commit(), path),
        };
        let known = lines_of(&known);
        let later = lines_of(after.file(path).unwrap_or_default());
        for line in lines_of(now).iter().filter(|line| line.contains(MARK) && !known.contains(*line)) {
            assert!(later.contains(line), "'{line}' in '{path}' was edited since, and is gone after {document}");
            play.count("lines kept");
        }
    }
}

fn lines_of(bytes: &[u8]) -> BTreeSet<String> {
    String::from_utf8_lossy(bytes).lines().map(str::to_owned).collect()
}

/// The file that a commit has, or nothing.
fn committed(play: &Play, commit: &str, path: &str) -> Vec<u8> {
    let mut git = play.world.command(OsStr::new("git"), &play.world.top);
    git.args(["cat-file", "blob", &format!("{commit}:{path}")]).output().unwrap().stdout
}
