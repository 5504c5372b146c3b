//! Dangerous merges of every kind are refused with nothing changed; harmless ones go on as without us (H1 to H3, H11).

use std::path::Path;

use snapbox::str;

use crate::support::{MERGE_TREE, MERGE_TREE_OPTIONS, REFTABLE, Sandbox};

const MANIFEST: &str = "version = 1\n[[protect]]\nname = \"recovery\"\npaths = [\"/scripts/restore.sh\"]\n\
                        reason = \"on-call needs it\"\nowners = [\"@ops\"]\n";

fn lines(middle: &str) -> String {
    (1..=20).map(|n| if n == 10 { format!("{middle}\n") } else { format!("{n}\n") }).collect()
}

/// `main` with a protected file; `bad` deletes it, `good` adds a file, `clash` and `clashbad` change a line that a test
/// may change too.
fn guarded(sandbox: Sandbox) -> Sandbox {
    sandbox.write(".recoveryguard.toml", MANIFEST).write("scripts/restore.sh", "restore\n").write("list", lines("10"));
    sandbox.commit("protect");
    sandbox.branch("bad", &[("scripts/restore.sh", None), ("new", Some("new\n"))]);
    sandbox.branch("good", &[("good", Some("good\n"))]);
    sandbox.branch("clash", &[("list", Some(&lines("theirs")))]);
    sandbox.branch("clashbad", &[("list", Some(&lines("theirs"))), ("scripts/restore.sh", None)]);
    let _ = sandbox.git(["config", "pull.rebase", "false"]).ok();
    sandbox.install();
    sandbox
}

fn refused_in(sandbox: &Sandbox, folder: &Path, line: &[&str]) {
    let before = sandbox.state();
    let ran = sandbox.git_in(folder, line).fails().says("[protected-delete]").says("nothing was changed");
    assert_eq!(ran.stderr.matches("[protected-delete]").count(), 1, "{ran}");
    sandbox.assert_unchanged(&before);
}

fn refused(sandbox: &Sandbox, line: &[&str]) {
    refused_in(sandbox, sandbox.work(), line);
}

const KINDS: &[&[&str]] = &[
    &["merge", "bad"],
    &["merge", "--ff-only", "bad"],
    &["merge", "--no-ff", "bad"],
    &["merge", "--squash", "bad"],
    &["merge", "--no-commit", "--no-ff", "bad"],
    &["merge", "--no-verify", "bad"],
    &["merge", "-X", "theirs", "--no-ff", "bad"],
    &["merge", "good", "bad"],
    &["pull", "-q", ".", "bad"],
    &["pull", "-q", "--no-ff", ".", "bad"],
];

/// Only predictions that this git can make are refused before anything happens: octopus merges from 2.38 on, `-X` from
/// 2.43 on. The others are refused on their result.
fn kinds() -> impl Iterator<Item = &'static [&'static str]> {
    KINDS.iter().copied().filter(|line| {
        let octopus = line == &["merge", "good", "bad"];
        MERGE_TREE_OPTIONS.is_here() || !line.contains(&"-X") && (!octopus || MERGE_TREE.is_here())
    })
}

// H1, H2
#[test]
fn every_kind_of_merge_is_refused_before_a_file_is_touched() {
    let sandbox = guarded(Sandbox::new());
    for line in kinds() {
        refused(&sandbox, line);
    }
    sandbox.write("main", "main\n");
    sandbox.commit("main goes on");
    for line in kinds().filter(|line| !line.contains(&"--ff-only")) {
        refused(&sandbox, line);
    }
}

#[test]
fn the_refusal_reads_like_this() {
    let sandbox = guarded(Sandbox::new());
    let ran = sandbox.git(["merge", "bad"]).exits(128);
    let ours = ran.stderr.split("fatal:").next().unwrap().to_owned();
    snapbox::assert_data_eq!(
        ours,
        str![[r"
guard: refused merging 'bad' into 'main'; next: mend that, or guard allow protected-delete 'scripts/restore.sh' --reason '...'
  block 'scripts/restore.sh' is deleted, protected as 'recovery' [protected-delete]
        by    [..] Ada: bad
        why   on-call needs it
        ask   @ops
        do    guard allow protected-delete 'scripts/restore.sh' --reason '...'
nothing was changed; git's next line is this refusal

"]]
    );
}

// H2: with local changes, and no stash left behind.
#[test]
fn local_changes_stay_through_a_refusal() {
    let sandbox = guarded(Sandbox::new());
    sandbox.write("list", "edited\n").write("untracked", "mine\n");
    refused(&sandbox, &["merge", "--autostash", "bad"]);
    refused(&sandbox, &["merge", "--autostash", "--no-ff", "bad"]);
    assert_eq!(sandbox.git(["stash", "list"]).ok().line(), "");
}

// H2: a merge that conflicts elsewhere.
#[test]
fn a_conflict_elsewhere_hides_nothing() {
    let sandbox = guarded(Sandbox::new());
    sandbox.write("list", lines("ours"));
    sandbox.commit("ours");
    refused(&sandbox, &["merge", "clashbad"]);
}

// H2: worktrees, submodules, other backends and hashes, from a subfolder, detached.
#[test]
fn it_holds_wherever_git_merges() {
    let mut kinds = vec![Sandbox::options().sha256()];
    if REFTABLE.is_here() {
        kinds.push(Sandbox::options().reftable());
    }
    for options in kinds {
        let sandbox = guarded(options.create());
        refused(&sandbox, &["merge", "bad"]);
        refused(&sandbox, &["merge", "--no-ff", "bad"]);
    }
    let sandbox = guarded(Sandbox::new());
    refused_in(&sandbox, &sandbox.at("scripts"), &["merge", "bad"]);
    let linked = sandbox.root().join("linked");
    let _ = sandbox.git(["worktree", "add", "-q", "-b", "side", linked.to_str().unwrap()]).ok();
    refused_in(&sandbox, &linked, &["merge", "bad"]);
    let _ = sandbox.git(["checkout", "-q", "--detach"]).ok();
    refused(&sandbox, &["merge", "bad"]);
}

#[test]
fn it_holds_in_a_submodule() {
    let inner = guarded(Sandbox::new());
    let outer = Sandbox::new();
    let url = inner.work().to_str().unwrap();
    let _ = outer.git(["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", url, "sub"]).ok();
    let folder = outer.at("sub");
    let _ = outer.git_in(&folder, ["branch", "bad", "origin/bad"]).ok();
    let installed = outer.command("guard", &folder).arg("install").status().unwrap();
    assert!(installed.success());
    let head = outer.git_in(&folder, ["rev-parse", "HEAD"]).ok();
    let _ = outer.git_in(&folder, ["-c", "recoveryguard.x=y", "merge", "bad"]).fails().says("[protected-delete]");
    assert_eq!(outer.git_in(&folder, ["rev-parse", "HEAD"]).ok().stdout, head.stdout);
    assert!(folder.join("scripts/restore.sh").exists());
}

// H2b
#[test]
fn the_ours_strategy_keeps_the_file_and_is_not_refused() {
    let sandbox = guarded(Sandbox::new());
    let merge = sandbox.git(["merge", "-q", "-s", "ours", "-m", "ours", "bad"]).ok();
    assert_eq!(merge.stderr, "");
    let _ = sandbox.git(["reset", "-q", "--hard", "HEAD~1"]).ok();
    let _ = sandbox.git(["config", "branch.main.mergeOptions", "-s ours"]).ok();
    let merge = sandbox.git(["merge", "-q", "-m", "ours", "bad"]).ok();
    assert_eq!(merge.stderr, "");
    assert!(sandbox.at("scripts/restore.sh").exists());
}

// H2b: predicted conflicts are no findings, though the predicted files hold markers.
#[test]
fn a_merge_that_only_conflicts_is_not_refused() {
    let sandbox = guarded(Sandbox::new());
    sandbox.write("list", lines("ours"));
    sandbox.commit("ours");
    let merge = sandbox.git(["merge", "clash"]).exits(1);
    assert!(!merge.stderr.contains("guard:"), "{merge}");
    assert!(merge.stdout.contains("CONFLICT"), "{merge}");
}

// H2c, H2d
#[test]
fn a_pull_of_the_own_upstream_is_flagged_once_and_goes_through() {
    let origin = guarded(Sandbox::new());
    let clone = Sandbox::new();
    let _ = clone.git(["remote", "add", "origin", origin.work().to_str().unwrap()]).ok();
    let _ = clone.git(["fetch", "-q", "origin"]).ok();
    let _ = clone.git(["reset", "-q", "--hard", "origin/main"]).ok();
    let _ = clone.git(["branch", "-q", "--set-upstream-to=origin/main"]).ok();
    clone.install();
    let _ = origin.git(["-c", "core.hooksPath=/dev/null", "merge", "-q", "bad"]).ok();
    for kind in ["--ff-only", "--no-ff"] {
        let pull = clone
            .git(["pull", "--no-edit", kind])
            .ok()
            .says("'@{upstream}' already contains it")
            .says("guard undo-merge");
        assert_eq!(pull.stderr.matches("[protected-delete]").count(), 1, "{pull}");
        assert!(pull.stderr.contains("the remote's 'main' into 'main'"), "{pull}");
        let _ = clone.git(["reset", "-q", "--hard", "ORIG_HEAD"]).ok();
    }
    // The same change from a stranger's branch is refused: nothing of it is upstream.
    // From git 2.48 on a fetch makes origin/HEAD, which would be left pointing nowhere.
    let _ = clone.git(["remote", "set-head", "origin", "--delete"]);
    let _ = clone.git(["update-ref", "-d", "refs/remotes/origin/main"]).ok();
    refused(&clone, &["merge", "origin/bad"]);
}

// H3: ORIG_HEAD without heads is no merge.
#[test]
fn what_only_writes_orig_head_is_never_taken_for_a_merge() {
    let sandbox = guarded(Sandbox::new());
    let _ = sandbox.git(["reset", "-q", "--hard", "bad"]).ok();
    let _ = sandbox.git(["reset", "-q", "--hard", "ORIG_HEAD"]).ok();
    let _ = sandbox.git(["merge", "main"]).ok();
    sandbox.write("main", "main\n");
    sandbox.commit("main");
    let rebase = sandbox.git(["rebase", "-q", "good"]).ok();
    assert_eq!(rebase.stderr, "");
    let log = sandbox.guard(["log", "--json"]).ok();
    let document: serde_json::Value = serde_json::from_str(&log.stdout).unwrap();
    let kinds: Vec<&str> =
        document["operations"].as_array().unwrap().iter().filter_map(|operation| operation["kind"].as_str()).collect();
    assert!(!kinds.is_empty() && !kinds.contains(&"merge") && !kinds.contains(&"pull"), "{kinds:?}");
}

// git restores by children that inherit the merge's environment: the decision was made at the first ORIG_HEAD.
#[test]
fn a_merge_that_git_itself_refuses_is_left_to_git() {
    let sandbox = guarded(Sandbox::new());
    sandbox.write("main", "main\n");
    sandbox.commit("main");
    sandbox.write("good", "in the way\n");
    let before = sandbox.state();
    let merge = sandbox.git(["merge", "good"]).fails().says("would be overwritten");
    assert!(!merge.stderr.contains("guard: refused"), "{merge}");
    sandbox.assert_unchanged(&before);
}

// H11, and `guard allow` (design section 5)
#[test]
fn what_is_allowed_is_allowed_for_this_merge_only() {
    let sandbox = guarded(Sandbox::new());
    refused(&sandbox, &["merge", "--no-verify", "bad"]);
    let _ = sandbox.guard(["allow", "protected-delete", "other", "--reason", "wrong path"]).ok();
    refused(&sandbox, &["merge", "bad"]);
    let _ = sandbox.guard(["allow", "mass-delete", "--reason", "wrong rule"]).ok();
    refused(&sandbox, &["merge", "bad"]);
    let allowed = sandbox.guard(["allow", "protected-delete", "scripts/restore.sh", "--reason", "it moved"]).ok();
    assert!(allowed.stdout.contains("the last merge refused here"), "{allowed}");
    // It dies with the tip …
    sandbox.write("main", "main\n");
    sandbox.commit("main");
    refused(&sandbox, &["merge", "bad"]);
    let _ = sandbox.guard(["allow", "protected-delete", "--reason", "it moved", "--for", "bad"]).ok();
    // … and with the incoming commits.
    refused(&sandbox, &["merge", "clashbad"]);
    let _ = sandbox.git(["merge", "-q", "-m", "merge bad", "bad"]).ok().says("allowed: it moved");
    let message = sandbox.git(["log", "-1", "--format=%B"]).ok();
    assert!(message.stdout.contains("Guard-Allow: protected-delete * -- it moved"), "{message}");
    let _ = sandbox.git(["interpret-trailers", "--parse"]).ok();
}

#[test]
fn a_trailer_of_an_incoming_commit_is_a_record_that_counts() {
    let sandbox = guarded(Sandbox::new());
    let _ = sandbox.git(["checkout", "-q", "-b", "told", "main"]).ok();
    let _ = sandbox.git(["rm", "-q", "scripts/restore.sh"]).ok();
    let message = "gone\n\nGuard-Allow: protected-delete scripts/restore.sh -- replaced by restore.py";
    let _ = sandbox.git(["commit", "-q", "-m", message]).ok();
    let _ = sandbox.git(["checkout", "-q", "main"]).ok();
    let _ = sandbox.git(["merge", "told"]).ok().says("replaced by restore.py");
}

// H5 to H7
#[test]
fn a_conclusion_is_judged_on_what_is_committed() {
    let sandbox = guarded(Sandbox::new());
    sandbox.write("list", lines("ours"));
    sandbox.commit("ours");
    let _ = sandbox.git(["merge", "clash"]).exits(1);
    let _ = sandbox.git(["add", "list"]).ok();
    for line in
        [&["commit", "-q", "-m", "with markers"][..], &["merge", "--continue"], &["commit", "-q", "-a", "-m", "x"]]
    {
        let _ = sandbox.git(line).exits(1).says("[conflict-markers]").says("not committed");
    }
    sandbox.write("list", lines("both"));
    let _ = sandbox.git(["rm", "-q", "scripts/restore.sh"]).ok();
    let _ = sandbox.git(["commit", "-q", "-a", "-m", "deletes"]).exits(1).says("[protected-delete]");
    let flagged = sandbox.git(["commit", "-q", "-a", "--no-verify", "-m", "deletes"]).ok().says("[protected-delete]");
    assert_eq!(flagged.stderr.matches("[protected-delete]").count(), 1, "{flagged}");
}

#[test]
fn the_commit_of_a_squash_is_judged_as_the_merge_it_is() {
    let sandbox = guarded(Sandbox::new());
    let _ = sandbox.git(["merge", "-q", "--squash", "good"]).ok();
    let _ = sandbox.git(["rm", "-q", "scripts/restore.sh"]).ok();
    let _ = sandbox.git(["commit", "-q", "-m", "squash"]).exits(1).says("[protected-delete]");
    let _ = sandbox.git(["reset", "-q", "HEAD", "scripts/restore.sh"]).ok();
    let _ = sandbox.git(["commit", "-q", "-m", "squash"]).ok();
    // An ordinary commit is nobody's business.
    let _ = sandbox.git(["commit", "-q", "-a", "-m", "deletes on purpose"]).ok();
}

// H14
#[test]
fn a_merge_is_judged_by_the_manifest_that_it_cannot_change() {
    let sandbox = guarded(Sandbox::new());
    sandbox.branch("weaker", &[(".recoveryguard.toml", Some("version = 1\n")), ("scripts/restore.sh", None)]);
    let before = sandbox.state();
    let _ = sandbox.git(["merge", "weaker"]).fails().says("[manifest-weakened]").says("[protected-delete]");
    sandbox.assert_unchanged(&before);
    let stronger = format!("{MANIFEST}deny = [\"delete\", \"modify\", \"type\"]\n");
    sandbox.branch("stronger", &[(".recoveryguard.toml", Some(&stronger))]);
    let _ = sandbox.git(["merge", "-q", "stronger"]).ok();
}
