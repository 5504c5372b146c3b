//! D7: a disk that is full, a real one: a tmpfs in a mount namespace of its own. Where none can be had the tests say so.

use super::{create, json, sandbox};
use crate::support::{Ran, run_mounting};

/// Bytes that can't be compressed.
fn noise(seed: u64, number: usize) -> Vec<u8> {
    let mut random = crate::support::Random(seed);
    (0..number).map(|_| u8::try_from(random.below(256)).unwrap()).collect()
}

#[test]
fn needs_tmpfs_a_full_disk_leaves_source_and_store_whole() {
    let sandbox = sandbox();
    sandbox.write("data/small.txt", "small\n").write("big", noise(1, 3 << 20));
    let script = "
        mkdir -p .git/recoveryguard && mount -t tmpfs -o size=1m guard-test .git/recoveryguard || exit 99
        guard backup create; echo first $?
        cp big data/big.bin
        guard backup create; echo full $?
        cmp big data/big.bin; echo same $?
        guard backup verify; echo whole $?
        rm data/big.bin; echo changed >data/small.txt
        guard backup create; echo again $?
        guard backup verify; echo whole $?
        guard backup list
    ";
    let Some(ran) = run_mounting(&sandbox, script) else { return };
    for line in ["first 0", "full 2", "same 0", "again 0"] {
        assert!(ran.stdout.lines().any(|said| said == line), "{line}: {ran}");
    }
    assert_eq!(ran.stdout.lines().filter(|line| *line == "whole 0").count(), 2, "{ran}");
    assert!(ran.stderr.contains("No space left on device"), "{ran}");
    let listed = ran.stdout.lines().filter(|line| line.starts_with("2023") && line.contains("  good,")).count();
    assert_eq!(listed, 2, "{ran}");
}

/// A file size limit makes the write fail, and nothing half done stays.
#[test]
fn d7_a_file_size_limit_is_no_sudden_end() {
    let sandbox = sandbox();
    sandbox.write("data/big.bin", noise(3, 1 << 20)).write("data/small.txt", "small\n").commit("data");
    let id = create(&sandbox);
    let limited = |command: &str| {
        let script = format!("ulimit -f 128; exec guard {command}");
        Ran::of(sandbox.command("sh", sandbox.work()).args(["-c", &script]), b"")
    };
    sandbox.write("data/big.bin", noise(4, 1 << 20));
    let told = limited("backup create").exits(2);
    assert!(told.stderr.contains("guard: "), "{told}");
    let _ = super::backup(&sandbox, &["verify", "--level", "restore"]).ok();
    sandbox.write("data/big.bin", "changed\n");
    let before = sandbox.state();
    for from in [id.as_str(), "HEAD"] {
        let told = limited(&format!("restore data/big.bin --from {from}")).fails();
        assert!(told.stderr.contains("File too large") && told.stderr.contains("everything was put back"), "{told}");
        sandbox.assert_unchanged(&before);
    }
    let _ = sandbox.guard(["restore", "data/big.bin", "--from", "HEAD"]).ok();
    assert_eq!(sandbox.read("data/big.bin"), noise(3, 1 << 20));
}

/// What comes back is written beside the file first: there is no room for both.
#[test]
fn needs_tmpfs_a_full_disk_leaves_what_should_be_restored_alone() {
    let sandbox = sandbox();
    let (saved, now) = (noise(1, 600 << 10), noise(2, 600 << 10));
    sandbox.write("data/a.bin", &saved);
    let id = create(&sandbox);
    sandbox.write("saved", &saved).write("now", &now);
    let script = format!(
        "
        mount -t tmpfs -o size=1m guard-test data || exit 99
        cp now data/a.bin
        guard restore data/a.bin --from {id}; echo full $?
        cmp now data/a.bin; echo same $?
        ls -A data
        mount -o remount,size=4m data
        guard restore data/a.bin --from {id}; echo again $?
        cmp saved data/a.bin; echo back $?
        "
    );
    let Some(ran) = run_mounting(&sandbox, &script) else { return };
    assert_eq!(ran.stdout.lines().filter(|line| *line == "a.bin").count(), 1, "{ran}");
    for line in ["same 0", "again 0", "back 0"] {
        assert!(ran.stdout.lines().any(|said| said == line), "{line}: {ran}");
    }
    assert!(!ran.stdout.contains("full 0"), "{ran}");
    assert_eq!(json(&sandbox, &["verify"])["damaged"], serde_json::json!([]));
}
