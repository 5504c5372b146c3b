//! Exit codes are said in three places, which agree: the table in `report`, each `--help`, and docs/exit-codes.md.

use clap::CommandFactory as _;

use super::{Arguments, EXIT_CODES};
use crate::report::Exit;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/exit-codes.md");
const HEAD: &str = "\n## By command\n";

/// Returns a command's own sentence about its exit codes.
fn sentence(command: &clap::Command) -> String {
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let codes = after.split("Exit codes:").nth(1).unwrap_or_default();
    codes.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn rows(command: &clap::Command, name: &str, rows: &mut Vec<String>) {
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        let name = format!("{name} {}", below.get_name());
        let sentence = sentence(below);
        assert!(!sentence.is_empty(), "{name} does not tell its exit codes");
        if !below.is_subcommand_required_set() {
            rows.push(format!("| `{name}` | {sentence} |\n"));
        }
        self::rows(below, &name, rows);
    }
}

#[test]
fn the_page_of_exit_codes_is_up_to_date() {
    let mut listed = Vec::new();
    rows(&Arguments::command(), "guard", &mut listed);
    listed.sort_unstable();
    let generated = format!("{HEAD}\n| command | exit codes |\n|---|---|\n{}", listed.concat());
    let written = std::fs::read_to_string(PAGE).unwrap();
    let by_hand = written.split(HEAD).next().unwrap();
    #[expect(clippy::disallowed_methods, reason = "a test that is told to may rewrite the page it checks")]
    if std::env::var_os("RECOVERYGUARD_BLESS").is_some() {
        std::fs::write(PAGE, format!("{by_hand}{generated}")).unwrap();
    }
    for (exit, meaning) in Exit::TABLE {
        let meaning = meaning.replace("--strict", "`--strict`");
        let row = format!("| {} | {meaning} |\n", exit.code());
        assert!(by_hand.contains(&row), "docs/exit-codes.md lacks {row}");
    }
    let written = std::fs::read_to_string(PAGE).unwrap();
    let old = "docs/exit-codes.md is old: RECOVERYGUARD_BLESS=1 cargo test --lib the_page_of_exit_codes writes it";
    assert!(written.ends_with(&generated), "{old}");
}

#[test]
fn the_help_of_guard_itself_says_the_same() {
    let lines: Vec<&str> = EXIT_CODES.lines().skip(1).collect();
    assert_eq!(lines.len(), Exit::TABLE.len());
    for (line, (exit, meaning)) in lines.iter().zip(Exit::TABLE) {
        let (code, said) = line.trim().split_once(' ').unwrap();
        assert_eq!(code, exit.code().to_string());
        assert!(meaning.starts_with(said.trim()), "{line} is not '{meaning}'");
    }
}
