//! Names that are not letters and digits (H15): told apart, matched as bytes, and never let loose on a terminal.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::support::{Ran, Sandbox};

const ODD: &[&[u8]] = &[
    b"with space.sh",
    b"new\nline.sh",
    b"quote'\".sh",
    b"-dash.sh",
    b"not-utf8-\xff.sh",
    b"\x1b[31mred.sh",
    b"back\\slash.sh",
    "u\u{202e}mlaut-\u{e4}.sh".as_bytes(),
    b"$HOME`id`.sh",
];

#[test]
fn odd_names_are_protected_and_shown_escaped() {
    let sandbox = Sandbox::new();
    sandbox.write(".recoveryguard.toml", "version = 1\n[[protect]]\npaths = [\"/keep/**\"]\n");
    for name in ODD {
        sandbox.write(OsStr::from_bytes(&[b"keep/", *name].concat()), "x\n");
    }
    sandbox.commit("odd names");
    let _ = sandbox.git(["checkout", "-q", "-b", "bad"]).ok();
    let _ = sandbox.git(["rm", "-q", "-r", "keep"]).ok();
    sandbox.commit("gone");
    let _ = sandbox.git(["checkout", "-q", "main"]).ok();
    sandbox.install();
    let before = sandbox.state();
    let merge = sandbox.git(["merge", "bad"]).fails();
    sandbox.assert_unchanged(&before);
    assert_eq!(merge.stderr.matches("[protected-delete]").count(), ODD.len(), "{merge}");
    let raw = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
    assert!(!merge.stderr.contains(raw), "{merge}");
    let check = sandbox.guard(["check", "bad", "--json"]).exits(1);
    assert!(!check.stdout.contains('\u{1b}'), "{check}");
    let document: serde_json::Value = serde_json::from_str(&check.stdout).unwrap();
    assert_eq!(document["findings"].as_array().unwrap().len(), ODD.len());
}

#[test]
fn the_allow_command_works_as_printed_for_every_name() {
    for name in ODD {
        let sandbox = Sandbox::new();
        sandbox.write(".recoveryguard.toml", "version = 1\n[[protect]]\npaths = [\"/keep/**\"]\n");
        let path = [b"keep/", *name].concat();
        sandbox.write(OsStr::from_bytes(&path), "x\n").write("keep/other", "x\n");
        sandbox.commit("odd name");
        let _ = sandbox.git(["checkout", "-q", "-b", "bad"]).ok();
        std::fs::remove_file(sandbox.at(OsStr::from_bytes(&path))).unwrap();
        sandbox.commit("gone");
        let _ = sandbox.git(["checkout", "-q", "main"]).ok();
        sandbox.install();
        let refused = sandbox.git(["merge", "bad"]).fails();
        let command =
            refused.stderr.lines().find_map(|line| line.trim().strip_prefix("do ")).unwrap().trim().to_owned();
        // bash, because $'…' is how a name with control characters is typed.
        let allow = sandbox.command("/bin/bash", sandbox.work()).args(["-c", &command]).output().unwrap();
        assert!(allow.status.success(), "{command}: {}", String::from_utf8_lossy(&allow.stderr));
        let _ = sandbox.git(["merge", "--no-ff", "-m", "allowed", "bad"]).ok();
        let message = sandbox.git(["log", "-1", "--format=%B"]).ok();
        assert!(message.stdout.contains("Guard-Allow: protected-delete "), "{message}");
    }
}

#[test]
fn hostile_branch_names_and_messages_reach_no_terminal_raw() {
    let sandbox = Sandbox::new();
    sandbox.write(".recoveryguard.toml", "version = 1\n[[protect]]\npaths = [\"/keep\"]\n").write("keep", "x\n");
    sandbox.commit("protect");
    let _ = sandbox.git(["checkout", "-q", "-b", "b\u{202e}ad"]).ok();
    std::fs::remove_file(sandbox.at("keep")).unwrap();
    let _ = sandbox.git(["commit", "-q", "-a", "-m", "red \u{1b}[31m and \u{7} bell"]).ok();
    let _ = sandbox.git(["checkout", "-q", "main"]).ok();
    sandbox.install();
    let merge = sandbox.git(["merge", "b\u{202e}ad"]).fails().says("red \\u{1b}[31m");
    let ours = merge.stderr.lines().take_while(|line| !line.starts_with("fatal:")).collect::<String>();
    assert!(!ours.contains(|c: char| c.is_control() || c == '\u{202e}'), "{merge}");
}

// H15: what stands at a path turns into something else.
#[test]
fn a_protected_file_that_turns_into_something_else_is_refused() {
    type Turn = fn(&Sandbox);
    let turns: [(&str, Turn); 3] = [
        ("folder", |sandbox| _ = sandbox.write("keep/inner", "x\n")),
        ("link", |sandbox| std::os::unix::fs::symlink("base.txt", sandbox.at("keep")).unwrap()),
        ("submodule", |sandbox| {
            let head = sandbox.rev("HEAD");
            let entry = format!("160000,{head},keep");
            let _ = sandbox.git(["update-index", "--add", "--cacheinfo", &entry]).ok();
            std::fs::create_dir(sandbox.at("keep")).unwrap();
        }),
    ];
    for (name, turn) in turns {
        let sandbox = Sandbox::new();
        sandbox.write(".recoveryguard.toml", "version = 1\n[[protect]]\npaths = [\"/keep\"]\n").write("keep", "x\n");
        sandbox.commit("protect");
        let _ = sandbox.git(["checkout", "-q", "-b", "bad"]).ok();
        let _ = sandbox.git(["rm", "-q", "keep"]).ok();
        turn(&sandbox);
        if name != "submodule" {
            let _ = sandbox.git(["add", "-A"]).ok();
        }
        let _ = sandbox.git(["commit", "-q", "-m", name]).ok();
        let _ = sandbox.git(["checkout", "-q", "-f", "main"]).ok();
        sandbox.install();
        let before = sandbox.state();
        let merge = sandbox.git(["merge", "bad"]).fails();
        assert!(merge.stderr.contains("[protected-"), "{name}: {merge}");
        sandbox.assert_unchanged(&before);
    }
}

/// git answers in lines: where the path of the repository holds one, that is said, and nothing is done.
#[test]
fn a_line_feed_in_the_path_of_the_repository_is_refused() {
    let sandbox = Sandbox::new();
    let odd = sandbox.root().join("a\nb");
    std::fs::rename(sandbox.work(), &odd).unwrap();
    for command in ["install", "doctor", "log"] {
        let ran = Ran::of(sandbox.command("guard", &odd).arg(command), b"").fails();
        assert!(ran.stderr.contains("there is a line feed in the path of this repository"), "{ran}");
    }
    assert!(!odd.join(".git/recoveryguard").exists());
    std::fs::rename(&odd, sandbox.work()).unwrap();
}
