//! The table in `docs/install.md` is what the tests run.

use super::{Manager, Step, Then, holds};

const G: Step = Step::Guard;
const M: Step = Step::Manager;

/// Manager, who puts hooks in and in which order, what has to be done then.
const ROWS: [(&Manager, &[Step], Then); 18] = [
    (&super::husky::HUSKY, &[M, G], Then::Nothing),
    (&super::husky::HUSKY, &[G, M], Then::GuardAgain),
    (&super::husky::HUSKY, &[M, G, M], Then::Nothing),
    (&super::lefthook::LEFTHOOK, &[M, G], Then::Nothing),
    (&super::lefthook::LEFTHOOK, &[G, M], Then::GuardAgain),
    (&super::lefthook::LEFTHOOK, &[M, G, M], Then::GuardAgain),
    (&super::frameworks::PRE_COMMIT, &[M, G], Then::Nothing),
    (&super::frameworks::PRE_COMMIT, &[G, M], Then::Nothing),
    (&super::frameworks::PRE_COMMIT, &[M, G, M], Then::Nothing),
    (&super::frameworks::PREK, &[M, G], Then::Nothing),
    (&super::frameworks::PREK, &[G, M], Then::Nothing),
    (&super::frameworks::PREK, &[M, G, M], Then::Nothing),
    (&super::git_lfs::GIT_LFS, &[M, G], Then::Nothing),
    (&super::git_lfs::GIT_LFS, &[G, M], Then::GuardAgain),
    (&super::git_lfs::GIT_LFS, &[M, G, M], Then::GuardAgain),
    (&super::overcommit::OVERCOMMIT, &[M, G], Then::Nothing),
    (&super::overcommit::OVERCOMMIT, &[G, M], Then::Nothing),
    (&super::overcommit::OVERCOMMIT, &[M, G, M], Then::Nothing),
];

/// Runs the rows of one manager.
pub(super) fn rows_of(manager: &Manager) {
    let rows = ROWS.iter().filter(|(of, ..)| of.name == manager.name);
    assert_eq!(rows.clone().count(), 3, "{}", manager.name);
    for (manager, steps, then) in rows {
        holds(manager, steps, *then);
    }
}

#[test]
fn the_document_has_the_table_that_the_tests_run() {
    let row = |(manager, steps, then): &(&Manager, &[Step], Then)| {
        let name = |step: &Step| if *step == Step::Guard { "guard" } else { manager.name };
        let steps: Vec<_> = steps.iter().map(name).collect();
        let then = match then {
            Then::Nothing => "nothing",
            Then::GuardAgain => "`guard install`",
        };
        format!("| {} | {then} |\n", steps.join(", "))
    };
    let table: String = ROWS.iter().map(row).collect();
    let text = include_str!("../../../docs/install.md");
    assert!(text.contains(&table), "docs/install.md must have these rows:\n{table}");
}
