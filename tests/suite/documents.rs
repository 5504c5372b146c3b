//! `--json`: whatever a command does, and however it ends, stdout holds one document of the form that docs/json.md describes.
//!
//! The commands come from the program's own manual pages, so that a new one can't be forgotten.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::support::{Ran, Sandbox};

/// How each command is called where nothing special is wanted, and how it ends in a fresh repository without hooks.
const CALLS: [(&str, &[&str], i32); 29] = [
    ("allow", &["protected-delete", "--reason", "why"], 4),
    ("audit", &[], 0),
    ("backup create", &[], 0),
    ("backup fetch", &["../bare"], 0),
    ("backup list", &[], 0),
    ("backup prune", &["--dry-run"], 0),
    ("backup push", &["../bare"], 0),
    ("backup show", &[], 0),
    ("backup verify", &[], 0),
    ("check", &["HEAD"], 0),
    ("completions", &["bash"], 0),
    ("demo", &[], 0),
    ("doctor", &[], 1),
    ("drill", &["--list"], 0),
    ("explain", &["lost-change"], 0),
    ("explain incident", &["merge-deletes"], 0),
    ("init", &[], 4),
    ("install", &["--dry-run"], 0),
    ("log", &[], 0),
    ("log", &["--prune"], 0),
    ("man", &["check"], 0),
    ("redo", &[], 4),
    ("restore", &["data/a.json"], 0),
    ("runbook", &["--check"], 1),
    ("show", &["2"], 2),
    ("undo", &[], 4),
    ("undo-merge", &[], 4),
    ("uninstall", &[], 0),
    ("verify", &[], 0),
];

/// Commands that need no repository.
const ANYWHERE: [&str; 6] = ["completions", "demo", "drill", "explain", "explain incident", "man"];

/// Returns the commands, from the names of their manual pages.
fn commands(sandbox: &Sandbox) -> BTreeSet<String> {
    let ran = sandbox.guard(["man", "-o", "../pages", "--json"]).ok();
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    let pages: Vec<String> =
        document["files"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect();
    let names = pages.iter().filter_map(|page| page.strip_prefix("guard-")?.strip_suffix(".1"));
    let group = |name: &&str| *name != "backup";
    names.filter(group).map(|name| name.replacen("backup-", "backup ", 1).replacen("explain-", "explain ", 1)).collect()
}

fn words<'a>(command: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    command.split(' ').chain(more.iter().copied()).chain(["--json"]).collect()
}

/// Returns the one document on stdout, and holds it against what is promised of each.
#[track_caller]
fn document(command: &str, ran: &Ran) -> Value {
    let read: Result<Value, _> = serde_json::from_str(&ran.stdout);
    let document = read.unwrap_or_else(|error| panic!("no document of '{command}', {error}: {ran}"));
    assert!(ran.stdout.ends_with("}\n") && ran.stdout.matches('\n').count() == 1, "{ran}");
    let name = command.strip_suffix(" incident").unwrap_or(command);
    assert_eq!((&document["version"], &document["command"]), (&1.into(), &name.into()), "{ran}");
    let page = include_str!("../../docs/json.md");
    for field in document.as_object().unwrap().keys() {
        assert!(page.contains(&format!("`{field}`")), "docs/json.md does not know `{field}` of '{command}': {ran}");
    }
    if document.get("exit").is_some() {
        assert_eq!(document["exit"], ran.status, "{ran}");
        let why = document["failure"].as_str().unwrap();
        assert!(!why.is_empty() && ran.stderr.starts_with(&format!("guard: {}", why.lines().next().unwrap())), "{ran}");
        assert!(document["hint"].is_string() || document["hint"].is_null(), "{ran}");
    }
    document
}

/// The same of a command that failed before it had anything to say: the document says why, and what to do.
#[track_caller]
fn failure(command: &str, ran: &Ran) -> Value {
    let document = document(command, ran);
    assert!(document["exit"].is_number(), "'{command}' failed without saying so in its document: {ran}");
    document
}

/// A repository with data that is good and backed up, and a bare one beside it.
fn project() -> Sandbox {
    let sandbox = Sandbox::new();
    let manifest = "version = 1\n[backup]\nkeep = \"last=2\"\n[[data]]\npaths = [\"data/\"]\nbackup = true\n[[protect]]\npaths = [\"tool.sh\"]\n";
    sandbox.write(".recoveryguard.toml", manifest).write("data/a.json", "[]\n").write("tool.sh", "#!/bin/sh\n");
    sandbox.commit("project");
    let _ = sandbox.git(["init", "-q", "--bare", "../bare"]).ok();
    let _ = sandbox.guard(["backup", "create"]).ok();
    sandbox
}

#[test]
fn every_command_answers_in_a_document() {
    let sandbox = project();
    let known: BTreeSet<String> = CALLS.iter().map(|(command, ..)| (*command).to_owned()).collect();
    assert_eq!(commands(&sandbox), known, "each command has to be called here");
    for (command, more, status) in CALLS {
        let ran = sandbox.guard(words(command, more)).exits(status);
        let document = document(command, &ran);
        assert_eq!(document.get("exit").is_some(), matches!(status, 2 | 4), "{ran}");
        let help = sandbox.guard(words(command, &["--help"])).ok().stdout;
        let codes =
            help.split("Exit codes:").nth(1).unwrap_or_else(|| panic!("{command} does not tell its exit codes"));
        let mut told = codes.split(|c: char| !c.is_ascii_digit());
        assert!(
            told.any(|code| code == status.to_string()),
            "'{command}' ended with {status}, which its help does not tell"
        );
    }
}

#[test]
fn every_command_answers_a_wrong_line_in_a_document() {
    let sandbox = Sandbox::new();
    for command in commands(&sandbox) {
        let ran = sandbox.guard(words(&command, &["--no-such-option"])).exits(2);
        let read: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{command}: {error}: {ran}"));
        let name = command.strip_suffix(" incident").unwrap_or(&command);
        assert_eq!((&read["command"], &read["exit"]), (&name.into(), &2.into()), "{ran}");
        assert_eq!(read["failure"], "unexpected argument '--no-such-option' found", "{ran}");
        assert_eq!(read["hint"], format!("guard {name} --help"), "{ran}");
        let _ = ran.says("unexpected argument '--no-such-option'");
    }
    let missing = sandbox.guard(["allow", "--json"]).exits(2);
    let read: Value = serde_json::from_str(&missing.stdout).unwrap();
    assert_eq!(read["failure"], "the following required arguments were not provided: --reason <TEXT> <RULE>");
    for nothing in [&["--json"][..], &["--json", "frobnicate"], &["backup", "--json"]] {
        let ran = sandbox.guard(nothing).exits(2);
        let read: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran}"));
        assert!(read["failure"].is_string() && read["command"].is_string(), "{ran}");
    }
    assert_eq!(sandbox.guard(["check", "--no-such-option"]).exits(2).stdout, "", "nobody asked for a document");
    assert_eq!(sandbox.guard(["check", "--", "--json"]).exits(2).stdout, "", "a revision of that name");
}

#[test]
fn every_command_that_needs_a_repository_says_in_a_document_that_there_is_none() {
    let sandbox = project();
    fs::create_dir(sandbox.root().join("nowhere")).unwrap();
    for (command, more, _) in CALLS.into_iter().filter(|(command, ..)| !ANYWHERE.contains(command)) {
        let ran = sandbox.guard([&["-C", "../nowhere"], &words(command, more)[..]].concat()).exits(2);
        let document = failure(command, &ran);
        assert!(document["failure"].as_str().unwrap().contains("not a git repository"), "{ran}");
    }
}

/// What each way of ending looks like, for a few commands that can end so.
#[test]
fn there_is_a_document_however_a_command_ends() {
    let sandbox = project();
    let feat = sandbox.branch("feat", &[("tool.sh", None)]);
    sandbox.branch("broken", &[(".recoveryguard.toml", Some("version = 1\nnonsense = 2\n"))]);
    let _ = sandbox.git(["init", "-q", "../unborn"]).ok();
    let _ = sandbox.git(["clone", "-q", "--bare", ".", "../copy.git"]).ok();
    let folder = sandbox.common_dir().join("recoveryguard");
    fs::create_dir_all(&folder).unwrap();
    let ends = |command: &str, more: &[&str], status: i32| {
        document(command, &sandbox.guard(words(command, more)).exits(status))
    };
    let fails = |command: &str, more: &[&str], status: i32| {
        failure(command, &sandbox.guard(words(command, more)).exits(status))
    };
    // 1: an answer, and not the one that was hoped for.
    assert_eq!(ends("check", &["feat"], 1)["verdict"], "block");
    let _ = ends("check", &["--merge", &feat, "--strict"], 1);
    // 2: asked for what is not there, or can't be.
    let _ = fails("check", &["no-such-branch"], 2);
    let _ = fails("check", &["a..b", "c"], 2);
    let _ = fails("audit", &["no-such-branch"], 2);
    let _ = fails("explain", &["no-such-rule"], 2);
    let _ = fails("explain incident", &["no-such-incident"], 2);
    let _ = fails("drill", &["no-such-incident"], 2);
    let _ = fails("man", &["no-such-command"], 2);
    let _ = fails("allow", &["no-such-rule", "--reason", "x"], 2);
    let _ = fails("verify", &["no-such-file"], 2);
    let _ = fails("verify", &["--all-versions", "data"], 2);
    let _ = fails("verify", &["--rev", "no-such-revision"], 2);
    let _ = fails("verify", &["-o", "data"], 2);
    let _ = fails("backup show", &["1999"], 2);
    let _ = fails("backup verify", &["1999"], 2);
    let _ = fails("backup push", &["../no-such-repository"], 2);
    let _ = fails("backup fetch", &["../no-such-repository"], 2);
    // 4: refused.
    let _ = fails("install", &["--server"], 4);
    assert_eq!(fails("restore", &["no-such-file", "--dry-run"], 4)["dry_run"], true);
    assert_eq!(fails("restore", &["--undo"], 4)["done"], false);
    let _ = fails("undo-merge", &["no-such-thing"], 4);
    for (command, more, status) in
        [("install", &[][..], 4), ("init", &[], 4), ("undo-merge", &[], 4), ("verify", &[], 2)]
    {
        let line = [&["-C", "../copy.git"], &words(command, more)[..]].concat();
        let _ = failure(command, &sandbox.guard(line).exits(status));
    }
    for (command, more, status) in [("check", &["HEAD"][..], 2), ("undo-merge", &[], 4), ("audit", &[], 2)] {
        let line = [&["-C", "../unborn"], &words(command, more)[..]].concat();
        let _ = failure(command, &sandbox.guard(line).exits(status));
    }
    // 5: somebody else is at work.
    for (lock, command, more) in [("backup.lock", "backup create", &[][..]), ("lock", "log", &["--prune"])] {
        let held = recoveryguard::disk::lock(&folder.join(lock), recoveryguard::model::Timestamp(0)).unwrap();
        let document = fails(command, more, 5);
        assert!(document["hint"].as_str().unwrap().contains("run it again"), "{document}");
        drop(held);
    }
    // Bad data is 1, and a manifest that can't be read is 2, of every command that needs it.
    sandbox.write("data/a.json", "{");
    assert_eq!(ends("verify", &[], 1)["verdict"], "block");
    let _ = ends("backup create", &[], 1);
    sandbox.write(".recoveryguard.toml", "version = 1\nnonsense = 2\n");
    for (command, more) in
        [("verify", &[][..]), ("backup create", &[]), ("backup prune", &[]), ("restore", &["--missing"])]
    {
        let document = fails(command, more, 2);
        assert!(document["failure"].as_str().unwrap().contains("nonsense"), "{document}");
    }
}

/// A check that comes to nothing has its own document, in which the verdict says so.
#[test]
fn what_could_not_be_judged_has_one_document_too() {
    let sandbox = project();
    let _ =
        sandbox.git(["clone", "-q", "--depth=1", &format!("file://{}", sandbox.work().display()), "../shallow"]).ok();
    let old = sandbox.rev("HEAD^");
    let ran = sandbox.guard(["-C", "../shallow", "check", &format!("{old}..HEAD"), "--json"]).exits(2);
    let _ = failure("check", &ran);
    sandbox
        .env("GITLAB_CI", "true")
        .env("CI_COMMIT_SHA", "HEAD")
        .env("CI_COMMIT_BEFORE_SHA", &old)
        .env("CI_COMMIT_BRANCH", "main");
    let ran = sandbox.guard(["-C", "../shallow", "check", "--ci", "--json"]).exits(3);
    assert_eq!(document("check", &ran)["verdict"], "could-not-judge", "{ran}");
}

#[test]
fn a_format_is_another_way_to_ask_for_a_document() {
    let sandbox = Sandbox::new();
    for line in [
        &["check", "nowhere", "--format", "json"][..],
        &["check", "--format=json"],
        &["verify", "--format", "json", "x"],
    ] {
        let ran = sandbox.guard(line).exits(2);
        let read: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran}"));
        assert_eq!(read["exit"], 2, "{ran}");
    }
    assert_eq!(sandbox.guard(["check", "nowhere", "--format", "sarif"]).exits(2).stdout, "");
}

/// Who reads half of an answer must not take it for all of it.
#[test]
fn an_answer_that_does_not_get_out_is_no_success() {
    let sandbox = Sandbox::new();
    for line in
        ["guard explain --json >/dev/full", "guard explain >/dev/full", "guard check HEAD --format sarif >/dev/full"]
    {
        let mut command = sandbox.command("sh", sandbox.work());
        let ran = Ran::of(command.args(["-c", line]), b"").exits(2);
        assert!(ran.stderr.contains("guard: the answer was not written: No space left"), "{ran}");
    }
    let mut command = sandbox.command("sh", sandbox.work());
    let _ = Ran::of(command.args(["-c", "guard explain --json | true; guard explain | head -n 1"]), b"").ok();
}
