//! No test file is forgotten: cargo compiles only what is listed in a test's `main.rs`.

use std::fs;
use std::path::Path;

/// A package of its own, whose programs `.ci/fuzz` finds by itself.
const FUZZ: &str = "fuzz";

fn names(folder: &Path) -> Vec<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Expects every file and folder in `folder` to be listed in its `root`; folders list theirs in a `mod.rs`.
fn expect_listed(folder: &Path, root: &str) {
    let listed = fs::read_to_string(folder.join(format!("{root}.rs"))).unwrap();
    for name in names(folder) {
        let module = name.strip_suffix(".rs").unwrap_or(&name);
        let is_listed =
            module == root || listed.lines().any(|line| line.trim_start_matches("pub ") == format!("mod {module};"));
        assert!(is_listed, "{}/{name} is listed nowhere in its {root}.rs and never runs", folder.display());
        if folder.join(&name).is_dir() {
            expect_listed(&folder.join(&name), "mod");
        }
    }
}

#[test]
fn every_file_of_the_tests_is_listed() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    for test in names(&tests).iter().filter(|name| *name != FUZZ) {
        expect_listed(&tests.join(test), if test == "support" { "mod" } else { "main" });
    }
}

/// Linking is what takes time: a binary more is a decision, made here.
#[test]
fn there_are_few_test_binaries() {
    let mut found = names(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"));
    found.sort();
    assert_eq!(found, [FUZZ, "suite", "support"]);
}
