//! guard is killed (SIGKILL) at any moment of create, prune and restore: what was saved is whole, files are old or new, and the next
//! command works.
//!
//! `GUARD_TEST_KILLS` says how often. The moments are drawn from the time that the command takes when nobody kills it.

use std::process::Stdio;
use std::time::Instant;

use super::{backup, json, sandbox};
use crate::support::{Moments, Random, Sandbox};

/// How often each command is killed.
fn times() -> u64 {
    std::env::var("GUARD_TEST_KILLS").map_or(8, |text| text.parse::<u64>().unwrap().div_ceil(3))
}

/// Two files, different for each number.
fn fill(sandbox: &Sandbox, number: u64) -> [Vec<u8>; 2] {
    let mut random = Random(number);
    let noise: Vec<u8> = (0..60_000).map(|_| u8::try_from(random.below(256)).unwrap()).collect();
    let text = format!("[{number}]\n").into_bytes();
    sandbox.write("data/a.json", &text).write("data/b.bin", &noise);
    [text, noise]
}

fn there(sandbox: &Sandbox) -> [Vec<u8>; 2] {
    ["data/a.json", "data/b.bin"].map(|path| sandbox.read(path))
}

fn start(sandbox: &Sandbox, arguments: &[&str]) -> std::process::Child {
    let mut guard = sandbox.command("guard", sandbox.work());
    guard.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Runs a command to its end and returns the moments at which it may be killed.
fn moments(sandbox: &Sandbox, arguments: &[&str]) -> Moments {
    let began = Instant::now();
    assert!(start(sandbox, arguments).wait().unwrap().success());
    Moments::of(began.elapsed())
}

fn ids(sandbox: &Sandbox) -> Vec<String> {
    let list = json(sandbox, &["list"]);
    list["backups"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

fn whole(sandbox: &Sandbox) {
    let _ = backup(sandbox, &["verify", "--level", "restore"]).ok();
}

#[test]
fn a_killed_create_leaves_source_and_store_whole() {
    let (sandbox, mut random, mut killed) = (sandbox(), Random(1), 0);
    fill(&sandbox, 0);
    let mut moments = moments(&sandbox, &["backup", "create"]);
    for number in 1..=times() {
        let now = fill(&sandbox, number);
        killed += u64::from(moments.kill(start(&sandbox, &["backup", "create"]), &mut random).1);
        assert_eq!(there(&sandbox), now);
        whole(&sandbox);
        let _ = backup(&sandbox, &["create"]).ok();
        fill(&sandbox, 0);
        let newest = ids(&sandbox).remove(0);
        let _ = sandbox.guard(["restore", "data/a.json", "data/b.bin", "--from", &newest]).ok();
        assert_eq!(there(&sandbox), now, "kill {number}");
    }
    whole(&sandbox);
    assert!(killed * 3 >= times(), "only {killed} of {} were killed before their end", times());
}

#[test]
fn a_killed_prune_removes_whole_backups_and_never_the_last_good() {
    let (sandbox, mut random, mut killed) = (sandbox(), Random(2), 0);
    let mut number = 0;
    let mut more = |sandbox: &Sandbox| {
        for _ in 0..4 {
            number += 1;
            fill(sandbox, number);
            let _ = backup(sandbox, &["create"]).ok();
        }
        ids(sandbox)
    };
    more(&sandbox);
    let mut moments = moments(&sandbox, &["backup", "prune"]);
    for time in 0..times() {
        let before = more(&sandbox);
        killed += u64::from(moments.kill(start(&sandbox, &["backup", "prune"]), &mut random).1);
        whole(&sandbox);
        let after = ids(&sandbox);
        assert_eq!(after[..2], before[..2], "kill {time}");
        let _ = backup(&sandbox, &["prune"]).ok();
        let kept = ids(&sandbox);
        // One that was killed after its last step is no reason to prune again: nothing is newer.
        assert_eq!(kept, before[..2], "kill {time}");
        whole(&sandbox);
    }
    assert!(killed * 3 >= times(), "only {killed} of {} were killed before their end", times());
}

#[test]
fn a_killed_restore_leaves_all_files_old_or_all_new() {
    let (sandbox, mut random, mut killed) = (sandbox(), Random(3), 0);
    let saved = fill(&sandbox, 0);
    let _ = backup(&sandbox, &["create"]).ok();
    let id = ids(&sandbox).remove(0);
    let restore = ["restore", "data/a.json", "data/b.bin", "--from", &id];
    fill(&sandbox, 1);
    let mut moments = moments(&sandbox, &restore);
    assert_eq!(there(&sandbox), saved);
    for number in 1..=times() {
        let old = fill(&sandbox, number);
        killed += u64::from(moments.kill(start(&sandbox, &restore), &mut random).1);
        // What is half done is finished or put back by the next command that changes something; doctor complains of other things.
        let _ = sandbox.guard(["doctor"]);
        let now = there(&sandbox);
        assert!(now == old || now == saved, "kill {number}: a mixture");
        whole(&sandbox);
        let _ = sandbox.guard(restore).ok();
        assert_eq!(there(&sandbox), saved, "kill {number}");
    }
    assert!(killed * 3 >= times(), "only {killed} of {} were killed before their end", times());
}
