//! Programs of others that a test runs for real. They are looked for in the folder `GUARD_TEST_TOOLS`, which
//! `.ci/tools` fills, and on `PATH`. A test whose name begins with `needs_` says `not run: no <tool>` where it is missing;
//! with `GUARD_TEST_NEEDS=all`, or `all but <tool> …` and another tool, that is a failure.
//!
//! `not run: <why>: <test>` is what `.ci/run` and `.ci/gits` count, whatever a test could not be run for.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use super::{PATH_FORMAT, Ran, Sandbox, copy_program};

/// Says that the test at hand is not run, past its captured output: whoever reads the run sees it.
pub fn not_run(why: &str) {
    let test = std::thread::current().name().unwrap_or_default().to_owned();
    std::io::stderr().write_all(format!("not run: {why}: {test}\n").as_bytes()).unwrap();
}

/// Returns whether a test that needs a program has to be run.
pub fn is_demanded(name: &str) -> bool {
    let needs = std::env::var("GUARD_TEST_NEEDS").unwrap_or_default();
    let mut words = needs.split_whitespace();
    words.next() == Some("all") && words.all(|word| word != name)
}

/// Finds a program.
pub fn tool(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders =
        std::env::var_os("GUARD_TEST_TOOLS").map(PathBuf::from).into_iter().chain(std::env::split_paths(&path));
    folders.map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// Makes a program available in a sandbox, where git has what that program needs itself. Returns false, and says so where tests can't hide it, when it is not here.
#[must_use]
pub fn with_tool(sandbox: &Sandbox, name: &str) -> bool {
    let Some(found) = tool(name) else {
        assert!(
            !is_demanded(name),
            "{name} is not here, and GUARD_TEST_NEEDS says that tests that need it have to run"
        );
        not_run(&format!("no {name}"));
        return false;
    };
    if name == "lefthook" && !PATH_FORMAT.is_needed_here() {
        return false;
    }
    let bin = sandbox.root().join("bin");
    std::os::unix::fs::symlink(found, bin.join(name)).unwrap();
    // husky is a script for the one, overcommit and its hooks are scripts for the other.
    for interpreter in ["node", "ruby"] {
        if let Some(found) = tool(interpreter)
            && !bin.join(interpreter).exists()
        {
            std::os::unix::fs::symlink(found, bin.join(interpreter)).unwrap();
        }
    }
    true
}

/// Lets user 65534 into a sandbox, and returns how a line of sh is run by that one; `None`, said, where we can't be another user.
pub fn other_user(sandbox: &Sandbox) -> Option<fn(&Sandbox, &str) -> Ran> {
    let sh = |line: &str| Ran::of(sandbox.command("sh", sandbox.work()).args(["-c", line]), b"");
    if sh("id -u").ok().line() != "0" {
        not_run("only root can be another user");
        return None;
    }
    if !with_tool(sandbox, "setpriv") {
        return None;
    }
    let bin = sandbox.root().join("bin/guard");
    let program = fs::canonicalize(&bin).unwrap();
    // Where everybody may enter.
    fs::remove_file(&bin).unwrap();
    copy_program(program, &bin);
    let _ = sh("chmod a+rx .. ../bin ../bin/guard && chmod a+rwx ../home").ok();
    Some(|sandbox, line| {
        let mut command = sandbox.command("setpriv", sandbox.work());
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "sh", "-c", line]);
        Ran::of(&mut command, b"")
    })
}

/// Runs a script of sh that may mount, in a namespace of its own; `None`, said, where nobody may.
pub fn run_mounting(sandbox: &Sandbox, script: &str) -> Option<Ran> {
    let run = |script: &str| {
        let mut unshare = sandbox.command("unshare", sandbox.work());
        Ran::of(unshare.args(["--mount", "--map-root-user", "sh", "-c", script]), b"")
    };
    if tool("unshare").is_none() || run("mount -t tmpfs -o size=64k guard-test /mnt").status != 0 {
        not_run("no tmpfs");
        return None;
    }
    Some(run(script))
}
