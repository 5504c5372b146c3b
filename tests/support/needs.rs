//! Programs of others that a test runs for real. They are looked for in the folder `GUARD_TEST_TOOLS`, which
//! `.ci/tools` fills, and on `PATH`. A test whose name begins with `needs_` says `not run: no <tool>` where it is missing;
//! with `GUARD_TEST_NEEDS=all` that is a failure.

use std::io::Write;
use std::path::PathBuf;

use super::Sandbox;

/// Finds a program.
pub fn tool(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders =
        std::env::var_os("GUARD_TEST_TOOLS").map(PathBuf::from).into_iter().chain(std::env::split_paths(&path));
    folders.map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// Makes a program available in a sandbox. Returns false, and says so where tests can't hide it, when it is not here.
#[must_use]
pub fn with_tool(sandbox: &Sandbox, name: &str) -> bool {
    let Some(found) = tool(name) else {
        let all = std::env::var_os("GUARD_TEST_NEEDS").is_some_and(|value| value == "all");
        assert!(!all, "{name} is not here, and GUARD_TEST_NEEDS says that all tests have to run");
        let test = std::thread::current().name().unwrap_or_default().to_owned();
        std::io::stderr().write_all(format!("not run: no {name}: {test}\n").as_bytes()).unwrap();
        return false;
    };
    let bin = sandbox.root().join("bin");
    std::os::unix::fs::symlink(found, bin.join(name)).unwrap();
    // husky is a script for it.
    if let Some(node) = tool("node")
        && !bin.join("node").exists()
    {
        std::os::unix::fs::symlink(node, bin.join("node")).unwrap();
    }
    true
}
