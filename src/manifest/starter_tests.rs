//! The starter is read back: it must be valid, name what is there and nothing else.

use proptest::prelude::*;

use super::*;
use crate::manifest::{Manifest, parse};
use crate::model::Level;

fn read(text: &str) -> Manifest {
    parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn start(paths: &[&str]) -> (String, Manifest) {
    let text = starter(&paths.iter().map(|path| TreePath::from(*path)).collect::<Vec<_>>());
    let manifest = read(&text);
    (text, manifest)
}

#[test]
fn an_empty_repository_protects_only_the_manifest() {
    let (text, manifest) = start(&[]);
    assert_eq!(manifest.protect.len(), 1);
    assert!(manifest.protect[0].paths.matches(FILE.into()));
    assert!(manifest.data.is_empty());
    assert!(text.lines().count() < 80, "short enough to read");
}

#[test]
fn only_what_exists_is_proposed() {
    let (_, manifest) = start(&[
        "scripts/restore_db.py",
        "scripts/deep/run.sh",
        "bin/tool",
        ".gitlab-ci.yml",
        "sub/Jenkinsfile",
        "config/app.ini",
        "config/.env.example",
        "svc/.env.example",
        "docker-compose.dev.yml",
        "svc/Dockerfile",
        "src/x.json",
        "data/processed/a.json",
        "data/processed/b.json",
        "data/raw/x.yml",
        "data/notes.txt",
        "data/app.db",
    ]);
    let lines = |name: &str| -> Vec<&str> {
        let entry = manifest.protect.iter().find(|entry| entry.name == name).unwrap();
        entry.paths.lines().iter().map(String::as_str).collect()
    };
    assert_eq!(lines("recovery scripts"), ["scripts/restore*", "scripts/**/*.sh"]);
    assert_eq!(lines("pipelines"), ["/.gitlab-ci.yml"]);
    assert_eq!(lines("configuration"), ["/config/", "/svc/.env.example", "/docker-compose.dev.yml", "/svc/Dockerfile"]);
    let level = |path: &str| manifest.protecting(path.into()).map(|entry| entry.level).max();
    assert_eq!(level("scripts/deep/run.sh"), Some(Level::Block));
    assert_eq!(level("svc/Dockerfile"), Some(Level::Warn));
    assert_eq!(level("sub/Jenkinsfile"), None);
    let data: Vec<_> = manifest.data.iter().flat_map(|rule| rule.paths.lines()).collect();
    assert_eq!(data, ["data/processed/*.json", "data/raw/*.yml", "data/*.db"]);
    assert!(manifest.data.iter().all(|rule| rule.backup));
}

#[test]
fn many_names_become_one_pattern() {
    let many: Vec<String> = (0..20).map(|at| format!("svc{at}/Dockerfile")).collect();
    let folders: Vec<String> = (0..20).map(|at| format!("data/{at}/x.json")).collect();
    let paths: Vec<&str> = many.iter().chain(&folders).map(String::as_str).collect();
    let (_, manifest) = start(&paths);
    assert_eq!(manifest.protect[0].paths.lines(), ["Dockerfile"]);
    assert_eq!(manifest.data[0].paths.lines(), ["data/**/*.json"]);
}

#[test]
fn the_examples_are_a_valid_manifest_that_says_everything() {
    let (text, _) = start(&["scripts/a.sh"]);
    let is_example = |line: &str| line.starts_with('#') && !line.starts_with("# ");
    let taken: String = text
        .lines()
        .map(|line| if is_example(line) { &line[1..] } else { line })
        .map(|line| format!("{line}\n"))
        .collect();
    let manifest = read(&taken);
    assert_eq!(manifest.protect.last().unwrap().deny.len(), 5);
    assert!(manifest.data[0].secret && manifest.data[0].max_loss.is_some());
    assert!(!manifest.branch.is_empty() && manifest.rules.len() == 2 && !manifest.policy.allow.is_empty());
    assert!(
        manifest.backup.remote.is_some() && manifest.runbook.rpo.is_some() && !manifest.runbook.contacts.is_empty()
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a folder is called, the proposal names what is in it, and nothing of a folder of another name.
    #[test]
    fn odd_names_are_quoted_and_escaped(
        name in prop::collection::vec(prop_oneof![
            prop::sample::select(b"*?[]\\!'\"# \n\t\x1b\x7f-{}~.".to_vec()),
            any::<u8>().prop_filter("a path byte", |byte| !matches!(byte, 0 | b'/')),
        ], 1..12).prop_filter("a folder's name", |name| name != b"." && name != b".."),
    ) {
        let path = |folder: &[u8], file: &str| TreePath::from([folder, b"/", file.as_bytes()].concat());
        let data = [b"data/", name.as_slice()].concat();
        let manifest = read(&starter(&[path(&name, "Dockerfile"), path(&data, "x.json")]));
        prop_assert!(manifest.protecting(path(&name, "Dockerfile").as_bstr()).next().is_some());
        prop_assert!(manifest.data_rule(path(&data, "y.json").as_bstr()).is_some());
        let longer = [name.as_slice(), b"x"].concat();
        prop_assert!(manifest.protecting(path(&longer, "Dockerfile").as_bstr()).next().is_none());
    }
}
