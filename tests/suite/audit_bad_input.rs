//! `guard audit` where something is missing, damaged, huge or odd: said, with an exit code of its own, never called clean.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use crate::support::{Ran, Sandbox};

fn lines(count: usize, changed: usize, to: &str) -> String {
    (1..=count).map(|number| if number == changed { format!("{to}\n") } else { format!("line {number}\n") }).collect()
}

/// A merge of two sides that changed one file in different places.
fn merged(path: &OsStr) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(path, lines(30, 0, ""));
    sandbox.commit("file");
    let _ = sandbox.git(["checkout", "-q", "-b", "feat"]).ok();
    sandbox.write(path, lines(30, 25, "feat's careful work"));
    sandbox.commit("feat's work");
    let _ = sandbox.git(["checkout", "-q", "main"]).ok();
    sandbox.write(path, lines(30, 5, "main's work"));
    sandbox.commit("main's work");
    sandbox
}

fn clean() -> Sandbox {
    let sandbox = merged(OsStr::new("code.txt"));
    let _ = sandbox.git(["merge", "-q", "-m", "merge", "feat"]).ok();
    sandbox
}

/// Where git keeps an object that is in no pack.
fn loose(sandbox: &Sandbox, revision: &str) -> std::path::PathBuf {
    let oid = sandbox.rev(revision);
    sandbox.common_dir().join("objects").join(&oid[..2]).join(&oid[2..])
}

fn not_judged(ran: &Ran) {
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    let merge = &document["merges"][0];
    assert_eq!(merge["verdict"], "could-not-judge", "{document:#}");
    assert!(merge["failure"].as_str().unwrap().len() > 10);
}

#[test]
fn a_missing_or_damaged_object_is_no_clean_merge() {
    for object in ["feat:code.txt", "feat^{tree}", "main^1:code.txt"] {
        for damaged in [false, true] {
            let sandbox = clean();
            sandbox.damaged();
            let path = loose(&sandbox, object);
            fs::remove_file(&path).unwrap();
            if damaged {
                fs::write(&path, b"no zlib stream").unwrap();
            }
            not_judged(&sandbox.guard(["audit", "--json"]).exits(3));
            assert!(sandbox.guard(["audit"]).exits(3).stdout.contains("could not judge"));
        }
    }
}

/// Nothing is fetched for an audit: what a partial clone lacks is said.
#[test]
fn a_partial_clone_is_not_called_clean() {
    let sandbox = clean();
    let _ = sandbox.git(["config", "uploadpack.allowFilter", "true"]).ok();
    let url = format!("file://{}", sandbox.work().display());
    let _ = sandbox.git(["clone", "-q", "--no-checkout", "--filter=blob:none", &url, "../partial"]).ok();
    not_judged(&sandbox.guard(["-C", "../partial", "audit", "--json"]).exits(3));
}

/// A path that is no UTF-8 is looked at like any other, and shown escaped.
#[test]
fn a_path_that_is_no_text_is_audited() {
    let name = OsStr::from_bytes(b"caf\xe9/no\xfftext.txt");
    let sandbox = merged(name);
    let _ = sandbox.git(["merge", "-q", "--no-commit", "feat"]);
    sandbox.write(name, lines(30, 5, "main's work"));
    let _ = sandbox.git(["commit", "-q", "-a", "-m", "merge"]).ok();
    let document: Value = serde_json::from_str(&sandbox.guard(["audit", "--json"]).ok().stdout).unwrap();
    assert_eq!(document["merges"][0]["deviates"], true, "{document:#}");
    let said = sandbox.guard(["audit", "--all"]).ok().stdout;
    assert!(said.contains(r"caf\xe9/no\xfftext.txt"), "{said}");
}

/// A file of which nobody looks at the content is no clean merge either.
#[test]
fn a_huge_file_that_both_sides_changed_deviates() {
    let sandbox = Sandbox::new();
    let huge = |first: &str, last: &str| format!("{first}\n{}{last}\n", "the same line\n".repeat(2_500_000));
    sandbox.write("huge.txt", huge("a", "z"));
    sandbox.commit("file");
    let _ = sandbox.git(["checkout", "-q", "-b", "feat"]).ok();
    sandbox.write("huge.txt", huge("a", "feat"));
    sandbox.commit("feat's work");
    let _ = sandbox.git(["checkout", "-q", "main"]).ok();
    sandbox.write("huge.txt", huge("main", "z"));
    sandbox.commit("main's work");
    let _ = sandbox.git(["merge", "-q", "-s", "ours", "-m", "merge", "feat"]).ok();
    let document: Value = serde_json::from_str(&sandbox.guard(["audit", "--json"]).ok().stdout).unwrap();
    assert_eq!(document["merges"][0]["deviates"], true, "{document:#}");
}

/// 100,000 paths, all of them changed by one side or the other, and one change lost.
#[test]
fn a_merge_of_a_hundred_thousand_paths_is_audited() {
    let sandbox = Sandbox::new();
    let paths = 100_000;
    let mut input = String::new();
    for (mark, text) in [(1, "base"), (2, "first"), (3, "second")] {
        writeln!(input, "blob\nmark :{mark}\ndata {}\n{text}\n", text.len() + 1).unwrap();
    }
    let mut commit = |mark: u32, parents: &str, blob: &dyn Fn(usize) -> u32| {
        write!(input, "commit refs/heads/big\nmark :{mark}\ncommitter A <a@b> {mark}00 +0000\ndata 2\nc\n{parents}")
            .unwrap();
        for path in 0..paths {
            writeln!(input, "M 100644 :{} folder{}/file{path}", blob(path), path / 500).unwrap();
        }
    };
    commit(10, "", &|_| 1);
    commit(11, "from :10\n", &|path| if path % 2 == 0 { 2 } else { 1 });
    commit(12, "from :10\n", &|path| if path % 2 == 0 { 1 } else { 3 });
    commit(13, "from :11\nmerge :12\n", &|path| match path {
        77_777 => 1,
        _ => 2 + u32::try_from(path % 2).unwrap(),
    });
    let arguments = ["fast-import", "--quiet", "--force"];
    let _ = Ran::of(sandbox.command("git", sandbox.work()).args(arguments), input.as_bytes()).ok();
    let document: Value = serde_json::from_str(&sandbox.guard(["audit", "--json", "big"]).ok().stdout).unwrap();
    let findings = document["merges"][0]["findings"].as_array().unwrap();
    let at: Vec<&str> = findings.iter().map(|finding| finding["path"].as_str().unwrap()).collect();
    assert_eq!(at, ["folder155/file77777"], "{document:#}");
}

/// Whether this process ignores SIGINT, as `/proc` tells.
fn ignores_interrupts() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & 2 != 0)
}

/// Ctrl-C ends it at once, as the shell's 130, and leaves nothing behind.
#[test]
fn an_interrupted_audit_leaves_nothing_behind() {
    let sandbox = clean();
    let before = sandbox.state();
    let mut command = sandbox.command("guard", sandbox.work());
    let mut guard = command
        .args(["audit", "--stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(200));
    // Where Ctrl-C is ignored (a job in the background of a script), so it is by what is started there.
    let (name, number) = if ignores_interrupts() { ("-TERM", 15) } else { ("-INT", 2) };
    let _ = Ran::of(sandbox.command("kill", sandbox.work()).args([name, &guard.id().to_string()]), b"").ok();
    // Its stdin stays open: an end of it would end guard, too.
    let stdin = guard.stdin.take();
    let status = guard.wait().unwrap();
    drop(stdin);
    assert!(status.signal() == Some(number) || status.code() == Some(128 + number), "{status:?}");
    sandbox.assert_unchanged(&before);
}
