//! When something is broken: git keeps working, and what could not be judged is said (H10, H12, H16, bad input).

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use crate::support::Sandbox;

const MANIFEST: &str = "version = 1\n[[protect]]\npaths = [\"/scripts/restore.sh\"]\n";

/// A repository whose branch `bad` deletes a protected file and whose branch `good` adds a harmless one.
fn guarded() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(".recoveryguard.toml", MANIFEST).write("scripts/restore.sh", "restore\n");
    sandbox.commit("protect");
    sandbox.branch("bad", &[("scripts/restore.sh", None)]);
    sandbox.branch("good", &[("good.txt", Some("good\n"))]);
    sandbox.install();
    sandbox
}

// H10
#[test]
fn a_manifest_that_cannot_be_read_is_said_and_git_goes_on() {
    let sandbox = Sandbox::new();
    sandbox.write(".recoveryguard.toml", "version = 1\nprotcet = 1\n");
    sandbox.commit("broken manifest");
    sandbox.branch("feat", &[("feat.txt", Some("x\n"))]);
    sandbox.install();
    let merge = sandbox.git(["merge", "feat"]).ok();
    let merge = merge.says("could not judge").says("line 2, column 1").says("git goes on");
    assert_eq!(merge.stderr.matches("could not judge").count(), 1, "{merge}");
}

// H10: the policy can't come from the manifest that can't be read.
#[test]
fn a_manifest_that_cannot_be_read_refuses_where_the_configuration_says_so() {
    let sandbox = Sandbox::new();
    sandbox.write(".recoveryguard.toml", "version = 1\nprotcet = 1\n");
    sandbox.commit("broken manifest");
    sandbox.branch("feat", &[("feat.txt", Some("x\n"))]);
    sandbox.install();
    let _ = sandbox.git(["config", "recoveryguard.onFailure", "block"]).ok();
    let before = sandbox.state();
    let _ = sandbox.git(["merge", "feat"]).fails().says("could not judge").says("refused");
    sandbox.assert_unchanged(&before);
}

// H14
#[test]
fn a_merge_that_repairs_the_manifest_passes_with_a_warning() {
    let sandbox = Sandbox::new();
    sandbox.write(".recoveryguard.toml", "version = 1\nprotcet = 1\n");
    sandbox.commit("broken manifest");
    sandbox.branch("repair", &[(".recoveryguard.toml", Some(MANIFEST))]);
    sandbox.install();
    let _ = sandbox.git(["config", "recoveryguard.onFailure", "block"]).ok();
    let _ = sandbox.git(["merge", "repair"]).ok().says("[manifest-weakened]");
}

#[test]
fn a_hook_whose_time_is_over_says_so_and_git_goes_on() {
    let sandbox = guarded();
    sandbox.env("RECOVERYGUARD_HOOK_SECONDS", "0");
    let merge = sandbox.git(["merge", "-q", "--no-ff", "-m", "m", "bad"]).ok();
    let _ = merge.says("could not judge: the time limit of 0 s is over; git goes on");
}

// H10: failing closed would leave a repository in which git can't work.
#[test]
fn a_missing_program_never_stops_git_and_leaves_a_trace() {
    let sandbox = guarded();
    fs::remove_file(sandbox.root().join("bin/guard")).unwrap();
    let merge = sandbox.git(["merge", "bad"]).ok().says("guard could not be run");
    assert_eq!(merge.stderr.matches("could not be run").count(), 1, "{merge}");
    let _ = sandbox.git(["commit", "-q", "--allow-empty", "-m", "next"]).ok();
    let _ = sandbox.git(["tag", "t"]).ok();
    assert!(sandbox.common_dir().join("recoveryguard/missed").exists());
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_guard"), sandbox.root().join("bin/guard")).unwrap();
    let doctor = sandbox.guard(["doctor"]).exits(1);
    assert!(doctor.stdout.contains("could not find the guard"), "{doctor}");
    let _ = sandbox.guard(["install"]).ok();
    let _ = sandbox.guard(["doctor"]).ok();
}

// H12, and an unreadable journal: what can't be recorded must not change what is judged.
#[test]
fn a_journal_that_cannot_be_written_changes_no_verdict() {
    let sandbox = guarded();
    let folder = sandbox.common_dir().join("recoveryguard");
    let _ = fs::remove_dir_all(folder.join("journal"));
    fs::write(folder.join("journal"), "not a folder").unwrap();
    let before = sandbox.state();
    let _ = sandbox.git(["merge", "bad"]).fails().says("[protected-delete]");
    sandbox.assert_unchanged(&before);
    let _ = sandbox.git(["merge", "good"]).ok().says("not recorded");
    let doctor = sandbox.guard(["doctor"]).exits(1);
    assert!(doctor.stdout.contains("journal"), "{doctor}");
}

// Foreign files in our folder are told, and in nobody's way.
#[test]
fn foreign_and_damaged_records_are_told_and_the_rest_still_counts() {
    let sandbox = guarded();
    let _ = sandbox.git(["merge", "--no-ff", "-m", "m", "good"]).ok();
    let journal = sandbox.common_dir().join("recoveryguard/journal");
    fs::write(journal.join("notes.txt"), "mine").unwrap();
    let doctor = sandbox.guard(["doctor"]).exits(1);
    assert!(doctor.stdout.contains("notes.txt"), "{doctor}");
    assert_eq!(fs::read(journal.join("notes.txt")).unwrap(), b"mine");
    let _ = sandbox.guard(["undo-merge"]).ok();
}

// H12
#[test]
fn closed_streams_change_nothing() {
    let sandbox = guarded();
    let before = sandbox.state();
    for script in ["exec git merge bad <&- >&- 2>&-", "exec git merge bad 2>/dev/full"] {
        let status =
            sandbox.command("/bin/sh", sandbox.work()).args(["-c", script]).stdin(Stdio::null()).status().unwrap();
        assert!(!status.success(), "{script}");
        sandbox.assert_unchanged(&before);
    }
    let script = "exec git merge --no-edit good <&- >&- 2>&-";
    let status = sandbox.command("/bin/sh", sandbox.work()).args(["-c", script]).status().unwrap();
    assert!(status.success());
}

// H16: a merge base that is not here.
#[test]
fn a_shallow_clone_is_not_judged_green() {
    let origin = guarded();
    let _ = origin.git(["config", "uploadpack.allowAnySHA1InWant", "true"]).ok();
    origin.write("more.txt", "1\n");
    origin.commit("more");
    let clone = Sandbox::new();
    let url = format!("file://{}", origin.work().display());
    let _ = clone.git(["fetch", "-q", "--depth=1", &url, "main:shallow-main", "bad:shallow-bad"]).ok();
    let _ = clone.git(["checkout", "-q", "shallow-main"]).ok();
    clone.install();
    // git itself calls the two unrelated.
    let _ = clone.guard(["check", "shallow-bad"]).exits(3).says("the clone is shallow");
    let merge = clone.git(["merge", "--allow-unrelated-histories", "-m", "m", "shallow-bad"]);
    let _ = merge.says("could not judge merging").says("the clone is shallow");
}

// Bad input: an object that is missing.
#[test]
fn a_missing_object_is_said_with_its_own_exit_code() {
    let sandbox = guarded();
    sandbox.damaged();
    let tree = sandbox.rev("good^{tree}");
    let file = sandbox.common_dir().join("objects").join(&tree[..2]).join(&tree[2..]);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    fs::remove_file(file).unwrap();
    let check = sandbox.guard(["check", "good"]).exits(3);
    assert!(check.stderr.contains("missing"), "{check}");
}
