//! I5, I6: install and uninstall as a whole.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::thread;

use serde_json::Value;

use crate::support::{GATE, REFTABLE, Ran, Sandbox, Tree, write_program};

const NAMES: [&str; 10] = [
    "reference-transaction",
    "pre-merge-commit",
    "pre-commit",
    "prepare-commit-msg",
    "post-merge",
    "post-commit",
    "post-checkout",
    "post-rewrite",
    "pre-rebase",
    "pre-push",
];

fn hooks(sandbox: &Sandbox) -> PathBuf {
    sandbox.at(".git/hooks")
}

fn all(sandbox: &Sandbox) -> Tree {
    Tree::read(&sandbox.at(".git"), |path| path == "recoveryguard/install.lock")
}

fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap()
}

#[test]
fn all_hooks_go_in_and_out() {
    let sandbox = Sandbox::new();
    let before = sandbox.state();
    let files = Tree::read(&hooks(&sandbox), |_| false);
    sandbox.install();
    for name in NAMES {
        let mode = fs::metadata(hooks(&sandbox).join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o755, "{name}");
    }
    let _ = sandbox.guard(["uninstall"]).ok();
    assert_eq!(files.differences(&Tree::read(&hooks(&sandbox), |_| false)), [""; 0]);
    assert!(!sandbox.at(".git/recoveryguard").exists());
    sandbox.assert_unchanged(&before);
}

#[test]
fn installing_twice_and_dry_runs_change_nothing() {
    let sandbox = Sandbox::new();
    let before = all(&sandbox);
    let planned = json(&sandbox.guard(["install", "--dry-run", "--json"]).ok());
    assert_eq!(planned["changed"], true);
    assert_eq!(before.differences(&all(&sandbox)), [""; 0]);
    let done = json(&sandbox.guard(["install", "--json"]).ok());
    assert_eq!((&planned["hooks"], &planned["routes"]), (&done["hooks"], &done["routes"]));
    let installed = all(&sandbox);
    let again = json(&sandbox.guard(["install", "--json"]).ok());
    assert_eq!(again["changed"], false);
    let planned = json(&sandbox.guard(["uninstall", "--dry-run", "--json"]).ok());
    assert_eq!(planned["hooks"].as_array().unwrap().len(), NAMES.len());
    assert_eq!(installed.differences(&all(&sandbox)), [""; 0]);
    let _ = sandbox.guard(["uninstall"]).ok();
    assert_eq!(json(&sandbox.guard(["uninstall", "--json"]).ok())["changed"], false);
}

#[test]
fn the_text_says_which_routes_are_judged() {
    let sandbox = Sandbox::new();
    let text = sandbox.guard(["install"]).ok().stdout;
    let gate = if GATE.is_here() { "before         git merge" } else { "on the result  git merge" };
    assert!(text.contains(gate), "{text}");
    assert!(text.contains("counts once it is committed"), "{text}");
    sandbox.write(".recoveryguard.toml", "version = 1\n");
    assert!(sandbox.guard(["install"]).ok().stdout.contains("counts once it is committed"));
    sandbox.commit("manifest");
    let text = sandbox.guard(["install"]).ok().stdout;
    assert!(!text.contains("counts once it is committed") && text.ends_with("asked there\n"), "{text}");
}

/// An older script of ours is replaced; the hook that it runs stays what it was.
#[test]
fn an_upgrade_replaces_the_script_and_keeps_the_original() {
    let sandbox = Sandbox::new();
    write_program(hooks(&sandbox).join("pre-commit"), "#!/bin/sh\necho theirs\n");
    let files = Tree::read(&hooks(&sandbox), |_| false);
    sandbox.install();
    let place = hooks(&sandbox).join("pre-commit");
    let current = fs::read(&place).unwrap();
    let mark = "# recoveryguard hook 0 (installed by 'guard install'; 'guard uninstall' takes it out)";
    write_program(&place, format!("#!/bin/sh\n{mark}\nexit 0\n"));
    // Without its run bit git would ignore it.
    fs::set_permissions(hooks(&sandbox).join("post-merge"), fs::Permissions::from_mode(0o644)).unwrap();
    let done = json(&sandbox.guard(["install", "--json"]).ok());
    let actions: Vec<_> =
        done["hooks"].as_array().unwrap().iter().map(|hook| hook["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["keep", "keep", "replace", "keep", "replace", "keep", "keep", "keep", "keep", "keep"]);
    assert_eq!(fs::read(&place).unwrap(), current);
    let _ = sandbox.guard(["uninstall"]).ok();
    assert_eq!(files.differences(&Tree::read(&hooks(&sandbox), |_| false)), [""; 0]);
}

/// Another tool writes its hook over ours: the next install runs that one, and keeps the one before it, not run.
#[test]
fn a_hook_that_was_put_over_ours_is_chained() {
    let sandbox = Sandbox::new();
    let place = hooks(&sandbox).join("pre-commit");
    write_program(&place, "#!/bin/sh\necho first >>ran\n");
    sandbox.install();
    write_program(&place, "#!/bin/sh\necho second >>ran\n");
    sandbox.install();
    sandbox.commit("x");
    assert_eq!(sandbox.read("ran"), b"second\n");
    assert!(hooks(&sandbox).join("pre-commit.recoveryguard-replaced-1").exists());
    // The same once more, as some tools do with every installation of packages, is no other hook.
    write_program(&place, "#!/bin/sh\necho second >>ran\n");
    sandbox.install();
    assert!(!hooks(&sandbox).join("pre-commit.recoveryguard-replaced-2").exists());
    sandbox.commit("y");
    assert_eq!(sandbox.read("ran"), b"second\nsecond\n");
    let ran = sandbox.guard(["uninstall"]).ok();
    assert_eq!(fs::read(&place).unwrap(), b"#!/bin/sh\necho second >>ran\n", "{ran}");
}

/// `pre-commit install` moves our script aside and calls it: everyone's hook runs once, also after another install.
#[test]
fn another_manager_that_calls_ours_is_not_chained_again() {
    let sandbox = Sandbox::new();
    let place = hooks(&sandbox).join("pre-commit");
    write_program(&place, "#!/bin/sh\necho first >>ran\n");
    sandbox.install();
    fs::rename(&place, hooks(&sandbox).join("pre-commit.legacy")).unwrap();
    write_program(&place, "#!/bin/sh\n\"$(dirname \"$0\")/pre-commit.legacy\" \"$@\" && echo manager >>ran\n");
    let manager = fs::read(&place).unwrap();
    sandbox.install();
    sandbox.commit("x");
    assert_eq!(sandbox.read("ran"), b"first\nmanager\n");
    let _ = sandbox.guard(["uninstall"]).ok();
    assert_eq!(fs::read(&place).unwrap(), manager);
    assert_eq!(fs::read(hooks(&sandbox).join("pre-commit.legacy")).unwrap(), b"#!/bin/sh\necho first >>ran\n");
    assert!(!hooks(&sandbox).join("pre-commit.recoveryguard-original").exists());
}

/// I6: what is ours is read from the hook files.
#[test]
fn uninstall_needs_no_description() {
    for damage in ["", "{", "{\"version\":99}"] {
        let sandbox = Sandbox::new();
        write_program(hooks(&sandbox).join("pre-push"), "#!/bin/sh\n");
        let files = Tree::read(&hooks(&sandbox), |_| false);
        sandbox.install();
        let description = sandbox.at(".git/recoveryguard/installed.json");
        if damage.is_empty() {
            fs::remove_file(&description).unwrap();
        } else {
            fs::write(&description, damage).unwrap();
        }
        let _ = sandbox.guard(["uninstall"]).ok();
        assert_eq!(files.differences(&Tree::read(&hooks(&sandbox), |_| false)), [""; 0], "{damage}");
    }
}

#[test]
fn a_script_that_somebody_removed_leaves_the_original_to_come_back() {
    let sandbox = Sandbox::new();
    let place = hooks(&sandbox).join("pre-commit");
    write_program(&place, "#!/bin/sh\n");
    sandbox.install();
    fs::remove_file(&place).unwrap();
    let _ = sandbox.guard(["uninstall"]).ok();
    assert_eq!(fs::read(&place).unwrap(), b"#!/bin/sh\n");
}

#[test]
fn only_purge_deletes_the_journal_and_it_says_what() {
    let sandbox = Sandbox::new();
    sandbox.install();
    let folder = sandbox.at(".git/recoveryguard");
    fs::create_dir_all(folder.join("journal")).unwrap();
    fs::write(folder.join("journal/record"), "x").unwrap();
    fs::write(folder.join("theirs"), "x").unwrap();
    let _ = sandbox.git(["update-ref", "refs/recoveryguard/pre-merge/x", "HEAD"]).ok();
    let _ = sandbox.guard(["uninstall"]).ok();
    assert!(folder.join("journal/record").exists());
    let _ = sandbox.git(["rev-parse", "--verify", "-q", "refs/recoveryguard/pre-merge/x"]).ok();
    let planned = sandbox.guard(["uninstall", "--purge", "--dry-run"]).ok().stdout;
    for listed in ["Would delete for good:", "/journal\n", "refs/recoveryguard/pre-merge/x", "/theirs' is not known"] {
        assert!(planned.contains(listed), "{planned}");
    }
    assert!(folder.join("journal/record").exists());
    let _ = sandbox.guard(["uninstall", "--purge"]).ok();
    assert!(!folder.join("journal").exists());
    assert!(folder.join("theirs").exists());
    let _ = sandbox.git(["rev-parse", "--verify", "-q", "refs/recoveryguard/pre-merge/x"]).fails();
}

/// Two at once: one wins or waits its turn, none leaves half an installation.
#[test]
fn two_at_once_leave_one_installation() {
    let sandbox = Sandbox::new();
    write_program(hooks(&sandbox).join("pre-commit"), "#!/bin/sh\necho theirs\n");
    let files = Tree::read(&hooks(&sandbox), |_| false);
    let mut commands: Vec<_> = (0..4).map(|_| sandbox.command("guard", sandbox.work())).collect();
    let ends: Vec<i32> = thread::scope(|scope| {
        let run = |command| scope.spawn(move || Ran::of(std::process::Command::arg(command, "install"), b"").status);
        let running: Vec<_> = commands.iter_mut().map(run).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    // 4: the plan was made before another one was carried out; 5: another one is at it.
    assert!(ends.contains(&0) && ends.iter().all(|status| [0, 4, 5].contains(status)), "{ends:?}");
    let kept = fs::read(hooks(&sandbox).join("pre-commit.recoveryguard-original")).unwrap();
    assert_eq!(kept, b"#!/bin/sh\necho theirs\n");
    assert_eq!(json(&sandbox.guard(["install", "--json"]).ok())["changed"], false);
    let _ = sandbox.guard(["uninstall"]).ok();
    assert_eq!(files.differences(&Tree::read(&hooks(&sandbox), |_| false)), [""; 0]);
}

/// H13: a repository with an ordinary history works as before, in every kind of repository.
#[test]
fn git_works_as_before() {
    let kinds = [Sandbox::options(), Sandbox::options().sha256(), Sandbox::options().linked_worktree()];
    let reftable = REFTABLE.is_here().then(|| Sandbox::options().reftable());
    for options in kinds.into_iter().chain(reftable) {
        let (with, without) = (options.create(), options.create());
        with.install();
        for sandbox in [&with, &without] {
            sandbox.branch("feat", &[("feat.txt", Some("feat\n"))]);
            let _ = sandbox.git(["merge", "-q", "feat"]).ok();
            sandbox.branch("other", &[("other.txt", Some("other\n"))]);
            sandbox.write("mine.txt", "mine\n").commit("mine");
            let _ = sandbox.git(["merge", "-q", "-m", "merged", "other"]).ok();
            let _ = sandbox.git(["commit", "-q", "--amend", "-m", "amended"]).ok();
            let _ = sandbox.git(["tag", "v1"]).ok();
            let _ = sandbox.git(["reset", "-q", "--hard", "HEAD^"]).ok();
        }
        assert_eq!(without.state().differences(&with.state()), [""; 0]);
    }
}

/// H1: what was installed is asked by every way to merge, before anything is changed (which variables git sets for its
/// hooks differs between versions: this is where a change shows).
#[test]
fn the_gate_is_asked_by_every_way_to_merge() {
    if !GATE.is_needed_here() {
        return;
    }
    let sandbox = Sandbox::with_bad_branch();
    sandbox.install();
    let before = sandbox.state();
    let ways: [&[&str]; 8] = [
        &["merge", "bad"],
        &["merge", "--ff-only", "bad"],
        &["merge", "--no-ff", "--no-verify", "bad"],
        &["merge", "--squash", "bad"],
        &["merge", "--no-commit", "--no-ff", "bad"],
        &["pull", ".", "bad"],
        &["pull", "--ff-only", ".", "bad"],
        &["-c", "merge.ff=false", "merge", "-X", "theirs", "bad"],
    ];
    for way in ways {
        let _ = sandbox.git(way).fails().says("[protected-delete]");
        sandbox.assert_unchanged(&before);
    }
}

/// A git that would not work any more with our hooks, or can't tell what install has to know, gets none. The real git
/// under another version's name: what is refused is the version.
#[test]
fn a_git_that_cannot_have_hooks_is_refused() {
    let sandbox = Sandbox::new();
    let before = all(&sandbox);
    let git = sandbox.root().join("bin/git");
    let real = fs::read_link(&git).unwrap();
    for (version, why) in
        [("2.25.1", "which file of its configuration says what"), ("2.28.0", "it runs other programs")]
    {
        fs::remove_file(&git).unwrap();
        let named = format!("case \" $* \" in *' version '*) echo 'git version {version}'; exit ;; esac");
        write_program(&git, format!("#!/bin/sh\n{named}\nexec '{}' \"$@\"\n", real.display()));
        let said = format!("git {version} can't have guard's hooks: ");
        let _ = sandbox.guard(["install"]).exits(4).says(&said).says(why);
        assert_eq!(before.differences(&all(&sandbox)), [""; 0]);
        let doctor = sandbox.guard(["doctor"]).exits(1).stdout;
        assert!(doctor.contains(&said) && doctor.contains("is older than 2.29"), "{doctor}");
    }
}
