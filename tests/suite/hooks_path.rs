//! I1: `core.hooksPath` that names somebody else's folder. Nothing is written there, its hooks run as before and ours
//! with them, and uninstall leaves not a byte changed.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::support::{CONFIG_FILES, CONFIG_VARIABLES, GATE, Ran, Sandbox, Tree, write_program};

/// Everything but what time changes: guard's own folder, and what git writes while it works.
fn all(sandbox: &Sandbox) -> Tree {
    let worked = |path: &str| {
        let path = path.strip_prefix("repo/.git/").unwrap_or(path);
        path == "recoveryguard" || ["objects", "logs", "refs", "index", "ORIG_HEAD", "COMMIT_EDITMSG"].contains(&path)
    };
    Tree::read(sandbox.root(), |path| worked(path) || path == "home/ran")
}

fn hook(folder: &Path, name: &str) {
    write_program(folder.join(name), format!("#!/bin/sh\necho {name} >>\"$HOME/ran\"\n"));
}

/// Returns which hooks of others ran in a commit; ours must see it.
fn commit(sandbox: &Sandbox) -> Vec<String> {
    let ran = sandbox.root().join("home/ran");
    let _ = fs::remove_file(&ran);
    let _ = sandbox.git(["commit", "-q", "--allow-empty", "-m", "x"]).ok();
    fs::read_to_string(ran).unwrap_or_default().lines().map(str::to_owned).collect()
}

fn guarded() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("keep.txt", "x\n").write(".recoveryguard.toml", "version = 1\n[[protect]]\npaths = [\"keep.txt\"]\n");
    sandbox.commit("protect");
    sandbox.branch("bad", &[("keep.txt", None)]);
    sandbox
}

fn refuses(sandbox: &Sandbox, folder: &Path) {
    if GATE.is_here() {
        let _ = sandbox.git_in(folder, ["merge", "bad"]).fails().says("[protected-delete]");
    }
}

/// In every scope and form: (scope, value, where the folder is).
#[test]
fn every_form_is_lived_with() {
    for (scope, value, folder) in [
        ("local", ".githooks", "repo/.githooks"),
        ("local", "./a b/$x's", "repo/a b/$x's"),
        ("local", ".", "repo"),
        ("local", ".githooks/", "repo/.githooks"),
        ("local", "../shared//", "shared"),
        ("local", "~/hooks", "home/hooks"),
        ("worktree", ".githooks", "repo/.githooks"),
        ("global", "~/hooks", "home/hooks"),
        ("global", ".githooks", "repo/.githooks"),
        ("include", ".githooks", "repo/.githooks"),
        ("late include", ".githooks", "repo/.githooks"),
    ] {
        let sandbox = guarded();
        let global = sandbox.root().join("home/.gitconfig");
        fs::write(&global, "").unwrap();
        sandbox.env("GIT_CONFIG_GLOBAL", &global);
        let folder = sandbox.root().join(folder);
        hook(&folder, "pre-commit");
        hook(&folder, "commit-msg");
        let _ = sandbox.git(["config", "extensions.worktreeConfig", "true"]).ok();
        match scope {
            "include" => {
                fs::write(sandbox.at(".git/more"), format!("[core]\n\thooksPath = {value}\n")).unwrap();
                let _ = sandbox.git(["config", "include.path", "more"]).ok();
            }
            // Written as people write: with a comment, in another section, twice.
            "late include" => {
                let mut config = fs::read(sandbox.at(".git/config")).unwrap();
                config.extend(b"[include]\n\tpath = none\n[CORE]\n  hookspath = x # comment\n\thooksPath= .githooks\n");
                fs::write(sandbox.at(".git/config"), config).unwrap();
            }
            scope => _ = sandbox.git(["config", &format!("--{scope}"), "core.hooksPath", value]).ok(),
        }
        let before = all(&sandbox);
        let _ = sandbox.guard(["install"]).ok();
        let added: Vec<_> = before.differences(&all(&sandbox));
        let ours = |line: &String| line.contains(".git/recoveryguard-hooks") || line.contains(".git/config");
        assert!(added.iter().all(ours), "{scope} {value}: {added:#?}");
        let doctor = sandbox.guard(["doctor"]).ok();
        assert!(doctor.stdout.contains("ours also run the hooks in"), "{doctor}");
        assert_eq!(commit(&sandbox), ["pre-commit", "commit-msg"], "{scope} {value}");
        refuses(&sandbox, sandbox.work());
        assert!(sandbox.guard(["install", "--json"]).ok().stdout.contains("\"changed\":false"), "{scope} {value}");
        let _ = sandbox.guard(["uninstall"]).ok();
        assert_eq!(before.differences(&all(&sandbox)), [""; 0], "{scope} {value}");
    }
}

/// Hooks that somebody switched off stay so, and it is said how to switch them on.
#[test]
fn hooks_that_are_switched_off_stay_so() {
    for (scope, value) in [("local", ""), ("local", "/dev/null"), ("global", "/dev/null")] {
        let sandbox = Sandbox::new();
        let global = sandbox.root().join("home/.gitconfig");
        fs::write(&global, "").unwrap();
        sandbox.env("GIT_CONFIG_GLOBAL", &global);
        let _ = sandbox.git(["config", &format!("--{scope}"), "core.hooksPath", value]).ok();
        let before = Tree::read(sandbox.root(), |_| false);
        let said = format!("core.hooksPath is '{value}' ({scope} configuration): git runs no hooks here at all");
        let ran = sandbox.guard(["install"]).exits(4).says(&said);
        assert_eq!(before.differences(&Tree::read(sandbox.root(), |_| false)), [""; 0], "{value}");
        let doctor = sandbox.guard(["doctor"]).exits(1);
        assert!(doctor.stdout.contains(&said), "{doctor}");
        // The hint works as it is printed.
        let (_, hint) = ran.stderr.lines().next().unwrap().split_once("; hint: ").unwrap();
        let mut command = sandbox.command("sh", sandbox.work());
        let _ = Ran::of(command.args(["-c", hint]), b"").ok();
        sandbox.install();
    }
}

/// The line that counts may stand in another file, or beside one that names a folder.
#[test]
fn hooks_that_a_line_among_others_switched_off_are_switched_on_by_the_hint() {
    for lines in ["[core]\n\thooksPath = .githooks\n\thooksPath =\n", "[include]\n\tpath = o'more\n"] {
        let sandbox = guarded();
        hook(&sandbox.work().join(".githooks"), "pre-commit");
        let mut config = fs::read(sandbox.at(".git/config")).unwrap();
        config.extend(lines.bytes());
        fs::write(sandbox.at(".git/config"), config).unwrap();
        fs::write(sandbox.at(".git/o'more"), "[core]\n\thooksPath = /dev/null\n").unwrap();
        let ran = sandbox.guard(["install"]).exits(4);
        let (_, hint) = ran.stderr.lines().next().unwrap().split_once("; hint: ").unwrap();
        let _ = Ran::of(sandbox.command("sh", sandbox.work()).args(["-c", hint]), b"").ok();
        let _ = sandbox.guard(["install"]).ok();
        let theirs: &[&str] = if lines.contains(".githooks") { &["pre-commit"] } else { &[] };
        assert_eq!(commit(&sandbox), theirs, "{hint}");
    }
}

#[test]
fn a_folder_for_one_command_is_refused() {
    if !CONFIG_VARIABLES.is_needed_here() {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.env("GIT_CONFIG_COUNT", "1").env("GIT_CONFIG_KEY_0", "core.hooksPath").env("GIT_CONFIG_VALUE_0", "other");
    let _ = sandbox.guard(["install"]).exits(4).says("core.hooksPath is 'other' for this command only");
}

#[test]
fn a_folder_that_an_option_names_is_refused() {
    let sandbox = Sandbox::new();
    let install = ["-c", "core.hooksPath=other", "-c", "alias.put=!guard install", "put"];
    let _ = sandbox.git(install).exits(4).says("core.hooksPath is 'other' for this command only");
    let _ = sandbox.guard(["install"]).ok();
}

#[test]
fn a_folder_of_the_whole_system_is_lived_with() {
    if !CONFIG_FILES.is_needed_here() {
        return;
    }
    let sandbox = guarded();
    let (system, folder) = (sandbox.root().join("gitconfig"), sandbox.root().join("hooks"));
    hook(&folder, "pre-commit");
    fs::write(&system, format!("[core]\n\thooksPath = {}\n", folder.display())).unwrap();
    sandbox.env("GIT_CONFIG_SYSTEM", &system).env("GIT_CONFIG_NOSYSTEM", "0");
    let before = all(&sandbox);
    let said = sandbox.guard(["install"]).ok().stdout;
    assert!(said.contains("(system configuration): nothing is written there"), "{said}");
    let _ = sandbox.guard(["doctor"]).ok();
    assert_eq!(commit(&sandbox), ["pre-commit"]);
    refuses(&sandbox, sandbox.work());
    let _ = sandbox.guard(["uninstall"]).ok();
    assert_eq!(before.differences(&all(&sandbox)), [""; 0]);
}

/// git runs no hooks "in" a file, and neither does guard.
#[test]
fn a_file_in_the_place_of_a_folder_is_lived_with() {
    let sandbox = guarded();
    let _ = sandbox.git(["config", "core.hooksPath", "base.txt"]).ok();
    let before = all(&sandbox);
    let said = sandbox.guard(["install"]).ok().stdout;
    assert!(said.contains("/base.txt' is no folder now; its hooks run once it is"), "{said}");
    let _ = sandbox.guard(["doctor"]).ok();
    assert_eq!(commit(&sandbox), [""; 0]);
    refuses(&sandbox, sandbox.work());
    let _ = sandbox.guard(["uninstall"]).ok();
    assert_eq!(before.differences(&all(&sandbox)), [""; 0]);
    // In the place of git's own.
    let _ = sandbox.git(["config", "--unset", "core.hooksPath"]).ok();
    fs::remove_dir_all(sandbox.at(".git/hooks")).unwrap();
    fs::write(sandbox.at(".git/hooks"), "mine\n").unwrap();
    let before = all(&sandbox);
    let _ = sandbox.guard(["install"]).exits(2).says("/.git/hooks/reference-transaction': Not a directory");
    assert_eq!(before.differences(&all(&sandbox)), [""; 0]);
}

/// A folder that another branch has comes and goes; its hooks run while it is there.
#[test]
fn a_folder_that_is_not_there_yet_counts_once_it_is() {
    let sandbox = guarded();
    let _ = sandbox.git(["config", "core.hooksPath", ".githooks"]).ok();
    let ran = sandbox.guard(["install"]).ok();
    assert!(ran.stdout.contains("/.githooks' is not there now; its hooks run once it is"), "{ran}");
    let _ = sandbox.guard(["doctor"]).ok();
    assert_eq!(commit(&sandbox), [""; 0]);
    hook(&sandbox.at(".githooks"), "pre-commit");
    assert_eq!(commit(&sandbox), ["pre-commit"]);
}

#[test]
fn a_hooks_folder_that_is_a_link_to_elsewhere_is_not_written_to() {
    let sandbox = guarded();
    fs::remove_dir_all(sandbox.at(".git/hooks")).unwrap();
    hook(&sandbox.at("tracked"), "pre-commit");
    symlink("../tracked", sandbox.at(".git/hooks")).unwrap();
    let before = all(&sandbox);
    sandbox.install();
    assert_eq!(fs::read_dir(sandbox.at("tracked")).unwrap().count(), 1);
    assert_eq!(commit(&sandbox), ["pre-commit"]);
    refuses(&sandbox, sandbox.work());
    let _ = sandbox.guard(["doctor"]).ok();
    let _ = sandbox.guard(["uninstall"]).ok();
    assert_eq!(before.differences(&all(&sandbox)), [""; 0]);
}

/// A relative folder is each worktree's own.
#[test]
fn linked_worktrees_run_their_own_copy_of_the_folder() {
    let sandbox = guarded();
    hook(&sandbox.at(".githooks"), "pre-commit");
    sandbox.commit("hooks");
    let _ = sandbox.git(["config", "core.hooksPath", ".githooks"]).ok();
    sandbox.install();
    let _ = sandbox.git(["worktree", "add", "-q", "-b", "other", "../other"]).ok();
    let other = sandbox.root().join("other");
    write_program(other.join(".githooks/pre-commit"), "#!/bin/sh\necho linked >>\"$HOME/ran\"\n");
    let _ = sandbox.git_in(&other, ["commit", "-q", "--allow-empty", "-m", "x"]).ok();
    assert_eq!(fs::read_to_string(sandbox.root().join("home/ran")).unwrap(), "linked\n");
    refuses(&sandbox, &other);
}

/// Each worktree may name its own folder: then install holds there only, doctor names the others, and uninstall takes
/// all out.
#[test]
fn worktrees_with_their_own_settings_are_told_apart() {
    let sandbox = guarded();
    let _ = sandbox.git(["config", "extensions.worktreeConfig", "true"]).ok();
    let _ = sandbox.git(["worktree", "add", "-q", "-b", "other", "../other"]).ok();
    let other = sandbox.root().join("other");
    hook(&sandbox.root().join("theirs"), "pre-commit");
    let _ = sandbox.git_in(&other, ["config", "--worktree", "core.hooksPath", "../theirs"]).ok();
    let before = all(&sandbox);
    sandbox.install();
    let doctor = sandbox.guard(["doctor"]).ok();
    let remedy =
        doctor.stdout.lines().find_map(|line| line.trim_start().strip_prefix("do: guard -C ")).expect("a remedy");
    let mut command = sandbox.command("sh", sandbox.work());
    let ran = Ran::of(command.args(["-c", &format!("guard -C {remedy}")]), b"").ok();
    assert!(ran.stdout.contains("this holds in this worktree only"), "{ran}");
    assert!(!sandbox.guard(["doctor"]).ok().stdout.contains("ours do not run"));
    for folder in [sandbox.work(), &other] {
        refuses(&sandbox, folder);
    }
    let _ = sandbox.git_in(&other, ["commit", "-q", "--allow-empty", "-m", "x"]).ok();
    assert_eq!(fs::read_to_string(sandbox.root().join("home/ran")).unwrap(), "pre-commit\n");
    let _ = sandbox.guard(["uninstall"]).ok();
    let git = |path: &str| path.contains("/worktrees/other/") && !path.contains("recoveryguard");
    let rest = before.differences(&all(&sandbox)).into_iter().filter(|line| !git(line)).collect::<Vec<_>>();
    assert_eq!(rest, [""; 0]);
    let config = fs::read_to_string(sandbox.at(".git/worktrees/other/config.worktree")).unwrap();
    assert!(!config.contains("recoveryguard"), "{config}");
}

/// The way to our folder is absolute: where a repository was moved, every command of ours says what to do.
#[test]
fn a_repository_that_moved_is_noticed() {
    let sandbox = guarded();
    hook(&sandbox.at(".githooks"), "pre-commit");
    let _ = sandbox.git(["config", "core.hooksPath", ".githooks"]).ok();
    sandbox.install();
    let moved = sandbox.root().join("moved");
    fs::rename(sandbox.work(), &moved).unwrap();
    let guard = |word: &str| Ran::of(sandbox.command("guard", &moved).arg(word), b"");
    let _ = guard("log")
        .ok()
        .says("guard: this repository was moved or copied: hooks do not run here until 'guard install'");
    let doctor = guard("doctor").exits(1);
    assert!(doctor.stdout.contains("do: guard install\n"), "{doctor}");
    let _ = guard("install").ok();
    assert_eq!(guard("doctor").ok().stderr, "");
    refuses(&sandbox, &moved);
    fs::rename(&moved, sandbox.work()).unwrap();
}

#[test]
fn where_the_configuration_cannot_be_written_nothing_stays() {
    let sandbox = guarded();
    hook(&sandbox.at(".githooks"), "pre-commit");
    let _ = sandbox.git(["config", "core.hooksPath", ".githooks"]).ok();
    let before = all(&sandbox);
    fs::write(sandbox.at(".git/config.lock"), "").unwrap();
    let _ = sandbox.guard(["install"]).exits(5).says("/.git/config.lock' is locked by another process");
    fs::remove_file(sandbox.at(".git/config.lock")).unwrap();
    assert_eq!(before.differences(&all(&sandbox)), [""; 0]);
}

/// Every hook that a developer's git runs, with what it is told.
const RECORDED: [&str; 18] = [
    "applypatch-msg",
    "pre-applypatch",
    "post-applypatch",
    "pre-commit",
    "pre-merge-commit",
    "prepare-commit-msg",
    "commit-msg",
    "post-commit",
    "pre-rebase",
    "post-checkout",
    "post-merge",
    "pre-push",
    "pre-receive",
    "update",
    "post-receive",
    "post-update",
    "reference-transaction",
    "post-rewrite",
];

/// I3: each hook of the other folder is called as often as without guard, with the same arguments and stdin, in the same
/// folder. Transactions of guard's own refs are seen too and left out here.
#[test]
fn their_hooks_are_told_what_they_are_told_without_guard() {
    let record = |guard: bool| {
        let sandbox = guarded();
        for name in RECORDED {
            let script = "#!/bin/sh\n{ echo \"${0##*/} $* ${PWD##*/}\"; cat; echo =; } >>\"$HOME/ran\"\n";
            write_program(sandbox.root().join("theirs").join(name), script);
        }
        // Absolute, because what is received is received in the git folder.
        let _ = sandbox.git(["config", "core.hooksPath", sandbox.root().join("theirs").to_str().unwrap()]).ok();
        if guard {
            sandbox.install();
        }
        work(&sandbox);
        let text = fs::read_to_string(sandbox.root().join("home/ran")).unwrap();
        let ours = |line: &&str| !line.contains("refs/recoveryguard/");
        let calls = text.split_inclusive("=\n").map(|call| (call, call.lines().filter(ours).collect::<Vec<_>>()));
        let others = calls.filter(|(call, lines)| call.lines().count() == lines.len() || lines.len() > 2);
        others.map(|(_, lines)| lines.join("\n")).collect::<Vec<_>>()
    };
    let (with, without) = (record(true), record(false));
    for name in RECORDED {
        let of = |calls: &[String]| {
            let mut found = calls.to_vec();
            found.retain(|call| call.starts_with(&format!("{name} ")));
            found
        };
        assert!(!of(&without).is_empty() || name == "reference-transaction", "{name} was not tried");
        let (with, without) = (of(&with), of(&without));
        let differ = with.iter().zip(&without).position(|(one, other)| one != other);
        let at = differ.unwrap_or(with.len().min(without.len()));
        assert_eq!(with.get(at), without.get(at), "{name}: call {at}");
    }
}

/// Works in many ways.
fn work(sandbox: &Sandbox) {
    sandbox.branch("feat", &[("feat.txt", Some("feat\n"))]);
    let _ = sandbox.git(["merge", "-q", "feat"]).ok();
    sandbox.branch("other", &[("other.txt", Some("other\n")), ("both.txt", Some("other\n"))]);
    sandbox.write("mine.txt", "mine\n").commit("mine");
    let _ = sandbox.git(["merge", "-q", "-m", "merged", "other"]).ok();
    sandbox.branch("third", &[("both.txt", Some("third\n"))]);
    sandbox.write("both.txt", "mine\n").commit("both");
    let _ = sandbox.git(["merge", "-q", "third"]).fails();
    sandbox.write("both.txt", "settled\n").commit("settled");
    let _ = sandbox.git(["commit", "-q", "--amend", "-m", "amended"]).ok();
    let _ = sandbox.git(["checkout", "-q", "-b", "late", "feat"]).ok();
    sandbox.write("late.txt", "late\n").commit("late");
    let _ = sandbox.git(["rebase", "-q", "main"]).ok();
    let patch = sandbox.git(["format-patch", "--stdout", "-1"]).ok().stdout;
    let _ = sandbox.git(["reset", "-q", "--hard", "HEAD^"]).ok();
    let _ = Ran::of(sandbox.command("git", sandbox.work()).arg("am"), patch.as_bytes()).ok();
    let _ = sandbox.git(["init", "-q", "--bare", "../origin.git"]).ok();
    let _ = sandbox.git(["push", "-q", "../origin.git", "main", "late"]).ok();
    let origin = sandbox.root().join("origin.git");
    let _ = sandbox.git_in(&origin, ["push", "-q", "../repo", "main:pushed", "main:again"]).ok();
    let _ = sandbox.git(["branch", "-D", "again"]).ok();
    let _ = sandbox.git(["pack-refs", "--all"]).ok();
}
