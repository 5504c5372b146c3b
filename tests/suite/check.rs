//! `guard check` judges without doing: exit codes, what it may look at, and its JSON (design sections 3 and 5).

use std::path::Path;

use serde_json::Value;
use snapbox::str;

use crate::support::{MERGE_TREE, Ran, Sandbox, Tree};

const MANIFEST: &str = "version = 1\n\
    [[protect]]\nname = \"recovery\"\npaths = [\"/keep\"]\nreason = \"on-call needs it\"\nowners = [\"@ops\"]\n\
    [[protect]]\nname = \"settings\"\npaths = [\"/settings\"]\ndeny = [\"modify\"]\nlevel = \"warn\"\n\
    [[data]]\npaths = [\"data/*.json\"]\n";

fn numbered(changed: usize) -> String {
    (1..=30).map(|n| if n == changed { "changed\n".to_owned() } else { format!("{n}\n") }).collect()
}

/// `bad` deletes a protected file, `warned` changes one that only warns, `deep` brings data that is over a limit,
/// `clash` changes a line that `main` has changed too. No hooks: `check` needs none.
fn start() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(".recoveryguard.toml", MANIFEST).write("keep", "keep\n").write("settings", numbered(0));
    sandbox.write("list", numbered(0));
    sandbox.commit("protect");
    sandbox.branch("bad", &[("keep", None)]);
    sandbox.branch("good", &[("good", Some("good\n"))]);
    sandbox.branch("warned", &[("settings", Some(&numbered(15)))]);
    sandbox.branch("deep", &[("data/deep.json", Some(&"[".repeat(1000)))]);
    sandbox.branch("clash", &[("list", Some(&numbered(7)))]);
    sandbox
}

#[track_caller]
fn json(ran: &Ran) -> Value {
    // `from_str` refuses anything after the document.
    let document: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error} in {ran}"));
    assert_eq!((&document["version"], &document["command"]), (&Value::from(1), &Value::from("check")));
    document
}

fn rules(document: &Value) -> Vec<&str> {
    document["findings"].as_array().unwrap().iter().map(|found| found["rule"].as_str().unwrap()).collect()
}

#[test]
fn the_exit_status_is_the_verdict() {
    let sandbox = start();
    sandbox.write("list", numbered(7).replace("changed", "ours"));
    sandbox.commit("ours");
    let before = sandbox.state();
    let cases: &[(&[&str], i32, &str)] = &[
        (&["good"], 0, "pass"),
        (&["main"], 0, "pass"),
        (&["clash"], 0, "pass"),
        (&["warned"], 0, "warn"),
        (&["warned", "--strict"], 1, "warn"),
        (&["good", "--strict"], 0, "pass"),
        (&["bad"], 1, "block"),
        (&["good", "bad"], 1, "block"),
        (&["bad", "deep"], 1, "block"),
        (&["deep"], 3, "could-not-judge"),
        (&["deep", "--strict"], 3, "could-not-judge"),
        (&["main..bad"], 1, "block"),
        (&["..bad"], 1, "block"),
        (&["bad..main"], 0, "pass"),
        (&["--merge", "bad"], 1, "block"),
        (&["--merge", "main"], 0, "pass"),
    ];
    for (arguments, status, verdict) in cases {
        let line = [&["check"], *arguments].concat();
        let is_octopus = matches!(*arguments, ["good" | "bad", "bad" | "deep"]);
        if is_octopus && !MERGE_TREE.is_here() {
            let _ = sandbox.guard(&line).exits(3).says("could not judge: this merge can't be predicted by a git older");
            continue;
        }
        let text = sandbox.guard(&line).exits(*status);
        assert!(text.stdout.contains(&verdict.replace('-', " ")), "{text}");
        let document = json(&sandbox.guard([&line[..], &["--json"]].concat()).exits(*status));
        assert_eq!(document["verdict"], *verdict, "{line:?}");
        sandbox.assert_unchanged(&before);
    }
}

#[test]
fn what_names_nothing_is_a_usage_error() {
    let sandbox = start();
    let cases: &[&[&str]] = &[
        &[],
        &["nowhere"],
        &["good", "--into", "nowhere"],
        &["nowhere..main"],
        &["main..good", "bad"],
        &["main...good"],
        &["--merge", "nowhere"],
        &["--merge", "main", "good"],
        &["main:keep"],
    ];
    for arguments in cases {
        let ran = sandbox.guard([&["check"], *arguments].concat()).exits(2);
        assert_eq!(ran.stdout, "", "{ran}");
        assert!(!ran.stderr.is_empty(), "{ran}");
        let ran = sandbox.guard([&["check"], *arguments, &["--json"]].concat()).exits(2);
        assert!(ran.stdout.starts_with(r#"{"version":1,"command":"check","failure":""#), "{ran}");
    }
    let empty = Sandbox::options().bare().create();
    let ran = empty.guard(["check", "main"]).exits(2);
    assert!(ran.stderr.contains("no commit yet") || ran.stderr.contains("not a commit"), "{ran}");
    let outside = sandbox.root().join("home");
    let _ = Ran::of(sandbox.command("guard", &outside).args(["check", "main"]), b"").exits(2);
}

#[test]
fn nothing_is_recorded_and_no_object_is_left() {
    let sandbox = start();
    sandbox.write("more", "more\n");
    sandbox.commit("diverged");
    let all = |sandbox: &Sandbox| Tree::read(&sandbox.at(".git"), |path| path == "recoveryguard/tmp");
    let _ = sandbox.guard(["check", "bad"]).exits(1);
    let folder = sandbox.at(".git/recoveryguard");
    let left: Vec<_> = std::fs::read_dir(folder.join("tmp")).into_iter().flatten().flatten().collect();
    assert!(left.is_empty(), "{left:?}");
    let before = all(&sandbox);
    for line in [&["good"][..], &["bad", "good"], &["clash", "--json"], &["main..bad"]] {
        let _ = sandbox.guard([&["check"], line].concat());
    }
    assert_eq!(before.differences(&all(&sandbox)), [""; 0]);
    assert!(!folder.join("journal").exists());
}

#[test]
fn the_answer_reads_like_this() {
    let sandbox = start();
    let ran = sandbox.guard(["check", "warned"]).exits(0);
    snapbox::assert_data_eq!(
        ran.stdout,
        str![[r"
merging 'warned' into 'main': warn
  fast-forward, predicted: 1 path changes, 0 of them new, 0 deleted
  warn  'settings' is changed, protected as 'settings' [protected-modify]
        by    [..] Ada: warned
        do    guard allow protected-modify 'settings' --reason '...'
  --- 'settings' would change:
     13
     14
    -15
    +changed
     16
     17

"]]
    );
    assert_eq!(ran.stderr, "");
}

#[test]
fn a_difference_is_cut_and_holds_no_control_characters() {
    let sandbox = start();
    let loud: String = (0..100).map(|n| format!("\u{1b}[31m{n}\u{7}\n")).collect();
    sandbox.branch("loud", &[("settings", Some(&loud))]);
    sandbox.branch("binary", &[("settings", Some("a\0b"))]);
    let ran = sandbox.guard(["check", "loud"]).exits(0);
    assert!(ran.stdout.contains("more lines"), "{ran}");
    assert!(ran.stdout.contains("\\u{1b}[31m0"), "{ran}");
    assert!(!ran.stdout.contains(|c: char| c.is_control() && c != '\n'), "{ran}");
    let ran = sandbox.guard(["check", "binary"]).exits(0);
    assert!(!ran.stdout.contains("would change"), "{ran}");
}

#[test]
fn a_conflict_to_come_is_a_note() {
    let sandbox = start();
    sandbox.write("list", numbered(7).replace("changed", "ours"));
    sandbox.commit("ours");
    let text = sandbox.guard(["check", "clash"]).exits(0);
    assert!(text.stdout.contains("'list' will conflict"), "{text}");
    let document = json(&sandbox.guard(["check", "clash", "--json"]).exits(0));
    assert_eq!(document["merges"][0]["will_conflict"], serde_json::json!(["list"]));
    assert_eq!(rules(&document), [""; 0]);
}

#[test]
fn the_document_has_the_fields_that_its_page_names() {
    let sandbox = start();
    sandbox.write("more", "more\n");
    sandbox.commit("diverged");
    let (tip, bad, base) = (sandbox.rev("main"), sandbox.rev("bad"), sandbox.rev("main~1"));
    let document = json(&sandbox.guard(["check", "bad", "--json"]).exits(1));
    let found = &document["findings"][0];
    let fields = [
        ("rule", "protected-delete"),
        ("level", "block"),
        ("path", "keep"),
        ("message", "'keep' is deleted, protected as 'recovery'"),
        ("remedy", "guard allow protected-delete 'keep' --reason '...'"),
    ];
    for (name, value) in fields {
        assert_eq!(found[name], value, "{found}");
    }
    let evidence = [("reason", "on-call needs it"), ("owners", "@ops"), ("author", "Ada"), ("subject", "bad")];
    for (name, value) in evidence {
        assert_eq!(found["evidence"][name], value, "{found}");
    }
    let fingerprint = found["fingerprint"].as_str().unwrap();
    assert!(fingerprint.len() == 16 && fingerprint.bytes().all(|byte| byte.is_ascii_hexdigit()), "{found}");
    let merges = document["merges"].as_array().unwrap();
    assert_eq!(merges.len(), 1);
    let merge = &merges[0];
    assert_eq!(merge["commit"], Value::Null);
    assert_eq!(merge["into"], serde_json::json!({ "branch": "main", "tip": tip }));
    assert_eq!(merge["incoming"][0]["oid"], bad);
    assert_eq!(merge["merge_bases"], serde_json::json!([base]));
    assert_eq!((&merge["predicted"], &merge["paths"]), (&Value::from(true), &Value::from(1)));
    assert_eq!((&merge["verdict"], &merge["findings"]), (&document["verdict"], &document["findings"]));
    // What was predicted is what git makes of it, and the finding is the same before and after.
    let _ = sandbox.git(["merge", "-q", "-m", "made", "bad"]).ok();
    let tree = if MERGE_TREE.is_here() { Value::from(sandbox.rev("HEAD^{tree}")) } else { Value::Null };
    assert_eq!(merge["result_tree"], tree);
    let made = json(&sandbox.guard(["check", "--merge", "HEAD", "--json"]).exits(1));
    assert_eq!(made["merges"][0]["commit"], sandbox.rev("HEAD"));
    assert_eq!(made["merges"][0]["predicted"], false);
    assert_eq!(made["findings"][0]["fingerprint"], fingerprint);
    let deep = json(&sandbox.guard(["check", "deep", "--json"]).exits(3));
    assert_eq!(deep["failure"], "'data/deep.json': nested deeper than 128 levels");
}

#[test]
fn into_chooses_the_branch_the_manifest_and_where_it_blocks() {
    let sandbox = start();
    let _ = sandbox.git(["branch", "release/1"]).ok();
    let on = MANIFEST.replacen("paths", "on = [\"release/*\"]\npaths", 1);
    sandbox.write(".recoveryguard.toml", on);
    sandbox.commit("only releases");
    let _ = sandbox.git(["branch", "-f", "release/2"]).ok();
    let _ = sandbox.guard(["check", "bad"]).exits(0);
    let _ = sandbox.guard(["check", "bad", "--into", "release/1"]).exits(1);
    let _ = sandbox.guard(["check", "bad", "--into", "release/2"]).exits(1);
    // A commit is no branch: it blocks nowhere.
    let _ = sandbox.guard(["check", "bad", "--into", &sandbox.rev("release/2")]).exits(0);
    let _ = sandbox.git(["checkout", "-q", "release/2"]).ok();
    let _ = sandbox.guard(["check", "bad"]).exits(1);
    let _ = sandbox.git(["checkout", "-q", "--detach"]).ok();
    let _ = sandbox.guard(["check", "bad"]).exits(0);
}

#[test]
fn a_range_holds_its_step_and_every_merge_in_it() {
    let sandbox = start();
    let start = sandbox.rev("HEAD");
    // Deleted by one merge and brought back by the next: the step shows nothing, the first merge does.
    let _ = sandbox.git(["merge", "-q", "--no-ff", "-m", "takes it", "bad"]).ok();
    let taker = sandbox.rev("HEAD");
    sandbox.branch("back", &[("keep", Some("keep\n"))]);
    let _ = sandbox.git(["merge", "-q", "--no-ff", "-m", "brings it back", "back"]).ok();
    let bringer = sandbox.rev("HEAD");
    let range = format!("{start}..main");
    let document = json(&sandbox.guard(["check", &range, "--json"]).exits(1));
    let merges: Vec<(Option<&str>, &str)> = document["merges"]
        .as_array()
        .unwrap()
        .iter()
        .map(|merge| (merge["commit"].as_str(), merge["verdict"].as_str().unwrap()))
        .collect();
    assert_eq!(merges[0], (None, "pass"));
    assert_eq!(merges.len(), 3, "{merges:?}");
    assert!(merges.contains(&(Some(&taker), "block")), "{merges:?}");
    assert!(merges.contains(&(Some(&bringer), "pass")), "{merges:?}");
    let text = sandbox.guard(["check", &range]).exits(1);
    assert!(text.stdout.contains(&format!("merge {}", &taker[..10])), "{text}");
    assert!(!text.stdout.contains(&bringer[..10]), "{text}");
    let _ = sandbox.guard(["check", &format!("{taker}..main")]).exits(0);
}

#[test]
fn it_works_in_a_bare_repository_and_from_any_folder() {
    let sandbox = start();
    let bare = sandbox.root().join("bare.git");
    let _ = sandbox.git(["clone", "-q", "--bare", ".", bare.to_str().unwrap()]).ok();
    let check = |folder: &Path, line: &[&str]| Ran::of(sandbox.command("guard", folder).args(line), b"");
    let _ = check(&bare, &["check", "bad"]).exits(1);
    let _ = check(&bare, &["check", "main..good"]).exits(0);
    let _ = check(Path::new("/"), &["-C", bare.to_str().unwrap(), "check", "bad"]).exits(1);
    sandbox.write("dir/file", "x\n");
    let _ = check(&sandbox.at("dir"), &["check", "bad"]).exits(1);
    let mut git = sandbox.command("git", sandbox.work());
    let _ = Ran::of(git.args(["-c", "alias.g=!guard", "g", "check", "bad"]), b"").exits(1);
}

// H2b
#[test]
fn the_configured_strategy_counts() {
    let sandbox = start();
    sandbox.write("more", "more\n");
    sandbox.commit("diverged");
    let _ = sandbox.git(["config", "branch.main.mergeOptions", "-s ours"]).ok();
    let _ = sandbox.guard(["check", "bad"]).exits(0);
    let _ = sandbox.git(["branch", "release"]).ok();
    let _ = sandbox.guard(["check", "bad", "--into", "release"]).exits(1);
}

// What the shared line already contains is flagged (design section 5); a trailer is information.
#[test]
fn excuses_are_named() {
    let sandbox = start();
    let _ = sandbox.git(["update-ref", "refs/remotes/origin/main", "bad"]).ok();
    let _ = sandbox.git(["config", "branch.main.remote", "origin"]).ok();
    let _ = sandbox.git(["config", "branch.main.merge", "refs/heads/main"]).ok();
    let _ = sandbox.git(["config", "remote.origin.url", "nowhere"]).ok();
    let _ = sandbox.git(["config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*"]).ok();
    let document = json(&sandbox.guard(["check", "bad", "--json"]).exits(0));
    let excuse = serde_json::json!({ "by": "accepted", "line": "@{upstream}" });
    assert_eq!(document["findings"][0]["excuse"], excuse);
    let _ = sandbox.git(["checkout", "-q", "-b", "told"]).ok();
    let _ = sandbox.git(["rm", "-q", "keep"]).ok();
    let _ = sandbox.git(["commit", "-q", "-m", "gone\n\nGuard-Allow: protected-delete keep -- replaced"]).ok();
    let commit = sandbox.rev("HEAD");
    let document = json(&sandbox.guard(["check", "told", "--into", "good", "--json"]).exits(0));
    let excuse = serde_json::json!({ "by": "trailer", "commit": commit[..10], "reason": "replaced" });
    assert_eq!(document["findings"][0]["excuse"], excuse);
    assert_eq!(document["findings"][0]["level"], "info");
}
