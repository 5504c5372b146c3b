//! Every rule once on real git: what fires, and that each rule of the register has a case here.

use std::os::unix::fs::PermissionsExt;

use crate::database_in_use;
use crate::support::{ORT, Sandbox};

/// How a case is set up on `main`, and what the branch `feat` brings.
struct Case {
    rule: &'static str,
    level: &'static str,
    main: fn(&Sandbox),
    feat: fn(&Sandbox),
    /// What happens on `main` after the branch was made.
    later: fn(&Sandbox),
    /// For rules about what git merged by itself: the conflict is concluded with this.
    conclude: Option<fn(&Sandbox)>,
}

const NOTHING: fn(&Sandbox) = |_| {};

const fn case(rule: &'static str, level: &'static str, main: fn(&Sandbox), feat: fn(&Sandbox)) -> Case {
    Case { rule, level, main, feat, later: NOTHING, conclude: None }
}

fn protect(sandbox: &Sandbox, deny: &str) {
    let text = format!("version = 1\n[[protect]]\npaths = [\"/keep\", \"/kept/*\"]\ndeny = [{deny}]\n");
    sandbox.write(".recoveryguard.toml", text).write("keep", "one\ntwo\nthree\n");
}

/// Stages a submodule's commit; there is no such commit, and git doesn't look.
fn point(sandbox: &Sandbox, digit: char) {
    let pointer = digit.to_string().repeat(sandbox.rev("HEAD").len());
    std::fs::create_dir_all(sandbox.at("sub")).unwrap();
    let _ = sandbox.git(["update-index", "--add", "--cacheinfo", &format!("160000,{pointer},sub")]).ok();
}

fn remove(sandbox: &Sandbox, path: &str) {
    std::fs::remove_file(sandbox.at(path)).unwrap();
}

/// Two sides that add a line at places far apart: git merges them without a conflict.
fn far_apart(first: &str, last: &str) -> String {
    let middle: String = (0..30).map(|n| format!("  \"k{n}\": {n},\n")).collect();
    format!("{{\n{first}{middle}{last}  \"end\": 0\n}}\n")
}

/// A list of records, one a line, and the entry that names it.
fn data(sandbox: &Sandbox, entry: &str, ids: impl IntoIterator<Item = u32>) {
    let manifest = format!("version = 1\n[[data]]\npaths = [\"list.jsonl\"]\n{entry}\n");
    sandbox.write(".recoveryguard.toml", manifest);
    records(sandbox, ids);
}

fn records(sandbox: &Sandbox, ids: impl IntoIterator<Item = u32>) {
    let lines: String = ids.into_iter().map(|id| format!("{{\"id\": {id}}}\n")).collect();
    sandbox.write("list.jsonl", lines);
}

const KEY: &str = "records = \"\"\nkey = \"id\"";

fn cases() -> Vec<Case> {
    let json: fn(&Sandbox) = |sandbox| _ = sandbox.write("data.json", far_apart("", ""));
    let twice: fn(&Sandbox) = |sandbox| _ = sandbox.write("data.json", far_apart("  \"x\": 1,\n", ""));
    let later: fn(&Sandbox) = |sandbox| _ = sandbox.write("data.json", far_apart("", "  \"x\": 1,\n"));
    let many: fn(&Sandbox) = |sandbox| (0..60).for_each(|n| _ = sandbox.write(format!("many/{n}"), format!("{n}\n")));
    vec![
        case("protected-delete", "block", |sandbox| protect(sandbox, "\"delete\""), |sandbox| remove(sandbox, "keep")),
        case("protected-modify", "block", |sandbox| protect(sandbox, "\"modify\""), |s| _ = s.write("keep", "other\n")),
        case(
            "protected-mode",
            "block",
            |sandbox| protect(sandbox, "\"mode\""),
            |sandbox| {
                std::fs::set_permissions(sandbox.at("keep"), std::fs::Permissions::from_mode(0o755)).unwrap();
            },
        ),
        case(
            "protected-type",
            "block",
            |sandbox| protect(sandbox, "\"type\""),
            |sandbox| {
                remove(sandbox, "keep");
                std::os::unix::fs::symlink("base.txt", sandbox.at("keep")).unwrap();
            },
        ),
        case("protected-add", "block", |sandbox| protect(sandbox, "\"add\""), |s| _ = s.write("kept/new", "new\n")),
        case(
            "manifest-weakened",
            "block",
            |sandbox| protect(sandbox, "\"delete\""),
            |sandbox| {
                sandbox.write(".recoveryguard.toml", "version = 1\n");
            },
        ),
        case(
            "wrong-branch",
            "block",
            |s| _ = s.write(".recoveryguard.toml", "version = 1\n[[branch]]\ninto = [\"main\"]\nnever = [\"feat\"]\n"),
            |sandbox| _ = sandbox.write("new", "new\n"),
        ),
        Case {
            later: |sandbox| _ = sandbox.write("text", "ours\n"),
            conclude: Some(|_| {}),
            ..case("conflict-markers", "block", |s| _ = s.write("text", "base\n"), |s| _ = s.write("text", "theirs\n"))
        },
        Case {
            later: |sandbox| _ = sandbox.write("data.json", "{\"a\": 3}\n"),
            conclude: Some(|sandbox| _ = sandbox.write("data.json", "{\"a\": 2 3}\n")),
            ..case(
                "invalid-data",
                "block",
                |s| _ = s.write("data.json", "{\"a\": 1}\n"),
                |s| _ = s.write("data.json", "{\"a\": 2}\n"),
            )
        },
        Case { later, ..case("duplicate-keys", "block", json, twice) },
        Case {
            later: |sandbox| _ = sandbox.write("data.json", "{\"a\": 3}\n"),
            // All of the first parent's, and nothing of the other.
            conclude: Some(|sandbox| _ = sandbox.write("data.json", "{\"a\": 3}\n")),
            ..case(
                "lost-keys",
                "warn",
                |s| _ = s.write("data.json", "{\"a\": 1}\n"),
                |s| _ = s.write("data.json", "{\"a\": 2, \"b\": 1}\n"),
            )
        },
        case("data-schema", "block", |s| data(s, KEY, [1, 2]), |s| _ = s.write("list.jsonl", "{\"id\": 1}\n{}\n")),
        Case {
            later: |sandbox| records(sandbox, [1, 2]),
            conclude: Some(|sandbox| records(sandbox, [1, 2])),
            ..case("lost-records", "warn", |s| data(s, KEY, [1]), |s| records(s, [1, 3]))
        },
        Case {
            later: |sandbox| records(sandbox, (1..30).chain([99])),
            ..case("doubled-records", "block", |s| data(s, KEY, 1..30), |s| records(s, [99].into_iter().chain(1..30)))
        },
        Case {
            later: |sandbox| {
                database_in_use::crash(sandbox);
            },
            ..case("data-in-use", "block", database_in_use::make, database_in_use::grow)
        },
        case("data-shrunk", "warn", |s| data(s, "records = \"\"", 1..30), |s| records(s, [])),
        Case {
            later: |sandbox| _ = sandbox.write("text", "ours\n"),
            conclude: Some(|sandbox| {
                sandbox.write("text", "both\n");
                remove(sandbox, "other");
            }),
            ..case(
                "deleted-in-merge",
                "warn",
                |s| _ = s.write("text", "base\n").write("other", "x\n"),
                |s| _ = s.write("text", "theirs\n"),
            )
        },
        Case {
            later: |sandbox| _ = sandbox.write("text", "ours\n"),
            conclude: Some(|sandbox| {
                sandbox.write("text", "both\n");
                point(sandbox, 'a');
            }),
            ..case(
                "submodule-rewound",
                "warn",
                |s| point(s.write("text", "base\n"), 'a'),
                |s| {
                    point(s.write("text", "theirs\n"), 'b');
                },
            )
        },
        Case {
            later: |sandbox| _ = sandbox.write("text", "ours\n").write("other", "newer\n"),
            conclude: Some(|sandbox| _ = sandbox.write("text", "both\n").write("other", "x\n")),
            ..case(
                "stale-content",
                "warn",
                |s| _ = s.write("text", "base\n").write("other", "x\n"),
                |s| _ = s.write("text", "theirs\n"),
            )
        },
        case("mass-delete", "warn", many, |sandbox| (0..60).for_each(|n| remove(sandbox, &format!("many/{n}")))),
        Case {
            later: |sandbox| {
                sandbox.write(".gitignore", "local\n").write("local", "mine\n");
            },
            ..case("ignored-overwritten", "warn", NOTHING, |sandbox| _ = sandbox.write("local", "theirs\n"))
        },
        case("case-collision", "warn", |s| _ = s.write("Name", "x\n"), |s| _ = s.write("name", "y\n")),
        Case {
            later: |sandbox| _ = sandbox.write("text", "ours\n"),
            conclude: Some(|sandbox| {
                sandbox.write("text", "both\n");
                std::fs::set_permissions(sandbox.at("text"), std::fs::Permissions::from_mode(0o755)).unwrap();
            }),
            ..case("mode-changed", "info", |s| _ = s.write("text", "base\n"), |s| _ = s.write("text", "theirs\n"))
        },
        case("unrelated-histories", "warn", NOTHING, NOTHING),
        Case {
            later: |sandbox| {
                let _ = sandbox.git(["merge", "-q", "--no-ff", "--no-edit", "feat"]).ok();
                let _ = sandbox.git(["revert", "--no-edit", "-m", "1", "HEAD"]).ok();
                let _ = sandbox.git(["checkout", "-q", "feat"]).ok();
                sandbox.write("fix", "x\n");
                sandbox.commit("fix");
                let _ = sandbox.git(["checkout", "-q", "main"]).ok();
            },
            ..case("reverted-merge", "warn", NOTHING, |s| _ = s.write("work", "x\n"))
        },
    ]
}

fn run(case: &Case) {
    let sandbox = Sandbox::new();
    (case.main)(&sandbox);
    sandbox.commit("main");
    let mut merge = vec!["merge", "--no-edit", "feat"];
    if case.rule == "unrelated-histories" {
        let _ = sandbox.git(["checkout", "-q", "--orphan", "feat"]).ok();
        let _ = sandbox.git(["rm", "-q", "-r", "-f", "."]).ok();
        sandbox.write("theirs", "x\n");
        merge.push("--allow-unrelated-histories");
    } else {
        let _ = sandbox.git(["checkout", "-q", "-b", "feat"]).ok();
        (case.feat)(&sandbox);
    }
    sandbox.commit("feat");
    let _ = sandbox.git(["checkout", "-q", "main"]).ok();
    (case.later)(&sandbox);
    sandbox.commit("later");
    sandbox.install();
    let mut said = sandbox.git(&merge);
    if let Some(conclude) = case.conclude {
        assert!(!said.stderr.contains("guard:"), "a conflict is no finding: {said}");
        conclude(&sandbox);
        said = sandbox.git(["commit", "-q", "-a", "-m", "concluded"]);
    }
    assert!(said.stderr.contains(&format!("[{}]", case.rule)), "{}: {said}", case.rule);
    let line = said.stderr.lines().find(|line| line.contains(&format!("[{}]", case.rule))).unwrap();
    assert!(line.trim_start().starts_with(case.level), "{}: {line}", case.rule);
    // The strategy before ort leaves ignored files alone: then git refuses by itself.
    let is_refused = case.level == "block" || case.rule == "ignored-overwritten" && !ORT.is_here();
    assert_eq!(said.status != 0, is_refused, "{}: {said}", case.rule);
}

#[test]
fn every_rule_fires_on_real_git() {
    for case in cases() {
        run(&case);
    }
}

/// A file without keys, of which the result has what the first parent has, is looked at for what the other side brought.
#[test]
fn records_of_a_table_that_a_conclusion_left_out_are_named() {
    let sandbox = Sandbox::new();
    let manifest = "version = 1\n[[data]]\npaths = [\"*.csv\"]\nrecords = \"\"\nkey = \"id\"\n";
    sandbox.write(".recoveryguard.toml", manifest).write("t.csv", "id,v\n1,a\n").write("text", "base\n");
    sandbox.commit("main");
    sandbox.branch("feat", &[("t.csv", Some("id,v\n1,a\n7,b\n")), ("text", Some("theirs\n"))]);
    sandbox.write("text", "ours\n");
    sandbox.commit("later");
    sandbox.install();
    let _ = sandbox.git(["merge", "feat"]).fails();
    sandbox.write("text", "both\n");
    let _ = sandbox.git(["checkout", "-q", "main", "--", "t.csv"]).ok();
    let said = sandbox.git(["commit", "-q", "-a", "-m", "concluded"]).ok();
    let _ = said.says("[lost-records]").says("1 record of feat is missing from 't.csv': '7'");
}

/// Rules about what a merge lost: `audit.rs` has their cases. A server looks for these last.
const AUDITED: [&str; 5] = recoveryguard::rules::OF_LOST_WORK;

#[test]
fn every_rule_has_a_case() {
    let cases = cases();
    for rule in recoveryguard::rules::REGISTER.iter().filter(|rule| !AUDITED.contains(&rule.name)) {
        assert!(cases.iter().any(|case| case.rule == rule.name), "no case for '{}'", rule.name);
    }
    assert_eq!(cases.len() + AUDITED.len(), recoveryguard::rules::REGISTER.len());
    let audit = include_str!("audit.rs");
    assert!(AUDITED.iter().all(|rule| audit.contains(&format!(" {rule} "))), "each has a case there");
}

// [rules]: levels by name, and `on`: where an entry blocks.
#[test]
fn the_manifest_sets_levels() {
    for (rules, blocks) in [("", true), ("[rules]\nprotected-delete = \"warn\"\n", false)] {
        let sandbox = Sandbox::new();
        sandbox.write(".recoveryguard.toml", format!("version = 1\n{rules}[[protect]]\npaths = [\"/keep\"]\n"));
        sandbox.write("keep", "x\n");
        sandbox.commit("main");
        sandbox.branch("feat", &[("keep", None)]);
        sandbox.install();
        let merge = sandbox.git(["merge", "feat"]).says("[protected-delete]");
        assert_eq!(merge.status != 0, blocks, "{merge}");
    }
    let sandbox = Sandbox::new();
    sandbox.write(".recoveryguard.toml", "version = 1\n[[protect]]\npaths = [\"/keep\"]\non = [\"release/*\"]\n");
    sandbox.write("keep", "x\n");
    sandbox.commit("main");
    sandbox.branch("feat", &[("keep", None)]);
    sandbox.install();
    let _ = sandbox.git(["branch", "release/1"]).ok();
    let _ = sandbox.git(["checkout", "-q", "release/1"]).ok();
    let _ = sandbox.git(["merge", "feat"]).fails();
    let _ = sandbox.git(["checkout", "-q", "main"]).ok();
    let _ = sandbox.git(["merge", "feat"]).ok().says("warn");
}
