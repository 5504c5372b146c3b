//! No test file is forgotten: cargo compiles only what is listed in a test's `main.rs`.

use std::fs;
use std::path::Path;

fn names(folder: &Path) -> Vec<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn every_file_of_a_test_is_listed() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    for test in names(&tests) {
        let folder = tests.join(&test);
        let root = if test == "support" { "mod" } else { "main" };
        let listed = fs::read_to_string(folder.join(format!("{root}.rs"))).unwrap();
        for name in names(&folder) {
            let module = name.strip_suffix(".rs").unwrap_or(&name);
            let is_listed = module == root || listed.lines().any(|line| line == format!("mod {module};"));
            assert!(is_listed, "tests/{test}/{name} is listed nowhere in its {root}.rs and never runs");
        }
    }
}

/// Linking is what takes time: a binary more is a decision, made here.
#[test]
fn there_are_few_test_binaries() {
    let mut found = names(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"));
    found.sort();
    assert_eq!(found, ["suite", "support"]);
}
