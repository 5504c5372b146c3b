//! The scripts in `hooks/`, run by both shells that stand behind `/bin/sh`: what they drop, what they hand over (I3, I7,
//! H4, H10). A script that writes down how it was called takes guard's place.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use recoveryguard::hooks::{Script, Setting, render};
use recoveryguard::model::Hook;

use crate::support::{Ran, write_program};

const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const Z: &str = "0000000000000000000000000000000000000000";

/// A hooks folder with one script, run by one shell.
struct Bench {
    folder: tempfile::TempDir,
    hook: Hook,
}

/// Runs a test under each shell that this machine has; dash or bash must be there.
fn each_shell(hook: Hook, test: impl Fn(&Bench)) {
    let shells: Vec<_> = ["/bin/dash", "/bin/bash"].into_iter().filter(|shell| Path::new(shell).exists()).collect();
    assert!(!shells.is_empty(), "neither dash nor bash is here");
    for shell in shells {
        let bench = Bench::new(hook, shell, "guard");
        test(&bench);
    }
}

/// Stands in for guard: writes down its arguments, the lines handed over and stdin; ends with `FAKE_STATUS`.
const FAKE: &str = r#"#!/bin/sh
[ "$1" = --version ] && { echo "guard 0 (RecoveryGuard)"; exit; }
{ echo "args $*"; printf 'lines %s|' "$RECOVERYGUARD_LINES"; echo; echo "stdin $(cat | cksum)"; } >>"$FAKE_RECORD"
exit ${FAKE_STATUS:-0}
"#;

impl Bench {
    fn new(hook: Hook, shell: &str, guard: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bench = Self { folder, hook };
        write_program(bench.at(guard), FAKE);
        // A shell that is called `sh` behaves as one.
        fs::create_dir_all(bench.at("shell")).unwrap();
        symlink(shell, bench.at("shell/sh")).unwrap();
        let script = String::from_utf8(render(Script::Judging(hook), &bench.at(guard), &Setting::default())).unwrap();
        write_program(bench.script(), script);
        fs::create_dir_all(bench.at("git/recoveryguard")).unwrap();
        bench
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn script(&self) -> PathBuf {
        self.at("git/hooks").join(self.hook.name())
    }

    /// Prepares what the kernel makes of a script's first line: that line takes no folder with a space in its name.
    fn shell(&self, script: &Path) -> Command {
        let mut command = Command::new(self.at("shell/sh"));
        command.arg(script);
        command
    }

    fn original(&self, text: &str) {
        let name = format!("{}.recoveryguard-original", self.hook.name());
        write_program(self.at("git/hooks").join(name), text);
    }

    /// Runs the script as git does, with these variables more.
    fn run(&self, arguments: &[&str], input: &str, variables: &[(&str, &str)]) -> Ran {
        // Nothing of an earlier run.
        let _ = fs::remove_file(self.at("record"));
        let mut command = self.shell(&self.script());
        command.args(arguments).current_dir(self.folder.path()).env_clear();
        command.env("PATH", "/usr/bin:/bin").env("HOME", self.at("home")).env("FAKE_RECORD", self.at("record"));
        // As it is within a merge.
        command.env("GIT_REFLOG_ACTION", "merge feat").envs(variables.iter().copied());
        Ran::of(&mut command, input.as_bytes())
    }

    /// Returns how guard was called; empty when it was not.
    fn record(&self) -> String {
        fs::read_to_string(self.at("record")).unwrap_or_default()
    }

    fn missed(&self) -> String {
        fs::read_to_string(self.at("git/recoveryguard/missed")).unwrap_or_default()
    }
}

fn line(name: &str) -> String {
    format!("{Z} {A} {name}\n")
}

fn sum(text: &str) -> String {
    let mut command = Command::new("cksum");
    Ran::of(&mut command, text.as_bytes()).ok().line().to_owned()
}

/// What the empty stdin of a hook sums up to.
fn nothing() -> String {
    let mut command = Command::new("cksum");
    Ran::of(&mut command, b"").ok().line().to_owned()
}

/// H4: every dialect that can't matter is dropped without guard, and never with a status that refuses.
#[test]
fn what_cannot_matter_is_dropped() {
    let many = line("refs/tags/x").repeat(32);
    let symbolic = format!("{Z} ref:refs/heads/x refs/remotes/origin/HEAD\n");
    let quiet: &[(&str, &str)] = &[
        ("prepared", ""),
        ("prepared", "\n"),
        ("prepared", &line("refs/heads/x")),
        ("prepared", &line("HEAD")),
        ("prepared", &(line("refs/heads/x") + &line("ORIG_HEAD"))),
        ("prepared", &line("refs/heads/ORIG_HEAD")),
        ("prepared", &format!("{A} {Z} refs/heads/x\n")),
        ("prepared", &format!("{Z} {Z} refs/tags/x\n")),
        ("preparing", &line("ORIG_HEAD")),
        ("aborted", &line("refs/heads/x")),
        ("rejoiced", &line("refs/heads/x")),
        ("", &line("refs/heads/x")),
        ("committed", ""),
        ("committed", &line("ORIG_HEAD")),
        ("committed", &line("AUTO_MERGE")),
        ("committed", &line("refs/remotes/origin/HEAD")),
        ("committed", &line("refs/remotes/origin/refs/heads/x")),
        ("committed", &symbolic),
        ("committed", &many),
    ];
    each_shell(Hook::ReferenceTransaction, |bench| {
        for (state, input) in quiet {
            let ran = bench.run(&[state], input, &[("FAKE_STATUS", "1")]).ok();
            assert_eq!((ran.stdout + &ran.stderr, bench.record()), Default::default(), "{state} {input}");
        }
        // reset, rebase and stash write ORIG_HEAD too, but not within a merge.
        let mut reset = bench.shell(&bench.script());
        reset.arg("prepared").env_remove("GIT_REFLOG_ACTION").env("FAKE_STATUS", "1");
        let _ = Ran::of(reset.env("FAKE_RECORD", bench.at("record")), line("ORIG_HEAD").as_bytes()).ok();
        assert_eq!(bench.record(), "");
    });
}

/// What matters is handed over whole: lines that the shell has read, then the rest on stdin; the status is guard's.
#[test]
fn what_matters_is_handed_over_whole() {
    let deep = line("refs/tags/x").repeat(20) + &line("refs/heads/y") + &line("refs/tags/z");
    let undecided = line("refs/tags/x").repeat(5000);
    let cases: &[(&str, String, usize)] = &[
        ("prepared", line("ORIG_HEAD"), 1),
        ("prepared", format!("{Z} {Z} refs/heads/x\n").repeat(3), 1),
        ("committed", line("HEAD"), 1),
        ("committed", format!("{Z} ref:refs/heads/x HEAD\n"), 1),
        ("committed", line("refs/heads/x"), 1),
        ("committed", line("refs/heads/x").trim_end().to_owned(), 1),
        ("committed", deep, 21),
        ("committed", undecided, 33),
    ];
    each_shell(Hook::ReferenceTransaction, |bench| {
        for (state, input, read) in cases {
            let _ = bench.run(&[state], input, &[("FAKE_STATUS", "1")]).exits(1);
            let lines: String = input.lines().take(*read).map(|line| format!("{line}\n")).collect();
            let rest: String = input.split_inclusive('\n').skip(*read).collect();
            let expected = format!("args hook reference-transaction {state}\nlines {lines}|\nstdin {}\n", sum(&rest));
            assert_eq!(bench.record(), expected);
        }
    });
}

/// I3: the hook that was there runs first, with the same arguments and the same stdin to the last newline; its refusal
/// wins.
#[test]
fn a_chained_hook_sees_the_same_and_wins() {
    let hook = "#!/bin/sh\n{ echo \"$*\"; cat; } >\"$FAKE_RECORD.theirs\"\nexit ${THEIR_STATUS:-0}\n";
    let inputs =
        [String::new(), line("HEAD"), line("HEAD") + "\n\n", "no newline".to_owned(), line("refs/heads/\u{e9}")];
    each_shell(Hook::ReferenceTransaction, |bench| {
        bench.original(hook);
        for state in ["prepared", "committed", "aborted"] {
            for input in &inputs {
                let _ = bench.run(&[state], input, &[]).ok();
                let seen = fs::read_to_string(bench.at("record.theirs")).unwrap();
                assert_eq!(seen, format!("{state}\n{input}"));
            }
        }
        let _ = bench.run(&["committed"], &line("HEAD"), &[]).ok();
        assert!(bench.record().starts_with("args hook reference-transaction committed\n"));
        let _ = bench.run(&["prepared"], &line("ORIG_HEAD"), &[("THEIR_STATUS", "7")]).exits(7);
        assert_eq!(bench.record(), "");
        let _ = bench.run(&["prepared"], &line("ORIG_HEAD"), &[("FAKE_STATUS", "1")]).exits(1);
        // A hook that does not read its stdin is no reason to fail.
        bench.original("#!/bin/sh\n");
        let ran = bench.run(&["committed"], &line("refs/tags/x").repeat(5000), &[]).ok();
        assert_eq!(ran.stderr, "");
        // git itself ignores a hook without its run bit.
        bench.original("#!/bin/sh\nexit 1\n");
        let kept = bench.at("git/hooks/reference-transaction.recoveryguard-original");
        fs::set_permissions(kept, fs::Permissions::from_mode(0o644)).unwrap();
        let _ = bench.run(&["prepared"], &line("ORIG_HEAD"), &[]).ok();
    });
}

/// After the fact nothing can be refused: guard is called though the other hook failed, and that status is returned,
/// which for post-checkout becomes git's own.
#[test]
fn after_the_fact_both_run_and_their_status_is_kept() {
    for (hook, arguments, input) in [
        (Hook::PostMerge, &["0"][..], ""),
        (Hook::PostCommit, &[], ""),
        (Hook::PostCheckout, &[A, Z, "1"], ""),
        (Hook::PostRewrite, &["rebase"], "a b\n\n"),
    ] {
        each_shell(hook, |bench| {
            bench.original("#!/bin/sh\ncat >\"$FAKE_RECORD.theirs\"\nexit 7\n");
            let _ = bench.run(arguments, input, &[]).exits(7);
            let call = format!("args hook {} {}", hook.name(), arguments.join(" "));
            assert!(bench.record().starts_with(call.trim_end()), "{}", bench.record());
            assert!(bench.record().ends_with(&format!("stdin {}\n", sum(input))), "{}", bench.record());
            assert_eq!(fs::read_to_string(bench.at("record.theirs")).unwrap(), input);
        });
    }
}

/// Git that guard itself started asks no guard, but the other hook all the same.
#[test]
fn inside_guard_only_the_other_hook_runs() {
    for hook in Hook::ALL {
        each_shell(hook, |bench| {
            let arguments = if hook == Hook::PostCheckout { &[A, Z, "1"][..] } else { &["prepared"] };
            let inside = [("RECOVERYGUARD_INSIDE", "1")];
            let _ = bench.run(arguments, &line("ORIG_HEAD"), &inside).ok();
            assert_eq!(bench.record(), "");
            bench.original("#!/bin/sh\ncat >\"$FAKE_RECORD.theirs\"\nexit 7\n");
            let _ = bench.run(arguments, &line("ORIG_HEAD"), &inside).exits(7);
            assert_eq!(fs::read_to_string(bench.at("record.theirs")).unwrap(), line("ORIG_HEAD"));
            assert_eq!(bench.record(), "");
        });
    }
}

/// Commits that conclude nothing cost no process.
#[test]
fn only_conclusions_ask_before_a_commit() {
    each_shell(Hook::PreCommit, |bench| {
        let called = |expected: bool, variables: &[(&str, &str)]| {
            let _ = bench.run(&[], "", variables).ok();
            assert_eq!(!bench.record().is_empty(), expected);
        };
        // The git folder can't be told: ask, to be safe.
        called(true, &[]);
        fs::create_dir(bench.at(".git")).unwrap();
        called(false, &[]);
        fs::write(bench.at(".git/SQUASH_MSG"), "").unwrap();
        called(true, &[]);
        fs::create_dir(bench.at("elsewhere")).unwrap();
        called(false, &[("GIT_DIR", "elsewhere")]);
        fs::write(bench.at("elsewhere/MERGE_HEAD"), "").unwrap();
        called(true, &[("GIT_DIR", "elsewhere")]);
    });
    each_shell(Hook::PrepareCommitMsg, |bench| {
        let _ = bench.run(&["msg", "merge"], "", &[]).ok();
        assert_eq!(bench.record(), "");
        fs::write(bench.at("git/recoveryguard/allowing"), "").unwrap();
        let _ = bench.run(&["msg", "merge"], "", &[]).ok();
        assert_eq!(bench.record(), format!("args hook prepare-commit-msg msg merge\nlines |\nstdin {}\n", nothing()));
    });
    each_shell(Hook::PostCheckout, |bench| {
        for (arguments, expected) in [([A, A, "1"], false), ([A, Z, "0"], false), ([A, Z, "1"], true)] {
            let _ = bench.run(&arguments, "", &[]).ok();
            assert_eq!(!bench.record().is_empty(), expected, "{arguments:?}");
        }
    });
}

/// I7: any absolute path is one word.
#[test]
fn the_path_of_guard_may_hold_anything() {
    for shell in ["/bin/dash", "/bin/bash"].into_iter().filter(|shell| Path::new(shell).exists()) {
        for guard in ["a b/guard", "it's/guard", "$HOME/`x`/\\n/guard", "\"q\"/guard;#", "new\nline/guard", "-n/guard"]
        {
            let bench = Bench::new(Hook::PreMergeCommit, shell, guard);
            let _ = bench.run(&[], "", &[("FAKE_STATUS", "1")]).exits(1);
            assert!(bench.record().starts_with("args hook pre-merge-commit\n"), "{guard}");
        }
    }
}

/// I7: a guard that moved is found on PATH and in the usual folders; another program of that name is not taken for it.
#[test]
fn a_guard_that_moved_is_found_and_no_other_program() {
    each_shell(Hook::PreMergeCommit, |bench| {
        let there = bench.at("guard");
        write_program(bench.at("other/guard"), "#!/bin/sh\necho ran >>\"$FAKE_RECORD\"\nexit 1\n");
        fs::remove_file(&there).unwrap();
        let path = format!("{}:/usr/bin:/bin", bench.at("other").display());
        let _ = bench.run(&[], "", &[("PATH", &path)]).ok().says("not judged");
        assert!(!bench.record().contains("args hook"), "{}", bench.record());
        write_program(bench.at("home/.cargo/bin/guard"), FAKE);
        let _ = bench.run(&[], "", &[("PATH", &path), ("FAKE_STATUS", "1")]).exits(1);
        assert!(bench.record().ends_with(&format!("args hook pre-merge-commit\nlines |\nstdin {}\n", nothing())));
        write_program(bench.at("moved/guard"), FAKE);
        fs::remove_file(bench.at("home/.cargo/bin/guard")).unwrap();
        let path = format!("{}:/usr/bin:/bin", bench.at("moved").display());
        let _ = bench.run(&[], "", &[("PATH", &path), ("FAKE_STATUS", "1")]).exits(1);
    });
}

/// H10: without guard nothing is refused; it is said where something is judged, and noted for doctor.
#[test]
fn a_missing_guard_never_refuses() {
    for (hook, arguments, input, is_said) in [
        (Hook::ReferenceTransaction, &["prepared"][..], line("ORIG_HEAD"), true),
        (Hook::ReferenceTransaction, &["committed"], line("HEAD"), false),
        (Hook::PreMergeCommit, &[], String::new(), true),
        (Hook::PreCommit, &[], String::new(), true),
        (Hook::PostCommit, &[], String::new(), false),
        (Hook::PostCheckout, &[A, Z, "1"], String::new(), false),
    ] {
        each_shell(hook, |bench| {
            fs::remove_file(bench.at("guard")).unwrap();
            let ran = bench.run(arguments, &input, &[]).ok();
            assert_eq!(ran.stderr.lines().count(), usize::from(is_said), "{ran}");
            assert!(bench.missed().starts_with(&format!("{} ", hook.name())), "{}", bench.missed());
            let mode = fs::metadata(bench.at("git/recoveryguard/missed")).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
            // The same command (here: this process) says it once.
            let ran = bench.run(arguments, &input, &[]).ok();
            assert_eq!(ran.stderr, "");
            // The note does not grow without end.
            fs::write(bench.at("git/recoveryguard/missed"), "x\n".repeat(40_000)).unwrap();
            let _ = bench.run(arguments, &input, &[]).ok();
            assert_eq!(bench.missed().len(), 80_000);
            // Nowhere to note it is no reason to fail either.
            fs::remove_dir_all(bench.at("git/recoveryguard")).unwrap();
            let ran = bench.run(arguments, &input, &[]).ok();
            assert_eq!(ran.stderr.lines().count(), usize::from(is_said), "{ran}");
        });
    }
}

/// H10: a guard that can't run, crashes or does not understand is as good as none; its own verdicts count.
#[test]
fn only_a_verdict_refuses() {
    each_shell(Hook::ReferenceTransaction, |bench| {
        for (status, expected) in [("0", 0), ("1", 1), ("3", 3), ("130", 130), ("2", 0), ("101", 0), ("126", 0)] {
            let _ = bench.run(&["prepared"], &line("ORIG_HEAD"), &[("FAKE_STATUS", status)]).exits(expected);
        }
        for broken in ["#!/nowhere/sh\n", "#!/bin/sh\nkill -9 $$\n", "\x7fELF"] {
            write_program(bench.at("guard"), broken);
            let _ = bench.run(&["prepared"], &line("ORIG_HEAD"), &[]).ok();
        }
    });
}

/// `pre-commit install` moves our script to `<name>.legacy` and calls it there: it still finds the hook before it.
#[test]
fn as_the_legacy_hook_of_another_manager_it_works_too() {
    each_shell(Hook::PreMergeCommit, |bench| {
        bench.original("#!/bin/sh\nexit 7\n");
        let legacy = bench.at("git/hooks/pre-merge-commit.legacy");
        fs::rename(bench.script(), &legacy).unwrap();
        let mut command = bench.shell(&legacy);
        let _ = Ran::of(command.env("FAKE_RECORD", bench.at("record")), b"").exits(7);
    });
}

/// H12: a closed stdin, stdout or stderr changes nothing.
#[test]
fn closed_streams_are_no_reason_to_refuse() {
    each_shell(Hook::ReferenceTransaction, |bench| {
        for redirection in ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"] {
            for state in ["prepared", "committed"] {
                let mut command = Command::new("/bin/sh");
                let line = format!("exec \"$0\" \"$1\" {state} {redirection}");
                command
                    .args(["-c", &line])
                    .arg(bench.at("shell/sh"))
                    .arg(bench.script())
                    .env("GIT_REFLOG_ACTION", "merge feat");
                let _ = Ran::of(&mut command, b"").ok();
            }
        }
    });
}
