//! Tests of the register itself: every rule is whole, known to the manifest, tested and documented.

use super::*;
use crate::manifest::RULE_NAMES;
use crate::rules::testing::{Sample, file};

/// The crate's folder; tests may read the sources.
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn source(rule: &Rule) -> String {
    std::fs::read_to_string(format!("{ROOT}/src/rules/{}.rs", rule.name.replace('-', "_"))).unwrap()
}

#[test]
fn names_are_unique_and_known_to_the_manifest() {
    for rule in REGISTER {
        assert_eq!(REGISTER.iter().filter(|other| other.name == rule.name).count(), 1, "{}", rule.name);
        assert!(RULE_NAMES.contains(&rule.name), "{}", rule.name);
        assert_ne!(rule.default, Level::Off, "{}", rule.name);
        assert_eq!(explain(rule.name).unwrap().name, rule.name);
    }
    assert!(explain("no-such-rule").is_none());
}

#[test]
fn every_page_is_complete() {
    for rule in REGISTER {
        let Docs { finds, why, what_to_do, when_wrong } = rule.docs;
        for paragraph in [finds, why, what_to_do, when_wrong] {
            assert!(paragraph.len() > 40 && paragraph.ends_with(['.', '!']), "{}: {paragraph}", rule.name);
            assert!(!paragraph.contains("  "), "{}: {paragraph}", rule.name);
        }
    }
}

#[test]
fn every_rule_is_tested_to_fire_and_to_keep_quiet() {
    for rule in REGISTER {
        let source = source(rule);
        let tests = source.split_once("#[cfg(test)]").map(|(_, tests)| tests).unwrap_or_default();
        assert!(
            ["block", "warn", "info"].iter().any(|level| tests.contains(&format!("{level} {}", rule.name))),
            "{}",
            rule.name
        );
        assert!(tests.contains(".said().is_empty()"), "{}", rule.name);
    }
}

#[test]
fn the_page_of_all_rules_is_up_to_date() {
    let path = format!("{ROOT}/docs/rules.md");
    #[expect(clippy::disallowed_methods, reason = "a test that is told to may rewrite the page it checks")]
    if std::env::var_os("RECOVERYGUARD_BLESS").is_some() {
        std::fs::create_dir_all(format!("{ROOT}/docs")).unwrap();
        std::fs::write(&path, render_all()).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(written == render_all(), "docs/rules.md is old: RECOVERYGUARD_BLESS=1 cargo test rules writes it");
}

#[test]
fn settings_win_over_defaults_and_off_is_silence() {
    let sample = || Sample::merge().path("a", file("x"), &[file("x")], None);
    assert_eq!(sample().set("deleted-in-merge", Some(Level::Block), &[]).said(), ["block deleted-in-merge a"]);
    assert!(sample().set("deleted-in-merge", Some(Level::Off), &[]).said().is_empty());
    assert_eq!(sample().set("deleted-in-merge", None, &[]).said(), ["warn deleted-in-merge a"]);
}

#[test]
fn findings_come_worst_first_then_by_rule_and_path() {
    let sample = Sample::merge()
        .protect(&["z", "b"], &[crate::manifest::Deny::Delete])
        .path("a", file("x"), &[file("x")], None)
        .path("b", file("x"), &[None], None)
        .path("z", file("x"), &[None], None)
        .path("c", file("x"), &[file("y")], testing::executable("z"));
    let expected =
        ["block protected-delete b", "block protected-delete z", "warn deleted-in-merge a", "info mode-changed c"];
    assert_eq!(sample.said(), expected);
}

#[test]
fn a_prediction_and_the_commit_of_the_same_change_have_one_fingerprint() {
    let predicted = Sample::merge().path("a", file("x"), &[file("y")], None);
    let mut actual = Sample::merge().path("a", file("x"), &[file("y")], None);
    actual.facts.incoming[0].names = vec!["other".into()];
    actual.facts.result = crate::model::ResultKind::Predicted { certain: false };
    assert_eq!(predicted.judge()[0].fingerprint, actual.judge()[0].fingerprint);
    let other = Sample::merge().path("a", file("w"), &[file("y")], None);
    assert_ne!(predicted.judge()[0].fingerprint, other.judge()[0].fingerprint);
}

#[test]
fn names_from_a_repository_are_escaped_everywhere() {
    let path = "a\u{1b}[31m\n\u{202e}.json";
    let sample = Sample::merge().protect(&["*.json"], &[crate::manifest::Deny::Modify]).path(
        path,
        file("{}"),
        &[file("[]")],
        file("{\"\u{1b}\": 1, \"\u{1b}\": 1}"),
    );
    let findings = sample.judge();
    assert_eq!(findings.len(), 2);
    for finding in findings {
        let texts = [finding.message, finding.remedy].into_iter().chain(finding.evidence.into_values());
        for text in texts {
            assert_eq!(crate::model::escape(text.as_bytes()), text);
        }
    }
}
