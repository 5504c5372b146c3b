//! `docs/git-versions.md`: what each git does that guard depends on, asked of that git itself, and how far guard guards with
//! it.
//!
//! A column holds for one version. The test compares the column of the git under test with what that git does, and every
//! other part with the register and with guard; `RECOVERYGUARD_BLESS=1` writes the page anew, with a column for the git
//! under test.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use recoveryguard::hooks::{Coverage, unfit};

use crate::support::{BEHAVIOURS, git_version, not_run};

const HEAD: &str = "# What gits do, and how far guard guards with them

Each answer was asked of that very git, in a repository of its own: `bash .ci/gits <path of a git> …` runs all tests on it,
and one of them compares what it does with its column here. `RECOVERYGUARD_BLESS=1 GUARD_TEST_GIT=<path> cargo test --test
suite git_versions` adds a column.

## What they do

";

const ROUTES: &str = "
## What guard makes of it

How far each route is guarded when every hook is installed, as `guard install` and `guard doctor` say it for the git at hand:
judged *before* anything is changed, *on-result* before that is committed, *after* the fact; *recorded*, not judged; or
*no*t at all; – where guard's hooks can't be installed.

";

const TAIL: &str = "
- **Before 2.26, and 2.28**: `guard install` refuses and says why, and so does `guard doctor`: 2.25 can't tell which file of
  its configuration says what, and 2.28 runs other programs in the place of a hook `reference-transaction`.
- **2.26 and 2.27**: a merge without conflict is refused before its commit; a fast-forward is flagged afterwards. `guard
  install` says so, and `guard doctor` counts it as bad.
- **2.29 to 2.37**: every merge is judged before a file is touched. What both sides changed can't be predicted there: it is
  judged on the result.
- **From 2.38 on** that is predicted, too; with `-X` from 2.43 on.
- Hooks in the configuration (2.54 and later) are not used for guard's own: an older git would ignore them. Those of others
  run beside guard's.
";

/// The answers of one git, by the name of a behaviour.
type Column = BTreeMap<String, String>;

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/git-versions.md")
}

/// Returns a version as numbers, for their order.
fn numbers(version: &str) -> (u32, u32, u32) {
    let mut numbers = version.split('.').map(|word| word.parse().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    (next(), next(), next())
}

/// Reads the columns of the first table.
fn columns(page: &str) -> BTreeMap<(u32, u32, u32), (String, Column)> {
    let mut rows = page.lines().filter(|line| line.starts_with('|')).take_while(|line| !line.starts_with("| route"));
    let cells = |line: &str| line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let Some(head) = rows.next().map(cells) else { return BTreeMap::new() };
    let mut found: Vec<(String, Column)> = head.into_iter().skip(2).map(|version| (version, Column::new())).collect();
    for row in rows.skip(1).map(cells) {
        for ((_, column), answer) in found.iter_mut().zip(row.iter().skip(2)) {
            column.insert(row[0].clone(), answer.clone());
        }
    }
    found.into_iter().map(|(version, column)| (numbers(&version), (version, column))).collect()
}

/// Asks the git under test.
fn answers() -> Column {
    let answer = |is_here| if is_here { "yes" } else { "–" }.to_owned();
    BEHAVIOURS.iter().map(|behaviour| (behaviour.name.to_owned(), answer(behaviour.is_here()))).collect()
}

fn page(columns: &BTreeMap<(u32, u32, u32), (String, Column)>) -> String {
    let mut text = HEAD.to_owned();
    let versions: Vec<&str> = columns.values().map(|(version, _)| version.as_str()).collect();
    let rule = "|---".repeat(versions.len());
    writeln!(text, "| git has | what is so then | {} |\n|---|---{rule}|", versions.join(" | ")).unwrap();
    for behaviour in BEHAVIOURS {
        let answer = |(_, column): &(String, Column)| column.get(behaviour.name).map_or("?", String::as_str).to_owned();
        let answers: Vec<String> = columns.values().map(answer).collect();
        writeln!(text, "| {} | {} | {} |", behaviour.name, behaviour.what, answers.join(" | ")).unwrap();
    }
    text.push_str(ROUTES);
    writeln!(text, "| route | {} |\n|---{rule}|", versions.join(" | ")).unwrap();
    let coverages: Vec<Coverage> = columns.keys().map(|version| Coverage::new(*version, |_| true)).collect();
    let routes = coverages.first().map_or(&[][..], |coverage| &coverage.routes);
    for (index, route) in routes.iter().enumerate() {
        let guarded = |coverage: &Coverage| match unfit(coverage.git) {
            Some(_) => "–",
            None => coverage.routes[index].guarded.name(),
        };
        let guarded: Vec<&str> = coverages.iter().map(guarded).collect();
        writeln!(text, "| {} | {} |", route.what, guarded.join(" | ")).unwrap();
    }
    text + TAIL
}

#[test]
fn this_git_does_what_its_column_says() {
    let written = fs::read_to_string(file()).unwrap_or_default();
    let (mut columns, version) = (columns(&written), numbers(git_version()));
    if std::env::var_os("RECOVERYGUARD_BLESS").is_some() {
        columns.insert(version, (git_version().to_owned(), answers()));
        return fs::write(file(), page(&columns)).unwrap();
    }
    assert!(written == page(&columns) && !written.contains("| ? |"), "docs/git-versions.md is not up to date");
    let Some((_, column)) = columns.get(&version) else {
        return not_run(&format!("git {} has no column in docs/git-versions.md", git_version()));
    };
    let now = answers();
    let differ = |name: &&String| column.get(*name) != now.get(*name);
    let differ: Vec<&String> = now.keys().filter(differ).collect();
    assert!(differ.is_empty(), "git {} differs from its column: {differ:?}", git_version());
}
