//! The result of a merge is judged before it is committed, and after it where nobody asked (H2d, H5, H6, H7, H8).

use std::fs;

use crate::support::{MERGE_TREE, Ran, Sandbox, write_program};

const MANIFEST: &str = "version = 1\n[[protect]]\nname = \"recovery\"\npaths = [\"/keep\"]\n\
    [[protect]]\nname = \"settings\"\npaths = [\"/settings\"]\ndeny = [\"modify\"]\nlevel = \"warn\"\n";

/// `bad` deletes a protected file, `warned` changes one that only warns; `clash` and `main` change the same line.
fn start() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(".recoveryguard.toml", MANIFEST).write("keep", "keep\n").write("settings", "a\n");
    sandbox.write("list", "base\n");
    sandbox.commit("protect");
    sandbox.branch("bad", &[("keep", None)]);
    sandbox.branch("good", &[("good", Some("good\n"))]);
    sandbox.branch("better", &[("better", Some("better\n"))]);
    sandbox.branch("warned", &[("settings", Some("b\n"))]);
    sandbox.branch("clash", &[("list", Some("theirs\n"))]);
    sandbox.branch("clashwarned", &[("list", Some("theirs\n")), ("settings", Some("b\n"))]);
    sandbox.write("list", "ours\n");
    sandbox.commit("ours");
    sandbox.install();
    sandbox
}

/// A merge strategy of a team's own: `git merge -s <name>` runs it.
fn strategy(sandbox: &Sandbox, name: &str, script: &str) {
    let file = sandbox.root().join("bin").join(format!("git-merge-{name}"));
    write_program(file, format!("#!/bin/sh\n{script}\n"));
}

fn times(ran: &Ran, rule: &str) -> usize {
    ran.stderr.matches(&format!("[{rule}]")).count()
}

/// The newest operations' kinds and how they ended, newest first.
fn log(sandbox: &Sandbox) -> Vec<(String, String)> {
    let document: serde_json::Value = serde_json::from_str(&sandbox.guard(["log", "--json"]).ok().stdout).unwrap();
    let word = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let operations = document["operations"].as_array().unwrap().iter();
    operations.map(|operation| (word(&operation["kind"]), word(&operation["outcome"]["status"]))).collect()
}

// H5, H6: what could not be predicted is judged at `pre-merge-commit`, and `git commit` is no way around it.
#[test]
fn a_result_that_nobody_could_predict_is_refused_and_stays_refused() {
    for heads in [&["good"][..], &["good", "better"]] {
        let sandbox = start();
        strategy(&sandbox, "evil", "git rm -q keep");
        let before = sandbox.state();
        let head = sandbox.rev("HEAD");
        let merge = sandbox.git([&["merge", "-q", "-m", "m", "-s", "evil"], heads].concat()).exits(1);
        let merge = merge.says("[protected-delete]").says("not committed; the merge stays in the index");
        assert_eq!(times(&merge, "protected-delete"), 1, "{merge}");
        assert_eq!(sandbox.rev("HEAD"), head);
        for line in [&["commit", "-q", "-m", "again"][..], &["merge", "--continue"], &["commit", "-q", "-a", "-m", "x"]]
        {
            let again = sandbox.git(line).exits(1).says("[protected-delete]");
            assert_eq!(times(&again, "protected-delete"), 1, "{again}");
            assert_eq!(sandbox.rev("HEAD"), head);
        }
        let shown: serde_json::Value = serde_json::from_str(&sandbox.guard(["log", "--json"]).ok().stdout).unwrap();
        let routes = shown["operations"][0]["judgements"].as_array().unwrap().iter();
        let routes: Vec<_> = routes.map(|judgement| judgement["route"].as_str().unwrap()).collect();
        assert_eq!(routes, ["gate", "pre-merge-commit", "pre-commit"], "the same verdict is recorded once");
        let _ = sandbox.git(["merge", "--abort"]).ok();
        sandbox.assert_unchanged(&before);
    }
}

// H5: an octopus has no MERGE_HEAD yet when its result is judged; both heads are known all the same.
#[test]
fn an_octopus_is_judged_with_all_its_heads() {
    let sandbox = start();
    strategy(&sandbox, "evil", "git rm -q keep");
    let merge = sandbox.git(["merge", "-q", "-m", "m", "-s", "evil", "good", "better"]).exits(1);
    let _ = merge.says("'good'").says("'better'");
    let _ = sandbox.guard(["allow", "protected-delete", "keep", "--reason", "both say so"]).ok();
    let _ = sandbox.git(["commit", "-q", "--no-edit"]).ok();
    assert_eq!(sandbox.git(["rev-list", "--parents", "-1", "HEAD"]).ok().line().split(' ').count(), 4);
    let message = sandbox.git(["log", "-1", "--format=%B"]).ok();
    assert!(message.stdout.contains("Guard-Allow: protected-delete keep -- both say so"), "{message}");
}

// A strategy that may avoid what the default one would do: said at the gate, judged on the result.
#[test]
fn what_another_strategy_may_avoid_warns_and_is_judged_on_the_result() {
    let sandbox = start();
    strategy(&sandbox, "keeper", "exit 0");
    let merge = sandbox.git(["merge", "-q", "-m", "m", "-s", "keeper", "bad"]).ok();
    let merge = merge.says("another merge strategy may avoid it");
    assert_eq!(times(&merge, "protected-delete"), 1, "{merge}");
    assert!(sandbox.at("keep").exists());
    let _ = sandbox.git(["reset", "-q", "--hard", "HEAD~1"]).ok();
    strategy(&sandbox, "keeper", "git rm -q keep");
    let merge = sandbox.git(["merge", "-q", "-m", "m", "-s", "keeper", "bad"]).exits(1);
    let _ = merge.says("guard: refused merging 'bad' into 'main'");
}

// A squash that is committed in parts: what stays staged is not lost.
#[test]
fn data_that_stays_staged_is_no_loss() {
    let sandbox = Sandbox::new();
    let data = "version = 1\n[[data]]\npaths = ['list.jsonl']\nrecords = ''\nkey = 'id'\nmax_loss = '1%'\n";
    sandbox.write(".recoveryguard.toml", data).write("list.jsonl", "{\"id\": 1}\n");
    sandbox.commit("list");
    sandbox.branch("feat", &[("list.jsonl", Some("{\"id\": 1}\n{\"id\": 2}\n")), ("code", Some("code\n"))]);
    sandbox.install();
    let _ = sandbox.git(["merge", "-q", "--squash", "feat"]).ok();
    let part = sandbox.git(["commit", "-q", "-m", "a part", "--", "code"]).ok();
    assert_eq!((times(&part, "lost-records"), times(&part, "data-shrunk")), (0, 0), "{part}");
    let _ = sandbox.git(["diff", "--cached", "--exit-code"]).fails();
}

// H2d: said when it was seen first, and never again by the hooks that follow.
#[test]
fn a_warning_is_said_once_over_all_hooks() {
    let sandbox = start();
    let lines: &[&[&[&str]]] = &[
        &[&["merge", "-q", "--no-ff", "-m", "m", "warned"]],
        &[&["merge", "-q", "--no-commit", "warned"], &["commit", "-q", "-m", "m"]],
        &[&["merge", "-q", "--squash", "warned"], &["commit", "-q", "-m", "m"]],
        &[&["merge", "-q", "-m", "m", "good", "warned"]],
        &[&["pull", "-q", "--no-rebase", "--no-edit", ".", "warned"]],
    ];
    let start = sandbox.rev("HEAD");
    for line in lines {
        let ran: Vec<Ran> = line.iter().map(|words| sandbox.git(*words).ok()).collect();
        let said: Vec<usize> = ran.iter().map(|ran| times(ran, "protected-modify")).collect();
        assert_eq!((said[0], said.iter().sum::<usize>()), (1, 1), "{line:?}: {}", ran[0]);
        let _ = sandbox.git(["reset", "-q", "--hard", &start]).ok();
    }
    // With a conflict elsewhere too: at the gate, not at the conclusion.
    let merge = sandbox.git(["merge", "clashwarned"]).exits(1);
    assert_eq!(times(&merge, "protected-modify"), 1, "{merge}");
    let list = String::from_utf8(sandbox.read("list")).unwrap();
    let both = list.lines().filter(|line| !line.starts_with(['<', '=', '>']));
    sandbox.write("list", both.map(|line| format!("{line}\n")).collect::<String>());
    let commit = sandbox.git(["commit", "-q", "-a", "--no-edit"]).ok();
    assert_eq!(commit.stderr, "");
}

// A fast-forward runs no hook but the gate and post-merge.
#[test]
fn a_warning_about_a_fast_forward_is_said_once() {
    let sandbox = start();
    let _ = sandbox.git(["checkout", "-q", "-b", "behind", "HEAD~1"]).ok();
    let merge = sandbox.git(["merge", "-q", "warned"]).ok().says("guard undo-merge");
    assert_eq!(times(&merge, "protected-modify"), 1, "{merge}");
}

// H7: post-merge does not run for these; the operation is closed all the same, as one merge.
#[test]
fn a_merge_that_git_leaves_to_a_commit_is_one_operation() {
    let sandbox = start();
    let _ = sandbox.git(["merge", "-q", "--no-commit", "good"]).ok();
    assert_eq!(log(&sandbox)[0].0, "merge");
    let open = log(&sandbox).len();
    let _ = sandbox.git(["commit", "-q", "--no-edit"]).ok();
    assert_eq!((log(&sandbox).len(), log(&sandbox)[0].clone()), (open, ("merge".into(), "done".into())));
    let _ = sandbox.git(["merge", "clash"]).exits(1);
    sandbox.write("list", "both\n");
    let _ = sandbox.git(["commit", "-q", "-a", "--no-edit"]).ok();
    assert_eq!((log(&sandbox).len(), log(&sandbox)[0].clone()), (open + 1, ("merge".into(), "done".into())));
}

// H7: the gate was away (hooks switched off) when the merge began; its conclusion is judged.
#[test]
fn a_merge_that_began_without_hooks_is_judged_when_it_ends() {
    let off = ["-c", "core.hooksPath=/dev/null"];
    let sandbox = start();
    let _ = sandbox.git([&off[..], &["merge", "-q", "--no-commit", "bad"]].concat()).ok();
    let _ = sandbox.git(["commit", "-q", "--no-edit"]).exits(1).says("[protected-delete]");
    let _ = sandbox.git(["merge", "--abort"]).ok();
    let _ = sandbox.git([&off[..], &["merge", "-q", "--squash", "bad"]].concat()).ok();
    let _ = sandbox.git(["commit", "-q", "-m", "squash"]).exits(1).says("[protected-delete]");
    let _ = sandbox.git(["reset", "-q", "--hard"]).ok();
    // Past pre-commit too: flagged by post-commit, which can refuse nothing.
    let _ = sandbox.git([&off[..], &["merge", "-q", "--no-commit", "bad"]].concat()).ok();
    let commit = sandbox.git(["commit", "-q", "--no-edit", "--no-verify"]).ok();
    let commit = commit.says("was merged: look at this").says("guard undo-merge");
    assert_eq!(times(&commit, "protected-delete"), 1, "{commit}");
    let _ = sandbox.guard(["undo-merge"]).ok();
    assert!(sandbox.at("keep").exists());
}

// A resolution that takes the file away although no side did, and one that puts it back.
#[test]
fn the_index_counts_and_not_the_prediction() {
    let sandbox = start();
    let _ = sandbox.git(["merge", "-q", "--no-commit", "good"]).ok();
    let _ = sandbox.git(["rm", "-q", "keep"]).ok();
    let _ = sandbox.git(["commit", "-q", "--no-edit"]).exits(1).says("[protected-delete]");
    let _ = sandbox.git(["reset", "-q", "HEAD", "keep"]).ok();
    // What lies in the working tree only is not committed.
    let commit = sandbox.git(["commit", "-q", "--no-edit"]).ok();
    assert_eq!(commit.stderr, "");
}

// H8: no merge, no judgement before the commit.
#[test]
fn other_commits_are_left_alone() {
    let sandbox = start();
    let ordinary = |line: &[&str]| assert_eq!(sandbox.git(line).ok().stderr, "", "{line:?}");
    let start = sandbox.rev("HEAD");
    ordinary(&["cherry-pick", "bad"]);
    ordinary(&["revert", "--no-edit", "HEAD"]);
    ordinary(&["rm", "-q", "keep"]);
    ordinary(&["commit", "-q", "-m", "on purpose"]);
    ordinary(&["commit", "-q", "--amend", "-m", "still"]);
    ordinary(&["reset", "-q", "--hard", &start]);
    let _ = sandbox.git(["cherry-pick", "clash"]).exits(1);
    fs::remove_file(sandbox.at("keep")).unwrap();
    ordinary(&["commit", "-q", "-a", "-m", "concludes a cherry-pick"]);
}

// U28: where there is nothing yet, nothing can be lost.
#[test]
fn the_first_merge_of_an_unborn_branch_goes_on() {
    let origin = start();
    let sandbox = Sandbox::new();
    let _ = sandbox.git(["checkout", "-q", "--orphan", "unborn"]).ok();
    let _ = sandbox.git(["rm", "-q", "-r", "-f", "."]).ok();
    sandbox.install();
    let pull = sandbox.git(["pull", "-q", origin.work().to_str().unwrap(), "main"]).ok();
    assert_eq!(pull.stderr, "");
    assert!(sandbox.at("keep").exists());
}

// The shim starts no process where git made the very tree that the gate judged, and never where it made another.
#[test]
fn what_the_gate_judged_is_not_judged_again() {
    if !MERGE_TREE.is_needed_here() {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.write(".recoveryguard.toml", "version = 1\n[[protect]]\npaths = [\"/keep\"]\n").write("keep", "x\n");
    sandbox.commit("protect");
    sandbox.branch("good", &[("good", Some("good\n"))]);
    sandbox.branch("bad", &[("keep", None)]);
    sandbox.write("main", "main\n");
    sandbox.commit("main");
    sandbox.install();
    let _ = sandbox.git(["merge", "-q", "--no-edit", "good"]).ok();
    let note = sandbox.common_dir().join("recoveryguard/judged-.git");
    let judged = std::fs::read_to_string(&note).unwrap();
    assert_eq!(judged.trim(), sandbox.rev("HEAD^{tree}"));
    // Nor is the recorded merge looked at again afterwards: post-merge starts no process for this commit.
    let concluded = std::fs::read_to_string(sandbox.common_dir().join("recoveryguard/concluded-.git")).unwrap();
    assert_eq!(concluded.trim(), sandbox.rev("HEAD"));
    // A refusal leaves no note, and a note of another tree helps nobody.
    let _ = sandbox.git(["merge", "-q", "--no-edit", "bad"]).fails();
    assert!(!note.exists());
    // Everything that guard leaves in its folder is known to 'uninstall --purge'.
    let _ = sandbox.guard(["undo-merge"]).ok();
    let purge = sandbox.guard(["uninstall", "--purge"]).ok();
    assert!(!purge.stdout.contains("not known to be ours"), "{purge}");
    assert!(!sandbox.common_dir().join("recoveryguard").exists());
}
