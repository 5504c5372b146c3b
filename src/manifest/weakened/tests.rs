//! Each way of weakening a manifest that uses everything, and edits that weaken nothing.

use super::*;
use crate::manifest::parse;

const RICH: &str = include_str!("../parse/full.toml");

fn level(rule: &str) -> Level {
    if rule == "conflict-markers" { Level::Block } else { Level::Warn }
}

fn read(text: &str) -> Manifest {
    parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Returns what the change of one piece of the rich manifest's text weakens.
fn change(from: &str, to: &str) -> Vec<String> {
    assert_eq!(RICH.matches(from).count(), 1, "{from:?} stands once in the manifest");
    weakened(&read(RICH), &read(&RICH.replacen(from, to, 1)), &level)
}

fn compare(before: &str, after: &str) -> Vec<String> {
    weakened(&read(&format!("version = 1\n{before}")), &read(&format!("version = 1\n{after}")), &level)
}

fn cut(from: &str, until: &str) -> String {
    let start = RICH.find(from).unwrap();
    RICH[start..start + RICH[start..].find(until).unwrap()].to_owned()
}

#[test]
fn each_change_for_the_worse_is_told() {
    let cases: &[(&str, &str, &str)] = &[
        (r#""scripts/restore_*.sh", "#, "", "protect entry 'recovery scripts' no longer names 'scripts/restore_*.sh'"),
        (
            r#", "docs/recovery_procedure.md"]"#,
            "]",
            "protect entry 'recovery scripts' no longer names 'docs/recovery_procedure.md'",
        ),
        (
            r#""scripts/restore_*.sh","#,
            r#""scripts/restore_a*.sh","#,
            "protect entry 'recovery scripts' no longer names 'scripts/restore_*.sh'",
        ),
        (
            r#"procedure.md"]"#,
            r#"procedure.md", "!scripts/restore_db.sh"]"#,
            "protect entry 'recovery scripts' now leaves out 'scripts/restore_db.sh' for 'scripts/restore_*.sh'",
        ),
        (
            r#"deny   = ["delete"]"#,
            r#"deny = ["modify"]"#,
            "protect entry 'recovery scripts' no longer denies 'delete'",
        ),
        (r#"level  = "block""#, r#"level = "info""#, "protect entry 'recovery scripts' is lowered from block to info"),
        (
            r#"on     = ["main", "release/*"]"#,
            r#"on = ["main"]"#,
            "protect entry 'recovery scripts' no longer blocks on branch 'release/*'",
        ),
        (
            r#"format   = "json""#,
            r#"format = "jsonc""#,
            "data entry 'data/processed/*.json' is read as jsonc instead of json",
        ),
        (
            r#"schema   = "schemas/email.schema.json""#,
            "",
            "data entry 'data/processed/*.json' no longer has schema 'schemas/email.schema.json'",
        ),
        (
            r#"schema   = "schemas/email"#,
            r#"schema = "schemas/any"#,
            "data entry 'data/processed/*.json' has schema 'schemas/any.schema.json' instead of 'schemas/email.schema.json'",
        ),
        (r#"root     = "object""#, "", "data entry 'data/processed/*.json' no longer has to be an object"),
        (r#"required = ["/emails"]"#, "", "data entry 'data/processed/*.json' no longer requires '/emails'"),
        (r#"key      = "id""#, "", "data entry 'data/processed/*.json' no longer has key 'id'"),
        (
            r#"max_loss = "10%""#,
            "",
            "data entry 'data/processed/*.json' no longer limits lost records to 10% of its records",
        ),
        (
            r#"max_loss = "10%""#,
            r#"max_loss = "10.5%""#,
            "data entry 'data/processed/*.json' may lose 10.5% of its records instead of 10% of its records",
        ),
        (
            r#"max_loss = "10%""#,
            "max_loss = 1",
            "data entry 'data/processed/*.json' may lose 1 record instead of 10% of its records",
        ),
        ("backup   = true", "", "data entry 'data/processed/*.json' is no longer backed up"),
        (r#"name    = "orders""#, r#"name = "other""#, "database 'orders' is gone"),
        ("backup  = true", "", "database 'orders' is no longer backed up"),
        ("max_loss = 500", "max_loss = 501", "database 'orders' may lose 501 records instead of 500 records"),
        ("max_loss = 500", "", "database 'orders' no longer limits lost records to 500 records"),
        ("secret  = true", "", "database 'orders' is no longer secret"),
        (
            r#"service = "orders_production""#,
            "",
            "database 'orders' is reached by service none, not 'orders_production'",
        ),
        (r#"never = ["sandbox", "wip/*"]"#, r#"never = ["sandbox"]"#, "branch 'wip/*' may be merged into 'main'"),
        (r#"into  = ["main", "release/*"]"#, r#"into = ["main"]"#, "branch 'sandbox' may be merged into 'release/*'"),
        (
            r#"{ level = "block", files"#,
            r#"{ level = "info", files"#,
            "rule 'mass-delete' is lowered from block to info",
        ),
        ("files = 40", "files = 41", "rule 'mass-delete' has files = 41 instead of 40"),
        ("files = 40, ", "", "rule 'mass-delete' has files = 50 instead of 40"),
        (r#"lost-change = "warn""#, r#"lost-change = "off""#, "rule 'lost-change' is lowered from warn to off"),
        ("[rules]", "[rules]\nconflict-markers = 'warn'", "rule 'conflict-markers' is lowered from block to warn"),
        (r#"on_failure = "block""#, "", "what the guard can't judge is no longer refused"),
        (
            r#""origin/HEAD"]"#,
            r#""origin/HEAD", "origin/wip"]"#,
            "what 'origin/wip' contains is flagged instead of blocked",
        ),
        (
            r#"["protected-delete"]"#,
            r#"["protected-delete", "lost-keys"]"#,
            "servers and CI honour trailers that allow 'lost-keys'",
        ),
        (r#"scope     = "all""#, "", "snapshots hold only touched files"),
        ("keep      = 7", "keep = 6", "snapshots have keep = 6 instead of 7"),
        ("50 MiB", "49 MiB", "snapshots have max_file = 51380224 instead of 52428800"),
        ("max_total = 4096", "max_total = 4095", "snapshots have max_total = 4095 instead of 4096"),
        ("max_store = 8192", "max_store = 8191", "snapshots have max_store = 8191 instead of 8192"),
        (" weekly=5", "", "backups are no longer kept by 'weekly'"),
        ("before_merge = true", "", "backups are no longer made before merges"),
        ("last=10", "last=9", "backups are kept by last = 9 instead of 10"),
        (
            "ssh://backup/proj.git",
            "ssh://other/proj.git",
            "backups go to 'ssh://other/proj.git' instead of 'ssh://backup/proj.git'",
        ),
    ];
    for (from, to, expected) in cases {
        let told = change(from, to);
        assert!(told.iter().any(|sentence| sentence == expected), "{from} -> {to}: {told:#?}");
        assert!(told.len() <= 2, "one change is told once: {told:#?}");
    }
}

#[test]
fn a_whole_section_that_goes_is_told() {
    for (from, until, expected) in [
        ("[[protect]]", "[[data]]", "protect entry 'recovery scripts' is gone"),
        ("[[data]]", "[[branch]]", "data entry 'data/processed/*.json' is gone"),
        ("[[database]]", "[[branch]]", "database 'orders' is gone"),
        ("[[branch]]", "[rules]", "branch 'sandbox' may be merged into 'main'"),
        ("[rules]", "[policy]", "rule 'mass-delete' is lowered from block to warn"),
        ("[policy]", "[snapshot]", "what the guard can't judge is no longer refused"),
        ("[backup.remote]", "[runbook]", "backups no longer go to 'ssh://backup/proj.git'"),
    ] {
        let told = change(&cut(from, until), "");
        assert!(told.iter().any(|sentence| sentence == expected), "{from}: {told:#?}");
    }
    assert_eq!(weakened(&read(RICH), &Manifest::default(), &level).len(), 18);
}

#[test]
fn edits_for_the_better_and_neutral_ones_are_none() {
    let cases: &[(&str, &str)] = &[
        ("recovery scripts", "scripts for recovery"),
        (r#"["delete"]"#, r#"["delete", "modify"]"#),
        (r#"on     = ["main", "release/*"]"#, ""),
        (r#"on     = ["main", "release/*"]"#, r#"on = ["release/*", "main", "next"]"#),
        (r#""scripts/restore_*.sh""#, r#""scripts/""#),
        (r#""scripts/restore_*.sh""#, r#""/scripts/restore_*.sh""#),
        (r#"procedure.md"]"#, r#"procedure.md", "!vendor/x"]"#),
        (r#"reason = "on-call needs these at 3 a.m.""#, ""),
        (r#"owners = ["@ops"]"#, ""),
        (r#"format   = "json""#, ""),
        (r#"max_loss = "10%""#, "max_loss = 0"),
        ("secret   = false", "secret = true"),
        ("files = 40", "files = 39"),
        (r#"lost-change = "warn""#, r#"lost-change = "block""#),
        (r#"lost-change = "warn""#, ""),
        (r#"["protected-delete"]"#, "[]"),
        (r#"accepted   = ["@{upstream}", "origin/HEAD"]"#, "accepted = []"),
        ("keep      = 7", ""),
        ("last=10", "last=11"),
        (r#"rto = "30m""#, ""),
        ("[rules]", "[[protect]]\npaths = ['new']\n[[data]]\npaths = ['*.png']\nformat = 'binary'\n[rules]"),
    ];
    for (from, to) in cases {
        assert_eq!(change(from, to), Vec::<String>::new(), "{from} -> {to}");
    }
}

#[test]
fn entries_may_be_split_and_joined() {
    let whole = "[[protect]]\npaths = ['a', 'b']\ndeny = ['delete', 'mode']\non = ['main', 'next']";
    let entry = |path: &str, deny: &str, on: &str| {
        format!("[[protect]]\npaths = ['{path}']\ndeny = ['{deny}']\non = ['{on}']\n")
    };
    let mut split = String::new();
    for path in ["a", "b"] {
        for deny in ["delete", "mode"] {
            split += &entry(path, deny, "main");
            split += &entry(path, deny, "next");
        }
    }
    assert_eq!(compare(whole, &split), Vec::<String>::new());
    assert_eq!(compare(&split, whole), Vec::<String>::new());
    let less = split.replacen(&entry("b", "mode", "next"), "", 1);
    assert_eq!(compare(whole, &less), ["protect entry 'a' no longer blocks on branch 'next' for 'b'"]);
}

#[test]
fn the_order_of_exclusions_counts() {
    let before = "[[protect]]\nname = 'n'\npaths = ['!x.sh', '*.sh']";
    let after = "[[protect]]\nname = 'n'\npaths = ['*.sh', '!x.sh']";
    assert_eq!(compare(before, after), ["protect entry 'n' now leaves out 'x.sh'"]);
    assert_eq!(compare(after, before), Vec::<String>::new());
}

#[test]
fn a_later_data_entry_can_not_take_files_away_unseen() {
    let strict = "[[data]]\npaths = ['data/**']\nrecords = '/r'\nformat = 'json'\n";
    let lax = "[[data]]\npaths = ['data/raw/**']\nformat = 'binary'\n";
    let told = compare(strict, &format!("{strict}{lax}"));
    assert_eq!(
        told,
        [
            "data entry 'data/**' loses 'data/raw/**' to a later entry: it is read as binary instead of json",
            "data entry 'data/**' loses 'data/raw/**' to a later entry: it no longer has records '/r'",
        ]
    );
    // Before the strict one it decides nothing, and where it stood already it is no news.
    assert_eq!(compare(strict, &format!("{lax}{strict}")), Vec::<String>::new());
    assert_eq!(compare(&format!("{strict}{lax}"), &format!("{strict}{lax}")), Vec::<String>::new());
    assert!(!compare(&format!("{lax}{strict}"), &format!("{strict}{lax}")).is_empty(), "the order changed");
    let but = lax.replace("**'", "**', '!data/raw/keep/'");
    assert!(!compare(&format!("{strict}{but}"), &format!("{strict}{lax}")).is_empty(), "keep/ was strict");
}

#[test]
fn a_new_data_entry_can_not_switch_the_built_in_check_off_unseen() {
    let entry = |path: &str, format: &str| format!("[[data]]\npaths = ['{path}']\nformat = '{format}'\n");
    assert_eq!(compare("", &entry("*.json", "text")), ["data entry '*.json' reads '*.json' as text"]);
    assert_eq!(compare("", &entry("conf/", "binary")), ["data entry 'conf/' reads 'conf/' as binary"]);
    assert_eq!(compare("", &entry("*.json", "jsonc")), ["data entry '*.json' reads '*.json' as jsonc"]);
    assert!(compare("", &entry("*.json", "json")).is_empty());
    let but = "[[data]]\npaths = ['conf/', '!conf/deep/']\nformat = 'text'\n";
    let told = compare(but, &format!("{but}{}", entry("conf/deep/", "text")));
    assert_eq!(told, ["data entry 'conf/deep/' reads 'conf/deep/' as text"]);
    assert!(compare("", &entry("*.csv", "text")).is_empty());
    assert!(compare("", &entry("data/**", "json")).is_empty());
}

#[test]
fn sentences_can_not_control_a_terminal() {
    let told = compare("[[protect]]\nname = \"a\\u001b[31m\\n\"\npaths = [\"x\\ny\"]", "");
    assert_eq!(told, [r"protect entry 'a\u{1b}[31m\n' is gone"]);
}

#[test]
fn manifests_with_too_many_patterns_are_compared_by_entry() {
    let list = |folder: &str| (0..400).map(|number| format!("'{folder}/{number}*',")).collect::<String>();
    let manifest = |one: &str, two: &str| format!("[[protect]]\nname = '{one}'\npaths = [{}]\n{two}", list(one));
    let lax = "[[data]]\npaths = ['x']\n";
    let strict = "[[data]]\npaths = ['x']\nbackup = true\n";
    assert_eq!(compare(&manifest("a", lax), &manifest("a", lax)), Vec::<String>::new());
    assert_eq!(
        compare(&manifest("a", strict), &manifest("b", lax)),
        [
            "protect entry 'a' changed, and there are too many patterns to see how",
            "data entries changed, and there are too many patterns to see how",
        ]
    );
}
