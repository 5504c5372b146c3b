//! Completions and manual pages: there for every command, and of the form that shells and `man` read.

use std::fs;

use crate::support::{Ran, Sandbox};

#[test]
fn every_command_has_a_manual_page_with_its_examples() {
    let sandbox = Sandbox::new();
    let _ = sandbox.guard(["man", "-o", "pages"]).ok().says("pages");
    let text = |name: &str| fs::read_to_string(sandbox.at(format!("pages/{name}.1"))).unwrap();
    assert!(text("guard").contains("guard\\-restore") || text("guard").contains("guard-restore"), "{}", text("guard"));
    assert!(text("guard-backup-create").contains("Exit codes"));
    assert_eq!(text("guard-restore"), sandbox.guard(["man", "restore"]).ok().stdout);
    assert!(!sandbox.at("pages/guard-hook.1").exists());
    let unknown = sandbox.guard(["man", "nothing"]).exits(2);
    assert!(unknown.stderr.contains("hint: guard --help"), "{unknown}");
    let help = sandbox.guard(["--help"]).ok().stdout;
    let listed =
        help.lines().skip_while(|line| !line.starts_with("Commands:")).skip(1).take_while(|line| !line.is_empty());
    for name in listed.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help") {
        if line_is_command(&help, name) {
            assert!(sandbox.at(format!("pages/guard-{name}.1")).exists(), "{name} has no page");
        }
    }
}

/// Returns whether a word begins a line of the list: descriptions may go on in the next line.
fn line_is_command(help: &str, name: &str) -> bool {
    help.lines().any(|line| line.starts_with(&format!("  {name} ")))
}

#[test]
fn the_completions_of_bash_are_a_script_that_bash_reads() {
    let sandbox = Sandbox::new();
    let script = sandbox.guard(["completions", "bash"]).ok().stdout;
    assert!(script.contains("undo-merge") && script.contains("complete -F"));
    sandbox.write("guard.bash", &script);
    let _ = Ran::of(sandbox.command("bash", sandbox.work()).args(["-n", "guard.bash"]), b"").ok();
    for shell in ["zsh", "fish", "elvish", "powershell"] {
        assert!(sandbox.guard(["completions", shell]).ok().stdout.contains("undo-merge"), "{shell}");
    }
}
