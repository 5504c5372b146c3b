//! No test file is forgotten: cargo compiles only what is listed in `main.rs`.

use std::fs;
use std::path::Path;

#[test]
fn every_file_of_the_suite_is_listed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite");
    let main = fs::read_to_string(folder.join("main.rs")).unwrap();
    for entry in fs::read_dir(&folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let module = name.strip_suffix(".rs").unwrap_or(&name);
        let is_listed = module == "main" || main.lines().any(|line| line == format!("mod {module};"));
        assert!(is_listed, "tests/suite/{name} is listed nowhere in tests/suite/main.rs and never runs");
    }
}

#[test]
fn every_test_binary_is_the_suite() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    for entry in fs::read_dir(&folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(
            Path::new(&name).extension().is_none_or(|extension| extension != "rs"),
            "tests/{name} is a binary more"
        );
    }
}
