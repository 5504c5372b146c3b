//! `guard verify`: the health of data files, as they are and as they were.

use serde_json::Value;

use crate::support::{Ran, Sandbox};

const MANIFEST: &str = "\
version = 1
[[data]]
paths = [\"/data/\"]
[[data]]
paths = [\"/data/emails.json\"]
records = \"/emails\"
key = \"id\"
schema = \"schema.json\"
";
const SCHEMA: &str = "{\"required\": [\"version\"]}\n";
const GOOD: &str = "{\"version\": 1, \"emails\": [{\"id\": 1}, {\"id\": 2}]}\n";

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(".recoveryguard.toml", MANIFEST).write("schema.json", SCHEMA).write("data/emails.json", GOOD);
    sandbox.write("other.json", "[").write(".gitignore", "*.local.json\n");
    sandbox.commit("data");
    sandbox
}

fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap()
}

fn with_stdin(sandbox: &Sandbox, path: &str, input: &str) -> Ran {
    Ran::of(sandbox.command("guard", sandbox.work()).args(["verify", "--json", "--stdin", path]), input.as_bytes())
}

#[test]
fn all_files_that_the_manifest_names_are_looked_at_and_told_with_their_faults() {
    let sandbox = sandbox();
    let before = sandbox.state();
    assert_eq!(sandbox.guard(["verify"]).ok().stdout, "good     data/emails.json  2 records\n");
    sandbox.assert_unchanged(&before);
    // Tracked and gone, untracked, ignored.
    sandbox.write("data/gone.yaml", "a: 1\n");
    sandbox.commit("more");
    std::fs::remove_file(sandbox.at("data/gone.yaml")).unwrap();
    sandbox.write("data/new.csv", "a,b\n1\n").write("data/x.local.json", "{\n  \"a\": 1,\n}\n");
    sandbox.write("data/emails.json", "{\"emails\": [{\"id\": 1}, {\"id\": 1}, {}]}\n");
    let ran = sandbox.guard(["verify"]).exits(1);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines[0], "bad      data/emails.json  3 records", "{ran}");
    assert_eq!(lines[1..3], ["         one record has no 'id'", "         2 records have the name '1'"], "{ran}");
    assert!(lines[3].contains("does not fit the schema"), "{ran}");
    assert_eq!(lines[4..6], ["bad      data/gone.yaml", "         it is not there, though git tracks it"], "{ran}");
    assert_eq!(
        lines[6..8],
        ["bad      data/new.csv  1 record", "         line 2, column 1: a row of 1 field, where the first has 2"]
    );
    assert_eq!(lines[8], "bad      data/x.local.json", "{ran}");
    assert!(lines[9].starts_with("         line 3, column 1: "), "{ran}");
    let document = json(&sandbox.guard(["verify", "--json"]).exits(1));
    assert_eq!(document["verdict"], "block");
    let file = &document["files"][0];
    assert_eq!((&file["standing"], &file["fault_count"]), (&"bad".into(), &3.into()), "{document:#}");
    assert_eq!(
        (&file["contents"]["records"], &file["faults"][1]["what"]),
        (&3.into(), &"2 records have the name '1'".into())
    );
    assert_eq!(document["files"][3]["faults"][0]["line"], 3);
    let rules: Vec<&str> =
        document["findings"].as_array().unwrap().iter().map(|found| found["rule"].as_str().unwrap()).collect();
    let expected = ["data-schema", "doubled-records", "data-schema", "invalid-data", "invalid-data", "invalid-data"];
    assert_eq!(rules, expected, "{document:#}");
}

#[test]
fn what_is_not_known_is_neither_good_nor_bad() {
    let sandbox = sandbox();
    std::fs::remove_file(sandbox.at("schema.json")).unwrap();
    sandbox.commit("no schema");
    let ran = sandbox.guard(["verify"]).exits(3);
    assert!(ran.stdout.contains("unknown  data/emails.json"), "{ran}");
    assert!(ran.stdout.contains("the schema 'schema.json' can't be used: it is not there"), "{ran}");
    assert_eq!(json(&sandbox.guard(["verify", "--json"]).exits(3))["verdict"], "could-not-judge");
    sandbox.write("data/bad.json", "{");
    let _ = sandbox.guard(["verify"]).exits(1);
    sandbox.write(".recoveryguard.toml", "version = 9\n");
    let _ = sandbox.guard(["verify"]).exits(2).says("the manifest '.recoveryguard.toml' can't be read: line 1, ");
    std::fs::remove_file(sandbox.at(".recoveryguard.toml")).unwrap();
    assert!(sandbox.guard(["verify"]).ok().stdout.starts_with("nothing to verify"));
}

#[test]
fn files_that_are_given_are_looked_at_whether_an_entry_names_them_or_not() {
    let sandbox = sandbox();
    sandbox.write("data/deep/a.json", "1\n");
    let paths = |arguments: &[&str], status| -> Vec<String> {
        let document = json(&sandbox.guard([&["verify", "--json"], arguments].concat()).exits(status));
        let files = document["files"].as_array().unwrap().clone();
        files.iter().map(|file| file["path"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(paths(&["other.json"], 1), ["other.json"]);
    assert_eq!(paths(&["data/deep", "data/emails.json"], 0), ["data/deep/a.json", "data/emails.json"]);
    assert_eq!(paths(&["-C", "data", "deep"], 0), ["data/deep/a.json"]);
    assert_eq!(paths(&["."], 0).len(), 2);
    let _ = sandbox.guard(["verify", "none.json"]).exits(2).says("there is no file 'none.json'");
    let _ = sandbox.guard(["verify", "/etc/hostname"]).exits(2);
}

#[test]
fn a_revision_is_judged_by_the_manifest_of_the_working_tree() {
    let sandbox = sandbox();
    let old = sandbox.rev("HEAD");
    sandbox.write("data/emails.json", "{").write("data/new.json", "1\n");
    sandbox.commit("broken");
    let _ = sandbox.guard(["verify", "--rev", "HEAD"]).exits(1);
    assert_eq!(sandbox.guard(["verify", "--rev", &old]).ok().stdout, "good     data/emails.json  2 records\n");
    let _ = sandbox.guard(["verify", "--rev", &old, "other.json"]).exits(1);
    let _ = sandbox.guard(["verify", "--rev", &old, "data/new.json"]).exits(2).says("there is no file 'data/new.json'");
    let _ = sandbox.guard(["verify", "--rev", "none"]).exits(2).says("'none' is no revision here");
    sandbox.write("schema.json", "{\"required\": [\"more\"]}\n");
    let _ = sandbox.guard(["verify", "--rev", &old]).exits(1);
}

#[test]
fn the_health_of_a_file_through_its_history() {
    let sandbox = Sandbox::new();
    sandbox
        .write(".recoveryguard.toml", MANIFEST.replace("schema = \"schema.json\"\n", ""))
        .write("data/old.json", GOOD);
    let first = sandbox.commit("first");
    let _ = sandbox.git(["mv", "data/old.json", "data/emails.json"]).ok();
    let moved = sandbox.commit("moved");
    let side = sandbox.branch("feat", &[("data/emails.json", Some("{"))]);
    sandbox.write("rest", "x\n");
    sandbox.commit("beside");
    let _ = sandbox.git(["merge", "-q", "--no-edit", "feat"]).ok();
    sandbox.write("data/emails.json", GOOD.replace('2', "3"));
    let newest = sandbox.commit("mended");
    let document = json(&sandbox.guard(["verify", "--json", "--all-versions", "data/emails.json"]).ok());
    let versions = document["versions"].as_array().unwrap();
    let of = |commit: &str| {
        let version = versions.iter().find(|version| version["commit"] == commit);
        version
            .map(|version| (version["file"]["standing"].as_str().unwrap(), version["file"]["path"].as_str().unwrap()))
    };
    assert_eq!(versions[0]["commit"], *newest, "{document:#}");
    assert_eq!(of(&newest), Some(("good", "data/emails.json")));
    assert_eq!(of(&side), Some(("bad", "data/emails.json")));
    assert_eq!(of(&moved), Some(("good", "data/emails.json")));
    assert_eq!(of(&first), Some(("good", "data/old.json")), "{document:#}");
    assert_eq!(versions[0]["file"]["contents"]["records"], 2);
    let text = sandbox.guard(["verify", "--all-versions", "data/emails.json", "-n", "1"]).ok().stdout;
    assert!(text.starts_with(&format!("good     {} ", &newest[..10])) && text.ends_with("2 records\n"), "{text}");
    assert_eq!(text.lines().count(), 1);
    let _ = sandbox.guard(["verify", "--all-versions", "none.json"]).exits(2);
    let _ = sandbox.guard(["verify", "--all-versions", "data"]).exits(2).says("'data' is a folder");
}

/// What only a backup has, each version once, judged by today's rules.
#[test]
fn the_health_of_a_file_in_backups() {
    let sandbox = Sandbox::new();
    sandbox.write(".recoveryguard.toml", "version = 1\n[[data]]\npaths = ['data/']\nbackup = true\n");
    let mut backups = Vec::new();
    for (text, status) in [("[1]", 0), ("[", 1), ("[1, 2]", 0), ("[1]", 0)] {
        sandbox.write("data/a.json", text);
        let made = json(&sandbox.guard(["backup", "create", "--json"]).exits(status));
        backups.push(made["backup"].as_str().unwrap().to_owned());
    }
    let text = sandbox.guard(["verify", "--all-versions", "data/a.json"]).ok().stdout;
    let expected =
        format!("good     backup {}\ngood     backup {}\nbad      backup {}\n", backups[3], backups[2], backups[1]);
    let listed: String = text.lines().filter(|line| !line.starts_with("   ")).map(|line| format!("{line}\n")).collect();
    assert_eq!(listed, expected, "{text}");
    let commit = sandbox.commit("now");
    let document = json(&sandbox.guard(["verify", "--json", "--all-versions", "data/a.json"]).ok());
    let versions = document["versions"].as_array().unwrap();
    assert_eq!(versions.len(), 4, "{document:#}");
    assert!(versions.iter().any(|version| version["commit"] == *commit && version["backup"].is_null()));
    assert!(versions.iter().any(|version| version["backup"] == *backups[1] && version["file"]["standing"] == "bad"));
}

/// HEAD's manifest counts, and paths begin at the top.
// D12, D15
/// A large version is read as a stream: whether it is what was committed is known at its end.
#[test]
fn a_large_version_that_is_damaged_is_not_called_good() {
    let sandbox = sandbox();
    let path = "data/large.json";
    let large = |last: &str| format!("[{}{last}]\n", " ".repeat(9 << 20));
    sandbox.write(path, large("1")).commit("large");
    let commands = [vec!["verify", "--rev", "HEAD", path], vec!["verify", "--all-versions", path]];
    for command in &commands {
        let _ = sandbox.guard(command).ok();
    }
    let place = |oid: &str| sandbox.common_dir().join("objects").join(&oid[..2]).join(&oid[2..]);
    let committed = place(&sandbox.rev(&format!("HEAD:{path}")));
    // Another file's object under its name: as long, and good in itself.
    sandbox.write(path, large("2")).damaged();
    let other = place(sandbox.git(["hash-object", "-w", path]).ok().line());
    std::fs::rename(other, committed).unwrap();
    for command in &commands {
        let ran = sandbox.guard(command).exits(3);
        assert!(ran.stdout.contains("is damaged: its content is not what was stored"), "{ran}");
    }
}

#[test]
fn bare_repositories_have_revisions_and_no_working_tree() {
    let sandbox = sandbox();
    let _ = sandbox.git(["clone", "-q", "--bare", ".", "../bare.git"]).ok();
    let bare = sandbox.root().join("bare.git");
    let guard = |arguments: &[&str]| Ran::of(sandbox.command("guard", &bare).arg("verify").args(arguments), b"");
    assert_eq!(guard(&["--rev", "HEAD"]).ok().stdout, "good     data/emails.json  2 records\n");
    let _ = guard(&["--rev", "HEAD", "other.json"]).exits(1);
    assert!(guard(&["--all-versions", "data/emails.json"]).ok().stdout.ends_with("2 records\n"));
    let _ = guard(&[]).exits(2).says("there is no working tree here: name a revision (guard verify --rev HEAD)");
    let piped = Ran::of(sandbox.command("guard", &bare).args(["verify", "--stdin", "data/emails.json"]), b"{");
    let _ = piped.exits(1);
}

#[test]
fn standard_input_gets_the_verdict_that_the_file_gets() {
    let sandbox = sandbox();
    for text in [GOOD, "{", "{\"emails\": []}", "{\"version\": 1, \"emails\": [{}]}"] {
        sandbox.write("data/emails.json", text);
        let there = sandbox.guard(["verify", "--json", "data/emails.json"]);
        let piped = with_stdin(&sandbox, "data/emails.json", text);
        assert_eq!((&piped.stdout, piped.status), (&there.stdout, there.status), "{text}");
        sandbox.commit("a version");
        let revision = sandbox.guard(["verify", "--json", "--rev", "HEAD", "data/emails.json"]);
        assert_eq!(revision.stdout, there.stdout, "{text}");
    }
}

/// A database is read where it stands, from a revision and from standard input.
#[test]
fn databases_are_read() {
    let sandbox = Sandbox::new();
    sandbox.write(".recoveryguard.toml", "version = 1\n[[data]]\npaths = [\"app.db\"]\n").write("app.db", "");
    let database = rusqlite::Connection::open(sandbox.at("app.db")).unwrap();
    database.execute_batch("CREATE TABLE t (a); INSERT INTO t VALUES (1), (2); CREATE TABLE u (b);").unwrap();
    drop(database);
    let commit = sandbox.commit("database");
    let here = sandbox.guard(["verify"]).ok().stdout;
    assert_eq!(here, "good     app.db  2 tables, 2 rows\n");
    assert_eq!(sandbox.guard(["verify", "--rev", &commit]).ok().stdout, here);
    let bytes = sandbox.read("app.db");
    let piped = Ran::of(sandbox.command("guard", sandbox.work()).args(["verify", "--stdin", "app.db"]), &bytes);
    assert_eq!(piped.ok().stdout, here);
    let mut cut = bytes;
    cut.truncate(4096);
    sandbox.write("app.db", cut);
    let _ = sandbox.guard(["verify"]).exits(1);
    sandbox.write("app.db", "");
    let _ = sandbox.guard(["verify"]).exits(1);
}

#[test]
fn forges_get_faults_at_their_lines_and_what_is_not_known() {
    let sandbox = sandbox();
    sandbox.write("data/bad.json", "{\n  \"a\": 1,\n}\n");
    std::fs::remove_file(sandbox.at("schema.json")).unwrap();
    sandbox.commit("bad");
    let log = json(&sandbox.guard(["verify", "--format", "sarif"]).exits(1));
    let run = &log["runs"][0];
    assert_eq!(run["results"][0]["ruleId"], "invalid-data");
    let place = &run["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(
        (&place["artifactLocation"]["uri"], &place["region"]["startLine"]),
        (&"data/bad.json".into(), &3.into())
    );
    let notes = &run["invocations"][0]["toolExecutionNotifications"];
    assert!(notes[0]["message"]["text"].as_str().unwrap().contains("data/emails.json: the schema"), "{log:#}");
    let problems = json(&sandbox.guard(["verify", "--format", "gitlab"]).exits(1));
    assert!(problems.as_array().unwrap().iter().any(|one| one["location"]["path"] == "data/bad.json"), "{problems:#}");
    let text = sandbox.guard(["verify", "--format", "github"]).exits(1).stdout;
    assert!(text.contains("::error file=data/bad.json,line=3,"), "{text}");
    assert!(text.contains("::error title=guard could not judge 1 file::"), "{text}");
    assert!(text.ends_with("guard verify: 1 finding\n"), "{text}");
}
