//! Nothing grows without end: operations, refs, saved bytes and what processes leave behind are bounded, by hooks and by
//! `guard log --prune`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::support::{Ran, Sandbox};

const MANIFEST: &str = ".recoveryguard.toml";

/// Hours after everything that a test does, by the program's clock.
const LATER: &str = "4000000000000";

fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap()
}

fn guarded(manifest: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(MANIFEST, format!("version = 1\n{manifest}")).commit("manifest");
    sandbox.install();
    sandbox
}

fn guard_dir(sandbox: &Sandbox) -> PathBuf {
    sandbox.common_dir().join("recoveryguard")
}

fn operations(sandbox: &Sandbox) -> Vec<Value> {
    json(&sandbox.guard(["log", "-n", "1000", "--json"]).ok())["operations"].as_array().unwrap().clone()
}

fn count(folder: &Path) -> usize {
    fs::read_dir(folder).map_or(0, Iterator::count)
}

fn old_tips(sandbox: &Sandbox) -> Vec<String> {
    let refs = sandbox.git(["for-each-ref", "--format=%(objectname)", "refs/recoveryguard"]).ok();
    refs.stdout.lines().map(str::to_owned).collect()
}

/// A branch that is reset away from each commit it gets: each step is an operation, every second one keeps an old tip.
fn busy(sandbox: &Sandbox, steps: usize) -> Vec<String> {
    let base = sandbox.rev("HEAD");
    let tree = sandbox.rev("HEAD^{tree}");
    let mut tips = Vec::new();
    for step in 0..steps / 2 {
        let message = format!("tip {step}");
        let tip = sandbox.git(["commit-tree", &tree, "-p", &base, "-m", &message]).ok().line().to_owned();
        let _ = sandbox.git(["branch", "-q", "-f", "side", &tip]).ok();
        let _ = sandbox.git(["branch", "-q", "-f", "side", &base]).ok();
        tips.push(tip);
    }
    tips
}

fn is_there(sandbox: &Sandbox, oid: &str) -> bool {
    sandbox.git(["cat-file", "-e", oid]).status == 0
}

#[test]
fn three_hundred_operations_stay_bounded_and_the_kept_ones_can_be_undone() {
    let sandbox = guarded("[snapshot]\nkeep = 20\n");
    let _ = sandbox.git(["branch", "-q", "side"]).ok();
    let tips = busy(&sandbox, 280);
    // Merges that overwrite an ignored file: snapshots, kept indexes, and undos with their records.
    sandbox.write(".git/info/exclude", "secret\n").branch("feat", &[("base.txt", Some("feat\n"))]);
    let _ = sandbox.git(["checkout", "-q", "feat"]).ok();
    sandbox.write("secret", "feat\n");
    let _ = sandbox.git(["add", "-f", "secret"]).ok();
    let _ = sandbox.git(["commit", "-q", "-m", "secret"]).ok();
    let _ = sandbox.git(["checkout", "-q", "main"]).ok();
    for number in 0..10 {
        sandbox.write("secret", format!("secret {number}\n"));
        let _ = sandbox.git(["merge", "-q", "feat"]).ok();
        let _ = sandbox.guard(["undo-merge"]).ok();
        assert_eq!(sandbox.read("secret"), format!("secret {number}\n").as_bytes());
    }
    let dir = guard_dir(&sandbox);
    let bounded = |most: usize| {
        let found = operations(&sandbox).len();
        assert!((20..=most).contains(&found), "{found} operations");
        assert!(count(&dir.join("journal")) <= most * 3, "{} records", count(&dir.join("journal")));
        assert!(old_tips(&sandbox).len() <= most, "{:?}", old_tips(&sandbox));
        for folder in ["index", "undo", "store.git/refs/tags/snapshot"] {
            let found = count(&dir.join(folder));
            assert!((1..=most).contains(&found), "{folder} holds {found}");
        }
        assert_eq!(count(&dir.join("tmp")), 0);
    };
    // The hooks alone keep it small.
    let most = 20 * 4;
    bounded(most + 32);
    let _ = sandbox.guard(["log", "--prune"]).ok();
    bounded(most);

    let _ = sandbox.git(["reflog", "expire", "--expire=now", "--all"]).ok();
    let _ = sandbox.git(["gc", "-q", "--prune=now"]).ok();
    let kept: BTreeSet<String> = old_tips(&sandbox).into_iter().collect();
    for tip in &tips {
        assert_eq!(is_there(&sandbox, tip), kept.contains(tip), "{tip} goes exactly with its operation");
    }
    let _ = sandbox.guard(["redo"]).ok();
    assert_eq!(sandbox.read("secret"), b"feat\n");
    let _ = sandbox.guard(["undo-merge"]).ok();
    assert_eq!(sandbox.read("secret"), b"secret 9\n");
    let _ = sandbox.guard(["doctor"]).ok();
}

#[test]
fn old_tips_are_kept_until_their_operation_is_pruned() {
    let sandbox = guarded("");
    let _ = sandbox.git(["branch", "-q", "side"]).ok();
    let tips = busy(&sandbox, 20);
    let _ = sandbox.git(["reflog", "expire", "--expire=now", "--all"]).ok();
    let _ = sandbox.git(["gc", "-q", "--prune=now"]).ok();
    assert!(tips.iter().all(|tip| is_there(&sandbox, tip)));
    let _ = sandbox.guard(["log", "--prune", "--keep", "4"]).ok();
    let _ = sandbox.git(["gc", "-q", "--prune=now"]).ok();
    let there: Vec<bool> = tips.iter().map(|tip| is_there(&sandbox, tip)).collect();
    assert_eq!(there, [[false; 4].as_slice(), &[true; 6]].concat());
    // The newest operation took the last tip away: it comes back.
    let newest = operations(&sandbox)[0]["id"].as_str().unwrap().to_owned();
    let _ = sandbox.guard(["undo", &newest]).ok();
    assert_eq!(sandbox.rev("side"), tips[9]);
}

#[test]
fn a_dry_run_says_what_the_real_run_does() {
    let sandbox = guarded("");
    let _ = sandbox.git(["branch", "-q", "side"]).ok();
    busy(&sandbox, 12);
    let tmp = guard_dir(&sandbox).join("tmp/objects-2147483646");
    fs::create_dir_all(tmp.join("aa")).unwrap();
    fs::write(tmp.join("aa/bb"), "12345").unwrap();
    sandbox.env("RECOVERYGUARD_CLOCK", LATER);
    let before = sandbox.state();
    let text = sandbox.guard(["log", "--prune", "--keep", "1", "--dry-run"]).ok().stdout;
    let mut planned = json(&sandbox.guard(["log", "--prune", "--keep", "1", "--dry-run", "--json"]).ok());
    sandbox.assert_unchanged(&before);
    assert!(tmp.exists());
    let mut done = json(&sandbox.guard(["log", "--prune", "--keep", "1", "--json"]).ok());
    assert_eq!((&planned["dry_run"], &planned["done"]), (&Value::Bool(true), &Value::Bool(false)));
    assert_eq!((&done["dry_run"], &done["done"]), (&Value::Bool(false), &Value::Bool(true)));
    for document in [&mut planned, &mut done] {
        for name in ["dry_run", "done"] {
            document.as_object_mut().unwrap().remove(name);
        }
    }
    assert_eq!(planned, done);
    assert!(done["bytes"].as_u64().unwrap() > 0);
    let gone = done["pruned"].as_array().unwrap();
    assert!(gone.len() >= 9 && done["refs"].as_array().unwrap().len() >= 4, "{done}");
    for id in gone {
        let id = id.as_str().unwrap();
        assert!(text.contains(id), "{id} is missing in: {text}");
        assert_eq!(sandbox.guard(["show", id]).status, 2);
    }
    for name in done["refs"].as_array().unwrap() {
        assert!(text.contains(name.as_str().unwrap()), "{text}");
        assert_ne!(sandbox.git(["rev-parse", "--verify", "-q", name.as_str().unwrap()]).status, 0);
    }
    assert!(text.contains("objects-2147483646") && !tmp.exists(), "{text}");
    assert_eq!(operations(&sandbox).len(), 3);
    let nothing = sandbox.guard(["log", "--prune", "--keep", "1"]).ok();
    let expected = "Nothing to prune: the newest merge or operation with saved bytes stays, and 3 others.\n";
    assert_eq!(nothing.stdout, expected);
}

#[test]
fn an_unfinished_merge_is_never_pruned() {
    let sandbox = guarded("");
    sandbox.branch("feat", &[("base.txt", Some("feat\n"))]);
    sandbox.write("base.txt", "main\n").commit("main");
    sandbox.write("other.txt", "mine\n");
    let _ = sandbox.git(["merge", "-q", "feat"]).fails();
    let _ = sandbox.git(["branch", "-q", "side"]).ok();
    busy(&sandbox, 6);
    sandbox.env("RECOVERYGUARD_CLOCK", LATER);
    let _ = sandbox.guard(["log", "--prune", "--keep", "1"]).ok();
    let kinds: Vec<Value> = operations(&sandbox).iter().map(|operation| operation["kind"].clone()).collect();
    assert_eq!(kinds, ["branch", "branch", "branch", "merge"]);
    let _ = sandbox.guard(["undo-merge"]).ok();
    assert_eq!(sandbox.read("base.txt"), b"main\n");
}

#[test]
fn what_worktrees_that_are_gone_began_is_closed_and_their_notes_go() {
    let sandbox = guarded("");
    sandbox.branch("feat", &[("base.txt", Some("feat\n"))]);
    sandbox.branch("clean", &[("clean.txt", Some("clean\n"))]);
    sandbox.write("base.txt", "main\n").commit("main");
    let _ = sandbox.git(["worktree", "add", "-q", "-b", "linked", "../linked"]).ok();
    let linked = sandbox.root().join("linked");
    let _ = sandbox.git_in(&linked, ["merge", "-q", "--no-edit", "clean"]).ok();
    let _ = sandbox.git_in(&linked, ["merge", "-q", "feat"]).fails();
    let notes = || {
        let names = fs::read_dir(guard_dir(&sandbox)).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().ends_with("-linked")).count()
    };
    assert!(notes() > 0);
    sandbox.env("RECOVERYGUARD_CLOCK", LATER);
    let plan = || json(&sandbox.guard(["log", "--prune", "--dry-run", "--json"]).ok());
    assert_eq!(plan()["closed"], Value::Array(vec![]), "it may still be concluded");
    let _ = sandbox.git(["worktree", "remove", "--force", "../linked"]).ok();
    assert_eq!(plan()["closed"].as_array().unwrap().len(), 1);
    let _ = sandbox.guard(["log", "--prune"]).ok();
    assert_eq!(notes(), 0);
    assert!(operations(&sandbox).iter().all(|operation| operation["state"] != "open"));
    assert_eq!(plan()["closed"], Value::Array(vec![]));
}

#[test]
fn only_what_processes_that_are_gone_left_is_taken_away() {
    let sandbox = guarded("");
    let dir = guard_dir(&sandbox);
    let old = SystemTime::now() - Duration::from_secs(7200);
    let put = |path: &str, is_old: bool| {
        let path = dir.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "x").unwrap();
        if is_old {
            let parent = path.parent().unwrap();
            for file in [path.as_path(), parent]
                .into_iter()
                .filter(|file| *file == path || parent.ends_with("tmp") || parent.parent().unwrap().ends_with("tmp"))
            {
                fs::File::open(file).unwrap().set_modified(old).unwrap();
            }
        }
        path
    };
    let dead = "2147483646";
    let alive = std::process::id();
    let gone = [
        put(&format!("tmp/objects-{dead}/aa"), true).parent().unwrap().to_owned(),
        put("journal/.tmp-guard-1-1", true),
        put("undo/.tmp-guard-1-1", true),
        put(".tmp-guard-1-1", true),
        put("../.tmp-guard-1-1", true),
        put("judged-nobody", false),
        put("concluded-nobody", false),
    ];
    let stay = [
        put(&format!("tmp/index-{alive}/index"), true),
        put(&format!("tmp/undo-{dead}/x"), false),
        put(".tmp-guard-2-2", false),
        put("judged-.git", true),
        put("mine", true),
    ];
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis();
    sandbox.env("RECOVERYGUARD_CLOCK", now.to_string());
    let said = sandbox.guard(["doctor"]);
    assert!(said.stdout.contains("7 leftovers of processes and worktrees that are gone"), "{said}");
    assert!(said.stdout.contains("do: guard log --prune"), "{said}");
    let _ = sandbox.guard(["log", "--prune"]).ok();
    for path in gone {
        assert!(!path.exists(), "{} stayed", path.display());
    }
    for path in stay {
        assert!(path.exists(), "{} went", path.display());
    }
    assert!(!sandbox.guard(["doctor"]).stdout.contains("that are gone"));
}

/// Bytes that can't be compressed: xorshift.
fn noise(seed: u64, count: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 + seed;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..count).map(|_| next()).collect()
}

/// A merge that overwrites an ignored file, again and again, with a store that holds two of them.
#[test]
fn the_store_as_a_whole_is_bounded_and_says_what_had_to_go() {
    let sandbox = guarded("[snapshot]\nmax_store = '150 KiB'\n");
    sandbox.write(".git/info/exclude", "data\n");
    let noise = |seed| noise(seed, 60_000);
    let mut merges = Vec::new();
    for number in 0..4 {
        let _ = sandbox.git(["checkout", "-q", "-b", &format!("feat{number}")]).ok();
        sandbox.write("data", format!("{number}\n"));
        let _ = sandbox.git(["add", "-f", "data"]).ok();
        let _ = sandbox.git(["commit", "-q", "-m", "data"]).ok();
        let _ = sandbox.git(["checkout", "-q", "main"]).ok();
        sandbox.write("data", noise(number));
        let _ = sandbox.git(["merge", "-q", &format!("feat{number}")]).ok();
        merges.push(operations(&sandbox)[0]["id"].as_str().unwrap().to_owned());
        let _ = sandbox.git(["rm", "-q", "--cached", "data"]).ok();
        let _ = sandbox.git(["commit", "-q", "-m", "ignored again"]).ok();
    }
    let text = sandbox.guard(["doctor"]).stdout;
    assert!(text.contains("are beyond that") && text.contains("do: guard log --prune"), "{text}");
    sandbox.env("RECOVERYGUARD_CLOCK", LATER);
    let done = json(&sandbox.guard(["log", "--prune", "--json"]).ok());
    // A hook may have come first.
    let over: Vec<&str> = done["over_budget"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    assert!(!over.is_empty() && merges[..2].iter().map(String::as_str).collect::<Vec<_>>().ends_with(&over), "{done}");
    assert!(done["bytes"].as_u64().unwrap() > 60_000, "{done}");
    let snapshots = guard_dir(&sandbox).join("store.git/refs/tags/snapshot");
    assert_eq!(count(&snapshots), 2);
    let show = |id: &str| json(&sandbox.guard(["show", id, "--json"]).ok())["operation"]["saved_pruned"].clone();
    assert_eq!(merges.iter().map(|id| show(id)).collect::<Vec<_>>(), [true, true, false, false]);
    let said = sandbox.guard(["restore", "data", "--from", &merges[0]]).exits(4);
    let _ = said.says("'data' was not saved then: its saved bytes were pruned");
    let text = sandbox.guard(["log"]).ok().stdout;
    assert_eq!(text.matches("(bytes pruned)").count(), 2, "{text}");
    let _ = sandbox.guard(["restore", "data", "--from", &merges[3]]).ok();
    assert_eq!(sandbox.read("data"), noise(3));
}

#[test]
fn an_undo_whose_saved_bytes_are_gone_is_not_taken_back() {
    let sandbox = guarded("");
    sandbox.branch("feat", &[("base.txt", Some("1\n2\n3\n4\n5\n6\n"))]);
    let _ = sandbox.git(["merge", "-q", "--no-ff", "-m", "m", "feat"]).ok();
    sandbox.write("base.txt", "1\n2\n3\n4\n5\n6\nmine\n");
    let undone = sandbox.guard(["undo-merge"]);
    assert_eq!(undone.status, 4, "{undone}");
    sandbox.write("added.txt", "mine\n");
    sandbox.write("base.txt", "1\n2\n3\n4\n5\n6\n");
    let _ = sandbox.guard(["restore", "base.txt", "--from", "HEAD~1"]).ok();
    fs::remove_dir_all(guard_dir(&sandbox).join("store.git")).unwrap();
    let before = sandbox.state();
    let _ = sandbox.guard(["restore", "--undo"]).exits(4).says("were pruned");
    sandbox.assert_unchanged(&before);
}

#[test]
fn another_guard_at_work_is_waited_for_and_then_named() {
    let sandbox = guarded("");
    let lock = guard_dir(&sandbox).join("lock");
    let held = recoveryguard::disk::lock(&lock, recoveryguard::model::Timestamp(0)).unwrap();
    let _ = sandbox.guard(["log", "--prune"]).exits(5).says("is locked by process");
    let _ = sandbox.guard(["log", "--prune", "--dry-run"]).ok();
    drop(held);
    let _ = sandbox.guard(["log", "--prune"]).ok();
    let _ = sandbox.guard(["log", "--keep", "3"]).exits(2);
    let _ = sandbox.guard(["log", "--prune", "--keep", "0"]).exits(2);
}

/// What a newer guard wrote is not understood: nothing goes.
#[test]
fn a_newer_journal_is_not_pruned() {
    let sandbox = guarded("");
    let _ = sandbox.git(["branch", "-q", "side"]).ok();
    busy(&sandbox, 4);
    let record = guard_dir(&sandbox).join("journal/00000000000000000001-000000-x-intent.json");
    fs::write(&record, "recoveryguard-journal 2 x\n{}\n").unwrap();
    let records = count(&guard_dir(&sandbox).join("journal"));
    let _ = sandbox.guard(["log", "--prune", "--keep", "1"]).exits(4).says("written by a newer guard");
    assert_eq!(count(&guard_dir(&sandbox).join("journal")), records);
}
