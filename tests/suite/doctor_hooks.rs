//! I8: doctor tells what git would really run, and each remedy works as it is printed.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::{CONFIG_HOOKS, EVENTS_OFF, GATE, Sandbox, write_program};

/// Doctor says it, its remedy is `guard install`, and then it is content.
#[track_caller]
fn mends(sandbox: &Sandbox, said: &str) {
    let doctor = sandbox.guard(["doctor"]).exits(1);
    let mut lines = doctor.stdout.lines().skip_while(|line| !line.contains(said));
    assert!(lines.next().is_some_and(|line| line.starts_with("bad ")), "'{said}': {doctor}");
    assert_eq!(lines.next().unwrap().trim(), "do: guard install", "{doctor}");
    sandbox.install();
    let _ = sandbox.guard(["doctor"]).ok();
}

#[test]
fn what_is_wrong_with_scripts_is_found_and_mended() {
    let sandbox = Sandbox::new();
    mends(&sandbox, "0 of 10 hooks are in");
    let hooks = sandbox.at(".git/hooks");
    fs::set_permissions(hooks.join("pre-push"), fs::Permissions::from_mode(0o644)).unwrap();
    mends(&sandbox, "'pre-push' has lost its run bit: git ignores it");
    fs::remove_file(hooks.join("post-merge")).unwrap();
    mends(&sandbox, "9 of 10 hooks are in");
    let mark = "# recoveryguard hook 1 (installed by 'guard install'; 'guard uninstall' takes it out)";
    fs::write(hooks.join("post-commit"), format!("#!/bin/sh\n{mark}\nexit 0\n")).unwrap();
    mends(&sandbox, "'post-commit' is from another version of guard");
    fs::write(hooks.join("pre-commit"), "#!/bin/sh\n").unwrap();
    mends(&sandbox, "'pre-commit' is not ours: something put it there after us");
    let good = sandbox.guard(["doctor"]).ok();
    assert!(good.stdout.contains("'pre-commit' also runs the hook that was there before"), "{good}");
}

#[test]
fn a_program_that_moved_is_found() {
    let sandbox = Sandbox::new();
    sandbox.install();
    let bin = sandbox.root().join("bin");
    fs::rename(bin.join("guard"), bin.join("renamed")).unwrap();
    let mut command = sandbox.command("renamed", sandbox.work());
    let doctor = crate::support::Ran::of(command.arg("doctor"), b"").exits(1);
    let said = format!("calls '{}', which is gone", bin.join("guard").display());
    assert!(doctor.stdout.contains(&said), "{doctor}");
    let mut command = sandbox.command("renamed", sandbox.work());
    let _ = crate::support::Ran::of(command.arg("install"), b"").ok();
    let mut command = sandbox.command("renamed", sandbox.work());
    let _ = crate::support::Ran::of(command.arg("doctor"), b"").ok();
    fs::rename(bin.join("renamed"), bin.join("guard")).unwrap();
}

/// On a machine that is too busy for the time limit the hooks are not to blame, whatever the policy is then.
#[test]
fn a_gate_that_had_no_time_is_not_called_broken() {
    let sandbox = Sandbox::new();
    sandbox.install();
    let guard = sandbox.root().join("bin/guard");
    let real = fs::read_link(&guard).unwrap();
    // What hooks call says this about a merge, and ends so.
    let gate = |said: &str, exit: u8| {
        let script = format!(
            "#!/bin/sh\ncase \"$1 $2 $3\" in 'hook reference-transaction prepared') {said}exit {exit} ;; esac\nexec '{}' \"$@\"\n",
            real.display()
        );
        fs::remove_file(&guard).unwrap();
        write_program(&guard, script);
        let doctor = sandbox.guard(["doctor"]).stdout;
        doctor.lines().find(|line| line.split_whitespace().nth(1) == Some("gate")).unwrap().to_owned()
    };
    for (exit, next) in [(0, "git goes on"), (3, "refused, as on_failure says")] {
        let said = format!("printf 'guard: could not judge: the time limit of 5 s is over\\n  {next}\\n' >&2; ");
        let line = gate(&said, exit);
        assert!(line.starts_with("note  gate      the hooks run, but had no time to judge a probe merge"), "{line}");
    }
    assert_eq!(gate("", 0), "bad   gate      a probe merge that deletes a protected file went through");
}

/// The second user of a shared repository can't write into guard's folder: what can be told is told.
#[test]
fn where_no_probe_can_be_made_the_rest_is_told() {
    if !GATE.is_needed_here() {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.install();
    let tmp = sandbox.at(".git/recoveryguard/tmp");
    let _ = fs::remove_dir_all(&tmp);
    fs::write(&tmp, "in the way\n").unwrap();
    let doctor = sandbox.guard(["doctor"]).exits(1).stdout;
    assert!(doctor.contains("bad   gate      no probe merge can be made here: cannot make the folder"), "{doctor}");
    assert!(doctor.contains("10 hooks are in") && doctor.contains("guarded here:"), "{doctor}");
}

/// Somebody names another folder after us: ours are passed by until the next install, and none stays behind.
#[test]
fn a_hooks_path_that_was_set_after_us_is_found() {
    let sandbox = Sandbox::new();
    sandbox.install();
    let _ = sandbox.git(["config", "core.hooksPath", ".githooks"]).ok();
    mends(&sandbox, "core.hooksPath is '.githooks' (local configuration): git runs the hooks in");
    assert!(!sandbox.at(".git/hooks/reference-transaction").exists());
    // Scripts of ours that came there by another way, with a template.
    fs::copy(sandbox.at(".git/recoveryguard-hooks/pre-push"), sandbox.at(".git/hooks/pre-push")).unwrap();
    mends(&sandbox, "/.git/hooks' too, where git does not look");
    // A hook that guard has nothing to do with is not passed on.
    fs::write(sandbox.at(".git/recoveryguard-hooks/commit-msg"), "#!/bin/sh\n").unwrap();
    mends(&sandbox, "'commit-msg' does not pass on to the other hooks folder");
}

#[test]
fn each_route_is_told_with_the_hook_that_guards_it() {
    let sandbox = Sandbox::new();
    sandbox.install();
    let doctor = sandbox.guard(["doctor"]).ok();
    let merges = if GATE.is_here() {
        "  before     git merge, git pull (fast-forward, squash and octopus included) (reference-transaction)\n"
    } else {
        "  on-result  git merge, git pull (fast-forward, squash and octopus included) (pre-merge-commit: needs git 2.29)\n"
    };
    for said in [
        merges,
        "  after      git cherry-pick (post-commit: git asks no hook beforehand)\n",
        "  on-result  git push (pre-push)\n",
        "  no         clients that run no hooks (git is not asked there)\n",
    ] {
        assert!(doctor.stdout.contains(said), "{said}{doctor}");
    }
}

/// git 2.54 and later: hooks that stand in the configuration run beside ours, each once.
#[test]
fn hooks_of_the_configuration_run_beside_ours() {
    if !CONFIG_HOOKS.is_needed_here() {
        return;
    }
    let sandbox = Sandbox::new();
    let _ = sandbox.git(["config", "hook.theirs.command", "echo theirs >>\"$HOME/ran\""]).ok();
    let _ = sandbox.git(["config", "hook.theirs.event", "pre-commit"]).ok();
    let _ = sandbox.git(["config", "hook.off.event", "pre-commit"]).ok();
    let _ = sandbox.git(["config", "hook.off.command", "exit 1"]).ok();
    let _ = sandbox.git(["config", "hook.off.enabled", "false"]).ok();
    sandbox.install();
    let doctor = sandbox.guard(["doctor"]).ok();
    assert!(doctor.stdout.contains("hooks of others, which run before ours: theirs\n"), "{doctor}");
    let _ = sandbox.git(["commit", "-q", "--allow-empty", "-m", "x"]).ok();
    assert_eq!(fs::read_to_string(sandbox.root().join("home/ran")).unwrap(), "theirs\n");
}

/// The probe merges with the hooks that this repository's configuration has: one that refuses everything is found, one that
/// is switched off is not run, and those of the user don't come in the way of making the scratch repository.
#[test]
fn hooks_of_the_configuration_are_asked_by_the_probe() {
    if !CONFIG_HOOKS.is_needed_here() {
        return;
    }
    let sandbox = Sandbox::new();
    let global = sandbox.root().join("home/.gitconfig");
    fs::write(&global, "[hook \"never\"]\n\tevent = pre-commit\n\tcommand = exit 1\n").unwrap();
    sandbox.env("GIT_CONFIG_GLOBAL", &global);
    sandbox.install();
    let _ = sandbox.guard(["doctor"]).ok();
    let _ = sandbox.git(["config", "hook.strict.event", "reference-transaction"]).ok();
    let _ = sandbox.git(["config", "hook.strict.command", "echo strict says no >&2; exit 1"]).ok();
    let doctor = sandbox.guard(["doctor"]).exits(1).stdout;
    assert!(doctor.contains("a probe merge was stopped by something else: strict says no"), "{doctor}");
    let _ = sandbox.git(["config", "hook.strict.enabled", "false"]).ok();
    let doctor = sandbox.guard(["doctor"]).ok().stdout;
    assert!(doctor.contains("which run before ours: never\n"), "{doctor}");
}

/// 'hook.<event>.enabled' switches off what the configuration has for an event, and not the script in the folder.
#[test]
fn a_switch_for_an_event_leaves_ours_on() {
    if !CONFIG_HOOKS.is_needed_here() {
        return;
    }
    let sandbox = Sandbox::with_bad_branch();
    sandbox.install();
    let _ = sandbox.git(["config", "hook.reference-transaction.enabled", "false"]).ok();
    let merged = sandbox.git(["merge", "-q", "bad"]).status == 0;
    assert_eq!(sandbox.guard(["doctor"]).status == 0, !merged, "doctor says what git does");
    assert_eq!(merged, EVENTS_OFF.is_here());
}

#[test]
fn one_is_counted_as_one() {
    let sandbox = Sandbox::new();
    sandbox.write(".recoveryguard.toml", "version = 1\n[[protect]]\npaths = ['a']\n").commit("manifest");
    let doctor = sandbox.guard(["doctor"]).stdout;
    assert!(doctor.contains("'.recoveryguard.toml' protects by 1 entry, 0 for data"), "{doctor}");
    sandbox.install();
    let folder = sandbox.at(".git/hooks");
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().is_some_and(|name| name != "post-merge") {
            fs::remove_file(path).unwrap();
        }
    }
    let doctor = sandbox.guard(["doctor"]).stdout;
    assert!(doctor.contains("1 of 10 hooks is in"), "{doctor}");
}
