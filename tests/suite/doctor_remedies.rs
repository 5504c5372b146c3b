//! I8: whatever doctor prints as something to do is typed as it stands, and then doctor is content.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use serde_json::Value;

use crate::support::{GATE, Ran, Sandbox, copy_program, run_mounting};

/// So many remedies may follow from each other.
const MOST: usize = 5;

/// A way to bring about one trouble.
type Trouble = (&'static str, fn(&Sandbox));

/// What doctor says then, and how it comes to that in a repository with guard's hooks and a manifest.
const TROUBLES: [Trouble; 17] = [
    ("0 of 10 hooks are in", |sandbox| drop(sandbox.guard(["uninstall"]).ok())),
    ("'pre-push' has lost its run bit", |sandbox| mode(sandbox, "pre-push", 0o644)),
    ("'reference-transaction' has lost its run bit", |sandbox| mode(sandbox, "reference-transaction", 0)),
    ("9 of 10 hooks are in", |sandbox| fs::remove_file(sandbox.at(".git/hooks/post-merge")).unwrap()),
    ("'post-commit' is from another version of guard", |sandbox| {
        let mark = "# recoveryguard hook 1 (installed by 'guard install'; 'guard uninstall' takes it out)";
        sandbox.write(".git/hooks/post-commit", format!("#!/bin/sh\n{mark}\nexit 0\n"));
    }),
    ("'pre-commit' is not ours", |sandbox| _ = sandbox.write(".git/hooks/pre-commit", "#!/bin/sh\n")),
    ("which is gone", |sandbox| install_from(sandbox, |_| {})),
    ("which can't be run", |sandbox| install_from(sandbox, |program| fs::write(program, "").unwrap())),
    ("a probe merge that deletes a protected file went through", |sandbox| {
        install_from(sandbox, |program| symlink("/bin/true", program).unwrap());
    }),
    ("git runs the hooks in", |sandbox| drop(sandbox.git(["config", "core.hooksPath", ".githooks"]).ok())),
    ("git runs no hooks here at all", |sandbox| drop(sandbox.git(["config", "core.hooksPath", ""]).ok())),
    ("where git does not look", |sandbox| {
        let _ = sandbox.git(["config", "core.hooksPath", ".githooks"]).ok();
        let _ = sandbox.guard(["install"]).ok();
        fs::copy(sandbox.at(".git/recoveryguard-hooks/pre-push"), sandbox.at(".git/hooks/pre-push")).unwrap();
    }),
    ("in the worktree", |sandbox| {
        let _ = sandbox.git(["config", "extensions.worktreeConfig", "true"]).ok();
        let _ = sandbox.git(["worktree", "add", "-q", "-b", "it's", "../it's"]).ok();
        let _ = sandbox.git_in(&sandbox.root().join("it's"), ["config", "--worktree", "core.hooksPath", "x"]).ok();
    }),
    ("other users can get at what is kept", |sandbox| {
        fs::set_permissions(sandbox.at(".git/recoveryguard"), fs::Permissions::from_mode(0o777)).unwrap();
    }),
    // A hook's records are not forced to the disk: a power failure cuts them.
    ("cut off", |sandbox| {
        let _ = sandbox.commit("more");
        for record in fs::read_dir(sandbox.at(".git/recoveryguard/journal")).unwrap() {
            let record = record.unwrap().path();
            let bytes = fs::read(&record).unwrap();
            fs::write(&record, &bytes[..bytes.len() / 2]).unwrap();
        }
    }),
    // What a git leaves that was killed while it moved a branch, also when it was guard's.
    ("'HEAD.lock', 'refs/heads/main.lock' are locked", |sandbox| {
        sandbox.write(".git/HEAD.lock", "").write(".git/refs/heads/main.lock", "");
    }),
    ("hooks could not find the guard 2 times", |sandbox| {
        sandbox.write(".git/recoveryguard/missed", "pre-push 1\npre-push 2\n");
    }),
];

fn mode(sandbox: &Sandbox, hook: &str, mode: u32) {
    fs::set_permissions(sandbox.at(".git/hooks").join(hook), fs::Permissions::from_mode(mode)).unwrap();
}

/// Installs from another place; the program there goes, and something may take its place.
fn install_from(sandbox: &Sandbox, then: fn(&std::path::Path)) {
    let program = sandbox.root().join("elsewhere");
    // No link: the program's own place would be where that leads to.
    copy_program(env!("CARGO_BIN_EXE_guard"), &program);
    let _ = Ran::of(sandbox.command(&program, sandbox.work()).arg("install"), b"").ok();
    fs::remove_file(&program).unwrap();
    then(&program);
}

/// Doctor's checks that are not good, but for what it says of an older git: health, text, remedy.
fn troubles(sandbox: &Sandbox) -> Vec<(String, String, Option<String>)> {
    let ran = sandbox.guard(["doctor", "--json"]);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran}"));
    let word = |check: &Value, key: &str| check[key].as_str().map(str::to_owned);
    let checks = document["checks"].as_array().unwrap().iter().filter(|check| check["name"] != "git");
    let told = |check: &Value| (word(check, "health").unwrap(), word(check, "text").unwrap(), word(check, "remedy"));
    checks.map(told).filter(|(health, ..)| health != "good").collect()
}

/// Types what doctor prints until it prints no more.
#[track_caller]
fn cure(sandbox: &Sandbox) {
    for _ in 0..MOST {
        let Some((_, text, Some(remedy))) = troubles(sandbox).into_iter().find(|(.., remedy)| remedy.is_some()) else {
            break;
        };
        let ran = Ran::of(sandbox.command("sh", sandbox.work()).args(["-c", &remedy]), b"");
        assert_eq!(ran.status, 0, "{text}: {ran}");
    }
}

#[test]
fn every_trouble_with_hooks_is_told_and_cured_by_what_is_printed() {
    if !GATE.is_needed_here() {
        return;
    }
    for (said, make) in TROUBLES {
        let sandbox = Sandbox::new();
        sandbox.write(".recoveryguard.toml", "version = 1\n").commit("manifest");
        sandbox.install();
        assert_eq!(troubles(&sandbox), []);
        make(&sandbox);
        let found = troubles(&sandbox);
        let told = |(_, text, remedy): &(String, String, Option<String>)| text.contains(said) && remedy.is_some();
        assert!(found.iter().any(told), "{said}: {found:#?}");
        cure(&sandbox);
        assert_eq!(troubles(&sandbox), [], "{said}");
    }
}

/// From a folder below, too.
#[test]
fn a_repository_without_a_manifest_is_led_to_one() {
    let sandbox = Sandbox::new();
    sandbox.install().write("below/config.json", "{}\n").commit("config");
    for (said, remedy) in [("only built-in rules hold", "guard init"), ("is not committed", "git add ':/")] {
        let found = troubles(&sandbox);
        let (_, text, printed) =
            found.iter().find(|(_, text, _)| text.contains(said)).unwrap_or_else(|| panic!("{found:?}"));
        let printed = printed.as_deref().unwrap();
        assert!(printed.starts_with(remedy), "{text}: {printed}");
        let _ = Ran::of(sandbox.command("sh", &sandbox.at("below")).args(["-c", printed]), b"").ok();
    }
    assert!(
        !troubles(&sandbox)
            .iter()
            .any(|(_, text, _)| text.contains("manifest") || text.contains(".recoveryguard.toml"))
    );
}

/// A file system on which nothing may be run: git runs no hook there, whatever its run bit says.
#[test]
fn needs_tmpfs_a_file_system_that_runs_nothing_is_found() {
    if !GATE.is_needed_here() {
        return;
    }
    let sandbox = Sandbox::with_bad_branch();
    let script = "
        mount -t tmpfs -o noexec guard-test .git/hooks || exit 99
        guard install >/dev/null
        guard doctor >said; echo first $?
        grep noexec said
        grep -c 'went through' said
        sh -c \"$(grep -A1 noexec said | sed -n 's/^ *do: //p')\"; echo typed $?
        guard doctor >said; echo then $?
        git merge -q bad; echo merged $?
    ";
    let Some(ran) = run_mounting(&sandbox, script) else { return };
    let said = ["first 1", "0", "typed 0", "then 0", "merged 128"];
    for line in said {
        assert!(ran.stdout.lines().any(|found| found == line), "{line}: {ran}");
    }
    assert!(ran.stdout.contains("/.git/hooks' is mounted so that nothing there may be run (noexec)"), "{ran}");
}
